//! The walk over a victim's VMAs.
//!
//! Mirrors mm/oom_kill.c: `__oom_reap_task_mm()`, Linux 4.6 to 7.1
//! (kernel-spec 3.4). The reaper runs it, and so do `process_mrelease()`
//! and, from 4.16 to 5.17, `exit_mmap()` of a victim.

use crate::base::MmId;
use crate::kernel::cx::Cx;
use crate::kernel::memory::unmap_page_range;
use crate::kernel::mm::{Backing, Vma};
use crate::kernel::mmu_gather::{MmuGather, tlb_gather_mmu};
use crate::kernel::mmu_notifier::{
    Range, invalidate_range_end, invalidate_range_start_nonblock, mmu_notifier_range_init,
};
use crate::kernel::plugin::{Approach, Blockable, Refused};
use crate::kernel::state::State;
use crate::kernel::switches::Switches;
use crate::record::Func;

/// `__oom_reap_task_mm()`: takes the memory of all VMAs that allow it;
/// returns the ranges that were refused, in the order of the walk: none,
/// and everything that can be reaped is.
pub(in super::super) async fn __oom_reap_task_mm(
    cx: &Cx,
    mm: MmId,
    approach: Approach,
) -> Vec<Range> {
    let _in = cx.enter(Func::OomReapMm);
    let switches = cx.kernel().switches;
    let mut refused = Vec::new();
    let mut whole = switches.reaper_gathers_once.then(|| tlb_gather_mmu(mm));
    // From now on no fault brings a page back.
    cx.with(|state| state.mms[mm].unstable |= switches.reaper_marks_unstable);
    let mut last = None;
    while let Some(range) = cx.with(|state| next_vma(state, switches, mm, last)) {
        last = Some(range.start);
        cx.cpu(cx.costs().vma_walk).await;
        let blockable = approach.blockable(cx.now());
        let reaped = match &mut whole {
            Some(tlb) => zap_vma(cx, tlb, mm, range, blockable).await,
            None => reap_vma(cx, mm, range, blockable).await,
        };
        if reaped.is_err() {
            refused.push(range);
        }
    }
    if let Some(tlb) = whole {
        tlb.finish(cx).await;
    }
    refused
}

/// One VMA with a gather of its own.
pub(super) async fn reap_vma(
    cx: &Cx,
    mm: MmId,
    range: Range,
    blockable: Option<Blockable>,
) -> Result<(), Refused> {
    let mut tlb = tlb_gather_mmu(mm);
    let reaped = zap_vma(cx, &mut tlb, mm, range, blockable).await;
    tlb.finish(cx).await;
    reaped
}

/// One VMA: its notifiers are called so, or not at all; then its pages go.
async fn zap_vma(
    cx: &Cx,
    tlb: &mut MmuGather,
    mm: MmId,
    range: Range,
    blockable: Option<Blockable>,
) -> Result<(), Refused> {
    let Some(blockable) = blockable else {
        unmap_page_range(cx, tlb, mm, range.id).await;
        return Ok(());
    };
    let told = mmu_notifier_range_init(cx, cx.kernel().switches.reaper_event, mm, range);
    let told = told.blockable(blockable);
    invalidate_range_start_nonblock(cx, told).await?;
    unmap_page_range(cx, tlb, mm, range.id).await;
    invalidate_range_end(cx, told).await;
    Ok(())
}

/// `for_each_vma()` or `mas_for_each_rev()`: the VMA after the one that
/// began at `last`; VMAs may come and go while the walk waits.
fn next_vma(state: &State, switches: &Switches, mm: MmId, last: Option<u64>) -> Option<Range> {
    let vmas = &state.mms[mm].vmas;
    let reaped = |vma: &&Vma| is_reaped(switches, vma);
    let vma = if switches.walks_down {
        let left = vmas.partition_point(|vma| last.is_none_or(|last| vma.start < last));
        vmas[..left].iter().rev().find(reaped)
    } else {
        let done = vmas.partition_point(|vma| last.is_some_and(|last| vma.start <= last));
        vmas[done..].iter().find(reaped)
    }?;
    Some(Range { id: vma.id, start: vma.start, end: vma.end })
}

/// `can_madv_lru_vma()`, and that the pages are the process's own.
fn is_reaped(switches: &Switches, vma: &Vma) -> bool {
    let private = matches!(vma.backing, Backing::Anonymous | Backing::PrivateFile);
    private && !(vma.locked && switches.reaper_skips_locked)
}
