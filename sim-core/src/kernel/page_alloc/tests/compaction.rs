//! Blocks: compaction as a cost and an outcome.

use super::*;

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
