//! Memory cgroups: what is charged to whom, and what happens at a limit.
//!
//! Mirrors mm/memcontrol.c: `try_charge_memcg()`, `consume_stock()`,
//! `refill_stock()`, `drain_all_stock()`, `mem_cgroup_margin()`, and
//! mm/page_counter.c, Linux 4.6 to 7.1, unified hierarchy (kernel-spec
//! 2.1, 7.4). Several pages may be asked for at once, which stands for
//! as many charges one after the other; as many are charged as would
//! have been before one had to reclaim. An mm is charged to the cgroup of
//! the process it was made for, a file's page cache to that of who read
//! it first. What is reclaimed from it is in [`super::vmscan`], what
//! protects it in [`super::lruvec`]. Left out: moving tasks between
//! cgroups, `memory.swap.max`.

mod hierarchy;
mod high;
mod limit;
mod oom;
#[cfg(test)]
mod tests;

use super::cx::Cx;
use super::lruvec::Memcg;
use super::oom_kill::task_is_dying;
use super::psi::{psi_memstall_enter, psi_memstall_leave};
use super::state::State;
use super::vmscan::try_to_free_mem_cgroup_pages;
use crate::base::{CgroupId, CpuId, MmId};
use crate::record::{Event, Func, Gfp};

pub(super) use hierarchy::{
    cgroup_exit, mem_cgroup_get_oom_group, mem_cgroup_iter, mem_cgroup_scan_tasks,
    task_in_mem_cgroup,
};
pub(super) use high::mem_cgroup_handle_over_high;
pub use limit::memory_max_write;
pub(super) use oom::mem_cgroup_oom_synchronize;

use hierarchy::hierarchy;
use oom::{mem_cgroup_oom, memcg_oom_recover};

/// `PAGE_ALLOC_COSTLY_ORDER` (include/linux/mmzone.h).
const PAGE_ALLOC_COSTLY_ORDER: u8 = 3;

/// `-ENOMEM`: the cgroup has no room.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub(super) struct NoMemory;

/// `mem_cgroup_charge()`: charges 1 to `want` pages that `mm` is to map,
/// as a page fault does, and says how many.
pub(super) async fn mem_cgroup_charge(
    cx: &Cx,
    mm: MmId,
    gfp: Gfp,
    want: u64,
) -> Result<u64, NoMemory> {
    match cx.with(|state| state.mm_cgroup(mm)) {
        Some(memcg) => try_charge_memcg(cx, memcg, gfp, 0, want).await,
        None => Ok(want),
    }
}

/// `mem_cgroup_uncharge()`: pages that `mm` mapped were freed.
pub(super) fn mem_cgroup_uncharge(cx: &Cx, mm: MmId, pages: u64) {
    if let Some(memcg) = cx.with(|state| state.mm_cgroup(mm)) {
        page_counter_uncharge(cx, memcg, pages);
    }
}

/// `mem_cgroup_charge()` of new page cache, and `obj_cgroup_charge_pages()` of page tables: 1 to `want` pages.
pub(super) async fn charge_cache(
    cx: &Cx,
    memcg: Memcg,
    gfp: Gfp,
    want: u64,
) -> Result<u64, NoMemory> {
    match memcg {
        Some(memcg) => try_charge_memcg(cx, memcg, gfp, 0, want).await,
        None => Ok(want),
    }
}

/// `mem_cgroup_uncharge()` of page cache or swap cache that was reclaimed.
pub(super) fn uncharge_cache(cx: &Cx, memcg: Memcg, pages: u64) {
    if let Some(memcg) = memcg {
        page_counter_uncharge(cx, memcg, pages);
    }
}

/// Whether the lists that a reclaimer of `target` scans are congested
/// (`LRUVEC_CONGESTED`): all that is dirty there is being written.
pub(super) fn is_congested(state: &State, target: Memcg) -> bool {
    target.map_or(state.kswapd.congested, |memcg| state.cgroups[memcg].congested)
}

/// Sets or clears it.
pub(super) fn set_congested(cx: &Cx, target: Memcg, congested: bool) {
    cx.with(|state| match target {
        Some(memcg) => state.cgroups[memcg].congested = congested,
        None => state.kswapd.congested = congested,
    });
}

/// Room up to the limits and marks of a cgroup and of those above
/// (`mem_cgroup_wb_stats()`).
pub(super) fn mem_cgroup_headroom(state: &State, memcg: CgroupId) -> u64 {
    let room = |id| {
        let cgroup = &state.cgroups[id];
        let ceiling = cgroup.limit.unwrap_or(u64::MAX).min(cgroup.high.unwrap_or(u64::MAX));
        ceiling.saturating_sub(cgroup.usage)
    };
    hierarchy(state, memcg).map(room).min().unwrap_or(u64::MAX)
}

/// `__memcg_kmem_charge_page()`: charges a block that kernel code took
/// with `__GFP_ACCOUNT`.
pub(super) async fn memcg_kmem_charge(cx: &Cx, gfp: Gfp, order: u8) -> Result<(), NoMemory> {
    match cx.with(|state| current_cgroup(state, cx)) {
        Some(memcg) => try_charge_memcg(cx, memcg, gfp, order, 1 << order).await.map(drop),
        None => Ok(()),
    }
}

/// `__memcg_kmem_uncharge()`, `obj_cgroup_uncharge_pages()`: pages that kernel code or page tables used.
pub(super) fn memcg_kmem_uncharge(cx: &Cx, memcg: Memcg, pages: u64) {
    match memcg.filter(|_| pages > 0) {
        Some(memcg) if cx.kernel().switches.kmem_refills_stock => refill_stock(cx, memcg, pages),
        Some(memcg) => page_counter_uncharge(cx, memcg, pages),
        None => {}
    }
}

/// The cgroup of the running task; kernel threads have none.
pub(super) fn current_cgroup(state: &State, cx: &Cx) -> Memcg {
    state.group_of(cx.task())?.cgroup
}

/// `try_charge_memcg()` (`try_charge()` up to 5.12): 1 to `want` pages
/// in blocks of `order`.
async fn try_charge_memcg(
    cx: &Cx,
    memcg: CgroupId,
    gfp: Gfp,
    order: u8,
    want: u64,
) -> Result<u64, NoMemory> {
    let _in = cx.enter(Func::TryCharge);
    let switches = cx.kernel().switches;
    let block = 1 << order;
    let mut nr_retries = switches.memcg_reclaim_retries;
    let mut drained = false;
    let mut passed_oom = false;
    loop {
        let mem_over_limit = match charge_what_fits(cx, memcg, block, want).await {
            Ok(count) => return Ok(count),
            Err(over) => over,
        };
        // Reclaim may need memory itself; and up to 5.12 the dying may exceed the limit.
        if cx.with(|state| state.tasks[cx.task()].memalloc)
            || (switches.memcg_forces_dying && task_is_dying(cx))
        {
            return Ok(force(cx, memcg, block).await);
        }
        let in_oom = cx.with(|state| state.tasks[cx.task()].memcg_in_oom.is_some());
        if in_oom || !gfp.has(Gfp::DIRECT_RECLAIM) {
            return nomem(cx, memcg, gfp, block).await;
        }
        let pflags = psi_memstall_enter(cx);
        let reclaimed = try_to_free_mem_cgroup_pages(cx, mem_over_limit, block, gfp).await;
        psi_memstall_leave(cx, pflags);
        if cx.with(|state| mem_cgroup_margin(state, mem_over_limit)) >= block {
            continue;
        }
        if !drained {
            drain_all_stock(cx, mem_over_limit);
            drained = true;
            continue;
        }
        if gfp.has(Gfp::NORETRY) {
            return nomem(cx, memcg, gfp, block).await;
        }
        // Reclaim may have freed something that others took at once.
        if reclaimed > 0 && order <= PAGE_ALLOC_COSTLY_ORDER {
            continue;
        }
        if nr_retries > 0 {
            nr_retries -= 1;
            continue;
        }
        // Who may not fail, or was killed while it reclaimed, is not to ask for a kill.
        let passes = gfp.has(Gfp::NOFAIL) || cx.fatal_signal_pending();
        if switches.memcg_forces_dying && !gfp.has(Gfp::RETRY_MAYFAIL) && passes {
            return Ok(force(cx, memcg, block).await);
        }
        // The dying have been let through by the OOM killer once: no endless loop.
        let bypassed = passed_oom && !switches.memcg_forces_dying && task_is_dying(cx);
        if gfp.has(Gfp::RETRY_MAYFAIL)
            || bypassed
            || !mem_cgroup_oom(cx, mem_over_limit, gfp, order).await
        {
            return nomem(cx, memcg, gfp, block).await;
        }
        passed_oom = true;
        nr_retries = switches.memcg_reclaim_retries;
    }
}

/// The label `nomem`: who may not fail, or is privileged, exceeds the limit.
async fn nomem(cx: &Cx, memcg: CgroupId, gfp: Gfp, block: u64) -> Result<u64, NoMemory> {
    let privileged = cx.kernel().switches.memcg_exceeds_with.is_some_and(|flag| gfp.has(flag));
    if gfp.has(Gfp::NOFAIL) || privileged {
        return Ok(force(cx, memcg, block).await);
    }
    Err(NoMemory)
}

/// The label `force`: charges one block beyond all limits.
async fn force(cx: &Cx, memcg: CgroupId, block: u64) -> u64 {
    page_counter_charge(cx, memcg, block);
    cx.cpu(cx.costs().memcg_charge).await;
    block
}

/// `consume_stock()` and `page_counter_try_charge()`, block by block as
/// long as that works; if not even one fits, the cgroup that is full.
async fn charge_what_fits(
    cx: &Cx,
    memcg: CgroupId,
    block: u64,
    want: u64,
) -> Result<u64, CgroupId> {
    let mut done = 0;
    loop {
        done += consume_stock(cx, memcg, block, want - done);
        if done == want {
            return Ok(done);
        }
        // Those not needed yet go into the CPU's stock.
        let batch = cx.kernel().switches.memcg_charge_batch.max(block);
        match page_counter_try_charge(cx, memcg, batch, batch) {
            Ok(_) => refill_stock(cx, memcg, batch),
            Err(_) => match page_counter_try_charge(cx, memcg, block, want - done) {
                Ok(count) => done += count,
                Err(_) if done > 0 => return Ok(done),
                Err(full) => return Err(full),
            },
        }
        mem_cgroup_note_high(cx, memcg, batch);
        cx.cpu(cx.costs().memcg_charge).await;
    }
}

/// Notes that a cgroup is above `memory.high`, to be dealt with on the way to user mode.
fn mem_cgroup_note_high(cx: &Cx, memcg: CgroupId, batch: u64) {
    cx.with(|state| {
        let over = |id| {
            let cgroup = &state.cgroups[id];
            cgroup.high.is_some_and(|high| cgroup.usage > high)
        };
        if hierarchy(state, memcg).any(over) {
            state.tasks[cx.task()].memcg_over_high += batch;
        }
    });
}

/// `page_counter_try_charge()`: blocks up to `want` pages, at least one,
/// to the cgroup and all above it; or the lowest that is full.
fn page_counter_try_charge(
    cx: &Cx,
    memcg: CgroupId,
    block: u64,
    want: u64,
) -> Result<u64, CgroupId> {
    let room = cx.with(|state| {
        let mut room = want;
        for id in hierarchy(state, memcg) {
            room = room.min(mem_cgroup_margin(state, id));
            if room < block {
                return Err(id);
            }
        }
        Ok(room - room % block)
    })?;
    page_counter_charge(cx, memcg, room);
    Ok(room)
}

/// `page_counter_charge()`: no matter whether there is room.
fn page_counter_charge(cx: &Cx, memcg: CgroupId, pages: u64) {
    change_usage(cx, memcg, |usage| usage + pages);
}

/// `page_counter_uncharge()`; who waits for room looks again (up to 4.18).
fn page_counter_uncharge(cx: &Cx, memcg: CgroupId, pages: u64) {
    if pages == 0 {
        return;
    }
    change_usage(cx, memcg, |usage| usage.saturating_sub(pages));
    memcg_oom_recover(cx, memcg);
}

fn change_usage(cx: &Cx, memcg: CgroupId, change: impl Fn(u64) -> u64) {
    let mut at = Some(memcg);
    while let Some(cgroup) = at {
        let (usage, parent) = cx.with(|state| {
            let counter = &mut state.cgroups[cgroup];
            counter.usage = change(counter.usage);
            (counter.usage, counter.parent)
        });
        let pages = u32::try_from(usage).unwrap_or(u32::MAX);
        cx.record(Event::MemcgUsage { cgroup, pages });
        at = parent;
    }
}

/// `mem_cgroup_margin()`: pages that may still be charged to this very cgroup.
fn mem_cgroup_margin(state: &State, memcg: CgroupId) -> u64 {
    let cgroup = &state.cgroups[memcg];
    cgroup.limit.map_or(u64::MAX, |limit| limit.saturating_sub(cgroup.usage))
}

/// `consume_stock()`: blocks out of what this CPU has in stock for the cgroup.
fn consume_stock(cx: &Cx, memcg: CgroupId, block: u64, want: u64) -> u64 {
    let Some(cpu) = stock_cpu(cx) else { return 0 };
    cx.with(|state| {
        let stock = &mut state.memcg_stock[cpu];
        if stock.cached != Some(memcg) {
            return 0;
        }
        let taken = stock.pages.min(want);
        let taken = taken - taken % block;
        stock.pages -= taken;
        taken
    })
}

/// `refill_stock()`: charges that are not, or no longer, needed stay with the CPU.
fn refill_stock(cx: &Cx, memcg: CgroupId, pages: u64) {
    let Some(cpu) = stock_cpu(cx) else {
        page_counter_uncharge(cx, memcg, pages);
        return;
    };
    if cx.with(|state| state.memcg_stock[cpu].cached != Some(memcg)) {
        drain_stock(cx, cpu);
    }
    let most = cx.kernel().switches.memcg_charge_batch;
    let full = cx.with(|state| {
        let stock = &mut state.memcg_stock[cpu];
        stock.cached = Some(memcg);
        stock.pages += pages;
        stock.pages > most
    });
    if full {
        drain_stock(cx, cpu);
    }
}

/// Devices have no CPU, and so no stock.
fn stock_cpu(cx: &Cx) -> Option<CpuId> {
    cx.kernel().engine.current_cpu()
}

/// `drain_stock()`.
fn drain_stock(cx: &Cx, cpu: CpuId) {
    let stock = cx.with(|state| std::mem::take(&mut state.memcg_stock[cpu]));
    if let Some(memcg) = stock.cached.filter(|_| stock.pages > 0) {
        page_counter_uncharge(cx, memcg, stock.pages);
    }
}

/// `drain_all_stock()`: the stocks of all CPUs for cgroups below this one.
fn drain_all_stock(cx: &Cx, root: CgroupId) {
    let cpus: Vec<_> = cx.with(|state| {
        let below = |memcg| hierarchy(state, memcg).any(|id| id == root);
        let stocks = state.memcg_stock.iter();
        stocks.filter(|(_, stock)| stock.cached.is_some_and(below)).map(|(cpu, _)| cpu).collect()
    });
    for cpu in cpus {
        drain_stock(cx, cpu);
    }
}
