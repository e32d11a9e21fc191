//! Programs: what user processes do. One file per operation.
//!
//! An operation runs in the task's own context, calls into the kernel
//! model, and says how the program goes on. Left out: what a scenario
//! file looks like; that is `scenario`.

mod exit;
mod idle;
mod mmap;
mod pause;
mod process;
mod ready;
mod register;
mod stuck;
mod submit;
mod thread;
mod touch;

use std::rc::Rc;

pub use exit::Exit;
pub use idle::Idle;
pub use mmap::Mmap;
pub use pause::Pause;
pub use process::{Process, Start, run_process};
pub use ready::Ready;
pub use register::Register;
pub use stuck::Stuck;
pub use submit::Submit;
pub use thread::Thread;
pub use touch::Touch;

use crate::kernel::plugin::Boxed;
use crate::kernel::{Cx, do_exit, do_group_exit, get_signal};
use crate::record::Func;

/// How a program goes on after an operation.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Flow {
    /// With the next operation.
    Next,
    /// Not at all: the whole process ends.
    Exit,
}

/// One step of a program.
pub trait Operation {
    /// Performs it. Returns early when the task is killed.
    fn run<'a>(&'a self, cx: &'a Cx) -> Boxed<'a, Flow>;
}

/// A thread's operations, in order.
pub type Program = Rc<[Box<dyn Operation>]>;

/// Runs a thread until its program ends, it exits or it is killed.
pub async fn run_thread(cx: Cx, program: Program) {
    let _in = cx.enter(Func::UserMode);
    let mut operations = program.iter();
    loop {
        if cx.fatal_signal_pending() {
            get_signal(&cx).await;
            do_exit(&cx).await;
            return;
        }
        let Some(operation) = operations.next() else { break };
        if operation.run(&cx).await == Flow::Exit && !cx.fatal_signal_pending() {
            do_group_exit(&cx).await;
            return;
        }
    }
    do_exit(&cx).await;
}
