//! `sched_show_task()` (kernel/sched/core.c, Linux 6.1): a task's state
//! and where it waits. Who a process's parent is, is not modelled: it is 1,
//! and 2 for a kernel thread. Of the flags only those that recordings show to differ.

use std::fmt::{self, Write as _};

use super::{Log, frames};
use crate::base::{SimTime, TaskId};
use crate::export::lines::{comm, pid};
use crate::export::sched::letter_of;
use crate::export::state::State;
use crate::record::{DebugLayout, Func, TaskKind};

/// `thread_info::flags` that every recorded task has, and those of some (arch/x86/include/asm/thread_info.h, Linux 6.1).
const ALWAYS: u32 = 1 << 14;
const TIF_NOTIFY_RESUME: u32 = 1 << 1;
const TIF_SIGPENDING: u32 = 1 << 2;
const TIF_MEMDIE: u32 = 1 << 20;

/// What of its flags recordings show: the kill, the mark, and files closed on the way out.
fn flags(state: &State<'_>, task: TaskId, functions: &[Func]) -> u32 {
    let mut flags = ALWAYS;
    let kind = state.cast.tasks.get(task).map(|info| info.kind);
    if kind == Some(TaskKind::User) {
        let some = [
            (state.is_killed(task), TIF_SIGPENDING),
            (state.is_memdie(task), TIF_MEMDIE),
            (functions.contains(&Func::DoExit), TIF_NOTIFY_RESUME),
        ];
        flags = some.iter().filter(|(has, _)| *has).fold(flags, |flags, (_, bit)| flags | bit);
    }
    flags
}

impl Log {
    pub(super) fn write_task_state(
        &mut self,
        state: &State<'_>,
        at: SimTime,
        task: TaskId,
    ) -> fmt::Result {
        let wait = state.wait(task);
        let letter = wait.map_or('R', |wait| letter_of(wait.why));
        let runs = if wait.is_none() { "  running task    " } else { "" };
        let info = state.cast.tasks.get(task);
        let (pid, comm) = (pid(state, task), comm(state, task));
        let tgid = info.and_then(|info| state.cast.tasks.get(info.leader)).map_or(0, |it| it.pid);
        let parent = if info.is_some_and(|info| info.kind == TaskKind::Kthread) { 2 } else { 1 };
        let functions = wait.map(|wait| state.cast.functions(wait.stack)).unwrap_or_default();
        let flags = flags(state, task, &functions);
        self.stamp(at)?;
        match state.cast.wording.debug_layout {
            DebugLayout::NoWaitTypes => writeln!(
                self.out,
                "{comm:<15.15} {letter}{runs}{:5} {pid:5} {parent:6} 0x{flags:08x}",
                0
            )?,
            DebugLayout::WaitTypes => writeln!(
                self.out,
                "task:{comm:<15.15} state:{letter}{runs} stack:{:5} pid:{pid:5} ppid:{parent:6} flags:0x{flags:08x}",
                0
            )?,
            DebugLayout::Marked => writeln!(
                self.out,
                "task:{comm:<15.15} state:{letter}{runs} stack:0     pid:{pid:<5} ppid:{parent:<6} flags:0x{flags:08x}",
            )?,
            DebugLayout::WithIds => writeln!(
                self.out,
                "task:{comm:<15.15} state:{letter}{runs} stack:0     pid:{pid:<5} tgid:{tgid:<5} ppid:{parent:<6} flags:0x{flags:08x}",
            )?,
            DebugLayout::RawNesting => writeln!(
                self.out,
                "task:{comm:<15.15} state:{letter}{runs} stack:0     pid:{pid:<5} tgid:{tgid:<5} ppid:{parent:<6} task_flags:0x{:04x} flags:0x{flags:08x}",
                task_flags(info.map(|info| info.kind))
            )?,
        }
        let debugs_locks = self.debugs_locks;
        let stack =
            wait.map(|wait| frames::waiting(state, wait, state.callback(task), debugs_locks));
        self.write_call_trace(state, at, &stack.unwrap_or_default())
    }

    /// `show_stack()`: functions, innermost first.
    pub(super) fn write_call_trace(
        &mut self,
        state: &State<'_>,
        at: SimTime,
        functions: &[String],
    ) -> fmt::Result {
        let marks = state.cast.wording.debug_layout >= DebugLayout::Marked;
        self.stamp(at)?;
        self.out.push_str("Call Trace:\n");
        if marks {
            self.stamp(at)?;
            self.out.push_str(" <TASK>\n");
        }
        for function in functions {
            self.stamp(at)?;
            writeln!(self.out, " {function}")?;
        }
        if marks {
            self.stamp(at)?;
            self.out.push_str(" </TASK>\n");
        }
        Ok(())
    }
}

/// `task->flags` of a task that is neither exiting nor in reclaim: `PF_FORKNOEXEC`, and
/// `PF_KTHREAD` with `PF_NOFREEZE`, or `PF_RANDOMIZE`.
fn task_flags(kind: Option<TaskKind>) -> u32 {
    if kind == Some(TaskKind::Kthread) { 0x0020_8040 } else { 0x0040_0040 }
}
