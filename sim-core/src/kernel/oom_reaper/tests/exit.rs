//! The victim that exits meanwhile, or reaps itself (kernel-spec 3.7).

use super::*;

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
            super::super::push(&cx, victim);
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
            super::super::set_oom_skip(&cx, mm, SkipBy::Exit);
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
