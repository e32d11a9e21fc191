//! Causes of the critical path in words.

use super::{Cause, Does, Met, Obstacle, Segment};
use crate::analysis::index::Index;
use crate::analysis::words::{count_text, device_name, lock_name, process_name, task_name};
use crate::base::TaskId;
use crate::record::Reason;

/// The cause in words, to complete "went to …".
pub fn cause_text(index: &Index, cause: Cause) -> String {
    let cast = &index.cast;
    match cause {
        Cause::ReaperDelay => "the delay before the reaper is told".to_owned(),
        Cause::BackOff(met) => format!("the reaper's back-offs{}", met_text(index, met)),
        Cause::SkipSleep(None) => "the reaper's sleep because of a notifier".to_owned(),
        Cause::SkipSleep(Some(device)) => {
            format!("the reaper's sleep because {} might block", device_name(cast, device))
        }
        Cause::Callback(device) => format!("callbacks of {}", device_name(cast, device)),
        Cause::Reaping => "reaping".to_owned(),
        Cause::Exit(victim) => format!("the exit of {}", process_name(cast, victim)),
        Cause::Lock(lock) => format!("a wait for {}", lock_name(cast, lock)),
        Cause::Behind(obstacle, by, does) => behind_text(index, obstacle, by, does),
        Cause::Cpu => "a wait for a CPU".to_owned(),
        Cause::Reclaim => "rounds of reclaim".to_owned(),
        Cause::ReclaimBefore(victim) => {
            format!("rounds of reclaim before {} was killed", process_name(cast, victim))
        }
        Cause::Wait(reason @ (Reason::Stuck | Reason::Sleep | Reason::CallbackSleep)) => {
            reason.text().to_owned()
        }
        Cause::Wait(reason) => format!("a wait for {}", reason.text()),
        Cause::Program => "programs at work".to_owned(),
        Cause::Idle => "a time when nobody waited".to_owned(),
    }
}

/// Why the reaper had to back off, in brackets.
fn met_text(index: &Index, met: Met) -> String {
    let cast = &index.cast;
    let why = match met {
        Met::Refusal(by, 0) => format!("{} refused", device_name(cast, by)),
        Met::Refusal(by, others) => {
            let others = count_text(u64::from(others), "other");
            format!("{} and {others} refused", device_name(cast, by))
        }
        Met::Core(device) => format!("the core refused for {}", device_name(cast, device)),
        Met::Held(lock, task) => {
            format!("{} held {}", task_name(cast, task), lock_name(cast, lock))
        }
        Met::Queued(lock, task) => {
            format!("{} was queued for {}", task_name(cast, task), lock_name(cast, lock))
        }
        Met::Unknown => return String::new(),
    };
    format!(" ({why})")
}

fn behind_text(index: &Index, obstacle: Obstacle, by: TaskId, does: Does) -> String {
    let cast = &index.cast;
    let what = match obstacle {
        Obstacle::Lock(lock) => lock_name(cast, lock),
        Obstacle::Signal(device) => format!("a fence of {}", device_name(cast, device)),
    };
    let does = match does {
        Does::Runs => "ran".to_owned(),
        Does::WantsCpu => "waited for a CPU".to_owned(),
        Does::Allocates => "asked for a page".to_owned(),
        Does::Waits(reason @ (Reason::Sleep | Reason::CallbackSleep)) => {
            format!("was in {}", reason.text())
        }
        Does::Waits(reason @ Reason::Stuck) => format!("was stuck in {}", reason.text()),
        Does::Waits(reason) => format!("waited for {}", reason.text()),
        Does::WaitsInTurn => "waited in turn".to_owned(),
    };
    format!("a wait for {what} while {} {does}", task_name(cast, by))
}

/// A segment in words: where, and what.
pub fn segment_text(index: &Index, segment: &Segment) -> String {
    format!("{}: {}", task_name(&index.cast, segment.task), cause_text(index, segment.cause))
}
