//! What a run's records say, sorted so that any instant can be asked
//! about: built in one pass, answered by binary search.
//!
//! The index owns what it needs (times, states, names), so it outlives
//! the trace. It draws no conclusions; it only says what was so.

mod build;

use build::Builder;

use super::graph::Moment;
use super::intervals::{Interval, Intervals};
use super::psi::Psi;
use super::reaping::Attempt;
use super::replay::Doing;
use super::types::Memory;
use super::victims::VictimFacts;
use crate::base::{DeviceId, FenceId, LockId, MmId, Nanos, NotifierId, RangeId, SimTime, TaskId};
pub(super) use crate::check::wait_for::needs::lock_waited_for;
use crate::check::wait_for::needs::{self, dumps_with};
use crate::engine::{Hold, Stop};
use crate::record::{Broken, Cast, DeviceInfo, Gfp, LockReports, PanicText, Run, WaitFor};

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
    /// How many of `calls` are the second pass of one before.
    pub(super) finishes: usize,
    /// The record that killed it.
    pub(super) killed: Option<usize>,
}

impl TaskTrack {
    /// Notifier calls, the two passes of one counted once.
    pub(super) fn callbacks(&self) -> usize {
        self.calls.items.len() - self.finishes
    }
}

/// Somebody holds a lock.
#[derive(Copy, Clone, Debug)]
pub(super) struct Holding {
    pub(super) task: TaskId,
    pub(super) hold: Hold,
}

/// A device used pages that had been freed.
#[derive(Copy, Clone, Debug)]
pub(super) struct Stale {
    pub(super) record: usize,
    pub(super) task: TaskId,
    pub(super) device: DeviceId,
    pub(super) range: RangeId,
    pub(super) pages: u32,
}

/// Things that are only counted.
#[derive(Copy, Clone, Default, Debug)]
pub(super) struct Counts {
    pub(super) refusals: u64,
    pub(super) gave_up: u64,
    pub(super) reaped_pages: u64,
    pub(super) slept_nonblocking: u64,
    /// Requests that found the reserves empty, or emptied them.
    pub(super) reserves_exhausted: u64,
}

/// A run, prepared for questions.
pub struct Index {
    pub(super) cast: Cast,
    pub(super) end: SimTime,
    pub(super) stop: Stop,
    /// Invariants that did not hold, as was to be expected.
    pub(super) waived: Vec<Broken>,
    /// What the checkers found.
    pub(super) lock_reports: LockReports,
    pub(super) events: u64,
    pub(super) times: Vec<SimTime>,
    /// By record: who it is about.
    pub(super) actors: Vec<TaskId>,
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
    pub(super) kswapd: Option<TaskId>,
    pub(super) oom_lock: Option<LockId>,
    /// Records at which free pages rose, and by whom.
    pub(super) rises: Vec<(usize, TaskId)>,
    /// Forks: record, parent, child.
    pub(super) forks: Vec<(usize, TaskId, TaskId)>,
    /// Records at which somebody began to write a core.
    pub(super) dumpers: Vec<(usize, TaskId)>,
    /// Where a device used pages that had been freed.
    pub(super) stale: Vec<Stale>,
    /// Last record after which something had been achieved: a page given
    /// or freed, a lock other than `oom_lock` released.
    pub(super) progress: Option<usize>,
    pub(super) panic: Option<(usize, PanicText)>,
    pub(super) counts: Counts,
    /// Notifiers one of whose starts got no end, and where.
    pub(super) lost_ends: Vec<(usize, NotifierId)>,
    /// Where the reaper left a whole mm alone, and because of which notifier.
    pub(super) backed_off: Vec<(usize, MmId, NotifierId)>,
    /// Where the reaper gave up, and on whom.
    pub(super) give_ups: Vec<(usize, TaskId)>,
    /// Sets that could no longer go on, and what the reaper depended on.
    pub(super) wait_for: WaitFor,
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

    /// When the run ended.
    pub fn end(&self) -> SimTime {
        self.end
    }

    /// When the record of an index was made; the end of the run for none.
    pub fn time_of(&self, record: usize) -> SimTime {
        self.time(record)
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
        self.step(task, seen).map_or(Doing::Unborn, |(step, _)| step.doing)
    }

    /// The slow path `task` is in.
    pub(super) fn stall(&self, task: TaskId, seen: usize) -> Option<&Interval<Gfp>> {
        self.tasks.get(task.index())?.stalls.open_after(seen).next_back()
    }

    /// The innermost notifier call `task` is in.
    pub(super) fn call(&self, task: TaskId, seen: usize) -> Option<&Interval<Call>> {
        self.tasks.get(task.index())?.calls.open_after(seen).next_back()
    }

    /// Whose callbacks `task` is in, the innermost last.
    pub(super) fn calls(&self, task: TaskId, seen: usize) -> Vec<NotifierId> {
        let track = self.tasks.get(task.index());
        let calls = track.into_iter().flat_map(|track| track.calls.open_after(seen));
        calls.map(|call| call.what.notifier).collect()
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
        devices.find(|(_, device)| device.task == Some(task)).map(|(id, _)| id)
    }

    /// The device whose fences `task` signals: its own process, or its worker.
    pub(super) fn device_signaled_by(&self, task: TaskId) -> Option<DeviceId> {
        let mut devices = self.cast.devices.iter();
        let signals = |device: &DeviceInfo| [device.task, device.worker].contains(&Some(task));
        devices.find(|(_, device)| signals(device)).map(|(id, _)| id)
    }

    /// The device whose callback a call runs.
    pub(super) fn device_called(&self, call: &Call) -> Option<DeviceId> {
        Some(self.cast.notifiers.get(call.notifier)?.device)
    }

    /// The device whose fences or worker `task` waits for.
    pub(super) fn device_waited_for(&self, task: TaskId, seen: usize) -> Option<DeviceId> {
        needs::device_waited_for(&Moment::new(self, seen), task)
    }

    /// Pages present in an address space at an instant.
    pub(super) fn present(&self, mm: MmId, at: SimTime) -> u64 {
        let Some((_, points)) = self.memory.present.iter().find(|(of, _)| *of == mm) else {
            return 0;
        };
        let count = points.partition_point(|&(time, _)| time <= at);
        count.checked_sub(1).and_then(|last| points.get(last)).map_or(0, |&(_, pages)| pages)
    }

    /// The mm that the reaper left alone last, and because of which notifier.
    pub(super) fn backed_off(&self, seen: usize) -> Option<(MmId, NotifierId)> {
        let count = self.backed_off.partition_point(|&(record, ..)| record < seen);
        let &(_, mm, notifier) = self.backed_off.get(count.checked_sub(1)?)?;
        Some((mm, notifier))
    }

    /// The attempt under way or last made.
    pub(super) fn attempt(&self, seen: usize) -> Option<&Attempt> {
        let count = self.attempts.partition_point(|attempt| attempt.from < seen);
        self.attempts.get(count.checked_sub(1)?)
    }

    /// The victim that the killer waits for, the last one if there are several.
    pub(super) fn pending_victim(&self, seen: usize) -> Option<&VictimFacts> {
        self.victims.iter().rev().find(|victim| victim.is_pending(seen))
    }

    /// The last process that `task` forked.
    pub(super) fn child_of(&self, task: TaskId, seen: usize) -> Option<TaskId> {
        let count = self.forks.partition_point(|&(record, ..)| record < seen);
        let mut forks = self.forks.get(..count)?.iter().rev();
        forks.find(|&&(_, parent, _)| parent == task).map(|&(.., child)| child)
    }

    /// Who writes, or wrote, the core of the process that `task` is of.
    pub(super) fn dumper(&self, task: TaskId, seen: usize) -> Option<TaskId> {
        let count = self.dumpers.partition_point(|&(record, _)| record < seen);
        let mut dumpers = self.dumpers.get(..count)?.iter().rev();
        let is_it = |&&(_, dumper): &&(usize, TaskId)| dumps_with(&self.cast, dumper, task);
        dumpers.find(is_it).map(|&(_, dumper)| dumper)
    }

    /// When something had last been achieved; see `progress`.
    pub(super) fn last_progress(&self) -> SimTime {
        self.progress.map_or(SimTime::ZERO, |record| self.time(record))
    }

    /// The record since which `task` waits: for a page, or else as it does now.
    pub(super) fn waits_since(&self, task: TaskId, seen: usize) -> Option<usize> {
        let stall = self.stall(task, seen).map(|stall| stall.from);
        stall.or_else(|| Some(self.step(task, seen)?.0.record))
    }

    /// Whether `task` had been sent SIGKILL when so many records were made.
    pub fn is_killed(&self, task: TaskId, seen: usize) -> bool {
        self.tasks
            .get(task.index())
            .and_then(|track| track.killed)
            .is_some_and(|record| record < seen)
    }
}
