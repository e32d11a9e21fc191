//! Who and what a run's records speak of: the side tables behind ids.

use super::{LockKind, OomDump, Wording};
use crate::base::{
    CgroupId, DeviceId, IdVec, LockId, MmId, Nanos, NotifierId, QueueId, RangeId, ReportId,
    SimTime, StackId, TaskId, ZoneId,
};
use crate::engine::{Frame, Hold};

/// `sysctl_hung_task_timeout_secs` (kernel/hung_task.c, Linux 6.1): its default.
const HUNG_TASK_TIMEOUT: Nanos = Nanos::from_secs(120);
/// `MAX_OOM_REAP_RETRIES` (mm/oom_kill.c, Linux 4.6 to 7.1).
pub const MAX_OOM_REAP_RETRIES: u8 = 10;
/// HZ/10: how long `oom_reap_task()` sleeps after an attempt that failed (same place).
pub const OOM_REAP_PAUSE: Nanos = Nanos::from_ms(100);

/// What kind of process a task is.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum TaskKind {
    /// A user process or one of its threads.
    User,
    /// A kernel thread.
    Kthread,
    /// A device: hardware that works beside the CPUs.
    Device,
    /// Bookkeeping of the kernel that is nobody's thread: a timer.
    Timer,
}

/// A process of the run.
#[derive(Clone, Debug)]
pub struct TaskInfo {
    /// Name in the scenario, unique; threads are `task/thread`.
    pub name: String,
    /// `comm`, as tracepoints print it.
    pub comm: String,
    /// Thread id.
    pub pid: u32,
    /// The thread group's leader; itself for a leader.
    pub leader: TaskId,
    /// What it is.
    pub kind: TaskKind,
    /// Its address space.
    pub mm: Option<MmId>,
    /// `oom_score_adj`, -1000 to 1000.
    pub oom_score_adj: i16,
}

/// An address space.
#[derive(Clone, Debug)]
pub struct MmInfo {
    /// The task it was made for.
    pub owner: TaskId,
    /// Its `mmap_lock`.
    pub mmap_lock: LockId,
}

/// A range of addresses: a VMA, or what a notifier covers.
#[derive(Clone, Debug)]
pub struct RangeInfo {
    /// Whose.
    pub mm: MmId,
    /// First byte.
    pub start: u64,
    /// One past the last byte.
    pub end: u64,
    /// What it is called: a region of the scenario, `[stack]`, …
    pub name: String,
    /// Whether its pages are anonymous (else a private file mapping).
    pub anonymous: bool,
}

/// A zone.
#[derive(Clone, Debug)]
pub struct ZoneInfo {
    /// `DMA`, `DMA32`, `Normal`.
    pub name: String,
    /// Managed pages.
    pub managed: u64,
    /// Watermarks, in pages.
    pub min: u64,
    /// See `min`.
    pub low: u64,
    /// See `min`.
    pub high: u64,
}

/// A device.
#[derive(Clone, Debug)]
pub struct DeviceInfo {
    /// Name in the scenario.
    pub name: String,
    /// Id of its driver, or the scenario's name for it.
    pub driver: String,
    /// Its driver's kernel module.
    pub module: String,
    /// The process that works for it.
    pub task: Option<TaskId>,
    /// The locks that its callback may take, its driver's own first.
    pub locks: Vec<LockId>,
    /// Those of them that a call which must not sleep tries, and how: where no rule has it
    /// refuse before, it refuses because somebody has one.
    pub tries: Vec<(LockId, Hold)>,
    /// The devices, itself or its rings, whose jobs have such a call refused
    /// (`refuse = "when-busy"`, or `"if-needed"` before a wait for fences).
    pub refuses_for: Vec<DeviceId>,
    /// Of 100 such calls, how many find hardware that needs no waiting for (`lucky`).
    pub lucky: u32,
    /// Of 100 calls, how many fail (the step `fails`).
    pub fails: u32,
    /// The kernel thread that its fences need before they signal.
    pub worker: Option<TaskId>,
    /// The kernel thread that serves its page faults.
    pub faulter: Option<TaskId>,
    /// After how long a job is reset; none: never.
    pub timeout: Option<Nanos>,
    /// Where those wait who wait for its fences, or for its worker.
    pub signaled: Option<QueueId>,
}

/// A registration of a device on an mm.
#[derive(Clone, Debug)]
pub struct NotifierInfo {
    /// Whose callback.
    pub device: DeviceId,
    /// On which mm.
    pub mm: MmId,
    /// Whether it is an interval notifier (else on the list).
    pub interval: bool,
}

/// A lock.
#[derive(Clone, Debug)]
pub struct LockInfo {
    /// `mmap_lock of hog`, `oom_lock`, …
    pub name: String,
    /// What kind of lock.
    pub kind: LockKind,
    /// Its lock class: locks that are initialized at one place in the code have one.
    pub class: String,
}

impl LockInfo {
    /// A mutex with a class of its own.
    pub fn mutex(name: &str) -> Self {
        Self { name: name.to_owned(), kind: LockKind::Mutex, class: name.to_owned() }
    }

    /// The `mmap_lock` of an address space, by whose it is, and its class.
    pub fn mmap_lock(owner: &str, class: &str) -> Self {
        let name = format!("mmap_lock of {owner}");
        Self { name, kind: LockKind::Rwsem, class: class.to_owned() }
    }
}

/// A memory cgroup.
#[derive(Clone, Debug)]
pub struct CgroupInfo {
    /// Name in the scenario.
    pub name: String,
    /// The cgroup above; none: the root.
    pub parent: Option<CgroupId>,
    /// Leaders of the processes that are in it, or were.
    pub members: Vec<TaskId>,
}

impl Cast {
    /// Whether the process led by `leader` is in `root` or in a cgroup below it.
    pub fn is_in_cgroup(&self, leader: TaskId, root: CgroupId) -> bool {
        let own = self.cgroups.iter().find(|(_, cgroup)| cgroup.members.contains(&leader));
        let above = |at: &CgroupId| self.cgroups.get(*at).and_then(|cgroup| cgroup.parent);
        std::iter::successors(own.map(|(id, _)| id), above).any(|id| id == root)
    }
}

/// An event of the scenario, for which tasks can wait.
#[derive(Clone, Debug)]
pub struct NamedEventInfo {
    /// Name in the scenario.
    pub name: String,
    /// Its wait queue, as waits name it.
    pub queue: QueueId,
    /// Tasks whose programs signal it.
    pub signalers: Vec<TaskId>,
}

/// Sizes of a process at one moment, as log lines print them, in pages
/// unless said.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct VictimReport {
    /// Mapped pages.
    pub total_vm: u64,
    /// Anonymous pages present.
    pub anon: u64,
    /// File pages present.
    pub file: u64,
    /// Shared-memory pages present.
    pub shmem: u64,
    /// Page tables, in bytes.
    pub pgtables_bytes: u64,
    /// `oom_score_adj`.
    pub oom_score_adj: i16,
    /// User id.
    pub uid: u32,
}

/// The side tables of a run.
#[derive(Clone, Debug)]
pub struct Cast {
    /// Processes, by the id that records carry.
    pub tasks: IdVec<TaskId, TaskInfo>,
    /// Of these, workers that reap what the reaper handed over (policy `hand-off`).
    pub hand_off_workers: Vec<TaskId>,
    /// Address spaces.
    pub mms: IdVec<MmId, MmInfo>,
    /// Address ranges.
    pub ranges: IdVec<RangeId, RangeInfo>,
    /// Zones, lowest first.
    pub zones: IdVec<ZoneId, ZoneInfo>,
    /// Devices.
    pub devices: IdVec<DeviceId, DeviceInfo>,
    /// Registrations.
    pub notifiers: IdVec<NotifierId, NotifierInfo>,
    /// Locks, in the order the engine made them.
    pub locks: IdVec<LockId, LockInfo>,
    /// Victim reports.
    pub reports: IdVec<ReportId, VictimReport>,
    /// What reports of the OOM killer show, in the order of their records; only with a trace.
    pub dumps: Vec<OomDump>,
    /// Memory cgroups.
    pub cgroups: IdVec<CgroupId, CgroupInfo>,
    /// Events of the scenario.
    pub named_events: Vec<NamedEventInfo>,
    /// Call stacks, by `StackId`; filled when the run ends.
    pub stacks: Vec<Frame>,
    /// Length of a jiffy.
    pub jiffy: Nanos,
    /// Number of CPUs.
    pub cpus: u32,
    /// Time since boot at the run's start.
    pub uptime: Nanos,
    /// Whether timers are rounded as the timer wheel does.
    pub timer_wheel: bool,
    /// How long a task may be blocked before it is reported; zero: for ever.
    pub hung_task_timeout: Nanos,
    /// How many attempts the reaper makes before it gives a victim up, 1 or more.
    pub max_oom_reap_retries: u8,
    /// How long it sleeps between two, at least.
    pub oom_reap_pause: Nanos,
    /// Until when the machine runs. Where nothing can happen any more the run ends before.
    pub horizon: SimTime,
    /// What the kernel says, and how.
    pub wording: Wording,
}

impl Default for Cast {
    /// Nobody, on one CPU at 250 Hz.
    fn default() -> Self {
        Self {
            tasks: IdVec::new(),
            hand_off_workers: Vec::new(),
            mms: IdVec::new(),
            ranges: IdVec::new(),
            zones: IdVec::new(),
            devices: IdVec::new(),
            notifiers: IdVec::new(),
            locks: IdVec::new(),
            reports: IdVec::new(),
            dumps: Vec::new(),
            cgroups: IdVec::new(),
            named_events: Vec::new(),
            stacks: Vec::new(),
            jiffy: Nanos::from_ms(4),
            cpus: 1,
            uptime: Nanos(0),
            timer_wheel: false,
            hung_task_timeout: HUNG_TASK_TIMEOUT,
            max_oom_reap_retries: MAX_OOM_REAP_RETRIES,
            oom_reap_pause: OOM_REAP_PAUSE,
            horizon: SimTime::ZERO,
            wording: Wording::default(),
        }
    }
}

impl Cast {
    /// The functions on a stack, innermost first.
    pub fn functions(&self, stack: StackId) -> Vec<super::Func> {
        let mut functions = Vec::new();
        let mut at = stack;
        while at.index() != 0 {
            let Some(frame) = self.stacks.get(at.index()) else {
                break;
            };
            functions.extend(super::Func::from_number(frame.function));
            at = frame.caller;
        }
        functions
    }
    /// The name of a callback, after its driver's module: `gpu_fence_invalidate [gpu_fence]`.
    pub fn callback_name(&self, notifier: NotifierId) -> Option<String> {
        let info = self.notifiers.get(notifier)?;
        let module = &self.devices.get(info.device)?.module;
        let op = if info.interval { "invalidate" } else { "invalidate_range_start" };
        Some(format!("{module}_{op} [{module}]"))
    }

    /// Functions of a stack by their names. `inside`: whose callbacks the task is in, the
    /// innermost last.
    pub fn function_names(&self, functions: &[super::Func], inside: &[NotifierId]) -> Vec<String> {
        let mut callbacks = inside.iter().rev();
        let name = |func: &super::Func| {
            let callback = match func {
                super::Func::DriverCallback => callbacks.next(),
                _ => None,
            };
            let name = callback.and_then(|&notifier| self.callback_name(notifier));
            name.unwrap_or_else(|| func.text().to_owned())
        };
        functions.iter().map(name).collect()
    }
}
