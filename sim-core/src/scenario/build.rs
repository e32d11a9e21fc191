//! A checked scenario becomes a kernel with processes, devices and the
//! reaper, at time zero.

mod program;

use std::rc::Rc;

use self::program::Programs;
use super::checked::{
    Api as AskedApi, Device as AskedDevice, Disk, ForkMm, Inject, Refuse as AskedRefuse, Scenario,
    Task,
};
use crate::base::{
    CgroupId, CompletionId, DeviceId, IdVec, LockId, MmId, Nanos, SimTime, Stream, TaskId, ZoneId,
};
use crate::engine::{Cpus, Engine, Share, Ties};
use crate::kernel::completion::Completion;
use crate::kernel::device::{Device, run_device};
use crate::kernel::mm::{Backing, Mm, Vma};
use crate::kernel::mmu_notifier::Srcu;
use crate::kernel::plugin::{Api, DeviceSetup, Driver, Policy, Refuse, Worker};
use crate::kernel::ratelimit::RateLimit;
use crate::kernel::rmap::Lru;
use crate::kernel::sched::nice_share;
use crate::kernel::state::{BlockDevice, Cgroup, Group, Kswapd, MemcgStock, Swap, Sysctl};
use crate::kernel::switches::Switches;
use crate::kernel::writeback::Writeback;
use crate::kernel::zone::{Marks, Use, Zone};
use crate::kernel::{Clock, Costs, Kernel, NewTask, Parts, State, kswapd, oom_reaper};
use crate::policy;
use crate::record::{
    Cast, CgroupInfo, DeviceInfo, Event, Keep, LockInfo, MmInfo, RangeInfo, Recorder, TaskKind,
    ZoneInfo,
};
use crate::workload::{Injection, Process, Start, run_injection, run_process};
use crate::{check, driver};

/// What a run is of, besides the scenario.
pub(super) struct Choice {
    pub(super) switches: &'static Switches,
    pub(super) policy: &'static dyn Policy,
    pub(super) seed: u64,
    pub(super) ties: Ties,
    pub(super) keep: Keep,
    pub(super) watch: bool,
}

/// First thread id given to processes that do not ask for one.
const FIRST_PID: u32 = 100;
/// Thread id of the reaper, as in the recordings.
const REAPER_PID: u32 = 25;
/// Kernel threads that are there from the start.
const KTHREADS: usize = 2;
/// Thread id of kswapd, as in the recordings.
const KSWAPD_PID: u32 = 38;

/// Sets everything up; the first event is due at time zero.
pub(super) fn build(scenario: &Scenario, choice: &Choice) -> Rc<Kernel> {
    let machine = &scenario.machine;
    let costs = Costs::with(&machine.costs);
    let clock = Clock { hz: machine.hz, timer_wheel: machine.timer_wheel, uptime: machine.uptime };
    let cpus = cpus(machine.cpus, clock, costs.context_switch);
    let mut cast = Cast {
        jiffy: clock.tick(),
        cpus: machine.cpus,
        uptime: machine.uptime,
        timer_wheel: machine.timer_wheel,
        hung_task_timeout: machine.hung_task_timeout,
        wording: choice.switches.wording(),
        ..Cast::default()
    };
    for zone in &machine.zones {
        let (managed, min, low, high) = (zone.managed, zone.min, zone.low, zone.high);
        cast.zones.push(ZoneInfo { name: zone.name.clone(), managed, min, low, high });
    }
    for cgroup in &scenario.cgroups {
        cast.cgroups.push(CgroupInfo { name: cgroup.name.clone() });
    }
    let recorder = Recorder::new(choice.keep, cast);
    let engine = Rc::new(Engine::new(cpus, choice.ties.clone(), recorder));
    let mut drivers: IdVec<DeviceId, &'static dyn Driver> = IdVec::new();
    for device in &scenario.devices {
        drivers.push(find_driver(&device.driver));
    }
    if choice.watch {
        watch(scenario, choice, &drivers, &engine);
    }
    let named = NamedLocks::new(scenario, &engine);
    let state = state(scenario, &engine, &named, choice);
    let parts = Parts { engine, switches: choice.switches, costs, clock, drivers };
    let kernel = Kernel::new(parts, state);
    spawn_all(&kernel, scenario, &named, choice.seed);
    kernel
}

fn find_driver(id: &str) -> &'static dyn Driver {
    driver::find(id).expect("invariant: a checked driver exists")
}

fn find_policy(id: &str) -> &'static dyn Policy {
    policy::find(id).expect("invariant: a checked policy exists")
}

/// Has the invariants watched; the policies injected later are declared too.
fn watch(
    scenario: &Scenario,
    choice: &Choice,
    drivers: &IdVec<DeviceId, &'static dyn Driver>,
    engine: &Engine<Recorder>,
) {
    let injected = scenario.injections.iter().filter_map(|injection| match injection.what {
        Inject::Policy { id } => Some(find_policy(id)),
        _ => None,
    });
    let policies: Vec<_> = std::iter::once(choice.policy).chain(injected).collect();
    let declared = check::Declared {
        switches: choice.switches,
        policies: &policies,
        drivers: &drivers.iter().map(|(_, &driver)| driver).collect::<Vec<_>>(),
        timer_wheel: scenario.machine.timer_wheel,
        kills_allocating_task: scenario.machine.oom_kill_allocating_task,
    };
    engine.observe(|_, recorder| recorder.watch(check::monitor(&declared)));
}

/// The locks that exist from the start, besides those of address spaces.
struct NamedLocks {
    oom_lock: LockId,
    /// Those that the scenario declares.
    declared: Vec<LockId>,
    /// Of each device.
    devices: Vec<LockId>,
}

impl NamedLocks {
    fn new(scenario: &Scenario, engine: &Engine<Recorder>) -> Self {
        Self {
            oom_lock: new_lock(engine, "oom_lock".to_owned()),
            declared: scenario
                .locks
                .iter()
                .map(|lock| new_lock(engine, lock.name.clone()))
                .collect(),
            devices: scenario
                .devices
                .iter()
                .map(|device| new_lock(engine, format!("lock of {}", device.name)))
                .collect(),
        }
    }
}

fn new_lock(engine: &Engine<Recorder>, name: String) -> LockId {
    let lock = engine.new_lock();
    engine.observe(|_, recorder| recorder.cast.locks.push(LockInfo { name }));
    lock
}

/// CFS's defaults (kernel/sched/fair.c, Linux 6.1), which grow with the
/// logarithm of the number of CPUs.
fn cpus(count: u32, clock: Clock, switch_cost: Nanos) -> Cpus {
    let factor = u64::from(1 + count.ilog2().min(3));
    Cpus {
        count,
        tick: clock.tick(),
        since_tick: clock.uptime,
        latency: Nanos::from_ms(6) * factor,
        min_granularity: Nanos::from_us(750) * factor,
        wakeup_granularity: Nanos::from_ms(1) * factor,
        switch_cost,
    }
}

fn state(
    scenario: &Scenario,
    engine: &Engine<Recorder>,
    named: &NamedLocks,
    choice: &Choice,
) -> State {
    let machine = &scenario.machine;
    let mut zones = IdVec::<ZoneId, _>::new();
    for zone in &machine.zones {
        let marks = Marks {
            min: zone.min,
            low: zone.low,
            high: zone.high,
            lowmem_reserve: zone.lowmem_reserve,
        };
        let mut made = Zone::new(zone.managed, zone.free, zone.page_cache, marks);
        made.transfer(Use::Reserved, Use::Dirty, zone.dirty);
        zones.push(made);
    }
    let mut devices = IdVec::new();
    for (device, &lock) in scenario.devices.iter().zip(&named.devices) {
        let setup = device_setup(device, lock, named, choice.switches);
        devices.push(Device::new(choice.seed, setup, || engine.new_queue()));
    }
    let mut mms = IdVec::new();
    for (index, task) in scenario.tasks.iter().enumerate() {
        let owner = leader(scenario, index);
        let mmap_lock = new_lock(engine, format!("mmap_lock of {}", task.name));
        mms.push(Mm::new(owner, mmap_lock, engine.new_queue()));
        engine.observe(|_, recorder| recorder.cast.mms.push(MmInfo { owner, mmap_lock }));
    }
    let swap = machine.swap.as_ref();
    State {
        zones,
        tasks: IdVec::new(),
        groups: IdVec::new(),
        tasklist: Vec::new(),
        mms,
        devices,
        notifiers: IdVec::new(),
        srcu: Srcu::new(engine.new_queue()),
        oom_lock: named.oom_lock,
        oom_victims: 0,
        oom_rs: RateLimit::default(),
        pfoom_rs: RateLimit::default(),
        oom_reaper_list: Vec::new(),
        lru: Lru::default(),
        writeback: Writeback::default(),
        oom_reaper_wait: engine.new_queue(),
        kswapd: Kswapd {
            wait: engine.new_queue(),
            failures: 0,
            asked: None,
            pfmemalloc_wait: engine.new_queue(),
        },
        swap: swap.map(|swap| Swap {
            pages: swap.pages,
            used: 0,
            device: block_device(&swap.disk, "swap", choice.seed),
        }),
        disk: block_device(&machine.disk, "disk", choice.seed),
        cgroups: cgroups(scenario, engine),
        memcg_stock: (0..machine.cpus).map(|_| MemcgStock::default()).collect(),
        shares: IdVec::new(),
        sysctl: Sysctl {
            panic_on_oom: machine.panic_on_oom,
            oom_kill_allocating_task: machine.oom_kill_allocating_task,
        },
        policy: choice.policy,
        completions: completions(scenario, engine),
        forever: engine.new_queue(),
    }
}

fn block_device(disk: &Disk, name: &str, seed: u64) -> BlockDevice {
    BlockDevice {
        latency: disk.latency,
        pages_per_second: disk.bandwidth,
        stream: Stream::new(seed, "latency", name),
        busy_until: SimTime::ZERO,
    }
}

fn cgroups(scenario: &Scenario, engine: &Engine<Recorder>) -> IdVec<CgroupId, Cgroup> {
    let group = |group: &super::checked::Cgroup| Cgroup {
        name: group.name.clone(),
        parent: group.parent.map(CgroupId::from_index),
        limit: group.limit,
        high: group.high,
        usage: 0,
        oom_group: group.oom_group,
        oom_waitq: engine.new_queue(),
        under_oom: 0,
        oom_locked: false,
    };
    scenario.cgroups.iter().map(group).collect()
}

fn completions(scenario: &Scenario, engine: &Engine<Recorder>) -> IdVec<CompletionId, Completion> {
    let completion = |_: &String| Completion { wait: engine.new_queue(), done: Some(0) };
    scenario.events.iter().map(completion).collect()
}

fn device_setup(
    device: &AskedDevice,
    lock: LockId,
    named: &NamedLocks,
    switches: &Switches,
) -> DeviceSetup {
    let ops = find_driver(&device.driver).ops();
    let default = if switches.interval_api { AskedApi::Interval } else { AskedApi::Hlist };
    DeviceSetup {
        name: device.name.clone(),
        api: match device.api.unwrap_or(default) {
            AskedApi::Hlist => Api::Hlist,
            AskedApi::Interval => Api::Interval,
        },
        fence: device.fence,
        sleep: device.sleep,
        refuse: device.refuse.map(|refuse| match refuse {
            AskedRefuse::Overlap => Refuse::Overlap,
            AskedRefuse::WhenBusy => Refuse::WhenBusy,
        }),
        lock,
        work: device.work,
        page_refs: device.page_refs.unwrap_or(ops.page_refs),
        does_not_block: device.does_not_block.unwrap_or(ops.does_not_block),
        vcpus: device.vcpus,
        timeout: device.timeout,
        gfp: device.gfp,
        worker: device.worker.as_ref().map(|worker| Worker {
            lock: worker.lock.map(|lock| named.declared[lock]),
            alloc: worker.alloc,
            time: worker.time,
        }),
        acts_on: device.acts_on,
    }
}

/// Tasks are numbered in the order in which [`spawn_all`] makes them:
/// the reaper, kswapd, the devices, the processes.
fn leader(scenario: &Scenario, task: usize) -> TaskId {
    TaskId::from_index(KTHREADS + scenario.devices.len() + task)
}

/// The address space of a task: its own, or that of the ancestor it
/// shares one with.
fn mm_of(scenario: &Scenario, task: usize) -> MmId {
    let mut at = task;
    while let Some(fork) = scenario.tasks[at].fork
        && fork.mm != ForkMm::Copy
    {
        at = fork.parent;
    }
    MmId::from_index(at)
}

fn spawn_all(kernel: &Rc<Kernel>, scenario: &Scenario, named: &NamedLocks, seed: u64) {
    let mut pids = Pids::new(scenario);
    let reaper = new_task("oom_reaper", "oom_reaper", REAPER_PID, TaskKind::Kthread);
    let reaper = kernel.spawn(reaper, oom_reaper);
    let new = new_task("kswapd0", "kswapd0", KSWAPD_PID, TaskKind::Kthread);
    kernel.spawn(new, kswapd);
    kernel.engine.observe(|_, recorder| {
        let free: Vec<_> =
            kernel.with(|state| state.zones.iter().map(|(zone, is)| (zone, is.free())).collect());
        for (zone, free) in free {
            let free = u32::try_from(free).unwrap_or(u32::MAX);
            recorder.record(SimTime::ZERO, reaper, Event::ZoneFree { zone, free });
        }
    });
    for (index, device) in scenario.devices.iter().enumerate() {
        let id = DeviceId::from_index(index);
        let new = new_task(&device.name, &device.name, 0, TaskKind::Device);
        let task = kernel.spawn(new, |cx| run_device(cx, id));
        kernel.with(|state| state.devices[id].task = Some(task));
        let lock = kernel.with(|state| state.devices[id].setup.lock);
        kernel.engine.observe(|_, recorder| {
            recorder.cast.devices.push(DeviceInfo {
                name: device.name.clone(),
                driver: kernel.drivers[id].id(),
                task: Some(task),
                lock: Some(lock),
                worker: None,
                timeout: device.timeout,
            });
        });
    }
    for (index, task) in scenario.tasks.iter().enumerate() {
        let pid = pids.of(task);
        let mut new = new_task(&task.name, &task.comm, pid, TaskKind::User);
        new.oom_score_adj = inherited(scenario, index, |task| task.oom_score_adj).unwrap_or(0);
        let adj = new.oom_score_adj;
        let process = process(kernel, scenario, index, named, &mut pids, seed);
        let mm = process.mm;
        let id = kernel.spawn(new, |cx| run_process(cx, process));
        let group = group(kernel, task, id, pid, adj);
        kernel.with(|state| state.groups[id] = Some(group));
        let share = share(scenario, index, task.nice, task.rt_priority);
        if share != Share::default() {
            kernel.engine.set_share(id, share);
        }
        assert_eq!(id, leader(scenario, index), "invariant: tasks are numbered as planned");
        if task.fork.is_none() {
            kernel.engine.observe(|_, recorder| recorder.cast.tasks[id].mm = Some(mm));
        }
    }
    for (index, injection) in scenario.injections.iter().enumerate() {
        let what = match &injection.what {
            Inject::Kill { task } => Injection::Kill(leader(scenario, *task)),
            Inject::SysrqF => Injection::SysrqF,
            Inject::Limit { cgroup, pages } => {
                Injection::Limit(CgroupId::from_index(*cgroup), *pages)
            }
            Inject::Policy { id } => Injection::Policy(find_policy(id)),
            Inject::OomScoreAdj { task, value } => {
                Injection::OomScoreAdj(leader(scenario, *task), *value)
            }
        };
        let name = format!("inject/{index}");
        let new = new_task(&name, "<inject>", 0, TaskKind::Timer);
        let at = injection.at;
        kernel.spawn(new, |cx| run_injection(cx, at, what));
    }
}

fn group(kernel: &Kernel, task: &Task, leader: TaskId, pid: u32, adj: i16) -> Group {
    Group {
        oom_mm: None,
        group_exit: false,
        oom_score_adj: adj,
        threads: vec![leader],
        live: 1,
        ready: kernel.engine.new_queue(),
        cgroup: task.cgroup.map(CgroupId::from_index),
        init: pid == 1,
        parent: None,
        admin: task.root,
        oom_origin: task.oom_task_origin,
        born: false,
        children: kernel.engine.new_queue(),
        inherits_adj: task.fork.is_some() && task.oom_score_adj.is_none(),
        vfork: false,
        uid: task.uid,
    }
}

/// What a task, or else the nearest of its ancestors, says.
fn inherited<T>(scenario: &Scenario, task: usize, of: impl Fn(&Task) -> Option<T>) -> Option<T> {
    let parent = |task: &usize| scenario.tasks[*task].fork.map(|fork| fork.parent);
    std::iter::successors(Some(task), parent).find_map(|task| of(&scenario.tasks[task]))
}

/// How much of the CPUs a thread gets: what it says, or else its process.
fn share(scenario: &Scenario, task: usize, nice: Option<i8>, rt_priority: Option<u8>) -> Share {
    if let (None, Some(nice)) = (rt_priority, nice) {
        return nice_share(nice);
    }
    let rt_priority = rt_priority.or_else(|| inherited(scenario, task, |task| task.rt_priority));
    match rt_priority {
        Some(priority) => Share::Fifo(priority),
        None => nice_share(inherited(scenario, task, |task| task.nice).unwrap_or(0)),
    }
}

fn new_task(name: &str, comm: &str, pid: u32, kind: TaskKind) -> NewTask {
    let (name, comm) = (name.to_owned(), comm.to_owned());
    NewTask { name, comm, pid, leader: None, kind, oom_score_adj: 0 }
}

/// Hands out thread ids: those asked for, else the next free one.
struct Pids {
    taken: Vec<u32>,
}

impl Pids {
    fn new(scenario: &Scenario) -> Self {
        Self { taken: scenario.tasks.iter().filter_map(|task| task.pid).collect() }
    }

    fn of(&mut self, task: &Task) -> u32 {
        task.pid.unwrap_or_else(|| self.next(FIRST_PID))
    }

    fn next(&mut self, from: u32) -> u32 {
        let mut pid = from;
        while self.taken.contains(&pid) {
            pid += 1;
        }
        self.taken.push(pid);
        pid
    }
}

fn process(
    kernel: &Kernel,
    scenario: &Scenario,
    index: usize,
    named: &NamedLocks,
    pids: &mut Pids,
    seed: u64,
) -> Process {
    let task = &scenario.tasks[index];
    let mm = mm_of(scenario, index);
    let mut vmas = Vec::new();
    for vma in &task.vmas {
        let id = kernel.engine.observe(|_, recorder| {
            let (start, end, name, anonymous) =
                (vma.start, vma.end, vma.name.clone(), vma.anonymous);
            recorder.cast.ranges.push(RangeInfo { mm, start, end, name, anonymous })
        });
        let backing = if vma.anonymous { Backing::Anonymous } else { Backing::PrivateFile };
        let mut mapped = Vma::new(id, vma.start, vma.end, backing);
        // Text lives in an initramfs: it is nobody's to reclaim.
        let (anon, resident) = if vma.anonymous { (vma.present, 0) } else { (0, vma.present) };
        mapped.resident = resident;
        vmas.push((mapped, anon));
    }
    let first_pid = task.pid.unwrap_or(FIRST_PID);
    let mut programs = Programs::new(kernel, scenario, index, named, seed);
    for thread in &task.threads {
        let share = share(scenario, index, thread.nice, thread.rt_priority);
        programs.thread(thread, pids.next(first_pid), share);
    }
    let program = programs.first();
    let start = match task.fork {
        Some(fork) => Start::Forked(leader(scenario, fork.parent)),
        None => Start::Alone {
            after: task.start.after.map(|index| leader(scenario, index)),
            delay: task.start.delay,
        },
    };
    Process { start, mm, vmas, program }
}
