//! What one task waits for at one moment: the edges of the wait-for graph
//! that begin at it (kernel-spec 8.3), and how many of them must end.
//!
//! A lock's waiter waits for its holders (whatever the lock: `oom_lock`
//! and named ones too); who waits for a fence for the device,
//! and that for the worker which signals it; who waits for
//! invalidations to end for those who run them, or for nobody if those
//! have forgotten them (a device's fault likewise, if an end got lost; a thread
//! that serves such faults tries again until the process is gone, so it waits for that);
//! who waits for an event of the scenario for any of those who could
//! signal it; who waits for callers inside notifiers for those; a parent
//! in vfork() for its child; a thread that exits while its process's core is
//! written for who writes it, and that one for the threads that have not stopped
//! for it; who waits for kswapd for it; and an
//! allocator that retries, with whatever flags, for any of the reaper and
//! the threads of the victims that are pending: while one is, nobody
//! else will be killed. Somebody else's page would do as well, so that
//! last kind is taken for a dependency only where none came for [`QUIET`].
//! Waits for a disk or for the clock are never closed and have no edge;
//! nor has a reaper that pauses between two attempts.

use std::collections::BTreeSet;

use super::replay::Doing;
use super::scene::Scene;
use crate::base::{DeviceId, LockId, MmId, Nanos, TaskId};
use crate::engine::WaitOn;
use crate::record::{Cast, EdgeKind, Gfp, NotifierInfo, Reason, TaskKind};

/// Without a page given or freed for this long, an allocator that retries
/// depends on the victim: as long as the reaper tries before it gives up
/// (10 pauses of HZ/10 in mm/oom_kill.c, Linux 4.6 to 7.1). Where a machine has it try for longer that
/// needs no more: a reaper that pauses waits for nobody, so nothing closes meanwhile.
pub(crate) const QUIET: Nanos = Nanos::from_secs(1);

/// Somebody who is waited for, and through what.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub(crate) struct Need {
    pub(crate) to: TaskId,
    pub(crate) kind: EdgeKind,
}

/// What somebody waits for.
#[derive(Clone, Debug)]
pub(crate) enum Needs {
    /// Every one of these must go on first.
    Each(Vec<Need>),
    /// One of these must go on first.
    Any(Vec<Need>),
    /// Something that nobody will do.
    Nobody,
}

impl Needs {
    pub(crate) fn list(&self) -> &[Need] {
        match self {
            Self::Each(list) | Self::Any(list) => list,
            Self::Nobody => &[],
        }
    }

    /// Whether what is waited for is a page: somebody else's would do as well.
    pub(crate) fn are_pages(&self) -> bool {
        let is_page = |need: &Need| need.kind.is_allocation() && need.kind != EdgeKind::Kswapd;
        self.list().iter().any(is_page)
    }

    fn each(tasks: impl IntoIterator<Item = TaskId>, kind: EdgeKind) -> Self {
        Self::Each(tasks.into_iter().map(|to| Need { to, kind }).collect())
    }
}

/// What `task` waits for, if it waits for anybody.
pub(crate) fn needs(scene: &impl Scene, task: TaskId) -> Option<Needs> {
    let doing = scene.doing(task);
    if let Some(lock) = lock_waited_for(doing) {
        let kind = if scene.oom_lock() == Some(lock) { EdgeKind::OomLock } else { EdgeKind::Lock };
        let holders = scene.holders(lock);
        // Who is gone lets go of nothing any more: a robust futex whose list was lost.
        if holders.iter().any(|&task| scene.doing(task) == Doing::Exited) {
            return Some(Needs::Nobody);
        }
        return Some(Needs::each(holders, kind));
    }
    let cast = scene.cast();
    let device = || cast.devices.get(device_waited_for(scene, task)?);
    match doing.reason() {
        Some(Reason::Fence) => Some(Needs::each([device()?.task?], EdgeKind::Fence)),
        Some(Reason::FenceWorker) => {
            let mut devices = cast.devices.iter();
            let (_, info) = devices.find(|(_, device)| device.task == Some(task))?;
            // A job that is reset in time frees whoever waits for it.
            let worker = info.worker.filter(|_| info.timeout.is_none())?;
            Some(Needs::each([worker], EdgeKind::Worker))
        }
        Some(Reason::PageRequest) => {
            let mut devices = cast.devices.iter();
            let (_, ring) = devices.find(|(_, device)| device.task == Some(task))?;
            // A job that is reset in time waits for nobody any longer.
            let is_reset = ring.timeout.is_some();
            let faulter = ring.faulter.filter(|_| !is_reset)?;
            Some(Needs::each([faulter], EdgeKind::Worker))
        }
        Some(Reason::FlushWork) => Some(Needs::each([device()?.worker?], EdgeKind::Worker)),
        Some(Reason::NotifierEnd | Reason::IntervalRead) => {
            let mm = mm_waited_for(scene, task)?;
            if has_leaked(scene, mm) {
                return Some(Needs::Nobody);
            }
            Some(Needs::each(scene.invalidators(mm), EdgeKind::Invalidation))
        }
        Some(Reason::DeviceFault | Reason::RangeActive) => match cast.tasks.get(task)?.mm {
            // A device whose count never comes down serves no fault any more.
            Some(mm) => scene.has_lost_end(mm).then_some(Needs::Nobody),
            None => fault_for_ever(scene, task),
        },
        Some(Reason::Srcu) => {
            let mm = cast.tasks.get(task)?.mm?;
            Some(Needs::each(callers(scene, mm, task), EdgeKind::Srcu))
        }
        Some(Reason::AnonVma) => {
            let mm = cast.tasks.get(task)?.mm?;
            Some(Needs::each(callers(scene, mm, task), EdgeKind::Lock))
        }
        Some(Reason::NamedEvent) => Some(signalers(scene, doing)),
        Some(Reason::Vfork) => Some(Needs::each([scene.child_of(task)?], EdgeKind::Child)),
        Some(Reason::CoreDump) => Some(Needs::each([scene.dumper(task)?], EdgeKind::CoreDump)),
        Some(Reason::CoreDumpStart) => {
            Some(Needs::each(to_stop_for_core(scene, task), EdgeKind::CoreDump))
        }
        Some(Reason::PfMemalloc) if may_wait_for_ever(scene, task) => {
            Some(Needs::each([scene.kswapd()?], EdgeKind::Kswapd))
        }
        _ if is_allocating(scene, task) => memory_providers(scene, task),
        _ => None,
    }
}

/// The device whose fences or worker a task waits for.
pub(crate) fn device_waited_for(scene: &impl Scene, task: TaskId) -> Option<DeviceId> {
    let cast = scene.cast();
    if let Doing::Blocked { on: WaitOn::Queue(queue), .. } = scene.doing(task) {
        let mut devices = cast.devices.iter();
        if let Some((id, _)) = devices.find(|(_, device)| device.signaled == Some(queue)) {
            return Some(id);
        }
    }
    Some(cast.notifiers.get(scene.call(task)?)?.device)
}

/// The lock that a parked task waits for.
pub(crate) fn lock_waited_for(doing: Doing) -> Option<LockId> {
    match doing {
        Doing::Blocked { on: WaitOn::Lock(lock), .. } => Some(lock),
        _ => None,
    }
}

/// The mm whose invalidations a task waits for: its own if any run there.
fn mm_waited_for(scene: &impl Scene, task: TaskId) -> Option<MmId> {
    let own = scene.cast().tasks.get(task).and_then(|info| info.mm);
    let runs = |mm: &MmId| !scene.invalidators(*mm).is_empty();
    own.filter(runs).or_else(|| scene.cast().mms.ids().find(runs))
}

/// Tasks inside notifiers, besides the one that waits for them to leave.
/// There is one SRCU domain for all address spaces; who is in a notifier of
/// another mm counts if it has done what it does since before the wait began,
/// because whoever entered later is not waited for.
fn callers(scene: &impl Scene, mm: MmId, waiter: TaskId) -> Vec<TaskId> {
    let cast = scene.cast();
    let since = scene.waits_since(waiter);
    let is_in = |&task: &TaskId| {
        let notifier = scene.call(task).and_then(|notifier| cast.notifiers.get(notifier));
        let is_inside = |info: &NotifierInfo| {
            info.mm == mm || !info.interval && scene.waits_since(task) < since
        };
        task != waiter && notifier.is_some_and(is_inside)
    };
    cast.tasks.ids().filter(is_in).collect()
}

/// Whether a core that `dumper` writes may be what `task` waits for: it is of its
/// process, or (up to 5.15) of one with the same mm.
pub(crate) fn dumps_with(cast: &Cast, dumper: TaskId, task: TaskId) -> bool {
    let (Some(dumper), Some(task)) = (cast.tasks.get(dumper), cast.tasks.get(task)) else {
        return false;
    };
    dumper.leader == task.leader || (dumper.mm.is_some() && dumper.mm == task.mm)
}

/// The threads that must stop before `dumper` writes the core of their
/// process. One that was on its way out before is taken for one of them.
fn to_stop_for_core(scene: &impl Scene, dumper: TaskId) -> Vec<TaskId> {
    let cast = scene.cast();
    let tasks = cast.tasks.ids().filter(|&task| dumps_with(cast, dumper, task)).filter(|&task| {
        let doing = scene.doing(task);
        task != dumper && doing.is_alive() && doing.reason() != Some(Reason::CoreDump)
    });
    tasks.collect()
}

/// A thread that serves a device's faults, and waits for a count that never comes down: it
/// tries again and again, and only the end of the process takes the fault away.
fn fault_for_ever(scene: &impl Scene, task: TaskId) -> Option<Needs> {
    let cast = scene.cast();
    let (device, _) = cast.devices.iter().find(|(_, info)| info.faulter == Some(task))?;
    let of_device = cast.notifiers.iter().filter(|(_, info)| info.device == device);
    let mms: BTreeSet<_> = of_device.map(|(_, info)| info.mm).collect();
    // Which of several it waits for nobody recorded.
    if !mms.iter().all(|&mm| scene.has_lost_end(mm)) {
        return None;
    }
    let users = cast.tasks.iter().filter(|(id, info)| {
        info.mm.is_some_and(|mm| mms.contains(&mm)) && scene.doing(*id).is_alive()
    });
    Some(Needs::each(users.map(|(id, _)| id), EdgeKind::Invalidation))
}

/// Whether `task` serves a fault of a device, or is a device that waits for that: where
/// it is not served it begins anew, and is no further than it was.
pub(crate) fn repeats_fault(scene: &impl Scene, task: TaskId) -> bool {
    let info = scene.cast().tasks.get(task);
    match scene.doing(task).reason() {
        Some(Reason::RangeActive) => info.is_some_and(|info| info.mm.is_none()),
        reason => reason == Some(Reason::PageRequest),
    }
}

/// Who could signal the event that a task waits for.
fn signalers(scene: &impl Scene, doing: Doing) -> Needs {
    let Doing::Blocked { on: WaitOn::Queue(queue), .. } = doing else {
        return Needs::Each(Vec::new());
    };
    let Some(event) = scene.cast().named_events.iter().find(|event| event.queue == queue) else {
        return Needs::Each(Vec::new());
    };
    let could = event.signalers.iter().filter(|&&task| scene.doing(task) != Doing::Exited);
    let list: Vec<_> = could.map(|&to| Need { to, kind: EdgeKind::Event }).collect();
    if list.is_empty() { Needs::Nobody } else { Needs::Any(list) }
}

/// A request with `__GFP_FS` is throttled without a time-out
/// (kernel-spec 1.4 step 1); one whose flags are unknown is given the benefit of the doubt.
fn may_wait_for_ever(scene: &impl Scene, task: TaskId) -> bool {
    scene.stall(task).is_some_and(|gfp| gfp.has(Gfp::FS))
}

fn memory_providers(scene: &impl Scene, task: TaskId) -> Option<Needs> {
    let leader = scene.pending_victim()?;
    let threads = scene.cast().tasks.iter().filter(|(id, info)| {
        info.kind == TaskKind::User
            && *id != task
            && scene.is_pending(info.leader)
            && scene.doing(*id).is_alive()
    });
    let exits = threads.map(|(to, _)| Need { to, kind: EdgeKind::Exit });
    let kind = if is_reaping_another(scene, leader) { EdgeKind::ReapQueue } else { EdgeKind::Reap };
    let reaper = scene.reaper().map(|to| Need { to, kind });
    Some(Needs::Any(reaper.into_iter().chain(exits).collect()))
}

/// Whether the reaper works on, or pauses for, somebody else than this victim.
pub(crate) fn is_reaping_another(scene: &impl Scene, leader: TaskId) -> bool {
    let attempt = scene.attempt();
    let other = attempt.and_then(|(victim, _)| scene.cast().tasks.get(victim));
    let other = other.map(|info| info.leader).filter(|&other| other != leader);
    other.is_some_and(|other| scene.is_pending(other))
}

/// Whether invalidations of an mm began that nobody will end.
pub(crate) fn has_leaked(scene: &impl Scene, mm: MmId) -> bool {
    leaked(scene, mm).next().is_some()
}

/// Invalidations of an mm whose tasks are somewhere else by now, by task.
pub(crate) fn leaked(scene: &impl Scene, mm: MmId) -> impl Iterator<Item = TaskId> {
    let is_elsewhere = move |&by: &TaskId| {
        let doing = scene.doing(by);
        let is_here = scene.cast().tasks.get(by).is_some_and(|info| info.mm == Some(mm))
            && doing.is_alive()
            && !matches!(doing.reason(), Some(Reason::NotifierEnd | Reason::IntervalRead));
        let is_reaping =
            Some(by) == scene.reaper() && scene.attempt().is_some_and(|(_, is_on)| is_on);
        // Reclaim and others invalidate memory that is not their own.
        let is_in_call = scene.call(by).is_some();
        !is_here && !is_reaping && !is_in_call
    };
    scene.invalidators(mm).into_iter().filter(is_elsewhere)
}

/// Whether `task` is in the slow path and retries there, rather than
/// waiting for something else in the middle of it.
pub(crate) fn is_allocating(scene: &impl Scene, task: TaskId) -> bool {
    let doing = scene.doing(task);
    let is_retrying = matches!(doing, Doing::Running(_) | Doing::Runnable)
        || doing.reason().is_some_and(is_retry);
    let is_throttled = doing.reason() == Some(Reason::PfMemalloc);
    scene.stall(task).is_some_and(|gfp| is_retrying || is_throttled && !gfp.has(Gfp::FS))
}

/// A pause of the slow path between two tries.
pub(crate) fn is_retry(reason: Reason) -> bool {
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
