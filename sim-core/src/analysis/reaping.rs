//! The reaper's attempts, one by one, with what refused in each.
//!
//! An attempt is what the reaper announces: a start with its finish, or
//! a skip. Policies that sleep in place of one leave none here; where attempts
//! are counted, that sleep is one.

use super::index::{Index, Step, lock_waited_for};
use super::replay::ReaperNow;
use super::words::{device_name, list_text, lock_name, task_name};
use crate::base::{DeviceId, LockId, NotifierId, RangeId, TaskId};
use crate::engine::Hold;
use crate::record::{Cast, Event, Reason, Record};

/// How an attempt ended.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub(super) enum Outcome {
    /// It had not ended when the run did.
    UnderWay,
    /// `mmap_lock` could not be taken, or SKIP was set.
    Skipped,
    /// Something was refused.
    Failed,
    /// Everything that may be reaped was.
    Reaped,
}

/// A callback that refused, or the core in its stead.
#[derive(Copy, Clone, Debug)]
pub(super) struct Refusal {
    pub(super) record: usize,
    pub(super) notifier: NotifierId,
    pub(super) range: RangeId,
    /// The core refused, in the driver's place.
    pub(super) by_core: bool,
}

/// One attempt on one victim.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    pub(super) victim: TaskId,
    /// From 1.
    pub(super) number: u8,
    pub(super) from: usize,
    pub(super) to: Option<usize>,
    pub(super) outcome: Outcome,
    pub(super) refusals: Vec<Refusal>,
    /// The sleep after it began at this record.
    pub(super) back_off: Option<usize>,
}

/// How somebody keeps `mmap_lock` from who only tries it.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub(super) enum Keeps {
    /// It holds it for writing.
    Holds,
    /// It stands in its line, and nobody overtakes it.
    Queued,
}

impl Index {
    /// Who kept the victim's `mmap_lock` from an attempt that was skipped.
    pub(super) fn kept_mmap_lock(&self, attempt: &Attempt) -> Option<(LockId, TaskId, Keeps)> {
        let mm = self.cast.tasks.get(attempt.victim)?.mm?;
        let lock = self.cast.mms.get(mm)?.mmap_lock;
        let seen = attempt.from;
        let holders = self.holders(lock, seen);
        let writer = holders.first().filter(|holder| holder.what.hold == Hold::Exclusive);
        if let Some(writer) = writer {
            return Some((lock, writer.what.task, Keeps::Holds));
        }
        let waits = |task: &TaskId| lock_waited_for(self.doing(*task, seen)) == Some(lock);
        let waiters = (0..self.tasks.len()).map(TaskId::from_index).filter(waits);
        let since = |task: &TaskId| self.step(*task, seen).map(|(step, _)| step.record);
        Some((lock, waiters.min_by_key(since)?, Keeps::Queued))
    }
}

/// What a refusal is due to.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub(super) enum Because {
    /// This task had a lock that the driver tried, or waited for in vain.
    Held(TaskId, LockId),
    /// This device had a job of this task to do.
    Job(DeviceId, TaskId),
    /// The hardware of this device happened to be in use.
    Busy(DeviceId),
    /// This device happened to fail.
    Failure(DeviceId),
}

impl Because {
    /// Who had the lock.
    pub(super) fn holder(self) -> Option<TaskId> {
        match self {
            Self::Held(task, _) => Some(task),
            Self::Job(..) | Self::Busy(_) | Self::Failure(_) => None,
        }
    }
}

/// `, while writer held lock of gpu0`; nothing where nothing is known.
pub(super) fn because_text(cast: &Cast, reasons: &[Because]) -> String {
    let text = |&because: &Because| match because {
        Because::Held(task, lock) => {
            format!("{} held {}", task_name(cast, task), lock_name(cast, lock))
        }
        Because::Job(device, task) => {
            format!("{} had a job of {} to do", device_name(cast, device), task_name(cast, task))
        }
        Because::Busy(device) => {
            let busy = 100 - cast.devices.get(device).map_or(0, |info| info.lucky.min(100));
            let name = device_name(cast, device);
            format!("{name}'s hardware was in use, as it is in {busy} of 100 calls")
        }
        Because::Failure(device) => {
            let fails = cast.devices.get(device).map_or(0, |info| info.fails);
            format!("{} failed, as it does in {fails} of 100 calls", device_name(cast, device))
        }
    };
    let texts: Vec<_> = reasons.iter().map(text).collect();
    if texts.is_empty() { String::new() } else { format!(", while {}", list_text(&texts)) }
}

impl Index {
    /// What a driver refused for, where that is a lock, a job or chance; a driver that refuses whatever
    /// overlaps needs none of them, and for whom the core refuses was not asked.
    pub(super) fn refused_because(&self, refusal: &Refusal) -> Vec<Because> {
        let device = self.cast.notifiers.get(refusal.notifier).map(|info| info.device);
        let info = device.and_then(|device| self.cast.devices.get(device));
        let Some(info) = info.filter(|_| !refusal.by_core) else { return Vec::new() };
        let in_vain = self.waited_in_vain(refusal).map(|lock| (lock, Hold::Exclusive));
        let held = info.tries.iter().copied().chain(in_vain).flat_map(|(lock, hold)| {
            let holders = self.holders(lock, refusal.record).into_iter().map(|holder| holder.what);
            // Those who read keep no reader out.
            let in_the_way = move |held: Hold| hold == Hold::Exclusive || held == Hold::Exclusive;
            let holders = holders.filter(move |holder| in_the_way(holder.hold));
            holders.map(move |holder| Because::Held(holder.task, lock))
        });
        let held = held.filter(|because| because.holder() != self.reaper);
        let jobs = info.refuses_for.iter().flat_map(|&ring| {
            let jobs = self.jobs.get(ring.index()).into_iter();
            let jobs = jobs.flat_map(|jobs| jobs.open_after(refusal.record));
            jobs.filter_map(move |job| Some(Because::Job(ring, *self.actors.get(job.from)?)))
        });
        // What is tried may be what was waited for in vain; a task may have several jobs.
        let mut found = Vec::new();
        for because in held.chain(jobs) {
            if !found.contains(&because) {
                found.push(because);
            }
        }
        // Where nothing else explains it, what it is known to do now and then.
        let chances = [(info.lucky, Because::Busy as fn(_) -> _), (info.fails, Because::Failure)];
        let mut chances = chances.into_iter().filter(|&(percent, _)| percent > 0);
        if found.is_empty()
            && let (Some(device), Some((_, because))) = (device, chances.next())
        {
            found.push(because(device));
        }
        found
    }

    /// The lock that a call waited for last before it refused (policy `deadline`).
    fn waited_in_vain(&self, refusal: &Refusal) -> Option<LockId> {
        let track = self.tasks.get(self.reaper?.index())?;
        let call = track.calls.items.iter().find(|call| call.to == refusal.record)?;
        let within = |step: &&Step| (call.from..call.to).contains(&step.record);
        let waits = track.steps.iter().rev().filter(within);
        let mut waits = waits.filter(|step| step.doing.reason().is_some());
        waits.next().and_then(|step| lock_waited_for(step.doing))
    }
}

/// Collects them.
pub(super) struct AttemptsBuilder {
    reaper: Option<TaskId>,
    attempts: Vec<Attempt>,
}

impl AttemptsBuilder {
    pub(super) fn new(reaper: Option<TaskId>) -> Self {
        Self { reaper, attempts: Vec::new() }
    }

    pub(super) fn feed(&mut self, number: usize, record: &Record, reaper: &ReaperNow) {
        let begin = |victim, outcome, to| Attempt {
            victim,
            number: reaper.attempt,
            from: number,
            to,
            outcome,
            refusals: Vec::new(),
            back_off: None,
        };
        let last = self.attempts.last_mut();
        match (record.event, last) {
            (Event::StartTaskReaping { victim }, _) => {
                self.attempts.push(begin(victim, Outcome::UnderWay, None));
            }
            (Event::SkipTaskReaping { victim }, _) => {
                self.attempts.push(begin(victim, Outcome::Skipped, Some(number)));
            }
            (Event::FinishTaskReaping { ok, .. }, Some(last))
                if last.outcome == Outcome::UnderWay =>
            {
                last.to = Some(number);
                last.outcome = if ok { Outcome::Reaped } else { Outcome::Failed };
            }
            (
                Event::MnReturn { notifier, range, refused: true }
                | Event::CoreRefused { notifier, range },
                Some(last),
            ) if last.outcome == Outcome::UnderWay && Some(record.task) == self.reaper => {
                let by_core = matches!(record.event, Event::CoreRefused { .. });
                last.refusals.push(Refusal { record: number, notifier, range, by_core });
            }
            (Event::Blocked { why, .. }, Some(last))
                if Reason::from_number(why) == Some(Reason::BackOff) && last.to.is_some() =>
            {
                last.back_off.get_or_insert(number);
            }
            _ => {}
        }
    }

    pub(super) fn finish(self) -> Vec<Attempt> {
        self.attempts
    }
}
