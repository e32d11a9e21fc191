//! Round instants for the ruler.

use sim_core::export::svg::round_step;

use crate::format;

/// A labeled tick.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct Tick {
    /// When, in ns.
    pub at: u64,
    /// Its text.
    pub label: String,
}

/// Ticks from `start` to `end`, at most `count` of them, at round times.
pub fn ticks(start: u64, end: u64, count: usize) -> Vec<Tick> {
    let span = end.saturating_sub(start).max(1);
    let step = round_step(span / count.max(1) as u64);
    let first = start.div_ceil(step);
    let last = end / step;
    (first..=last).map(|n| Tick { at: n * step, label: label(n * step, step) }).collect()
}

/// As many decimals as the step needs.
fn label(at: u64, step: u64) -> String {
    let (unit_ns, unit) = match step {
        0..1_000 => (1_000, "µs"),
        1_000..100_000_000 => (1_000_000, "ms"),
        _ => (1_000_000_000, "s"),
    };
    let whole = format::grouped(at / unit_ns);
    let mut decimals = 0;
    let mut scale = unit_ns;
    while !step.is_multiple_of(scale) {
        scale /= 10;
        decimals += 1;
    }
    if decimals == 0 {
        format!("{whole}\u{a0}{unit}")
    } else {
        let rest = at % unit_ns / scale;
        format!("{whole}.{rest:0decimals$}\u{a0}{unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(start: u64, end: u64) -> Vec<String> {
        ticks(start, end, 4)
            .into_iter()
            .map(|tick| tick.label.replace(['\u{a0}', '\u{202f}'], " "))
            .collect()
    }

    #[test]
    fn whole_seconds_and_parts() {
        assert_eq!(labels(0, 2_000_000_000), ["0 s", "1 s", "2 s"]);
        assert_eq!(labels(0, 900_000_000), ["0.0 s", "0.5 s"]);
        assert_eq!(labels(1_000_000_000, 1_010_000_000), ["1 000 ms", "1 005 ms", "1 010 ms"]);
        assert_eq!(labels(1_000, 1_400), ["1.0 µs", "1.2 µs", "1.4 µs"]);
    }

    #[test]
    fn never_too_many() {
        for span in [1, 10, 999, 123_456, 60_000_000_000, u64::MAX / 4] {
            assert!(ticks(77, 77 + span, 8).len() <= 9);
        }
    }
}
