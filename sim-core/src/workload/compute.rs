//! `compute`: uses the CPU.

use super::{Draws, Flow, Mode, Operation};
use crate::kernel::plugin::Boxed;
use crate::kernel::{Cx, try_to_freeze};

/// Uses the CPU for a while. In user mode it sees SIGKILL at the next tick.
pub struct Compute {
    /// For how long.
    pub time: Draws,
    /// Where it runs.
    pub mode: Mode,
}

impl Operation for Compute {
    fn run<'a>(&'a self, cx: &'a Cx) -> Boxed<'a, Flow> {
        Box::pin(async move {
            let mut left = self.time.next();
            let slice = match self.mode {
                Mode::User => cx.kernel().clock.tick(),
                Mode::Kernel => left,
            };
            while left.0 > 0 && !(self.mode == Mode::User && cx.fatal_signal_pending()) {
                let span = left.min(slice);
                cx.cpu(span).await;
                left = left.saturating_sub(span);
                if self.mode == Mode::User {
                    try_to_freeze(cx).await;
                }
            }
            Flow::Next
        })
    }
}
