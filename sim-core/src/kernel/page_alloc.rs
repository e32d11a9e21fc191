//! The page allocator under pressure, for order 0.
//!
//! Mirrors mm/page_alloc.c: `__alloc_pages()`,
//! `__alloc_pages_slowpath()`, `should_reclaim_retry()`,
//! `__alloc_pages_may_oom()`, Linux 6.1 (kernel-spec 1.1–1.7).
//! Simplified: requests are GFP_KERNEL-like; a caller may ask for several
//! pages at once and gets what one zone can give, at least one; kswapd,
//! compaction and the per-CPU lists are left out.

use super::cx::Cx;
use super::oom_kill::{OomControl, out_of_memory};
use super::timer::schedule_timeout;
use super::vmscan::{psi_memstall_leave, try_to_free_pages};
use super::zone::{Mark, Pages, Use};
use crate::base::ZoneId;
use crate::engine::{Hold, Signals};
use crate::record::{Event, Func, Gfp, Reason};

/// `MAX_RECLAIM_RETRIES` (mm/internal.h).
const MAX_RECLAIM_RETRIES: u8 = 16;

/// `get_page_from_freelist()`: up to `want` pages from the highest zone
/// that may give any.
pub(super) fn get_page_from_freelist(cx: &Cx, want: u64, mark: Mark) -> Option<Pages> {
    let (zone, count, free) = cx.with(|state| {
        for index in (0..state.zones.len()).rev() {
            let id = ZoneId::from_index(index);
            let zone = &mut state.zones[id];
            let count = want.min(zone.headroom(mark, zone.free()));
            if count > 0 {
                zone.transfer(Use::Free, Use::InFlight, count);
                return Some((id, count, zone.free()));
            }
        }
        None
    })?;
    record_free(cx, zone, free);
    let mut pages = Pages::default();
    pages.0[zone.index()] = count;
    Some(pages)
}

/// Puts pages back on the free lists of their zones; `from` says what
/// they were used for.
pub(super) fn free_pages(cx: &Cx, pages: Pages, from: Use) {
    for (index, count) in pages.0.into_iter().enumerate().filter(|&(_, count)| count > 0) {
        let zone = ZoneId::from_index(index);
        let free = cx.with(|state| {
            state.zones[zone].transfer(from, Use::Free, count);
            state.zones[zone].free()
        });
        record_free(cx, zone, free);
    }
}

/// Gives pages another use.
pub(super) fn transfer_pages(cx: &Cx, pages: Pages, from: Use, to: Use) {
    cx.with(|state| {
        for (index, count) in pages.0.into_iter().enumerate().filter(|&(_, count)| count > 0) {
            state.zones[ZoneId::from_index(index)].transfer(from, to, count);
        }
    });
}

fn record_free(cx: &Cx, zone: ZoneId, free: u64) {
    cx.record(Event::ZoneFree { zone, free: u32::try_from(free).unwrap_or(u32::MAX) });
}

/// `__alloc_pages()`: 1 to `want` pages, or none.
pub(super) async fn alloc_pages(cx: &Cx, gfp: Gfp, want: u64) -> Option<Pages> {
    let _in = cx.enter(Func::AllocPages);
    if let Some(pages) = get_page_from_freelist(cx, want, Mark::Low) {
        return Some(pages);
    }
    let pages = alloc_pages_slowpath(cx, gfp, want).await;
    if pages.is_none() {
        cx.record(Event::AllocFailed { order: 0, gfp: gfp.0 });
    }
    pages
}

/// `__alloc_pages_slowpath()`.
async fn alloc_pages_slowpath(cx: &Cx, gfp: Gfp, want: u64) -> Option<Pages> {
    let _in = cx.enter(Func::AllocPagesSlowpath);
    if let Some(pages) = get_page_from_freelist(cx, want, Mark::Min) {
        return Some(pages);
    }
    let mut no_progress_loops = 0;
    loop {
        // __gfp_pfmemalloc_flags(): a victim may dig deeper, to exit sooner.
        let is_victim = cx.with(|state| state.is_oom_victim(cx.task()));
        let mark = if is_victim { Mark::Oom } else { Mark::Min };
        if let Some(pages) = get_page_from_freelist(cx, want, mark) {
            return Some(pages);
        }
        if !gfp.has(Gfp::DIRECT_RECLAIM) {
            return None;
        }
        let (pages, did_some_progress) = alloc_pages_direct_reclaim(cx, gfp, want, mark).await;
        if pages.is_some() {
            return pages;
        }
        if should_reclaim_retry(cx, mark, did_some_progress, &mut no_progress_loops) {
            continue;
        }
        let (pages, did_some_progress) = alloc_pages_may_oom(cx, gfp, want).await;
        if pages.is_some() {
            return pages;
        }
        if is_victim || !did_some_progress {
            return None;
        }
        no_progress_loops = 0;
    }
}

/// `__alloc_pages_direct_reclaim()`: pages, and whether any were reclaimed.
async fn alloc_pages_direct_reclaim(
    cx: &Cx,
    gfp: Gfp,
    want: u64,
    mark: Mark,
) -> (Option<Pages>, bool) {
    let reclaimed = try_to_free_pages(cx, gfp).await;
    let pages = if reclaimed > 0 { get_page_from_freelist(cx, want, mark) } else { None };
    psi_memstall_leave(cx);
    (pages, reclaimed > 0)
}

/// `should_reclaim_retry()`: whether another round could help.
fn should_reclaim_retry(
    cx: &Cx,
    mark: Mark,
    did_some_progress: bool,
    no_progress_loops: &mut u8,
) -> bool {
    *no_progress_loops = if did_some_progress { 0 } else { *no_progress_loops + 1 };
    if *no_progress_loops > MAX_RECLAIM_RETRIES {
        return false;
    }
    let zones = cx.with(|state| state.zones.len());
    for index in (0..zones).rev() {
        let id = ZoneId::from_index(index);
        let (reclaimable, ok) = cx.with(|state| {
            let zone = &state.zones[id];
            let mut reclaimable = zone.pages(Use::Clean);
            if reclaimable == 0 && cx.kernel().switches.reclaimable_falls_back_to_free {
                reclaimable = zone.free();
            }
            (reclaimable, zone.headroom(mark, zone.free() + reclaimable) > 0)
        });
        cx.record(Event::ReclaimRetryZone {
            zone: id,
            reclaimable: u32::try_from(reclaimable).unwrap_or(u32::MAX),
            loops: *no_progress_loops,
            ok,
        });
        if ok {
            return true;
        }
    }
    false
}

/// `__alloc_pages_may_oom()`: pages, and whether to try again.
async fn alloc_pages_may_oom(cx: &Cx, gfp: Gfp, want: u64) -> (Option<Pages>, bool) {
    let _in = cx.enter(Func::AllocPagesMayOom);
    let oom_lock = cx.with(|state| state.oom_lock);
    if !cx.try_lock(oom_lock, Hold::Exclusive) {
        // Somebody else is killing; that is progress.
        let owner = cx.kernel().engine.holder(oom_lock);
        cx.record(Event::OomTrylockFail { owner });
        schedule_timeout(cx, 1, Reason::OomLockJiffy, Signals::Ignored).await;
        return (None, true);
    }
    // A parallel kill may have freed enough; hence the high mark.
    let pages = get_page_from_freelist(cx, want, Mark::High);
    let mut did_some_progress = pages.is_some();
    if pages.is_none() {
        did_some_progress = out_of_memory(cx, &OomControl::global(gfp, 0)).await;
    }
    cx.unlock(oom_lock);
    (pages, did_some_progress)
}
