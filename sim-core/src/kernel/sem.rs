//! System V semaphores, as far as they outlive who took them.
//!
//! Mirrors ipc/sem.c: `do_semtimedop()` and `exit_sem()`, Linux 6.1
//! (kernel-spec 7.1): what a process took with `SEM_UNDO` is given back when
//! its last thread exits, after its memory is gone and before its files are
//! closed. A semaphore is an event that its waiters use up. Left out: sets of
//! several, operations by more than one.

use super::completion::{complete, wait_for_completion};
use super::cx::Cx;
use crate::base::{CompletionId, Nanos};
use crate::engine::{Signals, Waited};
use crate::record::Func;

/// `semop(-1, SEM_UNDO)`; SIGKILL ends the wait.
pub async fn semop_down(cx: &Cx, semaphore: CompletionId, timeout: Option<Nanos>) -> Waited {
    let _in = cx.enter(Func::DoSemtimedop);
    let waited = wait_for_completion(cx, semaphore, Signals::Killable, timeout).await;
    if waited == Waited::Granted {
        cx.with(|state| {
            let leader = state.tasks[cx.task()].leader;
            state.group(leader).undo_list.push(semaphore);
        });
    }
    waited
}

/// `semop(+1, SEM_UNDO)`: what is given back now is not given back at exit.
pub fn semop_up(cx: &Cx, semaphore: CompletionId) {
    cx.with(|state| {
        let leader = state.tasks[cx.task()].leader;
        let undo_list = &mut state.group(leader).undo_list;
        if let Some(at) = undo_list.iter().rposition(|&taken| taken == semaphore) {
            undo_list.remove(at);
        }
    });
    complete(cx, semaphore);
}

/// `exit_sem()`, of the last thread.
pub(super) fn exit_sem(cx: &Cx) {
    let undo_list = cx.with(|state| {
        let leader = state.tasks[cx.task()].leader;
        std::mem::take(&mut state.group(leader).undo_list)
    });
    for semaphore in undo_list {
        complete(cx, semaphore);
    }
}
