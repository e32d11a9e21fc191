//! An event list that writes down what is asked of it, so that a
//! benchmark can ask the same of others. Stands in for the plain one with
//! the feature `op-log`, which no shell turns on.

use super::event_list::{Class, EventKey, EventList, Ties};
use crate::base::{SimTime, Stream};

/// One call.
#[derive(Copy, Clone, Debug)]
pub enum Op {
    /// An event was scheduled.
    Schedule {
        /// Its time.
        at: SimTime,
        /// Its rank.
        class: Class,
        /// Its name.
        key: EventKey,
    },
    /// A pending event was canceled.
    Cancel {
        /// Its name.
        key: EventKey,
    },
    /// The earliest event came out.
    Pop,
}

/// The list and the log of its calls.
pub(super) struct Logged<T: Copy> {
    list: EventList<T>,
    pub(super) ops: Vec<Op>,
}

impl<T: Copy> Logged<T> {
    pub(super) fn new(ties: Ties) -> Self {
        Self { list: EventList::new(ties), ops: Vec::new() }
    }

    pub(super) fn now(&self) -> SimTime {
        self.list.now()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(super) fn peek_time(&mut self) -> Option<SimTime> {
        self.list.peek_time()
    }

    pub(super) fn schedule(&mut self, at: SimTime, class: Class, payload: T) -> EventKey {
        let key = self.list.schedule(at, class, payload);
        self.ops.push(Op::Schedule { at, class, key });
        key
    }

    pub(super) fn cancel(&mut self, key: EventKey) -> Option<T> {
        let canceled = self.list.cancel(key)?;
        self.ops.push(Op::Cancel { key });
        Some(canceled)
    }

    /// Not logged: it changes what is now, and no event.
    pub(super) fn advance(&mut self, at: SimTime) {
        self.list.advance(at);
    }

    pub(super) fn draw_ties(&mut self, stream: Stream) {
        self.list.draw_ties(stream);
    }

    pub(super) fn due(&self, key: EventKey) -> Option<SimTime> {
        self.list.due(key)
    }

    pub(super) fn pop_until(&mut self, limit: SimTime) -> Option<(SimTime, Class, T)> {
        let popped = self.list.pop_until(limit)?;
        self.ops.push(Op::Pop);
        Some(popped)
    }
}
