//! Giving pages back while the mapping stays.
//!
//! Mirrors mm/madvise.c: `madvise_dontneed_single_vma()`, and
//! mm/memory.c: `zap_page_range()`, Linux 6.1: under `mmap_lock` for
//! reading, VMA by VMA, with a blockable notifier call of event CLEAR
//! around each. Left out: MADV_FREE, MADV_PAGEOUT and all other advice.

use super::cx::Cx;
use super::memory::unmap_page_range;
use super::mm::{Backing, Vma};
use super::mmu_gather::tlb_gather_mmu;
use super::mmu_notifier::{
    Range, invalidate_range_end, invalidate_range_start, mmu_notifier_range_init,
};
use crate::base::MmId;
use crate::engine::Hold;
use crate::record::{Func, MnEvent, Reason};

/// `madvise(MADV_DONTNEED)` over a range. VMAs that it may not touch are
/// skipped; there the kernel stops with an error.
pub async fn madvise_dontneed(cx: &Cx, mm: MmId, start: u64, end: u64) {
    let _in = cx.enter(Func::MadviseDontneed);
    let mmap_lock = cx.with(|state| state.mms[mm].mmap_lock);
    cx.lock(mmap_lock, Hold::Shared, Reason::MmapLock).await;
    // can_madv_lru_vma()
    let allowed = |vma: &&Vma| {
        let kind = matches!(vma.backing, Backing::Hugetlb | Backing::Pfnmap);
        !vma.locked && !kind && start <= vma.start && vma.end <= end
    };
    let vmas: Vec<Range> = cx.with(|state| {
        let vmas = state.mms[mm].vmas.iter().filter(allowed);
        vmas.map(|vma| Range { id: vma.id, start: vma.start, end: vma.end }).collect()
    });
    for vma in vmas {
        let range = mmu_notifier_range_init(cx, MnEvent::Clear, mm, vma);
        let mut tlb = tlb_gather_mmu(mm);
        invalidate_range_start(cx, range).await;
        unmap_page_range(cx, &mut tlb, mm, vma.id).await;
        cx.with(|state| state.mms[mm].vma(vma.id).map(Vma::forget_zapped));
        invalidate_range_end(cx, range).await;
        tlb.finish(cx).await;
    }
    cx.unlock(mmap_lock);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::RangeId;

    /// Another thread touches pages, and they go to swap, while MADV_DONTNEED zaps those behind them.
    #[test]
    fn what_went_to_swap_while_others_were_zapped_has_its_place() {
        let mut vma = Vma::new(RangeId(0), 0, 100 << 12, Backing::Anonymous);
        vma.touched = 100;
        vma.swap_out(50);
        (vma.swapped, vma.resident) = (5, 3);
        vma.forget_zapped();
        assert_eq!((vma.touched, vma.swapped), (8, 5));
        assert_eq!((0..8).filter(|&first| vma.is_swapped(first, vma.mapped())).count(), 5);
    }
}
