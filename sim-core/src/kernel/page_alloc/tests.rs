//! Rows of the GFP table (kernel-spec 1.2), kswapd, swap and write-back
//! on a small machine: min 100, low 125, high 150 pages.

use std::cell::RefCell;
use std::rc::Rc;

use super::*;
use crate::base::IdVec;
use crate::kernel::filemap::File;
use crate::kernel::reclaim_throttle::{acct_reclaim_writeback, reclaim_throttle, wake_throttled};
use crate::kernel::state::{BlockDevice, Swap};
use crate::kernel::testing::{Machine, Proc, idle, killed, sleep_ms, stuck};
use crate::kernel::zone::{Marks, Zone, setup_per_zone_lowmem_reserve};
use crate::record::{CompactResult, ThrottleReason};

/// Leaves `free` pages free; the others are the kernel's own.
fn leave(machine: &Machine, free: u64) {
    machine.with(|state| {
        let zone = &mut state.zones[ZoneId(0)];
        let surplus = zone.free() - free;
        zone.transfer(Use::Free, Use::Reserved, surplus);
    });
}

/// How many single pages a request gets, one after the other, with `free`
/// free, in a process that `set` prepared.
fn taken(profile: &str, gfp: Gfp, free: u64, set: fn(&Cx)) -> u64 {
    let mut machine = Machine::new(profile);
    leave(&machine, free);
    let count = Rc::new(RefCell::new(0));
    let out = Rc::clone(&count);
    machine.process(&Proc::of(100, 0), move |cx| async move {
        set(&cx);
        while alloc_pages(&cx, gfp, 0, 1).await.is_some() {
            *out.borrow_mut() += 1;
        }
    });
    machine.run();
    count.take()
}

#[test]
fn marks_of_requests_that_do_not_reclaim() {
    let plain = |_: &Cx| {};
    assert_eq!(taken("6.1", Gfp::NOWAIT, 200, plain), 100);
    assert_eq!(taken("6.1", Gfp::ATOMIC, 200, plain), 162, "37.5 % of min, rounded up, stays");
    assert_eq!(taken("6.1", Gfp::NOWAIT.with(Gfp::HIGH), 200, plain), 150);
    assert_eq!(taken("6.1", Gfp::KERNEL.with(Gfp::NORETRY), 200, plain), 100);
}

#[test]
fn who_reclaims_takes_everything_and_never_reclaims() {
    let memalloc = |cx: &Cx| cx.with(|state| state.tasks[cx.task()].memalloc = true);
    assert_eq!(taken("6.1", Gfp::KERNEL, 200, memalloc), 200);
    let not = Gfp::KERNEL.with(Gfp::NOMEMALLOC).with(Gfp::NORETRY);
    assert_eq!(taken("6.1", not, 200, memalloc), 100);
}

#[test]
fn request_of_the_reaper_that_may_sleep_leaves_a_record_even_if_it_is_served_at_once() {
    for (is_reaper, gfp, told) in
        [(true, Gfp::KERNEL, 1), (true, Gfp::NOWAIT, 0), (false, Gfp::KERNEL, 0)]
    {
        let mut machine = Machine::new("6.1");
        machine.kthread(move |cx| async move {
            cx.with(|state| state.oom_reaper_th = is_reaper.then(|| cx.task()));
            assert!(alloc_pages(&cx, gfp, 0, 1).await.is_some());
        });
        machine.run();
        let served = |event| matches!(event, Event::AllocServed { .. }).then_some(());
        assert_eq!(machine.story(served).len(), told, "{is_reaper} {gfp:?}");
    }
}

#[test]
fn reserves_of_a_victim_by_era() {
    let mark = |cx: &Cx| {
        cx.with(|state| {
            let mm = state.tasks[cx.task()].mm;
            state.tasks[cx.task()].memdie = true;
            state.group(cx.task()).oom_mm = mm;
        });
    };
    assert_eq!(taken("4.9", Gfp::KERNEL, 200, mark), 200);
    assert_eq!(taken("4.14", Gfp::KERNEL.with(Gfp::NORETRY), 200, mark), 150);
    let high = Gfp::KERNEL.with(Gfp::NORETRY).with(Gfp::HIGH);
    assert_eq!(taken("4.14", high, 200, mark), 150, "the victim's rights take the place of others");
}

#[test]
fn nofail_request_that_found_nothing_digs_as_deep_as_its_kernel_lets_it() {
    for (profile, left) in [("4.9", 150), ("4.14", 75), ("5.12", 75), ("6.1", 50), ("7.1", 50)] {
        let mut machine = Machine::new(profile);
        leave(&machine, 150);
        machine.process(&Proc::of(100, 0), move |cx| async move {
            while nofail(&cx, Gfp::NOFS.with(Gfp::NOFAIL), 0, 1).await.is_some() {}
            assert_eq!(cx.with(|state| state.zones[ZoneId(0)].free()), left, "{profile}");
        });
        machine.run();
    }
}

/// Reclaim gets something each time, of which a block of 16 pages comes at last.
#[test]
fn large_block_that_nobody_may_compact_for_is_asked_for_once_since_6_8_and_in_6_1() {
    for (profile, fails_early) in [("5.12", false), ("6.1", true), ("6.12", true)] {
        let mut machine = Machine::new(profile);
        leave(&machine, 51);
        give(&machine, Use::Clean, 2_000);
        machine.with(|state| {
            let zone = &mut state.zones[ZoneId(0)];
            zone.scattered = zone.free();
        });
        let asks = machine.process(&Proc::of(100, 0), move |cx| async move {
            let gfp = Gfp::NOIO.with(Gfp::RETRY_MAYFAIL);
            let block = alloc_pages(&cx, gfp, 4, 16).await;
            assert_eq!(block.is_none(), fails_early, "{profile}");
        });
        machine.run_through(asks);
        let rounds = machine.story(|e| matches!(e, Event::DirectReclaimBegin { .. }).then_some(()));
        assert_eq!(rounds.len() == 1, fails_early, "{profile}: {}", rounds.len());
    }
}

#[test]
fn scopes_strip_flags() {
    let machine = &mut Machine::new("6.1");
    machine.process(&Proc::of(100, 0), |cx| async move {
        cx.with(|state| state.tasks[cx.task()].memalloc_nofs = true);
        assert_eq!(current_gfp_context(&cx, Gfp::KERNEL), Gfp::NOFS);
        cx.with(|state| state.tasks[cx.task()].memalloc_noio = true);
        assert_eq!(current_gfp_context(&cx, Gfp::KERNEL), Gfp::NOIO);
    });
    machine.run();
}

#[test]
fn retry_mayfail_and_thisnode_fail_without_a_kill() {
    for flag in [Gfp::RETRY_MAYFAIL, Gfp::THISNODE] {
        assert_eq!(taken("5.12", Gfp::KERNEL.with(flag), 200, |_| {}), 100);
    }
}

/// A request that only zone DMA may serve leaves what is above alone, and
/// no reserve keeps zone DMA from it; a request that finds nothing there fails.
#[test]
fn low_memory_comes_from_low_zones_and_nobody_dies_for_it() {
    let mut machine = Machine::new("6.1");
    machine.with(|state| {
        let low = Marks { min: 10, low: 12, high: 15, lowmem_reserve: 50 };
        let mut zones: IdVec<ZoneId, Zone> = IdVec::new();
        let mut dma = Zone::new(100, 100, 0, low);
        dma.kind = ZoneType::Dma;
        zones.push(dma);
        zones.push(state.zones[ZoneId(0)].clone());
        state.zones = zones;
    });
    machine.process(&Proc::of(100, 0), |cx| async move {
        let mut count = 0;
        while alloc_pages(&cx, Gfp::KERNEL.with(Gfp::DMA), 0, 1).await.is_some() {
            count += 1;
        }
        assert_eq!(count, 90);
        let free = cx.with(|state| state.zones[ZoneId(1)].free());
        assert_eq!(free, 100_000);
    });
    machine.run();
    assert!(killed(&machine).is_empty());
}

/// From a request for zone DMA32 zone DMA is kept for what lies in that; from others for what is above, too.
#[test]
fn reserve_of_zone_dma_is_by_the_highest_zone_of_the_request() {
    let mut zones: IdVec<ZoneId, Zone> = IdVec::new();
    for (kind, pages, lowmem_reserve) in [
        (ZoneType::Dma, 4_000, 1_200),
        (ZoneType::Dma32, 51_200, 1_000),
        (ZoneType::Normal, 256_000, 0),
    ] {
        let marks = Marks { min: 10, low: 12, high: 15, lowmem_reserve };
        let mut zone = Zone::new(pages, pages, 0, marks);
        zone.kind = kind;
        zones.push(zone);
    }
    setup_per_zone_lowmem_reserve(&mut zones);
    let kept = |zone, reach| {
        let zone = &zones[ZoneId(zone)];
        zone.free() - zone.takeable(reach, 0, Mark::Min) - zone.min
    };
    assert_eq!(kept(0, ZoneType::Dma), 0);
    assert_eq!(kept(0, ZoneType::Dma32), 200);
    assert_eq!(kept(0, ZoneType::Normal), 1_200);
    assert_eq!(kept(1, ZoneType::Dma32), 0);
    assert_eq!(kept(1, ZoneType::Normal), 1_000);
}

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

/// Gives some of the kernel's own pages another use.
fn give(machine: &Machine, to: Use, pages: u64) {
    machine.with(|state| state.zones[ZoneId(0)].transfer(Use::Reserved, to, pages));
}

fn throttled(machine: &Machine) -> Vec<(u32, ThrottleReason)> {
    machine.story(|event| match event {
        Event::Throttled { timeout_us, reason, .. } => Some((timeout_us, reason)),
        _ => None,
    })
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

#[test]
fn last_of_the_highatomic_reserve_is_given_back_before_anybody_is_killed() {
    let mut machine = Machine::new("6.1");
    leave(&machine, 700);
    machine.with(|state| state.zones[ZoneId(0)].reserve_highatomic());
    machine.process(&Proc::of(101, 0), idle);
    machine.process(&Proc::of(100, 0), |cx| async move {
        // 188 pages are free but for the reserve, 88 of them above min.
        for _ in 0..200 {
            assert!(alloc_pages(&cx, Gfp::KERNEL, 0, 1).await.is_some());
        }
        assert_eq!(cx.with(|state| state.zones[ZoneId(0)].highatomic), 0);
    });
    machine.run();
    assert!(killed(&machine).is_empty());
}

#[test]
fn up_to_5_15_the_retry_loop_pauses_instead() {
    let mut machine = Machine::new("5.12");
    leave(&machine, 90);
    give(&machine, Use::Writeback, 1_000);
    machine.process(&Proc::of(100, 0), |cx| async move {
        assert!(alloc_pages(&cx, Gfp::KERNEL.with(Gfp::RETRY_MAYFAIL), 0, 1).await.is_none());
        assert_eq!(cx.now().0 / 1_000_000, 17 + 16 * 100, "16 times HZ/10");
    });
    machine.run();
    assert!(throttled(&machine).is_empty());
}

#[test]
fn nofail_digs_to_the_last_page_and_kills_by_era() {
    for (profile, gfp, kills) in [
        ("4.9", Gfp::NOFS, true),
        ("4.14", Gfp::NOFS, false),
        ("6.1", Gfp::NOFS, false),
        ("6.1", Gfp::KERNEL, true),
    ] {
        let mut machine = Machine::new(profile);
        let other = machine.process(&Proc::of(101, 50), stuck);
        leave(&machine, 200);
        // A kernel thread, whom nobody throttles.
        machine.kthread(move |cx| async move {
            for _ in 0..200 {
                assert!(alloc_pages(&cx, gfp.with(Gfp::NOFAIL), 0, 1).await.is_some());
            }
        });
        machine.run();
        let free = machine.with(|state| state.zones[ZoneId(0)].free());
        assert_eq!(free, 0, "{profile}");
        let expected = if kills { vec![other] } else { Vec::new() };
        assert_eq!(killed(&machine), expected, "{profile}");
    }
}

/// A balloon of 600 pages is asked on the way to the OOM killer, to which this request does not come in 4.6.
#[test]
fn request_without_fs_stays_in_the_allocator_in_4_6() {
    for (profile, gfp, left) in
        [("4.6", Gfp::NOFS, 600), ("4.6", Gfp::KERNEL, 344), ("4.9", Gfp::NOFS, 344)]
    {
        let mut machine = Machine::new(profile);
        leave(&machine, 700);
        machine.with(|state| {
            state.zones[ZoneId(0)].transfer(Use::Free, Use::Reserved, 600);
            state.balloon.0[0] = 600;
        });
        machine.kthread(move |cx| async move {
            let _ = alloc_pages(&cx, gfp, 0, 1).await;
        });
        machine.kthread(move |cx| async move {
            sleep_ms(&cx, 100).await;
            assert_eq!(cx.with(|state| state.balloon.count()), left, "{profile}");
            // Ends the wait.
            free_pages(&cx, Pages([100, 0, 0, 0]), Use::Reserved);
        });
        machine.run();
        assert!(killed(&machine).is_empty(), "{profile}");
    }
}

/// Results of the compactions of a request for 4 pages, and whether it was served.
fn compacted(set: impl FnOnce(&mut crate::kernel::zone::Zone)) -> (Vec<CompactResult>, bool) {
    let mut machine = Machine::new("6.1");
    leave(&machine, 200);
    machine.with(|state| set(&mut state.zones[ZoneId(0)]));
    let served = Rc::new(RefCell::new(false));
    let out = Rc::clone(&served);
    machine.process(&Proc::of(100, 0), |cx| async move {
        let pages = alloc_pages(&cx, Gfp::KERNEL.with(Gfp::RETRY_MAYFAIL), 2, 4).await;
        *out.borrow_mut() = pages.is_some();
    });
    machine.run();
    let results = machine.story(|event| match event {
        Event::CompactionEnd { result, .. } => Some(result),
        _ => None,
    });
    (results, served.take())
}

#[test]
fn compaction_succeeds_is_skipped_or_finds_nothing_to_move() {
    assert_eq!(compacted(|_| {}), (vec![], true), "blocks there are");
    let lone = |zone: &mut crate::kernel::zone::Zone| zone.scattered = 200;
    assert_eq!(compacted(lone), (vec![CompactResult::Success], true));
    // Among pages that can't move.
    let stuck = |zone: &mut crate::kernel::zone::Zone| {
        zone.scattered = 200;
        let all = zone.pages(Use::Reserved);
        zone.transfer(Use::Reserved, Use::Kernel, all);
    };
    let (results, served) = compacted(stuck);
    assert!(!served && results.iter().all(|&result| result == CompactResult::Complete));
    assert!(!results.is_empty());
    // Too little above min to work with.
    let short = |zone: &mut crate::kernel::zone::Zone| {
        zone.transfer(Use::Free, Use::Reserved, 95);
        zone.scattered = 105;
    };
    assert_eq!(compacted(short), (vec![], false));
}

/// Two requests, one after the other, for blocks that compaction can't make: how often it tries.
fn compactions_of_two(gfp: Gfp, order: u8) -> usize {
    let mut machine = Machine::new("6.1");
    leave(&machine, 200);
    machine.with(|state| {
        let zone = &mut state.zones[ZoneId(0)];
        zone.scattered = 200;
        let all = zone.pages(Use::Reserved);
        zone.transfer(Use::Reserved, Use::Kernel, all);
    });
    machine.process(&Proc::of(100, 0), move |cx| async move {
        for _ in 0..2 {
            assert!(alloc_pages(&cx, gfp.with(Gfp::NORETRY), order, 1 << order).await.is_none());
        }
    });
    machine.run();
    let begun = machine.story(|event| match event {
        Event::CompactionBegin { .. } => Some(()),
        _ => None,
    });
    begun.len()
}

/// A compaction that was more than asynchronous, and in vain, puts the next one off.
#[test]
fn compaction_is_asynchronous_for_costly_blocks_that_are_soon_given_up_alone() {
    assert_eq!(compactions_of_two(Gfp::HIGHUSER_MOVABLE, 2), 1);
    assert_eq!(compactions_of_two(Gfp::HIGHUSER_MOVABLE, 5), 4);
}
