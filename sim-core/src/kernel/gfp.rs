//! From a request's GFP flags and the task that makes it to the mark
//! down to which it may take pages.
//!
//! Mirrors include/linux/sched/mm.h: `current_gfp_context()`,
//! include/linux/gfp.h: `gfp_zone()`, and mm/page_alloc.c:
//! `gfp_to_alloc_flags()`, `__gfp_pfmemalloc_flags()`,
//! Linux 4.6 to 7.1 (kernel-spec 1.2). Left out: `ALLOC_HARDER` of
//! real-time tasks, cpusets, CMA.

use super::cx::Cx;
use super::switches::VictimReserves;
use super::zone::{Mark, ZoneType};
use crate::record::Gfp;

/// `PAGE_ALLOC_COSTLY_ORDER`: blocks above this order are too hard to
/// get to try everything for.
pub(super) const PAGE_ALLOC_COSTLY_ORDER: u8 = 3;

/// `current_gfp_context()`: what scopes of the task forbid.
pub(super) fn current_gfp_context(cx: &Cx, gfp: Gfp) -> Gfp {
    let (nofs, noio) = cx.with(|state| {
        let task = &state.tasks[cx.task()];
        (task.memalloc_nofs, task.memalloc_noio)
    });
    match (noio, nofs) {
        (true, _) => gfp.without(Gfp::IO).without(Gfp::FS),
        (false, true) => gfp.without(Gfp::FS),
        (false, false) => gfp,
    }
}

/// `gfp_zone()`: the highest zone that the request may be served from.
pub(super) fn gfp_zone(gfp: Gfp) -> ZoneType {
    match (gfp.has(Gfp::DMA), gfp.has(Gfp::DMA32)) {
        (true, _) => ZoneType::Dma,
        (false, true) => ZoneType::Dma32,
        (false, false) => ZoneType::Normal,
    }
}

/// `gfp_to_alloc_flags()`: rights that the flags alone give. `__GFP_NOMEMALLOC` takes from an atomic
/// request what it may dig deeper for not sleeping, but not the half that `__GFP_HIGH` gives anybody: so
/// with both a request stops at half of `min` (kernel-spec 1.2 says `min` of that flag; the kernel's
/// two tests are apart).
pub(super) fn gfp_to_alloc_flags(gfp: Gfp) -> Mark {
    let harder = gfp.has(Gfp::HARDER) && !gfp.has(Gfp::NOMEMALLOC);
    match (gfp.has(Gfp::HIGH), harder) {
        (true, true) => Mark::Atomic,
        (true, false) => Mark::HighPrio,
        (false, true) => Mark::Harder,
        (false, false) => Mark::Min,
    }
}

/// `__gfp_pfmemalloc_flags()`: rights of those whose progress frees
/// memory. None: what [`gfp_to_alloc_flags`] says, which these rights take the place of: a victim's
/// request with `__GFP_HIGH` stops at half of `min` like any of its (kernel-spec 1.2 adds the two up).
pub(super) fn gfp_pfmemalloc_flags(cx: &Cx, gfp: Gfp) -> Option<Mark> {
    if gfp.has(Gfp::NOMEMALLOC) {
        return None;
    }
    let (memalloc, memdie, victim) = cx.with(|state| {
        let task = &state.tasks[cx.task()];
        (task.memalloc, task.memdie, state.is_oom_victim(cx.task()))
    });
    if memalloc || gfp.has(Gfp::MEMALLOC) {
        return Some(Mark::None);
    }
    match cx.kernel().switches.victim_reserves {
        VictimReserves::Memdie => memdie.then_some(Mark::None),
        VictimReserves::AllocOom => victim.then_some(Mark::Oom),
    }
}

/// The mark of a request in the slow path.
pub(super) fn effective_mark(cx: &Cx, gfp: Gfp) -> Mark {
    gfp_pfmemalloc_flags(cx, gfp).unwrap_or_else(|| gfp_to_alloc_flags(gfp))
}

/// Whether the caller failed with the rights of a victim, and so fails
/// for good (the test after `__alloc_pages_may_oom()`, since 4.14).
pub(super) fn victim_fails(cx: &Cx, gfp: Gfp, mark: Mark) -> bool {
    let digs = mark == Mark::Oom || gfp.has(Gfp::NOMEMALLOC);
    digs && cx.kernel().switches.victim_reserves == VictimReserves::AllocOom
        && cx.with(|state| state.is_oom_victim(cx.task()))
}

/// Whether the caller fails before it reclaims: the marked thread itself, up to 4.13.
pub(super) fn memdie_fails(cx: &Cx, gfp: Gfp) -> bool {
    cx.kernel().switches.victim_reserves == VictimReserves::Memdie
        && !gfp.has(Gfp::NOFAIL)
        && cx.with(|state| state.tasks[cx.task()].memdie)
}
