//! Memory over time: free pages of all zones, and what every address
//! space has present.
//!
//! One point per instant at which something changed. What is neither
//! free nor present belongs to the kernel, the page cache, or a device
//! that still pins pages already unmapped.

use super::index::Index;
use super::types::Memory;
use crate::base::{MmId, RangeId, SimTime};
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
            Event::StillPinned { pages, .. } => {
                self.pinned += u64::from(pages);
                push_point(&mut self.memory.pinned, at, self.pinned);
                false
            }
            _ => false,
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
