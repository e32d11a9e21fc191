//! Programs: what user processes do. A file per operation, or per family
//! of them.
//!
//! An operation runs in the task's own context, calls into the kernel
//! model, and says how the program goes on. Left out: what a scenario
//! file looks like; that is `scenario`.

mod alloc;
mod compute;
mod exit;
mod fork;
mod futex;
mod idle;
mod inject;
mod ioctl;
mod map;
mod pause;
mod process;
mod process_calls;
mod psi_poll;
mod ready;
mod register;
mod repeat;
mod stuck;
mod submit;
mod thread;
mod touch;

use std::cell::RefCell;
use std::rc::Rc;

pub use alloc::{Alloc, Free, Memalloc, Scope};
pub use compute::Compute;
pub use exit::{CoreDump, Exit};
pub use fork::Fork;
pub use futex::{FutexLock, FutexUnlock};
pub use idle::Idle;
pub use inject::{Injection, inject, run_injection};
pub use ioctl::{AwaitSigkill, Ioctl, Lock, SectionLock, Signal, Sleep, Trylock, Unlock, Wait};
pub use map::{MapCall, Mmap, OnRange};
pub use pause::Pause;
pub use process::{Process, Start, run_process};
pub use process_calls::{Kill, Mrelease, OomScoreAdj};
pub use psi_poll::PsiPoll;
pub use ready::Ready;
pub use register::{Register, Unregister};
pub use repeat::Repeat;
pub use stuck::Stuck;
pub use submit::Submit;
pub use thread::{Thread, add_signaler};
pub use touch::Touch;

use crate::base::{Distribution, Nanos, Stream};
use crate::kernel::plugin::Boxed;
use crate::kernel::{Cx, do_exit, do_group_exit, free_kernel_pages, get_signal, try_to_freeze};
use crate::record::Func;

/// How a program goes on after an operation.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Flow {
    /// With the next operation.
    Next,
    /// Not at all: the whole process ends.
    Exit,
    /// A killable wait was cut short: with the end of its `ioctl` section,
    /// or of the program.
    Unwind,
}

/// Where a program runs.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Mode {
    /// In user mode: SIGKILL is seen between operations.
    User,
    /// Inside the kernel: it runs to the end.
    Kernel,
}

/// One step of a program.
pub trait Operation {
    /// Performs it. Returns early when the task is killed.
    fn run<'a>(&'a self, cx: &'a Cx) -> Boxed<'a, Flow>;
}

/// A thread's operations, in order.
pub type Program = Rc<[Box<dyn Operation>]>;

/// Times drawn from a distribution, one for each run of an operation.
pub struct Draws {
    distribution: Distribution,
    stream: RefCell<Stream>,
}

impl Draws {
    /// Draws from a stream of the operation's own.
    pub fn new(distribution: Distribution, stream: Stream) -> Self {
        Self { distribution, stream: RefCell::new(stream) }
    }

    fn next(&self) -> Nanos {
        self.distribution.draw(&mut self.stream.borrow_mut())
    }
}

/// Runs operations in user mode: none is begun while SIGKILL is pending.
async fn run_in_user_mode(cx: &Cx, program: &Program) -> Flow {
    for operation in program.iter() {
        try_to_freeze(cx).await;
        if cx.fatal_signal_pending() {
            break;
        }
        match operation.run(cx).await {
            Flow::Next => {}
            other => return other,
        }
    }
    Flow::Next
}

/// Runs operations in the kernel, until one is cut short.
async fn run_in_kernel(cx: &Cx, program: &Program) -> Flow {
    for operation in program.iter() {
        match operation.run(cx).await {
            Flow::Next => {}
            other => return other,
        }
    }
    Flow::Next
}

async fn run_program(cx: &Cx, program: &Program, mode: Mode) -> Flow {
    match mode {
        Mode::User => run_in_user_mode(cx, program).await,
        Mode::Kernel => run_in_kernel(cx, program).await,
    }
}

/// Runs a thread until its program ends, it exits or it is killed.
pub async fn run_thread(cx: Cx, program: Program) {
    let _in = cx.enter(Func::UserMode);
    let flow = run_in_user_mode(&cx, &program).await;
    if cx.fatal_signal_pending() {
        get_signal(&cx).await;
        do_exit(&cx).await;
    } else if flow == Flow::Exit {
        do_group_exit(&cx).await;
    } else {
        do_exit(&cx).await;
    }
    // With its files goes what the kernel held for it.
    free_kernel_pages(&cx);
}
