//! The critical path from a kill to recovery: for each instant, what the
//! one who is served last was waiting for, and whose doing that was.
//!
//! The run is over, so it is known who gave the page that ended a wait:
//! whoever freed memory last before it. At each instant the path is at
//! that one, and the instant is blamed on what it did then. Where the
//! giver was killed only later, the path is at whoever kept the killer
//! from choosing it: the reaper, or the delay before it. Where nobody
//! gave anything it is at the reaper while a victim is pending, and else
//! at the waiter. While nobody waits but memory is still low, it is at
//! whoever brought it above the mark in the end.
//!
//! The segments follow each other without a gap, so that the causes sum
//! to the whole exactly.

use super::index::Index;
use super::intervals::OPEN;
use super::metrics::recovery;
use super::replay::{Doing, is_own_wish};
use super::words::{device_name, lock_name, task_name};
use crate::base::{DeviceId, LockId, Nanos, SimTime, TaskId, sort};
use crate::engine::WaitOn;
use crate::record::{Reason, TaskKind};

/// What an instant of the critical path is blamed on.
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Debug)]
pub enum Cause {
    /// The reaper has not been told of the victim yet.
    ReaperDelay,
    /// The reaper sleeps between two attempts.
    BackOff,
    /// The reaper sleeps because of a notifier (policies `skip-*`).
    SkipSleep,
    /// Somebody is in a callback of this device, at work or waiting.
    Callback(DeviceId),
    /// The reaper unmaps and frees pages.
    Reaping,
    /// A victim is on its way out.
    Exit,
    /// A wait for a lock.
    Lock(LockId),
    /// A wait for a CPU.
    Cpu,
    /// Rounds of reclaim and the pauses between them.
    Reclaim,
    /// A wait for something else.
    Wait(Reason),
    /// Somebody runs its own program.
    Program,
    /// Nobody waits, but memory is still low.
    Idle,
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

/// The cause in words, to complete "went to …".
pub fn cause_text(index: &Index, cause: Cause) -> String {
    match cause {
        Cause::ReaperDelay => "the delay before the reaper is told".to_owned(),
        Cause::BackOff => "the reaper's back-offs".to_owned(),
        Cause::SkipSleep => "the reaper's sleep because of a notifier".to_owned(),
        Cause::Callback(device) => format!("callbacks of {}", device_name(&index.cast, device)),
        Cause::Reaping => "reaping".to_owned(),
        Cause::Exit => "the exit of a victim".to_owned(),
        Cause::Lock(lock) => format!("a wait for {}", lock_name(&index.cast, lock)),
        Cause::Cpu => "a wait for a CPU".to_owned(),
        Cause::Reclaim => "rounds of reclaim".to_owned(),
        Cause::Wait(reason) => format!("a wait for {}", reason.text()),
        Cause::Program => "programs at work".to_owned(),
        Cause::Idle => "a time when nobody waited".to_owned(),
    }
}

/// A segment in words: where, and what.
pub fn segment_text(index: &Index, segment: &Segment) -> String {
    format!("{}: {}", task_name(&index.cast, segment.task), cause_text(index, segment.cause))
}

/// Where the path is at one moment.
struct Place {
    /// Who is to be served; `None` while nobody waits.
    waiter: Option<TaskId>,
    at: TaskId,
    cause: Cause,
}

struct Path<'i> {
    index: &'i Index,
    /// Records until which somebody is to give.
    last: usize,
    /// Survivors' stalls: who, from, to.
    stalls: Vec<(TaskId, usize, usize)>,
    /// Records after which somebody else may be to blame, sorted.
    turns: Vec<usize>,
}

impl<'i> Path<'i> {
    fn new(index: &'i Index, to: SimTime) -> Self {
        let end = index.times.len();
        let is_survivor = |task: TaskId| {
            let info = index.cast.tasks.get(task);
            info.is_some_and(|info| info.kind == TaskKind::User) && !index.is_killed(task, end)
        };
        let tracks = index.tasks.iter().enumerate();
        let tracks = tracks.map(|(number, track)| (TaskId::from_index(number), track));
        let survivors = tracks.filter(|(task, _)| is_survivor(*task));
        let stalls: Vec<_> = survivors
            .flat_map(|(task, track)| {
                track.stalls.items.iter().map(move |stall| (task, stall.from, stall.to))
            })
            .collect();
        let mut turns: Vec<_> = stalls.iter().flat_map(|&(_, from, to)| [from, to]).collect();
        for victim in &index.victims {
            turns.extend([Some(victim.killed), victim.woken, victim.done].into_iter().flatten());
        }
        sort::natural(&mut turns);
        Self { index, last: index.seen_at(to), stalls, turns }
    }

    /// Whether a record could have moved the path from where it was.
    fn could_move(&self, record: usize, place: &Place) -> bool {
        let actor = self.index.actors.get(record);
        actor == Some(&place.at)
            || actor == place.waiter.as_ref()
            || self.turns.binary_search(&record).is_ok()
    }

    fn place(&self, seen: usize) -> Place {
        let index = self.index;
        let open = self.stalls.iter().filter(|&&(_, from, to)| from < seen && to >= seen);
        let stall = open.max_by_key(|&&(task, _, to)| (to, std::cmp::Reverse(task)));
        let waiter = stall.map(|stall| stall.0);
        let until = stall.map_or(self.last, |stall| stall.2);
        let giver = self.giver(seen, until);
        let pending = index.pending_victim(seen);
        let reaper = index.reaper.filter(|_| pending.is_some());
        let at = match giver {
            // It gives only because it is killed, and that must wait for the one before.
            Some(giver) if index.is_killed(giver, index.times.len()) => {
                if index.is_killed(giver, seen) { Some(giver) } else { reaper.or(waiter) }
            }
            Some(giver) => Some(giver),
            None => reaper.or(waiter),
        };
        let at = at.or(index.reaper).unwrap_or(TaskId(0));
        Place { waiter, at, cause: self.cause(at, seen) }
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

    fn cause(&self, task: TaskId, seen: usize) -> Cause {
        let index = self.index;
        let doing = index.doing(task, seen);
        let call = index.call(task, seen).and_then(|call| index.device_called(&call.what));
        let reason = doing.reason();
        let is_reaper = index.reaper == Some(task);
        match (doing, reason) {
            (_, Some(Reason::BackOff)) => Cause::BackOff,
            (_, Some(Reason::SkipSleep)) => Cause::SkipSleep,
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
            _ if index.is_killed(task, seen) => Cause::Exit,
            _ if index.kswapd == Some(task) => Cause::Reclaim,
            _ => Cause::Program,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::analysis::lanes::tests::any_run;
    use crate::analysis::story::*;
    use crate::engine::Stop;
    use crate::record::{Event, Gfp, SkipBy};

    fn total(blame: &Blame) -> Nanos {
        blame.causes.iter().map(|&(_, sum)| sum).sum()
    }

    #[test]
    fn refused_reaper_and_a_second_victim_share_the_blame() {
        let mut story = Story::new();
        story.at(1).faults(HOG, HEAP, 900).free(40);
        story.at(10).reclaims(OTHER, Gfp::HIGHUSER_MOVABLE);
        story.at(20).kills(OTHER, HOG).wakes(HOG_2).sleeps(HOG_2, Reason::Stuck);
        story.at(60).add(GPU_TASK, Event::WakeReaper { victim: HOG });
        story.wakes(REAPER).attempt_is_refused();
        story.at(160).wakes(REAPER).add(REAPER, Event::StartTaskReaping { victim: HOG });
        story.calls(REAPER, BUFFERS, true);
        story.at(190).returns(REAPER, BUFFERS, false);
        story.add(REAPER, Event::Zap { range: HEAP, pages: 900, freed: 900 });
        let zone = crate::base::ZoneId(0);
        story.at(200).add(REAPER, Event::ZoneFree { zone, free: 940 });
        let mm = HOG_MM;
        story.add(REAPER, Event::OomSkipSet { mm, by: SkipBy::Reaper });
        story.sleeps(REAPER, Reason::ReaperIdle);
        story.at(205).faults(OTHER, OTHER_HEAP, 1).sleeps(OTHER, Reason::Forever);
        let run = story.ends(300, Stop::Idle);
        let index = Index::new(&run);
        let blame = recovery_blame(&index).expect("a kill");
        let told: Vec<_> = blame
            .causes
            .iter()
            .map(|&(cause, sum)| (cause_text(&index, cause), sum.0 / 1_000_000))
            .collect();
        let expected = [
            ("the reaper's back-offs", 100),
            ("the delay before the reaper is told", 40),
            ("callbacks of gpu0", 30),
            ("reaping", 10),
            ("rounds of reclaim", 5),
        ];
        assert_eq!(told, expected.map(|(text, ms)| (text.to_owned(), ms)));
        assert_eq!(total(&blame), Nanos::from_ms(185));
    }

    #[test]
    fn where_nobody_gives_the_reaper_is_to_blame() {
        let mut story = Story::new();
        story.at(10).reclaims(OTHER, Gfp::KERNEL).takes(OTHER, GPU_LOCK).kills(OTHER, HOG);
        story.at(10).add(GPU_TASK, Event::WakeReaper { victim: HOG }).wakes(REAPER);
        story.blocks(REAPER, WaitOn::Lock(GPU_LOCK), Reason::DriverLock);
        let run = story.ends(110, Stop::Horizon);
        let blame = recovery_blame(&Index::new(&run)).expect("a kill");
        assert_eq!(blame.causes, [(Cause::Lock(GPU_LOCK), Nanos::from_ms(100))]);
    }

    proptest! {
        #[test]
        fn causes_sum_to_the_whole(run in any_run(), a in 0u64..100, b in 0u64..100) {
            let index = Index::new(&run);
            let part = |percent: u64| SimTime(run.end.0 / 100 * percent);
            let (from, to) = (part(a.min(b)), part(a.max(b)));
            let blame = blame(&index, from, to);
            prop_assert_eq!(total(&blame), to.saturating_sub(from));
            let mut at = from;
            for segment in &blame.segments {
                prop_assert_eq!(segment.from, at);
                prop_assert!(segment.to > segment.from);
                at = segment.to;
            }
            prop_assert_eq!(at, to);
        }
    }
}
