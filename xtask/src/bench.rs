//! `cargo xtask bench`: the simulator's figures natively and as WebAssembly, and the page's weight.
//!
//! Leaves out the measuring. The crate `bench` sets the simulator beside other engines; the
//! targets in sim-core/benches run in both builds and print `bench NAME VALUE UNIT` lines, lower
//! values being better, which are compared here. As WebAssembly such a target is a
//! `#[wasm_bindgen_test]` that prints with `console_log!`, since nothing there calls `main`.

use std::collections::BTreeMap;

use crate::browser::CHROMIUM;
use crate::process::{self, cargo, path_with, watch};
use crate::step::{Failure, Step};
use crate::{page, setup, weight};

/// Scenarios of about 10^4, 10^5 and 10^6 records, which bench-page.mjs opens too.
const PAGE_SIZES: [(&str, &[&str]); 3] = [
    ("10k", &["f13-lost-end"]),
    ("100k", &["eras-fence-needs-allocation"]),
    ("1M", &["g9-block-always-deadlock", "--set", "horizon=190s"]),
];

/// Measures the page in a browser, and speedscope beside it on the same events.
pub(crate) fn page() -> Result<(), Failure> {
    page::build()?;
    weight::report()?;
    setup::npm_packages()?;
    let chromium = CHROMIUM.set_up()?;
    let folder = process::root().join("target/xtask/profiles");
    Step {
        name: "Write the events of three runs for speedscope",
        cost: "a minute",
        remedy: "`cargo run -- run f13-lost-end --format chrome` does the same for one",
    }
    .run(|| {
        std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        PAGE_SIZES.iter().try_for_each(|(name, scenario)| {
            let out = folder.join(format!("{name}.json"));
            let mut cargo = cargo(&["run", "--quiet", "--package", "reaperscope", "--", "run"]);
            process::run(cargo.args(*scenario).args(["--format", "chrome", "--out"]).arg(out))
        })
    })?;
    let mut node = std::process::Command::new("node");
    node.arg("bench-page.mjs").current_dir(process::root().join("e2e"));
    node.env("CHROMIUM", chromium).env("FOLDER", &folder);
    measure("in the page", "page", node).map(drop)
}

/// Runs everything that measures.
pub(crate) fn bench() -> Result<(), Failure> {
    let root = process::root();
    if root.join("bench/Cargo.toml").is_file() {
        let engines = cargo(&["run", "--release", "--package", "bench"]);
        measure("beside other engines", "engines", engines)?;
    }
    if root.join("sim-core/benches").is_dir() {
        let mut mix = cargo(&["bench", "--package", "sim-core", "--bench", "mix"]);
        mix.args(["--features", "op-log"]);
        measure("as event lists on the calls of real runs", "mix", mix)?;
        native_and_wasm()?;
    }
    page::build()?;
    weight::report()
}

fn native_and_wasm() -> Result<(), Failure> {
    let targets = ["--package", "sim-core", "--bench", "model", "--bench", "scale"];
    let mut native = cargo(&["bench"]);
    native.args(targets);
    let native = measure("natively", "native", native)?;
    setup::wasm_target()?;
    let folder = setup::wasm_bindgen()?;
    if let Err(failure) = setup::node() {
        println!("{failure}\n  not measured: WebAssembly under node");
        return Ok(());
    }
    // The page's own profile: what is measured is what visitors get.
    let mut wasm = cargo(&["test", "--profile", "web"]);
    wasm.args(targets).args(["--target", "wasm32-unknown-unknown", "--", "--nocapture"]);
    setup::under_node(&mut wasm).env("PATH", path_with(&[folder]));
    compare(&native, &measure("as WebAssembly under node", "wasm", wasm)?);
    Ok(())
}

/// Value and unit of a measurement, by name.
type Figures = BTreeMap<String, (f64, String)>;

fn measure(how: &str, log: &str, mut command: std::process::Command) -> Result<Figures, Failure> {
    Step {
        name: &format!("Measure the simulator {how}"),
        cost: "two minutes",
        remedy: "read what the benchmark printed above",
    }
    .run(|| {
        let log = process::root().join(format!("target/xtask/bench-{log}.log"));
        let watched = watch(&mut command, &log, |line| {
            if !line.trim_start().starts_with("Compiling ") {
                println!("  {line}");
            }
        })?;
        if !watched.success {
            return Err("the benchmark failed".to_owned());
        }
        Ok(watched.text.lines().filter_map(figure).collect())
    })
}

/// Reads `bench hold/256 35.2 ns`.
fn figure(line: &str) -> Option<(String, (f64, String))> {
    let mut words = line.trim().strip_prefix("bench ")?.split_whitespace();
    let (name, value) = (words.next()?, words.next()?.parse().ok()?);
    Some((name.to_owned(), (value, words.next().unwrap_or_default().to_owned())))
}

fn compare(native: &Figures, wasm: &Figures) {
    println!("\n{:<32} {:>12} {:>12}  wasm/native", "measurement", "native", "wasm");
    for (name, (native, unit)) in native {
        if let Some((wasm, _)) = wasm.get(name) {
            let ratio = wasm / native;
            println!("{name:<32} {native:>12.1} {wasm:>12.1}  {ratio:.2}  {unit}");
        }
    }
    println!();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_and_other_lines_are_not() {
        let hold = ("hold/256".to_owned(), (35.2, "ns".to_owned()));
        assert_eq!(figure("  bench hold/256 35.2 ns"), Some(hold));
        for line in ["bench", "bench x", "bench x fast", "benchmarks 1 ns", ""] {
            assert_eq!(figure(line), None, "{line}");
        }
    }
}
