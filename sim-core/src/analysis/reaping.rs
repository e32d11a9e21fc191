//! The reaper's attempts, one by one, with what refused in each.
//!
//! An attempt is what the reaper announces: a start with its finish, or
//! a skip. Policies that sleep instead of trying leave none.

use super::replay::ReaperNow;
use crate::base::{NotifierId, RangeId, TaskId};
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
