//! Recordings described anew, from what their machine says of itself: zones
//! from `zoneinfo`, tasks from the recorder's arguments and `run.txt`, and the
//! five costs that traces/README.md says decide. No trace is looked at. Who is killed, how often the
//! reaper tries and when may not hang on what a scenario was fitted to.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::compare::compare;
use super::files::{ALL, Recording};
use super::{DIFFERENT, text_told};

const COSTS: &str = "page_fault = '27us'\nzap_page = '10.5us'\nreclaim_pass = '0.8ms'\n\
                     reclaim_gap = '12us'\noom_report = '4.7ms'\n";

/// The number behind a word of `zoneinfo`.
fn number(zone: &str, word: &str) -> u64 {
    let mut lines = zone.lines().map(str::trim);
    let line = lines.find_map(|line| line.strip_prefix(word)?.strip_prefix(' '));
    line.and_then(|number| number.trim().parse().ok()).unwrap_or_else(|| panic!("no {word}"))
}

/// `[[machine.zone]]` of each zone that has pages, as it was before.
fn zones(state: &str, text: &mut String) {
    let mut seen = Vec::new();
    for zone in state.split("Node 0, zone").skip(1) {
        let name = zone.split_whitespace().next().expect("a name");
        if seen.contains(&name) || !zone.contains("managed") || number(zone, "managed") == 0 {
            continue;
        }
        seen.push(name);
        let reserves = zone.split_once("protection: (").expect("reserves").1;
        let reserves = reserves.split_once(')').expect("a list").0.split(", ");
        let reserve = reserves.filter_map(|pages| pages.parse::<u64>().ok()).max();
        writeln!(text, "[[machine.zone]]\nname = '{name}'\nreserve = {}", reserve.unwrap_or(0))
            .expect("strings take text");
        for (key, word) in [
            ("managed", "managed"),
            ("free", "pages free"),
            ("min", "min"),
            ("low", "low"),
            ("high", "high"),
        ] {
            writeln!(text, "{key} = {}", number(zone, word)).expect("strings take text");
        }
    }
}

/// The module in one of its modes (traces/README.md: a and b on the list, c and d in the tree).
fn device(task: &BTreeMap<&str, &str>, text: &mut String) {
    let Some(mode) = task.get("mode") else { return };
    let (driver, api) = match *mode {
        "a" => ("always-refuse", "hlist"),
        "b" => ("gpu-fence", "hlist"),
        "c" => ("gpu-fence", "interval"),
        _ => ("spin", "interval"),
    };
    write!(text, "[[device]]\nname = 'module'\ndriver = '{driver}'\napi = '{api}'\n")
        .expect("strings take text");
    if let Some(sleep) = task.get("sleep") {
        writeln!(text, "sleep = '{sleep}ms'").expect("strings take text");
    }
}

/// A task of the recorder, whose area A has `size` MiB.
fn task(task: &BTreeMap<&str, &str>, size: u64, after: Option<&str>) -> String {
    let (mut program, mut threads) =
        (vec![format!("{{ mmap = 'a', size = '{size}MiB' }}")], vec![]);
    let mut touched = "'a'";
    if task.contains_key("mode") {
        if let Some(part) = task.get("part_mb") {
            program.push("{ mmap = 'b', size = '4MiB' }".to_owned());
            touched = "['a', 'b']";
            let middle = size / 2;
            program.push(format!(
                "{{ register = 'module', region = 'a', offset = '{middle}MiB', length = '{part}MiB' }}"
            ));
        } else {
            let length = size + 2;
            program
                .push(format!("{{ register = 'module', region = 'a', length = '{length}MiB' }}"));
        }
    }
    let ready = "{ ready = true }".to_owned();
    let waits = task.get("wait") != Some(&"0");
    if !waits {
        program.push(ready.clone());
    }
    let rate = task.get("rate").map_or(String::new(), |rate| format!(", rate = '{rate}MiB/s'"));
    program.push(format!("{{ touch = {touched}{rate} }}"));
    if let Some(share) = task.get("mlock") {
        let locked = size * share.parse::<u64>().expect("a share") / 100;
        program.push(format!("{{ mlock = 'a', size = '{locked}MiB' }}"));
    }
    if let Some(ms) = task.get("stuck") {
        threads.push(format!("{{ stuck = '{ms}ms' }}"));
    }
    if let Some(ms) = task.get("mmapw") {
        let then = task.get("then").filter(|ms| **ms != "0");
        let then = then.map_or(String::new(), |ms| format!(", {{ sleep = '{ms}ms' }}"));
        threads.push(format!(
            "{{ ioctl = [{{ mmap_lock = 'write' }}, {{ await_sigkill = true }}, {{ sleep = \
             '{ms}ms' }}, {{ mmap_unlock = true }}{then}] }}"
        ));
    }
    program.extend(threads.iter().map(|_| "{ thread = 't' }".to_owned()));
    if waits {
        program.push(ready);
    }
    match task.get("life") {
        Some(ms) => program.push(format!("{{ pause = '{ms}ms' }}, {{ exit = true }}")),
        None => program.push("{ idle = true }".to_owned()),
    }
    let start = after.map_or(String::new(), |name| format!("start = {{ after = '{name}' }}\n"));
    let name = task["name"];
    let threads = threads.iter();
    let threads = threads.map(|step| format!("[[task.thread]]\nname = 't'\nprogram = [{step}]\n"));
    let threads: String = threads.collect();
    let program = program.join(", ");
    format!("[[task]]\nname = '{name}'\n{start}program = [{program}]\n{threads}")
}

/// The scenario of a recording; none where the arguments were not kept.
fn described(recording: &Recording) -> Option<String> {
    let state = recording.state();
    let arguments = state.lines().find_map(|line| line.strip_prefix("oomrun "))?;
    let cpus = if recording.is_timed() { 1 } else { 2 };
    let mut text = format!(
        "schema = 1\ntitle = 'described'\nkernel = '6.1'\nhorizon = '30s'\n[machine]\ncpus = \
         {cpus}\nhz = 250\ntimer_wheel = true\n[machine.cost]\n{COSTS}"
    );
    zones(&state, &mut text);
    let tasks = arguments.split(" -- ").skip(1).map(|task| {
        let pairs = task.trim().split(',').filter_map(|pair| pair.split_once('='));
        pairs.collect::<BTreeMap<_, _>>()
    });
    let tasks: Vec<_> = tasks.collect();
    for task in &tasks {
        device(task, &mut text);
    }
    let mut after = None;
    for described in &tasks {
        let name = described["name"];
        let sizes = recording.run().split_once(&format!("task {name} ")).expect("it ran").1;
        let size = sizes.split_once("size_mb=").expect("a size").1;
        let whole = size.split_once('.').expect("a fraction").0.parse::<u64>().expect("a number");
        // Area A consists of whole 2 MiB.
        text += &task(described, whole & !1, after);
        after = Some(name);
    }
    Some(text)
}

/// Rows that a hundred pages more at the start decide, or 10 us less in each round: how often
/// loops go round, and what is read off while they do.
const LOOSE: &[&str] = &[
    "direct reclaims",
    "tests whether to retry",
    "calls of out_of_memory",
    "samples of free memory",
    "memory pressure, some avg10 at the end",
    "memory pressure, full avg10 at the end",
    "mark 2 of presser: anon-rss",
];

#[test]
fn described_without_a_look_at_the_trace_they_come_out_the_same() {
    let mut wrong = Vec::new();
    let mut found = 0;
    for recording in ALL {
        let Some(text) = described(recording) else { continue };
        found += 1;
        let run = text_told(recording.id, &text, recording.updates());
        let comparison = compare(&recording.told(), &run);
        let known = DIFFERENT.iter().filter(|(id, _)| *id == recording.id);
        let known: Vec<_> = known.flat_map(|(_, rows)| *rows).chain(LOOSE).collect();
        let failures = comparison.failures();
        if failures.iter().any(|row| !known.contains(&row)) {
            wrong.push(format!("{}: {failures:?}\n{text}", recording.id));
        }
    }
    assert_eq!(found, 15, "all but two have the recorder's arguments");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
