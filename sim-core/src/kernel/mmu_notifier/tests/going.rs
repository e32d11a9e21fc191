//! Who registers or goes waits for those inside.

use super::*;

#[test]
fn unregistering_waits_for_whoever_is_inside() {
    let slow = Probe { start: Nanos::from_ms(30), ..Probe::WILLING };
    let bench = Machine::with_devices("6.1", Approach::NonBlocking, &[(slow, Api::Hlist)]);
    let mm = bench.mm(&[(Anonymous, 10)]);
    let gone = Rc::new(Cell::new(0));
    let at = Rc::clone(&gone);
    bench.task("invalidator", Some(mm), move |cx| async move {
        register(&cx, DeviceId(0), mm, GIB, GIB + 4096).await;
        let range = range(&cx, mm, 1);
        invalidate_range_start(&cx, range).await;
        invalidate_range_end(&cx, range).await;
    });
    bench.task("other", Some(mm), move |cx| async move {
        pause(&cx, 10).await;
        unregister(&cx, NotifierId(0)).await;
        at.set(cx.now().0);
    });
    bench.into_log();
    assert_eq!(gone.get(), 30_000_000);
}

/// SRCU is everybody's: whoever is inside a callback of another mm holds an exit up.
#[test]
fn mm_that_had_a_notifier_waits_at_its_end_for_whoever_is_inside_up_to_5_4() {
    for (profile, at) in [("4.6", 30), ("5.4", 30), ("5.6", 10)] {
        let slow = Probe { start: Nanos::from_ms(30), ..Probe::WILLING };
        let devices = [(slow, Api::Hlist), (Probe::WILLING, Api::Hlist)];
        let bench = Machine::with_devices(profile, Approach::NonBlocking, &devices);
        let mms = [(); 2].map(|()| bench.mm(&[(Anonymous, 10)]));
        let gone = Rc::new(Cell::new(0));
        let done = Rc::clone(&gone);
        bench.task("invalidator", Some(mms[0]), move |cx| async move {
            register(&cx, DeviceId(0), mms[0], GIB, GIB + 4096).await;
            pause(&cx, 5).await;
            let range = range(&cx, mms[0], 1);
            invalidate_range_start(&cx, range).await;
            invalidate_range_end(&cx, range).await;
        });
        bench.task("other", Some(mms[1]), move |cx| async move {
            register(&cx, DeviceId(1), mms[1], GIB, GIB + 4096).await;
            unregister(&cx, NotifierId(1)).await;
            pause(&cx, 10).await;
            let all = range(&cx, mms[1], 1).range;
            super::super::release(&cx, mms[1], all).await;
            done.set(cx.now().0 / 1_000_000);
        });
        bench.into_log();
        assert_eq!(gone.get(), if at == 30 { 35 } else { at }, "{profile}");
    }
}

/// Reclaim has no `mmap_lock`, but locks that `mm_take_all_locks()` wants.
#[test]
fn registering_waits_for_reclaim_inside_an_interval_callback() {
    let slow = Probe { start: Nanos::from_ms(30), ..Probe::WILLING };
    let devices = [(slow, Api::Interval), (Probe::WILLING, Api::Hlist)];
    let bench = Machine::with_devices("6.1", Approach::NonBlocking, &devices);
    let mm = bench.mm(&[(Anonymous, 10)]);
    bench.task("reclaimer", Some(mm), move |cx| async move {
        register(&cx, DeviceId(0), mm, GIB, GIB + 4096).await;
        let range = range(&cx, mm, 1);
        invalidate_range_start(&cx, range).await;
        invalidate_range_end(&cx, range).await;
    });
    bench.task("other", Some(mm), move |cx| async move {
        pause(&cx, 10).await;
        register(&cx, DeviceId(1), mm, GIB, GIB + 4096).await;
    });
    let log = bench.into_log();
    let registered = log.when(|event| matches!(event, Event::NotifierRegistered { .. }));
    assert_eq!(registered.iter().map(|(us, _)| us / 1000).collect::<Vec<_>>(), [0, 30]);
    assert_eq!(log.called(), [NotifierId(0)], "the other one hears nothing of it");
}
