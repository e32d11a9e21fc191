//! One recording in every form in which tools print a trace: the same scenario comes of each.

use sim_core::import::{CaptureFile, import, parse_ftrace};

use crate::recorded::ALL;
use crate::{imported, run_of, victims};

/// An event of the recording: comm, pid, CPU, flags, time, and the rest of the line.
struct Event {
    comm: String,
    pid: u32,
    cpu: u32,
    flags: String,
    us: i64,
    rest: String,
}

fn events() -> Vec<Event> {
    let recording = ALL.iter().find(|recording| recording.id == "S6-3").expect("there");
    let text = recording.trace();
    let read = parse_ftrace(&text).expect("a trace");
    let flags = |line: &str| {
        line.split_once("] ").and_then(|(_, rest)| rest.split(' ').next().map(str::to_owned))
    };
    let flags: Vec<String> =
        text.lines().filter(|line| !line.starts_with('#')).filter_map(flags).collect();
    assert_eq!(flags.len(), read.lines.len());
    let event = |(line, flags): (&sim_core::import::TraceLine<'_>, &String)| Event {
        comm: line.comm.to_owned(),
        pid: line.pid,
        cpu: line.cpu,
        flags: flags.clone(),
        us: line.time_us,
        rest: format!("{}: {}", line.name, line.args),
    };
    read.lines.iter().zip(&flags).map(event).collect()
}

fn seconds(us: i64) -> String {
    format!("{}.{:06}", us / 1_000_000, us % 1_000_000)
}

type Form = (&'static str, fn(&Event, i64) -> String);

const FORMS: &[Form] = &[
    ("the kernel's", |e, _| {
        format!(
            "{:>16}-{:<7} [{:03}] {} {:>12}: {}",
            e.comm,
            e.pid,
            e.cpu,
            e.flags,
            seconds(e.us),
            e.rest
        )
    }),
    ("without irq-info", |e, _| {
        format!("{:>16}-{:<7} [{:03}] {:>12}: {}", e.comm, e.pid, e.cpu, seconds(e.us), e.rest)
    }),
    ("record-tgid", |e, _| {
        let (comm, pid, cpu, us) = (&e.comm, e.pid, e.cpu, seconds(e.us));
        format!("{comm:>16}-{pid:<7} ({pid:>7}) [{cpu:03}] {} {us:>12}: {}", e.flags, e.rest)
    }),
    ("latency-format", |e, start| {
        let (comm, pid, cpu, us) = (e.comm.get(..8).unwrap_or(&e.comm), e.pid, e.cpu, e.us - start);
        format!("{comm:>8}-{pid:<7} {cpu:>3}{} {us:>4}us+: {}", e.flags, e.rest)
    }),
    ("another clock", |e, _| {
        let us = seconds(e.us + 900_000_000_000);
        format!("{:>16}-{:<7} [{:03}] {} {us}: {}", e.comm, e.pid, e.cpu, e.flags, e.rest)
    }),
    ("trace-cmd report -t", |e, _| {
        let us = seconds(e.us);
        format!("{:>16}-{:<5} [{:03}] {} {us}000: {}", e.comm, e.pid, e.cpu, e.flags, e.rest)
    }),
    ("trace-cmd report -l", |e, _| {
        let (comm, flags) = (e.comm.get(..8).unwrap_or(&e.comm), e.flags.get(..4).unwrap_or(""));
        format!("{comm:>8}-{:<5} {:>3}{flags} {:>12}: {}", e.pid, e.cpu, seconds(e.us), e.rest)
    }),
    ("perf script", |e, _| {
        format!("{:>16} {:>7} [{:03}] {:>12}: oom:{}", e.comm, e.pid, e.cpu, seconds(e.us), e.rest)
    }),
    ("perf script with counts", |e, _| {
        let us = seconds(e.us);
        format!("{:>16} {:>7} [{:03}] {us}:          1 oom:{}", e.comm, e.pid, e.cpu, e.rest)
    }),
];

#[test]
fn every_form_of_a_trace_tells_the_same() {
    let events = events();
    let start = events.first().expect("one").us;
    let mut first: Option<(Vec<String>, _)> = None;
    for (name, form) in FORMS {
        let lines: Vec<String> = events.iter().map(|event| form(event, start)).collect();
        let found = imported(&lines.join("\n"));
        let notes = found.notes.iter().map(|note| note.text.clone()).collect();
        let told = (notes, victims(&found.story));
        assert_eq!(told.1, victims(&run_of(&found)), "{name}");
        match &first {
            None => first = Some(told),
            Some(first) => assert_eq!(*first, told, "{name}"),
        }
    }
    let (notes, _) = first.expect("forms");
    assert!(
        notes.iter().any(|note| note == "HZ = 250, from the pauses of the reaper"),
        "{notes:#?}"
    );
}

/// What cannot be told apart is not told: attempts of 3.2 ms end in the same jiffy at 1000 Hz.
#[test]
fn pauses_that_fit_two_clocks_are_no_proof() {
    let recording = ALL.iter().find(|recording| recording.id == "L1both-3").expect("there");
    let found = imported(&recording.trace());
    let said = "HZ = 250: the pauses of the reaper fit 1000, too";
    assert!(found.notes.iter().any(|note| note.text == said), "{:#?}", found.notes);
}

#[test]
fn counts_instead_of_times_are_turned_down_with_a_reason() {
    let text = "# tracer: nop\n  hog-130 [003] dN.2. 81234567890123: mark_victim: pid=130\n";
    let error = import(&[CaptureFile { name: "trace", text }]).expect_err("no time");
    assert!(error.to_string().starts_with("trace:2:1: a count instead of a time: "), "{error}");
}
