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
pub enum Start {
    /// On its own.
    Alone {
        /// A process that must have said it is ready before.
        after: Option<TaskId>,
        /// Time to wait after that.
        delay: Nanos,
    },
    /// When this process forks it.
    Forked(TaskId),
}

/// What a process starts with.
pub struct Process {
    /// When it starts.
    pub start: Start,
    /// Its address space, still empty; that of a child comes from its parent.
    pub mm: MmId,
    /// VMAs it has from the start, and how many of their pages are present;
    /// none for a child.
    pub vmas: Vec<(Vma, u64)>,
    /// What its first thread does.
    pub program: Program,
}

/// Waits for the start condition, then lives; or, if the condition can no
/// longer come true, ends without having lived.
pub async fn run_process(cx: Cx, process: Process) {
    let alive = match process.start {
        Start::Alone { after, delay } => start_alone(&cx, after, delay).await,
        Start::Forked(parent) => start_forked(&cx, parent).await,
    };
    if !alive {
        let (ready, children) = cx.with(|state| {
            let group = state.group(cx.task());
            group.live = 0;
            (group.ready, group.children)
        });
        cx.wake_all(ready);
        cx.wake_all(children);
        return;
    }
    if let Start::Alone { .. } = process.start {
        cx.with(|state| {
            state.start_group(cx.task());
            state.tasks[cx.task()].mm = Some(process.mm);
            state.mms[process.mm].mm_users = 1;
        });
        map_initial(&cx, process.mm, process.vmas).await;
    }
    run_thread(cx, process.program).await;
}

/// Whether the start condition came true.
async fn start_alone(cx: &Cx, after: Option<TaskId>, delay: Nanos) -> bool {
    if let Some(after) = after {
        let (ready, dead) = cx.with(|state| {
            let group = state.group(after);
            (group.ready, group.live == 0)
        });
        let engine = &cx.kernel().engine;
        if !dead {
            let why = Why(Reason::Start as u8);
            engine.wait_for_completion(ready, why, Signals::Ignored).await;
        }
        // Its end wakes us too: then it will never be ready.
        if !engine.is_complete(ready) {
            return false;
        }
    }
    if delay.0 > 0 {
        cx.sleep(delay, Reason::Start, Signals::Ignored).await;
    }
    true
}

/// Whether the parent forked it before it ended.
async fn start_forked(cx: &Cx, parent: TaskId) -> bool {
    loop {
        let (born, dead, queue) = cx.with(|state| {
            let born = state.group(cx.task()).born;
            let parent = state.group(parent);
            (born, parent.live == 0, parent.children)
        });
        if born || dead {
            return born;
        }
        cx.wait(queue, Reason::Start, Signals::Ignored).await;
    }
}
