//! `block-always`: there is no flag: a callback may always sleep.
//!
//! Summary: nothing is ever refused; the reaper waits in the callback for as long as it takes, and every other victim waits behind it. If what the callback waits for needs memory, that is for ever.
//! Mechanism: the core compares ranges for registrations of both interfaces and calls those that overlap, blockable, in the reaper too. While the reaper is blocked its attempt goes on: no retry, no give-up, no MMF_OOM_SKIP.
//! Models: the second, literal reading of the proposal of August 2019: "drivers will always be able to block" (J2); never merged.
//! Doesn't model: the lock debugging that would have to guard it.
//! See: the thread "mm, notifier: Catch sleeping/blocking for !blockable", August 2019.

use crate::kernel::plugin::{Api, Approach, Policy, head_of};

/// See the file's documentation.
pub(super) struct BlockAlways;

impl Policy for BlockAlways {
    fn id(&self) -> &'static str {
        "block-always"
    }

    fn doc(&self) -> &'static str {
        head_of!("block_always.rs")
    }

    fn api(&self, asked: Api) -> Api {
        asked
    }

    fn approach(&self) -> Approach {
        Approach::Blocking
    }
}
