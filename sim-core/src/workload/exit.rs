//! `exit`: the process ends of its own will.

use super::{Flow, Operation};
use crate::kernel::Cx;
use crate::kernel::plugin::Boxed;

/// See the file's documentation.
pub struct Exit;

impl Operation for Exit {
    fn run<'a>(&'a self, _: &'a Cx) -> Boxed<'a, Flow> {
        Box::pin(async { Flow::Exit })
    }
}
