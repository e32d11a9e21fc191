//! Between which ranks of a sample a quantile lies, for any distribution.
//!
//! How many of n independent numbers lie below a quantile is binomial, so
//! two order statistics enclose it with a probability that is known
//! exactly (W. J. Conover, *Practical Nonparametric Statistics*, section
//! 3.2; H. A. David and H. N. Nagaraja, *Order Statistics*, section 7.1).
//! Of the differences of pairs, with the median, this is the interval that
//! belongs to the sign test.

/// What may lie outside, on each side.
const TAIL: f64 = 0.025;
/// Terms smaller than this beside the largest change no rank.
const NEGLIGIBLE: f64 = 1e-18;

/// Ranks, from 1, of the numbers that enclose the quantile with at least
/// 95 %; `None` where even the least or greatest does not bound it.
pub(super) fn enclosing(count: usize, percent: usize) -> (Option<usize>, Option<usize>) {
    let weights = binomial(count, percent.min(100));
    let (mut below, mut low) = (0.0, 0);
    for (at, weight) in weights.iter().enumerate() {
        below += weight;
        if below > TAIL {
            break;
        }
        // P(fewer than `at + 1` below) is small enough: rank `at + 1` does as a lower bound.
        low = at + 1;
    }
    let (mut above, mut high) = (0.0, count + 1);
    for (at, weight) in weights.iter().enumerate().rev() {
        above += weight;
        if above > TAIL {
            break;
        }
        high = at;
    }
    let is_rank = |rank: &usize| (1..=count).contains(rank);
    (Some(low).filter(is_rank), Some(high).filter(is_rank))
}

/// The probabilities of 0 to `count` successes. From the likeliest on by
/// the ratio of neighbors, so that nothing is too small on the way.
#[expect(clippy::cast_precision_loss, reason = "counts of runs are below 2^53")]
fn binomial(count: usize, percent: usize) -> Vec<f64> {
    let mut weights = vec![0.0; count + 1];
    let likeliest = (count * percent / 100).min(count);
    let odds = percent as f64 / (100 - percent.min(99)) as f64;
    let ratio = |k: usize| (count - k) as f64 / (k + 1) as f64 * odds;
    let mut weight = 1.0;
    for (k, place) in weights.iter_mut().enumerate().skip(likeliest) {
        *place = weight;
        if k == count || weight < NEGLIGIBLE || percent == 100 {
            break;
        }
        weight *= ratio(k);
    }
    weight = 1.0;
    for k in (0..likeliest).rev() {
        weight /= ratio(k);
        if weight < NEGLIGIBLE || percent == 100 {
            break;
        }
        weights[k] = weight;
    }
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_those_of_the_tables() {
        // Conover's and others' tables of the sign test's interval for the median, 95 %.
        for (count, ranks) in [(6, (1, 6)), (10, (2, 9)), (20, (6, 15)), (50, (18, 33))] {
            assert_eq!(enclosing(count, 50), (Some(ranks.0), Some(ranks.1)), "{count}");
        }
        assert_eq!(enclosing(5, 50), (None, None));
        assert_eq!(enclosing(0, 50), (None, None));
    }

    /// `scipy.stats.quantile_test(x, q=0, p=p).confidence_interval(0.95)` of SciPy 1.17.1, where
    /// x is 1 to n: its bounds are ranks. `None` where it has none.
    #[test]
    fn ranks_are_those_of_scipy() {
        for (count, percent, ranks) in [
            (10, 5, (None, Some(3))),
            (10, 95, (Some(8), None)),
            (20, 5, (None, Some(4))),
            (37, 5, (None, Some(6))),
            (37, 50, (Some(13), Some(25))),
            (37, 95, (Some(32), None)),
            (100, 5, (Some(1), Some(11))),
            (100, 50, (Some(40), Some(61))),
            (100, 95, (Some(90), Some(100))),
            (256, 5, (Some(6), Some(21))),
            (256, 50, (Some(112), Some(145))),
            (256, 95, (Some(236), Some(251))),
            (1000, 5, (Some(37), Some(65))),
            (1000, 50, (Some(469), Some(532))),
            (1000, 95, (Some(936), Some(964))),
        ] {
            assert_eq!(enclosing(count, percent), ranks, "{count} {percent}");
        }
    }

    #[test]
    fn far_quantiles_want_many_numbers() {
        // 0.95^n ≤ 0.025 from 72 on.
        assert_eq!((enclosing(71, 95).1, enclosing(72, 95).1), (None, Some(72)));
        assert_eq!((enclosing(71, 5).0, enclosing(72, 5).0), (None, Some(1)));
        let (low, high) = enclosing(1_000_000, 50);
        // Normal limit: 500,000 -+ 980.
        assert_eq!((low, high), (Some(499_020), Some(500_981)));
    }

    #[test]
    fn what_is_enclosed_is_what_is_left_of_the_tails() {
        for count in [7, 12, 33, 100] {
            for percent in [5, 50, 95] {
                let weights = binomial(count, percent);
                assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-9);
                let (low, high) = enclosing(count, percent);
                let below: f64 = weights[..low.unwrap_or(0)].iter().sum();
                let above: f64 = high.map_or(0.0, |high| weights[high..].iter().sum());
                assert!(below <= TAIL && above <= TAIL, "{count} {percent}");
            }
        }
    }
}
