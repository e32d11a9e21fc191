//! I4 to I8 and I20: how the reaper works.

use sim_core::base::{LockId, MmId, Nanos, NotifierId, QueueId};
use sim_core::engine::{Hold, WaitOn, Waited};
use sim_core::kernel::plugin::Approach;
use sim_core::record::{Event, Gfp, Invariant, Reason};

use crate::stage::*;

/// A request that the free lists don't serve at once.
fn asks(gfp: Gfp, memalloc: bool) -> Event {
    Event::AllocBegin { order: 0, gfp: gfp.0, memalloc }
}

#[test]
fn i4_ten_attempts_apart() {
    let mut eleven = Stage::new();
    eleven.woken();
    for attempt in 0..10 {
        eleven.at(attempt * 100).starts().fails().is_sound();
    }
    eleven.at(1000).starts().breaks(Invariant::TenAttempts);
    let mut patient = Stage::new();
    patient.recorder.cast.max_oom_reap_retries = 2;
    patient.recorder.cast.oom_reap_pause = Nanos::from_ms(20);
    patient.woken().at(0).starts().fails().at(20).starts().fails().is_sound();
    patient.at(40).starts().breaks(Invariant::TenAttempts);
    let mut early = Stage::new();
    early.woken().at(100).starts().at(150).fails().at(249).starts();
    early.breaks(Invariant::TenAttempts);
    let mut twice = Stage::new();
    twice.woken().add(TIMER, Event::WakeReaper { victim: HOG }).breaks(Invariant::TenAttempts);
    // Up to 4.19 tasks are queued, not mms; all else holds there, too.
    let old = || Stage::with("4.19", Approach::NonBlocking, &FENCE);
    let mut sibling = old();
    sibling.woken().is_sound().add(TIMER, Event::WakeReaper { victim: HELPER });
    sibling.is_waived(Invariant::TenAttempts);
    let mut early = old();
    early.woken().at(100).starts().at(150).fails().at(249).starts();
    early.breaks(Invariant::TenAttempts);
}

#[test]
fn i5_the_reaper_leaves_skip_behind() {
    let mut stage = Stage::new();
    stage.woken().starts().fails().is_sound();
    stage.blocks(REAPER, WaitOn::Queue(QueueId(0)), Reason::ReaperIdle);
    stage.breaks(Invariant::ReaperSetsSkip);
    let mut old = Stage::with("4.6", Approach::Silent, &FENCE);
    old.woken().starts().fails();
    old.blocks(REAPER, WaitOn::Queue(QueueId(0)), Reason::ReaperIdle);
    old.is_waived(Invariant::ReaperSetsSkip);
    let mut done = Stage::new();
    done.woken().starts().fails().skips(REAPER);
    done.blocks(REAPER, WaitOn::Queue(QueueId(0)), Reason::ReaperIdle).is_sound();
    // Under `hand-off` it may leave an mm to the worker, but not to nobody.
    let handed = Event::HandedOff { mm: HOG_MM, range: HEAP };
    for hands in [true, false] {
        let mut stage = Stage::with("6.1", Approach::HandOff, &FENCE);
        stage.woken().starts();
        if hands {
            stage.add(REAPER, handed);
        }
        stage.fails().blocks(REAPER, WaitOn::Queue(QueueId(0)), Reason::ReaperIdle);
        if hands {
            stage.is_sound();
        } else {
            stage.breaks(Invariant::ReaperSetsSkip);
        }
    }
}

#[test]
fn i6_the_reaper_never_blocks_in_a_notifier() {
    let story = |mut stage: Stage| {
        stage.woken().starts().calls(REAPER, false).is_sound();
        stage.at(3).blocks(REAPER, WaitOn::Lock(LockId(2)), Reason::DriverLock);
        stage
    };
    story(Stage::new()).breaks(Invariant::ReaperNeverBlocks);
    let blocking = Stage::with("6.1", Approach::Blocking, &FENCE);
    story(blocking).is_waived(Invariant::ReaperNeverBlocks);
    let sleepy = Stage::with("6.1", Approach::NonBlocking, &SLEEPS);
    story(sleepy).is_waived(Invariant::ReaperNeverBlocks);
    // It believes who promises not to block, and calls nobody else.
    let flagged = Stage::with("4.16", Approach::SkipFlag, &PROMISES);
    story(flagged).is_waived(Invariant::ReaperNeverBlocks);
    story(Stage::with("4.16", Approach::SkipFlag, &FENCE)).breaks(Invariant::ReaperNeverBlocks);
    let mut between = Stage::new();
    between.woken().starts().fails().blocks(REAPER, WaitOn::Time, Reason::BackOff).is_sound();
    between.wakes(REAPER, Waited::TimedOut).blocks(REAPER, WaitOn::Time, Reason::Pause);
    between.breaks(Invariant::ReaperNeverBlocks);
}

#[test]
fn i7_the_reaper_takes_nothing() {
    let lock = Event::Acquired { lock: OOM_LOCK, hold: Hold::Exclusive };
    Stage::new().add(REAPER, lock).breaks(Invariant::ReaperTakesNothing);
    Stage::with("4.14", Approach::SkipAny, &FENCE)
        .add(REAPER, lock)
        .is_waived(Invariant::ReaperTakesNothing);
    let asks = |gfp: Gfp| asks(gfp, false);
    let mut stage = Stage::new();
    stage.add(REAPER, asks(Gfp::NOWAIT)).is_sound().add(REAPER, asks(Gfp::NOFS));
    stage.breaks(Invariant::ReaperTakesNothing);
    // That is no leave to allocate; who allocates may come to kill.
    let mut holds = Stage::with("4.14", Approach::NonBlocking, &FENCE);
    holds.add(REAPER, asks(Gfp::KERNEL)).breaks(Invariant::ReaperTakesNothing);
    let mut callback = Stage::with("6.1", Approach::Blocking, &ALLOCATES);
    callback.add(REAPER, lock).is_waived(Invariant::ReaperTakesNothing);
    // Also if it is served at once.
    let served = Event::AllocServed { order: 0, gfp: Gfp::KERNEL.0 };
    Stage::new().add(REAPER, served).breaks(Invariant::ReaperTakesNothing);
}

#[test]
fn i8_a_refused_vma_is_whole() {
    let zap = Event::Zap { range: HEAP, pages: 1, freed: 1 };
    let story = |mut stage: Stage| {
        stage.woken().starts().calls(REAPER, false).returns(REAPER, true).is_sound();
        stage.add(REAPER, zap);
        stage
    };
    story(Stage::new()).breaks(Invariant::RefusedVmaIsWhole);
    // Where its worker does, it doesn't either.
    story(Stage::with("6.1", Approach::HandOff, &FENCE)).breaks(Invariant::RefusedVmaIsWhole);
    // Nobody asks what a call that may sleep returned.
    let mut blocks = Stage::with("6.1", Approach::Blocking, &FENCE);
    blocks.woken().starts().calls(REAPER, true).returns(REAPER, true).add(REAPER, zap).is_sound();
    // For the reaper a call that may sleep for a while is like one that must not.
    let mut late = Stage::with("6.1", Approach::NonBlocking, &FENCE);
    late.woken().starts().calls_for_a_while(REAPER).returns(REAPER, true).is_sound();
    late.add(REAPER, zap).breaks(Invariant::RefusedVmaIsWhole);
    let mut core = Stage::with("6.1", Approach::CoreRefuses, &FENCE);
    core.woken().starts().begins(REAPER, 1, 3, 1);
    core.add(REAPER, Event::CoreRefused { notifier: NOTIFIER, range: HEAP });
    core.is_sound().add(REAPER, zap).breaks(Invariant::RefusedVmaIsWhole);
    let mut next = Stage::new();
    next.woken().starts().calls(REAPER, false).returns(REAPER, true).fails();
    next.at(100).starts().calls(REAPER, false).returns(REAPER, false).add(REAPER, zap).is_sound();
}

#[test]
fn i8_who_listens_is_told_first() {
    let zap = |pages| Event::Zap { range: HEAP, pages, freed: 1 };
    let registered = Event::NotifierRegistered { notifier: NOTIFIER, range: HEAP };
    let unregistered = Event::NotifierUnregistered { notifier: NOTIFIER };
    for driver in [&FENCE, &KVM] {
        let stage = |approach| {
            let mut stage = Stage::with("6.1", approach, driver);
            stage.add(HOG, registered).woken().starts();
            stage
        };
        let mut called = stage(Approach::NonBlocking);
        called.calls(REAPER, false).returns(REAPER, false).add(REAPER, zap(1)).is_sound();
        let mut silent = stage(Approach::NonBlocking);
        // What an earlier gather freed was announced then.
        silent.add(REAPER, zap(0)).is_sound().add(REAPER, zap(1));
        silent.breaks(Invariant::RefusedVmaIsWhole);
        stage(Approach::Silent).add(REAPER, zap(1)).is_sound();
        // What it was told in the attempt before is not enough.
        let mut again = stage(Approach::NonBlocking);
        again.calls(REAPER, false).returns(REAPER, false).add(REAPER, zap(1)).is_sound();
        again.fails().at(100).starts().is_sound().add(REAPER, zap(1));
        again.breaks(Invariant::RefusedVmaIsWhole);
        let mut closed = stage(Approach::NonBlocking);
        closed.add(HOG, unregistered).add(REAPER, zap(1)).is_sound();
        let mut gone = stage(Approach::NonBlocking);
        gone.add(HOG, Event::ExitMmap { mm: HOG_MM }).add(REAPER, zap(1)).is_sound();
    }
}

/// `mmu_notifier_unregister()` takes one off the list and then waits, which may be for the reaper.
#[test]
fn i8_who_is_off_the_list_is_not_called() {
    let registered =
        |notifier| Event::NotifierRegistered { notifier: NotifierId(notifier), range: HEAP };
    let mut stage = Stage::with("4.19", Approach::NonBlocking, &FENCE);
    stage.add(HOG, registered(0)).add(HOG, registered(0)).woken().starts();
    stage.blocks(HOG, WaitOn::Time, Reason::Srcu);
    stage.add(REAPER, Event::Zap { range: HEAP, pages: 1, freed: 0 }).is_sound();
    stage.wakes(HOG, Waited::TimedOut);
    stage.add(HOG, Event::NotifierUnregistered { notifier: NotifierId(7) }).is_sound();
    stage.add(REAPER, Event::Zap { range: HEAP, pages: 1, freed: 0 });
    stage.breaks(Invariant::RefusedVmaIsWhole);
}

#[test]
fn i8_who_leaves_keeps_nothing_of_another_mm_untold() {
    let registered = Event::NotifierRegistered { notifier: NOTIFIER, range: HEAP };
    for exits in [false, true] {
        let mut stage = Stage::with("4.19", Approach::NonBlocking, &FENCE);
        stage.add(HOG, registered).woken().starts();
        if exits {
            stage.add(HELPER, Event::ExitMmap { mm: MmId(1) });
        }
        stage.blocks(if exits { HELPER } else { OTHER }, WaitOn::Time, Reason::Srcu).is_sound();
        stage.add(REAPER, Event::Zap { range: HEAP, pages: 1, freed: 0 });
        stage.breaks(Invariant::RefusedVmaIsWhole);
    }
}

#[test]
fn i20_the_reapers_records_are_in_order() {
    let order = Invariant::ReaperRecordsInOrder;
    Stage::new().starts().breaks(order);
    Stage::new().woken().starts().starts().breaks(order);
    Stage::new().woken().fails().breaks(order);
    Stage::new().woken().add(REAPER, Event::Reaped { victim: HOG, report: REPORT }).breaks(order);
    let reaped = Event::Reaped { victim: HOG, report: REPORT };
    Stage::new().woken().starts().add(REAPER, reaped).fails().breaks(order);
    let finish = Event::FinishTaskReaping { victim: HOG, ok: true };
    Stage::new().woken().starts().add(REAPER, finish).breaks(order);
    Stage::new().woken().starts().add(REAPER, reaped).add(REAPER, finish).is_sound();
    // The last one of a victim, and of a run, ends as well.
    for (on, why) in
        [(WaitOn::Time, Reason::BackOff), (WaitOn::Queue(QueueId(0)), Reason::ReaperIdle)]
    {
        let mut unfinished = Stage::new();
        unfinished.woken().starts().skips(REAPER).is_sound().blocks(REAPER, on, why);
        unfinished.breaks(order);
    }
}
