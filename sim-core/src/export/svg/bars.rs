//! One row: what is seen of its spans at half a pixel.
//!
//! A column shows the span that has most of its time; marks are drawn
//! beside, so that what lasts no time is seen all the same.

use std::fmt::{self, Write as _};

use super::axis::{Axis, COLUMNS};
use super::look::{class, glyph, text_class};
use super::{BAR, GUTTER, PLOT, xml};
use crate::analysis::{Lane, time_text};
use crate::base::SimTime;

/// Half pixels below which neighbors of one state become one bar.
const NARROW: u64 = 4;
/// Half pixels that a letter takes, at most.
const LETTER: u64 = 13;
/// Half pixels between two marks of one kind.
const MARK_GAP: u64 = 14;
/// Half pixels that a mark takes.
const GLYPH: u64 = 18;

/// Columns of one state.
struct Bar {
    from: u64,
    to: u64,
    /// Indices of the first and last span in it.
    spans: (usize, usize),
}

/// The bars of a row.
pub(super) struct Bars(Vec<Bar>);

impl Bars {
    /// Of a lane.
    pub(super) fn of(lane: &Lane, axis: &Axis) -> Self {
        let mut best: Vec<(u64, Option<usize>)> =
            vec![(0, None); usize::try_from(COLUMNS).unwrap_or(0)];
        for (index, span) in lane.spans.iter().enumerate() {
            let (first, last) = (axis.column(span.start.0), axis.column(span.end.0));
            for column in first..=last.min(COLUMNS - 1) {
                let begin = axis.time(column).max(span.start.0);
                let end = axis.time(column + 1).min(span.end.0);
                let shown = end.saturating_sub(begin);
                if let Some(best) = usize::try_from(column).ok().and_then(|at| best.get_mut(at))
                    && shown > best.0
                {
                    *best = (shown, Some(index));
                }
            }
        }
        let mut bars: Vec<Bar> = Vec::new();
        for (column, (_, index)) in (0..).zip(best) {
            let Some(index) = index else { continue };
            match bars.last_mut() {
                Some(bar) if bar.to == column && is_one(lane, bar, index) => {
                    bar.to = column + 1;
                    bar.spans.1 = index;
                }
                _ => bars.push(Bar { from: column, to: column + 1, spans: (index, index) }),
            }
        }
        Self(bars)
    }

    /// Draws them, and the lane's marks.
    pub(super) fn write(
        &self,
        out: &mut String,
        lane: &Lane,
        y: u64,
        used: &mut Vec<&'static str>,
    ) -> fmt::Result {
        for bar in &self.0 {
            let (Some(first), Some(last)) =
                (lane.spans.get(bar.spans.0), lane.spans.get(bar.spans.1))
            else {
                continue;
            };
            let class = class(first.state);
            if !used.contains(&class) {
                used.push(class);
            }
            let width = bar.to - bar.from;
            // A gap, so that two are not taken for one.
            let drawn = if width > NARROW { width - 1 } else { width };
            let x = xml::half(2 * GUTTER + bar.from);
            let name = first.state.name();
            write!(
                out,
                "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{BAR}\">",
                xml::half(drawn)
            )?;
            let count = bar.spans.1 - bar.spans.0 + 1;
            let several = if count > 1 { format!(" ({count} times)") } else { String::new() };
            let (from, to) = (time_text(first.start), time_text(last.end));
            writeln!(out, "<title>{name}{several}, {from} to {to}</title></rect>")?;
            if width > LETTER * u64::try_from(name.chars().count()).unwrap_or(u64::MAX) {
                let x = xml::half(2 * GUTTER + bar.from + 8);
                writeln!(
                    out,
                    "<text class=\"on {}\" x=\"{x}\" y=\"{}\">{name}</text>",
                    text_class(first.state),
                    y + 11
                )?;
            }
        }
        Ok(())
    }
}

/// Draws the marks of a lane over its bars, those of one instant beside one another.
pub(super) fn write_marks(out: &mut String, lane: &Lane, axis: &Axis, y: u64) -> fmt::Result {
    let mut drawn: Vec<(char, u64)> = Vec::new();
    let mut marks = Vec::new();
    for mark in &lane.marks {
        let Some(x) = axis.x(mark.at) else { continue };
        let (glyph, is_bad) = glyph(mark.kind);
        if drawn.iter().any(|(other, at)| *other == glyph && x < at + MARK_GAP) {
            continue;
        }
        drawn.push((glyph, x));
        marks.push((mark, glyph, is_bad));
    }
    let wanted: Vec<u64> = drawn.iter().map(|(_, x)| *x).collect();
    for ((mark, glyph, is_bad), x) in marks.into_iter().zip(spread(&wanted)) {
        let class = if is_bad { "mark bad" } else { "mark" };
        writeln!(
            out,
            "<text class=\"{class}\" x=\"{}\" y=\"{}\">{glyph}<title>{}, {}</title></text>",
            xml::half(x),
            y + BAR + 4,
            crate::export::mark_name(mark.kind),
            time_text(SimTime(mark.at.0)),
        )?;
    }
    Ok(())
}

/// Places for glyphs that are wanted at these, in order: none over another, and none beyond the
/// plot as long as there is room.
fn spread(wanted: &[u64]) -> Vec<u64> {
    let mut next = 0;
    let mut places: Vec<u64> = wanted
        .iter()
        .map(|x| {
            let place = next.max(*x);
            next = place + GLYPH;
            place
        })
        .collect();
    let mut most = 2 * (GUTTER + PLOT);
    for place in places.iter_mut().rev() {
        *place = most.min(*place);
        most = place.saturating_sub(GLYPH);
    }
    places
}

/// Whether a span goes on with a bar: it is the same, or of the same state
/// and too short to be told apart.
fn is_one(lane: &Lane, bar: &Bar, index: usize) -> bool {
    let (first, last) = bar.spans;
    let state = |at: usize| lane.spans.get(at).map(|span| span.state);
    index == last
        || (state(index) == state(first) && bar.to - bar.from < NARROW * 8 && index > last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_one_instant_stand_beside_one_another() {
        assert!(spread(&[]).is_empty());
        assert_eq!(spread(&[400, 500]), [400, 500]);
        assert_eq!(spread(&[400, 400, 410, 500]), [400, 418, 436, 500]);
        let end = 2 * (GUTTER + PLOT);
        assert_eq!(spread(&[end - 4, end, end]), [end - 2 * GLYPH, end - GLYPH, end]);
    }
}
