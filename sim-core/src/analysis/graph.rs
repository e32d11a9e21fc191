//! The wait-for graph at any moment of a run: who waits for whom, through
//! what, since when, and in which cycles (kernel-spec 4.8, 8.3).
//!
//! The [`Index`] is the graph's history, so a moment costs one pass over
//! the tasks and nothing is replayed.

mod closed;
mod cycles;
mod needs;

pub(super) use closed::{Closed, is_quiet};
use cycles::{components, cycles_of};
pub(super) use needs::{Moment, Need, Needs, QUIET, is_allocating, is_retry};

use super::index::Index;
use super::replay::Doing;
use super::types::{EdgeKind, WaitCycle, WaitEdge, WaitGraph};
use crate::base::{TaskId, sort};

/// The graph after the first `seen` records.
pub fn wait_graph(index: &Index, seen: usize) -> WaitGraph {
    let moment = Moment::new(index, seen);
    let closed = Closed::at(moment);
    let edges: Vec<_> = moment.tasks().flat_map(|task| edges_of(moment, task)).collect();
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
    let stuck = moment.tasks().filter(|&task| closed.contains(task)).collect();
    WaitGraph { at: moment.time(), tasks, edges, cycles, stuck }
}

/// The edges that begin at `task`.
fn edges_of(moment: Moment<'_>, task: TaskId) -> Vec<WaitEdge> {
    let Moment { index, seen } = moment;
    let since = index.waits_since(task, seen).unwrap_or(0);
    let edge = |need: Need, any| WaitEdge { from: task, to: need.to, kind: need.kind, since, any };
    let mut edges: Vec<_> = match moment.needs(task) {
        Some(Needs::Each(list)) => list.into_iter().map(|need| edge(need, false)).collect(),
        Some(Needs::Any(list)) => {
            let any = list.len() > 1;
            list.into_iter().map(|need| edge(need, any)).collect()
        }
        Some(Needs::Nobody) | None => Vec::new(),
    };
    if index.doing(task, seen) == Doing::Runnable {
        let step = index.step(task, seen).map_or(0, |(step, _)| step.record);
        let running = moment.tasks().filter(|&other| {
            matches!(index.doing(other, seen), Doing::Running(Some(_))) && other != task
        });
        let cpu = |to| WaitEdge { from: task, to, kind: EdgeKind::Cpu, since: step, any: true };
        edges.extend(running.map(cpu));
    }
    edges
}

/// The edge that links each task to the next, round and round.
pub(super) fn edges_around(moment: Moment<'_>, closed: &Closed, cycle: &[TaskId]) -> Vec<WaitEdge> {
    let nexts = cycle.iter().skip(1).chain(cycle.first());
    let edge = |(&from, &to): (&TaskId, &TaskId)| {
        let need = closed.need(from, to)?;
        let since = moment.index.waits_since(from, moment.seen).unwrap_or(0);
        Some(WaitEdge { from, to, kind: need.kind, since, any: false })
    };
    cycle.iter().zip(nexts).filter_map(edge).collect()
}
