//! `pause`: sleeps for a while.

use std::cell::RefCell;

use super::{Flow, Operation};
use crate::base::{Distribution, Stream};
use crate::engine::Signals;
use crate::kernel::Cx;
use crate::kernel::plugin::Boxed;
use crate::record::Reason;

/// Sleeps interruptibly; how long is drawn from the task's own stream.
pub struct Pause {
    /// How long.
    pub time: Distribution,
    /// Where draws come from.
    pub stream: RefCell<Stream>,
}

impl Operation for Pause {
    fn run<'a>(&'a self, cx: &'a Cx) -> Boxed<'a, Flow> {
        let time = self.time.draw(&mut self.stream.borrow_mut());
        Box::pin(async move {
            cx.sleep(time, Reason::Pause, Signals::Killable).await;
            Flow::Next
        })
    }
}
