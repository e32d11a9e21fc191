//! Mapping and unmapping.
//!
//! Mirrors mm/mmap.c: `do_mmap()` with MAP_FIXED, `__do_munmap()`,
//! `__split_vma()` and `unmap_region()`, Linux 6.1. Notifiers hear of an
//! unmapping in one blockable call over the whole range. VMAs to be
//! unmapped leave the address space first, so that no reaper meets them.
//! Left out: merging of VMAs, accounting limits, growing stacks.

use super::cx::Cx;
use super::device;
use super::memory::unmap_page_range;
use super::mm::{Backing, Vma};
use super::mmu_gather::tlb_gather_mmu;
use super::mmu_notifier::{
    Range, invalidate_range_end, invalidate_range_start, mmu_notifier_range_init,
};
use super::pgtable::{alloc_tables, free_pgtables};
use crate::base::{MmId, RangeId};
use crate::engine::{Hold, Waited};
use crate::record::{Event, Func, MnEvent, Reason};

/// `do_mmap()`: maps a VMA; what was mapped at its place is unmapped
/// first. SIGKILL cuts the wait for `mmap_lock` short.
pub async fn do_mmap(cx: &Cx, mm: MmId, vma: Vma) -> Waited {
    let _in = cx.enter(Func::DoMmap);
    let mmap_lock = cx.with(|state| state.mms[mm].mmap_lock);
    let waited = cx.lock_killable(mmap_lock, Hold::Exclusive, Reason::MmapLockKillable).await;
    if waited != Waited::Granted {
        return waited;
    }
    let detached = detach(cx, mm, vma.start, vma.end);
    unmap_region(cx, mm, vma.start, vma.end, detached).await;
    let (range, size) = (vma.id, vma.pages());
    let (backing, span) = (vma.backing, (vma.start, vma.end));
    cx.with(|state| state.mms[mm].insert(vma));
    cx.record(Event::Mapped { range });
    // remap_pfn_range(): a driver's mmap() maps all of it at once, if it gets tables.
    if backing == Backing::Pfnmap && alloc_tables(cx, mm, span, backing).await.is_ok() {
        cx.with(|state| {
            let vma = state.mms[mm].vma(range).expect("invariant: it was just mapped");
            (vma.resident, vma.touched) = (size, size);
        });
        cx.record(Event::Fault { range, pages: u32::try_from(size).unwrap_or(u32::MAX) });
    }
    cx.unlock(mmap_lock);
    Waited::Granted
}

/// `__do_munmap()`: unmaps everything in a range. SIGKILL cuts the wait
/// for `mmap_lock` short.
pub async fn do_munmap(cx: &Cx, mm: MmId, start: u64, end: u64) -> Waited {
    let _in = cx.enter(Func::DoMunmap);
    let mmap_lock = cx.with(|state| state.mms[mm].mmap_lock);
    let waited = cx.lock_killable(mmap_lock, Hold::Exclusive, Reason::MmapLockKillable).await;
    if waited != Waited::Granted {
        return waited;
    }
    let detached = detach(cx, mm, start, end);
    if cx.kernel().switches.munmap_downgrades {
        cx.kernel().engine.downgrade(mmap_lock);
    }
    unmap_region(cx, mm, start, end, detached).await;
    cx.unlock(mmap_lock);
    Waited::Granted
}

/// `detach_vmas_to_be_unmapped()`: takes the VMAs of a range out of the
/// address space, split at its ends.
fn detach(cx: &Cx, mm: MmId, start: u64, end: u64) -> Vec<RangeId> {
    for address in [start, end] {
        split_vma(cx, mm, address);
    }
    cx.with(|state| {
        let mm = &mut state.mms[mm];
        let inside = |vma: &Vma| start <= vma.start && vma.end <= end;
        let (detached, kept) = std::mem::take(&mut mm.vmas).into_iter().partition(inside);
        mm.vmas = kept;
        let ids = detached.iter().map(|vma: &Vma| vma.id).collect();
        mm.detached.extend(detached);
        ids
    })
}

/// `unmap_region()`: notifiers, then the pages, then the VMAs are gone.
async fn unmap_region(cx: &Cx, mm: MmId, start: u64, end: u64, detached: Vec<RangeId>) {
    let Some(&first) = detached.first() else { return };
    let _in = cx.enter(Func::UnmapRegion);
    let range = Range { id: first, start, end };
    let mut tlb = tlb_gather_mmu(mm);
    // What the VMAs on either side need stays.
    let (floor, ceiling) = cx.with(|state| {
        let vmas = &state.mms[mm].vmas;
        let next = vmas.partition_point(|vma| vma.start < start);
        let floor = next.checked_sub(1).map_or(0, |prev| vmas[prev].end);
        (floor, vmas.get(next).map_or(u64::MAX, |next| next.start))
    });
    // unmap_vmas()
    let range = mmu_notifier_range_init(cx, MnEvent::Unmap, mm, range);
    invalidate_range_start(cx, range).await;
    for vma in &detached {
        unmap_page_range(cx, &mut tlb, mm, *vma).await;
    }
    invalidate_range_end(cx, range).await;
    tlb.remove_tables(free_pgtables(cx, mm, floor, ceiling));
    tlb.finish(cx).await;
    cx.with(|state| state.mms[mm].detached.retain(|vma| !detached.contains(&vma.id)));
    for range in detached {
        cx.record(Event::Unmapped { range });
    }
}

/// `__split_vma()`: a VMA that spans `address` becomes two; the lower one
/// keeps its name.
pub(super) fn split_vma(cx: &Cx, mm: MmId, address: u64) {
    let Some(old) = cx.with(|state| {
        let vmas = &state.mms[mm].vmas;
        vmas.iter().find(|vma| vma.start < address && address < vma.end).map(|vma| vma.id)
    }) else {
        return;
    };
    let new = cx.kernel().engine.observe(|_, recorder| {
        let mut info = recorder.cast.ranges[old].clone();
        info.start = address;
        recorder.cast.ranges[old].end = address;
        recorder.cast.ranges.push(info)
    });
    cx.with(|state| {
        let mm = &mut state.mms[mm];
        let vma = mm.vma(old).expect("invariant: it was found above");
        let upper = vma.split(new, address);
        let stays = vma.pages();
        mm.insert(upper);
        device::split(state, old, new, stays);
    });
}
