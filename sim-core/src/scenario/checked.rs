//! A scenario after checking: plain data, every name resolved, every
//! number in range. What a run is built from.
//!
//! Sizes are in pages of 4 KiB, addresses in bytes, times in ns.

use std::collections::BTreeMap;

use crate::base::{Distribution, Nanos};
/// Names that [`Machine::costs`] may set, each with its default in ns
/// and its meaning.
pub use crate::kernel::costs::COSTS;
use crate::kernel::plugin::ActsOn;
use crate::record::Gfp;

/// A checked scenario.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Gallery id or file stem.
    pub id: String,
    /// One line for people.
    pub title: String,
    /// What it shows, a paragraph; may be empty.
    pub about: String,
    /// Kernel profile id it asks for.
    pub kernel: String,
    /// Notifier policy it asks for; `None`: the profile's own.
    pub policy: Option<String>,
    /// Last instant simulated.
    pub horizon: Nanos,
    /// The machine.
    pub machine: Machine,
    /// Devices, in file order.
    pub devices: Vec<Device>,
    /// Processes, in file order, which is creation order at equal start times.
    pub tasks: Vec<Task>,
}

/// RAM, CPUs, clock and costs.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Zones, lowest first.
    pub zones: Vec<Zone>,
    /// CPUs, 1 to 64.
    pub cpus: u32,
    /// Ticks per second: 100, 250, 300 or 1000.
    pub hz: u32,
    /// Whether timers are rounded as the kernel's timer wheel rounds them.
    pub timer_wheel: bool,
    /// Time since boot at the run's start; decides the phase of the timer wheel.
    pub uptime: Nanos,
    /// Costs by name: only those given; [`COSTS`] has the others' defaults.
    pub costs: BTreeMap<String, Nanos>,
}

/// A zone.
#[derive(Clone, Debug)]
pub struct Zone {
    /// `DMA`, `DMA32`, `Normal`.
    pub name: String,
    /// Managed pages.
    pub managed: u64,
    /// Free pages at the start, at most `managed`.
    pub free: u64,
    /// Watermarks.
    pub min: u64,
    /// See `min`.
    pub low: u64,
    /// See `min`.
    pub high: u64,
    /// Pages kept from requests that could be served by a higher zone.
    pub lowmem_reserve: u64,
    /// Clean page-cache pages at the start, reclaimable.
    pub page_cache: u64,
}

/// A device and its driver.
#[derive(Clone, Debug)]
pub struct Device {
    /// Unique name.
    pub name: String,
    /// Driver id (`gpu-fence`, …).
    pub driver: String,
    /// How it registers; `None`: the profile's default.
    pub api: Option<Api>,
    /// Time a job takes, drawn when it is submitted.
    pub fence: Distribution,
    /// Time a callback that may sleep sleeps besides, whatever the jobs do.
    pub sleep: Nanos,
    /// When a non-blockable, overlapping call is refused; `None`: as the archetype does.
    pub refuse: Option<Refuse>,
    /// Time a callback works; `None`: what the archetype costs.
    pub work: Option<Distribution>,
    /// Whether it holds references to the pages it mirrors; `None`: as the archetype does.
    pub page_refs: Option<bool>,
    /// Whether its list notifier promises not to block; `None`: as the archetype does.
    pub does_not_block: Option<bool>,
    /// vCPUs of a hypervisor's guest.
    pub vcpus: u32,
    /// When a job that has not signaled is reset; `None`: never.
    pub timeout: Option<Nanos>,
    /// What a callback allocates with; `None`: it allocates nothing.
    pub gfp: Option<Gfp>,
    /// Who signals fences; `None`: the hardware itself.
    pub worker: Option<Worker>,
    /// Which invalidations it acts on.
    pub acts_on: ActsOn,
}

/// A kernel thread that a driver needs before a fence signals.
#[derive(Clone, Debug)]
pub struct Worker {
    /// What it allocates, and of which order.
    pub alloc: Option<(Gfp, u8)>,
    /// CPU time it takes.
    pub time: Distribution,
}

/// How a device hears of invalidations.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Api {
    /// `mmu_notifier`: on the mm's list, called for every range.
    Hlist,
    /// `mmu_interval_notifier`: in the mm's interval tree, called on overlap.
    Interval,
}

/// When a driver that may refuse does.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Refuse {
    /// On every overlap, idle or not.
    Overlap,
    /// Only while the device works on a job.
    WhenBusy,
}

/// A user process.
#[derive(Clone, Debug)]
pub struct Task {
    /// Unique name.
    pub name: String,
    /// `comm`, at most 15 bytes; the name if not given.
    pub comm: String,
    /// Thread-group id; `None`: the next free one.
    pub pid: Option<u32>,
    /// `oom_score_adj`, -1000 to 1000.
    pub oom_score_adj: i16,
    /// When it starts.
    pub start: Start,
    /// VMAs it has from the start, besides those its program maps, by address.
    pub vmas: Vec<Vma>,
    /// What its first thread does.
    pub program: Vec<Op>,
    /// Further threads, by name; started by [`Op::Thread`].
    pub threads: Vec<Thread>,
}

/// A start condition.
#[derive(Clone, Debug, Default)]
pub struct Start {
    /// Index of a task that must have said [`Op::Ready`] before; `None`: the run's start.
    pub after: Option<usize>,
    /// Time to wait after that.
    pub delay: Nanos,
}

/// A VMA a process has from the start.
#[derive(Clone, Debug)]
pub struct Vma {
    /// `[stack]`, `text`, …
    pub name: String,
    /// First byte, page-aligned.
    pub start: u64,
    /// One past the last byte.
    pub end: u64,
    /// Anonymous, else a private mapping of a file.
    pub anonymous: bool,
    /// Pages present from the start. Anonymous ones are taken from free
    /// memory when the task starts; those of a file map page cache that
    /// exists already and take nothing.
    pub present: u64,
}

/// A thread besides the first.
#[derive(Clone, Debug)]
pub struct Thread {
    /// Unique within the task.
    pub name: String,
    /// What it does.
    pub program: Vec<Op>,
}

/// A step of a program. Regions are indices into the order in which the
/// task's [`Op::Mmap`] steps stand in its first thread's program.
#[derive(Clone, Debug)]
pub enum Op {
    /// Maps an anonymous private region.
    Mmap {
        /// Its name.
        region: String,
        /// Its size.
        pages: u64,
        /// First byte. The reader of scenario files always places regions,
        /// so that they don't overlap each other or the task's VMAs;
        /// `None`: below the last mapping, 2 MiB-aligned.
        at: Option<u64>,
    },
    /// Touches every page of the regions, in order.
    Touch {
        /// Indices of regions.
        regions: Vec<usize>,
        /// Pages per second; `None`: as fast as faults go.
        rate: Option<u64>,
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
    /// Starts a thread.
    Thread {
        /// Index into [`Task::threads`].
        thread: usize,
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
    /// Ends the process.
    Exit,
}
