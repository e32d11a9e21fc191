//! Who stalls on memory (pressure stall information).
//!
//! Mirrors kernel/sched/psi.c: `psi_memstall_enter()`,
//! `psi_memstall_leave()`, Linux 6.1 (kernel-spec 7.5). The flag is per
//! task and does not nest: only the outermost section counts. Left out:
//! the averages, which readers of the record compute.

use super::cx::Cx;
use crate::record::Event;

/// Whether the task stalled before: what `pflags` carries from
/// `psi_memstall_enter()` to `psi_memstall_leave()`.
#[derive(Copy, Clone)]
#[must_use]
pub(super) struct PsiFlags(bool);

/// `psi_memstall_enter()`.
pub(super) fn psi_memstall_enter(cx: &Cx) -> PsiFlags {
    let before = cx.with(|state| std::mem::replace(&mut state.tasks[cx.task()].memstall, true));
    if !before {
        cx.record(Event::MemstallEnter {});
    }
    PsiFlags(before)
}

/// `psi_memstall_leave()`.
pub(super) fn psi_memstall_leave(cx: &Cx, pflags: PsiFlags) {
    if !pflags.0 {
        cx.with(|state| state.tasks[cx.task()].memstall = false);
        cx.record(Event::MemstallLeave {});
    }
}
