//! A small kernel for tests of single functions: one zone, exact timers,
//! nothing costs time but unmapping and log lines, and drivers that do as they are told.

use std::rc::Rc;

use super::costs::Costs;
use super::cx::{Clock, Cx, Kernel, NewTask, Parts};
use super::device::Device;
use super::lockdep::LockDebug;
use super::mm::{Backing, Mm, Vma};
use super::plugin::{
    ActsOn, Api, Approach, Blockable, Boxed, Call, DeviceSetup, Driver, DriverRef, Finish, Ops,
    Policy, Refused,
};
use super::state::{Group, State};
use super::switches;
use super::zone::{Marks, Use, Zone};
use crate::base::{
    DeviceId, Distribution, IdVec, MmId, Nanos, NotifierId, Seeds, Shape, SimTime, TaskId, ZoneId,
};
use crate::engine::{Cpus, Engine, Executor, Limits, Progress, Signals, Ties};
use crate::record::{
    Cast, DeviceInfo, Event, Keep, LockInfo, MmInfo, RangeInfo, Reason, Record, Recorder, TaskKind,
    Trace,
};

/// A driver whose callbacks take `start` and `finish` when they may
/// sleep, and refuse when they must not if `refuses`.
#[derive(Copy, Clone)]
pub(super) struct Probe {
    pub ops: Ops,
    pub refuses: bool,
    pub start: Nanos,
    pub finish: Nanos,
}

impl Probe {
    pub(super) const WILLING: Self =
        Self { ops: Ops::START, refuses: false, start: Nanos::ZERO, finish: Nanos::ZERO };
    pub(super) const REFUSING: Self = Self { refuses: true, ..Self::WILLING };

    async fn sleep(cx: &Cx, span: Nanos) {
        if span.0 > 0 {
            cx.sleep(span, Reason::CallbackSleep, Signals::Ignored).await;
        }
    }
}

impl Driver for Probe {
    fn id(&self) -> &'static str {
        "probe"
    }

    fn doc(&self) -> &'static str {
        ""
    }

    fn ops(&self) -> Ops {
        self.ops
    }

    fn invalidate<'a>(&'a self, call: Call<'a>) -> Boxed<'a, Result<(), Refused>> {
        Box::pin(async move {
            if self.refuses && call.blockable != Blockable::Yes {
                return Err(Refused);
            }
            call.set_seq();
            Self::sleep(call.cx, self.start + self.finish).await;
            Ok(())
        })
    }

    fn invalidate_start<'a>(
        &'a self,
        call: Call<'a>,
    ) -> Boxed<'a, Result<Option<Finish>, Refused>> {
        Box::pin(async move {
            if self.refuses && call.blockable != Blockable::Yes {
                return Err(Refused);
            }
            Self::sleep(call.cx, self.start).await;
            Ok(Some(Finish(call.cx.now().0 + self.finish.0)))
        })
    }

    fn invalidate_finish<'a>(&'a self, call: Call<'a>, finish: Finish) -> Boxed<'a, ()> {
        Box::pin(async move {
            Self::sleep(call.cx, SimTime(finish.0).saturating_sub(call.cx.now())).await;
        })
    }
}

/// A policy for tests; devices register as they ask.
struct Meets(Approach);

impl Policy for Meets {
    fn id(&self) -> &'static str {
        "meets"
    }

    fn doc(&self) -> &'static str {
        ""
    }

    fn api(&self, asked: Api) -> Api {
        asked
    }

    fn approach(&self) -> Approach {
        self.0
    }
}

/// A kernel of its own for one test.
pub(super) struct Bench {
    pub kernel: Rc<Kernel>,
}

impl Bench {
    pub(super) fn new(profile: &str, approach: Approach, devices: &[(Probe, Api)]) -> Self {
        let clock = Clock { hz: 250, timer_wheel: false, uptime: Nanos::ZERO };
        let tick = clock.tick();
        let cpus = Cpus {
            count: 4,
            tick,
            since_tick: Nanos::ZERO,
            latency: Nanos::from_ms(6),
            min_granularity: Nanos::from_us(750),
            wakeup_granularity: Nanos::from_ms(1),
            switch_cost: Nanos::ZERO,
        };
        let switches = switches::find(profile).expect("a profile");
        let mut cast = Cast { jiffy: tick, cpus: 4, ..Cast::default() };
        let mut drivers: IdVec<DeviceId, DriverRef> = IdVec::new();
        for &(probe, _) in devices {
            let driver: &'static Probe = Box::leak(Box::new(probe));
            drivers.push(DriverRef::Archetype(driver));
            let (name, driver) = ("probe".to_owned(), driver.id().to_owned());
            let (task, lock, worker, faulter) = (None, None, None, None);
            let (timeout, signaled) = (None, None);
            let info = DeviceInfo { name, driver, task, lock, worker, faulter, timeout, signaled };
            cast.devices.push(info);
        }
        let engine = Rc::new(Engine::new(cpus, Ties::Fifo, Recorder::new(Keep::Records, cast)));
        let state = state(&engine, Box::leak(Box::new(Meets(approach))), devices);
        let mut costs = Costs::default();
        for cost in [
            &mut costs.notifier_hlist,
            &mut costs.notifier_interval,
            &mut costs.signal,
            &mut costs.lock_op,
            &mut costs.context_switch,
        ] {
            *cost = Nanos::ZERO;
        }
        // Lines take a while, so that it matters who holds what meanwhile.
        costs.printk = Nanos::from_ms(1);
        costs.zap_page = Nanos(500);
        costs.zap_page_tight = Nanos(500);
        let kernel = Kernel::new(
            Parts { engine, switches, costs, clock, drivers, lock_debug: LockDebug::OFF },
            state,
        );
        let bench = Self { kernel };
        bench.task("oom_reaper", None, super::oom_reaper);
        bench
    }

    /// An address space whose VMAs have these pages, all present, a GiB apart.
    pub(super) fn mm(&self, vmas: &[(Backing, u64)]) -> MmId {
        let mmap_lock = named_lock(&self.kernel.engine, "mmap_lock");
        let wait = self.kernel.engine.new_queue();
        let owner = TaskId(0);
        let mm = self.kernel.with(|state| state.mms.push(Mm::new(owner, mmap_lock, wait)));
        for (&(backing, pages), index) in vmas.iter().zip(1..) {
            let start = index << 30;
            let end = start + (pages << 12);
            let id = self.kernel.engine.observe(|_, recorder| {
                recorder.cast.ranges.push(RangeInfo {
                    mm,
                    start,
                    end,
                    name: format!("vma{index}"),
                    anonymous: true,
                })
            });
            let mut vma = Vma::new(id, start, end, backing);
            self.kernel.with(|state| {
                if matches!(backing, Backing::Anonymous) {
                    state.zones[ZoneId(0)].transfer(Use::Free, Use::Anon, pages);
                    vma.anon.0[0] = pages;
                } else {
                    vma.resident = pages;
                }
                state.mms[mm].insert(vma);
            });
        }
        self.kernel.engine.observe(|_, recorder| {
            recorder.cast.mms.push(MmInfo { owner, mmap_lock });
        });
        mm
    }

    /// A process that does `body`; with an mm it is one of its users.
    pub(super) fn task<F>(&self, name: &str, mm: Option<MmId>, body: impl FnOnce(Cx) -> F) -> TaskId
    where
        F: Future<Output = ()> + 'static,
    {
        let new = NewTask {
            name: name.to_owned(),
            comm: name.to_owned(),
            pid: 0,
            leader: None,
            kind: TaskKind::User,
            oom_score_adj: 0,
        };
        let id = self.kernel.spawn(new, body);
        let ready = self.kernel.engine.new_queue();
        self.kernel.with(|state| {
            state.tasks[id].mm = mm;
            if let Some(mm) = mm {
                state.mms[mm].mm_users += 1;
            }
            state.groups[id] = Some(Group {
                oom_mm: None,
                group_exit: false,
                core_state: None,
                oom_score_adj: 0,
                threads: vec![id],
                live: 1,
                ready,
                cgroup: None,
                init: false,
                parent: None,
                admin: false,
                oom_origin: false,
                born: false,
                children: ready,
                inherits_adj: false,
                vfork: false,
                uid: 0,
            });
        });
        id
    }

    /// A process that has the mm and never lets go of it.
    pub(super) fn sitter(&self, name: &str, mm: MmId) -> TaskId {
        self.task(name, Some(mm), |cx| async move {
            let forever = cx.with(|state| state.forever);
            cx.wait(forever, Reason::Stuck, Signals::Ignored).await;
        })
    }

    /// Makes the process a victim.
    pub(super) fn mark(&self, victim: TaskId) {
        self.kernel.with(|state| {
            let mm = state.tasks[victim].mm;
            state.tasks[victim].memdie = true;
            state.oom_victims += 1;
            let group = state.group(victim);
            (group.oom_mm, group.group_exit) = (mm, true);
        });
    }

    /// Runs to the end, and returns what happened.
    pub(super) fn run(self) -> Log {
        let limits = Limits { horizon: SimTime::ZERO + Nanos::from_secs(60), ..Limits::default() };
        let mut executor = Executor::new(Rc::clone(&self.kernel.engine), limits);
        assert!(matches!(executor.run(u64::MAX), Progress::Stopped(_)));
        self.kernel.engine.observe(|_, recorder| Log {
            trace: std::mem::take(&mut recorder.trace),
            cast: std::mem::take(&mut recorder.cast),
        })
    }
}

fn named_lock(engine: &Engine<Recorder>, name: &str) -> crate::base::LockId {
    let lock = engine.new_lock();
    engine.observe(|_, recorder| recorder.cast.locks.push(LockInfo::mutex(name)));
    lock
}

fn state(engine: &Engine<Recorder>, policy: &'static dyn Policy, probes: &[(Probe, Api)]) -> State {
    // State::bare() makes the first lock.
    let mut state = State::bare(engine, policy);
    engine.observe(|_, recorder| recorder.cast.locks.push(LockInfo::mutex("oom_lock")));
    let marks = Marks { min: 100, low: 125, high: 150, lowmem_reserve: 0 };
    state.zones.push(Zone::new(1_000_000, 1_000_000, 0, marks));
    let mut devices = IdVec::new();
    for &(probe, api) in probes {
        let setup = DeviceSetup {
            name: "probe".to_owned(),
            api,
            fence: Distribution::new(Shape::Constant(Nanos::ZERO)),
            sleep: Nanos::ZERO,
            refuse: None,
            lock: named_lock(engine, "lock"),
            declared_locks: Vec::new(),
            work: None,
            page_refs: false,
            does_not_block: probe.ops.does_not_block,
            vcpus: 0,
            timeout: None,
            gfp: None,
            worker: None,
            acts_on: ActsOn::Any,
            shrinker: None,
            ring_of: None,
            maps_on_fault: false,
        };
        devices.push(Device::new(&Seeds::new(1), setup, || engine.new_queue()));
    }
    state.devices = devices;
    state
}

/// What happened in a run.
pub(super) struct Log {
    pub trace: Trace,
    pub cast: Cast,
}

impl Log {
    pub(super) fn records(&self) -> impl Iterator<Item = Record> + '_ {
        self.trace.iter()
    }

    /// Records of this kind: when, in us, and by whom.
    pub(super) fn when(&self, is: impl Fn(&Event) -> bool) -> Vec<(u64, String)> {
        let records = self.records().filter(|record| is(&record.event));
        let told =
            records.map(|record| (record.at.0 / 1000, self.cast.tasks[record.task].name.clone()));
        told.collect()
    }

    pub(super) fn count(&self, is: impl Fn(&Event) -> bool) -> usize {
        self.records().filter(|record| is(&record.event)).count()
    }

    /// The VMAs unmapped, in order, each as often as somebody turned to it anew.
    pub(super) fn zapped(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for record in self.records() {
            if let Event::Zap { range, .. } = record.event {
                names.push(self.cast.ranges[range].name.clone());
            }
        }
        names.dedup();
        names
    }

    /// Pages unmapped in all.
    pub(super) fn zapped_pages(&self) -> u64 {
        let pages = self.records().map(|record| match record.event {
            Event::Zap { pages, .. } => u64::from(pages),
            _ => 0,
        });
        pages.sum()
    }

    /// The interval tree's counters after each step: active, seq.
    pub(super) fn itree(&self) -> Vec<(u16, u32)> {
        let steps = self.records().filter_map(|record| match record.event {
            Event::MnItree { active, seq, .. } => Some((active, seq)),
            _ => None,
        });
        steps.collect()
    }

    /// Registrations in the order in which they were called.
    pub(super) fn called(&self) -> Vec<NotifierId> {
        let calls = self.records().filter_map(|record| match record.event {
            Event::MnCall { notifier, .. } => Some(notifier),
            _ => None,
        });
        calls.collect()
    }
}
