//! `repeat`: runs operations again and again.

use super::{Flow, Mode, Operation, Program, run_program};
use crate::kernel::Cx;
use crate::kernel::plugin::Boxed;

/// Runs a program `count` times, or until the task is killed. In the
/// kernel SIGKILL does not end it.
pub struct Repeat {
    /// How often; `None`: without end.
    pub count: Option<u64>,
    /// The program.
    pub program: Program,
    /// Where it runs.
    pub mode: Mode,
}

impl Operation for Repeat {
    fn run<'a>(&'a self, cx: &'a Cx) -> Boxed<'a, Flow> {
        Box::pin(async move {
            let mut left = self.count;
            while left != Some(0) {
                if self.mode == Mode::User && cx.fatal_signal_pending() {
                    break;
                }
                let flow = run_program(cx, &self.program, self.mode).await;
                if flow != Flow::Next {
                    return flow;
                }
                // A round takes time even if nothing in it does.
                cx.cpu(cx.costs().program_round).await;
                left = left.map(|left| left - 1);
            }
            Flow::Next
        })
    }
}
