//! What a described driver does when the mm goes: its `release` callback.

use sim_core::analysis::{Index, wait_graph};
use sim_core::base::SimTime;
use sim_core::record::{EdgeKind, Event, MnEvent, Run};
use sim_core::scenario::parse;

use crate::world::{run, scenario};

/// A process whose driver's release callback takes these steps; it exits at
/// 10 ms. Another one, registered with the same device, unregisters at 20 ms.
fn text(api: &str, release: &str) -> String {
    format!(
        "schema = 1
        title = 't'
        kernel = '6.1'
        horizon = '5s'
        [machine]
        ram = '256MiB'
        cpus = 2
        [[driver]]
        name = 'svm'
        api = '{api}'
        start = []
        release = [{release}]
        [[lock]]
        name = 'm'
        kind = 'mutex'
        [[device]]
        name = 'gpu0'
        driver = 'svm'
        [[task]]
        name = 'exits'
        program = [
          {{ mmap = 'a', size = '1MiB' }}, {{ register = 'gpu0', region = 'a' }}, {{ touch = 'a' }},
          {{ pause = '10ms' }}, {{ exit = true }} ]
        [[task]]
        name = 'stays'
        program = [
          {{ mmap = 'a', size = '1MiB' }}, {{ register = 'gpu0', region = 'a' }}, {{ touch = 'a' }},
          {{ pause = '20ms' }}, {{ unregister = 'gpu0' }}, {{ idle = true }} ]
        [[task]]
        name = 'holder'
        program = [{{ ioctl = [{{ lock = 'm' }}, {{ sleep = '500ms' }}, {{ unlock = 'm' }}] }}, {{ idle = true }}]"
    )
}

fn run_of(text: &str) -> Run {
    run(&scenario(text), None)
}

/// When a record of this kind was made by the task, in whole ms.
fn at(run: &Run, name: &str, is: impl Fn(Event) -> bool) -> Vec<u64> {
    let records = run
        .trace
        .iter()
        .filter(|record| run.cast.tasks[record.task].name == name && is(record.event));
    records.map(|record| record.at.0 / 1_000_000).collect()
}

fn releases(event: Event) -> bool {
    matches!(event, Event::MnCall { event: MnEvent::Release, blockable: true, .. })
}

#[test]
fn exit_waits_for_its_release_and_for_that_of_others_to_be_left() {
    let run = run_of(&text("hlist", "{ sleep = '300ms' }"));
    assert_eq!(at(&run, "exits", releases), [10]);
    assert_eq!(at(&run, "stays", releases), [20]);
    // Its own ended at 310 ms; synchronize_srcu() waits for whoever is inside any notifier then.
    assert_eq!(at(&run, "exits", |event| matches!(event, Event::ExitMmapDone { .. })), [320]);
    let unregistered = |event| matches!(event, Event::NotifierUnregistered { .. });
    assert_eq!(at(&run, "stays", unregistered), [320]);
    // The graph has that edge, although the two share no memory.
    let seen = run.trace.iter().filter(|record| record.at <= SimTime(315_000_000)).count();
    let graph = wait_graph(&Index::new(&run), seen);
    let name = |task| run.cast.tasks[task].name.as_str();
    let edges: Vec<_> =
        graph.edges.iter().map(|edge| (name(edge.from), name(edge.to), edge.kind)).collect();
    assert!(edges.contains(&("exits", "stays", EdgeKind::Srcu)), "{edges:?}");
}

#[test]
fn exit_waits_for_whoever_holds_what_the_release_takes() {
    let run = run_of(&text("hlist", "{ lock = 'm' }, { work = '1ms' }, { unlock = 'm' }"));
    // The lock is let go at 500 ms; the other one's release is next in line.
    assert_eq!(at(&run, "exits", |event| matches!(event, Event::ExitMmapDone { .. })), [502]);
}

#[test]
fn release_without_a_list_or_with_a_lock_kept_is_bad_input() {
    let problems = |text: &str| {
        let errors = parse("test", text, &[]).expect_err("bad input");
        errors.iter().map(|error| error.problem.clone()).collect::<Vec<_>>()
    };
    assert_eq!(problems(&text("interval", "{ work = '1ms' }")), ["a release without a list"]);
    assert_eq!(
        problems(&text("none", "{ work = '1ms' }").replace("start = []", "")),
        ["`release` without a callback"]
    );
    assert_eq!(problems(&text("hlist", "{ lock = 'm' }")), ["never let go"]);
    assert_eq!(
        problems(&text("hlist", "{ invalidation = 'begin' }")),
        ["`invalidation` in `release`"]
    );
}
