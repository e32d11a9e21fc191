//! Closed wait-for sets: tasks each of which waits for another one of
//! them, so that none will ever go on.
//!
//! A task is stuck if something that it needs is: one of those it needs
//! each of, all of those it needs any of, or somebody who does not exist.
//! That is the greatest set for which this holds, so it is found by
//! taking away whoever still could go on until nobody is left to take.

use std::collections::BTreeMap;

use super::cycles::{components, cycles_of};
use super::needs::{Moment, Need, Needs, QUIET};
use crate::analysis::index::Index;
use crate::base::TaskId;

/// Whether nobody has got or freed a page, or let go of a lock, for
/// [`QUIET`] when the run ends.
pub(in crate::analysis) fn is_quiet(index: &Index) -> bool {
    index.end.saturating_sub(index.last_progress()) >= QUIET
}

/// The tasks that wait at one moment, for whom, and which of them are stuck.
pub(in crate::analysis) struct Closed {
    needs: BTreeMap<TaskId, Needs>,
}

impl Closed {
    /// Of everybody.
    pub(in crate::analysis) fn at(moment: Moment<'_>) -> Self {
        let waiting = moment.tasks().filter_map(|task| Some((task, moment.needs(task)?)));
        Self::of(waiting.collect())
    }

    /// Of everybody when the run ends. Who waits for a page counts only if
    /// nobody has got or given one for [`QUIET`].
    pub(in crate::analysis) fn at_end(index: &Index) -> Self {
        let end = Moment::at_end(index);
        let is_quiet = is_quiet(index);
        let waiting = end.tasks().filter_map(|task| Some((task, end.needs(task)?)));
        Self::of(waiting.filter(|(_, needs)| is_quiet || !needs.are_pages()).collect())
    }

    /// Of `task`, of those it waits for, and so on: nobody else can tell whether it is stuck.
    pub(in crate::analysis) fn around(moment: Moment<'_>, task: TaskId) -> Self {
        let mut needs = BTreeMap::new();
        let mut open = vec![task];
        while let Some(task) = open.pop() {
            if needs.contains_key(&task) {
                continue;
            }
            if let Some(of_task) = moment.needs(task) {
                open.extend(of_task.list().iter().map(|need| need.to));
                needs.insert(task, of_task);
            }
        }
        Self::of(needs)
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

    pub(in crate::analysis) fn contains(&self, task: TaskId) -> bool {
        self.needs.contains_key(&task)
    }

    /// Whom a stuck task waits for among the stuck.
    fn next(&self, task: TaskId) -> Vec<TaskId> {
        let list = self.needs.get(&task).map_or(&[][..], Needs::list);
        list.iter().map(|need| need.to).filter(|&task| self.contains(task)).collect()
    }

    /// The sets of stuck tasks that wait for each other, each by task.
    pub(in crate::analysis) fn knots(&self) -> Vec<Vec<TaskId>> {
        let tasks: Vec<_> = self.needs.keys().copied().collect();
        components(&tasks, |task| self.next(task))
    }

    /// Tasks that wait for something which nobody will do.
    pub(in crate::analysis) fn forsaken(&self) -> impl Iterator<Item = TaskId> {
        let nobody = self.needs.iter().filter(|(_, needs)| matches!(needs, Needs::Nobody));
        nobody.map(|(&task, _)| task)
    }

    /// The cycles of a knot, each in order; the first task is not repeated at the end.
    pub(in crate::analysis) fn cycles(&self, knot: &[TaskId]) -> Vec<Vec<TaskId>> {
        cycles_of(knot, |task| self.next(task))
    }

    /// What links `from` to `to`.
    pub(in crate::analysis) fn need(&self, from: TaskId, to: TaskId) -> Option<Need> {
        self.needs.get(&from)?.list().iter().find(|need| need.to == to).copied()
    }

    /// A cycle that `from` waits for or is in, in order; the first task
    /// is not repeated at the end. Empty if the chain ends at something
    /// that nobody will do.
    pub(in crate::analysis) fn cycle(&self, from: TaskId) -> Vec<TaskId> {
        let mut path = vec![from];
        let mut at = from;
        loop {
            let Some(&next) = self.next(at).first() else { return Vec::new() };
            if let Some(start) = path.iter().position(|&task| task == next) {
                return path.split_off(start);
            }
            path.push(next);
            at = next;
        }
    }
}
