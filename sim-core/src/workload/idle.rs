//! `idle`: sleeps until killed.

use super::{Flow, Operation};
use crate::engine::Signals;
use crate::kernel::Cx;
use crate::kernel::plugin::Boxed;
use crate::record::Reason;

/// See the file's documentation.
pub struct Idle;

impl Operation for Idle {
    fn run<'a>(&'a self, cx: &'a Cx) -> Boxed<'a, Flow> {
        Box::pin(async move {
            let forever = cx.with(|state| state.forever);
            cx.wait(forever, Reason::Forever, Signals::Killable).await;
            Flow::Next
        })
    }
}
