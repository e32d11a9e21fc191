//! Swapping of shared memory.
//!
//! Mirrors mm/shmem.c: `shmem_writepage()`, and mm/rmap.c: `try_to_unmap()`
//! of a segment's pages, Linux 6.1: all who map a page lose it first, and
//! their notifiers hear of it. Slots are the segment's, not a page table's.
//! Left out: segments that a device holds pages of (they are skipped whole).

use super::{Scope, rmap_walk_file};
use crate::base::{FileId, MmId};
use crate::kernel::cx::Cx;
use crate::kernel::device::pages_held;
use crate::kernel::mm::Vma;
use crate::kernel::mmu_notifier::Range;
use crate::kernel::state::State;
use crate::kernel::writeback::{Owner, To, write_pages};
use crate::kernel::zone::{Pages, Use};
use crate::record::Func;

/// Pages at the end of a segment, and who maps them.
struct Source {
    segment: FileId,
    /// What stays of the segment.
    keep: u64,
    count: u64,
    mappers: Vec<(MmId, Range)>,
}

/// The first segment of the cgroup with pages that may be taken.
fn next_source(state: &mut State, most: u64, scope: Scope) -> Option<Source> {
    let segments = state.files.iter().filter(|(_, file)| {
        file.cached == 0 && file.memcg == scope.memcg && file.pages.count_in(scope.zones) > 0
    });
    let segments: Vec<_> = segments.map(|(segment, _)| segment).collect();
    segments.into_iter().find_map(|segment| {
        let mut pages = state.files[segment].pages;
        pages.subtract(state.mlocked(segment));
        let count = most.min(pages.count_in(scope.zones));
        let keep = state.files[segment].pages.count() - count;
        let mut mappers = Vec::new();
        for (mm, is) in state.mms.iter().filter(|(_, mm)| mm.mm_users > 0) {
            for vma in is.vmas.iter().filter(|vma| vma.vm_file == Some(segment)) {
                if vma.shmem > keep {
                    mappers.push((mm, Range { id: vma.id, start: vma.start, end: vma.end }));
                }
            }
        }
        let is_held = mappers.iter().any(|(_, range)| pages_held(state, range.id) > 0);
        (!is_held && count > 0).then_some(Source { segment, keep, count, mappers })
    })
}

/// As [`swap_out`](super::swap_out), of a segment's pages.
pub(super) async fn swap_out_segment(cx: &Cx, most: u64, scope: Scope) -> u64 {
    let Some(source) = cx.with(|state| next_source(state, most, scope)) else { return 0 };
    let Source { segment, keep, count, mappers } = source;
    let _in = cx.enter(Func::TryToUnmap);
    cx.with(|state| state.lru.isolated += count);
    let one = |vma: &mut Vma, keep: u64, most: u64| {
        let mapped = if vma.locked { 0 } else { vma.shmem };
        let unmapped = mapped.saturating_sub(keep).min(most);
        vma.shmem -= unmapped;
        unmapped
    };
    rmap_walk_file(cx, &mappers, (keep, count), one).await;
    let taken = cx.with(|state| {
        state.lru.isolated -= count;
        add_to_swap(state, segment, (keep, count), scope)
    });
    if taken.count() > 0 {
        let of = Owner { file: None, memcg: scope.memcg };
        write_pages(cx, To::Swap, taken, Use::Shmem, of);
    }
    taken.count()
}

/// `shmem_writepage()`, of what nobody has mapped again while notifiers slept.
fn add_to_swap(
    state: &mut State,
    segment: FileId,
    (keep, most): (u64, u64),
    scope: Scope,
) -> Pages {
    let living = state.mms.iter().filter(|(_, mm)| mm.mm_users > 0);
    let vmas = living.flat_map(|(_, mm)| &mm.vmas).filter(|vma| vma.vm_file == Some(segment));
    let mapped = vmas.map(|vma| vma.shmem).max().unwrap_or(0);
    let Some(swap) = &mut state.swap else { return Pages::default() };
    let file = &mut state.files[segment];
    let surplus = file.pages.count().saturating_sub(keep.max(mapped));
    let taken = file.pages.take_in(surplus.min(most).min(swap.pages - swap.used), scope.zones);
    file.swapped += taken.count();
    swap.used += taken.count();
    taken
}
