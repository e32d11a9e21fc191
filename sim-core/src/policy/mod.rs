//! Notifier policies: how the reaper meets the notifiers (kernel-spec
//! 4). One file per policy, one line here.

mod block_always;
mod core_refuse;
mod deadline;
mod hand_off;
mod ignore;
mod interval;
mod interval_two_pass;
mod nonblock;
mod skip_any;
mod skip_flag;

use crate::kernel::plugin::Policy;

/// All policies, in the order of the argument they were made in.
pub const ALL: &[&dyn Policy] = &[
    &ignore::Ignore,
    &skip_any::SkipAny,
    &skip_flag::SkipFlag,
    &nonblock::Nonblock,
    &interval::Interval,
    &interval_two_pass::IntervalTwoPass,
    &core_refuse::CoreRefuse,
    &block_always::BlockAlways,
    &deadline::Deadline,
    &hand_off::HandOff,
];

/// The policy with this id.
pub fn find(id: &str) -> Option<&'static dyn Policy> {
    ALL.iter().copied().find(|policy| policy.id() == id)
}
