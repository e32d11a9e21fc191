//! Mapped files.
//!
//! Mirrors mm/filemap.c: `filemap_fault()`, `do_sync_mmap_readahead()`,
//! and mm/memory.c: `do_fault()`, `do_shared_fault()`, `do_cow_fault()`,
//! `page_mkwrite`, Linux 6.1. Shared memory is in [`super::shmem`].
//!
//! Each region of a file has a file of its own, which a fork hands on.
//! As with anonymous memory pages are counted, not listed: who maps a
//! file maps its first pages. Page cache belongs to no process. Its pages
//! are counted per zone by [`Use`], and per file only by how many were
//! read and how many somebody maps: of the clean pages of a zone, those
//! that are mapped are not taken by reclaim until it has unmapped them
//! ([`super::rmap::unmap_file`]). While a page is read `mmap_lock` is not held. Pages
//! of shared memory stay when nobody maps them. The cgroup of whoever
//! reads a file first is charged for all of its page cache. Left out:
//! dirtying again what was written back while it was mapped.

use super::cx::Cx;
use super::fs_writeback::mark_inode_dirty;
use super::lruvec::Memcg;
use super::memcontrol::charge_cache;
use super::memory::{FaultError, charge, install_copy, wp_page_range};
use super::mm::{Access, Backing};
use super::mmu_notifier::{NotifierRange, invalidate_range_end, invalidate_range_start};
use super::page_alloc::{alloc_pages, free_pages, transfer_pages};
use super::page_writeback::balance_dirty_pages_ratelimited;
use super::pgtable::pte_alloc;
use super::psi::{psi_memstall_enter, psi_memstall_leave};
use super::shmem::{hugetlb_fault, shmem_fault};
use super::state::State;
use super::writeback::{Owner, To, at_end_of_read, read_pages_killable, record_page_cache};
use super::zone::{Pages, Use, ZONES};
use crate::base::{FileId, MmId, RangeId};
use crate::engine::Hold;
use crate::record::{Event, Func, Gfp, Reason};

/// Pages read at once: `VM_READAHEAD_PAGES`, 128 KiB (include/linux/mm.h).
const READAHEAD: u64 = 32;

/// A file, or a segment of shared memory.
#[derive(Clone, Default, Debug)]
pub struct File {
    /// Page cache that somebody maps; of shared memory, all its pages.
    pub pages: Pages,
    /// Pages read so far; some may be gone from the page cache.
    pub cached: u64,
    /// Of shared memory: pages in swap, behind those.
    pub swapped: u64,
    /// Who pays for its page cache, or its shared memory: the cgroup of the process that had it first.
    pub memcg: Memcg,
}

impl State {
    /// The most pages that any VMA maps of a file.
    fn most_mapped(&self, file: FileId) -> u64 {
        let vmas = self.mms.iter().flat_map(|(_, mm)| mm.vmas.iter().chain(&mm.detached));
        vmas.filter(|vma| vma.vm_file == Some(file)).map(|vma| vma.file).max().unwrap_or(0)
    }
}

/// What a fault on a page of a file has to do.
enum Todo {
    /// So many pages are mapped already.
    Nothing(u64),
    /// So many were only to be mapped, and are.
    Mapped(u64),
    /// So many are to be read first.
    Read(u64),
}

/// Faults in 1 to `want` pages of a VMA that isn't anonymous, from page
/// number `first` on; how many.
pub(super) async fn file_fault(
    cx: &Cx,
    mm: MmId,
    range: RangeId,
    first: u64,
    want: u64,
    access: Access,
) -> Result<u64, FaultError> {
    let backing = cx.with(|state| state.mms[mm].vma(range).map(|vma| vma.backing));
    match backing.ok_or(FaultError::Segv)? {
        Backing::PrivateFile if access == Access::Write => {
            do_cow_fault(cx, mm, range, first, want).await
        }
        Backing::PrivateFile => filemap_fault(cx, mm, range, first, want).await,
        Backing::SharedFile => do_shared_fault(cx, mm, range, first, want, access).await,
        Backing::Shmem => shmem_fault(cx, mm, range, first, want).await,
        Backing::Hugetlb => hugetlb_fault(cx, mm, range, first, want).await,
        // All of it was mapped by remap_pfn_range(): what is gone stays gone.
        Backing::Pfnmap => Err(FaultError::Sigbus),
        Backing::Anonymous => unreachable!("invariant: anonymous memory has faults of its own"),
    }
}

/// `filemap_fault()`: maps pages of the page cache, which may have to be read.
async fn filemap_fault(
    cx: &Cx,
    mm: MmId,
    range: RangeId,
    first: u64,
    want: u64,
) -> Result<u64, FaultError> {
    let _in = cx.enter(Func::FilemapFault);
    let mmap_lock = cx.with(|state| state.mms[mm].mmap_lock);
    loop {
        cx.try_lock_or_wait(mmap_lock, Hold::Shared, Reason::MmapLock).await;
        // __do_fault() has the table before it has the page.
        let todo = match pte_alloc(cx, mm, range, first, want).await {
            Ok(want) => map_cached(cx, mm, range, first, want),
            Err(error) => Err(error),
        };
        if let Ok(Todo::Mapped(count)) = todo {
            cx.cpu(cx.costs().page_fault * count).await;
        }
        cx.unlock(mmap_lock);
        match todo? {
            Todo::Nothing(count) | Todo::Mapped(count) => return Ok(count),
            Todo::Read(count) => read_ahead(cx, mm, range, first, count).await?,
        }
        if cx.fatal_signal_pending() {
            return Err(FaultError::Killed);
        }
    }
}

/// Maps what is in the page cache, with `mmap_lock` held.
fn map_cached(
    cx: &Cx,
    mm: MmId,
    range: RangeId,
    first: u64,
    want: u64,
) -> Result<Todo, FaultError> {
    let (todo, new) = cx.with(|state| {
        let unstable = state.mms[mm].unstable;
        let vma = state.mms[mm].vma(range).ok_or(FaultError::Segv)?;
        let (mapped, left) = (vma.file, vma.pages() - vma.mapped() - vma.swapped);
        if vma.mapped() > first {
            return Ok((Todo::Nothing(want.min(vma.mapped() - first)), Pages::default()));
        }
        // check_stable_address_space(), in finish_fault() of what is private.
        if unstable && vma.backing == Backing::PrivateFile {
            return Err(FaultError::Sigbus);
        }
        let want = want.min(left);
        // A VMA of the kernel's own files has nothing behind it that could fault.
        let file = vma.vm_file.ok_or(FaultError::Sigbus)?;
        // Before it lie pages that it has mapped, or has copies of.
        let before = first.max(mapped);
        let others = state.files[file].pages.count().saturating_sub(before);
        let cached = state.files[file].cached.saturating_sub(before + others);
        let mut new = Pages::default();
        if others < want {
            let memcg = state.files[file].memcg;
            new = state.clean_unmapped(memcg).take(cached.min(want - others));
        }
        let count = want.min(others + new.count());
        if count == 0 {
            return Ok((Todo::Read(want.min(READAHEAD)), new));
        }
        state.files[file].pages.add(new);
        let vma = state.mms[mm].vma(range).ok_or(FaultError::Segv)?;
        vma.file += count;
        vma.touched = vma.touched.max(vma.mapped() + vma.swapped);
        Ok((Todo::Mapped(count), new))
    })?;
    if let Todo::Mapped(count) = todo {
        cx.record(Event::Fault { range, pages: u32::try_from(count).unwrap_or(u32::MAX) });
    }
    record_page_cache(cx, new);
    Ok(todo)
}

/// `do_sync_mmap_readahead()`: reads pages of a file into the page cache.
async fn read_ahead(
    cx: &Cx,
    mm: MmId,
    range: RangeId,
    first: u64,
    count: u64,
) -> Result<(), FaultError> {
    let pages = alloc_pages(cx, Gfp::HIGHUSER_MOVABLE, 0, count).await.ok_or(FaultError::Oom)?;
    let memcg = cx.with(|state| {
        let own = state.mm_cgroup(mm);
        let vma = state.mms[mm].vma(range);
        let file = vma.and_then(|vma| vma.vm_file).map(|file| &mut state.files[file]);
        match file {
            Some(file) if file.cached > 0 => file.memcg,
            Some(file) => {
                file.memcg = own;
                own
            }
            None => own,
        }
    });
    let gfp = charge_gfp(cx);
    let pages = filemap_add_folio(cx, memcg, gfp, pages).await.ok_or(FaultError::Oom)?;
    // What was there before was workingset: waiting for it is a stall (PG_workingset).
    let refault = cx.with(|state| {
        let file = state.mms[mm].vma(range).and_then(|vma| vma.vm_file);
        file.is_some_and(|file| state.files[file].cached > first)
    });
    let pflags = refault.then(|| psi_memstall_enter(cx));
    // folio_lock_killable(): they are locked until they are read.
    let read = read_pages_killable(cx, To::Disk, pages.count(), Reason::DiskRead).await;
    if let Some(pflags) = pflags {
        psi_memstall_leave(cx, pflags);
    }
    if let Err(done) = read {
        at_end_of_read(cx, done, move |cx| end_read(cx, (mm, range), first, memcg, pages));
        return Err(FaultError::Killed);
    }
    cx.cpu(cx.costs().major_fault).await;
    end_read(cx, (mm, range), first, memcg, pages);
    Ok(())
}

/// `folio_end_read()`: they are clean page cache, whatever became of the mapping.
fn end_read(cx: &Cx, (mm, range): (MmId, RangeId), first: u64, memcg: Memcg, pages: Pages) {
    transfer_pages(cx, pages, Use::InFlight, Use::Clean);
    cx.with(|state| {
        if let Some(memcg) = memcg {
            state.cgroups[memcg].clean.add(pages);
        }
        let file = state.mms[mm].vma(range).and_then(|vma| Some((vma.vm_file?, vma.pages())));
        if let Some((file, size)) = file {
            let file = &mut state.files[file];
            // What was read again had gone.
            let before = file.cached.max(file.pages.count()).max(first);
            file.cached = (before + pages.count()).min(size);
        }
    });
    record_page_cache(cx, pages);
}

/// The flags with which page cache is charged.
pub(super) fn charge_gfp(cx: &Cx) -> Gfp {
    let whole = cx.kernel().switches.page_cache_is_charged_as_asked_for;
    if whole { Gfp::HIGHUSER_MOVABLE } else { Gfp::KERNEL }
}

/// `filemap_add_folio()`: charges new page cache; what there is no room for is put back.
pub(super) async fn filemap_add_folio(
    cx: &Cx,
    memcg: Memcg,
    gfp: Gfp,
    mut pages: Pages,
) -> Option<Pages> {
    let charged = charge_cache(cx, memcg, gfp, pages.count()).await.unwrap_or(0);
    let surplus = pages.take(pages.count() - charged);
    free_pages(cx, surplus, Use::InFlight);
    (charged > 0).then_some(pages)
}

/// `do_shared_fault()`: as a read, and the pages become dirty if it writes.
async fn do_shared_fault(
    cx: &Cx,
    mm: MmId,
    range: RangeId,
    first: u64,
    want: u64,
    access: Access,
) -> Result<u64, FaultError> {
    let count = filemap_fault(cx, mm, range, first, want).await?;
    if access == Access::Write {
        let dirtied = page_mkwrite(cx, mm, range, first + count);
        // fault_dirty_shared_page(), with mmap_lock dropped.
        balance_dirty_pages_ratelimited(cx, dirtied).await;
    }
    Ok(count)
}

/// `page_mkwrite`: the first `end` pages are dirty from now on, those
/// besides that were so before; how many became dirty.
fn page_mkwrite(cx: &Cx, mm: MmId, range: RangeId, end: u64) -> u64 {
    let found = cx.with(|state| {
        let vma = state.mms[mm].vma(range)?;
        let new = end.min(vma.file).saturating_sub(vma.dirtied);
        vma.dirtied += new;
        let file = vma.vm_file?;
        let memcg = state.files[file].memcg;
        let clean = state.clean(memcg);
        let mut from = state.files[file].pages;
        for (count, clean) in from.0.iter_mut().zip(clean.0) {
            *count = (*count).min(clean);
        }
        Some((file, memcg, from.take(new)))
    });
    let Some((file, memcg, dirty)) = found else { return 0 };
    mark_inode_dirty(cx, Owner { file: Some(file), memcg }, dirty, Use::Clean);
    dirty.count()
}

/// `do_cow_fault()`, and `do_wp_page()` of a page that is mapped to be
/// read: the page is copied, and the copy is the process's own.
async fn do_cow_fault(
    cx: &Cx,
    mm: MmId,
    range: RangeId,
    first: u64,
    want: u64,
) -> Result<u64, FaultError> {
    let found =
        cx.with(|state| state.mms[mm].vma(range).map(|vma| (vma.anon.count(), vma.mapped())));
    let (own, mapped) = found.unwrap_or_default();
    if own > first {
        return Ok(want.min(own - first));
    }
    // What is to be copied has to be there.
    let count = filemap_fault(cx, mm, range, first, want).await?;
    let mmap_lock = cx.with(|state| state.mms[mm].mmap_lock);
    cx.try_lock_or_wait(mmap_lock, Hold::Shared, Reason::MmapLock).await;
    // A page that was mapped is replaced, which wp_page_copy() announces, one at a time.
    let replaced = (mapped > first).then(|| wp_page_range(cx, mm, range, first)).flatten();
    let count = if replaced.is_some() { 1 } else { count };
    let result = copy_pages(cx, mm, range, count, replaced).await;
    cx.unlock(mmap_lock);
    result
}

async fn copy_pages(
    cx: &Cx,
    mm: MmId,
    range: RangeId,
    count: u64,
    replaced: Option<NotifierRange>,
) -> Result<u64, FaultError> {
    let _in = cx.enter(Func::DoWpPage);
    let pages = alloc_pages(cx, Gfp::HIGHUSER_MOVABLE, 0, count).await;
    let pages = charge(cx, mm, Gfp::KERNEL, pages).await.ok_or(FaultError::Oom)?;
    cx.cpu(cx.costs().page_fault * pages.count()).await;
    if let Some(replaced) = replaced {
        invalidate_range_start(cx, replaced).await;
    }
    let result = install_copy(cx, mm, range, pages);
    if let Some(replaced) = replaced {
        invalidate_range_end(cx, replaced).await;
    }
    result
}

/// `unmap_page_range()` of pages that belong to nobody or to a file: up
/// to `most`; how many there were. They stay where they are.
pub(super) fn unmap_not_owned(state: &mut State, mm: MmId, range: RangeId, most: u64) -> u64 {
    let Some(vma) = state.mms[mm].vma(range) else { return 0 };
    let mut left = most;
    for mapped in [&mut vma.resident, &mut vma.file, &mut vma.shmem] {
        let count = left.min(*mapped);
        *mapped -= count;
        left -= count;
    }
    vma.dirtied = vma.dirtied.min(vma.file);
    if let (Some(file), true) = (vma.vm_file, vma.shmem == 0) {
        unmapped(state, file, ZONES);
    }
    most - left
}

/// Some VMA maps less of a file: page cache that nobody maps any more, out
/// of the `zones` lowest zones, is reclaim's to take.
pub(super) fn unmapped(state: &mut State, file: FileId, zones: usize) {
    if state.files[file].cached > 0 {
        let most = state.most_mapped(file);
        let pages = &mut state.files[file].pages;
        let surplus = pages.count().saturating_sub(most);
        let _ = pages.take_in(surplus, zones);
    }
}
