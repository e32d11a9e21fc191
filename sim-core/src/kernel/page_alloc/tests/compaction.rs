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
    let among = |of| {
        move |zone: &mut crate::kernel::zone::Zone| {
            zone.scattered = 200;
            let all = zone.pages(Use::Reserved);
            zone.transfer(Use::Reserved, of, all);
        }
    };
    // Mlocked pages are moved (`sysctl_compact_unevictable_allowed`).
    for of in [Use::Anon, Use::Unevictable] {
        assert_eq!(compacted(among(of)), (vec![CompactResult::Success], true), "{of:?}");
    }
    // Among pages that can't move.
    for of in [Use::Reserved, Use::Kernel, Use::PageTable, Use::Pinned] {
        let (results, served) = compacted(among(of));
        assert!(!served && results.iter().all(|&result| result == CompactResult::Complete));
        assert!(!results.is_empty(), "{of:?}");
    }
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
    machine.with(|state| state.zones[ZoneId(0)].scattered = 200);
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

#[test]
fn small_blocks_that_cannot_be_moved_are_compacted_for_before_reclaim_from_4_12_on() {
    for (kernel, gfp, first) in [
        ("4.9", Gfp::KERNEL, "reclaim"),
        ("4.14", Gfp::KERNEL, "compaction"),
        ("4.14", Gfp::HIGHUSER_MOVABLE, "reclaim"),
        ("6.1", Gfp::KERNEL, "compaction"),
    ] {
        let mut machine = Machine::new(kernel);
        leave(&machine, 200);
        machine.with(|state| state.zones[ZoneId(0)].scattered = 200);
        machine.process(&Proc::of(100, 0), move |cx| async move {
            assert!(alloc_pages(&cx, gfp.with(Gfp::NORETRY), 2, 4).await.is_none());
        });
        machine.run();
        let begun = machine.story(|event| match event {
            Event::CompactionBegin { .. } => Some("compaction"),
            Event::DirectReclaimBegin { .. } => Some("reclaim"),
            _ => None,
        });
        assert_eq!(begun.first(), Some(&first), "{kernel} {gfp:?}");
    }
}
