//! The wait-for graph of one instant as Graphviz text (`dot -Tsvg`).
//!
//! A node is a task, an edge says who waits for whom, through what and for
//! how long; dashed where any of several would do. Who will never go on is
//! drawn with a double line, edges of a closed cycle are bold. Tasks that
//! wait for nobody and for whom nobody waits are left out, and so is
//! everything that is not about waiting.
//!
//! The language: <https://graphviz.org/doc/info/lang.html>.

use std::fmt::{self, Write as _};

use crate::analysis::{
    EdgeKind, Index, WaitEdge, WaitGraph, edge_text, span_text, task_name, time_text, wait_graph,
};
use crate::base::{SimTime, TaskId};

/// The graph after everything that happened at `at` or before.
pub fn dot(index: &Index, at: SimTime) -> String {
    let seen = index.seen_at(at);
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _: fmt::Result = write(&mut text, index, &wait_graph(index, seen), (seen, at));
    text
}

fn write(
    out: &mut String,
    index: &Index,
    graph: &WaitGraph,
    (seen, at): (usize, SimTime),
) -> fmt::Result {
    let name = |task| quoted(&task_name(index.cast(), task));
    let label =
        if graph.edges.is_empty() { "nobody waits for anybody" } else { "who waits for whom" };
    writeln!(out, "digraph waits {{")?;
    writeln!(out, "  label={};", quoted(&format!("{label} at {}", time_text(at))))?;
    writeln!(out, "  labelloc=t; rankdir=LR; node [shape=box, fontname=\"sans-serif\"];")?;
    writeln!(out, "  edge [fontname=\"sans-serif\", fontsize=10];")?;
    for &task in &graph.tasks {
        let stuck = if graph.stuck.contains(&task) { " [peripheries=2]" } else { "" };
        writeln!(out, "  {}{stuck};", name(task))?;
    }
    for edge in &graph.edges {
        let lasted = at.saturating_sub(index.time_of(edge.since));
        let words = format!("{}\n{}", edge_text(index, edge, seen), span_text(lasted));
        let style = match (edge.any, is_in_closed_cycle(graph, edge)) {
            (true, true) => ", style=\"dashed,bold\"",
            (true, false) => ", style=dashed",
            (false, true) => ", style=bold",
            (false, false) => "",
        };
        // A wait for a CPU holds nobody up for ever: it need not shape the picture.
        let weak = if edge.kind == EdgeKind::Cpu { ", constraint=false" } else { "" };
        let (from, to) = (name(edge.from), name(edge.to));
        writeln!(out, "  {from} -> {to} [label={}{style}{weak}];", quoted(&words))?;
    }
    writeln!(out, "}}")
}

fn is_in_closed_cycle(graph: &WaitGraph, edge: &WaitEdge) -> bool {
    let follows = |tasks: &[TaskId]| {
        let nexts = tasks.iter().skip(1).chain(tasks.first());
        tasks.iter().zip(nexts).any(|(&from, &to)| (from, to) == (edge.from, edge.to))
    };
    graph.cycles.iter().any(|cycle| cycle.is_closed && follows(&cycle.tasks))
}

/// A quoted id: only quotes need a backslash, and so does a backslash, lest it
/// begin an escape; a line break is one.
fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Keep;
    use crate::scenario::{RunOptions, Simulation, gallery, parse};

    fn graph(id: &str, at: Option<SimTime>) -> String {
        let item = gallery::find(id).expect("in the gallery");
        let scenario = parse(id, item.text, &[]).expect("a scenario");
        let options = RunOptions { keep: Keep::Records, ..RunOptions::default() };
        let run = Simulation::new(&scenario, &options).expect("a run").run();
        dot(&Index::new(&run), at.unwrap_or(run.end))
    }

    #[test]
    fn deadlock_is_drawn_bold_with_its_kinds() {
        let text = graph("d3-fence", None);
        for part in [
            "digraph waits {\n",
            "  \"oom_reaper\" [peripheries=2];\n",
            "\"oom_reaper\" -> \"gpu0\" [label=\"a fence\\n",
            "\"gpu0\" -> \"gpu0/worker\" [label=\"the signal of a fence\\n",
            "s\", style=\"dashed,bold\"];\n",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        assert!(text.ends_with("}\n"));
    }

    #[test]
    fn who_only_wants_a_cpu_is_in_no_cycle() {
        let text = graph("d3-fence", Some(SimTime(0)));
        assert!(text.contains("label=\"a CPU\\n0 ns\", style=dashed, constraint=false"), "{text}");
        assert!(!text.contains("bold") && !text.contains("peripheries"), "{text}");
    }

    #[test]
    fn names_are_quoted() {
        assert_eq!(quoted("a \"b\"\\\nc"), "\"a \\\"b\\\"\\\\\\nc\"");
    }
}
