//! Each invariant of kernel-spec 8.1 is broken by hand-made records and is
//! seen; where it is waived it does not end the run. That runs keep them
//! is what every other test shows, since every run is watched.

mod stage;

use sim_core::base::{
    CgroupId, CpuId, DeviceId, LockId, Nanos, NotifierId, QueueId, SimTime, StackId, ZoneId,
};
use sim_core::engine::{EngineEvent, Hold, Observer as _, WaitOn, Waited};
use sim_core::kernel::plugin::Approach;
use sim_core::record::{
    Event, Gfp, Invariant, ItreeOp, ItreeRead, MnEvent, NotifierInfo, OomResult, OomScope, Reason,
};
use stage::*;

/// A request that the free lists don't serve at once.
fn asks(gfp: Gfp, memalloc: bool) -> Event {
    Event::AllocBegin { order: 0, gfp: gfp.0, memalloc }
}

#[test]
fn i1_flags_are_set_once() {
    let mut twice = Stage::new();
    twice.skips(REAPER).is_sound().at(1).skips(HOG).breaks(Invariant::FlagsAreMonotone);
    let mut oom_mm = Stage::new();
    let set = Event::OomMmSet { leader: HOG, mm: HOG_MM };
    oom_mm.add(OTHER, set).is_sound().add(OTHER, set).breaks(Invariant::FlagsAreMonotone);
}

#[test]
fn i2_one_victim_is_pending() {
    let mut stage = Stage::new();
    stage.kills(OTHER, HOG).is_sound().at(5).kills(HOG, OTHER);
    stage.breaks(Invariant::OnePendingVictim);
    let mut old = Stage::with("4.6", Approach::Silent, &FENCE);
    old.kills(OTHER, HOG).kills(HOG, OTHER).is_waived(Invariant::OnePendingVictim);
    Stage::new().kills(OTHER, HOG).skips(REAPER).kills(HOG, OTHER).is_sound();
}

#[test]
fn i2_allocating_task_may_die_beside_a_victim() {
    let mut allocating = Stage::declared("6.1", Approach::NonBlocking, &FENCE, true);
    allocating.kills(OTHER, HOG).chooses(OTHER, OTHER, Gfp::KERNEL);
    allocating.is_waived(Invariant::OnePendingVictim);
}

#[test]
fn i2_scopes_and_sysrq_are_their_own() {
    let in_scope =
        |scope, order| Event::OomKillProcess { victim: OTHER, gfp: 0, order, scope, report: true };
    Stage::new().kills(OTHER, HOG).add(HOG, in_scope(OomScope::Sysrq, 255)).is_sound();
    Stage::new().kills(OTHER, HOG).add(HOG, in_scope(OomScope::Group, 0)).is_sound();
    let limit = |cgroup| Event::MemcgOom { cgroup: CgroupId(cgroup), gfp: 0, order: 0 };
    let mut memcg = Stage::new();
    memcg.add(OTHER, limit(0));
    let kill = Event::OomKillProcess {
        victim: HOG,
        gfp: 0,
        order: 0,
        scope: OomScope::Memcg,
        report: true,
    };
    memcg.add(OTHER, kill).add(OTHER, Event::SignalGenerate { target: HOG }).marks(OTHER, HOG);
    // Cgroup 2 lies beside; HOG is in cgroup 1, below cgroup 0.
    memcg.add(HOG, limit(2)).add(HOG, in_scope(OomScope::Memcg, 0)).is_sound();
    memcg.add(HOG, limit(1)).add(HOG, in_scope(OomScope::Memcg, 0));
    memcg.breaks(Invariant::OnePendingVictim);
}

#[test]
fn i2_a_cgroup_waits_for_victims_below_it_whoever_killed_them() {
    let limit = Event::MemcgOom { cgroup: CgroupId(0), gfp: 0, order: 0 };
    let kill = Event::OomKillProcess {
        victim: OTHER,
        gfp: 0,
        order: 0,
        scope: OomScope::Memcg,
        report: true,
    };
    let mut global = Stage::new();
    global.kills(OTHER, HOG).is_sound().add(OTHER, limit).add(OTHER, kill);
    global.breaks(Invariant::OnePendingVictim);
    let mut left = Stage::new();
    // One thread had left before.
    left.add(HELPER, Event::Exited {}).kills(OTHER, HOG).add(HOG, Event::Exited {});
    left.add(OTHER, limit).add(OTHER, kill).is_sound();
}

#[test]
fn i3_skip_is_the_end() {
    let mut reaped = Stage::new();
    reaped.woken().skips(HOG).is_sound().starts().breaks(Invariant::SkipEndsReaping);
    // What is under way when exit_mmap() sets it may go on; exit_mmap() waits for that.
    let zap = Event::Zap { range: HEAP, pages: 1, freed: 1 };
    let mut under_way = Stage::new();
    under_way.woken().starts().skips(HOG).add(REAPER, zap).is_sound();
    under_way.fails().add(REAPER, zap).breaks(Invariant::SkipEndsReaping);
    // What reclaim takes for a request of a callback's is not reaped.
    let reclaim = Event::DirectReclaimBegin { order: 0, gfp: Gfp::KERNEL.0 };
    let mut callback = Stage::with("4.14", Approach::SkipAny, &FENCE);
    callback.skips(HOG).add(REAPER, reclaim).add(REAPER, zap);
    callback.is_waived(Invariant::ReaperTakesNothing);
    let mut gone = Stage::new();
    gone.woken().starts().skips(HOG).is_sound().add(HOG, Event::ExitMmapDone { mm: HOG_MM });
    gone.breaks(Invariant::SkipEndsReaping);
    let mut chosen = Stage::new();
    chosen.skips(HOG).chooses(OTHER, HOG, Gfp::KERNEL).breaks(Invariant::SkipEndsReaping);
    let mut marked = Stage::new();
    marked.skips(HOG).marks(HOG, HOG).breaks(Invariant::SkipEndsReaping);
    // Others may be chosen: nobody waits for it any longer.
    let aborted = Event::OutOfMemory { result: OomResult::Aborted, victim: Some(HOG) };
    Stage::new().woken().add(OTHER, aborted).is_sound();
    Stage::new().woken().skips(HOG).add(OTHER, aborted).breaks(Invariant::SkipEndsReaping);
    let mut handed = Stage::with("6.1", Approach::HandOff, &FENCE);
    handed.woken().skips(HOG).starts().is_waived(Invariant::SkipEndsReaping);
    let mut allocating = Stage::declared("6.1", Approach::NonBlocking, &FENCE, true);
    allocating.skips(HOG).chooses(HOG, HOG, Gfp::KERNEL).is_waived(Invariant::SkipEndsReaping);
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
    let flagged = Stage::with("4.16", Approach::SkipFlag, &FENCE);
    story(flagged).is_waived(Invariant::ReaperNeverBlocks);
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
    story(Stage::with("6.1", Approach::HandOff, &FENCE)).is_waived(Invariant::RefusedVmaIsWhole);
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
fn i9_no_device_uses_freed_pages() {
    let stale = Event::StaleAccess { device: DeviceId(0), range: HEAP, pages: 3 };
    Stage::new().add(HOG, stale).breaks(Invariant::NoStaleMapping);
    let mut ignored = Stage::with("4.9", Approach::Silent, &FENCE);
    ignored.add(HOG, stale).is_waived(Invariant::NoStaleMapping);
    let mut unpaired = Stage::with("5.4", Approach::NonBlocking, &SLEEPS);
    unpaired.add(HOG, stale).is_waived(Invariant::NoStaleMapping);
}

#[test]
fn i10_starts_have_ends() {
    let gone = Event::ExitMmapDone { mm: HOG_MM };
    let goes = Event::ExitMmap { mm: HOG_MM };
    let end = Event::MnEnd { notifier: NOTIFIER, range: HEAP };
    let lost = Event::MnLostEnd { notifier: NOTIFIER, range: HEAP };
    let with_end = |kernel| {
        let mut stage = Stage::with(kernel, Approach::NonBlocking, &KVM);
        stage.calls(HOG, true).returns(HOG, false);
        stage
    };
    let starts_have_ends = Invariant::StartsHaveEnds;
    with_end("5.4").add(HOG, lost).is_waived(starts_have_ends);
    with_end("5.12").add(HOG, lost).breaks(starts_have_ends);
    for kernel in ["5.4", "5.12"] {
        with_end(kernel).add(HOG, goes).breaks(starts_have_ends);
        let mut paired = with_end(kernel);
        paired.add(HOG, end).add(HOG, goes).add(HOG, gone).is_sound();
        paired.add(HOG, end).breaks(starts_have_ends);
    }
    // A reaper that is at it while the mm goes finds nobody to tell of the end.
    let mut beside = Stage::with("5.12", Approach::NonBlocking, &KVM);
    beside.calls(REAPER, false).returns(REAPER, false).add(HOG, goes).is_sound();
    beside.add(HOG, gone).is_waived(starts_have_ends);
    let mut closed = with_end("6.12");
    closed.add(HOG, Event::NotifierUnregistered { notifier: NOTIFIER }).is_waived(starts_have_ends);
    // So does reclaim on behalf of another.
    let mut reclaims = Stage::with("5.12", Approach::NonBlocking, &KVM);
    reclaims.calls(OTHER, true).returns(OTHER, false).add(HOG, goes).is_sound();
    let mut inside = Stage::with("5.4", Approach::NonBlocking, &FENCE);
    inside.begins(OTHER, 1, 2, 0).add(HOG, gone).breaks(starts_have_ends);
    let mut waited = Stage::with("5.4", Approach::NonBlocking, &FENCE);
    waited.begins(OTHER, 1, 2, 0).tree(ItreeOp::End, 0, 2).add(HOG, gone).is_sound();
    // Who refuses must not have an end; from 5.12 on it gets one all the same.
    let mut refuses = Stage::with("5.12", Approach::NonBlocking, &KVM);
    refuses.calls(REAPER, false).returns(REAPER, true).is_sound().add(REAPER, end);
    refuses.is_waived(starts_have_ends);
    // So does who refuses because its time is up: no end is owed to it.
    let mut late = Stage::with("5.12", Approach::NonBlocking, &KVM);
    late.calls_for_a_while(HOG).returns(HOG, true).add(HOG, goes).add(HOG, gone).is_sound();
    // The interval leak: only some kernels have it.
    let leak = |kernel| {
        let mut stage = Stage::with(kernel, Approach::NonBlocking, &FENCE);
        stage.begins(HOG, 1, 3, 1).is_sound().add(HOG, gone);
        stage
    };
    leak("6.1").is_waived(starts_have_ends);
    leak("5.4").breaks(starts_have_ends);
}

#[test]
fn i11_the_tree_is_frozen_while_odd() {
    let mut sound = Stage::new();
    sound.tree(ItreeOp::Insert, 0, 2).begins(HOG, 1, 3, 1).calls_so(HOG, true, false);
    sound.begins(HOG, 2, 3, 0).tree(ItreeOp::DeferInsert, 2, 3).tree(ItreeOp::Remove, 2, 3);
    sound.tree(ItreeOp::DeferRemove, 2, 3).tree(ItreeOp::End, 1, 3).tree(ItreeOp::End, 0, 4);
    sound.begins(HOG, 1, 4, 0).tree(ItreeOp::Insert, 1, 5).tree(ItreeOp::End, 0, 6);
    sound.is_sound();
    for (op, active, seq) in [
        (ItreeOp::Insert, 1, 3),
        (ItreeOp::Remove, 1, 3),
        (ItreeOp::End, 0, 3),
        (ItreeOp::Start, 1, 3),
        (ItreeOp::DeferInsert, 0, 3),
    ] {
        let mut stage = Stage::new();
        stage.begins(HOG, 1, 3, 1).is_sound().tree(op, active, seq);
        stage.breaks(Invariant::TreeFrozenWhileOdd);
    }
    Stage::new().tree(ItreeOp::End, 0, 2).breaks(Invariant::TreeFrozenWhileOdd);
    // Who is called overlaps, and then seq is odd.
    let mut even = Stage::new();
    even.begins(HOG, 1, 2, 0).is_sound().calls_so(HOG, true, false);
    even.breaks(Invariant::TreeFrozenWhileOdd);
    Stage::new().begins(HOG, 1, 2, 1).breaks(Invariant::TreeFrozenWhileOdd);
    Stage::new().begins(HOG, 1, 3, 0).breaks(Invariant::TreeFrozenWhileOdd);
}

#[test]
fn i11_all_who_overlap_are_called() {
    let one_of_two = |refused| {
        let mut stage = Stage::new();
        stage.begins(HOG, 1, 3, 2).calls_so(HOG, false, false).returns(HOG, refused).is_sound();
        stage
    };
    one_of_two(false).tree(ItreeOp::End, 0, 4).breaks(Invariant::TreeFrozenWhileOdd);
    // Who refuses ends it.
    one_of_two(true).tree(ItreeOp::End, 0, 4).is_sound();
    // That is seen before the list is called, too: kernels with the leak of 4.5 may never end the range.
    let (notifier, range, event) = (NotifierId(1), HEAP, MnEvent::Unmap);
    let calls_list = Event::MnCall { notifier, range, blockable: false, limited: false, event };
    for complete in [false, true] {
        let mut stage = one_of_two(false);
        let info = NotifierInfo { device: DeviceId(0), mm: HOG_MM, interval: false };
        stage.recorder.cast.notifiers.push(info);
        if complete {
            stage.calls_so(HOG, false, false).returns(HOG, false).add(HOG, calls_list).is_sound();
        } else {
            stage.add(HOG, calls_list).breaks(Invariant::TreeFrozenWhileOdd);
        }
    }
}

#[test]
fn i12_readers_look_again() {
    let mut stale = Stage::new();
    stale.reads(ItreeRead::Begin).calls(HOG, true).returns(HOG, false).is_sound();
    stale.reads(ItreeRead::Valid).breaks(Invariant::ReadersRetry);
    let mut again = Stage::new();
    again.reads(ItreeRead::Begin).calls(HOG, true).returns(HOG, false).reads(ItreeRead::Retry);
    again.reads(ItreeRead::Waited).reads(ItreeRead::Valid).is_sound();
    again.reads(ItreeRead::Valid).breaks(Invariant::ReadersRetry);
}

#[test]
fn i12_readers_look_under_the_lock_of_the_callback() {
    let lock = MMAP_LOCK;
    for op in [ItreeRead::Valid, ItreeRead::Retry] {
        let mut stage = Stage::new();
        stage.recorder.cast.devices[DeviceId(0)].locks.push(lock);
        stage.reads(ItreeRead::Begin).add(OTHER, Event::Acquired { lock, hold: Hold::Exclusive });
        stage.reads(op).is_sound().reads(ItreeRead::Begin).add(OTHER, Event::Released { lock });
        stage.add(HOG, Event::Acquired { lock, hold: Hold::Exclusive }).is_sound();
        stage.reads(op).breaks(Invariant::ReadersRetry);
    }
}

#[test]
fn i13_there_are_no_more_pages_than_there_are() {
    let free = |free| Event::ZoneFree { zone: ZoneId(0), free };
    Stage::new()
        .add(HOG, free(1000))
        .is_sound()
        .add(HOG, free(1001))
        .breaks(Invariant::PagesConserved);
}

#[test]
fn i14_who_must_not_sleep_does_not() {
    for gfp in [Gfp::NOWAIT, Gfp::ATOMIC] {
        let mut stage = Stage::new();
        stage.add(HOG, asks(gfp, false)).is_sound();
        stage.blocks(HOG, WaitOn::Time, Reason::ReclaimThrottle);
        stage.breaks(Invariant::NoSleepWhereForbidden);
    }
    let mut done = Stage::new();
    done.add(HOG, asks(Gfp::NOWAIT, false));
    done.add(HOG, Event::AllocDone { ok: false }).blocks(HOG, WaitOn::Time, Reason::Pause);
    done.is_sound();
    let reclaim = Event::DirectReclaimBegin { order: 0, gfp: Gfp::KERNEL.0 };
    let may_sleep = asks(Gfp::KERNEL, false);
    // Who reclaims may sleep, but not in a request of its own: PF_MEMALLOC.
    let mut reclaims = Stage::new();
    reclaims.add(HOG, may_sleep).add(HOG, reclaim);
    reclaims.blocks(HOG, WaitOn::Time, Reason::ReclaimThrottle).is_sound();
    reclaims.wakes(HOG, Waited::TimedOut).add(HOG, may_sleep).is_sound();
    reclaims.blocks(HOG, WaitOn::Time, Reason::ReclaimThrottle);
    reclaims.breaks(Invariant::NoSleepWhereForbidden);
    Stage::new().add(HOG, reclaim).add(HOG, reclaim).breaks(Invariant::NoSleepWhereForbidden);
    // A driver gave itself PF_MEMALLOC, which goes before the flags.
    let mut scope = Stage::new();
    scope.add(HOG, asks(Gfp::KERNEL, true)).blocks(HOG, WaitOn::Time, Reason::Yield).is_sound();
    scope.wakes(HOG, Waited::TimedOut).is_sound();
    scope.blocks(HOG, WaitOn::Time, Reason::ReclaimThrottle);
    scope.breaks(Invariant::NoSleepWhereForbidden);
    for (gfp, memalloc) in [(Gfp::KERNEL, true), (Gfp::NOWAIT, false)] {
        let mut stage = Stage::new();
        stage.add(HOG, asks(gfp, memalloc)).add(HOG, reclaim);
        stage.breaks(Invariant::NoSleepWhereForbidden);
    }
}

#[test]
fn i15_the_loser_sleeps_one_jiffy() {
    let story = |ms| {
        let mut stage = Stage::new();
        stage.add(HOG, asks(Gfp::KERNEL, false));
        stage.add(HOG, Event::OomTrylockFail { owner: Some(OTHER) });
        stage.blocks(HOG, WaitOn::Time, Reason::OomLockJiffy);
        stage.at(ms).wakes(HOG, Waited::TimedOut);
        stage
    };
    story(4).is_sound();
    story(5).breaks(Invariant::LoserSleepsOneJiffy);
    story(3).breaks(Invariant::LoserSleepsOneJiffy);
    let mut other = Stage::new();
    other.add(HOG, Event::OomTrylockFail { owner: None });
    other.blocks(HOG, WaitOn::Time, Reason::ReclaimThrottle);
    other.breaks(Invariant::LoserSleepsOneJiffy);
    let mut blocks = Stage::new();
    blocks.add(HOG, asks(Gfp::KERNEL, false));
    blocks.blocks(HOG, WaitOn::Lock(OOM_LOCK), Reason::OomLock);
    blocks.breaks(Invariant::LoserSleepsOneJiffy);
    // Nor at the end of a page fault; a cgroup's killer does, each time.
    let waits = |stage: &mut Stage| {
        stage.blocks(HOG, WaitOn::Lock(OOM_LOCK), Reason::OomLock);
    };
    let mut fault = Stage::new();
    waits(&mut fault);
    fault.breaks(Invariant::LoserSleepsOneJiffy);
    let mut memcg = Stage::new();
    memcg.add(HOG, Event::MemcgOom { cgroup: CgroupId(1), gfp: Gfp::KERNEL.0, order: 0 });
    waits(&mut memcg);
    memcg.wakes(HOG, Waited::Granted);
    memcg.add(HOG, Event::Acquired { lock: OOM_LOCK, hold: Hold::Exclusive });
    memcg.add(HOG, Event::Released { lock: OOM_LOCK }).is_sound();
    waits(&mut memcg);
    memcg.breaks(Invariant::LoserSleepsOneJiffy);
}

#[test]
fn i16_nofs_kills_nobody() {
    Stage::new().chooses(OTHER, HOG, Gfp::NOFS).breaks(Invariant::NoKillWithoutFs);
    let nofail = Gfp::NOFS.with(Gfp::NOFAIL);
    Stage::with("4.9", Approach::Silent, &FENCE).chooses(OTHER, HOG, nofail).is_sound();
    Stage::with("4.14", Approach::SkipAny, &FENCE)
        .chooses(OTHER, HOG, nofail)
        .breaks(Invariant::NoKillWithoutFs);
}

#[test]
fn i17_sigkill_comes_first() {
    let mut stage = Stage::new();
    stage.chooses(OTHER, HOG, Gfp::KERNEL).marks(OTHER, HOG);
    stage.breaks(Invariant::SigkillBeforeReserves);
    // Who is dying already marks itself.
    Stage::new().marks(HOG, HOG).is_sound();
}

#[test]
fn i18_a_trylock_waits_its_turn() {
    let take = |hold| Event::Acquired { lock: MMAP_LOCK, hold };
    let (shared, exclusive) = (take(Hold::Shared), take(Hold::Exclusive));
    Stage::new().add(HOG, exclusive).add(OTHER, shared).breaks(Invariant::TrylockIsFair);
    Stage::new().add(HOG, shared).add(OTHER, exclusive).breaks(Invariant::TrylockIsFair);
    let mut queue = Stage::new();
    queue.add(HOG, shared).blocks(OTHER, WaitOn::Lock(MMAP_LOCK), Reason::MmapLock).is_sound();
    queue.add(REAPER, shared).breaks(Invariant::TrylockIsFair);
    let mut in_turn = Stage::new();
    in_turn.add(HOG, shared).blocks(OTHER, WaitOn::Lock(MMAP_LOCK), Reason::MmapLock);
    in_turn.add(HOG, Event::Released { lock: MMAP_LOCK }).add(OTHER, exclusive);
    in_turn.wakes(OTHER, Waited::Granted).add(OTHER, Event::Released { lock: MMAP_LOCK });
    in_turn.add(HOG, shared).is_sound();
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
}

/// A monitor is told by the engine too, not only by the kernel.
#[test]
fn engine_events_are_watched() {
    let mut stage = Stage::new();
    stage.at(7);
    let wait =
        EngineEvent::Blocked(WaitOn::Time, sim_core::engine::Why(Reason::Pause as u8), StackId(0));
    stage.recorder.engine_event(SimTime(7 * MS), REAPER, EngineEvent::Ran(CpuId(0)));
    stage.recorder.engine_event(SimTime(7 * MS), REAPER, wait);
    stage.breaks(Invariant::ReaperNeverBlocks);
}

#[test]
fn every_invariant_is_numbered_told_and_broken_here() {
    let here = include_str!("main.rs");
    assert_eq!(Invariant::ALL.len(), 20);
    for (number, invariant) in (1..).zip(Invariant::ALL) {
        assert_eq!(invariant.id(), format!("I{number}"));
        let alike = Invariant::ALL.iter().filter(|other| other.text() == invariant.text());
        assert_eq!(alike.count(), 1, "{invariant:?}");
        assert!(invariant.text().split(' ').count() > 5, "{invariant:?}: {}", invariant.text());
        // That runs repeat takes two of them, which other tests compare.
        let is_broken = here.contains(&format!("Invariant::{invariant:?}"));
        assert!(is_broken || *invariant == Invariant::RunsRepeat, "{invariant:?}");
    }
}
