//! The future event list: what is pending, in the order it will happen.
//!
//! Events come out by time, then class, then the order they were
//! scheduled in (or a seeded one). The list knows nothing of what an event
//! means. It takes no snapshots: an earlier instant is reached by
//! running again.
//!
//! An event moves through up to three parts, always towards the exit:
//!
//! ```text
//!         later than base        up to base         this instant
//! wheel ───────────────────▶ front ───────────▶ due ─────────────▶
//! unordered slots           sorted, short       a queue per class
//! ```
//!
//! When the front is empty, the first slot of the wheel is sorted into it
//! if it's short, else spread over finer slots first. Sorting a handful
//! costs less than spreading them; spreading a thousand costs less than
//! sorting them (see the crate `bench`). With few events pending, the
//! front is all there is. A front that grows long hands its later half
//! back to the wheel, so no event costs more than a few dozen steps.

mod slab;
mod wheel;

use std::cell::Cell;
use std::cmp::Reverse;
use std::collections::VecDeque;

use self::slab::{NIL, Slab};
use self::wheel::Wheel;
use crate::base::random::Stream;
use crate::base::time::SimTime;

/// Number of classes.
const CLASS_COUNT: usize = 4;
/// A slot with more nodes is spread, not sorted. From 2 to 6 measured
/// much the same, 8 and more slower with thousands pending.
const SLOT_LENGTH_MAX: usize = 4;
/// While the wheel is empty, a front of this length takes every event.
const FRONT_LENGTH_ALONE: usize = 20;
/// A front of this length hands its later half back.
const FRONT_LENGTH_MAX: usize = 32;
/// Canceled events that the wheel may hold beyond the number pending.
const CANCELED_SLACK: usize = 64;

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

/// Names a scheduled event, to cancel it. It never names a later event,
/// unless it is kept while 2^32 more are scheduled.
#[derive(Copy, Clone, Eq, PartialEq, Hash, Debug)]
pub struct EventKey {
    slot: u32,
    generation: u32,
}

/// A pending event as the front holds it.
#[derive(Copy, Clone, Debug)]
struct Entry {
    time: u64,
    index: u32,
}

/// The future event list (pending event set).
#[derive(Clone, Debug)]
pub struct EventList<T: Copy> {
    // Invariant: now <= base of the wheel; events of this very instant are
    // in `due`, others up to the base in `front`, later ones in `wheel`.
    now: u64,
    // Pending events, without the canceled ones.
    len: usize,
    // Canceled events that are still in the wheel.
    canceled: usize,
    // Bit per class: its `due` is not empty.
    ready: u32,
    // Latest first, so that the earliest is popped off the end. Of equal
    // times the one scheduled last is first.
    front: Vec<Entry>,
    due: [VecDeque<u32>; CLASS_COUNT],
    wheel: Wheel,
    slab: Slab<T>,
    ties: Ties,
}

impl<T: Copy> EventList<T> {
    /// An empty list at time zero.
    pub fn new(ties: Ties) -> Self {
        Self {
            now: 0,
            len: 0,
            canceled: 0,
            ready: 0,
            front: Vec::with_capacity(FRONT_LENGTH_MAX),
            due: Default::default(),
            wheel: Wheel::new(),
            slab: Slab::new(),
            ties,
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
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a tenth of an event's time is the call")]
    pub fn schedule(&mut self, at: SimTime, class: Class, payload: T) -> EventKey {
        let time = at.0;
        assert!(
            time >= self.now,
            "invariant: no event in the past: {time} ns is before {} ns",
            self.now
        );
        let (index, generation) = self.slab.insert(time, class, payload);
        self.len += 1;
        if time > self.wheel.base() {
            if self.wheel.is_empty() && self.front.len() < FRONT_LENGTH_ALONE {
                self.wheel.raise_base(time);
                self.sort_in_last(Entry { time, index });
            } else {
                self.wheel.insert(&mut self.slab, time, index);
            }
        } else if time == self.now {
            self.make_due(class, index);
        } else {
            self.insert_front(Entry { time, index });
        }
        EventKey { slot: index, generation }
    }

    /// Takes a pending event out. `None` when it has come out or was
    /// canceled before.
    ///
    /// Constant time, averaged over calls; for an event of this very
    /// instant, in proportion to the number of those.
    pub fn cancel(&mut self, key: EventKey) -> Option<T> {
        let node = self.slab.pending(key.slot, key.generation)?;
        self.len -= 1;
        if node.time > self.wheel.base() {
            self.slab.cancel(key.slot);
            self.canceled += 1;
            if self.canceled > self.len + CANCELED_SLACK {
                self.wheel.sweep(&mut self.slab);
                self.canceled = 0;
            }
        } else {
            if node.time == self.now {
                let due = &mut self.due[node.class() as usize];
                due.retain(|index| *index != key.slot);
                if due.is_empty() {
                    self.ready &= !(1 << node.class() as u32);
                }
            } else {
                self.front.retain(|entry| entry.index != key.slot);
            }
            self.slab.release(key.slot);
        }
        Some(node.payload)
    }

    /// Takes the earliest event out and moves now to its time.
    #[inline]
    pub fn pop(&mut self) -> Option<(SimTime, Class, T)> {
        self.pop_until(SimTime::MAX)
    }

    /// As [`EventList::pop`], but `None`, and now stays, when the earliest
    /// event is later than `limit`.
    #[inline]
    pub fn pop_until(&mut self, limit: SimTime) -> Option<(SimTime, Class, T)> {
        if self.ready != 0 {
            return if self.now <= limit.0 { Some(self.pop_due()) } else { None };
        }
        if self.front.is_empty() {
            let (level, index) = self.wheel.take_first()?;
            let node = self.slab.node(index);
            if node.is_alone() {
                let time = node.time;
                return self.pop_alone(Entry { time, index }, limit);
            }
            self.refill(level, index);
        }
        let first = *self.front.last()?;
        if first.time > limit.0 {
            return None;
        }
        self.now = first.time;
        self.front.pop();
        if self.front.last().is_some_and(|entry| entry.time == first.time) {
            return Some(self.pop_tied(first));
        }
        Some(self.release(first.index))
    }

    /// Time of the earliest event.
    #[inline]
    pub fn peek_time(&mut self) -> Option<SimTime> {
        if self.ready != 0 {
            return Some(self.now());
        }
        if self.front.is_empty()
            && let Some((level, index)) = self.wheel.take_first()
        {
            self.refill(level, index);
        }
        self.front.last().map(|entry| SimTime(entry.time))
    }

    /// Moves now to `at`, which is not after the earliest event: what is
    /// scheduled from then on may come before it.
    pub fn advance(&mut self, at: SimTime) {
        if at.0 <= self.now {
            return;
        }
        let next = self.peek_time();
        assert!(next.is_none_or(|next| at <= next), "invariant: no event is left behind");
        self.now = at.0;
        // Only an empty list has its base before that.
        if at.0 > self.wheel.base() {
            self.wheel.raise_base(at.0);
        }
        while let Some(entry) = self.front.pop_if(|entry| entry.time == at.0) {
            self.make_due(self.slab.node(entry.index).class(), entry.index);
        }
    }

    /// When a pending event is due; `None` when it is not pending.
    pub fn due(&self, key: EventKey) -> Option<SimTime> {
        self.slab.pending(key.slot, key.generation).map(|node| SimTime(node.time))
    }

    /// Pops what was alone in the wheel's first slot: it needs no sorting.
    #[inline]
    fn pop_alone(&mut self, first: Entry, limit: SimTime) -> Option<(SimTime, Class, T)> {
        self.wheel.raise_base(first.time);
        if first.time > limit.0 {
            self.front.push(first);
            return None;
        }
        self.now = first.time;
        Some(self.release(first.index))
    }

    /// Pops an event of this instant, which now has come, when `first` is
    /// not the only one that was in the front.
    fn pop_tied(&mut self, first: Entry) -> (SimTime, Class, T) {
        let mut entry = first;
        loop {
            self.make_due(self.slab.node(entry.index).class(), entry.index);
            match self.front.last() {
                Some(next) if next.time == first.time => entry = *next,
                _ => return self.pop_due(),
            }
            self.front.pop();
        }
    }

    /// From now on, events of one class and instant come in an order drawn from this.
    pub fn draw_ties(&mut self, stream: Stream) {
        self.ties = Ties::Seeded(stream);
    }

    /// Pops one of the events of this instant. There is at least one.
    #[expect(clippy::cast_possible_truncation, reason = "below the length of an array")]
    fn pop_due(&mut self) -> (SimTime, Class, T) {
        let class = self.ready.trailing_zeros() as usize;
        let due = &mut self.due[class];
        let index = match &mut self.ties {
            Ties::Seeded(stream) if due.len() > 1 => {
                due.swap_remove_front(stream.below(due.len() as u64) as usize)
            }
            _ => due.pop_front(),
        };
        if due.is_empty() {
            self.ready &= !(1 << class);
        }
        self.release(index.expect("invariant: a class that is ready has an event due"))
    }

    /// Appends to the events of this instant.
    fn make_due(&mut self, class: Class, index: u32) {
        self.due[class as usize].push_back(index);
        self.ready |= 1 << class as u32;
    }

    /// Forgets a node that has left all parts and returns its event.
    #[inline]
    fn release(&mut self, index: u32) -> (SimTime, Class, T) {
        let (class, payload) = self.slab.release(index);
        self.len -= 1;
        (SimTime(self.now), class, payload)
    }

    /// Adds to the front, or, if that is long, to what it hands back.
    #[inline]
    fn insert_front(&mut self, entry: Entry) {
        if self.front.len() >= FRONT_LENGTH_MAX {
            self.hand_back();
            if entry.time > self.wheel.base() {
                return self.wheel.insert(&mut self.slab, entry.time, entry.index);
            }
        }
        self.sort_in_last(entry);
    }

    /// Adds to the front what comes after everything of the same time.
    #[inline]
    fn sort_in_last(&mut self, entry: Entry) {
        shift_in(&mut self.front, entry, |other| other.time > entry.time);
    }

    /// Adds to the front at its right place.
    #[inline]
    fn sort_in(&mut self, entry: Entry) {
        let slab = &self.slab;
        shift_in(&mut self.front, entry, |other| {
            other.time > entry.time
                || other.time == entry.time && slab.order(other.index) > slab.order(entry.index)
        });
    }

    /// Moves the later half of the front to the wheel. Equal times stay
    /// together.
    #[cold]
    fn hand_back(&mut self) {
        let cut = self.front[self.front.len() / 2].time;
        let count = self.front.partition_point(|entry| entry.time >= cut);
        let base = self.front.get(count).map_or(self.now, |entry| entry.time);
        self.wheel.lower_base(&mut self.slab, base);
        for entry in self.front.drain(..count) {
            self.wheel.insert(&mut self.slab, entry.time, entry.index);
        }
    }

    /// Fills the empty front from what was taken out of the wheel, and on
    /// from the wheel; it stays empty when all of that is canceled.
    #[inline(never)]
    fn refill(&mut self, mut level: usize, mut index: u32) {
        loop {
            // All of level 0's slot is of one instant: spreading can't help.
            while index != NIL && (level == 0 || self.front.len() < SLOT_LENGTH_MAX) {
                let node = *self.slab.node(index);
                if node.is_over() {
                    self.reclaim(index);
                } else if level == 0 {
                    self.front.push(Entry { time: node.time, index });
                } else {
                    self.sort_in(Entry { time: node.time, index });
                }
                index = node.next;
            }
            if index != NIL {
                self.spread(level, index);
            } else if level == 0 && self.front.len() > 1 {
                self.front.sort_unstable_by_key(|entry| Reverse(self.slab.order(entry.index)));
            }
            if let Some(latest) = self.front.first() {
                return self.wheel.raise_base(latest.time);
            }
            match self.wheel.take_first() {
                Some(taken) => (level, index) = taken,
                None => return,
            }
        }
    }

    /// Spreads over lower levels what is left of a slot from `index` on,
    /// and what the front got of it. Keeps in the front what happens right
    /// at the slot's start, which becomes the base.
    fn spread(&mut self, level: usize, mut index: u32) {
        let base = Wheel::slot_start(self.slab.node(index).time, level);
        self.wheel.raise_base(base);
        for entry in self.front.extract_if(.., |entry| entry.time != base) {
            self.wheel.insert(&mut self.slab, entry.time, entry.index);
        }
        while index != NIL {
            let node = *self.slab.node(index);
            if node.is_over() {
                self.reclaim(index);
            } else if node.time == base {
                self.sort_in(Entry { time: base, index });
            } else {
                self.wheel.insert(&mut self.slab, node.time, index);
            }
            index = node.next;
        }
    }

    /// Frees the node of a canceled event that has left the wheel.
    fn reclaim(&mut self, index: u32) {
        self.slab.release(index);
        self.canceled -= 1;
    }
}

/// Inserts into a front right after the last of its entries that come
/// out `later`. From the end: a front is short, and near its end longest.
#[inline]
fn shift_in(front: &mut Vec<Entry>, entry: Entry, later: impl Fn(Entry) -> bool) {
    front.push(entry);
    // Cells let pairs overlap, so that no index is checked.
    let cells = Cell::from_mut(front.as_mut_slice()).as_slice_of_cells();
    for pair in cells.windows(2).rev() {
        let other = pair[0].get();
        if later(other) {
            break;
        }
        pair[1].set(other);
        pair[0].set(entry);
    }
}

#[cfg(test)]
mod tests;
