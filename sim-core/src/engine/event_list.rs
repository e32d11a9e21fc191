//! The future event list: what is pending, in the order it will happen.
//!
//! Events come out by time, then class, then the order they were
//! scheduled in (or a seeded one). The list knows nothing of what an event
//! means. It takes no snapshots: an earlier instant is reached by
//! running again.
//!
//! It is a radix structure: a hierarchical timing wheel without rounding.
//! An event waits at the level of the highest 6-bit digit in which its
//! time differs from now, in the slot of that digit's value:
//!
//! ```text
//! now     …  03 17 42      level 0: differs in the last digit only
//! event a …  03 17 50  →   level 0, slot 50
//! event b …  03 20 01  →   level 1, slot 20
//! event c …  05 00 63  →   level 2, slot  5
//! ```
//!
//! The earliest event is in the first occupied slot of the lowest
//! occupied level. To take it, now moves to its time. Slots elsewhere stay
//! right as they are; the other events of its own slot now agree with now in
//! one more digit and move to lower levels, at most ten times in their
//! life. Lower levels are empty at that moment, and each slot is a list
//! in order of scheduling, so events of equal time never overtake.

use crate::base::random::Stream;
use crate::base::time::SimTime;

/// Bits of one digit of time: a slot for each value, and one `u64` tells
/// which slots of a level are occupied.
const DIGIT_BITS: u32 = 6;
/// Slots of one level.
const SLOT_COUNT: usize = 1 << DIGIT_BITS;
/// Digits of a 64-bit time.
const LEVEL_COUNT: usize = 11;
/// Number of classes.
const CLASS_COUNT: usize = 4;
/// No node.
const NIL: u32 = u32::MAX;

/// Rank of an event among those of one instant; lower runs first.
#[repr(u8)]
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Hash, Debug)]
pub enum Class {
    /// Something released passes to the one who waited for it.
    HandOff = 0,
    /// A process that was woken resumes.
    Wakeup = 1,
    /// A timer expires.
    Timer = 2,
    /// A process goes on after a delay of its own.
    Step = 3,
}

/// Order of simultaneous events of one class.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "a run makes one")]
pub enum Ties {
    /// The order they were scheduled in.
    Fifo,
    /// An order drawn from the stream, to explore races on purpose: the next
    /// is any of those that wait at that moment, each as likely as any
    /// other. Takes a draw only when there are at least two.
    Seeded(Stream),
}

/// Names a scheduled event, to cancel it. Never names another event later.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub struct EventKey {
    slot: u32,
    generation: u32,
}

/// A pending event, or a free place in the slab.
#[derive(Clone, Debug)]
struct Node<T> {
    time: u64,
    // Neighbors in the list it is in. In a seeded class, `prev` is the
    // position in that class instead. A free node uses `next` only.
    next: u32,
    prev: u32,
    // Bumped when the node is freed, so that keys go stale.
    generation: u32,
    class: Class,
    payload: T,
}

/// Ends of a doubly linked list of nodes. Both are `NIL` when it's empty.
#[derive(Copy, Clone, Debug)]
struct List {
    head: u32,
    tail: u32,
}

const EMPTY: List = List {
    head: NIL,
    tail: NIL,
};

/// The future event list (pending event set).
#[derive(Clone, Debug)]
pub struct EventList<T: Copy> {
    now: u64,
    len: usize,
    nodes: Vec<Node<T>>,
    // First free node.
    free: u32,
    // Bit per level: some slot of it is occupied.
    levels: u32,
    // Bit per slot, a word per level.
    occupied: [u64; LEVEL_COUNT],
    slots: Box<[[List; SLOT_COUNT]; LEVEL_COUNT]>,
    // Bit per class: events of it wait at this very instant.
    ready: u32,
    due: [List; CLASS_COUNT],
    seeded: Option<Seeded>,
}

/// Under [`Ties::Seeded`], takes the place of the lists in `due`: any
/// event may be next, so they stand in arrays.
#[derive(Clone, Debug)]
struct Seeded {
    stream: Stream,
    due: [Vec<u32>; CLASS_COUNT],
}
impl<T: Copy> EventList<T> {
    /// An empty list at time zero.
    pub fn new(ties: Ties) -> Self {
        Self {
            now: 0,
            len: 0,
            nodes: Vec::new(),
            free: NIL,
            levels: 0,
            occupied: [0; LEVEL_COUNT],
            slots: Box::new([[EMPTY; SLOT_COUNT]; LEVEL_COUNT]),
            ready: 0,
            due: [EMPTY; CLASS_COUNT],
            seeded: match ties {
                Ties::Fifo => None,
                Ties::Seeded(stream) => Some(Seeded {
                    stream,
                    due: Default::default(),
                }),
            },
        }
    }

    /// Time of the event that came out last; zero before the first.
    #[inline]
    pub fn now(&self) -> SimTime {
        SimTime(self.now)
    }

    /// Number of pending events.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// True when nothing is pending.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds an event. Panics when `at` is before [`EventList::now`].
    #[inline]
    pub fn schedule(&mut self, at: SimTime, class: Class, payload: T) -> EventKey {
        assert!(
            at.0 >= self.now,
            "invariant: no event in the past: {} ns is before {} ns",
            at.0,
            self.now
        );
        let node = self.allocate(at.0, class, payload);
        self.len += 1;
        self.insert(node, at.0, class);
        EventKey {
            slot: node,
            generation: self.nodes[node as usize].generation,
        }
    }

    /// Takes a pending event out, in constant time. `None` when it has come
    /// out or was canceled before.
    pub fn cancel(&mut self, key: EventKey) -> Option<T> {
        let node = self.nodes.get(key.slot as usize)?;
        if node.generation != key.generation {
            return None;
        }
        let (time, class) = (node.time, node.class);
        if time != self.now {
            let (level, digit) = place(time, self.now);
            if unlink(&mut self.nodes, &mut self.slots[level][digit], key.slot) {
                self.vacate(level, digit);
            }
        } else if let Some(seeded) = &mut self.seeded {
            let due = &mut seeded.due[class as usize];
            if take_unordered(&mut self.nodes, due, key.slot) {
                self.ready &= !(1 << class as u32);
            }
        } else if unlink(&mut self.nodes, &mut self.due[class as usize], key.slot) {
            self.ready &= !(1 << class as u32);
        }
        Some(self.release(key.slot).2)
    }

    /// Takes the earliest event out and moves now to its time.
    #[inline]
    pub fn pop(&mut self) -> Option<(SimTime, Class, T)> {
        self.pop_until(SimTime::MAX)
    }

    /// As [`EventList::pop`], but `None`, and nothing changes, when the
    /// earliest event is later than `limit`.
    #[inline]
    pub fn pop_until(&mut self, limit: SimTime) -> Option<(SimTime, Class, T)> {
        if self.ready != 0 {
            return if self.now <= limit.0 {
                Some(self.pop_due())
            } else {
                None
            };
        }
        let (level, digit) = self.first_slot()?;
        let list = self.slots[level][digit];
        if list.head == list.tail {
            let time = self.nodes[list.head as usize].time;
            if time > limit.0 {
                return None;
            }
            self.now = time;
            self.vacate(level, digit);
            return Some(self.release(list.head));
        }
        self.pop_crowded(level, digit, limit.0)
    }

    /// Time of the earliest event. Looks through one slot, which is short
    /// as a rule: to stop at a limit, [`EventList::pop_until`] is cheaper.
    pub fn peek_time(&mut self) -> Option<SimTime> {
        if self.ready != 0 {
            return Some(self.now());
        }
        let (level, digit) = self.first_slot()?;
        Some(SimTime(self.earliest(self.slots[level][digit]).0))
    }

    /// Where the earliest events of all that are not due yet are.
    #[inline]
    fn first_slot(&self) -> Option<(usize, usize)> {
        if self.levels == 0 {
            return None;
        }
        let level = self.levels.trailing_zeros() as usize;
        Some((level, self.occupied[level].trailing_zeros() as usize))
    }

    /// Pops from a slot with several events, which spreads the rest.
    fn pop_crowded(
        &mut self,
        level: usize,
        digit: usize,
        limit: u64,
    ) -> Option<(SimTime, Class, T)> {
        let list = self.slots[level][digit];
        let (time, first, count) = self.earliest(list);
        if time > limit {
            return None;
        }
        self.now = time;
        self.vacate(level, digit);
        let mut node = list.head;
        loop {
            let Node {
                time, next, class, ..
            } = self.nodes[node as usize];
            if count > 1 || node != first {
                self.insert(node, time, class);
            }
            if node == list.tail {
                break;
            }
            node = next;
        }
        Some(if count > 1 {
            self.pop_due()
        } else {
            self.release(first)
        })
    }

    /// The least time in a list that is not empty, the first node that has
    /// it, and how many do.
    fn earliest(&self, list: List) -> (u64, u32, u32) {
        let mut node = list.head;
        let (mut least, mut first, mut count) = (u64::MAX, NIL, 0);
        loop {
            let Node { time, next, .. } = self.nodes[node as usize];
            if time < least || count == 0 {
                (least, first, count) = (time, node, 1);
            } else if time == least {
                count += 1;
            }
            if node == list.tail {
                return (least, first, count);
            }
            node = next;
        }
    }

    /// Pops one of the events of this instant. There is at least one.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "below the length of an array"
    )]
    fn pop_due(&mut self) -> (SimTime, Class, T) {
        let class = self.ready.trailing_zeros() as usize;
        let (node, last) = if let Some(Seeded { stream, due }) = &mut self.seeded {
            let due = &mut due[class];
            let count = due.len();
            let position = if count > 1 {
                stream.below(count as u64) as usize
            } else {
                0
            };
            let node = due[position];
            (node, take_unordered(&mut self.nodes, due, node))
        } else {
            let list = &mut self.due[class];
            let node = list.head;
            list.head = self.nodes[node as usize].next;
            (node, node == list.tail)
        };
        if last {
            self.ready &= !(1 << class);
        }
        self.release(node)
    }

    /// Files a node under its time and class.
    #[inline]
    fn insert(&mut self, node: u32, time: u64, class: Class) {
        if time == self.now {
            self.insert_due(node, class);
            return;
        }
        let (level, digit) = place(time, self.now);
        let first = self.occupied[level] >> digit & 1 == 0;
        append(&mut self.nodes, &mut self.slots[level][digit], node, first);
        self.occupied[level] |= 1 << digit;
        self.levels |= 1 << level;
    }

    /// Files a node of this instant.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "nodes are counted in 32 bits"
    )]
    fn insert_due(&mut self, node: u32, class: Class) {
        if let Some(seeded) = &mut self.seeded {
            let due = &mut seeded.due[class as usize];
            self.nodes[node as usize].prev = due.len() as u32;
            due.push(node);
        } else {
            let first = self.ready >> class as u32 & 1 == 0;
            append(&mut self.nodes, &mut self.due[class as usize], node, first);
        }
        self.ready |= 1 << class as u32;
    }

    /// Marks a slot as empty.
    #[inline]
    fn vacate(&mut self, level: usize, digit: usize) {
        self.occupied[level] &= !(1 << digit);
        if self.occupied[level] == 0 {
            self.levels &= !(1 << level);
        }
    }

    /// A node with these contents, in no list yet.
    #[inline]
    fn allocate(&mut self, time: u64, class: Class, payload: T) -> u32 {
        if self.free == NIL {
            return self.grow(time, class, payload);
        }
        let index = self.free;
        let node = &mut self.nodes[index as usize];
        self.free = node.next;
        node.time = time;
        node.class = class;
        node.payload = payload;
        index
    }

    /// [`EventList::allocate`] when every node is in use.
    #[cold]
    fn grow(&mut self, time: u64, class: Class, payload: T) -> u32 {
        let index = u32::try_from(self.nodes.len()).expect("invariant: events fit in 32 bits");
        assert!(
            index != NIL,
            "invariant: at most 2^32 - 1 events are pending"
        );
        self.nodes.push(Node {
            time,
            next: NIL,
            prev: NIL,
            generation: 0,
            class,
            payload,
        });
        index
    }

    /// Frees a node that is in no list and returns what it held.
    #[inline]
    fn release(&mut self, index: u32) -> (SimTime, Class, T) {
        let node = &mut self.nodes[index as usize];
        node.generation = node.generation.wrapping_add(1);
        node.next = self.free;
        self.free = index;
        self.len -= 1;
        (SimTime(node.time), node.class, node.payload)
    }
}

/// Level and slot of a time that is later than now.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "a digit is below 64")]
fn place(time: u64, now: u64) -> (usize, usize) {
    let level = (time ^ now).ilog2() / DIGIT_BITS;
    let digit = time >> (level * DIGIT_BITS) & (SLOT_COUNT as u64 - 1);
    (level as usize, digit as usize)
}

/// Puts a node at the end of a list; `first` when the list is empty.
#[inline]
fn append<T>(nodes: &mut [Node<T>], list: &mut List, node: u32, first: bool) {
    if first {
        *list = List {
            head: node,
            tail: node,
        };
    } else {
        nodes[list.tail as usize].next = node;
        nodes[node as usize].prev = list.tail;
        list.tail = node;
    }
}

/// Takes a node out of its list; true when it was the only one.
fn unlink<T>(nodes: &mut [Node<T>], list: &mut List, node: u32) -> bool {
    let Node { next, prev, .. } = nodes[node as usize];
    let (is_head, is_tail) = (list.head == node, list.tail == node);
    if is_head {
        list.head = next;
    } else {
        nodes[prev as usize].next = next;
    }
    if is_tail {
        list.tail = prev;
    } else {
        nodes[next as usize].prev = prev;
    }
    is_head && is_tail
}

/// Takes a node out of an array that keeps no order; true when it was the
/// only one.
fn take_unordered<T>(nodes: &mut [Node<T>], due: &mut Vec<u32>, node: u32) -> bool {
    let position = nodes[node as usize].prev;
    due.swap_remove(position as usize);
    if let Some(&moved) = due.get(position as usize) {
        nodes[moved as usize].prev = position;
    }
    due.is_empty()
}

#[cfg(test)]
mod tests;
