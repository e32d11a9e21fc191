//! Things a run showed besides its verdict: in its records, or to a
//! checker that was on.

use super::graph::Moment;
use super::hung::hung_tasks;
use super::index::Index;
use crate::base::{MmId, Nanos};
use crate::check::wait_for::needs::has_leaked;

/// Every flag there is, in the order of design.md section 7.
pub const FLAGS: [&str; 6] =
    ["stale-access", "slept-nonblocking", "lockdep", "lost-end", "hung-task", "reserve-exhausted"];

/// The flags raised, in that order.
pub(super) fn flags(index: &Index) -> Vec<&'static str> {
    let raised = [
        !index.stale.is_empty(),
        has_slept_nonblocking(index),
        index.lock_reports.lockdep_count > 0,
        has_lost_end(index),
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

/// A start that succeeded got no end, or invalidations began that nobody will end.
fn has_lost_end(index: &Index) -> bool {
    let end = Moment::at_end(index);
    !index.lost_ends.is_empty()
        || (0..index.invalidations.len()).any(|mm| has_leaked(&end, MmId::from_index(mm)))
}
