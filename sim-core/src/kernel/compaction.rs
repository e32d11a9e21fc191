//! Memory compaction, by its outcome.
//!
//! Mirrors mm/page_alloc.c: `__alloc_pages_direct_compact()`,
//! `should_compact_retry()`, and mm/compaction.c:
//! `try_to_compact_pages()`, `compaction_suitable()`,
//! `defer_compaction()`, `compaction_deferred()`, Linux 6.1 (kernel-spec
//! 1.3).
//!
//! Where pages lie is not modelled; how many free ones lie alone is
//! ([`Zone::scattered`](super::zone::Zone::scattered)): half of the pages
//! that come back to a zone, but no more than the zone has pages in use
//! to lie between. The others form blocks. Single pages are taken first.
//! Compaction brings a block's worth of lone pages together, unless too
//! many of those lie among pages that can't move, which is in proportion
//! to the zone's pages that can't. Left out: kcompactd, who is moved
//! (migration entries, notifier calls), how far the scanners got.

use super::cx::Cx;
use super::gfp::{PAGE_ALLOC_COSTLY_ORDER, gfp_zone};
use super::page_alloc::get_page_from_freelist;
use super::psi::{psi_memstall_enter, psi_memstall_leave};
use super::reclaim_retry::zone_reclaimable_pages;
use super::zone::{Mark, Pages, Use, Zone, ZoneType};
use crate::base::ZoneId;
use crate::record::{CompactResult, Event, Func, Gfp};

/// `MAX_COMPACT_RETRIES` (mm/page_alloc.c).
const MAX_COMPACT_RETRIES: u8 = 16;
/// `COMPACT_MAX_DEFER_SHIFT` (mm/compaction.c).
const COMPACT_MAX_DEFER_SHIFT: u8 = 6;
/// `enum compact_priority`: asynchronous at first, then ever more thorough.
const SYNC_FULL: u8 = 0;
const SYNC_LIGHT: u8 = 1;
const ASYNC: u8 = 2;

/// How a zone's compaction fared lately (`struct zone`).
#[derive(Copy, Clone, Default, Debug)]
pub struct Deferral {
    considered: u32,
    shift: u8,
    /// Least order that failed; 0: none did.
    order_failed: u8,
}

/// What one allocation knows of its compactions.
pub(super) struct Compaction {
    priority: u8,
    result: CompactResult,
    retries: u8,
}

impl Compaction {
    pub(super) fn new() -> Self {
        Self { priority: ASYNC, result: CompactResult::Skipped, retries: 0 }
    }

    /// Whether the last one did not really try.
    pub(super) fn withdrawn(&self) -> bool {
        matches!(self.result, CompactResult::Skipped | CompactResult::Deferred)
    }

    /// From asynchronous to `DEF_COMPACT_PRIORITY`.
    pub(super) fn raise_priority(&mut self) {
        self.priority = SYNC_LIGHT;
    }
}

/// `__alloc_pages_direct_compact()`.
pub(super) async fn alloc_pages_direct_compact(
    cx: &Cx,
    gfp: Gfp,
    order: u8,
    want: u64,
    mark: Mark,
    compaction: &mut Compaction,
) -> Option<Pages> {
    if order == 0 {
        return None;
    }
    let _in = cx.enter(Func::DirectCompact);
    let pflags = psi_memstall_enter(cx);
    compaction.result = try_to_compact_pages(cx, gfp, order, mark, compaction.priority).await;
    psi_memstall_leave(cx, pflags);
    if compaction.result == CompactResult::Skipped {
        return None;
    }
    let pages = get_page_from_freelist(cx, gfp, order, want, mark);
    if let Some(pages) = &pages {
        let zone = pages.0.iter().position(|&count| count > 0).unwrap_or(0);
        cx.with(|state| state.zones[ZoneId::from_index(zone)].deferral = Deferral::default());
    }
    pages
}

/// `try_to_compact_pages()`: the best result of all zones.
async fn try_to_compact_pages(
    cx: &Cx,
    gfp: Gfp,
    order: u8,
    mark: Mark,
    priority: u8,
) -> CompactResult {
    let _in = cx.enter(Func::TryToCompactPages);
    // Migration may wait for I/O.
    if !gfp.has(Gfp::IO) {
        return CompactResult::Skipped;
    }
    let mut best = CompactResult::Skipped;
    for index in (0..cx.with(|state| state.zones.len())).rev() {
        let zone = ZoneId::from_index(index);
        if cx.with(|state| state.zones[zone].kind) > gfp_zone(gfp) {
            continue;
        }
        let deferred = cx.with(|state| compaction_deferred(&mut state.zones[zone], order));
        if priority > SYNC_FULL && deferred {
            best = better(best, CompactResult::Deferred);
            continue;
        }
        let result = compact_zone_order(cx, zone, gfp_zone(gfp), order, mark).await;
        best = better(best, result);
        match result {
            CompactResult::Success => break,
            CompactResult::Complete if priority < ASYNC => {
                cx.with(|state| defer_compaction(&mut state.zones[zone], order));
            }
            _ => {}
        }
    }
    best
}

/// `max()` over `enum compact_result`, whose order is that of [`CompactResult`].
fn better(one: CompactResult, other: CompactResult) -> CompactResult {
    if (one as u8) < (other as u8) { other } else { one }
}

/// `compact_zone_order()`.
async fn compact_zone_order(
    cx: &Cx,
    id: ZoneId,
    reach: ZoneType,
    order: u8,
    mark: Mark,
) -> CompactResult {
    let early = cx.with(|state| {
        let zone = &state.zones[id];
        if zone.takeable(reach, order, mark) > 0 {
            Some(CompactResult::Success)
        } else if !compaction_suitable(zone, reach, order, zone.free()) {
            Some(CompactResult::Skipped)
        } else {
            None
        }
    });
    if let Some(result) = early {
        return result;
    }
    cx.record(Event::CompactionBegin { order, zone: id });
    cx.cpu(cx.costs().compaction).await;
    let result = cx.with(|state| {
        let zone = &mut state.zones[id];
        if zone.gather(order) { CompactResult::Success } else { CompactResult::Complete }
    });
    cx.record(Event::CompactionEnd { order, zone: id, result });
    result
}

/// `compaction_suitable()`: `compact_gap()` pages above the low mark for
/// costly orders, above `min` else.
fn compaction_suitable(zone: &Zone, reach: ZoneType, order: u8, available: u64) -> bool {
    let mark = if order > PAGE_ALLOC_COSTLY_ORDER { Mark::Low } else { Mark::Min };
    zone.headroom(reach, mark, available) > 2 << order
}

/// `compaction_deferred()`.
fn compaction_deferred(zone: &mut Zone, order: u8) -> bool {
    let deferral = &mut zone.deferral;
    if deferral.order_failed == 0 || order < deferral.order_failed {
        return false;
    }
    let limit = 1 << deferral.shift;
    deferral.considered = (deferral.considered + 1).min(limit);
    deferral.considered < limit
}

/// `defer_compaction()`.
fn defer_compaction(zone: &mut Zone, order: u8) {
    let Deferral { shift, order_failed, .. } = zone.deferral;
    zone.deferral = Deferral {
        considered: 0,
        shift: (shift + 1).min(COMPACT_MAX_DEFER_SHIFT),
        order_failed: if order_failed == 0 { order } else { order.min(order_failed) },
    };
}

/// `should_compact_retry()`.
pub(super) fn should_compact_retry(
    cx: &Cx,
    gfp: Gfp,
    order: u8,
    mark: Mark,
    compaction: &mut Compaction,
) -> bool {
    if order == 0 || cx.fatal_signal_pending() {
        return false;
    }
    let costly = order > PAGE_ALLOC_COSTLY_ORDER;
    let mut max_retries = MAX_COMPACT_RETRIES;
    // What is traced is how it was before.
    let Compaction { priority, result, retries } = *compaction;
    if result == CompactResult::Success {
        compaction.retries += 1;
        if costly {
            max_retries /= 4;
        }
    }
    let wants_reclaim = result == CompactResult::Skipped
        || (result == CompactResult::Deferred
            && cx.kernel().switches.deferred_compaction_wants_reclaim);
    let retry = match result {
        _ if wants_reclaim => compaction_zonelist_suitable(cx, gfp_zone(gfp), order, mark),
        CompactResult::Success if compaction.retries <= max_retries => true,
        _ => {
            let least = if costly { SYNC_LIGHT } else { SYNC_FULL };
            let more = compaction.priority > least;
            if more {
                compaction.priority -= 1;
                compaction.retries = 0;
            }
            more
        }
    };
    cx.record(Event::CompactRetry { order, priority, result, retries, max_retries, retry });
    retry
}

/// `compaction_zonelist_suitable()`: whether reclaim could make room for compaction.
fn compaction_zonelist_suitable(cx: &Cx, reach: ZoneType, order: u8, mark: Mark) -> bool {
    cx.with(|state| {
        state.zones.iter().filter(|(_, zone)| zone.kind <= reach).any(|(id, zone)| {
            let available = zone_reclaimable_pages(cx, state, id) / u64::from(order) + zone.free();
            zone.headroom(reach, mark, available) > 0
                && compaction_suitable(zone, reach, order, available)
        })
    })
}

impl Zone {
    /// Brings lone free pages together to a block of `order`.
    fn gather(&mut self, order: u8) -> bool {
        let stuck = [Use::Reserved, Use::Kernel, Use::PageTable, Use::Pinned];
        let stuck: u64 = stuck.map(|of| self.pages(of)).iter().sum();
        let among_stuck = self.scattered * stuck / self.managed().max(1);
        let possible = self.scattered - among_stuck >= 1 << order;
        if possible {
            self.scattered -= 1 << order;
        }
        possible
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::testing::{Machine, Proc};

    #[test]
    fn deferred_compaction_is_tried_again_when_there_is_room_up_to_5_3() {
        for (kernel, again) in [("4.14", true), ("5.3", true), ("5.4", false), ("6.12", false)] {
            let mut machine = Machine::new(kernel);
            machine.process(&Proc::of(100, 0), move |cx| async move {
                let result = CompactResult::Deferred;
                let mut compaction = Compaction { priority: SYNC_FULL, result, retries: 0 };
                let retry = should_compact_retry(&cx, Gfp::KERNEL, 2, Mark::Min, &mut compaction);
                assert_eq!(retry, again, "{kernel}");
            });
            machine.run();
        }
    }
}
