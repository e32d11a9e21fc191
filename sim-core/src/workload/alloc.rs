//! `alloc`, `free`, `memalloc`: memory that kernel code takes for itself.

use super::{Flow, Mode, Operation, Program, run_program};
use crate::kernel::plugin::Boxed;
use crate::kernel::{Cx, Request, alloc_kernel_pages, free_kernel_pages};

/// Allocates, so many times. A failure is the program's to bear: it goes on.
pub struct Alloc {
    /// What is asked for.
    pub request: Request,
    /// How many requests.
    pub count: u64,
    /// Whether the task keeps the pages.
    pub hold: bool,
}

impl Operation for Alloc {
    fn run<'a>(&'a self, cx: &'a Cx) -> Boxed<'a, Flow> {
        Box::pin(async move {
            alloc_kernel_pages(cx, self.request, self.count, self.hold).await;
            Flow::Next
        })
    }
}

/// Gives back what the task keeps.
pub struct Free;

impl Operation for Free {
    fn run<'a>(&'a self, cx: &'a Cx) -> Boxed<'a, Flow> {
        Box::pin(async move {
            free_kernel_pages(cx);
            Flow::Next
        })
    }
}

/// An allocation scope: flags that every request of the task loses.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Scope {
    /// `PF_MEMALLOC_NOIO`.
    Noio,
    /// `PF_MEMALLOC_NOFS`.
    Nofs,
    /// `PF_MEMALLOC`.
    Memalloc,
}

/// Runs a program in a scope.
pub struct Memalloc {
    /// Which.
    pub scope: Scope,
    /// The program.
    pub program: Program,
    /// Where it runs.
    pub mode: Mode,
}

impl Operation for Memalloc {
    fn run<'a>(&'a self, cx: &'a Cx) -> Boxed<'a, Flow> {
        Box::pin(async move {
            let set = |value: bool| {
                cx.with(|state| {
                    let task = &mut state.tasks[cx.task()];
                    let flag = match self.scope {
                        Scope::Noio => &mut task.memalloc_noio,
                        Scope::Nofs => &mut task.memalloc_nofs,
                        Scope::Memalloc => &mut task.memalloc,
                    };
                    std::mem::replace(flag, value)
                })
            };
            let before = set(true);
            let flow = run_program(cx, &self.program, self.mode).await;
            set(before);
            flow
        })
    }
}
