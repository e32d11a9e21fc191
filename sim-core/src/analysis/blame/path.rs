//! The path itself: at one moment, who is asked to give a page to the one who is served last, along
//! whom that leads, and what is to blame there. Leaves out the sums.

use super::super::graph;
use super::super::index::Index;
use super::super::intervals::{Interval, OPEN};
use super::super::reaping::{Attempt, Keeps, Outcome, Refusal};
use super::super::replay::{Doing, is_own_wish};
use super::super::victims::VictimFacts;
use super::{Cause, Does, Met, Obstacle};
use crate::base::{DeviceId, SimTime, TaskId, sort};
use crate::engine::WaitOn;
use crate::record::{Reason, TaskKind};

/// Where the path is at one moment.
pub(super) struct Place {
    /// Who is to be served; `None` while nobody waits.
    waiter: Option<TaskId>,
    pub(super) at: TaskId,
    pub(super) cause: Cause,
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

pub(super) struct Path<'i> {
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
    pub(super) fn new(index: &'i Index, to: SimTime) -> Self {
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
    pub(super) fn could_move(&self, record: usize, place: &Place) -> bool {
        let actor = self.index.actors.get(record);
        actor == Some(&place.at)
            || actor == place.waiter.as_ref()
            || actor.is_some_and(|actor| place.over.contains(actor))
            || self.turns.binary_search(&record).is_ok()
    }

    pub(super) fn place(&self, seen: usize) -> Place {
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
            _ if graph::is_allocating(self.index, task, seen) => Does::Allocates,
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

    /// Who has not begun, such as a worker that nothing was handed to yet; a device or its worker
    /// without work; the reaper, while it has nobody to reap.
    fn has_no_work(&self, task: TaskId, seen: usize) -> bool {
        let index = self.index;
        let doing = index.doing(task, seen);
        let is_idle = index.reaper == Some(task) && doing.reason() == Some(Reason::ReaperIdle);
        doing == Doing::Unborn
            || doing.reason() == Some(Reason::DeviceIdle)
            || is_idle && index.pending_victim(seen).is_none()
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
            _ if graph::is_allocating(index, task, seen) => Cause::Reclaim,
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
