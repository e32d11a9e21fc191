//! The far part of the event list: a hierarchical timing wheel that
//! doesn't round.
//!
//! A node waits at the level of the highest digit in which its time differs
//! from `base`, in the slot of that digit's value. Digits have 12 bits, the
//! last one has 11:
//!
//! ```text
//! base    …  0003 0917 0042      level 0: differs in the last digit only
//! event a …  0003 0917 0950  →   level 0, slot  950
//! event b …  0003 2020 0001  →   level 1, slot 2020
//! event c …  0005 0000 0963  →   level 2, slot    5
//! ```
//!
//! So the earliest nodes are those in the first occupied slot of the
//! lowest occupied level. A slot is an unordered stack: filing a node
//! touches no other. Order inside a slot is for the caller to make.
//!
//! Level 1 is why digits are so long: its slots are 2 µs wide, and its 8.4 ms
//! hold most of what a model schedules. With some hundred events pending most
//! of its slots have one, which goes straight to the exit. Shorter digits
//! have each event filed once more on its way; wider slots have several,
//! which must be sorted, and nobody can guess how many (see the crate `bench`).

use super::slab::{NIL, Node, Slab};

/// Bits of one digit of time.
const DIGIT_BITS: u32 = 12;
/// Bits that the last digit lacks.
const LAST_LACKS: u32 = 1;
/// Slots of one level: one for each value of the digit.
const SLOT_COUNT: usize = 1 << DIGIT_BITS;
/// Digits of a 64-bit time.
const LEVEL_COUNT: usize = 6;
/// Words of a level, with a bit for each slot; one more word has a bit for each of them.
const WORD_COUNT: usize = SLOT_COUNT / 64;

/// The wheel's slots. The nodes themselves are in a [`Slab`].
#[derive(Clone, Debug)]
pub(super) struct Wheel {
    // Invariant: every node filed here is later.
    base: u64,
    // Bit per level: some slot of it is occupied.
    levels: u32,
    // Bit per word below, a word per level.
    occupied_words: [u64; LEVEL_COUNT],
    // Bit per slot.
    occupied: [u64; WORD_COUNT * LEVEL_COUNT],
    // First node of each slot, or `NIL`.
    slots: Box<[u32; SLOT_COUNT * LEVEL_COUNT]>,
}

impl Wheel {
    pub(super) fn new() -> Self {
        Self {
            base: 0,
            levels: 0,
            occupied_words: [0; LEVEL_COUNT],
            occupied: [0; WORD_COUNT * LEVEL_COUNT],
            slots: vec![NIL; SLOT_COUNT * LEVEL_COUNT]
                .try_into()
                .expect("invariant: as long as said"),
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
        let level = place(self.base, base) / SLOT_COUNT;
        self.base = base;
        for lower in 0..level {
            while self.levels & 1 << lower != 0 {
                let mut index = self.take_first_of(lower);
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
        let slot = place(time, self.base);
        let first = &mut self.slots[slot];
        slab.node_mut(index).next = *first;
        *first = index;
        let (level, word) = (slot / SLOT_COUNT, slot / 64);
        self.occupied[word] |= 1 << (slot % 64);
        self.occupied_words[level] |= 1 << (word % WORD_COUNT);
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
        Some((level, self.take_first_of(level)))
    }

    /// The first instant of the slot that a time is in, at a level.
    pub(super) fn slot_start(time: u64, level: usize) -> u64 {
        let shift = (level * DIGIT_BITS as usize).saturating_sub(LAST_LACKS as usize);
        time >> shift << shift
    }

    /// Takes canceled nodes out of all slots and frees them.
    pub(super) fn sweep<T: Copy>(&mut self, slab: &mut Slab<T>) {
        let mut kept = Vec::new();
        while let Some((_, mut index)) = self.take_first() {
            while index != NIL {
                let node = *slab.node(index);
                if node.is_over() {
                    slab.release(index);
                } else {
                    kept.push((node.time, index));
                }
                index = node.next;
            }
        }
        for (time, index) in kept {
            self.insert(slab, time, index);
        }
    }

    /// Empties the first slot of an occupied level and returns its first node.
    #[inline]
    fn take_first_of(&mut self, level: usize) -> u32 {
        let word = level * WORD_COUNT + self.occupied_words[level].trailing_zeros() as usize;
        let slot = word * 64 + self.occupied[word].trailing_zeros() as usize;
        // Clears the lowest bit that is set.
        self.occupied[word] &= self.occupied[word] - 1;
        if self.occupied[word] == 0 {
            self.occupied_words[level] &= self.occupied_words[level] - 1;
            if self.occupied_words[level] == 0 {
                self.levels &= !(1 << level);
            }
        }
        std::mem::replace(&mut self.slots[slot], NIL)
    }
}

/// The slot, counted from those of level 0 on, of a time that is not the base.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "a digit is below 4096")]
fn place(time: u64, base: u64) -> usize {
    // The lowest bit spares the test for zero; it never is the highest of two times that differ, but in level 0.
    let level = ((time ^ base | 1).ilog2() + LAST_LACKS) / DIGIT_BITS;
    let shift = (level * DIGIT_BITS).saturating_sub(LAST_LACKS);
    // In the last digit the bit too many is the base's own: no two nodes differ in it.
    let digit = time >> shift & (SLOT_COUNT as u64 - 1);
    level as usize * SLOT_COUNT + digit as usize
}
