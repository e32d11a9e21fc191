//! The page allocator: free lists, the fast path and the slow path.
//!
//! Mirrors mm/page_alloc.c: `get_page_from_freelist()`,
//! `__alloc_pages()`, `__alloc_pages_slowpath()`,
//! `__alloc_pages_direct_reclaim()`, `__alloc_pages_may_oom()`, Linux
//! 4.6 to 6.12 (kernel-spec 1.1–1.3, 1.7). A caller may ask for several
//! pages at once, which stands for as many requests one after the other;
//! it gets what one zone can give, at least one. Left out: per-CPU
//! lists (so draining them finds nothing), `watermark_boost`, the
//! reshuffled slow path of 7.1.

#[cfg(test)]
mod tests;

use super::compaction::{Compaction, alloc_pages_direct_compact, should_compact_retry};
use super::cx::Cx;
use super::gfp::{
    PAGE_ALLOC_COSTLY_ORDER, current_gfp_context, effective_mark, gfp_pfmemalloc_flags,
    gfp_to_alloc_flags, gfp_zone, memdie_fails, victim_fails,
};
use super::kswapd::wake_all_kswapds;
use super::lockdep::might_alloc;
use super::oom_kill::{OomControl, out_of_memory};
use super::power::{gfp_allowed, pm_suspended_storage};
use super::psi::{psi_memstall_enter, psi_memstall_leave};
use super::reclaim_retry::should_reclaim_retry;
use super::timer::schedule_timeout;
use super::vmscan::perform_reclaim;
use super::zone::{Mark, PAGEBLOCK, Pages, Use, ZoneType};
use crate::base::{Nanos, ZoneId};
use crate::engine::{Hold, Signals};
use crate::record::{Event, Func, Gfp, OomResult, Reason};

/// `get_page_from_freelist()`: up to `want` pages in blocks of `order`
/// from the highest zone that may give any.
pub(super) fn get_page_from_freelist(
    cx: &Cx,
    gfp: Gfp,
    order: u8,
    want: u64,
    mark: Mark,
) -> Option<Pages> {
    let reach = gfp_zone(gfp);
    let (zone, count, free, below_min) = cx.with(|state| {
        for index in (0..state.zones.len()).rev() {
            let id = ZoneId::from_index(index);
            let zone = &mut state.zones[id];
            if zone.kind > reach {
                continue;
            }
            let count = zone.takeable(reach, order, mark).min(want >> order << order);
            if count > 0 {
                zone.take_free(order, count);
                // rmqueue(): so that the next one finds a block too.
                if order > 0 && matches!(mark, Mark::Atomic | Mark::Harder) {
                    zone.reserve_highatomic();
                }
                return Some((id, count, zone.free(), zone.free() < zone.min));
            }
        }
        None
    })?;
    record_free(cx, zone, free);
    if below_min {
        cx.record(Event::ReserveTaken { zone, free: u32::try_from(free).unwrap_or(u32::MAX) });
    }
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

/// `__alloc_pages()`: up to `want` pages, at least a block of `order`, or none.
pub(super) async fn alloc_pages(cx: &Cx, gfp: Gfp, order: u8, want: u64) -> Option<Pages> {
    let _in = cx.enter(Func::AllocPages);
    might_alloc(cx, gfp);
    if let Some(pages) = get_page_from_freelist(cx, gfp, order, want, Mark::Low) {
        if gfp.has(Gfp::DIRECT_RECLAIM) && cx.with(|state| state.oom_reaper_th) == Some(cx.task()) {
            cx.record(Event::AllocServed { order, gfp: gfp.0 });
        }
        return Some(pages);
    }
    let gfp = current_gfp_context(cx, gfp_allowed(cx, gfp));
    let memalloc = cx.with(|state| state.tasks[cx.task()].memalloc);
    cx.record(Event::AllocBegin { order, gfp: gfp.0, memalloc });
    let pages = alloc_pages_slowpath(cx, gfp, order, want).await;
    if pages.is_none() && !gfp.has(Gfp::NOWARN) {
        cx.record(Event::AllocFailed { order, gfp: gfp.0 });
    }
    cx.record(Event::AllocDone { ok: pages.is_some() });
    pages
}

/// As [`alloc_pages`] for a request without `__GFP_DIRECT_RECLAIM`, which
/// never sleeps, and which warns nobody.
pub(super) fn alloc_pages_nowait(cx: &Cx, gfp: Gfp, order: u8, want: u64) -> Option<Pages> {
    get_page_from_freelist(cx, gfp, order, want, Mark::Low).or_else(|| {
        if gfp.has(Gfp::KSWAPD_RECLAIM) {
            wake_all_kswapds(cx, gfp, order);
        }
        get_page_from_freelist(cx, gfp, order, want, effective_mark(cx, gfp))
    })
}

/// `__alloc_pages_slowpath()`.
async fn alloc_pages_slowpath(cx: &Cx, gfp: Gfp, order: u8, want: u64) -> Option<Pages> {
    let _in = cx.enter(Func::AllocPagesSlowpath);
    let can_direct_reclaim = gfp.has(Gfp::DIRECT_RECLAIM);
    let can_compact = gfp.has(Gfp::IO);
    let costly = order > PAGE_ALLOC_COSTLY_ORDER;
    if gfp.has(Gfp::KSWAPD_RECLAIM) {
        wake_all_kswapds(cx, gfp, order);
    }
    let mark = gfp_to_alloc_flags(gfp);
    if let Some(pages) = get_page_from_freelist(cx, gfp, order, want, mark) {
        return Some(pages);
    }
    let mut compaction = Compaction::new();
    let unmovable =
        !gfp.has(Gfp::USER) && cx.kernel().switches.unmovable_blocks_are_compacted_first;
    if can_direct_reclaim
        && can_compact
        && (costly || (order > 0 && unmovable))
        && gfp_pfmemalloc_flags(cx, gfp).is_none()
    {
        let pages = alloc_pages_direct_compact(cx, gfp, order, want, mark, &mut compaction).await;
        if pages.is_some() {
            return pages;
        }
        if costly && gfp.has(Gfp::NORETRY) && compaction.withdrawn() {
            return nofail(cx, gfp, order, want).await;
        }
    }
    // What gives up after a round, a huge page say, is not to be compacted for at length.
    if !(costly && gfp.has(Gfp::NORETRY)) {
        compaction.raise_priority();
    }
    let mut no_progress_loops = 0;
    loop {
        if gfp.has(Gfp::KSWAPD_RECLAIM) {
            wake_all_kswapds(cx, gfp, order);
        }
        let mark = effective_mark(cx, gfp);
        // Who is killed sees the signal before it makes a second request.
        let want = if cx.fatal_signal_pending() { 1 << order } else { want };
        if let Some(pages) = get_page_from_freelist(cx, gfp, order, want, mark) {
            return Some(pages);
        }
        match round(cx, gfp, order, want, mark, &mut compaction, &mut no_progress_loops).await {
            Round::Got(pages) => return Some(pages),
            Round::Again => {}
            Round::NoPage => {
                if let Some(pages) = nofail(cx, gfp, order, want).await {
                    return Some(pages);
                }
                if !gfp.has(Gfp::NOFAIL) || !can_direct_reclaim {
                    return None;
                }
            }
        }
    }
}

/// How a round of the slow path ended.
enum Round {
    Got(Pages),
    /// `goto retry`.
    Again,
    /// `goto nopage`.
    NoPage,
}

/// The body of the `retry:` loop after the free lists were tried.
async fn round(
    cx: &Cx,
    gfp: Gfp,
    order: u8,
    want: u64,
    mark: Mark,
    compaction: &mut Compaction,
    no_progress_loops: &mut u8,
) -> Round {
    // Who can't reclaim fails, and so does who reclaims already: no recursion.
    if !gfp.has(Gfp::DIRECT_RECLAIM)
        || cx.with(|state| state.tasks[cx.task()].memalloc)
        || memdie_fails(cx, gfp)
    {
        return Round::NoPage;
    }
    let (pages, did_some_progress) = alloc_pages_direct_reclaim(cx, gfp, order, want, mark).await;
    if let Some(pages) = pages {
        return Round::Got(pages);
    }
    if let Some(pages) = alloc_pages_direct_compact(cx, gfp, order, want, mark, compaction).await {
        return Round::Got(pages);
    }
    let costly = order > PAGE_ALLOC_COSTLY_ORDER;
    let compacts = gfp.has(Gfp::IO) || !cx.kernel().switches.costly_needs_compaction;
    if gfp.has(Gfp::NORETRY) || (costly && !(compacts && gfp.has(Gfp::RETRY_MAYFAIL))) {
        return Round::NoPage;
    }
    if should_reclaim_retry(cx, gfp, order, mark, did_some_progress, no_progress_loops).await {
        return Round::Again;
    }
    if did_some_progress && compacts && should_compact_retry(cx, gfp, order, mark, compaction) {
        return Round::Again;
    }
    let (pages, did_some_progress) = alloc_pages_may_oom(cx, gfp, order, want).await;
    if let Some(pages) = pages {
        return Round::Got(pages);
    }
    if victim_fails(cx, gfp, mark) || !did_some_progress {
        return Round::NoPage;
    }
    *no_progress_loops = 0;
    Round::Again
}

/// The end of the slow path of a `__GFP_NOFAIL` request: since 4.11 some of the
/// reserves, else the caller starts over after `cond_resched()`.
async fn nofail(cx: &Cx, gfp: Gfp, order: u8, want: u64) -> Option<Pages> {
    if !gfp.has(Gfp::NOFAIL) || !gfp.has(Gfp::DIRECT_RECLAIM) {
        return None;
    }
    let reserve = cx.kernel().switches.nofail_reserve;
    let pages = reserve.and_then(|mark| get_page_from_freelist(cx, gfp, order, want, mark));
    if pages.is_none() {
        cx.sleep(Nanos::ZERO, Reason::Yield, Signals::Ignored).await;
    }
    pages
}

/// `__alloc_pages_direct_reclaim()`: pages, and whether any were reclaimed.
async fn alloc_pages_direct_reclaim(
    cx: &Cx,
    gfp: Gfp,
    order: u8,
    want: u64,
    mark: Mark,
) -> (Option<Pages>, bool) {
    let pflags = psi_memstall_enter(cx);
    let reclaimed = perform_reclaim(cx, gfp, order).await;
    let take = || get_page_from_freelist(cx, gfp, order, want, mark);
    let mut pages = if reclaimed > 0 { take() } else { None };
    // Pages may be in the highatomic reserve (or on per-CPU lists, which there are none of).
    if reclaimed > 0 && pages.is_none() && unreserve_highatomic_pageblock(cx, gfp, Keep::Last) {
        pages = take();
    }
    psi_memstall_leave(cx, pflags);
    (pages, reclaimed > 0)
}

/// How much of the highatomic reserve stays (`force`).
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub(super) enum Keep {
    /// The last block of each zone.
    Last,
    /// Nothing.
    Nothing,
}

/// `unreserve_highatomic_pageblock()`: gives a block of the highest zone
/// that has one to everybody; whether there was any.
pub(super) fn unreserve_highatomic_pageblock(cx: &Cx, gfp: Gfp, keep: Keep) -> bool {
    cx.with(|state| {
        let eligible = state.zones.iter_mut().filter(|(_, zone)| zone.kind <= gfp_zone(gfp));
        let mut zones = eligible.map(|(_, zone)| zone).rev();
        zones.any(|zone| {
            // Preserve at least one pageblock unless memory pressure is really high.
            let spares = keep == Keep::Last && zone.highatomic <= PAGEBLOCK;
            !spares && zone.unreserve_highatomic()
        })
    })
}

/// `__alloc_pages_may_oom()`: pages, and whether to try again.
async fn alloc_pages_may_oom(cx: &Cx, gfp: Gfp, order: u8, want: u64) -> (Option<Pages>, bool) {
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
    let mut pages = get_page_from_freelist(cx, gfp, order, want, Mark::High);
    let mut did_some_progress = pages.is_some();
    if pages.is_none() && keeps_looping(cx, gfp, order) {
        cx.record(Event::OutOfMemory { result: OomResult::NoFs, victim: None });
        did_some_progress = !cx.with(|state| state.oom_killer_disabled);
    } else if pages.is_none() && may_kill(cx, gfp, order) {
        let killed = out_of_memory(cx, &OomControl::global(gfp, order)).await;
        did_some_progress = killed || gfp.has(Gfp::NOFAIL);
        if did_some_progress && gfp.has(Gfp::NOFAIL) {
            pages = get_page_from_freelist(cx, gfp, order, want, Mark::None);
        }
    }
    cx.unlock(oom_lock);
    (pages, did_some_progress)
}

/// "Keep looping as per tradition": in 4.6 a request that may not enter the filesystem does not come to
/// `out_of_memory()`, which later looks at that after the notifier chain and a caller that dies.
fn keeps_looping(cx: &Cx, gfp: Gfp, order: u8) -> bool {
    cx.kernel().switches.nofs_stays_in_allocator
        && !gfp.has(Gfp::FS)
        && !gfp.has(Gfp::NOFAIL)
        && a_kill_may_help(cx, gfp, order)
}

/// Whether killing somebody is worth it for this request.
fn may_kill(cx: &Cx, gfp: Gfp, order: u8) -> bool {
    if gfp.has(Gfp::NOFAIL) && cx.kernel().switches.nofail_always_kills {
        return true;
    }
    a_kill_may_help(cx, gfp, order)
        && !gfp.has(Gfp::RETRY_MAYFAIL)
        && !gfp.has(Gfp::THISNODE)
        && !pm_suspended_storage(cx)
}

/// The first of its tests: memory for a core dump or in large blocks is not to be had by a kill, and
/// whoever dies, little of it would be low memory.
fn a_kill_may_help(cx: &Cx, gfp: Gfp, order: u8) -> bool {
    let dumps_core = cx.with(|state| state.tasks[cx.task()].dumpcore);
    !dumps_core && order <= PAGE_ALLOC_COSTLY_ORDER && gfp_zone(gfp) == ZoneType::Normal
}
