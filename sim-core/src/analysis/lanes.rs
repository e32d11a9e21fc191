//! The rows of the timeline: who was in which state when.
//!
//! Order: the reaper, user tasks (threads after their leader), other
//! kernel threads that ever had something to do, devices, locks. Of the locks, those that somebody
//! had to wait for, and `oom_lock` and every `mmap_lock` that was held
//! for longer than a millisecond. States that last no time are left out;
//! what happens at one instant is a mark. Nothing is drawn or merged for
//! a zoom level here.

mod cpu;
mod device;
mod lock;
mod span;
#[cfg(test)]
pub(super) mod tests;
mod touch;

pub use cpu::cpu_lanes;
use device::DeviceRow;
use lock::LockRow;
use span::Row;
pub use touch::lock_touches;

use super::replay::{Doing, Now, ReaperNow, TaskNow, is_own_wish};
use super::types::{Lane, LaneOf, LaneState, MarkKind};
use crate::base::{SimTime, TaskId};
use crate::engine::WaitOn;
use crate::record::{Cast, Event, Reason, Record, Run, SkipBy, TaskInfo, TaskKind};

/// The lanes of a run.
pub fn lanes(run: &Run) -> Vec<Lane> {
    let mut pass = Pass::new(&run.cast);
    for (number, record) in run.trace.iter().enumerate() {
        pass.feed(number, &record);
    }
    pass.finish(run.end)
}

/// The walk through the records.
struct Pass<'r> {
    cast: &'r Cast,
    now: Now,
    reaper: Option<TaskId>,
    tasks: Vec<Row>,
    devices: Vec<DeviceRow>,
    locks: Vec<LockRow>,
}

impl<'r> Pass<'r> {
    fn new(cast: &'r Cast) -> Self {
        let reaper = cast.tasks.iter().find(|(_, info)| is_reaper(info));
        Self {
            cast,
            now: Now::new(cast),
            reaper: reaper.map(|(id, _)| id),
            tasks: cast.tasks.iter().map(|_| Row::default()).collect(),
            devices: cast.devices.iter().map(|_| DeviceRow::default()).collect(),
            locks: cast.locks.iter().map(|_| LockRow::default()).collect(),
        }
    }

    fn feed(&mut self, number: usize, record: &Record) {
        let before = self.now.task(record.task).map_or(Doing::Unborn, |task| task.doing);
        self.now.apply(record);
        let after = self.now.task(record.task).map_or(Doing::Unborn, |task| task.doing);
        if before != after {
            self.lock_waits(record.at, number, before, after);
        }
        self.feed_locks(number, record);
        self.feed_devices(number, record);
        self.feed_tasks(number, record);
        self.feed_marks(number, record);
    }

    fn feed_tasks(&mut self, number: usize, record: &Record) {
        self.update_task(record.task, record.at, number);
        let killed = match record.event {
            Event::SignalGenerate { target } => target,
            Event::MarkVictim { victim, .. } => victim,
            _ => return,
        };
        let leader = self.cast.tasks.get(killed).map_or(killed, |info| info.leader);
        for (task, info) in self.cast.tasks.iter() {
            if info.leader == leader {
                self.update_task(task, record.at, number);
            }
        }
    }

    fn update_task(&mut self, task: TaskId, at: SimTime, number: usize) {
        let (Some(row), Some(now)) = (self.tasks.get_mut(task.index()), self.now.task(task)) else {
            return;
        };
        let state = if Some(task) == self.reaper {
            reaper_state(now, self.now.reaper)
        } else {
            task_state(now)
        };
        match state {
            Some(state) => row.set(at, state, number),
            None => row.end(at),
        }
    }

    fn lock_waits(&mut self, at: SimTime, number: usize, before: Doing, after: Doing) {
        for (doing, begins) in [(before, false), (after, true)] {
            if let Doing::Blocked { on: WaitOn::Lock(lock), .. } = doing
                && let Some(row) = self.locks.get_mut(lock.index())
            {
                row.wait(at, number, begins);
            }
        }
    }

    fn feed_locks(&mut self, number: usize, record: &Record) {
        match record.event {
            Event::Acquired { lock, .. } => {
                if let Some(row) = self.locks.get_mut(lock.index()) {
                    row.acquired(record.at, number);
                }
            }
            Event::Released { lock } => {
                if let Some(row) = self.locks.get_mut(lock.index()) {
                    row.released(record.at, number);
                }
            }
            _ => {}
        }
    }

    fn feed_devices(&mut self, number: usize, record: &Record) {
        let at = record.at;
        match record.event {
            Event::JobSubmitted { device, fence } => {
                if let Some(row) = self.devices.get_mut(device.index()) {
                    row.submitted(at, number, fence);
                }
            }
            Event::FenceSignaled { fence } => {
                // Every device numbers its fences for itself.
                let signaler =
                    self.cast.devices.iter().position(|(_, info)| {
                        [info.task, info.worker].contains(&Some(record.task))
                    });
                if let Some(row) = signaler.and_then(|index| self.devices.get_mut(index)) {
                    row.signaled(at, number, fence);
                }
            }
            Event::MnCall { notifier, .. }
            | Event::MnReturn { notifier, .. }
            | Event::MnFinishCall { notifier, .. }
            | Event::MnFinishReturn { notifier, .. }
            | Event::CoreRefused { notifier, .. } => {
                let device = self.cast.notifiers.get(notifier).map(|info| info.device);
                let row = device.and_then(|device| self.devices.get_mut(device.index()));
                match (row, record.event) {
                    (Some(row), Event::MnCall { .. } | Event::MnFinishCall { .. }) => {
                        row.called(at, number, record.task);
                    }
                    (Some(row), Event::MnFinishReturn { .. }) => {
                        row.returned(at, number, record.task);
                    }
                    (Some(row), Event::CoreRefused { .. }) => {
                        row.row.mark(at, MarkKind::Refusal, number);
                    }
                    (Some(row), Event::MnReturn { refused, .. }) => {
                        row.returned(at, number, record.task);
                        if refused {
                            row.row.mark(at, MarkKind::Refusal, number);
                        }
                    }
                    _ => {}
                }
            }
            Event::Blocked { .. } | Event::Woken { .. } | Event::Exited {} => {
                let is_parked = matches!(record.event, Event::Blocked { .. });
                for row in &mut self.devices {
                    row.parked(at, number, record.task, is_parked);
                }
            }
            _ => {}
        }
    }

    fn feed_marks(&mut self, number: usize, record: &Record) {
        let (kind, on) = match record.event {
            Event::MarkVictim { victim, .. } => (MarkKind::Kill, Some(victim)),
            Event::WakeReaper { .. } => (MarkKind::WakeReaper, self.reaper),
            Event::StartTaskReaping { .. } => (MarkKind::AttemptStart, self.reaper),
            Event::SkipTaskReaping { .. } => (MarkKind::AttemptSkipped, self.reaper),
            Event::Reaped { .. } => (MarkKind::Reaped, self.reaper),
            Event::UnableToReap { .. } => (MarkKind::GiveUp, self.reaper),
            Event::OomSkipSet { mm, by } => {
                if by != SkipBy::Exit {
                    self.mark(self.reaper, MarkKind::SkipSet, record.at, number);
                }
                let owner = self.cast.mms.get(mm).map(|info| info.owner);
                (MarkKind::SkipSet, owner)
            }
            Event::ProcessExit { .. } => (MarkKind::Exit, Some(record.task)),
            Event::Ready {} => (MarkKind::Ready, Some(record.task)),
            _ => return,
        };
        self.mark(on, kind, record.at, number);
    }

    fn mark(&mut self, on: Option<TaskId>, kind: MarkKind, at: SimTime, number: usize) {
        if let Some(row) = on.and_then(|task| self.tasks.get_mut(task.index())) {
            row.mark(at, kind, number);
        }
    }

    fn finish(mut self, end: SimTime) -> Vec<Lane> {
        let mut lanes = Vec::new();
        for (task, of) in task_order(self.cast, self.reaper) {
            let (Some(row), Some(info)) =
                (self.tasks.get_mut(task.index()), self.cast.tasks.get(task))
            else {
                continue;
            };
            let subtitle = format!("pid {}", info.pid);
            let row = std::mem::take(row);
            let is_helper = info.kind == TaskKind::Kthread && Some(task) != self.reaper;
            if is_helper && !row.was_ever_other_than(LaneState::Sleeping) {
                continue;
            }
            lanes.push(row.into_lane(of, info.name.clone(), subtitle, end));
        }
        for ((id, info), row) in self.cast.devices.iter().zip(self.devices) {
            let subtitle = info.driver.clone();
            lanes.push(row.row.into_lane(LaneOf::Device(id), info.name.clone(), subtitle, end));
        }
        for ((id, info), row) in self.cast.locks.iter().zip(self.locks) {
            if row.is_worth_showing(&info.name, end) {
                let of = LaneOf::Lock(id);
                lanes.push(row.row.into_lane(of, info.name.clone(), "lock".to_owned(), end));
            }
        }
        lanes
    }
}

fn is_reaper(info: &TaskInfo) -> bool {
    info.kind == TaskKind::Kthread && info.comm == "oom_reaper"
}

/// Tasks that have a lane, in the order of their lanes.
fn task_order(cast: &Cast, reaper: Option<TaskId>) -> Vec<(TaskId, LaneOf)> {
    let of_kind = |kind| cast.tasks.iter().filter(move |(_, info)| info.kind == kind);
    let mut users: Vec<_> = of_kind(TaskKind::User).map(|(id, info)| (info.leader, id)).collect();
    users.sort_unstable();
    let kthreads = of_kind(TaskKind::Kthread).map(|(id, _)| id).filter(|id| Some(*id) != reaper);
    reaper
        .map(|id| (id, LaneOf::Reaper(id)))
        .into_iter()
        .chain(users.iter().map(|&(_, id)| id).chain(kthreads).map(|id| (id, LaneOf::Task(id))))
        .collect()
}

fn task_state(task: &TaskNow) -> Option<LaneState> {
    let wants_cpu = matches!(task.doing, Doing::Runnable | Doing::Running(_));
    Some(match (task.doing, task.doing.reason()) {
        (Doing::Unborn | Doing::Exited, _) => return None,
        (_, Some(reason)) if is_in_slow_path(reason) => LaneState::Reclaiming,
        (_, Some(Reason::BackOff | Reason::ReaperDelay | Reason::Sleep)) => LaneState::Sleeping,
        (_, Some(reason)) if !is_own_wish(reason) => LaneState::Blocked,
        (Doing::Blocked { .. }, None) => LaneState::Blocked,
        _ if wants_cpu && task.is_exiting => LaneState::Exiting,
        _ if wants_cpu && (task.stall.is_some() || task.is_memstalled) => LaneState::Reclaiming,
        _ if task.is_killed => LaneState::Killed,
        (Doing::Blocked { .. }, _) => LaneState::Sleeping,
        (Doing::Running(_), _) => LaneState::Running,
        (Doing::Runnable, _) => LaneState::Runnable,
    })
}

/// A pause between two tries of an allocation.
fn is_in_slow_path(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::OomLockJiffy
            | Reason::Reclaim
            | Reason::ReclaimThrottle
            | Reason::PfMemalloc
            | Reason::Compaction
            | Reason::MemcgHigh
            | Reason::AfterKill
    )
}

fn reaper_state(task: &TaskNow, reaper: ReaperNow) -> Option<LaneState> {
    Some(match (task.doing, task.doing.reason()) {
        (Doing::Unborn | Doing::Exited, _) => return None,
        (_, Some(Reason::BackOff | Reason::SkipSleep)) => LaneState::BackOff(reaper.attempt),
        (_, Some(reason)) if is_own_wish(reason) => LaneState::Sleeping,
        (Doing::Blocked { .. }, _) => LaneState::Blocked,
        _ if reaper.is_reaping => LaneState::Reaping(reaper.attempt),
        (Doing::Running(_), _) => LaneState::Running,
        (Doing::Runnable, _) => LaneState::Runnable,
    })
}
