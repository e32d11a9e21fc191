//! Ranges that were refused to the reaper, and a worker that may wait for
//! them (policy `hand-off`; see policy/hand_off.rs for its rules).
//!
//! Mirrors nothing in Linux: nobody has proposed it. Built from the same
//! parts as the reaper, so that the two can be compared.

use super::walk::reap_vma;
use super::{Reaping, kthread, mmget_not_zero, reaped, report_reaped, set_oom_skip, victim_mm};
use crate::base::{MmId, TaskId};
use crate::engine::{Hold, Signals};
use crate::kernel::cx::Cx;
use crate::kernel::exit::mmput_async;
use crate::kernel::mmu_notifier::Range;
use crate::kernel::plugin::Blockable;
use crate::kernel::switches::ExitEra;
use crate::kernel::timer::schedule_timeout;
use crate::record::{Event, Func, Reason, SkipBy, TaskKind};

/// Gives what was refused to a worker of the mm, and sets the clock that
/// bounds how long others wait for it. An mm is handed over once.
pub(super) fn hand_off(cx: &Cx, victim: TaskId, mm: MmId, refused: Vec<Range>) {
    if cx.with(|state| std::mem::replace(&mut state.mms[mm].handed_off, true)) {
        return;
    }
    for range in &refused {
        cx.record(Event::HandedOff { mm, range: range.id });
    }
    let worker = kthread(format!("oom_hand_off/{}", mm.0), "oom_hand_off", TaskKind::Kthread);
    let worker =
        cx.kernel().spawn(worker, |cx| async move { work(&cx, victim, mm, refused).await });
    cx.kernel().engine.observe(|_, recorder| recorder.cast.hand_off_workers.push(worker));
    let timer = kthread(format!("oom_hand_off_timer/{}", mm.0), "<timer>", TaskKind::Timer);
    cx.kernel().spawn(timer, |cx| async move {
        let Reaping { pause, retries, .. } = cx.kernel().reaping;
        schedule_timeout(&cx, pause * u64::from(retries), Reason::HandOffWork, Signals::Ignored)
            .await;
        if is_waited_for(&cx, victim, mm) {
            cx.record(Event::UnableToReap { victim });
            set_oom_skip(&cx, mm, SkipBy::GiveUp);
        }
    });
}

/// Whether nothing has come of the victim: no SKIP; where that is not kept (4.6), `TIF_MEMDIE` and an mm.
fn is_waited_for(cx: &Cx, victim: TaskId, mm: MmId) -> bool {
    let old = cx.kernel().switches.victim_is_memdie;
    cx.with(|state| {
        let is_dying = || state.tasks[victim].memdie && victim_mm(state, victim).is_some();
        if old { is_dying() } else { !state.mms[mm].oom_skip }
    })
}

/// The worker: takes one range after the other, and may sleep for each.
async fn work(cx: &Cx, victim: TaskId, mm: MmId, ranges: Vec<Range>) {
    let _in = cx.enter(Func::HandOffWorker);
    cx.record(Event::StartTaskReaping { victim });
    let mut ok = true;
    for range in ranges {
        ok &= reap_under_mmap_lock(cx, mm, range).await;
    }
    if ok {
        report_reaped(cx, victim, mm).await;
    }
    cx.record(Event::FinishTaskReaping { victim, ok });
    // If not, the mm's last user tears it down, and says so when it has.
    if ok {
        reaped(cx, victim, mm);
    }
}

/// Whether the range was reaped, or is no more.
async fn reap_under_mmap_lock(cx: &Cx, mm: MmId, range: Range) -> bool {
    let mmap_lock = cx.with(|state| state.mms[mm].mmap_lock);
    cx.lock(mmap_lock, Hold::Shared, Reason::MmapLock).await;
    let pins = cx.kernel().switches.exit == ExitEra::ReaperPins;
    let alive =
        if pins { mmget_not_zero(cx, mm) } else { cx.with(|state| state.mms[mm].mm_users > 0) };
    if alive && cx.with(|state| state.mms[mm].vma(range.id).is_some()) {
        // A call that may sleep is not refused.
        let _ = reap_vma(cx, mm, range, Some(Blockable::Yes)).await;
    }
    cx.unlock(mmap_lock);
    if alive && pins {
        mmput_async(cx, mm);
    }
    alive
}
