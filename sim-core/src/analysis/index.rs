//! What a run's records say, sorted so that any instant can be asked
//! about: built in one pass, answered by binary search.
//!
//! The index owns what it needs (times, states, names), so it outlives
//! the trace. It draws no conclusions; it only says what was so.

use super::intervals::{Interval, Intervals};
use super::memory::MemoryBuilder;
use super::psi::{Psi, PsiBuilder};
use super::reaping::{Attempt, AttemptsBuilder};
use super::replay::{Doing, Now, TaskNow};
use super::types::Memory;
use super::victims::{VictimFacts, VictimsBuilder};
use crate::base::{DeviceId, FenceId, LockId, MmId, Nanos, NotifierId, RangeId, SimTime, TaskId};
use crate::engine::{Hold, Stop, WaitOn};
use crate::record::{Cast, Event, Gfp, ItreeOp, Record, Run, TaskKind};

/// A change of what a task does.
#[derive(Copy, Clone, Debug)]
pub(super) struct Step {
    pub(super) record: usize,
    pub(super) doing: Doing,
}

/// A call of a notifier.
#[derive(Copy, Clone, Debug)]
pub(super) struct Call {
    pub(super) notifier: NotifierId,
    pub(super) range: RangeId,
    pub(super) can_block: bool,
    /// Time its caller was parked in it.
    pub(super) blocked: Nanos,
}

/// A task's whole history.
#[derive(Default)]
pub(super) struct TaskTrack {
    pub(super) steps: Vec<Step>,
    /// Allocations that took the slow path.
    pub(super) stalls: Intervals<Gfp>,
    pub(super) calls: Intervals<Call>,
    /// The record that killed it.
    pub(super) killed: Option<usize>,
}

/// Somebody holds a lock.
#[derive(Copy, Clone, Debug)]
pub(super) struct Holding {
    pub(super) task: TaskId,
    pub(super) hold: Hold,
}

/// Things that are only counted.
#[derive(Copy, Clone, Default, Debug)]
pub(super) struct Counts {
    pub(super) refusals: u64,
    pub(super) gave_up: u64,
    pub(super) reaped_pages: u64,
}

/// A run, prepared for questions.
pub struct Index {
    pub(super) cast: Cast,
    pub(super) end: SimTime,
    pub(super) stop: Stop,
    pub(super) events: u64,
    pub(super) times: Vec<SimTime>,
    pub(super) tasks: Vec<TaskTrack>,
    pub(super) locks: Vec<Intervals<Holding>>,
    /// By device.
    pub(super) jobs: Vec<Intervals<FenceId>>,
    /// Invalidations that hold back the interval tree, by mm.
    pub(super) invalidations: Vec<Intervals<TaskId>>,
    pub(super) attempts: Vec<Attempt>,
    pub(super) victims: Vec<VictimFacts>,
    pub(super) memory: Memory,
    pub(super) psi: Psi,
    pub(super) reaper: Option<TaskId>,
    /// Last record after which something had been achieved: a page given
    /// or freed, a lock other than `oom_lock` released.
    pub(super) progress: Option<usize>,
    pub(super) panic: Option<usize>,
    pub(super) counts: Counts,
    /// Where the reaper gave up, and on whom.
    pub(super) give_ups: Vec<(usize, TaskId)>,
}

impl Index {
    /// Reads the whole run.
    pub fn new(run: &Run) -> Self {
        let mut builder = Builder::new(run);
        for (number, record) in run.trace.iter().enumerate() {
            builder.feed(number, &record);
        }
        builder.finish(run.end)
    }

    /// Calls that never returned: their wait lasts until the end.
    fn end_parked_calls(&mut self) {
        for track in &mut self.tasks {
            let Some(step) = track.steps.last() else {
                continue;
            };
            let since = self.times.get(step.record).copied().unwrap_or(self.end);
            if let (Doing::Blocked { .. }, Some(call)) = (step.doing, track.calls.youngest_open()) {
                call.blocked += self.end.saturating_sub(since);
            }
        }
    }

    /// Who the records speak of.
    pub fn cast(&self) -> &Cast {
        &self.cast
    }

    /// Memory over time.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// The OOM reaper, if the run has one.
    pub fn reaper(&self) -> Option<TaskId> {
        self.reaper
    }

    /// Number of records at or before `at`.
    pub fn seen_at(&self, at: SimTime) -> usize {
        self.times.partition_point(|&time| time <= at)
    }

    /// When a record was made; the end of the run for none.
    pub(super) fn time(&self, record: usize) -> SimTime {
        self.times.get(record).copied().unwrap_or(self.end)
    }

    /// What `task` does after the first `seen` records, since which
    /// record, and the record that ends it.
    pub(super) fn step(&self, task: TaskId, seen: usize) -> Option<(Step, Option<usize>)> {
        let steps = &self.tasks.get(task.index())?.steps;
        let count = steps.partition_point(|step| step.record < seen);
        let step = *steps.get(count.checked_sub(1)?)?;
        Some((step, steps.get(count).map(|next| next.record)))
    }

    /// What `task` does after the first `seen` records.
    pub(super) fn doing(&self, task: TaskId, seen: usize) -> Doing {
        self.step(task, seen)
            .map_or(Doing::Unborn, |(step, _)| step.doing)
    }

    /// The slow path `task` is in.
    pub(super) fn stall(&self, task: TaskId, seen: usize) -> Option<&Interval<Gfp>> {
        self.tasks
            .get(task.index())?
            .stalls
            .open_after(seen)
            .next_back()
    }

    /// The innermost notifier call `task` is in.
    pub(super) fn call(&self, task: TaskId, seen: usize) -> Option<&Interval<Call>> {
        self.tasks
            .get(task.index())?
            .calls
            .open_after(seen)
            .next_back()
    }

    /// Who holds a lock, the eldest first.
    pub(super) fn holders(&self, lock: LockId, seen: usize) -> Vec<Interval<Holding>> {
        match self.locks.get(lock.index()) {
            Some(holds) => holds.open_after(seen).cloned().collect(),
            None => Vec::new(),
        }
    }

    /// The device that `task` works for.
    pub(super) fn device_of(&self, task: TaskId) -> Option<DeviceId> {
        let mut devices = self.cast.devices.iter();
        devices
            .find(|(_, device)| device.task == Some(task))
            .map(|(id, _)| id)
    }

    /// The device whose callback a call runs.
    pub(super) fn device_called(&self, call: &Call) -> Option<DeviceId> {
        Some(self.cast.notifiers.get(call.notifier)?.device)
    }

    /// Pages present in an address space at an instant.
    pub(super) fn present(&self, mm: MmId, at: SimTime) -> u64 {
        let Some((_, points)) = self.memory.present.iter().find(|(of, _)| *of == mm) else {
            return 0;
        };
        let count = points.partition_point(|&(time, _)| time <= at);
        count
            .checked_sub(1)
            .and_then(|last| points.get(last))
            .map_or(0, |&(_, pages)| pages)
    }

    /// When something had last been achieved; see `progress`.
    pub(super) fn last_progress(&self) -> SimTime {
        self.progress
            .map_or(SimTime::ZERO, |record| self.time(record))
    }

    /// The record since which `task` waits: for a page, or else as it does now.
    pub(super) fn waits_since(&self, task: TaskId, seen: usize) -> Option<usize> {
        let stall = self.stall(task, seen).map(|stall| stall.from);
        stall.or_else(|| Some(self.step(task, seen)?.0.record))
    }

    /// Whether `task` has been sent SIGKILL.
    pub(super) fn is_killed(&self, task: TaskId, seen: usize) -> bool {
        self.tasks
            .get(task.index())
            .and_then(|track| track.killed)
            .is_some_and(|record| record < seen)
    }
}

/// The pass.
struct Builder<'r> {
    cast: &'r Cast,
    now: Now,
    memory: MemoryBuilder<'r>,
    psi: PsiBuilder,
    victims: VictimsBuilder<'r>,
    attempts: AttemptsBuilder,
    oom_lock: Option<LockId>,
    index: Index,
}

fn table<T: Default>(count: usize) -> Vec<T> {
    (0..count).map(|_| T::default()).collect()
}

impl<'r> Builder<'r> {
    fn new(run: &'r Run) -> Self {
        let cast = &run.cast;
        let reaper = cast
            .tasks
            .iter()
            .find(|(_, info)| info.kind == TaskKind::Kthread && info.comm == "oom_reaper")
            .map(|(id, _)| id);
        let oom_lock = cast.locks.iter().find(|(_, info)| info.name == "oom_lock");
        Self {
            cast,
            now: Now::new(cast),
            memory: MemoryBuilder::new(cast),
            psi: PsiBuilder::new(cast),
            victims: VictimsBuilder::new(cast),
            attempts: AttemptsBuilder::new(reaper),
            oom_lock: oom_lock.map(|(id, _)| id),
            index: Index {
                cast: cast.clone(),
                end: run.end,
                stop: run.stop,
                events: run.events,
                times: Vec::with_capacity(run.trace.len()),
                tasks: table(cast.tasks.len()),
                locks: table(cast.locks.len()),
                jobs: table(cast.devices.len()),
                invalidations: table(cast.mms.len()),
                attempts: Vec::new(),
                victims: Vec::new(),
                memory: Memory::default(),
                psi: Psi::default(),
                reaper,
                progress: None,
                panic: None,
                counts: Counts::default(),
                give_ups: Vec::new(),
            },
        }
    }

    fn feed(&mut self, number: usize, record: &Record) {
        self.index.times.push(record.at);
        let before = self.now.task(record.task).cloned();
        self.now.apply(record);
        self.psi.feed(record, before.as_ref(), &self.now);
        let rise = self.memory.feed(record);
        self.victims.feed(number, record, self.memory.present());
        self.attempts.feed(number, record, &self.now.reaper);
        if rise || self.is_progress(&record.event) {
            self.index.progress = Some(number);
        }
        if let Some(before) = before {
            self.track_task(number, record, &before);
        }
        self.track_objects(number, record);
        self.count(number, record);
    }

    fn count(&mut self, number: usize, record: &Record) {
        let counts = &mut self.index.counts;
        match record.event {
            Event::MnReturn { refused: true, .. } => counts.refusals += 1,
            Event::UnableToReap { victim } => {
                counts.gave_up += 1;
                self.index.give_ups.push((number, victim));
            }
            Event::Zap { pages, .. } if Some(record.task) == self.index.reaper => {
                counts.reaped_pages += u64::from(pages);
            }
            _ => {}
        }
    }

    fn is_progress(&self, event: &Event) -> bool {
        match *event {
            Event::Fault { pages, .. } | Event::Zap { pages, .. } => pages > 0,
            Event::Released { lock } => Some(lock) != self.oom_lock,
            _ => false,
        }
    }

    fn track_task(&mut self, number: usize, record: &Record, before: &TaskNow) {
        let (Some(after), Some(track)) = (
            self.now.task(record.task),
            self.index.tasks.get_mut(record.task.index()),
        ) else {
            return;
        };
        if after.doing != before.doing {
            if let (Doing::Blocked { .. }, Some(parked)) = (before.doing, track.steps.last())
                && let Some(call) = track.calls.youngest_open()
            {
                let since = self.index.times.get(parked.record).copied();
                call.blocked += record.at.saturating_sub(since.unwrap_or(record.at));
            }
            let doing = after.doing;
            track.steps.push(Step {
                record: number,
                doing,
            });
        }
        match (before.stall, after.stall) {
            (None, Some(gfp)) => track.stalls.open(number, gfp),
            (Some(_), None) => track.stalls.close(number, |_| true),
            (Some(old), Some(new)) if old != new => {
                if let Some(gfp) = track.stalls.youngest_open() {
                    *gfp = new;
                }
            }
            _ => {}
        }
        match record.event {
            Event::MnCall {
                notifier,
                range,
                blockable,
                ..
            } => track.calls.open(
                number,
                Call {
                    notifier,
                    range,
                    can_block: blockable,
                    blocked: Nanos::ZERO,
                },
            ),
            Event::MnReturn {
                notifier, range, ..
            } => track.calls.close(number, |call| {
                call.notifier == notifier && call.range == range
            }),
            _ => {}
        }
    }

    fn track_objects(&mut self, number: usize, record: &Record) {
        let task = record.task;
        match record.event {
            Event::Acquired { lock, hold } => {
                if let Some(holds) = self.index.locks.get_mut(lock.index()) {
                    holds.open(number, Holding { task, hold });
                }
            }
            Event::Released { lock } => {
                if let Some(holds) = self.index.locks.get_mut(lock.index()) {
                    holds.close(number, |holding| holding.task == task);
                }
            }
            Event::JobSubmitted { device, fence } => {
                if let Some(jobs) = self.index.jobs.get_mut(device.index()) {
                    jobs.open(number, fence);
                }
            }
            Event::FenceSignaled { fence } => {
                // Every device numbers its fences for itself.
                let device = self.index.device_of(task);
                if let Some(jobs) = device.and_then(|id| self.index.jobs.get_mut(id.index())) {
                    jobs.close(number, |job| *job == fence);
                }
            }
            Event::MnItree { mm, op, .. } => {
                if let Some(running) = self.index.invalidations.get_mut(mm.index()) {
                    match op {
                        ItreeOp::Start => running.open(number, task),
                        ItreeOp::End => running.close(number, |by| *by == task),
                        _ => {}
                    }
                }
            }
            Event::SignalGenerate { target } => self.killed(number, target),
            Event::MarkVictim { victim, .. } => {
                let leader = self.cast.tasks.get(victim).map(|info| info.leader);
                self.killed(number, leader.unwrap_or(victim));
            }
            Event::Panic {} => self.index.panic = self.index.panic.or(Some(number)),
            _ => {}
        }
    }

    fn killed(&mut self, number: usize, leader: TaskId) {
        for (task, info) in self.cast.tasks.iter() {
            if info.leader == leader
                && let Some(track) = self.index.tasks.get_mut(task.index())
            {
                track.killed = track.killed.or(Some(number));
            }
        }
    }

    fn finish(mut self, end: SimTime) -> Index {
        self.index.memory = self.memory.finish();
        self.index.psi = self.psi.finish(end);
        self.index.memory.pressure = std::mem::take(&mut self.index.psi.points);
        self.index.victims = self.victims.finish();
        self.index.attempts = self.attempts.finish();
        self.index.end_parked_calls();
        self.index
    }
}

/// The lock that a parked task waits for.
pub(super) fn lock_waited_for(doing: Doing) -> Option<LockId> {
    match doing {
        Doing::Blocked {
            on: WaitOn::Lock(lock),
            ..
        } => Some(lock),
        _ => None,
    }
}
