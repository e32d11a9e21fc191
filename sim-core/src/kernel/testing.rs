//! A small machine for the kernel's own tests: one zone, exact timers,
//! nothing costs time but what a test says; processes are given as closures,
//! and drivers do as they are told.

mod devices;
mod log;

use std::collections::BTreeMap;
use std::rc::Rc;

use super::costs::COSTS;
use super::cx::{Clock, Cx, Kernel, NewTask, Parts};
use super::exit::do_group_exit;
use super::lockdep::LockDebug;
use super::mm::{Backing, Mm, Vma};
use super::oom_kill::OomControl;
use super::oom_reaper::Reaping;
use super::plugin::{Api, Approach};
use super::state::{Cgroup, Group, State};
use super::zone::{Marks, Pages, Use, Zone};
use super::{Costs, switches};
use crate::base::{CgroupId, MmId, Nanos, SimTime, TaskId, ZoneId};
use crate::engine::{Cpus, Engine, Executor, Hold, Limits, Progress, Signals, Stop, Ties};
use crate::record::{
    Cast, Event, Gfp, Keep, LockInfo, MmInfo, OomResult, RangeInfo, Reason, Recorder, TaskKind,
};

pub(super) use devices::Probe;
use devices::{Meets, named_lock};
pub(super) use log::Log;

/// A process of a test.
#[derive(Clone, Debug)]
pub(super) struct Proc {
    pub pid: u32,
    /// Anonymous pages that it has from the start.
    pub anon: u64,
    pub adj: i16,
    pub cgroup: Option<CgroupId>,
    pub parent: Option<TaskId>,
    /// Whose mm it uses, if not one of its own.
    pub shares: Option<TaskId>,
    pub admin: bool,
    pub oom_origin: bool,
    pub vfork: bool,
}

impl Proc {
    /// A process with so many anonymous pages.
    pub(super) fn of(pid: u32, anon: u64) -> Self {
        Self {
            pid,
            anon,
            adj: 0,
            cgroup: None,
            parent: None,
            shares: None,
            admin: false,
            oom_origin: false,
            vfork: false,
        }
    }
}

/// A machine under test.
pub(super) struct Machine {
    pub kernel: Rc<Kernel>,
    executor: Executor<Recorder>,
}

impl Machine {
    /// Of this kernel profile, with 100,000 pages, all of them free, and
    /// 4 CPUs; a fruitless reclaim pass costs a millisecond.
    pub(super) fn new(profile: &str) -> Self {
        let pass = Nanos::from_ms(1);
        let costs = [("reclaim_pass", pass), ("memcg_reclaim_pass", pass)];
        Self::with_costs(profile, &costs)
    }

    /// As [`new`](Self::new), but this is what costs time.
    pub(super) fn with_cost(profile: &str, cost: &str, time: Nanos) -> Self {
        Self::with_costs(profile, &[(cost, time)])
    }

    /// The same with these.
    pub(super) fn with_costs(profile: &str, costs: &[(&str, Nanos)]) -> Self {
        Self::build(profile, Approach::NonBlocking, &[], 100_000, costs, false)
    }

    /// With these devices and a reaper; unmapping costs time and log lines do, so that
    /// it matters who holds what meanwhile.
    pub(super) fn with_devices(
        profile: &str,
        approach: Approach,
        devices: &[(Probe, Api)],
    ) -> Self {
        Self::with_reaper(profile, approach, devices, false)
    }

    /// The same without devices, where timers go off when the timer wheel's buckets do.
    pub(super) fn with_timer_wheel(profile: &str) -> Self {
        Self::with_reaper(profile, Approach::NonBlocking, &[], true)
    }

    fn with_reaper(
        profile: &str,
        approach: Approach,
        devices: &[(Probe, Api)],
        timer_wheel: bool,
    ) -> Self {
        let zap = Nanos(500);
        let costs = [
            ("printk", Nanos::from_ms(1)),
            ("zap_page", zap),
            ("zap_page_tight", zap),
            ("free_page", Nanos(350)),
            ("reclaim_pass", Nanos::from_ms(1)),
            ("memcg_reclaim_pass", Nanos::from_ms(1)),
        ];
        let machine = Self::build(profile, approach, devices, 1_000_000, &costs, timer_wheel);
        machine.task("oom_reaper", None, super::oom_reaper);
        machine
    }

    fn build(
        profile: &str,
        approach: Approach,
        probes: &[(Probe, Api)],
        pages: u64,
        expensive: &[(&str, Nanos)],
        timer_wheel: bool,
    ) -> Self {
        let switches = switches::find(profile).expect("a profile");
        let clock = Clock { hz: 250, timer_wheel, uptime: Nanos::ZERO };
        let cpus = Cpus {
            count: 4,
            tick: clock.tick(),
            latency: Nanos::from_ms(6),
            min_granularity: Nanos::from_ms(1),
            wakeup_granularity: Nanos::from_ms(1),
            switch_cost: Nanos::ZERO,
            since_tick: Nanos::ZERO,
        };
        let mut cast = Cast { jiffy: clock.tick(), cpus: 4, ..Cast::default() };
        let drivers = devices::drivers(probes, &mut cast);
        let engine = Rc::new(Engine::new(cpus, Ties::Fifo, Recorder::new(Keep::Records, cast)));
        let mut costs: BTreeMap<_, _> =
            COSTS.iter().map(|(name, ..)| ((*name).to_owned(), Nanos::ZERO)).collect();
        costs.extend(expensive.iter().map(|&(name, time)| (name.to_owned(), time)));
        // State::bare() makes the first lock.
        let mut state = State::bare(&engine, Box::leak(Box::new(Meets(approach))));
        engine.observe(|_, recorder| recorder.cast.locks.push(LockInfo::mutex("oom_lock")));
        let marks = Marks { min: 100, low: 125, high: 150, lowmem_reserve: 0 };
        state.zones.push(Zone::new(pages, pages, 0, marks));
        state.devices = devices::devices(&engine, probes);
        let parts = Parts {
            engine: Rc::clone(&engine),
            switches,
            costs: Costs::with(&costs),
            clock,
            reaping: Reaping::of(switches, &clock),
            drivers,
            lock_debug: LockDebug::OFF,
        };
        let limits = Limits { horizon: SimTime(60_000_000_000), ..Limits::default() };
        let executor = Executor::new(engine, limits);
        Self { kernel: Kernel::new(parts, state), executor }
    }

    /// Reads or changes the state.
    pub(super) fn with<R>(&self, f: impl FnOnce(&mut State) -> R) -> R {
        self.kernel.with(f)
    }

    /// A cgroup with this limit in pages.
    pub(super) fn cgroup(&self, parent: Option<CgroupId>, limit: Option<u64>) -> CgroupId {
        let oom_waitq = self.kernel.engine.new_queue();
        let name = "cgroup".to_owned();
        self.with(|state| {
            state.cgroups.push(Cgroup {
                name,
                parent,
                limit,
                high: None,
                usage: 0,
                min: 0,
                low: 0,
                emin: 0,
                elow: 0,
                clean: Pages::default(),
                congested: false,
                oom_group: false,
                oom_waitq,
                under_oom: 0,
                oom_locked: false,
            })
        })
    }

    /// A kernel thread.
    pub(super) fn kthread<F>(&self, body: impl FnOnce(Cx) -> F) -> TaskId
    where
        F: Future<Output = ()> + 'static,
    {
        self.kernel.spawn(new_task(0, None, TaskKind::Kthread), body)
    }

    /// A process that runs `body`; its memory is there already.
    pub(super) fn process<F>(&self, proc: &Proc, body: impl FnOnce(Cx) -> F) -> TaskId
    where
        F: Future<Output = ()> + 'static,
    {
        let id = self.kernel.spawn(new_task(proc.pid, None, TaskKind::User), body);
        let group = Group {
            oom_score_adj: proc.adj,
            cgroup: proc.cgroup,
            init: proc.pid == 1,
            parent: proc.parent,
            admin: proc.admin,
            oom_origin: proc.oom_origin,
            vfork: proc.vfork,
            ..self.group(id)
        };
        self.with(|state| state.groups[id] = Some(group));
        let mm = match proc.shares {
            Some(other) => self.with(|state| state.tasks[other].mm).expect("it has an mm"),
            None => self.heap(id, proc),
        };
        self.with(|state| {
            state.start_group(id);
            state.tasks[id].mm = Some(mm);
            state.mms[mm].mm_users += 1;
        });
        id
    }

    /// A further thread of the process of `leader`.
    pub(super) fn thread<F>(&self, leader: TaskId, body: impl FnOnce(Cx) -> F) -> TaskId
    where
        F: Future<Output = ()> + 'static,
    {
        let id = self.kernel.spawn(new_task(0, Some(leader), TaskKind::User), body);
        self.with(|state| {
            let mm = state.tasks[leader].mm.expect("it has an mm");
            state.tasks[id].mm = Some(mm);
            state.mms[mm].mm_users += 1;
            let group = state.group(leader);
            group.threads.push(id);
            group.live += 1;
            group.files += 1;
        });
        id
    }

    /// The thread group of a first thread.
    fn group(&self, leader: TaskId) -> Group {
        let engine = &self.kernel.engine;
        Group {
            oom_mm: None,
            group_exit: false,
            core_state: None,
            dumped_along: false,
            oom_score_adj: 0,
            threads: vec![leader],
            live: 1,
            files: 1,
            undo_list: Vec::new(),
            ready: engine.new_queue(),
            cgroup: None,
            init: false,
            parent: None,
            admin: false,
            oom_origin: false,
            born: false,
            children: engine.new_queue(),
            inherits_adj: false,
            vfork: false,
            freezing: false,
            uid: 0,
        }
    }

    /// A process of this name, which the killer does not see; with an mm it is one of its users.
    pub(super) fn task<F>(&self, name: &str, mm: Option<MmId>, body: impl FnOnce(Cx) -> F) -> TaskId
    where
        F: Future<Output = ()> + 'static,
    {
        let comm = name.to_owned();
        let new = NewTask { name: comm.clone(), comm, ..new_task(0, None, TaskKind::User) };
        let id = self.kernel.spawn(new, body);
        let group = self.group(id);
        self.with(|state| {
            state.tasks[id].mm = mm;
            if let Some(mm) = mm {
                state.mms[mm].mm_users += 1;
            }
            state.groups[id] = Some(group);
        });
        id
    }

    /// A process that has the mm and never lets go of it.
    pub(super) fn sitter(&self, name: &str, mm: MmId) -> TaskId {
        self.task(name, Some(mm), stuck)
    }

    /// Makes the process a victim.
    pub(super) fn mark(&self, victim: TaskId) {
        let has_oom_mm = !self.kernel.switches.victim_is_memdie;
        self.with(|state| {
            let mm = state.tasks[victim].mm.filter(|_| has_oom_mm);
            state.tasks[victim].memdie = true;
            state.oom_victims += 1;
            let group = state.group(victim);
            (group.oom_mm, group.group_exit) = (mm, true);
        });
    }

    /// The address space of a process: a heap with its pages, and room for more.
    fn heap(&self, owner: TaskId, proc: &Proc) -> MmId {
        let mm = self.mm_of(owner, &[(Backing::Anonymous, proc.anon, 1024)]);
        self.with(|state| {
            let mut at = proc.cgroup;
            while let Some(id) = at {
                state.cgroups[id].usage += proc.anon;
                at = state.cgroups[id].parent;
            }
        });
        mm
    }

    /// An address space whose VMAs have these pages, all present, a GiB apart, and page tables for them.
    pub(super) fn mm(&self, vmas: &[(Backing, u64)]) -> MmId {
        let vmas: Vec<_> = vmas.iter().map(|&(backing, pages)| (backing, pages, 0)).collect();
        self.mm_of(TaskId(0), &vmas)
    }

    /// Each VMA with its present pages and the room behind them.
    fn mm_of(&self, owner: TaskId, vmas: &[(Backing, u64, u64)]) -> MmId {
        let engine = &self.kernel.engine;
        let mmap_lock = named_lock(engine, LockInfo::mmap_lock("somebody", "&mm->mmap_lock"));
        let wait = engine.new_queue();
        let mm = self.with(|state| state.mms.push(Mm::new(owner, mmap_lock, wait)));
        engine.observe(|_, recorder| recorder.cast.mms.push(MmInfo { owner, mmap_lock }));
        for (&(backing, pages, room), index) in vmas.iter().zip(1..) {
            let start = index << 30;
            let end = start + ((pages + room) << 12);
            let id = engine.observe(|_, recorder| {
                let name = format!("vma{index}");
                recorder.cast.ranges.push(RangeInfo { mm, start, end, name, anonymous: true })
            });
            let mut vma = Vma::new(id, start, end, backing);
            self.with(|state| {
                if pages > 0 {
                    let span = (start, start + (pages << 12));
                    let mut tables = Pages::default();
                    tables.0[0] = state.mms[mm].page_tables.missing(span, 0);
                    let count = tables.count();
                    state.mms[mm].page_tables.populate(span, 0, &mut tables);
                    state.zones[ZoneId(0)].transfer(Use::Free, Use::PageTable, count);
                }
                if backing == Backing::Anonymous {
                    state.zones[ZoneId(0)].transfer(Use::Free, Use::Anon, pages);
                    vma.anon.0[0] = pages;
                    vma.touched = pages;
                } else {
                    vma.resident = pages;
                }
                state.mms[mm].insert(vma);
            });
        }
        mm
    }

    /// Runs to the end, and says how it ended.
    pub(super) fn run(&mut self) -> Stop {
        let Progress::Stopped(stop) = self.executor.run(1_000_000) else {
            panic!("the test runs on and on")
        };
        stop
    }

    /// Runs to the end, which this task reaches: whatever it asserts was asserted.
    pub(super) fn run_through(&mut self, task: TaskId) {
        self.run();
        let ended =
            |&(_, who, event): &(u64, TaskId, Event)| (who, event) == (task, Event::Exited {});
        assert!(self.events().iter().any(ended), "the test's task hangs");
    }

    /// Runs to the end, and returns what happened.
    pub(super) fn into_log(mut self) -> Log {
        self.run();
        self.kernel.engine.observe(|_, recorder| Log {
            trace: std::mem::take(&mut recorder.trace),
            cast: std::mem::take(&mut recorder.cast),
        })
    }

    /// What happened: time in ms, task, event.
    pub(super) fn events(&self) -> Vec<(u64, TaskId, Event)> {
        self.kernel.engine.observe(|_, recorder| {
            let records = recorder.trace.iter();
            records.map(|record| (record.at.0 / 1_000_000, record.task, record.event)).collect()
        })
    }

    /// What happened, as far as `pick` has words for it.
    pub(super) fn story<T>(&self, pick: impl Fn(Event) -> Option<T>) -> Vec<T> {
        self.events().into_iter().filter_map(|(_, _, event)| pick(event)).collect()
    }
}

/// What a task of this kind is called.
pub(super) fn new_task(pid: u32, leader: Option<TaskId>, kind: TaskKind) -> NewTask {
    let name = format!("task {pid}");
    NewTask { comm: name.clone(), name, pid, leader, kind, oom_score_adj: 0 }
}

/// Calls the OOM killer as the allocator does, with `oom_lock` held.
pub(super) async fn call_oom(cx: &Cx, oc: OomControl) -> bool {
    let oom_lock = cx.with(|state| state.oom_lock);
    cx.lock(oom_lock, Hold::Exclusive, Reason::OomLock).await;
    let again = super::oom_kill::out_of_memory(cx, &oc).await;
    cx.unlock(oom_lock);
    again
}

/// The whole machine is out of memory.
pub(super) const GLOBAL: OomControl =
    OomControl { gfp: Gfp::KERNEL, order: super::oom_kill::OomOrder::Pages(0), memcg: None };

/// Sits where no signal reaches it.
pub(super) async fn stuck(cx: Cx) {
    let forever = cx.with(|state| state.forever);
    cx.wait(forever, Reason::Stuck, Signals::Ignored).await;
}

/// Sleeps, uninterruptibly.
pub(super) async fn sleep_ms(cx: &Cx, ms: u64) {
    cx.sleep(Nanos::from_ms(ms), Reason::Sleep, Signals::Ignored).await;
}

/// Sleeps until killed, then exits.
pub(super) async fn idle(cx: Cx) {
    let forever = cx.with(|state| state.forever);
    cx.wait(forever, Reason::Forever, Signals::Killable).await;
    do_group_exit(&cx).await;
}

/// How each call of `out_of_memory()` ended.
pub(super) fn results(machine: &Machine) -> Vec<(OomResult, Option<TaskId>)> {
    machine.story(|event| match event {
        Event::OutOfMemory { result, victim } => Some((result, victim)),
        _ => None,
    })
}

/// Who was killed, by the lines that say so.
pub(super) fn killed(machine: &Machine) -> Vec<TaskId> {
    machine.story(|event| match event {
        Event::KilledProcess { victim, .. } => Some(victim),
        _ => None,
    })
}
