//! The kernel of one run, and a task's handle on it.
//!
//! Kernel functions take `&Cx`. State is reached only through
//! [`Cx::with`], whose closure cannot await; everything that takes time
//! or may wait goes through the engine.

use std::cell::RefCell;
use std::rc::Rc;

use super::costs::Costs;
use super::lockdep::{LockDebug, lock_acquire, lock_release};
use super::oom_reaper::Reaping;
use super::page_writeback::TaskDirty;
use super::plugin::DriverRef;
use super::recount::{self, Ledger};
use super::state::{State, Task};
use super::switches::Switches;
use super::zone::Pages;
use crate::base::{DeviceId, IdVec, LockId, MmId, Nanos, QueueId, SimTime, TaskId};
use crate::engine::{Engine, Hold, Needs, Signals, Stop, Waited, Why};
use crate::record::{Attempt, Event, Func, LockInfo, Reason, Recorder, TaskInfo, TaskKind};

/// Records of a run, at most: 480 MB when kept, which a page can still hold.
const RECORDS_MAX: u64 = 20_000_000;

/// The first thread id of kernel threads that are given none: behind kswapd's, before programs'.
const FIRST_KTHREAD_PID: u32 = 39;

/// A time that nobody spins for: who gets the lock before stops at once.
const SPIN: Nanos = Nanos::from_secs(1);

/// The machine's clock.
#[derive(Copy, Clone, Debug)]
pub struct Clock {
    /// Ticks per second.
    pub hz: u32,
    /// Whether timers are rounded as the timer wheel does.
    pub timer_wheel: bool,
    /// Time since boot at the run's start.
    pub uptime: Nanos,
}

/// What a [`Kernel`] is made of besides its state.
pub struct Parts {
    /// Clock, processes and locks.
    pub engine: Rc<Engine<Recorder>>,
    /// The switches of its version.
    pub switches: &'static Switches,
    /// What things cost.
    pub costs: Costs,
    /// Jiffies and rounding.
    pub clock: Clock,
    /// How the reaper goes about a victim.
    pub reaping: Reaping,
    /// The drivers of the devices.
    pub drivers: IdVec<DeviceId, DriverRef>,
    /// What lock debugging it has.
    pub lock_debug: LockDebug,
}

/// The kernel of one run.
pub struct Kernel {
    parts: Parts,
    state: RefCell<State>,
    pub(super) ledger: RefCell<Ledger>,
}

impl std::ops::Deref for Kernel {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

impl Kernel {
    /// A kernel with this state.
    pub fn new(parts: Parts, state: State) -> Rc<Self> {
        let (state, ledger) = (RefCell::new(state), RefCell::default());
        Rc::new(Self { parts, state, ledger })
    }

    /// Creates a process that runs `body`.
    pub fn spawn<F>(self: &Rc<Self>, new: NewTask, body: impl FnOnce(Cx) -> F) -> TaskId
    where
        F: Future<Output = ()> + 'static,
    {
        let needs = match new.kind {
            TaskKind::User | TaskKind::Kthread => Needs::Cpu,
            TaskKind::Device | TaskKind::Timer => Needs::Nothing,
        };
        let id = self.enlist(new);
        let kernel = Rc::clone(self);
        let task = self.engine.spawn(needs, |task| body(Cx { kernel, task }));
        assert_eq!(task, id, "invariant: engine and kernel number tasks alike");
        task
    }

    /// Creates, between two events and not after the next one, something
    /// that acts from outside at `at`, before what else happens then.
    pub fn step_in<F>(self: &Rc<Self>, at: SimTime, name: String, body: impl FnOnce(Cx) -> F)
    where
        F: Future<Output = ()> + 'static,
    {
        let (comm, kind) = ("<fork>".to_owned(), TaskKind::Timer);
        let new = NewTask { name, comm, pid: 0, leader: None, kind, oom_score_adj: 0 };
        let id = self.enlist(new);
        let kernel = Rc::clone(self);
        let task = self.engine.step_in(at, |task| body(Cx { kernel, task }));
        assert_eq!(task, id, "invariant: engine and kernel number tasks alike");
    }

    /// Gives a new process its place in the kernel's tables, and a kernel thread an id.
    fn enlist(&self, new: NewTask) -> TaskId {
        let id = TaskId::from_index(self.with(|state| state.tasks.len()));
        let leader = new.leader.unwrap_or(id);
        self.with(|state| {
            state.tasks.push(Task {
                leader,
                mm: None,
                memdie: false,
                exiting: false,
                memstall: false,
                memalloc: false,
                memalloc_nofs: false,
                memalloc_noio: false,
                dumpcore: false,
                wq_worker: false,
                kernel_pages: Pages::default(),
                kernel_pages_charged: 0,
                section_locks: Vec::new(),
                memcg_may_oom: false,
                memcg_in_oom: None,
                left_cgroup: false,
                memcg_over_high: 0,
                dirty: TaskDirty::default(),
                frozen: false,
                freezable: false,
                robust_list: Vec::new(),
                task_works: Vec::new(),
                oom_reaper_next: None,
            });
            state.groups.push(None);
        });
        self.engine.observe(|_, recorder| {
            let tasks = &recorder.cast.tasks;
            let is_free = |pid: &u32| tasks.iter().all(|(_, info)| info.pid != *pid);
            let pid = match (new.pid, new.kind) {
                // 0 is the idle task's.
                (0, TaskKind::Kthread) => (FIRST_KTHREAD_PID..=u32::MAX).find(is_free).unwrap_or(0),
                (pid, _) => pid,
            };
            recorder.cast.tasks.push(TaskInfo {
                name: new.name,
                comm: new.comm,
                pid,
                leader,
                kind: new.kind,
                mm: None,
                oom_score_adj: new.oom_score_adj,
            });
        });
        id
    }

    /// Reads or changes the state; the closure cannot await.
    pub fn with<R>(&self, f: impl FnOnce(&mut State) -> R) -> R {
        f(&mut self.state.borrow_mut())
    }
}

/// What a new process is called and what it is.
#[derive(Clone, Debug)]
pub struct NewTask {
    /// Unique name.
    pub name: String,
    /// `comm`.
    pub comm: String,
    /// Thread id; 0: one that is free, if it is a kernel thread.
    pub pid: u32,
    /// The thread group's leader; `None`: itself.
    pub leader: Option<TaskId>,
    /// What it is.
    pub kind: TaskKind,
    /// `oom_score_adj`.
    pub oom_score_adj: i16,
}

/// The running task's handle on the kernel: its `current`.
#[derive(Clone)]
pub struct Cx {
    kernel: Rc<Kernel>,
    task: TaskId,
}

/// Takes a function off the modelled call stack when it returns.
#[must_use]
pub struct InFunction {
    kernel: Rc<Kernel>,
    task: TaskId,
}

impl Drop for InFunction {
    fn drop(&mut self) {
        self.kernel.engine.leave(self.task);
    }
}

impl Cx {
    /// `current`.
    pub fn task(&self) -> TaskId {
        self.task
    }

    /// The kernel.
    pub fn kernel(&self) -> &Rc<Kernel> {
        &self.kernel
    }

    /// What things cost.
    pub fn costs(&self) -> &Costs {
        &self.kernel.costs
    }

    /// The clock.
    pub fn now(&self) -> SimTime {
        self.kernel.engine.now()
    }

    /// Reads or changes the state; the closure cannot await.
    pub fn with<R>(&self, f: impl FnOnce(&mut State) -> R) -> R {
        self.kernel.with(f)
    }

    /// Puts `event` into the record. A record that grows too long ends the run.
    pub fn record(&self, event: Event) {
        let count = self.kernel.engine.observe(|at, recorder| {
            recorder.record(at, self.task, event);
            recorder.count()
        });
        if count >= RECORDS_MAX {
            self.kernel.engine.request_stop(Stop::EventLimit);
        }
        if recount::is_due(&event) {
            self.kernel.recount(self.task);
        }
    }

    /// Enters a kernel function; it is left when the guard drops.
    pub fn enter(&self, function: Func) -> InFunction {
        self.kernel.engine.enter(self.task, function as u8);
        InFunction { kernel: Rc::clone(&self.kernel), task: self.task }
    }

    /// Consumes CPU time.
    pub async fn cpu(&self, span: Nanos) {
        self.kernel.engine.cpu(span).await;
    }

    /// Sleeps exactly `span` (a high-resolution timer).
    pub async fn sleep(&self, span: Nanos, why: Reason, signals: Signals) -> Waited {
        self.kernel.engine.sleep(span, Why(why as u8), signals).await
    }

    /// Waits for a queue to be woken.
    pub async fn wait(&self, queue: QueueId, why: Reason, signals: Signals) -> Waited {
        self.kernel.engine.wait(queue, Why(why as u8), signals, None).await
    }

    /// Takes a lock, however long that takes.
    pub async fn lock(&self, lock: LockId, hold: Hold, why: Reason) {
        lock_acquire(self, lock, hold, Attempt::Waits);
        self.charge_lock_op();
        if self.spins(lock) {
            return self.spin_lock(lock, hold).await;
        }
        self.kernel.engine.lock(lock, hold, Why(why as u8), Signals::Ignored).await;
    }

    /// Whether who wants a lock spins.
    pub fn spins(&self, lock: LockId) -> bool {
        let spins = |info: &LockInfo| info.kind.spins();
        self.kernel.engine.observe(|_, recorder| recorder.cast.locks.get(lock).is_some_and(spins))
    }

    /// `queued_spin_lock()`, `queued_write_lock()`: who waits keeps its CPU, and so does who has it.
    async fn spin_lock(&self, lock: LockId, hold: Hold) {
        let engine = &self.kernel.engine;
        engine.preempt_disable();
        if !engine.lock_or_line_up(lock, hold) {
            while !engine.holds(lock) {
                self.cpu(SPIN).await;
            }
        }
    }

    /// Takes a lock, unless that would take until after `until`
    /// ([`SimTime::MAX`]: however long it takes). Whether it was taken. One
    /// that spins is taken in any case: that is no sleep.
    pub async fn lock_until(&self, lock: LockId, hold: Hold, why: Reason, until: SimTime) -> bool {
        if self.spins(lock) {
            self.lock(lock, hold, why).await;
            return true;
        }
        let engine = &self.kernel.engine;
        let attempt = if until > self.now() { Attempt::Waits } else { Attempt::Tries };
        if attempt == Attempt::Waits {
            lock_acquire(self, lock, hold, attempt);
        }
        self.charge_lock_op();
        if engine.try_lock(lock, hold) {
            if attempt == Attempt::Tries {
                lock_acquire(self, lock, hold, attempt);
            }
            return true;
        }
        if attempt == Attempt::Tries {
            return false;
        }
        let left = (until != SimTime::MAX).then(|| until - self.now());
        let why = Why(why as u8);
        let is_taken =
            engine.lock_within(lock, hold, why, Signals::Ignored, left).await == Waited::Granted;
        if !is_taken {
            lock_release(self, lock);
        }
        is_taken
    }

    /// The fast path of a lock that would wait: takes it if nobody holds it. If it
    /// did not, [`lock_slowpath`](Self::lock_slowpath) is to follow.
    pub fn lock_fastpath(&self, lock: LockId, hold: Hold) -> bool {
        lock_acquire(self, lock, hold, Attempt::Waits);
        self.charge_lock_op();
        let is_taken = self.kernel.engine.try_lock(lock, hold);
        if is_taken && self.spins(lock) {
            self.kernel.engine.preempt_disable();
        }
        is_taken
    }

    /// Waits for a lock that [`lock_fastpath`](Self::lock_fastpath) did not get.
    pub async fn lock_slowpath(&self, lock: LockId, hold: Hold, why: Reason) {
        if self.spins(lock) {
            return self.spin_lock(lock, hold).await;
        }
        self.kernel.engine.lock(lock, hold, Why(why as u8), Signals::Ignored).await;
    }

    /// Takes a lock by a trylock if nobody holds it, else waits for it.
    pub async fn try_lock_or_wait(&self, lock: LockId, hold: Hold, why: Reason) {
        if self.kernel.lock_debug.is_on && self.kernel.engine.is_free(lock, hold) {
            lock_acquire(self, lock, hold, Attempt::Tries);
            self.charge_lock_op();
            self.kernel.engine.lock(lock, hold, Why(why as u8), Signals::Ignored).await;
        } else {
            self.lock(lock, hold, why).await;
        }
    }

    /// Waits for a queue to be woken, no longer than until `until`
    /// ([`SimTime::MAX`]: however long it takes). Whether it was woken.
    pub async fn wait_until(&self, queue: QueueId, why: Reason, until: SimTime) -> bool {
        if until <= self.now() {
            return false;
        }
        let left = (until != SimTime::MAX).then(|| until - self.now());
        let engine = &self.kernel.engine;
        engine.wait(queue, Why(why as u8), Signals::Ignored, left).await == Waited::Granted
    }

    /// Takes a lock, unless SIGKILL comes first; who spins sees no signals.
    pub async fn lock_killable(&self, lock: LockId, hold: Hold, why: Reason) -> Waited {
        if self.spins(lock) {
            self.lock(lock, hold, why).await;
            return Waited::Granted;
        }
        lock_acquire(self, lock, hold, Attempt::Waits);
        self.charge_lock_op();
        let engine = &self.kernel.engine;
        let waited = engine.lock(lock, hold, Why(why as u8), Signals::Killable).await;
        if waited != Waited::Granted {
            lock_release(self, lock);
        }
        waited
    }

    /// Takes a lock if that needs no wait.
    pub fn try_lock(&self, lock: LockId, hold: Hold) -> bool {
        self.charge_lock_op();
        let is_taken = self.kernel.engine.try_lock(lock, hold);
        if is_taken {
            lock_acquire(self, lock, hold, Attempt::Tries);
            if self.spins(lock) {
                self.kernel.engine.preempt_disable();
            }
        }
        is_taken
    }

    /// Lets go of a lock.
    pub fn unlock(&self, lock: LockId) {
        lock_release(self, lock);
        self.charge_lock_op();
        self.kernel.engine.unlock(lock);
        if self.spins(lock) {
            self.kernel.engine.preempt_enable();
        }
    }

    /// Lets go of a lock that it does not hold: lockdep says so, and nothing else happens.
    pub fn bad_unlock(&self, lock: LockId) {
        lock_release(self, lock);
        self.record(Event::BadUnlock { lock });
    }

    fn charge_lock_op(&self) {
        self.kernel.engine.charge(self.kernel.costs.lock_op);
    }

    /// Wakes all who wait on a queue.
    pub fn wake_all(&self, queue: QueueId) {
        self.kernel.engine.wake_all(queue);
    }

    /// `fatal_signal_pending(current)`.
    pub fn fatal_signal_pending(&self) -> bool {
        self.kernel.engine.is_killed(self.task)
    }

    /// `current->mm`.
    pub fn mm(&self) -> Option<MmId> {
        self.with(|state| state.tasks[self.task].mm)
    }
}
