//! `nonblock`: every notifier of the mm is called for every VMA.
//!
//! Summary: the reaper tells each driver that it must not sleep; a driver that would have to refuses.
//! Mechanism: all devices are on the mm's list; for each VMA the reaper calls every one with blockable = false and leaves the VMA whole if any refuses.
//! Models: Linux 4.19 to 5.4, and the list interface of later kernels.
//! Doesn't model: drivers that refuse a call which may sleep.
//! See: mm/mmu_notifier.c mn_hlist_invalidate_range_start(); commit 93065ac753e4.

use crate::kernel::plugin::{Api, Approach, Policy, head_of};

/// See the file's documentation.
pub(super) struct Nonblock;

impl Policy for Nonblock {
    fn id(&self) -> &'static str {
        "nonblock"
    }

    fn doc(&self) -> &'static str {
        head_of!("nonblock.rs")
    }

    fn api(&self, _asked: Api) -> Api {
        Api::Hlist
    }

    fn approach(&self) -> Approach {
        Approach::NonBlocking
    }
}
