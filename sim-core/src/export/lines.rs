//! The bodies of real tracepoints, word for word as Linux 6.1 prints
//! them (kernel-spec 1.8, 2.5, 3.6, and the recordings).
//!
//! What a kernel version has no tracepoint for is printed in the same
//! words as a `sim:` event. `prio` is 120 throughout: it is not modeled.

mod life;
mod oom;
mod reclaim;

use std::fmt::{self, Write as _};

use super::state::State;
use crate::base::TaskId;
use crate::record::Record;

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

/// Writes `name: args` if the record is a tracepoint of a kernel's,
/// and says whether it is.
pub(super) fn write_tracepoint(
    out: &mut String,
    state: &State<'_>,
    record: &Record,
) -> Result<bool, fmt::Error> {
    Ok(reclaim::write(out, state, record)?
        || oom::write(out, state, record)?
        || life::write(out, state, record)?)
}

/// `name: `, after `sim:` if this kernel has no such tracepoint.
fn write_name(out: &mut String, is_traced: bool, name: &str) -> fmt::Result {
    let namespace = if is_traced { "" } else { "sim:" };
    write!(out, "{namespace}{name}: ")
}
