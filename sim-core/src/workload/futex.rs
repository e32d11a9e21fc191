//! `futex_lock`, `futex_unlock`: a robust mutex that processes share.

use super::{Flow, Operation};
use crate::base::LockId;
use crate::kernel::plugin::Boxed;
use crate::kernel::{Cx, futex_lock, futex_unlock};

/// Takes a robust futex.
pub struct FutexLock {
    /// Which.
    pub futex: LockId,
    /// Where the thread's list of those it owns is: an address of its own memory.
    pub list: u64,
}

impl Operation for FutexLock {
    fn run<'a>(&'a self, cx: &'a Cx) -> Boxed<'a, Flow> {
        Box::pin(async move {
            futex_lock(cx, self.futex, self.list).await;
            Flow::Next
        })
    }
}

/// Lets go of one.
pub struct FutexUnlock {
    /// Which.
    pub futex: LockId,
}

impl Operation for FutexUnlock {
    fn run<'a>(&'a self, cx: &'a Cx) -> Boxed<'a, Flow> {
        Box::pin(async move {
            if !cx.fatal_signal_pending() {
                futex_unlock(cx, self.futex);
            }
            Flow::Next
        })
    }
}
