//! Memory over time: free pages of all zones, and what every address
//! space has present.
//!
//! One point per instant at which something changed: free pages, pages
//! present in address spaces, page cache, what kernel code and devices
//! hold, and what lies in swap. What none of these counts is in use
//! since before the run began.

use std::collections::BTreeMap;

use super::index::Index;
use super::types::Memory;
use crate::base::{MmId, RangeId, SimTime, TaskId};
use crate::record::{Cast, Event, Record, Run};

/// Memory over the time of a run.
pub fn memory(run: &Run) -> Memory {
    Index::new(run).memory
}

/// Collects the points.
pub(super) struct MemoryBuilder<'r> {
    cast: &'r Cast,
    free_by_zone: Vec<u64>,
    present: Vec<u64>,
    file: u64,
    pinned: u64,
    swap: u64,
    /// By zone: clean, dirty.
    cache: Vec<(u64, u64)>,
    kernel: BTreeMap<TaskId, u64>,
    memory: Memory,
}

impl<'r> MemoryBuilder<'r> {
    pub(super) fn new(cast: &'r Cast) -> Self {
        let zones = || cast.zones.iter().map(|(_, zone)| zone);
        Self {
            cast,
            free_by_zone: vec![0; cast.zones.len()],
            present: vec![0; cast.mms.len()],
            file: 0,
            pinned: 0,
            swap: 0,
            cache: vec![(0, 0); cast.zones.len()],
            kernel: BTreeMap::new(),
            memory: Memory {
                managed: zones().map(|zone| zone.managed).sum(),
                min: zones().map(|zone| zone.min).sum(),
                low: zones().map(|zone| zone.low).sum(),
                high: zones().map(|zone| zone.high).sum(),
                present: cast.mms.ids().map(|mm| (mm, Vec::new())).collect(),
                ..Memory::default()
            },
        }
    }

    /// Pages present, by address space.
    pub(super) fn present(&self) -> &[u64] {
        &self.present
    }

    /// Takes note of a record; whether free pages have risen.
    pub(super) fn feed(&mut self, record: &Record) -> bool {
        let at = record.at;
        match record.event {
            Event::ZoneFree { zone, free } => {
                let Some(slot) = self.free_by_zone.get_mut(zone.index()) else {
                    return false;
                };
                let has_risen = u64::from(free) > *slot;
                *slot = u64::from(free);
                push_point(&mut self.memory.free, at, self.free_by_zone.iter().sum());
                has_risen
            }
            Event::Fault { range, pages } => {
                self.change(at, range, |present| present + u64::from(pages));
                false
            }
            Event::Zap { range, pages, .. } => {
                self.change(at, range, |present| present.saturating_sub(u64::from(pages)));
                false
            }
            Event::SwapOut { range, pages } => {
                self.change(at, range, |present| present.saturating_sub(u64::from(pages)));
                self.swap += u64::from(pages);
                push_point(&mut self.memory.swap, at, self.swap);
                false
            }
            Event::SwapIn { range, pages } => {
                self.change(at, range, |present| present + u64::from(pages));
                self.swap = self.swap.saturating_sub(u64::from(pages));
                push_point(&mut self.memory.swap, at, self.swap);
                false
            }
            _ => {
                self.feed_others(record);
                false
            }
        }
    }

    /// Pages that no address space has.
    fn feed_others(&mut self, record: &Record) {
        let at = record.at;
        match record.event {
            Event::StillPinned { pages, .. } => {
                self.pinned += u64::from(pages);
                push_point(&mut self.memory.pinned, at, self.pinned);
            }
            Event::Unpinned { pages, .. } => {
                self.pinned = self.pinned.saturating_sub(u64::from(pages));
                push_point(&mut self.memory.pinned, at, self.pinned);
            }
            Event::PageCache { zone, clean, dirty } => {
                if let Some(slot) = self.cache.get_mut(zone.index()) {
                    *slot = (u64::from(clean), u64::from(dirty));
                }
                let sum = |of: fn(&(u64, u64)) -> u64| self.cache.iter().map(of).sum();
                let (clean, dirty): (u64, u64) = (sum(|zone| zone.0), sum(|zone| zone.1));
                push_point(&mut self.memory.cache, at, clean + dirty);
                push_point(&mut self.memory.dirty, at, dirty);
            }
            Event::KernelPages { held, .. } => {
                self.kernel.insert(record.task, u64::from(held));
                push_point(&mut self.memory.kernel, at, self.kernel.values().sum());
            }
            _ => {}
        }
    }

    fn change(&mut self, at: SimTime, range: RangeId, to: impl Fn(u64) -> u64) {
        let Some(range) = self.cast.ranges.get(range) else {
            return;
        };
        let mm: MmId = range.mm;
        if let (Some(present), Some((_, points))) =
            (self.present.get_mut(mm.index()), self.memory.present.get_mut(mm.index()))
        {
            *present = to(*present);
            push_point(points, at, *present);
        }
        if !range.anonymous {
            self.file = to(self.file);
            push_point(&mut self.memory.file, at, self.file);
        }
    }

    pub(super) fn finish(self) -> Memory {
        self.memory
    }
}

/// Appends a point; of several at one instant the last remains.
fn push_point(points: &mut Vec<(SimTime, u64)>, at: SimTime, value: u64) {
    match points.last_mut() {
        Some(last) if last.0 == at => last.1 = value,
        Some(last) if last.1 == value => {}
        _ => points.push((at, value)),
    }
}
