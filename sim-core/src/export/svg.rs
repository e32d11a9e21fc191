//! Runs as a picture: SVG 1.1 that a browser, an office program or a
//! patch tracker shows as it is.
//!
//! The rows are those of the timeline, with real text, a pattern beside
//! every color that stands for waiting, and the colors of a dark page for
//! readers who ask for one. Several runs stand under one another on one
//! axis of time. Below them stand what the patterns mean and the link,
//! which makes the runs again. All positions are integers, so a run gives
//! the same bytes everywhere. Leaves out what only a screen can do: any
//! zoom but the one asked for.

mod axis;
mod bars;
mod curve;
mod look;
mod memory;
#[cfg(test)]
mod tests;
mod xml;

use std::fmt::{self, Write as _};

use self::axis::Axis;
pub use self::axis::round_step;
use self::bars::Bars;
pub use self::curve::{CurvePoint, curve};
use super::document::escape;
use crate::analysis::{Arrow, ArrowKind, Lane, LaneOf, Party, Report, arrows, lanes, time_text};
use crate::base::SimTime;
use crate::record::{MODEL_VERSION, Run};

/// Width of the picture, in px.
const WIDTH: u64 = 1200;
/// Left of the rows: their names.
const GUTTER: u64 = 168;
/// Where time passes.
const PLOT: u64 = WIDTH - GUTTER - 16;
/// Height of a row and of the bar in it.
const PITCH: u64 = 22;
/// See `PITCH`.
const BAR: u64 = 15;
/// Rows of one run; of more, the first are shown.
const LANES_MAX: usize = 48;
/// Arrows of one run.
const ARROWS_MAX: usize = 64;

/// A run and what was found in it.
#[derive(Copy, Clone)]
pub struct Shown<'a> {
    /// The run, its records kept.
    pub run: &'a Run,
    /// Its report.
    pub report: &'a Report,
    /// When it first decides otherwise than the first one shown, if it does.
    pub parts: Option<SimTime>,
    /// What was set for it and not for all: `machine.cpus=1`, or nothing.
    pub values: &'a str,
}

impl Shown<'_> {
    /// What ran, and what came of it.
    fn about(&self) -> String {
        let id = &self.run.id;
        let values =
            if self.values.is_empty() { String::new() } else { format!(", {}", self.values) };
        format!(
            "{}, kernel {}, policy {}{values}, seed {}: {}",
            id.scenario,
            id.kernel,
            id.policy,
            id.seed,
            self.report.verdict.id()
        )
    }
}

/// What is to be drawn.
pub struct Picture<'a> {
    /// Of the scenario.
    pub title: &'a str,
    /// One or more, on one axis.
    pub runs: &'a [Shown<'a>],
    /// Reproduces them; one line each.
    pub links: &'a [String],
    /// From when to when; without it, from the start until nothing happens any more.
    pub window: Option<(SimTime, SimTime)>,
}

/// The picture.
pub fn svg(picture: &Picture<'_>) -> String {
    let mut body = String::new();
    // Writing to a String cannot fail.
    let height = draw(&mut body, picture).unwrap_or(0);
    let title = escape(picture.title);
    let mut described = String::new();
    for shown in picture.runs {
        let _: fmt::Result = write!(described, "{}. {} ", shown.about(), shown.report.evidence);
    }
    let described = escape(described.trim_end());
    let style = look::style();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
         viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" class=\"reaperscope\">\n\
         <title>{title}</title>\n<desc>{described}</desc>\n{style}\
         <rect class=\"ground\" width=\"{WIDTH}\" height=\"{height}\"/>\n{body}</svg>\n"
    )
}

fn draw(out: &mut String, picture: &Picture<'_>) -> Result<u64, fmt::Error> {
    let rows: Vec<Vec<Lane>> = picture.runs.iter().map(|shown| lanes(shown.run)).collect();
    let (from, to) = picture.window.unwrap_or_else(|| (SimTime::ZERO, busy_until(picture, &rows)));
    let axis = Axis::new(from, to);
    let mut y = 28;
    xml::text(out, 16, y, "title", picture.title)?;
    y += 12;
    let mut used = Vec::new();
    for (shown, lanes) in picture.runs.iter().zip(&rows) {
        y = draw_run(out, *shown, lanes, &axis, y, &mut used)?;
    }
    y = look::legend(out, &used, y + 10)?;
    for link in picture.links {
        y += 18;
        xml::link(out, 16, y, link)?;
    }
    y += 16;
    let note = format!("Reaperscope, model {MODEL_VERSION}: simulated, not measured");
    xml::text(out, 16, y, "faint", &note)?;
    Ok(y + 12)
}

/// The last mark or change of any row, and a bit more.
fn busy_until(picture: &Picture<'_>, rows: &[Vec<Lane>]) -> SimTime {
    let marks = rows.iter().flatten().flat_map(|lane| lane.marks.iter().map(|mark| mark.at.0));
    let starts = rows.iter().flatten().flat_map(|lane| lane.spans.iter().map(|span| span.start.0));
    let end = picture.runs.iter().map(|shown| shown.run.end.0).max().unwrap_or(0);
    let last = marks.chain(starts).max().unwrap_or(end);
    SimTime(end.min(last.saturating_add(last / 12)).max(1))
}

fn draw_run(
    out: &mut String,
    shown: Shown<'_>,
    lanes: &[Lane],
    axis: &Axis,
    mut y: u64,
    used: &mut Vec<&'static str>,
) -> Result<u64, fmt::Error> {
    y += 22;
    xml::text(out, 16, y, "run", &shown.about())?;
    let digest = format!("digest {}", shown.run.digest);
    xml::text_end(out, WIDTH - 16, y, "faint", &digest)?;
    y += 8;
    let top = y;
    y = axis.write(out, y)?;
    y = memory::write(out, shown.run, axis, y)?;
    let shown_lanes = lanes.get(..LANES_MAX).unwrap_or(lanes);
    let first_row = y;
    for lane in shown_lanes {
        xml::text_end(out, GUTTER - 8, y + 12, "name", &lane.title)?;
        writeln!(
            out,
            "<rect class=\"track\" x=\"{GUTTER}\" y=\"{y}\" width=\"{PLOT}\" height=\"{BAR}\"/>"
        )?;
        Bars::of(lane, axis).write(out, lane, y, used)?;
        bars::write_marks(out, lane, axis, y)?;
        y += PITCH;
    }
    write_arrows(out, &arrows(shown.run), shown_lanes, axis, first_row)?;
    if lanes.len() > shown_lanes.len() {
        let more = format!("and {} more rows", lanes.len() - shown_lanes.len());
        xml::text(out, GUTTER, y + 12, "faint", &more)?;
        y += PITCH;
    }
    if let Some(x) = shown.parts.and_then(|at| axis.x(at)) {
        let x = xml::half(x);
        writeln!(out, "<path class=\"parts\" d=\"M{x} {top}V{y}\"/>")?;
        let at = shown.parts.map(time_text).unwrap_or_default();
        let words = format!("decides otherwise from {at} on");
        xml::text(out, GUTTER, y + 12, "faint", &words)?;
        y += 16;
    }
    Ok(y)
}

/// Kills and refusals, from row to row.
fn write_arrows(
    out: &mut String,
    arrows: &[Arrow],
    lanes: &[Lane],
    axis: &Axis,
    first_row: u64,
) -> fmt::Result {
    let row = |party: Party| {
        let index = lanes.iter().position(|lane| match (party, lane.of) {
            (Party::Task(task), LaneOf::Task(other) | LaneOf::Reaper(other)) => task == other,
            (Party::Device(device), LaneOf::Device(other)) => device == other,
            _ => false,
        })?;
        Some(first_row + u64::try_from(index).ok()? * PITCH + BAR / 2)
    };
    let mut last = None;
    let wanted = arrows.iter().filter(|a| matches!(a.kind, ArrowKind::Kill | ArrowKind::Refusal));
    let mut count = 0;
    for arrow in wanted {
        let (Some(x), Some(from), Some(to)) = (axis.x(arrow.at), row(arrow.from), row(arrow.to))
        else {
            continue;
        };
        let key = Some((x, from, to));
        if from == to || key == last || count == ARROWS_MAX {
            continue;
        }
        (last, count) = (key, count + 1);
        let class = if arrow.kind == ArrowKind::Kill { "kill" } else { "refusal" };
        let x = xml::half(x);
        writeln!(out, "<path class=\"{class}\" marker-end=\"url(#tip)\" d=\"M{x} {from}V{to}\"/>")?;
    }
    Ok(())
}
