//! Samples of a number over seeds, and differences of pairs.

use super::ranks::enclosing;
use crate::base::sort;

/// A number over several seeds, sorted.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct Sample<T> {
    sorted: Vec<T>,
}

impl<T: Copy + Ord> Sample<T> {
    /// Of these.
    pub fn new(numbers: impl IntoIterator<Item = T>) -> Self {
        let mut sorted: Vec<_> = numbers.into_iter().collect();
        sort::natural(&mut sorted);
        Self { sorted }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// The smallest number that at least so many percent do not exceed
    /// (nearest rank); `None` of none.
    pub fn percentile(&self, percent: usize) -> Option<T> {
        let rank = (self.sorted.len() * percent.min(100)).div_ceil(100);
        self.sorted.get(rank.saturating_sub(1)).copied()
    }

    /// Bounds of the quantile with at least 95 %, whatever the
    /// distribution (`ranks`); `None` where there are too few numbers.
    pub fn bounds(&self, percent: usize) -> (Option<T>, Option<T>) {
        let (low, high) = enclosing(self.sorted.len(), percent);
        let at = |rank: Option<usize>| self.sorted.get(rank?.checked_sub(1)?).copied();
        (at(low), at(high))
    }

    /// In order.
    pub fn sorted(&self) -> &[T] {
        &self.sorted
    }
}

/// Two policies under the same seeds.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct Paired {
    /// Second minus first, of the seeds for which both have a number.
    pub differences: Sample<i64>,
    /// Seeds for which the second is smaller.
    pub smaller: u64,
    /// Equal.
    pub equal: u64,
    /// Larger.
    pub larger: u64,
    /// Seeds for which one of them has no number.
    pub unpaired: u64,
}

impl Paired {
    /// Of numbers in the order of seeds.
    pub fn new(pairs: impl IntoIterator<Item = (Option<u64>, Option<u64>)>) -> Self {
        let (mut smaller, mut equal, mut larger, mut unpaired) = (0, 0, 0, 0);
        let mut differences = Vec::new();
        for pair in pairs {
            let (Some(first), Some(second)) = pair else {
                // Neither has it: as like as can be.
                if pair != (None, None) {
                    unpaired += 1;
                }
                continue;
            };
            match second.cmp(&first) {
                std::cmp::Ordering::Less => smaller += 1,
                std::cmp::Ordering::Equal => equal += 1,
                std::cmp::Ordering::Greater => larger += 1,
            }
            let distance = i64::try_from(first.abs_diff(second)).unwrap_or(i64::MAX);
            differences.push(if second < first { -distance } else { distance });
        }
        Self { differences: Sample::new(differences), smaller, equal, larger, unpaired }
    }
}
