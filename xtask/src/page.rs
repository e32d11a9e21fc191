//! Building the page with Trunk: into dist/ for a static host, or served here while it is edited.
//!
//! Leaves out what goes into the page (web/index.html, Trunk.toml) and how large it got
//! (`weight`).

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use crate::browser::CHROMIUM;
use crate::process::{self, path_with, run};
use crate::step::{Failure, Step};
use crate::{models, offline, parts, setup, single, styles, weight};

const PORT_DEFAULT: u16 = 8080;

/// The page as one file; every build makes it, since the tests open it too.
const SINGLE_FILE: &str = "dist/single/reaperscope.html";

/// How `serve` was called.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ServeOptions {
    pub(crate) port: u16,
    pub(crate) open: bool,
}

impl ServeOptions {
    pub(crate) fn from_words(words: &[&str]) -> Result<Self, String> {
        let mut options = Self { port: PORT_DEFAULT, open: false };
        let mut words = words.iter().copied();
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

/// How `dist` was called.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct DistOptions {
    /// Whether to say where the page as one file is.
    pub(crate) single_file: bool,
    /// Where pages of older models are.
    pub(crate) models: Option<PathBuf>,
}

impl DistOptions {
    pub(crate) fn from_words(words: &[&str]) -> Result<Self, String> {
        let mut options = Self::default();
        let mut words = words.iter().copied();
        while let Some(word) = words.next() {
            match word {
                "--single-file" => options.single_file = true,
                "--models" => {
                    let folder = words.next().filter(|folder| !folder.starts_with("--"));
                    let folder = folder.ok_or("`--models` wants a folder")?;
                    // Steps run in the root, and a path means what it means where it was typed.
                    let folder = std::path::absolute(folder).map_err(|error| error.to_string())?;
                    options.models = Some(folder);
                }
                other => return Err(format!("`dist` does not take `{other}`")),
            }
        }
        Ok(options)
    }
}

/// Folders of Trunk and of the tools that it calls.
struct Tools {
    trunk: PathBuf,
    called: Vec<PathBuf>,
}

impl Tools {
    fn set_up() -> Result<Self, Failure> {
        setup::wasm_target()?;
        let called = vec![setup::wasm_bindgen()?];
        let trunk = setup::trunk()?;
        setup::crates()?;
        Ok(Self { trunk, called })
    }
}

fn trunk(arguments: &[&str], tools: &Tools) -> Command {
    let mut trunk = process::command(tools.trunk.join("trunk"));
    trunk
        .args(arguments)
        .args(["--skip-version-check", "--offline", "--cargo-profile", "web"])
        .env("PATH", path_with(&tools.called))
        // Trunk takes only `true` and `false`, and other tools set it to `1`.
        .env_remove("NO_COLOR");
    trunk
}

/// Builds the page into dist/ and says what is in it.
pub(crate) fn dist(options: &DistOptions) -> Result<(), Failure> {
    build_with(options.models.as_deref())?;
    weight::report()?;
    if options.single_file {
        println!("  one file with all of it: {SINGLE_FILE}");
    }
    Ok(())
}

/// Builds the page into dist/.
pub(crate) fn build() -> Result<(), Failure> {
    build_with(None)
}

/// The same, with pages of older models below it.
fn build_with(older: Option<&Path>) -> Result<(), Failure> {
    let mut tools = Tools::set_up()?;
    let mut arguments = vec!["build"];
    match setup::wasm_opt() {
        Some(folder) => {
            tools.called.push(folder);
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
    .run(|| run(&mut trunk(&arguments, &tools)))?;
    let dist = process::root().join("dist");
    Step { name: "Make one style sheet of all", cost: "", remedy: LAYOUT }
        .run(|| styles::join(&dist))?;
    Step { name: "Take out what the linker left for the parting", cost: "", remedy: LAYOUT }
        .run(|| parts::lean(&dist))?;
    Step { name: "Write the page as one file", cost: "", remedy: LAYOUT }
        .run(|| single::write(&dist, &process::root().join(SINGLE_FILE)).map(drop))?;
    parts::prepare(&dist)?;
    if let Some(older) = older {
        Step {
            name: "Put pages of older models below the page",
            cost: "ten minutes for each that is not kept",
            remedy: "`git tag --list 'model-*'` names their sources; a page built in another way \
                     does as well, as a folder DIR/N",
        }
        .run(|| models::fill(older).and_then(|()| models::take_in(&dist, older)))?;
    }
    Step { name: "List what is kept for visits without a network", cost: "", remedy: LAYOUT }
        .run(|| offline::prepare(&dist))?;
    Step { name: "Have the command line take in the page", cost: "", remedy: LAYOUT }
        .run(|| look_again(&process::root().join("cli/build.rs")).map_err(|e| e.to_string()))
}

/// Makes a file newer than what was built of it: cargo cannot watch for a folder to come into being.
fn look_again(file: &Path) -> std::io::Result<()> {
    File::options().append(true).open(file)?.set_modified(SystemTime::now())
}

/// Builds the page and takes pictures of it, for people to look at.
pub(crate) fn screenshots() -> Result<(), Failure> {
    build()?;
    let chromium = CHROMIUM.set_up()?;
    Step {
        name: "Take pictures of the page into e2e/screenshots/",
        cost: "a minute",
        remedy: "read what the script printed above",
    }
    .run(|| {
        let mut node = process::command("node");
        node.arg("screenshots.mjs").current_dir(process::root().join("e2e"));
        run(node.env("CHROMIUM", chromium))
    })
}

/// What to do when the built page is not laid out as the steps after Trunk expect.
const LAYOUT: &str = "compare web/index.html and Trunk.toml with what the message looks for";

/// Builds the page, serves it on this machine and rebuilds it after edits, until interrupted.
pub(crate) fn serve(options: &ServeOptions) -> Result<(), Failure> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
    Step {
        name: &format!("Check that port {} is free", options.port),
        cost: "",
        remedy: "end the program that listens there, or choose another with `--port N`",
    }
    .run(|| TcpListener::bind(address).map(drop).map_err(|error| error.to_string()))?;
    let tools = Tools::set_up()?;
    let port = options.port.to_string();
    // A folder of its own: the optimized build in dist/ stays. No reload script, since the
    // page's content policy rightly refuses it.
    let mut arguments = vec!["serve", "--dist", "target/serve", "--no-autoreload", "--no-spa"];
    arguments.extend([
        "--address",
        "127.0.0.1",
        "--disable-address-lookup",
        "true",
        "--port",
        &port,
    ]);
    for folder in ["web", "sim-core", "traces", "docs"] {
        if process::root().join(folder).is_dir() {
            arguments.extend(["--watch", folder]);
        }
    }
    if options.open {
        arguments.push("--open");
    }
    Step {
        name: &format!("Build the page, then serve it at http://{address}/ until Ctrl-C"),
        cost: "two minutes the first time; after an edit reload the page",
        remedy: "read Trunk's message above",
    }
    .run(|| {
        std::fs::create_dir_all(process::root().join("target/serve"))
            .map_err(|error| error.to_string())?;
        become_or_run(&mut trunk(&arguments, &tools))
    })
}

/// Hands this process over to the command where the system can, so that whoever ends us ends the
/// server and leaves no orphan.
fn become_or_run(command: &mut Command) -> Result<(), String> {
    #[cfg(unix)]
    return Err(std::os::unix::process::CommandExt::exec(command).to_string());
    #[cfg(not(unix))]
    run(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_port_is_named() {
        for words in [["--port", "70000"].as_slice(), &["--port"], &["--port", "-1"]] {
            assert!(ServeOptions::from_words(words).is_err(), "{words:?}");
        }
    }
}
