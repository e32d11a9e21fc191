//! Makes the first view light: the run that it opens on is made here, once for all visitors, and
//! the page's WebAssembly is parted by which functions the first view then runs, as measured in a
//! browser.
//!
//! Needs node and a Chromium. Without them the page stays in one part, works the same, and weighs
//! three times as much. Leaves out the parting itself (`split`).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::browser::CHROMIUM;
use crate::process::{self, run};
use crate::step::{Failure, Step};
use crate::{offline, setup, single, split};

/// Parts the WebAssembly in `dist`, or says why not.
pub(crate) fn prepare(dist: &Path) -> Result<(), Failure> {
    let browser = (|| {
        setup::node()?;
        setup::npm_packages()?;
        CHROMIUM.set_up()
    })();
    let chromium = match browser {
        Ok(chromium) => chromium,
        Err(failure) => {
            println!("{failure}\n  the first view stays three times as heavy as it could be");
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

/// Takes out of the program what tools left in it for each other.
pub(crate) fn lean(dist: &Path) -> Result<(), String> {
    let wasm = program(dist)?;
    let bytes = fs::read(&wasm).map_err(failed)?;
    fs::write(&wasm, split::lean(&bytes)?).map_err(failed)
}

fn part(dist: &Path, chromium: &Path) -> Result<(), String> {
    let wasm = program(dist)?;
    let bytes = fs::read(&wasm).map_err(failed)?;
    let (instrumented, at, count) = split::instrumented(&bytes)?;

    let folder = process::root().join("target/xtask/first-view");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).map_err(failed)?;
    let out = folder.join("opening");
    run(script("opening.mjs", chromium, dist).env("OUT", &out))?;
    bring(dist, &fs::read(&out).map_err(failed)?)?;
    for entry in fs::read_dir(dist).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if let Some(name) = path.file_name().filter(|_| path.is_file()) {
            fs::copy(&path, folder.join(name)).map_err(failed)?;
        }
    }
    let name = wasm.file_name().ok_or("the program has no name")?;
    fs::write(folder.join(name), instrumented).map_err(failed)?;
    let out = folder.join("ran.txt");
    run(script("first-view.mjs", chromium, &folder)
        .env("AT", at.to_string())
        .env("COUNT", count.to_string())
        .env("OUT", &out))?;
    let mut ran = vec![false; count];
    let mark = |ran: &mut [bool], functions: &[usize]| {
        functions.iter().try_for_each(|function| {
            *ran.get_mut(*function).ok_or("a function ran that there is not")? = true;
            Ok::<(), String>(())
        })
    };
    mark(&mut ran, &numbers(&out)?)?;
    let wanted = folder.join("wanted.txt");
    let (glue, texts) = (script_of(&wasm)?, texts()?);
    let script_text = fs::read_to_string(&glue).map_err(failed)?;
    let places = split::Places::read(&fs::read(linked()).map_err(failed)?)?;
    // Another visit can take another way, if only because two keys of a table fall together.
    for _ in 0..ROUNDS_MAX {
        let known =
            split::Known { ran: &ran, places: &places, texts: &texts, script: &script_text };
        let parts = split::split(&bytes, &known)?;
        fs::write(rest_of(&wasm)?, &parts.rest).map_err(failed)?;
        fs::write(&wasm, &parts.first).map_err(failed)?;
        fs::write(&glue, &parts.script).map_err(failed)?;
        run(script("first-view.mjs", chromium, dist).env("OUT", &wanted))?;
        let missed = numbers(&wanted)?;
        if missed.is_empty() {
            println!(
                "  {} of {count} functions run; the rest takes {} of them, and has {} bytes of data",
                ran.iter().filter(|it| **it).count(),
                parts.shared,
                parts.data,
            );
            return Ok(());
        }
        println!("  another look at the first view wants {} more functions", missed.len());
        let missed: Vec<usize> = missed.iter().map(|it| it - parts.imported).collect();
        mark(&mut ran, &missed)?;
    }
    Err(format!("the first view wants something else each time, {ROUNDS_MAX} times"))
}

/// Looks at the parted page until it wants nothing of the rest.
const ROUNDS_MAX: usize = 12;

/// The numbers that a script wrote, one a line.
fn numbers(file: &Path) -> Result<Vec<usize>, String> {
    let text = fs::read_to_string(file).map_err(failed)?;
    text.lines().map(|line| line.parse().map_err(|_| format!("`{line}` is no number"))).collect()
}

/// The program as the linker made it, before other tools wrote it anew.
fn linked() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or("target".into(), PathBuf::from);
    process::root().join(target).join("wasm32-unknown-unknown/web/web.wasm")
}

/// What is only read when the rest is there: scenarios, lessons, catalogues of the page's sentences.
fn texts() -> Result<Vec<Vec<u8>>, String> {
    let mut texts = Vec::new();
    for (folder, ending) in [("traces", "toml"), ("docs/lessons", "md"), ("web/po", "po")] {
        for entry in fs::read_dir(process::root().join(folder)).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_some_and(|it| it == ending) {
                texts.push(fs::read(path).map_err(failed)?);
            }
        }
    }
    Ok(texts)
}

fn failed(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// A script of e2e/ that opens the page of a folder.
fn script(name: &str, chromium: &Path, folder: &Path) -> Command {
    let mut node = process::command("node");
    node.arg(name).current_dir(process::root().join("e2e")).stdout(Stdio::null());
    node.env("CHROMIUM", chromium).env("DIST", folder);
    node
}

/// Puts the run that the page opens on beside it, and says so in the page.
fn bring(dist: &Path, run: &[u8]) -> Result<(), String> {
    // Compressed here: few hosts compress what they don't know.
    let packed = single::gzip(run).map_err(failed)?;
    let name = format!("opening-{}.bin", offline::version(&packed));
    fs::write(dist.join(&name), packed).map_err(failed)?;
    let page = dist.join("index.html");
    let text = fs::read_to_string(&page).map_err(failed)?;
    let named = format!("data-opening=\"./{name}\" data-parted data-worker=");
    fs::write(&page, offline::replaced(&text, "data-worker=", &named)?).map_err(failed)
}

/// The program in dist/.
pub(crate) fn program(dist: &Path) -> Result<PathBuf, String> {
    let entries = fs::read_dir(dist).map_err(|error| error.to_string())?;
    let mut paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths
        .find(|path| path.to_string_lossy().ends_with("_bg.wasm"))
        .ok_or_else(|| "there is no WebAssembly in dist/".to_owned())
}

/// The script that wasm-bindgen made with the program.
fn script_of(wasm: &Path) -> Result<PathBuf, String> {
    let name = wasm.file_name().and_then(|name| name.to_str()).ok_or("the program has no name")?;
    Ok(wasm.with_file_name(name.replace("_bg.wasm", ".js")))
}

/// Where `rest.js` looks for the rest.
fn rest_of(wasm: &Path) -> Result<PathBuf, String> {
    let name = wasm.file_name().and_then(|name| name.to_str()).ok_or("the program has no name")?;
    Ok(wasm.with_file_name(name.replace("_bg.wasm", "_rest.wasm")))
}
