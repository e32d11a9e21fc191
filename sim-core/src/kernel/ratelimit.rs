//! How often a message may be printed.
//!
//! Mirrors lib/ratelimit.c: `___ratelimit()` with
//! `DEFAULT_RATELIMIT_INTERVAL` and `DEFAULT_RATELIMIT_BURST`
//! (include/linux/ratelimit_types.h), Linux 6.1. Left out: the count of
//! what was suppressed.

use crate::base::{Nanos, SimTime};

/// `DEFAULT_RATELIMIT_INTERVAL`: 5 s.
const INTERVAL: Nanos = Nanos::from_secs(5);
/// `DEFAULT_RATELIMIT_BURST`: so many in an interval.
const BURST: u32 = 10;

/// `struct ratelimit_state`.
#[derive(Copy, Clone, Default, Debug)]
pub struct RateLimit {
    /// When the interval began; none: not yet.
    begin: Option<SimTime>,
    /// How many got through since.
    printed: u32,
}

impl RateLimit {
    /// `__ratelimit()`: whether one more gets through now.
    pub fn allows(&mut self, now: SimTime) -> bool {
        let begin = *self.begin.get_or_insert(now);
        if now - begin > INTERVAL {
            *self = Self { begin: Some(now), printed: 0 };
        }
        let allowed = self.printed < BURST;
        self.printed += u32::from(allowed);
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_pass_then_none_until_five_seconds_are_over() {
        let mut limit = RateLimit::default();
        let begin = SimTime(7);
        assert_eq!((0..15).filter(|_| limit.allows(begin)).count(), 10);
        assert!(!limit.allows(begin + INTERVAL));
        assert!(limit.allows(begin + INTERVAL + Nanos(1)));
    }
}
