//! Notifier policies: how the reaper meets the notifiers (kernel-spec
//! 4). One file per policy, one line here.

mod interval;
mod nonblock;

use crate::kernel::plugin::Policy;

/// All policies, in the order of the argument they were made in.
pub const ALL: &[&dyn Policy] = &[&nonblock::Nonblock, &interval::Interval];

/// The policy with this id.
pub fn find(id: &str) -> Option<&'static dyn Policy> {
    ALL.iter().copied().find(|policy| policy.id() == id)
}
