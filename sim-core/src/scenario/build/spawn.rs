//! What runs: the kernel's threads, the devices, the processes with
//! their threads, and what is done from outside.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::super::checked::{Behaviour, Inject, Scenario, Task};
use super::program::Programs;
use super::{NamedLocks, find_policy, leader, mm_of};
use crate::base::{CgroupId, DeviceId, LockId, Seeds, SimTime, TaskId};
use crate::engine::{Hold, Share};
use crate::kernel::device::run_device;
use crate::kernel::mm::{Backing, Vma};
use crate::kernel::plugin::Refuse;
use crate::kernel::sched::nice_share;
use crate::kernel::state::Group;
use crate::kernel::{Kernel, NewTask, kswapd, oom_reaper, wb_wakeup_delayed};
use crate::record::{DeviceInfo, Event, RangeInfo, TaskKind};
use crate::workload::{Injection, Process, Start, run_injection, run_process};

/// First thread id given to processes that do not ask for one.
const FIRST_PID: u32 = 100;
/// Thread id of the reaper, as in the recordings.
const REAPER_PID: u32 = 25;
/// Thread id of kswapd, as in the recordings.
const KSWAPD_PID: u32 = 38;

/// Makes everything that runs, in the order that [`leader`] counts on.
pub(super) fn spawn_all(
    kernel: &Rc<Kernel>,
    scenario: &Scenario,
    named: &NamedLocks,
    seeds: &Seeds,
) {
    spawn_kthreads(kernel);
    spawn_devices(kernel, scenario);
    spawn_tasks(kernel, scenario, named, seeds);
    spawn_injections(kernel, scenario);
    if scenario.machine.zones.iter().any(|zone| zone.dirty > 0) {
        // What was dirty before the run began is to be written some day.
        let new = new_task("dirty at the start", "<start>", 0, TaskKind::Timer);
        kernel.spawn(new, |cx| async move { wb_wakeup_delayed(&cx) });
    }
}

fn spawn_kthreads(kernel: &Rc<Kernel>) {
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
}

fn spawn_devices(kernel: &Rc<Kernel>, scenario: &Scenario) {
    for (index, device) in scenario.devices.iter().enumerate() {
        let id = DeviceId::from_index(index);
        let new = new_task(&device.name, &device.name, 0, TaskKind::Device);
        let task = kernel.spawn(new, |cx| run_device(cx, id));
        kernel.with(|state| state.devices[id].task = Some(task));
        let (locks, tries, for_jobs, signaled) = kernel.with(|state| {
            let of = &state.devices[id];
            let (own, refuse) = (of.setup.lock, of.setup.refuse);
            let when_busy = refuse == Some(Refuse::WhenBusy);
            let (others, tries, for_jobs) = match &device.behaviour {
                Behaviour::Archetype(driver) => {
                    let driver = crate::driver::find(driver);
                    let tried = driver.and_then(|driver| driver.tries_lock(refuse));
                    let tried = tried.map(|hold| (own, hold));
                    (Vec::new(), tried.into_iter().collect(), when_busy)
                }
                Behaviour::Steps(plan) => {
                    let tried = plan.tried_locks(refuse).into_iter();
                    let tried = tried.map(|(lock, hold)| (of.lock_named(lock.index()), hold));
                    let for_jobs = when_busy || refuse.is_none() && plan.refuses_for_jobs();
                    (plan.locks_of_scenario(), tried.collect(), for_jobs)
                }
            };
            let others = others.into_iter().map(|index| of.lock_named(Some(index)));
            let others = others.filter(|&lock| lock != own);
            (std::iter::once(own).chain(others).collect(), tries, for_jobs, of.signaled())
        });
        let tries: Vec<(LockId, Hold)> = tries;
        let (lucky, fails) = match &device.behaviour {
            Behaviour::Archetype(_) => (0, 0),
            Behaviour::Steps(plan) => (plan.lucky, plan.fails()),
        };
        let is_ring =
            |&other: &usize| other == index || scenario.devices[other].ring_of == Some(index);
        let rings = (0..scenario.devices.len()).filter(is_ring).map(DeviceId::from_index);
        kernel.engine.observe(|_, recorder| {
            recorder.cast.devices.push(DeviceInfo {
                name: device.name.clone(),
                driver: device.driver.clone(),
                module: device.module.clone(),
                task: Some(task),
                locks,
                // Who spins for a lock does not refuse because of it.
                tries: tries
                    .into_iter()
                    .filter(|&(lock, _)| !recorder.cast.locks[lock].kind.spins())
                    .collect(),
                refuses_for: rings.filter(|_| for_jobs).collect(),
                lucky,
                fails,
                worker: None,
                faulter: None,
                timeout: device.timeout,
                signaled: Some(signaled),
            });
        });
    }
}

fn spawn_tasks(kernel: &Rc<Kernel>, scenario: &Scenario, named: &NamedLocks, seeds: &Seeds) {
    let mut pids = Pids::new(scenario);
    for (index, task) in scenario.tasks.iter().enumerate() {
        let pid = pids.of(task);
        let mut new = new_task(&task.name, &task.comm, pid, TaskKind::User);
        new.oom_score_adj = inherited(scenario, index, |task| task.oom_score_adj).unwrap_or(0);
        let adj = new.oom_score_adj;
        let process = process(kernel, scenario, index, named, &mut pids, seeds);
        let mm = process.mm;
        let id = kernel.spawn(new, |cx| run_process(cx, process));
        let group = group(kernel, task, id, pid, adj);
        kernel.with(|state| state.groups[id] = Some(group));
        let share = share(scenario, index, task.nice, task.rt_priority);
        if share != Share::default() {
            kernel.engine.set_share(id, share);
        }
        assert_eq!(id, leader(scenario, index), "invariant: tasks are numbered as planned");
        if let Some(cgroup) = task.cgroup {
            let cgroup = CgroupId::from_index(cgroup);
            kernel.engine.observe(|_, recorder| recorder.cast.cgroups[cgroup].members.push(id));
        }
        if task.fork.is_none() {
            kernel.engine.observe(|_, recorder| recorder.cast.tasks[id].mm = Some(mm));
        }
    }
}

fn spawn_injections(kernel: &Rc<Kernel>, scenario: &Scenario) {
    for (index, injection) in scenario.injections.iter().enumerate() {
        let what = match &injection.what {
            Inject::Kill { task } => Injection::Kill(leader(scenario, *task)),
            Inject::SysrqF => Injection::SysrqF,
            Inject::Limit { cgroup, pages } => {
                Injection::Limit(CgroupId::from_index(*cgroup), *pages)
            }
            Inject::Policy { id } => Injection::Policy(find_policy(id)),
            Inject::Freeze { task } => Injection::Freeze(leader(scenario, *task)),
            Inject::Thaw { task } => Injection::Thaw(leader(scenario, *task)),
            Inject::Suspend { time } => Injection::Suspend(*time),
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
        core_state: None,
        dumped_along: false,
        oom_score_adj: adj,
        threads: vec![leader],
        live: 1,
        files: 1,
        undo_list: Vec::new(),
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
        freezing: false,
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
    taken: BTreeSet<u32>,
    /// From [`FIRST_PID`] to here all are.
    full_to: u32,
}

impl Pids {
    fn new(scenario: &Scenario) -> Self {
        let taken = scenario.tasks.iter().filter_map(|task| task.pid).collect();
        Self { taken, full_to: FIRST_PID }
    }

    fn of(&mut self, task: &Task) -> u32 {
        task.pid.unwrap_or_else(|| self.next(FIRST_PID))
    }

    fn next(&mut self, from: u32) -> u32 {
        let mut pid = if from == FIRST_PID { self.full_to } else { from };
        while !self.taken.insert(pid) {
            pid += 1;
        }
        if from == FIRST_PID {
            self.full_to = pid;
        }
        pid
    }
}

fn process(
    kernel: &Kernel,
    scenario: &Scenario,
    index: usize,
    named: &NamedLocks,
    pids: &mut Pids,
    seeds: &Seeds,
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
    let mut programs = Programs::new(kernel, scenario, index, named, seeds);
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
