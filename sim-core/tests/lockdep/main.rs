//! The checkers against what a real kernel with lock debugging reported,
//! and against the worked examples of kernel-spec 6.3.

#![cfg(not(target_arch = "wasm32"))]

mod examples;
mod kinds;
mod layout;
mod mutex_held;
mod reader;
mod variants;

use reader::{Report, read};
use sim_core::export::dmesg;
use sim_core::record::Run;
use sim_core::scenario::gallery::find;
use sim_core::scenario::{RunOptions, Simulation, parse};

/// Recordings, each with the end of its scenario's id.
const RECORDINGS: [(&str, &str); 12] = [
    ("L1", "l1"),
    ("L2", "l2"),
    ("L3", "l3"),
    ("L4nowait", "l4nowait"),
    ("L4atomic", "l4atomic"),
    ("L5", "l5"),
    ("L6", "l6"),
    ("L7", "l7"),
    ("L8", "l8"),
    ("N1mutex", "n1mutex"),
    ("N2mutex", "n2mutex"),
    ("H1", "h1"),
];

fn run(id: &str, text: &str, checks: &[&str]) -> Run {
    let scenario = parse(id, text, &[]).unwrap_or_else(|errors| panic!("{id}: {errors:?}"));
    let checks = checks.iter().map(|&id| id.to_owned()).collect();
    let options = RunOptions { checks, ..RunOptions::default() };
    Simulation::new(&scenario, &options).expect("it starts").run()
}

fn recorded_log(id: &str) -> String {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../traces/recordings/lockdep-6.1");
    std::fs::read_to_string(format!("{root}/{id}/dmesg.txt")).expect("a recording")
}

fn recorded(id: &str) -> Vec<Report> {
    read(&recorded_log(id))
}

fn replayed(end: &str) -> Vec<Report> {
    let id = format!("lockdep-6-1-{end}");
    let entry = find(&id).expect("in the gallery");
    read(&dmesg(&run(&id, entry.text, &["lockdep", "non-block"])))
}

#[test]
fn runs_report_what_the_kernel_reported() {
    for (recording, end) in RECORDINGS {
        assert_eq!(replayed(end), recorded(recording), "{recording}");
    }
}

/// The comparison can fail: no recording passes for one that says something else.
#[test]
fn recordings_are_told_apart() {
    // Those whose reports are the same by design.
    let classes: [&[&str]; 6] = [
        &["L1", "L6"],
        &["L2", "L3"],
        &["L4nowait", "L4atomic", "L5", "L8", "N2mutex"],
        &["L7"],
        &["N1mutex"],
        &["H1"],
    ];
    let class = |id| classes.iter().position(|class| class.contains(&id)).expect("in a class");
    for (one, _) in RECORDINGS {
        for (other, end) in RECORDINGS {
            assert_eq!(recorded(one) == replayed(end), class(one) == class(other), "{one} {other}");
        }
    }
}

/// L5 is silent for its trylock and for nothing else.
#[test]
fn a_callback_that_waits_for_its_lock_instead_of_trying_is_reported() {
    let text = find("lockdep-6-1-l5").expect("in the gallery").text;
    let waits = text.replace(r#", how = "trylock""#, "");
    assert_ne!(text, waits);
    assert_eq!(read(&dmesg(&run("waits", &waits, &["lockdep"]))), recorded("L1"));
}

#[test]
fn checkers_change_neither_digest_nor_verdict() {
    for (_, end) in RECORDINGS {
        let id = format!("lockdep-6-1-{end}");
        let text = find(&id).expect("in the gallery").text;
        let all = ["lockdep", "non-block", "fence-annotations"];
        let (with, without) = (run(&id, text, &all), run(&id, text, &[]));
        assert_eq!(with.digest, without.digest, "{id}");
        let verdict = |run| sim_core::analysis::report(run).verdict;
        assert_eq!(verdict(&with), verdict(&without), "{id}");
    }
}
