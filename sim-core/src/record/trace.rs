//! The kept records: 24 bytes each, in chunks that never move.

use super::event::Event;
use crate::base::{SimTime, TaskId};

/// Records per chunk: 1.5 MiB, large enough to amortize, small enough
/// not to waste on a short run.
const CHUNK: usize = 1 << 16;

/// One thing that happened.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub struct Record {
    /// When.
    pub at: SimTime,
    /// To or by whom: a tracepoint's "current".
    pub task: TaskId,
    /// What.
    pub event: Event,
}

/// A record as it is kept and hashed.
#[derive(Copy, Clone, Debug)]
pub(super) struct Packed {
    pub(super) at: u64,
    /// kind (8 bits), task (24 bits), low 32 bits of the fields.
    pub(super) head: u64,
    /// The other 64 bits of the fields.
    pub(super) tail: u64,
}

impl Packed {
    #[expect(clippy::cast_possible_truncation, reason = "the halves of a 96-bit word")]
    pub(super) fn new(record: &Record) -> Self {
        let (kind, word) = record.event.pack();
        let task = u64::from(record.task.0) & 0xff_ffff;
        let head = u64::from(kind) << 56 | task << 32 | (word as u64 & 0xffff_ffff);
        Self { at: record.at.0, head, tail: (word >> 32) as u64 }
    }

    pub(super) fn unpack(self) -> Record {
        let word = u128::from(self.tail) << 32 | u128::from(self.head & 0xffff_ffff);
        Record {
            at: SimTime(self.at),
            task: TaskId((self.head >> 32) as u32 & 0xff_ffff),
            event: Event::unpack((self.head >> 56) as u8, word),
        }
    }
}

/// All kept records of a run, ordered by time.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    chunks: Vec<Vec<Packed>>,
    len: usize,
}

impl Trace {
    pub(super) fn push(&mut self, packed: Packed) {
        if self.len.is_multiple_of(CHUNK) {
            // A first chunk grows as needed: most runs are short.
            let capacity = if self.len == 0 { 1024 } else { CHUNK };
            self.chunks.push(Vec::with_capacity(capacity));
        }
        if let Some(chunk) = self.chunks.last_mut() {
            chunk.push(packed);
        }
        self.len += 1;
    }

    /// Nothing will follow: gives back what the last chunk does not need.
    pub(super) fn finish(&mut self) {
        if let Some(last) = self.chunks.last_mut() {
            last.shrink_to_fit();
        }
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing was kept.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The record at `index`, if there is one.
    pub fn get(&self, index: usize) -> Option<Record> {
        self.chunks.get(index / CHUNK)?.get(index % CHUNK).map(|packed| packed.unpack())
    }

    /// All records from `start` on, with their index.
    pub fn iter_from(&self, start: usize) -> impl Iterator<Item = (usize, Record)> + '_ {
        (start..self.len).filter_map(|index| Some((index, self.get(index)?)))
    }

    /// All records in order.
    pub fn iter(&self) -> impl Iterator<Item = Record> + '_ {
        self.chunks.iter().flatten().map(|packed| packed.unpack())
    }

    /// All records in order, as they are kept.
    pub(super) fn packed(&self) -> impl Iterator<Item = &Packed> {
        self.chunks.iter().flatten()
    }

    /// Number of records at or before `at`.
    pub fn count_until(&self, at: SimTime) -> usize {
        let (mut low, mut high) = (0, self.len);
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.time(middle) <= at {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    fn time(&self, index: usize) -> SimTime {
        SimTime(self.chunks[index / CHUNK][index % CHUNK].at)
    }
}
