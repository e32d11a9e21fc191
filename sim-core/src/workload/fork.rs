//! `fork`: makes a child process.

use super::{Flow, Operation};
use crate::base::TaskId;
use crate::kernel::plugin::Boxed;
use crate::kernel::{CloneMm, Cx, kernel_clone};

/// Brings a child to life, which waits for that.
pub struct Fork {
    /// The child.
    pub child: TaskId,
    /// What becomes of its address space.
    pub mm: CloneMm,
}

impl Operation for Fork {
    fn run<'a>(&'a self, cx: &'a Cx) -> Boxed<'a, Flow> {
        Box::pin(async move {
            kernel_clone(cx, self.child, self.mm).await;
            Flow::Next
        })
    }
}
