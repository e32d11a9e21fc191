//! Memory and its pressure over time.

use crate::base::{MmId, SimTime};

/// Memory over time, one point per change.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// Pages managed, in all zones.
    pub managed: u64,
    /// Sums of the zones' watermarks and of their reserves, in pages.
    pub min: u64,
    /// See `min`.
    pub low: u64,
    /// See `min`.
    pub high: u64,
    /// (when, free pages in all zones), by time.
    pub free: Vec<(SimTime, u64)>,
    /// Per address space: (when, pages present), by time.
    pub present: Vec<(MmId, Vec<(SimTime, u64)>)>,
    /// Pages of files present, in all address spaces; a part of `present`.
    pub file: Vec<(SimTime, u64)>,
    /// Pages already unmapped that a device keeps allocated.
    pub pinned: Vec<(SimTime, u64)>,
    /// Pages in the page cache that reclaim knows of, clean and dirty.
    pub cache: Vec<(SimTime, u64)>,
    /// Those of `cache` that are dirty or under write-back.
    pub dirty: Vec<(SimTime, u64)>,
    /// Pages that kernel code holds.
    pub kernel: Vec<(SimTime, u64)>,
    /// Pages in swap.
    pub swap: Vec<(SimTime, u64)>,
    /// Pressure from each instant on.
    pub pressure: Vec<(SimTime, Pressure)>,
    /// Its averages, every two seconds.
    pub averages: Vec<PressureAverages>,
}

impl Memory {
    /// Free pages at an instant.
    pub fn free_at(&self, at: SimTime) -> u64 {
        let count = self.free.partition_point(|&(time, _)| time <= at);
        count.checked_sub(1).and_then(|last| self.free.get(last)).map_or(0, |point| point.1)
    }
}

/// Whether tasks are held up by a lack of memory (PSI).
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Pressure {
    /// None is.
    None,
    /// At least one is, but somebody else gets work done.
    Some,
    /// At least one is, and nobody gets work done.
    Full,
}

/// What `/proc/pressure/memory` says at one moment. Averages are shares
/// of the time in units of 1/2048 of a percent, as the kernel keeps them.
#[derive(Copy, Clone, Eq, PartialEq, Default, Debug)]
pub struct PressureAverages {
    /// When.
    pub at: SimTime,
    /// `some` over the last 10, 60 and 300 s.
    pub some: [u64; 3],
    /// `full` likewise.
    pub full: [u64; 3],
    /// Totals, in ns.
    pub some_ns: u64,
    /// See `some_ns`.
    pub full_ns: u64,
}
