//! I18: who finds a lock held by a writer, or somebody in line for it,
//! does not get it (kernel/locking/rwsem.c, `RWSEM_READ_FAILED_MASK`).
//!
//! Acquisitions out of the line are the lock's own hand-off. One that did
//! not wait, a trylock or the fast path, must have found the lock free.

use super::{lock_name, name, slot};
use crate::base::{LockId, TaskId};
use crate::engine::{Hold, WaitOn, Waited};
use crate::record::{Breach, Cast, Invariant};

#[derive(Clone, Copy, Default)]
struct Lock {
    readers: u32,
    writers: u32,
    waiters: u32,
    /// Who had it for writing last.
    writer: Option<TaskId>,
}

/// Holders and waiters of every lock.
#[derive(Default)]
pub(super) struct Locks {
    locks: Vec<Lock>,
    /// The lock that a task stands in line for, plus one; 0: none.
    in_line: Vec<u32>,
}

impl Locks {
    pub(super) fn acquired(
        &mut self,
        task: TaskId,
        lock: LockId,
        hold: Hold,
        cast: &Cast,
    ) -> Result<(), Breach> {
        let handed_over = *slot(&mut self.in_line, task.index()) == lock.0 + 1;
        let state = slot(&mut self.locks, lock.index());
        let before = *state;
        match hold {
            Hold::Shared => state.readers += 1,
            Hold::Exclusive => (state.writers, state.writer) = (state.writers + 1, Some(task)),
        }
        let admits = before.writers == 0 && (hold == Hold::Shared || before.readers == 0);
        if admits && (handed_over || before.waiters == 0) {
            return Ok(());
        }
        let how = if hold == Hold::Shared { "for reading" } else { "for writing" };
        let (who, what) = (name(cast, task), lock_name(cast, lock));
        let Lock { readers, writers, waiters, .. } = before;
        let text = format!(
            "{who} took {what} {how} out of turn: {writers} writers and {readers} readers held it, {waiters} waited"
        );
        Err(Breach::new(Invariant::TrylockIsFair, text))
    }

    pub(super) fn released(&mut self, lock: LockId) {
        let state = slot(&mut self.locks, lock.index());
        if state.writers > 0 {
            state.writers -= 1;
        } else {
            state.readers = state.readers.saturating_sub(1);
        }
    }

    /// Whether the task has it for writing.
    pub(super) fn is_held(&self, lock: LockId, by: TaskId) -> bool {
        self.locks.get(lock.index()).is_some_and(|lock| lock.writers > 0 && lock.writer == Some(by))
    }

    pub(super) fn blocked(&mut self, task: TaskId, on: WaitOn) {
        if let WaitOn::Lock(lock) = on {
            *slot(&mut self.in_line, task.index()) = lock.0 + 1;
            slot(&mut self.locks, lock.index()).waiters += 1;
        }
    }

    pub(super) fn woken(&mut self, task: TaskId, _how: Waited) {
        let Some(in_line) = self.in_line.get_mut(task.index()) else {
            return;
        };
        if let Some(lock) = std::mem::take(in_line).checked_sub(1)
            && let Some(state) = self.locks.get_mut(lock as usize)
        {
            state.waiters = state.waiters.saturating_sub(1);
        }
    }
}
