//! Nice values and real-time priorities.
//!
//! Mirrors kernel/sched/core.c: `sched_prio_to_weight[]`, Linux 6.1
//! (the same since 2.6.23): each step of nice is a tenth of CPU time more
//! or less beside a competitor of nice 0. How CPUs are shared is the
//! engine's business.

use crate::engine::Share;

/// Weights of nice -20 to 19.
const PRIO_TO_WEIGHT: [u32; 40] = [
    88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916, 9548, 7620, 6100, 4904,
    3906, 3121, 2501, 1991, 1586, 1277, 1024, 820, 655, 526, 423, 335, 272, 215, 172, 137, 110, 87,
    70, 56, 45, 36, 29, 23, 18, 15,
];

/// The share of a SCHED_NORMAL task; `nice` beyond -20 to 19 counts as the nearest.
pub fn nice_share(nice: i8) -> Share {
    let index = usize::try_from(nice.clamp(-20, 19) + 20).unwrap_or(0);
    Share::Fair(PRIO_TO_WEIGHT[index])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nice_zero_is_everybodys_weight() {
        assert_eq!(nice_share(0), Share::default());
        assert_eq!(nice_share(-20), Share::Fair(88761));
        assert_eq!(nice_share(19), Share::Fair(15));
    }
}
