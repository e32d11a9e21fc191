//! How bad a process is: what the OOM killer goes by.
//!
//! Mirrors mm/oom_kill.c: `oom_badness()`, `constrained_alloc()`, and
//! fs/proc/base.c: `proc_oom_score()`, `__set_oom_adj()`, Linux 4.6 to
//! 7.1 (kernel-spec 2.4). Left out: `CONSTRAINT_CPUSET` and
//! `CONSTRAINT_MEMORY_POLICY`, which need more than one node.

use super::cx::Cx;
use super::oom_kill::{OomControl, is_global_init};
use super::state::{Group, State};
use super::switches::Switches;
use crate::base::{CgroupId, TaskId};
use crate::record::Event;

/// `OOM_SCORE_ADJ_MIN` (include/uapi/linux/oom.h): never a victim.
pub(super) const OOM_SCORE_ADJ_MIN: i16 = -1000;

/// `enum oom_constraint`: what the OOM is confined to.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub(super) enum Constraint {
    /// `CONSTRAINT_NONE`.
    None,
    /// `CONSTRAINT_MEMCG`.
    Memcg(CgroupId),
}

/// `constrained_alloc()`: the constraint, and `totalpages`.
pub(super) fn constrained_alloc(state: &State, oc: &OomControl) -> (Constraint, u64) {
    match oc.memcg {
        Some(memcg) => {
            let limit = state.cgroups[memcg].limit.unwrap_or_else(|| ram_and_swap(state));
            (Constraint::Memcg(memcg), limit.max(1))
        }
        None => (Constraint::None, ram_and_swap(state)),
    }
}

/// `totalram_pages() + total_swap_pages`.
fn ram_and_swap(state: &State) -> u64 {
    state.total_pages() + state.swap.as_ref().map_or(0, |swap| swap.pages)
}

/// `oom_badness()`: none where the kernel says `LONG_MIN` (up to 5.9: 0),
/// not eligible.
pub(super) fn oom_badness(
    state: &State,
    switches: &Switches,
    leader: TaskId,
    totalpages: u64,
) -> Option<i64> {
    let group = state.group_of(leader)?;
    if is_global_init(group) {
        return None;
    }
    let (_, mm) = state.find_task_mm(group)?;
    let mm = &state.mms[mm];
    if group.oom_score_adj == OOM_SCORE_ADJ_MIN
        || (!switches.victim_is_memdie && mm.oom_skip)
        || (switches.vfork_is_spared && group.vfork)
    {
        return None;
    }
    let rss = mm.anon_pages() + mm.file_pages() + mm.shmem_pages();
    let pgtables =
        if switches.badness_counts_ptes { mm.pte_pmd_pages() } else { mm.pgtable_pages() };
    let mut points = pages(rss + mm.swap_entries() + pgtables);
    if switches.badness_root_bonus && group.admin {
        points -= points * 3 / 100;
    }
    // The integer division comes first.
    points += i64::from(group.oom_score_adj) * pages(totalpages / 1000);
    Some(if switches.badness_floor { points.max(1) } else { points })
}

fn pages(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// `/proc/PID/oom_score`, 0 to 2000: how far up the victims' list it is.
/// The kernel of 7.1; 0 if it is not eligible.
pub fn proc_oom_score(state: &State, switches: &Switches, leader: TaskId) -> u64 {
    let totalpages = ram_and_swap(state).max(1);
    let Some(badness) = oom_badness(state, switches, leader, totalpages) else { return 0 };
    let score = (1000 + badness * 1000 / pages(totalpages)) * 2 / 3;
    u64::try_from(score).unwrap_or(0)
}

/// `__set_oom_adj()`: a new `oom_score_adj`, also for those who share the
/// mm, unless one of the two is in vfork.
pub fn set_oom_adj(cx: &Cx, leader: TaskId, oom_score_adj: i16) {
    let sharers = cx.with(|state| {
        state.group(leader).oom_score_adj = oom_score_adj;
        let group = state.group(leader).clone();
        let mm = state.find_task_mm(&group).filter(|_| !group.vfork);
        let Some((_, mm)) = mm else { return Vec::new() };
        let shares = |other: &Group| {
            !is_global_init(other) && !other.vfork && state.process_shares_mm(other, mm)
        };
        let others = state.processes().filter(|&(other, group)| other != leader && shares(group));
        let others: Vec<_> = others.map(|(other, _)| other).collect();
        for &other in &others {
            state.group(other).oom_score_adj = oom_score_adj;
        }
        others
    });
    let adj_plus_1000 = u16::try_from(oom_score_adj + 1000).unwrap_or(0);
    for target in std::iter::once(leader).chain(sharers) {
        cx.record(Event::OomScoreAdjUpdate { target, adj_plus_1000 });
    }
}
