//! What the memory chart draws: series thinned to the screen's width,
//! pure.

use sim_core::base::SimTime;

use crate::timeline::viewport::Viewport;

/// A value that holds from its time on.
pub type Point = (SimTime, u64);

/// The value of a series at `at`; 0 before its first point.
pub fn value_at(points: &[Point], at: u64) -> u64 {
    let after = points.partition_point(|point| point.0.0 <= at);
    after.checked_sub(1).map_or(0, |index| points[index].1)
}

/// A series as the corners of its steps inside the window, at most two
/// per bucket and `buckets` buckets: the first value of a bucket and its
/// least, which is where memory runs out.
pub fn thinned(points: &[Point], view: Viewport, buckets: usize) -> Vec<(u64, u64)> {
    let buckets = buckets.max(1) as u64;
    let mut out = Vec::new();
    let edge =
        |n: u64| view.start + (u128::from(view.span) * u128::from(n) / u128::from(buckets)) as u64;
    let mut from = points.partition_point(|point| point.0.0 <= view.start);
    let mut value = value_at(points, view.start);
    out.push((view.start, value));
    for bucket in 0..buckets {
        let limit = edge(bucket + 1);
        let inside = points[from..].partition_point(|point| point.0.0 <= limit);
        let here = &points[from..from + inside];
        from += inside;
        let Some(last) = here.last() else {
            continue;
        };
        if let Some(least) = here.iter().min_by_key(|point| point.1) {
            push_step(&mut out, &mut value, least.0.0, least.1);
        }
        push_step(&mut out, &mut value, last.0.0, last.1);
    }
    out.push((view.end(), value));
    out
}

fn push_step(out: &mut Vec<(u64, u64)>, value: &mut u64, at: u64, next: u64) {
    if next == *value {
        return;
    }
    let at = out.last().map_or(at, |last| at.max(last.0));
    out.push((at, *value));
    out.push((at, next));
    *value = next;
}

/// Adds up series, each sampled at the same instants: the bands of a
/// stacked chart as (instant, bottom, top), lowest band first.
pub fn stacked(series: &[&[Point]], view: Viewport, samples: usize) -> Vec<Vec<(u64, u64, u64)>> {
    let instants = instants(series, view, samples);
    let mut floor = vec![0; instants.len()];
    series
        .iter()
        .map(|points| {
            instants
                .iter()
                .zip(&mut floor)
                .map(|(at, floor)| {
                    let bottom = *floor;
                    *floor += value_at(points, *at);
                    (*at, bottom, *floor)
                })
                .collect()
        })
        .collect()
}

/// Where any of the series changes, or an even grid when that is more
/// than the screen can tell apart. A step needs the instant before it too.
fn instants(series: &[&[Point]], view: Viewport, samples: usize) -> Vec<u64> {
    let samples = samples.max(2);
    let inside = |point: &&Point| point.0.0 > view.start && point.0.0 < view.end();
    let changes: usize =
        series.iter().map(|points| points.iter().filter(inside).take(samples).count()).sum();
    let mut instants: Vec<u64> = if changes < samples / 2 {
        let changes = series.iter().flat_map(|points| points.iter().filter(inside));
        changes.flat_map(|point| [point.0.0 - 1, point.0.0]).collect()
    } else {
        let step = |n: usize| (u128::from(view.span) * n as u128 / samples as u128) as u64;
        (1..samples).map(|n| view.start + step(n)).collect()
    };
    instants.extend([view.start, view.end()]);
    instants.sort_unstable();
    instants.dedup();
    instants
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
        let series = points(&[(0, 5), (50, 7)]);
        let view = Viewport { start: 0, span: 100 };
        assert_eq!(thinned(&series, view, 10), [(0, 5), (50, 5), (50, 7), (100, 7)]);
    }

    #[test]
    fn thinning_keeps_the_least_value() {
        let series: Vec<Point> = (0..10_000u64)
            .map(|n| (SimTime(n), if n == 7_777 { 1 } else { 100 + n % 2 }))
            .collect();
        let thin = thinned(&series, Viewport { start: 0, span: 10_000 }, 50);
        assert!(thin.len() <= 2 + 4 * 50);
        assert!(thin.iter().any(|point| point.1 == 1));
        assert!(thin.is_sorted_by_key(|point| point.0));
    }

    #[test]
    fn bands_stand_on_each_other() {
        let (low, high) = (points(&[(0, 5)]), points(&[(0, 1), (50, 2)]));
        let bands = stacked(&[&low, &high], Viewport { start: 0, span: 100 }, 100);
        assert_eq!(bands[0].first(), Some(&(0, 0, 5)));
        assert_eq!(bands[1].last(), Some(&(100, 5, 7)));
        let many: Vec<Point> = (0..10_000).map(|n| (SimTime(n), n)).collect();
        let bands = stacked(&[&many], Viewport { start: 0, span: 10_000 }, 64);
        assert!(bands[0].len() <= 66);
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
