//! `thread`: starts a further thread of the process.

use std::rc::Rc;

use super::{Flow, Operation, Program, run_thread};
use crate::base::{CompletionId, TaskId};
use crate::engine::Share;
use crate::kernel::plugin::Boxed;
use crate::kernel::{Cx, Kernel, NewTask};
use crate::record::TaskKind;

/// Starts a thread that shares the mm.
pub struct Thread {
    /// Its name, unique in the run.
    pub name: String,
    /// `comm`; none: its process's.
    pub comm: Option<String>,
    /// Its thread id.
    pub pid: u32,
    /// How much of the CPUs it gets.
    pub share: Share,
    /// What it does.
    pub program: Program,
    /// Events that its program signals.
    pub signals: Vec<CompletionId>,
}

/// Notes in the cast that this task's program signals the event: who
/// waits for it waits for somebody.
pub fn add_signaler(kernel: &Kernel, event: CompletionId, task: TaskId) {
    kernel.engine.observe(|_, recorder| {
        let signalers = &mut recorder.cast.named_events[event.index()].signalers;
        if !signalers.contains(&task) {
            signalers.push(task);
        }
    });
}

impl Operation for Thread {
    fn run<'a>(&'a self, cx: &'a Cx) -> Boxed<'a, Flow> {
        Box::pin(async move {
            let leader = cx.with(|state| state.tasks[cx.task()].leader);
            // copy_process() fails while a signal is pending.
            if cx.with(|state| state.group(leader).group_exit) {
                return Flow::Next;
            }
            let (of_leader, oom_score_adj) = cx.kernel().engine.observe(|_, recorder| {
                let leader = &recorder.cast.tasks[leader];
                (leader.comm.clone(), leader.oom_score_adj)
            });
            let Some(mm) = cx.mm() else { return Flow::Next };
            let new = NewTask {
                name: self.name.clone(),
                comm: self.comm.clone().unwrap_or(of_leader),
                pid: self.pid,
                leader: Some(leader),
                kind: TaskKind::User,
                oom_score_adj,
            };
            let program = Rc::clone(&self.program);
            let thread = cx.kernel().spawn(new, |cx| run_thread(cx, program));
            cx.kernel().engine.set_share(thread, self.share);
            for &event in &self.signals {
                add_signaler(cx.kernel(), event, thread);
            }
            cx.with(|state| {
                state.tasks[thread].mm = Some(mm);
                state.mms[mm].mm_users += 1;
                let group = state.group(leader);
                group.threads.push(thread);
                group.live += 1;
                group.files += 1;
            });
            cx.kernel().engine.observe(|_, recorder| recorder.cast.tasks[thread].mm = Some(mm));
            Flow::Next
        })
    }
}
