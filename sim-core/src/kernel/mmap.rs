//! The end of an address space.
//!
//! Mirrors mm/mmap.c: `exit_mmap()`, Linux 4.6 to 7.1 (kernel-spec 3.7,
//! 7.1): notifiers first, then the pages, then the page tables; in
//! between it makes sure that the reaper is out and stays out, each era in
//! its own way.

use super::cx::Cx;
use super::memory::unmap_page_range;
use super::mmu_gather::{MmuGather, tlb_gather_mmu};
use super::mmu_notifier::{
    Range, invalidate_range_end, invalidate_range_start, mmu_notifier_range_init, release,
};
use super::oom_reaper::{__oom_reap_task_mm, set_oom_skip};
use super::pgtable;
use super::plugin::Approach;
use super::rmap::unlink_vmas;
use super::switches::ExitEra;
use crate::base::MmId;
use crate::engine::Hold;
use crate::record::{Event, Func, MnEvent, RangeInfo, Reason, SkipBy};

/// `exit_mmap()`.
pub(super) async fn exit_mmap(cx: &Cx, mm: MmId) {
    let _in = cx.enter(Func::ExitMmap);
    cx.record(Event::ExitMmap { mm });
    let all = whole_address_space(cx, mm);
    release(cx, mm, all).await;
    let tlb = tlb_gather_mmu(mm);
    match cx.kernel().switches.exit {
        ExitEra::ReaperPins => {
            // No reaper: it holds mm_users while it works.
            let tlb = unmap_vmas(cx, tlb, mm, all).await;
            free_pgtables(cx, tlb, mm).await;
            // __mmput() does this, after exit_mmap().
            set_oom_skip(cx, mm, SkipBy::Exit);
        }
        ExitEra::Drain => {
            let tlb = unmap_vmas(cx, tlb, mm, all).await;
            set_oom_skip(cx, mm, SkipBy::Exit);
            if mm_is_oom_victim(cx, mm) {
                drain_reaper(cx, mm).await;
            }
            free_pgtables(cx, tlb, mm).await;
        }
        ExitEra::SelfReapUnderOomLock | ExitEra::SelfReap => {
            if mm_is_oom_victim(cx, mm) {
                reap_self(cx, mm).await;
                set_oom_skip(cx, mm, SkipBy::Exit);
                drain_reaper(cx, mm).await;
            }
            let tlb = unmap_vmas(cx, tlb, mm, all).await;
            free_pgtables(cx, tlb, mm).await;
        }
        ExitEra::Concurrent => {
            let mmap_lock = cx.with(|state| state.mms[mm].mmap_lock);
            cx.lock(mmap_lock, Hold::Shared, Reason::MmapLock).await;
            let tlb = unmap_vmas(cx, tlb, mm, all).await;
            cx.unlock(mmap_lock);
            set_oom_skip(cx, mm, SkipBy::Exit);
            // Waits for a reaper at work.
            cx.lock(mmap_lock, Hold::Exclusive, Reason::MmapLock).await;
            free_pgtables(cx, tlb, mm).await;
            cx.unlock(mmap_lock);
        }
    }
    cx.record(Event::ExitMmapDone { mm });
}

/// `mm_is_oom_victim()`.
fn mm_is_oom_victim(cx: &Cx, mm: MmId) -> bool {
    cx.with(|state| {
        let groups = state.groups.iter().filter_map(|(_, group)| group.as_ref());
        groups.into_iter().any(|group| group.oom_mm == Some(mm))
    })
}

/// Takes and drops `mmap_lock` for writing: a reaper at work is done
/// after that, and one that comes later sees SKIP.
async fn drain_reaper(cx: &Cx, mm: MmId) {
    let mmap_lock = cx.with(|state| state.mms[mm].mmap_lock);
    cx.lock(mmap_lock, Hold::Exclusive, Reason::MmapLock).await;
    cx.unlock(mmap_lock);
}

/// A victim reaps itself as the reaper would, beside the reaper; what is
/// refused is unmapped afterwards. Where no flag exists that a driver could
/// ask for (`block-always`) it may sleep here as everywhere.
async fn reap_self(cx: &Cx, mm: MmId) {
    let approach = match cx.with(|state| state.policy.approach()) {
        Approach::Blocking => Approach::Blocking,
        _ => Approach::NonBlocking,
    };
    let locks = cx.kernel().switches.exit == ExitEra::SelfReapUnderOomLock;
    let oom_lock = cx.with(|state| state.oom_lock);
    if locks {
        cx.lock(oom_lock, Hold::Exclusive, Reason::OomLock).await;
    }
    __oom_reap_task_mm(cx, mm, approach).await;
    if locks {
        cx.unlock(oom_lock);
    }
}

/// `unmap_vmas()`. Interval notifiers hear of it a second time; the list
/// is empty by now.
async fn unmap_vmas(cx: &Cx, mut tlb: MmuGather, mm: MmId, all: Range) -> MmuGather {
    let _in = cx.enter(Func::UnmapVmas);
    let range = mmu_notifier_range_init(cx, MnEvent::Unmap, mm, all);
    invalidate_range_start(cx, range).await;
    let vmas: Vec<_> = cx.with(|state| state.mms[mm].vmas.iter().map(|vma| vma.id).collect());
    for vma in vmas {
        unmap_page_range(cx, &mut tlb, mm, vma).await;
    }
    invalidate_range_end(cx, range).await;
    tlb
}

/// `free_pgtables()`, `tlb_finish_mmu()` and `remove_vma()`: the last pages come free when the
/// page tables have gone.
async fn free_pgtables(cx: &Cx, mut tlb: MmuGather, mm: MmId) {
    unlink_vmas(cx, mm).await;
    tlb.remove_tables(pgtable::free_pgtables(cx, mm, 0, u64::MAX));
    tlb.finish(cx).await;
    cx.with(|state| state.mms[mm].vmas.clear());
}

fn whole_address_space(cx: &Cx, mm: MmId) -> Range {
    let (start, end) = (0, u64::MAX);
    let id = cx.kernel().engine.observe(|_, recorder| {
        let name = "everything".to_owned();
        recorder.cast.ranges.push(RangeInfo { mm, start, end, name, anonymous: true })
    });
    Range { id, start, end }
}
