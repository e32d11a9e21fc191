//! Answers over any stretch of a long list without walking it: each
//! level sums up eight entries of the one below.
//!
//! Whatever the merge keeps (a least value, the gravest state) is found
//! however far one zooms out: sampling would miss it.

use std::ops::Range;

/// Entries of one level that make one of the next.
const FAN: usize = 8;

/// A list with its summaries.
pub struct Pyramid<T> {
    // Invariant: levels[n + 1] has one entry per FAN of levels[n], the last level at most FAN.
    levels: Vec<Vec<T>>,
    merge: fn(T, T) -> T,
}

impl<T: Copy> Pyramid<T> {
    /// Sums up `base`; `merge` must not care for order or grouping.
    pub fn new(base: Vec<T>, merge: fn(T, T) -> T) -> Self {
        let mut levels = vec![base];
        while let Some(below) = levels.last().filter(|level| level.len() > FAN) {
            let above = below.chunks(FAN).filter_map(|chunk| chunk.iter().copied().reduce(merge));
            let above = above.collect();
            levels.push(above);
        }
        Self { levels, merge }
    }

    /// All entries of `range` merged; `None` if there are none.
    pub fn over(&self, range: Range<usize>) -> Option<T> {
        let (mut from, mut to) = (range.start, range.end.min(self.levels[0].len()));
        let mut found = None;
        for level in &self.levels {
            if from >= to {
                break;
            }
            let is_top = level.len() <= FAN;
            let inner = (from.next_multiple_of(FAN), to / FAN * FAN);
            if is_top || inner.0 >= inner.1 {
                self.take(&mut found, &level[from..to]);
                break;
            }
            self.take(&mut found, &level[from..inner.0]);
            self.take(&mut found, &level[inner.1..to]);
            (from, to) = (inner.0 / FAN, inner.1 / FAN);
        }
        found
    }

    fn take(&self, found: &mut Option<T>, entries: &[T]) {
        for entry in entries {
            *found = Some(found.map_or(*entry, |found| (self.merge)(found, *entry)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_agree_with_walking_them() {
        let values: Vec<u64> = (0..1_000).map(|n| n * 7_919 % 1_009).collect();
        let pyramid = Pyramid::new(values.clone(), u64::min);
        for from in (0..1_000).step_by(37) {
            for to in (0..1_100).step_by(53) {
                let expected = values.get(from..to.min(1_000)).and_then(|it| it.iter().min());
                assert_eq!(pyramid.over(from..to), expected.copied(), "{from}..{to}");
            }
        }
    }

    #[test]
    fn empty_list_has_nothing() {
        assert_eq!(Pyramid::<u64>::new(Vec::new(), u64::min).over(0..9), None);
    }
}
