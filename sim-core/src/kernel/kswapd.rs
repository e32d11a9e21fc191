//! kswapd: reclaim in the background.
//!
//! Mirrors mm/vmscan.c: `wakeup_kswapd()`, `kswapd()`,
//! `kswapd_try_to_sleep()`, `prepare_kswapd_sleep()`, `balance_pgdat()`,
//! `kswapd_shrink_node()`, Linux 6.1 (kernel-spec 1.5). Recorded on
//! 6.1.192: with nothing to reclaim it balances 16 times in a row, 0.6 ms
//! of CPU each, then naps HZ/10 and sleeps. Left out: watermark boosts,
//! ageing, kcompactd, nodes but the one.

use super::cx::Cx;
use super::freezer::try_to_freeze;
use super::gfp::gfp_zone;
use super::lockdep::kswapd_reclaims;
use super::psi::{psi_memstall_enter, psi_memstall_leave};
use super::reclaim_retry::MAX_RECLAIM_RETRIES;
use super::state::State;
use super::vmscan::{
    DEF_PRIORITY, SWAP_CLUSTER_MAX, ScanControl, allow_direct_reclaim, shrink_node,
};
use super::zone::{Mark, ZoneType};
use crate::engine::{Signals, Waited, Why};
use crate::record::{Event, Func, Gfp, Reason};

/// `kswapd_failures` at which the node is hopeless.
pub(super) fn is_hopeless(state: &State) -> bool {
    state.kswapd.failures >= u32::from(MAX_RECLAIM_RETRIES)
}

/// `pgdat_balanced()`: some zone could serve the request at its high mark.
fn pgdat_balanced(state: &State, order: u8, highest_zoneidx: ZoneType) -> bool {
    let mut zones = state.zones.iter().map(|(_, zone)| zone);
    zones.any(|zone| {
        zone.kind <= highest_zoneidx
            && zone.watermark_ok(highest_zoneidx, order, Mark::High, zone.free())
    })
}

/// `wake_all_kswapds()`, with `wakeup_kswapd()`.
pub(super) fn wake_all_kswapds(cx: &Cx, gfp: Gfp, order: u8) {
    let highest_zoneidx = gfp_zone(gfp);
    let wait = cx.with(|state| {
        let (asked, highest) = state.kswapd.asked.unwrap_or((0, highest_zoneidx));
        state.kswapd.asked = Some((asked.max(order), highest.max(highest_zoneidx)));
        state.kswapd.wait
    });
    let engine = &cx.kernel().engine;
    if !engine.has_waiters(wait)
        || cx.with(|state| is_hopeless(state) || pgdat_balanced(state, order, highest_zoneidx))
    {
        return;
    }
    cx.record(Event::WakeupKswapd { order, gfp: gfp.0 });
    engine.wake_all(wait);
}

/// `kswapd()`, the kernel thread: asleep at the start.
#[expect(clippy::infinite_loop, reason = "a kernel thread never ends")]
pub async fn kswapd(cx: Cx) {
    let _in = cx.enter(Func::Kswapd);
    let wait = cx.with(|state| {
        state.tasks[cx.task()].memalloc = true;
        state.kswapd.task = Some(cx.task());
        state.kswapd.wait
    });
    cx.wait(wait, Reason::KswapdIdle, Signals::Ignored).await;
    let (mut order, mut highest_zoneidx) = read_order(&cx, ZoneType::Normal);
    loop {
        cx.record(Event::KswapdWake { order });
        let reclaim_order = balance_pgdat(&cx, order, highest_zoneidx).await;
        // What reclaim can't bring is left to compaction: then it may sleep on less.
        let asked = || cx.with(|state| state.kswapd.asked.map_or(0, |(order, _)| order));
        let mut sleep_order = if reclaim_order < order { reclaim_order } else { asked() };
        loop {
            kswapd_try_to_sleep(&cx, sleep_order, highest_zoneidx).await;
            (order, highest_zoneidx) = read_order(&cx, highest_zoneidx);
            if !try_to_freeze(&cx).await {
                break;
            }
            // Whoever is thawed beside it goes first.
            sleep_order = asked();
        }
    }
}

/// Reads and resets `kswapd_order` and `kswapd_highest_zoneidx`.
fn read_order(cx: &Cx, highest_zoneidx: ZoneType) -> (u8, ZoneType) {
    cx.with(|state| state.kswapd.asked.take()).unwrap_or((0, highest_zoneidx))
}

/// `kswapd_try_to_sleep()`.
async fn kswapd_try_to_sleep(cx: &Cx, order: u8, highest_zoneidx: ZoneType) {
    let _in = cx.enter(Func::KswapdTryToSleep);
    let wait = cx.with(|state| state.kswapd.wait);
    if !prepare_kswapd_sleep(cx, order, highest_zoneidx) {
        return;
    }
    let kernel = cx.kernel();
    let nap = kernel.clock.expiry(cx.now(), u64::from(kernel.clock.hz / 10)) - cx.now();
    let why = Why(Reason::KswapdNap as u8);
    let woken = kernel.engine.wait(wait, why, Signals::Ignored, Some(nap)).await;
    if woken != Waited::TimedOut {
        // What it slept on too early is still wanted.
        cx.with(|state| {
            let (asked, highest) = state.kswapd.asked.unwrap_or((0, highest_zoneidx));
            state.kswapd.asked = Some((asked.max(order), highest));
        });
    } else if prepare_kswapd_sleep(cx, order, highest_zoneidx) {
        cx.record(Event::KswapdSleep {});
        cx.wait(wait, Reason::KswapdIdle, Signals::Ignored).await;
    }
}

/// `prepare_kswapd_sleep()`: whether it may sleep.
fn prepare_kswapd_sleep(cx: &Cx, order: u8, highest_zoneidx: ZoneType) -> bool {
    let pfmemalloc_wait = cx.with(|state| state.kswapd.pfmemalloc_wait);
    cx.wake_all(pfmemalloc_wait);
    cx.with(|state| {
        let balanced = pgdat_balanced(state, order, highest_zoneidx);
        let hopeless = is_hopeless(state);
        // clear_pgdat_congested()
        state.kswapd.congested &= hopeless || !balanced;
        hopeless || balanced
    })
}

/// `balance_pgdat()`: reclaims until some zone reaches its high mark;
/// the order it reclaimed for in the end.
async fn balance_pgdat(cx: &Cx, order: u8, highest_zoneidx: ZoneType) -> u8 {
    let _in = cx.enter(Func::BalancePgdat);
    let pflags = psi_memstall_enter(cx);
    kswapd_reclaims(cx, true);
    let mut sc = ScanControl::kswapd(order, highest_zoneidx);
    sc.priority = DEF_PRIORITY;
    let mut balanced = false;
    while sc.priority >= 1 {
        balanced = cx.with(|state| pgdat_balanced(state, sc.order, highest_zoneidx));
        if balanced {
            break;
        }
        let before = sc.nr_reclaimed;
        let raise_priority = !kswapd_shrink_node(cx, &mut sc).await;
        let (wait, allow) =
            cx.with(|state| (state.kswapd.pfmemalloc_wait, allow_direct_reclaim(cx, state)));
        if allow {
            cx.wake_all(wait);
        }
        kswapd_reclaims(cx, false);
        let frozen = try_to_freeze(cx).await;
        kswapd_reclaims(cx, true);
        if frozen {
            break;
        }
        if raise_priority || sc.nr_reclaimed == before {
            sc.priority = sc.raised_priority().unwrap_or(0);
        }
    }
    if !balanced && sc.nr_reclaimed == 0 {
        if sc.nr_submitted == 0 {
            cx.cpu(sc.fruitless(cx.costs())).await;
        }
        cx.with(|state| state.kswapd.failures += 1);
    }
    kswapd_reclaims(cx, false);
    psi_memstall_leave(cx, pflags);
    let failures = cx.with(|state| state.kswapd.failures);
    cx.record(Event::KswapdBalanced {
        reclaimed: u32::try_from(sc.nr_reclaimed).unwrap_or(u32::MAX),
        failures: u8::try_from(failures).unwrap_or(u8::MAX),
    });
    sc.order
}

/// `kswapd_shrink_node()`: whether it scanned as much as it wanted to reclaim.
async fn kswapd_shrink_node(cx: &Cx, sc: &mut ScanControl) -> bool {
    let high = cx.with(|state| {
        let eligible = state.zones.iter().filter(|(_, zone)| zone.kind <= sc.reclaim_idx);
        eligible.map(|(_, zone)| zone.high.max(SWAP_CLUSTER_MAX)).sum()
    });
    sc.nr_to_reclaim = high;
    sc.nr_scanned = 0;
    shrink_node(cx, sc).await;
    // Enough for compaction to do the rest: go on with single pages.
    if sc.order > 0 && sc.nr_reclaimed >= 2 << sc.order {
        sc.order = 0;
    }
    sc.nr_scanned >= sc.nr_to_reclaim
}
