//! Requests that reclaim: swap, throttling, pauses, and what kswapd gives up.

use super::*;

fn swap_of(machine: &Machine, pages: u64) {
    machine.with(|state| {
        let disk: &BlockDevice = &state.disk;
        let mut device = disk.clone();
        device.pages_per_second = 100_000;
        state.swap = Some(Swap { pages, used: 0, device });
    });
}

#[test]
fn anonymous_pages_go_to_swap_and_the_request_is_served() {
    let mut machine = Machine::new("6.1");
    machine.process(&Proc::of(100, 5_000), |cx| async move {
        cx.sleep(Nanos::from_secs(5), Reason::Sleep, Signals::Ignored).await;
    });
    swap_of(&machine, 2_000);
    leave(&machine, 110);
    machine.process(&Proc::of(101, 0), |cx| async move {
        for _ in 0..500 {
            assert!(alloc_pages(&cx, Gfp::KERNEL, 0, 1).await.is_some());
        }
    });
    machine.run();
    let used = machine.with(|state| state.swap.as_ref().map_or(0, |swap| swap.used));
    let swapped: u64 = machine
        .story(|event| match event {
            Event::SwapOut { pages, .. } => Some(u64::from(pages)),
            _ => None,
        })
        .iter()
        .sum();
    assert!(swapped >= 490, "{swapped}");
    assert_eq!(used, swapped);
    let killed = machine.story(|event| matches!(event, Event::MarkVictim { .. }).then_some(()));
    assert!(killed.is_empty());
}

#[test]
fn kswapd_is_hopeless_after_16_failures_until_a_reclaimer_succeeds() {
    let mut machine = Machine::new("6.1");
    leave(&machine, 110);
    machine.kthread(crate::kernel::kswapd);
    machine.process(&Proc::of(100, 0), |cx| async move {
        assert!(alloc_pages(&cx, Gfp::NOWAIT, 0, 1).await.is_some(), "this wakes it");
        sleep_ms(&cx, 1_000).await;
        assert!(cx.with(|state| crate::kernel::kswapd::is_hopeless(state)));
        assert!(alloc_pages(&cx, Gfp::NOWAIT, 0, 1).await.is_some(), "this does not");
        cx.with(|state| state.zones[ZoneId(0)].transfer(Use::Reserved, Use::Clean, 1_000));
        for _ in 0..20 {
            assert!(alloc_pages(&cx, Gfp::KERNEL, 0, 1).await.is_some());
        }
        assert_eq!(cx.with(|state| state.kswapd.failures), 0);
        sleep_ms(&cx, 1_000).await;
        assert!(alloc_pages(&cx, Gfp::NOWAIT, 0, 1).await.is_some());
    });
    machine.run();
    let failures = machine.story(|event| match event {
        Event::KswapdBalanced { reclaimed: 0, failures } => Some(failures),
        _ => None,
    });
    assert_eq!(failures[..16], (1..=16).collect::<Vec<_>>());
    let events = machine.events();
    let when = |is: fn(&Event) -> bool| -> Vec<u64> {
        events.iter().filter(|(.., event)| is(event)).map(|&(ms, ..)| ms).collect()
    };
    let slept = when(|event| matches!(event, Event::KswapdSleep {}));
    assert_eq!(slept[0], 100, "a nap of HZ/10, then sleep");
    let woken = when(|event| matches!(event, Event::WakeupKswapd { .. }));
    assert_eq!(woken[0], 0);
    assert!(woken[1..].iter().all(|&ms| ms > 1_000), "not while it is hopeless: {woken:?}");
}

/// When a task that found half of the reserves gone began to reclaim, in ms.
fn begins_to_reclaim(gfp: Gfp, kill_at: Option<u64>, kthread: bool) -> Vec<u64> {
    let mut machine = Machine::new("6.1");
    leave(&machine, 40);
    let ask = move |cx: Cx| async move {
        let _ = alloc_pages(&cx, gfp.with(Gfp::NORETRY), 0, 1).await;
    };
    let task = if kthread { machine.kthread(ask) } else { machine.process(&Proc::of(100, 0), ask) };
    if let Some(ms) = kill_at {
        machine.kthread(move |cx| async move {
            sleep_ms(&cx, ms).await;
            crate::kernel::signal::send_sigkill(&cx, task);
        });
    }
    machine.run();
    let events = machine.events().into_iter();
    let begun = events
        .filter(|&(_, by, event)| by == task && matches!(event, Event::DirectReclaimBegin { .. }));
    begun.map(|(ms, ..)| ms).collect()
}

#[test]
fn reclaimers_are_throttled_below_half_of_the_reserves() {
    assert_eq!(begins_to_reclaim(Gfp::NOFS, None, false), [1_000], "for HZ at most");
    assert!(begins_to_reclaim(Gfp::KERNEL, None, false).is_empty(), "for ever");
    // Killed: one page pretended, and with NORETRY that was all.
    assert!(begins_to_reclaim(Gfp::KERNEL, Some(500), false).is_empty());
    assert_eq!(begins_to_reclaim(Gfp::KERNEL, None, true), [0], "kernel threads never");
}

#[test]
fn killed_while_throttled_is_progress_and_nobody_else_dies_for_it() {
    let mut machine = Machine::new("6.1");
    leave(&machine, 40);
    machine.process(&Proc::of(101, 0), idle);
    let task = machine.process(&Proc::of(100, 0), |cx| async move {
        assert!(alloc_pages(&cx, Gfp::KERNEL, 0, 1).await.is_none());
        assert_eq!(cx.now().0 / 1_000_000, 500 + 17, "17 rounds of its own, and then the killer");
    });
    machine.kthread(move |cx| async move {
        sleep_ms(&cx, 500).await;
        crate::kernel::signal::send_sigkill(&cx, task);
    });
    machine.run();
    let marked = machine.story(|event| match event {
        Event::MarkVictim { victim, .. } => Some(victim),
        _ => None,
    });
    assert_eq!(marked, [task], "it marks itself");
}

#[test]
fn reclaim_pauses_for_write_back() {
    let mut machine = Machine::new("6.1");
    leave(&machine, 90);
    give(&machine, Use::Writeback, 1_000);
    machine.kthread(crate::kernel::kswapd);
    machine.process(&Proc::of(100, 0), |cx| async move {
        assert!(alloc_pages(&cx, Gfp::KERNEL.with(Gfp::NORETRY), 0, 1).await.is_none());
        assert_eq!(cx.now().0 / 1_000_000, 5, "1 ms of scanning and a jiffy");
    });
    machine.run();
    let throttled = throttled(&machine);
    assert!(throttled.contains(&(100_000, ThrottleReason::Writeback)), "{throttled:?}");
    assert!(throttled.contains(&(4_000, ThrottleReason::NoProgress)), "{throttled:?}");
}

#[test]
fn lists_in_use_are_taken_at_last_since_5_5() {
    for (profile, served) in [("5.4", false), ("5.6", true), ("6.1", true)] {
        let mut machine = Machine::new(profile);
        leave(&machine, 90);
        // More is on the list of what nobody uses, but none of it comes free.
        give(&machine, Use::Writeback, 1_000);
        give(&machine, Use::Clean, 256);
        let mapper = machine.process(&Proc::of(101, 0), idle);
        machine.with(|state| {
            let mut pages = Pages::default();
            pages.0[0] = 256;
            let file = state.files.push(File { pages, cached: 256, ..File::default() });
            let mm = state.tasks[mapper].mm.expect("it has one");
            let vma = &mut state.mms[mm].vmas[0];
            (vma.vm_file, vma.file, vma.touched) = (Some(file), 256, 256);
        });
        let asks = machine.process(&Proc::of(100, 0), move |cx| async move {
            let page = alloc_pages(&cx, Gfp::KERNEL.with(Gfp::NORETRY), 0, 1).await;
            assert_eq!(page.is_some(), served, "{profile}");
        });
        machine.run_through(asks);
    }
}

#[test]
fn pause_ends_when_enough_was_written_or_somebody_gets_on() {
    let mut machine = Machine::new("6.1");
    leave(&machine, 200);
    give(&machine, Use::Writeback, 1_000);
    for reason in [ThrottleReason::Writeback, ThrottleReason::NoProgress] {
        machine.process(&Proc::of(100, 0), move |cx| async move {
            reclaim_throttle(&cx, reason).await;
        });
    }
    machine.kthread(|cx| async move {
        cx.sleep(Nanos::from_us(200), Reason::Sleep, Signals::Ignored).await;
        wake_throttled(&cx, ThrottleReason::NoProgress);
        acct_reclaim_writeback(&cx, 32);
        cx.sleep(Nanos::from_ms(9), Reason::Sleep, Signals::Ignored).await;
        acct_reclaim_writeback(&cx, 1);
    });
    machine.run();
    let delays = machine.events().into_iter().filter_map(|(ms, _, event)| match event {
        Event::Throttled { delayed_us, reason, .. } => Some((ms, delayed_us, reason)),
        _ => None,
    });
    // What is traced is whole jiffies of 4 ms.
    let (first, second) =
        ((0, 0, ThrottleReason::NoProgress), (9, 8_000, ThrottleReason::Writeback));
    assert_eq!(delays.collect::<Vec<_>>(), [first, second]);
}

/// Many pages are off the lists: who reclaims pauses, but for threads of the kernel since 5.16.
#[test]
fn kernel_threads_but_kswapd_do_not_pause_since_5_16() {
    for (profile, is_kthread, pause) in [
        ("5.12", false, Some(100_000)),
        ("5.12", true, Some(100_000)),
        ("6.1", false, Some(20_000)),
        ("6.1", true, None),
    ] {
        let mut machine = Machine::new(profile);
        leave(&machine, 90);
        give(&machine, Use::Writeback, 1_000);
        machine.with(|state| state.lru.isolated = 1_000);
        let ask = |cx: Cx| async move {
            let _ = alloc_pages(&cx, Gfp::KERNEL.with(Gfp::NORETRY), 0, 1).await;
        };
        if is_kthread {
            machine.kthread(ask)
        } else {
            machine.process(&Proc::of(100, 0), ask)
        };
        machine.run();
        let isolated = |&(_, reason): &(u32, _)| reason == ThrottleReason::Isolated;
        let first = throttled(&machine).into_iter().find(isolated);
        assert_eq!(first.map(|(us, _)| us), pause, "{profile} {is_kthread}");
    }
}

/// What it pretends to have reclaimed is progress: no round in vain, no call of the OOM killer.
#[test]
fn killed_in_the_pause_for_isolated_pages_is_progress() {
    let mut machine = Machine::new("6.1");
    leave(&machine, 90);
    give(&machine, Use::Writeback, 1_000);
    machine.with(|state| state.lru.isolated = 1_000);
    let asks = machine.process(&Proc::of(100, 0), |cx| async move {
        let _ = alloc_pages(&cx, Gfp::KERNEL.with(Gfp::NORETRY), 0, 1).await;
    });
    machine.kthread(move |cx| async move {
        sleep_ms(&cx, 3).await;
        crate::kernel::signal::send_sigkill(&cx, asks);
    });
    machine.run_through(asks);
    let reclaimed = machine.story(|event| match event {
        Event::DirectReclaimEnd { reclaimed } => Some(reclaimed),
        _ => None,
    });
    assert_eq!(reclaimed, [32]);
}
