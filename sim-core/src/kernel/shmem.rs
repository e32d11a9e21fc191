//! Shared memory, and huge pages of the reserved pool.
//!
//! Mirrors mm/shmem.c: `shmem_fault()`, and mm/hugetlb.c:
//! `hugetlb_fault()`, Linux 6.1. A segment is a [`super::filemap::File`]
//! whose pages stay when nobody maps them. Left out: swapping of shared
//! memory, the size of the pool of huge pages.

use super::cx::Cx;
use super::memory::{FaultError, charge};
use super::page_alloc::{alloc_pages, transfer_pages};
use super::zone::{Pages, Use};
use crate::base::{MmId, RangeId};
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
    let result = map_shmem(cx, mm, range, want).await;
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
        let pages = alloc_pages(cx, Gfp::HIGHUSER_MOVABLE, 0, want).await;
        new = charge(cx, mm, pages).await.ok_or(FaultError::Oom)?;
        transfer_pages(cx, new, Use::InFlight, Use::Shmem);
        cx.with(|state| state.files[file].pages.add(new));
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
    let result = cx.with(|state| {
        let vma = state.mms[mm].vma(range).ok_or(FaultError::Segv)?;
        let new = (first + want).min(vma.pages()).saturating_sub(vma.resident);
        vma.resident += new;
        vma.touched = vma.touched.max(vma.resident);
        Ok(new)
    });
    if let Ok(new) = result
        && new > 0
    {
        cx.cpu(cx.costs().page_fault).await;
        cx.record(Event::Fault { range, pages: u32::try_from(new).unwrap_or(u32::MAX) });
    }
    cx.unlock(mmap_lock);
    result.map(|_| want)
}
