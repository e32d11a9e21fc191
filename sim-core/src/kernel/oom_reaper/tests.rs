//! Queueing, attempts, and the eras of the reaper and of `exit_mmap()`.

use super::queue_oom_reaper;
use crate::base::{DeviceId, MmId, Nanos, TaskId, ZoneId};
use crate::engine::{Hold, Signals};
use crate::kernel::exit::do_exit;
use crate::kernel::fork::AnonShare;
use crate::kernel::memory::{FaultError, fault_in};
use crate::kernel::mm::Backing::{Anonymous, Hugetlb, Pfnmap, PrivateFile, SharedFile, Shmem};
use crate::kernel::mm::{Access, Shared};
use crate::kernel::mmu_notifier::register;
use crate::kernel::plugin::{Api, Approach, Ops};
use crate::kernel::testing::{Log, Machine, Probe};
use crate::kernel::zone::Use;
use crate::record::{Event, MnEvent, Reason, SkipBy};

/// Queues victims at time zero, in this order.
fn queue(bench: &Machine, victims: &[TaskId]) {
    let victims = victims.to_vec();
    for &victim in &victims {
        bench.mark(victim);
    }
    bench.task("killer", None, |cx| async move {
        for victim in victims {
            queue_oom_reaper(&cx, victim);
        }
    });
}

/// One victim that stays, with these VMAs.
fn one(profile: &str, vmas: &[(crate::kernel::mm::Backing, u64)]) -> (Machine, MmId, TaskId) {
    let bench = Machine::with_devices(profile, Approach::NonBlocking, &[]);
    let mm = bench.mm(vmas);
    let victim = bench.sitter("victim", mm);
    (bench, mm, victim)
}

fn skip_by(log: &Log) -> Vec<SkipBy> {
    let set = log.records().filter_map(|record| match record.event {
        Event::OomSkipSet { by, .. } => Some(by),
        _ => None,
    });
    set.collect()
}

#[test]
fn last_victim_queued_is_the_first_reaped() {
    let bench = Machine::with_devices("4.19", Approach::NonBlocking, &[]);
    let victims = [100, 200, 300].map(|pages| {
        let mm = bench.mm(&[(Anonymous, pages)]);
        bench.sitter("victim", mm)
    });
    queue(&bench, &victims);
    let log = bench.into_log();
    let reaped: Vec<_> = log
        .records()
        .filter_map(|record| match record.event {
            Event::StartTaskReaping { victim } => Some(victim),
            _ => None,
        })
        .collect();
    assert_eq!(reaped, [victims[2], victims[1], victims[0]]);
    assert_eq!(
        log.when(|event| matches!(event, Event::OomSkipSet { .. })).last().expect("3").0,
        3_300
    );
}

#[test]
fn mm_is_queued_once_where_it_has_the_bit_and_a_task_once_where_not() {
    for (profile, wakes) in [("5.3", 1), ("4.19", 2)] {
        let (bench, mm, victim) = one(profile, &[(Anonymous, 100)]);
        let sibling = bench.sitter("sibling", mm);
        queue(&bench, &[victim, sibling, sibling]);
        let log = bench.into_log();
        assert_eq!(
            log.count(|event| matches!(event, Event::WakeReaper { .. })),
            wakes,
            "{profile}"
        );
    }
}

/// Up to 4.19 a task is known to be queued by being the first or having one behind it.
#[test]
fn last_of_the_list_is_queued_again_up_to_4_19() {
    for (profile, reaped) in [("5.3", vec![1, 0]), ("4.19", vec![0, 1, 0])] {
        let bench = Machine::with_devices(profile, Approach::NonBlocking, &[]);
        let victims = [100, 200].map(|pages| {
            let mm = bench.mm(&[(Anonymous, pages)]);
            bench.sitter("victim", mm)
        });
        let [first, second] = victims;
        queue(&bench, &[first, second, first]);
        let log = bench.into_log();
        let turned_to = log.records().filter_map(|record| match record.event {
            Event::StartTaskReaping { victim } | Event::SkipTaskReaping { victim } => {
                victims.iter().position(|&one| one == victim)
            }
            _ => None,
        });
        assert_eq!(turned_to.collect::<Vec<_>>(), reaped, "{profile}");
    }
}

/// A delay, which those kernels do not have by themselves, lets two timers be about one task: it
/// must not come to stand behind itself.
#[test]
fn second_timer_of_a_task_finds_it_queued_up_to_4_19() {
    let (bench, mm, victim) = one("4.19", &[(Anonymous, 100)]);
    bench.mark(victim);
    bench.task("timers", None, move |cx| async move {
        super::wake_oom_reaper(&cx, victim, mm);
        super::wake_oom_reaper(&cx, victim, mm);
    });
    let log = bench.into_log();
    assert_eq!(log.count(|event| matches!(event, Event::WakeReaper { .. })), 1);
    assert_eq!(skip_by(&log), [SkipBy::Reaper]);
}

#[test]
fn skip_at_the_end_of_the_delay_silences_the_reaper() {
    let (bench, mm, victim) = one("6.1", &[(Anonymous, 100)]);
    queue(&bench, &[victim]);
    bench.task("other", None, move |cx| async move {
        cx.sleep(Nanos::from_ms(1999), Reason::Pause, Signals::Ignored).await;
        super::set_oom_skip(&cx, mm, SkipBy::Exit);
    });
    let log = bench.into_log();
    assert_eq!(log.count(|event| matches!(event, Event::WakeReaper { .. })), 0);
    assert_eq!(log.zapped_pages(), 0);
}

#[test]
fn walk_goes_up_and_in_7_1_down_and_leaves_what_is_not_the_victims_own() {
    let vmas = [
        (Anonymous, 100),
        (SharedFile, 10),
        (Shmem, 10),
        (Hugetlb, 10),
        (Pfnmap, 10),
        (PrivateFile, 64),
        (Anonymous, 200),
    ];
    let mut up = vec!["vma1", "vma6", "vma7"];
    for profile in ["4.6", "4.19", "6.12", "7.1"] {
        let (bench, _, victim) = one(profile, &vmas);
        queue(&bench, &[victim]);
        if profile == "7.1" {
            up.reverse();
        }
        assert_eq!(bench.into_log().zapped(), up, "{profile}");
    }
}

#[test]
fn locked_memory_is_reaped_since_5_18() {
    for (profile, pages) in [("5.12", 100), ("6.1", 300)] {
        let (bench, mm, victim) = one(profile, &[(Anonymous, 100), (Anonymous, 200)]);
        bench.kernel.with(|state| {
            state.mms[mm].vmas[1].locked = true;
            state.zones[ZoneId(0)].transfer(Use::Anon, Use::Unevictable, 200);
        });
        queue(&bench, &[victim]);
        let log = bench.into_log();
        assert_eq!(log.zapped_pages(), pages, "{profile}");
        assert_eq!(skip_by(&log), [SkipBy::Reaper]);
    }
}

/// Pages that the victim shares since a fork, and has for itself by now: by how many they were unmapped, and
/// what came before the first was free.
fn shared_since_a_fork(pages: u64, free: Option<u64>) -> (Vec<u32>, usize, usize) {
    let tlb =
        Probe { ops: Ops { start: false, secondary_tlb: true, ..Ops::START }, ..Probe::WILLING };
    let devices = [(tlb, Api::Hlist)];
    let bench = Machine::with_devices("4.19", Approach::NonBlocking, &devices);
    let mm = bench.mm(&[(Anonymous, pages)]);
    bench.kernel.with(|state| {
        let anon = std::mem::take(&mut state.mms[mm].vmas[0].anon);
        let share = state.shares.push(AnonShare::new(anon, mm));
        state.shares[share].map(0, pages);
        state.mms[mm].vmas[0].shares.push(Shared { share, from: 0, to: pages });
        let zone = &mut state.zones[ZoneId(0)];
        if let Some(free) = free {
            let rest = zone.pages(Use::Free) - free;
            zone.transfer(Use::Free, Use::Kernel, rest);
        }
    });
    let victim = bench.task("victim", Some(mm), move |cx| async move {
        register(&cx, DeviceId(0), mm, 1 << 30, 2 << 30).await;
        cx.sleep(Nanos::from_secs(50), Reason::Stuck, Signals::Ignored).await;
    });
    bench.mark(victim);
    bench.task("killer", None, move |cx| async move {
        cx.sleep(Nanos::from_ms(1), Reason::Pause, Signals::Ignored).await;
        queue_oom_reaper(&cx, victim);
    });
    let log = bench.into_log();
    let unmapped = log.records().filter_map(|record| match record.event {
        Event::Zap { pages: pages @ 1.., .. } => Some(pages),
        _ => None,
    });
    let unmapped: Vec<_> = unmapped.collect();
    let before = log.records().take_while(|r| !matches!(r.event, Event::Zap { freed: 1.., .. }));
    let before: Vec<_> = before.collect();
    let count = |is: fn(&Event) -> bool| before.iter().filter(|r| is(&r.event)).count();
    let flushes = count(|event| matches!(event, Event::SecondaryTlbFlush { .. }));
    (unmapped, count(|event| matches!(event, Event::Zap { .. })), flushes)
}

#[test]
fn pages_shared_since_a_fork_come_back_with_the_gather_like_others() {
    let (unmapped, before, flushes) = shared_since_a_fork(600, None);
    assert_eq!((unmapped.iter().sum::<u32>(), before, flushes), (600, unmapped.len(), 1));
    assert_eq!(shared_since_a_fork(40, Some(0)), (vec![8; 5], 1, 1), "without memory for batches");
}

#[test]
fn reader_of_what_was_reaped_gets_no_zero_page() {
    for (profile, read) in [("4.6", Ok(1)), ("6.1", Err(FaultError::Sigbus))] {
        let (mut bench, mm, victim) = one(profile, &[(Anonymous, 10)]);
        queue(&bench, &[victim]);
        let reader = bench.task("reader", Some(mm), move |cx| async move {
            cx.sleep(Nanos::from_secs(3), Reason::Pause, Signals::Ignored).await;
            let range = cx.with(|state| state.mms[mm].vmas[0].id);
            assert_eq!(fault_in(&cx, mm, range, 0, 1, Access::Read).await, read, "{profile}");
        });
        bench.run_through(reader);
    }
}

/// A run in which `mmap_lock` is held for writing.
fn locked_out(profile: &str) -> Log {
    let (bench, mm, victim) = one(profile, &[(Anonymous, 100)]);
    bench.task("writer", None, move |cx| async move {
        let mmap_lock = cx.with(|state| state.mms[mm].mmap_lock);
        cx.lock(mmap_lock, Hold::Exclusive, Reason::MmapLock).await;
        cx.sleep(Nanos::from_secs(50), Reason::Stuck, Signals::Ignored).await;
        cx.unlock(mmap_lock);
    });
    queue(&bench, &[victim]);
    bench.into_log()
}

#[test]
fn ten_skips_a_tenth_of_a_second_apart_end_in_giving_up() {
    let log = locked_out("4.19");
    let skips = log.when(|event| matches!(event, Event::SkipTaskReaping { .. }));
    let times: Vec<_> = skips.into_iter().map(|(at, _)| at).collect();
    assert_eq!(times, (0..10).map(|attempt| attempt * 100_000).collect::<Vec<_>>());
    let gave_up = log.when(|event| matches!(event, Event::UnableToReap { .. }));
    assert_eq!(gave_up, [(1_000_000, "oom_reaper".to_owned())]);
    assert_eq!(skip_by(&log), [SkipBy::GiveUp]);
}

#[test]
fn giving_up_changes_nothing_in_4_6() {
    let log = locked_out("4.6");
    assert_eq!(log.count(|event| matches!(event, Event::UnableToReap { .. })), 1);
    assert_eq!(skip_by(&log), []);
}

#[test]
fn success_in_4_6_takes_the_mark_and_the_eligibility_instead_of_skip() {
    for (profile, memdie, adj) in [("4.6", false, -1000), ("4.9", true, 0)] {
        let (bench, _, victim) = one(profile, &[(Anonymous, 100)]);
        queue(&bench, &[victim]);
        let kernel = std::rc::Rc::clone(&bench.kernel);
        let log = bench.into_log();
        let found = kernel.with(|state| {
            (state.tasks[victim].memdie, state.group(victim).oom_score_adj, state.oom_victims)
        });
        assert_eq!(found, (memdie, adj, u32::from(memdie)), "{profile}");
        assert_eq!(skip_by(&log).is_empty(), profile == "4.6");
    }
}

/// What a hand-over comes to in 4.6: give-ups told, `TIF_MEMDIE`, and `oom_score_adj`.
fn handed_over_in_4_6(busy: Nanos, leaves: bool) -> (usize, bool, i16) {
    let slow = Probe { start: busy, ..Probe::REFUSING };
    let bench = Machine::with_devices("4.6", Approach::HandOff, &[(slow, Api::Hlist)]);
    let mm = bench.mm(&[(Anonymous, 100)]);
    let victim = bench.task("victim", Some(mm), move |cx| async move {
        register(&cx, DeviceId(0), mm, 1 << 30, 2 << 30).await;
        cx.sleep(Nanos::from_ms(500), Reason::Pause, Signals::Ignored).await;
        if leaves {
            cx.with(|state| state.tasks[cx.task()].mm = None);
        }
        cx.sleep(Nanos::from_secs(50), Reason::Stuck, Signals::Ignored).await;
    });
    bench.mark(victim);
    bench.task("killer", None, move |cx| async move {
        cx.sleep(Nanos::from_ms(1), Reason::Pause, Signals::Ignored).await;
        queue_oom_reaper(&cx, victim);
    });
    let kernel = std::rc::Rc::clone(&bench.kernel);
    let log = bench.into_log();
    assert_eq!(log.count(|event| matches!(event, Event::HandedOff { .. })), 1);
    let gave_up = log.count(|event| matches!(event, Event::UnableToReap { .. }));
    kernel.with(|state| (gave_up, state.tasks[victim].memdie, state.group(victim).oom_score_adj))
}

#[test]
fn hand_off_in_4_6_ends_like_the_reaper_and_tells_no_give_up_after_that() {
    let (short, long) = (Nanos::from_ms(100), Nanos::from_secs(10));
    assert_eq!(handed_over_in_4_6(short, false), (0, false, -1000), "reaped");
    assert_eq!(handed_over_in_4_6(long, true).0, 0, "its mm is gone");
    // Much later the worker succeeds.
    assert_eq!(handed_over_in_4_6(long, false), (1, false, -1000));
}

#[test]
fn oom_lock_is_held_while_reaping_from_4_9_to_4_18() {
    for (profile, held) in [("4.6", false), ("4.9", true), ("4.16", true), ("4.19", false)] {
        let (bench, _, victim) = one(profile, &[(Anonymous, 2000)]);
        queue(&bench, &[victim]);
        let taken = std::rc::Rc::new(std::cell::Cell::new(None));
        let found = std::rc::Rc::clone(&taken);
        bench.task("allocator", None, move |cx| async move {
            cx.sleep(Nanos::from_us(500), Reason::Pause, Signals::Ignored).await;
            let oom_lock = cx.with(|state| state.oom_lock);
            found.set(Some(cx.try_lock(oom_lock, Hold::Exclusive)));
        });
        bench.into_log();
        assert_eq!(taken.get(), Some(!held), "{profile}");
    }
}

#[test]
fn attempt_that_fails_lets_go_of_oom_lock_before_its_pause() {
    let log = locked_out("4.9");
    let held = log.when(|event| matches!(event, Event::Acquired { lock, .. } if lock.0 == 0));
    let let_go = log.when(|event| matches!(event, Event::Released { lock } if lock.0 == 0));
    assert_eq!((held.len(), &held), (10, &let_go), "no time in between");
}

/// A victim that exits by itself 500 us after it was queued, while the
/// reaper needs 1 ms for its 2000 pages.
fn exits_meanwhile(profile: &str, devices: &[(Probe, Api)]) -> (Log, u64) {
    exits_under(profile, Approach::NonBlocking, devices)
}

fn exits_under(profile: &str, approach: Approach, devices: &[(Probe, Api)]) -> (Log, u64) {
    let bench = Machine::with_devices(profile, approach, devices);
    let mm = bench.mm(&[(Anonymous, 2000), (Shmem, 10)]);
    let count = u32::try_from(devices.len()).expect("few");
    let victim = bench.task("victim", Some(mm), move |cx| async move {
        for device in (0..count).map(crate::base::DeviceId) {
            register(&cx, device, mm, 1 << 30, 2 << 30).await;
        }
        let delay = Nanos::from_us(500) + Nanos::from_secs(1);
        cx.sleep(delay, Reason::Pause, Signals::Ignored).await;
        do_exit(&cx).await;
    });
    let kernel = std::rc::Rc::clone(&bench.kernel);
    let ahead = kernel.switches.reaper_delay_hz;
    bench.mark(victim);
    // So that the reaper starts a second after the run, whatever its delay.
    bench.task("killer", None, move |cx| async move {
        if ahead == 0 {
            cx.sleep(Nanos::from_secs(1), Reason::Pause, Signals::Ignored).await;
            queue_oom_reaper(&cx, victim);
        } else {
            super::push(&cx, victim);
        }
    });
    let log = bench.into_log();
    let free = kernel.with(|state| state.zones[crate::base::ZoneId(0)].free());
    (log, free)
}

fn at(log: &Log, is: impl Fn(&Event) -> bool) -> (u64, String) {
    log.when(is).first().cloned().expect("it happened")
}

#[test]
fn reaper_that_pins_the_mm_leaves_its_end_to_a_worker() {
    let (log, free) = exits_meanwhile("4.9", &[]);
    let (finish, _) = at(&log, |event| matches!(event, Event::FinishTaskReaping { .. }));
    let (exit, by) = at(&log, |event| matches!(event, Event::ExitMmap { .. }));
    assert_eq!((finish, exit, by.as_str()), (1_002_000, 1_002_000, "mmput_async/0"));
    assert_eq!(free, 1_000_000, "all pages are free again");
}

/// `tlb_finish_mmu()` is the last step: what the gather still holds comes free after the page tables.
#[test]
fn last_pages_come_free_behind_skip_where_exit_sets_it_before_the_page_tables_go() {
    for (profile, behind) in [("4.9", false), ("4.14", true), ("6.1", true)] {
        let bench = Machine::with_devices(profile, Approach::NonBlocking, &[]);
        let mm = bench.mm(&[(Anonymous, 2000), (Anonymous, 100)]);
        let victim = bench.task("victim", Some(mm), |cx| async move { do_exit(&cx).await });
        bench.mark(victim);
        let log = bench.into_log();
        let (skip, _) = at(&log, |event| matches!(event, Event::OomSkipSet { .. }));
        let frees = log.when(|event| matches!(event, Event::Zap { freed: 1.., .. }));
        // All in one gather: 5 batches of up to 509 pages, and what lies in the second VMA.
        assert_eq!(frees.len(), 5, "{profile}");
        assert_eq!(frees.iter().all(|&(at, _)| at > skip), behind, "{profile}: {frees:?} {skip}");
        assert_eq!(frees.iter().all(|&(at, _)| at <= skip), !behind, "{profile}");
    }
}

/// A gather of its own for each VMA frees its pages before the next one is looked at.
#[test]
fn pages_of_the_first_vma_wait_for_those_of_the_second_up_to_4_9() {
    for (profile, waits) in [("4.9", true), ("4.14", false)] {
        let (bench, _, victim) = one(profile, &[(Anonymous, 100), (Anonymous, 100)]);
        queue(&bench, &[victim]);
        let log = bench.into_log();
        let (last, _) =
            log.when(|event| matches!(event, Event::Zap { pages: 1.., .. })).pop().expect("zaps");
        let (first, _) = at(&log, |event| matches!(event, Event::Zap { freed: 1.., .. }));
        assert_eq!(first >= last, waits, "{profile}: freed at {first}, unmapped at {last}");
    }
}

/// SKIP comes from elsewhere while the reaper makes its ten attempts.
#[test]
fn giving_up_what_has_skip_by_now_is_silent_since_4_16() {
    for (profile, says) in [("4.14", 1), ("4.16", 0), ("4.19", 0)] {
        let (bench, mm, victim) = one(profile, &[(Anonymous, 100)]);
        bench.task("writer", None, move |cx| async move {
            let mmap_lock = cx.with(|state| state.mms[mm].mmap_lock);
            cx.lock(mmap_lock, Hold::Exclusive, Reason::MmapLock).await;
            cx.sleep(Nanos::from_ms(500), Reason::Stuck, Signals::Ignored).await;
            super::set_oom_skip(&cx, mm, SkipBy::Exit);
            cx.sleep(Nanos::from_secs(50), Reason::Stuck, Signals::Ignored).await;
            cx.unlock(mmap_lock);
        });
        queue(&bench, &[victim]);
        let log = bench.into_log();
        let said = log.count(|event| matches!(event, Event::UnableToReap { .. }));
        assert_eq!(said, says, "{profile}");
    }
}

#[test]
fn exit_drains_the_reaper_before_it_frees_page_tables() {
    let (log, free) = exits_meanwhile("4.14", &[]);
    let (exit, by) = at(&log, |event| matches!(event, Event::ExitMmap { .. }));
    assert_eq!((exit, by.as_str()), (1_000_500, "victim"));
    let (finish, _) = at(&log, |event| matches!(event, Event::FinishTaskReaping { .. }));
    let (done, _) = at(&log, |event| matches!(event, Event::ExitMmapDone { .. }));
    assert!(done >= finish, "{done} {finish}");
    assert_eq!((log.zapped_pages(), free), (2010, 1_000_000), "each page once");
}

#[test]
fn victim_reaps_itself_from_4_16_to_5_17() {
    let probes = [(Probe::WILLING, Api::Interval)];
    for (profile, itself) in [("4.14", 0), ("5.6", 1), ("5.12", 1), ("6.1", 0)] {
        let (log, _) = exits_meanwhile(profile, &probes);
        let calls = log.when(|event| matches!(event, Event::MnCall { blockable: false, .. }));
        let own = calls.iter().filter(|(_, by)| by == "victim").count();
        assert_eq!(own, itself, "{profile}: {calls:?}");
    }
}

#[test]
fn victim_that_reaps_itself_may_sleep_where_no_flag_forbids_it() {
    let probes = [(Probe::WILLING, Api::Interval)];
    for (approach, forbidden) in [(Approach::NonBlocking, 1), (Approach::Blocking, 0)] {
        let (log, _) = exits_under("5.6", approach, &probes);
        let calls = log.when(|event| matches!(event, Event::MnCall { blockable: false, .. }));
        let own = calls.iter().filter(|(_, by)| by == "victim").count();
        assert_eq!(own, forbidden, "{approach:?}");
    }
}

#[test]
fn victim_whose_mm_went_between_attempts_is_done_with_in_4_6() {
    let (bench, mm, victim) = one("4.6", &[(Anonymous, 100)]);
    let lock = bench.kernel.with(|state| state.mms[mm].mmap_lock);
    bench.task("writer", None, move |cx| async move {
        cx.lock(lock, Hold::Exclusive, Reason::MmapLock).await;
        cx.sleep(Nanos::from_ms(50), Reason::Pause, Signals::Ignored).await;
        cx.unlock(lock);
        cx.with(|state| state.tasks[victim].mm = None);
    });
    queue(&bench, &[victim]);
    let kernel = std::rc::Rc::clone(&bench.kernel);
    let log = bench.into_log();
    assert_eq!(log.count(|event| matches!(event, Event::SkipTaskReaping { .. })), 1);
    assert_eq!(log.count(|event| matches!(event, Event::StartTaskReaping { .. })), 0);
    assert_eq!(log.count(|event| matches!(event, Event::UnableToReap { .. })), 0);
    // Nothing was reaped, so nothing makes up for it: TIF_MEMDIE is the exit's to clear.
    kernel.with(|state| {
        assert!(state.tasks[victim].memdie);
        assert_eq!(state.group(victim).oom_score_adj, 0);
    });
}

#[test]
fn victim_reaps_itself_under_oom_lock_in_4_16() {
    for (profile, locks) in [("4.16", 1), ("4.19", 0)] {
        let (log, free) = exits_meanwhile(profile, &[]);
        let taken = log.when(|event| matches!(event, Event::Acquired { lock, .. } if lock.0 == 0));
        let own = taken.iter().filter(|(_, by)| by == "victim").count();
        assert_eq!((own, free), (locks, 1_000_000), "{profile}");
    }
}

#[test]
fn exit_and_reaper_unmap_side_by_side_since_6_1() {
    let bench = Machine::with_devices("6.1", Approach::NonBlocking, &[]);
    let mm = bench.mm(&[(Anonymous, 20_000)]);
    let victim = bench.task("victim", Some(mm), |cx| async move {
        cx.sleep(Nanos::from_us(2_000_500), Reason::Pause, Signals::Ignored).await;
        do_exit(&cx).await;
    });
    queue(&bench, &[victim]);
    let log = bench.into_log();
    let by = |name: &str| {
        let zaps = log.when(|event| matches!(event, Event::Zap { .. }));
        zaps.into_iter().filter(|(_, by)| by == name).map(|(at, _)| at).collect::<Vec<_>>()
    };
    let (reaper, victim) = (by("oom_reaper"), by("victim"));
    assert!(victim[0] < *reaper.last().expect("zaps"), "they overlap");
    assert_eq!(log.zapped_pages(), 20_000, "each page once");
}

#[test]
fn interval_subscribers_hear_of_an_exit_twice() {
    let (log, _) =
        exits_meanwhile("6.1", &[(Probe::WILLING, Api::Interval), (Probe::WILLING, Api::Hlist)]);
    let exit: Vec<_> = log
        .records()
        .filter_map(|record| match record.event {
            Event::MnCall { notifier, blockable: true, event, .. } => Some((notifier.0, event)),
            _ => None,
        })
        .collect();
    assert_eq!(exit, [(0, MnEvent::Release), (0, MnEvent::Unmap)], "the list is empty by then");
}
