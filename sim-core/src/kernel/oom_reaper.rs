//! The OOM reaper.
//!
//! Mirrors mm/oom_kill.c: `queue_oom_reaper()`, `wake_oom_reaper()`,
//! `oom_reaper()`, `oom_reap_task()`, `oom_reap_task_mm()`,
//! `__oom_reap_task_mm()`, Linux 6.1 (kernel-spec 3.1–3.5).

use super::cx::{Cx, NewTask};
use super::memory::unmap_page_range;
use super::mmu_notifier::{Range, invalidate_range_end, invalidate_range_start_nonblock};
use super::oom_kill::victim_report;
use super::timer::schedule_timeout;
use crate::base::{MmId, TaskId};
use crate::engine::{Hold, Signals};
use crate::record::{Event, Func, MnEvent, Reason, SkipBy, TaskKind};

/// `MAX_OOM_REAP_RETRIES` (mm/oom_kill.c).
const MAX_OOM_REAP_RETRIES: u32 = 10;

/// `queue_oom_reaper()`: gives the victim time to exit, then the reaper is woken.
pub(super) fn queue_oom_reaper(cx: &Cx, victim: TaskId) {
    let mm = cx.with(|state| state.group_of(victim).and_then(|group| group.oom_mm));
    let Some(mm) = mm else { return };
    if cx.with(|state| std::mem::replace(&mut state.mms[mm].reap_queued, true)) {
        return;
    }
    let kernel = cx.kernel();
    let delay = kernel.switches.reaper_delay_hz * u64::from(kernel.clock.hz);
    let timer = NewTask {
        name: format!("oom_reaper_timer/{}", victim.0),
        comm: "<timer>".to_owned(),
        pid: 0,
        leader: None,
        kind: TaskKind::Timer,
        oom_score_adj: 0,
    };
    kernel.spawn(timer, |cx| async move {
        schedule_timeout(&cx, delay, Reason::ReaperDelay, Signals::Ignored).await;
        wake_oom_reaper(&cx, victim, mm);
    });
}

/// `wake_oom_reaper()`, the timer's function.
fn wake_oom_reaper(cx: &Cx, victim: TaskId, mm: MmId) {
    let _in = cx.enter(Func::WakeOomReaper);
    if cx.with(|state| state.mms[mm].oom_skip) {
        return;
    }
    let queue = cx.with(|state| {
        state.oom_reaper_list.push(victim);
        state.oom_reaper_wait
    });
    cx.record(Event::WakeReaper { victim });
    cx.wake_all(queue);
}

/// `oom_reaper()`, the kernel thread.
#[expect(clippy::infinite_loop, reason = "a kernel thread never ends")]
pub async fn oom_reaper(cx: Cx) {
    let _in = cx.enter(Func::OomReaper);
    let queue = cx.with(|state| state.oom_reaper_wait);
    loop {
        match cx.with(|state| state.oom_reaper_list.pop()) {
            Some(victim) => oom_reap_task(&cx, victim).await,
            None => drop(cx.wait(queue, Reason::ReaperIdle, Signals::Ignored).await),
        }
    }
}

/// `oom_reap_task()`: up to ten attempts, then the victim is given up.
async fn oom_reap_task(cx: &Cx, victim: TaskId) {
    let _in = cx.enter(Func::OomReapTask);
    let mm = cx.with(|state| state.group_of(victim).and_then(|group| group.oom_mm));
    let mm = mm.expect("invariant: only victims are queued");
    let pause = u64::from(cx.kernel().clock.hz / 10);
    let mut attempts = 0;
    let mut reaped = false;
    while attempts < MAX_OOM_REAP_RETRIES && !reaped {
        attempts += 1;
        reaped = oom_reap_task_mm(cx, victim, mm).await;
        if !reaped {
            schedule_timeout(cx, pause, Reason::BackOff, Signals::Ignored).await;
        }
    }
    let given_up = !reaped && !cx.with(|state| state.mms[mm].oom_skip);
    if given_up {
        cx.record(Event::UnableToReap { victim });
        cx.cpu(cx.costs().printk).await;
    }
    // Either way: nobody must wait for this victim any longer.
    set_oom_skip(cx, mm, if given_up { SkipBy::GiveUp } else { SkipBy::Reaper });
}

/// Sets `MMF_OOM_SKIP`, once.
pub(super) fn set_oom_skip(cx: &Cx, mm: MmId, by: SkipBy) {
    if !cx.with(|state| std::mem::replace(&mut state.mms[mm].oom_skip, true)) {
        cx.record(Event::OomSkipSet { mm, by });
    }
}

/// `oom_reap_task_mm()`: one attempt; true if there is nothing left to try.
async fn oom_reap_task_mm(cx: &Cx, victim: TaskId, mm: MmId) -> bool {
    let _in = cx.enter(Func::OomReapTaskMm);
    let (mmap_lock, leader) =
        cx.with(|state| (state.mms[mm].mmap_lock, state.tasks[victim].leader));
    if !cx.try_lock(mmap_lock, Hold::Shared) {
        cx.record(Event::SkipTaskReaping { victim });
        return false;
    }
    if cx.with(|state| state.mms[mm].oom_skip) {
        cx.record(Event::SkipTaskReaping { victim });
        cx.unlock(mmap_lock);
        return true;
    }
    cx.record(Event::StartTaskReaping { victim });
    let ok = __oom_reap_task_mm(cx, mm).await;
    if ok {
        let report = victim_report(cx, mm, leader);
        cx.record(Event::Reaped { victim, report });
        cx.cpu(cx.costs().printk).await;
    }
    cx.record(Event::FinishTaskReaping { victim, ok });
    cx.unlock(mmap_lock);
    ok
}

/// `__oom_reap_task_mm()`: the walk; false if any VMA was refused.
async fn __oom_reap_task_mm(cx: &Cx, mm: MmId) -> bool {
    let _in = cx.enter(Func::OomReapMm);
    let mut ok = true;
    // From now on no fault brings a page back.
    cx.with(|state| state.mms[mm].unstable = true);
    let mut next = 0;
    while let Some(range) = cx.with(|state| vma_at_or_after(state, mm, next)) {
        next = range.end;
        cx.cpu(cx.costs().vma_walk).await;
        if invalidate_range_start_nonblock(cx, mm, range, MnEvent::Unmap).await.is_err() {
            ok = false;
            continue;
        }
        unmap_page_range(cx, mm, range.id).await;
        invalidate_range_end(cx, mm);
    }
    ok
}

/// `for_each_vma()`, ascending; VMAs may come and go while the walk waits.
fn vma_at_or_after(state: &super::State, mm: MmId, address: u64) -> Option<Range> {
    let vmas = &state.mms[mm].vmas;
    let vma = vmas.get(vmas.partition_point(|vma| vma.start < address))?;
    Some(Range { id: vma.id, start: vma.start, end: vma.end })
}
