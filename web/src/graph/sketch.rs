//! What of a wait-for graph is worth drawing: tasks that wait in the same
//! way are one node, waits for a CPU are left out (they end by
//! themselves), and of a crowd only those stay who have to do with the
//! selected task or with a cycle.

use sim_core::analysis::{EdgeKind, WaitEdge, WaitGraph};
use sim_core::base::TaskId;

/// Nodes drawn at most: more would be a carpet.
const NODES_MAX: usize = 24;
/// Cycles drawn at most.
const RINGS_MAX: usize = 6;
/// So many that wait alike are drawn as one.
const ALIKE_MIN: usize = 3;

/// A task, or several that wait alike.
#[derive(Clone, PartialEq, Debug)]
pub struct Node {
    /// By id, at least one; the first names the node.
    pub tasks: Vec<TaskId>,
    pub is_selected: bool,
    /// Whether it will never go on, unless a page comes from elsewhere.
    pub is_stuck: bool,
}

/// Somebody waits for somebody.
#[derive(Clone, PartialEq, Debug)]
pub struct Edge {
    /// Places among the nodes.
    pub from: usize,
    pub to: usize,
    /// Of the first task that waits.
    pub wait: WaitEdge,
    /// Whether the selected task's chain goes through it.
    pub is_on_path: bool,
}

/// Nodes that wait for each other in turn.
#[derive(Clone, PartialEq, Debug)]
pub struct Ring {
    /// In order.
    pub nodes: Vec<usize>,
    /// Whether nobody outside could open it.
    pub is_closed: bool,
}

/// What is to be drawn.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Sketch {
    pub nodes: Vec<Node>,
    pub edges: Vec<Edge>,
    pub rings: Vec<Ring>,
    /// Tasks and cycles that found no room.
    pub left_out: usize,
}

impl Sketch {
    /// Whether it is more than one path from top to bottom.
    pub fn has_branches(&self) -> bool {
        let leave = |node| self.edges.iter().filter(|edge| edge.from == node).count();
        let enter = |node| self.edges.iter().filter(|edge| edge.to == node).count();
        !self.rings.is_empty() || (0..self.nodes.len()).any(|it| leave(it) > 1 || enter(it) > 1)
    }

    /// The edge from one node to another.
    pub fn edge(&self, from: usize, to: usize) -> Option<usize> {
        self.edges.iter().position(|edge| (edge.from, edge.to) == (from, to))
    }
}

/// Chooses what to draw of a graph, seen from the selected task.
pub fn sketch(graph: &WaitGraph, selected: Option<TaskId>) -> Sketch {
    let waits: Vec<WaitEdge> =
        graph.edges.iter().copied().filter(|edge| edge.kind != EdgeKind::Cpu).collect();
    let path = reached(&waits, selected);
    let in_cycle = |task| graph.cycles.iter().any(|cycle| cycle.tasks.contains(&task));
    let mut nodes = crowds(&waits, selected, in_cycle);
    // The selected chain and the cycles first, then who waits for them, then by id.
    let names = |node: &Vec<TaskId>| node[0];
    let touches = |task: TaskId| {
        waits.iter().any(|edge| edge.from == task && (path.contains(&edge.to) || in_cycle(edge.to)))
    };
    let rank = |task: TaskId| match () {
        () if path.contains(&task) || in_cycle(task) => 0,
        () if touches(task) => 1,
        () => 2,
    };
    nodes.sort_by_key(|node| (rank(names(node)), names(node)));
    let dropped: usize = nodes.iter().skip(NODES_MAX).map(Vec::len).sum();
    nodes.truncate(NODES_MAX);
    nodes.sort_by_key(names);
    let place = |task: TaskId| nodes.iter().position(|node| node.contains(&task));
    let mut edges: Vec<Edge> = Vec::new();
    for wait in &waits {
        let (Some(from), Some(to)) = (place(wait.from), place(wait.to)) else {
            continue;
        };
        if !edges.iter().any(|edge| (edge.from, edge.to) == (from, to)) {
            let is_on_path = path.contains(&wait.from);
            edges.push(Edge { from, to, wait: *wait, is_on_path });
        }
    }
    let rings = graph.cycles.iter().filter_map(|cycle| {
        let nodes: Option<Vec<usize>> = cycle.tasks.iter().map(|&task| place(task)).collect();
        Some(Ring { nodes: nodes?, is_closed: cycle.is_closed })
    });
    let rings: Vec<Ring> = rings.take(RINGS_MAX).collect();
    let left_out = dropped + (graph.cycles.len() - rings.len());
    let nodes = nodes.into_iter().map(|tasks| Node {
        is_selected: selected.is_some_and(|task| tasks.contains(&task)),
        is_stuck: tasks.iter().all(|task| graph.stuck.contains(task)),
        tasks,
    });
    Sketch { nodes: nodes.collect(), edges, rings, left_out }
}

/// The selected task and whom it waits for, directly or through others.
fn reached(waits: &[WaitEdge], selected: Option<TaskId>) -> Vec<TaskId> {
    let mut path: Vec<TaskId> = selected.into_iter().collect();
    let mut next = 0;
    while let Some(&task) = path.get(next) {
        for edge in waits.iter().filter(|edge| edge.from == task) {
            if !path.contains(&edge.to) {
                path.push(edge.to);
            }
        }
        next += 1;
    }
    path
}

/// For whom a task waits, and through what.
type Way = Vec<(TaskId, EdgeKind)>;

/// Tasks by themselves, but those for whom nobody waits and who wait alike together.
fn crowds(
    waits: &[WaitEdge],
    selected: Option<TaskId>,
    in_cycle: impl Fn(TaskId) -> bool,
) -> Vec<Vec<TaskId>> {
    let mut tasks: Vec<TaskId> = waits.iter().flat_map(|edge| [edge.from, edge.to]).collect();
    tasks.sort_unstable();
    tasks.dedup();
    let ways = |task: TaskId| {
        let of_task = waits.iter().filter(|edge| edge.from == task);
        of_task.map(|edge| (edge.to, edge.kind)).collect::<Vec<_>>()
    };
    let is_plain = |task: TaskId| {
        Some(task) != selected && !in_cycle(task) && !waits.iter().any(|edge| edge.to == task)
    };
    let (plain, mut nodes): (Vec<TaskId>, Vec<TaskId>) =
        tasks.into_iter().partition(|&task| is_plain(task));
    let mut alike: Vec<(Way, Vec<TaskId>)> = Vec::new();
    for task in plain {
        let way = ways(task);
        match alike.iter_mut().find(|(other, _)| *other == way) {
            Some((_, members)) => members.push(task),
            None => alike.push((way, vec![task])),
        }
    }
    let mut together = Vec::new();
    for (_, members) in alike {
        if members.len() >= ALIKE_MIN {
            together.push(members);
        } else {
            nodes.extend(members);
        }
    }
    nodes.into_iter().map(|task| vec![task]).chain(together).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use sim_core::analysis::WaitCycle;
    use sim_core::base::SimTime;

    use super::*;

    pub(in crate::graph) fn graph(edges: &[(u32, u32, EdgeKind)], cycles: &[&[u32]]) -> WaitGraph {
        let edge = |&(from, to, kind): &(u32, u32, EdgeKind)| WaitEdge {
            from: TaskId(from),
            to: TaskId(to),
            kind,
            since: 0,
            any: false,
        };
        let cycle = |tasks: &&[u32]| WaitCycle {
            tasks: tasks.iter().map(|&task| TaskId(task)).collect(),
            is_closed: true,
        };
        WaitGraph {
            at: SimTime::ZERO,
            tasks: Vec::new(),
            edges: edges.iter().map(edge).collect(),
            cycles: cycles.iter().map(cycle).collect(),
            stuck: Vec::new(),
        }
    }

    const LOCK: EdgeKind = EdgeKind::Lock;
    const REAP: EdgeKind = EdgeKind::Reap;

    #[test]
    fn path_has_no_branches_and_a_fork_has() {
        let path = sketch(&graph(&[(1, 2, REAP), (2, 3, LOCK)], &[]), None);
        assert_eq!((path.nodes.len(), path.edges.len()), (3, 2));
        assert!(!path.has_branches());
        let fork = sketch(&graph(&[(1, 2, REAP), (4, 2, REAP)], &[]), None);
        assert!(fork.has_branches());
    }

    #[test]
    fn those_who_wait_alike_are_one_node_unless_selected() {
        let crowd: Vec<_> = (10..16).map(|task| (task, 2, REAP)).collect();
        let all = sketch(&graph(&crowd, &[]), None);
        assert_eq!(all.nodes.len(), 2);
        assert_eq!(all.nodes[1].tasks.len(), 6);
        let one = sketch(&graph(&crowd, &[]), Some(TaskId(12)));
        assert_eq!(one.nodes.len(), 3);
        assert!(one.nodes.iter().any(|node| node.is_selected && node.tasks == [TaskId(12)]));
        assert!(one.edges.iter().filter(|edge| edge.is_on_path).count() == 1);
    }

    #[test]
    fn waits_for_a_cpu_are_not_drawn() {
        assert_eq!(sketch(&graph(&[(1, 2, EdgeKind::Cpu)], &[]), None), Sketch::default());
    }

    #[test]
    fn of_a_crowd_the_selected_chain_and_cycles_stay() {
        // Pairs, so that no two wait alike.
        let mut edges: Vec<_> =
            (0..60).map(|pair| (100 + 2 * pair, 101 + 2 * pair, LOCK)).collect();
        edges.extend([(300, 301, LOCK), (301, 300, LOCK), (400, 300, REAP), (500, 501, LOCK)]);
        let sketch = sketch(&graph(&edges, &[&[300, 301]]), Some(TaskId(500)));
        assert_eq!(sketch.nodes.len(), NODES_MAX);
        for task in [300, 301, 400, 500, 501] {
            assert!(sketch.nodes.iter().any(|node| node.tasks == [TaskId(task)]), "{task}");
        }
        assert_eq!(sketch.left_out, 125 - NODES_MAX);
        assert_eq!(sketch.rings.len(), 1);
    }
}
