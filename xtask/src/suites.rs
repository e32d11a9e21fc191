//! `cargo xtask test`: every suite in order, a table of what they counted, and one closing line.
//!
//! The terminal shows progress and, of a suite that fails, all it printed but passed tests;
//! everything is kept in target/xtask/. Leaves out the tests themselves: they are beside the code,
//! in e2e/ and in consumers/.

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Instant;

use crate::browser::{CHROMIUM, FIREFOX};
use crate::counts::Counts;
use crate::process::{self, cargo, is_ci, path_with, watch};
use crate::step::{Failure, duration};
use crate::{page, python, setup};

/// Test targets of sim-core that also run as WebAssembly: they give the recorded digests there.
const WASM_TESTS: [&str; 1] = ["digests"];

/// A suite that is over.
struct Finished {
    name: &'static str,
    counts: Counts,
    seconds: u64,
    /// What was missing, when it did not run.
    missing: Option<String>,
}

/// Runs everything. The outcome is the closing line, and success means that nothing failed.
pub(crate) fn test() -> ExitCode {
    println!("All tests: about ten minutes, longer the first time.");
    let everything = ["test", "--workspace", "--exclude", "web", "--no-fail-fast"];
    let page = ["test", "--package", "web", "--no-fail-fast"];
    let suites = [
        Some(native("native", &everything)),
        Some(native("page, native", &page)),
        wasm(),
        Some(browser()),
        Some(consumers()),
    ];
    let finished: Vec<Finished> = suites.into_iter().flatten().collect();
    table(&finished);
    let mut total = Counts::default();
    for suite in &finished {
        total += suite.counts;
    }
    println!("{} passed, {} failed", total.passed, total.failed);
    if total.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn native(name: &'static str, arguments: &[&str]) -> Finished {
    run(name, &mut cargo(arguments))
}

/// The simulator as WebAssembly under node must give the digests it gives natively.
fn wasm() -> Option<Finished> {
    let name = "WebAssembly, node";
    let tests = process::root().join("sim-core/tests");
    let there = |test: &&str| tests.join(format!("{test}.rs")).is_file();
    let targets: Vec<&str> = WASM_TESTS.into_iter().filter(there).collect();
    if targets.is_empty() {
        return None;
    }
    let folder = (|| {
        setup::wasm_target()?;
        setup::node()?;
        setup::wasm_bindgen()
    })();
    Some(match folder {
        Ok(folder) => {
            let mut command = cargo(&["test", "--package", "sim-core", "--no-fail-fast"]);
            command.args(["--target", "wasm32-unknown-unknown"]);
            for target in targets {
                command.args(["--test", target]);
            }
            run(name, setup::under_node(&mut command).env("PATH", path_with(&[folder])))
        }
        Err(failure) => not_run(name, &failure),
    })
}

/// The built page in a real browser.
fn browser() -> Finished {
    let name = "page, browser";
    if let Err(failure) = page::build() {
        // The page not building is a failure of the page, not something missing here.
        return broken(name, &failure.to_string());
    }
    let program = match program() {
        Ok(program) => program,
        Err(message) => return broken(name, &message),
    };
    let chromium = (|| {
        setup::node()?;
        setup::npm_packages()?;
        CHROMIUM.set_up()
    })();
    match chromium {
        Ok(chromium) => {
            let mut node = Command::new("node");
            node.args(["--test", "--test-reporter=spec", "--test-concurrency=1"]);
            node.arg("--test-timeout=180000");
            node.current_dir(process::root().join("e2e"));
            node.env("CHROMIUM", chromium).env("REAPERSCOPE", program);
            // Without it one test is skipped, or fails on a hosted runner.
            match FIREFOX.set_up() {
                Ok(firefox) => _ = node.env("FIREFOX", firefox),
                Err(failure) => println!("{failure}\n  not tested: Firefox"),
            }
            run(name, &mut node)
        }
        Err(failure) => not_run(name, &failure),
    }
}

/// What the command line writes, read by the programs it is meant for.
fn consumers() -> Finished {
    let name = "other programs";
    let found = (|| {
        setup::node()?;
        setup::npm_packages_of("consumers")?;
        Ok((CHROMIUM.set_up()?, python::packages()?, setup::trace_cmd()?))
    })();
    let (chromium, python, trace_cmd) = match found {
        Ok(found) => found,
        Err(failure) => return not_run(name, &failure),
    };
    let program = match program() {
        Ok(program) => program,
        Err(message) => return broken(name, &message),
    };
    let mut node = Command::new("node");
    node.args(["--test", "--test-reporter=spec", "--test-concurrency=1", "--test-timeout=180000"]);
    node.current_dir(process::root().join("consumers"));
    node.env("CHROMIUM", chromium).env("PYTHON", python).env("REAPERSCOPE", program);
    node.env("TRACE_CMD", trace_cmd);
    run(name, &mut node)
}

/// Builds the command line, with the page in it if that is there, and tells where it is.
fn program() -> Result<PathBuf, String> {
    process::run(&mut cargo(&["build", "--quiet", "--package", "reaperscope"]))?;
    Ok(process::root().join("target/debug/reaperscope"))
}

/// What a suite is about does not build.
fn broken(name: &'static str, message: &str) -> Finished {
    println!("{message}");
    let counts = Counts { failed: 1, ..Counts::default() };
    Finished { name, counts, seconds: 0, missing: None }
}

/// Something a suite needs is missing. On a hosted runner, where nobody reads warnings, that is
/// a failure.
fn not_run(name: &'static str, failure: &Failure) -> Finished {
    println!("\n{failure}\n");
    let counts = Counts { failed: u64::from(is_ci()), ..Counts::default() };
    Finished { name, counts, seconds: 0, missing: Some(failure.cause.clone()) }
}

fn run(name: &'static str, command: &mut Command) -> Finished {
    println!("▸ Test: {name}");
    let log_name = name.replace([' ', ','], "-").to_lowercase();
    let log = process::root().join(format!("target/xtask/test-{log_name}.log"));
    let start = Instant::now();
    let mut crates_built = 0_u32;
    let watched = watch(command, &log, |line| match Progress::of(line) {
        Progress::Compiling => {
            crates_built += 1;
            if crates_built.is_multiple_of(50) {
                println!("  … {crates_built} crates compiled");
            }
        }
        Progress::Shown => println!("  {}", line.trim_start()),
        Progress::Detail => {}
    });
    let (success, text) = match watched {
        Ok(watched) => (watched.success, watched.text),
        Err(message) => (false, message),
    };
    let counts = Counts::from_output(&text, success);
    if counts.failed > 0 {
        println!("── what {name} printed ──");
        for line in text.lines().filter(|line| !is_passed(line)) {
            println!("{line}");
        }
        println!("── end of {name} ──");
    }
    Finished { name, counts, seconds: start.elapsed().as_secs(), missing: None }
}

/// Whether a line reports nothing but a test that passed: hundreds of these hide what failed.
fn is_passed(line: &str) -> bool {
    (line.starts_with("test ") && line.ends_with(" ... ok")) || line.trim_start().starts_with("✔ ")
}

/// How a line of a runner's output is shown while the suite is running.
#[derive(Debug, PartialEq, Eq)]
enum Progress {
    Compiling,
    Shown,
    Detail,
}

impl Progress {
    fn of(line: &str) -> Self {
        let line = line.trim_start();
        let starts = |words: &[&str]| words.iter().any(|word| line.starts_with(word));
        if starts(&["Compiling "]) {
            Self::Compiling
        } else if starts(&["Running ", "Doc-tests ", "test result: ", "error", "✔ ", "✖ "])
            || (line.starts_with("test ") && line.ends_with("FAILED"))
        {
            Self::Shown
        } else {
            Self::Detail
        }
    }
}

fn table(finished: &[Finished]) {
    println!("\n{:<20} {:>8} {:>8} {:>8}  time", "suite", "passed", "failed", "ignored");
    for Finished { name, counts, seconds, missing } in finished {
        let Counts { passed, failed, ignored } = counts;
        let time = duration(*seconds);
        let note = missing.as_ref().map_or(time, |cause| format!("not run: {cause}"));
        println!("{name:<20} {passed:>8} {failed:>8} {ignored:>8}  {note}");
    }
    if finished.iter().any(|suite| suite.missing.is_some()) {
        println!("This run is incomplete: something that a suite needs is missing, see above.");
    }
    println!();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_of_passed_tests_are_left_out() {
        assert!(is_passed("test a::b ... ok") && is_passed("✔ page loads (3ms)"));
        for line in ["test a::b ... FAILED", "✖ page loads", "test result: ok. 1 passed", "ok"] {
            assert!(!is_passed(line), "{line}");
        }
    }

    #[test]
    fn progress_shows_outcomes_and_hides_details() {
        assert_eq!(Progress::of("   Compiling yew v0.23.0"), Progress::Compiling);
        for line in
            ["     Running unittests src/lib.rs", "✔ page loads (12ms)", "test a ... FAILED"]
        {
            assert_eq!(Progress::of(line), Progress::Shown, "{line}");
        }
        for line in ["test a ... ok", "", "warning: unused", "running 3 tests"] {
            assert_eq!(Progress::of(line), Progress::Detail, "{line}");
        }
    }
}
