//! A scenario after checking: plain data, every name resolved, every
//! number in range. What a run is built from.
//!
//! Sizes are in pages of 4 KiB, addresses in bytes, times in ns.

mod op;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use self::op::{LockRef, Op, Scope};
use crate::base::{Distribution, Nanos};
pub use crate::driver::plan::{LockName, OwnStep, Plan};
pub use crate::engine::Hold;
/// Names that [`Machine::costs`] may set, each with its default in ns
/// and its meaning.
pub use crate::kernel::costs::COSTS;
pub use crate::kernel::mm::{Access, Backing};
pub use crate::kernel::plugin::ActsOn;
pub use crate::kernel::state::PanicOnOom;
use crate::record::Gfp;
pub use crate::record::LockKind;

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
    /// Control groups of memory, parents before their children.
    pub cgroups: Vec<Cgroup>,
    /// Locks that programs and devices take.
    pub locks: Vec<Lock>,
    /// Names of the events that programs signal, in the order of their first signal.
    pub events: Vec<String>,
    /// Names of the robust futexes that programs take, in the order of their first mention.
    pub futexes: Vec<String>,
    /// What is done from outside, in file order.
    pub injections: Vec<Injection>,
}

/// RAM, CPUs, clock and costs.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Zones, lowest first.
    pub zones: Vec<Zone>,
    /// Their watermarks are as the kernel computes them, with this `watermark_scale_factor`:
    /// those here are of one that keeps as much free as it likes.
    pub computed: Option<u64>,
    /// CPUs, 1 to 64.
    pub cpus: u32,
    /// Ticks per second: 100, 250, 300 or 1000.
    pub hz: u32,
    /// Whether timers are rounded as the kernel's timer wheel rounds them.
    pub timer_wheel: bool,
    /// Time since boot at the run's start; decides the phase of the timer wheel.
    pub uptime: Nanos,
    /// Swap space, if there is any.
    pub swap: Option<Swap>,
    /// Where files are.
    pub disk: Disk,
    /// `vm.panic_on_oom`.
    pub panic_on_oom: PanicOnOom,
    /// `vm.oom_kill_allocating_task`.
    pub oom_kill_allocating_task: bool,
    /// `vm.dirty_background_ratio`, in percent.
    pub dirty_background_ratio: u64,
    /// `vm.dirty_ratio`, in percent.
    pub dirty_ratio: u64,
    /// `vm.dirty_writeback_centisecs`; zero: never.
    pub dirty_writeback_interval: Nanos,
    /// `vm.dirty_expire_centisecs`.
    pub dirty_expire_interval: Nanos,
    /// `kernel.hung_task_timeout_secs`; zero: nothing is reported.
    pub hung_task_timeout: Nanos,
    /// How long the reaper is not told of a victim; `None`: as the kernel's version has it.
    pub oom_reaper_delay: Option<Nanos>,
    /// How long the reaper sleeps after an attempt that failed.
    pub oom_reap_pause: Nanos,
    /// `MAX_OOM_REAP_RETRIES`, 1 or more.
    pub max_oom_reap_retries: u8,
    /// How long the reaper sleeps in place of an attempt, under policies that do so.
    pub oom_skip_sleep: Nanos,
    /// How long a flush of an IOTLB is polled for.
    pub iotlb_flush_timeout: Nanos,
    /// What lock debugging adds to taking a free mutex, or to letting it go; zero: the
    /// kernel debugs no locks.
    pub lock_op_cost: Nanos,
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
    /// Dirty page-cache pages at the start.
    pub dirty: u64,
    /// Pages that a balloon holds at the start; neither free nor page cache.
    pub balloon: u64,
}

/// A disk: one request after the other.
#[derive(Copy, Clone, Debug)]
pub struct Disk {
    /// Time of a request before its first byte.
    pub latency: Distribution,
    /// Pages per second.
    pub bandwidth: u64,
}

/// Swap space.
#[derive(Copy, Clone, Debug)]
pub struct Swap {
    /// Its size in pages.
    pub pages: u64,
    /// What it is on.
    pub disk: Disk,
}

/// A control group of memory.
#[derive(Clone, Debug)]
pub struct Cgroup {
    /// Unique name.
    pub name: String,
    /// Index of the group it is in; `None`: the root.
    pub parent: Option<usize>,
    /// `memory.max` in pages.
    pub limit: Option<u64>,
    /// `memory.high` in pages.
    pub high: Option<u64>,
    /// `memory.min` in pages.
    pub min: u64,
    /// `memory.low` in pages.
    pub low: u64,
    /// `memory.oom.group`.
    pub oom_group: bool,
}

/// A lock of the kernel.
#[derive(Clone, Debug)]
pub struct Lock {
    /// Unique name.
    pub name: String,
    /// What it is.
    pub kind: LockKind,
    /// Its lock class; its name if not given.
    pub class: String,
}

/// Something done from outside.
#[derive(Clone, Debug)]
pub struct Injection {
    /// When.
    pub at: Nanos,
    /// What.
    pub what: Inject,
}

/// What is done from outside.
#[derive(Clone, Debug)]
pub enum Inject {
    /// SIGKILL to a task.
    Kill {
        /// Its index.
        task: usize,
    },
    /// The OOM killer, called by the key SysRq-F.
    SysrqF,
    /// Another `memory.max`.
    Limit {
        /// Index of the group.
        cgroup: usize,
        /// Pages; `None`: no limit.
        pages: Option<u64>,
    },
    /// Another notifier policy.
    Policy {
        /// Its id.
        id: &'static str,
    },
    /// The machine is suspended.
    Suspend {
        /// For how long.
        time: Nanos,
    },
    /// A process is frozen.
    Freeze {
        /// Index of the task.
        task: usize,
    },
    /// It is thawed.
    Thaw {
        /// Index of the task.
        task: usize,
    },
    /// Another `oom_score_adj`.
    OomScoreAdj {
        /// Index of the task.
        task: usize,
        /// The value, -1000 to 1000.
        value: i16,
    },
}

/// A device and its driver.
#[derive(Clone, Debug)]
pub struct Device {
    /// Unique name.
    pub name: String,
    /// Driver id (`gpu-fence`, …), or the file's name for a driver of its own.
    pub driver: String,
    /// The kernel module of that.
    pub module: String,
    /// What that driver does.
    pub behaviour: Behaviour,
    /// How it registers; `None`: the profile's default.
    pub api: Option<Api>,
    /// Index of the lock that its driver takes; `None`: one of its own.
    pub lock: Option<usize>,
    /// Time a job takes, drawn when it is submitted; `None`: what the driver says.
    pub fence: Option<Distribution>,
    /// Time a callback that may sleep sleeps besides, whatever the jobs do.
    pub sleep: Nanos,
    /// When a non-blockable, overlapping call is refused; `None`: as the driver does.
    pub refuse: Option<Refuse>,
    /// Time of the callback's own work; `None`: what the driver says.
    pub work: Option<Distribution>,
    /// Whether it holds references to the pages it uses; `None`: what the driver says.
    pub page_refs: Option<bool>,
    /// `MMU_INVALIDATE_DOES_NOT_BLOCK`; `None`: what the driver says.
    pub does_not_block: Option<bool>,
    /// Virtual CPUs of a hypervisor's guest.
    pub vcpus: u32,
    /// Time after which a job is aborted; `None`: never.
    pub timeout: Option<Nanos>,
    /// Flags of an allocation that the callback makes.
    pub gfp: Option<Gfp>,
    /// Which event codes its callback acts on.
    pub acts_on: ActsOn,
    /// Who signals its fences; `None`: the hardware alone.
    pub worker: Option<Worker>,
    /// What reclaim sends its driver through; `None`: it has no shrinker.
    pub shrinker: Option<Vec<OwnStep>>,
    /// When memory is mapped for it.
    pub mapped: Mapped,
    /// Index of the device that it is a further ring of; those come behind all devices.
    pub ring_of: Option<usize>,
}

/// When memory is mapped for a device.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Mapped {
    /// When a job is submitted.
    AtSubmit,
    /// By who registers, at once.
    AtRegister,
    /// When a job that runs finds none.
    OnFault,
}

/// What a driver does.
#[derive(Clone, Debug)]
pub enum Behaviour {
    /// What the archetype of this id does.
    Archetype(&'static str),
    /// What these steps say.
    Steps(Arc<Plan>),
}

/// A worker that signals fences, or does what callbacks leave to it.
#[derive(Clone, Debug)]
pub struct Worker {
    /// Locks that it takes, in order, and lets go before it signals.
    pub locks: Vec<LockName>,
    /// Devices for whose fences it waits under them; none: its own.
    pub fences: Vec<Option<usize>>,
    /// Flags and order of an allocation that it makes before it signals.
    pub alloc: Option<(Gfp, u8)>,
    /// CPU time it takes before it signals.
    pub time: Distribution,
    /// Whether fences wait for it; else it does what callbacks give it.
    pub signals: bool,
    /// Whether it drops references to the pages of what a callback queued.
    pub unpins: bool,
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
    /// User id.
    pub uid: u32,
    /// `oom_score_adj`, -1000 to 1000; `None`: its parent's, or 0.
    pub oom_score_adj: Option<i16>,
    /// Nice value, -20 to 19; `None`: its parent's, or 0.
    pub nice: Option<i8>,
    /// Priority under SCHED_FIFO, 1 to 99; `None`: its parent's, or not a real-time task.
    pub rt_priority: Option<u8>,
    /// Whether it has CAP_SYS_ADMIN.
    pub root: bool,
    /// `oom_task_origin()`.
    pub oom_task_origin: bool,
    /// Index of its control group; `None`: its parent's, or the root.
    pub cgroup: Option<usize>,
    /// How it comes into being, if another process forks it.
    pub fork: Option<Fork>,
    /// When it starts; forked ones start when they are forked.
    pub start: Start,
    /// VMAs it has from the start, besides those its program maps, by
    /// address; a forked one has its parent's instead.
    pub vmas: Vec<Vma>,
    /// Its regions: first those of its parent, then those that its program maps.
    pub regions: Vec<Region>,
    /// What its first thread does.
    pub program: Vec<Op>,
    /// Further threads, by name; started by [`Op::Thread`].
    pub threads: Vec<Thread>,
}

/// How a process comes into being.
#[derive(Copy, Clone, Debug)]
pub struct Fork {
    /// Index of its parent, which has an [`Op::Fork`] for it.
    pub parent: usize,
    /// What becomes of the address space.
    pub mm: ForkMm,
}

/// A child's address space.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum ForkMm {
    /// A copy of its parent's (`fork`).
    Copy,
    /// Its parent's (`clone(CLONE_VM)`).
    Shared,
    /// Its parent's, and the parent waits until it ends (`vfork`).
    Vfork,
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

/// A region that a program maps. Regions of a process don't overlap each
/// other or its other VMAs.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct Region {
    /// Unique in its task.
    pub name: String,
    /// Its size.
    pub pages: u64,
    /// First byte.
    pub at: u64,
    /// What stands behind it.
    pub backing: Backing,
    /// Whether it comes in huge pages.
    pub thp: bool,
}

impl Region {
    /// One past the last byte.
    pub fn end(&self) -> u64 {
        self.at + self.pages * super::units::PAGE_SIZE
    }
}

/// A thread besides the first.
#[derive(Clone, Debug)]
pub struct Thread {
    /// Unique within the task.
    pub name: String,
    /// `comm`, at most 15 bytes; `None`: its process's.
    pub comm: Option<String>,
    /// Nice value; `None`: its process's.
    pub nice: Option<i8>,
    /// Priority under SCHED_FIFO; `None`: its process's.
    pub rt_priority: Option<u8>,
    /// What it does.
    pub program: Vec<Op>,
}
