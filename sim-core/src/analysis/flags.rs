//! Things a run showed besides its verdict: in its records, or to a
//! checker that was on.

use super::hung::hung_tasks;
use super::index::Index;
use crate::base::{MmId, Nanos, TaskId};
use crate::record::Reason;

/// The flags raised, in the order of design.md section 7.
pub(super) fn flags(index: &Index) -> Vec<&'static str> {
    let flags = [
        ("stale-access", !index.stale.is_empty()),
        ("slept-nonblocking", has_slept_nonblocking(index)),
        ("lockdep", index.lock_reports.lockdep_count > 0),
        ("lost-end", has_lost_end(index)),
        ("hung-task", hung_tasks(index) > 0),
        ("reserve-exhausted", has_exhausted_reserves(index)),
    ];
    flags.into_iter().filter(|&(_, is_raised)| is_raised).map(|(flag, _)| flag).collect()
}

/// A callback that must not sleep was parked, or called what may sleep.
fn has_slept_nonblocking(index: &Index) -> bool {
    let mut calls = index.tasks.iter().flat_map(|track| &track.calls.items);
    index.counts.slept_nonblocking > 0
        || index.lock_reports.non_block_count > 0
        || calls.any(|call| !call.what.can_block && call.what.blocked > Nanos::ZERO)
}

/// Somebody with a right to the reserves took their last page, or found none.
fn has_exhausted_reserves(index: &Index) -> bool {
    index.counts.reserves_exhausted > 0 || index.memory.free.iter().any(|&(_, free)| free == 0)
}

/// A start that succeeded got no end, or invalidations began that nobody will end.
fn has_lost_end(index: &Index) -> bool {
    !index.lost_ends.is_empty()
        || (0..index.invalidations.len()).any(|mm| has_leaked(index, MmId::from_index(mm)))
}

/// Whether invalidations of an mm began whose tasks are somewhere else by
/// now: nobody will end them.
pub(super) fn has_leaked(index: &Index, mm: MmId) -> bool {
    let seen = index.times.len();
    let is_elsewhere = |by: TaskId| {
        let doing = index.doing(by, seen);
        let is_here = index.cast.tasks.get(by).is_some_and(|info| info.mm == Some(mm))
            && doing.is_alive()
            && !matches!(doing.reason(), Some(Reason::NotifierEnd | Reason::IntervalRead));
        let is_reaping = index.attempts.last().is_some_and(|attempt| attempt.to.is_none())
            && Some(by) == index.reaper;
        // Reclaim and others invalidate memory that is not their own.
        let is_in_call = index.call(by, seen).is_some();
        !is_here && !is_reaping && !is_in_call
    };
    let running = index.invalidations.get(mm.index());
    running.is_some_and(|running| running.open_after(seen).any(|open| is_elsewhere(open.what)))
}
