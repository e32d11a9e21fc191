//! What a driver described in a scenario does, as data: the steps of its
//! callback and of its own code that a process enters.
//!
//! Written by people in `[[driver]]` tables (`docs/src/describe-a-driver.md`),
//! carried out by [`described`](super::described).

use crate::base::Distribution;
use crate::engine::Hold;
use crate::kernel::Request;
use crate::kernel::device::Awaits;
use crate::kernel::plugin::{ActsOn, Approach, FaultWait, Refuse};
use crate::record::{Gfp, LockKind};

/// A driver's description.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Which of its operations the core calls.
    pub calls: Calls,
    /// What its own lock is, if it says so.
    pub lock_kind: Option<LockKind>,
    /// Whether it returns at once where it covers nothing of the range. Else it takes its locks
    /// and keeps its counts all the same, and does nothing besides. An interval's core tests for it.
    pub range_test: bool,
    /// What becomes of calls that must not sleep.
    pub refuse: WhenAsked,
    /// Of 100 calls, how many meet hardware that needs no waiting for.
    pub lucky: u32,
    /// `invalidate_range_start()` or `invalidate()`; before 7.1's `finish`, its first pass.
    pub start: Vec<Step>,
    /// The second pass of 7.1, which other callers run behind the first; empty: there is none.
    pub finish: Vec<Step>,
    /// `invalidate_range_end()`; empty: there is none.
    pub end: Vec<EndStep>,
    /// `release()` of a list notifier; empty: there is none.
    pub release: Vec<OwnStep>,
    /// How a fault of the device waits for invalidations in progress to end.
    pub faults: FaultWait,
    /// What a process goes through when it registers.
    pub register: Vec<OwnStep>,
    /// What a process goes through, under the driver's lock, to have memory mapped.
    pub map: Vec<OwnStep>,
}

/// Which operations a notifier has.
#[derive(Copy, Clone, PartialEq, Debug)]
pub enum Calls {
    /// Start, and perhaps end.
    Start,
    /// `arch_invalidate_secondary_tlbs()` alone, which polls so long.
    SecondaryTlb(Distribution),
    /// None: nothing is registered.
    Nothing,
}

/// What a callback does in a call that must not sleep.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum WhenAsked {
    /// It refuses, whatever the range.
    Always,
    /// It refuses every range that it covers any of, idle or not.
    Overlap,
    /// It refuses those while the device works.
    WhenBusy,
    /// It does nothing about those that the device maps no page of, and refuses the others.
    WhenMapped,
    /// It goes on and refuses where a step would have to wait.
    IfNeeded,
    /// It does not ask: it sleeps.
    Never,
}

/// A lock that a step takes.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum LockName {
    /// The device's.
    Own,
    /// One of the scenario's, by its index.
    Declared(usize),
}

impl LockName {
    /// Its place among the scenario's; `None`: the device's own.
    pub fn index(self) -> Option<usize> {
        match self {
            Self::Own => None,
            Self::Declared(index) => Some(index),
        }
    }
}

/// How a lock is taken in a call that may sleep. In one that must not it is tried only.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Take {
    /// `mutex_lock()`.
    Wait,
    /// `mutex_lock_killable()`: a caller that is being killed fails instead of waiting.
    Killable,
    /// `mutex_trylock()`: fails if somebody has it.
    Try,
}

/// A step. Those that wait need no wait in a call that is lucky.
#[derive(Copy, Clone, PartialEq, Debug)]
pub enum Step {
    /// Takes a lock. Where it fails, the callback fails, and lets go of what it has.
    Lock {
        /// Which one.
        lock: LockName,
        /// For reading or writing.
        hold: Hold,
        /// How.
        take: Take,
    },
    /// Lets go of a lock. Those kept at the end of `start` are kept until `end`.
    Unlock(LockName),
    /// Works on the CPU.
    Work(Distribution),
    /// Waits for the hardware, by its interrupt.
    Hardware(Distribution),
    /// `msleep()`.
    Sleep(Distribution),
    /// Waits for the fences of all jobs that use the range.
    Fences {
        /// Whether a caller that exits does without (`PF_EXITING`).
        unless_exiting: bool,
    },
    /// Gives the worker something to do and waits until it has done that.
    Flush(Awaits),
    /// `queue_work()`: gives the worker something to do and goes on.
    Queue,
    /// Allocates, and gives back.
    Alloc(Alloc),
    /// Drops its references to the pages of the range.
    Unpin,
    /// Fails in so many of 100 calls: what was done is undone, and it refuses, may it sleep or not.
    Fails(u32),
    /// Counts an invalidation in progress: until it ends, no fault of the device is served.
    Begin,
    /// Counts one less.
    End,
}

/// Requests for memory, each given back at once.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub struct Alloc {
    /// What is asked for.
    pub request: Request,
    /// How often.
    pub count: u32,
}

/// A step of `invalidate_range_end()`.
#[derive(Copy, Clone, PartialEq, Debug)]
pub enum EndStep {
    /// Takes a lock: one that spins, for the end comes to who must not sleep, too; or any,
    /// where the driver never asks.
    Lock(LockName, Hold),
    /// Lets go of a lock, or of one that `start` kept.
    Unlock(LockName),
    /// Works on the CPU.
    Work(Distribution),
    /// `msleep()`, of a driver that never asks.
    Sleep(Distribution),
    /// Counts an invalidation in progress less.
    End,
}

/// A step of code that a process enters by itself, of `release`, or that reclaim asks (`shrinker`).
#[derive(Copy, Clone, PartialEq, Debug)]
pub enum OwnStep {
    /// Takes a lock.
    Lock(LockName, Hold),
    /// Tries to; where somebody has it, all further steps are left out.
    Trylock(LockName, Hold),
    /// Lets go of it.
    Unlock(LockName),
    /// Works on the CPU.
    Work(Distribution),
    /// Allocates, and gives back.
    Alloc(Alloc),
    /// Waits for the hardware, by its interrupt.
    Hardware(Distribution),
    /// `msleep()`.
    Sleep(Distribution),
    /// Waits for the fences of all jobs of the device.
    Fences,
    /// Waits until the worker has done all that it was given.
    Flush(Awaits),
    /// `queue_work()`: gives the worker what is to be done for every registration, and goes on.
    Queue,
    /// Drops its references to all pages.
    Unpin,
}

impl OwnStep {
    /// Whether it gives the device's worker something to do.
    pub fn needs_worker(&self) -> bool {
        matches!(self, Self::Flush(_) | Self::Queue)
    }
}

impl Plan {
    /// All steps of its callback that run before its caller goes on.
    fn callback(&self) -> impl Iterator<Item = &Step> {
        self.start.iter().chain(&self.finish)
    }

    /// The scenario's locks that its callback takes, by index, each once.
    pub fn locks_of_scenario(&self) -> Vec<usize> {
        let mut locks: Vec<usize> = Vec::new();
        for step in self.callback() {
            match *step {
                Step::Lock { lock: LockName::Declared(index), .. } if !locks.contains(&index) => {
                    locks.push(index);
                }
                _ => {}
            }
        }
        locks
    }

    /// The locks that a call which must not sleep tries, and how, where its rule does not have it
    /// refuse whatever comes. `refuse` is what the device says in the rule's stead.
    pub fn tried_locks(&self, refuse: Option<Refuse>) -> Vec<(LockName, Hold)> {
        let tried = |step: &Step| match *step {
            Step::Lock { lock, hold, take } => {
                let is_tried = match (refuse, self.refuse) {
                    (Some(Refuse::Overlap), _) => false,
                    (_, WhenAsked::Never) => take == Take::Try,
                    (Some(Refuse::WhenBusy), _) => true,
                    (None, asked) => matches!(asked, WhenAsked::IfNeeded | WhenAsked::WhenBusy),
                };
                is_tried.then_some((lock, hold))
            }
            _ => None,
        };
        self.callback().filter_map(tried).collect()
    }

    /// Whether such a call is refused because of jobs of the device.
    pub fn refuses_for_jobs(&self) -> bool {
        let waits = |step: &Step| matches!(step, Step::Fences { .. });
        match self.refuse {
            WhenAsked::WhenBusy => true,
            WhenAsked::IfNeeded => self.callback().any(waits),
            _ => false,
        }
    }

    /// Of 100 calls, how many fail by a step of their own.
    pub fn fails(&self) -> u32 {
        let percent = |step: &Step| if let Step::Fails(percent) = *step { percent } else { 0 };
        self.callback().map(percent).max().unwrap_or(0)
    }

    /// Whether it can fail in a call that may sleep, where nobody asks for
    /// its answer: the device then uses memory that it was told is gone.
    pub fn can_lose(&self, acts_on: ActsOn) -> bool {
        let fails = |step: &Step| {
            matches!(step, Step::Lock { take: Take::Killable | Take::Try, .. } | Step::Fails(_))
        };
        acts_on != ActsOn::Any || self.callback().any(fails)
    }

    /// Whether no fault of its device is served from the start of an
    /// invalidation to its end. A lock kept for that long is not enough: the
    /// fault finds the pages before it waits for the lock, and nothing tells
    /// it afterwards that they are gone. Nor is a count that is left out
    /// where nothing is mapped: that is where a fault maps next.
    pub fn counts_until_end(&self) -> bool {
        let begun = self.callback().filter(|step| **step == Step::Begin).count();
        let ended = self.callback().filter(|step| **step == Step::End).count();
        let always = self.refuse != WhenAsked::WhenMapped;
        always && begun > ended && self.end.contains(&EndStep::End)
    }

    /// Whether its callback allocates with flags that may sleep.
    pub fn allocates(&self) -> bool {
        let sleeps = |step: &Step| matches!(step, Step::Alloc(alloc) if alloc.request.gfp.has(Gfp::DIRECT_RECLAIM));
        self.callback().any(sleeps)
    }

    /// Whether it can come to such an allocation in a call from a reaper with this approach. In a call that
    /// must not sleep that step refuses, but in a second pass, which has agreed.
    pub fn reaper_allocates(&self, approach: Approach, promises: bool) -> bool {
        let gets_there = match approach {
            Approach::Silent | Approach::SkipAny | Approach::CoreRefuses => false,
            Approach::SkipFlag => promises,
            Approach::Blocking | Approach::Deadline(_) => true,
            Approach::TwoPass if !self.finish.is_empty() => true,
            Approach::NonBlocking | Approach::TwoPass | Approach::HandOff => {
                self.refuse == WhenAsked::Never
            }
        };
        gets_there && self.allocates()
    }

    /// Whether somebody takes its own lock for reading.
    pub fn reads_own_lock(&self) -> bool {
        let reads = |step: &Step| {
            matches!(step, Step::Lock { lock: LockName::Own, hold: Hold::Shared, .. })
        };
        let own = OwnStep::Lock(LockName::Own, Hold::Shared);
        self.callback().any(reads) || self.register.contains(&own) || self.release.contains(&own)
    }

    /// What its own lock is, where a scenario names no other.
    pub fn own_lock_kind(&self) -> LockKind {
        let unsaid = if self.reads_own_lock() { LockKind::Rwsem } else { LockKind::Mutex };
        self.lock_kind.unwrap_or(unsaid)
    }

    /// Whether its end callback takes its own lock.
    pub fn takes_own_lock_at_end(&self) -> bool {
        self.end.iter().any(|step| matches!(step, EndStep::Lock(LockName::Own, _)))
    }

    /// Whether it needs the device's worker.
    pub fn needs_worker(&self) -> bool {
        self.callback().any(|step| matches!(step, Step::Flush(_) | Step::Queue))
            || self.release.iter().any(OwnStep::needs_worker)
    }
}
