//! `interval`: only notifiers whose range overlaps are called.
//!
//! Summary: the core tests the address range, so a driver hears of a VMA only if it mirrors some of it; it still refuses if it would have to sleep.
//! Mechanism: devices that ask for it are in the mm's interval tree, the others stay on its list; the first refusal leaves the VMA whole.
//! Models: Linux 5.5 and later (mmu_interval_notifier).
//! Doesn't model: two-pass callbacks (7.1): see interval-two-pass.
//! See: mm/mmu_notifier.c mn_itree_invalidate().

use crate::kernel::plugin::{Api, Approach, Policy, head_of};

/// See the file's documentation.
pub(super) struct Interval;

impl Policy for Interval {
    fn id(&self) -> &'static str {
        "interval"
    }

    fn doc(&self) -> &'static str {
        head_of!("interval.rs")
    }

    fn api(&self, asked: Api) -> Api {
        asked
    }

    fn approach(&self) -> Approach {
        Approach::NonBlocking
    }
}
