//! Closed wait-for sets at the end of a run: tasks each of which waits
//! for another one of them, so that none will ever go on.
//!
//! Edges: a lock's waiter to its holders, who waits for a fence in a
//! callback to the worker that signals it, who waits for invalidations
//! to end to those who run them, and an allocator that retries to the
//! reaper and to the threads of the pending victim. The last is an edge
//! only when nothing has been achieved for a while, since anybody's page
//! would do; it needs all of its ends to be stuck, the others one.

use super::index::{Index, lock_waited_for};
use super::replay::Doing;
use crate::base::{Nanos, TaskId};
use crate::record::{Reason, TaskKind};

/// Without a page given or freed for this long, an allocator that retries
/// depends on the victim: as long as the reaper tries before it gives up
/// (10 pauses of HZ/10 in mm/oom_kill.c, Linux 4.6 to 7.1).
pub(super) const QUIET: Nanos = Nanos::from_secs(1);

/// What somebody waits for.
enum Needs {
    /// Every one of these must go on first.
    Each(Vec<TaskId>),
    /// One of these must go on first.
    Any(Vec<TaskId>),
}

/// The tasks that will never go on, in the order of their ids.
pub(super) struct Closed<'i> {
    index: &'i Index,
    stuck: Vec<TaskId>,
}

impl<'i> Closed<'i> {
    pub(super) fn at_end(index: &'i Index) -> Self {
        let tasks = (0..index.tasks.len()).map(TaskId::from_index);
        let mut needs: Vec<_> =
            tasks.filter_map(|task| Some((task, needs(index, task)?))).collect();
        loop {
            let stuck: Vec<_> = needs.iter().map(|(task, _)| *task).collect();
            let is_stuck = |task: &TaskId| stuck.contains(task);
            let before = needs.len();
            needs.retain(|(_, needs)| match needs {
                Needs::Each(tasks) => tasks.iter().any(is_stuck),
                Needs::Any(tasks) => !tasks.is_empty() && tasks.iter().all(is_stuck),
            });
            if needs.len() == before {
                return Self { index, stuck };
            }
        }
    }

    pub(super) fn contains(&self, task: TaskId) -> bool {
        self.stuck.contains(&task)
    }

    /// A cycle that `from` waits for or is in, in order; the first task
    /// is not repeated at the end.
    pub(super) fn cycle(&self, from: TaskId) -> Vec<TaskId> {
        let mut path = vec![from];
        let mut at = from;
        loop {
            let next = match needs(self.index, at) {
                Some(Needs::Each(tasks) | Needs::Any(tasks)) => {
                    tasks.into_iter().find(|&task| self.contains(task))
                }
                None => None,
            };
            let Some(next) = next else { return Vec::new() };
            if let Some(start) = path.iter().position(|&task| task == next) {
                return path.split_off(start);
            }
            path.push(next);
            at = next;
        }
    }
}

fn needs(index: &Index, task: TaskId) -> Option<Needs> {
    let seen = index.times.len();
    let doing = index.doing(task, seen);
    if let Some(lock) = lock_waited_for(doing) {
        let holders = index.holders(lock, seen);
        return Some(Needs::Each(holders.iter().map(|holder| holder.what.task).collect()));
    }
    match doing.reason() {
        Some(Reason::Fence) => {
            let call = index.call(task, seen)?;
            let device = index.device_called(&call.what)?;
            let worker = index.cast.devices.get(device)?.task?;
            Some(Needs::Each(vec![worker]))
        }
        Some(Reason::NotifierEnd) => {
            let mm = index.cast.tasks.get(task)?.mm?;
            let running = index.invalidations.get(mm.index())?.open_after(seen);
            Some(Needs::Each(running.map(|by| by.what).collect()))
        }
        _ if is_allocating(index, task, seen) => {
            let is_quiet = index.end.saturating_sub(index.last_progress()) >= QUIET;
            is_quiet.then(|| memory_providers(index, task)).flatten()
        }
        _ => None,
    }
}

/// Whether `task` is in the slow path and retries there, rather than
/// waiting for something else in the middle of it.
pub(super) fn is_allocating(index: &Index, task: TaskId, seen: usize) -> bool {
    let doing = index.doing(task, seen);
    let is_retrying = matches!(doing, Doing::Running(_) | Doing::Runnable)
        || matches!(doing.reason(), Some(Reason::OomLockJiffy | Reason::Reclaim));
    is_retrying && index.stall(task, seen).is_some()
}

fn memory_providers(index: &Index, task: TaskId) -> Option<Needs> {
    let seen = index.times.len();
    let victim = index.victims.iter().rev().find(|victim| victim.is_pending(seen))?;
    let threads = index.cast.tasks.iter().filter(|(id, info)| {
        info.kind == TaskKind::User
            && info.leader == victim.leader
            && *id != task
            && index.doing(*id, seen).is_alive()
    });
    Some(Needs::Any(index.reaper.into_iter().chain(threads.map(|(id, _)| id)).collect()))
}
