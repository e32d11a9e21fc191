//! What is drawn of a lane's labels, marks and arrows: a bounded number, whatever the run's size.
//! Pure, for the screen and for images alike.

use sim_core::analysis::{Lane, LaneOf, LaneState, MarkKind, Span};

use super::hit::{span_at, span_now, status};
use super::palette::mark_weight;
use super::raster::continues;
use super::viewport::Viewport;
use crate::engine;
use crate::format;
use crate::state::{Cursor, Scene, StageArrow};

/// Room a label needs at least.
const LABEL_PX_MIN: f64 = 26.0;
/// Room that a label with what is waited for wants at least.
const STORY_PX_MIN: f64 = 90.0;
/// Renewals of a wait that a label spans.
const RENEWALS_MAX: usize = 256;
/// Marks of a lane are drawn at most this dense.
const MARK_PX: f64 = 13.0;
/// Marks that one place chooses from.
const MARKS_LOOKED_AT: usize = 64;
/// Arrows of one kind between the same two lanes are at most this dense.
const ARROW_PX: f64 = 9.0;
/// Arrows of a lane that one drawing looks at.
const ARROWS_LOOKED_AT: usize = 20_000;

/// Spans with room for a label, and from where to where in pixels they are on screen.
///
/// A label fits only into a span wider than a step, so one look per step finds them all.
pub fn stretches(lane: &Lane, view: Viewport, width: f64) -> Vec<(&Span, f64, f64)> {
    let mut found = Vec::new();
    let mut x = LABEL_PX_MIN / 2.0;
    while x < width {
        let at = view.time_from_px(x, width);
        x += LABEL_PX_MIN / 2.0;
        let Some(span) = span_at(lane, at) else {
            continue;
        };
        let left = view.px_from_time(span.start.0, width).max(0.0);
        let right = view.px_from_time(end_of_stretch(lane, span), width).min(width);
        x = x.max(right + 1.0);
        if span.state != LaneState::Sleeping {
            found.push((span, left, right));
        }
    }
    found
}

/// Where the state that `span` is in ends, if it is renewed.
fn end_of_stretch(lane: &Lane, span: &Span) -> u64 {
    let next = lane.spans.partition_point(|other| other.start.0 < span.end.0);
    let renewed = lane.spans[next..]
        .iter()
        .take(RENEWALS_MAX)
        .take_while(|other| other.state == span.state && continues(span.state))
        .last();
    renewed.map_or(span.end.0, |last| last.end.0)
}

/// What could be written on a span in so many pixels, the longest first; a back-off counts down
/// while the cursor is in it, where there is one.
pub fn label_texts(
    (lane, span): (&Lane, &Span),
    scene: &Scene,
    now: Option<Cursor>,
    room: f64,
) -> Vec<String> {
    let name = span.state.name();
    let mut texts = Vec::new();
    if let LaneOf::Cpu(_) = lane.of {
        let who = engine::task_of_record(&scene.outcome.run, span.record).unwrap_or_default();
        return vec![format!("{who}: {name}"), who.to_owned()];
    }
    if let LaneOf::Lock(lock) = lane.of {
        let users = engine::lock_users_text(&scene.outcome, lock, span.record + 1);
        let holders = users.split(';').next().unwrap_or_default().to_owned();
        return vec![users, holders, name];
    }
    let is_now = |now: &Cursor| span_now(lane, *now).is_some_and(|it| std::ptr::eq(it, span));
    match (span.state, now.filter(is_now)) {
        (LaneState::Blocked | LaneState::CallbackBlocked, _) if room >= STORY_PX_MIN => {
            let what = scene.waits_on(span.record);
            if !what.is_empty() {
                texts.push(format!("{name}: {what}"));
            }
        }
        (LaneState::BackOff(_), Some(now)) => {
            texts.push(status(lane, now));
            texts.push(format::duration(span.end.0 - now.at));
        }
        _ => {}
    }
    texts.push(name);
    if let LaneState::Reaping(n) | LaneState::BackOff(n) = span.state {
        texts.push(n.to_string());
    }
    texts
}

/// At most one mark per bucket of pixels, the weightiest.
pub fn marks(lane: &Lane, view: Viewport, width: f64) -> Vec<(MarkKind, u64)> {
    let bucket = (MARK_PX / width * view.span as f64).max(1.0) as u64;
    let mut found = Vec::new();
    let mut from = lane.marks.partition_point(|mark| mark.at.0 < view.start);
    while let Some(first) = lane.marks.get(from).filter(|mark| mark.at.0 <= view.end()) {
        let limit = first.at.0.saturating_add(bucket);
        let rest = &lane.marks[from..];
        let inside = rest.partition_point(|mark| mark.at.0 < limit).max(1);
        let sampled = rest[..inside].iter().take(MARKS_LOOKED_AT);
        if let Some(mark) = sampled.max_by_key(|mark| mark_weight(mark.kind)) {
            found.push((mark.kind, mark.at.0));
        }
        from += inside;
    }
    found
}

/// Arrows that begin or end in a lane: of those that share a place, the first of each kind and
/// partner.
pub fn arrows(scene: &Scene, lane: usize, view: Viewport, width: f64) -> Vec<StageArrow> {
    let of_lane = scene.stage.get(lane).map_or(&[][..], |stage| &stage.arrows);
    let first = of_lane.partition_point(|arrow| scene.arrows[*arrow].at < view.start);
    let bucket = (ARROW_PX / width * view.span as f64) as u64;
    let mut drawn: Vec<StageArrow> = Vec::new();
    for index in of_lane[first..].iter().take(ARROWS_LOOKED_AT) {
        let arrow = scene.arrows[*index];
        if arrow.at > view.end() {
            break;
        }
        let same = |other: &&StageArrow| {
            (other.kind, other.from, other.to) == (arrow.kind, arrow.from, arrow.to)
        };
        let last = drawn.iter().rev().take(12).find(same);
        if last.is_none_or(|last| arrow.at - last.at >= bucket) {
            drawn.push(arrow);
        }
    }
    drawn
}
