//! The axis of time: instants to half pixels, and its ruler.

use std::fmt::{self, Write as _};

use super::{GUTTER, PLOT, xml};
use crate::base::SimTime;

/// Half pixels of the plot.
pub(super) const COLUMNS: u64 = 2 * PLOT;
/// Room for a label, in half pixels.
const LABEL: u64 = 2 * 44;
/// Labels of a ruler, at most.
const TICKS_MAX: u64 = 10;

/// A stretch of time over the width of the plot.
pub(super) struct Axis {
    from: u64,
    span: u64,
}

impl Axis {
    /// From an instant to a later one.
    pub(super) fn new(from: SimTime, to: SimTime) -> Self {
        Self { from: from.0, span: to.0.saturating_sub(from.0).max(1) }
    }

    /// The column of an instant in ns, cut to the plot.
    pub(super) fn column(&self, at: u64) -> u64 {
        let since = at.saturating_sub(self.from).min(self.span);
        scale(since, COLUMNS, self.span)
    }

    /// When a column begins.
    pub(super) fn time(&self, column: u64) -> u64 {
        self.from + scale(column, self.span, COLUMNS)
    }

    /// Where an instant is in the picture, in half pixels, if it is shown.
    pub(super) fn x(&self, at: SimTime) -> Option<u64> {
        let is_shown = (self.from..=self.from + self.span).contains(&at.0);
        is_shown.then(|| 2 * GUTTER + self.column(at.0))
    }

    /// Draws the ruler; where the next thing begins.
    pub(super) fn write(&self, out: &mut String, y: u64) -> Result<u64, fmt::Error> {
        let step = round_step(self.span / TICKS_MAX);
        let mut at = self.from.div_ceil(step) * step;
        while at <= self.from + self.span {
            let column = self.column(at);
            let x = xml::half(2 * GUTTER + column);
            // At the right edge there is no room behind the tick.
            let end = if column + LABEL > COLUMNS { " end" } else { "" };
            writeln!(out, "<path class=\"tick\" d=\"M{x} {}v4\"/>", y + 12)?;
            writeln!(
                out,
                "<text class=\"faint{end}\" x=\"{x}\" y=\"{}\">{}</text>",
                y + 9,
                label(at, step)
            )?;
            at = at.saturating_add(step);
        }
        Ok(y + 20)
    }
}

/// `value × to / from`.
fn scale(value: u64, to: u64, from: u64) -> u64 {
    let scaled = u128::from(value) * u128::from(to) / u128::from(from.max(1));
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

/// The least of 1, 2, 5, 10, … ns that is longer.
pub fn round_step(least: u64) -> u64 {
    let mut decade: u64 = 1;
    loop {
        for digit in [1, 2, 5] {
            let step = decade.saturating_mul(digit);
            if step > least || step == u64::MAX {
                return step;
            }
        }
        decade = decade.saturating_mul(10);
    }
}

/// As many decimals as the step needs.
fn label(at: u64, step: u64) -> String {
    let (unit, name) = match step {
        0..1_000 => (1_000, "µs"),
        1_000..100_000_000 => (1_000_000, "ms"),
        _ => (1_000_000_000, "s"),
    };
    let (mut decimals, mut scale) = (0, unit);
    while !step.is_multiple_of(scale) {
        scale /= 10;
        decimals += 1;
    }
    let whole = at / unit;
    if decimals == 0 {
        return format!("{whole} {name}");
    }
    format!("{whole}.{:0decimals$} {name}", at % unit / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_have_the_decimals_of_the_step() {
        assert_eq!(label(1_500_000_000, 500_000_000), "1.5 s");
        assert_eq!(label(20_000_000, 10_000_000), "20 ms");
        assert_eq!(label(1_250, 50), "1.25 µs");
        assert_eq!(round_step(1_999), 2_000);
    }

    #[test]
    fn ends_of_the_window_are_ends_of_the_plot() {
        let axis = Axis::new(SimTime(100), SimTime(300));
        assert_eq!(axis.x(SimTime(100)), Some(2 * GUTTER));
        assert_eq!(axis.x(SimTime(300)), Some(2 * (GUTTER + PLOT)));
        assert_eq!((axis.x(SimTime(99)), axis.x(SimTime(301))), (None, None));
        assert_eq!((axis.column(0), axis.column(u64::MAX)), (0, COLUMNS));
        assert!(Axis::new(SimTime(u64::MAX - 1), SimTime(u64::MAX)).x(SimTime(0)).is_none());
    }
}
