//! What may be done to a run from outside between two of its events: a
//! process that steps in, and waits that end early or late.
//!
//! A wait that time ends can be moved; one for a lock or a queue ends
//! when others say so, and is left to them.

use super::action::Action;
use super::core::{Core, Engine, Observer, State, WaitOn};
use super::event_list::Class;
use super::executor::Needs;
use crate::base::{Nanos, SimTime, Stream, TaskId};

/// Where the end of a wait is moved.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Shift {
    /// It ends now.
    Now,
    /// It ends so much later.
    Later(Nanos),
}

impl Shift {
    pub(super) fn from(self, due: SimTime, now: SimTime) -> SimTime {
        match self {
            Self::Now => now,
            Self::Later(by) => due.saturating_add(by),
        }
    }
}

impl<O: Observer> Core<O> {
    /// The time-out of a wait.
    fn shift_timer(&mut self, task: TaskId, shift: Shift) -> bool {
        let now = self.now();
        let timer = self.processes[task].timer;
        let due = timer.and_then(|timer| self.events.due(timer));
        let (Some(timer), Some(due)) = (timer, due) else {
            return false;
        };
        self.events.cancel(timer);
        let timer = self.schedule(shift.from(due, now), Class::Timer, Action::Timeout(task));
        self.processes[task].timer = Some(timer);
        true
    }
}

impl<O: Observer> Engine<O> {
    /// Moves the clock to `at`, which is not after the next event, and
    /// creates a process there that is resumed before everything else of
    /// that instant but what was handed over in it already.
    pub fn step_in<F>(&self, at: SimTime, body: impl FnOnce(TaskId) -> F) -> TaskId
    where
        F: Future<Output = ()> + 'static,
    {
        self.core.borrow_mut().events.advance(at);
        self.spawn_as(Needs::Nothing, Class::HandOff, body)
    }

    /// What a process waits for; nothing if it runs, or wants to.
    pub fn waits_on(&self, task: TaskId) -> Option<WaitOn> {
        let process = &self.core.borrow().processes[task];
        matches!(process.state, State::Blocked(_)).then_some(process.waits_on)
    }

    /// From now on, simultaneous events come in an order drawn from this.
    pub fn draw_ties(&self, stream: Stream) {
        self.core.borrow_mut().events.draw_ties(stream);
    }

    /// What runs on a CPU goes on so much later: something from outside has the CPU
    /// meanwhile. Nothing happens if it idles, or there is no such CPU.
    pub fn preempt(&self, cpu: u32, by: Nanos) {
        let core = &mut *self.core.borrow_mut();
        if let Some(task) = core.runs_on(cpu) {
            core.shift_burst(task, Shift::Later(by));
        }
    }

    /// Moves the end of what a process does or waits for; false if time
    /// alone does not end it.
    pub fn shift(&self, task: TaskId, shift: Shift) -> bool {
        let core = &mut *self.core.borrow_mut();
        match core.processes[task].state {
            State::Blocked(_) => core.shift_timer(task, shift),
            State::Running | State::Runnable => core.shift_burst(task, shift),
            State::Done => false,
        }
    }
}
