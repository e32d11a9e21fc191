//! What the `wait-for` checker finds: who waits for whom through what, sets of
//! tasks that could no longer go on, and what the reaper depended on. Like all
//! that checkers find it is no record and in no digest.

use crate::base::TaskId;
use crate::record::Gfp;

/// Through what somebody waits for somebody (kernel-spec 8.3).
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Debug)]
pub enum EdgeKind {
    /// A sleeping lock: for its holder.
    Lock,
    /// `oom_lock`: for its holder.
    OomLock,
    /// A fence: for the device that has the job.
    Fence,
    /// A finished job: for the worker that signals its fence.
    Worker,
    /// Invalidations of an mm: for those who run them.
    Invalidation,
    /// Callers inside a notifier (SRCU): for them.
    Srcu,
    /// An event of the scenario: for any who could signal it.
    Event,
    /// vfork(): for the child.
    Child,
    /// A core dump: for who writes it, and that one for threads to stop.
    CoreDump,
    /// Throttled reclaim: for kswapd.
    Kswapd,
    /// A page: for the reaper, which is to reap the pending victim.
    Reap,
    /// A page: for the reaper, which has another victim to do first.
    ReapQueue,
    /// A page: for a thread of the pending victim to exit.
    Exit,
    /// A CPU: for any who have one.
    Cpu,
}

impl EdgeKind {
    /// A word for it.
    pub fn id(self) -> &'static str {
        match self {
            Self::Lock => "lock",
            Self::OomLock => "oom_lock",
            Self::Fence => "fence",
            Self::Worker => "worker",
            Self::Invalidation => "invalidation",
            Self::Srcu => "srcu",
            Self::Event => "event",
            Self::Child => "child",
            Self::CoreDump => "core-dump",
            Self::Kswapd => "kswapd",
            Self::Reap => "reaper",
            Self::ReapQueue => "reaper-queue",
            Self::Exit => "exit",
            Self::Cpu => "cpu",
        }
    }

    /// Whether what is waited for is a lock.
    pub fn is_lock(self) -> bool {
        matches!(self, Self::Lock | Self::OomLock)
    }

    /// Whether what is waited for is a page.
    pub fn is_allocation(self) -> bool {
        matches!(self, Self::Reap | Self::ReapQueue | Self::Exit | Self::Kswapd)
    }
}

/// An edge of the wait-for graph.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub struct WaitEdge {
    /// Who waits.
    pub from: TaskId,
    /// For whom.
    pub to: TaskId,
    /// Through what.
    pub kind: EdgeKind,
    /// Index of the record since which it waits.
    pub since: usize,
    /// Whether any of several such edges would do; else each must end.
    pub any: bool,
}

/// A set of tasks that could no longer make progress.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct ClosedSet {
    /// Index of the record that closed it.
    pub record: usize,
    /// Index of the record that freed one of them after all: with a page
    /// from elsewhere, or by a kill. `None`: never.
    pub until: Option<usize>,
    /// Who, by id.
    pub tasks: Vec<TaskId>,
    /// Their cycles with the edges in order; none for a task that waits
    /// for something which nobody will do.
    pub cycles: Vec<Vec<WaitEdge>>,
}

/// The reaper waited for somebody inside an allocation that may sleep, or
/// for somebody who waited for the victim's exit: what kernel-spec 4.8 forbids.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct Dependency {
    /// Index of the record from which it was so.
    pub record: usize,
    /// From the reaper to the allocation.
    pub path: Vec<WaitEdge>,
    /// Whoever is in the allocation, or waits for the victim to exit.
    pub on: TaskId,
    /// The flags of its request; none if it waits for an exit.
    pub gfp: Option<Gfp>,
    /// How often the same path was there.
    pub times: u64,
}

impl Dependency {
    /// Whether the reaper waited for the allocating task itself.
    pub fn is_direct(&self) -> bool {
        self.path.len() == 1
    }
}

/// What the `wait-for` oracle found.
#[derive(Clone, Eq, PartialEq, Debug, Default)]
pub struct WaitFor {
    /// Sets that could no longer make progress, by record.
    pub closed: Vec<ClosedSet>,
    /// What the reaper depended on, by record.
    pub dependencies: Vec<Dependency>,
}
