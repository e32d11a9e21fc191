//! Records that are tracepoints of a kernel's, with the values of their
//! fields (kernel-spec 1.8, 2.5, 3.6, and the recordings).
//!
//! What a kernel version has no tracepoint for is recorded with the same
//! fields as an event of the simulator. `prio` is 120 throughout: it is not modeled.

mod life;
mod oom;
mod reclaim;

use super::state::State;
use super::tracepoint::Traced;
use crate::base::TaskId;
use crate::record::Record;

/// The priority of every task.
pub(super) const PRIO: i64 = 120;

/// Kilobytes of a number of pages.
pub(super) fn kb(pages: u64) -> u64 {
    pages.saturating_mul(4)
}

/// The pid of a task; 0, the idle task's, if there is none.
pub(super) fn pid(state: &State<'_>, task: TaskId) -> u32 {
    state.cast.tasks.get(task).map_or(0, |info| info.pid)
}

/// The comm of a task.
pub(super) fn comm<'a>(state: &State<'a>, task: TaskId) -> &'a str {
    state.cast.tasks.get(task).map_or("<...>", |info| info.comm.as_str())
}

/// The tracepoint that a record is, if it is a kernel's.
pub(super) fn tracepoint<'a>(state: &State<'a>, record: &Record) -> Option<Traced<'a>> {
    reclaim::tracepoint(state, record)
        .or_else(|| oom::tracepoint(state, record))
        .or_else(|| life::tracepoint(state, record))
}
