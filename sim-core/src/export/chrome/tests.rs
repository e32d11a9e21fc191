//! Rules that viewers rely on, held in whole runs.

use std::collections::BTreeMap;

use serde_json::Value;

use super::chrome;
use crate::export::tests::by_hand;
use crate::record::Run;
use crate::scenario::{RunOptions, Simulation, gallery};

fn events(run: &Run) -> Vec<Value> {
    let json: Value = serde_json::from_str(&chrome(run, None)).expect("JSON");
    json["traceEvents"].as_array().expect("a list").clone()
}

fn run_of(id: &str) -> Run {
    let entry = gallery::find(id).expect("in the gallery");
    let scenario = crate::scenario::parse(entry.id, entry.text, &[]).expect("checked");
    Simulation::new(&scenario, &RunOptions::default()).expect("known").run()
}

fn track(event: &Value) -> (u64, u64) {
    (event["pid"].as_u64().expect("pid"), event["tid"].as_u64().expect("tid"))
}

/// Times as whole ns: they are decimal fractions with three digits.
fn ns(event: &Value) -> u64 {
    let text = event["ts"].to_string();
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    let part = format!("{part:0<3}");
    whole.parse::<u64>().expect("µs") * 1_000 + part.parse::<u64>().expect("ns")
}

fn check(events: &[Value]) {
    let mut stacks: BTreeMap<(u64, u64), Vec<String>> = BTreeMap::new();
    let mut flows: BTreeMap<u64, (u32, bool)> = BTreeMap::new();
    let mut lasting: BTreeMap<String, u32> = BTreeMap::new();
    let mut last = 0;
    for event in events {
        let phase = event["ph"].as_str().expect("ph");
        let name = event["name"].as_str().expect("name").to_owned();
        if phase == "M" {
            continue;
        }
        assert!(ns(event) >= last, "out of order: {event}");
        last = ns(event);
        let stack = stacks.entry(track(event)).or_default();
        match phase {
            "B" => stack.push(name),
            "E" => assert_eq!(stack.pop(), Some(name), "{event}"),
            "s" | "t" | "f" => {
                assert!(!stack.is_empty(), "an arrow holds on to nothing: {event}");
                let flow = flows.entry(event["id"].as_u64().expect("id")).or_default();
                assert_eq!(flow.0 == 0, phase == "s", "an arrow starts once: {event}");
                assert!(!flow.1, "an arrow ends once: {event}");
                *flow = (flow.0 + 1, phase == "f");
            }
            "b" => *lasting.entry(event["id"].to_string()).or_default() += 1,
            "e" => *lasting.get_mut(&event["id"].to_string()).expect("begun") -= 1,
            "C" | "i" => {}
            other => panic!("unknown phase {other}"),
        }
    }
    assert!(stacks.values().all(Vec::is_empty), "slices end");
    assert!(flows.values().all(|flow| flow.1), "arrows end");
    assert!(lasting.values().all(|open| *open == 0), "waits end");
}

#[test]
fn slices_nest_and_arrows_hold() {
    check(&events(&by_hand::run("6.1")));
    for id in ["capture-6-1-s6-smp", "gpu-fence-overlap", "g11-pins"] {
        check(&events(&run_of(id)));
    }
}

#[test]
fn what_happened_is_there() {
    let mut run = by_hand::run("6.1");
    for (task, info) in run.cast.tasks.iter_mut() {
        info.leader = task;
    }
    let events = events(&run);
    let count = |phase: &str, name: &str| {
        events.iter().filter(|event| event["ph"] == phase && event["name"] == name).count()
    };
    assert_eq!((count("s", "kill"), count("f", "kill")), (1, 1));
    assert_eq!((count("s", "call"), count("t", "call"), count("f", "call")), (2, 2, 2));
    assert_eq!((count("s", "refusal"), count("s", "wake_reaper")), (1, 1));
    assert_eq!(count("s", "wake-up"), 1);
    assert_eq!(count("C", "watermark min"), 2);
    let free = events.iter().find(|event| event["name"] == "free").expect("a counter");
    assert_eq!(free["args"]["KiB"], 428 * 4);
    let names: Vec<&str> = events
        .iter()
        .filter(|event| event["name"] == "process_name")
        .filter_map(|event| event["args"]["name"].as_str())
        .collect();
    assert_eq!(
        names,
        ["memory", "oom_reaper", "hog", "presser", "devices", "locks", "CPUs", "timers"]
    );
}
