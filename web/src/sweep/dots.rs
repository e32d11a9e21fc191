//! Where the dots of a distribution stand: one per seed, at its value and
//! its rank, which is the sample's cumulative distribution. Pure.

use sim_core::experiment::{Outcome, Quantity};
use sim_core::export::svg::round_step;

/// Room for what never came to a value, at the right.
pub const NEVER_PX: f64 = 46.0;
/// Room around the dots, so that none is cut.
pub const MARGIN_PX: f64 = 8.0;
/// Labels of the axis at most, per 100 px.
const LABELS_PER_100_PX: f64 = 1.1;

/// A seed on a plot.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Dot {
    /// `None`: it never came to that.
    pub value: Option<u64>,
    /// Its place in the order of seeds.
    pub place: usize,
}

/// Outcomes in the order of their values; those without one come last.
pub fn ranked(outcomes: &[Outcome], quantity: &Quantity) -> Vec<Dot> {
    let values = outcomes.iter().enumerate();
    let mut dots: Vec<Dot> =
        values.map(|(place, it)| Dot { value: (quantity.of)(it), place }).collect();
    sim_core::base::sort::by_key(&mut dots, |dot| (dot.value.is_none(), dot.value, dot.place));
    dots
}

/// The axis that all plots of a sweep share.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub struct Axis {
    pub low: u64,
    pub high: u64,
    /// Whether there is room for those without a value.
    pub has_never: bool,
}

impl Axis {
    /// Over all these dots.
    pub fn over<'a>(dots: impl Iterator<Item = &'a Dot> + Clone) -> Self {
        let values = dots.clone().filter_map(|dot| dot.value);
        let low = values.clone().min().unwrap_or(0);
        let high = values.max().unwrap_or(1);
        // One value alone stands in the middle.
        let pad = if low == high { (low / 20).max(1) } else { 0 };
        let has_never = dots.into_iter().any(|dot| dot.value.is_none());
        Self { low: low.saturating_sub(pad), high: high + pad, has_never }
    }

    /// Right end of the values on a plot of this width.
    pub fn right(self, width: f64) -> f64 {
        width - if self.has_never { NEVER_PX } else { MARGIN_PX }
    }

    pub fn px_from_value(self, value: Option<u64>, width: f64) -> f64 {
        let Some(value) = value else {
            return width - NEVER_PX / 2.0;
        };
        let room = (self.right(width) - MARGIN_PX).max(1.0);
        let span = self.high.saturating_sub(self.low).max(1);
        MARGIN_PX + value.saturating_sub(self.low) as f64 / span as f64 * room
    }

    /// Round values to label.
    pub fn labels(self, width: f64) -> Vec<u64> {
        let count = (width / 100.0 * LABELS_PER_100_PX).max(1.0) as u64;
        let step = round_step(self.high.saturating_sub(self.low) / count.max(1));
        let (first, last) = (self.low.div_ceil(step), self.high / step);
        (first..=last).map(|n| n * step).collect()
    }
}

/// How high a rank of so many stands in a plot of this height.
pub fn px_from_rank(rank: usize, count: usize, height: f64) -> f64 {
    let share = (rank as f64 + 0.5) / count.max(1) as f64;
    MARGIN_PX + (1.0 - share) * (height - 2.0 * MARGIN_PX)
}

/// The rank whose dot is nearest to a point, if there is any.
pub fn nearest(dots: &[Dot], axis: Axis, size: (f64, f64), (x, y): (f64, f64)) -> Option<usize> {
    let distance = |rank: &usize| {
        let dx = axis.px_from_value(dots[*rank].value, size.0) - x;
        let dy = px_from_rank(*rank, dots.len(), size.1) - y;
        dx * dx + dy * dy
    };
    (0..dots.len()).min_by(|a, b| distance(a).total_cmp(&distance(b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dots(values: &[Option<u64>]) -> Vec<Dot> {
        values.iter().enumerate().map(|(place, value)| Dot { value: *value, place }).collect()
    }

    #[test]
    fn values_run_from_left_to_right_and_never_stands_apart() {
        let dots = dots(&[Some(10), Some(20), None]);
        let axis = Axis::over(dots.iter());
        assert_eq!((axis.low, axis.high, axis.has_never), (10, 20, true));
        let px: Vec<f64> = dots.iter().map(|dot| axis.px_from_value(dot.value, 254.0)).collect();
        assert_eq!(px, [8.0, 208.0, 231.0]);
        let same = [Dot { value: Some(100), place: 0 }];
        let axis = Axis::over(same.iter());
        assert_eq!(axis.px_from_value(Some(100), 216.0), 108.0);
    }

    #[test]
    fn the_nearest_dot_is_found_by_place_and_rank() {
        let dots = dots(&[Some(10), Some(10), Some(20), None]);
        let axis = Axis::over(dots.iter());
        let size = (254.0, 76.0);
        let at = |rank: usize| {
            (axis.px_from_value(dots[rank].value, size.0), px_from_rank(rank, 4, size.1))
        };
        for rank in 0..4 {
            assert_eq!(nearest(&dots, axis, size, at(rank)), Some(rank));
        }
        assert_eq!(nearest(&[], axis, size, (0.0, 0.0)), None);
        assert!(px_from_rank(0, 4, 76.0) > px_from_rank(3, 4, 76.0));
    }

    #[test]
    fn labels_are_round_and_within() {
        let axis = Axis { low: 1_200_000_000, high: 3_100_000_000, has_never: false };
        let labels = axis.labels(300.0);
        assert_eq!(labels, [2_000_000_000, 3_000_000_000]);
    }
}
