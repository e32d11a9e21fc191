//! The far part of the event list: a hierarchical timing wheel that
//! doesn't round.
//!
//! A node waits at the level of the highest 6-bit digit in which its
//! time differs from `base`, in the slot of that digit's value:
//!
//! ```text
//! base    …  03 17 42      level 0: differs in the last digit only
//! event a …  03 17 50  →   level 0, slot 50
//! event b …  03 20 01  →   level 1, slot 20
//! event c …  05 00 63  →   level 2, slot  5
//! ```
//!
//! So the earliest nodes are those in the first occupied slot of the
//! lowest occupied level. A slot is an unordered stack: filing a node
//! touches no other. Order inside a slot is for the caller to make.

use super::slab::{NIL, Node, Slab};

/// Bits of one digit of time: a slot for each value, and one `u64` tells
/// which slots of a level are occupied.
const DIGIT_BITS: u32 = 6;
/// Slots of one level.
const SLOT_COUNT: usize = 1 << DIGIT_BITS;
/// Digits of a 64-bit time.
const LEVEL_COUNT: usize = 11;

/// The wheel's slots. The nodes themselves are in a [`Slab`].
#[derive(Clone, Debug)]
pub(super) struct Wheel {
    // Invariant: every node filed here is later.
    base: u64,
    // Bit per level: some slot of it is occupied.
    levels: u32,
    // Bit per slot, a word per level.
    occupied: [u64; LEVEL_COUNT],
    // First node of each slot, or `NIL`.
    slots: Box<[u32; SLOT_COUNT * LEVEL_COUNT]>,
}

impl Wheel {
    pub(super) fn new() -> Self {
        Self {
            base: 0,
            levels: 0,
            occupied: [0; LEVEL_COUNT],
            slots: Box::new([NIL; SLOT_COUNT * LEVEL_COUNT]),
        }
    }

    /// The time that every node here is later than.
    #[inline]
    pub(super) fn base(&self) -> u64 {
        self.base
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.levels == 0
    }

    /// Moves the base forward, to a time that every node is later than
    /// and that lies in the slot taken last, or anywhere in an empty wheel.
    /// No node has to move: all others differ from the new base in the
    /// same digit as from the old one.
    #[inline]
    pub(super) fn raise_base(&mut self, base: u64) {
        debug_assert!(base >= self.base, "invariant: the base goes forward");
        self.base = base;
    }

    /// Moves the base back, to a time from which nothing is pending before
    /// the old base that the caller doesn't file here next.
    ///
    /// Nodes below the level at which the two bases differ now differ
    /// from the base at that level: they all go to one slot there.
    pub(super) fn lower_base<T: Copy>(&mut self, slab: &mut Slab<T>, base: u64) {
        let (level, _) = place(self.base, base);
        self.base = base;
        for lower in 0..level {
            while self.occupied[lower] != 0 {
                let digit = self.occupied[lower].trailing_zeros() as usize;
                let mut index = self.take(lower, digit);
                while index != NIL {
                    let Node { time, next, .. } = *slab.node(index);
                    self.insert(slab, time, index);
                    index = next;
                }
            }
        }
    }

    /// Files a node, the time of which is after the base.
    #[inline]
    pub(super) fn insert<T: Copy>(&mut self, slab: &mut Slab<T>, time: u64, index: u32) {
        let (level, digit) = place(time, self.base);
        let slot = &mut self.slots[level * SLOT_COUNT + digit];
        slab.node_mut(index).next = *slot;
        *slot = index;
        self.occupied[level] |= 1 << digit;
        self.levels |= 1 << level;
    }

    /// Empties the slot with the earliest nodes: its level and its first
    /// node. The nodes are linked by `next`.
    #[inline]
    pub(super) fn take_first(&mut self) -> Option<(usize, u32)> {
        if self.is_empty() {
            return None;
        }
        let level = self.levels.trailing_zeros() as usize;
        let digit = self.occupied[level].trailing_zeros() as usize;
        Some((level, self.take(level, digit)))
    }

    /// The first instant of the slot that a time is in, at a level.
    pub(super) fn slot_start(time: u64, level: usize) -> u64 {
        let shift = level * DIGIT_BITS as usize;
        time >> shift << shift
    }

    /// Takes canceled nodes out of all slots and frees them.
    pub(super) fn sweep<T: Copy>(&mut self, slab: &mut Slab<T>) {
        for level in 0..LEVEL_COUNT {
            let mut left = self.occupied[level];
            while left != 0 {
                let digit = left.trailing_zeros() as usize;
                left &= left - 1;
                let mut index = self.take(level, digit);
                while index != NIL {
                    let node = *slab.node(index);
                    if node.is_over() {
                        slab.release(index);
                    } else {
                        self.insert(slab, node.time, index);
                    }
                    index = node.next;
                }
            }
        }
    }

    /// Empties a slot and returns its first node.
    #[inline]
    fn take(&mut self, level: usize, digit: usize) -> u32 {
        self.occupied[level] &= !(1 << digit);
        if self.occupied[level] == 0 {
            self.levels &= !(1 << level);
        }
        std::mem::replace(&mut self.slots[level * SLOT_COUNT + digit], NIL)
    }
}

/// Level and slot of a time that is not the base.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "a digit is below 64")]
fn place(time: u64, base: u64) -> (usize, usize) {
    // The lowest bit spares the test for zero; it never is the highest of two times that differ, but in level 0.
    let level = (time ^ base | 1).ilog2() / DIGIT_BITS;
    let digit = time >> (level * DIGIT_BITS) & (SLOT_COUNT as u64 - 1);
    (level as usize, digit as usize)
}
