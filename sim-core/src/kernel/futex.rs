//! Robust futexes: locks in user memory whose owner may die.
//!
//! Mirrors kernel/futex/core.c: `futex_lock_pi()` no further than that a
//! waiter sleeps until the owner lets go, `exit_robust_list()` and
//! `handle_futex_death()`, Linux 6.1 (kernel/futex.c up to 5.15), and what
//! the C library does around them. The word that waiters sleep on lies in
//! memory that processes share, but the list of the locks that a thread
//! owns lies in its own anonymous memory. A dying thread reads it there;
//! where the reaper was faster, the list is gone, and nobody tells the
//! waiters that their owner is dead. Left out: priority inheritance,
//! waits with a time-out, locks that are not robust.

use super::cx::Cx;
use super::memory::fault_in;
use super::mm::Access;
use crate::base::LockId;
use crate::engine::{Hold, Signals, Waited, Why};
use crate::record::{Event, Func, Reason};

/// `pthread_mutex_lock()` of a robust mutex whose list entry is at
/// `entry`: whether it was taken; not if the caller was killed or its
/// memory could not be had.
pub async fn futex_lock(cx: &Cx, lock: LockId, entry: u64) -> bool {
    // The entry is written before the lock is taken (`list_op_pending`).
    let Some(mm) = cx.mm() else { return false };
    let page = cx.with(|state| {
        let vma = state.mms[mm].vma_at(entry)?;
        Some((vma.id, (entry - vma.start) >> 12))
    });
    let Some((range, page)) = page else { return false };
    if fault_in(cx, mm, range, page, 1, Access::Write).await.is_err() {
        return false;
    }
    let _in = cx.enter(Func::FutexWait);
    let why = Why(Reason::Futex as u8);
    // An interruptible wait, and SIGKILL is the only signal there is.
    let engine = &cx.kernel().engine;
    if engine.lock(lock, Hold::Exclusive, why, Signals::Killable).await != Waited::Granted {
        return false;
    }
    cx.with(|state| state.tasks[cx.task()].robust_list.push((lock, entry)));
    true
}

/// `pthread_mutex_unlock()`, if the caller has it.
pub fn futex_unlock(cx: &Cx, lock: LockId) {
    let owned = cx.with(|state| {
        let list = &mut state.tasks[cx.task()].robust_list;
        let at = list.iter().rposition(|&(held, _)| held == lock);
        at.map(|at| list.remove(at)).is_some()
    });
    if owned {
        cx.kernel().engine.unlock(lock);
    } else {
        cx.record(Event::BadUnlock { lock });
    }
}

/// `exit_robust_list()`: lets go of what a dying thread owns, as far as its
/// list can still be read.
pub(super) fn exit_robust_list(cx: &Cx) {
    let Some(mm) = cx.mm() else { return };
    let list = cx.with(|state| std::mem::take(&mut state.tasks[cx.task()].robust_list));
    if list.is_empty() {
        return;
    }
    let _in = cx.enter(Func::ExitRobustList);
    // The head is the lock that was taken last.
    for (lock, entry) in list.into_iter().rev() {
        // fetch_robust_entry(): an access to reaped memory faults, and one fault ends the walk.
        let is_readable = cx.with(|state| {
            let mm = &state.mms[mm];
            let gone = mm.unstable;
            mm.vma_at(entry).is_some_and(|vma| !gone || vma.mapped() > (entry - vma.start) >> 12)
        });
        if !is_readable {
            return;
        }
        // handle_futex_death(): FUTEX_OWNER_DIED, and one waiter is woken.
        cx.kernel().engine.unlock(lock);
    }
}
