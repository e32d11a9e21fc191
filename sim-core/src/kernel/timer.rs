//! Jiffies and the rounding of the timer wheel.
//!
//! Mirrors kernel/time/timer.c: `calc_wheel_index()`, `calc_index()`,
//! Linux 6.1, and `schedule_timeout()` and `msleep()` over it. The law
//! was measured on the recordings (kernel-spec 9.2). With the wheel off,
//! n jiffies last exactly n ticks.

use super::cx::{Clock, Cx};
use crate::base::{Nanos, SimTime};
use crate::engine::{Signals, Waited};
use crate::record::{Func, Reason};

/// `LVL_BITS`: buckets per level, as a power of two.
const LVL_BITS: u32 = 6;
/// `LVL_CLK_SHIFT`: each level is 8 times coarser than the one below.
const LVL_CLK_SHIFT: u32 = 3;
/// `LVL_DEPTH` at HZ > 100.
const LVL_DEPTH: u32 = 9;
/// `INITIAL_JIFFIES`: five minutes before the 32-bit wrap (include/linux/jiffies.h).
const INITIAL_SECONDS_BEFORE_WRAP: u64 = 300;

impl Clock {
    /// Length of a tick.
    pub fn tick(&self) -> Nanos {
        Nanos(1_000_000_000 / u64::from(self.hz))
    }

    /// `jiffies`, from a boot at 0.
    pub fn jiffies(&self, now: SimTime) -> u64 {
        (self.uptime.0 + now.0) / self.tick().0
    }

    /// `msecs_to_jiffies()`: the fewest jiffies that last so long, by HZ, not by a tick's whole nanoseconds.
    pub fn msecs_to_jiffies(&self, span: Nanos) -> u64 {
        let ticks = (u128::from(span.0) * u128::from(self.hz)).div_ceil(1_000_000_000);
        u64::try_from(ticks).unwrap_or(u64::MAX)
    }

    /// When a timer armed at `now` for `jiffies` from now expires.
    pub fn expiry(&self, now: SimTime, jiffies: u64) -> SimTime {
        let tick = self.tick().0;
        if !self.timer_wheel {
            return now + Nanos(jiffies * tick);
        }
        // Ticks are where the uptime is a multiple of one, not the run's time.
        let initial = (1 << 32) - INITIAL_SECONDS_BEFORE_WRAP * u64::from(self.hz);
        let expires = initial + self.jiffies(now) + jiffies;
        // calc_wheel_index(): the level by distance; calc_index(): round up within it.
        let mut level = 0;
        while level + 1 < LVL_DEPTH && jiffies >= ((1 << LVL_BITS) - 1) << (level * LVL_CLK_SHIFT) {
            level += 1;
        }
        let shift = level * LVL_CLK_SHIFT;
        let bucket = ((expires >> shift) + 1) << shift;
        SimTime((bucket - initial) * tick - self.uptime.0)
    }
}

/// `schedule_timeout()` in the state that `signals` says.
pub async fn schedule_timeout(cx: &Cx, jiffies: u64, why: Reason, signals: Signals) -> Waited {
    let _in = cx.enter(Func::ScheduleTimeout);
    let now = cx.now();
    let span = cx.kernel().clock.expiry(now, jiffies) - now;
    cx.sleep(span, why, signals).await
}

/// `msleep()`: uninterruptible, never shorter than asked. In so many
/// jiffies as the time takes: that of kernels before 6.12 adds one, but
/// the module of the recordings, which sleeps 20 ms for 6 ticks and 4.5 s
/// until the first of two buckets, does not.
pub async fn msleep(cx: &Cx, span: Nanos, why: Reason) {
    sleep_for(cx, span, why, Signals::Ignored).await;
}

/// As `msleep()`, but SIGKILL ends it (`schedule_timeout_killable()`).
pub async fn msleep_killable(cx: &Cx, span: Nanos, why: Reason) -> Waited {
    sleep_for(cx, span, why, Signals::Killable).await
}

async fn sleep_for(cx: &Cx, span: Nanos, why: Reason, signals: Signals) -> Waited {
    let _in = cx.enter(Func::Msleep);
    let jiffies = cx.kernel().clock.msecs_to_jiffies(span);
    schedule_timeout(cx, jiffies, why, signals).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(timer_wheel: bool) -> Clock {
        Clock { hz: 250, timer_wheel, uptime: Nanos::from_secs(14) }
    }

    #[test]
    fn level_0_rounds_up_to_the_tick_after() {
        let in_tick = SimTime(1_001_500_000);
        assert_eq!(clock(true).expiry(in_tick, 25), SimTime(1_104_000_000));
    }

    #[test]
    fn uptime_decides_where_ticks_are() {
        let clock = Clock { uptime: Nanos(14_000_000_000 - 1_000_000), ..clock(true) };
        assert_eq!(clock.expiry(SimTime(1_001_500_000), 25), SimTime(1_105_000_000));
    }

    #[test]
    fn two_seconds_fire_within_one_bucket_of_level_1() {
        for kill_us in (0..100_000).step_by(773) {
            let kill = SimTime(kill_us * 1000);
            let late = clock(true).expiry(kill, 500) - kill;
            assert!(late.0 > 2_000_000_000 && late.0 <= 2_036_000_000, "{late:?}");
        }
    }

    #[test]
    fn exact_timers_last_exactly_as_asked() {
        assert_eq!(clock(false).expiry(SimTime(3), 25), SimTime(100_000_003));
    }
}
