//! Things a run showed besides its verdict, found in the records alone.
//!
//! Flags of the checkers (`stale-access`, `lockdep`) are not found here.

use super::index::Index;
use super::replay::{Doing, is_own_wish};
use crate::base::{MmId, Nanos, TaskId};
use crate::record::{Reason, TaskKind};

/// `sysctl_hung_task_timeout_secs`, kernel/hung_task.c, Linux 6.1: its default.
const HUNG_TASK_TIMEOUT: Nanos = Nanos::from_secs(120);

/// The flags raised, in the order of design.md section 7.
pub(super) fn flags(index: &Index) -> Vec<&'static str> {
    let flags = [
        ("slept-nonblocking", has_slept_nonblocking(index)),
        ("lost-end", has_lost_end(index)),
        ("hung-task", hung_tasks(index) > 0),
        ("reserve-exhausted", index.memory.free.iter().any(|&(_, free)| free == 0)),
    ];
    flags.into_iter().filter(|&(_, is_raised)| is_raised).map(|(flag, _)| flag).collect()
}

/// A callback that must not sleep was parked.
fn has_slept_nonblocking(index: &Index) -> bool {
    let mut calls = index.tasks.iter().flat_map(|track| &track.calls.items);
    calls.any(|call| !call.what.can_block && call.what.blocked > Nanos::ZERO)
}

/// Invalidations began that nobody will end: their tasks are somewhere
/// else by now.
fn has_lost_end(index: &Index) -> bool {
    let seen = index.times.len();
    let is_elsewhere = |mm: MmId, by: TaskId| {
        let is_exiting = index.cast.tasks.get(by).is_some_and(|info| info.mm == Some(mm))
            && index.doing(by, seen).is_alive()
            && index.doing(by, seen).reason() != Some(Reason::NotifierEnd);
        let is_reaping = index.attempts.last().is_some_and(|attempt| attempt.to.is_none())
            && Some(by) == index.reaper;
        !is_exiting && !is_reaping
    };
    index.invalidations.iter().enumerate().any(|(mm, running)| {
        let mm = MmId::from_index(mm);
        running.open_after(seen).any(|open| is_elsewhere(mm, open.what))
    })
}

/// Tasks that were once blocked, against their wish, for longer than the
/// hung-task detector's patience.
pub(super) fn hung_tasks(index: &Index) -> u64 {
    let is_watched = |kind| matches!(kind, TaskKind::User | TaskKind::Kthread);
    let hung = index.cast.tasks.iter().filter(|(id, info)| {
        is_watched(info.kind) && index.tasks.get(id.index()).is_some_and(|_| is_hung(index, *id))
    });
    hung.map(|_| 1).sum()
}

fn is_hung(index: &Index, task: TaskId) -> bool {
    let Some(track) = index.tasks.get(task.index()) else {
        return false;
    };
    let nexts = track.steps.iter().skip(1).map(|step| index.time(step.record));
    let ends = nexts.chain([index.end]);
    track.steps.iter().zip(ends).any(|(step, end)| {
        let is_wish = step.doing.reason().is_some_and(is_own_wish);
        matches!(step.doing, Doing::Blocked { .. })
            && !is_wish
            && end.saturating_sub(index.time(step.record)) > HUNG_TASK_TIMEOUT
    })
}
