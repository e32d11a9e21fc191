//! Who stalls on memory (pressure stall information).
//!
//! Mirrors kernel/sched/psi.c: `psi_memstall_enter()`,
//! `psi_memstall_leave()`, Linux 6.1 (kernel-spec 7.5). The flag is per
//! task and does not nest: only the outermost section counts. Totals and
//! averages are computed by readers of the record; who is woken by pressure
//! is the business of `trigger`.

mod trigger;

use super::cx::Cx;
use crate::record::Event;

use trigger::psi_task_change;
pub use trigger::{PsiGroup, PsiState, psi_trigger_create, psi_trigger_poll};

/// Whether the task stalled before: what `pflags` carries from
/// `psi_memstall_enter()` to `psi_memstall_leave()`.
#[derive(Copy, Clone)]
#[must_use]
pub(super) struct PsiFlags(bool);

/// `psi_memstall_enter()`.
pub(super) fn psi_memstall_enter(cx: &Cx) -> PsiFlags {
    let (before, watched) = cx.with(|state| {
        let before = std::mem::replace(&mut state.tasks[cx.task()].memstall, true);
        (before, state.psi.is_some())
    });
    if !before {
        cx.record(Event::MemstallEnter {});
        if watched {
            psi_task_change(cx, true);
        }
    }
    PsiFlags(before)
}

/// `psi_memstall_leave()`.
pub(super) fn psi_memstall_leave(cx: &Cx, pflags: PsiFlags) {
    if !pflags.0 {
        let watched = cx.with(|state| {
            state.tasks[cx.task()].memstall = false;
            state.psi.is_some()
        });
        cx.record(Event::MemstallLeave {});
        if watched {
            psi_task_change(cx, false);
        }
    }
}
