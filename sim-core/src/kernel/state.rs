//! The kernel's mutable state, and its tasks.
//!
//! Mirrors the fields of `struct task_struct` and `struct signal_struct`
//! that the model needs (include/linux/sched.h, Linux 6.1). What a task
//! waits for is the engine's business.

use std::collections::BTreeMap;

use super::completion::Completion;
use super::device::Device;
use super::filemap::File;
use super::fork::AnonShare;
use super::freezer::Freezer;
use super::mm::Mm;
use super::mmu_notifier::{Notifier, Srcu};
use super::page_writeback::TaskDirty;
use super::plugin::Policy;
use super::psi::PsiGroup;
use super::ratelimit::RateLimit;
use super::reclaim_throttle::ReclaimWait;
use super::rmap::Lru;
use super::writeback::Writeback;
use super::zone::{Pages, Zone, ZoneType};
use crate::base::{
    CgroupId, CompletionId, CpuId, DeviceId, Distribution, FileId, IdVec, LockId, MmId, Nanos,
    NotifierId, QueueId, ShareId, SimTime, Stream, TaskId, ZoneId,
};
use crate::record::Gfp;

/// A task: one thread.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "the kernel's task flags, by name")]
pub struct Task {
    /// Its thread group's leader; groups are indexed by it.
    pub leader: TaskId,
    /// `mm`; none before start, after `exit_mm()` and for kernel threads.
    pub mm: Option<MmId>,
    /// `TIF_MEMDIE`: marked as victim and not yet through `exit_mm()`.
    pub memdie: bool,
    /// `PF_EXITING`.
    pub exiting: bool,
    /// Stalls on memory (PSI).
    pub memstall: bool,
    /// `PF_MEMALLOC`: it reclaims, so it may take everything and never recurses.
    pub memalloc: bool,
    /// `PF_MEMALLOC_NOFS`.
    pub memalloc_nofs: bool,
    /// `PF_MEMALLOC_NOIO`.
    pub memalloc_noio: bool,
    /// `PF_DUMPCORE`: it writes a core dump.
    pub dumpcore: bool,
    /// `PF_WQ_WORKER`.
    pub wq_worker: bool,
    /// Pages that kernel code running in it holds.
    pub kernel_pages: Pages,
    /// Of these, how many are charged to its cgroup.
    pub kernel_pages_charged: u64,
    /// Locks that its `ioctl` section holds, in the order it took them.
    pub section_locks: Vec<LockId>,
    /// `memcg_may_oom`: in a page fault of user mode, at whose end it could
    /// handle an OOM (kernels up to 4.18).
    pub memcg_may_oom: bool,
    /// `memcg_in_oom` and its companions: the charge that failed in this fault.
    pub memcg_in_oom: Option<MemcgOom>,
    /// It has left its cgroup, at the end of its exit.
    pub left_cgroup: bool,
    /// `memcg_nr_pages_over_high`: charged since a cgroup was over `memory.high`.
    pub memcg_over_high: u64,
    /// What it dirtied since it last paused for that.
    pub dirty: TaskDirty,
    /// It is in the refrigerator.
    pub frozen: bool,
    /// It sleeps where it could be frozen.
    pub freezable: bool,
    /// Robust futexes that it owns, in the order it took them, and where its list says so.
    pub robust_list: Vec<(LockId, u64)>,
    /// `task_works`: registrations whose device files are to be closed.
    pub task_works: Vec<NotifierId>,
    /// `oom_reaper_list`: who is behind it on that list (kernels that queue tasks).
    pub oom_reaper_next: Option<TaskId>,
}

/// A charge that failed, to be handled when all locks are dropped.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub struct MemcgOom {
    /// The cgroup at its limit.
    pub memcg: CgroupId,
    /// Flags of the request.
    pub gfp: Gfp,
    /// Its order.
    pub order: u8,
}

/// A thread group's shared part (`struct signal_struct`).
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "the kernel's flags, by name")]
pub struct Group {
    /// `signal->oom_mm`: set once, never cleared.
    pub oom_mm: Option<MmId>,
    /// `SIGNAL_GROUP_EXIT`.
    pub group_exit: bool,
    /// `signal->core_state` (`mm->core_state` up to 5.15): one of its threads writes a core dump.
    pub core_state: Option<CoreState>,
    /// `SIGNAL_GROUP_COREDUMP`, for good: another process that uses its mm dumped core (up to 5.15).
    pub dumped_along: bool,
    /// `oom_score_adj`.
    pub oom_score_adj: i16,
    /// All its threads, the leader first.
    pub threads: Vec<TaskId>,
    /// Threads that have not exited.
    pub live: u32,
    /// `files->count` and `undo_list->refcnt`: threads that have not dropped them yet.
    pub files: u32,
    /// `sysvsem.undo_list`: what is signalled when it exits (`SEM_UNDO`).
    pub undo_list: Vec<CompletionId>,
    /// A completion: that it said it is ready.
    pub ready: QueueId,
    /// Its memory cgroup; none: the root.
    pub cgroup: Option<CgroupId>,
    /// `is_global_init()`: pid 1.
    pub init: bool,
    /// Who forked it.
    pub parent: Option<TaskId>,
    /// Whether it has CAP_SYS_ADMIN.
    pub admin: bool,
    /// `oom_task_origin()`: swapoff and the like, to be killed first.
    pub oom_origin: bool,
    /// Whether it came to life, if another process forks it.
    pub born: bool,
    /// Woken when it forks, when it ends, and when a vfork is over.
    pub children: QueueId,
    /// Whether it takes over the `oom_score_adj` of who forks it.
    pub inherits_adj: bool,
    /// In vfork: it uses its parent's mm until it execs or exits.
    pub vfork: bool,
    /// Its freezer cgroup is to be frozen, or is.
    pub freezing: bool,
    /// User id, as log lines print it.
    pub uid: u32,
}

/// `struct core_state`: a core dump that is being written.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub struct CoreState {
    /// Threads that have not come to `coredump_task_exit()` yet.
    pub nr_threads: u32,
    /// Where the dumper waits for them (`startup`).
    pub startup: QueueId,
    /// Where they wait for the dump to be over.
    pub dumped: QueueId,
}

/// kswapd's state (`struct pglist_data`; kernel-spec 1.5).
#[derive(Clone, Debug)]
pub struct Kswapd {
    /// Who it is, once it has run.
    pub task: Option<TaskId>,
    /// `kswapd_wait`.
    pub wait: QueueId,
    /// `kswapd_failures`.
    pub failures: u32,
    /// `LRUVEC_CONGESTED`: all dirty pages it met are being written.
    pub congested: bool,
    /// `kswapd_order` and `kswapd_highest_zoneidx` asked for since it last
    /// looked; none: nobody asked.
    pub asked: Option<(u8, ZoneType)>,
    /// `pfmemalloc_wait`: reclaimers that wait for some reserves to be free.
    pub pfmemalloc_wait: QueueId,
    /// `reclaim_wait`: reclaimers that pause.
    pub reclaim_wait: ReclaimWait,
}

/// A swap device or a disk: one request after the other.
#[derive(Clone, Debug)]
pub struct BlockDevice {
    /// Time of a request before its first byte.
    pub latency: Distribution,
    /// Pages per second.
    pub pages_per_second: u64,
    /// Draws latencies.
    pub stream: Stream,
    /// When what has been queued so far will be done.
    pub busy_until: SimTime,
}

/// Swap space.
#[derive(Clone, Debug)]
pub struct Swap {
    /// Size in pages.
    pub pages: u64,
    /// Pages in use.
    pub used: u64,
    /// What it lies on.
    pub device: BlockDevice,
}

/// `vm.panic_on_oom`.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum PanicOnOom {
    /// 0: it kills.
    No,
    /// 1: it panics, unless the OOM is confined to a cpuset, policy or cgroup.
    Unconstrained,
    /// 2: it panics.
    Always,
}

/// Settings under /proc/sys/vm.
#[derive(Copy, Clone, Debug)]
pub struct Sysctl {
    /// `vm.panic_on_oom`.
    pub panic_on_oom: PanicOnOom,
    /// `vm.oom_kill_allocating_task`.
    pub oom_kill_allocating_task: bool,
    /// `vm.dirty_background_ratio`: percent of what could be dirty, above which the flusher works.
    pub dirty_background_ratio: u64,
    /// `vm.dirty_ratio`: percent above which writers wait.
    pub dirty_ratio: u64,
    /// `vm.dirty_writeback_centisecs`: how often the flusher looks for old pages; zero: never.
    pub dirty_writeback_interval: Nanos,
    /// `vm.dirty_expire_centisecs`: what is old.
    pub dirty_expire_interval: Nanos,
}

impl Default for Sysctl {
    /// As the kernel starts (mm/page-writeback.c, mm/oom_kill.c).
    fn default() -> Self {
        Self {
            panic_on_oom: PanicOnOom::No,
            oom_kill_allocating_task: false,
            dirty_background_ratio: 10,
            dirty_ratio: 20,
            dirty_writeback_interval: Nanos::from_secs(5),
            dirty_expire_interval: Nanos::from_secs(30),
        }
    }
}

/// `ARM_SMMU_POLL_TIMEOUT_US` (drivers/iommu/arm/arm-smmu-v3/arm-smmu-v3.h): 1 s.
pub const ARM_SMMU_POLL_TIMEOUT: Nanos = Nanos::from_secs(1);

/// A memory cgroup (mm/memcontrol.c, `struct mem_cgroup`).
#[derive(Clone, Debug)]
pub struct Cgroup {
    /// Name in the scenario.
    pub name: String,
    /// The cgroup above; none: the root, which has no limit.
    pub parent: Option<CgroupId>,
    /// `memory.max` in pages; none: no limit.
    pub limit: Option<u64>,
    /// `memory.high` in pages.
    pub high: Option<u64>,
    /// Pages charged, its children's among them.
    pub usage: u64,
    /// `memory.min` in pages.
    pub min: u64,
    /// `memory.low` in pages.
    pub low: u64,
    /// `memory.emin`: what it has of that after sharing with its siblings.
    pub emin: u64,
    /// `memory.elow`.
    pub elow: u64,
    /// Clean page cache and swap cache charged to this very cgroup.
    pub clean: Pages,
    /// `LRUVEC_CONGESTED`: all that is dirty in it is being written.
    pub congested: bool,
    /// `memory.oom.group`.
    pub oom_group: bool,
    /// Who waits for an OOM to be over at the end of a fault (kernels up to 4.18).
    pub oom_waitq: QueueId,
    /// `under_oom`.
    pub under_oom: u32,
    /// `oom_lock`: somebody handles an OOM of it or of a cgroup above (kernels up to 4.18).
    pub oom_locked: bool,
}

/// Charges that a CPU has in stock (`struct memcg_stock_pcp`).
#[derive(Copy, Clone, Default, Debug)]
pub struct MemcgStock {
    /// Whose.
    pub cached: Option<CgroupId>,
    /// How many pages.
    pub pages: u64,
}

/// A bucket of the timer wheel: when it expires, and on which CPU.
pub type TimerBucket = (SimTime, Option<CpuId>);

/// Everything that changes during a run.
pub struct State {
    /// Zones, lowest first.
    pub zones: IdVec<ZoneId, Zone>,
    /// Tasks by id, kernel threads, devices and timers among them.
    pub tasks: IdVec<TaskId, Task>,
    /// Thread groups by their leader; none for other tasks.
    pub groups: IdVec<TaskId, Option<Group>>,
    /// `tasklist`: leaders of the user processes alive so far, in creation
    /// order, which is the order of the victim scan. Zombies stay.
    pub tasklist: Vec<TaskId>,
    /// Address spaces.
    pub mms: IdVec<MmId, Mm>,
    /// Devices.
    pub devices: IdVec<DeviceId, Device>,
    /// Notifier registrations.
    pub notifiers: IdVec<NotifierId, Notifier>,
    /// Who is inside list notifiers.
    pub srcu: Srcu,
    /// `oom_lock`.
    pub oom_lock: LockId,
    /// `oom_victims`.
    pub oom_victims: u32,
    /// `oom_victims_wait`: who wants no victim to be left.
    pub oom_victims_wait: QueueId,
    /// `oom_killer_disabled`.
    pub oom_killer_disabled: bool,
    /// Whether `gfp_allowed_mask` lacks I/O, because disks are suspended.
    pub storage_suspended: bool,
    /// Who is to be frozen.
    pub freezer: Freezer,
    /// What a balloon holds (drivers/virtio/virtio_balloon.c); among the pages reserved.
    pub balloon: Pages,
    /// `oom_rs`: holds back reports before kills.
    pub oom_rs: RateLimit,
    /// `pfoom_rs`: holds back lines about faults that are repeated.
    pub pfoom_rs: RateLimit,
    /// `oom_reaper_th`: the reaper, once it has run.
    pub oom_reaper_th: Option<TaskId>,
    /// `oom_reaper_list`: the last one in, which leads to the others.
    pub oom_reaper_list: Option<TaskId>,
    /// `oom_reaper_timer` of victims, in the order in which they were armed; not kept where timers have no buckets.
    pub oom_reaper_timers: BTreeMap<TimerBucket, Vec<(TaskId, MmId)>>,
    /// `oom_reaper_wait`.
    pub oom_reaper_wait: QueueId,
    /// kswapd.
    pub kswapd: Kswapd,
    /// The lists that reclaim takes pages from.
    pub lru: Lru,
    /// PSI triggers; none before a program makes one.
    pub psi: Option<Box<PsiGroup>>,
    /// Pages on their way to disk or swap.
    pub writeback: Writeback,
    /// Swap space, if there is any.
    pub swap: Option<Swap>,
    /// Where files are.
    pub disk: BlockDevice,
    /// Memory cgroups, parents before their children.
    pub cgroups: IdVec<CgroupId, Cgroup>,
    /// `memcg_stock`, by CPU.
    pub memcg_stock: IdVec<CpuId, MemcgStock>,
    /// Files that are mapped, and segments of shared memory.
    pub files: IdVec<FileId, File>,
    /// Whether anybody ever locked pages of these.
    pub mlocks_files: bool,
    /// Pages shared since a fork.
    pub shares: IdVec<ShareId, AnonShare>,
    /// Settings.
    pub sysctl: Sysctl,
    /// How long a flush of an IOTLB is polled for.
    pub iotlb_flush_timeout: Nanos,
    /// How the reaper meets notifiers.
    pub policy: &'static dyn Policy,
    /// Events that programs signal and wait for.
    pub completions: IdVec<CompletionId, Completion>,
    /// A queue that nobody wakes: for those who sleep until killed.
    pub forever: QueueId,
}

impl State {
    /// A machine without memory, devices and processes, for tests.
    #[cfg(test)]
    pub(super) fn bare(
        engine: &crate::engine::Engine<crate::record::Recorder>,
        policy: &'static dyn Policy,
    ) -> Self {
        let latency = Distribution::new(crate::base::Shape::Constant(crate::base::Nanos::ZERO));
        Self {
            zones: IdVec::new(),
            tasks: IdVec::new(),
            groups: IdVec::new(),
            tasklist: Vec::new(),
            mms: IdVec::new(),
            devices: IdVec::new(),
            notifiers: IdVec::new(),
            srcu: Srcu::new(engine.new_queue()),
            oom_lock: engine.new_lock(),
            oom_victims: 0,
            oom_victims_wait: engine.new_queue(),
            oom_killer_disabled: false,
            storage_suspended: false,
            freezer: Freezer::new(engine.new_queue()),
            balloon: Pages::default(),
            oom_rs: RateLimit::default(),
            pfoom_rs: RateLimit::default(),
            oom_reaper_th: None,
            oom_reaper_list: None,
            oom_reaper_timers: BTreeMap::new(),
            oom_reaper_wait: engine.new_queue(),
            kswapd: Kswapd {
                task: None,
                wait: engine.new_queue(),
                failures: 0,
                congested: false,
                asked: None,
                pfmemalloc_wait: engine.new_queue(),
                reclaim_wait: ReclaimWait::new(|| engine.new_queue()),
            },
            lru: Lru::new(engine.new_queue()),
            psi: None,
            writeback: Writeback::default(),
            swap: None,
            disk: BlockDevice {
                latency,
                pages_per_second: 1,
                stream: Stream::new(1, "latency", "disk"),
                busy_until: SimTime::ZERO,
            },
            cgroups: IdVec::new(),
            memcg_stock: (0..4).map(|_| MemcgStock::default()).collect(),
            files: IdVec::new(),
            mlocks_files: false,
            shares: IdVec::new(),
            sysctl: Sysctl::default(),
            iotlb_flush_timeout: ARM_SMMU_POLL_TIMEOUT,
            policy,
            completions: IdVec::new(),
            forever: engine.new_queue(),
        }
    }

    /// The thread group led by `leader`.
    pub fn group(&mut self, leader: TaskId) -> &mut Group {
        let group = self.groups.get_mut(leader).and_then(Option::as_mut);
        group.expect("invariant: every user task has a group")
    }

    /// The process comes to life: from now on it is the youngest.
    pub fn start_group(&mut self, leader: TaskId) {
        self.tasklist.push(leader);
    }

    /// The group of `task`, if it is a user task.
    pub fn group_of(&self, task: TaskId) -> Option<&Group> {
        self.groups.get(self.tasks[task].leader)?.as_ref()
    }

    /// Processes alive so far, in creation order.
    pub fn processes(&self) -> impl Iterator<Item = (TaskId, &Group)> {
        self.tasklist.iter().filter_map(|&leader| Some((leader, self.group_of(leader)?)))
    }

    /// `tsk_is_oom_victim()`.
    pub fn is_oom_victim(&self, task: TaskId) -> bool {
        self.group_of(task).is_some_and(|group| group.oom_mm.is_some())
    }

    /// `find_lock_task_mm()`: a thread of the group that still has an mm.
    pub fn find_task_mm(&self, group: &Group) -> Option<(TaskId, MmId)> {
        group.threads.iter().find_map(|&thread| Some((thread, self.tasks[thread].mm?)))
    }

    /// `process_shares_mm()`.
    pub fn process_shares_mm(&self, group: &Group, mm: MmId) -> bool {
        self.find_task_mm(group).is_some_and(|(_, its)| its == mm)
    }

    /// Pages managed in all zones.
    pub fn total_pages(&self) -> u64 {
        self.zones.iter().map(|(_, zone)| zone.managed()).sum()
    }
}
