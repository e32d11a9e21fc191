//! A checked scenario becomes a kernel with processes, devices and the
//! reaper, at time zero.

use std::cell::RefCell;
use std::rc::Rc;

use super::checked::{Api as AskedApi, Op, Refuse as AskedRefuse, Scenario, Task};
use crate::base::{
    DeviceId, Distribution, IdVec, MmId, Nanos, RangeId, Shape, SimTime, Stream, TaskId, ZoneId,
};
use crate::check;
use crate::driver;
use crate::engine::{Cpus, Engine, Ties};
use crate::kernel::device::{Device, run_device};
use crate::kernel::mm::{Backing, Mm, Vma};
use crate::kernel::mmu_notifier::Srcu;
use crate::kernel::plugin::{Api, DeviceSetup, Driver, Policy, Refuse, Worker};
use crate::kernel::ratelimit::RateLimit;
use crate::kernel::rmap::Lru;
use crate::kernel::state::{BlockDevice, Group, Kswapd, MemcgStock, PanicOnOom, Sysctl};
use crate::kernel::switches::Switches;
use crate::kernel::writeback::Writeback;
use crate::kernel::zone::{Marks, Zone};
use crate::kernel::{Clock, Costs, Kernel, NewTask, Parts, State, kswapd, oom_reaper};
use crate::record::{
    Cast, DeviceInfo, Event, Keep, LockInfo, MmInfo, RangeInfo, Recorder, TaskKind, ZoneInfo,
};
use crate::workload::{self, Operation, Process, Program, Start, run_process};

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
/// A SATA SSD's read of one page, and its pages per second: 500 MB/s.
const DISK_LATENCY: Nanos = Nanos::from_us(100);
const DISK_PAGES_PER_SECOND: u64 = 122_070;
/// Where regions without an address begin, downwards.
const MMAP_TOP: u64 = 0x7f00_0000_0000;
/// Regions are aligned to what one page-table page maps.
const REGION_ALIGN: u64 = 2 << 20;

/// Sets everything up; the first event is due at time zero.
pub(super) fn build(scenario: &Scenario, choice: Choice) -> Rc<Kernel> {
    let machine = &scenario.machine;
    let costs = Costs::with(&machine.costs);
    let clock = Clock { hz: machine.hz, timer_wheel: machine.timer_wheel, uptime: machine.uptime };
    let cpus = cpus(machine.cpus, clock, costs.context_switch);
    let mut cast = Cast {
        jiffy: clock.tick(),
        cpus: machine.cpus,
        uptime: machine.uptime,
        timer_wheel: machine.timer_wheel,
        wording: choice.switches.wording(),
        ..Cast::default()
    };
    for zone in &machine.zones {
        let (managed, min, low, high) = (zone.managed, zone.min, zone.low, zone.high);
        cast.zones.push(ZoneInfo { name: zone.name.clone(), managed, min, low, high });
    }
    let engine = Rc::new(Engine::new(cpus, choice.ties, Recorder::new(choice.keep, cast)));
    let mut drivers: IdVec<DeviceId, &'static dyn Driver> = IdVec::new();
    for device in &scenario.devices {
        drivers.push(find_driver(&device.driver));
    }
    let interval_default = choice.switches.interval_api;
    if choice.watch {
        let declared = check::Declared {
            switches: choice.switches,
            policies: &[choice.policy],
            drivers: &drivers.iter().map(|(_, &driver)| driver).collect::<Vec<_>>(),
            timer_wheel: machine.timer_wheel,
        };
        engine.observe(|_, recorder| recorder.watch(check::monitor(&declared)));
    }
    let state = state(scenario, &engine, choice.seed, choice.policy, interval_default);
    let parts = Parts { engine, switches: choice.switches, costs, clock, drivers };
    let kernel = Kernel::new(parts, state);
    spawn_all(&kernel, scenario, choice.seed);
    kernel
}

fn find_driver(id: &str) -> &'static dyn Driver {
    driver::find(id).expect("invariant: a checked driver exists")
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
    seed: u64,
    policy: &'static dyn Policy,
    interval_default: bool,
) -> State {
    let named_lock = |name: String| {
        let lock = engine.new_lock();
        engine.observe(|_, recorder| recorder.cast.locks.push(LockInfo { name }));
        lock
    };
    let mut zones = IdVec::<ZoneId, _>::new();
    for zone in &scenario.machine.zones {
        let marks = Marks {
            min: zone.min,
            low: zone.low,
            high: zone.high,
            lowmem_reserve: zone.lowmem_reserve,
        };
        zones.push(Zone::new(zone.managed, zone.free, zone.page_cache, marks));
    }
    let oom_lock = named_lock("oom_lock".to_owned());
    let mut devices = IdVec::new();
    for device in &scenario.devices {
        let ops = find_driver(&device.driver).ops();
        let lock = named_lock(format!("lock of {}", device.name));
        let default = if interval_default { AskedApi::Interval } else { AskedApi::Hlist };
        let asked = device.api.unwrap_or(default);
        let setup = DeviceSetup {
            name: device.name.clone(),
            api: match asked {
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
                lock: None,
                alloc: worker.alloc,
                time: worker.time,
            }),
            acts_on: device.acts_on,
        };
        devices.push(Device::new(seed, setup, || engine.new_queue()));
    }
    let mut mms = IdVec::new();
    for (index, task) in scenario.tasks.iter().enumerate() {
        let owner = leader(scenario, index);
        let mmap_lock = named_lock(format!("mmap_lock of {}", task.name));
        mms.push(Mm::new(owner, mmap_lock, engine.new_queue()));
        engine.observe(|_, recorder| recorder.cast.mms.push(MmInfo { owner, mmap_lock }));
    }
    State {
        zones,
        tasks: IdVec::new(),
        groups: IdVec::new(),
        tasklist: Vec::new(),
        mms,
        devices,
        notifiers: IdVec::new(),
        srcu: Srcu::new(engine.new_queue()),
        oom_lock,
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
        swap: None,
        disk: BlockDevice {
            latency: Distribution::new(Shape::Constant(DISK_LATENCY)),
            pages_per_second: DISK_PAGES_PER_SECOND,
            stream: Stream::new(seed, "latency", "disk"),
            busy_until: SimTime::ZERO,
        },
        cgroups: IdVec::new(),
        memcg_stock: (0..scenario.machine.cpus).map(|_| MemcgStock::default()).collect(),
        shares: IdVec::new(),
        sysctl: Sysctl { panic_on_oom: PanicOnOom::No, oom_kill_allocating_task: false },
        policy,
        forever: engine.new_queue(),
    }
}

/// Tasks are numbered in the order in which [`spawn_all`] makes them:
/// the reaper, kswapd, the devices, the processes.
fn leader(scenario: &Scenario, task: usize) -> TaskId {
    TaskId::from_index(KTHREADS + scenario.devices.len() + task)
}

fn spawn_all(kernel: &Rc<Kernel>, scenario: &Scenario, seed: u64) {
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
        let mm = MmId::from_index(index);
        let pid = pids.of(task);
        let mut new = new_task(&task.name, &task.comm, pid, TaskKind::User);
        new.oom_score_adj = task.oom_score_adj;
        let process = process(kernel, scenario, task, mm, &mut pids, seed);
        let id = kernel.spawn(new, |cx| run_process(cx, process));
        let group = Group {
            oom_mm: None,
            group_exit: false,
            oom_score_adj: task.oom_score_adj,
            threads: vec![id],
            live: 1,
            ready: kernel.engine.new_queue(),
            cgroup: None,
            init: pid == 1,
            parent: None,
            admin: false,
            oom_origin: false,
            vfork: false,
            uid: 0,
        };
        kernel.with(|state| state.groups[id] = Some(group));
        assert_eq!(id, leader(scenario, index), "invariant: tasks are numbered as planned");
        kernel.engine.observe(|_, recorder| recorder.cast.tasks[id].mm = Some(mm));
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

/// A region that a program maps.
struct Region {
    range: RangeId,
    start: u64,
    end: u64,
}

impl Region {
    fn pages(&self) -> u64 {
        (self.end - self.start) >> 12
    }
}

fn process(
    kernel: &Kernel,
    scenario: &Scenario,
    task: &Task,
    mm: MmId,
    pids: &mut Pids,
    seed: u64,
) -> Process {
    let range = |name: &str, start: u64, end: u64, anonymous: bool| {
        let name = name.to_owned();
        kernel.engine.observe(|_, recorder| {
            recorder.cast.ranges.push(RangeInfo { mm, start, end, name, anonymous })
        })
    };
    let mut vmas = Vec::new();
    for vma in &task.vmas {
        let id = range(&vma.name, vma.start, vma.end, vma.anonymous);
        let backing = if vma.anonymous { Backing::Anonymous } else { Backing::PrivateFile };
        let mut mapped = Vma::new(id, vma.start, vma.end, backing);
        // Text lives in an initramfs: it is nobody's to reclaim.
        let (anon, resident) = if vma.anonymous { (vma.present, 0) } else { (0, vma.present) };
        mapped.resident = resident;
        vmas.push((mapped, anon));
    }
    let mut below = MMAP_TOP;
    let mut regions = Vec::new();
    for op in &task.program {
        if let Op::Mmap { region, pages, at } = op {
            let start = at.unwrap_or((below - (pages << 12)) & !(REGION_ALIGN - 1));
            below = start;
            let end = start + (pages << 12);
            regions.push(Region { range: range(region, start, end, true), start, end });
        }
    }
    let first_pid = task.pid.unwrap_or(FIRST_PID);
    let mut programs = Programs { regions: &regions, seed, threads: Vec::new(), mapped: 0 };
    for thread in &task.threads {
        let name = format!("{}/{}", task.name, thread.name);
        let program = programs.operations(&name, &thread.program);
        programs.threads.push((name, pids.next(first_pid), program));
    }
    let program = programs.operations(&task.name, &task.program);
    let after = task.start.after.map(|index| leader(scenario, index));
    let start = Start { after, delay: task.start.delay };
    Process { start, mm, vmas, program }
}

/// Turns checked steps into operations.
struct Programs<'a> {
    regions: &'a [Region],
    seed: u64,
    threads: Vec<(String, u32, Program)>,
    mapped: usize,
}

impl Programs<'_> {
    fn operations(&mut self, name: &str, steps: &[Op]) -> Program {
        steps.iter().map(|step| self.operation(name, step)).collect()
    }

    fn operation(&mut self, name: &str, step: &Op) -> Box<dyn Operation> {
        match step {
            Op::Mmap { .. } => {
                let Region { range, start, end } = self.regions[self.mapped];
                self.mapped += 1;
                Box::new(workload::Mmap { range, start, end })
            }
            Op::Touch { regions, rate } => {
                let regions = regions.iter().map(|&index| &self.regions[index]);
                let regions = regions.map(|region| (region.range, region.pages())).collect();
                Box::new(workload::Touch { regions, rate: *rate })
            }
            Op::Register { device, region, offset, length } => {
                let start = self.regions[*region].start + offset;
                let device = DeviceId::from_index(*device);
                Box::new(workload::Register { device, start, end: start + length })
            }
            Op::Submit { device, region, every, count } => Box::new(workload::Submit {
                device: DeviceId::from_index(*device),
                range: self.regions[*region].range,
                every: *every,
                count: *count,
            }),
            Op::Thread { thread } => {
                let (name, pid, program) = &self.threads[*thread];
                let (name, program) = (name.clone(), Rc::clone(program));
                Box::new(workload::Thread { name, pid: *pid, program })
            }
            Op::Pause { time } => {
                let stream = RefCell::new(Stream::new(self.seed, "pause", name));
                Box::new(workload::Pause { time: *time, stream })
            }
            Op::Stuck { time } => Box::new(workload::Stuck { time: *time }),
            Op::Ready => Box::new(workload::Ready),
            Op::Idle => Box::new(workload::Idle),
            Op::Exit => Box::new(workload::Exit),
        }
    }
}
