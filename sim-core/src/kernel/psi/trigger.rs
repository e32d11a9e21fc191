//! PSI triggers: who wants to be told of memory pressure is woken when
//! tasks were held up for so much of a window of time.
//!
//! Mirrors kernel/sched/psi.c: `psi_trigger_create()`,
//! `psi_trigger_poll()`, `psi_schedule_poll_work()`, `psi_poll_worker()`,
//! `psi_poll_work()`, `init_triggers()`, `update_triggers()`,
//! `window_reset()`, `window_update()`, Linux 6.1 (kernel-spec 7.5; since
//! 5.2). Nothing of it is there before a program makes a trigger. Left out:
//! triggers of cgroups and those of 6.4 that need no rights, which look
//! every two seconds; that a trigger ends with its process.

use super::super::cx::{Cx, NewTask};
use super::super::freezer::freezable_wait;
use crate::base::{Nanos, QueueId, SimTime};
use crate::engine::{Share, Signals, Waited, Why};
use crate::record::{Func, Reason, TaskKind};

/// `UPDATES_PER_WINDOW`: how often a window is looked at.
const UPDATES_PER_WINDOW: u64 = 10;
/// Priority of psimon: `sched_set_fifo_low()`.
const FIFO_LOW: u8 = 1;

/// What a trigger is about (`enum psi_states`).
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum PsiState {
    /// `PSI_MEM_SOME`: anybody is held up.
    MemSome,
    /// `PSI_MEM_FULL`: nobody gets work done.
    MemFull,
}

/// `some` and `full` so far, in nanoseconds.
type Totals = [u64; 2];

/// `struct psi_window`.
#[derive(Clone, Debug)]
struct Window {
    size: Nanos,
    start_time: SimTime,
    start_value: u64,
    prev_growth: u64,
}

impl Window {
    /// `window_reset()`.
    fn reset(&mut self, now: SimTime, value: u64, prev_growth: u64) {
        (self.start_time, self.start_value, self.prev_growth) = (now, value, prev_growth);
    }

    /// `window_update()`: growth in the window that ends now. What is left of
    /// it before it began anew grew as the window before it did.
    fn update(&mut self, now: SimTime, value: u64) -> u64 {
        let elapsed = now - self.start_time;
        let growth = value.saturating_sub(self.start_value);
        if elapsed > self.size {
            self.reset(now, value, growth);
            return growth;
        }
        let remaining = u128::from((self.size - elapsed).0);
        let before = u128::from(self.prev_growth) * remaining / u128::from(self.size.0);
        growth + u64::try_from(before).unwrap_or(u64::MAX)
    }
}

/// `struct psi_trigger`.
#[derive(Clone, Debug)]
struct Trigger {
    state: PsiState,
    threshold: Nanos,
    win: Window,
    event_wait: QueueId,
    event: bool,
    last_event_time: Option<SimTime>,
    /// `pending_event`: it grew enough, but the last event is not a window ago.
    pending_event: bool,
}

/// `struct psi_group`, as far as triggers need it.
#[derive(Clone, Debug)]
pub struct PsiGroup {
    triggers: Vec<Trigger>,
    /// `poll_states`: what there are triggers for.
    poll_states: [bool; 2],
    poll_min_period: Nanos,
    /// The totals when they were collected last.
    collected: Totals,
    polling_total: Totals,
    polling_until: Option<SimTime>,
    polling_next_update: SimTime,
    poll_scheduled: bool,
    /// `poll_timer`: when it expires, if it is armed.
    poll_timer: Option<SimTime>,
    armed: QueueId,
    poll_wait: QueueId,
}

impl PsiGroup {
    fn new(new_queue: impl Fn() -> QueueId) -> Self {
        Self {
            triggers: Vec::new(),
            poll_states: [false; 2],
            poll_min_period: Nanos(u64::MAX),
            collected: [0; 2],
            polling_total: [0; 2],
            polling_until: None,
            polling_next_update: SimTime::ZERO,
            poll_scheduled: false,
            poll_timer: None,
            armed: new_queue(),
            poll_wait: new_queue(),
        }
    }

    fn add(&mut self, trigger: Trigger) -> usize {
        let period = Nanos(trigger.win.size.0 / UPDATES_PER_WINDOW);
        self.poll_min_period = self.poll_min_period.min(period);
        self.poll_states[trigger.state as usize] = true;
        self.triggers.push(trigger);
        self.triggers.len() - 1
    }

    /// `psi_poll_work()`: when to look again, unless polling stops; adds who is to be woken.
    fn poll_work(
        &mut self,
        now: SimTime,
        total: Totals,
        woken: &mut Vec<QueueId>,
    ) -> Option<SimTime> {
        let polls = |until: Option<SimTime>| until.is_some_and(|until| now <= until);
        // About to start, or to stop if nothing changes: a stall may schedule it at once.
        let begins = !polls(self.polling_until);
        if begins {
            self.poll_scheduled = false;
        }
        let before = std::mem::replace(&mut self.collected, total);
        if (0..2).any(|state| self.poll_states[state] && before[state] != total[state]) {
            if begins {
                self.init_triggers(now, total);
            }
            let window = Nanos(self.poll_min_period.0 * UPDATES_PER_WINDOW);
            self.polling_until = Some(now + window);
        }
        if !polls(self.polling_until) {
            return None;
        }
        if now >= self.polling_next_update {
            self.update_triggers(now, total, woken);
        }
        self.poll_scheduled = true;
        Some(self.polling_next_update)
    }

    /// `init_triggers()`.
    fn init_triggers(&mut self, now: SimTime, total: Totals) {
        for trigger in &mut self.triggers {
            trigger.win.reset(now, total[trigger.state as usize], 0);
        }
        self.polling_total = total;
        self.polling_next_update = now + self.poll_min_period;
    }

    /// `update_triggers()`.
    fn update_triggers(&mut self, now: SimTime, total: Totals, woken: &mut Vec<QueueId>) {
        for trigger in &mut self.triggers {
            let state = trigger.state as usize;
            let new_stall = self.polling_total[state] != total[state];
            if !new_stall && !trigger.pending_event {
                continue;
            }
            if new_stall {
                let growth = trigger.win.update(now, total[state]);
                if !trigger.pending_event {
                    if growth < trigger.threshold.0 {
                        continue;
                    }
                    trigger.pending_event = true;
                }
            }
            // At most one event in a window.
            if trigger.last_event_time.is_some_and(|last| now < last + trigger.win.size) {
                continue;
            }
            if !std::mem::replace(&mut trigger.event, true) {
                woken.push(trigger.event_wait);
            }
            trigger.last_event_time = Some(now);
            trigger.pending_event = false;
        }
        self.polling_total = total;
        self.polling_next_update = now + self.poll_min_period;
    }
}

fn totals(cx: &Cx) -> Totals {
    cx.kernel().engine.pressure().into()
}

/// `psi_trigger_create()`: its number; none where the kernel has no triggers.
pub fn psi_trigger_create(
    cx: &Cx,
    state: PsiState,
    threshold: Nanos,
    size: Nanos,
) -> Option<usize> {
    let kernel = cx.kernel();
    if !kernel.switches.psi_triggers {
        return None;
    }
    if cx.with(|state| state.psi.is_none()) {
        let is_io = |why: Why| Reason::from_number(why.0).is_some_and(Reason::is_io_wait);
        kernel.engine.keep_pressure(is_io, |task| cx.with(|state| state.tasks[task].memstall));
        cx.with(|state| state.psi = Some(Box::new(PsiGroup::new(|| kernel.engine.new_queue()))));
        kernel.spawn(new_task("psi poll timer", "<timer>", TaskKind::Timer), poll_timer_fn);
        let psimon = kernel.spawn(new_task("psimon", "psimon", TaskKind::Kthread), psi_poll_worker);
        kernel.engine.set_share(psimon, Share::Fifo(FIFO_LOW));
    }
    let (start_time, total) = (cx.now(), totals(cx));
    let win = Window { size, start_time, start_value: total[state as usize], prev_growth: 0 };
    if state == PsiState::MemFull {
        let armed = cx.with(|state| state.psi.as_ref().map(|group| group.armed));
        kernel.engine.watch_full_pressure(armed.expect("invariant: there is a group by now"));
    }
    let trigger = Trigger {
        state,
        threshold,
        win,
        event_wait: kernel.engine.new_queue(),
        event: false,
        last_event_time: None,
        pending_event: false,
    };
    cx.with(|state| Some(state.psi.as_mut()?.add(trigger)))
}

fn new_task(name: &str, comm: &str, kind: TaskKind) -> NewTask {
    let (name, comm) = (name.to_owned(), comm.to_owned());
    NewTask { name, comm, pid: 0, leader: None, kind, oom_score_adj: 0 }
}

/// `poll()` of a file whose `psi_trigger_poll()` says whether there was an event since.
pub async fn psi_trigger_poll(cx: &Cx, trigger: usize) -> Waited {
    let _in = cx.enter(Func::PsiTriggerPoll);
    loop {
        let (event, queue) = cx.with(|state| {
            let group = state.psi.as_mut().expect("invariant: a trigger is in a group");
            let trigger = &mut group.triggers[trigger];
            (std::mem::replace(&mut trigger.event, false), trigger.event_wait)
        });
        if event {
            return Waited::Granted;
        }
        let waited = freezable_wait(cx, queue, Reason::PsiTrigger).await;
        if waited == Waited::Killed {
            return waited;
        }
    }
}

/// `psi_memstall_enter()` and `_leave()`: the running task is held up, or no longer.
pub(super) fn psi_task_change(cx: &Cx, stalled: bool) {
    cx.kernel().engine.set_stalled(stalled);
    psi_group_change(cx);
}

/// `psi_group_change()`: if there are triggers for what grows now, somebody has to look at them.
fn psi_group_change(cx: &Cx) {
    let (some, full) = cx.kernel().engine.pressure_grows();
    let wanted = cx.with(|state| {
        state.psi.as_ref().is_some_and(|group| {
            let [for_some, for_full] = group.poll_states;
            !group.poll_scheduled && ((some && for_some) || (full && for_full))
        })
    });
    if wanted {
        psi_schedule_poll_work(cx, 1);
    }
}

/// `psi_schedule_poll_work()`.
fn psi_schedule_poll_work(cx: &Cx, delay: u64) {
    let at = cx.kernel().clock.expiry(cx.now(), delay);
    let armed = cx.with(|state| {
        let group = state.psi.as_mut()?;
        (group.poll_scheduled, group.poll_timer) = (true, Some(at));
        Some(group.armed)
    });
    if let Some(armed) = armed {
        cx.wake_all(armed);
    }
}

/// `poll_timer` and its function, `poll_timer_fn()`.
#[expect(clippy::infinite_loop, reason = "a timer can be armed for ever")]
async fn poll_timer_fn(cx: Cx) {
    loop {
        let due = cx.with(|state| {
            let group = state.psi.as_mut().expect("invariant: the timer is in a group");
            group.poll_timer.take().ok_or(group.armed)
        });
        match due {
            Err(armed) => {
                cx.wait(armed, Reason::PsiPoll, Signals::Ignored).await;
                // Also where a change of who runs, and no task that is held up, began `full`.
                psi_group_change(&cx);
            }
            Ok(at) => {
                let span = at.saturating_sub(cx.now());
                cx.sleep(span, Reason::PsiPoll, Signals::Ignored).await;
                let poll_wait = cx.with(|state| state.psi.as_ref().map(|group| group.poll_wait));
                cx.wake_all(poll_wait.expect("invariant: the timer is in a group"));
            }
        }
    }
}

/// `psi_poll_worker()`: psimon, a kernel thread.
#[expect(clippy::infinite_loop, reason = "a kernel thread never ends")]
async fn psi_poll_worker(cx: Cx) {
    let _in = cx.enter(Func::PsiPollWorker);
    let poll_wait = cx.with(|state| state.psi.as_ref().map(|group| group.poll_wait));
    let poll_wait = poll_wait.expect("invariant: psimon is of a group");
    loop {
        cx.wait(poll_wait, Reason::PsiPoll, Signals::Ignored).await;
        let (now, total, mut woken) = (cx.now(), totals(&cx), Vec::new());
        let next = cx.with(|state| state.psi.as_mut()?.poll_work(now, total, &mut woken));
        for queue in woken {
            cx.wake_all(queue);
        }
        if let Some(next) = next {
            let tick = cx.kernel().clock.tick().0;
            // nsecs_to_jiffies() rounds down.
            psi_schedule_poll_work(&cx, next.saturating_sub(now).0 / tick + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn group(state: PsiState, threshold_ms: u64, window_ms: u64) -> PsiGroup {
        let mut group = PsiGroup::new(|| QueueId(0));
        let size = Nanos::from_ms(window_ms);
        group.add(Trigger {
            state,
            threshold: Nanos::from_ms(threshold_ms),
            win: Window { size, start_time: SimTime::ZERO, start_value: 0, prev_growth: 0 },
            event_wait: QueueId(7),
            event: false,
            last_event_time: None,
            pending_event: false,
        });
        group
    }

    /// The times in ms at which it is looked at, and those of events, while `some` grows by
    /// `percent` of the time from `from_ms` to `to_ms`, and a quarter of that is `full`.
    fn polled(group: &mut PsiGroup, (from_ms, to_ms): (u64, u64), percent: u64) -> [Vec<u64>; 2] {
        let (mut looks, mut events) = (Vec::new(), Vec::new());
        let mut next = Some(SimTime((from_ms + 4) * MS));
        while let Some(now) = next {
            let some = now.0.clamp(from_ms * MS, to_ms * MS) - from_ms * MS;
            let some = some * percent / 100;
            let mut woken = Vec::new();
            next = group.poll_work(now, [some, some / 4], &mut woken);
            looks.push(now.0 / MS);
            if !woken.is_empty() {
                events.push(now.0 / MS);
                group.triggers[0].event = false;
            }
        }
        [looks, events]
    }

    #[test]
    fn window_is_looked_at_ten_times_and_until_it_is_over() {
        let mut group = group(PsiState::MemSome, 900, 1000);
        let [looks, events] = polled(&mut group, (0, 250), 100);
        // A change is seen at 4, 104, 204 and 304 ms; a window later polling stops.
        assert_eq!(looks, (0..=14).map(|look| 4 + 100 * look).collect::<Vec<_>>());
        assert_eq!(events, [0; 0], "250 ms are too little");
    }

    #[test]
    fn event_comes_when_the_threshold_is_passed_and_once_per_window() {
        let mut half = group(PsiState::MemSome, 150, 1000);
        // Half of the time from 4 ms on: 150 ms of it at 304 ms. The last event was pending.
        assert_eq!(polled(&mut half, (0, 3_000), 50)[1], [304, 1304, 2304, 3304]);
        let mut full = group(PsiState::MemFull, 150, 1000);
        // An eighth of the time: the window of a second never holds 150 ms.
        assert_eq!(polled(&mut full, (0, 3_000), 50)[1], [0; 0]);
        let mut full = group(PsiState::MemFull, 120, 1000);
        assert_eq!(polled(&mut full, (0, 3_000), 50)[1], [1004, 2004, 3004]);
    }

    #[test]
    fn what_there_is_no_trigger_for_is_no_reason_to_look() {
        let mut full = group(PsiState::MemFull, 150, 1000);
        let mut woken = Vec::new();
        // `some` grows, and `full` does not: psimon sleeps until it is called again.
        assert_eq!(full.poll_work(SimTime(4 * MS), [4 * MS, 0], &mut woken), None);
        assert_eq!(full.poll_work(SimTime(104 * MS), [104 * MS, 0], &mut woken), None);
        // Now it does, and the window begins here.
        let next = full.poll_work(SimTime(204 * MS), [204 * MS, 4 * MS], &mut woken);
        assert_eq!(next, Some(SimTime(304 * MS)));
        assert_eq!(full.triggers[0].win.start_time, SimTime(204 * MS));
        assert_eq!(woken, []);
    }

    #[test]
    fn rest_of_a_window_counts_as_the_one_before() {
        let size = Nanos::from_ms(1000);
        let mut win = Window { size, start_time: SimTime::ZERO, start_value: 0, prev_growth: 0 };
        // It begins anew at 1100 ms, with 220 ms behind it.
        assert_eq!(win.update(SimTime(1100 * MS), 220 * MS), 220 * MS);
        // After a quarter of the next one three quarters of that are left.
        assert_eq!(win.update(SimTime(1350 * MS), 230 * MS), 10 * MS + 165 * MS);
    }
}
