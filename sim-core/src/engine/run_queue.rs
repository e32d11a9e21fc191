//! The line of processes that want a CPU, and what each may claim.
//!
//! Mirrors the order in which the kernel's classes are asked
//! (kernel/sched/core.c `__pick_next_task()`, Linux 6.1): real-time
//! processes by priority, then the others by virtual time.

use crate::base::TaskId;

/// A process's claim on the CPUs.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Share {
    /// A fair share by weight; [`Share::WEIGHT`] is everybody's.
    Fair(u32),
    /// SCHED_FIFO with this priority, 1 to 99.
    Fifo(u8),
}

impl Share {
    /// The weight of nice 0 (`NICE_0_LOAD`).
    pub const WEIGHT: u32 = 1024;

    /// What a weight counts for in the virtual time of `span`.
    pub(super) fn virtual_time(self, span: u64) -> u64 {
        match self {
            Self::Fair(Self::WEIGHT) => span,
            Self::Fair(weight) => span * u64::from(Self::WEIGHT) / u64::from(weight.max(1)),
            // Real-time processes have no virtual time.
            Self::Fifo(_) => 0,
        }
    }

    pub(super) fn weight(self) -> u64 {
        match self {
            Self::Fair(weight) => u64::from(weight),
            Self::Fifo(_) => 0,
        }
    }
}

impl Default for Share {
    fn default() -> Self {
        Self::Fair(Self::WEIGHT)
    }
}

/// A runnable process's place in the queue: the least goes first.
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Debug)]
pub(super) enum Rank {
    /// By priority from the highest (0 stands for 99) on.
    Fifo(u8),
    /// By virtual time.
    Fair(u64),
}

impl Rank {
    pub(super) fn new(share: Share, vruntime: u64) -> Self {
        match share {
            Share::Fair(_) => Self::Fair(vruntime),
            Share::Fifo(priority) => Self::Fifo(99_u8.saturating_sub(priority)),
        }
    }
}

/// Runnable processes without a CPU.
#[derive(Default)]
pub(super) struct RunQueue {
    /// (rank, turn, task), the next one last.
    line: Vec<(Rank, u64, TaskId)>,
    turns: u64,
    /// Sum of the weights of those in line.
    weight: u64,
}

impl RunQueue {
    /// A turn behind all given out so far.
    pub(super) fn last_turn(&mut self) -> u64 {
        self.turns += 1;
        self.turns
    }

    /// Puts a process in line, at `turn` among those of its rank.
    pub(super) fn push(&mut self, rank: Rank, turn: u64, share: Share, task: TaskId) {
        let key = (rank, turn, task);
        self.weight += share.weight();
        let at = self.line.partition_point(|entry| *entry > key);
        self.line.insert(at, key);
    }

    /// Takes the next process out; the caller says so to [`left`](Self::left).
    pub(super) fn pop(&mut self) -> Option<TaskId> {
        self.line.pop().map(|(.., task)| task)
    }

    /// Takes a process out, wherever it stands; whether it was in line.
    pub(super) fn remove(&mut self, task: TaskId) -> bool {
        let at = self.line.iter().position(|&(.., other)| other == task);
        if let Some(at) = at {
            self.line.remove(at);
        }
        at.is_some()
    }

    /// A process with this share has left.
    pub(super) fn left(&mut self, share: Share) {
        self.weight -= share.weight();
    }

    /// Rank of the next process.
    pub(super) fn next(&self) -> Option<Rank> {
        self.line.last().map(|&(rank, ..)| rank)
    }

    /// Sum of the weights of those in line.
    pub(super) fn weight(&self) -> u64 {
        self.weight
    }

    pub(super) fn is_empty(&self) -> bool {
        self.line.is_empty()
    }
}
