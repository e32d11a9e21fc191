//! The OOM killer: whether to kill, and whom.
//!
//! Mirrors mm/oom_kill.c: `out_of_memory()`, `check_panic_on_oom()`,
//! `select_bad_process()`, `oom_evaluate_task()`,
//! `pagefault_out_of_memory()`, Linux 4.6 to 7.1 (kernel-spec 2.1–2.3).
//! How it kills stands in [`kill`], what a victim is in [`victim`], who may
//! make a kill needless in [`notify`]. Left out: more nodes than one, of which
//! a cpuset or a memory policy could allow some.

mod dump;
mod kill;
mod notify;
#[cfg(test)]
mod tests;
mod victim;

use super::badness::{Constraint, OOM_SCORE_ADJ_MIN, constrained_alloc, oom_badness};
use super::cx::Cx;
use super::memcontrol::{mem_cgroup_oom_synchronize, mem_cgroup_scan_tasks};
use super::oom_reaper::queue_oom_reaper;
use super::state::{Group, PanicOnOom, State};
use super::switches::Switches;
use super::timer::schedule_timeout;
use crate::base::{CgroupId, TaskId};
use crate::engine::{Hold, Signals, Stop};
use crate::record::{Event, Func, Gfp, OomResult, OomScope, PanicText, Reason};

use dump::dump_header;
use kill::oom_kill_process;
use notify::oom_notify;
pub(super) use victim::{
    exit_oom_victim, is_global_init, mark_oom_victim, task_is_dying, task_will_free_mem,
    victim_report,
};

/// What the OOM killer is asked for (`oom_control.order`).
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub(super) enum OomOrder {
    /// Room for an allocation of this order.
    Pages(u8),
    /// A kill, whatever happens: sysrq-f, -1.
    Sysrq,
}

impl OomOrder {
    /// As records carry it.
    fn number(self) -> u8 {
        match self {
            Self::Pages(order) => order,
            Self::Sysrq => u8::MAX,
        }
    }
}

/// `struct oom_control`: who is out of memory.
#[derive(Copy, Clone, Debug)]
pub(super) struct OomControl {
    /// Flags of the request.
    pub gfp: Gfp,
    /// Its order.
    pub order: OomOrder,
    /// The cgroup at its limit; none: the whole machine.
    pub memcg: Option<CgroupId>,
}

impl OomControl {
    /// The page allocator found no block of `order`.
    pub(super) fn global(gfp: Gfp, order: u8) -> Self {
        Self { gfp, order: OomOrder::Pages(order), memcg: None }
    }

    /// `is_sysrq_oom()`.
    fn is_sysrq(&self) -> bool {
        self.order == OomOrder::Sysrq
    }
}

/// `oc->chosen` and `oc->chosen_points`.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
enum Chosen {
    /// A process: the task that stands for it (`oc->chosen`), its leader, its points.
    Task { task: TaskId, leader: TaskId, points: i64 },
    /// This victim is still pending: kill nobody.
    Abort(TaskId),
    /// Nobody is eligible.
    Nobody,
}

/// `out_of_memory()`: whether the caller should try again. Called with
/// `oom_lock` held.
pub(super) async fn out_of_memory(cx: &Cx, oc: &OomControl) -> bool {
    let _in = cx.enter(Func::OutOfMemory);
    let switches = cx.kernel().switches;
    let current = cx.task();
    let returned = |result, victim| cx.record(Event::OutOfMemory { result, victim });
    if cx.with(|state| state.oom_killer_disabled) {
        returned(OomResult::Disabled, None);
        return false;
    }
    // Memory that somebody could spare was not known to be needed before.
    if oc.memcg.is_none() && oom_notify(cx) > 0 && !(oc.is_sysrq() && switches.sysrq_kills_anyway) {
        returned(OomResult::NotifierFreed, None);
        return true;
    }
    // Who dies already gets the reserves, and the reaper behind it.
    if cx.with(|state| current_will_free_mem(state, cx, current)) {
        mark_oom_victim(cx, current);
        if switches.reaps_who_dies_already {
            queue_oom_reaper(cx, current);
        }
        returned(OomResult::SelfDying, Some(current));
        return true;
    }
    if !may_kill_for(switches, oc) {
        // Who may not wait for the filesystem gets no help, but may go on trying.
        returned(OomResult::NoFs, None);
        return true;
    }
    let (constraint, totalpages) = cx.with(|state| constrained_alloc(state, oc));
    check_panic_on_oom(cx, oc, constraint).await;
    if cx.with(|state| kills_allocating_task(state, oc, current)) {
        // The thread itself, whoever leads it; its points nobody has counted.
        let points = (0, totalpages);
        let result = oom_kill_process(cx, oc, current, points, OomScope::AllocatingTask).await;
        returned(result, Some(cx.with(|state| state.tasks[current].leader)));
        return true;
    }
    match select_bad_process(cx, oc, totalpages).await {
        Chosen::Nobody => {
            let panics = !oc.is_sysrq() && oc.memcg.is_none();
            let old = switches.panics_in_old_words;
            if !old {
                dump_header(cx, oc);
            }
            returned(OomResult::NoVictim, None);
            if panics && old {
                // It says nothing but before a panic, and then in the panic's words.
                dump_header(cx, oc);
            }
            if panics {
                panic(cx, if old { PanicText::NoKillable } else { PanicText::Deadlocked }).await;
            }
            oc.is_sysrq() && !switches.tells_of_nobody
        }
        Chosen::Abort(pending) => {
            returned(OomResult::Aborted, Some(pending));
            true
        }
        Chosen::Task { task, leader, points } => {
            let scope = match (oc.order, oc.memcg) {
                (OomOrder::Sysrq, _) => OomScope::Sysrq,
                (_, Some(_)) => OomScope::Memcg,
                (_, None) => OomScope::Global,
            };
            let result = oom_kill_process(cx, oc, task, (points, totalpages), scope).await;
            // mem_cgroup_out_of_memory() of 4.6 chooses and kills by itself, without this.
            if switches.kill_sleeps && !(switches.victim_is_memdie && oc.memcg.is_some()) {
                // A chance for the victim to exit, with oom_lock held.
                schedule_timeout(cx, 1, Reason::AfterKill, Signals::Killable).await;
            }
            returned(result, Some(leader));
            true
        }
    }
}

/// The test of step 3. In 4.6 a pending SIGKILL was enough, and `PF_EXITING`.
fn current_will_free_mem(state: &State, cx: &Cx, current: TaskId) -> bool {
    if cx.kernel().switches.victim_is_memdie {
        let task = &state.tasks[current];
        return task.mm.is_some() && (task.exiting || cx.fatal_signal_pending());
    }
    task_will_free_mem(state, cx.kernel().switches, current)
}

/// The OOM killer does not make up for reclaim that may not enter the
/// filesystem. A request without any flags is a page fault's.
fn may_kill_for(switches: &Switches, oc: &OomControl) -> bool {
    oc.gfp.has(Gfp::FS)
        || switches.nofs_stays_in_allocator
        || (oc.gfp == Gfp(0) && switches.page_fault_kills)
        || (oc.gfp.has(Gfp::NOFAIL) && switches.nofail_always_kills)
        || (oc.memcg.is_some() && switches.memcg_nofs_kills)
}

/// `check_panic_on_oom()`.
async fn check_panic_on_oom(cx: &Cx, oc: &OomControl, constraint: Constraint) {
    let text = match cx.with(|state| state.sysctl.panic_on_oom) {
        PanicOnOom::No => return,
        PanicOnOom::Unconstrained if constraint != Constraint::None => return,
        PanicOnOom::Unconstrained => PanicText::SystemWide,
        PanicOnOom::Always => PanicText::Compulsory,
    };
    if oc.is_sysrq() {
        return;
    }
    dump_header(cx, oc);
    cx.record(Event::OutOfMemory { result: OomResult::PanicOnOom, victim: None });
    panic(cx, text).await;
}

/// `panic()`: nothing happens any more.
async fn panic(cx: &Cx, text: PanicText) {
    cx.record(Event::Panic { text });
    cx.kernel().engine.request_stop(Stop::Requested);
    std::future::pending::<()>().await;
}

/// Whether `vm.oom_kill_allocating_task` names the caller.
fn kills_allocating_task(state: &State, oc: &OomControl, current: TaskId) -> bool {
    state.sysctl.oom_kill_allocating_task
        && oc.memcg.is_none()
        && state.tasks[current].mm.is_some()
        && state
            .group_of(current)
            .is_some_and(|group| !is_global_init(group) && group.oom_score_adj != OOM_SCORE_ADJ_MIN)
}

/// `select_bad_process()`. A pending victim ends the scan, and those behind it cost nothing; what
/// counts is what is found when all that was looked at has been paid for.
async fn select_bad_process(cx: &Cx, oc: &OomControl, totalpages: u64) -> Chosen {
    let candidates = cx.with(|state| candidates(state, cx.kernel().switches, oc));
    let mut paid = 0;
    loop {
        let (chosen, seen) = cx.with(|state| scan(state, cx, oc, totalpages, &candidates));
        if seen <= paid {
            return chosen;
        }
        cx.cpu(cx.costs().select_per_task * (seen - paid)).await;
        paid = seen;
    }
}

/// `for_each_process()`, or [`mem_cgroup_scan_tasks`].
fn candidates(state: &State, switches: &Switches, oc: &OomControl) -> Vec<TaskId> {
    match oc.memcg {
        Some(memcg) => mem_cgroup_scan_tasks(state, switches, memcg),
        None => state.tasklist.clone(),
    }
}

/// One scan, and how many processes it looked at.
fn scan(
    state: &State,
    cx: &Cx,
    oc: &OomControl,
    totalpages: u64,
    candidates: &[TaskId],
) -> (Chosen, u64) {
    let (mut chosen, mut seen) = (Chosen::Nobody, 0);
    for &leader in candidates {
        seen += 1;
        chosen = oom_evaluate_task(state, cx.kernel().switches, oc, totalpages, leader, chosen);
        if matches!(chosen, Chosen::Abort(_)) {
            break;
        }
    }
    (chosen, seen)
}

/// `oom_evaluate_task()`: who is chosen after this process was looked at.
fn oom_evaluate_task(
    state: &State,
    switches: &Switches,
    oc: &OomControl,
    totalpages: u64,
    leader: TaskId,
    chosen: Chosen,
) -> Chosen {
    let Some(group) = state.group_of(leader) else { return chosen };
    // oom_unkillable_task(); kernel threads have no group.
    if is_global_init(group) {
        return chosen;
    }
    // Somebody has the reserves already and is being killed: nobody else may.
    if !oc.is_sysrq() {
        match pending_victim(state, switches, group) {
            Pending::Yes => return Chosen::Abort(leader),
            Pending::Skipped => return chosen,
            Pending::No => {}
        }
    }
    let task = stands_for(state, switches, oc, leader, group);
    if group.oom_origin && (!switches.victim_is_memdie || state.tasks[task].mm.is_some()) {
        return Chosen::Task { task, leader, points: i64::MAX };
    }
    let Some(points) = oom_badness(state, switches, leader, totalpages) else { return chosen };
    if let Chosen::Task { task: best, leader: best_leader, points: most } = chosen {
        let keeps = points == most && switches.tie_keeps_first && best == best_leader;
        if points < most || keeps {
            return chosen;
        }
    }
    // Equal points replace: the later process wins.
    Chosen::Task { task, leader, points }
}

/// Who is chosen if this process is. Scans that go by threads (in 4.6 all of them, up to 5.2 those of
/// a cgroup) pass over a leader that has exited, and of the other threads the last one stays.
fn stands_for(
    state: &State,
    switches: &Switches,
    oc: &OomControl,
    leader: TaskId,
    group: &Group,
) -> TaskId {
    let by_threads =
        switches.victim_is_memdie || (switches.scans_cgroup_by_threads && oc.memcg.is_some());
    let is_met = |task: &TaskId| {
        let task = &state.tasks[*task];
        if switches.victim_is_memdie { task.mm.is_some() } else { !task.left_cgroup }
    };
    if !by_threads || is_met(&leader) {
        return leader;
    }
    group.threads.iter().copied().rfind(is_met).unwrap_or(leader)
}

/// Whether a process was killed and has not been dealt with.
enum Pending {
    No,
    Yes,
    /// It has been: its memory is gone, or given up.
    Skipped,
}

/// `tsk_is_oom_victim()` and `MMF_OOM_SKIP`; in 4.6 `TIF_MEMDIE` of any thread.
fn pending_victim(state: &State, switches: &Switches, group: &Group) -> Pending {
    if switches.victim_is_memdie {
        let marked = group.threads.iter().any(|&thread| state.tasks[thread].memdie);
        return if marked { Pending::Yes } else { Pending::No };
    }
    match group.oom_mm {
        None => Pending::No,
        Some(mm) if state.mms[mm].oom_skip => Pending::Skipped,
        Some(_) => Pending::Yes,
    }
}

/// `pagefault_out_of_memory()`: a page fault returned `VM_FAULT_OOM` and
/// has let go of its locks. The fault is repeated, if the task lives.
pub(super) async fn pagefault_out_of_memory(cx: &Cx) {
    let _in = cx.enter(Func::PagefaultOutOfMemory);
    if mem_cgroup_oom_synchronize(cx).await {
        return;
    }
    if !cx.kernel().switches.page_fault_kills {
        let now = cx.now();
        if !cx.fatal_signal_pending() && cx.with(|state| state.pfoom_rs.allows(now)) {
            cx.record(Event::PagefaultRetry {});
        }
        return;
    }
    let oom_lock = cx.with(|state| state.oom_lock);
    if cx.try_lock(oom_lock, Hold::Exclusive) {
        out_of_memory(cx, &OomControl::global(Gfp(0), 0)).await;
        cx.unlock(oom_lock);
    }
}
