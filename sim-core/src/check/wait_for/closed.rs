//! Closed wait-for sets: tasks each of which waits for another one of
//! them, so that none will ever go on.
//!
//! A task is stuck if something that it needs is: one of those it needs
//! each of, all of those it needs any of, or somebody who does not exist.
//! That is the greatest set for which this holds, so it is found by
//! taking away whoever still could go on until nobody is left to take.

use std::collections::BTreeMap;

use super::cycles::{components, cycles_of};
use super::needs::{Need, Needs, needs};
use super::scene::Scene;
use crate::base::TaskId;
use crate::record::WaitEdge;

/// The tasks that wait at one moment, for whom, and which of them are stuck.
pub(crate) struct Closed {
    needs: BTreeMap<TaskId, Needs>,
}

impl Closed {
    /// Of everybody.
    pub(crate) fn at(scene: &impl Scene) -> Self {
        Self::among(scene, |_| true)
    }

    /// Of those whose needs count.
    pub(crate) fn among(scene: &impl Scene, counts: impl Fn(&Needs) -> bool) -> Self {
        let waiting = scene.cast().tasks.ids().filter_map(|task| Some((task, needs(scene, task)?)));
        Self::of(waiting.filter(|(_, needs)| counts(needs)).collect())
    }

    /// Of `task`, of those it waits for, and so on: nobody else can tell whether it is stuck.
    pub(crate) fn around(scene: &impl Scene, task: TaskId) -> Self {
        let mut found = BTreeMap::new();
        let mut open = vec![task];
        while let Some(task) = open.pop() {
            if found.contains_key(&task) {
                continue;
            }
            if let Some(of_task) = needs(scene, task) {
                open.extend(of_task.list().iter().map(|need| need.to));
                found.insert(task, of_task);
            }
        }
        Self::of(found)
    }

    fn of(mut needs: BTreeMap<TaskId, Needs>) -> Self {
        loop {
            let stuck: Vec<_> = needs.keys().copied().collect();
            let is_stuck = |need: &Need| stuck.binary_search(&need.to).is_ok();
            needs.retain(|_, needs| match needs {
                Needs::Each(list) => list.iter().any(is_stuck),
                Needs::Any(list) => !list.is_empty() && list.iter().all(is_stuck),
                Needs::Nobody => true,
            });
            if needs.len() == stuck.len() {
                return Self { needs };
            }
        }
    }

    pub(crate) fn contains(&self, task: TaskId) -> bool {
        self.needs.contains_key(&task)
    }

    /// Whom a stuck task waits for among the stuck.
    pub(crate) fn next(&self, task: TaskId) -> Vec<TaskId> {
        let list = self.needs.get(&task).map_or(&[][..], Needs::list);
        list.iter().map(|need| need.to).filter(|&task| self.contains(task)).collect()
    }

    /// The sets of stuck tasks that wait for each other, each by task.
    pub(crate) fn knots(&self) -> Vec<Vec<TaskId>> {
        let tasks: Vec<_> = self.needs.keys().copied().collect();
        components(&tasks, |task| self.next(task))
    }

    /// Tasks that wait for something which nobody will do.
    pub(crate) fn forsaken(&self) -> impl Iterator<Item = TaskId> {
        let nobody = self.needs.iter().filter(|(_, needs)| matches!(needs, Needs::Nobody));
        nobody.map(|(&task, _)| task)
    }

    /// The cycles of a knot, each in order; the first task is not repeated at the end.
    pub(crate) fn cycles(&self, knot: &[TaskId]) -> Vec<Vec<TaskId>> {
        cycles_of(knot, |task| self.next(task))
    }

    /// The edge that links each task to the next, round and round.
    pub(crate) fn edges_around(&self, scene: &impl Scene, cycle: &[TaskId]) -> Vec<WaitEdge> {
        let nexts = cycle.iter().skip(1).chain(cycle.first());
        let edge = |(&from, &to): (&TaskId, &TaskId)| {
            let need = self.need(from, to)?;
            let since = scene.waits_since(from).unwrap_or(0);
            Some(WaitEdge { from, to, kind: need.kind, since, any: false })
        };
        cycle.iter().zip(nexts).filter_map(edge).collect()
    }

    /// What links `from` to `to`.
    pub(crate) fn need(&self, from: TaskId, to: TaskId) -> Option<Need> {
        self.needs.get(&from)?.list().iter().find(|need| need.to == to).copied()
    }

    /// From a stuck task along whom it waits for until a cycle closes: the last
    /// task is one that was met before. Where the way ends at something that
    /// nobody will do, nobody is met twice.
    pub(crate) fn way(&self, from: TaskId) -> Vec<TaskId> {
        let mut way = vec![from];
        let mut at = from;
        while let Some(&next) = self.next(at).first() {
            let is_met = way.contains(&next);
            way.push(next);
            if is_met {
                break;
            }
            at = next;
        }
        way
    }
}
