//! What the wait-for graph asks of a moment: who does what, who holds what.
//!
//! Two answer: the state kept while a run goes on, and the index of a
//! finished one, which knows every moment. So both see the same graph.

use super::replay::Doing;
use crate::base::{LockId, MmId, NotifierId, TaskId};
use crate::record::{Cast, Gfp, TaskKind};

/// A run at one moment.
pub(crate) trait Scene {
    /// Who there is.
    fn cast(&self) -> &Cast;
    /// What a task does.
    fn doing(&self, task: TaskId) -> Doing;
    /// The flags of the request whose slow path a task is in.
    fn stall(&self, task: TaskId) -> Option<Gfp>;
    /// The record since which it waits: for a page, or else as it does now.
    fn waits_since(&self, task: TaskId) -> Option<usize>;
    /// The innermost notifier that a task is in.
    fn call(&self, task: TaskId) -> Option<NotifierId>;
    /// Who holds a lock, the eldest first.
    fn holders(&self, lock: LockId) -> Vec<TaskId>;
    /// Who began an invalidation of an mm that nobody has ended, the eldest first.
    fn invalidators(&self, mm: MmId) -> Vec<TaskId>;
    /// The leader of the victim that the killer waits for, the last one if there are several.
    fn pending_victim(&self) -> Option<TaskId>;
    /// Whether that victim is pending.
    fn is_pending(&self, leader: TaskId) -> bool;
    /// Whom the reaper works on or has tried last, and whether it is at it.
    fn attempt(&self) -> Option<(TaskId, bool)>;
    /// Whether a start on a notifier of `mm` got no end.
    fn has_lost_end(&self, mm: MmId) -> bool;
    /// The last process that a task forked.
    fn child_of(&self, task: TaskId) -> Option<TaskId>;
    /// Who writes, or wrote, the core of the process that a task is of.
    fn dumper(&self, task: TaskId) -> Option<TaskId>;
    /// The OOM reaper.
    fn reaper(&self) -> Option<TaskId>;
    /// kswapd.
    fn kswapd(&self) -> Option<TaskId>;
    /// `oom_lock`.
    fn oom_lock(&self) -> Option<LockId>;
}

/// The kernel threads and the lock that matter, found by their names.
#[derive(Copy, Clone, Default, Debug)]
pub(crate) struct Known {
    /// The OOM reaper.
    pub(crate) reaper: Option<TaskId>,
    /// kswapd.
    pub(crate) kswapd: Option<TaskId>,
    /// `oom_lock`.
    pub(crate) oom_lock: Option<LockId>,
}

impl Known {
    pub(crate) fn of(cast: &Cast) -> Self {
        let kthread = |is_it: &dyn Fn(&str) -> bool| {
            let mut kthreads = cast.tasks.iter().filter(|(_, info)| info.kind == TaskKind::Kthread);
            kthreads.find(|(_, info)| is_it(&info.comm)).map(|(id, _)| id)
        };
        let oom_lock = cast.locks.iter().find(|(_, info)| info.name == "oom_lock");
        Self {
            reaper: kthread(&|comm| comm == "oom_reaper"),
            kswapd: kthread(&|comm| comm.starts_with("kswapd")),
            oom_lock: oom_lock.map(|(id, _)| id),
        }
    }
}
