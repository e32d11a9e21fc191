//! What the memory chart draws: series thinned to the screen's width,
//! pure.

use sim_core::base::{SimTime, sort};

use crate::timeline::pyramid::Pyramid;

use crate::timeline::viewport::Viewport;

/// A value that holds from its time on.
pub type Point = (SimTime, u64);

/// The value of a series at `at`; 0 before its first point.
pub fn value_at(points: &[Point], at: u64) -> u64 {
    let after = points.partition_point(|point| point.0.0 <= at);
    after.checked_sub(1).map_or(0, |index| points[index].1)
}

/// The least and the greatest value of a stretch, with their places.
#[derive(Copy, Clone, PartialEq, Debug)]
struct Extremes {
    least: (u64, usize),
    greatest: (u64, usize),
}

/// Points with the extremes of any stretch at hand.
pub struct Series {
    points: Vec<Point>,
    extremes: Pyramid<Extremes>,
}

impl Series {
    pub fn new(points: Vec<Point>) -> Self {
        let base = points
            .iter()
            .enumerate()
            .map(|(index, point)| Extremes { least: (point.1, index), greatest: (point.1, index) });
        let merge = |one: Extremes, other: Extremes| Extremes {
            least: one.least.min(other.least),
            greatest: one.greatest.max(other.greatest),
        };
        Self { extremes: Pyramid::new(base.collect(), merge), points }
    }

    /// Whether it is ever anything but zero.
    pub fn is_used(&self) -> bool {
        self.points.iter().any(|point| point.1 > 0)
    }

    /// The greatest value of all.
    pub fn max(&self) -> u64 {
        self.extremes.over(0..self.points.len()).map_or(0, |it| it.greatest.0)
    }

    /// The value at `at`; 0 before the first point.
    pub fn value_at(&self, at: u64) -> u64 {
        value_at(&self.points, at)
    }

    /// Instants inside the window that a drawing `buckets` wide needs:
    /// every change, each with the instant before it, or else of each
    /// bucket its extremes and its end.
    pub fn instants(&self, view: Viewport, buckets: usize) -> Vec<u64> {
        let place = |at: u64| self.points.partition_point(|point| point.0.0 <= at);
        let (first, last) = (place(view.start), place(view.end() - 1));
        let mut instants = vec![view.start];
        if last - first <= buckets / 2 {
            let inside = self.points[first..last].iter();
            instants.extend(inside.flat_map(|point| [point.0.0 - 1, point.0.0]));
        } else {
            let buckets = buckets.max(1) as u64;
            for bucket in 1..=buckets {
                let part = u128::from(view.span) * u128::from(bucket) / u128::from(buckets);
                let edge = view.start + part as u64;
                let from = place(instants.last().copied().unwrap_or(view.start));
                if let Some(extremes) = self.extremes.over(from..place(edge)) {
                    let mut both = [extremes.least.1, extremes.greatest.1];
                    sort::natural(&mut both);
                    instants.extend(both.map(|index| self.points[index].0.0));
                }
                instants.push(edge);
            }
        }
        instants.push(view.end());
        instants.dedup();
        instants
    }
}

/// The sum of some series without that of others, never below zero.
pub fn combined(plus: &[&[Point]], minus: &[&[Point]]) -> Vec<Point> {
    let mut changes: Vec<(SimTime, i64)> = Vec::new();
    for (list, sign) in [(plus, 1), (minus, -1)] {
        for points in list {
            let mut before = 0;
            for (at, value) in *points {
                changes.push((*at, sign * (*value as i64 - before)));
                before = *value as i64;
            }
        }
    }
    sort::by_key(&mut changes, |change| change.0);
    let mut sum = 0;
    let mut points: Vec<Point> = Vec::new();
    for (at, change) in changes {
        sum += change;
        let value = sum.max(0) as u64;
        match points.last_mut() {
            Some(last) if last.0 == at => last.1 = value,
            _ => points.push((at, value)),
        }
    }
    points
}

/// Adds up series at these instants: the bands of a stacked chart as
/// (instant, bottom, top), lowest band first.
pub fn stacked<'s>(
    series: impl Iterator<Item = &'s Series>,
    instants: &[u64],
) -> Vec<Vec<(u64, u64, u64)>> {
    let mut floor = vec![0; instants.len()];
    let band = |series: &Series| {
        let levels = instants.iter().zip(&mut floor).map(|(at, floor)| {
            let bottom = *floor;
            *floor += series.value_at(*at);
            (*at, bottom, *floor)
        });
        levels.collect()
    };
    series.map(band).collect()
}

/// A round top of the axis for values up to `max`, and its step, in pages.
pub fn axis(max: u64) -> (u64, u64) {
    // In MiB steps of 1, 2, 4, 8, …: memory comes in powers of two.
    const PAGES_PER_MIB: u64 = 256;
    let mut step = 1;
    while step * 4 < max.max(1) {
        step *= 2;
    }
    let step = if max > PAGES_PER_MIB { step.max(PAGES_PER_MIB / 4) } else { step };
    (max.div_ceil(step).max(1) * step, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(pairs: &[(u64, u64)]) -> Vec<Point> {
        pairs.iter().map(|(at, value)| (SimTime(*at), *value)).collect()
    }

    #[test]
    fn values_hold_until_the_next() {
        let series = points(&[(10, 5), (20, 7)]);
        assert_eq!([5, 10, 19, 20, 99].map(|at| value_at(&series, at)), [0, 5, 5, 7, 7]);
    }

    #[test]
    fn steps_keep_their_corners() {
        let series = Series::new(points(&[(0, 5), (50, 7)]));
        let view = Viewport { start: 0, span: 100 };
        assert_eq!(series.instants(view, 10), [0, 49, 50, 100]);
    }

    #[test]
    fn zooming_out_keeps_the_least_and_the_greatest_value() {
        let value = |n| match n {
            7_777 => 1,
            3_333 => 900,
            _ => 100 + n % 2,
        };
        let series = Series::new((0..10_000u64).map(|n| (SimTime(n), value(n))).collect());
        let instants = series.instants(Viewport { start: 0, span: 10_000 }, 50);
        assert!(instants.len() <= 2 + 3 * 50, "{}", instants.len());
        assert!(instants.contains(&7_777) && instants.contains(&3_333));
        assert!(instants.is_sorted());
    }

    #[test]
    fn bands_stand_on_each_other() {
        let series = [Series::new(points(&[(0, 5)])), Series::new(points(&[(0, 1), (50, 2)]))];
        let bands = stacked(series.iter(), &[0, 50, 100]);
        assert_eq!(bands[0].first(), Some(&(0, 0, 5)));
        assert_eq!(bands[1].last(), Some(&(100, 5, 7)));
    }

    #[test]
    fn sums_and_differences_follow_every_change() {
        let (one, other) = (points(&[(0, 5), (20, 9)]), points(&[(10, 2), (20, 4)]));
        assert_eq!(combined(&[&one, &other], &[]), points(&[(0, 5), (10, 7), (20, 13)]));
        assert_eq!(combined(&[&one], &[&other]), points(&[(0, 5), (10, 3), (20, 5)]));
        assert_eq!(combined(&[&other], &[&one]), points(&[(0, 0), (10, 0), (20, 0)]));
    }

    #[test]
    fn axis_is_round() {
        assert_eq!(axis(64_000), (65_536, 16_384));
        assert_eq!(axis(0), (1, 1));
        for max in [1, 3, 77, 300, 1_000_000] {
            let (top, step) = axis(max);
            assert!(top >= max && top % step == 0 && top / step <= 8, "{max}: {top} {step}");
        }
    }
}
