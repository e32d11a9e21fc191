//! `pause`: sleeps for a while.

use super::{Draws, Flow, Operation};
use crate::engine::Signals;
use crate::kernel::Cx;
use crate::kernel::plugin::Boxed;
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
            cx.sleep(time, Reason::Pause, Signals::Killable).await;
            Flow::Next
        })
    }
}
