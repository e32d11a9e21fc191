//! Rows of the GFP table (kernel-spec 1.2), kswapd, swap and write-back
//! on a small machine: min 100, low 125, high 150 pages.

use std::cell::RefCell;
use std::rc::Rc;

use super::*;
use crate::kernel::state::{BlockDevice, Swap};
use crate::kernel::testing::{Machine, Proc};

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
