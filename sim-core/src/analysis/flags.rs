//! Things a run showed besides its verdict: in its records, or to a
//! checker that was on.

use super::graph::Moment;
use super::hung::hung_tasks;
use super::index::Index;
use crate::base::{MmId, Nanos};
use crate::check::wait_for::needs::leaked;

/// Every flag there is, in the order of design.md section 7.
pub const FLAGS: [&str; 6] =
    ["stale-access", "slept-nonblocking", "lockdep", "lost-end", "hung-task", "reserve-exhausted"];

/// The flags raised, in that order.
pub(super) fn flags(index: &Index) -> Vec<&'static str> {
    let raised = [
        !index.stale.is_empty(),
        has_slept_nonblocking(index),
        index.lock_reports.lockdep_count > 0,
        lost_ends(index) > 0,
        hung_tasks(index) > 0,
        has_exhausted_reserves(index),
    ];
    FLAGS.into_iter().zip(raised).filter(|&(_, is_raised)| is_raised).map(|it| it.0).collect()
}

/// A callback that must not sleep was parked. What a checker merely warns of is its report:
/// whether one watches must not change the flags.
fn has_slept_nonblocking(index: &Index) -> bool {
    let mut calls = index.tasks.iter().flat_map(|track| &track.calls.items);
    index.counts.slept_nonblocking > 0
        || calls.any(|call| !call.what.can_block && call.what.blocked > Nanos::ZERO)
}

/// Somebody with a right to the reserves took their last page, or found none.
fn has_exhausted_reserves(index: &Index) -> bool {
    index.counts.reserves_exhausted > 0 || index.memory.free.iter().any(|&(_, free)| free == 0)
}

/// Starts that succeeded and got no end, and invalidations that nobody will end.
pub(super) fn lost_ends(index: &Index) -> usize {
    let end = Moment::at_end(index);
    let mms = (0..index.invalidations.len()).map(MmId::from_index);
    index.lost_ends.len() + mms.map(|mm| leaked(&end, mm).count()).sum::<usize>()
}
