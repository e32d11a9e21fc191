//! `submit`: gives a device jobs that use a region.

use super::{Flow, Operation};
use crate::base::{DeviceId, Nanos, RangeId};
use crate::engine::Signals;
use crate::kernel::Cx;
use crate::kernel::device::submit_job;
use crate::kernel::plugin::Boxed;
use crate::record::Reason;

/// Submits a job every so often, `count` times or until killed.
pub struct Submit {
    /// The device.
    pub device: DeviceId,
    /// The region's VMA.
    pub range: RangeId,
    /// Time between two jobs.
    pub every: Nanos,
    /// How many; `None`: without end.
    pub count: Option<u64>,
}

impl Operation for Submit {
    fn run<'a>(&'a self, cx: &'a Cx) -> Boxed<'a, Flow> {
        Box::pin(async move {
            let mut left = self.count;
            while left != Some(0) && !cx.fatal_signal_pending() {
                submit_job(cx, self.device, self.range).await;
                left = left.map(|left| left - 1);
                cx.sleep(self.every, Reason::Pace, Signals::Killable).await;
            }
            Flow::Next
        })
    }
}
