//! I9 to I12: who is told of what, and for how long.

use sim_core::base::{DeviceId, NotifierId};
use sim_core::engine::Hold;
use sim_core::kernel::plugin::Approach;
use sim_core::record::{Event, Invariant, ItreeOp, ItreeRead, MnEvent, NotifierInfo};

use crate::stage::*;

#[test]
fn i9_no_device_uses_freed_pages() {
    let stale = Event::StaleAccess { device: DeviceId(0), range: HEAP, pages: 3 };
    Stage::new().add(HOG, stale).breaks(Invariant::NoStaleMapping);
    let mut ignored = Stage::with("4.9", Approach::Silent, &FENCE);
    ignored.add(HOG, stale).is_waived(Invariant::NoStaleMapping);
    let mut unpaired = Stage::with("5.4", Approach::NonBlocking, &SLEEPS);
    unpaired.add(HOG, stale).is_waived(Invariant::NoStaleMapping);
    // That excuses no other device.
    let other = Event::StaleAccess { device: DeviceId(1), range: HEAP, pages: 3 };
    let mut beside = Stage::with("5.4", Approach::NonBlocking, &SLEEPS);
    beside.add(HOG, other).breaks(Invariant::NoStaleMapping);
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
    let listed = NotifierId(1);
    let leak = |kernel, refused| {
        let mut stage = Stage::with(kernel, Approach::NonBlocking, &FENCE);
        let info = NotifierInfo { device: DeviceId(0), mm: HOG_MM, interval: false };
        stage.recorder.cast.notifiers.push(info);
        let (notifier, range, event) = (listed, HEAP, MnEvent::Unmap);
        let call = Event::MnCall { notifier, range, blockable: false, limited: false, event };
        stage.begins(HOG, 1, 2, 0).add(HOG, call);
        stage.add(HOG, Event::MnReturn { notifier, range, refused }).is_sound();
        stage
    };
    leak("6.1", true).add(HOG, gone).is_waived(starts_have_ends);
    leak("5.4", true).add(HOG, gone).breaks(starts_have_ends);
    // And only behind a list that refused: as often as it did.
    leak("6.1", false).add(HOG, gone).breaks(starts_have_ends);
    leak("6.1", true).begins(HOG, 2, 2, 0).add(HOG, gone).breaks(starts_have_ends);
    // The core may refuse in its stead.
    let mut core = leak("6.1", false);
    core.tree(ItreeOp::End, 0, 2).begins(HOG, 1, 2, 0);
    core.add(HOG, Event::CoreRefused { notifier: listed, range: HEAP });
    core.is_sound().add(HOG, gone).is_waived(starts_have_ends);
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
