//! Distributions of spans of time: what a scenario says a delay is like.
//!
//! Integer arithmetic over tables fixed at build time: floating-point
//! logarithms differ between targets in their last bits, and one bit is
//! enough to fork a run. Other shapes (empirical, correlated) are left
//! to scripts that write scenarios.

mod normal;

use self::normal::NORMAL_QUANTILES;
use super::random::Stream;
use super::time::Nanos;

/// 1.0 in the fixed point of this file: 32 bits after the point.
const ONE: u64 = 1 << 32;
/// ln 2 in that fixed point.
const LN_2: u64 = 2_977_044_472;
/// 1 / 2.326348, the inverse of the 99th percentile of the standard
/// normal distribution, in that fixed point.
const INVERSE_Z99: u64 = 1_846_227_447;

/// The form of a [`Distribution`].
#[derive(Copy, Clone, Eq, PartialEq, Hash, Debug)]
pub enum Shape {
    /// Always the same.
    Constant(Nanos),
    /// Any whole nanosecond from `lo` to `hi`, both included.
    Uniform {
        /// The shortest span.
        lo: Nanos,
        /// The longest span.
        hi: Nanos,
    },
    /// Time to the next of events that come independently.
    Exponential {
        /// The average span.
        mean: Nanos,
    },
    /// Mostly near the median, with a long tail: how I/O and drivers behave.
    LogNormal {
        /// Half of all draws are shorter; not zero.
        median: Nanos,
        /// 99 % of draws are shorter; at least `median`.
        p99: Nanos,
    },
}

/// A distribution to draw spans of time from.
#[derive(Copy, Clone, Eq, PartialEq, Hash, Debug)]
pub struct Distribution {
    /// Its form.
    pub shape: Shape,
    /// Longer draws are cut to this.
    pub cap: Option<Nanos>,
}

/// Why a [`Distribution`] makes no sense.
#[derive(Clone, Eq, PartialEq, Debug, thiserror::Error)]
pub enum DistributionError {
    /// The bounds of a uniform distribution are swapped.
    #[error("a uniform distribution goes from lo to hi, but lo ({} ns) exceeds hi ({} ns)", .lo.0, .hi.0)]
    LowAboveHigh {
        /// The lower bound given.
        lo: Nanos,
        /// The upper bound given.
        hi: Nanos,
    },
    /// The 99th percentile is below the median.
    #[error("the 99th percentile ({} ns) is below the median ({} ns)", .p99.0, .median.0)]
    P99BelowMedian {
        /// The median given.
        median: Nanos,
        /// The 99th percentile given.
        p99: Nanos,
    },
    /// No log-normal distribution has a median of zero.
    #[error("the median of a log-normal distribution is at least 1 ns: use a constant for zero")]
    ZeroMedian,
}

impl Distribution {
    /// No draw of an exponential or log-normal distribution is longer
    /// (36 years): the end of time stays out of reach of a single delay.
    pub const LONGEST: Nanos = Nanos(1 << 60);

    /// A distribution without a cap.
    pub const fn new(shape: Shape) -> Self {
        Self { shape, cap: None }
    }

    /// Checks the parameters. [`Distribution::draw`] gives numbers of no
    /// meaning, but doesn't panic, for those that fail.
    pub fn validate(&self) -> Result<(), DistributionError> {
        match self.shape {
            Shape::Uniform { lo, hi } if hi < lo => Err(DistributionError::LowAboveHigh { lo, hi }),
            Shape::LogNormal { median: Nanos::ZERO, .. } => Err(DistributionError::ZeroMedian),
            Shape::LogNormal { median, p99 } if p99 < median => {
                Err(DistributionError::P99BelowMedian { median, p99 })
            }
            _ => Ok(()),
        }
    }

    /// Draws a span. A constant takes nothing from the stream; the other
    /// shapes take one draw (uniform: in rare cases more).
    pub fn draw(&self, stream: &mut Stream) -> Nanos {
        let ns = match self.shape {
            Shape::Constant(span) => span.0,
            Shape::Uniform { lo, hi } => match hi.0.saturating_sub(lo.0).checked_add(1) {
                Some(count) => lo.0 + stream.below(count),
                None => stream.next_u64(),
            },
            Shape::Exponential { mean } => exponential(mean.0, stream.next_u64()),
            Shape::LogNormal { median, p99 } => log_normal(median.0, p99.0, stream.next_u64()),
        };
        Nanos(self.cap.map_or(ns, |cap| ns.min(cap.0)))
    }
}

/// `-mean ln(bits / 2^64)`, rounded, at most [`Distribution::LONGEST`].
fn exponential(mean: u64, bits: u64) -> u64 {
    let halvings = 64 * ONE - log2(bits.max(1));
    let spans = fixed_product(halvings, LN_2);
    clamped((u128::from(mean) * u128::from(spans) + u128::from(ONE / 2)) >> 32)
}

/// `median 2^(z log2(p99 / median) / z99)` for the standard normal z that
/// `bits` stand for, rounded, at most [`Distribution::LONGEST`].
#[expect(clippy::cast_possible_wrap, reason = "an exponent is below 200 * 2^32")]
fn log_normal(median: u64, p99: u64, bits: u64) -> u64 {
    let spread = log2(p99.max(1)).saturating_sub(log2(median.max(1)));
    // z has 28 bits after the point: 4 fewer than the rest.
    let exponent = fixed_product(fixed_product(spread, INVERSE_Z99), z_magnitude(bits) << 4);
    let exponent = if bits & 1 == 0 { exponent as i64 } else { -(exponent as i64) };
    scaled_by_exp2(median, exponent)
}

/// Magnitude of a standard normal variable, in units of 2^-28. The lowest
/// of the bits is not used: it is the sign.
fn z_magnitude(bits: u64) -> u64 {
    // The tail probability is tail / 2^65, between 0 and 1/2.
    let tail = bits | 1;
    let octave = tail.leading_zeros();
    let below_octave = !(tail << octave);
    let index = octave as usize * 16 + (below_octave >> 59) as usize;
    if index + 1 >= NORMAL_QUANTILES.len() {
        return u64::from(NORMAL_QUANTILES[NORMAL_QUANTILES.len() - 1]);
    }
    let (here, next) = (NORMAL_QUANTILES[index], NORMAL_QUANTILES[index + 1]);
    lerp(u64::from(here), u64::from(next), below_octave >> 27 & (ONE - 1))
}

/// `value 2^exponent`, rounded, at most [`Distribution::LONGEST`]. The
/// exponent has 32 bits after the point and is within ±2^31.
#[expect(clippy::cast_sign_loss, reason = "masked to the bits after the point")]
fn scaled_by_exp2(value: u64, exponent: i64) -> u64 {
    let whole = (exponent >> 32) as i32;
    let fraction = exponent as u64 & (ONE - 1);
    let index = (fraction >> 24) as usize;
    let mantissa = lerp(EXP2[index], EXP2[index + 1], (fraction & 0xff_ffff) << 8);
    // 32 bits after the point, at most 97 bits in all.
    let product = u128::from(value) * u128::from(mantissa);
    let shift = whole.unsigned_abs();
    if whole < 0 {
        let halved = product.checked_shr(shift).unwrap_or(0);
        clamped((halved + u128::from(ONE / 2)) >> 32)
    } else if product.leading_zeros() <= shift {
        Distribution::LONGEST.0
    } else {
        clamped(((product << shift) + u128::from(ONE / 2)) >> 32)
    }
}

/// Base-2 logarithm of a number that is not zero, 32 bits after the
/// point, within 3 millionths.
fn log2(number: u64) -> u64 {
    let zeros = number.leading_zeros();
    let mantissa = number << zeros;
    let index = (mantissa >> 55 & 0xff) as usize;
    let fraction = lerp(LOG2[index], LOG2[index + 1], mantissa >> 23 & (ONE - 1));
    u64::from(63 - zeros) * ONE + fraction
}

/// The point at `fraction` (32 bits after the point, below 1) of the way
/// from `from` up to `to`, which are less than 2^32 apart.
fn lerp(from: u64, to: u64, fraction: u64) -> u64 {
    from + (((to - from) * fraction) >> 32)
}

/// Product of two numbers with 32 bits after the point; fits in 64 bits
/// for all that this file multiplies.
#[expect(clippy::cast_possible_truncation, reason = "operands are below 2^39 and 2^38")]
fn fixed_product(a: u64, b: u64) -> u64 {
    ((u128::from(a) * u128::from(b)) >> 32) as u64
}

/// The number, or [`Distribution::LONGEST`] when that is less.
fn clamped(ns: u128) -> u64 {
    u64::try_from(ns).map_or(Distribution::LONGEST.0, |ns| ns.min(Distribution::LONGEST.0))
}

/// `log2(1 + i / 256)`, 32 bits after the point.
const LOG2: [u64; 257] = {
    let mut table = [ONE; 257];
    let mut i = 0;
    while i < 256 {
        // The number, 63 bits after the point. Each squaring doubles the
        // logarithm and so moves one more bit of it before the point.
        let mut number = (256 + i as u128) << 55;
        let mut bits = 0;
        let mut count = 0;
        while count < 33 {
            number = (number * number) >> 63;
            bits <<= 1;
            if number >> 64 != 0 {
                number >>= 1;
                bits |= 1;
            }
            count += 1;
        }
        table[i] = (bits + 1) >> 1;
        i += 1;
    }
    table
};

/// `2^(i / 256)`, 32 bits after the point.
#[expect(clippy::cast_possible_truncation, reason = "2 at most, before the point")]
const EXP2: [u64; 257] = {
    let mut table = [2 * ONE; 257];
    let mut i: usize = 0;
    while i < 256 {
        // Product of the roots 2^(1/2), 2^(1/4), … that the bits of `i`
        // select, 63 bits after the point.
        let mut product: u128 = 1 << 63;
        let mut root: u128 = 2 << 63;
        let mut bit = 8;
        while bit > 0 {
            bit -= 1;
            root = (root << 63).isqrt();
            if i >> bit & 1 == 1 {
                product = (product * root) >> 63;
            }
        }
        table[i] = ((product + (1 << 30)) >> 31) as u64;
        i += 1;
    }
    table
};

#[cfg(test)]
mod tests;
