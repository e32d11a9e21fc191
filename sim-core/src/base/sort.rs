//! Stable sorting that weighs little.
//!
//! Each instance of the standard library's sorts takes five kilobytes of
//! WebAssembly, and there were thirty: a tenth of the page. Here the merging
//! is compiled once, over indices, and an instance only compares and swaps.
//! What is sorted already, as most of a trace is, costs one pass. Not for
//! the inner loop of a run: there the standard sorts are faster.

use std::cmp::Ordering;

/// Marks a place that has its item.
const DONE: u32 = u32::MAX;

/// Sorts by the order of the items themselves.
pub fn natural<T: Ord>(items: &mut [T]) {
    by(items, T::cmp);
}

/// Sorts by a key, taken anew for every comparison.
pub fn by_key<T, K: Ord>(items: &mut [T], mut key: impl FnMut(&T) -> K) {
    by(items, |one, other| key(one).cmp(&key(other)));
}

/// Sorts; items that compare as equal stay in their order.
pub fn by<T>(items: &mut [T], mut compare: impl FnMut(&T, &T) -> Ordering) {
    let mut order = order(items.len(), &mut |one, other| {
        compare(&items[one as usize], &items[other as usize]) == Ordering::Greater
    });
    // Follows each cycle of the permutation once.
    for first in 0..order.len() {
        let mut at = first;
        loop {
            let from = std::mem::replace(&mut order[at], DONE) as usize;
            if from == first || from == DONE as usize {
                break;
            }
            items.swap(at, from);
            at = from;
        }
    }
}

/// Whose item goes to each place; nothing if all are in order. Merges the
/// runs that are in order already, two by two.
fn order(len: usize, is_after: &mut dyn FnMut(u32, u32) -> bool) -> Vec<u32> {
    let len = u32::try_from(len).expect("invariant: nothing here has four thousand million items");
    let mut ends: Vec<u32> = (1..len).filter(|&next| is_after(next - 1, next)).collect();
    if ends.is_empty() {
        return Vec::new();
    }
    ends.push(len);
    let mut order: Vec<u32> = (0..len).collect();
    let mut merged = Vec::with_capacity(order.len());
    while ends.len() > 1 {
        let mut start = 0;
        let mut kept = Vec::with_capacity(ends.len().div_ceil(2));
        for pair in ends.chunks(2) {
            let (middle, end) = (pair[0] as usize, pair[pair.len() - 1] as usize);
            let (mut left, mut right) = (start, middle);
            while left < middle && right < end {
                let takes_right = is_after(order[left], order[right]);
                let next = if takes_right { &mut right } else { &mut left };
                merged.push(order[*next]);
                *next += 1;
            }
            merged.extend_from_slice(&order[left..middle]);
            merged.extend_from_slice(&order[right..end]);
            kept.push(pair[pair.len() - 1]);
            start = end;
        }
        std::mem::swap(&mut order, &mut merged);
        merged.clear();
        ends = kept;
    }
    order
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn equal_items_stay_in_their_order() {
        let mut items = [(2, 'a'), (1, 'b'), (2, 'c'), (1, 'd'), (0, 'e')];
        by_key(&mut items, |item| item.0);
        assert_eq!(items, [(0, 'e'), (1, 'b'), (1, 'd'), (2, 'a'), (2, 'c')]);
        natural::<u8>(&mut []);
    }

    proptest! {
        #[test]
        fn as_the_standard_library_sorts(mut items: Vec<(u8, u16)>) {
            let mut expected = items.clone();
            expected.sort_by_key(|item| item.0);
            by_key(&mut items, |item| item.0);
            prop_assert_eq!(&items, &expected);
            expected.sort_unstable();
            natural(&mut items);
            prop_assert_eq!(&items, &expected);
        }
    }
}
