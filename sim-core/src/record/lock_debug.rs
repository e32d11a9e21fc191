//! What lock debugging is told, and what it finds.
//!
//! Mirrors the hooks that `CONFIG_LOCKDEP` and `CONFIG_DEBUG_ATOMIC_SLEEP`
//! put into locks, sleeps and allocations (include/linux/lockdep.h,
//! include/linux/kernel.h, Linux 6.1). An [`Annotation`] is no record: it
//! is in no trace and no digest, and made only while a [`Checker`] is on,
//! so that `--check` changes neither. Left out: interrupt contexts, RCU,
//! lock subclasses.

use super::cast::Cast;
use super::trace::Record;
use super::wait_for::WaitFor;
use crate::base::{DeviceId, LockId, NotifierId, SimTime, StackId, TaskId};
use crate::engine::Hold;

/// What kind of lock it is: how it is held, and what may be done under it.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum LockKind {
    /// `struct mutex`.
    Mutex,
    /// `struct rw_semaphore`.
    Rwsem,
    /// `spinlock_t`: nobody sleeps under it.
    Spinlock,
    /// `rwlock_t`: the same, but for readers together.
    Rwlock,
}

impl LockKind {
    /// Whether who wants it spins, and nobody sleeps under it.
    pub fn spins(self) -> bool {
        matches!(self, Self::Spinlock | Self::Rwlock)
    }

    /// Whether it can be held for reading.
    pub fn has_readers(self) -> bool {
        matches!(self, Self::Rwsem | Self::Rwlock)
    }

    /// As scenario files write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Mutex => "mutex",
            Self::Rwsem => "rwsem",
            Self::Spinlock => "spinlock",
            Self::Rwlock => "rwlock",
        }
    }

    /// The one of this word.
    pub fn of_word(word: &str) -> Option<Self> {
        let all = [Self::Mutex, Self::Rwsem, Self::Spinlock, Self::Rwlock];
        all.into_iter().find(|kind| kind.word() == word)
    }
}

/// A map that is no lock, but taken like one for lockdep's sake
/// (`struct lockdep_map`; kernel-spec 6.3 and 6.4).
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum FakeMap {
    /// `__fs_reclaim_map`.
    FsReclaim,
    /// `__mmu_notifier_invalidate_range_start_map`.
    MmuNotifier,
    /// The map of the notifiers' `srcu_struct`.
    Srcu,
    /// `dma_fence_lockdep_map`.
    DmaFence,
    /// Class of a `dma_resv`'s lock.
    DmaResv,
    /// Its acquire context, which `dma_resv_lockdep()` takes first.
    DmaResvAcquire,
}

impl FakeMap {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::FsReclaim,
        Self::MmuNotifier,
        Self::Srcu,
        Self::DmaFence,
        Self::DmaResv,
        Self::DmaResvAcquire,
    ];

    /// Its name in reports.
    pub fn text(self) -> &'static str {
        match self {
            Self::FsReclaim => "fs_reclaim",
            Self::MmuNotifier => "mmu_notifier_invalidate_range_start",
            Self::Srcu => "srcu",
            Self::DmaFence => "dma_fence_map",
            Self::DmaResv => "reservation_ww_class_mutex",
            Self::DmaResvAcquire => "reservation_ww_class_acquire",
        }
    }
}

/// Something that lockdep keeps track of.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Tracked {
    /// A lock.
    Lock(LockId),
    /// A map.
    Map(FakeMap),
    /// The map of the workqueue that a device's worker serves.
    Workqueue(DeviceId),
    /// That of the work which the worker does.
    Work(DeviceId),
    /// `wq->mutex` of that workqueue.
    WorkqueueMutex(DeviceId),
}

/// Whether whoever takes a lock would wait for it.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Attempt {
    /// It would.
    Waits,
    /// A trylock that succeeded.
    Tries,
}

/// Which function of the kernel, besides those on the modelled stack, took it.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum By {
    /// None: the function on top of the stack.
    Caller,
    /// `fs_reclaim_acquire()`.
    FsReclaimAcquire,
    /// `dma_fence_wait_timeout()`.
    DmaFenceWait,
    /// `lock_sync()`, which nobody holds afterwards.
    LockSync,
    /// `mmu_notifier_register()`, up to 5.10.
    Priming,
    /// `process_one_work()`.
    ProcessOneWork,
    /// `__might_fault()` of a copy to user memory.
    MightFault,
    /// Code that ran at boot, with nobody's stack.
    Boot(&'static [&'static str]),
}

/// Where `might_sleep()` stands.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum SleepSite {
    /// `mutex_lock()`.
    Mutex,
    /// `down_read()`.
    DownRead,
    /// `down_write()`.
    DownWrite,
    /// `might_alloc()` of the page allocator.
    Alloc,
    /// That of `kmalloc()`.
    Kmalloc,
    /// `wait_for_completion()`.
    Completion,
    /// `dma_fence_wait_timeout()`.
    FenceWait,
    /// `mmu_notifier_invalidate_range_start()`.
    NotifierStart,
    /// `mmu_notifier_invalidate_range_end()`.
    NotifierEnd,
    /// `mmu_interval_notifier_remove()`.
    IntervalRemove,
    /// `might_fault()` of `copy_to_user()`.
    CopyToUser,
}

/// What the running task is about to do, or did.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Annotation {
    /// `lock_acquire()`: it wants this, and does not have it yet unless it tried.
    Acquire {
        /// What.
        what: Tracked,
        /// For reading or writing.
        hold: Hold,
        /// Whether it would wait.
        attempt: Attempt,
        /// Who does it.
        by: By,
    },
    /// `lock_release()`.
    Release(Tracked),
    /// `might_sleep()`.
    MightSleep(SleepSite),
    /// `non_block_start()`.
    NonBlockStart,
    /// `non_block_end()`.
    NonBlockEnd,
    /// `dma_fence_begin_signalling()`.
    BeginSignalling,
    /// `dma_fence_end_signalling()`.
    EndSignalling,
    /// A wait for a fence: `__dma_fence_might_wait()`.
    FenceWait,
}

/// Where something was taken.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub struct Place {
    /// The modelled call stack.
    pub stack: StackId,
    /// Whose callback it was in.
    pub notifier: Option<NotifierId>,
    /// What stands on top of that stack.
    pub by: By,
}

/// A class of locks, as reports show it.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct ClassInfo {
    /// `drv_mutex`, `&mm->mmap_lock`.
    pub name: String,
    /// What kind of lock; `None` for a map.
    pub kind: Option<LockKind>,
    /// Whether it was ever taken for writing.
    pub written: bool,
    /// Whether it was ever taken for reading.
    pub read: bool,
}

/// A lock that a task holds, or is about to.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub struct HeldLock {
    /// Which.
    pub what: Tracked,
    /// Index of its class in [`LockReports::classes`].
    pub class: usize,
    /// For reading or writing.
    pub hold: Hold,
    /// Where it was taken.
    pub place: Place,
}

/// A link of a chain: its class was taken while that of the link before was held.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub struct Link {
    /// Index of the class.
    pub class: usize,
    /// What was taken.
    pub held: HeldLock,
}

/// The finding of a checker.
#[derive(Clone, Eq, PartialEq, Debug)]
pub enum Splat {
    /// `possible circular locking dependency detected`.
    Circular {
        /// What is wanted.
        acquiring: HeldLock,
        /// What is held that should have come after it.
        holding: HeldLock,
        /// From what is wanted to what is held, each taken under the one before; the
        /// first link says where it is wanted now.
        chain: Vec<Link>,
    },
    /// `possible recursive locking detected`.
    Recursive {
        /// What is wanted.
        acquiring: HeldLock,
        /// What of the same class is held.
        holding: HeldLock,
    },
    /// `Invalid wait context`: what may sleep is wanted under what forbids it.
    WaitContext {
        /// What is wanted.
        acquiring: HeldLock,
        /// The spinning lock that is held.
        holding: HeldLock,
    },
    /// `bad unlock balance detected`.
    BadUnlock {
        /// What was let go though it was not held.
        what: Tracked,
        /// Index of its class.
        class: usize,
    },
    /// `sleeping function called from invalid context`.
    MightSleep {
        /// Where.
        site: SleepSite,
        /// Depth of sections that must not sleep.
        non_block: u32,
        /// Spinlocks held.
        preempt: u32,
    },
    /// `scheduling in a non-blocking section`.
    NonBlockSchedule {
        /// Depth of such sections.
        non_block: u32,
    },
    /// `scheduling while atomic`.
    AtomicSchedule {
        /// Spinlocks held.
        preempt: u32,
    },
}

impl Splat {
    /// The kernel's words for it.
    pub fn title(&self) -> &'static str {
        match self {
            Self::Circular { .. } => "possible circular locking dependency",
            Self::Recursive { .. } => "possible recursive locking",
            Self::WaitContext { .. } => "invalid wait context",
            Self::BadUnlock { .. } => "bad unlock balance",
            Self::MightSleep { .. } => "sleeping function called from invalid context",
            Self::NonBlockSchedule { .. } => "scheduling in a non-blocking section",
            Self::AtomicSchedule { .. } => "scheduling while atomic",
        }
    }

    /// Whether it is lockdep's; else it is of those who watch for sleepers.
    pub fn is_lockdep(&self) -> bool {
        matches!(
            self,
            Self::Circular { .. }
                | Self::Recursive { .. }
                | Self::WaitContext { .. }
                | Self::BadUnlock { .. }
        )
    }
}

/// What lockdep can say of held locks at some moment.
#[derive(Clone, Eq, PartialEq, Debug)]
pub enum HeldLocks {
    /// The kernel has no lockdep.
    Unknown,
    /// It turned itself off after its report.
    TurnedOff,
    /// In the order in which they were taken.
    Known(Vec<HeldLock>),
}

/// A finding, and what is printed with it.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct LockReport {
    /// When.
    pub at: SimTime,
    /// Whose doing.
    pub task: TaskId,
    /// Records made before it: it stands between that many and the next.
    pub record: u64,
    /// What.
    pub splat: Splat,
    /// Where the task was.
    pub place: Place,
    /// What it held.
    pub held: HeldLocks,
}

/// The locks of all tasks at a moment (`debug_show_all_locks()`): when the reaper
/// gave up, or when the hung-task detector looked.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct AllLocks {
    /// When.
    pub at: SimTime,
    /// Records made before it, that of the give-up among them.
    pub record: u64,
    /// Tasks that hold or want any, by id; none: lockdep is off.
    pub held: Option<Vec<(TaskId, Vec<HeldLock>)>>,
}

/// What the checkers of a run found. Outside the digest.
#[derive(Clone, Eq, PartialEq, Debug, Default)]
pub struct LockReports {
    /// Ids of the checkers that were on.
    pub checks: Vec<&'static str>,
    /// The classes that reports speak of.
    pub classes: Vec<ClassInfo>,
    /// The first of them, by time.
    pub reports: Vec<LockReport>,
    /// How many lockdep made, kept or not.
    pub lockdep_count: u64,
    /// How many there were of sleeps that must not be, kept or not.
    pub non_block_count: u64,
    /// The locks when the reaper gave up.
    pub all_locks: Vec<AllLocks>,
    /// The locks at each look of the hung-task detector, as long as lockdep was on.
    pub at_looks: Vec<AllLocks>,
    /// Whether lockdep's findings are shown.
    pub shows_lockdep: bool,
    /// When lockdep turned itself off.
    pub turned_off_at: Option<SimTime>,
    /// What `wait-for` found while the run went on, if it was on.
    pub wait_for: Option<WaitFor>,
}

/// Who made an annotation, and when.
#[derive(Copy, Clone, Debug)]
pub struct Noted {
    /// When.
    pub at: SimTime,
    /// Who.
    pub task: TaskId,
    /// Its modelled call stack.
    pub stack: StackId,
    /// Records made before.
    pub record: u64,
}

/// Debugs the locks of a run. It is told, and changes nothing; but a
/// machine whose kernel debugs locks pays for it while it is on.
pub trait Checker {
    /// Sees a record as it is made; so many were made before it.
    fn see(&mut self, record: &Record, before: u64, cast: &Cast);
    /// Is told what the running task is about to do.
    fn note(&mut self, noted: Noted, annotation: Annotation, cast: &Cast);
    /// `debug_locks` of a machine that pays for lockdep: whether it has not turned itself off.
    fn debug_locks(&self) -> bool;
    /// What it found in a run that ended then.
    fn finish(&mut self, end: SimTime) -> LockReports;
}
