//! How often the kernel says the same thing: lib/ratelimit.c,
//! `___ratelimit()`, Linux 6.1. The lines about suppressed ones are left
//! out.

use crate::base::{Nanos, SimTime};

/// At most `burst` lines per `interval`.
#[derive(Clone, Debug)]
pub(super) struct RateLimit {
    interval: Nanos,
    burst: u32,
    begin: Option<SimTime>,
    printed: u32,
}

impl RateLimit {
    pub(super) fn new(interval: Nanos, burst: u32) -> Self {
        Self { interval, burst, begin: None, printed: 0 }
    }

    /// Whether a line may be printed at `at`; counts it if so.
    pub(super) fn allows(&mut self, at: SimTime) -> bool {
        // The interval begins with a line, not with the clock.
        if self.begin.is_none_or(|begin| at.saturating_sub(begin) > self.interval) {
            self.begin = Some(at);
            self.printed = 0;
        }
        let is_allowed = self.printed < self.burst;
        self.printed += u32::from(is_allowed);
        is_allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn burst_is_per_interval() {
        let mut limit = RateLimit::new(Nanos::from_secs(5), 2);
        let allowed =
            [0, 1, 2, 5, 6, 7, 8, 12].map(|secs| limit.allows(SimTime(secs * 1_000_000_000)));
        assert_eq!(allowed, [true, true, false, false, true, true, false, true]);
    }
}
