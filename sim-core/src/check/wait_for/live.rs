//! The wait-for graph's state, kept record by record while a run goes on.
//!
//! It knows the present only: a record changes one task, a lock's holders, the
//! callers of a notifier, the invalidations of an mm, the victims or the
//! reaper's attempt, and each in constant time.

use super::needs::dumps_with;
use super::replay::{Doing, Now, TaskNow};
use super::scene::{Known, Scene};
use crate::base::{LockId, MmId, NotifierId, RangeId, TaskId, ZoneId};
use crate::check::slot;
use crate::record::{Cast, Event, Gfp, ItreeOp, Record};

/// A victim, as far as waiting goes.
#[derive(Copy, Clone, Debug)]
struct Victim {
    leader: TaskId,
    mm: Option<MmId>,
    is_done: bool,
}

/// What a record changed that matters to sets already closed.
#[derive(Copy, Clone, Default, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts about one record")]
pub(super) struct Changes {
    /// The task of the record does something else than before.
    pub(super) doing: bool,
    /// It entered, or left, the slow path of an allocation.
    pub(super) stall_begun: bool,
    /// See `stall_begun`.
    pub(super) stall_ended: bool,
    /// Another process was killed.
    pub(super) killed: bool,
    /// The killer need not wait for a victim any more.
    pub(super) done: bool,
    /// A start of an invalidation was left without an end.
    pub(super) lost_end: bool,
}

/// The present.
#[derive(Default)]
pub(super) struct Live {
    pub(super) known: Known,
    /// By task: since which record it does what it does, and is in the slow path.
    since: Vec<(usize, Option<usize>)>,
    calls: Vec<Vec<(NotifierId, RangeId)>>,
    holders: Vec<Vec<TaskId>>,
    invalidators: Vec<Vec<TaskId>>,
    victims: Vec<Victim>,
    /// By leader: `signal->oom_mm`.
    oom_mms: Vec<(TaskId, MmId)>,
    attempt: Option<(TaskId, bool)>,
    lost_ends: Vec<NotifierId>,
    /// By zone: free pages.
    free: Vec<u32>,
    /// Parent and child.
    forks: Vec<(TaskId, TaskId)>,
    /// Who wrote a core.
    dumpers: Vec<TaskId>,
}

/// Forgets the youngest of these.
fn forget<T: PartialEq>(list: &mut Vec<T>, what: &T) {
    if let Some(at) = list.iter().rposition(|one| one == what) {
        list.remove(at);
    }
}

impl Live {
    pub(super) fn new(known: Known) -> Self {
        Self { known, ..Self::default() }
    }

    /// Whether free pages of a zone have risen.
    pub(super) fn has_risen(&mut self, zone: ZoneId, free: u32) -> bool {
        let before = std::mem::replace(slot(&mut self.free, zone.index()), free);
        free > before
    }

    /// Lets a record happen; `before` is what its task did, `now` what it does.
    pub(super) fn apply(
        &mut self,
        number: usize,
        record: &Record,
        (before, now): (Option<&TaskNow>, &Now),
        cast: &Cast,
    ) -> Changes {
        let mut changes = Changes::default();
        if let (Some(before), Some(after)) = (before, now.task(record.task)) {
            let (doing, stall) = slot(&mut self.since, record.task.index());
            if before.doing != after.doing {
                *doing = number;
                changes.doing = true;
            }
            match (before.stall, after.stall) {
                (None, Some(_)) => {
                    *stall = Some(number);
                    changes.stall_begun = true;
                }
                (Some(_), None) => {
                    *stall = None;
                    changes.stall_ended = true;
                }
                _ => {}
            }
        }
        self.apply_to_objects(record, &mut changes, cast);
        changes
    }

    fn apply_to_objects(&mut self, record: &Record, changes: &mut Changes, cast: &Cast) {
        // A trace is data: what the cast does not know is nobody's.
        let is_known = match record.event {
            Event::Acquired { lock, .. } | Event::Released { lock } => {
                cast.locks.get(lock).is_some()
            }
            Event::MnItree { mm, .. } => cast.mms.get(mm).is_some(),
            _ => cast.tasks.get(record.task).is_some(),
        };
        if !is_known {
            return;
        }
        let task = record.task;
        match record.event {
            Event::Acquired { lock, .. } => slot(&mut self.holders, lock.index()).push(task),
            Event::Released { lock } => forget(slot(&mut self.holders, lock.index()), &task),
            Event::MnCall { notifier, range, .. } | Event::MnFinishCall { notifier, range } => {
                slot(&mut self.calls, task.index()).push((notifier, range));
            }
            Event::MnReturn { notifier, range, .. } | Event::MnFinishReturn { notifier, range } => {
                forget(slot(&mut self.calls, task.index()), &(notifier, range));
            }
            Event::MnItree { mm, op: ItreeOp::Start, .. } => {
                slot(&mut self.invalidators, mm.index()).push(task);
            }
            Event::MnItree { mm, op: ItreeOp::End, .. } => {
                forget(slot(&mut self.invalidators, mm.index()), &task);
            }
            Event::MnLostEnd { notifier, .. } => {
                self.lost_ends.push(notifier);
                changes.lost_end = true;
            }
            Event::Forked { child, .. } => self.forks.push((task, child)),
            Event::CoreDump {} => self.dumpers.push(task),
            Event::StartTaskReaping { victim } => self.attempt = Some((victim, true)),
            Event::SkipTaskReaping { victim } => self.attempt = Some((victim, false)),
            Event::FinishTaskReaping { .. } => {
                self.attempt = self.attempt.map(|(victim, _)| (victim, false));
            }
            _ => self.apply_to_victims(record, changes, cast),
        }
    }

    fn apply_to_victims(&mut self, record: &Record, changes: &mut Changes, cast: &Cast) {
        match record.event {
            Event::OomMmSet { leader, mm } => self.oom_mms.push((leader, mm)),
            Event::MarkVictim { victim, .. } => changes.killed = self.mark(victim, cast),
            Event::Reaped { victim, .. } => {
                let leader = leader_of(cast, victim);
                changes.done = self.finish(|one| one.leader == leader);
            }
            Event::ExitMmapDone { mm } | Event::OomSkipSet { mm, .. } => {
                changes.done = self.finish(|one| one.mm == Some(mm));
            }
            _ => {}
        }
    }

    /// Marks a process, if it is not yet.
    fn mark(&mut self, task: TaskId, cast: &Cast) -> bool {
        let leader = leader_of(cast, task);
        if self.victims.iter().any(|victim| victim.leader == leader) {
            return false;
        }
        let mm_of = |task| cast.tasks.get(task)?.mm;
        let oom_mm = self.oom_mms.iter().rev().find(|(of, _)| *of == leader).map(|&(_, mm)| mm);
        let mm = oom_mm.or(mm_of(task)).or(mm_of(leader));
        self.victims.push(Victim { leader, mm, is_done: false });
        true
    }

    fn finish(&mut self, is_it: impl Fn(&Victim) -> bool) -> bool {
        let mut some = false;
        for victim in self.victims.iter_mut().filter(|victim| !victim.is_done && is_it(victim)) {
            victim.is_done = true;
            some = true;
        }
        some
    }
}

fn leader_of(cast: &Cast, task: TaskId) -> TaskId {
    cast.tasks.get(task).map_or(task, |info| info.leader)
}

/// The present with what every task does, and who they are.
#[derive(Copy, Clone)]
pub(super) struct Present<'l> {
    pub(super) live: &'l Live,
    pub(super) now: &'l Now,
    pub(super) cast: &'l Cast,
}

impl Scene for Present<'_> {
    fn cast(&self) -> &Cast {
        self.cast
    }

    fn doing(&self, task: TaskId) -> Doing {
        self.now.task(task).map_or(Doing::Unborn, |task| task.doing)
    }

    fn stall(&self, task: TaskId) -> Option<Gfp> {
        self.now.task(task)?.stall
    }

    fn waits_since(&self, task: TaskId) -> Option<usize> {
        let &(doing, stall) = self.live.since.get(task.index())?;
        Some(stall.unwrap_or(doing))
    }

    fn call(&self, task: TaskId) -> Option<NotifierId> {
        self.live.calls.get(task.index())?.last().map(|call| call.0)
    }

    fn holders(&self, lock: LockId) -> Vec<TaskId> {
        self.live.holders.get(lock.index()).cloned().unwrap_or_default()
    }

    fn invalidators(&self, mm: MmId) -> Vec<TaskId> {
        self.live.invalidators.get(mm.index()).cloned().unwrap_or_default()
    }

    fn pending_victim(&self) -> Option<TaskId> {
        let mut victims = self.live.victims.iter().rev();
        victims.find(|victim| !victim.is_done).map(|victim| victim.leader)
    }

    fn is_pending(&self, leader: TaskId) -> bool {
        self.live.victims.iter().any(|victim| victim.leader == leader && !victim.is_done)
    }

    fn attempt(&self) -> Option<(TaskId, bool)> {
        self.live.attempt
    }

    fn has_lost_end(&self, mm: MmId) -> bool {
        let of_mm = |&notifier: &NotifierId| {
            self.cast.notifiers.get(notifier).is_some_and(|info| info.mm == mm)
        };
        self.live.lost_ends.iter().any(of_mm)
    }

    fn child_of(&self, task: TaskId) -> Option<TaskId> {
        let mut forks = self.live.forks.iter().rev();
        forks.find(|&&(parent, _)| parent == task).map(|&(_, child)| child)
    }

    fn dumper(&self, task: TaskId) -> Option<TaskId> {
        let mut dumpers = self.live.dumpers.iter().rev();
        dumpers.find(|&&dumper| dumps_with(self.cast, dumper, task)).copied()
    }

    fn reaper(&self) -> Option<TaskId> {
        self.live.known.reaper
    }

    fn kswapd(&self) -> Option<TaskId> {
        self.live.known.kswapd
    }

    fn oom_lock(&self) -> Option<LockId> {
        self.live.known.oom_lock
    }
}
