//! Page tables: pages that belong to an address space and say where its pages are.
//!
//! Mirrors mm/memory.c: `__pud_alloc()`, `__pmd_alloc()`, `__pte_alloc()`, `free_pgtables()`,
//! `free_pgd_range()`, and include/asm-generic/pgalloc.h, Linux 4.6 to 7.1 on x86-64 with four levels
//! (kernel-spec 7.2). A table comes with the first page of the 2 MiB, 1 GiB or 512 GiB that it
//! maps, and stays when that page goes, to swap or to the reaper: only `munmap()` and `exit_mmap()` give
//! it back. A huge page has one laid by. Missing tables of all levels are one request for several pages;
//! a fault asks for one of the lowest level at a time. Left out: the top table, which is part of the mm and
//! goes with it; tables that processes share.

use super::cx::Cx;
use super::memcontrol::{charge_cache, current_cgroup, memcg_kmem_uncharge};
use super::memory::FaultError;
use super::mm::Backing;
use super::page_alloc::{alloc_pages, free_pages, transfer_pages};
use super::zone::{Pages, Use};
use crate::base::{CgroupId, MmId, RangeId};
use crate::record::Gfp;

/// How much of the address space a table maps, as a power of two, from the lowest level up: `PMD_SHIFT`,
/// `PUD_SHIFT`, `PGDIR_SHIFT` (arch/x86/include/asm/pgtable_64_types.h).
const SHIFTS: [u32; 3] = [21, 30, 39];

/// The page tables of an mm.
#[derive(Clone, Default, Debug)]
pub struct PageTables {
    /// Numbers of the tables there are, by level: PTEs, PMDs, PUDs.
    levels: [Runs; SHIFTS.len()],
    /// The pages that they are.
    pub(super) pages: Pages,
    /// How many of them are charged to whom.
    charged: Vec<(CgroupId, u64)>,
}

/// Tables that an mm has no longer, to be freed.
#[derive(Clone, Default, Debug)]
pub(super) struct FreedTables {
    /// [`Use::InFlight`].
    pub(super) pages: Pages,
    charged: Vec<(CgroupId, u64)>,
}

impl PageTables {
    /// How many there are of each level, from the lowest up.
    pub(super) fn counts(&self) -> [u64; SHIFTS.len()] {
        self.levels.each_ref().map(Runs::count)
    }

    /// Tables that are missing for addresses `start..end`, huge pages having none of the lowest level.
    pub(super) fn missing(&self, (start, end): (u64, u64), lowest: usize) -> u64 {
        let levels = self.levels.iter().zip(SHIFTS).skip(lowest);
        levels.map(|(level, shift)| level.missing(start >> shift, ((end - 1) >> shift) + 1)).sum()
    }

    /// Puts pages where tables are missing, from the top down.
    pub(super) fn populate(&mut self, (start, end): (u64, u64), lowest: usize, pages: &mut Pages) {
        for (level, shift) in self.levels.iter_mut().zip(SHIFTS).skip(lowest).rev() {
            let added = level.fill(start >> shift, ((end - 1) >> shift) + 1, pages.count());
            self.pages.add(pages.take(added));
        }
    }

    /// Notes who pays.
    fn charge(&mut self, to: CgroupId, count: u64) {
        match self.charged.iter_mut().find(|(memcg, _)| *memcg == to) {
            Some((_, charged)) => *charged += count,
            None => self.charged.push((to, count)),
        }
    }

    /// `free_pgd_range()`: takes out the tables that map nothing below `floor` or from `ceiling` on.
    pub(super) fn take(&mut self, floor: u64, ceiling: u64) -> FreedTables {
        let mut count = 0;
        for (level, shift) in self.levels.iter_mut().zip(SHIFTS) {
            count += level.remove(floor.div_ceil(1 << shift), ceiling >> shift);
        }
        let pages = self.pages.take(count);
        let (mut left, mut charged) = (pages.count(), Vec::new());
        for (memcg, theirs) in &mut self.charged {
            let some = left.min(*theirs);
            *theirs -= some;
            left -= some;
            charged.push((*memcg, some));
        }
        FreedTables { pages, charged }
    }

    /// The addresses within `start..end` for which there are tables of the lowest level.
    pub(super) fn mapped(&self, start: u64, end: u64) -> Vec<(u64, u64)> {
        let shift = SHIFTS[0];
        let runs = self.levels[0].0.iter().map(|&(from, to)| (from << shift, to << shift));
        let within = runs.map(|(from, to)| (from.max(start), to.min(end)));
        within.filter(|(from, to)| from < to).collect()
    }
}

/// `pud_alloc()`, `pmd_alloc()` and `pte_alloc()` for pages `first..first + want` of a VMA, with `mmap_lock`
/// held: how many of these one table of the lowest level maps.
pub(super) async fn pte_alloc(
    cx: &Cx,
    mm: MmId,
    range: RangeId,
    first: u64,
    want: u64,
) -> Result<u64, FaultError> {
    let found = cx.with(|state| {
        let vma = state.mms[mm].vma(range)?;
        Some((vma.start + (first << 12), vma.backing))
    });
    let (address, backing) = found.ok_or(FaultError::Segv)?;
    let to_end = ((1 << SHIFTS[0]) - (address & ((1 << SHIFTS[0]) - 1))) >> 12;
    let count = want.min(to_end);
    alloc_tables(cx, mm, (address, address + (count << 12)), backing).await?;
    Ok(count)
}

/// All tables that are missing for addresses `start..end`.
pub(super) async fn alloc_tables(
    cx: &Cx,
    mm: MmId,
    span: (u64, u64),
    backing: Backing,
) -> Result<(), FaultError> {
    let lowest = usize::from(backing == Backing::Hugetlb);
    loop {
        let missing = cx.with(|state| state.mms[mm].page_tables.missing(span, lowest));
        if missing == 0 {
            return Ok(());
        }
        // GFP_PGTABLE_USER; obj_cgroup_charge_pages(): kernel threads have no cgroup.
        let is_charged = cx.kernel().switches.page_tables_are_charged;
        let (gfp, memcg) = if is_charged {
            (Gfp::PGTABLE_USER, cx.with(|state| current_cgroup(state, cx)))
        } else {
            (Gfp::PGTABLE_USER.without(Gfp::ACCOUNT), None)
        };
        let mut pages = alloc_pages(cx, gfp, 0, missing).await.ok_or(FaultError::Oom)?;
        let charged = charge_cache(cx, memcg, gfp, pages.count()).await.unwrap_or(0);
        free_pages(cx, pages.take(pages.count() - charged), Use::InFlight);
        if charged == 0 {
            return Err(FaultError::Oom);
        }
        let (used, surplus) = cx.with(|state| {
            let tables = &mut state.mms[mm].page_tables;
            // Another thread may have been faster.
            let mut surplus = pages;
            tables.populate(span, lowest, &mut surplus);
            pages.subtract(surplus);
            if let Some(memcg) = memcg {
                tables.charge(memcg, pages.count());
            }
            (pages, surplus)
        });
        transfer_pages(cx, used, Use::InFlight, Use::PageTable);
        free_pages(cx, surplus, Use::InFlight);
        memcg_kmem_uncharge(cx, memcg, surplus.count());
    }
}

/// `free_pgtables()`: the tables that only addresses between `floor` and `ceiling` need leave the mm.
pub(super) fn free_pgtables(cx: &Cx, mm: MmId, floor: u64, ceiling: u64) -> FreedTables {
    let freed = cx.with(|state| state.mms[mm].page_tables.take(floor, ceiling));
    transfer_pages(cx, freed.pages, Use::PageTable, Use::InFlight);
    freed
}

/// `pte_free()`, `pmd_free()`, `pud_free()`.
pub(super) fn free_tables(cx: &Cx, tables: FreedTables) {
    free_pages(cx, tables.pages, Use::InFlight);
    for (memcg, count) in tables.charged {
        memcg_kmem_uncharge(cx, Some(memcg), count);
    }
}

/// Numbers in runs `from..to`. Invariant: in order, none empty, none touching the next.
#[derive(Clone, Default, Debug)]
struct Runs(Vec<(u64, u64)>);

impl Runs {
    fn count(&self) -> u64 {
        self.0.iter().map(|(from, to)| to - from).sum()
    }

    /// How many of `from..to` are not among them.
    fn missing(&self, from: u64, to: u64) -> u64 {
        let first = self.0.partition_point(|&(_, end)| end <= from);
        let within = self.0[first..].iter().take_while(|&&(start, _)| start < to);
        let there: u64 = within.map(|&(start, end)| end.min(to) - start.max(from)).sum();
        to - from - there
    }

    /// Adds those of `from..to` that are missing, at most `most`, the lowest first; how many.
    fn fill(&mut self, from: u64, to: u64, most: u64) -> u64 {
        let (mut at, mut left) = (from, most);
        while at < to && left > 0 {
            let next = self.0.partition_point(|&(_, end)| end <= at);
            let end = match self.0.get(next) {
                Some(&(start, end)) if start <= at => {
                    at = end;
                    continue;
                }
                Some(&(start, _)) => start.min(to),
                None => to,
            };
            let end = end.min(at.saturating_add(left));
            left -= end - at;
            self.insert(at, end);
            at = end;
        }
        most - left
    }

    /// Adds a run none of which is there.
    fn insert(&mut self, from: u64, to: u64) {
        let next = self.0.partition_point(|&(start, _)| start < from);
        let before = next.checked_sub(1).filter(|&before| self.0[before].1 == from);
        let after = self.0.get(next).filter(|&&(start, _)| start == to).copied();
        match (before, after) {
            (Some(before), Some((_, end))) => {
                self.0[before].1 = end;
                self.0.remove(next);
            }
            (Some(before), None) => self.0[before].1 = to,
            (None, Some(_)) => self.0[next].0 = from,
            (None, None) => self.0.insert(next, (from, to)),
        }
    }

    /// Takes out all of `from..to`; how many.
    fn remove(&mut self, from: u64, to: u64) -> u64 {
        if from >= to {
            return 0;
        }
        let removed = to - from - self.missing(from, to);
        let kept = |&(start, end): &(u64, u64)| [(start, end.min(from)), (start.max(to), end)];
        self.0 = self.0.iter().flat_map(kept).filter(|(start, end)| start < end).collect();
        removed
    }
}

#[cfg(test)]
mod tests;
