//! SIGKILL.
//!
//! Mirrors kernel/signal.c: `do_send_sig_info()` to a thread group and
//! `get_signal()`, Linux 6.1. There are no other signals.

use super::cx::Cx;
use super::freezer::{signal_wake_up, try_to_freeze};
use crate::base::TaskId;
use crate::record::{Event, Func};

/// `do_send_sig_info(SIGKILL, SEND_SIG_PRIV, leader, PIDTYPE_TGID)`.
pub(super) fn send_sigkill(cx: &Cx, leader: TaskId) {
    cx.record(Event::SignalGenerate { target: leader });
    kill_threads(cx, leader);
}

/// `kill(2)` with SIGKILL: whether there was such a process.
pub fn kill_process(cx: &Cx, leader: TaskId) -> bool {
    let alive = cx.with(|state| state.tasklist.contains(&leader) && state.group(leader).live > 0);
    if alive {
        send_sigkill(cx, leader);
    }
    alive
}

/// `zap_other_threads()` and `complete_signal()`: every thread is to die.
pub(super) fn kill_threads(cx: &Cx, leader: TaskId) {
    let threads = cx.with(|state| {
        let group = state.group(leader);
        group.group_exit = true;
        group.threads.clone()
    });
    for thread in threads {
        if !cx.with(|state| state.tasks[thread].exiting) {
            signal_wake_up(cx, thread);
        }
    }
}

/// `get_signal()`: a killed task sees it on its way to user mode.
pub async fn get_signal(cx: &Cx) {
    let _in = cx.enter(Func::GetSignal);
    try_to_freeze(cx).await;
    cx.record(Event::SignalDeliver {});
    cx.cpu(cx.costs().signal).await;
}
