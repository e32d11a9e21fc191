//! Where the nodes of a wait-for graph stand and how its edges run.
//!
//! Who waits stands above whom it waits for. Each cycle is a ring of its
//! own; a task in two of them stands in both, since a knot of many is
//! usually several small cycles. Sizes are those of text at 12 px, so
//! nothing here asks the browser.

use super::sketch::Sketch;

/// Height of a node.
pub const NODE_HEIGHT: f64 = 26.0;
/// Between the tops of two rows, less the upper one's height.
const ROW_GAP: f64 = 42.0;
const COLUMN_GAP: f64 = 18.0;
const MARGIN: f64 = 8.0;
/// Width of a letter at 12 px, on the generous side.
const LETTER: f64 = 7.2;
const ARROW: f64 = 7.0;

/// A node at its place.
#[derive(Clone, PartialEq, Debug)]
pub struct Place {
    /// Of the sketch.
    pub node: usize,
    /// Which of its places; a node has several if it is in several rings.
    pub copy: usize,
    /// Its middle.
    pub x: f64,
    pub y: f64,
    pub width: f64,
}

/// An edge on its way.
#[derive(Clone, PartialEq, Debug)]
pub struct Line {
    /// Of the sketch.
    pub edge: usize,
    /// The ring it belongs to.
    pub ring: Option<usize>,
    /// Start, bend and tip of a quadratic curve.
    pub curve: [(f64, f64); 3],
    /// Corners of the arrow's head.
    pub head: [(f64, f64); 3],
    /// Where its label stands.
    pub label: (f64, f64),
}

/// A cycle's own ring.
#[derive(Clone, PartialEq, Debug)]
pub struct Loop {
    /// Of the sketch.
    pub ring: usize,
    /// The first of its places; the others follow, clockwise.
    pub first: usize,
    pub x: f64,
    pub y: f64,
    pub rx: f64,
    pub ry: f64,
}

/// The whole picture.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Drawing {
    pub width: f64,
    pub height: f64,
    pub places: Vec<Place>,
    pub lines: Vec<Line>,
    pub loops: Vec<Loop>,
}

/// Either one node or one ring, which keeps its nodes together.
struct Block {
    ring: Option<usize>,
    nodes: Vec<usize>,
    width: f64,
    height: f64,
    /// Rows below it.
    depth: usize,
}

/// Lays a sketch out about `room` wide; `names` are those of its nodes.
pub fn layout(sketch: &Sketch, names: &[String], room: f64) -> Drawing {
    if sketch.nodes.is_empty() {
        return Drawing::default();
    }
    let width = |node: usize| {
        let letters = names.get(node).map_or(1, |name| name.chars().count());
        letters as f64 * LETTER + 18.0
    };
    let mut blocks = blocks(sketch, width);
    find_depths(&mut blocks, sketch);
    let rows = rows(&blocks, sketch, room);
    let row_width = |row: &Vec<usize>| {
        let sum: f64 = row.iter().map(|&block| blocks[block].width).sum();
        sum + COLUMN_GAP * row.len().saturating_sub(1) as f64
    };
    let inner = rows.iter().map(row_width).fold(0.0, f64::max);
    let mut drawing = Drawing { width: inner + 2.0 * MARGIN, ..Drawing::default() };
    let mut top = MARGIN;
    for row in &rows {
        let height = row.iter().map(|&block| blocks[block].height).fold(0.0, f64::max);
        let mut left = MARGIN + (inner - row_width(row)) / 2.0;
        for &block in row {
            let block = &blocks[block];
            let middle = (left + block.width / 2.0, top + height / 2.0);
            drawing.put(block, middle, width);
            left += block.width + COLUMN_GAP;
        }
        top += height + ROW_GAP;
    }
    drawing.height = top - ROW_GAP + MARGIN;
    drawing.draw_rings(sketch);
    drawing.draw_edges(sketch);
    drawing
}

fn blocks(sketch: &Sketch, width: impl Fn(usize) -> f64) -> Vec<Block> {
    let rings = sketch.rings.iter().enumerate().map(|(index, ring)| {
        let widest = ring.nodes.iter().map(|&node| width(node)).fold(0.0, f64::max);
        let (rx, ry) = radii(ring.nodes.len(), widest);
        // A loop around one node and the labels outside need some room.
        Block {
            ring: Some(index),
            nodes: ring.nodes.clone(),
            width: 2.0 * rx + widest + 2.0 * side(ring.nodes.len()),
            height: 2.0 * ry + NODE_HEIGHT,
            depth: 0,
        }
    });
    let in_ring = |node| sketch.rings.iter().any(|ring| ring.nodes.contains(&node));
    let single = (0..sketch.nodes.len()).filter(|&node| !in_ring(node)).map(|node| Block {
        ring: None,
        nodes: vec![node],
        width: width(node),
        height: NODE_HEIGHT,
        depth: 0,
    });
    rings.chain(single).collect()
}

/// Half axes of a ring of so many nodes.
fn radii(count: usize, widest: f64) -> (f64, f64) {
    match count {
        0 | 1 => (0.0, 0.0),
        2 => (0.0, 34.0),
        3 => (widest / 2.0 + 14.0, 40.0),
        _ => (widest / 2.0 + 8.0 * count as f64, 18.0 * count as f64),
    }
}

/// Room at either side of a ring for its curves and their labels.
fn side(count: usize) -> f64 {
    match count {
        0 | 1 => 48.0,
        2 => 44.0,
        _ => 16.0,
    }
}

/// Rows below each block: none for those who wait for nobody outside.
fn find_depths(blocks: &mut [Block], sketch: &Sketch) {
    // Rings that share a node belong together; no way leads from one to the other and back.
    let leads = |from: &Block, to: &Block| {
        let shares = from.nodes.iter().any(|node| to.nodes.contains(node));
        !shares
            && sketch
                .edges
                .iter()
                .any(|edge| from.nodes.contains(&edge.from) && to.nodes.contains(&edge.to))
    };
    let below: Vec<Vec<usize>> = blocks
        .iter()
        .map(|from| (0..blocks.len()).filter(|&to| leads(from, &blocks[to])).collect())
        .collect();
    // Each round settles one more row; a cycle that no ring stands for ends with the rounds.
    for _ in 0..blocks.len() {
        let mut changed = false;
        for block in 0..blocks.len() {
            let depth = below[block].iter().map(|&to| blocks[to].depth + 1).max().unwrap_or(0);
            let depth = depth.min(below.len() - 1);
            changed |= depth != blocks[block].depth;
            blocks[block].depth = depth;
        }
        if !changed {
            break;
        }
    }
}

/// Rows from top to bottom, each at most `room` wide if it can be.
fn rows(blocks: &[Block], sketch: &Sketch, room: f64) -> Vec<Vec<usize>> {
    let deepest = blocks.iter().map(|block| block.depth).max().unwrap_or(0);
    let mut order: Vec<f64> = (0..blocks.len()).map(|block| block as f64).collect();
    let mut rows: Vec<Vec<usize>> = Vec::new();
    for depth in 0..=deepest {
        let mut row: Vec<usize> =
            (0..blocks.len()).filter(|&block| blocks[block].depth == depth).collect();
        // Above whom they wait for.
        let aim = |block: usize| {
            let ends = sketch.edges.iter().filter(|edge| blocks[block].nodes.contains(&edge.from));
            let ends: Vec<f64> = ends
                .filter_map(|edge| {
                    let to = blocks.iter().position(|other| other.nodes.contains(&edge.to))?;
                    (blocks[to].depth < depth).then(|| order[to])
                })
                .collect();
            if ends.is_empty() {
                order[block]
            } else {
                ends.iter().sum::<f64>() / ends.len() as f64
            }
        };
        let aims: Vec<f64> = (0..blocks.len()).map(aim).collect();
        row.sort_by(|one, other| aims[*one].total_cmp(&aims[*other]).then(one.cmp(other)));
        for (place, block) in row.iter().enumerate() {
            order[*block] = place as f64;
        }
        let mut lines: Vec<Vec<usize>> = vec![Vec::new()];
        let mut used = 0.0;
        for block in row {
            let width = blocks[block].width + COLUMN_GAP;
            if used + width > room && used > 0.0 {
                lines.push(Vec::new());
                used = 0.0;
            }
            used += width;
            if let Some(line) = lines.last_mut() {
                line.push(block);
            }
        }
        rows.extend(lines);
    }
    rows.reverse();
    rows
}

impl Drawing {
    fn put(&mut self, block: &Block, (x, y): (f64, f64), width: impl Fn(usize) -> f64) {
        let widest = block.nodes.iter().map(|&node| width(node)).fold(0.0, f64::max);
        let (rx, ry) = radii(block.nodes.len(), widest);
        if let Some(ring) = block.ring {
            let (rx, ry) = match block.nodes.len() {
                1 => (widest / 2.0 + 20.0, NODE_HEIGHT),
                2 => (widest / 2.0 + 4.0, ry),
                _ => (rx, ry),
            };
            self.loops.push(Loop { ring, first: self.places.len(), x, y, rx, ry });
        }
        for (turn, &node) in block.nodes.iter().enumerate() {
            // Clockwise from the top.
            let angle = std::f64::consts::TAU * turn as f64 / block.nodes.len() as f64;
            let (sin, cos) = sin_cos(angle);
            let copy = self.places.iter().filter(|place| place.node == node).count();
            self.places.push(Place {
                node,
                copy,
                x: x + rx * sin,
                y: y - ry * cos,
                width: width(node),
            });
        }
    }

    fn draw_rings(&mut self, sketch: &Sketch) {
        for own in &self.loops {
            let nodes = &sketch.rings[own.ring].nodes;
            for turn in 0..nodes.len() {
                let next = (turn + 1) % nodes.len();
                let Some(edge) = sketch.edge(nodes[turn], nodes[next]) else {
                    continue;
                };
                let (from, to) = (&self.places[own.first + turn], &self.places[own.first + next]);
                let curve = if nodes.len() == 1 {
                    around(from)
                } else {
                    bent(from, to, outward((own.x, own.y), from, to, nodes.len()))
                };
                self.lines.push(line(edge, Some(own.ring), curve));
            }
        }
    }

    /// Edges that are in no ring.
    fn draw_edges(&mut self, sketch: &Sketch) {
        let drawn: Vec<usize> = self.lines.iter().map(|line| line.edge).collect();
        for (index, edge) in sketch.edges.iter().enumerate() {
            if drawn.contains(&index) {
                continue;
            }
            let of = |node| self.places.iter().find(|place| place.node == node && place.copy == 0);
            let (Some(from), Some(to)) = (of(edge.from), of(edge.to)) else {
                continue;
            };
            // Past a row it goes around what stands there.
            let is_far = (to.y - from.y).abs() > 2.0 * (NODE_HEIGHT + ROW_GAP) - 4.0;
            let side = if to.x < from.x { -1.0 } else { 1.0 };
            let bend = if is_far { 46.0 * side } else { 0.0 };
            let middle = (f64::midpoint(from.x, to.x) + bend, f64::midpoint(from.y, to.y));
            let curve = bent(from, to, middle);
            self.lines.push(line(index, None, curve));
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "places on a screen: a last bit moves nothing")]
fn sin_cos(angle: f64) -> (f64, f64) {
    angle.sin_cos()
}

/// The bend of a ring's edge: away from the ring's middle.
fn outward(middle: (f64, f64), from: &Place, to: &Place, count: usize) -> (f64, f64) {
    let (x, y) = (f64::midpoint(from.x, to.x), f64::midpoint(from.y, to.y));
    if count == 2 {
        // Down on the right, up on the left.
        let side = if to.y > from.y { 1.0 } else { -1.0 };
        return (x + side * (from.width.max(to.width) / 2.0 + 26.0), y);
    }
    let (dx, dy) = (x - middle.0, y - middle.1);
    (middle.0 + dx * 1.5, middle.1 + dy * 1.5)
}

/// A curve between two nodes' edges, by way of `bend`.
fn bent(from: &Place, to: &Place, bend: (f64, f64)) -> [(f64, f64); 3] {
    [border(from, bend, 1.0), bend, border(to, bend, 3.0)]
}

/// From a node's right side around to its bottom.
fn around(node: &Place) -> [(f64, f64); 3] {
    let right = node.x + node.width / 2.0;
    [(right, node.y - 4.0), (right + 46.0, node.y + 44.0), (right - 16.0, node.y + 16.0)]
}

/// Where the line from a node's middle toward `aim` leaves the node, and
/// `gap` further.
fn border(node: &Place, aim: (f64, f64), gap: f64) -> (f64, f64) {
    let (dx, dy) = (aim.0 - node.x, aim.1 - node.y);
    let (half_width, half_height) = (node.width / 2.0 + gap, NODE_HEIGHT / 2.0 + gap);
    let scale = (half_width / dx.abs().max(1e-6)).min(half_height / dy.abs().max(1e-6));
    (node.x + dx * scale, node.y + dy * scale)
}

fn line(edge: usize, ring: Option<usize>, curve: [(f64, f64); 3]) -> Line {
    let [from, bend, to] = curve;
    let (dx, dy) = (to.0 - bend.0, to.1 - bend.1);
    let length = (dx * dx + dy * dy).sqrt().max(1e-6);
    let (dx, dy) = (dx / length, dy / length);
    let back = (to.0 - dx * ARROW, to.1 - dy * ARROW);
    let half = ARROW * 0.55;
    let head =
        [to, (back.0 - dy * half, back.1 + dx * half), (back.0 + dy * half, back.1 - dx * half)];
    let label = ((from.0 + 2.0 * bend.0 + to.0) / 4.0, (from.1 + 2.0 * bend.1 + to.1) / 4.0);
    Line { edge, ring, curve, head, label }
}

#[cfg(test)]
mod tests {
    use sim_core::analysis::EdgeKind;

    use super::*;
    use crate::graph::sketch::{sketch, tests::graph};

    fn drawn(edges: &[(u32, u32)], cycles: &[&[u32]]) -> (Sketch, Drawing) {
        let edges: Vec<_> = edges.iter().map(|&(from, to)| (from, to, EdgeKind::Lock)).collect();
        let sketch = sketch(&graph(&edges, cycles), None);
        let names = vec!["task-name".to_owned(); sketch.nodes.len()];
        let drawing = layout(&sketch, &names, 280.0);
        (sketch, drawing)
    }

    /// Nothing overlaps and nothing sticks out.
    fn check(drawing: &Drawing) {
        for (index, one) in drawing.places.iter().enumerate() {
            assert!(one.x - one.width / 2.0 >= 0.0, "{one:?}");
            assert!(one.x + one.width / 2.0 <= drawing.width, "{one:?}");
            assert!(one.y - NODE_HEIGHT / 2.0 >= 0.0);
            assert!(one.y + NODE_HEIGHT / 2.0 <= drawing.height);
            for other in &drawing.places[index + 1..] {
                let apart = (one.x - other.x).abs() >= f64::midpoint(one.width, other.width)
                    || (one.y - other.y).abs() >= NODE_HEIGHT;
                assert!(apart, "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn who_waits_stands_above_whom_it_waits_for() {
        let (sketch, drawing) = drawn(&[(1, 2), (2, 3), (4, 3)], &[]);
        check(&drawing);
        let y = |node: usize| drawing.places.iter().find(|it| it.node == node).unwrap().y;
        for edge in &sketch.edges {
            assert!(y(edge.from) < y(edge.to), "{edge:?}");
        }
        assert_eq!(drawing.lines.len(), 3);
    }

    #[test]
    fn every_cycle_is_a_ring_of_its_own() {
        // Two cycles through one task, and somebody who waits for it.
        let (sketch, drawing) =
            drawn(&[(1, 2), (2, 1), (1, 3), (3, 1), (9, 1)], &[&[1, 2], &[1, 3]]);
        check(&drawing);
        assert_eq!(drawing.loops.len(), 2);
        let shared = sketch.nodes.iter().position(|node| node.tasks[0].0 == 1).unwrap();
        assert_eq!(drawing.places.iter().filter(|it| it.node == shared).count(), 2);
        assert_eq!(drawing.lines.iter().filter(|line| line.ring.is_some()).count(), 4);
        assert_eq!(drawing.lines.iter().filter(|line| line.ring.is_none()).count(), 1);
    }

    #[test]
    fn rings_of_any_size_keep_their_nodes_apart() {
        for count in 1..9_u32 {
            let edges: Vec<_> = (0..count).map(|it| (it, (it + 1) % count)).collect();
            let cycle: Vec<u32> = (0..count).collect();
            let (_, drawing) = drawn(&edges, &[&cycle]);
            check(&drawing);
            assert_eq!(drawing.lines.len(), count as usize, "{count}");
        }
    }

    #[test]
    fn wide_rows_are_broken() {
        let edges: Vec<_> = (0..12).map(|it| (it * 2, it * 2 + 1)).collect();
        let (_, drawing) = drawn(&edges, &[]);
        check(&drawing);
        assert!(drawing.width < 330.0, "{}", drawing.width);
    }

    #[test]
    fn edges_end_at_the_border_of_their_node() {
        let (_, drawing) = drawn(&[(1, 2)], &[]);
        let [from, _, to] = drawing.lines[0].curve;
        let (upper, lower) = (&drawing.places[0], &drawing.places[1]);
        assert!((from.1 - (upper.y + NODE_HEIGHT / 2.0 + 1.0)).abs() < 0.01);
        assert!((to.1 - (lower.y - NODE_HEIGHT / 2.0 - 3.0)).abs() < 0.01);
        assert_eq!(layout(&Sketch::default(), &[], 200.0), Drawing::default());
    }

    #[test]
    fn cycle_without_a_ring_ends_the_search_for_rows() {
        let (_, drawing) = drawn(&[(1, 2), (2, 1)], &[]);
        check(&drawing);
        assert_eq!(drawing.lines.len(), 2);
    }
}
