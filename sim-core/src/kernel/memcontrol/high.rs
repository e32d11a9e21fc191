//! Throttling above `memory.high`.
//!
//! Mirrors mm/memcontrol.c: `mem_cgroup_handle_over_high()`,
//! `reclaim_high()`, `mem_find_max_overage()`, `calculate_high_delay()`,
//! Linux 6.1. Up to 5.3 there is no pause, only reclaim, up to 5.8 one attempt at that.

use super::hierarchy::hierarchy;
use crate::base::CgroupId;
use crate::engine::Signals;
use crate::kernel::cx::Cx;
use crate::kernel::psi::{psi_memstall_enter, psi_memstall_leave};
use crate::kernel::state::State;
use crate::kernel::switches::Switches;
use crate::kernel::timer::schedule_timeout;
use crate::kernel::vmscan::try_to_free_mem_cgroup_pages;
use crate::record::{Func, Gfp, Reason};

/// `MEMCG_DELAY_PRECISION_SHIFT`.
const MEMCG_DELAY_PRECISION_SHIFT: u32 = 20;
/// `MEMCG_DELAY_SCALING_SHIFT`.
const MEMCG_DELAY_SCALING_SHIFT: u32 = 14;

/// `mem_cgroup_handle_over_high()`, on the way to user mode: who charged
/// beyond `memory.high` reclaims, and pauses if that did not help.
pub(in crate::kernel) async fn mem_cgroup_handle_over_high(cx: &Cx) {
    // Who has PF_MEMALLOC is not on the way to user mode yet.
    if cx.with(|state| state.tasks[cx.task()].memalloc) {
        return;
    }
    let (nr_pages, memcg) = cx.with(|state| {
        let nr_pages = std::mem::take(&mut state.tasks[cx.task()].memcg_over_high);
        (nr_pages, state.group_of(cx.task()).and_then(|group| group.cgroup))
    });
    let Some(memcg) = memcg.filter(|_| nr_pages > 0) else { return };
    let _in = cx.enter(Func::MemcgHigh);
    let switches = cx.kernel().switches;
    let hz = u64::from(cx.kernel().clock.hz);
    let mut nr_retries = switches.memcg_reclaim_retries;
    let mut in_retry = false;
    let penalty = loop {
        if cx.fatal_signal_pending() {
            return;
        }
        let target = if in_retry { 32 } else { nr_pages };
        let reclaimed = reclaim_high(cx, memcg, target).await;
        let penalty = cx.with(|state| calculate_high_delay(state, switches, memcg, nr_pages, hz));
        // Less than that is not worth a sleep.
        if penalty <= hz / 100 || !switches.memcg_high_pauses {
            return;
        }
        if (reclaimed == 0 && nr_retries == 0) || !switches.memcg_high_tries_again {
            break penalty;
        }
        nr_retries = nr_retries.saturating_sub(u8::from(reclaimed == 0));
        in_retry = true;
    };
    let pflags = psi_memstall_enter(cx);
    schedule_timeout(cx, penalty, Reason::MemcgHigh, Signals::Killable).await;
    psi_memstall_leave(cx, pflags);
}

/// `reclaim_high()`: from every cgroup of the hierarchy that is above its mark.
async fn reclaim_high(cx: &Cx, memcg: CgroupId, nr_pages: u64) -> u64 {
    let above: Vec<_> = cx.with(|state| {
        let over = |&id: &CgroupId| {
            state.cgroups[id].high.is_some_and(|high| state.cgroups[id].usage > high)
        };
        hierarchy(state, memcg).filter(over).collect()
    });
    let mut reclaimed = 0;
    for id in above {
        let pflags = psi_memstall_enter(cx);
        reclaimed += try_to_free_mem_cgroup_pages(cx, id, nr_pages, Gfp::KERNEL).await;
        psi_memstall_leave(cx, pflags);
    }
    reclaimed
}

/// `calculate_high_delay()` with `mem_find_max_overage()`: the pause in
/// jiffies, 2 s at most.
fn calculate_high_delay(
    state: &State,
    switches: &Switches,
    memcg: CgroupId,
    nr_pages: u64,
    hz: u64,
) -> u64 {
    let overage = |id| {
        let cgroup = &state.cgroups[id];
        let high = cgroup.high.map_or(u64::MAX, |high| high.max(1));
        let above = u128::from(cgroup.usage.saturating_sub(high));
        (above << MEMCG_DELAY_PRECISION_SHIFT) / u128::from(high)
    };
    let overage = hierarchy(state, memcg).map(overage).max().unwrap_or(0);
    let shift = MEMCG_DELAY_PRECISION_SHIFT + MEMCG_DELAY_SCALING_SHIFT;
    let penalty = overage.saturating_mul(overage).saturating_mul(u128::from(hz)) >> shift;
    let batch = u128::from(switches.memcg_charge_batch);
    let penalty = penalty.saturating_mul(u128::from(nr_pages)) / batch;
    u64::try_from(penalty).unwrap_or(u64::MAX).min(2 * hz)
}
