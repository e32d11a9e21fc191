//! The steps of programs, checked.

use super::{Access, Hold};
use crate::base::{Distribution, Nanos};
use crate::kernel::Request;
use crate::kernel::psi::PsiState;

/// An allocation scope.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Scope {
    /// `PF_MEMALLOC_NOIO`.
    Noio,
    /// `PF_MEMALLOC_NOFS`.
    Nofs,
    /// `PF_MEMALLOC`.
    Memalloc,
}

/// A step of a program. Tasks, devices, locks and events are indices into
/// the lists of the scenario; regions and threads into those of the task.
#[derive(Clone, Debug)]
pub enum Op {
    /// Maps a region.
    Mmap {
        /// Index of the region.
        region: usize,
    },
    /// Unmaps a region.
    Munmap {
        /// Index of the region.
        region: usize,
    },
    /// `MADV_DONTNEED`.
    Madvise {
        /// Index of the region.
        region: usize,
    },
    /// Accesses every page of the regions, in order.
    Touch {
        /// Indices of regions.
        regions: Vec<usize>,
        /// Reading or writing.
        access: Access,
        /// Pages per second; `None`: as fast as faults go.
        rate: Option<u64>,
    },
    /// Locks the first pages of a region in memory, and faults them in.
    Mlock {
        /// Index of the region.
        region: usize,
        /// How many pages.
        pages: u64,
    },
    /// Unlocks a region.
    Munlock {
        /// Index of the region.
        region: usize,
    },
    /// Registers a device's notifier.
    Register {
        /// Index of the device.
        device: usize,
        /// Index of the region.
        region: usize,
        /// Where the registration begins, relative to the region's start.
        offset: u64,
        /// Its length in bytes; may pass the region's end.
        length: u64,
    },
    /// Removes a device's notifiers from this process.
    Unregister {
        /// Index of the device.
        device: usize,
    },
    /// Submits jobs that use a region, until the task dies (or `count`).
    Submit {
        /// Index of the device.
        device: usize,
        /// Index of the region.
        region: usize,
        /// Time between two jobs.
        every: Nanos,
        /// How many; `None`: without end.
        count: Option<u64>,
    },
    /// Makes a child process.
    Fork {
        /// Index of the task that comes to life.
        child: usize,
    },
    /// Starts a thread.
    Thread {
        /// Index into `threads` of the task.
        thread: usize,
    },
    /// Allocates memory for the kernel.
    Alloc {
        /// What is asked for.
        request: Request,
        /// How many allocations.
        count: u64,
        /// Whether the task keeps them, else they are given back at once.
        hold: bool,
    },
    /// Gives back what [`Op::Alloc`] kept.
    Free,
    /// Runs operations in an allocation scope.
    Memalloc {
        /// Which.
        scope: Scope,
        /// The operations.
        program: Vec<Self>,
    },
    /// Runs operations inside the kernel, to the end although SIGKILL is pending.
    Ioctl {
        /// The operations.
        program: Vec<Self>,
    },
    /// Waits for memory pressure.
    PsiPoll {
        /// Of which kind.
        state: PsiState,
        /// How much of it.
        threshold: Nanos,
        /// Within which window.
        window: Nanos,
    },
    /// Takes a robust futex.
    FutexLock {
        /// Index into [`Scenario::futexes`](super::Scenario::futexes).
        futex: usize,
        /// Index of the region that its list is in.
        list: usize,
    },
    /// Lets go of a robust futex.
    FutexUnlock {
        /// Index into [`Scenario::futexes`](super::Scenario::futexes).
        futex: usize,
    },
    /// Takes a lock.
    Lock {
        /// Which.
        lock: LockRef,
        /// How.
        hold: Hold,
        /// Whether SIGKILL ends the wait.
        killable: bool,
    },
    /// Takes a lock if that needs no wait, and lets it go after `program`.
    Trylock {
        /// Which.
        lock: LockRef,
        /// How.
        hold: Hold,
        /// What is done with it.
        program: Vec<Self>,
    },
    /// Lets go of a lock.
    Unlock {
        /// Which.
        lock: LockRef,
    },
    /// Sleeps until SIGKILL is pending.
    AwaitSigkill,
    /// `msleep()`.
    Sleep {
        /// How long, drawn each time.
        time: Distribution,
        /// Whether SIGKILL ends it.
        killable: bool,
    },
    /// `wait_for_completion()`.
    Wait {
        /// Index of the event.
        event: usize,
        /// Whether SIGKILL ends it.
        killable: bool,
        /// How long at most.
        timeout: Option<Nanos>,
        /// Whether it is `semop()` with `SEM_UNDO`.
        undo: bool,
    },
    /// `complete()` or `complete_all()`.
    Signal {
        /// Index of the event.
        event: usize,
        /// Whether for all, now and later.
        all: bool,
        /// Whether it is `semop()` with `SEM_UNDO`.
        undo: bool,
    },
    /// Uses the CPU.
    Compute {
        /// For how long, drawn each time.
        time: Distribution,
    },
    /// Runs operations again and again.
    Repeat {
        /// How often; `None`: without end.
        count: Option<u64>,
        /// The operations.
        program: Vec<Self>,
    },
    /// Changes the `oom_score_adj` of the process.
    OomScoreAdj {
        /// The value, -1000 to 1000.
        value: i16,
    },
    /// SIGKILL to a task.
    Kill {
        /// Its index.
        task: usize,
    },
    /// `process_mrelease()`.
    ProcessMrelease {
        /// Index of the task whose memory it takes.
        task: usize,
    },
    /// Sleeps, interruptibly.
    Pause {
        /// How long, drawn each time.
        time: Distribution,
    },
    /// Sits in a driver; once SIGKILL is pending, stays in an
    /// uninterruptible sleep for `time`, without locks.
    Stuck {
        /// How long.
        time: Nanos,
    },
    /// Tells those whose start waits for it.
    Ready,
    /// Sleeps until killed.
    Idle,
    /// Crashes, and has its core written to a file.
    CoreDump,
    /// Ends the process.
    Exit,
}

/// A lock that a section takes.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum LockRef {
    /// One of the scenario's `locks`.
    Named(usize),
    /// The `mmap_lock` of the process.
    Mmap,
}

impl Op {
    /// Whether its thread does nothing after it, however the run goes.
    pub fn never_ends(&self) -> bool {
        match self {
            Self::Exit
            | Self::Idle
            | Self::CoreDump
            | Self::Submit { count: None, .. }
            | Self::Repeat { count: None, .. } => true,
            Self::Repeat { program, .. }
            | Self::Memalloc { program, .. }
            | Self::Ioctl { program } => program.last().is_some_and(Self::never_ends),
            _ => false,
        }
    }
}
