//! The freezer: tasks that do nothing until they are thawed, not even die.
//!
//! Mirrors kernel/freezer.c: `freezing_slow_path()`, `__refrigerator()`,
//! `__thaw_task()`, kernel/power/process.c: `freeze_processes()`,
//! `thaw_processes()`, and kernel/cgroup/legacy_freezer.c:
//! `freezer_change_state()`, Linux 4.6 to 7.1 (kernel-spec 2.5, 3.1). A
//! task freezes where it would go to user mode, or in a sleep that a
//! signal could end; it sleeps on where it is, so only what ends the sleep
//! shows that it is frozen. SIGKILL does not wake it: a victim has to be
//! thawed to die. Left out: `cgroup.freeze` of the unified hierarchy
//! (where SIGKILL gets through), waiting for kernel threads to freeze.

use super::cx::Cx;
use super::state::State;
use super::switches::Switches;
use crate::base::{Nanos, QueueId, TaskId};
use crate::engine::{Signals, Waited};
use crate::record::{Func, Reason};

/// `freeze_timeout_msecs` (kernel/power/process.c): 20 s.
const FREEZE_TIMEOUT: Nanos = Nanos::from_secs(20);
/// How long `try_to_freeze_tasks()` sleeps between two looks, at first and at most.
const PAUSES: (Nanos, Nanos) = (Nanos::from_ms(1), Nanos::from_ms(8));

/// Who is to be frozen.
pub struct Freezer {
    /// `pm_freezing`: all processes.
    pub(super) pm_freezing: bool,
    /// `pm_nosig_freezing`: kernel threads that can be.
    pub(super) pm_nosig_freezing: bool,
    /// Where the frozen wait.
    thawed: QueueId,
}

impl Freezer {
    /// Nobody is, and this is where they would wait.
    pub fn new(thawed: QueueId) -> Self {
        Self { pm_freezing: false, pm_nosig_freezing: false, thawed }
    }
}

/// `freezing()`: whether a task is to be frozen.
fn freezing(state: &State, switches: &Switches, task: TaskId) -> bool {
    let Some(group) = state.group_of(task) else { return state.freezer.pm_nosig_freezing };
    // Who was killed for its memory is not; up to 6.17 that is one thread.
    let victim = if switches.thaws_whole_victim {
        state.is_oom_victim(task)
    } else {
        state.tasks[task].memdie
    };
    !victim && (state.freezer.pm_freezing || group.freezing)
}

/// `frozen()`: in the refrigerator, or in a sleep that was frozen.
fn frozen(state: &State, switches: &Switches, task: TaskId) -> bool {
    let is = &state.tasks[task];
    is.frozen || (is.freezable && freezing(state, switches, task))
}

/// `try_to_freeze()`: waits to be thawed, if the caller is to be frozen.
pub async fn try_to_freeze(cx: &Cx) -> bool {
    let (switches, task) = (cx.kernel().switches, cx.task());
    if !cx.with(|state| freezing(state, switches, task)) {
        return false;
    }
    let _in = cx.enter(Func::Refrigerator);
    let thawed = cx.with(|state| {
        state.tasks[task].frozen = true;
        state.freezer.thawed
    });
    while cx.with(|state| freezing(state, switches, task)) {
        cx.wait(thawed, Reason::Frozen, Signals::Ignored).await;
    }
    cx.with(|state| state.tasks[task].frozen = false);
    true
}

/// A sleep that SIGKILL ends, and that the freezer may freeze: a frozen
/// task sleeps on until it is thawed, and no longer than it wanted to.
pub async fn freezable_sleep(cx: &Cx, span: Nanos, why: Reason) -> Waited {
    cx.with(|state| state.tasks[cx.task()].freezable = true);
    let waited = cx.sleep(span, why, Signals::Killable).await;
    cx.with(|state| state.tasks[cx.task()].freezable = false);
    try_to_freeze(cx).await;
    waited
}

/// As [`freezable_sleep`], until killed.
pub async fn freezable_wait(cx: &Cx, queue: QueueId, why: Reason) -> Waited {
    cx.with(|state| state.tasks[cx.task()].freezable = true);
    let waited = cx.wait(queue, why, Signals::Killable).await;
    cx.with(|state| state.tasks[cx.task()].freezable = false);
    try_to_freeze(cx).await;
    waited
}

/// SIGKILL to a thread: pending in any case, but no frozen task wakes up for it.
pub(super) fn signal_wake_up(cx: &Cx, thread: TaskId) {
    let engine = &cx.kernel().engine;
    if cx.with(|state| frozen(state, cx.kernel().switches, thread)) {
        engine.kill_without_waking(thread);
    } else {
        engine.kill(thread);
    }
}

/// `__thaw_task()`, of all who are not to be frozen any longer.
pub(super) fn thaw_tasks(cx: &Cx) {
    let kernel = cx.kernel();
    let (thawed, asleep) = cx.with(|state| {
        let threads = state.processes().flat_map(|(_, group)| group.threads.iter().copied());
        let asleep = threads.filter(|&thread| {
            state.tasks[thread].freezable && !freezing(state, kernel.switches, thread)
        });
        (state.freezer.thawed, asleep.collect::<Vec<_>>())
    });
    for thread in asleep {
        // What SIGKILL could not do while it was frozen.
        if kernel.engine.is_killed(thread) {
            kernel.engine.kill(thread);
        }
    }
    if kernel.engine.has_waiters(thawed) {
        cx.wake_all(thawed);
    }
}

/// A process's freezer cgroup gets the state FROZEN, or THAWED.
pub fn freezer_change_state(cx: &Cx, leader: TaskId, freeze: bool) {
    cx.with(|state| state.group(leader).freezing = freeze);
    if !freeze {
        thaw_tasks(cx);
    }
}

/// `freeze_processes()`, but for the OOM killer: whether all froze in time.
pub(super) async fn freeze_processes(cx: &Cx) -> bool {
    let switches = cx.kernel().switches;
    cx.with(|state| state.freezer.pm_freezing = true);
    let until = cx.now() + FREEZE_TIMEOUT;
    let (mut pause, longest) = PAUSES;
    loop {
        let todo = cx.with(|state| {
            let mut threads = state.processes().flat_map(|(_, group)| group.threads.iter());
            threads.any(|&thread| {
                let is_alive = !state.tasks[thread].left_cgroup;
                is_alive && freezing(state, switches, thread) && !frozen(state, switches, thread)
            })
        });
        if !todo || cx.now() >= until {
            return !todo;
        }
        cx.sleep(pause, Reason::Injection, Signals::Ignored).await;
        pause = (pause * 2).min(longest);
    }
}

/// `thaw_processes()`.
pub(super) fn thaw_processes(cx: &Cx) {
    cx.with(|state| {
        state.freezer.pm_freezing = false;
        state.freezer.pm_nosig_freezing = false;
    });
    thaw_tasks(cx);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::do_group_exit;
    use crate::kernel::power::pm_suspend;
    use crate::kernel::signal::send_sigkill;
    use crate::kernel::testing::{GLOBAL, Machine, Proc, call_oom, killed, sleep_ms, stuck};
    use crate::record::Event;

    /// Sleeps where it can be frozen, until killed.
    async fn asleep(cx: Cx) {
        let forever = cx.with(|state| state.forever);
        freezable_wait(&cx, forever, Reason::Forever).await;
        do_group_exit(&cx).await;
    }

    fn exits(machine: &Machine) -> Vec<(u64, TaskId)> {
        let events = machine.events().into_iter();
        let exits = events.filter(|(.., event)| matches!(event, Event::ProcessExit { .. }));
        exits.map(|(ms, task, _)| (ms, task)).collect()
    }

    #[test]
    fn sigkill_waits_for_the_thaw_but_the_oom_killers_does_not() {
        for (by_oom, exits_at) in [(false, 500), (true, 100)] {
            let mut machine = Machine::new("6.1");
            let frozen = machine.process(&Proc::of(100, 500), asleep);
            machine.kthread(move |cx| async move {
                freezer_change_state(&cx, frozen, true);
                sleep_ms(&cx, 100).await;
                if by_oom {
                    assert!(call_oom(&cx, GLOBAL).await);
                } else {
                    send_sigkill(&cx, frozen);
                }
                sleep_ms(&cx, 400).await;
                freezer_change_state(&cx, frozen, false);
            });
            machine.run();
            assert_eq!(exits(&machine), [(exits_at, frozen)], "{by_oom}");
        }
    }

    #[test]
    fn other_threads_of_a_victim_stay_frozen_up_to_6_17() {
        for (profile, together) in [("6.1", false), ("6.12", false), ("7.1", true)] {
            let mut machine = Machine::new(profile);
            let frozen = machine.process(&Proc::of(100, 500), asleep);
            let sibling = machine.thread(frozen, asleep);
            machine.kthread(move |cx| async move {
                freezer_change_state(&cx, frozen, true);
                sleep_ms(&cx, 100).await;
                assert!(call_oom(&cx, GLOBAL).await);
                sleep_ms(&cx, 400).await;
                freezer_change_state(&cx, frozen, false);
            });
            machine.run();
            let late = if together { 100 } else { 500 };
            assert_eq!(exits(&machine), [(100, frozen), (late, sibling)], "{profile}");
        }
    }

    #[test]
    fn whoever_refuses_to_freeze_stops_the_suspend_after_twenty_seconds() {
        let mut machine = Machine::new("6.1");
        machine.process(&Proc::of(100, 10), stuck);
        machine.kthread(|cx| async move {
            pm_suspend(&cx, Nanos::from_secs(1)).await;
            assert_eq!(cx.now().0 / 1_000_000_000, 20);
            assert!(!cx.with(|state| state.freezer.pm_freezing), "thawed again");
        });
        machine.kthread(|cx| async move {
            sleep_ms(&cx, 500).await;
            assert!(cx.with(|state| state.freezer.pm_freezing && !state.oom_killer_disabled));
        });
        machine.run();
        assert!(killed(&machine).is_empty());
    }
}
