//! Whether another round of direct reclaim could help.
//!
//! Mirrors mm/page_alloc.c: `should_reclaim_retry()`, and mm/vmscan.c:
//! `zone_reclaimable_pages()`, Linux 4.6 to 7.1 (kernel-spec 1.6).

use super::cx::Cx;
use super::gfp::{PAGE_ALLOC_COSTLY_ORDER, gfp_zone};
use super::page_alloc::{Keep, unreserve_highatomic_pageblock};
use super::state::State;
use super::timer::schedule_timeout;
use super::zone::{Mark, Use, ZoneType};
use crate::base::ZoneId;
use crate::engine::Signals;
use crate::record::{Event, Func, Gfp, Reason};

/// `MAX_RECLAIM_RETRIES` (mm/internal.h).
pub(super) const MAX_RECLAIM_RETRIES: u8 = 16;

/// `can_reclaim_anon_pages()`: whether swap has room.
pub(super) fn is_swappable(state: &State) -> bool {
    state.swap.as_ref().is_some_and(|swap| swap.used < swap.pages)
}

/// `zone_reclaimable_pages()`: pages on lists that reclaim can take from;
/// anonymous ones only while there is swap. If there are none, some
/// kernels count the free pages, so that nobody waits for ever.
pub(super) fn zone_reclaimable_pages(cx: &Cx, state: &State, id: ZoneId) -> u64 {
    let zone = &state.zones[id];
    let locked = |segments| state.mlocked_of(segments).0[id.index()];
    let file = zone.pages(Use::Clean) + zone.pages(Use::Dirty) + zone.pages(Use::Writeback);
    let mut pages = file.saturating_sub(locked(false));
    if is_swappable(state) {
        let shmem = zone.pages(Use::Shmem).saturating_sub(locked(true));
        pages += zone.pages(Use::Anon) + shmem;
    }
    let free = cx.kernel().switches.reclaimable_falls_back_to_free;
    if pages == 0 && free { zone.free() } else { pages }
}

/// `should_reclaim_retry()`.
pub(super) async fn should_reclaim_retry(
    cx: &Cx,
    gfp: Gfp,
    order: u8,
    mark: Mark,
    did_some_progress: bool,
    no_progress_loops: &mut u8,
) -> bool {
    let progress = did_some_progress && order <= PAGE_ALLOC_COSTLY_ORDER;
    *no_progress_loops = if progress { 0 } else { no_progress_loops.saturating_add(1) };
    if *no_progress_loops > MAX_RECLAIM_RETRIES {
        // Before the OOM killer the last reserve is for everybody.
        return unreserve_highatomic_pageblock(cx, gfp, Keep::Nothing);
    }
    let zones = cx.with(|state| state.zones.len());
    let mut retry = false;
    for index in (0..zones).rev() {
        let zone = ZoneId::from_index(index);
        if cx.with(|state| state.zones[zone].kind) > gfp_zone(gfp) {
            continue;
        }
        let request = (gfp_zone(gfp), order, mark);
        let (reclaimable, ok) = zone_would_do(cx, zone, request, *no_progress_loops);
        cx.record(Event::ReclaimRetryZone {
            zone,
            reclaimable: u32::try_from(reclaimable).unwrap_or(u32::MAX),
            loops: *no_progress_loops,
            ok,
        });
        if !ok {
            continue;
        }
        let pending = cx.with(|state| {
            let zone = &state.zones[zone];
            zone.pages(Use::Dirty) + zone.pages(Use::Writeback)
        });
        let congested = !did_some_progress && 2 * pending > reclaimable;
        if congested && cx.kernel().switches.congestion_wait {
            congestion_wait(cx).await;
            return true;
        }
        retry = true;
        break;
    }
    if cx.with(|state| state.tasks[cx.task()].wq_worker) {
        // Other work items of the pool may be what frees memory.
        schedule_timeout(cx, 1, Reason::ReclaimThrottle, Signals::Ignored).await;
    }
    retry
}

/// Whether the request would pass with all of a zone's reclaimable pages
/// free; and how many those are.
fn zone_would_do(
    cx: &Cx,
    zone: ZoneId,
    (reach, order, mark): (ZoneType, u8, Mark),
    loops: u8,
) -> (u64, bool) {
    let switches = cx.kernel().switches;
    cx.with(|state| {
        let reclaimable = zone_reclaimable_pages(cx, state, zone);
        let zone = &state.zones[zone];
        let mut available = reclaimable;
        if switches.reclaim_retry_backs_off {
            let lost = (u64::from(loops) * available).div_ceil(u64::from(MAX_RECLAIM_RETRIES));
            available = available.saturating_sub(lost);
        }
        (reclaimable, zone.watermark_ok(reach, order, mark, available + zone.free()))
    })
}

/// `congestion_wait(BLK_RW_ASYNC, HZ/10)`.
async fn congestion_wait(cx: &Cx) {
    let _in = cx.enter(Func::CongestionWait);
    let jiffies = u64::from(cx.kernel().clock.hz / 10);
    schedule_timeout(cx, jiffies, Reason::ReclaimThrottle, Signals::Ignored).await;
}
