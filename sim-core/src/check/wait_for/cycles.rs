//! Cycles of a small directed graph.

use crate::base::{TaskId, sort};

/// Cycles named per strongly connected set: more would tell nobody more.
const CYCLES_MAX: usize = 8;
/// Steps spent on naming them: sets are small, but nothing says how small.
const STEPS_MAX: u32 = 4096;

/// The strongly connected sets of more than one task, or of one that
/// waits for itself; each ordered, and they by their first task.
pub(crate) fn components(
    tasks: &[TaskId],
    next: impl Fn(TaskId) -> Vec<TaskId>,
) -> Vec<Vec<TaskId>> {
    // Two tasks are in one set if each reaches the other.
    let reach: Vec<Vec<TaskId>> = tasks.iter().map(|&task| reached(task, &next)).collect();
    let reaches = |from: usize, to: TaskId| reach[from].binary_search(&to).is_ok();
    let mut done = vec![false; tasks.len()];
    let mut sets = Vec::new();
    for first in 0..tasks.len() {
        if done[first] || !reaches(first, tasks[first]) {
            continue;
        }
        let is_member =
            |&other: &usize| reaches(first, tasks[other]) && reaches(other, tasks[first]);
        let members: Vec<_> = (first..tasks.len()).filter(is_member).collect();
        for &member in &members {
            done[member] = true;
        }
        sets.push(members.into_iter().map(|member| tasks[member]).collect());
    }
    sets
}

/// Who can be reached in at least one step, ordered.
fn reached(from: TaskId, next: &impl Fn(TaskId) -> Vec<TaskId>) -> Vec<TaskId> {
    let mut found: Vec<TaskId> = Vec::new();
    let mut open = next(from);
    while let Some(task) = open.pop() {
        if let Err(place) = found.binary_search(&task) {
            found.insert(place, task);
            open.extend(next(task));
        }
    }
    found
}

/// The elementary cycles inside a strongly connected set, each beginning
/// with its first task; the shortest first.
pub(crate) fn cycles_of(set: &[TaskId], next: impl Fn(TaskId) -> Vec<TaskId>) -> Vec<Vec<TaskId>> {
    let mut found: Vec<Vec<TaskId>> = Vec::new();
    let mut steps = 0;
    for &start in set {
        let mut path = vec![start];
        walk(set, &next, start, &mut path, &mut found, &mut steps);
    }
    sort::by_key(&mut found, Vec::len);
    found.truncate(CYCLES_MAX);
    found
}

fn walk(
    set: &[TaskId],
    next: &impl Fn(TaskId) -> Vec<TaskId>,
    start: TaskId,
    path: &mut Vec<TaskId>,
    found: &mut Vec<Vec<TaskId>>,
    steps: &mut u32,
) {
    let Some(&at) = path.last() else { return };
    for task in next(at) {
        *steps += 1;
        if *steps > STEPS_MAX {
            return;
        }
        if task == start {
            if !found.contains(path) {
                found.push(path.clone());
            }
        } else if task > start && set.contains(&task) && !path.contains(&task) {
            path.push(task);
            walk(set, next, start, path, found, steps);
            path.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(u32, u32)]) -> impl Fn(TaskId) -> Vec<TaskId> {
        let edges = edges.to_vec();
        move |task| {
            let of_task = edges.iter().filter(|(from, _)| *from == task.0);
            of_task.map(|&(_, to)| TaskId(to)).collect()
        }
    }

    #[test]
    fn cycles_are_told_apart() {
        // 1 ⇄ 2, 2 → 3 → 1, 4 → 4, 5 → 1.
        let next = graph(&[(1, 2), (2, 1), (2, 3), (3, 1), (4, 4), (5, 1)]);
        let tasks = [1, 2, 3, 4, 5].map(TaskId);
        let sets = components(&tasks, &next);
        assert_eq!(sets, [vec![TaskId(1), TaskId(2), TaskId(3)], vec![TaskId(4)]]);
        assert_eq!(
            cycles_of(&sets[0], &next),
            [vec![TaskId(1), TaskId(2)], vec![TaskId(1), TaskId(2), TaskId(3)]]
        );
        assert_eq!(cycles_of(&sets[1], &next), [vec![TaskId(4)]]);
    }

    #[test]
    fn a_chain_has_none() {
        let next = graph(&[(1, 2), (2, 3)]);
        assert_eq!(components(&[1, 2, 3].map(TaskId), next), Vec::<Vec<TaskId>>::new());
    }
}
