//! `ready`: tells those whose start waits for this process.

use super::{Flow, Operation};
use crate::kernel::Cx;
use crate::kernel::plugin::Boxed;
use crate::record::Event;

/// See the file's documentation.
pub struct Ready;

impl Operation for Ready {
    fn run<'a>(&'a self, cx: &'a Cx) -> Boxed<'a, Flow> {
        Box::pin(async move {
            let ready = cx.with(|state| {
                let leader = state.tasks[cx.task()].leader;
                state.group(leader).ready
            });
            cx.record(Event::Ready {});
            cx.kernel().engine.complete_all(ready);
            Flow::Next
        })
    }
}
