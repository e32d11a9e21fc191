//! How a task ends.
//!
//! Mirrors kernel/exit.c: `do_exit()`, `exit_mm()`, `do_group_exit()`,
//! and kernel/fork.c: `mmput()`, `mmput_async()`, Linux 4.6 to 7.1
//! (kernel-spec 7.1). The mm goes before the files, so a device file that
//! a process holds closes only when its memory is gone, and pages that
//! the device pins go back later still. Left out: `exit_sem()`, task work.

use super::coredump::coredump_task_exit;
use super::cx::{Cx, NewTask};
use super::fork::complete_vfork_done;
use super::futex::exit_robust_list;
use super::kmem::free_kernel_pages;
use super::memcontrol::cgroup_exit;
use super::mmap::exit_mmap;
use super::mmu_notifier::unregister_all;
use super::oom_kill::exit_oom_victim;
use super::signal::kill_threads;
use crate::base::MmId;
use crate::engine::Hold;
use crate::record::{Event, Func, Reason, TaskKind};

/// `do_group_exit()`: the whole process ends.
pub async fn do_group_exit(cx: &Cx) {
    let leader = cx.with(|state| state.tasks[cx.task()].leader);
    kill_threads(cx, leader);
    do_exit(cx).await;
}

/// `do_exit()`.
pub async fn do_exit(cx: &Cx) {
    let _in = cx.enter(Func::DoExit);
    coredump_task_exit(cx).await;
    let (last, ready, children) = cx.with(|state| {
        let leader = state.tasks[cx.task()].leader;
        state.tasks[cx.task()].exiting = true;
        let group = state.group(leader);
        group.live -= 1;
        // swapoff(2) clears it before it returns, so nobody who is gone has it.
        group.oom_origin &= group.live > 0;
        (group.live == 0, group.ready, group.children)
    });
    if last {
        // Whoever waits for it to be ready, or to be forked by it, waits in vain.
        cx.wake_all(ready);
        cx.wake_all(children);
    }
    exit_mm(cx).await;
    cx.record(Event::ProcessExit {});
    if last {
        exit_files(cx).await;
    }
    cgroup_exit(cx);
    free_kernel_pages(cx);
}

/// `exit_mm()`: lets go of the mm; the last user tears it down. Waits
/// for whoever has the mm's lock for writing, and cannot be killed there.
async fn exit_mm(cx: &Cx) {
    let _in = cx.enter(Func::ExitMm);
    let Some(mm) = cx.mm() else { return };
    // exit_mm_release(): while its memory can still be read, or so one hopes.
    exit_robust_list(cx);
    complete_vfork_done(cx);
    let mmap_lock = cx.with(|state| state.mms[mm].mmap_lock);
    cx.lock(mmap_lock, Hold::Shared, Reason::MmapLock).await;
    cx.with(|state| state.tasks[cx.task()].mm = None);
    cx.unlock(mmap_lock);
    mmput(cx, mm).await;
    // TIF_MEMDIE: only now can nothing more come of this task's death.
    exit_oom_victim(cx);
}

/// `mmput()`.
pub(super) async fn mmput(cx: &Cx, mm: MmId) {
    if put_user(cx, mm) {
        __mmput(cx, mm).await;
    }
}

/// `mmput_async()`: if this was the last user, a worker tears the mm
/// down, so that the caller need not.
pub(super) fn mmput_async(cx: &Cx, mm: MmId) {
    if !put_user(cx, mm) {
        return;
    }
    let worker = NewTask {
        name: format!("mmput_async/{}", mm.0),
        comm: "kworker/0:1".to_owned(),
        pid: 0,
        leader: None,
        kind: TaskKind::Kthread,
        oom_score_adj: 0,
    };
    cx.kernel().spawn(worker, |cx| async move {
        let _in = cx.enter(Func::MmputAsync);
        __mmput(&cx, mm).await;
    });
}

/// Whether that was the last one.
fn put_user(cx: &Cx, mm: MmId) -> bool {
    cx.with(|state| {
        let mm = &mut state.mms[mm];
        mm.mm_users -= 1;
        mm.mm_users == 0
    })
}

/// `__mmput()`.
async fn __mmput(cx: &Cx, mm: MmId) {
    let _in = cx.enter(Func::Mmput);
    exit_mmap(cx, mm).await;
}

/// `exit_files()`: threads share the files, the last one closes them.
async fn exit_files(cx: &Cx) {
    let _in = cx.enter(Func::ExitFiles);
    let leader = cx.with(|state| state.tasks[cx.task()].leader);
    unregister_all(cx, leader).await;
}
