//! Recordings of a real kernel against runs of the simulator.
//!
//! Both are read by the same reader and laid side by side; a run that
//! differs by more than `compare.rs` allows fails with the whole table.

mod compare;
mod files;
mod reader;

use compare::{Comparison, compare};
use files::{ALL, Recording};
use sim_core::export::{dmesg, ftrace};
use sim_core::import::{Story, parse_dmesg, parse_ftrace, story};
use sim_core::scenario::{RunOptions, Simulation, gallery, parse};

/// What the run of a scenario of the gallery tells.
fn run_story(id: &str, sets: &[(String, String)]) -> Story {
    let entry = gallery::find(id).expect("a scenario of that name");
    let scenario = parse(entry.id, entry.text, sets).expect("a scenario without faults");
    let simulation = Simulation::new(&scenario, &RunOptions::default()).expect("known ids");
    let run = simulation.run();
    let (trace, log) = (ftrace(&run), dmesg(&run));
    let trace = parse_ftrace(&trace).expect("a trace");
    let log = parse_dmesg(&log);
    assert_eq!((trace.unread, log.unread), (0, 0), "{id}");
    story(&trace.lines, &log.lines, 0)
}

fn compared(recording: &Recording, sets: &[(String, String)]) -> Comparison {
    compare(&recording.story(), &run_story(&recording.scenario(), sets))
}

#[test]
fn runs_agree_with_the_recordings() {
    for recording in ALL {
        let comparison = compared(recording, &[]);
        assert!(
            comparison.failures().is_empty(),
            "{}: too far apart: {:?}\n{comparison}",
            recording.id,
            comparison.failures()
        );
    }
}

/// Time since boot by jiffies when each recording began, which decides
/// how timers are rounded. The scenarios share one value; these are each
/// recording's own, fitted to it modulo the 256 ms of the timer wheel's
/// level 2. They are 96 ms less than its log says: jiffies start later.
const UPTIMES: [&str; 5] = ["13.8892s", "13.9082s", "13.9087s", "13.9119s", "13.9123s"];
/// Pages free at the start, fitted to the time of the first kill.
const FREE: &str = "42707";

#[test]
fn timers_of_runs_in_the_recordings_own_phase_are_a_jiffy_apart() {
    const JIFFY_US: i64 = 4_000;
    for (recording, uptime) in ALL.iter().zip(UPTIMES) {
        let set = |path: &str, value: &str| (path.to_owned(), value.to_owned());
        let sets = [set("machine.uptime", uptime), set("machine.zone.DMA32.free", FREE)];
        let comparison = compared(recording, &sets);
        assert!(comparison.failures().is_empty(), "{}\n{comparison}", recording.id);
        for what in [
            "bystander: started before the kill",
            "hog: kill to wake_reaper",
            "hog: unable to reap",
            "hog: exit_mmap",
        ] {
            let apart = comparison.apart_us(what);
            let unable = what.contains("unable") && recording.id == "S2stuck-3";
            assert_eq!(apart.is_none(), unable, "{}: {what}", recording.id);
            assert!(
                apart.is_none_or(|apart| apart.abs() <= JIFFY_US),
                "{}: {what}\n{comparison}",
                recording.id
            );
        }
    }
}

#[test]
fn run_of_another_scenario_is_rejected() {
    let recording = Recording::find("S6-3").story();
    let comparison = compare(&recording, &run_story("capture-6-1-s3", &[]));
    let failures = comparison.failures();
    assert!(failures.contains(&"hog: attempt  1 refusals"), "{comparison}");
    assert!(failures.contains(&"hog: anon-rss drop"), "{comparison}");
    assert!(failures.contains(&"refusals in the log"), "{comparison}");
}

#[test]
fn recording_agrees_with_itself_and_with_no_other() {
    for (index, one) in ALL.iter().enumerate() {
        for (other_index, other) in ALL.iter().enumerate() {
            let comparison = compare(&one.story(), &other.story());
            let same = comparison.failures().is_empty();
            assert_eq!(same, index == other_index, "{} and {}\n{comparison}", one.id, other.id);
        }
    }
}

#[test]
fn one_attempt_less_is_noticed() {
    let recording = Recording::find("S6-3").story();
    let mut wrong = recording.clone();
    wrong.victims[0].attempts.pop();
    let comparison = compare(&recording, &wrong);
    assert!(comparison.failures().contains(&"hog: attempts"), "{comparison}");
}
