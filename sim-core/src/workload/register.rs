//! `register`, `unregister`: a device mirrors a region from now on, or
//! no longer mirrors the process.

use super::{Flow, Operation};
use crate::base::DeviceId;
use crate::kernel::Cx;
use crate::kernel::mmu_notifier;
use crate::kernel::plugin::Boxed;

/// Registers the device's notifier for `start..end`.
pub struct Register {
    /// The device.
    pub device: DeviceId,
    /// First byte.
    pub start: u64,
    /// One past the last byte; may lie beyond the region.
    pub end: u64,
}

impl Operation for Register {
    fn run<'a>(&'a self, cx: &'a Cx) -> Boxed<'a, Flow> {
        Box::pin(async move {
            if let Some(mm) = cx.mm() {
                // Only a signal makes it fail, and there is none but SIGKILL: the call returns to that.
                let _ = mmu_notifier::register(cx, self.device, mm, self.start, self.end).await;
            }
            Flow::Next
        })
    }
}

/// Removes the device's notifiers from the process.
pub struct Unregister {
    /// The device.
    pub device: DeviceId,
}

impl Operation for Unregister {
    fn run<'a>(&'a self, cx: &'a Cx) -> Boxed<'a, Flow> {
        Box::pin(async move {
            let leader = cx.with(|state| state.tasks[cx.task()].leader);
            mmu_notifier::unregister_device(cx, self.device, leader).await;
            Flow::Next
        })
    }
}
