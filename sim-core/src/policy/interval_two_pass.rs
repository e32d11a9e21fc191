//! `interval-two-pass`: callbacks that wait for hardware wait together.
//!
//! Summary: as interval, but a driver may split its callback: all of them start their hardware before the first is waited for, so that the wait is that of the slowest and not the sum.
//! Mechanism: pass 1 calls invalidate_start of every overlapping notifier that has it (invalidate of the others) and collects what is to be finished; pass 2 finishes, in that order. After a refusal what was started is finished all the same. Notifiers of the list are not split.
//! Models: Linux 7.1.
//! Doesn't model: two passes of other drivers than xe, which gpu-fence stands for.
//! See: mm/mmu_notifier.c mn_itree_invalidate(), 7.1; drivers/gpu/drm/xe/xe_userptr.c.

use crate::kernel::plugin::{Api, Approach, Policy, head_of};

/// See the file's documentation.
pub(super) struct IntervalTwoPass;

impl Policy for IntervalTwoPass {
    fn id(&self) -> &'static str {
        "interval-two-pass"
    }

    fn doc(&self) -> &'static str {
        head_of!("interval_two_pass.rs")
    }

    fn api(&self, asked: Api) -> Api {
        asked
    }

    fn approach(&self) -> Approach {
        Approach::TwoPass
    }
}
