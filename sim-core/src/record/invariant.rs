//! The promises that hold in every run, and what is known of one that broke.
//!
//! The list is kernel-spec 8.1. Who watches is told through [`Monitor`]:
//! it sees each record as it is made and never changes a run. What it
//! finds is outside the digest.

use super::cast::Cast;
use super::trace::Record;
use crate::base::{DeviceId, SimTime, TaskId};

macro_rules! invariants {
    ($( $(#[doc = $doc:literal])+ $n:literal $name:ident ),* $(,)?) => {
        /// An invariant of kernel-spec 8.1.
        #[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Debug)]
        pub enum Invariant { $( $(#[doc = $doc])+ $name = $n ),* }

        impl Invariant {
            /// All of them.
            pub const ALL: &'static [Self] = &[$( Self::$name ),*];

            /// `I1` to `I20`, as kernel-spec 8.1 calls it.
            pub fn id(self) -> String {
                format!("I{}", self as u8)
            }

            /// What it promises.
            pub fn text(self) -> &'static str {
                match self { $( Self::$name => concat!($($doc),+).trim_ascii() ),* }
            }
        }
    };
}

invariants! {
    /// `signal->oom_mm` is set at most once and never cleared; SKIP, UNSTABLE and REAP_QUEUED are never cleared
    1 FlagsAreMonotone,
    /// there is at most one victim without SKIP per selection scope
    2 OnePendingVictim,
    /// after SKIP its mm is not reaped and its tasks are not chosen
    3 SkipEndsReaping,
    /// the reaper makes 1 to max_oom_reap_retries attempts (10) per queued mm, at least oom_reap_pause (HZ/10) apart, and each mm is queued once
    4 TenAttempts,
    /// SKIP is set when the reaper is done with a victim
    5 ReaperSetsSkip,
    /// the reaper never blocks in a notifier, and sleeps only between attempts and while idle
    6 ReaperNeverBlocks,
    /// the reaper never makes an allocation that may sleep and never takes oom_lock
    7 ReaperTakesNothing,
    /// a VMA that was refused is left whole by that attempt
    8 RefusedVmaIsWhole,
    /// no page reaches the free list while a device maps it without a reference
    9 NoStaleMapping,
    /// every successful start of an invalidation has exactly one end on the same range
    10 StartsHaveEnds,
    /// the interval tree's sequence number is odd only while an invalidation runs, the tree is frozen then, and all who overlap are called
    11 TreeFrozenWhileOdd,
    /// who programs a device has passed read_retry since the last invalidation
    12 ReadersRetry,
    /// pages are conserved: what is free, used and pinned adds up to all there are
    13 PagesConserved,
    /// requests that must not sleep never do, and reclaim never recurses
    14 NoSleepWhereForbidden,
    /// the global OOM path never blocks on oom_lock, and who loses it sleeps one jiffy
    15 LoserSleepsOneJiffy,
    /// requests without __GFP_FS never cause a global kill
    16 NoKillWithoutFs,
    /// SIGKILL comes before a victim may use the reserves
    17 SigkillBeforeReserves,
    /// a trylock fails if a writer holds the lock or anybody waits for it
    18 TrylockIsFair,
    /// the same scenario and seed give the same records
    19 RunsRepeat,
    /// the reaper's records come in their order: wake, start, reaped, finish
    20 ReaperRecordsInOrder,
}

/// An invariant that did not hold, with the evidence.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct Broken {
    /// Which.
    pub invariant: Invariant,
    /// When it was seen.
    pub at: SimTime,
    /// Whose record showed it.
    pub task: TaskId,
    /// The newest record then, by its index in a kept trace.
    pub record: u64,
    /// What happened, in words.
    pub text: String,
    /// The records that show it, the last one last.
    pub evidence: Vec<Record>,
}

/// What the watching of a run found. Outside the digest.
#[derive(Clone, Eq, PartialEq, Debug, Default)]
pub struct Findings {
    /// What stopped the run.
    pub broken: Option<Broken>,
    /// What was to be expected under the run's switches, policy and
    /// drivers: the first few of each invariant.
    pub waived: Vec<Broken>,
    /// How many there were in all.
    pub waived_count: u64,
}

/// A finding in the making: [`Broken`] without what the recorder knows.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct Breach {
    /// Which.
    pub invariant: Invariant,
    /// What happened, in words.
    pub text: String,
    /// The records that show it.
    pub evidence: Vec<Record>,
    /// Whether it counts even where the invariant is waived: the waiver is for something else.
    pub strict: bool,
    /// The device that broke it, if it was one.
    pub device: Option<DeviceId>,
}

impl Breach {
    /// A breach that the present record shows alone.
    pub fn new(invariant: Invariant, text: String) -> Self {
        Self { invariant, text, evidence: Vec::new(), strict: false, device: None }
    }

    /// The same; no waiver excuses it unless `expected`.
    #[must_use]
    pub fn unless(mut self, expected: bool) -> Self {
        self.strict = !expected;
        self
    }

    /// The same; no waiver because of other devices excuses it.
    #[must_use]
    pub fn by(mut self, device: DeviceId) -> Self {
        self.device = Some(device);
        self
    }

    /// The same, with one more record that belongs to it.
    #[must_use]
    pub fn after(mut self, record: Record) -> Self {
        self.evidence.push(record);
        self
    }
}

/// Watches a run.
pub trait Monitor {
    /// Sees a record as it is made.
    fn see(&mut self, record: &Record, cast: &Cast) -> Result<(), Breach>;
    /// Whether such a breach is to be expected.
    fn waives(&self, breach: &Breach) -> bool;
}
