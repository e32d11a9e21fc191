//! Call stacks of processes, for "where does it wait?".
//!
//! All stacks of a run share one trie, so a stack is one id and a
//! record can name it for free. Functions are numbers of the model's.

use super::core::{Engine, Observer};
use crate::base::{SimTime, StackId, TaskId};

/// One node of the trie: the function on top, and the stack below it.
#[derive(Copy, Clone, Debug)]
pub struct Frame {
    /// The model's number of the function.
    pub function: u8,
    /// The caller's stack; the root is its own parent.
    pub caller: StackId,
    first_callee: Option<StackId>,
    next_sibling: Option<StackId>,
}

impl Frame {
    /// A frame of a run that is over: nothing is pushed on it any more.
    pub fn of_finished(function: u8, caller: StackId) -> Self {
        Self { function, caller, first_callee: None, next_sibling: None }
    }
}

/// The trie. Id 0 is the empty stack.
pub(super) struct Stacks {
    frames: Vec<Frame>,
}

impl Default for Stacks {
    fn default() -> Self {
        let root =
            Frame { function: u8::MAX, caller: StackId(0), first_callee: None, next_sibling: None };
        Self { frames: vec![root] }
    }
}

impl Stacks {
    fn push(&mut self, caller: StackId, function: u8) -> StackId {
        let mut next = self.frames[caller.index()].first_callee;
        while let Some(id) = next {
            if self.frames[id.index()].function == function {
                return id;
            }
            next = self.frames[id.index()].next_sibling;
        }
        let id = StackId::from_index(self.frames.len());
        let next_sibling = self.frames[caller.index()].first_callee;
        self.frames.push(Frame { function, caller, first_callee: None, next_sibling });
        self.frames[caller.index()].first_callee = Some(id);
        id
    }
}

impl<O: Observer> Engine<O> {
    /// Puts `function` on the stack of `task`; [`leave`](Self::leave) takes it off.
    pub fn enter(&self, task: TaskId, function: u8) {
        let core = &mut *self.core.borrow_mut();
        let process = &mut core.processes[task];
        process.stack = core.stacks.push(process.stack, function);
    }

    /// Takes the function on top off the stack of `task`.
    pub fn leave(&self, task: TaskId) {
        let core = &mut *self.core.borrow_mut();
        let process = &mut core.processes[task];
        process.stack = core.stacks.frames[process.stack.index()].caller;
    }

    /// Reads or feeds the observer, with the clock and the stack of `task`.
    pub fn observe_stack<R>(
        &self,
        task: TaskId,
        f: impl FnOnce(SimTime, StackId, &mut O) -> R,
    ) -> R {
        let core = &mut *self.core.borrow_mut();
        f(core.events.now(), core.processes[task].stack, &mut core.observer)
    }

    /// All stacks seen so far, by id.
    pub fn stacks(&self) -> Vec<Frame> {
        self.core.borrow().stacks.frames.clone()
    }
}
