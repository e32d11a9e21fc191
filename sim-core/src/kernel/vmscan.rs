//! Reclaim: taking pages from their users.
//!
//! Mirrors mm/vmscan.c: `try_to_free_pages()`, `do_try_to_free_pages()`,
//! `throttle_direct_reclaim()`, `allow_direct_reclaim()`,
//! `shrink_node()`, Linux 6.1 (kernel-spec 1.4).

use super::cx::Cx;
use super::kswapd::is_hopeless;
use super::page_alloc::free_pages;
use super::reclaim_retry::zone_reclaimable_pages;
use super::state::State;
use super::zone::{Pages, Use};
use crate::base::ZoneId;
use crate::engine::{Signals, Waited, Why};
use crate::record::{Event, Func, Gfp, Reason};

/// `SWAP_CLUSTER_MAX`: what one call tries to reclaim (include/linux/swap.h).
const SWAP_CLUSTER_MAX: u64 = 32;
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
            kswapd: false,
        }
    }
}

/// `__perform_reclaim()`: reclaims with PF_MEMALLOC set, so that what
/// reclaim itself needs comes from the reserves and never from reclaim.
pub(super) async fn perform_reclaim(cx: &Cx, gfp: Gfp, order: u8) -> u64 {
    let set = |memalloc| {
        cx.with(|state| std::mem::replace(&mut state.tasks[cx.task()].memalloc, memalloc))
    };
    let before = set(true);
    let reclaimed = try_to_free_pages(cx, gfp, order).await;
    set(before);
    reclaimed
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
    if sc.nr_reclaimed == 0 {
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

/// `shrink_node()`.
pub(super) async fn shrink_node(cx: &Cx, sc: &mut ScanControl) {
    let _in = cx.enter(Func::ShrinkNode);
    let lru: u64 =
        cx.with(|state| state.zones.iter().map(|(_, zone)| zone.pages(Use::Clean)).sum());
    let mut scan = lru >> sc.priority;
    sc.nr_scanned += scan;
    while scan > 0 && sc.nr_reclaimed < sc.nr_to_reclaim {
        let mut batch = Pages::default();
        cx.with(|state| {
            // The zone list goes from the highest zone down.
            for index in (0..state.zones.len()).rev() {
                let id = ZoneId::from_index(index);
                let zone = &mut state.zones[id];
                let most = SWAP_CLUSTER_MAX.min(scan) - batch.count();
                let count = zone.pages(Use::Clean).min(most);
                zone.transfer(Use::Clean, Use::InFlight, count);
                batch.0[id.index()] = count;
            }
        });
        let count = batch.count();
        if count == 0 {
            break;
        }
        scan -= count;
        let costs = cx.costs();
        let cost = if sc.kswapd { costs.kswapd_batch } else { costs.reclaim_batch };
        cx.cpu(cost + costs.reclaim_page * count).await;
        free_pages(cx, batch, Use::InFlight);
        sc.nr_reclaimed += count;
    }
    if sc.nr_reclaimed > 0 {
        cx.with(|state| state.kswapd.failures = 0);
    }
}
