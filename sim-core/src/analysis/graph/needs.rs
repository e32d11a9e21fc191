//! What one task waits for at one moment: the edges of the wait-for graph
//! that begin at it (kernel-spec 8.3), and how many of them must end.
//!
//! A lock's waiter waits for its holders (whatever the lock: `oom_lock`
//! and named ones too); who waits for a fence for the device, and that for the worker which signals it; who waits for
//! invalidations to end for those who run them, or for nobody if those
//! have forgotten them (a device's fault likewise, if an end got lost);
//! who waits for an event of the scenario for any of those who could
//! signal it; who waits for callers inside notifiers for those; a parent
//! in vfork() for its child; who waits for kswapd for it; and an
//! allocator that retries, with whatever flags, for any of the reaper and
//! the threads of the pending victim: while that one is pending nobody
//! else will be killed. Somebody else's page would do as well, so that
//! last kind is taken for a dependency only where none came for [`QUIET`].
//! Waits for a disk or for the clock are never closed and have no edge;
//! nor has a reaper that pauses between two attempts.

use super::EdgeKind;
use crate::analysis::index::{Index, lock_waited_for};
use crate::analysis::replay::Doing;
use crate::base::{MmId, Nanos, SimTime, TaskId};
use crate::engine::WaitOn;
use crate::record::{Gfp, Reason, TaskKind};

/// Without a page given or freed for this long, an allocator that retries
/// depends on the victim: as long as the reaper tries before it gives up
/// (10 pauses of HZ/10 in mm/oom_kill.c, Linux 4.6 to 7.1).
pub(in crate::analysis) const QUIET: Nanos = Nanos::from_secs(1);

/// Somebody who is waited for, and through what.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub(in crate::analysis) struct Need {
    pub(in crate::analysis) to: TaskId,
    pub(in crate::analysis) kind: EdgeKind,
}

/// What somebody waits for.
#[derive(Clone, Debug)]
pub(in crate::analysis) enum Needs {
    /// Every one of these must go on first.
    Each(Vec<Need>),
    /// One of these must go on first.
    Any(Vec<Need>),
    /// Something that nobody will do.
    Nobody,
}

impl Needs {
    pub(in crate::analysis) fn list(&self) -> &[Need] {
        match self {
            Self::Each(list) | Self::Any(list) => list,
            Self::Nobody => &[],
        }
    }

    /// Whether what is waited for is a page: somebody else's would do as well.
    pub(in crate::analysis) fn are_pages(&self) -> bool {
        let is_page = |need: &Need| need.kind.is_allocation() && need.kind != EdgeKind::Kswapd;
        self.list().iter().any(is_page)
    }

    fn each(tasks: impl IntoIterator<Item = TaskId>, kind: EdgeKind) -> Self {
        Self::Each(tasks.into_iter().map(|to| Need { to, kind }).collect())
    }
}

/// A run after its first so many records.
#[derive(Copy, Clone)]
pub(in crate::analysis) struct Moment<'i> {
    pub(in crate::analysis) index: &'i Index,
    /// Records that have happened.
    pub(in crate::analysis) seen: usize,
}

impl<'i> Moment<'i> {
    pub(in crate::analysis) fn new(index: &'i Index, seen: usize) -> Self {
        Self { index, seen }
    }

    pub(in crate::analysis) fn at_end(index: &'i Index) -> Self {
        Self { index, seen: index.times.len() }
    }

    pub(in crate::analysis) fn time(self) -> SimTime {
        match self.seen.checked_sub(1) {
            Some(last) => self.index.time(last),
            None => SimTime::ZERO,
        }
    }

    pub(in crate::analysis) fn tasks(self) -> impl Iterator<Item = TaskId> {
        (0..self.index.tasks.len()).map(TaskId::from_index)
    }

    fn doing(self, task: TaskId) -> Doing {
        self.index.doing(task, self.seen)
    }

    /// What `task` waits for, if it waits for anybody.
    pub(in crate::analysis) fn needs(self, task: TaskId) -> Option<Needs> {
        let doing = self.doing(task);
        if let Some(lock) = lock_waited_for(doing) {
            let kind =
                if self.index.oom_lock == Some(lock) { EdgeKind::OomLock } else { EdgeKind::Lock };
            let holders = self.index.holders(lock, self.seen);
            // Who is gone lets go of nothing any more: a robust futex whose list was lost.
            let is_gone = |task: TaskId| self.doing(task) == Doing::Exited;
            if holders.iter().any(|hold| is_gone(hold.what.task)) {
                return Some(Needs::Nobody);
            }
            return Some(Needs::each(holders.iter().map(|hold| hold.what.task), kind));
        }
        match doing.reason() {
            Some(Reason::Fence) => {
                let device = self.index.device_waited_for(task, self.seen)?;
                let process = self.index.cast.devices.get(device)?.task?;
                Some(Needs::each([process], EdgeKind::Fence))
            }
            Some(Reason::FenceWorker) => {
                let info = self.index.cast.devices.get(self.index.device_of(task)?)?;
                // A job that is reset in time frees whoever waits for it.
                let worker = info.worker.filter(|_| info.timeout.is_none())?;
                Some(Needs::each([worker], EdgeKind::Worker))
            }
            Some(Reason::FlushWork) => {
                let device = self.index.device_waited_for(task, self.seen)?;
                let worker = self.index.cast.devices.get(device)?.worker?;
                Some(Needs::each([worker], EdgeKind::Worker))
            }
            Some(Reason::NotifierEnd | Reason::IntervalRead) => {
                let mm = self.mm_waited_for(task)?;
                if self.has_leaked(mm) {
                    return Some(Needs::Nobody);
                }
                let running = self.index.invalidations.get(mm.index())?.open_after(self.seen);
                Some(Needs::each(running.map(|by| by.what), EdgeKind::Invalidation))
            }
            Some(Reason::DeviceFault | Reason::RangeActive) => {
                // A device whose count never comes down serves no fault any more.
                let mm = self.index.cast.tasks.get(task)?.mm?;
                self.has_lost_end(mm).then_some(Needs::Nobody)
            }
            Some(Reason::Srcu) => {
                let mm = self.index.cast.tasks.get(task)?.mm?;
                Some(Needs::each(self.callers(mm, task), EdgeKind::Srcu))
            }
            Some(Reason::NamedEvent) => Some(self.signalers(doing)),
            Some(Reason::Vfork) => {
                Some(Needs::each([self.index.child_of(task, self.seen)?], EdgeKind::Child))
            }
            Some(Reason::PfMemalloc) if self.may_wait_for_ever(task) => {
                Some(Needs::each([self.index.kswapd?], EdgeKind::Kswapd))
            }
            _ if is_allocating(self.index, task, self.seen) => self.memory_providers(task),
            _ => None,
        }
    }

    /// The mm whose invalidations a task waits for: its own if any run there.
    fn mm_waited_for(self, task: TaskId) -> Option<MmId> {
        let own = self.index.cast.tasks.get(task).and_then(|info| info.mm);
        let runs = |mm: &MmId| {
            let running = self.index.invalidations.get(mm.index());
            running.is_some_and(|running| running.open_after(self.seen).next().is_some())
        };
        own.filter(runs).or_else(|| self.index.cast.mms.ids().find(runs))
    }

    /// Tasks inside a notifier of `mm`, besides the one that waits.
    fn callers(self, mm: MmId, waiter: TaskId) -> impl Iterator<Item = TaskId> {
        self.index.cast.tasks.ids().filter(move |&task| {
            let call = self.index.call(task, self.seen);
            let notifier = call.and_then(|call| self.index.cast.notifiers.get(call.what.notifier));
            task != waiter && notifier.is_some_and(|notifier| notifier.mm == mm)
        })
    }

    /// Who could signal the event that a task waits for.
    fn signalers(self, doing: Doing) -> Needs {
        let Doing::Blocked { on: WaitOn::Queue(queue), .. } = doing else {
            return Needs::Each(Vec::new());
        };
        let Some(event) = self.index.cast.named_events.iter().find(|event| event.queue == queue)
        else {
            return Needs::Each(Vec::new());
        };
        let could = event.signalers.iter().filter(|&&task| self.doing(task) != Doing::Exited);
        let list: Vec<_> = could.map(|&to| Need { to, kind: EdgeKind::Event }).collect();
        if list.is_empty() { Needs::Nobody } else { Needs::Any(list) }
    }

    /// A request with `__GFP_FS` is throttled without a time-out
    /// (kernel-spec 1.4 step 1); one whose flags are unknown is given the benefit of the doubt.
    fn may_wait_for_ever(self, task: TaskId) -> bool {
        let stall = self.index.stall(task, self.seen);
        stall.is_some_and(|stall| stall.what.has(Gfp::FS))
    }

    fn memory_providers(self, task: TaskId) -> Option<Needs> {
        let victim = self.index.pending_victim(self.seen)?;
        let threads = self.index.cast.tasks.iter().filter(|(id, info)| {
            info.kind == TaskKind::User
                && info.leader == victim.leader
                && *id != task
                && self.doing(*id).is_alive()
        });
        let exits = threads.map(|(to, _)| Need { to, kind: EdgeKind::Exit });
        let is_queued = self.index.is_reaping_another(victim, self.seen);
        let kind = if is_queued { EdgeKind::ReapQueue } else { EdgeKind::Reap };
        let reaper = self.index.reaper.map(|to| Need { to, kind });
        Some(Needs::Any(reaper.into_iter().chain(exits).collect()))
    }

    /// Whether a start on a notifier of `mm` got no end.
    fn has_lost_end(self, mm: MmId) -> bool {
        let of_mm = |notifier| {
            let info = self.index.cast.notifiers.get(notifier);
            info.is_some_and(|info| info.mm == mm)
        };
        let lost = self.index.lost_ends.iter();
        lost.take_while(|(record, _)| *record < self.seen).any(|&(_, notifier)| of_mm(notifier))
    }

    /// Whether invalidations of an mm began whose tasks are somewhere else by
    /// now: nobody will end them.
    pub(in crate::analysis) fn has_leaked(self, mm: MmId) -> bool {
        let is_elsewhere = |by: TaskId| {
            let doing = self.doing(by);
            let is_here = self.index.cast.tasks.get(by).is_some_and(|info| info.mm == Some(mm))
                && doing.is_alive()
                && !matches!(doing.reason(), Some(Reason::NotifierEnd | Reason::IntervalRead));
            let attempt = self.index.attempt(self.seen);
            let is_reaping = Some(by) == self.index.reaper
                && attempt.is_some_and(|attempt| attempt.to.is_none_or(|to| to >= self.seen));
            // Reclaim and others invalidate memory that is not their own.
            let is_in_call = self.index.call(by, self.seen).is_some();
            !is_here && !is_reaping && !is_in_call
        };
        let running = self.index.invalidations.get(mm.index());
        running.is_some_and(|running| {
            running.open_after(self.seen).any(|open| is_elsewhere(open.what))
        })
    }
}

/// Whether `task` is in the slow path and retries there, rather than
/// waiting for something else in the middle of it.
pub(in crate::analysis) fn is_allocating(index: &Index, task: TaskId, seen: usize) -> bool {
    let doing = index.doing(task, seen);
    let is_retrying = matches!(doing, Doing::Running(_) | Doing::Runnable)
        || doing.reason().is_some_and(is_retry);
    let is_throttled = doing.reason() == Some(Reason::PfMemalloc);
    index
        .stall(task, seen)
        .is_some_and(|stall| is_retrying || is_throttled && !stall.what.has(Gfp::FS))
}

/// A pause of the slow path between two tries.
pub(in crate::analysis) fn is_retry(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::OomLockJiffy
            | Reason::Reclaim
            | Reason::ReclaimThrottle
            | Reason::Compaction
            | Reason::Yield
            | Reason::AfterKill
            | Reason::MemcgOom
    )
}
