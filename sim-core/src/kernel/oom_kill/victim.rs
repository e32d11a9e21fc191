//! What makes a task a victim, and who will free its memory by itself.
//!
//! Mirrors mm/oom_kill.c: `mark_oom_victim()`, `exit_oom_victim()`,
//! `task_will_free_mem()`, `__task_will_free_mem()`, Linux 4.6 to 7.1
//! (kernel-spec 2.5).

use crate::base::{MmId, ReportId, TaskId};
use crate::kernel::cx::Cx;
use crate::kernel::freezer::thaw_tasks;
use crate::kernel::state::{Group, State};
use crate::kernel::switches::Switches;
use crate::record::{Event, VictimReport};

/// `is_global_init()`.
pub(in crate::kernel) fn is_global_init(group: &Group) -> bool {
    group.init
}

/// `mark_oom_victim()`: it may use the reserves from now on.
pub(in crate::kernel) fn mark_oom_victim(cx: &Cx, victim: TaskId) {
    let has_oom_mm = !cx.kernel().switches.victim_is_memdie;
    let Some((mm, leader, first)) = cx.with(|state| {
        let task = &mut state.tasks[victim];
        let (mm, leader) = (task.mm?, task.leader);
        // The OOM killer might race with that of a cgroup.
        if std::mem::replace(&mut task.memdie, true) {
            return None;
        }
        state.oom_victims += 1;
        // Bound to the life of the signal struct: set once.
        let group = state.group(leader);
        let first = has_oom_mm && group.oom_mm.is_none();
        if first {
            group.oom_mm = Some(mm);
        }
        Some((mm, leader, first))
    }) else {
        return;
    };
    if first {
        cx.record(Event::OomMmSet { leader, mm });
    }
    // A frozen task cannot die.
    thaw_tasks(cx);
    let report = victim_report(cx, mm, leader);
    cx.record(Event::MarkVictim { victim, report });
}

/// `exit_oom_victim()`, after `mmput()`: no more reserves, if it was marked.
pub(in crate::kernel) fn exit_oom_victim(cx: &Cx) {
    let wait = cx.with(|state| {
        if std::mem::replace(&mut state.tasks[cx.task()].memdie, false) {
            state.oom_victims -= 1;
        }
        (state.oom_victims == 0).then_some(state.oom_victims_wait)
    });
    if let Some(wait) = wait {
        cx.wake_all(wait);
    }
}

/// `task_is_dying()`: a victim, killed, or exiting.
pub(in crate::kernel) fn task_is_dying(cx: &Cx) -> bool {
    cx.fatal_signal_pending()
        || cx.with(|state| {
            let task = &state.tasks[cx.task()];
            task.exiting || task.memdie || state.is_oom_victim(cx.task())
        })
}

/// `task_will_free_mem()`: it is dying, and so is everybody who keeps its memory.
pub(in crate::kernel) fn task_will_free_mem(
    state: &State,
    switches: &Switches,
    task: TaskId,
) -> bool {
    let Some(mm) = state.tasks[task].mm else { return false };
    if switches.victim_is_memdie {
        let dumps = state.group_of(task).is_some_and(|group| group.core_state.is_some());
        return state.tasks[task].exiting && !dumps;
    }
    if !__task_will_free_mem(state, task) || state.mms[mm].oom_skip {
        return false;
    }
    let leader = state.tasks[task].leader;
    state.mms[mm].mm_users <= 1 || {
        let mut others = state.processes().filter(|&(other, _)| other != leader);
        others.all(|(other, group)| {
            !state.process_shares_mm(group, mm) || __task_will_free_mem(state, other)
        })
    }
}

/// `__task_will_free_mem()`.
fn __task_will_free_mem(state: &State, task: TaskId) -> bool {
    state.group_of(task).is_some_and(|group| {
        // Writing a core may take long.
        group.core_state.is_none()
            && !group.dumped_along
            // thread_group_empty(); who exits is no longer counted among the live.
            && (group.group_exit || (state.tasks[task].exiting && group.live == 0))
    })
}

/// The sizes of an mm now, for a log line.
pub(in crate::kernel) fn victim_report(cx: &Cx, mm: MmId, leader: TaskId) -> ReportId {
    let report = cx.with(|state| {
        let Group { oom_score_adj, uid, .. } = *state.group(leader);
        let mm = &state.mms[mm];
        VictimReport {
            total_vm: mm.total_vm(),
            anon: mm.anon_pages(),
            file: mm.file_pages(),
            shmem: mm.shmem_pages(),
            pgtables_bytes: mm.pgtable_pages() << 12,
            oom_score_adj,
            uid,
        }
    });
    cx.kernel().engine.observe(|_, recorder| recorder.cast.reports.push(report))
}
