//! Swapping of pages that several processes share since a fork.
//!
//! Mirrors mm/rmap.c: `try_to_unmap()` over all VMAs of an `anon_vma`, and
//! mm/swapfile.c: `swap_duplicate()`, Linux 6.1: the page is taken from
//! one mapper after the other, whose notifiers hear of it, and goes to
//! swap when the last one has lost it; its slot is theirs together. Left
//! out: pages that only some can be made to let go of (they are skipped).

use super::{Scope, isolate, oldest_page, pageout, rmap_walk};
use crate::base::{MmId, RangeId, ShareId};
use crate::kernel::cx::Cx;
use crate::kernel::device::pages_held;
use crate::kernel::fork::{AnonShare, Unshared, unshare};
use crate::kernel::mm::{Shared, Vma};
use crate::kernel::mmu_notifier::{Range, mm_has_notifiers};
use crate::kernel::state::State;
use crate::kernel::zone::Pages;
use crate::record::{Event, Func};

/// Pages that the same VMAs map.
struct Source {
    share: ShareId,
    from: u64,
    count: u64,
    mappers: Vec<(MmId, Range)>,
}

/// The first pages of a share that may be taken from all who map them.
fn next_source(state: &mut State, most: u64, scope: Scope) -> Option<Source> {
    if most == 0 {
        return None;
    }
    let with_pages = state.shares.iter().filter(|(_, share)| share.pages.count() > 0);
    let shares: Vec<_> = with_pages.map(|(share, _)| share).collect();
    shares.into_iter().find_map(|share| {
        let source = first_pages(state, share, most, scope)?;
        let is_held = source.mappers.iter().any(|(_, range)| pages_held(state, range.id) > 0);
        (!is_held).then_some(source)
    })
}

/// Those of one share, if it is the cgroup's, lies where it is of use, and
/// nobody has them locked.
fn first_pages(state: &State, share: ShareId, most: u64, scope: Scope) -> Option<Source> {
    let is = &state.shares[share];
    // Which zone a page of it is in is not known.
    let elsewhere = is.pages.count_in(scope.zones) < is.pages.count();
    if elsewhere || state.mm_cgroup(is.owner) != scope.memcg {
        return None;
    }
    let mapped = mapped(state, share);
    let from = mapped.iter().map(|(.., stretch)| stretch.from).min()?;
    let (first, behind): (Vec<_>, Vec<_>) =
        mapped.into_iter().partition(|(.., stretch)| stretch.from == from);
    let ends = first.iter().map(|(.., stretch)| stretch.to);
    let end = ends.chain(behind.iter().map(|(.., stretch)| stretch.from)).min()?;
    // A locked mapping keeps a page on the list of those that can't be reclaimed.
    if first.iter().any(|(_, vma, _)| vma.locked) {
        return None;
    }
    let range = |vma: &Vma| Range { id: vma.id, start: vma.start, end: vma.end };
    let mappers = first.iter().map(|&(mm, vma, _)| (mm, range(vma))).collect();
    Some(Source { share, from, count: most.min(end - from), mappers })
}

/// `rmap_walk_anon()`: who maps which stretch of a share.
fn mapped(state: &State, share: ShareId) -> Vec<(MmId, &Vma, Shared)> {
    let mut mapped = Vec::new();
    for (mm, is) in state.mms.iter() {
        for vma in is.vmas.iter().chain(&is.detached) {
            let stretches = vma.shares.iter().filter(|stretch| stretch.share == share);
            mapped.extend(stretches.map(|stretch| (mm, vma, *stretch)));
        }
    }
    mapped
}

/// As [`swap_out`](super::swap_out), of pages shared since a fork.
pub(super) async fn swap_out_shared(cx: &Cx, most: u64, scope: Scope) -> u64 {
    let Some(source) = cx.with(|state| next_source(state, most, scope)) else { return 0 };
    let Source { share, from, count, mappers } = source;
    let _in = cx.enter(Func::TryToUnmap);
    let slots = cx.with(|state| {
        state.lru.isolated += count;
        let owner = state.shares[share].owner;
        state.shares.push(AnonShare::of_slots(count, owner))
    });
    let mut taken = Pages::default();
    // Where somebody listens, each page is announced by its address.
    let alone = cx.with(|state| mappers.iter().any(|&(mm, _)| mm_has_notifiers(state, mm)));
    let (rounds, most) = if alone { (count, 1) } else { (1, count) };
    for done in 0..rounds {
        let mut here = mappers.clone();
        if alone {
            cx.with(|state| {
                // Since the page before, some may have lost theirs, or gone.
                let next = |stretch: &Shared| (stretch.share, stretch.from) == (share, from + done);
                here.retain(|&(mm, at)| {
                    state.mms[mm].vma(at.id).is_some_and(|vma| vma.shares.iter().any(next))
                });
                for (mm, at) in &mut here {
                    *at = oldest_page(&state.mms[*mm], *at);
                }
            });
        }
        let one = |state: &mut State, mm, range| {
            let (page, slot) = ((share, from + done), (slots, done));
            let Some(unmapped) = unmap(state, (mm, range), page, slot, most) else { return 0 };
            isolate(state, unmapped.dropped);
            taken.add(unmapped.dropped);
            unmapped.count
        };
        rmap_walk(cx, &here, one, |range, pages| Event::SwapOut { range, pages }).await;
    }
    pageout(cx, taken, scope);
    cx.with(|state| state.lru.isolated -= count);
    taken.count()
}

/// `try_to_unmap_one()`, of up to `most` pages that a VMA still has: it
/// names the slots from number `slot` on instead.
fn unmap(
    state: &mut State,
    (mm, range): (MmId, RangeId),
    (share, from): (ShareId, u64),
    (slots, slot): (ShareId, u64),
    most: u64,
) -> Option<Unshared> {
    let room = state.swap.as_ref().map_or(0, |swap| swap.pages - swap.used);
    let vma = state.mms[mm].vma(range)?;
    let at = vma.shares.iter().position(|s| s.share == share && s.from == from)?;
    // unshare() begins at the first stretch.
    vma.shares[..=at].rotate_right(1);
    let unshared = unshare(state, mm, range, most.min(room))?;
    let count = unshared.count;
    let used = state.shares[slots].map(slot, slot + count);
    if let Some(swap) = &mut state.swap {
        swap.used += used;
    }
    let vma = state.mms[mm].vma(range)?;
    vma.swap_out(count);
    match vma.swap_shares.last_mut() {
        Some(last) if (last.share, last.to) == (slots, slot) => last.to += count,
        _ => vma.swap_shares.push(Shared { share: slots, from: slot, to: slot + count }),
    }
    Some(unshared)
}
