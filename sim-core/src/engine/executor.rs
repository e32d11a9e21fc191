//! Takes events from the list and resumes processes, one at a time.
//!
//! The executor owns the coroutines; the [`Engine`] they share does
//! not, so a run has no reference cycle. Wakers do nothing here: the
//! event list is the only thing that resumes a process.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Waker};

use super::core::{
    Action, Core, Engine, EngineEvent, Limits, Observer, Process, State, WaitOn, Waited,
};
use super::cpu::Burst;
use super::event_list::Class;
use crate::base::{SimTime, StackId, TaskId};

/// Whether a call of [`Executor::run`] left anything to do.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Progress {
    /// The budget is used up; call again.
    More,
    /// The run is over.
    Stopped(Stop),
}

/// Why a run is over.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Stop {
    /// No event is left.
    Idle,
    /// The next event lies beyond the horizon.
    Horizon,
    /// The limit on events was reached.
    EventLimit,
    /// This process is resumed over and over without time passing.
    NoProgress(TaskId),
    /// The model asked for the end.
    Requested,
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
        for _ in 0..budget {
            if self.stopped.is_none() {
                self.stopped = self.step().err();
            }
            if let Some(stop) = self.stopped {
                return Progress::Stopped(stop);
            }
        }
        Progress::More
    }

    /// Events handled so far.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Handles one event, or says why there is none to handle.
    fn step(&mut self) -> Result<(), Stop> {
        let engine = Rc::clone(&self.engine);
        let task = {
            let core = &mut *engine.core.borrow_mut();
            if core.stop_requested {
                return Err(Stop::Requested);
            }
            let at = core.events.peek_time().ok_or(Stop::Idle)?;
            if at > self.limits.horizon {
                return Err(Stop::Horizon);
            }
            if self.events == self.limits.events {
                return Err(Stop::EventLimit);
            }
            self.events += 1;
            let (_, _, action) = core.events.pop().ok_or(Stop::Idle)?;
            match action {
                Action::Tick(cpu) => {
                    core.tick(cpu);
                    return Ok(());
                }
                Action::Timeout(task) => {
                    if !core.timed_out(task) {
                        return Ok(());
                    }
                    task
                }
                Action::Resume(task) => {
                    core.burst_done(task);
                    task
                }
            }
        };
        self.count_resume(task)?;
        self.poll(&engine, task);
        Ok(())
    }

    fn count_resume(&mut self, task: TaskId) -> Result<(), Stop> {
        let now = self.engine.now();
        if now != self.instant {
            self.instant = now;
            self.resumes = 0;
        }
        self.resumes += 1;
        if self.resumes > self.limits.resumes_per_instant {
            return Err(Stop::NoProgress(task));
        }
        Ok(())
    }

    fn poll(&mut self, engine: &Engine<O>, task: TaskId) {
        {
            let core = &mut *engine.core.borrow_mut();
            core.current = Some(task);
            self.futures.extend(core.spawned.drain(..).map(Some));
        }
        let slot = &mut self.futures[task.index()];
        let future = slot
            .as_mut()
            .expect("invariant: only the living are resumed");
        let done = future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_ready();
        if done {
            *slot = None;
        }
        let core = &mut *engine.core.borrow_mut();
        if done {
            core.processes[task].state = State::Done;
            core.emit(task, EngineEvent::Exited);
            core.leave_cpu(task);
        }
        core.current = None;
    }
}

impl<O: Observer> Core<O> {
    /// A time-out came; whether the process can be polled right away.
    fn timed_out(&mut self, task: TaskId) -> bool {
        let process = &mut self.processes[task];
        process.timer = None;
        if let WaitOn::Queue(queue) = process.waits_on {
            self.queues[queue].forget(task);
        }
        if self.processes[task].on_cpu {
            self.wake(task, Waited::TimedOut, Class::Step);
            return false;
        }
        let process = &mut self.processes[task];
        process.waited = Some(Waited::TimedOut);
        process.state = State::Running;
        self.emit(task, EngineEvent::Woken(None, Waited::TimedOut));
        true
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
        let task = {
            let core = &mut *self.core.borrow_mut();
            core.processes.push(Process {
                state: State::Runnable,
                on_cpu: needs == Needs::Cpu,
                timer: None,
                waits_on: WaitOn::Time,
                waited: None,
                killed: false,
                stack: StackId(0),
                burst: Burst::default(),
            })
        };
        let future: Pin<Box<dyn Future<Output = ()>>> = Box::pin(body(task));
        let core = &mut *self.core.borrow_mut();
        core.spawned.push(future);
        core.emit(task, EngineEvent::Spawned);
        core.make_runnable(task, Class::Step);
        task
    }
}
