//! `idle`: sleeps until killed.

use super::{Flow, Operation};
use crate::kernel::plugin::Boxed;
use crate::kernel::{Cx, freezable_wait};
use crate::record::Reason;

/// See the file's documentation.
pub struct Idle;

impl Operation for Idle {
    fn run<'a>(&'a self, cx: &'a Cx) -> Boxed<'a, Flow> {
        Box::pin(async move {
            let forever = cx.with(|state| state.forever);
            freezable_wait(cx, forever, Reason::Forever).await;
            Flow::Next
        })
    }
}
