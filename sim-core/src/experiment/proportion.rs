//! How often something happens, and how sure that is.

/// The quantile of the normal distribution that leaves 2.5 % above it.
const Z: f64 = 1.959_963_984_540_054;

/// So many of so many.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub struct Proportion {
    /// How often it happened.
    pub count: u64,
    /// How often it could have.
    pub of: u64,
}

/// Bounds of a share, 0 to 1.
#[derive(Copy, Clone, PartialEq, Debug)]
pub struct Interval {
    /// At least.
    pub low: f64,
    /// At most.
    pub high: f64,
}

impl Proportion {
    /// How many of these it holds for.
    pub fn of<T>(all: &[T], holds: impl Fn(&T) -> bool) -> Self {
        let count = |length| u64::try_from(length).unwrap_or(u64::MAX);
        Self { count: count(all.iter().filter(|one| holds(one)).count()), of: count(all.len()) }
    }

    /// The share, 0 to 1; 0 of none.
    #[expect(clippy::cast_precision_loss, reason = "counts of runs are below 2^53")]
    pub fn share(self) -> f64 {
        if self.of == 0 { 0.0 } else { self.count as f64 / self.of as f64 }
    }

    /// The 95 % score interval of Wilson (E. B. Wilson, "Probable inference, the law of
    /// succession, and statistical inference", JASA 22, 1927; without correction for
    /// continuity, as Brown, Cai and DasGupta recommend, Statistical Science 16, 2001).
    /// It keeps within 0 and 1 and is right for shares near them, too. Of none: everything.
    #[expect(clippy::cast_precision_loss, reason = "counts of runs are below 2^53")]
    pub fn wilson(self) -> Interval {
        if self.of == 0 {
            return Interval { low: 0.0, high: 1.0 };
        }
        let (n, p, zz) = (self.of as f64, self.share(), Z * Z);
        let center = p + zz / (2.0 * n);
        let reach = Z * (p * (1.0 - p) / n + zz / (4.0 * n * n)).sqrt();
        let scale = 1.0 + zz / n;
        let low = if self.count == 0 { 0.0 } else { (center - reach) / scale };
        let high = if self.count == self.of { 1.0 } else { (center + reach) / scale };
        Interval { low, high }
    }

    /// `3 of 256 (1.2 %, 95 % interval 0.4 to 3.4 %)`. Of thousands with more decimals, so that
    /// what happened once does not read as never.
    pub fn text(self) -> String {
        let Interval { low, high } = self.wilson();
        let (share, low, high) = (100.0 * self.share(), 100.0 * low, 100.0 * high);
        let (count, of) = (self.count, self.of);
        let digits = if of < 1000 { 1 } else { of.ilog10() as usize };
        let [share, low, high] = [share, low, high].map(|percent| format!("{percent:.digits$}"));
        format!("{count} of {of} ({share} %, 95 % interval {low} to {high} %)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_once_does_not_read_as_never() {
        let text = |count, of| Proportion { count, of }.text();
        let own = |(before, after): (&str, &str)| (before.to_owned(), after.to_owned());
        assert_eq!(text(3, 256), "3 of 256 (1.2 %, 95 % interval 0.4 to 3.4 %)");
        assert_eq!(text(1, 20_000), "1 of 20000 (0.0050 %, 95 % interval 0.0009 to 0.0283 %)");
        assert_eq!(text(0, 0), "0 of 0 (0.0 %, 95 % interval 0.0 to 100.0 %)");
        for of in [1_000, 99_999, 1_000_000, 30_000_000] {
            let (_, interval) = text(1, of).split_once("interval ").map(own).expect("an interval");
            let low = interval.split(' ').next().and_then(|low| low.parse::<f64>().ok());
            assert!(low > Some(0.0), "{interval}");
        }
    }

    /// `scipy.stats.binomtest(k, n).proportion_ci(0.95, "wilson")` of SciPy 1.17.1; 81 of 263, 15
    /// of 148 and 29 of 29 are the examples of R. G. Newcombe, "Two-sided confidence intervals
    /// for the single proportion", Statistics in Medicine 17, 1998, table I, method 3.
    #[test]
    fn intervals_are_those_of_scipy_and_of_newcombe() {
        for (count, of, low, high) in [
            (0, 12, 0.0, 0.242_494_006_655_240_85),
            (1, 10, 0.017_876_213_095_072_896, 0.404_150_026_795_238_5),
            (3, 256, 0.003_993_287_123_007_758, 0.033_881_572_667_882_304),
            (15, 148, 0.062_386_399_530_736_29, 0.160_487_241_723_303_1),
            (29, 29, 0.883_030_201_500_259_2, 1.0),
            (50, 1_000_000, 3.792_942_439_539_522e-5, 6.591_163_552_414_333e-5),
            (81, 263, 0.255_288_519_878_274_2, 0.366_209_576_982_800_04),
            (310, 10_000, 0.027_779_012_856_555_523, 0.034_581_177_615_139_125),
        ] {
            let found = Proportion { count, of }.wilson();
            let is_near = |one: f64, other: f64| (one - other).abs() < 1e-12;
            assert!(is_near(found.low, low) && is_near(found.high, high), "{count} of {of}");
        }
    }
}
