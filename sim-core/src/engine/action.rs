//! What an event in the list does when its time comes, in one word.
//!
//! As an enum it takes two, which are stored apart and loaded together:
//! the load then waits until both have left the store buffer.

use crate::base::{CpuId, TaskId};

/// Bits of the word that tell the kind of action.
const KIND_BITS: u32 = 2;

/// An [`Action`] as the event list carries it.
#[derive(Copy, Clone, Debug)]
pub(super) struct Packed(u32);

/// What an event does.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub(super) enum Action {
    /// Poll the process.
    Resume(TaskId),
    /// The process's time-out or sleep is over.
    Timeout(TaskId),
    /// The scheduler looks whether somebody else deserves the CPU.
    Tick(CpuId),
}

impl From<Action> for Packed {
    #[inline]
    fn from(action: Action) -> Self {
        let (kind, id) = match action {
            Action::Resume(task) => (0, task.0),
            Action::Timeout(task) => (1, task.0),
            Action::Tick(cpu) => (2, cpu.0),
        };
        debug_assert!(id >> (u32::BITS - KIND_BITS) == 0, "invariant: fewer than 2^30 processes");
        Self(id << KIND_BITS | kind)
    }
}

impl From<Packed> for Action {
    #[inline]
    fn from(Packed(word): Packed) -> Self {
        let id = word >> KIND_BITS;
        match word & ((1 << KIND_BITS) - 1) {
            0 => Self::Resume(TaskId(id)),
            1 => Self::Timeout(TaskId(id)),
            _ => Self::Tick(CpuId(id)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_out_again() {
        let most = u32::MAX >> KIND_BITS;
        for id in [0, 1, 77, most] {
            for action in
                [Action::Resume(TaskId(id)), Action::Timeout(TaskId(id)), Action::Tick(CpuId(id))]
            {
                assert_eq!(Action::from(Packed::from(action)), action);
            }
        }
    }
}
