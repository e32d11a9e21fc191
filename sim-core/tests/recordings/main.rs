//! Recordings of a real kernel against runs of the simulator.
//!
//! Both are read by the same reader and laid side by side; a run that
//! differs by more than `compare.rs` allows fails with the whole table.

mod compare;
mod described;
mod files;
mod machine;
mod reader;
mod report;

use compare::{Comparison, Psi, Told, compare};
use files::{ALL, Recording};
use machine::Machine;
use sim_core::analysis::{Memory, memory, report};
use sim_core::base::SimTime;
use sim_core::export::{dmesg, ftrace};
use sim_core::import::{parse_dmesg, parse_ftrace, story};
use sim_core::record::{Event, Run};
use sim_core::scenario::{RunOptions, Simulation, gallery, parse};

/// What the run of a scenario of the gallery tells; its averages of memory pressure
/// are those after so many updates since the first kill.
fn run_told(id: &str, updates: usize) -> Told {
    let entry = gallery::find(id).expect("a scenario of that name");
    text_told(entry.id, entry.text, updates)
}

/// The same of a scenario's text.
fn text_told(id: &str, text: &str, updates: usize) -> Told {
    let scenario = parse(id, text, &[]).unwrap_or_else(|errors| panic!("{errors:?}\n{text}"));
    let simulation = Simulation::new(&scenario, &RunOptions::default()).expect("known ids");
    let run = simulation.run();
    let (text, log) = (ftrace(&run), dmesg(&run));
    let trace = parse_ftrace(&text).expect("a trace");
    let log = parse_dmesg(&log);
    assert_eq!((trace.unread, log.unread), (0, 0), "{id}");
    let metrics = report(&run).metrics;
    let us = |ns: u64| i64::try_from(ns / 1000).expect("a run of less than 10,000 years");
    let psi = Psi { some_us: us(metrics.psi_some_ns), full_us: us(metrics.psi_full_ns) };
    let story = story(&trace.lines, &log.lines, 0);
    let memory = memory(&run);
    let free = memory.free.iter().map(|&(at, pages)| (us(at.0), bytes(pages))).collect();
    let averages = averages(&memory, story.first_kill_us().unwrap_or(0), updates);
    let machine = Machine {
        oom_calls: run
            .trace
            .iter()
            .filter(|record| matches!(record.event, Event::OutOfMemory { .. }))
            .count(),
        zones: zones_of_reports(&run),
        free,
        averages,
        ..Machine::told(&text, &trace.lines, &log.lines)
    };
    Told { story, psi, machine, timed: true }
}

fn bytes(pages: u64) -> i64 {
    i64::try_from(pages << 12).expect("less than 8 EiB")
}

/// The averages of memory pressure after so many updates since the kill, in hundredths of
/// a percent. A machine that idles goes on forgetting after the run's end.
fn averages(memory: &Memory, kill_us: i64, updates: usize) -> [i64; 6] {
    const DECAYS: [u64; 3] = [1677, 1981, 2034];
    let kill = SimTime(u64::try_from(kill_us).expect("after the start") * 1000);
    let after = memory.averages.partition_point(|point| point.at <= kill) + updates;
    let known = after.min(memory.averages.len());
    let last = known.checked_sub(1).map(|last| memory.averages[last]).unwrap_or_default();
    let (mut some, mut full) = (last.some, last.full);
    for _ in known..after {
        for averages in [&mut some, &mut full] {
            for (average, decay) in averages.iter_mut().zip(DECAYS) {
                *average = *average * decay / 2048;
            }
        }
    }
    let hundredths = |average: u64| i64::try_from(average * 100 / 2048).expect("at most 100 %");
    let mut numbers = some.into_iter().chain(full).map(hundredths);
    std::array::from_fn(|_| numbers.next().expect("six"))
}

/// The free memory of each zone whenever the killer printed its report.
fn zones_of_reports(run: &Run) -> Vec<Vec<i64>> {
    let mut free = vec![0; run.cast.zones.len()];
    let mut reports = Vec::new();
    for record in run.trace.iter() {
        match record.event {
            Event::ZoneFree { zone, free: pages } => free[zone.index()] = bytes(pages.into()),
            Event::OomKillProcess { report: true, .. } => reports.push(free.clone()),
            _ => {}
        }
    }
    reports
}

fn compared(recording: &Recording) -> Comparison {
    compare(&recording.told(), &run_told(&recording.scenario(), recording.updates()))
}

/// Rows that differ by more than their rule allows: what the model leaves
/// out and makes the difference, traces/README.md says.
const DIFFERENT: &[(&str, &[&str])] = &[
    ("S2-3", &["hog1: exit_mmap done", "hog1: exit of thread 1", "samples of free memory"]),
    ("L1both-3", &["samples of free memory"]),
];

#[test]
fn runs_agree_with_the_recordings() {
    let mut wrong = Vec::new();
    for recording in ALL {
        let comparison = compared(recording);
        let different = DIFFERENT.iter().find(|(id, _)| *id == recording.id);
        let different = different.map_or(&[][..], |(_, rows)| rows);
        if comparison.failures() != different {
            wrong.push(format!("{}: {:?}\n{comparison}", recording.id, comparison.failures()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The rows leave it out where a recording has no clock: two repetitions of S2 are further apart.
#[test]
fn pressure_with_two_cpus_is_within_a_factor_of_two() {
    for recording in ALL.iter().filter(|recording| !recording.is_timed()) {
        let (recorded, run) = (recording.psi(), run_told(&recording.scenario(), 0).psi);
        for (a, b) in [(recorded.some_us, run.some_us), (recorded.full_us, run.full_us)] {
            assert!(a <= 2 * b && b <= 2 * a, "{}: {recorded:?}, in the run {run:?}", recording.id);
        }
    }
}

#[test]
fn timers_of_runs_are_a_jiffy_apart() {
    // And what attempts last in the recording and not in the run.
    const NEAR_US: i64 = 4_000 + 1_000;
    for recording in ALL.iter().filter(|recording| recording.is_timed()) {
        let comparison = compared(recording);
        for what in [
            "bystander: started before the kill",
            "hog: kill to wake_reaper",
            "hog: unable to reap",
            "hog: exit_mmap",
        ] {
            let apart = comparison.apart_us(what);
            assert!(
                apart.is_none_or(|apart| apart.abs() <= NEAR_US),
                "{}: {what}\n{comparison}",
                recording.id
            );
        }
    }
}

#[test]
fn run_of_another_scenario_is_rejected() {
    let recording = Recording::find("S6-3").told();
    let comparison = compare(&recording, &run_told("capture-6-1-s3", 0));
    let failures = comparison.failures();
    assert!(failures.contains(&"hog: attempt  1 refusals"), "{comparison}");
    assert!(failures.contains(&"hog: anon-rss drop"), "{comparison}");
    assert!(failures.contains(&"refusals in the log"), "{comparison}");
}

/// Two repetitions of one scenario agree in what they can be compared by
/// if the reference has no clock. Any other two do not agree: not even S7 and
/// the control of the interval leak, whose trace has no events of reclaim.
#[test]
fn recording_agrees_with_itself_and_with_no_other() {
    for (index, one) in ALL.iter().enumerate() {
        for (other_index, other) in ALL.iter().enumerate() {
            let comparison = compare(&one.told(), &other.told());
            let agree = comparison.failures().is_empty();
            let (name, other_name) = (one.id.split('-').next(), other.id.split('-').next());
            let expected = index == other_index || (!one.is_timed() && name == other_name);
            assert_eq!(agree, expected, "{} and {}\n{comparison}", one.id, other.id);
        }
    }
}

#[test]
fn one_attempt_less_is_noticed() {
    let recording = Recording::find("S6-3").told();
    let mut wrong = recording.clone();
    wrong.story.victims[0].attempts.pop();
    let comparison = compare(&recording, &wrong);
    assert!(comparison.failures().contains(&"hog: attempts"), "{comparison}");
}

#[test]
fn other_counters_or_no_hang_are_noticed() {
    let recording = Recording::find("L1both-3").told();
    let mut wrong = recording.clone();
    wrong.story.counters[161].active = 1;
    wrong.story.hangs.clear();
    let comparison = compare(&recording, &wrong);
    assert_eq!(comparison.failures(), ["counters 162", "hangs", "hog: hangs"], "{comparison}");
}

#[test]
fn pressure_of_less_than_half_is_noticed() {
    let recording = Recording::find("S12-3").told();
    let mut wrong = recording.clone();
    wrong.psi.full_us = wrong.psi.full_us / 2 - 1;
    let comparison = compare(&recording, &wrong);
    assert_eq!(comparison.failures(), ["memory pressure, full"], "{comparison}");
}

#[test]
fn reaper_that_is_woken_in_vain_is_noticed() {
    let recording = Recording::find("S3exit-3").told();
    let mut wrong = recording.clone();
    wrong.story.victims[0].wake_us = Some(wrong.story.victims[0].killed_us + 2_004_000);
    let comparison = compare(&recording, &wrong);
    let failures = comparison.failures();
    assert_eq!(failures, ["hog: reaper", "hog: kill to wake_reaper"], "{comparison}");
}
