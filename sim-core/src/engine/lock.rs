//! Sleeping locks: mutexes (taken exclusively) and reader-writer
//! semaphores, with FIFO hand-off.
//!
//! Letting go of a lock gives it to the waiter at the head of the
//! queue, and to the readers behind a reader, before anybody else can
//! come; nobody is starved and nobody barges in. A trylock for reading
//! fails if a writer holds the lock *or anybody waits for it*. Who wants a
//! spinlock stands in the same line, but keeps its CPU instead of parking;
//! one under which no time passes needs no object: nothing else runs between two awaits.

use std::collections::VecDeque;

use super::core::{Core, Engine, EngineEvent, Observer, Signals, State, WaitOn, Waited, Why};
use super::event_list::Class;
use super::interfere::Shift;
use crate::base::{LockId, Nanos, TaskId};

/// How a lock is held.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Hold {
    /// Together with other readers.
    Shared,
    /// Alone.
    Exclusive,
}

/// A mutex or a reader-writer semaphore.
#[derive(Default)]
pub(super) struct Lock {
    /// Invariant: more than one holder only if all are readers.
    holders: Vec<(TaskId, Hold)>,
    waiters: VecDeque<(TaskId, Hold)>,
}

impl Lock {
    fn admits(&self, hold: Hold) -> bool {
        match hold {
            Hold::Exclusive => self.holders.is_empty(),
            Hold::Shared => self.holders.iter().all(|&(_, held)| held == Hold::Shared),
        }
    }
}

impl<O: Observer> Core<O> {
    fn take(&mut self, lock: LockId, task: TaskId, hold: Hold) {
        self.locks[lock].holders.push((task, hold));
        self.emit(task, EngineEvent::Acquired(lock, hold));
    }

    fn try_take(&mut self, lock: LockId, hold: Hold) -> bool {
        let free = self.locks[lock].waiters.is_empty() && self.locks[lock].admits(hold);
        if free {
            let task = self.current();
            self.take(lock, task, hold);
        }
        free
    }

    /// Gives the lock to as many waiters at the head as it admits.
    fn hand_off(&mut self, lock: LockId) {
        while let Some(&(task, hold)) = self.locks[lock].waiters.front() {
            if !self.locks[lock].admits(hold) {
                break;
            }
            self.locks[lock].waiters.pop_front();
            self.take(lock, task, hold);
            if matches!(self.processes[task].state, State::Blocked(_)) {
                self.wake(task, Waited::Granted, Class::HandOff);
            } else {
                // It spins: it is done with that.
                self.shift_burst(task, Shift::Now);
            }
        }
    }

    /// Drops a waiter that was killed or gave up; those behind it may get their turn.
    pub(super) fn forget_waiter(&mut self, lock: LockId, task: TaskId) {
        self.locks[lock].waiters.retain(|&(waiter, _)| waiter != task);
        self.hand_off(lock);
    }
}

impl<O: Observer> Engine<O> {
    /// A new lock that nobody holds.
    pub fn new_lock(&self) -> LockId {
        self.core.borrow_mut().locks.push(Lock::default())
    }

    /// Takes the lock, waiting in line for it.
    pub fn lock(
        &self,
        lock: LockId,
        hold: Hold,
        why: Why,
        signals: Signals,
    ) -> impl Future<Output = Waited> + '_ {
        self.lock_within(lock, hold, why, signals, None)
    }

    /// Takes the lock, waiting in line for it, for at most `timeout`.
    pub fn lock_within(
        &self,
        lock: LockId,
        hold: Hold,
        why: Why,
        signals: Signals,
        timeout: Option<Nanos>,
    ) -> impl Future<Output = Waited> + '_ {
        self.parking(move |core| {
            if core.try_take(lock, hold) {
                return Some(Waited::Granted);
            }
            if core.refuses(signals) {
                return Some(Waited::Killed);
            }
            let task = core.current();
            core.locks[lock].waiters.push_back((task, hold));
            core.park(WaitOn::Lock(lock), why, signals, timeout);
            None
        })
    }

    /// Takes the lock if nobody holds it in a conflicting way and nobody waits.
    pub fn try_lock(&self, lock: LockId, hold: Hold) -> bool {
        self.core.borrow_mut().try_take(lock, hold)
    }

    /// Takes the lock, or stands in line for it without parking: whoever gives
    /// it to the process ends what it then does on its CPU. Whether it was taken.
    pub fn lock_or_line_up(&self, lock: LockId, hold: Hold) -> bool {
        let core = &mut *self.core.borrow_mut();
        let is_taken = core.try_take(lock, hold);
        if !is_taken {
            let task = core.current();
            core.locks[lock].waiters.push_back((task, hold));
        }
        is_taken
    }

    /// Whether the running process holds the lock.
    pub fn holds(&self, lock: LockId) -> bool {
        let core = self.core.borrow();
        let task = core.current();
        core.locks[lock].holders.iter().any(|&(holder, _)| holder == task)
    }

    /// Whether [`try_lock`](Self::try_lock) would take it.
    pub fn is_free(&self, lock: LockId, hold: Hold) -> bool {
        let lock = &self.core.borrow().locks[lock];
        lock.waiters.is_empty() && lock.admits(hold)
    }

    /// Lets go of the lock.
    pub fn unlock(&self, lock: LockId) {
        let mut core = self.core.borrow_mut();
        let task = core.current();
        let holders = &mut core.locks[lock].holders;
        let index = holders.iter().position(|&(holder, _)| holder == task);
        holders.remove(index.expect("invariant: only a holder unlocks"));
        core.emit(task, EngineEvent::Released(lock));
        core.hand_off(lock);
    }

    /// The writer becomes a reader, without letting go in between; readers
    /// at the head of the queue join it (`downgrade_write()`).
    pub fn downgrade(&self, lock: LockId) {
        let mut core = self.core.borrow_mut();
        let task = core.current();
        let holders = &mut core.locks[lock].holders;
        let index = holders.iter().position(|&holder| holder == (task, Hold::Exclusive));
        holders[index.expect("invariant: only a writer downgrades")].1 = Hold::Shared;
        core.emit(task, EngineEvent::Released(lock));
        core.emit(task, EngineEvent::Acquired(lock, Hold::Shared));
        core.hand_off(lock);
    }

    /// Who holds the lock; of several readers, the first.
    pub fn holder(&self, lock: LockId) -> Option<TaskId> {
        self.core.borrow().locks[lock].holders.first().map(|&(task, _)| task)
    }
}
