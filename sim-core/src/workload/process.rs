//! A user process from its start condition to its end.

use super::{Program, run_thread};
use crate::base::{MmId, Nanos, TaskId};
use crate::engine::{Signals, Why};
use crate::kernel::Cx;
use crate::kernel::map_initial;
use crate::kernel::mm::Vma;
use crate::record::Reason;

/// When a process starts.
#[derive(Copy, Clone, Debug)]
pub struct Start {
    /// A process that must have said it is ready before.
    pub after: Option<TaskId>,
    /// Time to wait after that.
    pub delay: Nanos,
}

/// What a process starts with.
pub struct Process {
    /// When it starts.
    pub start: Start,
    /// Its address space, still empty.
    pub mm: MmId,
    /// VMAs it has from the start, and how many of their pages are present.
    pub vmas: Vec<(Vma, u64)>,
    /// What its first thread does.
    pub program: Program,
}

/// Waits for the start condition, then lives; or, if the condition can no
/// longer come true, ends without having lived.
pub async fn run_process(cx: Cx, process: Process) {
    if let Some(after) = process.start.after {
        let (ready, dead) = cx.with(|state| {
            let group = state.group(after);
            (group.ready, group.live == 0)
        });
        let engine = &cx.kernel().engine;
        if !dead {
            let why = Why(Reason::Start as u8);
            engine.wait_for_completion(ready, why, Signals::Ignored).await;
        }
        // Its end wakes us too: then it will never be ready, and this process never starts.
        if !engine.is_complete(ready) {
            let own = cx.with(|state| {
                let group = state.group(cx.task());
                group.live = 0;
                group.ready
            });
            cx.wake_all(own);
            return;
        }
    }
    if process.start.delay.0 > 0 {
        cx.sleep(process.start.delay, Reason::Start, Signals::Ignored).await;
    }
    cx.with(|state| {
        state.start_group(cx.task());
        state.tasks[cx.task()].mm = Some(process.mm);
        state.mms[process.mm].mm_users = 1;
    });
    map_initial(&cx, process.mm, process.vmas).await;
    run_thread(cx, process.program).await;
}
