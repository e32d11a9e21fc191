//! Shared memory, and huge pages of the reserved pool.
//!
//! Mirrors mm/shmem.c: `shmem_fault()`, and mm/hugetlb.c:
//! `hugetlb_fault()`, Linux 6.1. A segment is a [`super::filemap::File`]
//! whose pages stay when nobody maps them, in memory or in swap
//! ([`super::rmap`] takes them there). The cgroup of whoever has the first of them is
//! charged for all. Left out: the size of the pool of huge pages.

use super::cx::Cx;
use super::filemap::filemap_add_folio;
use super::memcontrol::uncharge_cache;
use super::memory::FaultError;
use super::page_alloc::{alloc_pages, free_pages, transfer_pages};
use super::pgtable::pte_alloc;
use super::psi::{psi_memstall_enter, psi_memstall_leave};
use super::swap::SWAP_CLUSTER;
use super::writeback::{To, read_pages};
use super::zone::{Pages, Use};
use crate::base::{FileId, MmId, RangeId};
use crate::engine::Hold;
use crate::record::{Event, Gfp, Reason};

/// `shmem_fault()`: maps pages of a segment, new ones if there are not enough.
pub(super) async fn shmem_fault(
    cx: &Cx,
    mm: MmId,
    range: RangeId,
    first: u64,
    want: u64,
) -> Result<u64, FaultError> {
    let mapped = cx.with(|state| state.mms[mm].vma(range).map_or(0, |vma| vma.shmem));
    if mapped > first {
        return Ok(want.min(mapped - first));
    }
    let mmap_lock = cx.with(|state| state.mms[mm].mmap_lock);
    cx.try_lock_or_wait(mmap_lock, Hold::Shared, Reason::MmapLock).await;
    let result = match pte_alloc(cx, mm, range, first, want).await {
        Ok(want) => map_shmem(cx, mm, range, want).await,
        Err(error) => Err(error),
    };
    cx.unlock(mmap_lock);
    result
}

async fn map_shmem(cx: &Cx, mm: MmId, range: RangeId, want: u64) -> Result<u64, FaultError> {
    let (file, there) = cx.with(|state| {
        let vma = state.mms[mm].vma(range).ok_or(FaultError::Segv)?;
        let (file, mapped) = (vma.vm_file.ok_or(FaultError::Sigbus)?, vma.shmem);
        Ok((file, state.files[file].pages.count().saturating_sub(mapped)))
    })?;
    let mut new = Pages::default();
    if there == 0 {
        new = shmem_swapin(cx, mm, file, want).await?;
        if new.count() == 0 {
            new = shmem_alloc(cx, mm, file, want).await?;
            transfer_pages(cx, new, Use::InFlight, Use::Shmem);
            cx.with(|state| state.files[file].pages.add(new));
        }
    }
    let count = cx.with(|state| {
        let vma = state.mms[mm].vma(range).expect("invariant: mmap_lock keeps the VMA");
        // Another thread may have been faster.
        let count = want.min(there.max(new.count())).min(vma.pages() - vma.shmem);
        vma.shmem += count;
        vma.touched = vma.touched.max(vma.shmem);
        count
    });
    cx.cpu(cx.costs().page_fault * count.max(1)).await;
    cx.record(Event::Fault { range, pages: u32::try_from(count).unwrap_or(u32::MAX) });
    Ok(count.max(1))
}

/// `shmem_alloc_and_acct_folio()`: new pages of a segment, charged.
async fn shmem_alloc(cx: &Cx, mm: MmId, segment: FileId, want: u64) -> Result<Pages, FaultError> {
    let memcg = cx.with(|state| {
        let own = state.mm_cgroup(mm);
        let file = &mut state.files[segment];
        if file.pages.count() + file.swapped == 0 {
            file.memcg = own;
        }
        file.memcg
    });
    let pages = alloc_pages(cx, Gfp::HIGHUSER_MOVABLE, 0, want).await.ok_or(FaultError::Oom)?;
    // shmem_add_to_page_cache() charges with what of the flags is about reclaim.
    filemap_add_folio(cx, memcg, Gfp::KERNEL, pages).await.ok_or(FaultError::Oom)
}

/// `shmem_swapin_folio()`: up to `want` pages that the segment has in swap; how many came back.
async fn shmem_swapin(cx: &Cx, mm: MmId, segment: FileId, want: u64) -> Result<Pages, FaultError> {
    let swapped = cx.with(|state| state.files[segment].swapped);
    if swapped == 0 {
        return Ok(Pages::default());
    }
    let mut pages = shmem_alloc(cx, mm, segment, want.min(SWAP_CLUSTER).min(swapped)).await?;
    let pflags = psi_memstall_enter(cx);
    read_pages(cx, To::Swap, pages.count(), Reason::SwapIn).await;
    psi_memstall_leave(cx, pflags);
    cx.cpu(cx.costs().major_fault).await;
    let (back, memcg) = cx.with(|state| {
        let file = &mut state.files[segment];
        // Another process may have been faster.
        let back = pages.take(file.swapped);
        file.swapped -= back.count();
        file.pages.add(back);
        if let Some(swap) = &mut state.swap {
            swap.used -= back.count();
        }
        (back, file.memcg)
    });
    transfer_pages(cx, back, Use::InFlight, Use::Shmem);
    let left = pages.count();
    free_pages(cx, pages, Use::InFlight);
    uncharge_cache(cx, memcg, left);
    Ok(back)
}

/// `hugetlb_fault()`: from the pool, which the kernel has from the start.
pub(super) async fn hugetlb_fault(
    cx: &Cx,
    mm: MmId,
    range: RangeId,
    first: u64,
    want: u64,
) -> Result<u64, FaultError> {
    let mmap_lock = cx.with(|state| state.mms[mm].mmap_lock);
    cx.try_lock_or_wait(mmap_lock, Hold::Shared, Reason::MmapLock).await;
    let result = pte_alloc(cx, mm, range, first, want).await.and_then(|want| {
        cx.with(|state| {
            let vma = state.mms[mm].vma(range).ok_or(FaultError::Segv)?;
            let new = (first + want).min(vma.pages()).saturating_sub(vma.resident);
            vma.resident += new;
            vma.touched = vma.touched.max(vma.resident);
            Ok((new, want))
        })
    });
    if let Ok((new, _)) = result
        && new > 0
    {
        cx.cpu(cx.costs().page_fault).await;
        cx.record(Event::Fault { range, pages: u32::try_from(new).unwrap_or(u32::MAX) });
    }
    cx.unlock(mmap_lock);
    result.map(|(_, want)| want)
}
