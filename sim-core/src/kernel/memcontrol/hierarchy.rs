//! The tree of cgroups, and the processes in it.
//!
//! Mirrors mm/memcontrol.c: `mem_cgroup_iter()`, `mem_cgroup_scan_tasks()`,
//! `mem_cgroup_get_oom_group()`, `parent_mem_cgroup()`, and
//! kernel/cgroup/cgroup.c: `css_next_descendant_pre()`,
//! `css_task_iter_next()`, `cgroup_exit()`, Linux 4.6 to 7.1.

use crate::base::{CgroupId, TaskId, sort};
use crate::kernel::cx::Cx;
use crate::kernel::lruvec::Memcg;
use crate::kernel::state::{Group, State};
use crate::kernel::switches::Switches;

/// The cgroup and those above it, upwards.
pub(super) fn hierarchy(state: &State, memcg: CgroupId) -> impl Iterator<Item = CgroupId> {
    std::iter::successors(Some(memcg), |&at| state.cgroups[at].parent)
}

/// `mem_cgroup_is_descendant()` of the process's cgroup.
pub(in crate::kernel) fn task_in_mem_cgroup(state: &State, group: &Group, root: CgroupId) -> bool {
    group.cgroup.is_some_and(|memcg| hierarchy(state, memcg).any(|id| id == root))
}

/// The cgroups from `root` down, each before its children
/// (`for_each_mem_cgroup_tree()`).
pub(super) fn for_each_mem_cgroup_tree(state: &State, root: CgroupId) -> Vec<CgroupId> {
    let mut children = vec![Vec::new(); state.cgroups.len()];
    for (id, cgroup) in state.cgroups.iter().rev() {
        if let Some(parent) = cgroup.parent {
            children[parent.index()].push(id);
        }
    }
    let (mut order, mut stack) = (Vec::new(), vec![root]);
    while let Some(at) = stack.pop() {
        order.push(at);
        stack.append(&mut children[at.index()]);
    }
    order
}

/// `mem_cgroup_iter()`: the cgroups that reclaim from `target` goes
/// through; of the whole machine the root first.
pub(in crate::kernel) fn mem_cgroup_iter(state: &State, target: Memcg) -> Vec<Memcg> {
    if let Some(target) = target {
        return for_each_mem_cgroup_tree(state, target).into_iter().map(Some).collect();
    }
    let tops = state.cgroups.iter().filter(|(_, cgroup)| cgroup.parent.is_none());
    let below = tops.flat_map(|(top, _)| for_each_mem_cgroup_tree(state, top));
    std::iter::once(None).chain(below.map(Some)).collect()
}

/// `mem_cgroup_scan_tasks()`: the processes below `root`, by leader:
/// cgroup by cgroup, each in creation order. A scan by processes passes over a leader that is out of
/// its cgroup as soon as the last of its threads begins to exit (`css_task_iter_advance()`).
pub(in crate::kernel) fn mem_cgroup_scan_tasks(
    state: &State,
    switches: &Switches,
    root: CgroupId,
) -> Vec<TaskId> {
    let mut rank = vec![None; state.cgroups.len()];
    for (place, id) in for_each_mem_cgroup_tree(state, root).into_iter().enumerate() {
        rank[id.index()] = Some(place);
    }
    let members = state.processes().filter_map(|(leader, group)| {
        let place = rank[group.cgroup?.index()]?;
        let left = if switches.scans_cgroup_by_threads {
            group.threads.iter().all(|&thread| state.tasks[thread].left_cgroup)
        } else {
            state.tasks[leader].left_cgroup && group.live == 0
        };
        (!left).then_some((place, leader))
    });
    let mut members: Vec<_> = members.collect();
    sort::by_key(&mut members, |&(place, _)| place);
    members.into_iter().map(|(_, leader)| leader).collect()
}

/// `mem_cgroup_get_oom_group()`: the highest cgroup from the victim's up
/// to the one that is out of memory that has `memory.oom.group`.
pub(in crate::kernel) fn mem_cgroup_get_oom_group(
    state: &State,
    switches: &Switches,
    victim: TaskId,
    oom_domain: Option<CgroupId>,
) -> Option<CgroupId> {
    let group = state.group_of(victim)?;
    if !switches.oom_group || oom_domain.is_some_and(|root| !task_in_mem_cgroup(state, group, root))
    {
        return None;
    }
    let mut oom_group = None;
    for id in hierarchy(state, group.cgroup?) {
        if state.cgroups[id].oom_group {
            oom_group = Some(id);
        }
        if Some(id) == oom_domain {
            break;
        }
    }
    oom_group
}

/// `cgroup_exit()`: scans meet the task no longer.
pub(in crate::kernel) fn cgroup_exit(cx: &Cx) {
    cx.with(|state| state.tasks[cx.task()].left_cgroup = true);
}
