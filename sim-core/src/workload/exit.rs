//! `exit`: the process ends of its own will. `core_dump`: it crashes.

use super::{Flow, Operation};
use crate::kernel::plugin::Boxed;
use crate::kernel::{Cx, do_coredump};

/// See the file's documentation.
pub struct Exit;

impl Operation for Exit {
    fn run<'a>(&'a self, _: &'a Cx) -> Boxed<'a, Flow> {
        Box::pin(async { Flow::Exit })
    }
}

/// See the file's documentation.
pub struct CoreDump;

impl Operation for CoreDump {
    fn run<'a>(&'a self, cx: &'a Cx) -> Boxed<'a, Flow> {
        Box::pin(async move {
            do_coredump(cx).await;
            Flow::Exit
        })
    }
}
