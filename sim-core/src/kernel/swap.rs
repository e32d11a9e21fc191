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
use super::memcontrol::mem_cgroup_uncharge;
use super::memory::{FaultError, charge};
use super::mm::Shared;
use super::page_alloc::{alloc_pages, free_pages, transfer_pages};
use super::psi::{psi_memstall_enter, psi_memstall_leave};
use super::state::State;
use super::writeback::{To, at_end_of_read, read_pages_killable, record_page_cache};
use super::zone::{Pages, Use};
use crate::base::{MmId, RangeId};
use crate::engine::Hold;
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
    let mmap_lock = cx.with(|state| state.mms[mm].mmap_lock);
    cx.try_lock_or_wait(mmap_lock, Hold::Shared, Reason::MmapLock).await;
    let pages = swapin_readahead(cx, mm, range, want).await;
    // __folio_lock_or_retry(): without mmap_lock, until it is read or SIGKILL comes; then the fault is repeated.
    cx.unlock(mmap_lock);
    let pages = pages?;
    if pages == Pages::default() {
        // Another thread was faster.
        return Ok(0);
    }
    // A thrashing page is a memory stall; any page that has to come back counts as one here.
    let pflags = psi_memstall_enter(cx);
    let read = read_pages_killable(cx, To::Swap, pages.count(), Reason::SwapInKillable).await;
    psi_memstall_leave(cx, pflags);
    if let Err(done) = read {
        at_end_of_read(cx, done, move |cx| end_swap_read(cx, mm, pages));
        return Err(FaultError::Killed);
    }
    cx.cpu(cx.costs().major_fault).await;
    cx.try_lock_or_wait(mmap_lock, Hold::Shared, Reason::MmapLock).await;
    let result = map_swapped(cx, mm, range, pages);
    cx.unlock(mmap_lock);
    result
}

/// `swapin_readahead()` up to the reading: pages for those that are to come back, charged.
async fn swapin_readahead(
    cx: &Cx,
    mm: MmId,
    range: RangeId,
    want: u64,
) -> Result<Pages, FaultError> {
    let swapped = cx.with(|state| state.mms[mm].vma(range).map(|vma| vma.swapped));
    let want = want.min(SWAP_CLUSTER).min(swapped.ok_or(FaultError::Segv)?);
    if want == 0 {
        return Ok(Pages::default());
    }
    let pages = alloc_pages(cx, Gfp::HIGHUSER_MOVABLE, 0, want).await;
    let whole = cx.kernel().switches.swapped_page_is_charged_as_asked_for;
    let gfp = if whole { Gfp::HIGHUSER_MOVABLE } else { Gfp::KERNEL };
    charge(cx, mm, gfp, pages).await.ok_or(FaultError::Oom)
}

/// Pages that were read, mapped with `mmap_lock` held.
fn map_swapped(cx: &Cx, mm: MmId, range: RangeId, mut pages: Pages) -> Result<u64, FaultError> {
    let read = pages.count();
    let unstable = cx.with(|state| state.mms[mm].unstable);
    let found = cx.with(|state| {
        let vma = state.mms[mm].vma(range)?;
        let count = if unstable { 0 } else { vma.swapped.min(read) };
        let back = pages.take(count);
        vma.anon.add(back);
        let used = vma.anon_use();
        drop_entries(state, mm, range, count);
        Some((back, used))
    });
    let back = found.map_or_else(Pages::default, |(back, used)| {
        transfer_pages(cx, back, Use::InFlight, used);
        back
    });
    // Another thread or the reaper was faster.
    let left = pages.count();
    free_pages(cx, pages, Use::InFlight);
    mem_cgroup_uncharge(cx, mm, left);
    if found.is_none() {
        return Err(FaultError::Segv);
    }
    if unstable {
        return Err(FaultError::Sigbus);
    }
    if back.count() > 0 {
        let pages = u32::try_from(back.count()).unwrap_or(u32::MAX);
        cx.record(Event::SwapIn { range, pages });
    }
    Ok(read)
}

/// Pages that were read for somebody who was killed are swap cache.
fn end_swap_read(cx: &Cx, mm: MmId, pages: Pages) {
    transfer_pages(cx, pages, Use::InFlight, Use::Clean);
    cx.with(|state| {
        if let Some(memcg) = state.mm_cgroup(mm) {
            state.cgroups[memcg].clean.add(pages);
        }
    });
    record_page_cache(cx, pages);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Distribution, Nanos, Seeds, Shape, TaskId};
    use crate::engine::Signals;
    use crate::kernel::exit::do_group_exit;
    use crate::kernel::memory::fault_in;
    use crate::kernel::mm::Access;
    use crate::kernel::signal::kill_process;
    use crate::kernel::state::{BlockDevice, Swap};
    use crate::kernel::testing::{Machine, Proc, sleep_ms};

    /// Gives a process 8 of its pages in a swap that takes a second to read.
    fn swap_out(machine: &Machine, hog: TaskId) -> MmId {
        let mm = machine.with(|state| state.tasks[hog].mm).expect("it has one");
        machine.with(|state| {
            let latency = Distribution::new(Shape::Constant(Nanos::from_secs(1)));
            let stream = Seeds::new(1).stream("latency", "swap");
            let device = BlockDevice {
                latency,
                pages_per_second: 1_000_000_000,
                stream,
                busy_until: crate::base::SimTime::ZERO,
            };
            state.swap = Some(Swap { pages: 100, used: 8, device });
            let vma = &mut state.mms[mm].vmas[0];
            let gone = vma.anon.take(8);
            vma.swap_out(8);
            state.zones[crate::base::ZoneId(0)].transfer(Use::Anon, Use::Free, gone.count());
        });
        mm
    }

    /// A process that has 8 of 16 pages in a swap that takes a second to read, and touches the first of
    /// them; who wants `mmap_lock` for writing 10 ms later, and SIGKILL after 20 ms if `killed`. When the
    /// writer had it, when the process was gone, and the pages on their way and in swap at the end.
    fn touch_swapped(killed: bool) -> (Vec<u64>, u64, u64, u64) {
        let mut machine = Machine::new("6.1");
        let hog = machine.process(&Proc::of(100, 16), |cx| async move {
            let mm = cx.mm().expect("it has one");
            let range = cx.with(|state| state.mms[mm].vmas[0].id);
            let back = fault_in(&cx, mm, range, 0, 8, Access::Write).await;
            let is_killed = cx.fatal_signal_pending();
            assert_eq!(back, if is_killed { Err(FaultError::Killed) } else { Ok(8) });
            do_group_exit(&cx).await;
        });
        let mm = swap_out(&machine, hog);
        machine.kthread(move |cx| async move {
            sleep_ms(&cx, 10).await;
            let mmap_lock = cx.with(|state| state.mms[mm].mmap_lock);
            cx.lock(mmap_lock, Hold::Exclusive, Reason::MmapLock).await;
            cx.sleep(Nanos::ZERO, Reason::Sleep, Signals::Ignored).await;
            cx.unlock(mmap_lock);
            cx.record(Event::CoreDump {});
            sleep_ms(&cx, 10).await;
            if killed {
                kill_process(&cx, hog);
            }
        });
        machine.run();
        let at = |is: fn(&Event) -> bool| -> Vec<u64> {
            let events = machine.events().into_iter();
            events.filter(|(_, _, event)| is(event)).map(|(ms, ..)| ms).collect()
        };
        let gone = at(|event| matches!(event, Event::ExitMmapDone { .. }));
        let writer = at(|event| matches!(event, Event::CoreDump {}));
        machine.with(|state| {
            let zone = &state.zones[crate::base::ZoneId(0)];
            let used = state.swap.as_ref().map_or(0, |swap| swap.used);
            assert_eq!((zone.pages(Use::InFlight), used), (0, 0));
            (gone, writer[0], zone.pages(Use::Clean), zone.pages(Use::PageTable))
        })
    }

    #[test]
    fn page_of_swap_is_charged_with_all_its_flags_from_5_8_on() {
        for (profile, expected) in [("5.6", Gfp::KERNEL), ("5.12", Gfp::HIGHUSER_MOVABLE)] {
            let mut machine = Machine::new(profile);
            let memcg = machine.cgroup(None, Some(16));
            let proc = Proc { cgroup: Some(memcg), ..Proc::of(100, 16) };
            let hog = machine.process(&proc, |cx| async move {
                let mm = cx.mm().expect("it has one");
                let range = cx.with(|state| state.mms[mm].vmas[0].id);
                let _ = fault_in(&cx, mm, range, 0, 8, Access::Write).await;
                do_group_exit(&cx).await;
            });
            swap_out(&machine, hog);
            machine.run();
            let asked = machine.story(|event| match event {
                Event::MemcgOom { gfp, .. } => Some(Gfp(gfp)),
                _ => None,
            });
            assert_eq!(asked.first(), Some(&expected), "{profile}");
        }
    }

    #[test]
    fn who_waits_for_a_page_of_swap_can_be_killed_and_holds_nobody_up() {
        assert_eq!(touch_swapped(false), (vec![1000], 10, 0, 0));
        // What was on its way when it died is swap cache.
        assert_eq!(touch_swapped(true), (vec![20], 10, 8, 0));
    }
}
