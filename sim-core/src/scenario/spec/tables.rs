//! The tables of a scenario file other than operations.

use super::super::names;
use super::super::units::PAGE_SIZE;
use super::steps::DRIVER;
use super::{
    ABOUT_MAX, CGROUPS_MAX, COMM_SIZE_MAX, DELAY_MAX, DEVICES_MAX, DRIVERS_MAX, Field, HORIZON_MAX,
    INJECTIONS_MAX, Kind, LOCKS_MAX, Needed, RAM, RINGS_MAX, TASKS_MAX, THREADS_MAX, TITLE_MAX,
    Table, UPTIME_MAX, ZONE_PAGES_MAX, declare, needed,
};
use crate::base::Nanos;

/// The kernel's `PID_MAX_LIMIT` on 64 bits, exclusive.
const PID_MAX: i64 = 4_194_303;
/// Largest user id.
const UID_MAX: i64 = (1 << 32) - 2;
const ZERO: Nanos = Nanos::ZERO;
/// Longest name of a lock class.
const LOCK_CLASS_MAX: usize = 64;

declare! {
    /// A scenario: a machine, the processes and devices on it, and what is done to them.
    FILE = "scenario" {
        /// The version of the language.
        must schema: Kind::IntegerOf(&[1]),
        /// One line for people.
        must title: Kind::Text(TITLE_MAX),
        /// What it shows, a paragraph.
        may about: Kind::Text(ABOUT_MAX),
        /// The kernel profile.
        must kernel: Kind::Registered(names::profiles),
        /// How the reaper meets notifiers; by default as the kernel does.
        may policy: Kind::Registered(names::policies),
        /// The last instant simulated; by default 60s.
        may horizon: Kind::Time(ZERO, HORIZON_MAX),
        /// Memory, CPUs, clock, disks and costs.
        may machine: Kind::Table(&MACHINE),
        /// Drivers of its own, for its devices to name.
        may driver: Kind::Tables(&DRIVER, DRIVERS_MAX),
        /// Devices.
        may device: Kind::Tables(&DEVICE, DEVICES_MAX),
        /// Processes, in the order of their creation; at least one.
        may task: Kind::Tables(&TASK, TASKS_MAX),
        /// Control groups of memory.
        may cgroup: Kind::Tables(&CGROUP, CGROUPS_MAX),
        /// Locks of the kernel that `ioctl` sections and devices take.
        may lock: Kind::Tables(&LOCK, LOCKS_MAX),
        /// What is done from outside, at a time.
        may inject: Kind::Tables(&INJECT, INJECTIONS_MAX),
    }
    /// Memory, CPUs, clock, disks and costs of the machine.
    MACHINE = "machine" {
        /// Memory, of which zones are made as the kernel would; by default 4GiB.
        may ram: Kind::Size(RAM.0, RAM.1),
        /// Memory that the kernel has for itself from the start; by default 3%.
        may used: Kind::Share,
        /// Clean page cache at the start; by default none.
        may page_cache: Kind::Size(0, RAM.1),
        /// Dirty page cache at the start; by default none.
        may dirty: Kind::Size(0, RAM.1),
        /// Free memory that a balloon holds at the start and gives back, 1MiB at a time, when the OOM killer asks around first; by default none.
        may balloon: Kind::Size(0, RAM.1),
        /// Zones as they are, instead of `ram`: DMA, DMA32 and Normal, each at most once.
        may zone: Kind::Tables(&ZONE, 3),
        /// Kilobytes that are kept free, of which watermarks are made; by default as the kernel computes it.
        may min_free_kbytes: Kind::Integer(64, 1 << 30),
        /// Distance between watermarks, in units of 0.01 % of a zone; by default 10.
        may watermark_scale_factor: Kind::Integer(1, 3000),
        /// Swap space; by default none.
        may swap: Kind::Table(&SWAP),
        /// The disk that files are on.
        may disk: Kind::Table(&DISK),
        /// CPUs; by default 4.
        may cpus: Kind::Integer(1, 64),
        /// Ticks per second; by default 250.
        may hz: Kind::IntegerOf(&[100, 250, 300, 1000]),
        /// Whether timers are rounded as the timer wheel does; by default false.
        may timer_wheel: Kind::Boolean,
        /// Time since boot at the run's start, which the wheel's rounding depends on; by default 0s.
        may uptime: Kind::Time(ZERO, UPTIME_MAX),
        /// What lock debugging adds to taking a free mutex, or to letting it go, other operations in proportion; or "recorded", as counted on a kernel with lockdep; by default 0s: the kernel debugs no locks.
        may lock_op_cost: Kind::Either(&Kind::Time(ZERO, DELAY_MAX), &Kind::OneOf(&["recorded"])),
        /// vm.dirty_background_ratio: percent of what could be dirty, above which dirty page cache is written back; by default 10.
        may dirty_background_ratio: Kind::Integer(0, 100),
        /// vm.dirty_ratio: percent of it above which who makes more dirty has to wait; by default 20.
        may dirty_ratio: Kind::Integer(0, 100),
        /// vm.dirty_writeback_centisecs: how often page cache that has been dirty for long is looked for; by default 5s; 0s never.
        may dirty_writeback_interval: Kind::Time(ZERO, HORIZON_MAX),
        /// vm.dirty_expire_centisecs: how long that is; by default 30s.
        may dirty_expire_interval: Kind::Time(ZERO, HORIZON_MAX),
        /// vm.panic_on_oom: 0 kill; 1 panic unless the OOM is confined; 2 panic always.
        may panic_on_oom: Kind::Integer(0, 2),
        /// vm.oom_kill_allocating_task: whoever runs out of memory is killed.
        may oom_kill_allocating_task: Kind::Boolean,
        /// kernel.hung_task_timeout_secs; by default 120s; 0s reports nothing.
        may hung_task_timeout: Kind::Time(ZERO, HORIZON_MAX),
        /// OOM_REAPER_DELAY: from a kill until the reaper is told of the victim, in whole jiffies; 0s tells it at once; by default the kernel's own: 2s since 5.18, none before.
        may oom_reaper_delay: Kind::Time(ZERO, DELAY_MAX),
        /// How long the reaper sleeps after an attempt that failed, in whole jiffies; by default 100ms: HZ/10.
        may oom_reap_pause: Kind::Time(ZERO, DELAY_MAX),
        /// MAX_OOM_REAP_RETRIES: how many attempts the reaper makes before it gives a victim up; by default 10.
        may max_oom_reap_retries: Kind::Integer(1, 255),
        /// How long the reaper sleeps, with oom_lock held, in place of reaping an mm that a notifier is on (policies skip-any and skip-flag), in whole jiffies; by default 1s: HZ.
        may oom_skip_sleep: Kind::Time(ZERO, DELAY_MAX),
        /// How long a flush of an IOTLB is polled for, until the pages go all the same; by default 1s, as for SMMUv3.
        may iotlb_flush_timeout: Kind::Time(ZERO, HORIZON_MAX),
        /// Costs that differ from the defaults, by name.
        may cost: Kind::Costs,
    }
    /// A zone of memory; sizes in pages.
    ZONE = "zone" {
        /// Which zone.
        must name: Kind::OneOf(&["DMA", "DMA32", "Normal"]),
        /// Pages that the allocator manages.
        must managed: Kind::Integer(1, ZONE_PAGES_MAX),
        /// Free pages at the start; by default all but 3 % and the page cache.
        may free: Kind::Integer(0, ZONE_PAGES_MAX),
        /// The watermark min.
        must min: Kind::Integer(0, ZONE_PAGES_MAX),
        /// The watermark low; by default as the kernel computes it.
        may low: Kind::Integer(0, ZONE_PAGES_MAX),
        /// The watermark high; by default as far from low as low is from min.
        may high: Kind::Integer(0, ZONE_PAGES_MAX),
        /// Pages kept from requests that a higher zone could serve; by default 0.
        may reserve: Kind::Integer(0, ZONE_PAGES_MAX),
        /// Clean page cache at the start; by default 0.
        may page_cache: Kind::Integer(0, ZONE_PAGES_MAX),
        /// Dirty page cache at the start; by default 0.
        may dirty: Kind::Integer(0, ZONE_PAGES_MAX),
    }
    /// Swap space and the device it is on.
    SWAP = "swap" {
        /// How much.
        must size: Kind::Size(PAGE_SIZE, RAM.1),
        /// Time until a request begins to move data; by default uniform from 50us to 200us.
        may latency: Kind::Distribution(DELAY_MAX),
        /// How fast data moves; by default 200MiB/s.
        may bandwidth: Kind::Rate,
    }
    /// The disk that files are read from and written back to.
    DISK = "disk" {
        /// Time until a request begins to move data; by default uniform from 50us to 200us.
        may latency: Kind::Distribution(DELAY_MAX),
        /// How fast data moves; by default 500MiB/s.
        may bandwidth: Kind::Rate,
    }
    /// A device and its driver.
    DEVICE = "device" {
        /// Its name.
        must name: Kind::Name,
        /// The driver: an archetype, a real driver such as `i915-5.4`, or one of the file's own.
        must driver: Kind::Either(&Kind::Registered(names::drivers), &Kind::Ref),
        /// How it hears of invalidations; by default as the kernel has it.
        may api: Kind::OneOf(&["hlist", "interval"]),
        /// The lock that its driver takes, and other code may take too; by default one of its own.
        may lock: Kind::Ref,
        /// Time a job takes, drawn when it is submitted; by default what the driver says.
        may fence: Kind::Distribution(DELAY_MAX),
        /// Time a callback that may sleep sleeps besides, whatever the jobs do; by default 0s.
        may sleep: Kind::Time(ZERO, DELAY_MAX),
        /// When a call that must not block, and overlaps, is refused; by default as the driver does.
        may refuse: Kind::OneOf(&["overlap", "when-busy"]),
        /// Time the callback itself works; by default what the driver says.
        may work: Kind::Distribution(DELAY_MAX),
        /// Whether the device holds references to the pages it uses; by default what the driver says.
        may page_refs: Kind::Boolean,
        /// Whether its notifier carries the flag that says it never blocks (kernels with `skip-flag`); by default what the driver says.
        may does_not_block: Kind::Boolean,
        /// Virtual CPUs of a hypervisor's guest, which a callback must interrupt; by default 1.
        may vcpus: Kind::Integer(1, 1024),
        /// Time after which a job is aborted; by default never.
        may timeout: Kind::Time(Nanos(1), DELAY_MAX),
        /// The flags of an allocation that the callback makes; by default it makes none.
        may gfp: Kind::Gfp,
        /// Which event codes it acts on; by default any. To the others it returns success and does nothing.
        may acts_on: Kind::OneOf(&["any", "unmap"]),
        /// Who signals the fences: a worker that may need a lock or memory for it; by default the hardware alone.
        may worker: Kind::Table(&WORKER),
        /// When memory is mapped for it: at-submit, by the process that submits a job, before that is queued (the default); at-register, by the process that registers, at once, and later by whoever submits a job if it was taken away; or on-fault, by a kernel thread of its driver, when a job runs and finds none (on-demand paging).
        may mapped: Kind::OneOf(&["at-submit", "at-register", "on-fault"]),
        /// Further queues of jobs, which work beside its own; its callbacks wait for the jobs of all of them.
        may ring: Kind::Tables(&RING, RINGS_MAX),
        /// What its driver does for whoever reclaims memory, in the steps of a driver's callback; by default it has no shrinker. `fences` are those of all its jobs, `unpin` drops all its references to pages, and a lock taken by trylock ends it where somebody has that.
        may shrinker: Kind::Steps,
    }
    /// A further queue of jobs of a device.
    RING = "ring" {
        /// Its name, which `submit` gives as `ring`.
        must name: Kind::Name,
        /// Time a job takes, drawn when it is submitted; by default what the device says.
        may fence: Kind::Distribution(DELAY_MAX),
        /// Time after which a job is aborted; by default what the device says.
        may timeout: Kind::Time(Nanos(1), DELAY_MAX),
        /// Who signals its fences; by default a worker like that of the device, if that has one.
        may worker: Kind::Table(&WORKER),
    }
    /// A worker of a driver, which signals fences or does what callbacks give it.
    WORKER = "worker" {
        /// Locks that it takes in this order, and lets go before it signals: those of the scenario, or `own`, the driver's.
        may lock: Kind::Refs(LOCKS_MAX),
        /// For whose fences it waits next, with those locks held: other devices, for all their jobs, or `own`, for the jobs of its own device that use the range which a callback gave it (all jobs, if nothing gave it one). Who signals them can't wait for `own`.
        may fences: Kind::Refs(DEVICES_MAX),
        /// The flags of an allocation that it makes before it signals.
        may alloc: Kind::Gfp,
        /// The allocation's order; by default 0.
        may order: Kind::Integer(0, 10),
        /// CPU time it takes before it signals; by default 0s.
        may time: Kind::Distribution(DELAY_MAX),
        /// Whether fences wait for it; by default true. If not, it only does what callbacks give it (`flush`, `queue`).
        may signals: Kind::Boolean,
        /// Whether it drops the device's references to the pages of ranges that a callback gave it (`queue`); by default false.
        may unpin: Kind::Boolean,
    }
    /// A control group of memory.
    CGROUP = "cgroup" {
        /// Its name.
        must name: Kind::Name,
        /// The group it is in; by default the root.
        may parent: Kind::Ref,
        /// memory.max; by default none.
        may limit: Kind::Size(0, RAM.1),
        /// memory.high; by default none.
        may high: Kind::Size(0, RAM.1),
        /// memory.min: so much of it is never reclaimed for others (since 4.18); by default 0B.
        may min: Kind::Size(0, RAM.1),
        /// memory.low: so much of it is reclaimed only when nothing else is left; by default 0B.
        may low: Kind::Size(0, RAM.1),
        /// memory.oom.group: its tasks die together; by default false.
        may oom_group: Kind::Boolean,
    }
    /// A lock of the kernel.
    LOCK = "lock" {
        /// Its name.
        must name: Kind::Name,
        /// What it is: only a reader-writer semaphore or an rwlock can be held for reading, and nobody may sleep under a spinlock or an rwlock.
        must kind: Kind::OneOf(&["mutex", "rwsem", "spinlock", "rwlock"]),
        /// Its lock class, as lockdep knows it: locks that one line of code initializes have one; by default its name.
        may class: Kind::Text(LOCK_CLASS_MAX),
    }
    /// Something done from outside, at a time: exactly one of the fields besides `at`.
    INJECT = "inject" {
        /// When.
        must at: Kind::Time(ZERO, HORIZON_MAX),
        /// A task that gets SIGKILL.
        may kill: Kind::Ref,
        /// The OOM killer is called, as by the key SysRq-F.
        may sysrq_f: Kind::True,
        /// A control group gets another limit.
        may limit: Kind::Table(&INJECT_LIMIT),
        /// The reaper meets notifiers in another way from now on.
        may policy: Kind::Registered(names::policies),
        /// The machine is suspended for so long: processes are frozen, nobody is killed and no reclaim does I/O meanwhile.
        may suspend: Kind::Time(ZERO, DELAY_MAX),
        /// A task is frozen, by a freezer cgroup of its own: it does nothing, and SIGKILL does not wake it.
        may freeze: Kind::Ref,
        /// A task is thawed.
        may thaw: Kind::Ref,
        /// A task gets another oom_score_adj.
        may oom_score_adj: Kind::Table(&INJECT_ADJ),
    }
    /// A new limit of a control group.
    INJECT_LIMIT = "inject-limit" {
        /// Which group.
        must cgroup: Kind::Ref,
        /// memory.max from now on, or none.
        must size: Kind::Either(&Kind::Size(0, RAM.1), &Kind::OneOf(&["max"])),
    }
    /// A new oom_score_adj of a task.
    INJECT_ADJ = "inject-oom-score-adj" {
        /// Which task.
        must task: Kind::Ref,
        /// The value.
        must value: Kind::Integer(-1000, 1000),
    }
    /// A process.
    TASK = "task" {
        /// Its name.
        must name: Kind::Name,
        /// comm, at most 15 bytes; by default the beginning of its name.
        may comm: Kind::Text(COMM_SIZE_MAX),
        /// Its process id; by default the next free one. 1 is init, which is never killed for memory.
        may pid: Kind::Integer(1, PID_MAX),
        /// Its user id; by default 0.
        may uid: Kind::Integer(0, UID_MAX),
        /// oom_score_adj; by default its parent's, or 0.
        may oom_score_adj: Kind::Integer(-1000, 1000),
        /// Its nice value, -20 to 19; by default its parent's, or 0.
        may nice: Kind::Integer(-20, 19),
        /// Its priority under SCHED_FIFO, 1 to 99; by default it is not a real-time task.
        may rt_priority: Kind::Integer(1, 99),
        /// Whether it has CAP_SYS_ADMIN, which lowers its badness in old kernels; by default false.
        may root: Kind::Boolean,
        /// Whether the OOM killer takes it first, as it does while it runs swapoff; by default false.
        may oom_task_origin: Kind::Boolean,
        /// Its control group; by default its parent's, or the root.
        may cgroup: Kind::Ref,
        /// A process that must `fork` this one; it does not exist before.
        may parent: Kind::Ref,
        /// Whether it shares its parent's address space (CLONE_VM); by default it gets a copy.
        may share_mm: Kind::Boolean,
        /// Whether its parent waits until it ends (vfork), which implies `share_mm`; by default false.
        may vfork: Kind::Boolean,
        /// When it starts: a time, or after another task said it is ready; by default at once.
        may start: Kind::Either(&Kind::Time(ZERO, HORIZON_MAX), &Kind::Table(&START)),
        /// What it has mapped besides its regions: static-elf (the default), the thirteen small VMAs of a
        /// static program with 159 anonymous and 160 file pages; or none.
        may preset: Kind::OneOf(&["static-elf", "none"]),
        /// What its first thread does; at its end that thread exits, and the process when no other is left.
        may program: Kind::Program,
        /// Further threads, started by the operation `thread`.
        may thread: Kind::Tables(&THREAD, THREADS_MAX),
    }
    /// A start condition.
    START = "start" {
        /// A task that must have said it is ready.
        may after: Kind::Ref,
        /// Time to wait after that; by default 0s.
        may delay: Kind::Time(ZERO, HORIZON_MAX),
    }
    /// A thread of a process besides its first.
    THREAD = "thread" {
        /// Its name.
        must name: Kind::Name,
        /// comm, at most 15 bytes (PR_SET_NAME); by default its process's.
        may comm: Kind::Text(COMM_SIZE_MAX),
        /// Its nice value; by default its process's.
        may nice: Kind::Integer(-20, 19),
        /// Its priority under SCHED_FIFO; by default its process's.
        may rt_priority: Kind::Integer(1, 99),
        /// What it does; at its end the thread exits.
        may program: Kind::Program,
    }
    /// Any time between two bounds, each as likely as any other.
    UNIFORM = "uniform" {
        /// The shortest.
        must lo: Kind::Time(ZERO, DELAY_MAX),
        /// The longest.
        must hi: Kind::Time(ZERO, DELAY_MAX),
    }
    /// Times between events that come independently.
    EXPONENTIAL = "exponential" {
        /// The average.
        must mean: Kind::Time(ZERO, DELAY_MAX),
    }
    /// Times near a median with a long tail.
    LOGNORMAL = "lognormal" {
        /// Half of all are shorter; not zero.
        must median: Kind::Time(Nanos(1), DELAY_MAX),
        /// 99 % are shorter.
        must p99: Kind::Time(ZERO, DELAY_MAX),
    }
}
