//! Numbers as people read them: times, page counts, large integers.
//!
//! Groups of digits of a count are set apart by a narrow no-break space. Instants are written as
//! the simulator, logs and links write them, so that one can be found in the other; a no-break
//! space keeps them with their unit.

use sim_core::base::SimTime;

/// Between groups of three digits.
const GROUP: char = '\u{202f}';
/// Between a number and its unit.
const UNIT: char = '\u{a0}';
/// Bytes per page of the modeled machine.
const PAGE_SIZE: u64 = 4096;

/// `1 234 567`.
pub fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() * 2);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(GROUP);
        }
        text.push(digit);
    }
    text
}

/// An instant in milliseconds to the microsecond: `1132.096 ms`.
pub fn instant(at: SimTime) -> String {
    format!("{}{UNIT}ms", bare_ms(at))
}

/// The same without its unit, for tables that say it once.
pub fn bare_ms(at: SimTime) -> String {
    let us = at.0 / 1_000;
    format!("{}.{:03}", us / 1_000, us % 1_000)
}

/// A span of time, three or four digits and a fitting unit.
pub fn duration(ns: u64) -> String {
    match ns {
        0..1_000 => format!("{ns}{UNIT}ns"),
        1_000..1_000_000 => scaled(ns, 1_000, "µs"),
        1_000_000..1_000_000_000 => scaled(ns, 1_000_000, "ms"),
        _ => scaled(ns, 1_000_000_000, "s"),
    }
}

fn scaled(ns: u64, unit_ns: u64, unit: &str) -> String {
    let whole = ns / unit_ns;
    let thousandths = ns % unit_ns * 1_000 / unit_ns;
    let number = match whole {
        0..10 => format!("{whole}.{:02}", thousandths / 10),
        10..100 => format!("{whole}.{}", thousandths / 100),
        _ => grouped(whole),
    };
    format!("{number}{UNIT}{unit}")
}

/// Pages as bytes: `12.3 MiB`.
pub fn pages(count: u64) -> String {
    let kib = count * (PAGE_SIZE / 1024);
    match kib {
        0..1_024 => format!("{kib}{UNIT}KiB"),
        1_024..1_048_576 => binary(kib, 1_024, "MiB"),
        _ => binary(kib, 1_048_576, "GiB"),
    }
}

fn binary(kib: u64, unit_kib: u64, unit: &str) -> String {
    let whole = kib / unit_kib;
    if whole >= 100 || kib.is_multiple_of(unit_kib) {
        format!("{}{UNIT}{unit}", grouped(whole))
    } else {
        format!("{whole}.{}{UNIT}{unit}", kib % unit_kib * 10 / unit_kib)
    }
}

/// The first digits of a digest, enough to tell two apart by eye.
pub fn short_digest(digest: &str) -> &str {
    digest.get(..8).unwrap_or(digest)
}

/// `0.25×`, `4×`.
pub fn factor(value: f64) -> String {
    format!("{value}×")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> String {
        text.replace([GROUP, UNIT], " ")
    }

    #[test]
    fn instants_show_microseconds() {
        assert_eq!(plain(&instant(SimTime(1_132_096_999))), "1132.096 ms");
        assert_eq!(plain(&instant(SimTime(0))), "0.000 ms");
    }

    #[test]
    fn durations_choose_their_unit() {
        let cases = [
            (999, "999 ns"),
            (1_500, "1.50 µs"),
            (99_960_000, "99.9 ms"),
            (100_000_000, "100 ms"),
            (60_000_000_000, "60.0 s"),
        ];
        for (ns, text) in cases {
            assert_eq!(plain(&duration(ns)), text);
        }
    }

    #[test]
    fn pages_become_bytes() {
        assert_eq!(plain(&pages(1)), "4 KiB");
        assert_eq!(plain(&pages(256)), "1 MiB");
        assert_eq!(plain(&pages(384)), "1.5 MiB");
        assert_eq!(plain(&pages(524_288)), "2 GiB");
        assert_eq!(plain(&pages(51_200)), "200 MiB");
    }
}
