//! What the analyses find in a run: plain data that the page draws and
//! the command line prints. Everything here comes from records alone.

use crate::base::{CpuId, DeviceId, LockId, MmId, SimTime, TaskId};
use crate::record::{Func, Gfp};

/// A row of the timeline.
#[derive(Clone, Debug)]
pub struct Lane {
    /// What the row shows.
    pub of: LaneOf,
    /// `oom_reaper`, `hog`, `gpu0`.
    pub title: String,
    /// Small print: the pid, the driver's id.
    pub subtitle: String,
    /// Sorted by start, not overlapping. Tasks have no gap between first
    /// and last; a device without work and a free lock leave one.
    pub spans: Vec<Span>,
    /// Sorted by time.
    pub marks: Vec<Mark>,
}

/// What a lane shows.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum LaneOf {
    /// The OOM reaper.
    Reaper(TaskId),
    /// A user task (one thread).
    Task(TaskId),
    /// A device and the callbacks of its driver.
    Device(DeviceId),
    /// A lock: who holds it.
    Lock(LockId),
    /// A CPU: what the task is doing that has it.
    Cpu(CpuId),
}

/// Somebody who can act on somebody.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Party {
    /// A task; devices work as tasks too.
    Task(TaskId),
    /// A driver's callback.
    Device(DeviceId),
}

/// How somebody acted on somebody.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum ArrowKind {
    /// Chose it as a victim and killed it.
    Kill,
    /// Ended its wait.
    WakeUp,
    /// Left it the lock that it waited for.
    HandOver,
    /// Called its notifier.
    Call,
    /// Refused what its caller asked for.
    Refusal,
}

/// Somebody acted on somebody at one instant.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub struct Arrow {
    /// When.
    pub at: SimTime,
    /// Index of its record.
    pub record: usize,
    /// How.
    pub kind: ArrowKind,
    /// Who.
    pub from: Party,
    /// On whom.
    pub to: Party,
}

/// A stretch of time in one state.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub struct Span {
    /// First instant.
    pub start: SimTime,
    /// One past the last instant, or the run's end.
    pub end: SimTime,
    /// The state.
    pub state: LaneState,
    /// Index of the record that began it.
    pub record: usize,
}

/// States of a lane. Colour, pattern and legend follow from these.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum LaneState {
    /// On a CPU, in user mode or in a fault.
    Running,
    /// Wants a CPU.
    Runnable,
    /// In the slow path of an allocation (direct reclaim, and what it
    /// does between two rounds), on a CPU or not.
    Reclaiming,
    /// Asleep by its own wish: pause, pace, nothing to do.
    Sleeping,
    /// Uninterruptible or killable wait for somebody else (lock, fence, stuck).
    Blocked,
    /// The reaper works on a victim: the attempt's number, from 1.
    Reaping(u8),
    /// The reaper sleeps after a failed attempt of this number.
    BackOff(u8),
    /// A victim is being torn down in `exit_mmap()`.
    Exiting,
    /// Killed, but not gone.
    Killed,
    /// A device works on a job.
    Job,
    /// A driver's callback runs.
    Callback,
    /// A driver's callback waits, for its lock or a fence.
    CallbackBlocked,
    /// A lock is held, nobody waits.
    Held,
    /// A lock is held and others wait.
    Contended,
}

/// Something that happened at one instant.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub struct Mark {
    /// When.
    pub at: SimTime,
    /// What.
    pub kind: MarkKind,
    /// Index of its record.
    pub record: usize,
}

/// Kinds of marks.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum MarkKind {
    /// The task was chosen and killed.
    Kill,
    /// The reaper was woken for the task.
    WakeReaper,
    /// An attempt began.
    AttemptStart,
    /// An attempt could not take `mmap_lock` or found SKIP set.
    AttemptSkipped,
    /// A callback refused.
    Refusal,
    /// The reaper reaped everything it may.
    Reaped,
    /// The reaper gave up.
    GiveUp,
    /// `MMF_OOM_SKIP` was set.
    SkipSet,
    /// The task exited.
    Exit,
    /// The program said it is ready.
    Ready,
}

/// Memory over time, one point per change.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// Pages managed, in all zones.
    pub managed: u64,
    /// Sums of the zones' watermarks and of their reserves, in pages.
    pub min: u64,
    /// See `min`.
    pub low: u64,
    /// See `min`.
    pub high: u64,
    /// (when, free pages in all zones), by time.
    pub free: Vec<(SimTime, u64)>,
    /// Per address space: (when, pages present), by time.
    pub present: Vec<(MmId, Vec<(SimTime, u64)>)>,
    /// Pages of files present, in all address spaces; a part of `present`.
    pub file: Vec<(SimTime, u64)>,
    /// Pages already unmapped that a device keeps allocated.
    pub pinned: Vec<(SimTime, u64)>,
    /// Pages in the page cache that reclaim knows of, clean and dirty.
    pub cache: Vec<(SimTime, u64)>,
    /// Those of `cache` that are dirty or under write-back.
    pub dirty: Vec<(SimTime, u64)>,
    /// Pages that kernel code holds.
    pub kernel: Vec<(SimTime, u64)>,
    /// Pages in swap.
    pub swap: Vec<(SimTime, u64)>,
    /// Pressure from each instant on.
    pub pressure: Vec<(SimTime, Pressure)>,
    /// Its averages, every two seconds.
    pub averages: Vec<PressureAverages>,
}

/// Whether tasks are held up by a lack of memory (PSI).
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Pressure {
    /// None is.
    None,
    /// At least one is, but somebody else gets work done.
    Some,
    /// At least one is, and nobody gets work done.
    Full,
}

/// What `/proc/pressure/memory` says at one moment. Averages are shares
/// of the time in units of 1/2048 of a percent, as the kernel keeps them.
#[derive(Copy, Clone, Eq, PartialEq, Default, Debug)]
pub struct PressureAverages {
    /// When.
    pub at: SimTime,
    /// `some` over the last 10, 60 and 300 s.
    pub some: [u64; 3],
    /// `full` likewise.
    pub full: [u64; 3],
    /// Totals, in ns.
    pub some_ns: u64,
    /// See `some_ns`.
    pub full_ns: u64,
}

/// What happened in a part of a run.
#[derive(Copy, Clone, Eq, PartialEq, Debug, Default)]
pub struct RangeSums {
    /// Victims marked.
    pub kills: u64,
    /// Attempts of the reaper that began or were skipped.
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

/// One link of a wait chain: `task` waits, and for whom.
#[derive(Clone, Debug)]
pub struct WaitLink {
    /// Who waits (or, in the last link, who could go on).
    pub task: TaskId,
    /// Since when.
    pub since: SimTime,
    /// What it waits on, in words: `mmap_lock of hog`, `back-off 3 of 10`.
    pub waits_on: String,
    /// A word for the kind: `lock`, `queue`, `time`, `cpu`, `memory`, `none`.
    pub kind: &'static str,
    /// Whom it waits for, if that is a task.
    pub holder: Option<TaskId>,
    /// The whole link as a sentence.
    pub text: String,
    /// Its modelled call stack, innermost first.
    pub stack: Vec<Func>,
    /// Index of the link that led to this one; none for the first. Where
    /// one link leads to several, the chain is a tree.
    pub parent: Option<usize>,
}

/// Through what somebody waits for somebody (kernel-spec 8.3).
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Debug)]
pub enum EdgeKind {
    /// A sleeping lock: for its holder.
    Lock,
    /// `oom_lock`: for its holder.
    OomLock,
    /// A fence: for the device that has the job.
    Fence,
    /// A finished job: for the worker that signals its fence.
    Worker,
    /// Invalidations of an mm: for those who run them.
    Invalidation,
    /// Callers inside a notifier (SRCU): for them.
    Srcu,
    /// An event of the scenario: for any who could signal it.
    Event,
    /// vfork(): for the child.
    Child,
    /// Throttled reclaim: for kswapd.
    Kswapd,
    /// A page: for the reaper, which is to reap the pending victim.
    Reap,
    /// A page: for the reaper, which has another victim to do first.
    ReapQueue,
    /// A page: for a thread of the pending victim to exit.
    Exit,
    /// A CPU: for any who have one.
    Cpu,
}

impl EdgeKind {
    /// A word for it.
    pub fn id(self) -> &'static str {
        match self {
            Self::Lock => "lock",
            Self::OomLock => "oom_lock",
            Self::Fence => "fence",
            Self::Worker => "worker",
            Self::Invalidation => "invalidation",
            Self::Srcu => "srcu",
            Self::Event => "event",
            Self::Child => "child",
            Self::Kswapd => "kswapd",
            Self::Reap => "reaper",
            Self::ReapQueue => "reaper-queue",
            Self::Exit => "exit",
            Self::Cpu => "cpu",
        }
    }

    /// Whether what is waited for is a page.
    pub fn is_allocation(self) -> bool {
        matches!(self, Self::Reap | Self::ReapQueue | Self::Exit | Self::Kswapd)
    }
}

/// An edge of the wait-for graph.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub struct WaitEdge {
    /// Who waits.
    pub from: TaskId,
    /// For whom.
    pub to: TaskId,
    /// Through what.
    pub kind: EdgeKind,
    /// Index of the record since which it waits.
    pub since: usize,
    /// Whether any of several such edges would do; else each must end.
    pub any: bool,
}

/// Tasks that wait for each other in turn.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct WaitCycle {
    /// In order; the first is not repeated at the end.
    pub tasks: Vec<TaskId>,
    /// Whether nobody outside could end it: else one of them waits for any
    /// of several, and one of those can go on.
    pub is_closed: bool,
}

/// Who waits for whom at one moment.
#[derive(Clone, Debug)]
pub struct WaitGraph {
    /// The moment.
    pub at: SimTime,
    /// Whoever has an edge, by id.
    pub tasks: Vec<TaskId>,
    /// By the task that waits.
    pub edges: Vec<WaitEdge>,
    /// Each elementary cycle once; waits for a CPU make none.
    pub cycles: Vec<WaitCycle>,
    /// Who will never go on, unless a page comes from elsewhere.
    pub stuck: Vec<TaskId>,
}

/// A set of tasks that could no longer make progress.
#[derive(Clone, Debug)]
pub struct ClosedSet {
    /// Index of the record that closed it.
    pub record: usize,
    /// Index of the record that freed one of them after all: with a page
    /// from elsewhere, or by a kill. `None`: never.
    pub until: Option<usize>,
    /// Who, by id.
    pub tasks: Vec<TaskId>,
    /// Their cycles with the edges in order; none for a task that waits
    /// for something which nobody will do.
    pub cycles: Vec<Vec<WaitEdge>>,
}

/// The reaper waited for somebody inside an allocation that may sleep, or
/// for somebody who waited for the victim's exit: what kernel-spec 4.8 forbids.
#[derive(Clone, Debug)]
pub struct Dependency {
    /// Index of the record from which it was so.
    pub record: usize,
    /// From the reaper to the allocation.
    pub path: Vec<WaitEdge>,
    /// Whoever is in the allocation, or waits for the victim to exit.
    pub on: TaskId,
    /// The flags of its request; none if it waits for an exit.
    pub gfp: Option<Gfp>,
    /// How often the same path was there.
    pub times: u64,
}

impl Dependency {
    /// Whether the reaper waited for the allocating task itself.
    pub fn is_direct(&self) -> bool {
        self.path.len() == 1
    }
}

/// What the `wait-for` oracle found.
#[derive(Clone, Debug, Default)]
pub struct WaitFor {
    /// Sets that could no longer make progress, by record.
    pub closed: Vec<ClosedSet>,
    /// What the reaper depended on, by record.
    pub dependencies: Vec<Dependency>,
}

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
    /// Attempts of the reaper.
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
    /// Attempts of the reaper (starts and skips).
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
    /// From the first kill until free > high with all survivors served.
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
    /// By time.
    pub incidents: Vec<Incident>,
    /// Who could no longer go on, and what the reaper depended on.
    pub wait_for: WaitFor,
}
