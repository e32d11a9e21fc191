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

mod path;
#[cfg(test)]
mod tests;
mod text;

use self::path::Path;
use super::index::Index;
use super::metrics::recovery;
use crate::base::{DeviceId, LockId, Nanos, SimTime, TaskId, sort};
use crate::record::Reason;
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
