//! How much more often something happens under one policy than under
//! another, when both ran under the same seeds.

use super::Proportion;

/// Pairs, by which of the two shows it.
#[derive(Copy, Clone, Eq, PartialEq, Default, Debug)]
pub struct PairedShares {
    /// Both.
    pub both: u64,
    /// Only the first.
    pub only_first: u64,
    /// Only the second.
    pub only_second: u64,
    /// Neither.
    pub neither: u64,
}

/// A difference of shares, −1 to 1, with its 95 % interval.
#[derive(Copy, Clone, PartialEq, Debug)]
pub struct ShareDifference {
    /// Second minus first.
    pub difference: f64,
    /// At least.
    pub low: f64,
    /// At most.
    pub high: f64,
}

impl PairedShares {
    /// Counts pairs.
    pub fn of(pairs: impl IntoIterator<Item = (bool, bool)>) -> Self {
        let mut shares = Self::default();
        for pair in pairs {
            match pair {
                (true, true) => shares.both += 1,
                (true, false) => shares.only_first += 1,
                (false, true) => shares.only_second += 1,
                (false, false) => shares.neither += 1,
            }
        }
        shares
    }

    /// How many.
    pub fn count(self) -> u64 {
        self.both + self.only_first + self.only_second + self.neither
    }

    /// The difference, with the score interval for pairs (R. G. Newcombe,
    /// "Improved confidence intervals for the difference between binomial
    /// proportions based on paired data", Statistics in Medicine 17(22), 1998,
    /// 2635-2650, method 10). `None` of no pairs.
    #[expect(clippy::cast_precision_loss, reason = "counts of runs are below 2^53")]
    pub fn difference(self) -> Option<ShareDifference> {
        let of = self.count();
        if of == 0 {
            return None;
        }
        let first = Proportion { count: self.both + self.only_first, of };
        let second = Proportion { count: self.both + self.only_second, of };
        let correlation = self.correlation();
        let reach = |a: f64, b: f64| (a * a - 2.0 * correlation * a * b + b * b).max(0.0).sqrt();
        let (one, two) = (first.wilson(), second.wilson());
        let difference = (self.only_second as f64 - self.only_first as f64) / of as f64;
        let low = difference - reach(second.share() - two.low, one.high - first.share());
        let high = difference + reach(two.high - second.share(), first.share() - one.low);
        Some(ShareDifference { difference, low: low.max(-1.0), high: high.min(1.0) })
    }

    /// φ, corrected for continuity where it is positive.
    #[expect(clippy::cast_precision_loss, reason = "counts of runs are below 2^53")]
    fn correlation(self) -> f64 {
        let [a, b, c, d] =
            [self.both, self.only_first, self.only_second, self.neither].map(|count| count as f64);
        let margins = (a + b) * (c + d) * (a + c) * (b + d);
        if margins == 0.0 {
            return 0.0;
        }
        let raw = a * d - b * c;
        let corrected = if raw > 0.0 { (raw - self.count() as f64 / 2.0).max(0.0) } else { raw };
        corrected / margins.sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Stream;

    fn shares(both: u64, only_first: u64, only_second: u64, neither: u64) -> PairedShares {
        PairedShares { both, only_first, only_second, neither }
    }

    /// Airway hyper-responsiveness before and after stem cell transplantation (1, 1, 7, 12), the
    /// example that M. W. Fagerland, S. Lydersen and P. Laake go through in "Recommended tests and
    /// confidence intervals for paired binomial proportions", Statistics in Medicine 33, 2014,
    /// 2850-2875. The interval is what the R package ratesci prints for it (`rdpairci()`, MOVER-NW:
    /// Newcombe's correction, Wilson's limits).
    #[test]
    fn interval_of_a_published_example_is_that_of_the_formula() {
        let found = shares(1, 1, 7, 12).difference().expect("pairs");
        let rounded = |bound: f64| format!("{bound:.3}");
        assert_eq!(rounded(found.difference), "0.286");
        assert_eq!((rounded(found.low), rounded(found.high)), ("0.026".into(), "0.507".into()));
    }

    #[test]
    fn ends_are_kept_and_directions_mirror() {
        let all = shares(0, 0, 20, 0).difference().expect("pairs");
        assert!((all.difference - 1.0).abs() < 1e-12 && all.high <= 1.0 && all.low > 0.7);
        let (one, other) = (shares(30, 12, 3, 55), shares(30, 3, 12, 55));
        let (one, other) = (one.difference().expect("pairs"), other.difference().expect("pairs"));
        assert!((one.low + other.high).abs() < 1e-12 && (one.high + other.low).abs() < 1e-12);
        assert_eq!(PairedShares::default().difference(), None);
    }

    /// Pairs that are drawn together: the interval holds the true
    /// difference about as often as it says, over a grid of shares.
    #[test]
    fn interval_holds_the_difference_as_often_as_it_says() {
        let mut stream = Stream::new(1, "test", "pairs");
        // Percent of both, only first, only second; the rest is neither.
        for cell in [[10, 5, 15], [60, 10, 20], [2, 1, 1], [0, 0, 8], [45, 5, 5]] {
            let truth = (f64::from(cell[2]) - f64::from(cell[1])) / 100.0;
            let mut held = 0;
            for _ in 0..600 {
                let mut counts = shares(0, 0, 0, 0);
                for _ in 0..80 {
                    let at = u32::try_from(stream.below(100)).expect("small");
                    match at {
                        at if at < cell[0] => counts.both += 1,
                        at if at < cell[0] + cell[1] => counts.only_first += 1,
                        at if at < cell[0] + cell[1] + cell[2] => counts.only_second += 1,
                        _ => counts.neither += 1,
                    }
                }
                let found = counts.difference().expect("pairs");
                held += u32::from(found.low <= truth && truth <= found.high);
            }
            assert!(held >= 552, "{cell:?}: {held} of 600");
        }
    }
}
