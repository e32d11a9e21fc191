//! Takes events from the list and resumes processes, one at a time.
//!
//! The executor owns the coroutines; the [`Engine`] they share does
//! not, so a run has no reference cycle. Wakers do nothing here: the
//! event list is the only thing that resumes a process.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Waker};

use super::action::Action;
use super::core::{
    Core, Engine, EngineEvent, Limits, Observer, Process, State, WaitOn, Waited, Why,
};
use super::cpu::Burst;
use super::event_list::Class;
use crate::base::{SimTime, StackId, TaskId};

/// Whether a call of [`Executor::run`] left anything to do.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Progress {
    /// The budget is used up; call again.
    More,
    /// What was to be run up to is reached; call again.
    Reached,
    /// The run is over.
    Stopped(Stop),
}

/// Why a run is over.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Stop {
    /// No event is left.
    Idle,
    /// The next event lies beyond the horizon, which the clock has reached.
    Horizon,
    /// A limit on events or records was reached.
    EventLimit,
    /// This process is resumed over and over without time passing.
    NoProgress(TaskId),
    /// The model asked for the end.
    Requested,
    /// The observer saw something that must not be.
    Broken,
}

/// Runs the processes of one engine.
pub struct Executor<O> {
    engine: Rc<Engine<O>>,
    futures: Vec<Option<Pin<Box<dyn Future<Output = ()>>>>>,
    limits: Limits,
    events: u64,
    instant: SimTime,
    resumes: u32,
    stopped: Option<Stop>,
}

impl<O: Observer> Executor<O> {
    /// An executor for the processes spawned on `engine`, before or later.
    pub fn new(engine: Rc<Engine<O>>, limits: Limits) -> Self {
        Self {
            engine,
            futures: Vec::new(),
            limits,
            events: 0,
            instant: SimTime::ZERO,
            resumes: 0,
            stopped: None,
        }
    }

    /// Handles up to `budget` events. Slices never influence a run.
    pub fn run(&mut self, budget: u64) -> Progress {
        if let Some(stop) = self.stopped {
            return Progress::Stopped(stop);
        }
        let engine = Rc::clone(&self.engine);
        let mut waker = Context::from_waker(Waker::noop());
        for _ in 0..budget {
            if let Err(stop) = self.step(&engine, &mut waker) {
                self.stopped = Some(stop);
                return Progress::Stopped(stop);
            }
        }
        Progress::More
    }

    /// As [`run`](Self::run), but stops before the first event that is not
    /// earlier than `at`, if the observer has `seen` enough by then; and
    /// where no event is left, but the horizon not reached.
    pub fn run_up_to(&mut self, at: SimTime, seen: impl Fn(&O) -> bool, budget: u64) -> Progress {
        let engine = Rc::clone(&self.engine);
        for _ in 0..budget {
            if self.stopped.is_none() && self.is_reached(&engine, at, &seen) {
                return Progress::Reached;
            }
            if let Progress::Stopped(stop) = self.run(1) {
                return Progress::Stopped(stop);
            }
        }
        Progress::More
    }

    fn is_reached(&self, engine: &Engine<O>, at: SimTime, seen: impl Fn(&O) -> bool) -> bool {
        let core = &mut *engine.core.borrow_mut();
        let stops = core.observer.stop().or(core.stop_requested).is_some();
        let reached = match core.events.peek_time() {
            Some(next) => next >= at && seen(&core.observer),
            None => at >= core.now(),
        };
        reached && !stops && at <= self.limits.horizon
    }

    /// Events handled so far.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Handles one event, or says why there is none to handle.
    #[inline]
    fn step(&mut self, engine: &Engine<O>, waker: &mut Context<'_>) -> Result<(), Stop> {
        let task = {
            let core = &mut *engine.core.borrow_mut();
            core.current = None;
            let Some((task, waited)) = self.next_task(core)? else {
                return Ok(());
            };
            engine.waited.set(waited);
            let now = core.now();
            if now != self.instant {
                self.instant = now;
                self.resumes = 0;
            } else if self.resumes == self.limits.resumes_per_instant {
                return Err(Stop::NoProgress(task));
            }
            self.resumes += 1;
            core.current = Some(task);
            if !core.spawned.is_empty() {
                self.futures.extend(core.spawned.drain(..).map(Some));
            }
            task
        };
        let slot = &mut self.futures[task.index()];
        let future = slot.as_mut().expect("invariant: only the living are resumed");
        if future.as_mut().poll(waker).is_ready() {
            *slot = None;
            let core = &mut *engine.core.borrow_mut();
            core.processes[task].state = State::Done;
            core.emit(task, EngineEvent::Exited);
            core.leave_cpu(task);
        }
        Ok(())
    }

    /// Takes the next event; the process it resumes, if it resumes one,
    /// and how the wait of that ended, if it waited.
    #[inline]
    fn next_task(&mut self, core: &mut Core<O>) -> Result<Option<(TaskId, Option<Waited>)>, Stop> {
        if let Some(stop) = core.observer.stop().or(core.stop_requested) {
            return Err(stop);
        }
        if self.events == self.limits.events {
            return Err(Stop::EventLimit);
        }
        let Some((_, _, action)) = core.events.pop_until(self.limits.horizon) else {
            if core.events.is_empty() {
                return Err(Stop::Idle);
            }
            // What waits for a later event waited up to there.
            core.events.advance(self.limits.horizon);
            return Err(Stop::Horizon);
        };
        self.events += 1;
        Ok(match action.into() {
            Action::Tick(cpu) => {
                core.tick(cpu);
                None
            }
            Action::Timeout(task) => core.timed_out(task).then_some((task, Some(Waited::TimedOut))),
            Action::Resume(task) => {
                core.burst_done(task);
                Some((task, core.processes[task].waited.take()))
            }
        })
    }
}

impl<O: Observer> Core<O> {
    /// A time-out came; whether the process can be polled right away.
    #[inline]
    fn timed_out(&mut self, task: TaskId) -> bool {
        let process = &mut self.processes[task];
        process.timer = None;
        let on_cpu = process.on_cpu;
        if !on_cpu {
            process.state = State::Running;
        }
        self.stops_waiting(task);
        if on_cpu {
            self.wake(task, Waited::TimedOut, Class::Step);
        } else {
            self.emit(task, EngineEvent::Woken(None, Waited::TimedOut));
        }
        !on_cpu
    }
}

/// Whether a process needs a CPU to make a step.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Needs {
    /// It competes for the CPUs.
    Cpu,
    /// It is hardware: it runs beside them.
    Nothing,
}

impl<O: Observer> Engine<O> {
    /// Creates a process; its first step comes as an event at this
    /// instant. `body` gets the id of the new process.
    pub fn spawn<F>(&self, needs: Needs, body: impl FnOnce(TaskId) -> F) -> TaskId
    where
        F: Future<Output = ()> + 'static,
    {
        self.spawn_as(needs, Class::Step, body)
    }

    /// As [`spawn`](Self::spawn); the first step comes as an event of that class.
    pub(super) fn spawn_as<F>(
        &self,
        needs: Needs,
        class: Class,
        body: impl FnOnce(TaskId) -> F,
    ) -> TaskId
    where
        F: Future<Output = ()> + 'static,
    {
        let task = {
            let core = &mut *self.core.borrow_mut();
            core.bursts.push(Burst::default());
            core.processes.push(Process {
                state: State::Runnable,
                on_cpu: needs == Needs::Cpu,
                timer: None,
                waits_on: WaitOn::Time,
                why: Why(0),
                waited: None,
                killed: false,
                stack: StackId(0),
            })
        };
        let future: Pin<Box<dyn Future<Output = ()>>> = Box::pin(body(task));
        let core = &mut *self.core.borrow_mut();
        core.spawned.push(future);
        core.emit(task, EngineEvent::Spawned);
        core.make_runnable(task, class);
        task
    }
}
