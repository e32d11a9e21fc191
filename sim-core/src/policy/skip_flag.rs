//! `skip-flag`: an mm with a notifier that may block is left alone.
//!
//! Summary: as skip-any, but notifiers whose driver promises not to block do no harm: with only such ones the mm is reaped, and they are called.
//! Mechanism: the reaper looks through the mm's list for a notifier with any range operation and without MMU_INVALIDATE_DOES_NOT_BLOCK; if there is none it brackets each VMA with ordinary, blockable calls.
//! Models: Linux 4.16 to 4.18; on other kernels oom_lock is held for the sleep alone.
//! Doesn't model: a driver that breaks its promise by more than what its archetype does.
//! See: mm/mmu_notifier.c mm_has_blockable_invalidate_notifiers(), 4.16; commit 5ff7091f5a2c.

use crate::kernel::plugin::{Api, Approach, Policy, head_of};

/// See the file's documentation.
pub(super) struct SkipFlag;

impl Policy for SkipFlag {
    fn id(&self) -> &'static str {
        "skip-flag"
    }

    fn doc(&self) -> &'static str {
        head_of!("skip_flag.rs")
    }

    fn api(&self, _asked: Api) -> Api {
        Api::Hlist
    }

    fn approach(&self) -> Approach {
        Approach::SkipFlag
    }
}
