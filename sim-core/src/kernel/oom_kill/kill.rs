//! How the OOM killer kills.
//!
//! Mirrors mm/oom_kill.c: `oom_kill_process()`, `__oom_kill_process()`,
//! `oom_kill_memcg_member()`, Linux 4.6 to 7.1 (kernel-spec 2.5). The
//! report is printed by who prints a run; here what it shows is kept, and
//! it costs its time.

use super::dump::dump_header;
use super::{OomControl, is_global_init, mark_oom_victim, task_will_free_mem, victim_report};
use crate::base::{CgroupId, MmId, TaskId};
use crate::kernel::badness::{OOM_SCORE_ADJ_MIN, oom_badness};
use crate::kernel::cx::Cx;
use crate::kernel::memcontrol::{
    mem_cgroup_get_oom_group, mem_cgroup_scan_tasks, task_in_mem_cgroup,
};
use crate::kernel::oom_reaper::{queue_oom_reaper, set_oom_skip};
use crate::kernel::signal::send_sigkill;
use crate::kernel::state::State;
use crate::kernel::switches::Switches;
use crate::record::{Event, Func, OomResult, OomScope, SkipBy};

/// `oom_kill_process()`. `points` are those of the process chosen, and `totalpages`; the message
/// that reports begin with follows from the scope.
pub(super) async fn oom_kill_process(
    cx: &Cx,
    oc: &OomControl,
    chosen: TaskId,
    points: (i64, u64),
    scope: OomScope,
) -> OomResult {
    let _in = cx.enter(Func::OomKillProcess);
    let switches = cx.kernel().switches;
    if cx.with(|state| task_will_free_mem(state, switches, chosen)) {
        // It exits by itself: no need to alarm anybody.
        mark_oom_victim(cx, chosen);
        if switches.reaps_who_dies_already {
            queue_oom_reaper(cx, chosen);
        }
        return OomResult::Killed;
    }
    let now = cx.now();
    let report = cx.with(|state| state.oom_rs.allows(now));
    let (gfp, order) = (oc.gfp.0, oc.order.number());
    if report {
        dump_header(cx, oc);
    }
    cx.record(Event::OomKillProcess { victim: chosen, gfp, order, scope, report });
    if report {
        cx.cpu(cx.costs().oom_report).await;
    }
    let victim = if switches.sacrifices_child {
        let (points, totalpages) = points;
        let per_mille = i128::from(points) * 1000 / i128::from(totalpages.max(1));
        let thousandths = u32::try_from(per_mille).unwrap_or(if points > 0 { u32::MAX } else { 0 });
        cx.record(Event::KillOrSacrifice { chosen, score: thousandths });
        cx.with(|state| sacrificed_child(state, switches, oc, chosen, totalpages)).unwrap_or(chosen)
    } else {
        chosen
    };
    // Whether a whole cgroup goes is asked before the victim is killed.
    let oom_group = cx.with(|state| mem_cgroup_get_oom_group(state, switches, victim, oc.memcg));
    let result = __oom_kill_process(cx, victim);
    if let Some(cgroup) = oom_group {
        cx.record(Event::OomGroupKill { cgroup });
        for member in cx.with(|state| members(state, switches, cgroup)) {
            let spared = cx.with(|state| {
                let group = state.group(state.tasks[member].leader);
                group.oom_score_adj == OOM_SCORE_ADJ_MIN || is_global_init(group)
            });
            if !spared {
                let scope = OomScope::Group;
                cx.record(Event::OomKillProcess {
                    victim: member,
                    gfp,
                    order,
                    scope,
                    report: false,
                });
                __oom_kill_process(cx, member);
            }
        }
    }
    result
}

/// Whom `oom_kill_memcg_member()` is called for: each process once, or once for each of its threads,
/// though it always kills the same.
fn members(state: &State, switches: &Switches, cgroup: CgroupId) -> Vec<TaskId> {
    let leaders = mem_cgroup_scan_tasks(state, switches, cgroup);
    if !switches.scans_cgroup_by_threads {
        return leaders;
    }
    let groups = leaders.into_iter().filter_map(|leader| state.group_of(leader));
    let threads = groups.flat_map(|group| group.threads.iter().copied());
    threads.filter(|&thread| !state.tasks[thread].left_cgroup).collect()
}

/// The child that dies in its parent's stead: the worst of those with
/// another mm, if there is any.
fn sacrificed_child(
    state: &State,
    switches: &Switches,
    oc: &OomControl,
    chosen: TaskId,
    totalpages: u64,
) -> Option<TaskId> {
    let parent = state.tasks[chosen].leader;
    let (_, mm) = state.find_task_mm(state.group_of(parent)?)?;
    let mut victim = None;
    let mut victim_points = 0;
    for (child, group) in state.processes() {
        if group.parent != Some(parent)
            || state.process_shares_mm(group, mm)
            || oc.memcg.is_some_and(|memcg| !task_in_mem_cgroup(state, group, memcg))
        {
            continue;
        }
        let points = oom_badness(state, switches, child, totalpages).unwrap_or(0);
        if points > victim_points {
            (victim, victim_points) = (Some(child), points);
        }
    }
    victim
}

/// `__oom_kill_process()`. From here on the victim is the first thread that has an mm, whoever was chosen.
fn __oom_kill_process(cx: &Cx, chosen: TaskId) -> OomResult {
    // While the report was printed the process may have lost its mm.
    let (leader, found) = cx.with(|state| {
        let leader = state.tasks[chosen].leader;
        (leader, state.group_of(leader).and_then(|group| state.find_task_mm(group)))
    });
    let Some((victim, mm)) = found else {
        return OomResult::Gone;
    };
    // SIGKILL before the reserves, so that user space cannot eat them.
    send_sigkill(cx, leader);
    mark_oom_victim(cx, victim);
    let report = victim_report(cx, mm, leader);
    cx.record(Event::KilledProcess { victim, report });
    if kill_sharers(cx, leader, victim, mm) {
        queue_oom_reaper(cx, victim);
    }
    OomResult::Killed
}

/// Kills every other process that uses the mm; they get no reserves.
/// Whether all of them die, so that the mm can be reaped.
fn kill_sharers(cx: &Cx, leader: TaskId, victim: TaskId, mm: MmId) -> bool {
    // TIF_MEMDIE alone: up to 4.6 nothing marks the mm, and who is exempt lives on.
    let old = cx.kernel().switches.victim_is_memdie;
    let sharers: Vec<_> = cx.with(|state| {
        let others = state.processes().filter(|&(other, _)| other != leader);
        let sharers = others.filter(|(_, group)| state.process_shares_mm(group, mm));
        let exempt = |adj| old && adj == OOM_SCORE_ADJ_MIN;
        sharers.map(|(other, group)| (other, group.init, exempt(group.oom_score_adj))).collect()
    });
    let mut can_oom_reap = true;
    for (other, init, exempt) in sharers {
        if init || exempt {
            can_oom_reap = false;
            if !old {
                set_oom_skip(cx, mm, SkipBy::SharedWithInit);
                cx.record(Event::OomMmPinned { victim, init: other });
            }
        } else {
            send_sigkill(cx, other);
        }
    }
    can_oom_reap
}
