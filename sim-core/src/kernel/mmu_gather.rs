//! How unmapped pages come back to the free list: in batches.
//!
//! Mirrors mm/mmu_gather.c: `tlb_gather_mmu()`, `tlb_next_batch()`,
//! `__tlb_remove_page()`, `tlb_flush_mmu()`, `tlb_batch_pages_flush()`,
//! `tlb_finish_mmu()`, Linux 6.1 (kernel-spec 3.4). A gather starts with
//! room for 8 pages on the stack and grows by pages of 509 entries,
//! which it asks for without sleeping. While there are none to be had it
//! flushes every 8 pages, so that memory comes back at once, if slowly,
//! exactly when it is short. Else it comes back late: recorded on 6.1.192
//! as 3.1 us a page for unmapping 9,679 of them, then 7.4 us for each to
//! be freed, against 10.7 us where every 8 are flushed. Page tables go
//! back last. Left out: the CPUs' TLBs, and the grace period of RCU that tables wait for.

use super::cx::Cx;
use super::memcontrol::mem_cgroup_uncharge;
use super::mmu_notifier::arch_invalidate_secondary_tlbs;
use super::page_alloc::{alloc_pages_nowait, free_pages};
use super::pgtable::{FreedTables, free_tables};
use super::zone::{Pages, Use};
use crate::base::{MmId, Nanos, RangeId};
use crate::record::{Event, Gfp};

/// `MMU_GATHER_BUNDLE`: entries on the stack.
const MMU_GATHER_BUNDLE: u64 = 8;
/// `MAX_GATHER_BATCH`: entries in a page.
const MAX_GATHER_BATCH: u64 = 509;
/// `MAX_GATHER_BATCH_COUNT`: such pages, at most.
const MAX_GATHER_BATCH_COUNT: u64 = 10_000 / MAX_GATHER_BATCH;
/// Base pages of a huge page, which takes one entry.
pub(super) const HPAGE_NR: u64 = 512;

/// Clearing the PTE of a 4 KiB page: what `zap_page` has besides `free_page`.
pub(super) fn unmap_page(cx: &Cx) -> Nanos {
    let costs = cx.costs();
    Nanos(costs.zap_page.0.saturating_sub(costs.free_page.0))
}

/// What was unmapped of a VMA and not yet freed.
struct Gathered {
    range: RangeId,
    /// Who pays for the pages.
    owner: MmId,
    /// Base pages that an entry stands for.
    per_entry: u64,
    /// [`Use::InFlight`].
    pages: Pages,
    /// PTEs were cleared since the last flush.
    stale_tlb: bool,
}

/// `struct mmu_gather`.
pub(super) struct MmuGather {
    mm: MmId,
    /// By VMA and owner, in the order of unmapping; the last one is at hand.
    gathered: Vec<Gathered>,
    /// Entries used in the batch at hand, and how many it has.
    used: u64,
    room: u64,
    /// Batches in use after the one on the stack.
    active: u64,
    /// There was no memory for the next one, when it was asked for last.
    tight: bool,
    /// Batches there are after the one on the stack: one page each.
    batches: Pages,
    /// Page tables to be freed.
    tables: FreedTables,
}

/// `tlb_gather_mmu()`.
pub(super) fn tlb_gather_mmu(mm: MmId) -> MmuGather {
    MmuGather {
        mm,
        gathered: Vec::new(),
        used: 0,
        room: MMU_GATHER_BUNDLE,
        active: 0,
        tight: false,
        batches: Pages::default(),
        tables: FreedTables::default(),
    }
}

impl MmuGather {
    /// `tlb_start_vma()`: what is unmapped from now on is this VMA's.
    pub(super) fn start_vma(&mut self, range: RangeId, thp: bool) {
        let per_entry = if thp { HPAGE_NR } else { 1 };
        let (owner, pages) = (self.mm, Pages::default());
        self.gathered.push(Gathered { range, owner, per_entry, pages, stale_tlb: false });
    }

    /// What is unmapped from now on is the same VMA's, and this mm's group pays for it.
    pub(super) fn paid_by(&mut self, owner: MmId) {
        let last = self.at_hand();
        if last.owner != owner {
            let stale_tlb = std::mem::take(&mut last.stale_tlb);
            let (range, per_entry, pages) = (last.range, last.per_entry, Pages::default());
            self.gathered.push(Gathered { range, owner, per_entry, pages, stale_tlb });
        }
    }

    fn at_hand(&mut self) -> &mut Gathered {
        self.gathered.last_mut().expect("invariant: PTEs are a VMA's")
    }

    /// Pages that the batch at hand has room for.
    pub(super) fn room(&mut self) -> u64 {
        (self.room - self.used) * self.at_hand().per_entry
    }

    /// `__tlb_remove_page()`: of `unmapped` pages `freed` are to be freed
    /// later; others have them besides, but take room as well. When that
    /// fills the batch and there is no next one, all is flushed.
    pub(super) async fn remove_pages(&mut self, cx: &Cx, unmapped: u64, freed: Pages) {
        let gathered = self.at_hand();
        gathered.pages.add(freed);
        gathered.stale_tlb |= unmapped > 0;
        self.used += unmapped.div_ceil(gathered.per_entry);
        if self.used >= self.room && !self.next_batch(cx) {
            self.flush(cx).await;
        }
    }

    /// `tlb_next_batch()`.
    fn next_batch(&mut self, cx: &Cx) -> bool {
        if self.active == self.batches.count() {
            if self.active == MAX_GATHER_BATCH_COUNT {
                return false;
            }
            let gfp = Gfp::NOWAIT.with(Gfp::NOWARN);
            let page = alloc_pages_nowait(cx, gfp, 0, 1);
            self.tight = page.is_none();
            let Some(page) = page else { return false };
            self.batches.add(page);
        }
        self.active += 1;
        (self.used, self.room) = (0, MAX_GATHER_BATCH);
        true
    }

    /// `tlb_flush_mmu()`, with `tlb_batch_pages_flush()`: batch by batch.
    async fn flush(&mut self, cx: &Cx) {
        let (mm, tight) = (self.mm, self.tight && self.active == 0);
        for gathered in &mut self.gathered {
            if std::mem::take(&mut gathered.stale_tlb) {
                arch_invalidate_secondary_tlbs(cx, mm, gathered.range).await;
            }
        }
        for gathered in &mut self.gathered {
            gathered.free(cx, tight).await;
        }
        // The VMA at hand goes on.
        self.gathered.drain(..self.gathered.len().saturating_sub(1));
        (self.used, self.room, self.active) = (0, MMU_GATHER_BUNDLE, 0);
    }

    /// `tlb_remove_table()`: these go back when all is flushed.
    pub(super) fn remove_tables(&mut self, tables: FreedTables) {
        self.tables = tables;
    }

    /// `tlb_finish_mmu()`.
    pub(super) async fn finish(mut self, cx: &Cx) {
        self.flush(cx).await;
        cx.cpu(cx.costs().free_page * self.tables.pages.count()).await;
        free_tables(cx, self.tables);
        free_pages(cx, self.batches, Use::InFlight);
    }
}

impl Gathered {
    /// Frees the pages of one VMA and owner; where there was no memory for batches that takes longer.
    async fn free(&mut self, cx: &Cx, tight: bool) {
        let costs = cx.costs();
        let per_page = match (self.per_entry, tight) {
            (1, true) => Nanos(costs.zap_page_tight.max(costs.zap_page).0 - unmap_page(cx).0),
            (1, false) => costs.free_page,
            _ => Nanos::ZERO,
        };
        while self.pages.count() > 0 {
            let batch = self.pages.take(MAX_GATHER_BATCH * self.per_entry);
            cx.cpu(per_page * batch.count()).await;
            free_pages(cx, batch, Use::InFlight);
            mem_cgroup_uncharge(cx, self.owner, batch.count());
            let freed = u32::try_from(batch.count()).unwrap_or(u32::MAX);
            cx.record(Event::Zap { range: self.range, pages: 0, freed });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use super::*;
    use crate::base::ZoneId;
    use crate::kernel::memory::unmap_page_range;
    use crate::kernel::mm::Backing;
    use crate::kernel::testing::Machine;

    /// A page costs 0.5 us, or 2 us where there is no memory for batches: the first 8 find that out,
    /// and what is left over at the end pays it, too.
    #[test]
    fn pages_of_small_vmas_cost_more_only_while_memory_is_short() {
        for (pages, short, us) in [(7, false, 3), (7, true, 3), (20, false, 10), (20, true, 40)] {
            let costs = [("zap_page", Nanos(500)), ("zap_page_tight", Nanos(2_000))];
            let mut machine = Machine::with_costs("6.1", &costs);
            let mm = machine.mm(&[(Backing::Anonymous, pages)]);
            let id = machine.with(|state| state.mms[mm].vmas[0].id);
            if short {
                machine.with(|state| {
                    let free = state.zones[ZoneId(0)].free();
                    state.zones[ZoneId(0)].transfer(Use::Free, Use::Reserved, free);
                });
            }
            let took = Rc::new(Cell::new(0));
            let out = Rc::clone(&took);
            machine.kthread(move |cx| async move {
                let mut tlb = tlb_gather_mmu(mm);
                unmap_page_range(&cx, &mut tlb, mm, id).await;
                tlb.finish(&cx).await;
                out.set(cx.now().0 / 1_000);
            });
            machine.run();
            assert_eq!(took.get(), us, "{pages} {short}");
        }
    }
}
