//! `wait-for`: the oracle that no kernel has: it sees who waits for whom, whatever for.
//!
//! Summary: reports deadlocks as they close, with or without locks, while the rest of the machine runs on; and every path on which the reaper waits, directly or through others, for an allocation that may sleep.
//! Mechanism: keeps who waits for whom from the records of blocking, waking, taking, letting go and allocating; looks again at whatever a record could have closed.
//! Models: nothing that exists: it sees fences, completions and work as well as locks, and needs no annotation.
//! Doesn't model: waits for the disk or the clock, which end by themselves; a trylock, which waits for nobody.
//! See: kernel-spec 4.8, 5.5 and 8.3; the rule is Michal Hocko's, August 2019.
//!
//! The verdict and the incidents of kind `cycle` rest on it whatever is
//! checked; selected, it also reports what the reaper depended on.
//! A set is found at the first record after which it was closed: somebody
//! began to wait or to allocate, exited, or was killed. Where a page from
//! elsewhere would have opened it again it is told only if none came for
//! [`QUIET`]; the time is that of the record all the same.

mod depends;
mod text;

#[cfg(test)]
mod tests;

pub use text::{closed_text, dependency_text, edge_text};

use super::graph::{Closed, Moment, QUIET, edges_around, is_quiet, is_retry};
use super::index::Index;
use super::intervals::OPEN;
use super::replay::{Doing, is_own_wish};
use super::types::{ClosedSet, WaitEdge, WaitFor};
use crate::base::TaskId;

/// Everything it finds in a run.
pub fn wait_for(index: &Index) -> WaitFor {
    WaitFor { closed: closed_sets(index), dependencies: depends::dependencies(index) }
}

/// A record that could have closed a set, and around whom to look.
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd)]
struct Candidate {
    record: usize,
    /// `None`: look at everybody.
    task: Option<TaskId>,
}

fn closed_sets(index: &Index) -> Vec<ClosedSet> {
    let mut found: Vec<ClosedSet> = Vec::new();
    for Candidate { record, task } in candidates(index) {
        let moment = Moment::new(index, record + 1);
        let closed = match task {
            Some(task) => Closed::around(moment, task),
            None => Closed::at(moment),
        };
        if task.is_some_and(|task| !closed.contains(task)) {
            continue;
        }
        let forsaken = closed.forsaken().map(|task| vec![task]);
        for tasks in closed.knots().into_iter().chain(forsaken) {
            let is_known = |set: &ClosedSet| {
                set.tasks == tasks && set.until.is_none_or(|until| until > record)
            };
            if found.iter().any(is_known) {
                continue;
            }
            let cycles = closed.cycles(&tasks);
            let cycles: Vec<_> =
                cycles.iter().map(|cycle| edges_around(moment, &closed, cycle)).collect();
            let until = opened(moment, &tasks, &cycles);
            let set = ClosedSet { record, until, tasks, cycles };
            if is_told(index, &set) {
                found.push(set);
            }
        }
    }
    found
}

/// Everything that could have closed a set, in order.
fn candidates(index: &Index) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    for (number, track) in index.tasks.iter().enumerate() {
        let task = Some(TaskId::from_index(number));
        for step in &track.steps {
            let is_wait = |doing: Doing| {
                let reason = doing.reason();
                reason.is_some_and(|reason| !is_own_wish(reason) && !is_retry(reason))
            };
            let record = step.record;
            match step.doing {
                Doing::Exited => candidates.push(Candidate { record, task: None }),
                doing if is_wait(doing) => candidates.push(Candidate { record, task }),
                _ => {}
            }
        }
        let stalls = track.stalls.items.iter();
        candidates.extend(stalls.map(|stall| Candidate { record: stall.from, task }));
    }
    let kills = index.victims.iter();
    candidates.extend(kills.map(|victim| Candidate { record: victim.killed, task: None }));
    let lost = index.lost_ends.iter();
    candidates.extend(lost.map(|&(record, _)| Candidate { record, task: None }));
    candidates.sort_unstable();
    candidates.dedup();
    candidates
}

/// The first record after which one of the tasks went on.
fn opened(moment: Moment<'_>, tasks: &[TaskId], cycles: &[Vec<WaitEdge>]) -> Option<usize> {
    let Moment { index, seen } = moment;
    let of_task = |&task: &TaskId| {
        let stall = index.stall(task, seen);
        let retries = super::graph::is_allocating(index, task, seen);
        match stall.filter(|_| retries) {
            Some(stall) => Some(stall.to).filter(|&to| to != OPEN),
            None => index.step(task, seen)?.1,
        }
    };
    let waits_for_page = cycles.iter().flatten().any(|edge| edge.kind.is_allocation());
    // Another victim can give memory, too; so can the next one, once this one is done with.
    let kills = index.victims.iter().map(|victim| victim.killed);
    let dones = index.victims.iter().filter_map(|victim| victim.done);
    let ends = kills.chain(dones).filter(|&record| waits_for_page && record >= seen);
    tasks.iter().filter_map(of_task).chain(ends).min()
}

/// Whether a set was closed for good, or at least for long enough where a page could open it.
fn is_told(index: &Index, set: &ClosedSet) -> bool {
    let needs_page = set.cycles.iter().flatten().any(|edge| edge.kind.is_allocation());
    let end = set.until.map_or(index.end, |record| index.time(record));
    let lasted = end.saturating_sub(index.time(set.record));
    !needs_page || lasted >= QUIET || set.until.is_none() && is_quiet(index)
}
