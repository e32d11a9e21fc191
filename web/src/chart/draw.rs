//! The memory chart: what pages are used for, stacked from what is free
//! upwards, with watermarks, swap and pressure.

use plotters::coord::Shift;
use plotters::prelude::*;
use sim_core::analysis::{Memory, Pressure};
use sim_core::base::sort;

use super::backend::CanvasBackend;
use super::memory::{Use, Uses};
use super::series::{axis, stacked};
use crate::format;
use crate::timeline::palette::{Rgb, Shade, VERMILION};
use crate::timeline::viewport::Viewport;

type Area = DrawingArea<CanvasBackend, Shift>;
type Failed = DrawingAreaErrorKind<super::backend::CanvasError>;

/// Font of the axis, in CSS pixels.
const FONT_PX: i32 = 11;

fn rgb((red, green, blue): Rgb) -> RGBColor {
    RGBColor(red, green, blue)
}

/// What the chart tells apart, and how much of the height it shows.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Scale {
    /// All that is managed, by what it is used for.
    Uses,
    /// All that is managed, by process.
    Processes,
    /// A few times the high watermark: how free memory runs out.
    Watermarks,
}

impl Scale {
    /// The bands that it shows.
    pub fn stack(self, uses: &Uses) -> &[Use] {
        if self == Self::Processes { &uses.by_process } else { &uses.stack }
    }
}

/// Height of the strip of pressure, in CSS pixels.
const PRESSURE_PX: i32 = 6;

/// Draws the part of a run's memory that `view` shows. `gutter` is the
/// room for the axis on the left; without it labels stand inside.
pub fn memory(
    backend: CanvasBackend,
    (uses, memory): (&Uses, &Memory),
    view: Viewport,
    (scale, shade): (Scale, Shade),
    gutter: u32,
) -> Result<(), Failed> {
    let area = backend.into_drawing_area();
    let (width, height) = area.dim_in_pixel();
    let buckets = (width.saturating_sub(gutter)).max(2) as usize;
    let (top, step) = axis(match scale {
        Scale::Uses | Scale::Processes => memory.managed,
        Scale::Watermarks => (memory.high * 5 / 2).max(1),
    });
    let mut chart = ChartBuilder::on(&area)
        .set_label_area_size(LabelAreaPosition::Left, gutter)
        .build_cartesian_2d(view.start as f64..view.end() as f64, 0.0..top as f64)?;
    chart.plotting_area().fill(&rgb(shade.track()))?;

    let stack = scale.stack(uses);
    let all = stack.iter().flat_map(|it| it.series.instants(view, buckets));
    let mut instants: Vec<u64> = all.collect();
    sort::natural(&mut instants);
    instants.dedup();
    let bands = stacked(stack.iter().map(|it| &it.series), &instants);
    let clip = |pages: u64| pages.min(top) as f64;
    for (use_of, band) in stack.iter().zip(bands) {
        let upper = band.iter().map(|(at, _, high)| (*at as f64, clip(*high)));
        let lower = band.iter().rev().map(|(at, low, _)| (*at as f64, clip(*low)));
        let color = rgb(use_of.color);
        let corners: Vec<(f64, f64)> = upper.clone().chain(lower).collect();
        if band.iter().any(|(_, low, high)| high > low) {
            chart.draw_series([Polygon::new(corners, color.mix(0.6))])?;
            chart.draw_series(LineSeries::new(upper, color))?;
        }
    }
    for (level, faint) in [(memory.min, 0.95), (memory.low, 0.7), (memory.high, 0.5)] {
        let line = [(view.start as f64, level as f64), (view.end() as f64, level as f64)];
        chart.draw_series(DashedLineSeries::new(line, 5, 4, rgb(shade.ink()).mix(faint).into()))?;
    }
    if uses.swap.series.is_used() {
        let instants = uses.swap.series.instants(view, buckets);
        let line = instants.iter().map(|at| (*at as f64, clip(uses.swap.series.value_at(*at))));
        let style = rgb(shade.ink()).stroke_width(1);
        chart.draw_series(DashedLineSeries::new(line, 2, 3, style))?;
    }
    pressure(&area, uses, view, shade, (gutter, height as i32))?;
    labels(&area, (top, step), shade, gutter)
}

/// Pressure as a strip along the top: half high for `some`, whole for `full`.
fn pressure(
    area: &Area,
    uses: &Uses,
    view: Viewport,
    shade: Shade,
    (gutter, height): (u32, i32),
) -> Result<(), Failed> {
    let (width, _) = area.dim_in_pixel();
    let room = f64::from(width.saturating_sub(gutter));
    let strip = PRESSURE_PX.min(height);
    let rectangle = |from: f64, to: f64, top: i32, color: RGBColor| {
        let left = gutter as i32 + from.floor() as i32;
        let right = gutter as i32 + to.ceil() as i32;
        area.draw(&Rectangle::new([(left, top), (right, strip)], color.filled()))
    };
    rectangle(0.0, room, 0, rgb(shade.ground()))?;
    for (from, to, pressure) in uses.pressure_bands((view.start, view.span), room.max(1.0) as u64) {
        let (from, to) = (view.px_from_time(from, room), view.px_from_time(to, room));
        let top = if pressure == Pressure::Full { 0 } else { strip / 2 };
        rectangle(from, to, top, rgb(VERMILION))?;
    }
    Ok(())
}

/// Labels of the axis, by hand: plotters thins them by a font it
/// measures in the page.
fn labels(area: &Area, (top, step): (u64, u64), shade: Shade, gutter: u32) -> Result<(), Failed> {
    use plotters::style::text_anchor::{HPos, Pos, VPos};
    let (_, height) = area.dim_in_pixel();
    let inside = gutter == 0;
    let (x, side) = if inside { (4, HPos::Left) } else { (gutter as i32 - 6, HPos::Right) };
    let ink = rgb(if inside { shade.ink() } else { shade.faint_ink() });
    let stride = if height < 130 { 2 } else { 1 };
    for (index, value) in (0..=top / step).map(|n| n * step).enumerate() {
        if index % stride != 0 {
            continue;
        }
        let y = height as i32 - (value as f64 / top as f64 * f64::from(height)) as i32;
        let place = match y {
            y if inside && y < height as i32 - 2 * FONT_PX => VPos::Top,
            y if y < FONT_PX => VPos::Top,
            y if y > height as i32 - FONT_PX => VPos::Bottom,
            _ => VPos::Center,
        };
        let style = TextStyle::from(("system-ui", FONT_PX).into_font())
            .color(&ink)
            .pos(Pos::new(side, place));
        area.draw_text(&format::pages(value), &style, (x, y))?;
    }
    Ok(())
}
