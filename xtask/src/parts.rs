//! Makes the first view light: measures which functions it runs, in a browser, and parts the
//! page's WebAssembly accordingly.
//!
//! Needs node and a Chromium. Without them the page stays in one part, works the same, and weighs
//! twice as much. Leaves out the parting itself (`split`).

use std::fs;
use std::path::{Path, PathBuf};

use crate::process::{self, run};
use crate::step::{Failure, Step};
use crate::{setup, split};

/// Parts the WebAssembly in `dist`, or says why not.
pub(crate) fn prepare(dist: &Path) -> Result<(), Failure> {
    let browser = (|| {
        setup::node()?;
        setup::npm_packages()?;
        setup::chromium()
    })();
    let chromium = match browser {
        Ok(chromium) => chromium,
        Err(failure) => {
            println!("{failure}\n  the first view stays twice as heavy as it could be");
            return Ok(());
        }
    };
    Step {
        name: "Part the page's program by what the first view runs",
        cost: "half a minute",
        remedy: "run `cargo xtask dist` again; if it fails again, `parts::prepare` in \
                 xtask/src/page.rs can be left out: the page then stays in one part",
    }
    .run(|| part(dist, &chromium))
}

fn part(dist: &Path, chromium: &Path) -> Result<(), String> {
    let failed = |error: std::io::Error| error.to_string();
    let wasm = program(dist)?;
    let bytes = fs::read(&wasm).map_err(failed)?;
    let (instrumented, at, count) = split::instrumented(&bytes)?;

    let folder = process::root().join("target/xtask/first-view");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).map_err(failed)?;
    for entry in fs::read_dir(dist).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if let Some(name) = path.file_name().filter(|_| path.is_file()) {
            fs::copy(&path, folder.join(name)).map_err(failed)?;
        }
    }
    let name = wasm.file_name().ok_or("the program has no name")?;
    fs::write(folder.join(name), instrumented).map_err(failed)?;
    let out = folder.join("ran.txt");
    run(process::command("node")
        .arg("first-view.mjs")
        .current_dir(process::root().join("e2e"))
        .stdout(std::process::Stdio::null())
        .env("CHROMIUM", chromium)
        .env("DIST", &folder)
        .env("AT", at.to_string())
        .env("COUNT", count.to_string())
        .env("OUT", &out))?;
    let mut ran = vec![false; count];
    for line in fs::read_to_string(&out).map_err(failed)?.lines() {
        let index: usize = line.parse().map_err(|_| format!("`{line}` is no number"))?;
        *ran.get_mut(index).ok_or("a function ran that there is not")? = true;
    }
    let parts = split::split(&bytes, &ran)?;
    println!(
        "  {} of {count} functions run; the rest takes {} of them",
        ran.iter().filter(|it| **it).count(),
        parts.shared,
    );
    fs::write(rest_of(&wasm)?, parts.rest).map_err(failed)?;
    fs::write(&wasm, parts.first).map_err(failed)
}

/// The program in dist/.
pub(crate) fn program(dist: &Path) -> Result<PathBuf, String> {
    let entries = fs::read_dir(dist).map_err(|error| error.to_string())?;
    let mut paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths
        .find(|path| path.to_string_lossy().ends_with("_bg.wasm"))
        .ok_or_else(|| "there is no WebAssembly in dist/".to_owned())
}

/// Where `rest.js` looks for the rest.
fn rest_of(wasm: &Path) -> Result<PathBuf, String> {
    let name = wasm.file_name().and_then(|name| name.to_str()).ok_or("the program has no name")?;
    Ok(wasm.with_file_name(name.replace("_bg.wasm", "_rest.wasm")))
}
