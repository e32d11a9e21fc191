//! The row of free memory, with its watermarks.

use std::fmt::{self, Write as _};

use super::axis::{Axis, COLUMNS};
use super::{GUTTER, PLOT, xml};
use crate::analysis::{memory, size_text};
use crate::record::Run;

/// Height of the row.
const HEIGHT: u64 = 44;

/// Draws it; where the next row begins.
pub(super) fn write(out: &mut String, run: &Run, axis: &Axis, y: u64) -> Result<u64, fmt::Error> {
    let memory = memory(run);
    let points = &memory.free;
    if points.is_empty() {
        return Ok(y);
    }
    let most = points.iter().map(|(_, pages)| *pages).max().unwrap_or(0).max(memory.high).max(1);
    let (bottom, height) = (y + HEIGHT, |pages: u64| pages.min(most) * HEIGHT / most);
    xml::text_end(out, GUTTER - 8, y + 12, "name", "free memory")?;
    xml::text_end(out, GUTTER - 8, y + 26, "faint", &format!("up to {}", size_text(most)))?;
    writeln!(
        out,
        "<rect class=\"track\" x=\"{GUTTER}\" y=\"{y}\" width=\"{PLOT}\" height=\"{HEIGHT}\"/>"
    )?;
    let mut path = format!("M{GUTTER} {bottom}");
    let mut at = 0;
    let mut level = None;
    for column in 0..COLUMNS {
        // The least in a column, so that a dip is not lost.
        let end = axis.time(column + 1);
        let mut least = level;
        while let Some(&(time, pages)) = points.get(at)
            && time.0 < end
        {
            least = Some(least.map_or(pages, |least: u64| least.min(pages)));
            level = Some(pages);
            at += 1;
        }
        if let Some(least) = least {
            let x = xml::half(2 * GUTTER + column);
            let y = bottom - height(least);
            write!(path, "L{x} {y}")?;
        }
    }
    writeln!(out, "<path class=\"free\" d=\"{path}V{bottom}z\"/>")?;
    for mark in [memory.min, memory.high] {
        let y = bottom - height(mark);
        writeln!(out, "<path class=\"mark-line\" d=\"M{GUTTER} {y}h{PLOT}\"/>")?;
    }
    Ok(bottom + 8)
}
