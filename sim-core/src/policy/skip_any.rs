//! `skip-any`: an mm with notifiers is left alone.
//!
//! Summary: if any notifier is, or ever was, registered on the mm, the reaper tears nothing down; it sleeps for a second, holding oom_lock, and calls that a success.
//! Mechanism: one attempt without a tracepoint or a line in the log; after it MMF_OOM_SKIP is set, so the next OOM picks another victim although nothing was freed; for that second allocators fail to get oom_lock and retry every jiffy. An mm without notifiers is reaped.
//! Models: Linux 4.14 and 4.15; on other kernels oom_lock is held for the sleep alone.
//! Doesn't model: nothing is left out.
//! See: mm/oom_kill.c __oom_reap_task_mm(), mm_has_notifiers(), 4.14; commit 4d4bbd8526a8.

use crate::kernel::plugin::{Api, Approach, Policy, head_of};

/// See the file's documentation.
pub(super) struct SkipAny;

impl Policy for SkipAny {
    fn id(&self) -> &'static str {
        "skip-any"
    }

    fn doc(&self) -> &'static str {
        head_of!("skip_any.rs")
    }

    fn api(&self, _asked: Api) -> Api {
        Api::Hlist
    }

    fn approach(&self) -> Approach {
        Approach::SkipAny
    }
}
