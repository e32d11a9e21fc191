//! Reclaim: taking pages from their users.
//!
//! Mirrors mm/vmscan.c: `try_to_free_pages()`,
//! `try_to_free_mem_cgroup_pages()`, `do_try_to_free_pages()`,
//! `throttle_direct_reclaim()`, `allow_direct_reclaim()`,
//! `shrink_zones()`, `shrink_node()`, `shrink_node_memcgs()`,
//! `shrink_lruvec()`, `shrink_inactive_list()`, `shrink_folio_list()`,
//! Linux 6.1 (kernel-spec 1.4). Whose pages there are says [`super::lruvec`].
//! Left out: MGLRU, slab. What drivers give back is
//! asked for in `shrinker`.

#[cfg(test)]
mod tests;

use super::costs::Costs;
use super::cx::Cx;
use super::fs_writeback::wakeup_flusher_threads;
use super::gfp::{current_gfp_context, gfp_zone};
use super::kswapd::is_hopeless;
use super::lockdep::{fs_reclaim_acquire, fs_reclaim_release};
use super::lruvec::{Memcg, Protection, get_scan_count, mem_cgroup_calculate_protection};
use super::memcontrol::{is_congested, mem_cgroup_iter, set_congested, uncharge_cache};
use super::page_alloc::free_pages;
use super::reclaim_retry::zone_reclaimable_pages;
use super::reclaim_throttle::{reclaim_throttle, wake_throttled};
use super::rmap::{Scope, swap_out, unmap_file};
use super::shrinker::shrink_slab;
use super::state::State;
use super::writeback::{To, record_page_cache, write_pages};
use super::zone::{Use, ZoneType};
use crate::base::{CgroupId, Nanos};
use crate::engine::{Signals, Waited, Why};
use crate::record::{Event, Func, Gfp, Invariant, Reason, ThrottleReason};

/// `SWAP_CLUSTER_MAX`: what one call tries to reclaim (include/linux/swap.h).
pub(super) const SWAP_CLUSTER_MAX: u64 = 32;
/// `DEF_PRIORITY`: where the scan begins (include/linux/mmzone.h).
pub(super) const DEF_PRIORITY: u8 = 12;
/// Where `consider_reclaim_throttle()` has who made no progress wait.
const THROTTLED_AT: u8 = 1;

/// `struct scan_control`.
#[expect(clippy::struct_excessive_bools, reason = "the kernel's flags, by name")]
pub(super) struct ScanControl {
    pub(super) gfp: Gfp,
    pub(super) order: u8,
    /// A list's length is shifted by this to say how much of it to scan.
    pub(super) priority: u8,
    pub(super) nr_to_reclaim: u64,
    pub(super) nr_scanned: u64,
    /// Pages looked at since anything was reclaimed last or paid for, over all priorities.
    nr_in_vain: u64,
    pub(super) nr_reclaimed: u64,
    /// Pages sent to disk or swap, which are free only when they are there.
    pub(super) nr_submitted: u64,
    /// `current_is_kswapd()`.
    pub(super) kswapd: bool,
    /// `target_mem_cgroup`: the cgroup whose limit it is about; none: the machine.
    target: Memcg,
    /// `reclaim_idx`: pages of higher zones are of no use.
    pub(super) reclaim_idx: ZoneType,
    /// Lists in use are scanned too, even if the others are long.
    force_deactivate: bool,
    /// A list in use was passed over.
    skipped_deactivate: bool,
    /// The second walk over everything is under way, or over.
    memcg_full_walk: bool,
    /// `memory.low` no longer protects.
    pub(super) memcg_low_reclaim: bool,
    /// A cgroup was passed over because of it.
    pub(super) memcg_low_skipped: bool,
    /// What was to be scanned at priority 0 of the longest lists, at this priority's pass.
    pub(super) longest: u64,
    /// That pass did something, or could have.
    busy: bool,
}

impl ScanControl {
    /// The next priority to scan at, if there is one. Where no list is long enough for a single
    /// page nothing is looked at and no time passes, so such passes need not be made one by
    /// one; the one at which who gets nowhere is throttled always is.
    pub(super) fn raised_priority(&self) -> Option<u8> {
        let next = self.priority.checked_sub(1)?;
        if self.busy {
            return Some(next);
        }
        match self.longest.checked_ilog2() {
            None if self.priority <= THROTTLED_AT => None,
            None => Some(THROTTLED_AT),
            Some(first) => {
                let first = u8::try_from(first).unwrap_or(DEF_PRIORITY);
                Some(next.min(first.max(THROTTLED_AT)))
            }
        }
    }

    /// That of `balance_pgdat()`.
    pub(super) fn kswapd(order: u8, highest_zoneidx: ZoneType) -> Self {
        let direct = Self::direct(Gfp::KERNEL, order);
        Self { kswapd: true, reclaim_idx: highest_zoneidx, ..direct }
    }

    /// That of `try_to_free_pages()`.
    pub(super) fn direct(gfp: Gfp, order: u8) -> Self {
        Self {
            gfp,
            order,
            priority: DEF_PRIORITY,
            nr_to_reclaim: SWAP_CLUSTER_MAX,
            nr_scanned: 0,
            nr_in_vain: 0,
            nr_reclaimed: 0,
            nr_submitted: 0,
            kswapd: false,
            target: None,
            reclaim_idx: gfp_zone(gfp),
            force_deactivate: false,
            skipped_deactivate: false,
            memcg_full_walk: false,
            memcg_low_reclaim: false,
            memcg_low_skipped: false,
            longest: 0,
            busy: false,
        }
    }

    /// `may_swap`, as far as the request may do I/O.
    fn swaps(&self) -> bool {
        self.gfp.has(Gfp::IO)
    }

    /// What the walk over all priorities cost that found nothing: the more the longer the lists.
    pub(super) fn fruitless(&mut self, costs: &Costs) -> Nanos {
        let pass = match (self.kswapd, self.target) {
            (true, _) => costs.kswapd_pass,
            (false, None) => costs.reclaim_pass,
            (false, Some(_)) => costs.memcg_reclaim_pass,
        };
        pass + costs.scan_page * std::mem::take(&mut self.nr_in_vain)
    }
}

/// `__perform_reclaim()`: reclaims with PF_MEMALLOC set, so that what
/// reclaim itself needs comes from the reserves and never from reclaim.
pub(super) async fn perform_reclaim(cx: &Cx, gfp: Gfp, order: u8) -> u64 {
    let annotated = cx.kernel().switches.reclaim_takes_fs_reclaim;
    if annotated {
        fs_reclaim_acquire(cx, gfp);
    }
    let before = starts_reclaim(cx, gfp);
    let reclaimed = try_to_free_pages(cx, gfp, order).await;
    set_memalloc(cx, before);
    if annotated {
        fs_reclaim_release(cx, gfp);
    }
    reclaimed
}

/// `memalloc_noreclaim_save()` of who begins to reclaim. I14, also where records don't show it (a
/// cgroup's reclaim leaves none): it must be free to sleep, and not have PF_MEMALLOC.
fn starts_reclaim(cx: &Cx, gfp: Gfp) -> bool {
    let before = set_memalloc(cx, true);
    if before || !gfp.has(Gfp::DIRECT_RECLAIM) {
        let text = format!("reclaim for {}, PF_MEMALLOC {before}", gfp.text());
        cx.kernel().breached(cx.task(), Invariant::NoSleepWhereForbidden, text);
    }
    before
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

/// `try_to_free_mem_cgroup_pages()`: the number of pages reclaimed from a
/// cgroup and those below.
pub(super) async fn try_to_free_mem_cgroup_pages(
    cx: &Cx,
    memcg: CgroupId,
    nr_pages: u64,
    gfp: Gfp,
) -> u64 {
    let _in = cx.enter(Func::TryToFreeMemCgroupPages);
    let before = starts_reclaim(cx, gfp);
    let mut sc = ScanControl::direct(current_gfp_context(cx, gfp), 0);
    sc.nr_to_reclaim = nr_pages.max(SWAP_CLUSTER_MAX);
    // Any page will do.
    (sc.target, sc.reclaim_idx) = (Some(memcg), ZoneType::Normal);
    do_try_to_free_pages(cx, &mut sc).await;
    set_memalloc(cx, before);
    sc.nr_reclaimed
}

/// `do_try_to_free_pages()`.
async fn do_try_to_free_pages(cx: &Cx, sc: &mut ScanControl) {
    let costs = cx.costs();
    loop {
        sc.priority = DEF_PRIORITY;
        loop {
            sc.nr_scanned = 0;
            shrink_zones(cx, sc).await;
            let next = sc.raised_priority();
            let Some(next) = next.filter(|_| sc.nr_reclaimed < sc.nr_to_reclaim) else { break };
            sc.priority = next;
        }
        if sc.target.is_some() {
            set_congested(cx, sc.target, false);
        }
        if sc.nr_reclaimed > 0 {
            return;
        }
        let full_walk = cx.kernel().switches.reclaim_walks_twice && !sc.memcg_full_walk;
        let again = full_walk || sc.skipped_deactivate || sc.memcg_low_skipped;
        if sc.nr_submitted == 0 {
            // Between two rounds of reclaim the allocator has something to do.
            let gap = if again || sc.target.is_some() { Nanos::ZERO } else { costs.reclaim_gap };
            cx.cpu(sc.fruitless(costs) + gap).await;
        }
        if full_walk {
            sc.memcg_full_walk = true;
        } else if sc.skipped_deactivate {
            (sc.force_deactivate, sc.skipped_deactivate) = (true, false);
        } else if sc.memcg_low_skipped {
            // Untapped reserves of cgroups: better than a kill.
            sc.force_deactivate = false;
            (sc.memcg_low_reclaim, sc.memcg_low_skipped) = (true, false);
        } else {
            return;
        }
    }
}

/// `shrink_zones()`, with `consider_reclaim_throttle()`.
async fn shrink_zones(cx: &Cx, sc: &mut ScanControl) {
    shrink_node(cx, sc).await;
    // More than an eighth of what was looked at came free: others may try too.
    if sc.nr_reclaimed > sc.nr_scanned >> 3 {
        wake_throttled(cx, ThrottleReason::NoProgress);
        return;
    }
    // A cgroup's reclaim is throttled by what is being written alone.
    if sc.target.is_none() && sc.priority == THROTTLED_AT && sc.nr_reclaimed == 0 {
        sc.busy |= reclaim_throttle(cx, ThrottleReason::NoProgress).await;
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
    for (id, zone) in state.zones.iter() {
        if zone_reclaimable_pages(cx, state, id) > 0 {
            reserve += zone.min;
            free += zone.free();
        }
    }
    reserve == 0 || free > reserve / 2
}

/// `shrink_node()`: a part of the lists, the longer the lower the priority.
pub(super) async fn shrink_node(cx: &Cx, sc: &mut ScanControl) {
    let _in = cx.enter(Func::ShrinkNode);
    let before = sc.nr_reclaimed;
    (sc.longest, sc.busy) = (0, false);
    let mut found = Found::default();
    shrink_node_memcgs(cx, sc, &mut found).await;
    sc.nr_submitted += found.submitted;
    let progress = sc.nr_reclaimed > before;
    // Everything it came across is being written already: wait for that.
    if sc.kswapd && !progress && found.submitted == 0 && found.writeback {
        reclaim_throttle(cx, ThrottleReason::Writeback).await;
    }
    if sc.kswapd || sc.target.is_some() {
        // LRUVEC_CONGESTED: all that is dirty is being written already.
        if found.writeback && !found.dirty {
            set_congested(cx, sc.target, true);
        }
    }
    if !sc.kswapd && cx.with(|state| is_congested(state, sc.target)) {
        sc.busy |= reclaim_throttle(cx, ThrottleReason::Congested).await;
    }
    if progress {
        cx.with(|state| state.kswapd.failures = 0);
    }
}

/// What a scan came across that it could not free.
#[derive(Default)]
struct Found {
    /// Pages sent to disk or swap.
    submitted: u64,
    /// Pages that are being written.
    writeback: bool,
    /// Pages that nobody writes yet.
    dirty: bool,
}

/// `shrink_node_memcgs()`: the lists of the target and of all cgroups below.
async fn shrink_node_memcgs(cx: &Cx, sc: &mut ScanControl, found: &mut Found) {
    if cx.with(|state| state.cgroups.is_empty()) {
        return shrink_memcg(cx, sc, None, found).await;
    }
    for memcg in cx.with(|state| mem_cgroup_iter(state, sc.target)) {
        shrink_memcg(cx, sc, memcg, found).await;
    }
}

/// The body of its loop: a cgroup that is not protected; drivers have the root's.
async fn shrink_memcg(cx: &Cx, sc: &mut ScanControl, memcg: Memcg, found: &mut Found) {
    let switches = cx.kernel().switches;
    let protection =
        cx.with(|state| mem_cgroup_calculate_protection(state, switches, sc.target, memcg));
    let protected = match protection {
        Protection::BelowMin => return,
        Protection::BelowLow if !sc.memcg_low_reclaim => {
            sc.memcg_low_skipped = true;
            return;
        }
        Protection::BelowLow => (0, 0),
        Protection::Part { min, low } => (min, low),
    };
    shrink_lruvec(cx, sc, memcg, protected, found).await;
    if memcg.is_none() {
        sc.busy |= shrink_slab(cx).await;
    }
}

/// `shrink_lruvec()`: a cgroup's own lists.
async fn shrink_lruvec(
    cx: &Cx,
    sc: &mut ScanControl,
    memcg: Memcg,
    protected: (u64, u64),
    found: &mut Found,
) {
    let switches = cx.kernel().switches;
    let zones = cx.with(|state| state.zones_up_to(sc.reclaim_idx));
    let (mut scan, has_file) = cx.with(|state| {
        let lists = state.lists(memcg, zones, sc.swaps());
        let has_file = lists.inactive_file + lists.active_file > 0;
        (get_scan_count(state, switches, sc, memcg, protected, lists), has_file)
    });
    if scan == 0 && !has_file {
        return;
    }
    sc.nr_scanned += scan;
    sc.nr_in_vain += scan;
    sc.busy |= scan > 0;
    let before = sc.nr_reclaimed;
    let scope = Scope { memcg, zones };
    while scan > 0 && sc.nr_reclaimed - before < sc.nr_to_reclaim {
        let batch = scan.min(SWAP_CLUSTER_MAX);
        let taken = shrink_list(cx, sc, scope, batch, found).await;
        if taken == 0 {
            break;
        }
        scan -= taken.min(scan);
    }
    found.dirty |= cx.with(|state| state.dirty(memcg).count_in(zones)) > 0;
}

/// `shrink_list()`, `shrink_inactive_list()` and `shrink_folio_list()`: up
/// to `scan` pages, of which the clean ones are freed. Clean pages come
/// first (`cache_trim_mode`), then mapped ones, then dirty ones, then
/// anonymous ones, if there is swap. How many it looked at; 0: there is
/// nothing more to look at.
async fn shrink_list(
    cx: &Cx,
    sc: &mut ScanControl,
    scope: Scope,
    scan: u64,
    found: &mut Found,
) -> u64 {
    if too_many_isolated(cx, sc) {
        reclaim_throttle(cx, ThrottleReason::Isolated).await;
        // About to die and free its memory: as good as a batch, so that nobody is killed for it.
        if cx.fatal_signal_pending() {
            sc.nr_reclaimed += SWAP_CLUSTER_MAX;
            return scan;
        }
        if too_many_isolated(cx, sc) {
            return 0;
        }
    }
    let Scope { memcg, zones } = scope;
    let costs = cx.costs();
    let clean = cx.with(|state| state.take_clean(memcg, zones, scan));
    if clean.count() > 0 {
        // kswapd's batch has its pages' cost in it.
        let batch = if sc.kswapd {
            costs.kswapd_batch
        } else {
            costs.reclaim_batch + costs.reclaim_page * clean.count()
        };
        cx.cpu(batch).await;
        free_pages(cx, clean, Use::InFlight);
        uncharge_cache(cx, memcg, clean.count());
        record_page_cache(cx, clean);
        sc.nr_reclaimed += clean.count();
        return clean.count();
    }
    // What is in use is only taken when too little else is on the lists; it
    // has to be unmapped first, then it is clean cache like any other.
    let lists = cx.with(|state| state.lists(memcg, zones, false));
    if sc.force_deactivate || lists.inactive_file_is_low() {
        let unmapped = unmap_file(cx, scan, scope).await;
        if unmapped > 0 {
            return unmapped;
        }
    } else if lists.active_file > 0 {
        sc.skipped_deactivate = cx.kernel().switches.reclaim_forces_deactivation;
    }
    let dirty = cx.with(|state| state.dirty(memcg).count_in(zones));
    if dirty > 0 && !found.writeback {
        // All pages taken are dirty and nobody writes them yet.
        wakeup_flusher_threads(cx);
        // Only kswapd writes file pages itself, and only when in trouble.
        if sc.kswapd && sc.priority < DEF_PRIORITY - 2 {
            cx.cpu(costs.reclaim_dirty_batch).await;
            let take =
                |state: &mut State| state.writeback.flusher.take_for_pageout(memcg, zones, scan);
            if let Some((of, dirty)) = cx.with(take) {
                let _in = cx.enter(Func::Pageout);
                write_pages(cx, To::Disk, dirty, Use::Dirty, of);
                found.submitted += dirty.count();
                return dirty.count();
            }
        }
        found.writeback = true;
    }
    if sc.swaps() {
        let swapped = swap_out(cx, scan, scope).await;
        if swapped > 0 {
            cx.cpu(costs.reclaim_dirty_batch).await;
            found.submitted += swapped;
            return swapped;
        }
    }
    found.writeback |= cx.with(|state| state.under_writeback(memcg).count_in(zones)) > 0;
    0
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
