//! Rows of the timeline: their spans, marks and arrows.

use crate::base::{CpuId, DeviceId, LockId, SimTime, TaskId};

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

impl LaneState {
    /// Its name, for legends, hover lines and exports.
    pub fn name(self) -> String {
        match self {
            Self::Running => "running".into(),
            Self::Runnable => "waits for a CPU".into(),
            Self::Reclaiming => "direct reclaim".into(),
            Self::Sleeping => "asleep".into(),
            Self::Blocked => "blocked".into(),
            Self::Reaping(attempt) => format!("attempt {attempt}"),
            Self::BackOff(attempt) => format!("back-off {attempt}"),
            Self::Exiting => "tearing down".into(),
            Self::Killed => "killed".into(),
            Self::Job => "job".into(),
            Self::Callback => "callback".into(),
            Self::CallbackBlocked => "callback blocked".into(),
            Self::Held => "held".into(),
            Self::Contended => "contended".into(),
        }
    }
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
