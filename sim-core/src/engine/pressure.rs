//! How much of the time processes are held up by something that they say
//! they are: pressure.
//!
//! With N = min(processes that want a CPU, wait for I/O or are held up, CPUs), `some`
//! grows by min(held up / N, 1) and `full` by (N − min(productive, N))/N of
//! the time, but by no more than `some`; productive are those who want a CPU and are not held up, as far as the
//! CPUs are not taken by those who are. The same sums serve those who read a run's
//! records and, once a process asks for it, the run itself. Left out: sums per CPU.

use super::core::{Core, Engine, EngineEvent, Observer, State, Why};
use crate::base::{IdVec, QueueId, SimTime, TaskId};

/// How a process counts.
#[derive(Copy, Clone, Default, Eq, PartialEq, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "the kernel's task flags")]
pub struct Load {
    /// It runs, or could.
    pub wants_cpu: bool,
    /// It has a CPU.
    pub runs: bool,
    /// It waits for I/O (`in_iowait`).
    pub waits_for_io: bool,
    /// It says that it is held up.
    pub stalled: bool,
}

impl Load {
    /// Whether a CPU that it is on counts (`PSI_NONIDLE`).
    fn is_nonidle(self) -> bool {
        self.wants_cpu || self.waits_for_io || self.stalled
    }
}

/// The sums.
#[derive(Clone, Debug)]
pub struct Pressure {
    cpus: u64,
    stalled: u64,
    /// Runnable or running, and not stalled.
    working: u64,
    /// Running, and stalled all the same.
    stalled_running: u64,
    /// Runnable or running, waiting for I/O, or stalled.
    nonidle: u64,
    since: SimTime,
    /// Numerators of time, by N.
    some: Vec<u128>,
    full: Vec<u128>,
}

impl Pressure {
    /// Of a machine with so many CPUs on which nothing runs at `since`.
    pub fn new(cpus: u32, since: SimTime) -> Self {
        let cpus = cpus.clamp(1, 1024);
        let denominators = usize::try_from(cpus).unwrap_or(1) + 1;
        Self {
            cpus: cpus.into(),
            stalled: 0,
            working: 0,
            stalled_running: 0,
            nonidle: 0,
            since,
            some: vec![0; denominators],
            full: vec![0; denominators],
        }
    }

    /// A process that counted as `old` counts as `new` from `at` on.
    pub fn shift(&mut self, at: SimTime, old: Load, new: Load) {
        self.advance(at);
        let adjust = |count: &mut u64, old: bool, new: bool| {
            *count = (*count + u64::from(new)).saturating_sub(u64::from(old));
        };
        adjust(&mut self.stalled, old.stalled, new.stalled);
        adjust(&mut self.nonidle, old.is_nonidle(), new.is_nonidle());
        adjust(&mut self.working, old.wants_cpu && !old.stalled, new.wants_cpu && !new.stalled);
        adjust(&mut self.stalled_running, old.runs && old.stalled, new.runs && new.stalled);
    }

    /// Adds up to `at`.
    pub fn advance(&mut self, at: SimTime) {
        let span = u128::from(at.saturating_sub(self.since).0);
        self.since = at;
        let threads = self.threads();
        let Ok(slot) = usize::try_from(threads) else {
            return;
        };
        if threads == 0 || self.stalled == 0 {
            return;
        }
        self.some[slot] += span * u128::from(self.stalled.min(threads));
        let lost = threads - self.productive().min(threads);
        self.full[slot] += span * u128::from(lost.min(self.stalled));
    }

    /// How many get work done: also while a CPU switches to one of them.
    fn productive(&self) -> u64 {
        self.working.min(self.cpus.saturating_sub(self.stalled_running))
    }

    /// The N of the formulas.
    fn threads(&self) -> u64 {
        self.nonidle.min(self.cpus)
    }

    /// Whether `some` and `full` grow as things are.
    fn grows(&self) -> (bool, bool) {
        let some = self.stalled > 0;
        (some, some && self.productive() < self.threads())
    }

    /// Whether anybody is held up, and whether anybody else gets work done.
    pub fn state(&self) -> (bool, bool) {
        (self.stalled > 0, self.productive() > 0)
    }

    /// `some` and `full` so far, in nanoseconds.
    pub fn totals(&self) -> (u64, u64) {
        (total(&self.some), total(&self.full))
    }
}

fn total(numerators: &[u128]) -> u64 {
    let time = (1u128..).zip(numerators.iter().skip(1));
    let sum: u128 = time.map(|(threads, time)| time / threads).sum();
    u64::try_from(sum).unwrap_or(u64::MAX)
}

/// The sums of a run that goes on, kept from the first time that they are asked for.
pub(super) struct Accounts {
    pressure: Pressure,
    loads: IdVec<TaskId, Load>,
    /// Which waits are for I/O.
    is_io: fn(Why) -> bool,
    /// Woken when `full` begins to grow, once somebody asks for it.
    full_begins: Option<QueueId>,
}

impl<O: Observer> Core<O> {
    /// Takes note of what became of a process.
    #[cold]
    pub(super) fn account_load(&mut self, task: TaskId, event: EngineEvent) {
        let (wants_cpu, runs) = match event {
            EngineEvent::Spawned | EngineEvent::Preempted | EngineEvent::Woken(..) => (true, false),
            EngineEvent::Ran(_) => (true, true),
            EngineEvent::Blocked(..) | EngineEvent::Exited => (false, false),
            EngineEvent::Acquired(..) | EngineEvent::Released(_) => return,
        };
        let is_io = self.accounts.as_ref().map(|accounts| accounts.is_io);
        let waits_for_io = match (event, is_io) {
            (EngineEvent::Blocked(_, why, _), Some(is_io)) => is_io(why),
            _ => false,
        };
        if self.processes[task].on_cpu {
            let stalled = self.load(task).stalled && event != EngineEvent::Exited;
            self.set_load(task, Load { wants_cpu, runs, waits_for_io, stalled });
        }
    }

    fn load(&self, task: TaskId) -> Load {
        let loads = self.accounts.as_ref().map(|accounts| &accounts.loads);
        loads.and_then(|loads| loads.get(task)).copied().unwrap_or_default()
    }

    fn set_load(&mut self, task: TaskId, load: Load) {
        let (now, old) = (self.events.now(), self.load(task));
        let Some(Accounts { pressure, loads, full_begins, .. }) = self.accounts.as_deref_mut()
        else {
            return;
        };
        while loads.len() <= task.index() {
            loads.push(Load::default());
        }
        loads[task] = load;
        let grew = pressure.grows().1;
        pressure.shift(now, old, load);
        if let Some(queue) = *full_begins
            && !grew
            && pressure.grows().1
        {
            self.wake_all(queue);
        }
    }
}

impl<O: Observer> Engine<O> {
    /// Keeps sums from now on; `is_io` says which waits are for I/O, `stalled` who is held up already.
    pub fn keep_pressure(&self, is_io: fn(Why) -> bool, stalled: impl Fn(TaskId) -> bool) {
        let core = &mut *self.core.borrow_mut();
        let cpus = u32::try_from(core.scheduler.count()).unwrap_or(1);
        let pressure = Pressure::new(cpus, core.now());
        let loads = IdVec::new();
        core.accounts = Some(Box::new(Accounts { pressure, loads, is_io, full_begins: None }));
        for task in (0..core.processes.len()).map(TaskId::from_index) {
            let process = &core.processes[task];
            if process.on_cpu {
                let runs = process.state == State::Running;
                let wants_cpu = runs || process.state == State::Runnable;
                let waits_for_io = matches!(process.state, State::Blocked(_)) && is_io(process.why);
                core.set_load(task, Load { wants_cpu, runs, waits_for_io, stalled: stalled(task) });
            }
        }
    }

    /// The running process says that it is held up, or no longer.
    pub fn set_stalled(&self, stalled: bool) {
        let core = &mut *self.core.borrow_mut();
        let task = core.current();
        let load = Load { stalled, ..core.load(task) };
        core.set_load(task, load);
    }

    /// Whoever waits on `queue` is woken from now on whenever `full` begins to grow.
    pub fn watch_full_pressure(&self, queue: QueueId) {
        if let Some(accounts) = self.core.borrow_mut().accounts.as_deref_mut() {
            accounts.full_begins = Some(queue);
        }
    }

    /// Whether `some` and `full` grow as things are.
    pub fn pressure_grows(&self) -> (bool, bool) {
        let core = self.core.borrow();
        core.accounts.as_ref().map_or((false, false), |accounts| accounts.pressure.grows())
    }

    /// `some` and `full` since [`keep_pressure`](Self::keep_pressure), in nanoseconds.
    pub fn pressure(&self) -> (u64, u64) {
        let core = &mut *self.core.borrow_mut();
        let now = core.now();
        core.accounts.as_deref_mut().map_or((0, 0), |accounts| {
            accounts.pressure.advance(now);
            accounts.pressure.totals()
        })
    }
}
