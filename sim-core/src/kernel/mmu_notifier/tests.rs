//! The interval machinery, the pairing of starts and ends, two passes.

mod deferred;
mod going;

use std::cell::Cell;
use std::rc::Rc;

use super::{
    NotifierRange, Range, blockable_notifier, invalidate_range_end, invalidate_range_start,
    invalidate_range_start_nonblock, mmu_interval_read_begin, mmu_interval_read_retry,
    mmu_notifier_range_init, register, unregister,
};
use crate::base::{DeviceId, MmId, Nanos, NotifierId, RangeId};
use crate::engine::{Hold, Signals};
use crate::kernel::cx::Cx;
use crate::kernel::mm::Backing::Anonymous;
use crate::kernel::plugin::{Api, Approach, Blockable, Ops};
use crate::kernel::signal::send_sigkill;
use crate::kernel::testing::{Log, Machine, Probe};
use crate::record::{Event, ItreeOp, ItreeRead, MnEvent, Reason};

const GIB: u64 = 1 << 30;

/// An invalidation of the VMA number `vma`, counted from 1.
fn range(cx: &Cx, mm: MmId, vma: u64) -> NotifierRange {
    let id = RangeId(u32::try_from(vma - 1).expect("few"));
    let range = Range { id, start: vma * GIB, end: vma * GIB + (10 << 12) };
    mmu_notifier_range_init(cx, MnEvent::Unmap, mm, range)
}

async fn pause(cx: &Cx, ms: u64) {
    cx.sleep(Nanos::from_ms(ms), Reason::Pause, Signals::Ignored).await;
}

/// Runs `body` in a process with an mm of two VMAs, at which the devices
/// are registered for the first one, in order.
fn with_devices<F>(
    profile: &str,
    approach: Approach,
    devices: &[(Probe, Api)],
    body: impl FnOnce(Cx, MmId) -> F + 'static,
) -> Log
where
    F: Future<Output = ()> + 'static,
{
    let bench = Machine::with_devices(profile, approach, devices);
    let mm = bench.mm(&[(Anonymous, 10), (Anonymous, 10)]);
    let count = u32::try_from(devices.len()).expect("few");
    bench.task("task", Some(mm), move |cx| async move {
        for device in (0..count).map(DeviceId) {
            register(&cx, device, mm, GIB, GIB + 4096).await;
        }
        body(cx, mm).await;
    });
    bench.into_log()
}

fn ops(log: &Log) -> Vec<ItreeOp> {
    let steps = log.records().filter_map(|record| match record.event {
        Event::MnItree { op, .. } => Some(op),
        _ => None,
    });
    steps.collect()
}

#[test]
fn list_is_called_whole_and_the_latest_registration_first() {
    let devices =
        [(Probe::WILLING, Api::Hlist), (Probe::REFUSING, Api::Hlist), (Probe::WILLING, Api::Hlist)];
    let log = with_devices("4.19", Approach::NonBlocking, &devices, |cx, mm| async move {
        let range = range(&cx, mm, 2).blockable(Blockable::No);
        assert!(invalidate_range_start_nonblock(&cx, range).await.is_err());
    });
    assert_eq!(log.called(), [NotifierId(2), NotifierId(1), NotifierId(0)]);
}

#[test]
fn refused_range_gets_its_ends_since_5_12_and_none_before() {
    let ending = Probe { ops: Ops { end: true, ..Ops::START }, ..Probe::WILLING };
    let devices = [(ending, Api::Hlist), (Probe::REFUSING, Api::Hlist)];
    for (profile, ends, lost) in [("4.19", 0, 1), ("5.6", 0, 1), ("5.12", 1, 0), ("7.1", 1, 0)] {
        let log = with_devices(profile, Approach::NonBlocking, &devices, |cx, mm| async move {
            let range = range(&cx, mm, 1).blockable(Blockable::No);
            assert!(invalidate_range_start_nonblock(&cx, range).await.is_err());
        });
        let found = (
            log.count(|event| matches!(event, Event::MnEnd { .. })),
            log.count(
                |event| matches!(event, Event::MnLostEnd { notifier, .. } if notifier.0 == 0),
            ),
        );
        assert_eq!(found, (ends, lost), "{profile}");
    }
}

#[test]
fn range_that_was_not_refused_gets_its_end_in_every_era() {
    let ending = Probe { ops: Ops { end: true, ..Ops::START }, ..Probe::WILLING };
    for profile in ["4.9", "5.6", "6.1"] {
        let log = with_devices(
            profile,
            Approach::NonBlocking,
            &[(ending, Api::Hlist), (Probe::WILLING, Api::Hlist)],
            |cx, mm| async move {
                let range = range(&cx, mm, 1);
                invalidate_range_start(&cx, range).await;
                invalidate_range_end(&cx, range).await;
            },
        );
        assert_eq!(log.count(|event| matches!(event, Event::MnEnd { .. })), 1, "{profile}");
    }
}

/// `ret` is set, and with it the loop over the ends run, whether the range is blockable or not.
#[test]
fn blockable_refusal_is_ignored_and_gets_the_others_two_ends_since_5_12() {
    let ending = Probe { ops: Ops { end: true, ..Ops::START }, ..Probe::WILLING };
    let failing = Probe { fails: true, ..Probe::WILLING };
    for (profile, ends) in [("4.19", 1), ("5.6", 1), ("5.12", 2), ("7.1", 2)] {
        let devices = [(ending, Api::Hlist), (failing, Api::Hlist)];
        let log = with_devices(profile, Approach::NonBlocking, &devices, |cx, mm| async move {
            let range = range(&cx, mm, 1);
            invalidate_range_start(&cx, range).await;
            invalidate_range_end(&cx, range).await;
        });
        let found = (
            log.count(|event| matches!(event, Event::MnEnd { .. })),
            log.count(|event| matches!(event, Event::MnLostEnd { .. })),
        );
        assert_eq!(found, (ends, 0), "{profile}");
    }
}

#[test]
fn interval_refusal_ends_it_and_is_balanced() {
    let devices = [(Probe::REFUSING, Api::Interval), (Probe::WILLING, Api::Interval)];
    let log = with_devices("6.1", Approach::NonBlocking, &devices, |cx, mm| async move {
        let range = range(&cx, mm, 1).blockable(Blockable::No);
        assert!(invalidate_range_start_nonblock(&cx, range).await.is_err());
    });
    assert_eq!(log.called(), [NotifierId(0)], "the second is not asked");
    assert_eq!(log.itree(), [(0, 2), (0, 2), (1, 3), (0, 4)]);
}

#[test]
fn interval_that_does_not_overlap_is_not_called_and_leaves_seq_even() {
    let log = with_devices(
        "6.1",
        Approach::NonBlocking,
        &[(Probe::REFUSING, Api::Interval)],
        |cx, mm| async move {
            let range = range(&cx, mm, 2).blockable(Blockable::No);
            assert!(invalidate_range_start_nonblock(&cx, range).await.is_ok());
            invalidate_range_end(&cx, range).await;
        },
    );
    assert_eq!(log.called(), []);
    assert_eq!(log.itree(), [(0, 2), (1, 2), (0, 2)]);
}

#[test]
fn list_refusal_leaks_the_interval_step_from_5_5_on() {
    let devices = [(Probe::WILLING, Api::Interval), (Probe::REFUSING, Api::Hlist)];
    for (profile, active) in [("6.1", 3), ("5.3", 0)] {
        let log = with_devices(profile, Approach::NonBlocking, &devices, |cx, mm| async move {
            for _ in 0..3 {
                let range = range(&cx, mm, 1).blockable(Blockable::No);
                assert!(invalidate_range_start_nonblock(&cx, range).await.is_err());
            }
            // Sleeps for ever if seq stays odd.
            unregister(&cx, NotifierId(0)).await;
            cx.record(Event::Ready {});
        });
        let before_removal = log.itree()[log.itree().len() - 2];
        assert_eq!(before_removal.0, active, "{profile}");
        let removed = log.count(|event| matches!(event, Event::Ready {}));
        assert_eq!(removed, usize::from(active == 0), "{profile}");
    }
}

/// When an invalidation of three devices that need 10, 30 and 20 ms is done.
fn three_devices(approach: Approach) -> u64 {
    let two_pass = Ops { two_pass: true, ..Ops::START };
    let devices = [10, 30, 20].map(|ms| {
        let probe = Probe { ops: two_pass, finish: Nanos::from_ms(ms), ..Probe::WILLING };
        (probe, Api::Interval)
    });
    let done = Rc::new(Cell::new(0));
    let at = Rc::clone(&done);
    with_devices("7.1", approach, &devices, |cx, mm| async move {
        let range = range(&cx, mm, 1);
        invalidate_range_start(&cx, range).await;
        at.set(cx.now().0 / 1_000_000);
        invalidate_range_end(&cx, range).await;
    });
    done.get()
}

#[test]
fn two_passes_take_the_longest_wait_and_one_pass_the_sum() {
    assert_eq!(three_devices(Approach::TwoPass), 30);
    assert_eq!(three_devices(Approach::NonBlocking), 60);
}

#[test]
fn what_was_started_is_finished_although_another_refused() {
    let two_pass = Ops { two_pass: true, ..Ops::START };
    let first = Probe { ops: two_pass, ..Probe::WILLING };
    let second = Probe { ops: two_pass, ..Probe::REFUSING };
    let devices = [(first, Api::Interval), (second, Api::Interval), (first, Api::Interval)];
    let log = with_devices("7.1", Approach::TwoPass, &devices, |cx, mm| async move {
        let range = range(&cx, mm, 1).blockable(Blockable::No);
        assert!(invalidate_range_start_nonblock(&cx, range).await.is_err());
    });
    assert_eq!(log.called(), [NotifierId(0), NotifierId(1)]);
    let finished: Vec<_> = log
        .records()
        .filter_map(|record| match record.event {
            Event::MnFinishCall { notifier, .. } => Some(notifier),
            _ => None,
        })
        .collect();
    assert_eq!(finished, [NotifierId(0)]);
    assert_eq!(log.itree().last(), Some(&(0, 4)), "and then comes the end step");
}

#[test]
fn core_that_tests_ranges_calls_the_list_on_overlap_alone() {
    let ending = Probe { ops: Ops { end: true, ..Ops::START }, ..Probe::WILLING };
    let called = |approach, vma| {
        let log =
            with_devices("6.1", approach, &[(ending, Api::Hlist)], move |cx, mm| async move {
                let range = range(&cx, mm, vma);
                invalidate_range_start(&cx, range).await;
                invalidate_range_end(&cx, range).await;
            });
        (log.called().len(), log.count(|event| matches!(event, Event::MnEnd { .. })))
    };
    assert_eq!(called(Approach::NonBlocking, 2), (1, 1));
    assert_eq!(called(Approach::Blocking, 2), (0, 0));
    assert_eq!(called(Approach::Blocking, 1), (1, 1));
}

#[test]
fn secondary_tlbs_are_flushed_with_the_zap_even_if_nobody_is_told() {
    let tlb =
        Probe { ops: Ops { start: false, secondary_tlb: true, ..Ops::START }, ..Probe::WILLING };
    let log = with_devices("4.9", Approach::Silent, &[(tlb, Api::Interval)], |cx, mm| async move {
        crate::kernel::oom_reaper::__oom_reap_task_mm(&cx, mm, Approach::Silent).await;
    });
    assert_eq!(log.called(), []);
    let flushed = log.count(|event| matches!(event, Event::SecondaryTlbFlush { .. }));
    assert_eq!(flushed, 1, "of the VMA that it covers");
}

/// The list of deferred changes is a stack: what was inserted last while
/// the tree was frozen is in it first, and is called first of those that begin at one address.
#[test]
fn deferred_insertions_are_made_from_the_last_to_the_first() {
    let devices = [(Probe::WILLING, Api::Interval)];
    let log = with_devices("6.1", Approach::NonBlocking, &devices, |cx, mm| async move {
        let range = range(&cx, mm, 1);
        invalidate_range_start(&cx, range).await;
        for _ in 0..2 {
            register(&cx, DeviceId(0), mm, GIB, GIB + 4096).await;
        }
        invalidate_range_end(&cx, range).await;
        invalidate_range_start(&cx, range).await;
        invalidate_range_end(&cx, range).await;
    });
    let ids = [0, 0, 2, 1].map(NotifierId);
    assert_eq!(log.called(), ids);
}

/// The list is empty when a walk that is inside its first entry goes on: it meets the others all
/// the same, and their ranges have no end.
#[test]
fn walk_goes_on_over_what_was_taken_off_the_list_and_its_end_does_not() {
    let slow = Probe { start: Nanos::from_ms(30), ..Probe::WILLING };
    let ends = Probe { ops: Ops { end: true, ..Ops::START }, ..Probe::WILLING };
    let devices = [(ends, Api::Hlist), (slow, Api::Hlist)];
    for profile in ["4.19", "5.12", "6.12"] {
        let bench = Machine::with_devices(profile, Approach::NonBlocking, &devices);
        let mm = bench.mm(&[(Anonymous, 10)]);
        bench.task("invalidator", Some(mm), move |cx| async move {
            for device in [0, 1].map(DeviceId) {
                register(&cx, device, mm, GIB, GIB + 4096).await;
            }
            let range = range(&cx, mm, 1);
            invalidate_range_start(&cx, range).await;
            invalidate_range_end(&cx, range).await;
        });
        bench.task("exits", None, move |cx| async move {
            pause(&cx, 10).await;
            let all = Range { id: RangeId(0), start: 0, end: u64::MAX };
            super::release(&cx, mm, all).await;
            assert_eq!(cx.now().0, 30_000_000, "{profile}: it waits for the walk");
        });
        let log = bench.into_log();
        assert_eq!(log.called(), [1, 0].map(NotifierId), "{profile}");
        assert_eq!(log.count(|event| matches!(event, Event::MnEnd { .. })), 0, "{profile}");
    }
}

/// `mm_take_all_locks()` looks for signals; an interval that is not the mm's first takes no locks.
#[test]
fn killed_while_it_waits_for_the_locks_it_registers_nothing() {
    for (profile, api, first) in
        [("4.6", Api::Hlist, true), ("6.1", Api::Interval, true), ("6.1", Api::Interval, false)]
    {
        let devices = [(Probe::WILLING, api)];
        let bench = Machine::with_devices(profile, Approach::NonBlocking, &devices);
        let mm = bench.mm(&[(Anonymous, 10)]);
        let mmap_lock = bench.with(|state| state.mms[mm].mmap_lock);
        bench.with(|state| state.mms[mm].itree.has_itree = !first);
        bench.task("writer", None, move |cx| async move {
            cx.lock(mmap_lock, Hold::Exclusive, Reason::MmapLock).await;
            pause(&cx, 20).await;
            cx.unlock(mmap_lock);
        });
        let driver = bench.task("driver", Some(mm), move |cx| async move {
            pause(&cx, 5).await;
            let id = register(&cx, DeviceId(0), mm, GIB, GIB + 4096).await;
            assert_eq!(id.is_none(), first, "{profile}");
            assert_eq!(cx.now().0, if first { 20_000_000 } else { 5_000_000 }, "{profile}");
            assert!(cx.try_lock(mmap_lock, Hold::Exclusive) == first, "{profile}: let go of");
        });
        bench.kthread(move |cx| async move {
            pause(&cx, if first { 10 } else { 1 }).await;
            send_sigkill(&cx, driver);
        });
        let log = bench.into_log();
        let registered = |event: &Event| matches!(event, Event::NotifierRegistered { .. });
        assert_eq!(log.count(registered), usize::from(!first), "{profile}");
    }
}

/// Under `skip-flag` from the start there are no intervals; it may be chosen later.
#[test]
fn who_may_block_is_found_in_the_tree_too_and_among_what_waits_for_it() {
    let promises = Probe { ops: Ops { does_not_block: true, ..Ops::START }, ..Probe::WILLING };
    let devices = [(promises, Api::Interval), (Probe::WILLING, Api::Interval)];
    with_devices("6.1", Approach::SkipFlag, &devices, |cx, mm| async move {
        assert_eq!(blockable_notifier(&cx, mm), Some(NotifierId(1)));
        unregister(&cx, NotifierId(1)).await;
        assert_eq!(blockable_notifier(&cx, mm), None);
        let range = range(&cx, mm, 1);
        invalidate_range_start(&cx, range).await;
        let late = register(&cx, DeviceId(1), mm, GIB, GIB + 4096).await;
        assert_eq!(
            (late, cx.with(|state| state.mms[mm].itree.tree.len())),
            (Some(NotifierId(2)), 1)
        );
        assert_eq!(blockable_notifier(&cx, mm), late);
        invalidate_range_end(&cx, range).await;
    });
}
