//! A cgroup out of memory.
//!
//! Mirrors mm/memcontrol.c: `mem_cgroup_oom()`,
//! `mem_cgroup_out_of_memory()`, `mem_cgroup_oom_synchronize()`,
//! `mem_cgroup_oom_trylock()`, `memcg_oom_recover()`, Linux 4.6 to 7.1
//! (kernel-spec 2.1, 7.4). Since 4.19 the killer is called where the
//! charge fails, with all the caller's locks held; before, at the end of
//! the page fault, with none. Left out: `memory.oom_control`.

use super::hierarchy::{for_each_mem_cgroup_tree, hierarchy};
use super::{PAGE_ALLOC_COSTLY_ORDER, mem_cgroup_margin};
use crate::base::CgroupId;
use crate::engine::{Hold, Signals, Waited};
use crate::kernel::cx::Cx;
use crate::kernel::oom_kill::{OomControl, OomOrder, out_of_memory, task_is_dying};
use crate::kernel::state::MemcgOom;
use crate::record::{Event, Func, Gfp, Reason};

/// `mem_cgroup_oom()`: whether the charge is worth another try.
pub(super) async fn mem_cgroup_oom(cx: &Cx, memcg: CgroupId, gfp: Gfp, order: u8) -> bool {
    if order > PAGE_ALLOC_COSTLY_ORDER {
        return false;
    }
    if cx.kernel().switches.memcg_oom_at_fault_end {
        // Kernel code can't wait for the end of a fault, and just fails.
        cx.with(|state| {
            let task = &mut state.tasks[cx.task()];
            if task.memcg_may_oom {
                task.memcg_in_oom = Some(MemcgOom { memcg, gfp, order });
            }
        });
        return false;
    }
    mem_cgroup_out_of_memory(cx, memcg, gfp, order).await
}

/// `mem_cgroup_out_of_memory()`.
pub(super) async fn mem_cgroup_out_of_memory(
    cx: &Cx,
    memcg: CgroupId,
    gfp: Gfp,
    order: u8,
) -> bool {
    let _in = cx.enter(Func::MemCgroupOom);
    cx.record(Event::MemcgOom { cgroup: memcg, gfp: gfp.0, order });
    let switches = cx.kernel().switches;
    let oom_lock = cx.with(|state| state.oom_lock);
    let killable = switches.memcg_oom_killable;
    if !killable {
        cx.lock(oom_lock, Hold::Exclusive, Reason::OomLock).await;
    } else if cx.lock_killable(oom_lock, Hold::Exclusive, Reason::OomLockKillable).await
        == Waited::Killed
    {
        return true;
    }
    // Somebody may have made room while we waited, or killed us.
    let room = cx.with(|state| mem_cgroup_margin(state, memcg)) >= 1 << order;
    let passes_over = switches.memcg_passes_over_dying && task_is_dying(cx);
    let again = if (room && switches.memcg_rechecks_margin) || passes_over {
        true
    } else {
        let oc = OomControl { gfp, order: OomOrder::Pages(order), memcg: Some(memcg) };
        out_of_memory(cx, &oc).await
    };
    cx.unlock(oom_lock);
    again
}

/// `mem_cgroup_oom_synchronize(true)`: at the end of a page fault whose
/// charge failed. Whether there was such a charge.
pub(in crate::kernel) async fn mem_cgroup_oom_synchronize(cx: &Cx) -> bool {
    let Some(oom) = cx.with(|state| state.tasks[cx.task()].memcg_in_oom) else { return false };
    let _in = cx.enter(Func::MemCgroupOomSynchronize);
    let MemcgOom { memcg, gfp, order } = oom;
    under_oom(cx, memcg, |count| count + 1);
    let locked = mem_cgroup_oom_trylock(cx, memcg);
    if locked {
        under_oom(cx, memcg, |count| count - 1);
        mem_cgroup_out_of_memory(cx, memcg, gfp, order).await;
        mem_cgroup_oom_unlock(cx, memcg);
        // Who came too late for the uncharges of the victim is woken here.
        memcg_oom_recover(cx, memcg);
    } else {
        // Somebody else handles it.
        let queue = cx.with(|state| state.cgroups[memcg].oom_waitq);
        cx.wait(queue, Reason::MemcgOom, Signals::Killable).await;
        under_oom(cx, memcg, |count| count - 1);
    }
    cx.with(|state| state.tasks[cx.task()].memcg_in_oom = None);
    true
}

/// `mem_cgroup_mark_under_oom()` and `mem_cgroup_unmark_under_oom()`.
fn under_oom(cx: &Cx, memcg: CgroupId, change: impl Fn(u32) -> u32) {
    cx.with(|state| {
        for id in for_each_mem_cgroup_tree(state, memcg) {
            let cgroup = &mut state.cgroups[id];
            cgroup.under_oom = change(cgroup.under_oom);
        }
    });
}

/// `mem_cgroup_oom_trylock()`: fails if an OOM of this cgroup or of any
/// below is being handled.
fn mem_cgroup_oom_trylock(cx: &Cx, memcg: CgroupId) -> bool {
    cx.with(|state| {
        let tree = for_each_mem_cgroup_tree(state, memcg);
        if tree.iter().any(|&id| state.cgroups[id].oom_locked) {
            return false;
        }
        for id in tree {
            state.cgroups[id].oom_locked = true;
        }
        true
    })
}

/// `mem_cgroup_oom_unlock()`.
fn mem_cgroup_oom_unlock(cx: &Cx, memcg: CgroupId) {
    cx.with(|state| {
        for id in for_each_mem_cgroup_tree(state, memcg) {
            state.cgroups[id].oom_locked = false;
        }
    });
}

/// `memcg_oom_recover()`: wakes who waits for the OOM of a cgroup above
/// or below to be over.
pub(super) fn memcg_oom_recover(cx: &Cx, memcg: CgroupId) {
    if !cx.kernel().switches.memcg_oom_at_fault_end
        || cx.with(|state| state.cgroups[memcg].under_oom == 0)
    {
        return;
    }
    let queues: Vec<_> = cx.with(|state| {
        let below = for_each_mem_cgroup_tree(state, memcg);
        let above = hierarchy(state, memcg).skip(1);
        below.into_iter().chain(above).map(|id| state.cgroups[id].oom_waitq).collect()
    });
    for queue in queues {
        cx.wake_all(queue);
    }
}
