//! How a task ends.
//!
//! Mirrors kernel/exit.c: `do_exit()`, `exit_mm()`, `do_group_exit()`,
//! and kernel/fork.c: `mmput()`, Linux 6.1 (kernel-spec 7.1). The mm goes
//! before the files, so a device file that a process holds closes only
//! when its memory is gone.

use super::cx::Cx;
use super::mmap::exit_mmap;
use super::mmu_notifier::unregister_all;
use super::oom_kill::exit_oom_victim;
use super::signal::kill_threads;
use crate::base::MmId;
use crate::engine::Hold;
use crate::record::{Event, Func, Reason};

/// `do_group_exit()`: the whole process ends.
pub async fn do_group_exit(cx: &Cx) {
    let leader = cx.with(|state| state.tasks[cx.task()].leader);
    kill_threads(cx, leader);
    do_exit(cx).await;
}

/// `do_exit()`.
pub async fn do_exit(cx: &Cx) {
    let _in = cx.enter(Func::DoExit);
    let (last, ready) = cx.with(|state| {
        let leader = state.tasks[cx.task()].leader;
        state.tasks[cx.task()].exiting = true;
        let group = state.group(leader);
        group.live -= 1;
        (group.live == 0, group.ready)
    });
    if last {
        // Whoever waits for it to be ready waits in vain.
        cx.wake_all(ready);
    }
    let mm = exit_mm(cx).await;
    cx.record(Event::ProcessExit {});
    // exit_files(): threads share the files, the last one closes them.
    if let Some(mm) = mm
        && last
    {
        unregister_all(cx, mm).await;
    }
}

/// `exit_mm()`: lets go of the mm; the last user tears it down.
async fn exit_mm(cx: &Cx) -> Option<MmId> {
    let _in = cx.enter(Func::ExitMm);
    let mm = cx.mm()?;
    let mmap_lock = cx.with(|state| state.mms[mm].mmap_lock);
    cx.lock(mmap_lock, Hold::Shared, Reason::MmapLock).await;
    cx.with(|state| state.tasks[cx.task()].mm = None);
    cx.unlock(mmap_lock);
    mmput(cx, mm).await;
    exit_oom_victim(cx);
    Some(mm)
}

/// `mmput()` and `__mmput()`.
async fn mmput(cx: &Cx, mm: MmId) {
    let last = cx.with(|state| {
        let mm = &mut state.mms[mm];
        mm.mm_users -= 1;
        mm.mm_users == 0
    });
    if last {
        let _in = cx.enter(Func::Mmput);
        exit_mmap(cx, mm).await;
    }
}
