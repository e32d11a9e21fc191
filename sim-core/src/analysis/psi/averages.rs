//! The averages of `/proc/pressure/memory`.
//!
//! Mirrors kernel/sched/psi.c: `update_averages()` and `calc_avgs()`, and
//! `calc_load()` (include/linux/sched/loadavg.h), Linux 6.1, over the
//! totals of the whole machine. Sums are due every `PSI_FREQ` since boot
//! (`psi_init()`). The kernel stops the clock while nobody stalls and
//! fills in zeros later; that comes to the same. Left out: that its timer
//! is up to two jiffies late.

use crate::analysis::types::PressureAverages;
use crate::base::{Nanos, SimTime};

/// `FSHIFT`: bits after the point.
const FIXED_SHIFT: u32 = 11;
/// `FIXED_1`: 1 as a fixed-point number.
const FIXED_ONE: u64 = 1 << FIXED_SHIFT;
/// `EXP_10s`, `EXP_60s`, `EXP_300s`: 1/exp(2s/10s) and so on.
const DECAYS: [u64; 3] = [1677, 1981, 2034];
/// `PSI_FREQ` without its one jiffy: two seconds.
const PERIOD: Nanos = Nanos::from_secs(2);

/// Sums up at regular times.
pub(super) struct Averager {
    period: Nanos,
    next: SimTime,
    last: PressureAverages,
    points: Vec<PressureAverages>,
}

impl Averager {
    /// Of a machine that booted `uptime` before the run began.
    pub(super) fn new(jiffy: Nanos, uptime: Nanos) -> Self {
        let period = Nanos(PERIOD.0 + jiffy.0);
        Self {
            period,
            next: SimTime(period.0 - uptime.0 % period.0),
            last: PressureAverages::default(),
            points: Vec::new(),
        }
    }

    /// When the totals are wanted next, if no later than `until`.
    pub(super) fn due(&self, until: SimTime) -> Option<SimTime> {
        (self.next <= until).then_some(self.next)
    }

    /// The totals at the time that was [`due`](Self::due).
    pub(super) fn update(&mut self, some_ns: u64, full_ns: u64) {
        let before = self.last;
        let average = |averages: [u64; 3], now: u64, then: u64| {
            let time = now.saturating_sub(then).min(self.period.0);
            // Whole percents: calc_avgs() divides before it makes a fixed-point number of it.
            let percent = time.saturating_mul(100) / self.period.0 * FIXED_ONE;
            std::array::from_fn(|index| calc_load(averages[index], DECAYS[index], percent))
        };
        self.last = PressureAverages {
            at: self.next,
            some: average(before.some, some_ns, before.some_ns),
            full: average(before.full, full_ns, before.full_ns),
            some_ns,
            full_ns,
        };
        self.next += self.period;
        if self.last.some != before.some || self.last.full != before.full || some_ns > 0 {
            self.points.push(self.last);
        }
    }

    pub(super) fn finish(self) -> Vec<PressureAverages> {
        self.points
    }
}

/// `calc_load()`: rounds up while the load rises.
fn calc_load(load: u64, decay: u64, active: u64) -> u64 {
    let next = load * decay + active * (FIXED_ONE - decay);
    let round = if active >= load { FIXED_ONE - 1 } else { 0 };
    (next + round) / FIXED_ONE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn averages_follow_the_kernels_arithmetic() {
        let mut averager = Averager::new(Nanos(0), Nanos(0));
        let second = 1_000_000_000;
        assert_eq!(averager.due(SimTime(2 * second - 1)), None);
        assert_eq!(averager.due(SimTime(2 * second)), Some(SimTime(2 * second)));
        // All of the first period, half of the second, none of the third.
        averager.update(2 * second, 0);
        averager.update(3 * second, second);
        averager.update(3 * second, second);
        let points = averager.finish();
        let percent = |load: u64| (load * 100) >> FIXED_SHIFT;
        // 100 % × (1 − 1677/2048) = 18.12 %, and so on, rounded up while rising.
        assert_eq!(points[0].some.map(percent), [1811, 327, 68]);
        assert_eq!(points[1].some.map(percent), [2389, 480, 102]);
        assert_eq!(points[2].some.map(percent), [1956, 464, 101]);
        assert_eq!(points[0].full, [0; 3]);
        assert_eq!(points[1].full.map(percent), [905, 163, 34]);
        assert_eq!((points[2].some_ns, points[2].at), (3 * second, SimTime(6 * second)));
    }

    #[test]
    fn sums_are_due_since_boot_and_count_whole_percents() {
        let jiffy = Nanos::from_ms(4);
        let mut averager = Averager::new(jiffy, Nanos::from_ms(3 * 2004 + 500));
        let due = SimTime(1_504_000_000);
        assert_eq!(averager.due(due), Some(due));
        // 39.9 ms of 2,004 are 1 %, not 1.99 %.
        averager.update(39_900_000, 20_030_000);
        let points = averager.finish();
        assert_eq!(points[0].some[0], calc_load(0, DECAYS[0], FIXED_ONE));
        assert_eq!(points[0].full, [0; 3]);
    }
}
