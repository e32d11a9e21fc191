//! How a task ends.
//!
//! Mirrors kernel/exit.c: `do_exit()`, `exit_mm()`, `do_group_exit()`,
//! and kernel/fork.c: `mmput()`, `mmput_async()`, Linux 4.6 to 7.1
//! (kernel-spec 7.1). The mm goes before the files, so a device file that
//! a process holds closes only when its memory is gone, and pages that
//! the device pins go back later still: `exit_files()` only drops the files,
//! `__fput()` runs as task work behind it. Left out: all task work but that.

use super::coredump::{coredump_in_exit_mm, coredump_task_exit};
use super::cx::{Cx, NewTask};
use super::fork::complete_vfork_done;
use super::futex::exit_robust_list;
use super::kmem::free_kernel_pages;
use super::memcontrol::cgroup_exit;
use super::mmap::exit_mmap;
use super::mmu_notifier::{opened_by, unregister};
use super::oom_kill::exit_oom_victim;
use super::sem::exit_sem;
use super::signal::kill_threads;
use crate::base::MmId;
use crate::engine::Hold;
use crate::record::{Event, Func, Reason, TaskKind};

/// `do_group_exit()`: the whole process ends.
pub async fn do_group_exit(cx: &Cx) {
    let leader = cx.with(|state| state.tasks[cx.task()].leader);
    // signal_group_exit(): all have been told, but for one that writes the core.
    if !cx.with(|state| state.group(leader).group_exit) {
        kill_threads(cx, leader);
    }
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
    let first = cx.kernel().switches.traces_exit_first;
    if first {
        cx.record(Event::ProcessExit { group_dead: last });
    }
    exit_mm(cx).await;
    if !first {
        cx.record(Event::ProcessExit { group_dead: last });
    }
    // Threads share the files and the undo list: the last one to come here closes both.
    let closes = cx.with(|state| {
        let leader = state.tasks[cx.task()].leader;
        let group = state.group(leader);
        group.files -= 1;
        group.files == 0
    });
    if closes {
        exit_sem(cx);
        exit_files(cx);
    }
    exit_task_work(cx).await;
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
    if cx.with(|state| state.mms[mm].core_dumper.is_some()) {
        cx.unlock(mmap_lock);
        coredump_in_exit_mm(cx, mm).await;
        cx.lock(mmap_lock, Hold::Shared, Reason::MmapLock).await;
    }
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

/// `exit_files()`: `fput()` leaves the closing of each file to task work.
fn exit_files(cx: &Cx) {
    cx.with(|state| {
        let leader = state.tasks[cx.task()].leader;
        let opened = opened_by(state, leader);
        state.tasks[cx.task()].task_works.extend(opened);
    });
}

/// `exit_task_work()`: device files close at last.
async fn exit_task_work(cx: &Cx) {
    let _in = cx.enter(Func::TaskWorkRun);
    let works = cx.with(|state| std::mem::take(&mut state.tasks[cx.task()].task_works));
    for notifier in works {
        let _in = cx.enter(Func::Fput);
        unregister(cx, notifier).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{DeviceId, Nanos};
    use crate::kernel::completion::Completion;
    use crate::kernel::mm::Backing::Anonymous;
    use crate::kernel::mmu_notifier::register;
    use crate::kernel::plugin::{Api, Approach};
    use crate::kernel::semop_down;
    use crate::kernel::testing::{Machine, Probe, sleep_ms};

    /// A process with a device and a semaphore; its first thread waits in `exit_mm()` to
    /// 50 ms, and its second, which has no mm any longer, exits meanwhile.
    fn two_threads(profile: &str) -> Machine {
        let devices = [(Probe::WILLING, Api::Hlist)];
        let mut machine = Machine::with_devices(profile, Approach::NonBlocking, &devices);
        let mm = machine.mm(&[(Anonymous, 10)]);
        let semaphore = machine.kernel.engine.new_queue();
        let semaphore = machine
            .with(|state| state.completions.push(Completion { wait: semaphore, done: Some(1) }));
        let first = machine.task("first", Some(mm), move |cx| async move {
            register(&cx, DeviceId(0), mm, 1 << 30, 2 << 30).await;
            assert_eq!(semop_down(&cx, semaphore, None).await, crate::engine::Waited::Granted);
            sleep_ms(&cx, 2).await;
            do_exit(&cx).await;
        });
        let second = machine.thread(first, |cx| async move {
            sleep_ms(&cx, 10).await;
            let mm = cx.with(|state| state.tasks[cx.task()].mm.take()).expect("it has one");
            cx.with(|state| state.mms[mm].mm_users -= 1);
            do_exit(&cx).await;
        });
        assert_eq!(machine.with(|state| state.group(first).threads.clone()), [first, second]);
        machine.task("writer", None, move |cx| async move {
            sleep_ms(&cx, 1).await;
            let mmap_lock = cx.with(|state| state.mms[mm].mmap_lock);
            cx.lock(mmap_lock, Hold::Exclusive, Reason::MmapLock).await;
            cx.sleep(Nanos::from_ms(49), Reason::Stuck, crate::engine::Signals::Ignored).await;
            cx.unlock(mmap_lock);
        });
        machine.run();
        machine
    }

    #[test]
    fn the_last_to_come_there_gives_semaphores_back_and_then_closes_files() {
        let machine = two_threads("6.1");
        let told: Vec<_> = machine
            .events()
            .into_iter()
            .filter_map(|(ms, _, event)| match event {
                Event::ExitMmapDone { .. } => Some((ms, "mm")),
                Event::EventSignaled { .. } => Some((ms, "semaphore")),
                Event::NotifierUnregistered { .. } => Some((ms, "file")),
                _ => None,
            })
            .collect();
        assert_eq!(told, [(50, "mm"), (50, "semaphore"), (50, "file")]);
    }

    #[test]
    fn an_exit_is_traced_before_the_memory_goes_since_6_16() {
        for (profile, traced) in
            [("6.12", [(10, true), (50, false)]), ("7.1", [(2, false), (10, true)])]
        {
            let machine = two_threads(profile);
            let events = machine.events().into_iter();
            let exits = events.filter_map(|(ms, _, event)| match event {
                Event::ProcessExit { group_dead } => Some((ms, group_dead)),
                _ => None,
            });
            assert_eq!(exits.filter(|&(ms, _)| ms < 51).collect::<Vec<_>>(), traced, "{profile}");
        }
    }
}
