//! `pause`: sleeps for a while.

use super::{Draws, Flow, Operation};
use crate::kernel::plugin::Boxed;
use crate::kernel::{Cx, freezable_sleep};
use crate::record::Reason;

/// Sleeps interruptibly.
pub struct Pause {
    /// How long.
    pub time: Draws,
}

impl Operation for Pause {
    fn run<'a>(&'a self, cx: &'a Cx) -> Boxed<'a, Flow> {
        let time = self.time.next();
        Box::pin(async move {
            freezable_sleep(cx, time, Reason::Pause).await;
            Flow::Next
        })
    }
}
