//! Every interval beside an independent implementation, twenty drawn cases each: SciPy 1.17.1 and
//! statsmodels 0.15.0 (which agree on Wilson's), and Newcombe's limits for pairs from his definition
//! with the limits as roots of the score's quadratic.

use super::bootstrap::{Mean, mean};
use super::paired_shares::PairedShares;
use super::proportion::Proportion;
use super::ranks::enclosing;

/// Successes, trials; `proportion_confint(k, n, 0.05, "wilson")`, and `binomtest` with the same.
const WILSON: [(u64, u64, f64, f64); 20] = [
    (745_537, 1_420_832, 0.523_897_413_335, 0.525_539_684_147),
    (115, 1238, 0.077_957_232_663, 0.110_344_951_291),
    (25, 26, 0.811_072_210_970, 0.993_178_015_006),
    (1444, 1_474_001, 0.000_930_426_939, 0.001_031_467_199),
    (0, 45, 0.000_000_000_000, 0.078_651_598_733),
    (148_558, 831_837, 0.177_768_689_595, 0.179_414_832_361),
    (57, 167, 0.273_696_091_989, 0.416_074_761_257),
    (0, 4, 0.000_000_000_000, 0.489_890_836_455),
    (0, 2, 0.000_000_000_000, 0.657_619_772_493),
    (13, 1313, 0.005_795_262_037, 0.016_866_128_688),
    (23, 28, 0.644_085_752_107, 0.921_214_980_544),
    (1, 20, 0.008_881_448_801, 0.236_131_193_447),
    (378, 1_220_289, 0.000_280_073_914, 0.000_342_597_491),
    (19, 1428, 0.008_534_339_946, 0.020_687_791_152),
    (38, 777, 0.035_836_112_926, 0.066_414_424_515),
    (1, 115, 0.001_536_648_906, 0.047_616_726_344),
    (12_908, 1_610_146, 0.007_880_091_851, 0.008_155_584_329),
    (6, 17, 0.173_097_203_972, 0.586_996_365_148),
    (6, 19, 0.153_643_790_878, 0.539_895_923_247),
    (75, 1469, 0.040_924_115_852, 0.063_528_035_396),
];

/// Size, percent; `quantile_test(1..n, q=0, p).confidence_interval(0.95)`.
const RANKS: [(usize, usize, Option<usize>, Option<usize>); 20] = [
    (32, 1, None, Some(3)),
    (4901, 25, Some(1166), Some(1286)),
    (18, 75, Some(10), Some(18)),
    (2259, 99, Some(2227), Some(2246)),
    (4, 99, Some(3), None),
    (229, 1, None, Some(7)),
    (1446, 5, Some(57), Some(90)),
    (685, 5, Some(24), Some(47)),
    (223, 10, Some(14), Some(32)),
    (2546, 99, Some(2510), Some(2531)),
    (14, 75, Some(7), Some(14)),
    (2772, 95, Some(2610), Some(2656)),
    (4794, 1, Some(35), Some(63)),
    (287, 95, Some(265), Some(280)),
    (159, 1, None, Some(5)),
    (37, 99, Some(35), None),
    (19, 75, Some(10), Some(19)),
    (21, 1, None, Some(2)),
    (240, 5, Some(6), Some(20)),
    (562, 25, Some(121), Some(162)),
];

/// Both, only the first, only the second, neither; bounds of second minus first.
const PAIRS: [(u64, u64, u64, u64, f64, f64); 20] = [
    (3, 18, 10, 0, -0.536_140_078_327, 0.074_121_057_239),
    (1, 0, 3, 10, -0.062_810_185_520, 0.473_944_569_980),
    (0, 0, 18, 5, 0.535_338_644_939, 0.903_360_219_734),
    (46, 209, 97, 93, -0.323_050_457_390, -0.176_802_411_521),
    (2, 4, 25, 3, 0.337_311_492_759, 0.788_447_136_854),
    (3, 1, 12, 8, 0.182_695_221_977, 0.649_847_358_811),
    (35, 76, 16, 23, -0.499_356_987_757, -0.286_012_215_103),
    (6, 3, 1, 17, -0.230_542_787_722, 0.085_507_887_252),
    (343, 597, 653, 106, -0.007_814_423_258, 0.073_607_611_633),
    (0, 15, 2, 14, -0.604_518_133_977, -0.176_008_879_633),
    (0, 3, 0, 5, -0.694_257_605_397, 0.027_440_569_959),
    (1, 5, 1, 0, -0.864_557_896_039, 0.086_780_352_666),
    (103, 357, 149, 14, -0.397_602_578_015, -0.266_475_181_392),
    (475, 758, 16, 86, -0.582_949_764_656, -0.527_041_463_897),
    (76, 289, 751, 1015, 0.188_373_662_739, 0.244_742_496_627),
    (197, 842, 1381, 12, 0.184_359_094_570, 0.258_229_033_540),
    (307, 219, 696, 525, 0.241_207_865_844, 0.304_044_096_440),
    (903, 468, 1175, 23, 0.245_860_505_318, 0.303_903_027_734),
    (341, 1817, 7, 0, -0.851_203_160_742, -0.819_165_954_562),
    (147, 311, 1754, 202, 0.568_782_594_117, 0.625_070_847_614),
];

/// Shape, size and seed of a sample; its mean; `bootstrap(…, method="percentile")` with 40,000 resamples.
const MEANS: [(u64, usize, u64, i64, i64, i64); 20] = [
    (0, 18, 1_038_863_558, 37_989, 25_659, 51_401),
    (1, 42, 334_570_319, 35_543, 27_146, 44_263),
    (2, 39, 1_050_695_830, 50_769, 36_923, 64_615),
    (3, 29, 50_711_456, 3448, -1207, 8207),
    (0, 8, 1_240_517_063, 39_336, 24_900, 52_689),
    (1, 35, 1_456_467_307, 33_707, 24_832, 43_209),
    (2, 10, 1_150_952_153, 45_000, 18_000, 72_000),
    (3, 33, 1_554_845_207, 939, -3698, 5697),
    (0, 59, 1_285_997_668, 58_838, 52_020, 65_555),
    (1, 21, 1_234_674_015, 32_439, 19_397, 46_838),
    (2, 56, 620_257_914, 45_000, 33_750, 56_250),
    (3, 21, 336_427_246, 7190, 1429, 12_952),
    (0, 46, 1_889_233_884, 57_602, 49_843, 65_250),
    (1, 16, 1_695_877_517, 52_308, 36_661, 67_529),
    (2, 24, 1_162_242_884, 45_000, 26_250, 63_750),
    (3, 50, 927_901_197, 460, -3720, 4760),
    (0, 43, 140_678_304, 50_130, 41_143, 59_074),
    (1, 32, 1_251_839_772, 36_003, 26_161, 46_067),
    (2, 34, 992_548_332, 37_059, 21_176, 52_941),
    (3, 51, 1_012_714_555, 10_157, 6471, 13_824),
];

/// Bounds have twelve decimals above.
fn is_near(one: f64, other: f64) -> bool {
    (one - other).abs() < 1e-11
}

#[test]
fn shares_lie_where_scipy_and_statsmodels_say() {
    for (count, of, low, high) in WILSON {
        let found = Proportion { count, of }.wilson();
        assert!(is_near(found.low, low) && is_near(found.high, high), "{count} of {of}: {found:?}");
    }
}

#[test]
fn quantiles_lie_between_the_ranks_of_scipy() {
    for (count, percent, low, high) in RANKS {
        assert_eq!(enclosing(count, percent), (low, high), "{percent} % of {count}");
    }
}

#[test]
fn differences_in_pairs_lie_where_the_definition_says() {
    for (both, only_first, only_second, neither, low, high) in PAIRS {
        let pairs = PairedShares { both, only_first, only_second, neither };
        let found = pairs.difference().expect("pairs");
        assert!(is_near(found.low, low) && is_near(found.high, high), "{pairs:?}: {found:?}");
    }
}

/// With 1,000 resamples an end has a standard error of about 3 % of the width.
#[test]
fn means_lie_where_scipy_says() {
    for (shape, size, seed, center, low, high) in MEANS {
        let sample = drawn(shape, size, seed);
        let Mean { mean, bounds } = mean(&sample).expect("numbers");
        let (found_low, found_high) = bounds.expect("enough");
        let slack = (high - low) * 13 / 100;
        assert!((mean - center).abs() <= 1, "{seed}: {mean}");
        assert!((found_low - low).abs() <= slack, "{seed}: {found_low}, not {low}");
        assert!((found_high - high).abs() <= slack, "{seed}: {found_high}, not {high}");
    }
}

/// Even, skewed, of two values, on both sides of zero. The generator is the C standard's example.
fn drawn(shape: u64, size: usize, seed: u64) -> Vec<i64> {
    let mut state = seed;
    let draw = |_| {
        state = (state * 1_103_515_245 + 12_345) % (1 << 31);
        let number = i64::try_from(state >> 8).expect("small");
        match shape {
            0 => number % 100_000,
            1 => (number % 317).pow(2),
            2 => number % 2 * 90_000,
            _ => number % 50 * 1000 - 20_000,
        }
    };
    (0..size).map(draw).collect()
}
