//! The lanes of an image: spans with their labels, locks, marks and arrows.

use std::fmt::Write as _;

use sim_core::analysis::{Lane, LaneState, MarkKind, Span};

use super::legend::{Entry, pattern_id};
use super::{Axis, cut, hex, text};
use crate::state::{Scene, StageArrow};
use crate::timeline::palette::{Shade, arrow_look, is_sign, look, mark_look};
use crate::timeline::thin;

/// Of one lane.
pub(super) const PITCH: f64 = 32.0;
const BAR_TOP: f64 = 7.0;
const BAR: f64 = 16.0;
const STRIP_TOP: f64 = 25.0;
const STRIP: f64 = 4.0;
/// Narrower spans are drawn as part of their neighbor.
const SPAN_MIN: f64 = 0.5;
/// Of a letter, on the safe side: an SVG cannot be asked before it is drawn.
const LETTER: f64 = 6.6;
const STUB: f64 = 18.0;

/// Draws some lanes of a run below each other, with the arrows of the selected one.
pub(super) fn draw(
    out: &mut String,
    axis: &Axis,
    (scene, lanes): (&Scene, &[usize]),
    arrows: &[StageArrow],
    top: f64,
) {
    let shown = lanes.iter().enumerate();
    let shown: Vec<(&Lane, usize, f64)> = shown
        .filter_map(|(row, index)| {
            Some((scene.outcome.lanes.get(*index)?, *index, top + PITCH * row as f64))
        })
        .collect();
    for &(lane, index, top) in &shown {
        let (y, title) = (top + BAR_TOP + 12.0, cut(&lane.title, 24));
        text(out, axis.left - 8.0, y, "text-anchor=\"end\"", &title);
        spans(out, axis, &lane.spans, (top + BAR_TOP, BAR));
        if let Some(stage) = scene.stage.get(index) {
            spans(out, axis, &stage.locks, (top + STRIP_TOP, STRIP));
        }
        labels(out, axis, (scene, lane), top + BAR_TOP);
    }
    let middle = |lane: usize| {
        let row = lanes.iter().position(|other| *other == lane)?;
        Some(top + PITCH * row as f64 + BAR_TOP + BAR / 2.0)
    };
    for it in arrows {
        arrow(out, axis, *it, (middle(it.from), middle(it.to)));
    }
    for &(lane, _, top) in &shown {
        marks(out, axis, lane, top + BAR_TOP);
    }
}

fn spans(out: &mut String, axis: &Axis, spans: &[Span], (top, height): (f64, f64)) {
    let first = spans.partition_point(|span| span.end.0 <= axis.view.start);
    let shown = spans[first..].iter().take_while(|span| span.start.0 < axis.view.end());
    let mut open: Option<(f64, f64, LaneState)> = None;
    let flush = |out: &mut String, open: &mut Option<(f64, f64, LaneState)>| {
        if let Some((from, to, state)) = open.take() {
            let (name, width) = (pattern_id(state), (to - from).max(SPAN_MIN));
            let _ = write!(
                out,
                "<rect x=\"{from:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height}\" fill=\"url(#{name})\"/>"
            );
        }
    };
    for Span { start, end, state, .. } in shown {
        let (from, to) = (axis.x(start.0), axis.x(end.0));
        match &mut open {
            Some((_, until, last))
                if pattern_id(*last) == pattern_id(*state) && from - *until < SPAN_MIN =>
            {
                *until = to;
            }
            Some((_, until, _)) if to - from < SPAN_MIN && to - *until < SPAN_MIN => *until = to,
            _ => {
                flush(out, &mut open);
                open = Some((from, to, *state));
            }
        }
    }
    flush(out, &mut open);
}

fn labels(out: &mut String, axis: &Axis, (scene, lane): (&Scene, &Lane), top: f64) {
    for (span, left, right) in thin::stretches(lane, axis.view, axis.width) {
        let room = right - left - 8.0;
        let width = |text: &str| text.chars().count() as f64 * LETTER;
        let texts = thin::label_texts((lane, span), scene, None, room);
        let Some(label) = texts.into_iter().find(|text| width(text) <= room) else {
            continue;
        };
        let look = look(span.state, axis.shade);
        let x = axis.left + f64::midpoint(left, right);
        if look.under != look.color {
            let wide = width(&label) + 4.0;
            let _ = write!(
                out,
                "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{wide:.1}\" height=\"{BAR}\" fill=\"{}\"/>",
                x - wide / 2.0,
                top,
                hex(look.ground)
            );
        }
        let ink = format!("text-anchor=\"middle\" font-size=\"11\" fill=\"{}\"", hex(look.text));
        text(out, x, top + 12.0, &ink, &label);
    }
}

fn marks(out: &mut String, axis: &Axis, lane: &Lane, top: f64) {
    for (kind, at) in thin::marks(lane, axis.view, axis.width) {
        let x = axis.x(at);
        let ink = hex(axis.shade.ink());
        let _ = write!(out, "<path d=\"M{x:.1} {top}v{BAR}\" stroke=\"{ink}\"/>");
        if is_sign(kind) {
            badge(out, kind, (x, top + 1.0), axis.shade);
        }
    }
}

/// A mark's sign, as on the page and in the legend.
pub(super) fn badge(out: &mut String, kind: MarkKind, (x, y): (f64, f64), shade: Shade) {
    let (sign, _, color) = mark_look(kind, shade);
    let (color, ground) = (hex(color), hex(shade.ground()));
    let _ = write!(
        out,
        "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"7\" fill=\"{ground}\" stroke=\"{color}\" stroke-width=\"1.25\"/>"
    );
    let attributes = "text-anchor=\"middle\" font-size=\"11\" font-weight=\"700\"";
    text(out, x, y + 4.0, attributes, sign.encode_utf8(&mut [0; 4]));
}

fn arrow(out: &mut String, axis: &Axis, it: StageArrow, ends: (Option<f64>, Option<f64>)) {
    let Some(x) = axis.inside(it.at) else {
        return;
    };
    // To a lane that is not shown there is only a stub.
    let (from, to) = match ends {
        (Some(from), Some(to)) => (from, to),
        (Some(from), None) => (from, from + STUB),
        (None, Some(to)) => (to - STUB, to),
        (None, None) => return,
    };
    let (color, dashed) = arrow_look(it.kind, axis.shade);
    let (color, dash) = (hex(color), if dashed { " stroke-dasharray=\"4 3\"" } else { "" });
    let direction = if to > from { 1.0 } else { -1.0 };
    let tip = to - direction * 6.0;
    let bent = x - ((to - from).abs() / 6.0).min(14.0) * direction;
    let end = tip - direction * 4.0;
    let _ = write!(
        out,
        "<path d=\"M{x:.1} {from:.1}C{bent:.1} {from:.1} {bent:.1} {tip:.1} {x:.1} {end:.1}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"1.25\"{dash}/>\
         <path d=\"M{x:.1} {:.1}l-3.7 {head}h7.4z\" fill=\"{color}\"/>",
        tip + direction * 2.0,
        head = -direction * 8.0,
    );
}

/// Signs and arrows that are drawn, each once.
pub(super) fn entries(
    axis: &Axis,
    (scene, lanes): (&Scene, &[usize]),
    arrows: &[StageArrow],
) -> Vec<Entry> {
    let lanes = lanes.iter().filter_map(|lane| scene.outcome.lanes.get(*lane));
    let marks = lanes.flat_map(|lane| thin::marks(lane, axis.view, axis.width));
    let marks = marks.filter(|(kind, _)| is_sign(*kind)).map(|(kind, _)| Entry::Mark(kind));
    let arrows = arrows.iter().map(|arrow| Entry::Arrow(arrow.kind));
    marks.chain(arrows).collect()
}
