//! Reclaim: taking pages from their users.
//!
//! Mirrors mm/vmscan.c: `try_to_free_pages()`, `do_try_to_free_pages()`,
//! `throttle_direct_reclaim()`, `allow_direct_reclaim()`,
//! `shrink_node()`, `shrink_inactive_list()`, `shrink_folio_list()`,
//! Linux 6.1 (kernel-spec 1.4). The lists are the zones' counts of pages
//! by use, so their lengths cost nothing to know. Left out: active and
//! inactive lists, MGLRU, slab, shared memory. What drivers give back is
//! asked for in `shrinker`.

use super::cx::Cx;
use super::gfp::gfp_zone;
use super::kswapd::is_hopeless;
use super::lockdep::{fs_reclaim_acquire, fs_reclaim_release};
use super::page_alloc::free_pages;
use super::reclaim_retry::zone_reclaimable_pages;
use super::reclaim_throttle::reclaim_throttle;
use super::rmap::{swap_out, unmap_file};
use super::shrinker::shrink_slab;
use super::state::State;
use super::writeback::{To, dirty_pages, record_page_cache, wakeup_flusher_threads, write_pages};
use super::zone::{Pages, Use, ZoneType};
use crate::base::ZoneId;
use crate::engine::{Signals, Waited, Why};
use crate::record::{Event, Func, Gfp, Reason, ThrottleReason};

/// `SWAP_CLUSTER_MAX`: what one call tries to reclaim (include/linux/swap.h).
pub(super) const SWAP_CLUSTER_MAX: u64 = 32;
/// `DEF_PRIORITY`: where the scan begins (include/linux/mmzone.h).
pub(super) const DEF_PRIORITY: u8 = 12;

/// `struct scan_control`.
pub(super) struct ScanControl {
    pub(super) gfp: Gfp,
    pub(super) order: u8,
    /// A list's length is shifted by this to say how much of it to scan.
    pub(super) priority: u8,
    pub(super) nr_to_reclaim: u64,
    pub(super) nr_scanned: u64,
    pub(super) nr_reclaimed: u64,
    /// Pages sent to disk or swap, which are free only when they are there.
    pub(super) nr_submitted: u64,
    /// `current_is_kswapd()`.
    pub(super) kswapd: bool,
}

impl ScanControl {
    /// That of `balance_pgdat()`.
    pub(super) fn kswapd(order: u8) -> Self {
        Self { kswapd: true, ..Self::direct(Gfp::KERNEL, order) }
    }

    /// That of `try_to_free_pages()`.
    fn direct(gfp: Gfp, order: u8) -> Self {
        Self {
            gfp,
            order,
            priority: DEF_PRIORITY,
            nr_to_reclaim: SWAP_CLUSTER_MAX,
            nr_scanned: 0,
            nr_reclaimed: 0,
            nr_submitted: 0,
            kswapd: false,
        }
    }
}

/// `__perform_reclaim()`: reclaims with PF_MEMALLOC set, so that what
/// reclaim itself needs comes from the reserves and never from reclaim.
pub(super) async fn perform_reclaim(cx: &Cx, gfp: Gfp, order: u8) -> u64 {
    fs_reclaim_acquire(cx, gfp);
    let before = set_memalloc(cx, true);
    let reclaimed = try_to_free_pages(cx, gfp, order).await;
    set_memalloc(cx, before);
    fs_reclaim_release(cx, gfp);
    reclaimed
}

/// `memalloc_noreclaim_save()` and `_restore()`: PF_MEMALLOC, and what it was.
pub(super) fn set_memalloc(cx: &Cx, memalloc: bool) -> bool {
    cx.with(|state| std::mem::replace(&mut state.tasks[cx.task()].memalloc, memalloc))
}

/// `try_to_free_pages()`: the number of pages reclaimed.
async fn try_to_free_pages(cx: &Cx, gfp: Gfp, order: u8) -> u64 {
    let _in = cx.enter(Func::TryToFreePages);
    if throttle_direct_reclaim(cx, gfp).await {
        // Killed while it waited: looks like progress, so that nobody is killed for it.
        return 1;
    }
    cx.record(Event::DirectReclaimBegin { order, gfp: gfp.0 });
    let mut sc = ScanControl::direct(gfp, order);
    do_try_to_free_pages(cx, &mut sc).await;
    let reclaimed = u32::try_from(sc.nr_reclaimed).unwrap_or(u32::MAX);
    cx.record(Event::DirectReclaimEnd { reclaimed });
    sc.nr_reclaimed
}

/// `do_try_to_free_pages()`.
async fn do_try_to_free_pages(cx: &Cx, sc: &mut ScanControl) {
    for priority in (0..=DEF_PRIORITY).rev() {
        sc.priority = priority;
        sc.nr_scanned = 0;
        shrink_node(cx, sc).await;
        if sc.nr_reclaimed >= sc.nr_to_reclaim {
            return;
        }
    }
    if sc.nr_reclaimed == 0 && sc.nr_submitted == 0 {
        cx.cpu(cx.costs().reclaim_pass + cx.costs().reclaim_gap).await;
    }
}

/// `throttle_direct_reclaim()`: waits while the reserves are low; whether
/// it was killed meanwhile.
async fn throttle_direct_reclaim(cx: &Cx, gfp: Gfp) -> bool {
    let is_kthread = cx.with(|state| state.group_of(cx.task()).is_none());
    if is_kthread || cx.fatal_signal_pending() || cx.with(|state| allow_direct_reclaim(cx, state)) {
        return false;
    }
    let _in = cx.enter(Func::ThrottleDirectReclaim);
    let (wait, kswapd_wait) = cx.with(|state| (state.kswapd.pfmemalloc_wait, state.kswapd.wait));
    let kernel = cx.kernel();
    // Who holds filesystem locks may be what kswapd waits for: it gives up after a second.
    let until = kernel.clock.expiry(cx.now(), u64::from(kernel.clock.hz));
    while !cx.with(|state| allow_direct_reclaim(cx, state)) {
        // kswapd must be awake while somebody waits for it.
        cx.wake_all(kswapd_wait);
        let left = (!gfp.has(Gfp::FS)).then(|| until.saturating_sub(cx.now()));
        let why = Why(Reason::PfMemalloc as u8);
        if kernel.engine.wait(wait, why, Signals::Killable, left).await != Waited::Granted {
            break;
        }
    }
    cx.fatal_signal_pending()
}

/// `allow_direct_reclaim()`: whether half of the reserves are free, in
/// zones where there is something to reclaim.
pub(super) fn allow_direct_reclaim(cx: &Cx, state: &State) -> bool {
    if is_hopeless(state) {
        return true;
    }
    let (mut reserve, mut free) = (0, 0);
    for (_, zone) in state.zones.iter() {
        if zone_reclaimable_pages(cx, state, zone) > 0 {
            reserve += zone.min;
            free += zone.free();
        }
    }
    reserve == 0 || free > reserve / 2
}

/// `shrink_node()`: a part of the lists, the longer the lower the priority.
pub(super) async fn shrink_node(cx: &Cx, sc: &mut ScanControl) {
    let _in = cx.enter(Func::ShrinkNode);
    let swaps = sc.gfp.has(Gfp::IO);
    let before = sc.nr_reclaimed;
    let mut scan = cx.with(|state| lru_size(state, swaps)) >> sc.priority;
    sc.nr_scanned += scan;
    let mut found = Found::default();
    while scan > 0 && sc.nr_reclaimed < sc.nr_to_reclaim {
        let batch = scan.min(SWAP_CLUSTER_MAX);
        let taken = shrink_list(cx, sc, batch, swaps, &mut found).await;
        if taken == 0 {
            break;
        }
        scan -= taken.min(scan);
    }
    shrink_slab(cx).await;
    sc.nr_submitted += found.submitted;
    let progress = sc.nr_reclaimed > before;
    // Everything it came across is being written already: wait for that.
    if sc.kswapd && !progress && found.submitted == 0 && found.writeback {
        reclaim_throttle(cx, ThrottleReason::Writeback).await;
    }
    if sc.kswapd {
        let full = found.writeback && cx.with(|state| dirty_pages(state, 1).count() == 0);
        // LRUVEC_CONGESTED: all that is dirty is being written already.
        cx.with(|state| state.kswapd.congested |= full);
    } else if cx.with(|state| state.kswapd.congested) {
        reclaim_throttle(cx, ThrottleReason::Congested).await;
    }
    if progress {
        cx.with(|state| state.kswapd.failures = 0);
    } else if !sc.kswapd && sc.priority == 1 && sc.nr_reclaimed == 0 {
        reclaim_throttle(cx, ThrottleReason::NoProgress).await;
    }
}

/// What a scan came across that it could not free.
#[derive(Default)]
struct Found {
    /// Pages sent to disk or swap.
    submitted: u64,
    /// Pages that are being written.
    writeback: bool,
}

/// Pages on all lists that reclaim may scan.
fn lru_size(state: &State, swaps: bool) -> u64 {
    let swaps = swaps && state.swap.as_ref().is_some_and(|swap| swap.used < swap.pages);
    let list = |of| state.zones.iter().map(|(_, zone)| zone.pages(of)).sum::<u64>();
    let file = list(Use::Clean) + list(Use::Dirty) + list(Use::Writeback);
    file + if swaps { list(Use::Anon) } else { 0 }
}

/// `shrink_inactive_list()` and `shrink_folio_list()`: up to `scan` pages,
/// of which the clean ones are freed. Clean pages come first
/// (`cache_trim_mode`), then dirty ones, then anonymous ones, if there is
/// swap. How many it looked at; 0: there is nothing more to look at.
async fn shrink_list(
    cx: &Cx,
    sc: &mut ScanControl,
    scan: u64,
    swaps: bool,
    found: &mut Found,
) -> u64 {
    if too_many_isolated(cx, sc) {
        reclaim_throttle(cx, ThrottleReason::Isolated).await;
        if too_many_isolated(cx, sc) {
            return 0;
        }
    }
    let costs = cx.costs();
    let clean = take_clean(cx, gfp_zone(sc.gfp), scan);
    if clean.count() > 0 {
        let batch = if sc.kswapd { costs.kswapd_batch } else { costs.reclaim_batch };
        cx.cpu(batch + costs.reclaim_page * clean.count()).await;
        free_pages(cx, clean, Use::InFlight);
        record_page_cache(cx, clean);
        sc.nr_reclaimed += clean.count();
        return clean.count();
    }
    // What is mapped has to be unmapped first; then it is clean cache like any other.
    let unmapped = unmap_file(cx, scan).await;
    if unmapped > 0 {
        return unmapped;
    }
    let dirty = cx.with(|state| dirty_pages(state, scan));
    if dirty.count() > 0 && !found.writeback {
        // All pages taken are dirty and nobody writes them yet.
        wakeup_flusher_threads(cx);
        // Only kswapd writes file pages itself, and only when in trouble.
        if sc.kswapd && sc.priority < DEF_PRIORITY - 2 {
            cx.cpu(costs.reclaim_dirty_batch).await;
            let dirty = cx.with(|state| dirty_pages(state, scan));
            if dirty.count() > 0 {
                let _in = cx.enter(Func::Pageout);
                write_pages(cx, To::Disk, dirty, Use::Dirty);
                found.submitted += dirty.count();
                return dirty.count();
            }
        }
        found.writeback = true;
    }
    if swaps {
        let swapped = swap_out(cx, scan, None).await;
        if swapped > 0 {
            cx.cpu(costs.reclaim_dirty_batch).await;
            found.submitted += swapped;
            return swapped;
        }
    }
    let pages = |state: &State| state.zones.iter().map(|(_, z)| z.pages(Use::Writeback)).sum();
    let writing: u64 = cx.with(|state| pages(state));
    found.writeback |= writing > 0;
    0
}

/// Takes clean pages that nobody maps off the lists, from the highest zone down.
fn take_clean(cx: &Cx, reclaim_idx: ZoneType, most: u64) -> Pages {
    let mut batch = Pages::default();
    cx.with(|state| {
        for index in (0..state.zones.len()).rev() {
            let id = ZoneId::from_index(index);
            if state.zones[id].kind > reclaim_idx {
                continue;
            }
            let count = state.clean_unmapped(id).min(most - batch.count());
            let zone = &mut state.zones[id];
            zone.transfer(Use::Clean, Use::InFlight, count);
            batch.0[index] = count;
        }
    });
    batch
}

/// `too_many_isolated()`: reclaimers have more pages off the list than are on it.
fn too_many_isolated(cx: &Cx, sc: &ScanControl) -> bool {
    let full = sc.gfp.has(Gfp::IO) && sc.gfp.has(Gfp::FS);
    !sc.kswapd
        && cx.with(|state| {
            let anon: u64 = state.zones.iter().map(|(_, zone)| zone.pages(Use::Anon)).sum();
            // Who may not do all has the list to itself up to here.
            let room = if full { anon >> 3 } else { anon };
            state.lru.isolated > room.max(SWAP_CLUSTER_MAX)
        })
}
