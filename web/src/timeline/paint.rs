//! Puts lanes, texts and the ruler on canvases.
//!
//! Spans come as one image from the framebuffer; text, marks and arrows
//! are drawn over it, a bounded number of them whatever the run's size.

use js_sys::{Uint8ClampedArray, Uint32Array};
use sim_core::analysis::{Lane, LaneState, MarkKind, Span};
use sim_core::base::TaskId;
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, ImageData};

use super::hit::{span_at, task_of};
use super::layout::Layout;
use super::palette::{Rgb, Shade, css, look, mark_look, state_name};
use super::raster::{Bar, Fade, Frame, continues};
use super::ticks::ticks;
use super::viewport::Viewport;
use crate::dom;
use crate::state::Scene;

/// Room a label needs at least.
const LABEL_PX_MIN: f64 = 26.0;
/// Marks of a lane are drawn at most this dense.
const MARK_PX: f64 = 13.0;
/// Renewals of a wait that a label spans.
const RENEWALS_MAX: usize = 256;
const FONT: &str = "12px system-ui, sans-serif";
const MARK_FONT: &str = "bold 12px system-ui, sans-serif";

/// Everything a drawing of the lanes depends on.
pub struct Picture<'a> {
    pub scene: &'a Scene,
    pub view: Viewport,
    pub shade: Shade,
    pub layout: Layout,
    /// How far the lanes are scrolled down, in CSS pixels.
    pub top: f64,
    /// The cursor: what is later is faded.
    pub played_until: u64,
    /// How much.
    pub fade: Fade,
}

/// Draws the spans.
pub fn lanes(canvas: &HtmlCanvasElement, frame: &mut Frame, picture: &Picture<'_>) {
    let Some((context, _, height)) = dom::fit_canvas(canvas) else {
        return;
    };
    let ratio = dom::pixel_ratio();
    let (pixel_width, pixel_height) = (canvas.width() as usize, canvas.height() as usize);
    frame.reset(pixel_width, pixel_height, picture.shade.ground());
    let future = picture.view.px_from_time(picture.played_until, pixel_width as f64);
    let future = future.max(0.0) as usize;
    let lanes = &picture.scene.outcome.lanes;
    let Layout { pitch, bar_top, bar_height, .. } = picture.layout;
    for index in picture.layout.visible(picture.top, height, lanes.len()) {
        let top = index as f64 * pitch + bar_top - picture.top;
        // A bar that is scrolled half out begins above the frame.
        let hidden = (-top).clamp(0.0, bar_height);
        let bar = Bar {
            top: (top.max(0.0) * ratio) as usize,
            height: ((bar_height - hidden) * ratio) as usize,
            future,
            fade: picture.fade,
            scale: ratio as usize,
        };
        frame.lane(&lanes[index].spans, picture.view, bar, picture.shade);
    }
    blit(&context, frame);
}

/// Copies a framebuffer to a canvas of its size.
pub fn blit(context: &CanvasRenderingContext2d, frame: &Frame) {
    // One copy out of the module's memory; a view of it would need `unsafe`.
    let words = Uint32Array::from(frame.pixels());
    let bytes = Uint8ClampedArray::new(&words.buffer());
    let image = ImageData::new_with_js_u8_clamped_array_and_sh(
        &bytes,
        frame.width() as u32,
        frame.height() as u32,
    );
    if let Ok(image) = image {
        let _ = context.put_image_data(&image, 0.0, 0.0);
    }
}

/// Draws labels, marks and arrows.
pub fn texts(canvas: &HtmlCanvasElement, picture: &Picture<'_>) {
    let Some((context, width, height)) = dom::fit_canvas(canvas) else {
        return;
    };
    let lanes = &picture.scene.outcome.lanes;
    let visible = picture.layout.visible(picture.top, height, lanes.len());
    context.set_text_baseline("middle");
    for index in visible.clone() {
        let bar = picture.bar_top(index);
        labels(&context, &lanes[index], picture, bar, width);
    }
    for index in visible.clone() {
        arrows(&context, index, picture, width);
    }
    for index in visible {
        let bar = picture.bar_top(index);
        marks(&context, &lanes[index], picture, bar, width);
    }
}

impl Picture<'_> {
    fn bar_top(&self, lane: usize) -> f64 {
        lane as f64 * self.layout.pitch + self.layout.bar_top - self.top
    }

    /// Lane of a task.
    fn lane_of(&self, task: TaskId) -> Option<usize> {
        let outcome = &self.scene.outcome;
        outcome.lanes.iter().position(|lane| task_of(lane.of, &outcome.run.cast) == Some(task))
    }
}

/// A label fits only into a span wider than a step, so one look per step
/// finds them all.
fn labels(
    context: &CanvasRenderingContext2d,
    lane: &Lane,
    picture: &Picture<'_>,
    top: f64,
    width: f64,
) {
    context.set_font(FONT);
    context.set_text_align("center");
    let mut x = LABEL_PX_MIN / 2.0;
    while x < width {
        let at = picture.view.time_from_px(x, width);
        x += LABEL_PX_MIN / 2.0;
        let Some(span) = span_at(lane, at) else {
            continue;
        };
        let left = picture.view.px_from_time(span.start.0, width).max(0.0);
        let right = picture.view.px_from_time(end_of_stretch(lane, span), width).min(width);
        x = x.max(right + 1.0);
        label(context, span.state, picture, (left, right, top), width);
    }
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

fn label(
    context: &CanvasRenderingContext2d,
    state: LaneState,
    picture: &Picture<'_>,
    (left, right, top): (f64, f64, f64),
    width: f64,
) {
    if state == LaneState::Sleeping {
        return;
    }
    let room = right - left - 10.0;
    let number = match state {
        LaneState::Reaping(n) | LaneState::BackOff(n) => Some(n.to_string()),
        _ => None,
    };
    let fits =
        |text: &String| context.measure_text(text).is_ok_and(|measure| measure.width() <= room);
    let candidates = [Some(state_name(state)), number];
    let Some(text) = candidates.into_iter().flatten().find(fits) else {
        return;
    };
    let (x, y) = (f64::midpoint(left, right), top + picture.layout.bar_height / 2.0);
    let look = look(state, picture.shade);
    if look.under != look.color {
        let text_width = context.measure_text(&text).map_or(0.0, |measure| measure.width());
        context.set_fill_style_str(&css(look.under));
        context.fill_rect(x - text_width / 2.0 - 3.0, y - 8.0, text_width + 6.0, 16.0);
    }
    // What is yet to come is so faded that it takes the page's own ink.
    let played_until = picture.view.px_from_time(picture.played_until, width);
    let is_hint = picture.fade == Fade::Strong && x > played_until;
    let ink = if is_hint { picture.shade.ink() } else { look.text };
    context.set_fill_style_str(&css(ink));
    let _ = context.fill_text(&text, x, y + 0.5);
}

/// At most one mark per bucket of pixels, the weightiest.
fn marks(
    context: &CanvasRenderingContext2d,
    lane: &Lane,
    picture: &Picture<'_>,
    top: f64,
    width: f64,
) {
    context.set_font(MARK_FONT);
    context.set_text_align("center");
    let height = picture.layout.bar_height;
    for (kind, at) in thinned(lane, picture.view, width) {
        let x = picture.view.px_from_time(at, width);
        let (glyph, _, color) = mark_look(kind, picture.shade);
        context.set_fill_style_str(&css(picture.shade.ink()));
        context.fill_rect(x - 0.5, top, 1.0, height);
        // The number in the span says which attempt began.
        if weight(kind) > 1 {
            badge(context, glyph, (x, top - 1.0), color, picture.shade);
        }
    }
}

fn badge(
    context: &CanvasRenderingContext2d,
    glyph: char,
    (x, y): (f64, f64),
    color: Rgb,
    shade: Shade,
) {
    context.begin_path();
    let _ = context.arc(x, y + 2.0, 7.0, 0.0, std::f64::consts::TAU);
    context.set_fill_style_str(&css(shade.ground()));
    context.fill();
    context.set_stroke_style_str(&css(color));
    context.set_line_width(1.25);
    context.stroke();
    context.set_fill_style_str(&css(shade.ink()));
    let _ = context.fill_text(glyph.encode_utf8(&mut [0; 4]), x, y + 2.5);
}

fn weight(kind: MarkKind) -> u8 {
    match kind {
        MarkKind::Kill => 5,
        MarkKind::GiveUp => 4,
        MarkKind::Refusal | MarkKind::AttemptSkipped => 3,
        MarkKind::Reaped | MarkKind::SkipSet | MarkKind::Exit => 2,
        MarkKind::AttemptStart | MarkKind::WakeReaper => 1,
        MarkKind::Ready => 0,
    }
}

fn thinned(lane: &Lane, view: Viewport, width: f64) -> Vec<(MarkKind, u64)> {
    let bucket = (MARK_PX / width * view.span as f64).max(1.0) as u64;
    let mut found = Vec::new();
    let mut from = lane.marks.partition_point(|mark| mark.at.0 < view.start);
    while let Some(first) = lane.marks.get(from).filter(|mark| mark.at.0 <= view.end()) {
        let limit = first.at.0.saturating_add(bucket);
        let rest = &lane.marks[from..];
        let inside = rest.partition_point(|mark| mark.at.0 < limit).max(1);
        let sampled = rest[..inside].iter().take(64);
        if let Some(mark) = sampled.max_by_key(|mark| weight(mark.kind)) {
            found.push((mark.kind, mark.at.0));
        }
        from += inside;
    }
    found
}

/// Arrows from the lane of who did it to the lane that bears the mark.
fn arrows(context: &CanvasRenderingContext2d, lane: usize, picture: &Picture<'_>, width: f64) {
    let lanes = &picture.scene.outcome.lanes;
    let trace = &picture.scene.outcome.run.trace;
    let mut last_x = f64::NEG_INFINITY;
    let first = lanes[lane].marks.partition_point(|mark| mark.at.0 < picture.view.start);
    let shown = lanes[lane].marks[first..]
        .iter()
        .take_while(|mark| mark.at.0 <= picture.view.end())
        .filter(|mark| {
            matches!(mark.kind, MarkKind::Kill | MarkKind::Refusal | MarkKind::WakeReaper)
        })
        .take(2_000);
    for mark in shown {
        let x = picture.view.px_from_time(mark.at.0, width);
        if x - last_x < MARK_PX {
            continue;
        }
        let source = trace.get(mark.record).and_then(|record| picture.lane_of(record.task));
        let Some(source) = source.filter(|source| *source != lane) else {
            continue;
        };
        last_x = x;
        let middle = picture.layout.bar_height / 2.0;
        let (from, to) = (picture.bar_top(source) + middle, picture.bar_top(lane) + middle);
        arrow(context, x, (from, to), picture.shade.faint_ink());
    }
}

fn arrow(context: &CanvasRenderingContext2d, x: f64, (from, to): (f64, f64), color: Rgb) {
    let direction = (to - from).signum();
    context.set_stroke_style_str(&css(color));
    context.set_fill_style_str(&css(color));
    context.set_line_width(1.0);
    context.begin_path();
    context.move_to(x, from);
    context.line_to(x, to - direction * 16.0);
    context.stroke();
    context.begin_path();
    context.move_to(x, to - direction * 9.0);
    context.line_to(x - 4.0, to - direction * 17.0);
    context.line_to(x + 4.0, to - direction * 17.0);
    context.fill();
}

/// Draws the time axis.
pub fn ruler(canvas: &HtmlCanvasElement, view: Viewport, shade: Shade) {
    let Some((context, width, height)) = dom::fit_canvas(canvas) else {
        return;
    };
    context.set_font(FONT);
    context.set_text_baseline("middle");
    context.set_text_align("left");
    context.set_line_width(1.0);
    for tick in ticks(view.start, view.end(), (width / 110.0).max(2.0) as usize) {
        let x = view.px_from_time(tick.at, width).round() + 0.5;
        context.set_stroke_style_str(&css(shade.faint_ink()));
        context.begin_path();
        context.move_to(x, height - 7.0);
        context.line_to(x, height);
        context.stroke();
        context.set_fill_style_str(&css(shade.faint_ink()));
        let label_width = context.measure_text(&tick.label).map_or(0.0, |it| it.width());
        if x + label_width + 4.0 < width {
            let _ = context.fill_text(&tick.label, x + 4.0, height / 2.0);
        }
    }
}

/// Draws the whole run small: a row per lane, and above them a tick per
/// incident.
pub fn overview(canvas: &HtmlCanvasElement, frame: &mut Frame, scene: &Scene, shade: Shade) {
    let Some((context, _, _)) = dom::fit_canvas(canvas) else {
        return;
    };
    let (width, height) = (canvas.width() as usize, canvas.height() as usize);
    let view = Viewport::whole(scene.outcome.run.end.0);
    frame.reset(width, height, shade.ground());
    let ticks_height = height / 5;
    let lanes = &scene.outcome.lanes;
    let pitch = ((height - ticks_height) / lanes.len().max(1)).clamp(2, height / 5);
    for (index, lane) in lanes.iter().enumerate() {
        let top = ticks_height + 1 + index * pitch;
        if top + pitch > height {
            break;
        }
        let bar = Bar { top, height: pitch - 1, future: usize::MAX, fade: Fade::Weak, scale: 1 };
        frame.lane(&lane.spans, view, bar, shade);
    }
    let tick_width = dom::pixel_ratio() as usize * 2;
    let (_, _, color) = mark_look(MarkKind::Refusal, shade);
    for at in &scene.incidents {
        let x = view.px_from_time(*at, width as f64) as usize;
        frame.fill(x.saturating_sub(tick_width / 2), 0, tick_width, ticks_height, color);
    }
    blit(&context, frame);
}
