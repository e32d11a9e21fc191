//! The OOM killer: whom to kill, and how.
//!
//! Mirrors mm/oom_kill.c: `out_of_memory()`, `select_bad_process()`,
//! `oom_badness()`, `oom_kill_process()`, `mark_oom_victim()`,
//! `task_will_free_mem()`, Linux 6.1 (kernel-spec 2.2–2.5). Left out:
//! memcg, NUMA constraints, sysrq, panic_on_oom, mms shared between
//! processes.

use super::cx::Cx;
use super::oom_reaper::queue_oom_reaper;
use super::signal::send_sigkill;
use super::state::{Group, State};
use crate::base::{CgroupId, MmId, ReportId, TaskId};
use crate::engine::Stop;
use crate::record::{Event, Func, Gfp, OomResult, OomScope, PanicText, VictimReport};

/// `OOM_SCORE_ADJ_MIN` (include/uapi/linux/oom.h): never a victim.
const OOM_SCORE_ADJ_MIN: i16 = -1000;

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
}

/// What `select_bad_process()` found.
enum Chosen {
    /// A process, by its leader.
    Task(TaskId),
    /// A victim is still pending: kill nobody.
    Abort(TaskId),
    /// Nobody is eligible.
    Nobody,
}

/// `out_of_memory()`: true if the caller should try again. Called with
/// `oom_lock` held.
pub(super) async fn out_of_memory(cx: &Cx, oc: &OomControl) -> bool {
    let _in = cx.enter(Func::OutOfMemory);
    if cx.with(|state| task_will_free_mem(state, cx.task())) {
        mark_oom_victim(cx, cx.task());
        queue_oom_reaper(cx, cx.task());
        cx.record(Event::OutOfMemory { result: OomResult::SelfDying, victim: Some(cx.task()) });
        return true;
    }
    if !oc.gfp.has(Gfp::FS) {
        // Who may not wait for the filesystem gets no help, but may go on trying.
        cx.record(Event::OutOfMemory { result: OomResult::NoFs, victim: None });
        return true;
    }
    let candidates = cx.with(|state| state.tasklist.len() as u64);
    cx.cpu(cx.costs().select_per_task * candidates).await;
    match cx.with(|state| select_bad_process(state)) {
        Chosen::Nobody => {
            cx.record(Event::OutOfMemory { result: OomResult::NoVictim, victim: None });
            cx.record(Event::Panic { text: PanicText::Deadlocked });
            cx.kernel().engine.request_stop(Stop::Requested);
            false
        }
        Chosen::Abort(pending) => {
            cx.record(Event::OutOfMemory { result: OomResult::Aborted, victim: Some(pending) });
            true
        }
        Chosen::Task(victim) => {
            let killed = oom_kill_process(cx, victim, oc).await;
            let result = if killed { OomResult::Killed } else { OomResult::Gone };
            cx.record(Event::OutOfMemory { result, victim: Some(victim) });
            true
        }
    }
}

/// `select_bad_process()` with `oom_evaluate_task()` inlined.
fn select_bad_process(state: &State) -> Chosen {
    let mut chosen = Chosen::Nobody;
    let mut most = i64::MIN;
    for (leader, group) in state.processes() {
        if let Some(mm) = group.oom_mm {
            if state.mms[mm].oom_skip {
                continue;
            }
            return Chosen::Abort(leader);
        }
        let Some(points) = oom_badness(state, leader) else {
            continue;
        };
        // Equal points replace: the later process wins.
        if points >= most {
            most = points;
            chosen = Chosen::Task(leader);
        }
    }
    chosen
}

/// `oom_badness()`: `None` where the kernel says `LONG_MIN`, not eligible.
fn oom_badness(state: &State, leader: TaskId) -> Option<i64> {
    let group = state.group_of(leader)?;
    let (_, mm) = state.find_task_mm(group)?;
    let mm = &state.mms[mm];
    if group.oom_score_adj == OOM_SCORE_ADJ_MIN || mm.oom_skip {
        return None;
    }
    let pages = mm.anon_pages() + mm.file_pages() + mm.pgtable_pages();
    let total = state.total_pages();
    let adj = i64::from(group.oom_score_adj) * i64::try_from(total / 1000).ok()?;
    Some(i64::try_from(pages).ok()? + adj)
}

/// `oom_kill_process()` and `__oom_kill_process()`: whether the process
/// was still there to be marked.
async fn oom_kill_process(cx: &Cx, leader: TaskId, oc: &OomControl) -> bool {
    let _in = cx.enter(Func::OomKillProcess);
    if cx.with(|state| task_will_free_mem(state, leader)) {
        mark_oom_victim(cx, leader);
        queue_oom_reaper(cx, leader);
        return true;
    }
    cx.record(Event::OomKillProcess {
        victim: leader,
        gfp: oc.gfp.0,
        order: oc.order.number(),
        scope: OomScope::Global,
        report: true,
    });
    cx.cpu(cx.costs().oom_report).await;
    // While the report was printed the process may have lost its mm.
    let group = cx.with(|state| state.group(leader).clone());
    let Some((victim, mm)) = cx.with(|state| state.find_task_mm(&group)) else {
        return false;
    };
    // SIGKILL before the reserves, so that user space cannot eat them.
    send_sigkill(cx, leader);
    mark_oom_victim(cx, victim);
    let report = victim_report(cx, mm, leader);
    cx.record(Event::KilledProcess { victim: leader, report });
    queue_oom_reaper(cx, victim);
    true
}

/// `mark_oom_victim()`.
fn mark_oom_victim(cx: &Cx, victim: TaskId) {
    let Some((mm, leader)) = cx.with(|state| {
        let task = &mut state.tasks[victim];
        // An mm may be gone already; a mark is set once.
        let mm = task.mm?;
        if std::mem::replace(&mut task.memdie, true) {
            return None;
        }
        let leader = task.leader;
        state.oom_victims += 1;
        state.group(leader).oom_mm.get_or_insert(mm);
        Some((mm, leader))
    }) else {
        return;
    };
    let report = victim_report(cx, mm, leader);
    cx.record(Event::MarkVictim { victim, report });
}

/// `exit_oom_victim()`, if the task was marked.
pub(super) fn exit_oom_victim(cx: &Cx) {
    cx.with(|state| {
        if std::mem::replace(&mut state.tasks[cx.task()].memdie, false) {
            state.oom_victims -= 1;
        }
    });
}

/// `task_will_free_mem()`: it is dying, and nothing keeps its memory.
fn task_will_free_mem(state: &State, task: TaskId) -> bool {
    let Some(mm) = state.tasks[task].mm else {
        return false;
    };
    let Some(group) = state.group_of(task) else {
        return false;
    };
    // thread_group_empty(); who exits is no longer counted among the live.
    let dying = group.group_exit || (state.tasks[task].exiting && group.live == 0);
    dying && !state.mms[mm].oom_skip
}

/// The sizes of an mm now, for a log line.
pub(super) fn victim_report(cx: &Cx, mm: MmId, leader: TaskId) -> ReportId {
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
