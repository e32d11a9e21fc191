//! Wait queues: processes that wait until somebody says so; and
//! completions, which are queues that remember that it was said.
//!
//! Any other condition is a queue plus a predicate of the model's, which
//! waiters test again after they wake.

use std::collections::VecDeque;

use super::core::{Core, Engine, Observer, Signals, WaitOn, Waited, Why};
use super::event_list::Class;
use crate::base::{Nanos, QueueId, TaskId};

/// Waiters in order of arrival.
#[derive(Default)]
pub(super) struct Queue {
    waiters: VecDeque<TaskId>,
    /// Used as a completion: whether it is complete.
    complete: bool,
}

impl Queue {
    pub(super) fn forget(&mut self, task: TaskId) {
        self.waiters.retain(|&waiter| waiter != task);
    }
}

impl<O: Observer> Core<O> {
    pub(super) fn wake_all(&mut self, queue: QueueId) {
        let waiting = self.queues[queue].waiters.len();
        self.wake_queue(queue, waiting);
    }

    fn wake_queue(&mut self, queue: QueueId, most: usize) {
        for _ in 0..most {
            let Some(task) = self.queues[queue].waiters.pop_front() else {
                break;
            };
            self.wake(task, Waited::Granted, Class::Wakeup);
        }
    }
}

impl<O: Observer> Engine<O> {
    /// A new, empty wait queue.
    pub fn new_queue(&self) -> QueueId {
        self.core.borrow_mut().queues.push(Queue::default())
    }

    /// Waits until the queue is woken, `timeout` passes, or (if
    /// killable) the process is killed.
    pub fn wait(
        &self,
        queue: QueueId,
        why: Why,
        signals: Signals,
        timeout: Option<Nanos>,
    ) -> impl Future<Output = Waited> + '_ {
        self.parking(move |core| {
            if core.refuses(signals) {
                return Some(Waited::Killed);
            }
            let task = core.current();
            core.queues[queue].waiters.push_back(task);
            core.park(WaitOn::Queue(queue), why, signals, timeout);
            None
        })
    }

    /// Waits until the queue, used as a completion, is complete; not at
    /// all if it is.
    pub fn wait_for_completion(
        &self,
        queue: QueueId,
        why: Why,
        signals: Signals,
    ) -> impl Future<Output = Waited> + '_ {
        self.parking(move |core| {
            if core.queues[queue].complete {
                return Some(Waited::Granted);
            }
            if core.refuses(signals) {
                return Some(Waited::Killed);
            }
            let task = core.current();
            core.queues[queue].waiters.push_back(task);
            core.park(WaitOn::Queue(queue), why, signals, None);
            None
        })
    }

    /// Completes it for good: all who wait go on, and nobody waits again.
    pub fn complete_all(&self, queue: QueueId) {
        self.core.borrow_mut().queues[queue].complete = true;
        self.wake_all(queue);
    }

    /// Whether it is complete.
    pub fn is_complete(&self, queue: QueueId) -> bool {
        self.core.borrow().queues[queue].complete
    }

    /// Whether anybody waits on it (`waitqueue_active()`).
    pub fn has_waiters(&self, queue: QueueId) -> bool {
        !self.core.borrow().queues[queue].waiters.is_empty()
    }

    /// Wakes the process that has waited longest, if any.
    pub fn wake_one(&self, queue: QueueId) {
        self.core.borrow_mut().wake_queue(queue, 1);
    }

    /// Wakes every process that waits now, in order of arrival.
    pub fn wake_all(&self, queue: QueueId) {
        self.core.borrow_mut().wake_all(queue);
    }
}
