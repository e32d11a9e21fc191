//! Typed ids, and the table that one kind of id indexes.
//!
//! An id is a 0-based position in the [`IdVec`] that owns its things.
//! Ids are never reused inside a run, so there are no generations here;
//! the pid a person reads is a separate number.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

/// A typed index: what [`IdVec`] asks of its keys.
pub trait Id: Copy {
    /// The 0-based position.
    fn index(self) -> usize;
    /// The id at a 0-based position. Panics past `u32::MAX`.
    fn from_index(index: usize) -> Self;
}

/// Declares id types, each a `u32` newtype with `index` and `from_index`.
macro_rules! id {
    ($($(#[$doc:meta])* $name:ident)+) => {$(
        $(#[$doc])*
        #[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Hash, Debug)]
        pub struct $name(pub u32);

        impl $name {
            /// The 0-based position.
            #[inline]
            pub const fn index(self) -> usize {
                self.0 as usize
            }

            /// The id at a 0-based position. Panics past `u32::MAX`.
            #[inline]
            pub fn from_index(index: usize) -> Self {
                Self(u32::try_from(index).expect("invariant: an id fits in 32 bits"))
            }
        }

        impl $crate::base::ids::Id for $name {
            #[inline]
            fn index(self) -> usize {
                Self::index(self)
            }

            #[inline]
            fn from_index(index: usize) -> Self {
                Self::from_index(index)
            }
        }
    )+};
}

id! {
    /// A task: process thread, kernel thread or device worker.
    TaskId
    /// An address space (`mm_struct`).
    MmId
    /// A device that mirrors address spaces.
    DeviceId
    /// A memory zone.
    ZoneId
    /// A processor.
    CpuId
    /// A lock, of any kind.
    LockId
    /// A registered MMU notifier.
    NotifierId
    /// A range of addresses: a VMA, or what a notifier covers.
    RangeId
    /// The sizes of a victim, as a log line prints them.
    ReportId
    /// An interned call stack.
    StackId
    /// A fence that a device signals.
    FenceId
    /// A wait queue.
    QueueId
    /// A control group with a memory limit.
    CgroupId
    /// Anonymous pages that processes share since a fork.
    ShareId
    /// A file that is mapped, or a segment of shared memory.
    FileId
    /// An event that tasks signal and wait for.
    CompletionId
}

/// A growing table indexed by one kind of id; nothing is ever removed.
pub struct IdVec<I, T> {
    items: Vec<T>,
    ids: PhantomData<fn(I) -> I>,
}

impl<I: Id, T> IdVec<I, T> {
    /// An empty table.
    pub const fn new() -> Self {
        Self { items: Vec::new(), ids: PhantomData }
    }

    /// Appends an item and returns the id it is found under.
    pub fn push(&mut self, item: T) -> I {
        let id = I::from_index(self.items.len());
        self.items.push(item);
        id
    }

    /// The item under `id`, if there is one.
    pub fn get(&self, id: I) -> Option<&T> {
        self.items.get(id.index())
    }

    /// The item under `id`, if there is one, to change in place.
    pub fn get_mut(&mut self, id: I) -> Option<&mut T> {
        self.items.get_mut(id.index())
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// True when there are no items.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Every id in use, in order.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = I> + ExactSizeIterator + use<I, T> {
        (0..self.items.len()).map(I::from_index)
    }

    /// Every item with its id, in id order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (I, &T)> + ExactSizeIterator {
        self.items.iter().enumerate().map(|(index, item)| (I::from_index(index), item))
    }

    /// Every item with its id, in id order, to change in place.
    pub fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = (I, &mut T)> + ExactSizeIterator {
        self.items.iter_mut().enumerate().map(|(index, item)| (I::from_index(index), item))
    }
}

impl<I: Id, T> Index<I> for IdVec<I, T> {
    type Output = T;

    #[inline]
    fn index(&self, id: I) -> &T {
        &self.items[id.index()]
    }
}

impl<I: Id, T> IndexMut<I> for IdVec<I, T> {
    #[inline]
    fn index_mut(&mut self, id: I) -> &mut T {
        &mut self.items[id.index()]
    }
}

impl<I: Id, T> FromIterator<T> for IdVec<I, T> {
    fn from_iter<S: IntoIterator<Item = T>>(items: S) -> Self {
        Self { items: items.into_iter().collect(), ids: PhantomData }
    }
}

impl<I: Id, T> Default for IdVec<I, T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<I, T: Clone> Clone for IdVec<I, T> {
    fn clone(&self) -> Self {
        Self { items: self.items.clone(), ids: PhantomData }
    }
}

impl<I, T: fmt::Debug> fmt::Debug for IdVec<I, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.items.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn push_returns_the_id_of_the_item() {
        let mut names: IdVec<TaskId, &str> = IdVec::default();
        assert!(names.is_empty());
        let (init, worker) = (names.push("init"), names.push("worker"));
        assert_eq!((init, worker), (TaskId(0), TaskId(1)));
        names[worker] = "kworker";
        for (_, name) in names.iter_mut() {
            *name = name.trim_start_matches('k');
        }
        assert_eq!(names.iter().collect::<Vec<_>>(), [(init, &"init"), (worker, &"worker")]);
        assert_eq!(names.ids().rev().collect::<Vec<_>>(), [worker, init]);
        assert_eq!(names.get(TaskId(2)), None);
        assert_eq!(names.len(), 2);
    }

    #[test]
    #[should_panic(expected = "index out of bounds")]
    fn id_of_another_table_panics() {
        let _ = IdVec::<MmId, u8>::default()[MmId(0)];
    }
}
