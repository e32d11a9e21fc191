//! A share with its interval over the time of a run.

use std::fmt::{self, Write as _};

use super::axis::Axis;
use super::{GUTTER, PLOT, WIDTH, look, xml};
use crate::analysis::time_text;
use crate::base::SimTime;
use crate::export::document::escape;

/// Height of the plot.
const HEIGHT: u64 = 240;

/// A point; shares in parts per million.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub struct CurvePoint {
    /// When.
    pub at: SimTime,
    /// The share.
    pub share: u64,
    /// Bounds of its interval.
    pub low: u64,
    /// See `low`.
    pub high: u64,
}

/// The curve, from the run's start to its end.
pub fn curve(title: &str, end: SimTime, points: &[CurvePoint], notes: &[String]) -> String {
    let mut body = String::new();
    // Writing to a String cannot fail.
    let height = draw(&mut body, title, end, points, notes).unwrap_or(0);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
         viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" class=\"reaperscope\">\n\
         <title>{}</title>\n{}<rect class=\"ground\" width=\"{WIDTH}\" height=\"{height}\"/>\n\
         {body}</svg>\n",
        escape(title),
        look::style()
    )
}

fn draw(
    out: &mut String,
    title: &str,
    end: SimTime,
    points: &[CurvePoint],
    notes: &[String],
) -> Result<u64, fmt::Error> {
    let axis = Axis::new(SimTime::ZERO, end);
    xml::text(out, 16, 28, "title", title)?;
    let top = axis.write(out, 40)?;
    let bottom = top + HEIGHT;
    writeln!(
        out,
        "<rect class=\"track\" x=\"{GUTTER}\" y=\"{top}\" width=\"{PLOT}\" height=\"{HEIGHT}\"/>"
    )?;
    for percent in [0, 25, 50, 75, 100] {
        let y = bottom - HEIGHT * percent / 100;
        writeln!(out, "<path class=\"mark-line\" d=\"M{GUTTER} {y}h{PLOT}\"/>")?;
        xml::text_end(out, GUTTER - 8, y + 4, "faint", &format!("{percent} %"))?;
    }
    let place = |point: &CurvePoint, share: u64| {
        let x = xml::half(2 * GUTTER + axis.column(point.at.0));
        format!("{x} {}", bottom - HEIGHT * share.min(1_000_000) / 1_000_000)
    };
    let joined = |places: Vec<String>| places.join("L");
    let high = points.iter().map(|point| place(point, point.high));
    let low = points.iter().rev().map(|point| place(point, point.low));
    writeln!(out, "<path class=\"band\" d=\"M{}z\"/>", joined(high.chain(low).collect()))?;
    let line = points.iter().map(|point| place(point, point.share));
    writeln!(out, "<path class=\"curve\" d=\"M{}\"/>", joined(line.collect()))?;
    for point in points {
        let x = xml::half(2 * GUTTER + axis.column(point.at.0));
        let y = bottom - HEIGHT * point.share.min(1_000_000) / 1_000_000;
        let percent = |share: u64| format!("{}.{}", share / 10_000, share / 1_000 % 10);
        writeln!(
            out,
            "<circle class=\"reaping\" cx=\"{x}\" cy=\"{y}\" r=\"3\"><title>{}: {} % ({} to {} %)\
             </title></circle>",
            time_text(point.at),
            percent(point.share),
            percent(point.low),
            percent(point.high)
        )?;
    }
    let mut y = bottom + 8;
    for note in notes {
        y += 16;
        xml::text(out, 16, y, "faint", note)?;
    }
    Ok(y + 14)
}
