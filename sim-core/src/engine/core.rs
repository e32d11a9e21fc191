//! The state shared by all processes of one run, and how a process
//! parks and is woken.
//!
//! Invariant: a process is in exactly one of the states of [`State`];
//! it has at most one pending event in the event list (its resume, its
//! time-out or the end of its CPU burst), plus the time-out of a wait
//! that may also end otherwise.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::action::{Action, Packed};
use super::cpu::{Burst, Scheduler};
use super::event_list::{Class, EventKey, Ties};
use super::lock::Lock;
use super::pressure::Accounts;
use super::queue::Queue;
use super::stack::Stacks;
use super::{Cpus, Hold, Stop};
use crate::base::{CpuId, IdVec, LockId, Nanos, QueueId, SimTime, StackId, TaskId};

/// What a parked process waits on.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum WaitOn {
    /// The clock.
    Time,
    /// A lock's holder.
    Lock(LockId),
    /// Somebody to wake a queue.
    Queue(QueueId),
}

/// The model's reason for a wait; the engine only carries it.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub struct Why(pub u8);

/// How a wait ended.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Waited {
    /// What was waited for happened.
    Granted,
    /// The time-out came first.
    TimedOut,
    /// The process was killed in a killable wait.
    Killed,
}

/// Whether [`Engine::kill`] ends a wait.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Signals {
    /// It does not.
    Ignored,
    /// It does: the wait returns [`Waited::Killed`].
    Killable,
}

/// What the engine tells its observer. Observers never change a run.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum EngineEvent {
    /// A process was created.
    Spawned,
    /// A process ended.
    Exited,
    /// A process got a CPU.
    Ran(CpuId),
    /// A process lost its CPU while it still wanted it.
    Preempted,
    /// A process parked.
    Blocked(WaitOn, Why, StackId),
    /// A parked process may go on; by whom, and why.
    Woken(Option<TaskId>, Waited),
    /// A process holds a lock from now on.
    Acquired(LockId, Hold),
    /// A process let go of a lock.
    Released(LockId),
}

/// Sees everything the engine does, in order.
pub trait Observer {
    /// `task` did, or suffered, `event` at `at`.
    fn engine_event(&mut self, at: SimTime, task: TaskId, event: EngineEvent);

    /// Why the run must end before the next event, if it must.
    fn stop(&self) -> Option<Stop> {
        None
    }
}

/// When a run is stopped although events are left.
#[derive(Copy, Clone, Debug)]
pub struct Limits {
    /// Events taken from the event list, at most.
    pub events: u64,
    /// Last instant simulated.
    pub horizon: SimTime,
    /// Resumes in one instant, at most: more is a loop that never waits.
    pub resumes_per_instant: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { events: 50_000_000, horizon: SimTime(60_000_000_000), resumes_per_instant: 100_000 }
    }
}

#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub(super) enum State {
    /// Waits for a CPU.
    Runnable,
    /// Has a CPU, or needs none.
    Running,
    /// Parked; killable or not.
    Blocked(Signals),
    Done,
}

/// Aligned so that none crosses a cache line, and its place is one shift away.
#[repr(align(32))]
pub(super) struct Process {
    pub(super) state: State,
    pub(super) on_cpu: bool,
    pub(super) timer: Option<EventKey>,
    pub(super) waits_on: WaitOn,
    pub(super) why: Why,
    pub(super) waited: Option<Waited>,
    pub(super) killed: bool,
    pub(super) stack: StackId,
}

/// The event list.
#[cfg(not(feature = "op-log"))]
type Pending = super::event_list::EventList<Packed>;
#[cfg(feature = "op-log")]
type Pending = super::op_log::Logged<Packed>;

/// Everything behind the one `RefCell`.
pub(super) struct Core<O> {
    pub(super) events: Pending,
    pub(super) processes: IdVec<TaskId, Process>,
    /// Apart from the processes: most wake-ups need the one table alone.
    pub(super) bursts: IdVec<TaskId, Burst>,
    pub(super) scheduler: Scheduler,
    pub(super) locks: IdVec<LockId, Lock>,
    pub(super) queues: IdVec<QueueId, Queue>,
    pub(super) stacks: Stacks,
    pub(super) observer: O,
    pub(super) current: Option<TaskId>,
    pub(super) spawned: Vec<Pin<Box<dyn Future<Output = ()>>>>,
    pub(super) stop_requested: Option<Stop>,
    /// Kept once somebody asks for it.
    pub(super) accounts: Option<Box<Accounts>>,
}

impl<O: Observer> Core<O> {
    pub(super) fn now(&self) -> SimTime {
        self.events.now()
    }

    #[inline]
    pub(super) fn schedule(&mut self, at: SimTime, class: Class, action: Action) -> EventKey {
        self.events.schedule(at, class, action.into())
    }

    pub(super) fn emit(&mut self, task: TaskId, event: EngineEvent) {
        self.observer.engine_event(self.events.now(), task, event);
        // What that does to others comes after it.
        if self.accounts.is_some() {
            self.account_load(task, event);
        }
    }

    pub(super) fn current(&self) -> TaskId {
        self.current.expect("invariant: a process is running")
    }

    /// Whether a wait of the running process would end before it begins.
    pub(super) fn refuses(&self, signals: Signals) -> bool {
        signals == Signals::Killable && self.processes[self.current()].killed
    }

    /// Parks the running process. Whoever ends the wait calls [`wake`](Self::wake).
    // One copy, in which scheduling is inlined, instead of one for each kind of wait.
    #[inline(never)]
    pub(super) fn park(&mut self, on: WaitOn, why: Why, signals: Signals, timeout: Option<Nanos>) {
        let task = self.current();
        let timer = timeout.map(|after| {
            let at = self.events.now() + after;
            self.schedule(at, Class::Timer, Action::Timeout(task))
        });
        let process = &mut self.processes[task];
        debug_assert!(process.timer.is_none(), "invariant: the running wait for nothing");
        process.state = State::Blocked(signals);
        (process.waits_on, process.why) = (on, why);
        process.timer = timer;
        let (stack, on_cpu) = (process.stack, process.on_cpu);
        self.emit(task, EngineEvent::Blocked(on, why, stack));
        if on_cpu {
            self.leave_cpu(task);
        }
    }

    /// Ends the wait of `task`: it is resumed at once if it needs no
    /// CPU, else when it gets one.
    pub(super) fn wake(&mut self, task: TaskId, how: Waited, class: Class) {
        let by = if how == Waited::TimedOut { None } else { self.current };
        let process = &mut self.processes[task];
        debug_assert!(
            matches!(process.state, State::Blocked(_)),
            "invariant: only the parked wake"
        );
        process.waited = Some(how);
        process.state = State::Runnable;
        if let Some(timer) = process.timer.take() {
            self.events.cancel(timer);
        }
        self.emit(task, EngineEvent::Woken(by, how));
        self.make_runnable(task, class);
    }

    /// SIGKILL in the engine's terms: a killable wait ends now, and
    /// every later killable wait ends before it begins.
    fn kill(&mut self, task: TaskId) {
        let process = &mut self.processes[task];
        process.killed = true;
        if process.state == State::Blocked(Signals::Killable) {
            self.stops_waiting(task);
            self.wake(task, Waited::Killed, Class::Wakeup);
        }
    }

    /// Takes a process out of the line of what it waits on, if there is one.
    #[inline]
    pub(super) fn stops_waiting(&mut self, task: TaskId) {
        let waits_on = self.processes[task].waits_on;
        if waits_on != WaitOn::Time {
            self.leave_line(waits_on, task);
        }
    }

    #[inline(never)]
    fn leave_line(&mut self, waits_on: WaitOn, task: TaskId) {
        match waits_on {
            WaitOn::Time => {}
            WaitOn::Lock(lock) => self.forget_waiter(lock, task),
            WaitOn::Queue(queue) => self.queues[queue].forget(task),
        }
    }
}

/// Handle on a run's engine, shared by every process.
pub struct Engine<O> {
    pub(super) core: RefCell<Core<O>>,
    /// How the wait of the process that is being resumed ended.
    pub(super) waited: Cell<Option<Waited>>,
}

impl<O: Observer> Engine<O> {
    /// An engine at time zero. `cpus` says how many CPUs there are and
    /// how they are shared; `ties` how simultaneous events are ordered.
    pub fn new(cpus: Cpus, ties: Ties, observer: O) -> Self {
        Self {
            core: RefCell::new(Core {
                events: Pending::new(ties),
                processes: IdVec::new(),
                bursts: IdVec::new(),
                scheduler: Scheduler::new(cpus),
                locks: IdVec::new(),
                queues: IdVec::new(),
                stacks: Stacks::default(),
                observer,
                current: None,
                spawned: Vec::new(),
                stop_requested: None,
                accounts: None,
            }),
            waited: Cell::new(None),
        }
    }

    /// The clock.
    pub fn now(&self) -> SimTime {
        self.core.borrow().now()
    }

    /// The process that is running. Panics between events.
    pub fn current(&self) -> TaskId {
        self.core.borrow().current()
    }

    /// Reads or feeds the observer, with the clock.
    pub fn observe<R>(&self, f: impl FnOnce(SimTime, &mut O) -> R) -> R {
        let core = &mut *self.core.borrow_mut();
        f(core.events.now(), &mut core.observer)
    }

    /// What was asked of the event list so far.
    #[cfg(feature = "op-log")]
    pub fn event_list_ops(&self) -> Vec<super::op_log::Op> {
        self.core.borrow().events.ops.clone()
    }

    /// Sleeps for `span`.
    pub fn sleep(
        &self,
        span: Nanos,
        why: Why,
        signals: Signals,
    ) -> impl Future<Output = Waited> + '_ {
        self.parking(move |core| {
            if core.refuses(signals) {
                return Some(Waited::Killed);
            }
            core.park(WaitOn::Time, why, signals, Some(span));
            None
        })
    }

    /// Ends the run before the next event, for this reason; the first one counts.
    pub fn request_stop(&self, stop: Stop) {
        self.core.borrow_mut().stop_requested.get_or_insert(stop);
    }

    /// Sends the engine's kill to `task`; see [`Signals`].
    pub fn kill(&self, task: TaskId) {
        self.core.borrow_mut().kill(task);
    }

    /// As [`kill`](Self::kill), for one that may not wake up yet: it is
    /// killed, and a second `kill` wakes it.
    pub fn kill_without_waking(&self, task: TaskId) {
        self.core.borrow_mut().processes[task].killed = true;
    }

    /// Whether `task` was killed.
    pub fn is_killed(&self, task: TaskId) -> bool {
        self.core.borrow().processes[task].killed
    }

    /// The await of a wait: `begin` either parks the running process, or
    /// says that there is nothing to wait for.
    pub(super) fn parking<B>(&self, begin: B) -> Parking<'_, O, B>
    where
        B: FnOnce(&mut Core<O>) -> Option<Waited> + Unpin,
    {
        Parking { engine: self, begin: Some(begin) }
    }
}

/// The await of a process that parks.
pub(super) struct Parking<'e, O, B> {
    engine: &'e Engine<O>,
    /// What is still to do; nothing once the process is parked.
    begin: Option<B>,
}

impl<O, B> Future for Parking<'_, O, B>
where
    O: Observer,
    B: FnOnce(&mut Core<O>) -> Option<Waited> + Unpin,
{
    type Output = Waited;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Waited> {
        if let Some(begin) = self.begin.take() {
            return begin(&mut self.engine.core.borrow_mut()).map_or(Poll::Pending, Poll::Ready);
        }
        let waited = self.engine.waited.take();
        Poll::Ready(waited.expect("invariant: a process resumes after its wait ended"))
    }
}
