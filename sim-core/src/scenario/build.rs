//! A checked scenario becomes a kernel with processes, devices and the
//! reaper, at time zero.
//!
//! Here is the order of it and the numbers that tasks and locks get. The
//! kernel's state is made in `state`, what runs in `spawn`, the steps
//! of programs in `program`.

mod program;
mod spawn;
mod state;

use std::rc::Rc;
use std::sync::Arc;

use self::spawn::spawn_all;
use self::state::{refuse, state};
use super::checked::{ActsOn, Api as AskedApi, Behaviour, Device, ForkMm, Inject, Scenario};
use super::fork::Fork;
use crate::base::{CgroupId, DeviceId, IdVec, LockId, MmId, Nanos, Seeds, SimTime, TaskId};
use crate::driver::described::Described;
use crate::engine::{Cpus, Engine, Ties};
use crate::kernel::plugin::{Api, Approach, Driver, DriverRef, Policy, Refuse};
use crate::kernel::switches::Switches;
use crate::kernel::{Clock, Costs, Kernel, LockDebug, Parts, Reaping};
use crate::record::{Cast, CgroupInfo, Gfp, Keep, LockInfo, Recorder, ZoneInfo};
use crate::{check, driver, policy};

/// What a run is of, besides the scenario.
pub(super) struct Choice<'a> {
    pub(super) switches: &'static Switches,
    pub(super) policy: &'static dyn Policy,
    pub(super) seeds: Seeds,
    pub(super) ties: Ties,
    pub(super) keep: Keep,
    pub(super) watch: bool,
    /// Where the run is parted from itself.
    pub(super) forks: &'a [Fork],
    pub(super) checks: &'a [&'static str],
}

/// Kernel threads that are there from the start.
const KTHREADS: usize = 2;

/// Sets everything up; the first event is due at time zero.
pub(super) fn build(scenario: &Scenario, choice: &Choice<'_>) -> Rc<Kernel> {
    let machine = &scenario.machine;
    let costs = Costs::with(&machine.costs);
    let clock = Clock { hz: machine.hz, timer_wheel: machine.timer_wheel, uptime: machine.uptime };
    let mut reaping = Reaping::of(choice.switches, &clock);
    if let Some(delay) = machine.oom_reaper_delay {
        reaping.delay = clock.msecs_to_jiffies(delay);
    }
    reaping.pause = clock.msecs_to_jiffies(machine.oom_reap_pause);
    reaping.retries = machine.max_oom_reap_retries;
    reaping.skip_sleep = clock.msecs_to_jiffies(machine.oom_skip_sleep);
    let cpus = cpus(machine.cpus, clock, costs.context_switch);
    let mut cast = Cast {
        jiffy: clock.tick(),
        cpus: machine.cpus,
        uptime: machine.uptime,
        timer_wheel: machine.timer_wheel,
        hung_task_timeout: machine.hung_task_timeout,
        max_oom_reap_retries: machine.max_oom_reap_retries,
        oom_reap_pause: clock.tick() * reaping.pause,
        horizon: SimTime::ZERO + scenario.horizon,
        wording: choice.switches.wording(),
        ..Cast::default()
    };
    for zone in machine.zones_on(choice.switches) {
        let (managed, min, low, high) = (zone.managed, zone.min, zone.low, zone.high);
        cast.zones.push(ZoneInfo { name: zone.name, managed, min, low, high });
    }
    for cgroup in &scenario.cgroups {
        let parent = cgroup.parent.map(CgroupId::from_index);
        let (name, members) = (cgroup.name.clone(), Vec::new());
        cast.cgroups.push(CgroupInfo { name, parent, members });
    }
    let recorder = Recorder::new(choice.keep, cast);
    let engine = Rc::new(Engine::new(cpus, choice.ties.clone(), recorder));
    let drivers: IdVec<DeviceId, _> = scenario.devices.iter().map(driver_of).collect();
    let op_cost = machine.lock_op_cost;
    let checker = check::checkers::checker(choice.switches, choice.checks, op_cost > Nanos::ZERO);
    let lock_debug = LockDebug { is_on: checker.is_some(), op_cost };
    if let Some(checker) = checker {
        engine.observe(|_, recorder| recorder.check(checker));
    }
    if choice.watch {
        watch(scenario, choice, &drivers, &engine);
    }
    let named = NamedLocks::new(scenario, &engine, choice.switches);
    let state = state(scenario, &engine, &named, choice);
    let parts =
        Parts { engine, switches: choice.switches, costs, clock, reaping, drivers, lock_debug };
    let kernel = Kernel::new(parts, state);
    spawn_all(&kernel, scenario, &named, &choice.seeds);
    kernel
}

fn driver_of(device: &Device) -> DriverRef {
    match &device.behaviour {
        Behaviour::Archetype(id) => {
            DriverRef::Archetype(driver::find(id).expect("invariant: a checked driver exists"))
        }
        Behaviour::Steps(plan) => {
            DriverRef::Described(Arc::new(Described::new(&device.driver, Arc::clone(plan))))
        }
    }
}

fn find_policy(id: &str) -> &'static dyn Policy {
    policy::find(id).expect("invariant: a checked policy exists")
}

/// How a device registers if its policy lets it.
fn asked_api(device: &Device, switches: &Switches) -> Api {
    let default = if switches.interval_api { AskedApi::Interval } else { AskedApi::Hlist };
    match device.api.unwrap_or(default) {
        AskedApi::Hlist => Api::Hlist,
        AskedApi::Interval => Api::Interval,
    }
}

/// Has the invariants watched; the policies injected later are declared too.
fn watch(
    scenario: &Scenario,
    choice: &Choice<'_>,
    drivers: &IdVec<DeviceId, DriverRef>,
    engine: &Engine<Recorder>,
) {
    let injected = scenario.injections.iter().filter_map(|injection| match injection.what {
        Inject::Policy { id } => Some(find_policy(id)),
        _ => None,
    });
    let forked = choice.forks.iter().filter_map(|fork| policy::find(fork.policy()?));
    let policies: Vec<_> = std::iter::once(choice.policy).chain(injected).chain(forked).collect();
    let maps_what_is_gone = |device: &Device| {
        let ops = driver_of(device).ops();
        let asked = asked_api(device, choice.switches);
        let listed = policies.iter().any(|policy| policy.api(asked) == Api::Hlist);
        let (loses, counts) = match &device.behaviour {
            Behaviour::Archetype(_) => (device.acts_on != ActsOn::Any, ops.end),
            Behaviour::Steps(plan) => (plan.can_lose(device.acts_on), plan.counts_until_end()),
        };
        (loses || (listed && !counts)) && !device.page_refs.unwrap_or(ops.page_refs)
    };
    let callback_allocates = |device: &Device| match &device.behaviour {
        Behaviour::Archetype(_) => {
            device.gfp.is_some_and(|gfp| gfp.has(Gfp::DIRECT_RECLAIM))
                && policies.iter().any(|policy| reaper_gets_to_work(device, policy.approach()))
        }
        Behaviour::Steps(plan) => {
            let promises = promises_not_to_block(device);
            policies.iter().any(|policy| plan.reaper_allocates(policy.approach(), promises))
        }
    };
    let reaper_may_wait = |device: &Device| {
        let blocks = |approach| match approach {
            Approach::Blocking | Approach::Deadline(_) => true,
            // It goes by what a driver promises.
            Approach::SkipFlag => promises_not_to_block(device),
            _ => false,
        };
        driver_of(device).sleeps_anyway()
            || callback_allocates(device)
            || policies.iter().any(|policy| blocks(policy.approach()))
    };
    let declared = check::Declared {
        switches: choice.switches,
        policies: &policies,
        drivers: &drivers.iter().map(|(_, driver)| &**driver).collect::<Vec<&dyn Driver>>(),
        timer_wheel: scenario.machine.timer_wheel,
        shifts_waits: choice.forks.iter().any(Fork::shifts),
        kills_allocating_task: scenario.machine.oom_kill_allocating_task,
        maps_what_is_gone: &scenario.devices.iter().map(maps_what_is_gone).collect::<Vec<_>>(),
        callback_allocates: scenario.devices.iter().any(callback_allocates),
        reaper_may_wait: &scenario.devices.iter().map(reaper_may_wait).collect::<Vec<_>>(),
    };
    engine.observe(|_, recorder| recorder.watch(check::monitor(&declared)));
}

/// Whether its callback is said not to block (up to 4.18).
fn promises_not_to_block(device: &Device) -> bool {
    device.does_not_block.unwrap_or(driver_of(device).ops().does_not_block)
}

/// Whether an archetype's callback can come to its work in a call from the reaper.
fn reaper_gets_to_work(device: &Device, approach: Approach) -> bool {
    let driver = driver_of(device);
    match approach {
        Approach::Silent | Approach::SkipAny | Approach::CoreRefuses => false,
        Approach::SkipFlag => promises_not_to_block(device),
        Approach::Blocking | Approach::Deadline(_) => true,
        Approach::NonBlocking | Approach::TwoPass | Approach::HandOff => {
            let refuse = refuse(device);
            let gets_past = refuse != Some(Refuse::Overlap) && driver.tries_lock(refuse).is_some();
            driver.sleeps_anyway() || gets_past
        }
    }
}

/// The locks that exist from the start, besides those of address spaces.
struct NamedLocks {
    oom_lock: LockId,
    /// Those that the scenario declares.
    declared: Vec<LockId>,
    /// Of each device.
    devices: Vec<LockId>,
    /// In user memory, which no lockdep knows.
    futexes: Vec<LockId>,
}

impl NamedLocks {
    fn new(scenario: &Scenario, engine: &Engine<Recorder>, switches: &Switches) -> Self {
        let oom_lock = new_lock(engine, LockInfo::mutex("oom_lock"));
        let declared = scenario.locks.iter().map(|lock| {
            let (name, class) = (lock.name.clone(), lock.class.clone());
            new_lock(engine, LockInfo { name, kind: lock.kind, class })
        });
        let declared: Vec<_> = declared.collect();
        let mut devices: Vec<LockId> = Vec::new();
        for device in &scenario.devices {
            devices.push(match (device.ring_of, device.lock) {
                (Some(owner), _) => devices[owner],
                (None, Some(index)) => declared[index],
                (None, None) => new_lock(engine, device_lock(device, switches)),
            });
        }
        let futexes = scenario
            .futexes
            .iter()
            .map(|name| new_lock(engine, LockInfo::mutex(&format!("futex {name}"))));
        let futexes = futexes.collect();
        Self { oom_lock, declared, devices, futexes }
    }
}

fn new_lock(engine: &Engine<Recorder>, info: LockInfo) -> LockId {
    let lock = engine.new_lock();
    engine.observe(|_, recorder| recorder.cast.locks.push(info));
    lock
}

/// A device's own lock: one class per driver, whose code initializes them all.
fn device_lock(device: &Device, switches: &Switches) -> LockInfo {
    LockInfo {
        name: format!("lock of {}", device.name),
        kind: driver_of(device).lock_kind(switches),
        class: format!("&{}->lock", device.driver.replace('-', "_")),
    }
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
