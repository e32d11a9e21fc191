//! Who holds a lock at one moment, and who waits for it.

use super::index::Index;
use super::replay::Doing;
use super::words::{short_list_text, task_name};
use crate::base::{LockId, SimTime, TaskId};
use crate::engine::WaitOn;

/// Who has to do with a lock, each with since when.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LockUsers {
    /// Its holder, or its readers, the eldest first.
    pub holders: Vec<(TaskId, SimTime)>,
    /// Who waits for it, the eldest first.
    pub waiters: Vec<(TaskId, SimTime)>,
}

/// Who has to do with a lock when only the first `seen` records have happened.
pub fn lock_users(index: &Index, lock: LockId, seen: usize) -> LockUsers {
    let holders = index.holders(lock, seen);
    let holders = holders.iter().map(|hold| (hold.what.task, index.time(hold.from)));
    let waits = |task: &TaskId| matches!(index.doing(*task, seen), Doing::Blocked { on: WaitOn::Lock(on), .. } if on == lock);
    let mut waiters: Vec<_> = (index.cast.tasks.ids().filter(waits))
        .filter_map(|task| Some((index.step(task, seen)?.0.record, task)))
        .collect();
    waiters.sort_unstable();
    let waiters = waiters.into_iter().map(|(record, task)| (task, index.time(record)));
    LockUsers { holders: holders.collect(), waiters: waiters.collect() }
}

/// The same in words, `held by hog; other and oom_reaper wait`, with three names of each at most;
/// empty where nobody holds it.
pub fn lock_users_text(index: &Index, lock: LockId, seen: usize) -> String {
    let LockUsers { holders, waiters } = lock_users(index, lock, seen);
    let names = |users: &[(TaskId, SimTime)]| {
        let names: Vec<String> = users.iter().map(|(it, _)| task_name(&index.cast, *it)).collect();
        short_list_text(&names)
    };
    match (holders.len(), waiters.len()) {
        (0, _) => String::new(),
        (_, 0) => format!("held by {}", names(&holders)),
        (_, 1) => format!("held by {}; {} waits", names(&holders), names(&waiters)),
        _ => format!("held by {}; {} wait", names(&holders), names(&waiters)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::story::*;
    use crate::engine::{Hold, Stop};
    use crate::record::{Event, Reason};

    #[test]
    fn holders_and_waiters_are_named_record_by_record() {
        let mut story = Story::new();
        let read = Event::Acquired { lock: HOG_LOCK, hold: Hold::Shared };
        story.at(1).add(HOG, read);
        story.at(2).wakes(HOG_2).add(HOG_2, read);
        story.at(3).wakes(REAPER).blocks(REAPER, WaitOn::Lock(HOG_LOCK), Reason::DriverLock);
        story.at(4).blocks(OTHER, WaitOn::Lock(HOG_LOCK), Reason::DriverLock);
        story.at(5).add(HOG, Event::Released { lock: HOG_LOCK });
        let run = story.ends(9, Stop::Horizon);
        let index = Index::new(&run);
        let told =
            |at: u64| lock_users_text(&index, HOG_LOCK, index.seen_at(SimTime(at * 1_000_000)));
        let all: Vec<String> = (0..6).map(told).collect();
        assert_eq!(
            all,
            [
                "",
                "held by hog",
                "held by hog and hog/2",
                "held by hog and hog/2; oom_reaper waits",
                "held by hog and hog/2; oom_reaper and other wait",
                "held by hog/2; oom_reaper and other wait",
            ]
        );
        let users = lock_users(&index, HOG_LOCK, run.trace.len());
        assert_eq!(users.waiters, [(REAPER, SimTime(3_000_000)), (OTHER, SimTime(4_000_000))]);
        assert_eq!(users.holders, [(HOG_2, SimTime(2_000_000))]);
    }
}
