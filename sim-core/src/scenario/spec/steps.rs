//! Drivers of a scenario's own, and the steps of their callbacks.

use super::super::names;
use super::tables::WORKER;
use super::{
    ABOUT_MAX, DELAY_MAX, Field, Kind, Needed, PRESETS_MAX, TITLE_MAX, Table, declare, needed,
};
use crate::base::Nanos;

const ZERO: Nanos = Nanos::ZERO;
/// Most allocations of one step.
const ALLOCATIONS_MAX: i64 = 1 << 16;

/// All steps.
pub(in crate::scenario) const STEPS: &[Table] =
    &[LOCK, UNLOCK, WORK, HARDWARE, SLEEP, FENCES, FLUSH, QUEUE, ALLOC, UNPIN, FAILS, INVALIDATION];

declare! {
    /// A driver described by what it does: `docs/src/describe-a-driver.md` tells how. Devices name it as they name any other.
    DRIVER = "driver" {
        /// Its name, which no driver that comes with the program has.
        must name: Kind::Name,
        /// One line for people.
        may title: Kind::Text(TITLE_MAX),
        /// What it does and what of that is left out, a paragraph.
        may about: Kind::Text(ABOUT_MAX),
        /// Where it was read: file and function.
        may source: Kind::Text(ABOUT_MAX),
        /// The version of the kernel in which it was read.
        may version: Kind::Text(TITLE_MAX),
        /// What of it nobody has read in the source: from memory, or an estimate.
        may unverified: Kind::Text(ABOUT_MAX),
        /// A driver that it is like, but for the fields below that are of a device; by default it is like none, and its steps say all.
        may like: Kind::Registered(names::drivers),
        /// Which notifier it registers; by default the kernel's usual one of these: hlist (mmu_notifier), interval (mmu_interval_notifier), secondary-tlb (flushed with the CPU's TLB, asked nothing), none (it only holds pages).
        may api: Kind::OneOf(&["hlist", "interval", "secondary-tlb", "none"]),
        /// What its own lock is; by default a mutex, or a rwsem if a step reads under it. Nobody refuses because of a spinlock or an rwlock: who wants one spins.
        may lock_kind: Kind::OneOf(&["mutex", "rwsem", "spinlock", "rwlock"]),
        /// The kernel module that it is in, as call traces name it; by default its name.
        may module: Kind::Text(TITLE_MAX),
        /// Whether it returns at once where it covers nothing of the range; by default true. If not, it takes its locks and keeps its counts for any range. The core does the test for an interval.
        may range_test: Kind::Boolean,
        /// What it does in a call that must not sleep: refuse always, whatever the range; refuse every overlap, idle or not (the default); refuse when-busy, while the device has a job; refuse when-mapped, where the device maps any page of it (where it maps none, its steps are not run); refuse if-needed, where a step would wait; or never, and sleep all the same.
        may refuse: Kind::OneOf(&["always", "overlap", "when-busy", "when-mapped", "if-needed", "never"]),
        /// Of 100 calls that concern it, how many find hardware that needs no waiting for, so that they neither wait nor refuse; by default 0.
        may lucky: Kind::Integer(0, 100),
        /// How a fault of the device waits while `invalidation` counts one in progress: killable (the default), uninterruptible, retried on the CPU until it is served or SIGKILL comes, or timed: for a second at most, after which the device faults again.
        may faults: Kind::OneOf(&["killable", "uninterruptible", "retried", "timed"]),
        /// What its start or invalidate callback does; the device does not use the range any longer when it is through.
        may start: Kind::Steps,
        /// What invalidate_finish does, the second of two passes (7.1); callers that know one pass run it behind the first.
        may finish: Kind::Steps,
        /// What its end callback does; only a notifier on the list has one.
        may end: Kind::Steps,
        /// What its release callback does when the mm goes, or when the notifier is unregistered; only a notifier on the list has one. Whoever waits for callers of notifiers to leave (SRCU) waits for it.
        may release: Kind::Steps,
        /// What a process does in the driver when it registers.
        may register: Kind::Steps,
        /// What a process does, under the driver's own lock, when it has memory mapped for a job.
        may map: Kind::Steps,
        /// Time a job of its devices takes; by default 0s.
        may fence: Kind::Distribution(DELAY_MAX),
        /// As of a device.
        may sleep: Kind::Time(ZERO, DELAY_MAX),
        /// As of a device; a driver with steps says it there.
        may work: Kind::Distribution(DELAY_MAX),
        /// Whether it holds references to the pages it uses, until its file is closed or a step `unpin`.
        may page_refs: Kind::Boolean,
        /// Whether its notifier carries the flag that says it never blocks (kernels with `skip-flag`); by default false.
        may does_not_block: Kind::Boolean,
        /// As of a device; a driver with steps says it there.
        may vcpus: Kind::Integer(1, 1024),
        /// Time after which a job of its devices is aborted; by default never.
        may timeout: Kind::Time(Nanos(1), DELAY_MAX),
        /// As of a device; a driver with steps says it there.
        may gfp: Kind::Gfp,
        /// Which event codes its callback acts on; by default any.
        may acts_on: Kind::OneOf(&["any", "unmap"]),
        /// As of a device.
        may mapped: Kind::OneOf(&["at-submit", "at-register", "on-fault"]),
        /// As of a device.
        may worker: Kind::Table(&WORKER),
        /// As of a device.
        may shrinker: Kind::Steps,
    }
    /// Takes a lock. In a call that must not sleep it is tried only, unless it is one that spins.
    LOCK = "lock" {
        /// `own`, the driver's lock, or one of the scenario's.
        must lock: Kind::Ref,
        /// How a reader-writer semaphore or an rwlock is taken; by default for writing.
        may mode: Kind::OneOf(&["read", "write"]),
        /// In a call that may sleep: wait for it (the default), killable (a caller that got SIGKILL fails instead of waiting), or trylock (fail where it is taken). A callback that fails there loses the invalidation: nobody asks.
        may how: Kind::OneOf(&["wait", "killable", "trylock"]),
    }
    /// Lets go of a lock. One that `start` keeps, `end` lets go.
    UNLOCK = "unlock" {
        /// Which one.
        must unlock: Kind::Ref,
    }
    /// Works on the CPU.
    WORK = "work" {
        /// How long.
        must work: Kind::Distribution(DELAY_MAX),
    }
    /// Waits for the hardware, which interrupts when it is done.
    HARDWARE = "hardware" {
        /// How long.
        must hardware: Kind::Distribution(DELAY_MAX),
    }
    /// Sleeps (msleep), which timers round.
    SLEEP = "sleep" {
        /// How long.
        must sleep: Kind::Distribution(DELAY_MAX),
    }
    /// Waits for the fences of all jobs that use the range.
    FENCES = "fences" {
        /// Always true.
        must fences: Kind::True,
        /// A caller that is exiting (PF_EXITING) does without.
        may unless: Kind::OneOf(&["exiting"]),
    }
    /// Waits until the device's worker has done what it had to do (flush_workqueue).
    FLUSH = "flush" {
        /// Always true.
        must flush: Kind::True,
        /// By the workqueue (the default), or by a completion of the driver's own (wait_for_completion), of which lockdep knows nothing.
        may how: Kind::OneOf(&["workqueue", "completion"]),
    }
    /// Gives the device's worker something to do for this range, in `release` for all that is registered, and goes on (queue_work).
    QUEUE = "queue" {
        /// Always true.
        must queue: Kind::True,
    }
    /// Allocates memory, and gives it back.
    ALLOC = "alloc" {
        /// The request's flags.
        must alloc: Kind::Gfp,
        /// Its order; by default 0.
        may order: Kind::Integer(0, 10),
        /// How many requests; by default 1.
        may count: Kind::Integer(1, ALLOCATIONS_MAX),
        /// Whether it is kmalloc() that asks, so that lock debugging finds it there; by default false.
        may slab: Kind::Boolean,
    }
    /// Drops the device's references to pages of the range.
    UNPIN = "unpin" {
        /// Always true.
        must unpin: Kind::True,
    }
    /// Fails now and then, as a hypercall may: locks are let go, and the callback refuses, even where it may sleep. Nobody asks for its answer there: the invalidation is lost.
    FAILS = "fails" {
        /// In how many of 100 calls.
        must fails: Kind::Integer(1, 100),
    }
    /// Counts invalidations in progress: while there is one, no fault of the device is served.
    INVALIDATION = "invalidation" {
        /// One more, or one less.
        must invalidation: Kind::OneOf(&["begin", "end"]),
    }
}

/// The file of the drivers that come with the program.
pub(in crate::scenario) const PRESETS: Table = Table {
    name: "presets",
    doc: " Real drivers.",
    fields: &[Field {
        name: "driver",
        needed: Needed::Must,
        kind: Kind::Tables(&DRIVER, PRESETS_MAX),
        doc: " Drivers.",
    }],
};
