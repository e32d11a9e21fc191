//! What came of a run: verdict, incidents, victims, numbers.

use super::waiting::WaitLink;
use crate::base::{Nanos, SimTime, TaskId};
use crate::record::WaitFor;

/// The one-word outcome of a run (design.md, section 7).
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Verdict {
    /// The kernel panicked.
    Panic,
    /// The reaper or every allocator is in a closed wait-for set.
    Deadlock,
    /// Only retry loops were left.
    Livelock,
    /// The horizon came first.
    Stalled,
    /// Nobody was killed and nobody waits.
    NoOom,
    /// Killed again while a victim still had memory it could have given.
    ExtraVictims,
    /// Every survivor got its memory.
    Recovered,
}

impl Verdict {
    /// All of them, worst first.
    pub const ALL: [Self; 7] = [
        Self::Panic,
        Self::Deadlock,
        Self::Livelock,
        Self::Stalled,
        Self::NoOom,
        Self::ExtraVictims,
        Self::Recovered,
    ];

    /// Its id, as JSON and `data-verdict` carry it.
    pub fn id(self) -> &'static str {
        match self {
            Self::Panic => "panic",
            Self::Deadlock => "deadlock",
            Self::Livelock => "livelock",
            Self::Stalled => "stalled",
            Self::NoOom => "no-oom",
            Self::ExtraVictims => "extra-victims",
            Self::Recovered => "recovered",
        }
    }
}

/// Something worth pointing at.
#[derive(Clone, Debug)]
pub struct Incident {
    /// When.
    pub at: SimTime,
    /// `back-off`, `refusal`, `give-up`, `extra-victim`, `cycle`, `splat`, `stale-access`,
    /// `waived-invariant`.
    pub kind: &'static str,
    /// To whom.
    pub task: TaskId,
    /// In words.
    pub text: String,
    /// Who waited for whom then.
    pub chain: Vec<WaitLink>,
    /// Index of its record.
    pub record: usize,
}

/// A victim's story.
#[derive(Clone, Debug)]
pub struct Victim {
    /// The thread-group leader.
    pub task: TaskId,
    /// When it was marked.
    pub killed: SimTime,
    /// When SKIP was set on its mm.
    pub skip: Option<SimTime>,
    /// Pages that reached the free list, by whomever.
    pub freed_pages: u64,
    /// Attempts of the reaper, a sleep in place of one among them.
    pub attempts: u32,
    /// Times the reaper slept instead of trying (policies `skip-*`).
    pub backed_off: u32,
    /// Pages the reaper unmapped.
    pub reaped_pages: u64,
    /// Those of them that reached the free list.
    pub freed_by_reaper: u64,
    /// What the log says of it, if anything.
    pub said: Option<Said>,
    /// From when on the killer need not wait for it any more: SKIP was set
    /// or, where nothing sets it (4.6), its memory was reaped or torn down.
    pub done: Option<SimTime>,
}

/// What the kernel's log says of a victim's memory in the end.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Said {
    /// `oom_reaper: reaped process …`
    Reaped,
    /// `oom_reaper: unable to reap …`
    UnableToReap,
}

impl Said {
    /// The words of the log.
    pub fn text(self) -> &'static str {
        match self {
            Self::Reaped => "reaped",
            Self::UnableToReap => "unable to reap",
        }
    }
}

/// Numbers of a run; times in ns.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    /// Attempts of the reaper: starts, skips, and sleeps in place of one (policies `skip-*`).
    pub reap_attempts: u64,
    /// Sleeps after a failed attempt or skip.
    pub backoffs: u64,
    /// Callbacks that returned -EAGAIN or false, and refusals of the core in their stead.
    pub refusals: u64,
    /// Give-ups.
    pub gave_up: u64,
    /// Pages the reaper unmapped.
    pub reaped_pages: u64,
    /// Notifier calls.
    pub callbacks: u64,
    /// Time callbacks spent parked, in all and at most.
    pub callback_blocked_ns: u64,
    /// See `callback_blocked_ns`.
    pub callback_blocked_max_ns: u64,
    /// From the first kill until free > high with all survivors served, none of whom waits
    /// again while a victim is pending.
    pub oom_to_recovery_ns: Option<u64>,
    /// Time requests spent in the slow path.
    pub alloc_stall: Stalls,
    /// PSI `some`.
    pub psi_some_ns: u64,
    /// PSI `full`.
    pub psi_full_ns: u64,
    /// Times a device used pages that had been freed.
    pub stale_accesses: u64,
    /// Reports of lockdep; 0 without one of its checkers.
    pub lockdep_reports: u64,
    /// Reports of sleeps that must not be; 0 without the checker `non-block`.
    pub non_block_reports: u64,
    /// Tasks that the hung-task detector reported.
    pub hung_tasks: u64,
    /// Engine and kernel records.
    pub events: u64,
}

/// A distribution of stalls.
#[derive(Clone, Debug, Default)]
pub struct Stalls {
    /// How many.
    pub count: u64,
    /// Median, in ns; `None` when there is none.
    pub p50: Option<u64>,
    /// 99th percentile.
    pub p99: Option<u64>,
    /// Longest.
    pub max: Option<u64>,
}

/// The longest stay of a request in the slow path.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub struct LongestWait {
    /// Whose.
    pub task: TaskId,
    /// Since when.
    pub from: SimTime,
    /// Until it had its page, gave up or died, or the run ended.
    pub lasted: Nanos,
    /// Whether the run ended first.
    pub is_open: bool,
}

/// All of it.
#[derive(Clone, Debug)]
pub struct Report {
    /// The outcome.
    pub verdict: Verdict,
    /// Why, in a sentence with times and names.
    pub evidence: String,
    /// Flags of design.md section 7 that were raised.
    pub flags: Vec<&'static str>,
    /// In order of their kills.
    pub victims: Vec<Victim>,
    /// Counters.
    pub metrics: Metrics,
    /// Who waited longest for a page, if anybody did.
    pub longest_wait: Option<LongestWait>,
    /// By time.
    pub incidents: Vec<Incident>,
    /// Who could no longer go on, and what the reaper depended on.
    pub wait_for: WaitFor,
}

/// What happened in a part of a run.
#[derive(Copy, Clone, Eq, PartialEq, Debug, Default)]
pub struct RangeSums {
    /// Victims marked.
    pub kills: u64,
    /// Attempts of the reaper that began or were skipped, or in whose place it slept.
    pub attempts: u64,
    /// Its sleeps after one that failed.
    pub backoffs: u64,
    /// Notifier calls.
    pub callbacks: u64,
    /// Of these, refused, by the driver or in its stead.
    pub refusals: u64,
    /// Pages that the reaper unmapped.
    pub reaped_pages: u64,
}
