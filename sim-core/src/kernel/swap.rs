//! Pages that come back from swap.
//!
//! Mirrors mm/memory.c: `do_swap_page()`, mm/swap_state.c:
//! `swapin_readahead()`, mm/swapfile.c: `swap_free()`, Linux 6.1. A slot
//! is freed as soon as its page is back with all who had it in that slot;
//! each of them reads a page of its own. Left out: the swap cache as a
//! place where a fault finds a page that is still there, swap areas
//! beyond one.

use super::cx::Cx;
use super::fork::AnonShare;
use super::memcontrol::{mem_cgroup_charge, mem_cgroup_uncharge};
use super::memory::FaultError;
use super::mm::Shared;
use super::page_alloc::{alloc_pages, free_pages, transfer_pages};
use super::psi::{psi_memstall_enter, psi_memstall_leave};
use super::state::State;
use super::writeback::{To, read_pages};
use super::zone::Use;
use crate::base::{MmId, RangeId};
use crate::record::{Event, Func, Gfp, Reason};

/// Pages read at once: `1 << page_cluster`.
pub(super) const SWAP_CLUSTER: u64 = 8;

/// `do_swap_page()`: brings 1 to `want` pages of a VMA back, and says how many.
pub(super) async fn do_swap_page(
    cx: &Cx,
    mm: MmId,
    range: RangeId,
    want: u64,
) -> Result<u64, FaultError> {
    let _in = cx.enter(Func::DoSwapPage);
    let swapped = cx.with(|state| state.mms[mm].vma(range).map_or(0, |vma| vma.swapped));
    let want = want.min(SWAP_CLUSTER).min(swapped);
    let pages = alloc_pages(cx, Gfp::HIGHUSER_MOVABLE, 0, want).await;
    let mut pages = pages.ok_or(FaultError::Oom)?;
    let charged = mem_cgroup_charge(cx, mm, Gfp::KERNEL, pages.count()).await.unwrap_or(0);
    let surplus = pages.take(pages.count() - charged);
    free_pages(cx, surplus, Use::InFlight);
    if charged == 0 {
        return Err(FaultError::Oom);
    }
    // A thrashing page is a memory stall; any page that has to come back counts as one here.
    let pflags = psi_memstall_enter(cx);
    read_pages(cx, To::Swap, charged, Reason::SwapIn).await;
    psi_memstall_leave(cx, pflags);
    cx.cpu(cx.costs().major_fault).await;
    let (back, used) = cx.with(|state| {
        let unstable = state.mms[mm].unstable;
        let vma = state.mms[mm].vma(range).expect("invariant: mmap_lock keeps the VMA");
        let count = if unstable { 0 } else { vma.swapped.min(charged) };
        let back = pages.take(count);
        vma.anon.add(back);
        let used = if vma.locked { Use::Unevictable } else { Use::Anon };
        drop_entries(state, mm, range, count);
        (back, used)
    });
    transfer_pages(cx, back, Use::InFlight, used);
    // Another thread or the reaper was faster.
    let left = pages.count();
    free_pages(cx, pages, Use::InFlight);
    mem_cgroup_uncharge(cx, mm, left);
    if cx.with(|state| state.mms[mm].unstable) {
        return Err(FaultError::Sigbus);
    }
    if back.count() > 0 {
        let pages = u32::try_from(back.count()).unwrap_or(u32::MAX);
        cx.record(Event::SwapIn { range, pages });
    }
    Ok(charged)
}

/// `swap_free()` of the first `count` pages that a VMA has in swap: a
/// slot is free when nobody's page table names it any more.
pub(super) fn drop_entries(state: &mut State, mm: MmId, range: RangeId, count: u64) {
    let Some(vma) = state.mms[mm].vma(range) else { return };
    let count = count.min(vma.swapped);
    vma.swapped -= count;
    let mut left = count;
    let mut freed = 0;
    while left > 0 {
        let Some(vma) = state.mms[mm].vma(range) else { break };
        let Some(first) = vma.swap_shares.first_mut() else { break };
        let (share, from, some) = (first.share, first.from, left.min(first.count()));
        first.from += some;
        if first.count() == 0 {
            vma.swap_shares.remove(0);
        }
        freed += state.shares[share].unmap(from, from + some);
        left -= some;
    }
    if let Some(swap) = &mut state.swap {
        // Those that are left were its own.
        swap.used = swap.used.saturating_sub(freed + left);
    }
}

/// `copy_nonpresent_pte()`: the pages that a VMA has in swap are its
/// child's too; `swap_duplicate()` of each.
pub(super) fn share_entries(state: &mut State, old: (MmId, RangeId), new: (MmId, RangeId)) {
    let vma = state.mms[old.0].vma(old.1).expect("invariant: mmap_lock keeps the VMAs");
    let (swapped, mut shares) = (vma.swapped, vma.swap_shares.clone());
    let own = swapped - shares.iter().map(Shared::count).sum::<u64>();
    if own > 0 {
        let share = state.shares.push(AnonShare::of_slots(own, old.0));
        let mine = Shared { share, from: 0, to: own };
        state.shares[share].map(0, own);
        shares.push(mine);
        let vma = state.mms[old.0].vma(old.1).expect("invariant: mmap_lock keeps the VMAs");
        vma.swap_shares.push(mine);
    }
    for &Shared { share, from, to } in &shares {
        state.shares[share].map(from, to);
    }
    let vma = state.mms[new.0].vma(new.1).expect("invariant: it was inserted before");
    (vma.swapped, vma.swap_shares) = (swapped, shares);
}
