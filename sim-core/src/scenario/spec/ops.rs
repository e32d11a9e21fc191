//! The operations of programs, each a table whose first field names it.

use super::super::units::PAGE_SIZE;
use super::{
    ADDRESS_MAX, ADDRESS_MIN, DELAY_MAX, Field, Kind, Needed, OPS_MAX, REGION_MAX, Table, declare,
    needed,
};
use crate::base::Nanos;

/// Most jobs of one `submit`, and rounds of one `repeat`.
const COUNT_MAX: i64 = 1_000_000_000;
/// Most allocations of one `alloc`.
const ALLOCATIONS_MAX: i64 = 1 << 20;
/// Least time between two jobs: below, a run does nothing else.
const EVERY_MIN: Nanos = Nanos::from_us(1);
/// `WINDOW_MIN_US` and `WINDOW_MAX_US` (kernel/sched/psi.c).
const PSI_WINDOW_MIN: Nanos = Nanos::from_ms(500);
const PSI_WINDOW_MAX: Nanos = Nanos::from_secs(10);
const READ_WRITE: Kind = Kind::OneOf(&["read", "write"]);
const SIGNALS: Kind = Kind::OneOf(&["uninterruptible", "killable"]);

/// All operations.
pub(in crate::scenario) const OPS: &[Table] = &[
    MMAP,
    MUNMAP,
    MADVISE,
    TOUCH,
    READ,
    WRITE,
    MLOCK,
    MUNLOCK,
    FORK,
    THREAD,
    ALLOC,
    FREE,
    MEMALLOC,
    IOCTL,
    LOCK,
    TRYLOCK,
    UNLOCK,
    MMAP_LOCK,
    MMAP_UNLOCK,
    AWAIT_SIGKILL,
    SLEEP,
    WAIT,
    SIGNAL,
    FUTEX_LOCK,
    FUTEX_UNLOCK,
    COMPUTE,
    REPEAT,
    REGISTER,
    UNREGISTER,
    SUBMIT,
    OOM_SCORE_ADJ,
    KILL,
    PROCESS_MRELEASE,
    PAUSE,
    PSI_POLL,
    STUCK,
    READY,
    IDLE,
    CORE_DUMP,
    EXIT,
];

/// Operations that may stand inside an `ioctl` section: what code of the
/// kernel does, and no further system call.
pub(in crate::scenario) const IOCTL_OPS: &[&str] = &[
    "touch",
    "read",
    "write",
    "alloc",
    "free",
    "memalloc",
    "lock",
    "trylock",
    "unlock",
    "mmap_lock",
    "mmap_unlock",
    "await_sigkill",
    "sleep",
    "wait",
    "signal",
    "compute",
    "repeat",
    "submit",
    "unregister",
    "ready",
];

declare! {
    /// Maps a region: a VMA of the process.
    MMAP = "mmap" {
        /// Its name in this task. Where it is mapped already, it is unmapped first (MAP_FIXED).
        must mmap: Kind::Name,
        /// Its size.
        must size: Kind::Size(PAGE_SIZE, REGION_MAX),
        /// Its first byte, page-aligned; by default beside the regions before it, aligned to 2 MiB.
        may at: Kind::Integer(ADDRESS_MIN.cast_signed(), ADDRESS_MAX.cast_signed()),
        /// What stands behind it; by default anonymous memory.
        may kind: Kind::OneOf(&["anon", "private-file", "shared-file", "shmem", "hugetlb", "pfnmap"]),
        /// Whether anonymous memory comes in huge pages; by default false.
        may thp: Kind::Boolean,
    }
    /// Unmaps a region; its notifiers hear of it and may block.
    MUNMAP = "munmap" {
        /// Which.
        must munmap: Kind::Ref,
    }
    /// Gives back the pages of a region, which stays mapped (MADV_DONTNEED).
    MADVISE = "madvise" {
        /// Which.
        must madvise: Kind::Ref,
    }
    /// Writes to every page of regions, in order.
    TOUCH = "touch" {
        /// Which.
        must touch: Kind::Refs(OPS_MAX),
        /// How fast; by default as fast as faults go.
        may rate: Kind::Rate,
    }
    /// Reads every page of regions, in order; pages of files may have to come from disk.
    READ = "read" {
        /// Which.
        must read: Kind::Refs(OPS_MAX),
        /// How fast; by default as fast as faults go.
        may rate: Kind::Rate,
    }
    /// Writes to every page of regions, in order, as `touch` does; pages of shared files become dirty.
    WRITE = "write" {
        /// Which.
        must write: Kind::Refs(OPS_MAX),
        /// How fast; by default as fast as faults go.
        may rate: Kind::Rate,
    }
    /// Locks a region in memory and faults it in.
    MLOCK = "mlock" {
        /// Which.
        must mlock: Kind::Ref,
        /// How much of it, from its start: a size or a percentage; by default all.
        may size: Kind::Share,
    }
    /// Unlocks a region.
    MUNLOCK = "munlock" {
        /// Which.
        must munlock: Kind::Ref,
    }
    /// Makes a child process: a task that names this one as its `parent`.
    FORK = "fork" {
        /// Which.
        must fork: Kind::Ref,
    }
    /// Starts a thread.
    THREAD = "thread" {
        /// Which.
        must thread: Kind::Ref,
    }
    /// Allocates memory for the kernel itself. What it gets is given back at once unless `hold`; if it gets none, the program goes on.
    ALLOC = "alloc" {
        /// Flags, joined by `|`.
        must alloc: Kind::Gfp,
        /// Each allocation is of 2^order pages; by default 0.
        may order: Kind::Integer(0, 10),
        /// How many allocations; by default 1.
        may count: Kind::Integer(1, ALLOCATIONS_MAX),
        /// Whether it is kmalloc() that asks, so that lock debugging finds it there; by default false.
        may slab: Kind::Boolean,
        /// Whether the task keeps them, until `free` or its end; by default false.
        may hold: Kind::Boolean,
    }
    /// Frees what the task holds of its allocations.
    FREE = "free" {
        /// Always true.
        must free: Kind::True,
    }
    /// Runs operations in an allocation scope (memalloc_noio_save() and the like).
    MEMALLOC = "memalloc" {
        /// PF_MEMALLOC_NOIO, PF_MEMALLOC_NOFS, or PF_MEMALLOC.
        must memalloc: Kind::OneOf(&["noio", "nofs", "memalloc"]),
        /// The operations.
        must program: Kind::Program,
    }
    /// Runs operations inside the kernel: they go on to the end although SIGKILL is pending, which is seen when the section returns. A killable wait that is cut short ends the section: it lets go of what it holds and returns.
    IOCTL = "ioctl" {
        /// The operations. They take and let go the locks they need: none is held when the section ends.
        must ioctl: Kind::KernelProgram,
    }
    /// Takes a lock of the file, in an `ioctl` section.
    LOCK = "lock" {
        /// Which.
        must lock: Kind::Ref,
        /// How, for a reader-writer semaphore; by default for writing.
        may mode: READ_WRITE,
        /// Whether SIGKILL ends the wait, and with it the section; by default false.
        may killable: Kind::Boolean,
    }
    /// Takes a lock if that needs no wait, runs operations with it, and lets it go; else it does nothing.
    TRYLOCK = "trylock" {
        /// Which.
        must trylock: Kind::Ref,
        /// How, for a reader-writer semaphore; by default for writing.
        may mode: READ_WRITE,
        /// The operations.
        must program: Kind::Program,
    }
    /// Lets go of a lock that the same section took.
    UNLOCK = "unlock" {
        /// Which.
        must unlock: Kind::Ref,
    }
    /// Takes the mmap_lock of the process, in an `ioctl` section.
    MMAP_LOCK = "mmap_lock" {
        /// How.
        must mmap_lock: READ_WRITE,
        /// Whether SIGKILL ends the wait, and with it the section; by default false.
        may killable: Kind::Boolean,
    }
    /// Lets go of the mmap_lock that the same section took.
    MMAP_UNLOCK = "mmap_unlock" {
        /// Always true.
        must mmap_unlock: Kind::True,
    }
    /// Sleeps until SIGKILL is pending.
    AWAIT_SIGKILL = "await_sigkill" {
        /// Always true.
        must await_sigkill: Kind::True,
    }
    /// Sleeps in the kernel (msleep), by the timer wheel.
    SLEEP = "sleep" {
        /// How long.
        must sleep: Kind::Distribution(DELAY_MAX),
        /// Whether SIGKILL ends it; by default not.
        may signals: SIGNALS,
    }
    /// Waits for an event that some task signals (wait_for_completion).
    WAIT = "wait" {
        /// Its name.
        must wait: Kind::Ref,
        /// Whether SIGKILL ends the wait; by default it does, but not inside an `ioctl` section.
        may signals: SIGNALS,
        /// How long at most; the program goes on all the same.
        may timeout: Kind::Time(Nanos(1), DELAY_MAX),
        /// Whether it is a semaphore that the process takes, to be given back when it exits (semop() with SEM_UNDO); by default false.
        may undo: Kind::Boolean,
    }
    /// Signals an event (complete): one that waits for it goes on, or the next that comes to wait.
    SIGNAL = "signal" {
        /// Its name; there is no other declaration.
        must signal: Kind::Name,
        /// Whether all go on, now and for ever (complete_all); by default false.
        may all: Kind::Boolean,
        /// Whether that gives back a semaphore, so that exit need not (SEM_UNDO); by default false.
        may undo: Kind::Boolean,
    }
    /// Takes a robust mutex in memory that processes share (PTHREAD_MUTEX_ROBUST); not inside an `ioctl`.
    FUTEX_LOCK = "futex_lock" {
        /// Its name; there is no other declaration.
        must futex_lock: Kind::Name,
        /// The region that holds the list of those that the thread owns: the kernel reads it when the thread dies, unless it has been reaped by then.
        must list: Kind::Ref,
    }
    /// Lets go of it.
    FUTEX_UNLOCK = "futex_unlock" {
        /// Its name.
        must futex_unlock: Kind::Ref,
    }
    /// Uses the CPU.
    COMPUTE = "compute" {
        /// For how long.
        must compute: Kind::Distribution(DELAY_MAX),
    }
    /// Runs operations again and again.
    REPEAT = "repeat" {
        /// How often.
        must repeat: Kind::Either(&Kind::Integer(1, COUNT_MAX), &Kind::OneOf(&["forever"])),
        /// The operations.
        must program: Kind::Program,
    }
    /// Registers a device's notifier on this process: the device mirrors a region from now on.
    REGISTER = "register" {
        /// The device.
        must register: Kind::Ref,
        /// The region.
        must region: Kind::Ref,
        /// Where it begins in the region; by default at its start.
        may offset: Kind::Size(0, REGION_MAX),
        /// Its length; by default to the region's end.
        may length: Kind::Size(PAGE_SIZE, REGION_MAX),
        /// How much longer it is than that, perhaps past the region's end; by default 0.
        may extend: Kind::Size(0, REGION_MAX),
    }
    /// Removes the notifiers of a device from this process.
    UNREGISTER = "unregister" {
        /// The device.
        must unregister: Kind::Ref,
    }
    /// Gives a device jobs that use a region, until the task is killed or for some times.
    SUBMIT = "submit" {
        /// The device.
        must submit: Kind::Ref,
        /// The region.
        must region: Kind::Ref,
        /// Which of the device's rings; by default its own queue.
        may ring: Kind::Ref,
        /// Time between two jobs.
        must every: Kind::Time(EVERY_MIN, DELAY_MAX),
        /// How many; by default without end.
        may count: Kind::Integer(1, COUNT_MAX),
    }
    /// Changes the oom_score_adj of this process.
    OOM_SCORE_ADJ = "oom_score_adj" {
        /// The value.
        must oom_score_adj: Kind::Integer(-1000, 1000),
    }
    /// Sends SIGKILL to a task.
    KILL = "kill" {
        /// Which.
        must kill: Kind::Ref,
    }
    /// Reaps the memory of a dying task (process_mrelease, Linux 5.15 and later).
    PROCESS_MRELEASE = "process_mrelease" {
        /// Which.
        must process_mrelease: Kind::Ref,
    }
    /// Sleeps in user mode, which any signal ends.
    PAUSE = "pause" {
        /// How long.
        must pause: Kind::Distribution(DELAY_MAX),
    }
    /// Waits until memory pressure passes a threshold (a trigger of /proc/pressure/memory, Linux 5.2 and later; before, it waits for ever).
    PSI_POLL = "psi_poll" {
        /// Whether any task must have been held up, or all.
        must psi_poll: Kind::OneOf(&["some", "full"]),
        /// For how long in all within the window; at most the window itself.
        must threshold: Kind::Time(Nanos::from_us(1), PSI_WINDOW_MAX),
        /// The window, which is looked at ten times.
        must window: Kind::Time(PSI_WINDOW_MIN, PSI_WINDOW_MAX),
    }
    /// Sits in a driver and, once SIGKILL is pending, sleeps uninterruptibly for a while, without locks.
    STUCK = "stuck" {
        /// For how long after SIGKILL.
        must stuck: Kind::Time(Nanos::ZERO, DELAY_MAX),
    }
    /// Says that this process is ready: those whose start waits for it may start.
    READY = "ready" {
        /// Always true.
        must ready: Kind::True,
    }
    /// Sleeps until killed.
    IDLE = "idle" {
        /// Always true.
        must idle: Kind::True,
    }
    /// The process crashes: its core is written to a file while its other threads wait, then it ends.
    CORE_DUMP = "core_dump" {
        /// Always true.
        must core_dump: Kind::True,
    }
    /// Ends the process.
    EXIT = "exit" {
        /// Always true.
        must exit: Kind::True,
    }
}
