//! Who waits for whom: chains, the wait-for graph, and sets that wait for ever.

use crate::base::{NotifierId, SimTime, TaskId};
use crate::record::{Cast, Func, WaitEdge};

/// One link of a wait chain: `task` waits, and for whom.
#[derive(Clone, Debug)]
pub struct WaitLink {
    /// Who waits (or, in the last link, who could go on).
    pub task: TaskId,
    /// Since when.
    pub since: SimTime,
    /// What it waits on, in words: `mmap_lock of hog`, `back-off 3 of 10`.
    pub waits_on: String,
    /// A word for the kind: that of an edge ([`EdgeKind::id`]); `memory` for a page, `cpu`,
    /// `time`, `queue` for what no task is known to end, `none` for who waits for nothing.
    pub kind: &'static str,
    /// Whom it waits for, if that is a task.
    pub holder: Option<TaskId>,
    /// The whole link as a sentence.
    pub text: String,
    /// Its modelled call stack, innermost first.
    pub stack: Vec<Func>,
    /// Whose callbacks are on it, the innermost last.
    pub inside: Vec<NotifierId>,
    /// Index of the link that led to this one; none for the first. Where
    /// one link leads to several, the chain is a tree.
    pub parent: Option<usize>,
}

impl WaitLink {
    /// The names of the functions it is in, innermost first.
    pub fn functions(&self, cast: &Cast) -> Vec<String> {
        cast.function_names(&self.stack, &self.inside)
    }
}

/// Tasks that wait for each other in turn.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct WaitCycle {
    /// In order; the first is not repeated at the end.
    pub tasks: Vec<TaskId>,
    /// Whether nobody outside could end it: else one of them waits for any
    /// of several, and one of those can go on.
    pub is_closed: bool,
}

/// Who waits for whom at one moment.
#[derive(Clone, Debug)]
pub struct WaitGraph {
    /// The moment.
    pub at: SimTime,
    /// Whoever has an edge, by id.
    pub tasks: Vec<TaskId>,
    /// By the task that waits.
    pub edges: Vec<WaitEdge>,
    /// Each elementary cycle once; waits for a CPU make none.
    pub cycles: Vec<WaitCycle>,
    /// Who will never go on, unless a page comes from elsewhere.
    pub stuck: Vec<TaskId>,
}
