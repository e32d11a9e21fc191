//! Delta-debugging: the smallest part of a whole that still does what the
//! whole does.
//!
//! What the parts are, and what is tried on them, is the caller's; the
//! order of attempts depends on the answers alone.

/// A subset of `parts`, in their order, that still `holds` and of which no
/// single part can be left out (Zeller and Hildebrandt, "Simplifying and
/// isolating failure-inducing input", IEEE TSE 28, 2002: ddmin). All of
/// `parts` is taken to hold. Larger pieces are tried first.
pub fn minimal<T: Clone>(parts: Vec<T>, mut holds: impl FnMut(&[T]) -> bool) -> Vec<T> {
    let mut left = parts;
    let mut pieces = 2;
    while !left.is_empty() {
        let pieces_now = pieces.min(left.len());
        let size = left.len().div_ceil(pieces_now);
        let without = |from: usize| {
            let to = (from + size).min(left.len());
            [&left[..from], &left[to..]].concat()
        };
        let smaller = (0..left.len()).step_by(size).map(without).find(|rest| holds(rest));
        match smaller {
            Some(rest) => {
                left = rest;
                pieces = pieces_now.saturating_sub(1).max(2);
            }
            None if size == 1 => break,
            None => pieces = pieces_now * 2,
        }
    }
    left
}

/// The smallest number from `least` to `from` that `holds`, if smaller
/// ones hold as long as larger ones do; else one that can't be halved
/// further towards `least`. `from` is taken to hold.
pub fn smallest(least: u64, from: u64, mut holds: impl FnMut(u64) -> bool) -> u64 {
    if from <= least || holds(least) {
        return least.min(from);
    }
    let (mut fails, mut good) = (least, from);
    while good - fails > 1 {
        let middle = fails + (good - fails) / 2;
        if holds(middle) {
            good = middle;
        } else {
            fails = middle;
        }
    }
    good
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_is_left() {
        for needed in [vec![], vec![3], vec![0, 99], vec![17, 18, 60], (0..100).collect()] {
            let holds = |left: &[u32]| needed.iter().all(|part| left.contains(part));
            assert_eq!(minimal((0..100).collect(), holds), needed);
        }
    }

    #[test]
    fn one_part_less_never_holds() {
        // At least four of the multiples of seven: many minima.
        let holds = |left: &[u32]| left.iter().filter(|part| *part % 7 == 0).count() >= 4;
        let left = minimal((0..100).collect(), holds);
        assert_eq!(left.len(), 4);
        assert!(left.iter().all(|part| part % 7 == 0));
    }

    #[test]
    fn numbers_go_to_the_edge() {
        assert_eq!(smallest(0, 1000, |number| number >= 421), 421);
        assert_eq!(smallest(1, 1000, |_| true), 1);
        assert_eq!(smallest(5, 5, |_| true), 5);
        assert_eq!(smallest(0, 1000, |number| number == 1000), 1000);
    }
}
