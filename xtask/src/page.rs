//! Building the page with Trunk: into dist/ for a static host, or served here while it is edited.
//!
//! Leaves out what goes into the page (web/index.html, Trunk.toml) and how large it got
//! (`weight`).

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::process::{self, path_with, run};
use crate::step::{Failure, Step};
use crate::{setup, weight};

const PORT_DEFAULT: u16 = 8080;

/// How `serve` was called.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ServeOptions {
    pub(crate) port: u16,
    pub(crate) open: bool,
}

impl ServeOptions {
    pub(crate) fn from_words(words: &[&str]) -> Result<Self, String> {
        let mut options = Self {
            port: PORT_DEFAULT,
            open: false,
        };
        let mut words = words.iter().flat_map(|word| word.split('='));
        while let Some(word) = words.next() {
            match word {
                "--open" => options.open = true,
                "--port" => {
                    let port = words.next().unwrap_or_default();
                    options.port = port.parse().map_err(|_| {
                        format!("`--port` wants a number up to 65535, not `{port}`")
                    })?;
                }
                other => return Err(format!("`serve` does not take `{other}`")),
            }
        }
        Ok(options)
    }
}

/// What Trunk needs: the folders of the tools it calls.
fn tools() -> Result<Vec<PathBuf>, Failure> {
    setup::wasm_target()?;
    let folders = vec![setup::wasm_bindgen()?, setup::trunk()?];
    setup::crates()?;
    Ok(folders)
}

fn trunk(arguments: &[&str], folders: &[PathBuf]) -> Command {
    let mut trunk = process::command("trunk");
    trunk
        .args(arguments)
        .args([
            "--skip-version-check",
            "--offline",
            "--cargo-profile",
            "web",
        ])
        .env("PATH", path_with(folders))
        // Trunk takes only `true` and `false`, and other tools set it to `1`.
        .env_remove("NO_COLOR");
    trunk
}

/// Builds the page into dist/ and says what is in it.
pub(crate) fn dist() -> Result<(), Failure> {
    build()?;
    weight::report()
}

/// Builds the page into dist/.
pub(crate) fn build() -> Result<(), Failure> {
    let mut folders = tools()?;
    let mut arguments = vec!["build"];
    match setup::wasm_opt() {
        Some(folder) => {
            folders.push(folder);
            // With a profile given, all this does is to turn wasm-opt on.
            arguments.push("--release");
        }
        None => println!("  no wasm-opt (it needs node): the page will be a little larger"),
    }
    Step {
        name: "Build the page into dist/",
        cost: "two minutes the first time",
        remedy: "read the compiler's message above; `cargo check -p web --target \
                 wasm32-unknown-unknown` repeats it quickly",
    }
    .run(|| run(&mut trunk(&arguments, &folders)))
}

/// Builds the page, serves it on this machine and rebuilds it after edits, until interrupted.
pub(crate) fn serve(options: &ServeOptions) -> Result<(), Failure> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
    Step {
        name: &format!("Check that port {} is free", options.port),
        cost: "",
        remedy: "end the program that listens there, or choose another with `--port N`",
    }
    .run(|| {
        TcpListener::bind(address)
            .map(drop)
            .map_err(|error| error.to_string())
    })?;
    let folders = tools()?;
    let port = options.port.to_string();
    // A folder of its own: the optimized build in dist/ stays. No reload script, since the
    // page's content policy rightly refuses it.
    let mut arguments = vec![
        "serve",
        "--dist",
        "target/serve",
        "--no-autoreload",
        "--no-spa",
    ];
    arguments.extend(["--address", "127.0.0.1", "--port", &port]);
    for folder in ["web", "sim-core", "traces"] {
        if process::root().join(folder).is_dir() {
            arguments.extend(["--watch", folder]);
        }
    }
    if options.open {
        arguments.push("--open");
    }
    Step {
        name: "Build the page and serve it",
        cost: "two minutes the first time",
        remedy: "read the compiler's message above",
    }
    .run(|| {
        let mut trunk = trunk(&arguments, &folders);
        std::fs::create_dir_all(process::root().join("target/serve"))
            .map_err(|error| error.to_string())?;
        let mut child = trunk.spawn().map_err(|error| error.to_string())?;
        let mut announced = false;
        loop {
            if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
                return Err(format!("Trunk ended with {status}"));
            }
            // Trunk listens once the first build is done.
            if !announced && TcpStream::connect(address).is_ok() {
                announced = true;
                println!("\n  Reaperscope is at http://{address}/ (reload after an edit; Ctrl-C ends it)\n");
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_is_read_in_both_spellings() {
        for words in [["--port", "81"].as_slice(), &["--port=81"]] {
            let options = ServeOptions::from_words(words).expect("valid");
            assert_eq!(
                options,
                ServeOptions {
                    port: 81,
                    open: false
                }
            );
        }
        assert_eq!(
            ServeOptions::from_words(&[]).expect("valid").port,
            PORT_DEFAULT
        );
    }

    #[test]
    fn bad_port_is_named() {
        for words in [
            ["--port", "70000"].as_slice(),
            &["--port"],
            &["--port", "-1"],
        ] {
            assert!(ServeOptions::from_words(words).is_err(), "{words:?}");
        }
    }
}
