//! The end of an address space.
//!
//! Mirrors mm/mmap.c: `exit_mmap()`, Linux 6.1 (kernel-spec 3.7, 7.1):
//! notifiers first, then the unmapping under `mmap_lock` for reading,
//! beside the reaper; then SKIP; then the page tables under the lock for
//! writing.

use super::cx::Cx;
use super::memory::unmap_page_range;
use super::mmu_notifier::{Range, invalidate_range_end, invalidate_range_start, release};
use super::oom_reaper::set_oom_skip;
use super::plugin::Blockable;
use crate::base::MmId;
use crate::engine::Hold;
use crate::record::{Event, Func, MnEvent, RangeInfo, Reason, SkipBy};

/// `exit_mmap()`.
pub(super) async fn exit_mmap(cx: &Cx, mm: MmId) {
    let _in = cx.enter(Func::ExitMmap);
    cx.record(Event::ExitMmap { mm });
    let all = whole_address_space(cx, mm);
    release(cx, mm, all).await;
    let (mmap_lock, vmas) = cx.with(|state| {
        let mm = &state.mms[mm];
        (mm.mmap_lock, mm.vmas.iter().map(|vma| vma.id).collect::<Vec<_>>())
    });
    cx.lock(mmap_lock, Hold::Shared, Reason::MmapLock).await;
    {
        let _in = cx.enter(Func::UnmapVmas);
        // Interval notifiers hear of it a second time; the list is empty by now.
        let _ = invalidate_range_start(cx, mm, all, Blockable::Yes, MnEvent::Unmap).await;
        for vma in vmas {
            unmap_page_range(cx, mm, vma).await;
        }
        invalidate_range_end(cx, mm);
    }
    cx.unlock(mmap_lock);
    set_oom_skip(cx, mm, SkipBy::Exit);
    // free_pgtables(); taking the lock for writing waits for a reaper at work.
    cx.lock(mmap_lock, Hold::Exclusive, Reason::MmapLock).await;
    cx.with(|state| state.mms[mm].vmas.clear());
    cx.unlock(mmap_lock);
    cx.record(Event::ExitMmapDone { mm });
}

fn whole_address_space(cx: &Cx, mm: MmId) -> Range {
    let (start, end) = (0, u64::MAX);
    let id = cx.kernel().engine.observe(|_, recorder| {
        let name = "everything".to_owned();
        recorder.cast.ranges.push(RangeInfo { mm, start, end, name, anonymous: true })
    });
    Range { id, start, end }
}
