//! Core dumps: a process that crashes writes its memory to a file first.
//!
//! Mirrors fs/coredump.c: `do_coredump()`, `coredump_wait()`,
//! `zap_threads()`, `zap_process()`, `dump_user_range()`,
//! `coredump_finish()`, and kernel/exit.c: `coredump_task_exit()`, Linux 4.6
//! to 7.1 (kernel-spec 1.2, 1.7, 2.5, 7.1). While the dump lasts nobody believes
//! that the process will free its memory soon, and the dumper's requests kill
//! nobody. Up to 5.15 a dump stops everybody who uses the mm, other processes
//! too, and they wait in `exit_mm()`, when they count as exiting already. Left
//! out: pipes, limits of size, what is not dumped.

use super::cx::Cx;
use super::filemap::{charge_gfp, filemap_add_folio};
use super::fs_writeback::mark_inode_dirty;
use super::page_alloc::alloc_pages;
use super::page_writeback::balance_dirty_pages_ratelimited;
use super::state::{CoreState, State};
use super::writeback::Owner;
use super::zone::Use;
use crate::base::{MmId, TaskId};
use crate::engine::{Hold, Signals, Waited};
use crate::record::{Event, Func, Gfp, Reason};

/// Pages written at a time: as long as a request may stand for several.
const CHUNK: u64 = 256;

/// `do_coredump()`: returns when the dump is written or was cut short by
/// SIGKILL; the caller is to exit.
pub async fn do_coredump(cx: &Cx) {
    let _in = cx.enter(Func::DoCoredump);
    let Some(mm) = cx.mm() else { return };
    let leader = cx.with(|state| state.tasks[cx.task()].leader);
    if !coredump_wait(cx, leader, mm).await {
        return;
    }
    dump_user_range(cx, mm).await;
    coredump_finish(cx, leader, mm);
}

/// `coredump_wait()`: all others are to stop. Whether there will be a dump.
async fn coredump_wait(cx: &Cx, leader: TaskId, mm: MmId) -> bool {
    let engine = &cx.kernel().engine;
    let mmap_lock = cx.with(|state| state.mms[mm].mmap_lock);
    let whole_mm = cx.kernel().switches.dump_stops_whole_mm;
    let why = Reason::MmapLockKillable;
    if whole_mm && cx.lock_killable(mmap_lock, Hold::Exclusive, why).await == Waited::Killed {
        return false;
    }
    let (startup, dumped) = (engine.new_queue(), engine.new_queue());
    let core = CoreState { nr_threads: 0, startup, dumped };
    let stopped = zap_threads(cx, leader, mm, core);
    if whole_mm {
        cx.unlock(mmap_lock);
    }
    if !stopped {
        return false;
    }
    let left = || cx.with(|state| state.group(leader).core_state.map_or(0, |core| core.nr_threads));
    while left() > 0 {
        cx.wait(startup, Reason::CoreDumpStart, Signals::Ignored).await;
    }
    true
}

/// `zap_threads()`: kills who is to stop; not if somebody was faster (`signal_group_exit()`).
fn zap_threads(cx: &Cx, leader: TaskId, mm: MmId, core: CoreState) -> bool {
    if cx.with(|state| state.group(leader).group_exit) {
        return false;
    }
    cx.record(Event::CoreDump {});
    let whole_mm = cx.kernel().switches.dump_stops_whole_mm;
    let others = cx.with(|state| {
        state.tasks[cx.task()].dumpcore = true;
        let mut others = zap_process(state, leader, cx.task(), whole_mm);
        if whole_mm {
            state.mms[mm].core_dumper = Some(leader);
            let processes = state.processes().filter(|&(other, _)| other != leader);
            let sharers = processes.filter(|(_, group)| state.process_shares_mm(group, mm));
            let sharers: Vec<_> = sharers.map(|(other, _)| other).collect();
            for other in sharers {
                others.extend(zap_process(state, other, cx.task(), whole_mm));
                state.group(other).dumped_along = true;
            }
        }
        let nr_threads = u32::try_from(others.len()).unwrap_or(u32::MAX);
        state.group(leader).core_state = Some(CoreState { nr_threads, ..core });
        others
    });
    for thread in others {
        cx.kernel().engine.kill(thread);
    }
    true
}

/// `zap_process()`: the threads of a process that are to stop: those that have not come by the
/// place where they would, which is in `exit_mm()` or before it.
fn zap_process(state: &mut State, leader: TaskId, dumper: TaskId, in_exit_mm: bool) -> Vec<TaskId> {
    let group = state.group(leader);
    group.group_exit = true;
    let threads = group.threads.clone();
    let stops = |thread: &TaskId| {
        let task = &state.tasks[*thread];
        *thread != dumper && if in_exit_mm { task.mm.is_some() } else { !task.exiting }
    };
    threads.into_iter().filter(stops).collect()
}

/// `dump_user_range()` for all VMAs: what is present goes to page cache.
async fn dump_user_range(cx: &Cx, mm: MmId) {
    let mut left = cx.with(|state| state.mms[mm].anon_pages());
    // dump_interrupted()
    while left > 0 && !cx.fatal_signal_pending() {
        let want = left.min(CHUNK);
        let Some(pages) = alloc_pages(cx, Gfp::HIGHUSER_MOVABLE, 0, want).await else { return };
        let memcg = cx.with(|state| state.mm_cgroup(mm));
        let gfp = charge_gfp(cx);
        let Some(pages) = filemap_add_folio(cx, memcg, gfp, pages).await else { return };
        cx.cpu(cx.costs().page_fault * pages.count()).await;
        mark_inode_dirty(cx, Owner { file: None, memcg }, pages, Use::InFlight);
        balance_dirty_pages_ratelimited(cx, pages.count()).await;
        left -= pages.count();
    }
}

/// `coredump_finish()`: the others may go on exiting.
fn coredump_finish(cx: &Cx, leader: TaskId, mm: MmId) {
    let core = cx.with(|state| {
        state.mms[mm].core_dumper = None;
        state.group(leader).core_state.take()
    });
    if let Some(core) = core {
        cx.wake_all(core.dumped);
    }
}

/// `coredump_task_exit()`: a thread that exits while its process's core is
/// written waits until that is done.
pub(super) async fn coredump_task_exit(cx: &Cx) {
    if cx.kernel().switches.dump_stops_whole_mm {
        return;
    }
    let leader = cx.with(|state| state.tasks[cx.task()].leader);
    let _in = cx.enter(Func::CoredumpTaskExit);
    wait_for_dump(cx, leader).await;
}

/// The same in `exit_mm()` of kernels up to 5.15: for who uses the mm that is written.
pub(super) async fn coredump_in_exit_mm(cx: &Cx, mm: MmId) {
    if let Some(dumper) = cx.with(|state| state.mms[mm].core_dumper) {
        wait_for_dump(cx, dumper).await;
    }
}

/// Tells who dumps the core of `leader`'s process that one more has stopped, and waits for it.
async fn wait_for_dump(cx: &Cx, leader: TaskId) {
    let dumping = |cx: &Cx| {
        cx.with(|state| {
            let dumps = state.tasks[cx.task()].dumpcore;
            state.group(leader).core_state.as_mut().filter(|_| !dumps).copied()
        })
    };
    let Some(core) = dumping(cx) else { return };
    let all = cx.with(|state| {
        let core = state.group(leader).core_state.as_mut();
        core.is_some_and(|core| {
            core.nr_threads -= 1;
            core.nr_threads == 0
        })
    });
    if all {
        cx.wake_all(core.startup);
    }
    while dumping(cx).is_some() {
        cx.wait(core.dumped, Reason::CoreDump, Signals::Ignored).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Nanos;
    use crate::kernel::exit::{do_exit, do_group_exit};
    use crate::kernel::oom_kill::task_will_free_mem;
    use crate::kernel::testing::{
        GLOBAL, Machine, Proc, call_oom, idle, killed, results, sleep_ms,
    };
    use crate::record::OomResult;

    /// A process of 100 pages that dumps its core from 0 ms on, a page a ms;
    /// its other thread is idle.
    fn machine() -> (Machine, TaskId) {
        let mut machine = Machine::with_cost("6.1", "page_fault", Nanos::from_ms(1));
        let crashed = machine.process(&Proc::of(100, 100), |cx| async move {
            do_coredump(&cx).await;
            do_group_exit(&cx).await;
        });
        machine.thread(crashed, |cx| async move {
            let forever = cx.with(|state| state.forever);
            cx.wait(forever, Reason::Forever, Signals::Killable).await;
            do_exit(&cx).await;
        });
        let _ = &mut machine;
        (machine, crashed)
    }

    fn exits(machine: &Machine) -> Vec<u64> {
        let exits = machine.events().into_iter();
        exits
            .filter(|(.., event)| matches!(event, Event::ProcessExit { .. }))
            .map(|(ms, ..)| ms)
            .collect()
    }

    #[test]
    fn other_threads_exit_when_the_dump_is_written() {
        let (mut machine, _) = machine();
        machine.run();
        assert_eq!(exits(&machine), [100, 100]);
        // Dirty at first, it is sent to the disk when it is old enough.
        let cache = machine.with(|state| {
            let zone = &state.zones[crate::base::ZoneId(0)];
            zone.pages(Use::Dirty) + zone.pages(Use::Writeback)
        });
        assert_eq!(cache, 100);
    }

    #[test]
    fn who_dumps_core_is_no_reason_to_wait_but_can_be_killed() {
        let (mut machine, crashed) = machine();
        machine.process(&Proc::of(101, 1), |cx| async move {
            cx.sleep(Nanos::from_ms(30), Reason::Sleep, Signals::Ignored).await;
            call_oom(&cx, GLOBAL).await;
            idle(cx).await;
        });
        machine.run();
        // Were it seen to be exiting, it would be marked without a line.
        assert_eq!(killed(&machine), [crashed]);
        assert_eq!(results(&machine), [(OomResult::Killed, Some(crashed))]);
        assert!(exits(&machine)[0] < 200, "SIGKILL ends the dump");
    }

    #[test]
    fn its_requests_kill_nobody() {
        let mut machine = Machine::new("6.1");
        let victim = machine.process(&Proc::of(100, 50_000), idle);
        machine.process(&Proc { adj: -1000, ..Proc::of(101, 10) }, move |cx| async move {
            cx.with(|state| {
                state.tasks[cx.task()].dumpcore = true;
                let zone = &mut state.zones[crate::base::ZoneId(0)];
                let free = zone.free();
                zone.transfer(Use::Free, Use::Reserved, free);
            });
            assert!(alloc_pages(&cx, Gfp::KERNEL, 0, 1).await.is_none());
            assert!(cx.with(|state| state.group(victim).oom_mm.is_none()));
        });
        machine.run();
        assert!(killed(&machine).is_empty());
    }

    #[test]
    fn up_to_5_15_who_waits_for_the_dump_counts_as_exiting() {
        for (profile, exiting) in [("4.6", true), ("5.12", true), ("6.1", false)] {
            let mut machine = Machine::with_cost(profile, "page_fault", Nanos::from_ms(1));
            let crashed = machine.process(&Proc::of(100, 100), |cx| async move {
                do_coredump(&cx).await;
                do_group_exit(&cx).await;
            });
            let thread = machine.thread(crashed, idle);
            machine.kthread(move |cx| async move {
                sleep_ms(&cx, 50).await;
                let is = cx.with(|state| state.tasks[thread].exiting);
                assert_eq!(is, exiting, "{profile}");
            });
            machine.run();
            assert_eq!(exits(&machine), [100, 100], "{profile}");
        }
    }

    #[test]
    fn up_to_5_15_a_dump_stops_all_who_use_the_mm() {
        for (profile, stops) in [("5.12", true), ("6.1", false)] {
            let mut machine = Machine::with_cost(profile, "page_fault", Nanos::from_ms(1));
            let sharer = Proc { shares: Some(TaskId(0)), ..Proc::of(101, 0) };
            machine.process(&Proc::of(100, 100), |cx| async move {
                do_coredump(&cx).await;
                do_group_exit(&cx).await;
            });
            let other = machine.process(&sharer, idle);
            machine.kthread(move |cx| async move {
                sleep_ms(&cx, 50).await;
                cx.with(|state| {
                    let alone = state.tasks[other].mm.is_some() && !state.tasks[other].exiting;
                    assert_eq!(alone, !stops, "{profile}");
                    let will_free = task_will_free_mem(state, cx.kernel().switches, other);
                    assert!(!will_free, "{profile}: while the core is written");
                });
            });
            machine.run();
            let exits = exits(&machine);
            assert_eq!(exits, if stops { &[100, 100][..] } else { &[100] }, "{profile}");
        }
    }

    /// It waits for `mmap_lock` behind the dumper, so it comes by after the count.
    #[test]
    fn who_is_in_exit_mm_already_is_one_of_those_that_stop() {
        for profile in ["5.12", "6.1"] {
            let mut machine = Machine::with_cost(profile, "page_fault", Nanos::from_ms(1));
            let crashed = machine.process(&Proc::of(100, 100), |cx| async move {
                sleep_ms(&cx, 5).await;
                do_coredump(&cx).await;
                do_group_exit(&cx).await;
            });
            machine.thread(crashed, |cx| async move {
                sleep_ms(&cx, 10).await;
                do_exit(&cx).await;
            });
            machine.kthread(move |cx| async move {
                let mmap_lock = cx.with(|state| {
                    let mm = state.tasks[crashed].mm.expect("it has one");
                    state.mms[mm].mmap_lock
                });
                cx.lock(mmap_lock, Hold::Exclusive, Reason::MmapLock).await;
                sleep_ms(&cx, 20).await;
                cx.unlock(mmap_lock);
            });
            machine.run();
            let dumped = if profile == "5.12" { 120 } else { 110 };
            assert_eq!(exits(&machine), [dumped, dumped], "{profile}");
        }
    }
}
