//! The memory chart: pages present, stacked by process, what is free,
//! and the watermarks.

use plotters::coord::Shift;
use plotters::prelude::*;
use sim_core::analysis::Memory;

use super::backend::CanvasBackend;
use super::series::{Point, axis, stacked, thinned};
use crate::format;
use crate::timeline::palette::{FREE, Rgb, Shade, series_color};
use crate::timeline::viewport::Viewport;

type Area = DrawingArea<CanvasBackend, Shift>;
type Failed = DrawingAreaErrorKind<super::backend::CanvasError>;

/// Font of the axis, in CSS pixels.
const FONT_PX: i32 = 11;

fn rgb((red, green, blue): Rgb) -> RGBColor {
    RGBColor(red, green, blue)
}

/// Draws the part of `memory` that `view` shows. `gutter` is the room
/// for the axis on the left; without it labels stand inside.
pub fn memory(
    backend: CanvasBackend,
    memory: &Memory,
    view: Viewport,
    shade: Shade,
    gutter: u32,
) -> Result<(), Failed> {
    let area = backend.into_drawing_area();
    let (width, _) = area.dim_in_pixel();
    let buckets = (width.saturating_sub(gutter)).max(2) as usize;
    let (top, step) = axis(memory.managed);
    let mut chart = ChartBuilder::on(&area)
        .set_label_area_size(LabelAreaPosition::Left, gutter)
        .build_cartesian_2d(view.start as f64..view.end() as f64, 0.0..top as f64)?;
    chart.plotting_area().fill(&rgb(shade.track()))?;

    let series: Vec<&[Point]> =
        memory.present.iter().map(|(_, points)| points.as_slice()).collect();
    for (index, band) in stacked(&series, view, buckets).into_iter().enumerate() {
        let upper = band.iter().map(|(at, _, high)| (*at as f64, *high as f64));
        let lower = band.iter().rev().map(|(at, low, _)| (*at as f64, *low as f64));
        let color = rgb(series_color(index));
        let corners: Vec<(f64, f64)> = upper.clone().chain(lower).collect();
        chart.draw_series([Polygon::new(corners, color.mix(0.55))])?;
        chart.draw_series(LineSeries::new(upper, color))?;
    }
    for (level, faint) in [(memory.min, 0.95), (memory.low, 0.7), (memory.high, 0.5)] {
        let line = [(view.start as f64, level as f64), (view.end() as f64, level as f64)];
        chart.draw_series(DashedLineSeries::new(line, 5, 4, rgb(shade.ink()).mix(faint).into()))?;
    }
    let free = thinned(&memory.free, view, buckets);
    let free = free.into_iter().map(|(at, pages)| (at as f64, pages as f64));
    chart.draw_series(LineSeries::new(free, rgb(FREE).stroke_width(2)))?;
    labels(&area, (top, step), shade, gutter)
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
