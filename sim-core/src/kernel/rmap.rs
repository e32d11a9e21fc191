//! Taking pages from who maps them: anonymous ones to send them to swap,
//! those of files to leave them in the page cache.
//!
//! Mirrors mm/rmap.c: `try_to_unmap()`, `try_to_unmap_one()`, and
//! mm/swap_state.c: `add_to_swap()`, Linux 6.1 (kernel-spec 1.4 step 5):
//! before a page is unmapped the mm's notifiers are called, and may
//! sleep. Pages are counted per VMA, so the order of the lists is that of
//! VMAs: a hand goes round over all of them and takes from one until it
//! has no more, oldest pages first (see [`Vma::swapped`](super::mm::Vma)).
//! Pages shared since a fork and those of shared memory take turns with them
//! ([`shared`], [`segments`]). Left out: migration.

mod segments;
mod shared;

use self::segments::swap_out_segment;
use self::shared::swap_out_shared;
use super::cx::Cx;
use super::device::pages_held;
use super::filemap::unmapped;
use super::lruvec::Memcg;
use super::mm::{Mm, Vma};
use super::mmu_notifier::{
    Range, invalidate_range_end, invalidate_range_start, mm_has_notifiers, mmu_notifier_range_init,
};
use super::state::State;
use super::writeback::{Owner, To, write_pages};
use super::zone::{Pages, Use, Zone};
use crate::base::{IdVec, MmId, QueueId, RangeId, ZoneId};
use crate::engine::Signals;
use crate::record::{Event, Func, MnEvent, Reason};

/// Where the lists begin, and what is off them.
pub struct Lru {
    /// The mm, and the address in it, that reclaim looks at next.
    hand: (usize, u64),
    /// Whether pages shared since a fork had their turn last.
    shared_first: bool,
    /// Turns since those of shared memory had theirs.
    turns: u8,
    /// `NR_ISOLATED_ANON`: pages that reclaimers have taken off the lists.
    pub(super) isolated: u64,
    /// Whose pages are being unmapped (`anon_vma` and `i_mmap_rwsem`, held
    /// for reading): an mm is there once for each walk.
    walked: Vec<MmId>,
    /// Who wants to free page tables that somebody walks.
    unlink: QueueId,
}

impl Lru {
    /// Nobody has looked at them yet; `unlink` is for those who wait for a walk to end.
    pub fn new(unlink: QueueId) -> Self {
        let walked = Vec::new();
        Self { hand: (0, 0), shared_first: false, turns: 0, isolated: 0, walked, unlink }
    }

    /// Whether shared memory is next, if there is any: every third time.
    fn is_segments_turn(&mut self, zones: &IdVec<ZoneId, Zone>) -> bool {
        if zones.iter().all(|(_, zone)| zone.pages(Use::Shmem) == 0) {
            return false;
        }
        self.turns = (self.turns + 1) % 3;
        self.turns == 0
    }
}

/// A walk over those who map a page begins in an mm, which need not be
/// pinned: its VMAs stay until the walk is over.
fn rmap_walk_begins(cx: &Cx, mm: MmId) {
    cx.with(|state| state.lru.walked.push(mm));
}

/// It is over there.
fn rmap_walk_ends(cx: &Cx, mm: MmId) {
    let unlink = cx.with(|state| {
        let walked = &mut state.lru.walked;
        let place = walked.iter().position(|&other| other == mm);
        walked.remove(place.expect("invariant: a walk ends where it began"));
        state.lru.unlink
    });
    if cx.kernel().engine.has_waiters(unlink) {
        cx.wake_all(unlink);
    }
}

/// `unlink_anon_vmas()`, `unlink_file_vma()`: takes the VMAs away from
/// those who look for the mappers of a page, once nobody walks them.
pub(super) async fn unlink_vmas(cx: &Cx, mm: MmId) {
    while cx.with(|state| state.lru.walked.contains(&mm)) {
        let _in = cx.enter(Func::UnlinkAnonVmas);
        let unlink = cx.with(|state| state.lru.unlink);
        cx.wait(unlink, Reason::AnonVma, Signals::Ignored).await;
    }
}

/// Whose pages are taken, and out of which zones.
#[derive(Copy, Clone, Debug)]
pub(super) struct Scope {
    /// Pages charged to this very cgroup.
    pub(super) memcg: Memcg,
    /// Those in so many of the lowest zones.
    pub(super) zones: usize,
}

/// A VMA with pages to take.
struct Source {
    mm: MmId,
    range: Range,
    count: u64,
}

/// Pages of a VMA that reclaim may take: anonymous, and nobody's but its own.
fn takeable(state: &mut State, mm: MmId, range: RangeId, zones: usize) -> u64 {
    let held = pages_held(state, range);
    let vma = state.mms[mm].vma(range);
    let anon = vma.map_or(0, |vma| if vma.locked { 0 } else { vma.anon.count_in(zones) });
    anon.saturating_sub(held)
}

/// The next VMA with pages to take, up to `most` of them.
fn next_source(state: &mut State, most: u64, scope: Scope) -> Option<Source> {
    let (first, address) = state.lru.hand;
    let mms = state.mms.len();
    for step in 0..=mms {
        let mm = MmId::from_index((first + step) % mms.max(1));
        // The first mm comes twice: from the hand on, and at last up to it.
        let from = if step == 0 { address } else { 0 };
        if state.mms[mm].mm_users == 0 || state.mm_cgroup(mm) != scope.memcg {
            continue;
        }
        let vmas: Vec<_> = state.mms[mm].vmas.iter().filter(|vma| vma.end > from).collect();
        let ranges: Vec<_> = vmas.iter().map(|vma| (vma.id, vma.start, vma.end)).collect();
        for (id, start, end) in ranges {
            let count = takeable(state, mm, id, scope.zones).min(most);
            if count > 0 {
                state.lru.hand = (mm.index(), start);
                return Some(Source { mm, range: Range { id, start, end }, count });
            }
        }
    }
    None
}

/// The page of a VMA that goes to swap next (see [`Vma::swapped`](super::mm::Vma)).
fn oldest_page(mm: &Mm, range: Range) -> Range {
    let vma = mm.vmas.iter().find(|vma| vma.id == range.id);
    let first = vma.map_or(0, |vma| if vma.swapped == 0 { 0 } else { vma.head });
    let start = range.start + (first << 12);
    Range { id: range.id, start, end: start + (1 << 12) }
}

/// Takes up to `most` pages off a cgroup's list of anonymous pages and
/// sends them to swap; how many. They are charged until they are free.
pub(super) async fn swap_out(cx: &Cx, most: u64, scope: Scope) -> u64 {
    let room = cx.with(|state| state.swap.as_ref().map_or(0, |swap| swap.pages - swap.used));
    let most = most.min(room);
    // All kinds are on one list; how old they are is not known, so they take turns.
    if cx.with(|state| state.lru.is_segments_turn(&state.zones)) {
        let taken = swap_out_segment(cx, most, scope).await;
        if taken > 0 {
            return taken;
        }
    }
    let shared_first = cx.with(|state| {
        state.lru.shared_first = !state.lru.shared_first;
        state.lru.shared_first
    });
    if shared_first {
        let taken = swap_out_shared(cx, most, scope).await;
        if taken > 0 {
            return taken;
        }
    }
    let Some(source) = cx.with(|state| next_source(state, most, scope)) else {
        let taken = if shared_first { 0 } else { swap_out_shared(cx, most, scope).await };
        return if taken > 0 { taken } else { swap_out_segment(cx, most, scope).await };
    };
    let Source { mm, range, count } = source;
    let _in = cx.enter(Func::TryToUnmap);
    cx.with(|state| state.lru.isolated += count);
    let mut taken = Pages::default();
    loop {
        // While a page was announced, the rest may have gone.
        if cx.with(|state| takeable(state, mm, range.id, scope.zones)) == 0 {
            break;
        }
        // Where somebody listens, each page is announced by its address.
        let alone = cx
            .with(|state| mm_has_notifiers(state, mm).then(|| oldest_page(&state.mms[mm], range)));
        let (range, most) = alone.map_or((range, count), |page| (page, 1));
        let mut unmapped = Pages::default();
        let one = |state: &mut State, mm, range| {
            unmapped = unmap(state, mm, range, most, scope.zones);
            unmapped.count()
        };
        rmap_walk(cx, &[(mm, range)], one, |range, pages| Event::SwapOut { range, pages }).await;
        taken.add(unmapped);
        if alone.is_none() || unmapped.count() == 0 || taken.count() >= count {
            break;
        }
    }
    pageout(cx, taken, scope);
    cx.with(|state| state.lru.isolated -= count);
    taken.count()
}

/// `rmap_walk()` with `try_to_unmap_one()`: those who map pages lose them, one after the other.
/// The notifiers of each hear of it, and may sleep. `one` takes from a VMA what is there by then, and
/// says how much that was; `told` is what the record says of it.
async fn rmap_walk(
    cx: &Cx,
    mappers: &[(MmId, Range)],
    mut one: impl FnMut(&mut State, MmId, RangeId) -> u64,
    told: impl Fn(RangeId, u32) -> Event,
) {
    for &(mm, _) in mappers {
        rmap_walk_begins(cx, mm);
    }
    for &(mm, range) in mappers {
        let notified = mmu_notifier_range_init(cx, MnEvent::Clear, mm, range);
        invalidate_range_start(cx, notified).await;
        let count = cx.with(|state| one(state, mm, range.id));
        cx.cpu(cx.costs().rmap_page * count).await;
        if count > 0 {
            cx.record(told(range.id, u32::try_from(count).unwrap_or(u32::MAX)));
        }
        invalidate_range_end(cx, notified).await;
        rmap_walk_ends(cx, mm);
    }
}

/// As [`rmap_walk`], of the pages of a file or a segment from number `keep` on, `count` of them. Where a
/// mapper's notifiers listen they go one by one, the last one first, and each is announced by its address.
/// `one` takes so many at most from behind that number.
async fn rmap_walk_file(
    cx: &Cx,
    mappers: &[(MmId, Range)],
    (keep, count): (u64, u64),
    one: impl Fn(&mut Vma, u64, u64) -> u64,
) {
    let told = |range, pages| Event::Zap { range, pages, freed: 0 };
    let take = |state: &mut State, mm: MmId, range, keep, most| {
        state.mms[mm].vma(range).map_or(0, |vma| one(vma, keep, most))
    };
    if !cx.with(|state| mappers.iter().any(|&(mm, _)| mm_has_notifiers(state, mm))) {
        let all = |state: &mut State, mm, range| take(state, mm, range, keep, count);
        return rmap_walk(cx, mappers, all, told).await;
    }
    for page in (keep..keep + count).rev() {
        let here = cx.with(|state| {
            let mut here = Vec::new();
            for &(mm, range) in mappers {
                let vma = state.mms[mm].vma(range.id);
                here.extend(vma.and_then(|vma| last_page(vma, page)).map(|range| (mm, range)));
            }
            here
        });
        let single = |state: &mut State, mm, range| take(state, mm, range, page, 1);
        rmap_walk(cx, &here, single, told).await;
    }
}

/// Where a VMA has page number `page` of its file or segment, if that is the last one that it maps.
/// Copies of its own are before it; of these the oldest may be in swap (see [`Vma::swapped`](super::mm::Vma)).
fn last_page(vma: &Vma, page: u64) -> Option<Range> {
    let nth = vma.anon.count() + vma.shared() + page;
    let number = if vma.swapped == 0 { nth } else { (vma.head + nth) % vma.touched.max(1) };
    let start = vma.start + (number << 12);
    let range = Range { id: vma.id, start, end: start + (1 << 12) };
    (vma.file + vma.shmem == page + 1).then_some(range)
}

/// `pageout()` to swap, of anonymous pages that nobody maps any more.
fn pageout(cx: &Cx, taken: Pages, scope: Scope) {
    if taken.count() > 0 {
        let of = Owner { file: None, memcg: scope.memcg };
        write_pages(cx, To::Swap, taken, Use::InFlight, of);
    }
}

/// Anonymous pages that are no longer mapped and not yet on their way: nobody else's meanwhile.
fn isolate(state: &mut State, taken: Pages) {
    for ((_, zone), count) in state.zones.iter_mut().zip(taken.0) {
        zone.transfer(Use::Anon, Use::InFlight, count);
    }
}

/// `try_to_unmap_one()` and `add_to_swap()`, of what is still there
/// after the notifiers slept.
fn unmap(state: &mut State, mm: MmId, range: RangeId, count: u64, zones: usize) -> Pages {
    let room = state.swap.as_ref().map_or(0, |swap| swap.pages - swap.used);
    let count = takeable(state, mm, range, zones).min(count).min(room);
    let Some(vma) = state.mms[mm].vma(range) else { return Pages::default() };
    let taken = vma.anon.take_in(count, zones);
    vma.swap_out(taken.count());
    if let Some(swap) = &mut state.swap {
        swap.used += taken.count();
    }
    isolate(state, taken);
    taken
}

/// `try_to_unmap()` of file pages: takes up to `most` of one file from all
/// who map them; their notifiers hear of it and may sleep. How many.
pub(super) async fn unmap_file(cx: &Cx, most: u64, scope: Scope) -> u64 {
    let Scope { memcg, zones } = scope;
    let found = cx.with(|state| {
        let mut of_memcg = state.files.iter().filter(|(_, f)| f.cached > 0 && f.memcg == memcg);
        let (id, keep, most) = of_memcg.find_map(|(id, file)| {
            let mut pages = file.pages;
            pages.subtract(state.mlocked(id));
            let most = most.min(pages.count_in(zones));
            (most > 0).then_some((id, file.pages.count() - most, most))
        })?;
        let mut mappers = Vec::new();
        for (mm_id, mm) in state.mms.iter().filter(|(_, mm)| mm.mm_users > 0) {
            let mapped = mm.vmas.iter().filter(|vma| vma.vm_file == Some(id) && vma.file > keep);
            mappers.extend(
                mapped.map(|vma| (mm_id, Range { id: vma.id, start: vma.start, end: vma.end })),
            );
        }
        Some((id, (keep, most), mappers))
    });
    let Some((file, pages, mappers)) = found else { return 0 };
    let _in = cx.enter(Func::TryToUnmap);
    let before = cx.with(|state| state.files[file].pages.count());
    let one = |vma: &mut Vma, keep: u64, most: u64| {
        // Locked since: try_to_unmap_one() leaves it, too.
        let mapped = if vma.locked { 0 } else { vma.file };
        let count = mapped.saturating_sub(keep).min(most);
        vma.file -= count;
        vma.dirtied = vma.dirtied.min(vma.file);
        count
    };
    rmap_walk_file(cx, &mappers, pages, one).await;
    cx.with(|state| {
        unmapped(state, file, zones);
        before.saturating_sub(state.files[file].pages.count())
    })
}
