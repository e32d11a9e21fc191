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
            let queue = cx.with(|state| {
                let leader = state.tasks[cx.task()].leader;
                let group = state.group(leader);
                group.ready = true;
                group.ready_wait
            });
            cx.record(Event::Ready {});
            cx.wake_all(queue);
            Flow::Next
        })
    }
}
