//! Page faults, and taking pages away again.
//!
//! Mirrors mm/memory.c: `handle_mm_fault()` for anonymous memory and
//! `unmap_page_range()`, Linux 6.1. Left out: files.

use super::cx::Cx;
use super::device::keep_referenced;
use super::filemap::{file_fault, unmap_not_owned, unmapped};
use super::fork::{Taken, Unshared, do_wp_page, unshare};
use super::memcontrol::{mem_cgroup_charge, mem_cgroup_handle_over_high, mem_cgroup_uncharge};
use super::mm::{Access, Backing, Vma};
use super::mmu_gather::{MmuGather, unmap_page};
use super::mmu_notifier::{
    NotifierRange, Range, invalidate_range_end, invalidate_range_start, mm_has_notifiers,
    mmu_notifier_range_init,
};
use super::oom_kill::pagefault_out_of_memory;
use super::page_alloc::{alloc_pages, free_pages, transfer_pages};
use super::pgtable::{alloc_tables, pte_alloc};
use super::swap::{do_swap_page, drop_entries};
use super::zone::{Pages, Use, ZONES};
use crate::base::{MmId, RangeId};
use crate::engine::Hold;
use crate::record::{Event, Func, Gfp, MnEvent, Reason};

/// PTEs of a page table.
const PTRS_PER_PTE: u64 = 512;

/// Why a fault brought no page.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum FaultError {
    /// `VM_FAULT_SIGBUS`: the reaper has been here.
    Sigbus,
    /// `VM_FAULT_OOM`: no page to be had.
    Oom,
    /// `VM_FAULT_SIGSEGV`: nothing is mapped there.
    Segv,
    /// Killed while it waited: `VM_FAULT_RETRY`, and no further try.
    Killed,
}

/// Touches 1 to `want` pages of a VMA from its page number `first` on, as
/// a program that goes through them one after the other, and returns how
/// many. Pages that are present already cost nothing.
pub async fn fault_in(
    cx: &Cx,
    mm: MmId,
    range: RangeId,
    first: u64,
    want: u64,
    access: Access,
) -> Result<u64, FaultError> {
    let (present, swapped, anonymous) = cx.with(|state| {
        state.mms[mm].vma(range).map_or((0, false, true), |vma| {
            let mapped = vma.accessible(access);
            // What a process wrote to in a private mapping is anonymous, whatever was behind it.
            let own = vma.backing == Backing::PrivateFile && access == Access::Write;
            let anonymous = vma.backing == Backing::Anonymous || (own && !vma.shares.is_empty());
            (vma.present_from(first, mapped), vma.is_swapped(first, mapped), anonymous)
        })
    });
    if present > 0 {
        return Ok(want.min(present));
    }
    let _in = cx.enter(Func::ExcPageFault);
    // mem_cgroup_oom_enable(): a fault of user mode can wait where no lock is held.
    cx.with(|state| state.tasks[cx.task()].memcg_may_oom = true);
    let result = if swapped {
        do_swap_page(cx, mm, range, want).await
    } else if anonymous {
        let mmap_lock = cx.with(|state| state.mms[mm].mmap_lock);
        cx.try_lock_or_wait(mmap_lock, Hold::Shared, Reason::MmapLock).await;
        let result = handle_mm_fault(cx, mm, range, first, want, access).await;
        cx.unlock(mmap_lock);
        result
    } else {
        file_fault(cx, mm, range, first, want, access).await
    };
    cx.with(|state| state.tasks[cx.task()].memcg_may_oom = false);
    if result == Err(FaultError::Oom) {
        pagefault_out_of_memory(cx).await;
    }
    mem_cgroup_handle_over_high(cx).await;
    result
}

/// `handle_mm_fault()` down to `do_anonymous_page()`.
async fn handle_mm_fault(
    cx: &Cx,
    mm: MmId,
    range: RangeId,
    first: u64,
    want: u64,
    access: Access,
) -> Result<u64, FaultError> {
    let _in = cx.enter(Func::HandleMmFault);
    let want = pte_alloc(cx, mm, range, first, want).await?;
    if access == Access::Read {
        // Whoever reads what was never written gets the zero page, but for check_stable_address_space().
        cx.cpu(cx.costs().page_fault * want).await;
        let unstable = cx.with(|state| state.mms[mm].unstable);
        return if unstable { Err(FaultError::Sigbus) } else { Ok(want) };
    }
    let shared = match cx.with(|state| do_wp_page(state, mm, range, want)) {
        Taken::Nothing => 0,
        Taken::Copied(count) => count,
        Taken::Reused(pages) => {
            cx.cpu(cx.costs().page_fault * pages.count()).await;
            return Ok(reuse(cx, mm, range, pages));
        }
    };
    // wp_page_copy() announces the page that it replaces: where somebody listens, one at a time.
    let notified = (shared > 0).then(|| wp_page_range(cx, mm, range, first)).flatten();
    let shared = if notified.is_some() { 1 } else { shared };
    let want = if shared > 0 { shared } else { want };
    let gfp = if shared > 0 { Gfp::HIGHUSER_MOVABLE } else { Gfp::ZEROED_MOVABLE };
    let pages = alloc_pages(cx, gfp, 0, want).await;
    let mut pages = charge(cx, mm, Gfp::KERNEL, pages).await.ok_or(FaultError::Oom)?;
    let locked = cx.with(|state| state.mms[mm].vma(range).is_some_and(|vma| vma.locked));
    let costs = cx.costs();
    let per_page = if locked { costs.page_fault + costs.mlock_page } else { costs.page_fault };
    cx.cpu(per_page * pages.count()).await;
    let touched = pages.count();
    // check_stable_address_space(): a page may not come back zeroed.
    if cx.with(|state| state.mms[mm].unstable) {
        free_pages(cx, pages, Use::InFlight);
        mem_cgroup_uncharge(cx, mm, touched);
        return Err(FaultError::Sigbus);
    }
    if let Some(notified) = notified {
        invalidate_range_start(cx, notified).await;
    }
    // Another thread may have been faster: what was its page is not needed twice.
    let (room, shared) = cx.with(|state| {
        let vma = state.mms[mm].vma(range).expect("invariant: mmap_lock keeps the VMA");
        (vma.pages() - vma.mapped() - vma.swapped, vma.shared().min(shared))
    });
    let copies = pages.take(touched.min(shared));
    let surplus = pages.take(pages.count().saturating_sub(room));
    free_pages(cx, surplus, Use::InFlight);
    mem_cgroup_uncharge(cx, mm, surplus.count());
    install(cx, mm, range, pages);
    let mut left = copies.count();
    while left > 0 {
        let unshared = cx.with(|state| unshare(state, mm, range, left));
        let unshared = unshared.expect("invariant: the copies are of shared pages");
        free_pages(cx, unshared.dropped, Use::Anon);
        mem_cgroup_uncharge(cx, unshared.owner, unshared.dropped.count());
        left -= unshared.count;
    }
    add_anon(cx, mm, range, copies);
    if let Some(notified) = notified {
        invalidate_range_end(cx, notified).await;
    }
    Ok(touched)
}

/// The page number `first` of a VMA, as notifiers of the mm hear of it when it is copied; none if it has none.
pub(super) fn wp_page_range(
    cx: &Cx,
    mm: MmId,
    range: RangeId,
    first: u64,
) -> Option<NotifierRange> {
    let page = cx.with(|state| {
        let start = state.mms[mm].vma(range)?.start + (first << 12);
        let page = Range { id: range, start, end: start + (1 << 12) };
        mm_has_notifiers(state, mm).then_some(page)
    })?;
    Some(mmu_notifier_range_init(cx, MnEvent::Clear, mm, page))
}

/// `wp_page_reuse()`: the last mapper of shared pages has them for itself.
fn reuse(cx: &Cx, mm: MmId, range: RangeId, pages: Pages) -> u64 {
    transfer_pages(cx, pages, Use::Anon, Use::InFlight);
    add_anon(cx, mm, range, pages);
    pages.count()
}

/// The VMAs and pages a program has before its first step: each VMA with
/// its mapped file pages, and how many anonymous ones it is to get. Taken
/// without cost: who made the process paid for them.
pub async fn map_initial(cx: &Cx, mm: MmId, vmas: Vec<(Vma, u64)>) {
    for (vma, anonymous) in vmas {
        let (range, file) = (vma.id, vma.resident);
        let (start, backing, present) = (vma.start, vma.backing, file + anonymous);
        cx.with(|state| state.mms[mm].insert(vma));
        let span = (start, start + (present << 12));
        if present > 0 && alloc_tables(cx, mm, span, backing).await.is_err() {
            return;
        }
        if file > 0 {
            cx.record(Event::Fault { range, pages: u32::try_from(file).unwrap_or(u32::MAX) });
        }
        let mut left = anonymous;
        while left > 0 {
            let pages = alloc_pages(cx, Gfp::ZEROED_MOVABLE, 0, left).await;
            let Some(pages) = charge(cx, mm, Gfp::KERNEL, pages).await else { return };
            left -= pages.count();
            install(cx, mm, range, pages);
        }
    }
}

/// Charges new pages to the cgroup of the mm; those for which there is no
/// room are put back.
pub(super) async fn charge(cx: &Cx, mm: MmId, gfp: Gfp, pages: Option<Pages>) -> Option<Pages> {
    let mut pages = pages?;
    let charged = mem_cgroup_charge(cx, mm, gfp, pages.count()).await.unwrap_or(0);
    let surplus = pages.take(pages.count() - charged);
    free_pages(cx, surplus, Use::InFlight);
    (charged > 0).then_some(pages)
}

/// `finish_fault()` of copies of a file's pages, with `mmap_lock` held:
/// they take the place of the file's where those are mapped.
pub(super) fn install_copy(
    cx: &Cx,
    mm: MmId,
    range: RangeId,
    mut pages: Pages,
) -> Result<u64, FaultError> {
    let count = pages.count();
    let unstable = cx.with(|state| state.mms[mm].unstable);
    let found = cx.with(|state| {
        let vma = state.mms[mm].vma(range).filter(|_| !unstable)?;
        let replaced = vma.file.min(count);
        vma.file -= replaced;
        let room = vma.pages() - vma.mapped() - vma.swapped;
        let file = vma.vm_file;
        if let Some(file) = file {
            unmapped(state, file, ZONES);
        }
        Some((replaced, room))
    });
    let (replaced, room) = found.unwrap_or_default();
    let surplus = pages.take(count.saturating_sub(room));
    free_pages(cx, surplus, Use::InFlight);
    mem_cgroup_uncharge(cx, mm, surplus.count());
    if found.is_none() {
        return Err(if unstable { FaultError::Sigbus } else { FaultError::Segv });
    }
    add_anon(cx, mm, range, pages);
    let new = pages.count().saturating_sub(replaced);
    if new > 0 {
        cx.record(Event::Fault { range, pages: u32::try_from(new).unwrap_or(u32::MAX) });
    }
    Ok(count)
}

/// Maps pages into a VMA.
fn install(cx: &Cx, mm: MmId, range: RangeId, pages: Pages) {
    if pages.count() == 0 {
        return;
    }
    add_anon(cx, mm, range, pages);
    let pages = u32::try_from(pages.count()).unwrap_or(u32::MAX);
    cx.record(Event::Fault { range, pages });
}

/// Gives a VMA anonymous pages.
fn add_anon(cx: &Cx, mm: MmId, range: RangeId, pages: Pages) {
    let to = cx.with(|state| {
        let vma = state.mms[mm].vma(range).expect("invariant: mmap_lock keeps the VMA");
        vma.anon.add(pages);
        vma.touched = vma.touched.max(vma.mapped() + vma.swapped);
        assert!(
            vma.mapped() <= vma.pages(),
            "invariant I13: more pages present in a VMA than it has"
        );
        vma.anon_use()
    });
    transfer_pages(cx, pages, Use::InFlight, to);
}

/// `unmap_page_range()`: clears a VMA's PTEs; the pages are freed when the gather is flushed.
/// Two tasks may do this to one VMA at a time; each page is freed once.
pub(super) async fn unmap_page_range(cx: &Cx, tlb: &mut MmuGather, mm: MmId, range: RangeId) {
    let how = cx.with(|state| state.mms[mm].vma(range).map(|vma| (vma.thp, vma.locked)));
    let Some((thp, locked)) = how else { return };
    let cost = match (thp, locked) {
        (true, _) => cx.costs().zap_page_thp,
        (false, true) => unmap_page(cx) + cx.costs().munlock_page,
        (false, false) => unmap_page(cx),
    };
    tlb.start_vma(range, thp);
    loop {
        // A page table's worth of PTEs, then whoever waits may run.
        let most = tlb.room().min(if thp { u64::MAX } else { PTRS_PER_PTE });
        let batch =
            cx.with(|state| state.mms[mm].vma(range).map_or(0, |vma| vma.present().min(most)));
        if batch == 0 {
            break;
        }
        cx.cpu(cost * batch).await;
        let (unmapped, mut freed, left, used) = cx.with(|state| {
            // Pages of a file stay in the page cache.
            let file = unmap_not_owned(state, mm, range, batch);
            let vma = state.mms[mm].vma(range).expect("invariant: the mm outlives its unmapping");
            let freed = vma.anon.take(batch - file);
            (file + freed.count(), freed, vma.anon.count(), vma.anon_use())
        });
        if unmapped > 0 {
            let pages = u32::try_from(unmapped).unwrap_or(u32::MAX);
            cx.record(Event::Zap { range, pages, freed: 0 });
        }
        keep_referenced(cx, range, left, &mut freed, used);
        transfer_pages(cx, freed, used, Use::InFlight);
        tlb.remove_pages(cx, unmapped, freed).await;
    }
    unmap_shared_pages(cx, tlb, mm, range).await;
    // zap_pte_range() meets swap entries as well.
    cx.with(|state| {
        let entries = state.mms[mm].vma(range).map_or(0, |vma| vma.swapped);
        drop_entries(state, mm, range, entries);
    });
}

/// The pages of a VMA that are shared since a fork.
async fn unmap_shared_pages(cx: &Cx, tlb: &mut MmuGather, mm: MmId, range: RangeId) {
    loop {
        let most = tlb.room().min(PTRS_PER_PTE);
        let batch =
            cx.with(|state| state.mms[mm].vma(range).map_or(0, |vma| vma.shared().min(most)));
        if batch == 0 {
            return;
        }
        cx.cpu(unmap_page(cx) * batch).await;
        let (unshared, left) = cx.with(|state| {
            let unshared = unshare(state, mm, range, batch);
            (unshared, state.mms[mm].vma(range).map_or(0, |vma| vma.shared()))
        });
        let Some(Unshared { count: unmapped, dropped: mut freed, owner }) = unshared else {
            continue;
        };
        keep_referenced(cx, range, left, &mut freed, Use::Anon);
        // No page table names them any more, and others run before they are free.
        transfer_pages(cx, freed, Use::Anon, Use::InFlight);
        let pages = u32::try_from(unmapped).unwrap_or(u32::MAX);
        cx.record(Event::Zap { range, pages, freed: 0 });
        tlb.paid_by(owner);
        tlb.remove_pages(cx, unmapped, freed).await;
    }
}
