//! The digest of every gallery scenario under five seeds, against the
//! committed table. The same test runs natively and as WebAssembly under
//! node, so equal tables mean equal runs on both.
//!
//! `cargo xtask golden --update` writes the table anew; a change of it is
//! a change of the model and needs a new `MODEL_VERSION`.

use std::fmt::Write as _;

use sim_core::record::{Keep, MODEL_VERSION};
use sim_core::scenario::gallery::{self, gallery};
use sim_core::scenario::{RunOptions, Simulation, parse};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const COMMITTED: &str = include_str!("digests.txt");
const SEEDS: std::ops::RangeInclusive<u64> = 1..=5;

fn table() -> String {
    let mut table = format!("model {MODEL_VERSION}\n");
    for entry in gallery() {
        let scenario = parse(entry.id, entry.text, &[]).expect("gallery scenarios are sound");
        for seed in SEEDS {
            let options = RunOptions { seed, keep: Keep::DigestOnly, ..RunOptions::default() };
            let run = Simulation::new(&scenario, &options).expect("a gallery run starts").run();
            writeln!(table, "{} {seed} {} {}", entry.id, run.digest, run.events)
                .expect("strings take text");
        }
    }
    let seeds = many();
    writeln!(table, "{DRAWS} 1..={seeds} {}", digest_of_many(seeds)).expect("strings take text");
    writeln!(table, "{DRAWS}+forks {}", digest_of_forks()).expect("strings take text");
    table
}

/// One number over the digests of that scenario under forks of every kind.
fn digest_of_forks() -> String {
    let entry = gallery::find(DRAWS).expect("a scenario of the gallery");
    let scenario = parse(entry.id, entry.text, &[]).expect("gallery scenarios are sound");
    let forks = [
        &["4000ms:policy=block-always"][..],
        &["4000ms:kill=hog"],
        &["4000ms:delay=gpu0+50ms"],
        &["4000ms:end=gpu0"],
        &["4000ms:policy=ignore", "4400ms:reseed=1"],
    ];
    let combined = forks.iter().fold(0_u128, |combined, forks| {
        let forks = forks.iter().map(|fork| fork.parse().expect("a fork")).collect();
        let options = RunOptions { forks, keep: Keep::DigestOnly, ..RunOptions::default() };
        let run = Simulation::new(&scenario, &options).expect("a gallery run starts").run();
        let digest = run.digest.to_string();
        combined.rotate_left(1) ^ u128::from_str_radix(&digest, 16).expect("digests are hex")
    });
    format!("{combined:032x}")
}

/// A scenario that draws from its seed, for the line over many seeds.
const DRAWS: &str = "gpu-fence-overlap";

/// How many seeds that line is over: 100, or what `REAPERSCOPE_SEEDS`
/// said when this was compiled (a WebAssembly test has no environment): then
/// the test fails, and shows the line to compare with that of another build.
fn many() -> u64 {
    option_env!("REAPERSCOPE_SEEDS").map_or(100, |seeds| seeds.parse().expect("a number"))
}

/// One number over the digests of that scenario under many seeds.
fn digest_of_many(seeds: u64) -> String {
    let entry = gallery::find(DRAWS).expect("a scenario of the gallery");
    let scenario = parse(entry.id, entry.text, &[]).expect("gallery scenarios are sound");
    let combined = (1..=seeds).fold(0_u128, |combined, seed| {
        let options = RunOptions { seed, keep: Keep::DigestOnly, ..RunOptions::default() };
        let run = Simulation::new(&scenario, &options).expect("a gallery run starts").run();
        let digest = run.digest.to_string();
        combined.rotate_left(1) ^ u128::from_str_radix(&digest, 16).expect("digests are hex")
    });
    format!("{combined:032x}")
}

#[test]
fn gallery_digests_are_the_committed_ones() {
    let table = table();
    #[cfg(not(target_arch = "wasm32"))]
    #[expect(clippy::disallowed_methods, reason = "how `golden --update` asks for the table")]
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/digests.txt");
        std::fs::write(path, &table).expect("the table can be written");
        return;
    }
    assert_eq!(table, COMMITTED, "digests changed: is that meant?");
}

#[test]
fn kept_records_and_slices_change_nothing() {
    for entry in gallery() {
        let scenario = parse(entry.id, entry.text, &[]).expect("gallery scenarios are sound");
        let blind = RunOptions { keep: Keep::DigestOnly, ..RunOptions::default() };
        let blind = Simulation::new(&scenario, &blind).expect("starts").run();
        let mut sliced = Simulation::new(&scenario, &RunOptions::default()).expect("starts");
        while sliced.advance(997) {}
        let sliced = sliced.finish();
        assert_eq!(blind.digest, sliced.digest, "{}", entry.id);
        assert_eq!(blind.trace.len(), 0);
        assert_eq!(sliced.trace.len() as u64, sliced.events);
    }
}
