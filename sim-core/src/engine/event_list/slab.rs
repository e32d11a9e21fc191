//! Where pending events live: one growing array with a free list.
//!
//! A node keeps its place while its event is pending, so that a key can
//! name it. Which list a node is in, and in what order, is for others.

use super::Class;

/// No node.
pub(super) const NIL: u32 = u32::MAX;
/// Rank of a node whose event is over or canceled; beyond every other.
const OVER: u64 = u64::MAX;
/// Bits of a rank below the sequence number: they hold the class.
const CLASS_BITS: u32 = 2;

/// A pending event, one canceled and not yet reclaimed, or a free place.
#[derive(Copy, Clone, Debug)]
pub(super) struct Node<T> {
    /// When it happens, in nanoseconds.
    pub(super) time: u64,
    /// Sequence number and class, or [`OVER`]. Of two events the one
    /// scheduled first has the lower rank.
    rank: u64,
    /// The next node of the wheel's slot, or of the free list.
    pub(super) next: u32,
    pub(super) payload: T,
}

impl<T> Node<T> {
    pub(super) fn is_over(&self) -> bool {
        self.rank == OVER
    }

    /// Whether it is pending, and the last of its list.
    pub(super) fn is_alone(&self) -> bool {
        self.next == NIL && !self.is_over()
    }

    pub(super) fn class(&self) -> Class {
        match self.rank & ((1 << CLASS_BITS) - 1) {
            0 => Class::HandOff,
            1 => Class::Wakeup,
            2 => Class::Timer,
            _ => Class::Step,
        }
    }
}

/// All nodes.
#[derive(Clone, Debug)]
pub(super) struct Slab<T> {
    nodes: Vec<Node<T>>,
    // First free node.
    free: u32,
    // Sequence number of the next event.
    sequence: u64,
}

impl<T: Copy> Slab<T> {
    pub(super) const fn new() -> Self {
        Self { nodes: Vec::new(), free: NIL, sequence: 0 }
    }

    /// The node at an index that some list holds.
    #[inline]
    pub(super) fn node(&self, index: u32) -> &Node<T> {
        &self.nodes[index as usize]
    }

    #[inline]
    pub(super) fn node_mut(&mut self, index: u32) -> &mut Node<T> {
        &mut self.nodes[index as usize]
    }

    /// Stores an event; the caller files the node in a list. Hands on where
    /// it is, and the generation that tells this use of the node apart.
    #[inline]
    pub(super) fn insert(&mut self, time: u64, class: Class, payload: T) -> (u32, u32) {
        let sequence = self.sequence;
        self.sequence += 1;
        let rank = sequence << CLASS_BITS | class as u64;
        let index = self.free;
        if index == NIL {
            let node = Node { time, rank, next: NIL, payload };
            return (self.grow(node), low_half(sequence));
        }
        // Field by field: a node put together elsewhere and copied waits for its own parts.
        let place = self.node_mut(index);
        place.time = time;
        place.rank = rank;
        place.payload = payload;
        let next = std::mem::replace(&mut place.next, NIL);
        self.free = next;
        (index, low_half(sequence))
    }

    /// [`Slab::insert`] when every node is in use.
    #[cold]
    fn grow(&mut self, node: Node<T>) -> u32 {
        let index = u32::try_from(self.nodes.len()).expect("invariant: nodes fit in 32 bits");
        assert!(index != NIL, "invariant: at most 2^32 - 1 events are pending");
        self.nodes.push(node);
        index
    }

    /// Tells the uses of one node apart: the low half of the sequence
    /// number, which comes around after 2^32 events.
    #[inline]
    fn generation(&self, index: u32) -> u32 {
        low_half(self.node(index).rank >> CLASS_BITS)
    }

    /// The pending event that a key names, if it still is.
    pub(super) fn pending(&self, index: u32, generation: u32) -> Option<Node<T>> {
        let node = self.nodes.get(index as usize)?;
        let same = !node.is_over() && self.generation(index) == generation;
        same.then_some(*node)
    }

    /// Marks an event as canceled; its node stays in its list.
    pub(super) fn cancel(&mut self, index: u32) {
        self.node_mut(index).rank = OVER;
    }

    /// Frees a node that is in no list any more.
    #[inline]
    pub(super) fn release(&mut self, index: u32) -> (Class, T) {
        let free = self.free;
        let node = self.node_mut(index);
        let event = (node.class(), node.payload);
        node.rank = OVER;
        node.next = free;
        self.free = index;
        event
    }

    /// Orders events by when they were scheduled.
    #[inline]
    pub(super) fn order(&self, index: u32) -> u64 {
        self.node(index).rank
    }

    /// Places ever made: the most events that were stored at once.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.nodes.len()
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the low half is meant")]
const fn low_half(sequence: u64) -> u32 {
    sequence as u32
}
