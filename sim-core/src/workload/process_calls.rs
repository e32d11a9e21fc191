//! `kill`, `process_mrelease`, `oom_score_adj`: what a process does to itself and others.

use super::{Flow, Operation};
use crate::base::TaskId;
use crate::kernel::plugin::Boxed;
use crate::kernel::{Cx, kill_process, process_mrelease, set_oom_adj};

/// Sends SIGKILL to a process.
pub struct Kill {
    /// Its leader.
    pub leader: TaskId,
}

impl Operation for Kill {
    fn run<'a>(&'a self, cx: &'a Cx) -> Boxed<'a, Flow> {
        Box::pin(async move {
            // -ESRCH is the program's to bear.
            kill_process(cx, self.leader);
            Flow::Next
        })
    }
}

/// Reaps a process that is dying.
pub struct Mrelease {
    /// Its leader.
    pub leader: TaskId,
}

impl Operation for Mrelease {
    fn run<'a>(&'a self, cx: &'a Cx) -> Boxed<'a, Flow> {
        Box::pin(async move {
            // Errors are the program's to bear.
            let _ = process_mrelease(cx, self.leader).await;
            Flow::Next
        })
    }
}

/// Writes to the process's own `oom_score_adj`.
pub struct OomScoreAdj {
    /// The value, -1000 to 1000.
    pub value: i16,
}

impl Operation for OomScoreAdj {
    fn run<'a>(&'a self, cx: &'a Cx) -> Boxed<'a, Flow> {
        Box::pin(async move {
            let leader = cx.with(|state| state.tasks[cx.task()].leader);
            set_oom_adj(cx, leader, self.value);
            Flow::Next
        })
    }
}
