//! The wait-for graph: what the checker finds while a run goes on is what the
//! analysis finds in its records, and chains are whole at any instant.

use sim_core::analysis::types::{Verdict, WaitFor};
use sim_core::analysis::{Index, report, wait_chain_after};
use sim_core::base::TaskId;
use sim_core::experiment::Replication;
use sim_core::record::{Keep, Run};
use sim_core::scenario::gallery::gallery;
use sim_core::scenario::{RunOptions, Simulation, parse};

fn run(id: &str, keep: Keep, checks: &[&str]) -> Run {
    let entry = gallery().iter().find(|entry| entry.id == id).expect("in the gallery");
    let scenario = parse(entry.id, entry.text, &[]).expect("parses");
    let checks = checks.iter().map(|&id| id.to_owned()).collect();
    let options = RunOptions { keep, checks, ..RunOptions::default() };
    Simulation::new(&scenario, &options).expect("runs").run()
}

fn found(run: &Run) -> &WaitFor {
    run.lock_reports.wait_for.as_ref().expect("the checker was on")
}

#[test]
fn checker_finds_during_the_run_what_the_analysis_finds_after_it() {
    let mut sets = 0;
    let mut dependencies = 0;
    for entry in gallery() {
        let run = run(entry.id, Keep::Records, &["wait-for"]);
        let after = report(&run).wait_for;
        assert_eq!(*found(&run), after, "{}", entry.id);
        sets += after.closed.len();
        dependencies += after.dependencies.len();
    }
    assert!(sets > 10 && dependencies > 5, "{sets} sets, {dependencies} dependencies");
}

#[test]
fn checker_needs_no_records_and_changes_no_digest() {
    for id in ["d1-self", "d2-direct", "d3-fence", "d4-nofs", "d6-global-lock"] {
        let kept = run(id, Keep::Records, &["wait-for"]);
        let hashed = run(id, Keep::DigestOnly, &["wait-for"]);
        assert_eq!(found(&kept), found(&hashed), "{id}");
        let alone = run(id, Keep::Records, &[]);
        assert_eq!(alone.digest, hashed.digest, "{id}");
        assert_eq!(report(&alone).verdict, report(&kept).verdict, "{id}");
    }
}

/// One that closes while others run on is told with the instant at which it did.
#[test]
fn set_is_told_at_the_record_that_closed_it() {
    let run = run("d3-fence", Keep::Records, &["wait-for"]);
    let index = Index::new(&run);
    let set = found(&run).closed.iter().find(|set| set.until.is_none()).expect("a deadlock");
    let closer = run.trace.get(set.record).expect("a record");
    assert!(set.tasks.contains(&closer.task), "{closer:?}");
    assert!(index.time_of(set.record) < run.end);
    let cycle = report(&run).incidents.iter().find(|one| one.kind == "cycle").map(|one| one.record);
    assert_eq!(cycle, Some(set.record));
}

/// D1 to D8: every task, at many instants, has a chain whose links hang together.
#[test]
fn chains_of_the_deadlocks_are_whole_at_any_instant() {
    for entry in gallery().iter().filter(|entry| {
        let mut chars = entry.id.chars();
        chars.next() == Some('d') && chars.next().is_some_and(|char| char.is_ascii_digit())
    }) {
        let run = run(entry.id, Keep::Records, &[]);
        let index = Index::new(&run);
        let mut stacks = 0;
        for record in (0..run.trace.len()).step_by((run.trace.len() / 40).max(1)) {
            let at = index.time_of(record);
            for task in (0..run.cast.tasks.len()).map(TaskId::from_index) {
                let chain = wait_chain_after(&index, task, record);
                assert_eq!(chain.first().map(|link| link.task), Some(task), "{}", entry.id);
                for (number, link) in chain.iter().enumerate() {
                    assert!(link.since <= at && !link.text.is_empty(), "{}: {link:?}", entry.id);
                    assert!(link.parent.is_none_or(|parent| parent < number), "{link:?}");
                    assert_eq!(link.parent.is_none(), number == 0, "{}: {link:?}", entry.id);
                    stacks += usize::from(!link.stack.is_empty());
                }
            }
        }
        assert!(stacks > 0, "{}", entry.id);
    }
}

/// What the chain of a stuck task says: kinds, in order, and the functions it is in.
#[test]
fn chain_of_a_fence_that_needs_a_page_has_kinds_and_stacks() {
    let run = run("d3-fence", Keep::Records, &[]);
    let index = Index::new(&run);
    let reaper = index.reaper().expect("a reaper");
    let set = report(&run).wait_for.closed.into_iter().find(|set| set.until.is_none());
    let chain = wait_chain_after(&index, reaper, set.expect("a deadlock").record);
    let names: Vec<_> = chain.iter().map(|link| run.cast.tasks[link.task].name.as_str()).collect();
    assert_eq!(names[..3], ["oom_reaper", "gpu0", "gpu0/worker"], "{chain:?}");
    let stack: Vec<_> = chain[0].stack.iter().map(|func| func.text()).collect();
    for func in ["oom_reap_task_mm", "oom_reap_task"] {
        assert!(stack.contains(&func), "{stack:?}");
    }
}

/// Verdict and comparison speak of one cycle where there are several.
#[test]
fn a_deadlock_has_one_cycle_wherever_it_is_told() {
    let mut deadlocks = 0;
    for entry in gallery() {
        let run = run(entry.id, Keep::Records, &[]);
        let told = Replication::of(run);
        if told.report.verdict != Verdict::Deadlock {
            continue;
        }
        let danger = told.danger_text().expect("a deadlock is one");
        let names = |text: &str| -> Vec<String> {
            let cycle = text.split(": ").last().unwrap_or_default();
            let hops =
                cycle.split(" → ").map(|hop| hop.split([' ', '.']).next().unwrap_or_default());
            hops.map(str::to_owned).collect()
        };
        let evidence = told.report.evidence.split(" Nor could").next().unwrap_or_default();
        assert_eq!(names(evidence), names(&danger), "{}: {danger}", entry.id);
        deadlocks += 1;
    }
    assert!(deadlocks >= 10, "{deadlocks}");
}
