//! The critical path from a kill to recovery: for each instant, what the
//! one who is served last was waiting for, and whose doing that was.
//!
//! The run is over, so it is known who gave the page that ended a wait:
//! whoever freed memory last before it. At each instant the path is at
//! that one, and the instant is blamed on what it did then. Where the
//! giver was killed only later, the path is at whoever kept the killer
//! from choosing it: the reaper, or the delay before it; where the giver
//! asks for a page itself, at its own giver. Where nobody
//! gave anything it is at the reaper while a victim is pending, and else
//! at the waiter; so it is while whoever gave in the end has nothing to do yet.
//! While nobody waits but memory is still low, it is at
//! whoever brought it above the mark in the end. Whoever is killed only later waits like the others
//! until then, but comes after them.
//!
//! Where that one waits for a lock, or for a worker to signal a fence, the
//! path goes on to the holder or the worker and what that one does, as far
//! as it leads; the instant is blamed on both.
//!
//! The segments follow each other without a gap, so that the causes sum
//! to the whole exactly.

#[cfg(test)]
mod tests;
mod text;

use super::index::Index;
use super::intervals::{Interval, OPEN};
use super::metrics::recovery;
use super::reaping::{Attempt, Keeps, Outcome, Refusal};
use super::replay::{Doing, is_own_wish};
use super::victims::VictimFacts;
use crate::base::{DeviceId, LockId, Nanos, SimTime, TaskId, sort};
use crate::engine::WaitOn;
use crate::record::{Reason, TaskKind};
pub use text::{cause_text, segment_text};

/// What an instant of the critical path is blamed on.
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Debug)]
pub enum Cause {
    /// The reaper has not been told of the victim yet.
    ReaperDelay,
    /// The reaper sleeps between two attempts, since the last one met this.
    BackOff(Met),
    /// The reaper sleeps because a notifier, of this device if that is known, might block
    /// (policies `skip-*`).
    SkipSleep(Option<DeviceId>),
    /// Somebody is in a callback of this device, at work or waiting.
    Callback(DeviceId),
    /// The reaper, or the worker that it hands ranges to, unmaps and frees pages.
    Reaping,
    /// This victim is on its way out.
    Exit(TaskId),
    /// A wait for a lock that nobody holds any more.
    Lock(LockId),
    /// A wait for what another task has, and what that one does meanwhile.
    Behind(Obstacle, TaskId, Does),
    /// A wait for a CPU.
    Cpu,
    /// Rounds of reclaim and the pauses between them.
    Reclaim,
    /// The same, until who goes through them has this process killed.
    ReclaimBefore(TaskId),
    /// A wait for something else.
    Wait(Reason),
    /// Somebody runs its own program.
    Program,
    /// Nobody waits, but memory is still low.
    Idle,
}

/// What an attempt of the reaper failed for.
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Debug)]
pub enum Met {
    /// A refusal of this device, and of so many others.
    Refusal(DeviceId, u8),
    /// A refusal of the core because of this device.
    Core(DeviceId),
    /// `mmap_lock`, which this task held for writing.
    Held(LockId, TaskId),
    /// `mmap_lock`, in whose line this task stood.
    Queued(LockId, TaskId),
    /// Nothing that is on record.
    Unknown,
}

/// What another task has that is waited for.
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Debug)]
pub enum Obstacle {
    /// This lock.
    Lock(LockId),
    /// The signal of a fence of this device, whose job is done.
    Signal(DeviceId),
}

/// What a task does whom others wait for.
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Debug)]
pub enum Does {
    /// It runs.
    Runs,
    /// It wants a CPU.
    WantsCpu,
    /// It asks for a page.
    Allocates,
    /// It waits for something else.
    Waits(Reason),
    /// It waits for one who waits for it.
    WaitsInTurn,
}

/// A stretch of the critical path.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub struct Segment {
    /// First instant.
    pub from: SimTime,
    /// One past the last.
    pub to: SimTime,
    /// Where the path is.
    pub task: TaskId,
    /// What that task does.
    pub cause: Cause,
}

/// The critical path of an interval.
#[derive(Clone, Debug)]
pub struct Blame {
    /// From the first instant to the last, without a gap.
    pub segments: Vec<Segment>,
    /// By cause, the longest first; they sum to the interval.
    pub causes: Vec<(Cause, Nanos)>,
}

/// The critical path from the first kill to recovery, or to the end of the
/// run if it never came; `None` if nobody was killed.
pub fn recovery_blame(index: &Index) -> Option<Blame> {
    let killed = index.time(index.victims.first()?.killed);
    Some(blame(index, killed, recovery(index).unwrap_or(index.end)))
}

/// The critical path of any interval.
pub fn blame(index: &Index, from: SimTime, to: SimTime) -> Blame {
    let path = Path::new(index, to);
    let mut segments: Vec<Segment> = Vec::new();
    let mut push =
        |from: SimTime, to: SimTime, (task, cause): (TaskId, Cause)| match segments.last_mut() {
            _ if from >= to => {}
            Some(last) if (last.task, last.cause) == (task, cause) => last.to = to,
            _ => segments.push(Segment { from, to, task, cause }),
        };
    let (first, last) = (index.seen_at(from), index.seen_at(to));
    let mut place = path.place(first);
    let mut since = from;
    for record in first..last {
        if !path.could_move(record, &place) {
            continue;
        }
        let at = index.time(record);
        if at > since {
            push(since, at, (place.at, place.cause));
            since = at;
        }
        place = path.place(record + 1);
    }
    push(since, to, (place.at, place.cause));
    let mut causes: Vec<(Cause, Nanos)> = Vec::new();
    for segment in &segments {
        let lasted = segment.to.saturating_sub(segment.from);
        match causes.iter_mut().find(|(cause, _)| *cause == segment.cause) {
            Some((_, sum)) => *sum += lasted,
            None => causes.push((segment.cause, lasted)),
        }
    }
    sort::by_key(&mut causes, |&(cause, sum)| (std::cmp::Reverse(sum), cause));
    Blame { segments, causes }
}

/// Where the path is at one moment.
struct Place {
    /// Who is to be served; `None` while nobody waits.
    waiter: Option<TaskId>,
    at: TaskId,
    cause: Cause,
    /// Those whom the path went over to come there.
    over: Vec<TaskId>,
}

/// A stay in the slow path, as long as the task was not killed.
struct Stalled {
    task: TaskId,
    from: usize,
    to: usize,
    /// When it was over, whether its task was killed before or not.
    over: usize,
    is_survivor: bool,
}

struct Path<'i> {
    index: &'i Index,
    /// Records until which somebody is to give.
    last: usize,
    stalls: Vec<Stalled>,
    /// What failed, by attempt of the reaper.
    met: Vec<Met>,
    /// Records after which somebody else may be to blame, sorted.
    turns: Vec<usize>,
    /// The machine was never short, only cgroups were: while nobody waits nothing is lacking.
    is_only_cgroups: bool,
}

/// Why an attempt failed.
fn met(index: &Index, attempt: &Attempt) -> Met {
    if attempt.outcome == Outcome::Skipped {
        return match index.kept_mmap_lock(attempt) {
            Some((lock, task, Keeps::Holds)) => Met::Held(lock, task),
            Some((lock, task, Keeps::Queued)) => Met::Queued(lock, task),
            None => Met::Unknown,
        };
    }
    let device = |refusal: &Refusal| Some(index.cast.notifiers.get(refusal.notifier)?.device);
    let mut devices: Vec<DeviceId> = attempt.refusals.iter().filter_map(device).collect();
    let Some(&first) = devices.first() else { return Met::Unknown };
    if attempt.refusals.iter().all(|refusal| refusal.by_core) {
        return Met::Core(first);
    }
    sort::natural(&mut devices);
    devices.dedup();
    Met::Refusal(first, u8::try_from(devices.len() - 1).unwrap_or(u8::MAX))
}

impl<'i> Path<'i> {
    fn new(index: &'i Index, to: SimTime) -> Self {
        let users = index.cast.tasks.iter().filter(|(_, info)| info.kind == TaskKind::User);
        let tracks = users.filter_map(|(task, _)| Some((task, index.tasks.get(task.index())?)));
        let stalls: Vec<_> = tracks
            .flat_map(|(task, track)| {
                let until = track.killed.unwrap_or(OPEN);
                let is_survivor = track.killed.is_none();
                track.stalls.items.iter().filter(move |stall| stall.from < until).map(
                    move |&Interval { from, to, .. }| Stalled {
                        task,
                        from,
                        to: to.min(until),
                        over: to,
                        is_survivor,
                    },
                )
            })
            .collect();
        let mut turns: Vec<_> = stalls.iter().flat_map(|stall| [stall.from, stall.to]).collect();
        for victim in &index.victims {
            turns.extend([Some(victim.killed), victim.woken, victim.done].into_iter().flatten());
        }
        sort::natural(&mut turns);
        let is_only_cgroups = index.victims.iter().all(|victim| victim.scope.is_some());
        let met = index.attempts.iter().map(|attempt| met(index, attempt)).collect();
        Self { index, last: index.seen_at(to), stalls, met, turns, is_only_cgroups }
    }

    /// Whether a record could have moved the path from where it was.
    fn could_move(&self, record: usize, place: &Place) -> bool {
        let actor = self.index.actors.get(record);
        actor == Some(&place.at)
            || actor == place.waiter.as_ref()
            || actor.is_some_and(|actor| place.over.contains(actor))
            || self.turns.binary_search(&record).is_ok()
    }

    fn place(&self, seen: usize) -> Place {
        let index = self.index;
        let open = self.stalls.iter().filter(|stall| stall.from < seen && stall.to >= seen);
        let stall =
            open.max_by_key(|stall| (stall.is_survivor, stall.to, std::cmp::Reverse(stall.task)));
        let waiter = stall.map(|stall| stall.task);
        let until = stall.map_or(self.last, |stall| stall.to);
        let (asked, giver) = self.first_giver(waiter, seen, until);
        let reaper = index.reaper.filter(|_| self.is_held_up(waiter, seen));
        let at = match giver {
            // It gives only because it is killed, and that must wait for the one before.
            Some(giver) if index.is_killed(giver, index.times.len()) => {
                if index.is_killed(giver, seen) { Some(giver) } else { reaper.or(waiter) }
            }
            // It gives only because of what is still to come: a kill, or work that it is handed.
            Some(giver) if self.has_no_work(giver, seen) => reaper.or(waiter),
            Some(giver) => Some(giver),
            None => reaper.or(waiter),
        };
        let at = at.or(index.reaper).unwrap_or(TaskId(0));
        if waiter.is_none() && self.is_only_cgroups {
            return Place { waiter, at, cause: Cause::Idle, over: vec![at] };
        }
        let stand = |at| {
            let mut place = self.stand(at, stall, seen);
            place.over.extend(asked.iter().chain(&giver));
            place
        };
        let place = stand(at);
        let Some(waiter) = waiter.filter(|_| place.cause == Cause::Idle) else {
            return place;
        };
        // A reaper that handed off its victim gives nothing until it is told of another: time
        // passes for the one who waits.
        let mut place = stand(waiter);
        place.over.push(at);
        place
    }

    /// The place of who is asked to give, or of whoever that one waits for.
    fn stand(&self, at: TaskId, stall: Option<&Stalled>, seen: usize) -> Place {
        let waiter = stall.map(|stall| stall.task);
        let (over, behind) = self.follow(at, seen);
        if let Some((obstacle, by, does)) = behind {
            return Place { waiter, at: by, cause: Cause::Behind(obstacle, by, does), over };
        }
        let cause = match (self.cause(at, seen), stall) {
            (Cause::Reclaim, Some(stall)) if stall.task == at => self.reclaim(stall, seen),
            (cause, _) => cause,
        };
        Place { waiter, at, cause, over }
    }

    /// From a task along whoever has what it waits for: those on the way, what the first
    /// of them waits for, and who is the last and what that one does.
    fn follow(&self, from: TaskId, seen: usize) -> (Vec<TaskId>, Option<(Obstacle, TaskId, Does)>) {
        let (mut over, mut at, mut first) = (vec![from], from, None);
        while let Some((obstacle, through, next)) = self.waits_behind(at, seen) {
            let first = *first.get_or_insert(obstacle);
            over.extend(through);
            if over.contains(&next) {
                return (over, Some((first, next, Does::WaitsInTurn)));
            }
            over.push(next);
            at = next;
        }
        let behind = first.map(|first| (first, at, self.does(at, seen)));
        (over, behind)
    }

    /// For what of whose a task waits, and the device in between.
    fn waits_behind(
        &self,
        task: TaskId,
        seen: usize,
    ) -> Option<(Obstacle, Option<TaskId>, TaskId)> {
        let index = self.index;
        let doing = index.doing(task, seen);
        if let Doing::Blocked { on: WaitOn::Lock(lock), .. } = doing {
            let holder = index.holders(lock, seen).first()?.what.task;
            return Some((Obstacle::Lock(lock), None, holder));
        }
        if doing.reason() != Some(Reason::Fence) {
            return None;
        }
        let device = index.device_waited_for(task, seen)?;
        let info = index.cast.devices.get(device)?;
        let process = info.task?;
        let is_done = index.doing(process, seen).reason() == Some(Reason::FenceWorker);
        Some((Obstacle::Signal(device), Some(process), info.worker.filter(|_| is_done)?))
    }

    fn does(&self, task: TaskId, seen: usize) -> Does {
        let doing = self.index.doing(task, seen);
        match doing.reason() {
            _ if super::graph::is_allocating(self.index, task, seen) => Does::Allocates,
            Some(reason) => Does::Waits(reason),
            None if doing == Doing::Runnable => Does::WantsCpu,
            None => Does::Runs,
        }
    }

    /// Who gives in the end: a giver that itself asks for a page has its own giver first; and
    /// who is asked on the way.
    fn first_giver(
        &self,
        waiter: Option<TaskId>,
        seen: usize,
        until: usize,
    ) -> (Vec<TaskId>, Option<TaskId>) {
        let mut asked: Vec<TaskId> = waiter.into_iter().collect();
        let mut giver = self.giver(seen, until);
        while let Some(task) = giver.filter(|task| !asked.contains(task)) {
            let is_own = |stall: &&Stalled| {
                stall.is_survivor && stall.task == task && stall.from < seen && stall.to >= seen
            };
            let Some(&Stalled { to, .. }) = self.stalls.iter().find(is_own) else { break };
            // Nobody: it has been given its page, and is about to take it.
            let Some(next) = self.giver(seen, to) else { break };
            asked.push(task);
            giver = Some(next);
        }
        (asked, giver)
    }

    /// Who freed memory last before a wait ended.
    fn giver(&self, seen: usize, until: usize) -> Option<TaskId> {
        if until == OPEN {
            return None;
        }
        let rises = &self.index.rises;
        let count = rises.partition_point(|&(record, _)| record < until);
        let &(record, task) = rises.get(count.checked_sub(1)?)?;
        (record >= seen).then_some(task)
    }

    /// Who has not begun, such as a worker that nothing was handed to yet; the reaper, while it
    /// has nobody to reap.
    fn has_no_work(&self, task: TaskId, seen: usize) -> bool {
        let index = self.index;
        let doing = index.doing(task, seen);
        let is_idle = index.reaper == Some(task) && doing.reason() == Some(Reason::ReaperIdle);
        doing == Doing::Unborn || is_idle && index.pending_victim(seen).is_none()
    }

    /// Whether a pending victim keeps a waiter from having another one chosen. Who is killed
    /// itself later shows by that whether its own cgroup is short; no other cgroup's victim counts.
    fn is_held_up(&self, waiter: Option<TaskId>, seen: usize) -> bool {
        let index = self.index;
        let leader = waiter.and_then(|task| index.cast.tasks.get(task)).map(|info| info.leader);
        let own = index.victims.iter().find(|victim| Some(victim.leader) == leader);
        let is_of = |victim: &VictimFacts| own.is_none_or(|own| own.scope == victim.scope);
        index.victims.iter().any(|victim| victim.is_pending(seen) && is_of(victim))
    }

    /// What rounds of reclaim lead to, if that is a kill.
    fn reclaim(&self, stall: &Stalled, seen: usize) -> Cause {
        let mut victims = self.index.victims.iter();
        let is_next = |victim: &&VictimFacts| {
            (seen..=stall.over).contains(&victim.killed)
                && self.index.actors.get(victim.killed) == Some(&stall.task)
        };
        victims.find(is_next).map_or(Cause::Reclaim, |victim| Cause::ReclaimBefore(victim.leader))
    }

    /// What the reaper met in its last attempt.
    fn met(&self, seen: usize) -> Met {
        let count = self.index.attempts.partition_point(|attempt| attempt.from < seen);
        let last = count.checked_sub(1).and_then(|last| self.met.get(last));
        last.copied().unwrap_or(Met::Unknown)
    }

    fn cause(&self, task: TaskId, seen: usize) -> Cause {
        let index = self.index;
        let doing = index.doing(task, seen);
        let call = index.call(task, seen).and_then(|call| index.device_called(&call.what));
        let reason = doing.reason();
        let is_reaper = index.reaper == Some(task) || index.cast.hand_off_workers.contains(&task);
        match (doing, reason) {
            (Doing::Unborn, _) => Cause::Idle,
            (_, Some(Reason::BackOff)) => Cause::BackOff(self.met(seen)),
            (_, Some(Reason::SkipSleep)) => {
                let because = index.backed_off(seen).map(|(_, notifier)| notifier);
                let because = because.and_then(|notifier| index.cast.notifiers.get(notifier));
                Cause::SkipSleep(because.map(|notifier| notifier.device))
            }
            (_, Some(Reason::ReaperIdle)) => {
                let mut victims = index.victims.iter();
                let is_delayed = victims.any(|victim| victim.is_delayed(seen));
                if is_delayed { Cause::ReaperDelay } else { Cause::Idle }
            }
            (Doing::Runnable, _) => Cause::Cpu,
            _ if call.is_some() => call.map_or(Cause::Program, Cause::Callback),
            (Doing::Blocked { on: WaitOn::Lock(lock), .. }, _) => Cause::Lock(lock),
            _ if super::graph::is_allocating(index, task, seen) => Cause::Reclaim,
            (Doing::Blocked { .. }, Some(reason)) if !is_own_wish(reason) => Cause::Wait(reason),
            _ if is_reaper => Cause::Reaping,
            _ if index.is_killed(task, seen) => {
                Cause::Exit(index.cast.tasks.get(task).map_or(task, |info| info.leader))
            }
            _ if index.kswapd == Some(task) => Cause::Reclaim,
            _ => Cause::Program,
        }
    }
}
