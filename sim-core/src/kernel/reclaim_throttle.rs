//! Pauses of reclaim that gets nowhere.
//!
//! Mirrors mm/vmscan.c: `reclaim_throttle()`,
//! `skip_throttle_noprogress()`, Linux 6.1 (kernel-spec 1.4 step 6). Up to
//! 5.15 nobody pauses here for lack of progress (`should_reclaim_retry()`
//! does), and the other pauses are HZ/10, whatever happens meanwhile and whoever
//! it is. Later ones end early: when as many pages were written as those who wait
//! would take, when fewer are off the lists, when somebody gets on.

use super::cx::Cx;
use super::kswapd::is_hopeless;
use super::reclaim_retry::zone_reclaimable_pages;
use super::vmscan::SWAP_CLUSTER_MAX;
use super::zone::Use;
use crate::base::QueueId;
use crate::engine::{Signals, Why};
use crate::record::{Event, Func, Reason, TaskKind, ThrottleReason};

/// `reclaim_throttle()`; whether there was a pause.
pub(super) async fn reclaim_throttle(cx: &Cx, reason: ThrottleReason) -> bool {
    let kernel = cx.kernel();
    let is_kthread = kernel
        .engine
        .observe(|_, recorder| recorder.cast.tasks[cx.task()].kind == TaskKind::Kthread);
    let is_kswapd = cx.with(|state| state.kswapd.task) == Some(cx.task());
    // Other threads of the kernel may be what reclaim waits for; up to 5.15 nobody asks.
    if is_kthread && !is_kswapd && !kernel.switches.congestion_wait {
        return false;
    }
    let hz = u64::from(kernel.clock.hz);
    let jiffies = match reason {
        ThrottleReason::NoProgress | ThrottleReason::Congested
            if kernel.switches.congestion_wait =>
        {
            return false;
        }
        ThrottleReason::Isolated if kernel.switches.congestion_wait => hz / 10,
        ThrottleReason::Writeback => hz / 10,
        ThrottleReason::Isolated => (hz / 50).max(1),
        ThrottleReason::NoProgress | ThrottleReason::Congested if skip_noprogress(cx) => {
            return false;
        }
        ThrottleReason::NoProgress | ThrottleReason::Congested => 1,
    };
    let _in = cx.enter(Func::ReclaimThrottle);
    let begin = cx.now();
    let queue = cx.with(|state| {
        let throttled = &mut state.kswapd.reclaim_wait;
        if reason == ThrottleReason::Writeback && throttled.writers == 0 {
            throttled.written = 0;
        }
        throttled.writers += u64::from(reason == ThrottleReason::Writeback);
        throttled.queues[reason as usize]
    });
    let span = kernel.clock.expiry(begin, jiffies) - begin;
    let why = Why(Reason::ReclaimThrottle as u8);
    kernel.engine.wait(queue, why, Signals::Ignored, Some(span)).await;
    cx.with(|state| {
        let writers = &mut state.kswapd.reclaim_wait.writers;
        *writers -= u64::from(reason == ThrottleReason::Writeback);
    });
    // What schedule_timeout() returns is whole jiffies, and never less than none.
    let passed = kernel.clock.jiffies(cx.now()) - kernel.clock.jiffies(begin);
    let us =
        |jiffies: u64| u32::try_from(jiffies * kernel.clock.tick().0 / 1000).unwrap_or(u32::MAX);
    cx.record(Event::Throttled {
        timeout_us: us(jiffies),
        delayed_us: us(passed.min(jiffies)),
        reason,
    });
    true
}

/// `pgdat->reclaim_wait`: who is throttled, by [`ThrottleReason`].
#[derive(Clone, Debug)]
pub struct ReclaimWait {
    queues: [QueueId; 4],
    /// `nr_writeback_throttled`.
    writers: u64,
    /// Pages written since the first of them came.
    written: u64,
}

impl ReclaimWait {
    /// Nobody is, and these are where they would wait.
    pub fn new(queue: impl Fn() -> QueueId) -> Self {
        Self { queues: [queue(), queue(), queue(), queue()], writers: 0, written: 0 }
    }
}

/// Ends the pauses of those who are throttled for this reason.
pub(super) fn wake_throttled(cx: &Cx, reason: ThrottleReason) {
    let queue = cx.with(|state| state.kswapd.reclaim_wait.queues[reason as usize]);
    if !cx.kernel().switches.congestion_wait && cx.kernel().engine.has_waiters(queue) {
        cx.wake_all(queue);
    }
}

/// `acct_reclaim_writeback()`: so many pages have been written.
pub(super) fn acct_reclaim_writeback(cx: &Cx, pages: u64) {
    let enough = cx.with(|state| {
        let throttled = &mut state.kswapd.reclaim_wait;
        throttled.written += pages;
        throttled.writers > 0 && throttled.written > SWAP_CLUSTER_MAX * throttled.writers
    });
    if enough {
        wake_throttled(cx, ThrottleReason::Writeback);
    }
}

/// `skip_throttle_noprogress()`: a pause helps only if much is being
/// written. With nothing on the lists it would only delay the OOM killer.
fn skip_noprogress(cx: &Cx) -> bool {
    cx.with(|state| {
        let (mut reclaimable, mut pending) = (0, 0);
        for (id, zone) in state.zones.iter() {
            reclaimable += zone_reclaimable_pages(cx, state, id);
            pending += zone.pages(Use::Dirty) + zone.pages(Use::Writeback);
        }
        is_hopeless(state) || 2 * pending <= reclaimable
    })
}
