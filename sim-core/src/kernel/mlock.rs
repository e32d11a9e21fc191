//! Locking memory.
//!
//! Mirrors mm/mlock.c: `do_mlock()`, `apply_vma_lock_flags()`,
//! `mlock_fixup()`, and mm/gup.c: `__mm_populate()`, Linux 6.1: the VMAs
//! are split at the range's ends and marked under `mmap_lock` for
//! writing, then their pages are faulted in, and all of them leave the
//! lists that reclaim looks at: anonymous ones are [`Use::Unevictable`],
//! of files and segments [`State::mlocked`] counts them, since a page stays
//! locked as long as any of those who map it have it so. Left out:
//! RLIMIT_MEMLOCK, MLOCK_ONFAULT.

use super::cx::Cx;
use super::memory::{FaultError, fault_in};
use super::mm::{Access, Backing};
use super::munmap::split_vma;
use super::page_alloc::transfer_pages;
use super::state::State;
use super::zone::{Pages, Use};
use crate::base::{FileId, MmId, RangeId};
use crate::engine::{Hold, Waited};
use crate::record::{Event, Func, Reason};

/// `do_mlock()`: locks what is mapped in a range, and faults it in. Stops
/// early when the task is killed or a page can't be had.
pub async fn do_mlock(cx: &Cx, mm: MmId, start: u64, end: u64) {
    let _in = cx.enter(Func::DoMlock);
    let Some(vmas) = apply_vma_lock_flags(cx, mm, start, end, true).await else {
        return;
    };
    // __mm_populate(): for writing where it is private, so that nothing is shared afterwards.
    for vma in vmas {
        let (pages, private) = cx.with(|state| {
            let vma = state.mms[mm].vma(vma);
            vma.map_or((0, true), |vma| (vma.pages(), vma.backing.is_private()))
        });
        let access = if private { Access::Write } else { Access::Read };
        let mut done = 0;
        while done < pages && !cx.fatal_signal_pending() {
            match fault_in(cx, mm, vma, done, pages - done, access).await {
                Ok(count) => done += count,
                Err(FaultError::Oom) => {}
                Err(FaultError::Sigbus | FaultError::Segv | FaultError::Killed) => return,
            }
        }
    }
}

/// `munlock()`.
pub async fn do_munlock(cx: &Cx, mm: MmId, start: u64, end: u64) {
    let _in = cx.enter(Func::DoMlock);
    apply_vma_lock_flags(cx, mm, start, end, false).await;
}

impl State {
    /// Pages of a file or a segment that somebody has locked: they are on no list that reclaim looks at.
    /// Who maps it maps its first pages, and the last ones lie in the highest zones.
    pub(super) fn mlocked(&self, of: FileId) -> Pages {
        // Hardly any run locks such pages, and reclaim asks often.
        if !self.mlocks_files {
            return Pages::default();
        }
        let vmas = self.mms.iter().flat_map(|(_, mm)| mm.all());
        let vmas = vmas.filter(|vma| vma.locked && vma.vm_file == Some(of));
        let locked = vmas.map(|vma| vma.file + vma.shmem).max().unwrap_or(0);
        let mut pages = self.files[of].pages;
        let _ = pages.take(pages.count().saturating_sub(locked));
        pages
    }

    /// The same of all files, or of all segments of shared memory.
    pub(super) fn mlocked_of(&self, segments: bool) -> Pages {
        let mut locked = Pages::default();
        if self.mlocks_files {
            let files = self.files.iter().filter(|(_, file)| (file.cached == 0) == segments);
            files.for_each(|(id, _)| locked.add(self.mlocked(id)));
        }
        locked
    }
}

/// `apply_vma_lock_flags()` with `mlock_fixup()` inlined: the VMAs that
/// the range is made of; none if the task was killed.
async fn apply_vma_lock_flags(
    cx: &Cx,
    mm: MmId,
    start: u64,
    end: u64,
    locked: bool,
) -> Option<Vec<RangeId>> {
    let mmap_lock = cx.with(|state| state.mms[mm].mmap_lock);
    if cx.lock_killable(mmap_lock, Hold::Exclusive, Reason::MmapLockKillable).await
        != Waited::Granted
    {
        return None;
    }
    for address in [start, end] {
        split_vma(cx, mm, address);
    }
    let mut vmas = Vec::new();
    let (mut moved, mut others) = (Pages::default(), 0);
    cx.with(|state| {
        for vma in &mut state.mms[mm].vmas {
            // mlock_fixup(): what isn't made of pages that could be locked is skipped.
            let special = matches!(vma.backing, Backing::Hugetlb | Backing::Pfnmap);
            if special || vma.start < start || vma.end > end {
                continue;
            }
            vmas.push(vma.id);
            if std::mem::replace(&mut vma.locked, locked) != locked {
                moved.add(vma.anon);
                others += vma.file + vma.shmem;
                state.mlocks_files |= locked && vma.vm_file.is_some();
            }
        }
    });
    let (from, to) =
        if locked { (Use::Anon, Use::Unevictable) } else { (Use::Unevictable, Use::Anon) };
    let costs = cx.costs();
    let per_page = if locked { costs.mlock_page } else { costs.munlock_page };
    cx.cpu(per_page * (moved.count() + others)).await;
    transfer_pages(cx, moved, from, to);
    cx.unlock(mmap_lock);
    for &range in &vmas {
        cx.record(Event::Locked { range, locked });
    }
    Some(vmas)
}
