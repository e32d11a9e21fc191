//! Direct reclaim.
//!
//! Mirrors mm/vmscan.c: `try_to_free_pages()`, Linux 6.1 (kernel-spec
//! 1.4). Here is clean page cache and, when there is none, the fruitless
//! scan over all priorities, which costs CPU time and finds nothing. Left
//! out: throttling, dirty pages, swap, rmap and its notifier calls.

use super::cx::Cx;
use super::page_alloc::free_pages;
use super::zone::{Pages, Use};
use crate::base::ZoneId;
use crate::record::{Event, Func, Gfp};

/// `SWAP_CLUSTER_MAX`: what one call tries to reclaim (include/linux/swap.h).
const SWAP_CLUSTER_MAX: u64 = 32;

/// `try_to_free_pages()`: the number of pages reclaimed. Begins a memory
/// stall, which the caller ends after it tried the free lists again.
pub(super) async fn try_to_free_pages(cx: &Cx, gfp: Gfp) -> u64 {
    let _in = cx.enter(Func::TryToFreePages);
    psi_memstall_enter(cx);
    cx.record(Event::DirectReclaimBegin { order: 0, gfp: gfp.0 });
    let mut reclaimed = Pages::default();
    cx.with(|state| {
        // The zone list goes from the highest zone down.
        for index in (0..state.zones.len()).rev() {
            let id = ZoneId::from_index(index);
            let zone = &mut state.zones[id];
            let count = zone.pages(Use::Clean).min(SWAP_CLUSTER_MAX - reclaimed.count());
            zone.transfer(Use::Clean, Use::InFlight, count);
            reclaimed.0[id.index()] = count;
        }
    });
    let count = reclaimed.count();
    if count > 0 {
        cx.cpu(cx.costs().reclaim_page * count).await;
        free_pages(cx, reclaimed, Use::InFlight);
    } else {
        cx.cpu(cx.costs().reclaim_pass + cx.costs().reclaim_gap).await;
    }
    let reclaimed = u32::try_from(count).unwrap_or(u32::MAX);
    cx.record(Event::DirectReclaimEnd { reclaimed });
    count
}

/// `psi_memstall_enter()`.
fn psi_memstall_enter(cx: &Cx) {
    if !cx.with(|state| std::mem::replace(&mut state.tasks[cx.task()].memstall, true)) {
        cx.record(Event::MemstallEnter {});
    }
}

/// `psi_memstall_leave()`.
pub(super) fn psi_memstall_leave(cx: &Cx) {
    if cx.with(|state| std::mem::replace(&mut state.tasks[cx.task()].memstall, false)) {
        cx.record(Event::MemstallLeave {});
    }
}
