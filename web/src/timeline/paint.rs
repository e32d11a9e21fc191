//! Puts lanes, texts and the ruler on canvases.
//!
//! Spans come as one image from the framebuffer; text, marks and arrows
//! are drawn over it, a bounded number of them whatever the run's size.

mod arrows;

use arrows::arrows;
use js_sys::{Uint8ClampedArray, Uint32Array};
use sim_core::analysis::{Lane, LaneOf, MarkKind, Span};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, ImageData};

use super::layout::Layout;
use super::palette::{Rgb, Shade, css, is_sign, look, mark_look};
use super::raster::{Bar, Fade, Frame};
use super::rows::RowKind;
use super::sight::{Seen, Sight};
use super::thin;
use super::ticks::ticks;
use super::viewport::Viewport;
use crate::dom;
use crate::state::{Cursor, Scene};
use crate::transfer::overlay::Recorded;

/// How high the tick of an event is that a filter lets through.
const MATCH_PX: f64 = 5.0;
/// Half the height of the mark of something recorded.
const RECORDED_PX: f64 = 5.0;
const FONT: &str = "12px system-ui, sans-serif";
const MARK_FONT: &str = "bold 12px system-ui, sans-serif";

/// Everything a drawing of the lanes depends on.
pub struct Picture<'a> {
    pub scene: &'a Scene,
    pub view: Viewport,
    pub shade: Shade,
    pub layout: Layout,
    /// The rows as they are scrolled.
    pub sight: Sight<'a>,
    /// The selected lane, whose arrows show.
    pub lane: usize,
    /// Arrows that were followed, by index.
    pub followed: &'a [usize],
    /// Events that a filter lets through: when, and in which lane; by time.
    pub matched: &'a [(u64, usize)],
    /// Key events of the recording that the run replays, by time.
    pub recorded: &'a [Recorded],
    /// The cursor: what is later is faded.
    pub now: Cursor,
    /// How much.
    pub fade: Fade,
}

/// Draws the spans.
pub fn lanes(canvas: &HtmlCanvasElement, frame: &mut Frame, picture: &Picture<'_>) {
    let Some((context, _, _)) = dom::fit_canvas(canvas) else {
        return;
    };
    let ratio = dom::pixel_ratio();
    let (pixel_width, pixel_height) = (canvas.width() as usize, canvas.height() as usize);
    frame.reset(pixel_width, pixel_height, picture.shade.ground());
    let future = picture.view.px_from_time(picture.now.at, pixel_width as f64);
    let future = future.max(0.0) as usize;
    let Layout { bar_top, bar_height, strip_top, strip_height, .. } = picture.layout;
    let bar = |top: f64, height: f64| {
        // A bar that is scrolled half out begins above the frame.
        let hidden = (-top).clamp(0.0, height);
        Bar {
            top: (top.max(0.0) * ratio) as usize,
            height: ((height - hidden) * ratio) as usize,
            future,
            fade: picture.fade,
            scale: ratio as usize,
        }
    };
    let Picture { scene, view, shade, sight, .. } = *picture;
    let mut is_covered = false;
    for row in sight.seen() {
        if row.stays && !std::mem::replace(&mut is_covered, true) && sight.top > 0.0 {
            let covered = (sight.covered() * ratio) as usize;
            frame.fill(0, 0, pixel_width, covered, shade.ground());
            let line = ratio as usize;
            frame.fill(0, covered.saturating_sub(line), pixel_width, line, shade.faint_ink());
        }
        match row.kind {
            RowKind::Lane(lane) => {
                let (spans, stage) = (&scene.outcome.lanes[lane].spans, &scene.stage[lane]);
                frame.lane(spans, &stage.peaks, view, bar(row.top + bar_top, bar_height), shade);
                if !stage.locks.is_empty() {
                    let strip = bar(row.top + strip_top, strip_height);
                    frame.lane(&stage.locks, &stage.lock_peaks, view, strip, shade);
                }
            }
            RowKind::Heading { group, .. } => {
                let members = sight.rows.folded(group);
                let pitch = (row.height - 8.0) / members.len().max(1) as f64;
                for (place, lane) in members.iter().enumerate() {
                    let top = row.top + 4.0 + place as f64 * pitch;
                    let thin = bar(top, (pitch - 1.0).max(1.0));
                    let spans = &scene.outcome.lanes[*lane].spans;
                    frame.lane(spans, &scene.stage[*lane].peaks, view, thin, shade);
                }
            }
        }
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

/// Ticks over the bars, where a filter lets events through: one per pixel, however many.
fn matches(context: &CanvasRenderingContext2d, picture: &Picture<'_>, width: f64) {
    if picture.matched.is_empty() {
        return;
    }
    let view = picture.view;
    let from = picture.matched.partition_point(|(at, _)| *at < view.start);
    let to = picture.matched.partition_point(|(at, _)| *at <= view.end());
    let covered = picture.sight.covered();
    let tops: std::collections::BTreeMap<usize, f64> = bars(picture)
        .filter(|(_, row, top)| row.stays || covered == 0.0 || top - MATCH_PX >= covered)
        .map(|(lane, _, top)| (lane, top))
        .collect();
    let mut last = std::collections::BTreeMap::new();
    context.set_fill_style_str(&css(picture.shade.ink()));
    for (at, lane) in picture.matched.get(from..to).unwrap_or_default() {
        let Some(top) = tops.get(lane) else { continue };
        let x = view.px_from_time(*at, width).round();
        if last.insert(*lane, x) != Some(x) {
            context.fill_rect(x - 1.0, top - MATCH_PX, 2.0, MATCH_PX);
        }
    }
}

/// Draws labels, marks and arrows.
pub fn texts(canvas: &HtmlCanvasElement, picture: &Picture<'_>) {
    let Some((context, width, height)) = dom::fit_canvas(canvas) else {
        return;
    };
    let lanes = &picture.scene.outcome.lanes;
    let shown: Vec<_> = bars(picture).map(|(lane, row, bar)| (&lanes[lane], row, bar)).collect();
    context.set_text_baseline("middle");
    // What scrolls is seen below what stays.
    let covered = picture.sight.covered();
    let below = |row: &Seen, draw: &dyn Fn()| {
        if row.stays || covered == 0.0 {
            return draw();
        }
        context.save();
        context.begin_path();
        context.rect(0.0, covered, width, (height - covered).max(0.0));
        context.clip();
        draw();
        context.restore();
    };
    for (lane, row, bar) in &shown {
        below(row, &|| labels(&context, lane, picture, *bar, width));
    }
    matches(&context, picture, width);
    arrows(&context, picture, width);
    for (lane, row, bar) in &shown {
        below(row, &|| {
            marks(&context, lane, picture, *bar, width);
            if matches!(lane.of, LaneOf::Reaper(_)) && !picture.recorded.is_empty() {
                recorded(&context, picture, *bar, width);
            }
        });
    }
}

/// The lanes in sight, with their rows, and where their bars begin.
fn bars<'a>(picture: &'a Picture<'_>) -> impl Iterator<Item = (usize, Seen, f64)> + 'a {
    picture.sight.seen().filter_map(|row| match row.kind {
        RowKind::Lane(lane) => Some((lane, row, row.top + picture.layout.bar_top)),
        RowKind::Heading { .. } => None,
    })
}

/// What was recorded, under the reaper's bar: a triangle for what happens in the run, too, a cross
/// for what doesn't. At most one of each per few pixels, however many.
#[inline(never)]
fn recorded(context: &CanvasRenderingContext2d, picture: &Picture<'_>, bar: f64, width: f64) {
    let Picture { view, shade, layout, recorded, .. } = *picture;
    context.set_font(MARK_FONT);
    context.set_text_align("center");
    context.set_fill_style_str(&css(shade.ink()));
    let y = bar + layout.bar_height + RECORDED_PX;
    let mut last = [f64::NEG_INFINITY; 2];
    for event in recorded.iter().filter(|event| (view.start..=view.end()).contains(&event.at)) {
        let x = view.px_from_time(event.at, width);
        let is_here = event.later.is_some();
        let last = &mut last[usize::from(is_here)];
        if x - *last < RECORDED_PX {
            continue;
        }
        *last = x;
        let _ = context.fill_text(if is_here { "▴" } else { "✕" }, x, y);
    }
}

impl Picture<'_> {
    /// The middle of a lane's bar, if the lane shows and none that stays covers it.
    fn middle(&self, lane: usize) -> Option<f64> {
        let row = self.sight.of_lane(lane)?;
        Some(row.top + self.layout.bar_top + self.layout.bar_height / 2.0)
    }
}

fn labels(
    context: &CanvasRenderingContext2d,
    lane: &Lane,
    picture: &Picture<'_>,
    top: f64,
    width: f64,
) {
    context.set_font(&format!("{}px system-ui, sans-serif", picture.layout.text));
    context.set_text_align("center");
    for (span, left, right) in thin::stretches(lane, picture.view, width) {
        label(context, (lane, span), picture, (left, right, top), width);
    }
}

fn label(
    context: &CanvasRenderingContext2d,
    (lane, span): (&Lane, &Span),
    picture: &Picture<'_>,
    (left, right, top): (f64, f64, f64),
    width: f64,
) {
    let state = span.state;
    let room = right - left - 10.0;
    let fits =
        |text: &String| context.measure_text(text).is_ok_and(|measure| measure.width() <= room);
    let texts = thin::label_texts((lane, span), picture.scene, Some(picture.now), room);
    let Some(text) = texts.into_iter().find(fits) else {
        return;
    };
    let (x, y) = (f64::midpoint(left, right), top + picture.layout.bar_height / 2.0);
    let look = look(state, picture.shade);
    if look.under != look.color {
        let text_width = context.measure_text(&text).map_or(0.0, |measure| measure.width());
        context.set_fill_style_str(&css(look.ground));
        let high = picture.layout.text + 4.0;
        context.fill_rect(x - text_width / 2.0 - 3.0, y - high / 2.0, text_width + 6.0, high);
    }
    // What is yet to come is so faded that it takes the page's own ink.
    let played_until = picture.view.px_from_time(picture.now.at, width);
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
    let text = picture.layout.text;
    context.set_font(&format!("bold {text}px system-ui, sans-serif"));
    context.set_text_align("center");
    let height = picture.layout.bar_height;
    for (kind, at) in thin::marks(lane, picture.view, width) {
        let x = picture.view.px_from_time(at, width);
        let (glyph, _, color) = mark_look(kind, picture.shade);
        context.set_fill_style_str(&css(picture.shade.ink()));
        context.fill_rect(x - 0.5, top, 1.0, height);
        if is_sign(kind) {
            badge(context, glyph, (x, top + 1.0), text, (color, picture.shade));
        }
    }
}

fn badge(
    context: &CanvasRenderingContext2d,
    glyph: char,
    (x, y): (f64, f64),
    text: f64,
    (color, shade): (Rgb, Shade),
) {
    context.begin_path();
    let _ = context.arc(x, y, text / 2.0 + 1.0, 0.0, std::f64::consts::TAU);
    context.set_fill_style_str(&css(shade.ground()));
    context.fill();
    context.set_stroke_style_str(&css(color));
    context.set_line_width(1.25);
    context.stroke();
    context.set_fill_style_str(&css(shade.ink()));
    let _ = context.fill_text(glyph.encode_utf8(&mut [0; 4]), x, y + 0.5);
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
    let is_cpu = |lane: &Lane| matches!(lane.of, LaneOf::Cpu(_));
    let lanes = &scene.outcome.lanes;
    let count = lanes.iter().filter(|lane| !is_cpu(lane)).count();
    let pitch = ((height - ticks_height) / count.max(1)).clamp(2, height / 5);
    for (index, lane) in lanes.iter().enumerate().filter(|(_, lane)| !is_cpu(lane)) {
        let top = ticks_height + 1 + index * pitch;
        if top + pitch > height {
            break;
        }
        let bar = Bar { top, height: pitch - 1, future: usize::MAX, fade: Fade::Weak, scale: 1 };
        frame.lane(&lane.spans, &scene.stage[index].peaks, view, bar, shade);
    }
    let tick_width = dom::pixel_ratio() as usize * 2;
    let (_, _, color) = mark_look(MarkKind::Refusal, shade);
    for at in &scene.incidents {
        let x = view.px_from_time(*at, width as f64) as usize;
        frame.fill(x.saturating_sub(tick_width / 2), 0, tick_width, ticks_height, color);
    }
    blit(&context, frame);
}
