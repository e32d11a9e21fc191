//! Zones: what their pages are used for, their watermarks, and who may
//! take their last pages.
//!
//! Mirrors mm/page_alloc.c: `__zone_watermark_ok()`, Linux 6.1
//! (kernel-spec 1.1, 1.2). Every page of a zone has exactly one [`Use`],
//! and [`Zone::transfer`] is the only way to change it, so that pages are
//! conserved by construction. Left out: per-CPU lists, where in the zone
//! a page lies (compaction has an outcome, not a place).

use super::compaction::Deferral;
use crate::base::{IdVec, ZoneId};

/// At most this many zones on a machine.
pub const ZONES: usize = 4;

/// What a page is used for.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
#[repr(u8)]
pub enum Use {
    /// On the free list.
    Free,
    /// The kernel's own from the start: nobody in the model gives it back.
    Reserved,
    /// Taken from the free list, not yet given a use, or about to be put back.
    InFlight,
    /// Anonymous, mapped by a process, on a list where reclaim finds it.
    Anon,
    /// Anonymous or of a file, mlocked: reclaim leaves it alone.
    Unevictable,
    /// Page cache, clean.
    Clean,
    /// Page cache, dirty.
    Dirty,
    /// On its way to disk or swap.
    Writeback,
    /// Shared memory; it belongs to its segment, not to who maps it.
    Shmem,
    /// Allocated by kernel code for itself.
    Kernel,
    /// Page tables of a process.
    PageTable,
    /// Unmapped, but kept by a device's reference.
    Pinned,
}

impl Use {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 12] = [
        Self::Free,
        Self::Reserved,
        Self::InFlight,
        Self::Anon,
        Self::Unevictable,
        Self::Clean,
        Self::Dirty,
        Self::Writeback,
        Self::Shmem,
        Self::Kernel,
        Self::PageTable,
        Self::Pinned,
    ];
}

/// Which zone it is, and how high a request may reach (`gfp_zone()`): a
/// request for DMA memory is served by nothing above zone DMA.
#[derive(Copy, Clone, Default, Eq, PartialEq, Ord, PartialOrd, Debug)]
pub enum ZoneType {
    /// `ZONE_DMA`.
    Dma,
    /// `ZONE_DMA32`.
    Dma32,
    /// `ZONE_NORMAL`.
    #[default]
    Normal,
}

/// A zone; sizes in pages.
#[derive(Clone, Debug)]
pub struct Zone {
    /// Which one it is.
    pub kind: ZoneType,
    /// Pages by [`Use`]; their sum never changes.
    pages: [u64; Use::ALL.len()],
    /// Watermarks.
    pub min: u64,
    /// See `min`.
    pub low: u64,
    /// See `min`.
    pub high: u64,
    /// Kept from requests that a higher zone could serve, by the highest that they may use.
    pub lowmem_reserve: [u64; 3],
    /// Free pages that lie alone, in no block of a higher order.
    pub scattered: u64,
    /// How compaction fared lately.
    pub deferral: Deferral,
    /// `nr_reserved_highatomic`: pages kept for atomic requests of higher orders.
    pub highatomic: u64,
}

/// `pageblock_nr_pages`: 2 MiB.
pub(super) const PAGEBLOCK: u64 = 512;

/// Watermarks and reserve of a zone, in pages.
#[derive(Copy, Clone, Debug)]
pub struct Marks {
    /// Watermarks.
    pub min: u64,
    /// See `min`.
    pub low: u64,
    /// See `min`.
    pub high: u64,
    /// Kept from requests that the highest zone could serve.
    pub lowmem_reserve: u64,
}

/// `sysctl_lowmem_reserve_ratio` of DMA and DMA32.
pub const LOWMEM_RESERVE_RATIO: u64 = 256;

/// `setup_per_zone_lowmem_reserve()`, of requests that stop below the highest zone: from those for
/// zone DMA32 zone DMA is kept only for what lies in that.
pub fn setup_per_zone_lowmem_reserve(zones: &mut IdVec<ZoneId, Zone>) {
    let reach = ZoneType::Dma32;
    if zones.iter().all(|(_, zone)| zone.kind <= reach) {
        return;
    }
    let mut above = 0;
    for (_, zone) in zones.iter_mut().rev().filter(|(_, zone)| zone.kind <= reach) {
        let reserve = &mut zone.lowmem_reserve[reach as usize];
        *reserve = (*reserve).min(above / LOWMEM_RESERVE_RATIO);
        above += zone.managed();
    }
}

/// How deep a request may dig (`gfp_to_alloc_flags()`, kernel-spec 1.2).
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Mark {
    /// The fast path: leave `low` pages.
    Low,
    /// The slow path: leave `min`.
    Min,
    /// The last try before the OOM killer: leave `high`.
    High,
    /// `ALLOC_HIGH`: leave half of `min`.
    HighPrio,
    /// `ALLOC_HIGH | ALLOC_HARDER`, GFP_ATOMIC: leave 37.5 % of `min`.
    Atomic,
    /// `ALLOC_HARDER` alone: leave 75 % of `min`.
    Harder,
    /// `ALLOC_OOM`, rights of a victim: leave half of `min`.
    Oom,
    /// `ALLOC_NO_WATERMARKS`: leave nothing.
    None,
}

impl Zone {
    /// A zone of `managed` pages, all of them the kernel's own but
    /// `free`, and `clean` pages of page cache.
    pub fn new(managed: u64, free: u64, clean: u64, marks: Marks) -> Self {
        let mut pages = [0; Use::ALL.len()];
        pages[Use::Free as usize] = free;
        pages[Use::Clean as usize] = clean;
        pages[Use::Reserved as usize] =
            managed.checked_sub(free + clean).expect("invariant: a checked zone holds its pages");
        let Marks { min, low, high, lowmem_reserve } = marks;
        let lowmem_reserve = [lowmem_reserve; 3];
        let deferral = Deferral::default();
        let kind = ZoneType::default();
        Self { kind, pages, min, low, high, lowmem_reserve, scattered: 0, deferral, highatomic: 0 }
    }

    /// Pages with this use.
    pub fn pages(&self, of: Use) -> u64 {
        self.pages[of as usize]
    }

    /// Pages on the free list.
    pub fn free(&self) -> u64 {
        self.pages(Use::Free)
    }

    /// Pages that the allocator manages.
    pub fn managed(&self) -> u64 {
        self.pages.iter().sum()
    }

    /// Gives `count` pages another use.
    pub fn transfer(&mut self, from: Use, to: Use, count: u64) {
        let left = self.pages[from as usize].checked_sub(count);
        self.pages[from as usize] = left.unwrap_or_else(|| {
            panic!("invariant I13: {count} pages leave {from:?}, which has fewer")
        });
        self.pages[to as usize] += count;
        let free = self.free();
        if from == Use::Free {
            self.scattered = self.scattered.saturating_sub(count).min(free);
        } else if to == Use::Free {
            // Where a used page lies between, free ones do not merge.
            let used = self.managed() - free;
            self.scattered = (self.scattered + count.div_ceil(2)).min(used).min(free);
        }
    }

    /// Takes `count` free pages in blocks of `order`.
    pub fn take_free(&mut self, order: u8, count: u64) {
        let scattered = self.scattered;
        self.transfer(Use::Free, Use::InFlight, count);
        if order > 0 {
            self.scattered = scattered.min(self.free());
        }
    }

    /// `reserve_highatomic_pageblock()`, after an atomic request got a block.
    pub fn reserve_highatomic(&mut self) {
        if self.highatomic < self.managed() / 100 + PAGEBLOCK {
            self.highatomic += PAGEBLOCK;
        }
    }

    /// `unreserve_highatomic_pageblock()`: whether there was one to give back.
    pub fn unreserve_highatomic(&mut self) -> bool {
        let had = self.highatomic > 0;
        self.highatomic -= if had { PAGEBLOCK } else { 0 };
        had
    }

    /// `__zone_watermark_unusable_free()`, but for the order: pages that are
    /// free and not for everybody.
    fn unusable(&self, mark: Mark) -> u64 {
        match mark {
            Mark::Atomic | Mark::Harder | Mark::Oom | Mark::None => 0,
            Mark::Low | Mark::Min | Mark::High | Mark::HighPrio => self.highatomic,
        }
    }

    /// Pages that a request for blocks of `order` may take now.
    pub fn takeable(&self, reach: ZoneType, order: u8, mark: Mark) -> u64 {
        let usable = self.free().saturating_sub(self.unusable(mark));
        let headroom = self.headroom(reach, mark, usable);
        if order == 0 {
            headroom
        } else {
            headroom.min(self.free() - self.scattered) >> order << order
        }
    }

    /// `__zone_watermark_ok()`, were `available` pages free; a block of
    /// `order` must be free in any case.
    pub fn watermark_ok(&self, reach: ZoneType, order: u8, mark: Mark, available: u64) -> bool {
        let unusable = (1 << order) - 1 + self.unusable(mark);
        let block = order == 0 || (self.free() - self.scattered) >> order > 0;
        block && self.headroom(reach, mark, available.saturating_sub(unusable)) > 0
    }

    /// Pages that a request with these rights may take, were `available` free.
    pub fn headroom(&self, reach: ZoneType, mark: Mark, available: u64) -> u64 {
        // lowmem_reserve[]: kept from those who could go higher.
        let reserve = if self.kind < reach { self.lowmem_reserve[reach as usize] } else { 0 };
        let min = self.min;
        let keep = match mark {
            Mark::Low => self.low,
            Mark::Min => min,
            Mark::High => self.high,
            // __zone_watermark_ok(): min -= min / 2, then a quarter of what is left.
            Mark::HighPrio | Mark::Oom => min - min / 2,
            Mark::Atomic => min - min / 2 - (min - min / 2) / 4,
            Mark::Harder => min - min / 4,
            Mark::None => return available,
        };
        available.saturating_sub(keep + reserve)
    }
}

/// Pages, by zone.
#[derive(Copy, Clone, Default, Eq, PartialEq, Debug)]
pub struct Pages(pub [u64; ZONES]);

impl Pages {
    /// How many in all.
    pub fn count(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Adds what `other` holds.
    pub fn add(&mut self, other: Self) {
        for (mine, more) in self.0.iter_mut().zip(other.0) {
            *mine += more;
        }
    }

    /// How many in the `zones` lowest zones.
    pub fn count_in(&self, zones: usize) -> u64 {
        self.0.iter().take(zones).sum()
    }

    /// Takes away what `other` holds, as far as it is there.
    pub fn subtract(&mut self, other: Self) {
        for (mine, less) in self.0.iter_mut().zip(other.0) {
            *mine = mine.saturating_sub(less);
        }
    }

    /// Takes up to `count` pages out, from the highest zone first:
    /// those were allocated first, and are unmapped first.
    #[must_use]
    pub fn take(&mut self, count: u64) -> Self {
        self.take_in(count, ZONES)
    }

    /// As [`take`](Self::take), out of the `zones` lowest zones alone.
    #[must_use]
    pub fn take_in(&mut self, count: u64, zones: usize) -> Self {
        let mut left = count;
        let mut taken = Self::default();
        for (mine, out) in self.0.iter_mut().zip(taken.0.iter_mut()).take(zones).rev() {
            *out = left.min(*mine);
            *mine -= *out;
            left -= *out;
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of kernel-spec 1.2, on a zone with min = 1000.
    #[test]
    fn marks_leave_what_the_table_says() {
        let marks = Marks { min: 1000, low: 1250, high: 1500, lowmem_reserve: 0 };
        let zone = Zone::new(10_000, 5_000, 0, marks);
        let kept = |mark| 5_000 - zone.headroom(ZoneType::Normal, mark, 5_000);
        assert_eq!(kept(Mark::Low), 1250);
        assert_eq!(kept(Mark::Min), 1000);
        assert_eq!(kept(Mark::HighPrio), 500);
        assert_eq!(kept(Mark::Atomic), 375);
        assert_eq!(kept(Mark::Harder), 750);
        assert_eq!(kept(Mark::Oom), 500);
        assert_eq!(kept(Mark::None), 0);
    }

    #[test]
    fn highatomic_reserve_is_for_who_may_dig_and_grows_to_one_percent() {
        let marks = Marks { min: 1000, low: 1250, high: 1500, lowmem_reserve: 0 };
        let mut zone = Zone::new(100_000, 5_000, 0, marks);
        zone.reserve_highatomic();
        assert_eq!(zone.takeable(ZoneType::Normal, 0, Mark::Min), 5_000 - 1000 - 512);
        assert_eq!(zone.takeable(ZoneType::Normal, 0, Mark::Atomic), 5_000 - 375);
        assert_eq!(zone.takeable(ZoneType::Normal, 0, Mark::Oom), 5_000 - 500);
        assert!(!zone.watermark_ok(ZoneType::Normal, 0, Mark::Min, 1_512));
        assert!(zone.watermark_ok(ZoneType::Normal, 0, Mark::Min, 1_513));
        (0..9).for_each(|_| zone.reserve_highatomic());
        assert_eq!(zone.highatomic, 3 * 512);
        assert_eq!((0..9).filter(|_| zone.unreserve_highatomic()).count(), 3);
    }
}
