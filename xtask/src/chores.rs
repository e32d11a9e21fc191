//! Small chores: `lint`, and `golden`, which checks or rewrites recorded outputs.
//!
//! Leaves out what is recorded and which lints there are: tests and Cargo.toml hold those.

use std::process::Command;

use crate::process::{cargo, cargo_home, command, find, run};
use crate::setup;
use crate::step::{Failure, Step};

/// Formatting, clippy natively and for WebAssembly, links in docstrings, rules on dependencies.
pub(crate) fn lint() -> Result<(), Failure> {
    let clippy = "fix what clippy says, or `#[expect]` it with a reason";
    let check = |name, cost, remedy, mut command: Command| {
        Step { name, cost, remedy }.run(|| run(&mut command))
    };
    check("Check formatting", "", "run `cargo fmt`", cargo(&["fmt", "--all", "--check"]))?;
    let native = ["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"];
    check("Clippy", "a minute", clippy, cargo(&native))?;
    setup::wasm_target()?;
    let mut page = vec!["clippy", "--quiet", "--package", "web"];
    page.extend(["--target", "wasm32-unknown-unknown", "--", "-D", "warnings"]);
    check("Clippy for WebAssembly", "a minute", clippy, cargo(&page))?;
    let mut docs = cargo(&["doc", "--quiet", "--workspace", "--no-deps"]);
    docs.env("RUSTDOCFLAGS", "-D warnings");
    check("Docs of the code", "a minute", "mend the link in the docstring", docs)?;
    if find("cargo-deny", &[cargo_home().join("bin")]).is_none() {
        println!("· Check dependencies: left out, `cargo install cargo-deny` adds it");
        return Ok(());
    }
    setup::crates()?;
    // Advisories are left out: they need a database that is fetched from elsewhere.
    let deny = cargo(&["deny", "--offline", "check", "bans", "licenses", "sources"]);
    check("Check dependencies", "", "drop the dependency, or allow it in deny.toml", deny)
}

/// What to do with recorded outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Golden {
    Check,
    Update,
}

/// Runs the tests that compare with recorded outputs, rewriting these when asked to.
pub(crate) fn golden(mode: Golden) -> Result<(), Failure> {
    let mut tests =
        cargo(&["test", "--quiet", "--package", "sim-core", "--package", "reaperscope"]);
    match mode {
        Golden::Check => Step {
            name: "Compare with recorded outputs",
            cost: "a minute",
            remedy: "if the new outputs are right: `cargo xtask golden --update`, then read the \
                     difference before committing it",
        }
        .run(|| run(&mut tests)),
        Golden::Update => {
            Step {
                name: "Rewrite recorded outputs",
                cost: "a minute",
                remedy: "read which test still fails: it compares with something not recorded",
            }
            .run(|| run(tests.arg("--no-fail-fast").env("UPDATE_EXPECT", "1")))?;
            Step { name: "Show what changed", cost: "", remedy: "run `git diff --stat`" }
                .run(|| run(command("git").args(["--no-pager", "diff", "--stat"])))
        }
    }
}

/// Which seeds to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Search {
    /// The first one.
    pub(crate) from: u64,
    /// How many.
    pub(crate) runs: u64,
}

impl Search {
    pub(crate) fn from_words(words: &[&str]) -> Result<Self, String> {
        let mut search = Self { from: 0, runs: 100_000 };
        let mut words = words.iter().copied();
        while let Some(word) = words.next() {
            let number = match word {
                "--from" => &mut search.from,
                "--runs" => &mut search.runs,
                other => return Err(format!("`search` does not take `{other}`")),
            };
            let given = words.next().unwrap_or_default();
            *number =
                given.parse().map_err(|_| format!("`{word}` wants a number, not `{given}`"))?;
        }
        Ok(search)
    }
}

/// Runs the scenarios of many seeds on all CPUs.
pub(crate) fn search(seeds: Search) -> Result<(), Failure> {
    let (from, runs) = (seeds.from.to_string(), seeds.runs.to_string());
    let build =
        ["run", "--profile", "search", "--package", "sim-core", "--example", "search", "--"];
    Step {
        name: "Search for a scenario that breaks the model",
        cost: "some 3 minutes per million runs",
        remedy: "`cargo run --profile search --example search SEED` shows one",
    }
    .run(|| run(cargo(&build).args([&from, &runs])))
}
