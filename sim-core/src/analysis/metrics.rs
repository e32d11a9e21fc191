//! Numbers of a run.
//!
//! A stall is a request's stay in the slow path: from its first direct
//! reclaim, or its first failed trylock of `oom_lock`, until it has its
//! page, gives up or dies; one that had not ended when the run did lasts
//! until then. Percentiles are of nearest rank.
//!
//! Recovery is an instant, and it says nothing of what comes then; how long
//! somebody waited at most stands beside it.

use super::hung::hung_tasks;
use super::index::{Index, TaskTrack};
use super::intervals::OPEN;
use super::types::{LongestWait, Metrics, Stalls};
use crate::base::{Nanos, SimTime, TaskId, sort};
use crate::record::{Reason, TaskKind};

/// The metrics of a run.
pub fn metrics(index: &Index) -> Metrics {
    let calls = || index.tasks.iter().flat_map(|track| &track.calls.items);
    let blocked = || calls().map(|call| call.what.blocked.0);
    Metrics {
        reap_attempts: count(index.attempts.len() + index.backed_off.len()),
        backoffs: backoffs(index),
        refusals: index.counts.refusals,
        gave_up: index.counts.gave_up,
        reaped_pages: index.counts.reaped_pages,
        callbacks: count(index.tasks.iter().map(TaskTrack::callbacks).sum()),
        callback_blocked_ns: blocked().fold(0, u64::saturating_add),
        callback_blocked_max_ns: blocked().max().unwrap_or(0),
        oom_to_recovery_ns: recovery(index).and_then(|at| {
            let first = index.victims.first()?;
            Some(at.saturating_sub(index.time(first.killed)).0)
        }),
        alloc_stall: stalls(index),
        psi_some_ns: index.psi.some_ns,
        psi_full_ns: index.psi.full_ns,
        stale_accesses: count(index.stale.len()),
        lockdep_reports: index.lock_reports.lockdep_count,
        non_block_reports: index.lock_reports.non_block_count,
        hung_tasks: hung_tasks(index),
        events: index.events,
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

fn backoffs(index: &Index) -> u64 {
    let reaper = index.reaper.and_then(|reaper| index.tasks.get(reaper.index()));
    let steps = reaper.map_or(&[][..], |track| &track.steps);
    let is_sleep = |reason| matches!(reason, Some(Reason::BackOff | Reason::SkipSleep));
    let sleeps = steps.iter().filter(|step| is_sleep(step.doing.reason()));
    count(sleeps.count())
}

fn stalls(index: &Index) -> Stalls {
    let all = index.tasks.iter().flat_map(|track| &track.stalls.items);
    let mut times: Vec<u64> =
        all.map(|stall| index.time(stall.to).saturating_sub(index.time(stall.from)).0).collect();
    sort::natural(&mut times);
    let rank = |percent: usize| {
        let rank = (times.len() * percent).div_ceil(100);
        times.get(rank.saturating_sub(1)).copied()
    };
    Stalls { count: count(times.len()), p50: rank(50), p99: rank(99), max: times.last().copied() }
}

/// Who waited longest for a page, if anybody took the slow path.
pub(super) fn longest_wait(index: &Index) -> Option<LongestWait> {
    let waits = index.tasks.iter().enumerate().flat_map(|(number, track)| {
        let task = TaskId::from_index(number);
        // Who lowers a cgroup's limit reclaims, but wants no page.
        let info = index.cast.tasks.get(task);
        let is_timer = info.is_some_and(|info| info.kind == TaskKind::Timer);
        let stalls = track.stalls.items.iter().filter(move |_| !is_timer);
        stalls.map(move |stall| {
            let from = index.time(stall.from);
            let lasted = index.time(stall.to).saturating_sub(from);
            LongestWait { task, from, lasted, is_open: stall.to == OPEN }
        })
    });
    waits.max_by_key(|wait| (wait.lasted, std::cmp::Reverse(wait.task)))
}

/// The first instant from the last kill on at which free memory is above
/// the high watermark, no survivor is in the slow path, and none comes to it
/// again while a victim keeps the killer from choosing: an instant in
/// between, when what was free so far was enough, is no recovery.
pub(super) fn recovery(index: &Index) -> Option<SimTime> {
    let last_kill = index.time(index.victims.last()?.killed);
    let (stalls, settled) = stalls_of_survivors(index, last_kill);
    // Who waits at the end was not served, whatever was free in between.
    if settled > index.end || stalls.last().is_some_and(|&(_, to)| to > index.end) {
        return None;
    }
    let nexts = index.memory.free.iter().skip(1).map(|&(at, _)| at);
    let ends = nexts.chain([index.end.saturating_add(Nanos(1))]);
    let mut stalls = stalls.iter().peekable();
    for (&(start, free), end) in index.memory.free.iter().zip(ends) {
        if free <= index.memory.high || end <= settled {
            continue;
        }
        let mut at = start.max(settled);
        while let Some(&&(from, to)) = stalls.peek() {
            if to <= at {
                stalls.next();
            } else if from <= at {
                at = to;
                stalls.next();
            } else {
                break;
            }
        }
        if at < end {
            return Some(at);
        }
    }
    None
}

/// A shorter stall is everyday reclaim: a few jiffies.
const WORTH_TELLING: Nanos = Nanos::from_ms(20);

/// The longest stall of a survivor that began after recovery, if it took [`WORTH_TELLING`]:
/// who, from when, how long.
pub(super) fn later_wait(index: &Index) -> Option<(TaskId, SimTime, Nanos)> {
    let recovered = recovery(index)?;
    let seen = index.times.len();
    let users = index.tasks.iter().enumerate().map(|(at, track)| (TaskId::from_index(at), track));
    let users = users.filter(|&(task, _)| {
        let info = index.cast.tasks.get(task);
        info.is_some_and(|info| info.kind == TaskKind::User) && !index.is_killed(task, seen)
    });
    let stalls = users.flat_map(|(task, track)| {
        track.stalls.items.iter().map(move |stall| {
            let from = index.time(stall.from);
            (task, from, index.time(stall.to).saturating_sub(from))
        })
    });
    stalls
        .filter(|&(_, from, lasted)| from >= recovered && lasted >= WORTH_TELLING)
        .max_by_key(|&(task, _, lasted)| (lasted, std::cmp::Reverse(task)))
}

/// Stalls that lasted beyond `after`, of tasks never killed, joined where
/// they overlap; and when the last of them ended that began while a victim was
/// pending, `after` if there is none.
fn stalls_of_survivors(index: &Index, after: SimTime) -> (Vec<(SimTime, SimTime)>, SimTime) {
    let seen = index.times.len();
    let is_survivor = |task: TaskId| {
        let info = index.cast.tasks.get(task);
        info.is_some_and(|info| info.kind == TaskKind::User) && !index.is_killed(task, seen)
    };
    let never = index.end.saturating_add(Nanos(1));
    let mut settled = after;
    let mut stalls: Vec<(SimTime, SimTime)> = Vec::new();
    for (number, track) in index.tasks.iter().enumerate() {
        if !is_survivor(TaskId::from_index(number)) {
            continue;
        }
        for stall in &track.stalls.items {
            let to = index.times.get(stall.to).copied().unwrap_or(never);
            if to > after {
                stalls.push((index.time(stall.from), to));
            }
            if to > settled && index.pending_victim(stall.from).is_some() {
                settled = to;
            }
        }
    }
    sort::natural(&mut stalls);
    let mut joined: Vec<(SimTime, SimTime)> = Vec::new();
    for (from, to) in stalls {
        match joined.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => joined.push((from, to)),
        }
    }
    (joined, settled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::story::*;
    use crate::engine::Stop;
    use crate::record::{Event, Gfp, SkipBy};

    /// `other` is served 1 ms after it had `hog` killed, and waits again from 30 to 90 ms;
    /// the reaper is done with `hog` at `skipped` ms.
    fn served_for_a_moment(skipped: u64) -> Option<u64> {
        let mut story = Story::new();
        story.at(1).faults(HOG, HEAP, 900).free(40);
        story.at(10).reclaims(OTHER, Gfp::KERNEL).kills(OTHER, HOG);
        story.at(11).free(500).faults(OTHER, OTHER_HEAP, 1);
        let skip = Event::OomSkipSet { mm: HOG_MM, by: SkipBy::Reaper };
        if skipped < 30 {
            story.at(skipped).add(REAPER, skip);
        }
        story.at(30).reclaims(OTHER, Gfp::KERNEL);
        story.at(90).faults(OTHER, OTHER_HEAP, 1).sleeps(OTHER, Reason::Forever);
        if skipped > 90 {
            story.at(skipped).add(REAPER, skip);
        }
        let run = story.ends(200, Stop::Idle);
        let index = Index::new(&run);
        let (task, from) = (OTHER, SimTime(30_000_000));
        let longest = LongestWait { task, from, lasted: Nanos::from_ms(60), is_open: false };
        assert_eq!(longest_wait(&index), Some(longest));
        metrics(&index).oom_to_recovery_ns
    }

    #[test]
    fn a_moment_before_the_next_wait_for_the_victim_is_no_recovery() {
        assert_eq!(served_for_a_moment(100), Some(80_000_000));
        // What comes after the victim was done with is a matter of its own.
        assert_eq!(served_for_a_moment(20), Some(1_000_000));
    }
}
