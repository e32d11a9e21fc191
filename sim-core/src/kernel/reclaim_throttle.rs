//! Pauses of reclaim that gets nowhere.
//!
//! Mirrors mm/vmscan.c: `reclaim_throttle()`,
//! `skip_throttle_noprogress()`, Linux 6.1 (kernel-spec 1.4 step 6). Up to
//! 5.15 nobody pauses here for lack of progress (`should_reclaim_retry()`
//! does), and the other pauses are HZ/10. Left out: the wake-up before the time is over.

use super::cx::Cx;
use super::kswapd::is_hopeless;
use super::reclaim_retry::zone_reclaimable_pages;
use super::timer::schedule_timeout;
use super::zone::Use;
use crate::engine::Signals;
use crate::record::{Event, Func, Reason, TaskKind, ThrottleReason};

/// `reclaim_throttle()`.
pub(super) async fn reclaim_throttle(cx: &Cx, reason: ThrottleReason) {
    let kernel = cx.kernel();
    let is_kthread = kernel
        .engine
        .observe(|_, recorder| recorder.cast.tasks[cx.task()].kind == TaskKind::Kthread);
    let is_kswapd = is_kthread && cx.with(|state| state.tasks[cx.task()].memalloc);
    // Other threads of the kernel may be what reclaim waits for.
    if is_kthread && !is_kswapd {
        return;
    }
    let hz = u64::from(kernel.clock.hz);
    let jiffies = match reason {
        ThrottleReason::NoProgress | ThrottleReason::Congested
            if kernel.switches.congestion_wait =>
        {
            return;
        }
        ThrottleReason::Isolated if kernel.switches.congestion_wait => hz / 10,
        ThrottleReason::Writeback => hz / 10,
        ThrottleReason::Isolated => (hz / 50).max(1),
        ThrottleReason::NoProgress | ThrottleReason::Congested if skip_noprogress(cx) => return,
        ThrottleReason::NoProgress | ThrottleReason::Congested => 1,
    };
    let _in = cx.enter(Func::ReclaimThrottle);
    let begin = cx.now();
    schedule_timeout(cx, jiffies, Reason::ReclaimThrottle, Signals::Ignored).await;
    let us = |nanos: u64| u32::try_from(nanos / 1000).unwrap_or(u32::MAX);
    cx.record(Event::Throttled {
        timeout_us: us(jiffies * kernel.clock.tick().0),
        delayed_us: us((cx.now() - begin).0),
        reason,
    });
}

/// `skip_throttle_noprogress()`: a pause helps only if much is being
/// written. With nothing on the lists it would only delay the OOM killer.
fn skip_noprogress(cx: &Cx) -> bool {
    cx.with(|state| {
        let (mut reclaimable, mut pending) = (0, 0);
        for (_, zone) in state.zones.iter() {
            reclaimable += zone_reclaimable_pages(cx, state, zone);
            pending += zone.pages(Use::Dirty) + zone.pages(Use::Writeback);
        }
        is_hopeless(state) || 2 * pending <= reclaimable
    })
}
