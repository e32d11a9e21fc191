//! What happened before, after and beside an event: not by the clock,
//! but by who could have known.
//!
//! One event is before another if a way leads from it to the other along
//! what one task does in turn, wake-ups, locks left and taken, jobs
//! handed to a device, signals and forks. Readers of a lock don't order
//! each other. What two tasks say to each other through memory alone
//! (a flag, a free page) makes no order here.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::{FenceId, IdVec, LockId, TaskId};
use crate::engine::Hold;
use crate::record::{Cast, Event, Record, Run};

/// How an event stands to the one asked about.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Relation {
    /// It could have had a part in it.
    Before,
    /// It is the one.
    Itself,
    /// It could have come of it.
    After,
    /// Neither.
    Concurrent,
}

/// How every record of a run stands to one of them; all are concurrent
/// to a record that is not there.
pub fn causality(run: &Run, record: usize) -> Vec<Relation> {
    let mut relations = vec![Relation::Concurrent; run.trace.len()];
    let Some(own) = relations.get_mut(record) else {
        return relations;
    };
    *own = Relation::Itself;
    let left = mark_after(run, record, &mut relations);
    mark_before(run, record, &left, &mut relations);
    relations
}

/// The thread group's leader, to whom signals are sent.
fn leader(cast: &Cast, task: TaskId) -> TaskId {
    cast.tasks.get(task).map_or(task, |info| info.leader)
}

/// What is ordered after the event, while walking on from it.
struct Later {
    tasks: IdVec<TaskId, bool>,
    /// Left after it, by those who had it alone and by those who shared it.
    locks: BTreeMap<LockId, (bool, bool)>,
    jobs: BTreeSet<FenceId>,
    signalled: BTreeSet<TaskId>,
    forked: BTreeSet<TaskId>,
}

impl Later {
    fn new(run: &Run) -> Self {
        Self {
            tasks: run.cast.tasks.iter().map(|_| false).collect(),
            locks: BTreeMap::new(),
            jobs: BTreeSet::new(),
            signalled: BTreeSet::new(),
            forked: BTreeSet::new(),
        }
    }

    fn has(&self, task: TaskId) -> bool {
        self.tasks.get(task).is_some_and(|&is_later| is_later)
    }

    fn add(&mut self, task: TaskId) {
        if let Some(is_later) = self.tasks.get_mut(task) {
            *is_later = true;
        }
    }

    /// Whether something else than its own task makes the record later.
    fn reaches(&self, cast: &Cast, record: &Record) -> bool {
        match record.event {
            Event::Woken { by: Some(by), .. } => self.has(by),
            Event::Acquired { lock, hold } => self
                .locks
                .get(&lock)
                .is_some_and(|&(alone, shared)| alone || shared && hold == Hold::Exclusive),
            Event::FenceSignaled { fence } => self.jobs.contains(&fence),
            Event::SignalDeliver {} => self.signalled.contains(&leader(cast, record.task)),
            Event::Spawned {} => self.forked.contains(&record.task),
            _ => false,
        }
    }

    /// Hands on what a later record leaves behind; `hold` is how a lock was held.
    fn leave(&mut self, cast: &Cast, record: &Record, hold: Option<Hold>) {
        self.add(record.task);
        match record.event {
            Event::Released { lock } => {
                let left = self.locks.entry(lock).or_default();
                match hold {
                    Some(Hold::Shared) => left.1 = true,
                    _ => left.0 = true,
                }
            }
            Event::JobSubmitted { fence, .. } => {
                self.jobs.insert(fence);
            }
            Event::SignalGenerate { target } => {
                self.signalled.insert(leader(cast, target));
            }
            Event::Forked { child, .. } => {
                self.forked.insert(child);
            }
            _ => {}
        }
    }
}

/// Marks what is after the record; hands on how each lock left up to the
/// record had been held.
fn mark_after(run: &Run, record: usize, relations: &mut [Relation]) -> Vec<(usize, Hold)> {
    let mut holds: BTreeMap<(TaskId, LockId), Hold> = BTreeMap::new();
    let mut left = Vec::new();
    let mut later = Later::new(run);
    for (index, it) in run.trace.iter().enumerate() {
        let hold = match it.event {
            Event::Acquired { lock, hold } => holds.insert((it.task, lock), hold),
            Event::Released { lock } => holds.remove(&(it.task, lock)),
            _ => None,
        };
        if index <= record {
            if let (Event::Released { .. }, Some(hold)) = (it.event, hold) {
                left.push((index, hold));
            }
            if index < record {
                continue;
            }
        } else if later.has(it.task) || later.reaches(&run.cast, &it) {
            relations[index] = Relation::After;
        } else {
            continue;
        }
        later.leave(&run.cast, &it, hold);
    }
    left
}

/// Marks what is before the record, walking back from it.
fn mark_before(run: &Run, record: usize, left: &[(usize, Hold)], relations: &mut [Relation]) {
    let cast = &run.cast;
    let mut left = left.iter().rev().peekable();
    let mut tasks: IdVec<TaskId, bool> = cast.tasks.iter().map(|_| false).collect();
    // Taken later, alone and shared.
    let mut locks: BTreeMap<LockId, (bool, bool)> = BTreeMap::new();
    let mut jobs: BTreeSet<FenceId> = BTreeSet::new();
    let mut delivered: BTreeSet<TaskId> = BTreeSet::new();
    let mut spawned: BTreeSet<TaskId> = BTreeSet::new();
    for index in (0..=record).rev() {
        let Some(it) = run.trace.get(index) else {
            continue;
        };
        let hold = left.next_if(|(at, _)| *at == index).map(|(_, hold)| *hold);
        let leads_on = match it.event {
            Event::Released { lock } => locks
                .get(&lock)
                .is_some_and(|&(alone, shared)| alone || shared && hold != Some(Hold::Shared)),
            Event::JobSubmitted { fence, .. } => jobs.contains(&fence),
            Event::SignalGenerate { target } => delivered.contains(&leader(cast, target)),
            Event::Forked { child, .. } => spawned.contains(&child),
            _ => false,
        };
        let is_needed = tasks.get(it.task).is_some_and(|&needed| needed);
        if index < record {
            if !is_needed && !leads_on {
                continue;
            }
            relations[index] = Relation::Before;
        }
        let mut need = |task: TaskId| {
            if let Some(needed) = tasks.get_mut(task) {
                *needed = true;
            }
        };
        need(it.task);
        match it.event {
            Event::Woken { by: Some(by), .. } => need(by),
            Event::Acquired { lock, hold } => {
                let taken = locks.entry(lock).or_default();
                match hold {
                    Hold::Exclusive => taken.0 = true,
                    Hold::Shared => taken.1 = true,
                }
            }
            Event::FenceSignaled { fence } => drop(jobs.insert(fence)),
            Event::SignalDeliver {} => drop(delivered.insert(leader(cast, it.task))),
            Event::Spawned {} => drop(spawned.insert(it.task)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::story::{GPU, HOG, HOG_2, HOG_LOCK, OTHER, REAPER, Story};
    use crate::engine::{Stop, Waited};

    /// The relation of the record `offset` after those that every story begins with.
    struct Asked {
        first: usize,
        run: Run,
    }

    impl Asked {
        fn new(tell: impl FnOnce(&mut Story)) -> Self {
            let first = Story::new().ends(1, Stop::Idle).trace.len();
            let mut story = Story::new();
            tell(&mut story);
            Self { first, run: story.ends(99, Stop::Idle) }
        }

        fn relations(&self, offset: usize) -> Vec<Relation> {
            causality(&self.run, self.first + offset).split_off(self.first)
        }
    }

    use Relation::{After, Before, Concurrent, Itself};

    #[test]
    fn own_events_are_in_order_and_those_of_others_are_not() {
        let asked = Asked::new(|story| {
            story.at(1).free(9).add(OTHER, Event::Ready {});
            story.at(2).free(8).add(OTHER, Event::Ready {});
            story.at(3).free(7);
        });
        assert_eq!(asked.relations(2), [Before, Concurrent, Itself, Concurrent, After]);
    }

    #[test]
    fn wake_ups_lead_from_one_task_to_another() {
        let woken = Event::Woken { by: Some(HOG), how: Waited::Granted };
        let asked = Asked::new(|story| {
            story.at(1).free(9).add(REAPER, woken).free(8).add(REAPER, Event::Ready {});
        });
        assert_eq!(asked.relations(0), [Itself, After, After, After]);
        // What the waker did afterwards had no part in it.
        assert_eq!(asked.relations(3), [Before, Before, Concurrent, Itself]);
    }

    #[test]
    fn readers_of_a_lock_do_not_order_each_other_but_a_writer_does() {
        let take = |hold| Event::Acquired { lock: HOG_LOCK, hold };
        let leave = Event::Released { lock: HOG_LOCK };
        let told = |second: Hold| {
            Asked::new(move |story| {
                story.at(1).add(HOG, take(Hold::Shared)).add(HOG, leave);
                story.at(2).add(OTHER, take(second)).add(OTHER, leave);
            })
        };
        assert_eq!(told(Hold::Shared).relations(1), [Before, Itself, Concurrent, Concurrent]);
        assert_eq!(told(Hold::Shared).relations(2), [Concurrent, Concurrent, Itself, After]);
        assert_eq!(told(Hold::Exclusive).relations(1), [Before, Itself, After, After]);
        assert_eq!(told(Hold::Exclusive).relations(3), [Before, Before, Before, Itself]);
    }

    #[test]
    fn jobs_signals_and_forks_lead_on() {
        let fence = FenceId(5);
        let asked = Asked::new(|story| {
            story.at(1).add(HOG, Event::JobSubmitted { device: GPU, fence });
            story.add(OTHER, Event::SignalGenerate { target: HOG });
            story.at(2).add(REAPER, Event::FenceSignaled { fence });
            story.add(HOG_2, Event::SignalDeliver {});
        });
        assert_eq!(asked.relations(0), [Itself, Concurrent, After, Concurrent]);
        assert_eq!(asked.relations(1), [Concurrent, Itself, Concurrent, After]);
        assert_eq!(asked.relations(2), [Before, Concurrent, Itself, Concurrent]);
        assert_eq!(asked.relations(3), [Concurrent, Before, Concurrent, Itself]);
    }

    #[test]
    fn before_and_after_are_each_others_mirror() {
        let woken = |by| Event::Woken { by: Some(by), how: Waited::Granted };
        let asked = Asked::new(|story| {
            story.at(1).takes(HOG, HOG_LOCK).add(OTHER, Event::Ready {});
            story.at(2).add(HOG, Event::Released { lock: HOG_LOCK }).add(REAPER, woken(OTHER));
            story.at(3).takes(OTHER, HOG_LOCK).add(HOG, woken(REAPER));
            story
                .at(4)
                .add(OTHER, Event::SignalGenerate { target: HOG })
                .add(HOG, Event::SignalDeliver {});
        });
        let count = asked.run.trace.len();
        let all: Vec<Vec<Relation>> = (0..count).map(|it| causality(&asked.run, it)).collect();
        for (one, relations) in all.iter().enumerate() {
            for (other, relation) in relations.iter().enumerate() {
                let back = all[other][one];
                assert_eq!(*relation == After, back == Before, "{one} and {other}");
            }
        }
        assert!(causality(&asked.run, count).iter().all(|it| *it == Concurrent));
    }
}
