//! The lanes as a table: what a reader who does not see the canvas moves
//! through. Rows are lanes, cells are states in the window. Pure.
//!
//! A state too short to be pointed at shares a cell with its neighbors,
//! so a row has a bounded number of cells however long the run is.

use std::cmp::Reverse;

use sim_core::analysis::{LaneState, MarkKind, Span};
use sim_core::base::SimTime;

use super::hit::span_now;
use super::palette::{Shade, mark_look, mark_weight};
use super::viewport::Viewport;
use crate::format;
use crate::state::{Cursor, Scene};
use crate::words::{t, tn};

/// Width of a cell at least: what a finger hits (WCAG 2.5.8).
const CELL_PX_MIN: f64 = 24.0;
/// Spans looked at from either end of a cell for one that stands for it.
const SPANS_MAX: usize = 128;

/// One state, or several that are short.
#[derive(Clone, PartialEq, Debug)]
pub struct Cell {
    /// First instant, and one past the last, inside the window.
    pub from: u64,
    pub to: u64,
    /// Place in the plot.
    pub left: f64,
    pub width: f64,
    /// Whether more than one state is in it, so that a closer look shows more.
    pub is_crowd: bool,
    /// State, time and what is waited for.
    pub text: String,
}

/// The cells of a lane in a window that is `width` pixels wide.
pub fn cells(scene: &Scene, lane: usize, view: Viewport, width: f64) -> Vec<Cell> {
    let Some(spans) = scene.outcome.lanes.get(lane).map(|lane| &lane.spans) else {
        return Vec::new();
    };
    let least = (CELL_PX_MIN / width.max(1.0) * view.span as f64).max(1.0) as u64;
    let mut cells = Vec::new();
    let mut next = spans.partition_point(|span| span.end.0 <= view.start);
    while let Some(span) = spans.get(next).filter(|span| span.start.0 < view.end()) {
        let from = span.start.0.max(view.start);
        // Alone if long enough, else with whoever begins within reach.
        let reach = from.saturating_add(least);
        let count = if span.end.0 >= reach {
            1
        } else {
            spans[next..].partition_point(|span| span.start.0 < reach)
        };
        // One that only begins here and goes on gets a cell of its own.
        let long = count > 1 && spans[next + count - 1].end.0 >= reach.saturating_add(least);
        let count = count - usize::from(long);
        let to = spans[next + count - 1].end.0.min(view.end());
        let left = view.px_from_time(from, width).max(0.0);
        let right = view.px_from_time(to, width).min(width);
        cells.push(Cell {
            from,
            to,
            left,
            width: (right - left).max(CELL_PX_MIN),
            is_crowd: count > 1,
            text: text(scene, lane, next..next + count),
        });
        next += count;
    }
    if cells.is_empty() {
        // A lane that is at rest here is a place among the others all the same.
        cells.push(Cell {
            from: view.start,
            to: view.end(),
            left: 0.0,
            width: width.max(CELL_PX_MIN),
            is_crowd: false,
            text: t!("nothing in this window").to_owned(),
        });
    }
    cells
}

/// Where the focus is when it is in the table: the selected lane's cell at the cursor. A lane that
/// is not in the table (its group is folded) leaves it to the first.
pub fn focused(
    selected: Option<usize>,
    lines: &[impl AsRef<[Cell]>],
    at: u64,
) -> Option<(usize, usize)> {
    let line = selected.unwrap_or(0);
    Some((line, cell_at(lines.get(line)?.as_ref(), at)))
}

/// The cell of an instant; the nearest before it where a lane has a gap.
pub fn cell_at(cells: &[Cell], at: u64) -> usize {
    cells.partition_point(|cell| cell.from <= at).saturating_sub(1)
}

fn text(scene: &Scene, lane: usize, range: std::ops::Range<usize>) -> String {
    let spans = &scene.outcome.lanes[lane].spans[range.clone()];
    let (Some(first), Some(last)) = (spans.first(), spans.last()) else {
        return String::new();
    };
    let said = |what: &str, from: SimTime, to: SimTime| {
        t!(
            "{what} for {time}, from {at}",
            what,
            time = format::duration(to.saturating_sub(from).0),
            at = format::instant(from)
        )
    };
    let mut parts = Vec::new();
    if let Some(main) = dominant(spans) {
        parts.push(said(&main.state.name(), main.start, main.end));
        let waits = waits_of(scene, main);
        let lock = scene.lock_at(lane, main.start.0).filter(|lock| waits.as_ref() != Some(lock));
        parts.extend(waits.into_iter().chain(lock));
        if spans.len() > 1 {
            let others = spans.len() as u64 - 1;
            parts.push(tn!(
                others,
                "beside it 1 short state",
                "beside it {others} short states",
                others = format::grouped(others)
            ));
        }
    } else {
        let gravest = scene.stage.get(lane).and_then(|stage| stage.peaks.over(range));
        let among = gravest
            .map_or_else(String::new, |state| t!(", among them {state}", state = state.name()));
        let states =
            t!("{count} short states{among}", count = format::grouped(spans.len() as u64), among);
        parts.push(said(&states, first.start, last.end));
    }
    for (kind, count) in marks(scene, lane, first.start.0, last.end.0) {
        let (_, name, _) = mark_look(kind, Shade::Light);
        parts.push(match count {
            1 => name.to_owned(),
            count => t!("{name} {count} times", name, count = format::grouped(count)),
        });
    }
    if spans.len() > 1 {
        parts.push(t!("Enter looks closer").to_owned());
    }
    parts.join("; ")
}

/// The span that takes most of the time of them all, if one does.
fn dominant(spans: &[Span]) -> Option<&Span> {
    let length = |span: &Span| span.end.saturating_sub(span.start).0;
    let all = spans.last()?.end.saturating_sub(spans.first()?.start).0;
    // A crowd has none that a few hundred looks would have to find.
    let ends = spans.iter().take(SPANS_MAX).chain(spans.iter().rev().take(SPANS_MAX));
    ends.max_by_key(|span| length(span)).filter(|span| length(span) > all / 2)
}

/// What a blocked span waits for.
fn waits_of(scene: &Scene, span: &Span) -> Option<String> {
    let is_blocked = matches!(span.state, LaneState::Blocked | LaneState::CallbackBlocked);
    let what = is_blocked.then(|| scene.waits_on(span.record))?;
    (!what.is_empty()).then(|| t!("waits for {what}", what))
}

/// Kinds of marks in a stretch, with how many, the most telling first.
fn marks(scene: &Scene, lane: usize, from: u64, to: u64) -> Vec<(MarkKind, u64)> {
    let marks = &scene.outcome.lanes[lane].marks;
    let first = marks.partition_point(|mark| mark.at.0 < from);
    let mut kinds: Vec<(MarkKind, u64)> = Vec::new();
    for mark in marks[first..].iter().take_while(|mark| mark.at.0 < to).take(1_000) {
        match kinds.iter_mut().find(|(kind, _)| *kind == mark.kind) {
            Some((_, count)) => *count += 1,
            None => kinds.push((mark.kind, 1)),
        }
    }
    // Equals stay in their order.
    kinds.sort_by_key(|(kind, _)| Reverse(mark_weight(*kind)));
    kinds
}

/// A lane at an instant as one sentence: name, state, what it waits for, what happened just then.
pub fn lane_text(scene: &Scene, lane: usize, now: Cursor) -> String {
    let Some(found) = scene.outcome.lanes.get(lane) else {
        return String::new();
    };
    let status = super::hit::status(found, now);
    let told =
        if status.is_empty() { found.title.clone() } else { format!("{}: {status}", found.title) };
    let waits = span_now(found, now).and_then(|span| waits_of(scene, span));
    let first = found.marks.partition_point(|mark| mark.at.0 < now.at);
    let marks = found.marks[first..].iter();
    let marks = marks.take_while(|mark| mark.at.0 <= now.at && mark.record < now.happened);
    let names = marks.map(|mark| mark_look(mark.kind, Shade::Light).1);
    let mut parts = vec![told];
    parts.extend(waits);
    parts.extend(names.filter(|name| *name != status).map(str::to_owned));
    parts.dedup();
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim_core::share::ScenarioRef;

    use crate::engine::{Job, Outcome, Request};

    fn scene() -> Scene {
        scene_of(&Request::default())
    }

    fn scene_of(request: &Request) -> Scene {
        let mut job = Job::start(request).unwrap();
        while job.advance(100_000) {}
        Scene::new(Outcome::of(job.into_run()))
    }

    #[test]
    fn cells_cover_the_window_in_order_and_are_few() {
        let scene = scene();
        let end = scene.outcome.run.end.0;
        for view in [Viewport::whole(end), Viewport::between(end / 3, end / 3 + 900_000, end)] {
            for lane in 0..scene.outcome.lanes.len() {
                let cells = cells(&scene, lane, view, 960.0);
                assert!(cells.len() <= 82, "{}", cells.len());
                for cell in &cells {
                    assert!(cell.from < cell.to && cell.width >= CELL_PX_MIN, "{cell:?}");
                    assert!(cell.from >= view.start && cell.to <= view.end());
                }
                assert!(cells.windows(2).all(|pair| pair[0].to <= pair[1].from));
            }
        }
    }

    /// Every state of a lane, however short, is alone in a cell after a few closer looks.
    #[test]
    fn closer_looks_reach_every_state() {
        let scene = scene();
        let end = scene.outcome.run.end.0;
        let busy = scene.outcome.lanes.iter().enumerate().max_by_key(|(_, lane)| lane.spans.len());
        let (lane, busy) = busy.unwrap();
        assert!(busy.spans.len() > 500, "{}", busy.spans.len());
        let mut seen = Vec::new();
        let mut looks = vec![(0, Viewport::whole(end))];
        while let Some((depth, view)) = looks.pop() {
            assert!(depth < 12, "{view:?}");
            for cell in cells(&scene, lane, view, 960.0) {
                let whole = busy.spans.partition_point(|span| span.end.0 <= cell.from);
                if cell.is_crowd {
                    assert!(cell.text.ends_with("Enter looks closer"), "{cell:?}");
                    looks.push((depth + 1, Viewport::between(cell.from, cell.to, end)));
                } else {
                    seen.push(whole);
                }
            }
        }
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), busy.spans.len());
    }

    #[test]
    fn cells_say_state_duration_and_what_is_waited_for() {
        let scene = scene();
        let lanes = &scene.outcome.lanes;
        let stuck = lanes.iter().position(|lane| lane.title == "hog/stuck").unwrap();
        let cells = cells(&scene, stuck, Viewport::whole(scene.outcome.run.end.0), 960.0);
        let blocked = cells.iter().find(|cell| cell.text.starts_with("blocked")).unwrap();
        assert!(
            blocked.text.contains(" for ") && blocked.text.contains("waits for"),
            "{blocked:?}"
        );
        let reaper = lanes.iter().position(|lane| lane.title == "oom_reaper").unwrap();
        let attempts = Viewport::between(3_200_000_000, 4_400_000_000, scene.outcome.run.end.0);
        let all = super::cells(&scene, reaper, attempts, 960.0);
        assert!(all.iter().any(|cell| cell.text.starts_with("back-off 3 for")), "{all:?}");
        assert!(all.iter().any(|cell| cell.text.contains("gave up")), "{all:?}");
    }

    /// Steps along a lane stop at what happens within a state, too: it is said there, and only there.
    #[test]
    fn a_lane_says_what_happened_just_then() {
        let scene = scene();
        let lanes = &scene.outcome.lanes;
        let gpu = lanes.iter().position(|lane| lane.title == "gpu0").unwrap();
        let refusal = lanes[gpu].marks.iter().find(|mark| mark.kind == MarkKind::Refusal).unwrap();
        let at = refusal.at.0;
        assert_eq!(lane_text(&scene, gpu, Cursor::after_all(at)), "gpu0: job; callback refused");
        for now in [Cursor::after_all(at + 1), Cursor { at, happened: refusal.record }] {
            assert_eq!(lane_text(&scene, gpu, now), "gpu0: job");
        }
        let editor = lanes.iter().position(|lane| lane.title == "editor").unwrap();
        let kill = lanes[editor].marks.iter().find(|mark| mark.kind == MarkKind::Kill).unwrap();
        let told = lane_text(&scene, editor, Cursor::after_all(kill.at.0));
        assert_eq!(told, "editor: killed", "state and mark are called the same");
    }

    /// A wait for a lock is both what is waited for and what the lane does with a lock.
    #[test]
    fn cells_say_nothing_twice() {
        let scenario = ScenarioRef::ById("f7-oom-lock-convoy".into());
        let scene = scene_of(&Request { scenario, ..Request::default() });
        let end = scene.outcome.run.end.0;
        let mut waits = 0;
        for lane in 0..scene.outcome.lanes.len() {
            for cell in cells(&scene, lane, Viewport::between(100_000_000, 130_000_000, end), 960.0)
            {
                let parts: Vec<&str> = cell.text.split("; ").collect();
                waits += usize::from(parts.contains(&"waits for oom_lock"));
                assert!(parts.windows(2).all(|pair| pair[0] != pair[1]), "{cell:?}");
            }
        }
        assert!(waits > 0);
    }

    /// However much is in a cell, it names what a sighted reader sees there, the gravest first.
    #[test]
    fn cells_name_every_kind_of_mark() {
        let scene = scene();
        let end = scene.outcome.run.end.0;
        let reaper =
            scene.outcome.lanes.iter().position(|lane| lane.title == "oom_reaper").unwrap();
        let found = marks(&scene, reaper, 0, end);
        assert!(found.len() > 3, "{found:?}");
        assert!(found.is_sorted_by_key(|(kind, _)| Reverse(mark_weight(*kind))), "{found:?}");
        let cells = cells(&scene, reaper, Viewport::whole(end), 60.0);
        for (kind, _) in found {
            let name = mark_look(kind, Shade::Light).1;
            assert!(cells.iter().any(|cell| cell.text.contains(name)), "{name}: {cells:?}");
        }
    }

    #[test]
    fn lane_at_rest_has_a_cell_and_the_focus_a_place() {
        let mut scene = scene();
        let end = scene.outcome.run.end.0;
        scene.outcome.lanes[1].spans.clear();
        let view = Viewport::between(0, end / 2, end);
        let cells: Vec<_> = (0..2).map(|lane| cells(&scene, lane, view, 960.0)).collect();
        assert_eq!(cells[1].len(), 1);
        assert_eq!((cells[1][0].from, cells[1][0].to), (view.start, view.end()));
        assert_eq!(cells[1][0].text, "nothing in this window");
        assert_eq!(focused(Some(1), &cells, end / 3), Some((1, 0)));
        assert_eq!(focused(None, &cells, 0), Some((0, 0)), "folded away");
        assert_eq!(focused(None, &cells[..0], 0), None);
    }

    #[test]
    fn cell_of_an_instant_is_the_one_that_covers_it() {
        let scene = scene();
        let view = Viewport::whole(scene.outcome.run.end.0);
        let cells = cells(&scene, 0, view, 960.0);
        for (index, cell) in cells.iter().enumerate() {
            assert_eq!(cell_at(&cells, cell.from), index);
            assert_eq!(cell_at(&cells, cell.to - 1), index);
        }
        assert_eq!(cell_at(&[], 5), 0);
    }
}
