//! Sizes, times and rates as people write them: `1.5GiB`, `12.5ms`,
//! `60MiB/s`.
//!
//! Exact: a decimal fraction is read digit by digit into a whole number
//! of bytes or nanoseconds, and what doesn't come out whole is refused, with
//! the next one that does.
//! There are no powers of ten for sizes, no signs and no exponents.

use crate::base::Nanos;

/// Units of time, each with its nanoseconds, longest first.
const TIMES: [(&str, u64); 7] = [
    ("h", 3_600_000_000_000),
    ("min", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("µs", 1_000),
    ("ns", 1),
];
/// Units of size, each with its bytes, largest first.
const SIZES: [(&str, u64); 5] =
    [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// Bytes of a page.
pub const PAGE_SIZE: u64 = 4096;

/// Why a text is no quantity.
#[derive(Copy, Clone, Eq, PartialEq, Debug, thiserror::Error)]
pub enum UnitError {
    /// It isn't a number and a unit.
    #[error("expected a number and a unit, such as {example:?} (units: {units})")]
    Form {
        /// A text that would do.
        example: &'static str,
        /// The units there are.
        units: &'static str,
    },
    /// It isn't a whole number of the smallest unit.
    #[error("finer than 1 {unit}: expected a multiple of it, such as \"{above}{unit}\"")]
    TooFine {
        /// That unit.
        unit: &'static str,
        /// The next whole number.
        above: u64,
    },
    /// It doesn't fit in 64 bits.
    #[error("too large: expected what fits in 64 bits")]
    TooLarge,
}

/// Reads a time such as `12.5ms`, `1s` or `26.85 us`.
pub fn parse_time(text: &str) -> Result<Nanos, UnitError> {
    let form = UnitError::Form { example: "12.5ms", units: "ns, us, ms, s, min, h" };
    quantity(text, &TIMES, form, "ns").map(Nanos)
}

/// Reads a size such as `64MiB` or `1.5GiB`, in bytes.
pub fn parse_size(text: &str) -> Result<u64, UnitError> {
    let form = UnitError::Form { example: "64MiB", units: "B, KiB, MiB, GiB, TiB" };
    quantity(text, &SIZES, form, "B")
}

/// Reads a rate such as `60MiB/s`, in bytes per second.
pub fn parse_rate(text: &str) -> Result<u64, UnitError> {
    let form = UnitError::Form { example: "60MiB/s", units: "B/s, KiB/s, MiB/s, GiB/s, TiB/s" };
    let size = text.trim_end().strip_suffix("/s").ok_or(form)?;
    quantity(size, &SIZES, form, "B")
}

/// Writes a time so that [`parse_time`] reads the same: in the longest
/// unit up to seconds that it holds at least once.
pub fn format_time(time: Nanos) -> String {
    let (unit, scale) = match time.0 {
        0 => return "0s".to_owned(),
        1_000_000_000.. => ("s", 1_000_000_000),
        1_000_000.. => ("ms", 1_000_000),
        1_000.. => ("us", 1_000),
        _ => ("ns", 1),
    };
    decimal(time.0, scale) + unit
}

/// Writes a time in milliseconds, exactly, as [`parse_time`] reads it.
pub fn format_ms(time: Nanos) -> String {
    decimal(time.0, 1_000_000) + "ms"
}

/// Writes a size so that [`parse_size`] reads the same: in the largest
/// unit that it is a whole number of.
pub fn format_size(bytes: u64) -> String {
    let whole = |(_, scale): &&(&str, u64)| bytes.is_multiple_of(*scale);
    let (unit, scale) =
        if bytes == 0 { ("B", 1) } else { *SIZES.iter().find(whole).unwrap_or(&("B", 1)) };
    format!("{}{unit}", bytes / scale)
}

/// Writes a rate so that [`parse_rate`] reads the same.
pub fn format_rate(bytes_per_second: u64) -> String {
    format_size(bytes_per_second) + "/s"
}

/// `number / scale` with as many digits after the point as it takes;
/// `scale` is a power of ten.
fn decimal(number: u64, scale: u64) -> String {
    let (whole, mut rest) = (number / scale, number % scale);
    let mut text = whole.to_string();
    let mut place = scale / 10;
    while rest > 0 && place > 0 {
        if place == scale / 10 {
            text.push('.');
        }
        text.push_str(&(rest / place).to_string());
        rest %= place;
        place /= 10;
    }
    text
}

/// `a * b / c`, rounded down, at most 2^64 - 1.
pub(super) fn mul_div(a: u64, b: u64, c: u64) -> u64 {
    u64::try_from(u128::from(a) * u128::from(b) / u128::from(c.max(1))).unwrap_or(u64::MAX)
}

/// Reads a decimal number and a unit, in units of one.
fn quantity(
    text: &str,
    units: &[(&str, u64)],
    form: UnitError,
    smallest: &'static str,
) -> Result<u64, UnitError> {
    let text = text.trim();
    let is_digit = |byte: u8| byte.is_ascii_digit() || byte == b'.';
    let end = text.bytes().position(|byte| !is_digit(byte)).ok_or(form)?;
    let (number, unit) = text.split_at_checked(end).ok_or(form)?;
    let unit = unit.trim_start();
    let (_, scale) = units.iter().find(|(name, _)| *name == unit).ok_or(form)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) {
        return Err(form);
    }
    let whole: u64 = whole.parse().map_err(|_| UnitError::TooLarge)?;
    let mut total = whole.checked_mul(*scale).ok_or(UnitError::TooLarge)?;
    // Long division, exact, from the last digit on: what a place leaves over is finer than the unit.
    let (mut part, mut is_whole) = (0, true);
    for digit in fraction.bytes().rev() {
        let tenths = scale * u64::from(digit - b'0') + part;
        is_whole &= tenths.is_multiple_of(10);
        part = tenths / 10;
    }
    total = total.checked_add(part).ok_or(UnitError::TooLarge)?;
    if is_whole {
        return Ok(total);
    }
    let above = total.checked_add(1).ok_or(UnitError::TooLarge)?;
    Err(UnitError::TooFine { unit: smallest, above })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn examples_read_exactly() {
        assert_eq!(parse_time("12.5ms"), Ok(Nanos(12_500_000)));
        assert_eq!(parse_time(" 26.85 us "), Ok(Nanos(26_850)));
        assert_eq!(parse_time("1.5µs"), Ok(Nanos(1_500)));
        assert_eq!(parse_time("0.5h"), Ok(Nanos(1_800_000_000_000)));
        assert_eq!(parse_time("1132.096ms"), Ok(Nanos(1_132_096_000)));
        assert_eq!(parse_size("1.5GiB"), Ok(3 << 29));
        assert_eq!(parse_size("0.0009765625KiB"), Ok(1));
        assert_eq!(parse_size("0.0000000000009094947017729282379150390625TiB"), Ok(1));
        assert_eq!(parse_rate("60MiB/s"), Ok(60 << 20));
        assert_eq!(format_time(Nanos(1_132_096_000)), "1.132096s");
        assert_eq!(format_ms(Nanos(1_132_096_000)), "1132.096ms");
        assert_eq!(format_ms(Nanos(1)), "0.000001ms");
        assert_eq!(format_size(3 << 29), "1536MiB");
    }

    #[test]
    fn what_is_no_quantity_is_refused() {
        for text in
            ["", "5", "ms", "-1s", "+1s", "1e3s", "1.s", ".5s", "1..5s", "1 parsec", "1S", "ü"]
        {
            assert!(matches!(parse_time(text), Err(UnitError::Form { .. })), "{text}");
        }
        let too_fine = |unit, above| UnitError::TooFine { unit, above };
        assert_eq!(parse_time("0.1ns"), Err(too_fine("ns", 1)));
        assert_eq!(parse_time("0.33333us"), Err(too_fine("ns", 334)));
        assert_eq!(parse_size("83.2MiB"), Err(too_fine("B", 87_241_524)));
        assert_eq!(parse_time("99999999999999999999s"), Err(UnitError::TooLarge));
        assert_eq!(parse_time("6000000h"), Err(UnitError::TooLarge));
        let long = format!("1.{}1s", "0".repeat(10_000));
        assert_eq!(parse_time(&long), Err(too_fine("ns", 1_000_000_001)));
        assert!(parse_size("64MB").is_err());
        assert!(parse_rate("60MiB").is_err());
    }

    proptest! {
        #[test]
        fn time_round_trips(ns: u64) {
            prop_assert_eq!(parse_time(&format_time(Nanos(ns))), Ok(Nanos(ns)));
            prop_assert_eq!(parse_time(&format_ms(Nanos(ns))), Ok(Nanos(ns)));
        }

        #[test]
        fn size_and_rate_round_trip(bytes: u64, shift in 0_u32..50) {
            let bytes = bytes >> shift << shift;
            prop_assert_eq!(parse_size(&format_size(bytes)), Ok(bytes));
            prop_assert_eq!(parse_rate(&format_rate(bytes)), Ok(bytes));
        }

        #[test]
        fn arbitrary_text_never_panics(text in "\\PC{0,40}") {
            let _ = (parse_time(&text), parse_size(&text), parse_rate(&text));
        }
    }
}
