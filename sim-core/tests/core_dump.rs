//! Who waits for whom while a process writes its core.

use sim_core::analysis::{Index, wait_chain, wait_for, wait_graph};
use sim_core::base::SimTime;
use sim_core::record::{EdgeKind, Run};
use sim_core::scenario::{RunOptions, Simulation, parse};

/// A process crashes at 10 ms and its second thread waits for a lock; who
/// holds that waits for `waits`.
fn run(waits: &str) -> Run {
    let text = format!(
        "schema = 1
        title = 't'
        kernel = '6.1'
        horizon = '1s'
        [machine]
        ram = '256MiB'
        [[lock]]
        name = 'm'
        kind = 'mutex'
        [[task]]
        name = 'other'
        program = [{{ ioctl = [{{ lock = 'm' }}, {{ ready = true }}, {waits}, {{ unlock = 'm' }}] }}, {{ idle = true }}]
        [[task]]
        name = 'crashes'
        start = {{ after = 'other' }}
        program = [{{ thread = 'waits' }}, {{ thread = 'idles' }}, {{ pause = '10ms' }}, {{ core_dump = true }}, {{ signal = 'done' }}]
        [[task.thread]]
        name = 'waits'
        program = [{{ ioctl = [{{ lock = 'm' }}, {{ unlock = 'm' }}] }}, {{ idle = true }}]
        [[task.thread]]
        name = 'idles'
        program = [{{ idle = true }}]"
    );
    let scenario = parse("test", &text, &[]).unwrap_or_else(|errors| panic!("{errors:#?}"));

    let checks = vec!["wait-for".to_owned()];
    let options = RunOptions { checks, ..RunOptions::default() };
    Simulation::new(&scenario, &options).expect("starts").run()
}

/// The edges of the graph at 50 ms, by name.
fn edges(run: &Run) -> Vec<(String, String, EdgeKind)> {
    let index = Index::new(run);
    let seen = run.trace.iter().filter(|record| record.at <= SimTime(50_000_000)).count();
    let name = |task| run.cast.tasks[task].name.clone();
    let graph = wait_graph(&index, seen);
    let mut edges: Vec<_> =
        graph.edges.iter().map(|edge| (name(edge.from), name(edge.to), edge.kind)).collect();
    edges.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
    edges
}

#[test]
fn dumper_waits_for_threads_and_those_that_stopped_for_the_dumper() {
    let run = run("{ sleep = '100ms' }");
    let edge = |from: &str, to: &str, kind| (from.to_owned(), to.to_owned(), kind);
    assert_eq!(
        edges(&run),
        [
            edge("crashes", "crashes/waits", EdgeKind::CoreDump),
            edge("crashes/idles", "crashes", EdgeKind::CoreDump),
            edge("crashes/waits", "other", EdgeKind::Lock),
        ]
    );
    let (idles, _) =
        run.cast.tasks.iter().find(|(_, info)| info.name == "crashes/idles").expect("in the cast");
    let index = Index::new(&run);
    let chain = wait_chain(&index, idles, SimTime(50_000_000));
    let texts: Vec<_> = chain.iter().map(|link| link.text.as_str()).collect();
    assert!(texts[0].contains("not before crashes has written the core"), "{texts:?}");
    assert!(texts[1].contains("once crashes/waits has stopped"), "{texts:?}");
    assert!(texts[2].contains("waits for m, which other holds"), "{texts:?}");
    assert!(wait_for(&index).closed.is_empty());
}

#[test]
fn circle_through_a_core_dump_is_found_while_it_runs_and_afterwards() {
    let run = run("{ wait = 'done' }");
    let index = Index::new(&run);
    let found = wait_for(&index);
    assert_eq!(found.closed.len(), 1, "{found:?}");
    let kinds: Vec<_> = found.closed[0].cycles[0].iter().map(|edge| edge.kind).collect();
    assert!(kinds.contains(&EdgeKind::CoreDump) && kinds.contains(&EdgeKind::Event), "{kinds:?}");
    assert_eq!(run.lock_reports.wait_for.as_ref(), Some(&found), "the checker sees the same");
}
