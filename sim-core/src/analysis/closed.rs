//! Closed wait-for sets at the end of a run: tasks each of which waits
//! for another one of them, so that none will ever go on.
//!
//! Edges: a lock's waiter to its holders (whatever the lock: `oom_lock`
//! and named ones too); who waits for a fence in a callback to the device
//! and on to the worker that signals it; who waits for invalidations to
//! end to those who run them, or to nobody if those have forgotten them
//! (a device's fault likewise, if an end got lost);
//! who waits for an event of the scenario to those who could signal it;
//! who waits for callers inside notifiers to those; who waits for kswapd
//! to it; and an allocator that retries, with whatever flags, to the
//! reaper and to the threads of the pending victim. That last is an edge
//! only when nothing has been achieved for a while, since anybody's page
//! would do; it and that of an event need all of their ends to be stuck,
//! the others one. Waits for a disk or for the clock are never closed.

use super::flags::has_leaked;
use super::index::{Index, lock_waited_for};
use super::replay::Doing;
use crate::base::{MmId, Nanos, TaskId};
use crate::engine::WaitOn;
use crate::record::{Gfp, Reason, TaskKind};

/// Without a page given or freed for this long, an allocator that retries
/// depends on the victim: as long as the reaper tries before it gives up
/// (10 pauses of HZ/10 in mm/oom_kill.c, Linux 4.6 to 7.1).
pub(super) const QUIET: Nanos = Nanos::from_secs(1);

/// What somebody waits for.
enum Needs {
    /// Every one of these must go on first.
    Each(Vec<TaskId>),
    /// One of these must go on first.
    Any(Vec<TaskId>),
    /// Something that nobody will do.
    Nobody,
}

/// The tasks that will never go on, in the order of their ids.
pub(super) struct Closed<'i> {
    index: &'i Index,
    stuck: Vec<TaskId>,
}

impl<'i> Closed<'i> {
    pub(super) fn at_end(index: &'i Index) -> Self {
        let tasks = (0..index.tasks.len()).map(TaskId::from_index);
        let mut needs: Vec<_> =
            tasks.filter_map(|task| Some((task, needs(index, task)?))).collect();
        loop {
            let stuck: Vec<_> = needs.iter().map(|(task, _)| *task).collect();
            let is_stuck = |task: &TaskId| stuck.contains(task);
            let before = needs.len();
            needs.retain(|(_, needs)| match needs {
                Needs::Each(tasks) => tasks.iter().any(is_stuck),
                Needs::Any(tasks) => !tasks.is_empty() && tasks.iter().all(is_stuck),
                Needs::Nobody => true,
            });
            if needs.len() == before {
                return Self { index, stuck };
            }
        }
    }

    pub(super) fn contains(&self, task: TaskId) -> bool {
        self.stuck.contains(&task)
    }

    /// A cycle that `from` waits for or is in, in order; the first task
    /// is not repeated at the end. Empty if the chain ends at something
    /// that nobody will do.
    pub(super) fn cycle(&self, from: TaskId) -> Vec<TaskId> {
        let mut path = vec![from];
        let mut at = from;
        loop {
            let next = match needs(self.index, at) {
                Some(Needs::Each(tasks) | Needs::Any(tasks)) => {
                    tasks.into_iter().find(|&task| self.contains(task))
                }
                Some(Needs::Nobody) | None => None,
            };
            let Some(next) = next else { return Vec::new() };
            if let Some(start) = path.iter().position(|&task| task == next) {
                return path.split_off(start);
            }
            path.push(next);
            at = next;
        }
    }
}

fn needs(index: &Index, task: TaskId) -> Option<Needs> {
    let seen = index.times.len();
    let doing = index.doing(task, seen);
    if let Some(lock) = lock_waited_for(doing) {
        let holders = index.holders(lock, seen);
        return Some(Needs::Each(holders.iter().map(|holder| holder.what.task).collect()));
    }
    match doing.reason() {
        Some(Reason::Fence) => {
            let call = index.call(task, seen)?;
            let device = index.device_called(&call.what)?;
            let process = index.cast.devices.get(device)?.task?;
            Some(Needs::Each(vec![process]))
        }
        Some(Reason::FenceWorker) => {
            let device = index.device_of(task)?;
            let info = index.cast.devices.get(device)?;
            // A job that is reset in time frees whoever waits for it.
            let worker = info.worker.filter(|_| info.timeout.is_none())?;
            Some(Needs::Each(vec![worker]))
        }
        Some(Reason::NotifierEnd | Reason::IntervalRead) => {
            let mm = mm_waited_for(index, task)?;
            if has_leaked(index, mm) {
                return Some(Needs::Nobody);
            }
            let running = index.invalidations.get(mm.index())?.open_after(seen);
            Some(Needs::Each(running.map(|by| by.what).collect()))
        }
        Some(Reason::DeviceFault) => {
            // A device whose count never comes down serves no fault any more.
            let mm = index.cast.tasks.get(task)?.mm?;
            let of_mm =
                |notifier| index.cast.notifiers.get(notifier).is_some_and(|info| info.mm == mm);
            index.lost_ends.iter().any(|&notifier| of_mm(notifier)).then_some(Needs::Nobody)
        }
        Some(Reason::Srcu) => {
            let mm = index.cast.tasks.get(task)?.mm?;
            Some(Needs::Each(callers(index, mm, task)))
        }
        Some(Reason::NamedEvent) => Some(signalers(index, doing)),
        Some(Reason::PfMemalloc) if may_wait_for_ever(index, task) => {
            Some(Needs::Each(vec![index.kswapd?]))
        }
        _ if is_allocating(index, task, seen) => {
            let is_quiet = index.end.saturating_sub(index.last_progress()) >= QUIET;
            is_quiet.then(|| memory_providers(index, task)).flatten()
        }
        _ => None,
    }
}

/// The mm whose invalidations a task waits for: its own if any run there.
fn mm_waited_for(index: &Index, task: TaskId) -> Option<MmId> {
    let seen = index.times.len();
    let own = index.cast.tasks.get(task).and_then(|info| info.mm);
    let runs = |mm: &MmId| {
        let running = index.invalidations.get(mm.index());
        running.is_some_and(|running| running.open_after(seen).next().is_some())
    };
    own.filter(runs).or_else(|| index.cast.mms.ids().find(runs))
}

/// Tasks inside a notifier of `mm`, besides the one that waits.
fn callers(index: &Index, mm: MmId, waiter: TaskId) -> Vec<TaskId> {
    let seen = index.times.len();
    let is_inside = |task: &TaskId| {
        let call = index.call(*task, seen);
        let notifier = call.and_then(|call| index.cast.notifiers.get(call.what.notifier));
        *task != waiter && notifier.is_some_and(|notifier| notifier.mm == mm)
    };
    index.cast.tasks.ids().filter(is_inside).collect()
}

/// Who could signal the event that a task waits for.
fn signalers(index: &Index, doing: Doing) -> Needs {
    let seen = index.times.len();
    let Doing::Blocked { on: WaitOn::Queue(queue), .. } = doing else {
        return Needs::Each(Vec::new());
    };
    let Some(event) = index.cast.named_events.iter().find(|event| event.queue == queue) else {
        return Needs::Each(Vec::new());
    };
    let could = |task: &TaskId| index.doing(*task, seen) != Doing::Exited;
    let signalers: Vec<_> = event.signalers.iter().copied().filter(could).collect();
    if signalers.is_empty() { Needs::Nobody } else { Needs::Any(signalers) }
}

/// A request with `__GFP_FS` is throttled without a time-out
/// (kernel-spec 1.4 step 1); one whose flags are unknown is given the benefit of the doubt.
fn may_wait_for_ever(index: &Index, task: TaskId) -> bool {
    let stall = index.stall(task, index.times.len());
    stall.is_some_and(|stall| stall.what.has(Gfp::FS))
}

/// Whether `task` is in the slow path and retries there, rather than
/// waiting for something else in the middle of it.
pub(super) fn is_allocating(index: &Index, task: TaskId, seen: usize) -> bool {
    let doing = index.doing(task, seen);
    let is_retrying = matches!(doing, Doing::Running(_) | Doing::Runnable)
        || doing.reason().is_some_and(is_retry);
    let is_throttled = doing.reason() == Some(Reason::PfMemalloc);
    index
        .stall(task, seen)
        .is_some_and(|stall| is_retrying || is_throttled && !stall.what.has(Gfp::FS))
}

/// A pause of the slow path between two tries.
fn is_retry(reason: Reason) -> bool {
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

fn memory_providers(index: &Index, task: TaskId) -> Option<Needs> {
    let seen = index.times.len();
    let victim = index.victims.iter().rev().find(|victim| victim.is_pending(seen))?;
    let threads = index.cast.tasks.iter().filter(|(id, info)| {
        info.kind == TaskKind::User
            && info.leader == victim.leader
            && *id != task
            && index.doing(*id, seen).is_alive()
    });
    Some(Needs::Any(index.reaper.into_iter().chain(threads.map(|(id, _)| id)).collect()))
}
