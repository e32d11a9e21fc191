//! `submit`: gives a device jobs that use a region.

use super::{Flow, Mode, Operation};
use crate::base::{DeviceId, Nanos};
use crate::engine::Signals;
use crate::kernel::Cx;
use crate::kernel::device::submit_job;
use crate::kernel::plugin::Boxed;
use crate::record::Reason;

/// Submits a job every so often, `count` times or until killed.
pub struct Submit {
    /// The device.
    pub device: DeviceId,
    /// An address in the region.
    pub address: u64,
    /// Time between two jobs.
    pub every: Nanos,
    /// How many; `None`: without end.
    pub count: Option<u64>,
    /// In the kernel the first job is seen through although SIGKILL is pending.
    pub mode: Mode,
}

impl Operation for Submit {
    fn run<'a>(&'a self, cx: &'a Cx) -> Boxed<'a, Flow> {
        Box::pin(async move {
            let mut left = self.count;
            let mut is_under_way = self.mode == Mode::Kernel;
            while left != Some(0)
                && (std::mem::take(&mut is_under_way) || !cx.fatal_signal_pending())
            {
                // Of memory that isn't mapped nothing can be submitted.
                let mm = cx.mm();
                let range = mm.and_then(|mm| {
                    cx.with(|state| state.mms[mm].vma_at(self.address).map(|vma| vma.id))
                });
                if let Some(range) = range {
                    submit_job(cx, self.device, range).await;
                }
                left = left.map(|left| left - 1);
                cx.sleep(self.every, Reason::Pace, Signals::Killable).await;
            }
            Flow::Next
        })
    }
}
