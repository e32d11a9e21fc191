//! The reaper's attempts, one by one, with what refused in each.
//!
//! An attempt is what the reaper announces: a start with its finish, or
//! a skip. Policies that sleep instead of trying leave none.

use super::index::{Index, lock_waited_for};
use super::replay::ReaperNow;
use crate::base::{LockId, NotifierId, RangeId, TaskId};
use crate::engine::Hold;
use crate::record::{Event, Reason, Record};

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
