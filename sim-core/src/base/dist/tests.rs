//! Draws are checked against the moments and percentiles that theory
//! gives, and pinned bit for bit.

use super::*;
use expect_test::expect;

const MS: u64 = 1_000_000;

/// 100,000 draws, sorted.
fn sample(shape: Shape) -> Vec<u64> {
    let distribution = Distribution::new(shape);
    distribution.validate().expect("valid");
    let mut stream = Stream::new(1, "test", "dist");
    let mut draws: Vec<u64> = (0..100_000).map(|_| distribution.draw(&mut stream).0).collect();
    draws.sort_unstable();
    draws
}

fn mean(draws: &[u64]) -> u64 {
    draws.iter().sum::<u64>() / draws.len() as u64
}

/// Checks that two numbers are within `permille` of each other.
#[track_caller]
fn check_near(actual: u64, expected: u64, permille: u64) {
    assert!(actual.abs_diff(expected) * 1_000 <= expected * permille, "{actual} vs {expected}");
}

#[test]
fn exponential_has_its_mean_median_and_tail() {
    let draws = sample(Shape::Exponential { mean: Nanos(MS) });
    check_near(mean(&draws), MS, 10);
    check_near(draws[50_000], 693_147, 10);
    check_near(draws[99_000], 4_605_170, 20);
    check_near(draws[99_900], 6_907_755, 50);
}

#[test]
fn log_normal_has_its_median_p99_and_mean() {
    let draws = sample(Shape::LogNormal { median: Nanos(MS), p99: Nanos(10 * MS) });
    check_near(draws[50_000], MS, 10);
    check_near(draws[99_000], 10 * MS, 20);
    // The 1st percentile mirrors the 99th.
    check_near(draws[1_000], MS / 10, 20);
    // sigma = ln 10 / 2.326348 = 0.98978, mean = e^(sigma^2 / 2).
    check_near(mean(&draws), 1_632_113, 20);
}

#[test]
fn uniform_covers_both_ends() {
    let draws = sample(Shape::Uniform { lo: Nanos(10), hi: Nanos(19) });
    assert_eq!((draws[0], draws[99_999]), (10, 19));
    check_near(draws.iter().filter(|&&draw| draw == 10).count() as u64, 10_000, 30);
    let everything = Shape::Uniform { lo: Nanos::ZERO, hi: Nanos::MAX };
    check_near(sample(everything)[50_000] >> 32, 1 << 31, 10);
}

#[test]
fn draws_are_pinned() {
    let mut stream = Stream::new(3, "test", "pinned");
    let shapes = [
        Shape::Uniform { lo: Nanos(5), hi: Nanos(500) },
        Shape::Exponential { mean: Nanos(MS) },
        Shape::LogNormal { median: Nanos(MS), p99: Nanos(20 * MS) },
    ];
    let draws: Vec<Vec<u64>> = shapes
        .map(Distribution::new)
        .iter()
        .map(|distribution| (0..4).map(|_| distribution.draw(&mut stream).0).collect())
        .collect();
    expect!["[[100, 321, 312, 261], [643412, 513436, 961160, 635517], [24525532, 37429159, 838781, 457748]]"].assert_eq(&format!("{draws:?}"));
}

#[test]
fn constant_takes_nothing_from_the_stream() {
    let (mut used, mut fresh) = (Stream::new(1, "a", "b"), Stream::new(1, "a", "b"));
    let constant = Distribution::new(Shape::Constant(Nanos(7)));
    assert_eq!(constant.draw(&mut used), Nanos(7));
    assert_eq!(used.next_u64(), fresh.next_u64());
}

#[test]
fn cap_cuts_long_draws() {
    let mut stream = Stream::new(1, "test", "cap");
    let shape = Shape::Exponential { mean: Nanos(MS) };
    let capped = Distribution { shape, cap: Some(Nanos(MS)) };
    let draws: Vec<Nanos> = (0..1_000).map(|_| capped.draw(&mut stream)).collect();
    assert_eq!(draws.iter().max(), Some(&Nanos(MS)));
    // e^-1 of them are cut.
    check_near(draws.iter().filter(|&&draw| draw == Nanos(MS)).count() as u64, 368, 100);
}

#[test]
fn extreme_bits_and_parameters_stay_in_range() {
    for bits in [0, 1, 2, 3, u64::MAX, u64::MAX - 1, 1 << 63] {
        for (median, p99) in [(1, 1), (1, u64::MAX), (u64::MAX, u64::MAX), (0, 0), (9, 2)] {
            assert!(log_normal(median, p99, bits) <= Distribution::LONGEST.0);
            assert!(exponential(p99, bits) <= Distribution::LONGEST.0);
        }
    }
    // 64 halvings: the longest draw there is, 44.36 means.
    assert_eq!(exponential(MS, 0), 44_361_420);
    assert_eq!(exponential(MS, u64::MAX), 0);
    assert_eq!(log_normal(MS, MS, 12_345), MS);
}

#[test]
fn tables_agree_with_published_values() {
    // log2(3), log2(10) and 2^(1/2), from any handbook.
    assert_eq!(log2(3), 6_807_362_106);
    assert!(log2(10).abs_diff(14_267_572_527) < 12_000);
    assert_eq!((LOG2[128], EXP2[128]), (2_512_394_810, 6_074_001_000));
    // The 75th, 97.5th and 99.9th percentiles of the standard normal.
    for (divisor, z) in [(1, 674_490), (10, 1_959_964), (250, 3_090_232)] {
        check_near((z_magnitude((1 << 63) / divisor) * 1_000_000) >> 28, z, 1);
    }
    // Rising, so that `lerp` never goes down.
    assert!(NORMAL_QUANTILES.is_sorted() && LOG2.is_sorted() && EXP2.is_sorted());
}

#[test]
fn exp2_undoes_log2() {
    for number in [1, 2, 3, 10, 1_000, 123_456_789, 1 << 40, (1 << 50) + 12_345] {
        let exponent = i64::try_from(log2(number)).expect("small");
        // 3 millionths in the logarithm and 1 in the power, times ln 2.
        let error = scaled_by_exp2(1, exponent).abs_diff(number);
        assert!(error * 300_000 <= number + 300_000, "{number}: {error}");
        assert_eq!(scaled_by_exp2(number, -exponent), 1);
    }
}

#[test]
fn validate_names_the_fault() {
    let fault = |shape| Distribution::new(shape).validate().expect_err("invalid").to_string();
    expect!["a uniform distribution goes from lo to hi, but lo (2 ns) exceeds hi (1 ns)"]
        .assert_eq(&fault(Shape::Uniform { lo: Nanos(2), hi: Nanos(1) }));
    expect!["the 99th percentile (1 ns) is below the median (2 ns)"]
        .assert_eq(&fault(Shape::LogNormal { median: Nanos(2), p99: Nanos(1) }));
    expect!["the median of a log-normal distribution is at least 1 ns: use a constant for zero"]
        .assert_eq(&fault(Shape::LogNormal { median: Nanos(0), p99: Nanos(1) }));
}
