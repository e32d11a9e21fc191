//! Rows of the GFP table (kernel-spec 1.2), kswapd, swap and write-back
//! on a small machine: min 100, low 125, high 150 pages.

mod compaction;
mod reclaim;

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
