//! Things a run showed besides its verdict: in its records, or to a
//! checker that was on.

use super::graph::Moment;
use super::hung::hung_tasks;
use super::index::Index;
use crate::base::{MmId, Nanos};
use crate::check::wait_for::needs::has_leaked;

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
    let end = Moment::at_end(index);
    !index.lost_ends.is_empty()
        || (0..index.invalidations.len()).any(|mm| has_leaked(&end, MmId::from_index(mm)))
}
