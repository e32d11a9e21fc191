//! Intervals that come and go beside an invalidation, and their readers.

use super::*;

/// Starts an invalidation of VMA 1, lets `meanwhile` run beside it from
/// 10 ms on, and ends it at 50 ms.
fn beside_an_invalidation<F>(meanwhile: impl FnOnce(Cx, MmId) -> F + 'static) -> Log
where
    F: Future<Output = ()> + 'static,
{
    let devices = [(Probe::WILLING, Api::Interval); 3];
    let bench = Machine::with_devices("6.1", Approach::NonBlocking, &devices);
    let mm = bench.mm(&[(Anonymous, 10), (Anonymous, 10)]);
    bench.task("invalidator", Some(mm), move |cx| async move {
        register(&cx, DeviceId(0), mm, GIB, GIB + 4096).await;
        let range = range(&cx, mm, 1);
        invalidate_range_start(&cx, range).await;
        pause(&cx, 50).await;
        invalidate_range_end(&cx, range).await;
    });
    bench.task("other", Some(mm), move |cx| async move {
        pause(&cx, 10).await;
        meanwhile(cx, mm).await;
    });
    bench.into_log()
}

#[test]
fn insert_beside_an_invalidation_is_deferred_to_its_end() {
    let kept = Rc::new(Cell::new((0, 0)));
    let sizes = Rc::clone(&kept);
    let log = beside_an_invalidation(|cx, mm| async move {
        let size = |cx: &Cx| cx.with(|state| state.mms[mm].itree.tree.len());
        register(&cx, DeviceId(1), mm, GIB, GIB + 4096).await;
        let before = size(&cx);
        pause(&cx, 100).await;
        sizes.set((before, size(&cx)));
    });
    assert!(ops(&log).contains(&ItreeOp::DeferInsert));
    assert_eq!(kept.get(), (1, 2));
}

#[test]
fn deferred_insert_that_is_removed_never_comes_to_be_and_does_not_wait() {
    let done = Rc::new(Cell::new((0, 0)));
    let found = Rc::clone(&done);
    beside_an_invalidation(|cx, mm| async move {
        let id = register(&cx, DeviceId(1), mm, GIB, GIB + 4096).await.expect("nobody is killed");
        unregister(&cx, id).await;
        let at = cx.now().0;
        pause(&cx, 100).await;
        found.set((at, cx.with(|state| state.mms[mm].itree.tree.len())));
    });
    assert_eq!(done.get(), (10_000_000, 1));
}

#[test]
fn start_says_how_many_overlap_without_those_that_wait_to_be_inserted() {
    let log = beside_an_invalidation(|cx, mm| async move {
        register(&cx, DeviceId(1), mm, GIB, GIB + 4096).await;
        for ms in [0, 100] {
            pause(&cx, ms).await;
            for vma in [1, 2] {
                let range = range(&cx, mm, vma);
                invalidate_range_start(&cx, range).await;
                invalidate_range_end(&cx, range).await;
            }
        }
    });
    let starts = log.records().filter_map(|record| match record.event {
        Event::MnItree { op: ItreeOp::Start, overlapping, .. } => Some(overlapping),
        _ => None,
    });
    assert_eq!(starts.collect::<Vec<_>>(), [1, 1, 0, 2, 0]);
}

#[test]
fn remove_beside_an_invalidation_sleeps_until_its_end() {
    let done = Rc::new(Cell::new((0, 9)));
    let found = Rc::clone(&done);
    let log = beside_an_invalidation(|cx, mm| async move {
        unregister(&cx, NotifierId(0)).await;
        found.set((cx.now().0, cx.with(|state| state.mms[mm].itree.tree.len())));
    });
    assert!(ops(&log).contains(&ItreeOp::DeferRemove));
    assert_eq!(done.get(), (50_000_000, 0));
}

#[test]
fn insert_beside_an_invalidation_of_something_else_makes_its_reader_wait() {
    let devices = [(Probe::WILLING, Api::Interval); 2];
    let bench = Machine::with_devices("6.1", Approach::NonBlocking, &devices);
    let mm = bench.mm(&[(Anonymous, 10), (Anonymous, 10)]);
    bench.task("invalidator", Some(mm), move |cx| async move {
        register(&cx, DeviceId(0), mm, GIB, GIB + 4096).await;
        let range = range(&cx, mm, 2);
        invalidate_range_start(&cx, range).await;
        pause(&cx, 50).await;
        invalidate_range_end(&cx, range).await;
    });
    bench.task("other", Some(mm), move |cx| async move {
        pause(&cx, 10).await;
        let id = register(&cx, DeviceId(1), mm, 2 * GIB, 2 * GIB + 4096)
            .await
            .expect("nobody is killed");
        let seq = mmu_interval_read_begin(&cx, id).await;
        assert!(!mmu_interval_read_retry(&cx, id, seq));
    });
    let log = bench.into_log();
    assert_eq!(log.itree(), [(0, 2), (1, 2), (1, 3), (0, 4)], "insert makes seq odd");
    let reads = log.when(|event| matches!(event, Event::MnRead { op: ItreeRead::Waited, .. }));
    assert_eq!(reads, [(50_000, "other".to_owned())]);
}

#[test]
fn reader_whose_range_was_invalidated_meanwhile_has_to_do_it_again() {
    let bench =
        Machine::with_devices("6.1", Approach::NonBlocking, &[(Probe::WILLING, Api::Interval)]);
    let mm = bench.mm(&[(Anonymous, 10), (Anonymous, 10)]);
    bench.task("reader", Some(mm), move |cx| async move {
        let id = register(&cx, DeviceId(0), mm, GIB, GIB + 4096).await.expect("nobody is killed");
        let seq = mmu_interval_read_begin(&cx, id).await;
        pause(&cx, 20).await;
        assert!(mmu_interval_read_retry(&cx, id, seq));
        // Begun inside the invalidation: waits for its end, and then it holds.
        let seq = mmu_interval_read_begin(&cx, id).await;
        assert_eq!(cx.now().0, 40_000_000);
        assert!(!mmu_interval_read_retry(&cx, id, seq));
    });
    bench.task("invalidator", Some(mm), move |cx| async move {
        pause(&cx, 10).await;
        let range = range(&cx, mm, 1);
        invalidate_range_start(&cx, range).await;
        pause(&cx, 30).await;
        invalidate_range_end(&cx, range).await;
    });
    let log = bench.into_log();
    let reads: Vec<_> = log
        .records()
        .filter_map(|record| match record.event {
            Event::MnRead { op, .. } => Some(op),
            _ => None,
        })
        .collect();
    let expected = [ItreeRead::Begin, ItreeRead::Retry, ItreeRead::Waited, ItreeRead::Valid];
    assert_eq!(reads, expected);
}
