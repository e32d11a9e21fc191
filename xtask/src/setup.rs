//! Set-up: everything a chore needs besides Rust, installed once at the wanted versions.
//!
//! Leaves alone what is there already, also other versions of the same tools. The page needs the
//! WebAssembly target, Trunk and wasm-bindgen; only tests in a browser and a smaller download
//! need node. Browsers have a file of their own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{self, apt_get, can_apt_get, cargo_home, find, output, run};
use crate::step::{Failure, Step};

/// The newest Trunk that builds with the oldest Rust we support; later ones need a later Rust.
const TRUNK_VERSION: &str = "0.21.14";

/// The book needs nothing that other versions would not do as well.
const MDBOOK_VERSION: &str = "0.5.4";

/// What playwright-core asks for.
const NODE_MAJOR_MIN: u32 = 20;

/// The version Trunk.toml asks for; Trunk would download any other.
const WASM_OPT_VERSION: &str = "version_132";

const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// The WebAssembly target of the compiler in use.
pub(crate) fn wasm_target() -> Result<(), Failure> {
    Step {
        name: "Add Rust's wasm32-unknown-unknown target",
        cost: "half a minute",
        remedy: "install Rust with rustup, or add the wasm32-unknown-unknown standard library \
                 with the package manager that Rust came from",
    }
    .run_unless(has_wasm_target, || {
        if find("rustup", &[cargo_home().join("bin")]).is_none() {
            return Err("rustup is not installed, so the target cannot be added".to_owned());
        }
        run(process::command("rustup").args(["target", "add", WASM_TARGET]))
    })
}

fn has_wasm_target() -> bool {
    let mut rustc = process::command("rustc");
    output(rustc.args(["--print", "target-libdir", "--target", WASM_TARGET]))
        .is_some_and(|folder| Path::new(&folder).is_dir())
}

/// Crates of the lock file, so that later steps work without a network.
pub(crate) fn crates() -> Result<(), Failure> {
    Step {
        name: "Fetch crates",
        cost: "",
        remedy: "check the network and that Cargo.lock belongs to Cargo.toml (`cargo check`)",
    }
    .run(|| run(&mut process::cargo(&["fetch", "--quiet", "--locked"])))
}

/// Trunk, which builds the page. Hands on the folder it is in.
pub(crate) fn trunk() -> Result<PathBuf, Failure> {
    cargo_tool("trunk", "trunk", TRUNK_VERSION, "ten minutes")
}

/// wasm-bindgen's tools, which must have exactly the version of the crate. Hands on their folder.
pub(crate) fn wasm_bindgen() -> Result<PathBuf, Failure> {
    let lock = fs::read_to_string(process::root().join("Cargo.lock")).unwrap_or_default();
    let version = locked_version(&lock, "wasm-bindgen").ok_or_else(|| Failure {
        step: "Read wasm-bindgen's version".to_owned(),
        cause: "Cargo.lock does not list it".to_owned(),
        remedy: "restore Cargo.lock from version control".to_owned(),
    })?;
    cargo_tool("wasm-bindgen-cli", "wasm-bindgen", version, "five minutes")
}

/// Version of a crate in the text of a lock file.
fn locked_version<'a>(lock: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = lock.split_once(&format!("name = \"{name}\"\nversion = \""))?;
    rest.split('"').next()
}

/// mdBook, which builds the book. Hands on the folder it is in.
pub(crate) fn mdbook() -> Result<PathBuf, Failure> {
    cargo_tool("mdbook", "mdbook", MDBOOK_VERSION, "five minutes")
}

/// Finds or installs a tool that is itself a crate; hands on the folder that holds it.
fn cargo_tool(package: &str, program: &str, version: &str, cost: &str) -> Result<PathBuf, Failure> {
    let own = cargo_home().join("bin");
    // Where it goes when another version sits in the usual place: that one is not ours to replace.
    let aside = cargo_home().join("reaperscope");
    let present = || tool_with_version(program, version, &[own.clone(), aside.join("bin")]);
    let spec = format!("{package}@{version}");
    let step = Step {
        name: &format!("Install {package} {version}"),
        cost,
        remedy: &format!("run `cargo install {spec}` by hand and read what it says"),
    };
    step.run_unless(
        || present().is_some(),
        || {
            let root = if find(program, std::slice::from_ref(&own)).is_some() {
                aside.clone()
            } else {
                cargo_home()
            };
            install(&spec, &root)
        },
    )?;
    let folder = present().and_then(|path| path.parent().map(Path::to_path_buf));
    folder.ok_or_else(|| Failure {
        step: step.name.to_owned(),
        cause: format!("`{program} --version` does not say {version} after installing it"),
        remedy: step.remedy.to_owned(),
    })
}

fn install(spec: &str, root: &Path) -> Result<(), String> {
    let with = |arguments: &[&str]| {
        let mut cargo = process::cargo(arguments);
        // Outside the workspace: its settings are not meant for tools.
        cargo.arg("--root").arg(root).arg(spec).current_dir(std::env::temp_dir());
        run(&mut cargo)
    };
    if find("cargo-binstall", &[cargo_home().join("bin")]).is_some()
        && with(&["binstall", "-y", "--force"]).is_ok()
    {
        return Ok(());
    }
    // A locked dependency can have been withdrawn; the newest compatible ones do then.
    with(&["install", "--quiet", "--locked", "--force"])
        .or_else(|_| with(&["install", "--quiet", "--force"]))
}

/// The program of exactly this version, in one of `folders` or on PATH.
fn tool_with_version(program: &str, version: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    let on_path = find(program, &[]);
    let in_folders = folders.iter().map(|folder| folder.join(program));
    on_path.into_iter().chain(in_folders).find(|path| {
        output(Command::new(path).arg("--version")).is_some_and(|text| {
            text.split_whitespace().any(|word| word.trim_start_matches('v') == version)
        })
    })
}

/// Whether a node is there that is new enough.
fn has_node() -> bool {
    let major = || {
        let version = output(Command::new("node").arg("--version"))?;
        version.strip_prefix('v')?.split('.').next()?.parse::<u32>().ok()
    };
    find("npm", &[]).is_some() && major().is_some_and(|major| major >= NODE_MAJOR_MIN)
}

/// Node, which runs WebAssembly tests and drives the browser.
pub(crate) fn node() -> Result<(), Failure> {
    Step {
        name: "Install node",
        cost: "a minute",
        remedy: &format!("install node {NODE_MAJOR_MIN} or later, with npm, and run this again"),
    }
    .run_unless(has_node, || {
        if !can_apt_get() {
            return Err(format!("node {NODE_MAJOR_MIN} or later and npm are not on PATH"));
        }
        apt_get(&["nodejs", "npm"])?;
        if has_node() { Ok(()) } else { Err("the system's node is too old".to_owned()) }
    })
}

/// trace-cmd, which reads what tracers record. Hands on its path.
pub(crate) fn trace_cmd() -> Result<PathBuf, Failure> {
    let present = || find("trace-cmd", &[]);
    let step = Step {
        name: "Install trace-cmd",
        cost: "",
        remedy: "install trace-cmd, and run this again",
    };
    step.run_unless(
        || present().is_some(),
        || {
            if can_apt_get() { apt_get(&["trace-cmd"]) } else { Err("not on PATH".to_owned()) }
        },
    )?;
    present().ok_or_else(|| Failure {
        step: step.name.to_owned(),
        cause: "the system's package has no trace-cmd on PATH".to_owned(),
        remedy: step.remedy.to_owned(),
    })
}

/// Has a cargo command run what it builds for WebAssembly under node.
pub(crate) fn under_node(cargo: &mut Command) -> &mut Command {
    cargo
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", "wasm-bindgen-test-runner")
        // A whole gallery takes longer than the runner's 20 seconds.
        .env("WASM_BINDGEN_TEST_TIMEOUT", "900")
}

/// Packages of e2e/: the browser's driver, the accessibility checker, wasm-opt.
pub(crate) fn npm_packages() -> Result<(), Failure> {
    npm_packages_of("e2e")
}

/// Packages of a folder with a package-lock.json.
pub(crate) fn npm_packages_of(folder: &str) -> Result<(), Failure> {
    let path = process::root().join(folder);
    let lock = fs::read(path.join("package-lock.json")).unwrap_or_default();
    let stamp = path.join("node_modules/.installed-from");
    Step {
        name: &format!("Install npm packages of {folder}/"),
        cost: "half a minute",
        remedy: &format!("run `npm ci` in {folder}/ and read what it says"),
    }
    .run_unless(
        || fs::read(&stamp).is_ok_and(|installed| installed == lock),
        || {
            run(process::command("npm").args(["ci", "--loglevel=error"]).current_dir(&path))?;
            fs::write(&stamp, &lock).map_err(|error| error.to_string())
        },
    )
}

/// Folder of a wasm-opt that Trunk accepts, if node is there to run it; `None` makes the page
/// some percent larger and nothing else.
pub(crate) fn wasm_opt() -> Option<PathBuf> {
    let packages = process::root().join("e2e/node_modules/.bin");
    if has_node() && npm_packages().is_err() {
        println!("  wasm-opt could not be installed");
    }
    let fits = |path: &PathBuf| {
        output(Command::new(path).arg("--version"))
            .is_some_and(|text| text.contains(&format!("({WASM_OPT_VERSION})")))
    };
    let path = find("wasm-opt", &[packages]).filter(fits)?;
    path.parent().map(Path::to_path_buf)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locked_version_is_that_of_the_exact_name() {
        let lock = "[[package]]\nname = \"wasm-bindgen-macro\"\nversion = \"9.9.9\"\n\n\
                    [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\nsource = \"r\"\n";
        assert_eq!(locked_version(lock, "wasm-bindgen"), Some("0.2.130"));
        assert_eq!(locked_version(lock, "wasm"), None);
    }

    #[test]
    fn wasm_opt_version_is_the_same_everywhere() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let read = |path: &str| fs::read_to_string(root.join(path)).expect(path);
        assert!(read("Trunk.toml").contains(&format!("wasm_opt = \"{WASM_OPT_VERSION}\"")));
        let number = WASM_OPT_VERSION.trim_start_matches("version_");
        assert!(read("e2e/package.json").contains(&format!("\"binaryen\": \"{number}.0.0\"")));
        assert!(read("Trunk.toml").contains(&format!("trunk-version = \"={TRUNK_VERSION}\"")));
        assert!(read("e2e/package.json").contains(&format!("\"node\": \">={NODE_MAJOR_MIN}\"")));
    }
}
