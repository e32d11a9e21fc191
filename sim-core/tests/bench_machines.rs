//! The scenarios of the benchmarks run: nobody starts a benchmark often
//! enough to notice that one has stopped doing so.

#[path = "../benches/support/machines.rs"]
mod machines;

use sim_core::record::Run;
use sim_core::scenario::{RunOptions, Simulation, parse};

fn start(text: &str) -> Simulation {
    let scenario = parse("bench", text, &[]).unwrap_or_else(|errors| panic!("{errors:?}"));
    Simulation::new(&scenario, &RunOptions::default()).expect("starts")
}

#[test]
fn steady_machines_have_the_events_they_are_named_after() {
    for (tasks, ms) in [(10, 70), (100, 70)] {
        let Run { events, .. } = start(&machines::steady(tasks, ms)).run();
        assert!((9_000..16_000).contains(&events), "{tasks} tasks: {events} events");
    }
}

#[test]
fn the_large_machine_has_more_than_a_few_events() {
    assert!(start(&machines::large()).advance(10_000), "it goes on");
}
