//! The bodies of `sim:` events: what happened where the kernel has no
//! tracepoint (kernel-spec 1.8). `key=value`, the value that may hold
//! blanks last.
//!
//! Left out: uncontended locks, single page faults, changes of the free count, of the page cache and of what a
//! cgroup uses. They are most of a run and say nothing to a reader of
//! ftrace.

mod killer;
mod memory;
mod notifier;
mod task;

use std::fmt::{self, Write as _};

use super::lines::{comm, pid};
use super::state::State;
use crate::base::{MmId, NotifierId, RangeId};
use crate::record::Record;

/// Whether something was written.
type Written = Result<bool, fmt::Error>;

/// Writes `sim:name: args` if the record has such a line, and says
/// whether it has.
pub(super) fn write_sim(out: &mut String, state: &State<'_>, record: &Record) -> Written {
    Ok(task::write(out, state, record)?
        || killer::write(out, state, record)?
        || memory::write(out, state, record)?
        || notifier::write(out, state, record)?)
}

fn write_mm(out: &mut String, state: &State<'_>, mm: MmId) -> fmt::Result {
    let owner = state.cast.mms.get(mm).map(|info| info.owner);
    let (pid, comm) = owner.map_or((0, "?"), |owner| (pid(state, owner), comm(state, owner)));
    write!(out, "mm={} pid={pid} comm={comm}", mm.0)
}

fn write_range(out: &mut String, state: &State<'_>, range: RangeId) -> fmt::Result {
    match state.cast.ranges.get(range) {
        Some(info) => write!(
            out,
            "mm={} vma={} start={:#x} end={:#x}",
            info.mm.0,
            info.name.replace(' ', "_"),
            info.start,
            info.end
        ),
        None => write!(out, "range={}", range.0),
    }
}

fn write_registration(out: &mut String, state: &State<'_>, notifier: NotifierId) -> fmt::Result {
    let info = state.cast.notifiers.get(notifier);
    let device = info.and_then(|info| state.cast.devices.get(info.device));
    let device = device.map_or("?", |device| device.name.as_str());
    let api = match info {
        Some(info) if info.interval => "interval",
        Some(_) => "hlist",
        None => "?",
    };
    write!(out, "notifier={} device={device} api={api} ", notifier.0)
}
