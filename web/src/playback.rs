//! How wall-clock time becomes simulated time while playing.
//!
//! At a fixed speed it is a factor. In auto mode long waits are
//! shortened: a stretch between two things worth seeing takes time as
//! the square root of its length, so that a microsecond, a back-off of
//! 100 ms and a minute of idling are all told from each other and none
//! bores.

use sim_core::base::sort;

/// How fast to play.
#[derive(Copy, Clone, PartialEq, Debug)]
pub enum Speed {
    /// Slows down where something happens.
    Auto,
    /// Simulated seconds per second.
    Factor(f64),
}

/// Speeds to choose from.
pub const SPEEDS: [Speed; 8] = [
    Speed::Auto,
    Speed::Factor(0.25),
    Speed::Factor(0.5),
    Speed::Factor(1.0),
    Speed::Factor(2.0),
    Speed::Factor(4.0),
    Speed::Factor(8.0),
    Speed::Factor(16.0),
];

/// Wall-clock length of an auto-played run, in seconds.
const AUTO_SECONDS_MIN: f64 = 8.0;
/// See `AUTO_SECONDS_MIN`.
const AUTO_SECONDS_MAX: f64 = 40.0;
/// Seconds that a stretch of one simulated second takes, before fitting.
const SECONDS_PER_ROOT: f64 = 1.6;
/// Stops kept for auto mode; more are thinned out evenly.
const STOPS_MAX: usize = 400;

/// The timetable of auto mode: simulated instants and when each is reached.
#[derive(Clone, Debug, Default)]
pub struct Timetable {
    // Invariant: both parts increase.
    stops: Vec<(u64, f64)>,
}

impl Timetable {
    /// A timetable for a run that ends at `end`, with things worth
    /// seeing at `times`.
    pub fn new(mut times: Vec<u64>, end: u64) -> Self {
        times.retain(|at| *at > 0 && *at < end);
        sort::natural(&mut times);
        times.dedup();
        let step = times.len().div_ceil(STOPS_MAX).max(1);
        let mut stops = vec![(0, 0.0)];
        let mut clock = 0.0;
        let mut last = 0;
        for at in times.into_iter().step_by(step).chain([end]) {
            if at > last {
                clock += ((at - last) as f64 / 1e9).sqrt() * SECONDS_PER_ROOT;
                stops.push((at, clock));
                last = at;
            }
        }
        let scale = clock.clamp(AUTO_SECONDS_MIN, AUTO_SECONDS_MAX) / clock.max(1e-9);
        for (_, clock) in &mut stops {
            *clock *= scale;
        }
        Self { stops }
    }

    /// Seconds of wall clock that the whole takes.
    pub fn seconds(&self) -> f64 {
        self.stops.last().map_or(0.0, |stop| stop.1)
    }

    fn clock_at(&self, at: u64) -> f64 {
        let after = self.stops.partition_point(|stop| stop.0 <= at);
        let (Some(low), Some(high)) =
            (self.stops.get(after.wrapping_sub(1)), self.stops.get(after))
        else {
            return self.seconds();
        };
        low.1 + (at - low.0) as f64 / (high.0 - low.0) as f64 * (high.1 - low.1)
    }

    fn time_at(&self, clock: f64) -> u64 {
        let after = self.stops.partition_point(|stop| stop.1 <= clock);
        let (Some(low), Some(high)) =
            (self.stops.get(after.wrapping_sub(1)), self.stops.get(after))
        else {
            return self.stops.last().map_or(0, |stop| stop.0);
        };
        let share = (clock - low.1) / (high.1 - low.1);
        low.0 + (share * (high.0 - low.0) as f64) as u64
    }
}

/// Between two steps, for who wants no motion: long enough to read on.
pub const STEP_SECONDS: f64 = 1.0;

/// Where the cursor steps to, for who wants no motion: in auto mode to the
/// next thing worth seeing, else by what `seconds` are at that speed.
pub fn stepped(at: u64, seconds: f64, speed: Speed, timetable: &Timetable, end: u64) -> u64 {
    let next = match speed {
        Speed::Factor(_) => advanced(at, seconds, speed, timetable, end),
        Speed::Auto => {
            let after = timetable.stops.partition_point(|stop| stop.0 <= at);
            timetable.stops.get(after).map_or(end, |stop| stop.0)
        }
    };
    next.min(end)
}

/// Where the cursor is after `seconds` of wall clock.
pub fn advanced(at: u64, seconds: f64, speed: Speed, timetable: &Timetable, end: u64) -> u64 {
    let next = match speed {
        Speed::Factor(factor) => at.saturating_add((seconds * factor * 1e9) as u64),
        // At least a nanosecond, so that rounding never holds it.
        Speed::Auto => timetable.time_at(timetable.clock_at(at) + seconds).max(at + 1),
    };
    next.min(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: u64 = 10_000_000_000;

    #[test]
    fn fixed_speed_is_a_factor() {
        let table = Timetable::default();
        assert_eq!(advanced(5, 0.5, Speed::Factor(2.0), &table, END), 1_000_000_005);
        assert_eq!(advanced(END - 1, 0.5, Speed::Factor(2.0), &table, END), END);
    }

    #[test]
    fn auto_slows_where_things_happen() {
        let busy: Vec<u64> = (0..100).map(|n| 5_000_000_000 + n * 10_000).collect();
        let table = Timetable::new(busy, END);
        let idle = advanced(1_000_000_000, 0.1, Speed::Auto, &table, END) - 1_000_000_000;
        let there = advanced(5_000_000_001, 0.1, Speed::Auto, &table, END) - 5_000_000_001;
        assert!(idle > there * 100, "{idle} against {there}");
    }

    #[test]
    fn auto_reaches_the_end_in_bounded_time() {
        for times in [vec![], vec![1], (0..10_000).map(|n| n * 1_000_000).collect()] {
            let table = Timetable::new(times, END);
            assert!((AUTO_SECONDS_MIN..=AUTO_SECONDS_MAX + 1e-6).contains(&table.seconds()));
            let (mut at, mut frames) = (0, 0);
            while at < END {
                at = advanced(at, 1.0 / 60.0, Speed::Auto, &table, END);
                frames += 1;
            }
            assert!(frames < 60 * 45, "{frames}");
        }
    }

    #[test]
    fn steps_go_from_one_thing_worth_seeing_to_the_next() {
        let table = Timetable::new(vec![3_000, 9_000], END);
        let mut at = 0;
        let mut seen = Vec::new();
        while at < END {
            at = stepped(at, STEP_SECONDS, Speed::Auto, &table, END);
            seen.push(at);
        }
        assert_eq!(seen, [3_000, 9_000, END]);
        let by_clock = stepped(5, STEP_SECONDS, Speed::Factor(2.0), &table, END);
        assert_eq!(by_clock, 2_000_000_005);
    }

    #[test]
    fn empty_run_is_over_at_once() {
        let table = Timetable::new(vec![3], 0);
        assert_eq!(advanced(0, 1.0, Speed::Auto, &table, 0), 0);
    }
}
