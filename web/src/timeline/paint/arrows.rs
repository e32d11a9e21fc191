//! Draws the arrows between lanes: who killed, woke, called or refused whom.

use web_sys::CanvasRenderingContext2d;

use super::Picture;
use crate::state::StageArrow;
use crate::timeline::palette::{arrow_look, css};
use crate::timeline::thin;

/// Arrows that begin or end in the selected lane, and those that were
/// followed, thicker.
pub(super) fn arrows(context: &CanvasRenderingContext2d, picture: &Picture<'_>, width: f64) {
    let Picture { scene, view, lane, .. } = *picture;
    for arrow in thin::arrows(scene, lane, view, width) {
        draw_arrow(context, arrow, picture, (width, 1.25));
    }
    for index in picture.followed {
        if let Some(arrow) = scene.arrows.get(*index) {
            draw_arrow(context, *arrow, picture, (width, 3.0));
        }
    }
}

fn draw_arrow(
    context: &CanvasRenderingContext2d,
    arrow: StageArrow,
    picture: &Picture<'_>,
    (width, thickness): (f64, f64),
) {
    let x = picture.view.px_from_time(arrow.at, width);
    // To a lane that is folded away there is only a stub.
    let (from, to) = match (picture.middle(arrow.from), picture.middle(arrow.to)) {
        (Some(from), Some(to)) => (from, to),
        (Some(from), None) => (from, from + STUB_PX),
        (None, Some(to)) => (to - STUB_PX, to),
        (None, None) => return,
    };
    if !(0.0..=width).contains(&x) {
        return;
    }
    let (color, dashed) = arrow_look(arrow.kind, picture.shade);
    context.set_stroke_style_str(&css(color));
    context.set_fill_style_str(&css(color));
    context.set_line_width(thickness);
    let dash = js_sys::Array::new();
    if dashed {
        dash.push(&4.0.into());
        dash.push(&3.0.into());
    }
    let direction = if to > from { 1.0 } else { -1.0 };
    let tip = to - direction * 6.0;
    // Bent a little, so that it is told from the cursor and from edges.
    // Down to the left and up to the right: a call and its answer differ.
    let bend = ((to - from).abs() / 6.0).min(14.0) * direction;
    let _ = context.set_line_dash(&dash);
    context.begin_path();
    context.move_to(x, from);
    context.bezier_curve_to(x - bend, from, x - bend, tip, x, tip - direction * 4.0);
    context.stroke();
    let _ = context.set_line_dash(&js_sys::Array::new());
    let half = 2.5 + thickness;
    context.begin_path();
    context.move_to(x, tip + direction * 2.0);
    context.line_to(x - half, tip - direction * 6.0);
    context.line_to(x + half, tip - direction * 6.0);
    context.fill();
    context.begin_path();
    let _ = context.arc(x, from, 1.5 + thickness / 2.0, 0.0, std::f64::consts::TAU);
    context.fill();
}

/// Length of an arrow to a lane that doesn't show.
const STUB_PX: f64 = 16.0;
