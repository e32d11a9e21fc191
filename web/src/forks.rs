//! The tree of forks, pure: which run was forked off which, in which
//! order they stand, and what can be forked at a moment.
//!
//! A branch's number is its place in the list, from 1; 0 is the run that
//! all stem from. A branch is never before its parent.

use sim_core::analysis::{LaneOf, LaneState, Mark, MarkKind};
use sim_core::base::SimTime;
use sim_core::record::TaskKind;
use sim_core::scenario::Fork;
use sim_core::share::Branch;

use crate::engine;
use crate::state::{Cursor, Scene};
use crate::timeline::hit::{span_now, task_of};

/// A branch in the order in which a tree is read.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Node {
    /// Its number.
    pub branch: usize,
    pub parent: usize,
    /// 1 for what was forked off the first run.
    pub depth: usize,
}

/// The forks that lead to a branch, the first run's own left out.
pub fn path(branches: &[Branch], branch: usize) -> Vec<Fork> {
    let mut path = Vec::new();
    let mut at = branch;
    while let Some(one) = at.checked_sub(1).and_then(|index| branches.get(index)) {
        path.push(one.fork.clone());
        at = if one.parent < at { one.parent } else { 0 };
    }
    path.reverse();
    path
}

/// All branches, each behind its parent and before what comes after that.
pub fn tree(branches: &[Branch]) -> Vec<Node> {
    let mut nodes = Vec::new();
    below(branches, 0, 1, &mut nodes);
    nodes
}

fn below(branches: &[Branch], parent: usize, depth: usize, nodes: &mut Vec<Node>) {
    for (index, branch) in branches.iter().enumerate() {
        if branch.parent == parent && parent <= index {
            nodes.push(Node { branch: index + 1, parent, depth });
            below(branches, index + 1, depth + 1, nodes);
        }
    }
}

/// The branches that are `branch` or were forked off it.
fn family(branches: &[Branch], branch: usize) -> Vec<usize> {
    let mut family = vec![branch];
    for (index, one) in branches.iter().enumerate() {
        if one.parent > 0 && family.contains(&one.parent) {
            family.push(index + 1);
        }
    }
    family
}

/// Without a branch and what was forked off it.
pub fn without(branches: &[Branch], branch: usize) -> Vec<Branch> {
    let gone = family(branches, branch);
    let stay: Vec<usize> = (1..=branches.len()).filter(|number| !gone.contains(number)).collect();
    kept(branches, &stay, 0)
}

/// What was forked off a branch, as the tree of a first run.
pub fn off(branches: &[Branch], branch: usize) -> Vec<Branch> {
    let family = family(branches, branch);
    kept(branches, &family[1..], branch)
}

/// Some of the branches, numbered anew; those of `root` stem from the first run.
fn kept(branches: &[Branch], stay: &[usize], root: usize) -> Vec<Branch> {
    let renumbered = |parent: usize| match parent {
        parent if parent == root => Some(0),
        parent => stay.iter().position(|number| *number == parent).map(|place| place + 1),
    };
    let of = |number: &usize| {
        let branch = branches.get(number - 1)?;
        Some(Branch { parent: renumbered(branch.parent)?, fork: branch.fork.clone() })
    };
    stay.iter().filter_map(of).collect()
}

/// Where a fork at a moment of a run is: its time, and how many records
/// precede it where the time alone would not tell.
pub fn place(scene: &Scene, at: u64, happened: usize) -> (SimTime, u64) {
    let last = happened.checked_sub(1).and_then(|last| scene.outcome.run.trace.get(last));
    let same = last.is_some_and(|record| record.at.0 == at);
    (SimTime(at), if same { happened as u64 } else { 0 })
}

/// Records that have happened at `at` and before.
pub fn happened_by(scene: &Scene, at: u64) -> usize {
    let trace = &scene.outcome.run.trace;
    let (mut low, mut high) = (0, trace.len());
    while low < high {
        let middle = low + (high - low) / 2;
        match trace.get(middle) {
            Some(record) if record.at.0 <= at => low = middle + 1,
            _ => high = middle,
        }
    }
    low
}

/// Somebody to whom a fork can do something.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target {
    pub name: String,
    /// A process that lives, and so can be killed.
    pub process: bool,
    /// What it does or waits for, in a few words; may be empty.
    pub doing: String,
}

/// Whom a fork can act on at a moment: nobody who is gone or not there yet.
pub fn targets(scene: &Scene, at: u64, happened: usize) -> Vec<Target> {
    let outcome = &scene.outcome;
    let cast = &outcome.run.cast;
    let lanes =
        outcome.lanes.iter().filter(|lane| !matches!(lane.of, LaneOf::Lock(_) | LaneOf::Cpu(_)));
    lanes
        .filter_map(|lane| {
            let task = task_of(lane.of, cast)?;
            let info = cast.tasks.get(task)?;
            let is_user = info.kind == TaskKind::User;
            // Who has no state is not born yet, or has exited.
            let now = span_now(lane, Cursor { at, happened });
            if is_user && now.is_none() {
                return None;
            }
            let chain = engine::wait_chain(outcome, task, happened, at);
            // A process comes to life at its start, not where its wait for that begins.
            let begun = lane.spans.iter().take_while(|span| span.record < happened);
            let lives = begun.into_iter().any(|span| span.state == LaneState::Running);
            let has_exited = |mark: &Mark| mark.kind == MarkKind::Exit && mark.record < happened;
            let exits = now.is_some_and(|span| span.state == LaneState::Exiting)
                || lane.marks.iter().any(has_exited)
                || chain.first().is_some_and(engine::is_exiting);
            let doing = chain.into_iter().next().filter(|link| link.kind != "none");
            let dies = exits || engine::is_killed(outcome, task, happened);
            Some(Target {
                name: info.name.clone(),
                process: is_user && lives && !dies,
                doing: doing.map(|link| link.waits_on).unwrap_or_default(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim_core::scenario::ForkChoice;

    fn branch(parent: usize, fork: &str) -> Branch {
        Branch { parent, fork: fork.parse().unwrap() }
    }

    /// 0 ─ 1 ─ 2 ─ 4
    ///   └ 3   └ 5 (off 1)
    fn branches() -> Vec<Branch> {
        vec![
            branch(0, "1ms:kill=a"),
            branch(1, "2ms:kill=b"),
            branch(0, "3ms:kill=c"),
            branch(2, "4ms:kill=d"),
            branch(1, "5ms:kill=e"),
        ]
    }

    /// Who is offered can be forked: a run is made of every offer, at moments before, in and
    /// after the lives of its processes.
    #[test]
    fn whoever_is_offered_to_be_killed_lives() {
        use crate::engine::{Job, Outcome, Request};
        let run = |request: &Request| {
            let mut job = Job::start(request).unwrap();
            while job.advance(1_000_000) {}
            job.problem().map_or_else(|| Ok(Scene::new(Outcome::of(job.into_run()))), Err)
        };
        let request = Request::default();
        let scene = run(&request).unwrap_or_else(|problem| panic!("{problem}"));
        let mut offered = Vec::new();
        for at in [0, 1_000_000_000, 4_310_000_000, 4_900_000_000, 7_000_000_000]
            .map(|at| at.min(scene.outcome.run.end.0))
        {
            let happened = happened_by(&scene, at);
            for target in targets(&scene, at, happened).into_iter().filter(|it| it.process) {
                let (time, record) = place(&scene, at, happened);
                let choice = ForkChoice::Kill(target.name.clone());
                let fork = Fork { at: time, record, choice };
                let forked = Request { forks: vec![fork], ..request.clone() };
                assert_eq!(run(&forked).err(), None, "{} at {at}", target.name);
                offered.push((at, target.name));
            }
        }
        assert!(offered.iter().any(|(at, name)| *at < 4_900_000_000 && name == "presser"));
        assert!(!offered.iter().any(|(at, name)| *at > 4_900_000_000 && name == "presser"));
        // A thread of a victim has its signal, however long a driver keeps it.
        assert!(offered.iter().any(|(at, name)| *at < 1_200_000_000 && name == "hog/stuck"));
        assert!(!offered.iter().any(|(at, name)| *at > 1_300_000_000 && name == "hog/stuck"));
    }

    fn texts(branches: &[Branch]) -> Vec<String> {
        branches.iter().map(|it| format!("{}~{}", it.parent, it.fork)).collect()
    }

    #[test]
    fn tree_stands_below_its_parents() {
        let nodes = tree(&branches());
        let order: Vec<(usize, usize)> = nodes.iter().map(|it| (it.branch, it.depth)).collect();
        assert_eq!(order, [(1, 1), (2, 2), (4, 3), (5, 2), (3, 1)]);
        let path: Vec<String> = path(&branches(), 4).iter().map(Fork::to_string).collect();
        assert_eq!(path, ["1ms:kill=a", "2ms:kill=b", "4ms:kill=d"]);
    }

    #[test]
    fn removing_takes_what_was_forked_off_too() {
        assert_eq!(
            texts(&without(&branches(), 2)),
            ["0~1ms:kill=a", "0~3ms:kill=c", "1~5ms:kill=e"]
        );
        assert_eq!(texts(&without(&branches(), 1)), ["0~3ms:kill=c"]);
        assert_eq!(without(&branches(), 9), branches());
    }

    #[test]
    fn branch_can_become_the_first_run() {
        assert_eq!(texts(&off(&branches(), 1)), ["0~2ms:kill=b", "1~4ms:kill=d", "0~5ms:kill=e"]);
        assert!(off(&branches(), 3).is_empty());
    }
}
