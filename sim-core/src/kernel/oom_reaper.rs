//! The OOM reaper: who is queued, and how often it is tried.
//!
//! Mirrors mm/oom_kill.c: `queue_oom_reaper()`, `wake_oom_reaper()`,
//! `oom_reaper()`, `oom_reap_task()`, `oom_reap_task_mm()`, Linux 4.6 to
//! 7.1 (kernel-spec 3.1–3.3). The walk over the VMAs is in `walk`, what
//! the policy `hand-off` adds in `hand_off`.

mod hand_off;
#[cfg(test)]
mod tests;
mod walk;

use super::cx::{Clock, Cx, NewTask};
use super::exit::mmput_async;
use super::freezer::try_to_freeze;
use super::mmu_notifier::{blockable_notifier, mm_has_notifiers};
use super::oom_kill::victim_report;
use super::plugin::Approach;
use super::state::State;
use super::switches::{ExitEra, Switches};
use super::timer::schedule_timeout;
use crate::base::{MmId, Nanos, NotifierId, TaskId};
use crate::engine::{Hold, Signals};
use crate::record::{Event, Func, MAX_OOM_REAP_RETRIES, OOM_REAP_PAUSE, Reason, SkipBy, TaskKind};

pub(super) use walk::__oom_reap_task_mm;

/// HZ: how long kernels up to 4.18 sleep in place of an attempt (mm/oom_kill.c, `__oom_reap_task_mm()`).
pub const OOM_SKIP_SLEEP: Nanos = Nanos::from_secs(1);
/// `OOM_SCORE_ADJ_MIN` (include/uapi/linux/oom.h): never a victim.
const OOM_SCORE_ADJ_MIN: i16 = -1000;

/// What the kernel has as constants and a machine may have otherwise: how often the reaper tries,
/// and for how many jiffies it waits for what.
#[derive(Copy, Clone, Debug)]
pub struct Reaping {
    /// `OOM_REAPER_DELAY`: from the kill until the reaper is told.
    pub delay: u64,
    /// After an attempt that failed.
    pub pause: u64,
    /// `MAX_OOM_REAP_RETRIES`, 1 or more: attempts until a victim is given up.
    pub retries: u8,
    /// In place of an attempt (policies `skip-any` and `skip-flag`).
    pub skip_sleep: u64,
}

impl Reaping {
    /// As a kernel of this version has it.
    pub fn of(switches: &Switches, clock: &Clock) -> Self {
        Self {
            delay: switches.reaper_delay_hz * u64::from(clock.hz),
            pause: clock.msecs_to_jiffies(OOM_REAP_PAUSE),
            retries: MAX_OOM_REAP_RETRIES,
            skip_sleep: clock.msecs_to_jiffies(OOM_SKIP_SLEEP),
        }
    }
}

/// How one attempt ended.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
enum Attempt {
    /// Nothing is left to try.
    Done,
    /// Something stood in the way: again after a pause.
    Failed,
    /// What was refused is the business of the mm's worker now (policy `hand-off`).
    HandedOff,
}

/// `queue_oom_reaper()`, `wake_oom_reaper()` up to 5.17: the reaper is
/// woken, at once or after it has given the victim time to exit.
pub(super) fn queue_oom_reaper(cx: &Cx, victim: TaskId) {
    let Some(mm) = cx.with(|state| victim_mm(state, victim)) else { return };
    let kernel = cx.kernel();
    let queued = cx.with(|state| {
        if kernel.switches.queues_mm_once {
            std::mem::replace(&mut state.mms[mm].reap_queued, true)
        } else {
            is_listed(state, victim)
        }
    });
    if queued {
        return;
    }
    let delay = kernel.reaping.delay;
    if delay == 0 {
        push(cx, victim);
        return;
    }
    // Timers of one bucket of the wheel expire together.
    let bucket = kernel.clock.timer_wheel.then(|| {
        let cpu = kernel.engine.current_cpu();
        (kernel.clock.expiry(cx.now(), delay), cpu)
    });
    if let Some(bucket) = bucket {
        let others = cx.with(|state| {
            let timers = state.oom_reaper_timers.entry(bucket).or_default();
            timers.push((victim, mm));
            timers.len() > 1
        });
        if others {
            return;
        }
    }
    let timer = kthread(format!("oom_reaper_timer/{}", victim.0), "<timer>", TaskKind::Timer);
    kernel.spawn(timer, |cx| async move {
        schedule_timeout(&cx, delay, Reason::ReaperDelay, Signals::Ignored).await;
        // expire_timers(): enqueue_timer() has put the last one armed at the head of the bucket.
        let timers = bucket.and_then(|at| cx.with(|state| state.oom_reaper_timers.remove(&at)));
        let timers = timers.unwrap_or_else(|| vec![(victim, mm)]);
        for (victim, mm) in timers.into_iter().rev() {
            wake_oom_reaper(&cx, victim, mm);
        }
    });
}

/// "tsk is already queued?": not seen if it is the last one, or is being worked on with nobody
/// behind it.
fn is_listed(state: &State, victim: TaskId) -> bool {
    state.oom_reaper_list == Some(victim) || state.tasks[victim].oom_reaper_next.is_some()
}

/// `wake_oom_reaper()` since 5.18, the timer's function.
fn wake_oom_reaper(cx: &Cx, victim: TaskId, mm: MmId) {
    let _in = cx.enter(Func::WakeOomReaper);
    // Kernels that queue tasks have no such delay by themselves: two timers may be about one task.
    let once = cx.kernel().switches.queues_mm_once;
    // The mm is gone already, or is not to be reaped.
    if !cx.with(|state| state.mms[mm].oom_skip || (!once && is_listed(state, victim))) {
        push(cx, victim);
    }
}

/// Puts the victim at the head of `oom_reaper_list`: the last one in is the first one out.
fn push(cx: &Cx, victim: TaskId) {
    let queue = cx.with(|state| {
        state.tasks[victim].oom_reaper_next = state.oom_reaper_list.replace(victim);
        state.oom_reaper_wait
    });
    cx.record(Event::WakeReaper { victim });
    cx.wake_all(queue);
}

/// What the kernel starts by itself.
fn kthread(name: String, comm: &str, kind: TaskKind) -> NewTask {
    NewTask { name, comm: comm.to_owned(), pid: 0, leader: None, kind, oom_score_adj: 0 }
}

/// `tsk->signal->oom_mm`; where that is not kept (4.6), the mm of a thread that still has one.
fn victim_mm(state: &State, victim: TaskId) -> Option<MmId> {
    let group = state.group_of(victim)?;
    group.oom_mm.or_else(|| Some(state.find_task_mm(group)?.1))
}

/// `oom_reaper()`, the kernel thread.
#[expect(clippy::infinite_loop, reason = "a kernel thread never ends")]
pub async fn oom_reaper(cx: Cx) {
    let _in = cx.enter(Func::OomReaper);
    let queue = cx.with(|state| {
        state.oom_reaper_th = Some(cx.task());
        state.oom_reaper_wait
    });
    loop {
        if cx.kernel().switches.reaper_is_freezable {
            try_to_freeze(&cx).await;
        }
        let victim = cx.with(|state| {
            let victim = state.oom_reaper_list?;
            state.oom_reaper_list = state.tasks[victim].oom_reaper_next;
            Some(victim)
        });
        match victim {
            Some(victim) => {
                oom_reap_task(&cx, victim).await;
                cx.with(|state| state.tasks[victim].oom_reaper_next = None);
            }
            None => drop(cx.wait(queue, Reason::ReaperIdle, Signals::Ignored).await),
        }
    }
}

/// `oom_reap_task()`: so many attempts, then the victim is given up.
async fn oom_reap_task(cx: &Cx, victim: TaskId) {
    let _in = cx.enter(Func::OomReapTask);
    // In 4.6 the mm may have gone while the victim was queued.
    let Some(mm) = cx.with(|state| victim_mm(state, victim)) else { return };
    let switches = cx.kernel().switches;
    let Reaping { pause, retries, .. } = cx.kernel().reaping;
    let mut attempts = 0;
    let mut outcome = Attempt::Failed;
    while attempts < retries && outcome == Attempt::Failed {
        attempts += 1;
        // 4.6 looks for the mm anew each time; once it is gone there is nothing left to do, and
        // nothing to make up for.
        if cx.with(|state| victim_mm(state, victim)).is_none() {
            return;
        }
        outcome = oom_reap_task_mm(cx, victim, mm).await;
        if outcome == Attempt::Failed {
            schedule_timeout(cx, pause, Reason::BackOff, Signals::Ignored).await;
        }
    }
    match outcome {
        Attempt::HandedOff => return,
        Attempt::Done => {}
        Attempt::Failed => {
            let skip = cx.with(|state| state.mms[mm].oom_skip);
            if !(skip && switches.give_up_checks_skip) {
                cx.record(Event::UnableToReap { victim });
                cx.cpu(cx.costs().printk).await;
            }
            if !switches.give_up_sets_skip {
                return;
            }
        }
    }
    // Either way: nobody must wait for this victim any longer.
    match outcome {
        Attempt::Failed => set_oom_skip(cx, mm, SkipBy::GiveUp),
        _ => reaped(cx, victim, mm),
    }
}

/// All is reaped that can be: others need not wait for this victim, and need not choose it again.
fn reaped(cx: &Cx, victim: TaskId, mm: MmId) {
    if cx.kernel().switches.reaped_is_exempt {
        exempt(cx, victim);
    }
    set_oom_skip(cx, mm, SkipBy::Reaper);
}

/// 4.6 has no `MMF_OOM_SKIP`: that the victim's memory is gone is known by
/// its having lost `TIF_MEMDIE`, and it must not be chosen again.
fn exempt(cx: &Cx, victim: TaskId) {
    cx.with(|state| {
        let leader = state.tasks[victim].leader;
        state.group(leader).oom_score_adj = OOM_SCORE_ADJ_MIN;
        if std::mem::replace(&mut state.tasks[victim].memdie, false) {
            state.oom_victims -= 1;
        }
    });
}

/// Sets `MMF_OOM_SKIP`, once.
pub(super) fn set_oom_skip(cx: &Cx, mm: MmId, by: SkipBy) {
    if cx.kernel().switches.victim_is_memdie {
        return;
    }
    if !cx.with(|state| std::mem::replace(&mut state.mms[mm].oom_skip, true)) {
        cx.record(Event::OomSkipSet { mm, by });
    }
}

/// `oom_reap_task_mm()` (`__oom_reap_task()` in 4.6 and 4.9,
/// `__oom_reap_task_mm()` up to 4.16): one attempt.
async fn oom_reap_task_mm(cx: &Cx, victim: TaskId, mm: MmId) -> Attempt {
    let _in = cx.enter(Func::OomReapTaskMm);
    let locks = cx.kernel().switches.reaper_holds_oom_lock;
    let oom_lock = cx.with(|state| state.oom_lock);
    if locks {
        // So that nobody is killed while there is memory to come.
        cx.lock(oom_lock, Hold::Exclusive, Reason::OomLock).await;
    }
    let attempt = reap_under_mmap_lock(cx, victim, mm).await;
    if locks {
        cx.unlock(oom_lock);
    }
    attempt
}

/// The part of `oom_reap_task_mm()` that needs `mmap_lock`.
async fn reap_under_mmap_lock(cx: &Cx, victim: TaskId, mm: MmId) -> Attempt {
    let mmap_lock = cx.with(|state| state.mms[mm].mmap_lock);
    if !cx.try_lock(mmap_lock, Hold::Shared) {
        cx.record(Event::SkipTaskReaping { victim });
        return Attempt::Failed;
    }
    let approach = cx.with(|state| state.policy.approach());
    if let Some(notifier) = backs_off_from(cx, approach, mm) {
        cx.unlock(mmap_lock);
        cx.record(Event::BackedOff { mm, notifier });
        sleep_under_oom_lock(cx).await;
        // A success, as far as the caller can see.
        return Attempt::Done;
    }
    if cx.with(|state| state.mms[mm].oom_skip) {
        cx.record(Event::SkipTaskReaping { victim });
        cx.unlock(mmap_lock);
        return Attempt::Done;
    }
    let pins = cx.kernel().switches.exit == ExitEra::ReaperPins;
    if pins && !mmget_not_zero(cx, mm) {
        // exit_mmap() is at work.
        cx.unlock(mmap_lock);
        return Attempt::Done;
    }
    cx.record(Event::StartTaskReaping { victim });
    let refused = __oom_reap_task_mm(cx, mm, approach).await;
    let ok = refused.is_empty();
    if ok {
        report_reaped(cx, victim, mm).await;
    }
    let mut attempt = if ok { Attempt::Done } else { Attempt::Failed };
    if !ok && approach == Approach::HandOff {
        hand_off::hand_off(cx, victim, mm, refused);
        attempt = Attempt::HandedOff;
    }
    cx.record(Event::FinishTaskReaping { victim, ok });
    cx.unlock(mmap_lock);
    if pins {
        mmput_async(cx, mm);
    }
    attempt
}

/// The line `oom_reaper: reaped process …`.
async fn report_reaped(cx: &Cx, victim: TaskId, mm: MmId) {
    let leader = cx.with(|state| state.tasks[victim].leader);
    let report = victim_report(cx, mm, leader);
    cx.record(Event::Reaped { victim, report });
    cx.cpu(cx.costs().printk).await;
}

/// Policies `skip-any` and `skip-flag`: the notifier because of which the
/// whole mm is left alone (kernel-spec 4.2, 4.3).
fn backs_off_from(cx: &Cx, approach: Approach, mm: MmId) -> Option<NotifierId> {
    match approach {
        Approach::SkipAny => cx.with(|state| {
            let drivers = &cx.kernel().drivers;
            let on_mm = state.notifiers.iter().filter(|(_, notifier)| notifier.mm == mm);
            // One that is registered before one that was; who only pins pages never is.
            let on_mm = on_mm.filter(|(_, notifier)| drivers[notifier.device].ops().has_any());
            let first = || on_mm.min_by_key(|(_, notifier)| !notifier.registered);
            mm_has_notifiers(state, mm).then(first)?.map(|(id, _)| id)
        }),
        Approach::SkipFlag => blockable_notifier(cx, mm),
        _ => None,
    }
}

/// `schedule_timeout_idle(HZ)`, or what the machine has instead, with `oom_lock` held, whether or not the
/// reaper of this kernel held it before.
async fn sleep_under_oom_lock(cx: &Cx) {
    let held = cx.kernel().switches.reaper_holds_oom_lock;
    let oom_lock = cx.with(|state| state.oom_lock);
    if !held {
        cx.lock(oom_lock, Hold::Exclusive, Reason::OomLock).await;
    }
    let jiffies = cx.kernel().reaping.skip_sleep;
    schedule_timeout(cx, jiffies, Reason::SkipSleep, Signals::Ignored).await;
    if !held {
        cx.unlock(oom_lock);
    }
}

/// `mmget_not_zero()`.
pub(super) fn mmget_not_zero(cx: &Cx, mm: MmId) -> bool {
    cx.with(|state| {
        let users = &mut state.mms[mm].mm_users;
        *users += u32::from(*users > 0);
        *users > 0
    })
}
