//! `ignore`: the reaper tells nobody.
//!
//! Summary: memory is taken from under the devices that mirror it without their being told; one that holds no references to the pages goes on using them after they were freed.
//! Mechanism: the reaper unmaps every VMA without a call of any start or end operation; secondary TLBs are still flushed, since that is part of unmapping; everybody else (munmap, reclaim, fork, exit) calls the notifiers as ever, by whichever interface a device registered.
//! Models: Linux 4.6 to 4.13.
//! Doesn't model: what the device makes of the pages' next contents: that it used them is what is recorded.
//! See: mm/oom_kill.c __oom_reap_task(), 4.6 to 4.13.

use crate::kernel::plugin::{Api, Approach, Policy, head_of};

/// See the file's documentation.
pub(super) struct Ignore;

impl Policy for Ignore {
    fn id(&self) -> &'static str {
        "ignore"
    }

    fn doc(&self) -> &'static str {
        head_of!("ignore.rs")
    }

    fn api(&self, asked: Api) -> Api {
        asked
    }

    fn approach(&self) -> Approach {
        Approach::Silent
    }
}
