//! Simulated time: an instant, `SimTime`, and a span, `Nanos`.
//!
//! Both count whole nanoseconds in a `u64` (584 years). There is no
//! conversion from or to wall-clock time, and no formatting for people:
//! exporters and the page choose their own.

use std::ops::{Add, AddAssign, Div, Mul, Sub, SubAssign};

/// Instant of simulated time, in nanoseconds since the run started.
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Hash, Default, Debug)]
pub struct SimTime(pub u64);

/// Span of simulated time, in nanoseconds.
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Hash, Default, Debug)]
pub struct Nanos(pub u64);

impl SimTime {
    /// The instant the run starts.
    pub const ZERO: Self = Self(0);
    /// The last instant there is; stands for "never".
    pub const MAX: Self = Self(u64::MAX);

    /// Splits into whole seconds and the microseconds left over
    /// (0 to 999,999), rounding down, as ftrace prints a timestamp.
    pub const fn as_secs_us(self) -> (u64, u32) {
        (self.0 / 1_000_000_000, (self.0 / 1_000 % 1_000_000) as u32)
    }

    /// The span since `earlier`, or zero when `earlier` is later.
    #[must_use]
    pub const fn saturating_sub(self, earlier: Self) -> Nanos {
        Nanos(self.0.saturating_sub(earlier.0))
    }

    /// The instant `span` later, or [`SimTime::MAX`] past the end of time.
    #[must_use]
    pub const fn saturating_add(self, span: Nanos) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Nanos {
    /// The empty span.
    pub const ZERO: Self = Self(0);
    /// The longest span there is.
    pub const MAX: Self = Self(u64::MAX);

    /// A span of whole microseconds. Panics past 584 years.
    pub const fn from_us(us: u64) -> Self {
        Self(scaled(us, 1_000))
    }

    /// A span of whole milliseconds. Panics past 584 years.
    pub const fn from_ms(ms: u64) -> Self {
        Self(scaled(ms, 1_000_000))
    }

    /// A span of whole seconds. Panics past 584 years.
    pub const fn from_secs(secs: u64) -> Self {
        Self(scaled(secs, 1_000_000_000))
    }

    /// This span less `other`, or zero when `other` is longer.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

/// `count` units of `unit_ns` nanoseconds; panics when it doesn't fit.
const fn scaled(count: u64, unit_ns: u64) -> u64 {
    count.checked_mul(unit_ns).expect("invariant: a span fits in 64 bits of nanoseconds")
}

impl Add<Nanos> for SimTime {
    type Output = Self;

    /// Panics past [`SimTime::MAX`].
    #[inline]
    fn add(self, span: Nanos) -> Self {
        Self(self.0.checked_add(span.0).expect("invariant: simulated time fits in 64 bits"))
    }
}

impl AddAssign<Nanos> for SimTime {
    #[inline]
    fn add_assign(&mut self, span: Nanos) {
        *self = *self + span;
    }
}

impl Sub for SimTime {
    type Output = Nanos;

    /// Panics when `earlier` is later.
    #[inline]
    fn sub(self, earlier: Self) -> Nanos {
        Nanos(self.0.checked_sub(earlier.0).expect("invariant: a span is not negative"))
    }
}

impl Add for Nanos {
    type Output = Self;

    #[inline]
    fn add(self, other: Self) -> Self {
        Self(self.0.checked_add(other.0).expect("invariant: a span fits in 64 bits"))
    }
}

impl AddAssign for Nanos {
    #[inline]
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Nanos {
    type Output = Self;

    /// Panics when `other` is longer.
    #[inline]
    fn sub(self, other: Self) -> Self {
        Self(self.0.checked_sub(other.0).expect("invariant: a span is not negative"))
    }
}

impl SubAssign for Nanos {
    #[inline]
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl Mul<u64> for Nanos {
    type Output = Self;

    #[inline]
    fn mul(self, factor: u64) -> Self {
        Self(scaled(factor, self.0))
    }
}

impl Div<u64> for Nanos {
    type Output = Self;

    /// Rounds down; panics when `divisor` is zero.
    #[inline]
    fn div(self, divisor: u64) -> Self {
        Self(self.0 / divisor)
    }
}

impl std::iter::Sum for Nanos {
    fn sum<I: Iterator<Item = Self>>(spans: I) -> Self {
        spans.fold(Self::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_keeps_units() {
        let start = SimTime::ZERO + Nanos::from_secs(2);
        assert_eq!(start + Nanos::from_us(5) - start, Nanos(5_000));
        assert_eq!(Nanos::from_ms(3) * 2 / 4, Nanos(1_500_000));
        assert_eq!(SimTime(3).saturating_sub(SimTime(5)), Nanos::ZERO);
        assert_eq!(Nanos(3).saturating_sub(Nanos(5)), Nanos::ZERO);
        assert_eq!(SimTime(1).saturating_add(Nanos::MAX), SimTime::MAX);
        assert_eq!([Nanos(1), Nanos(2)].into_iter().sum::<Nanos>(), Nanos(3));
    }

    #[test]
    fn as_secs_us_rounds_down() {
        assert_eq!(SimTime(1_234_567_899).as_secs_us(), (1, 234_567));
        assert_eq!(SimTime(999).as_secs_us(), (0, 0));
        assert_eq!(SimTime::MAX.as_secs_us(), (18_446_744_073, 709_551));
    }

    #[test]
    #[should_panic(expected = "not negative")]
    fn difference_of_swapped_instants_panics() {
        let _ = SimTime(1) - SimTime(2);
    }

    #[test]
    #[should_panic(expected = "fits in 64 bits")]
    fn end_of_time_panics() {
        let _ = SimTime::MAX + Nanos(1);
    }
}
