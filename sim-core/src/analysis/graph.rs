//! The wait-for graph at any moment of a run: who waits for whom, through
//! what, since when, and in which cycles (kernel-spec 4.8, 8.3).
//!
//! The [`Index`] is the graph's history, so a moment costs one pass over
//! the tasks and nothing is replayed.

use super::index::Index;
use super::replay::Doing;
use super::types::{EdgeKind, WaitCycle, WaitEdge, WaitGraph};
use crate::base::{LockId, MmId, NotifierId, SimTime, TaskId, sort};
use crate::check::wait_for::closed::Closed;
use crate::check::wait_for::cycles::{components, cycles_of};
use crate::check::wait_for::needs::{self, Need, Needs, QUIET, needs};
use crate::check::wait_for::scene::Scene;
use crate::record::{Cast, Gfp};

/// A run after its first so many records.
#[derive(Copy, Clone)]
pub(super) struct Moment<'i> {
    pub(super) index: &'i Index,
    /// Records that have happened.
    pub(super) seen: usize,
}

impl<'i> Moment<'i> {
    pub(super) fn new(index: &'i Index, seen: usize) -> Self {
        Self { index, seen }
    }

    pub(super) fn at_end(index: &'i Index) -> Self {
        Self { index, seen: index.times.len() }
    }

    fn time(self) -> SimTime {
        match self.seen.checked_sub(1) {
            Some(last) => self.index.time(last),
            None => SimTime::ZERO,
        }
    }
}

impl Scene for Moment<'_> {
    fn cast(&self) -> &Cast {
        &self.index.cast
    }

    fn doing(&self, task: TaskId) -> Doing {
        self.index.doing(task, self.seen)
    }

    fn stall(&self, task: TaskId) -> Option<Gfp> {
        self.index.stall(task, self.seen).map(|stall| stall.what)
    }

    fn waits_since(&self, task: TaskId) -> Option<usize> {
        self.index.waits_since(task, self.seen)
    }

    fn call(&self, task: TaskId) -> Option<NotifierId> {
        self.index.call(task, self.seen).map(|call| call.what.notifier)
    }

    fn holders(&self, lock: LockId) -> Vec<TaskId> {
        let holders = self.index.holders(lock, self.seen);
        holders.iter().map(|holding| holding.what.task).collect()
    }

    fn invalidators(&self, mm: MmId) -> Vec<TaskId> {
        let running = self.index.invalidations.get(mm.index());
        running.map_or_else(Vec::new, |running| {
            running.open_after(self.seen).map(|open| open.what).collect()
        })
    }

    fn pending_victim(&self) -> Option<TaskId> {
        self.index.pending_victim(self.seen).map(|victim| victim.leader)
    }

    fn is_pending(&self, leader: TaskId) -> bool {
        let mut victims = self.index.victims.iter().filter(|victim| victim.leader == leader);
        victims.any(|victim| victim.is_pending(self.seen))
    }

    fn attempt(&self) -> Option<(TaskId, bool)> {
        let attempt = self.index.attempt(self.seen)?;
        Some((attempt.victim, attempt.to.is_none_or(|to| to >= self.seen)))
    }

    fn has_lost_end(&self, mm: MmId) -> bool {
        let of_mm = |notifier| {
            let info = self.index.cast.notifiers.get(notifier);
            info.is_some_and(|info| info.mm == mm)
        };
        let lost = self.index.lost_ends.iter();
        lost.take_while(|(record, _)| *record < self.seen).any(|&(_, notifier)| of_mm(notifier))
    }

    fn child_of(&self, task: TaskId) -> Option<TaskId> {
        self.index.child_of(task, self.seen)
    }

    fn dumper(&self, task: TaskId) -> Option<TaskId> {
        self.index.dumper(task, self.seen)
    }

    fn reaper(&self) -> Option<TaskId> {
        self.index.reaper
    }

    fn kswapd(&self) -> Option<TaskId> {
        self.index.kswapd
    }

    fn oom_lock(&self) -> Option<LockId> {
        self.index.oom_lock
    }
}

/// Whether `task` retries in the slow path after the first `seen` records.
pub(super) fn is_allocating(index: &Index, task: TaskId, seen: usize) -> bool {
    needs::is_allocating(&Moment::new(index, seen), task)
}

/// Who is stuck when the run ends. Who waits for a page counts only if nobody
/// has got or given one for [`QUIET`].
pub(super) fn closed_at_end(index: &Index) -> Closed {
    let is_quiet = index.end.saturating_sub(index.last_progress()) >= QUIET;
    Closed::among(&Moment::at_end(index), |needs| is_quiet || !needs.are_pages())
}

/// The graph after the first `seen` records.
pub fn wait_graph(index: &Index, seen: usize) -> WaitGraph {
    let moment = Moment::new(index, seen);
    let closed = Closed::at(&moment);
    let edges: Vec<_> = index.cast.tasks.ids().flat_map(|task| edges_of(moment, task)).collect();
    let mut tasks: Vec<_> = edges.iter().flat_map(|edge| [edge.from, edge.to]).collect();
    sort::natural(&mut tasks);
    tasks.dedup();
    let next = |task: TaskId| {
        let of_task = edges.iter().filter(|edge| edge.from == task && edge.kind != EdgeKind::Cpu);
        of_task.map(|edge| edge.to).collect::<Vec<_>>()
    };
    let cycle = |tasks: Vec<TaskId>| {
        let is_closed = tasks.iter().all(|&task| closed.contains(task));
        WaitCycle { tasks, is_closed }
    };
    let sets = components(&tasks, next);
    let cycles = sets.iter().flat_map(|set| cycles_of(set, next)).map(cycle).collect();
    let stuck = index.cast.tasks.ids().filter(|&task| closed.contains(task)).collect();
    WaitGraph { at: moment.time(), tasks, edges, cycles, stuck }
}

/// The edges that begin at `task`.
fn edges_of(moment: Moment<'_>, task: TaskId) -> Vec<WaitEdge> {
    let Moment { index, seen } = moment;
    let since = index.waits_since(task, seen).unwrap_or(0);
    let edge = |need: Need, any| WaitEdge { from: task, to: need.to, kind: need.kind, since, any };
    let mut edges: Vec<_> = match needs(&moment, task) {
        Some(Needs::Each(list)) => list.into_iter().map(|need| edge(need, false)).collect(),
        Some(Needs::Any(list)) => {
            let any = list.len() > 1;
            list.into_iter().map(|need| edge(need, any)).collect()
        }
        Some(Needs::Nobody) | None => Vec::new(),
    };
    if index.doing(task, seen) == Doing::Runnable {
        let step = index.step(task, seen).map_or(0, |(step, _)| step.record);
        let running = index.cast.tasks.ids().filter(|&other| {
            matches!(index.doing(other, seen), Doing::Running(Some(_))) && other != task
        });
        let cpu = |to| WaitEdge { from: task, to, kind: EdgeKind::Cpu, since: step, any: true };
        edges.extend(running.map(cpu));
    }
    edges
}
