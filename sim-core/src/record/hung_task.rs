//! When the detector of hung tasks looks: once per time-out, counted from boot.
//!
//! Mirrors kernel/hung_task.c: `watchdog()`, Linux 6.1, over the rounding
//! of timers.

use super::Cast;
use crate::base::{Nanos, SimTime};

/// When the detector looks.
#[derive(Copy, Clone, Debug)]
pub struct HungTaskLooks {
    /// Time between two.
    pub period: Nanos,
    uptime: Nanos,
}

impl HungTaskLooks {
    /// That of a run; none, if it never looks.
    pub fn of(cast: &Cast) -> Option<Self> {
        let timeout = cast.hung_task_timeout;
        if timeout.0 == 0 || cast.jiffy.0 == 0 {
            return None;
        }
        let ticks = timeout.0.div_ceil(cast.jiffy.0);
        let ticks = if cast.timer_wheel { wheel_ticks(ticks) } else { ticks };
        Some(Self { period: cast.jiffy * ticks, uptime: cast.uptime })
    }

    /// The first look at or after `at`.
    pub fn from(&self, at: SimTime) -> SimTime {
        let since_boot = at.0.saturating_add(self.uptime.0);
        let count = since_boot.div_ceil(self.period.0).max(1);
        SimTime(count.saturating_mul(self.period.0).saturating_sub(self.uptime.0))
    }
}

/// A timer of the wheel that is set again whenever it expires: rounded up
/// by its level (`calc_index()`, kernel/time/timer.c, Linux 6.1).
fn wheel_ticks(ticks: u64) -> u64 {
    /// Each level is eight times coarser than the one below (`LVL_CLK_SHIFT`).
    const LEVEL_SHIFT: u32 = 3;
    let mut shift = 0;
    while shift < 8 * LEVEL_SHIFT && ticks >= 63 << shift {
        shift += LEVEL_SHIFT;
    }
    ((ticks + (1 << shift)) >> shift) << shift
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_timers_are_coarse() {
        assert_eq!(wheel_ticks(500), 504);
        assert_eq!(wheel_ticks(25), 26);
    }
}
