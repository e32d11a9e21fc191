//! The interval tree of an mm: only notifiers that overlap are called.
//!
//! Mirrors mm/mmu_notifier.c: `mn_itree_inv_start_range()`,
//! `mn_itree_inv_end()`, `mn_itree_invalidate()`,
//! `mmu_interval_read_begin()`, `mmu_interval_notifier_insert()` and
//! `_remove()`, and include/linux/mmu_notifier.h:
//! `mmu_interval_set_seq()`, `mmu_interval_read_retry()`, Linux 5.5 to
//! 7.1 (kernel-spec 4.5, 4.6). The tree is a list by start address; its
//! spinlock is that nothing runs between two awaits.

use super::{Cx, NotifierRange, Refused, answered, describe};
use crate::base::{MmId, NotifierId};
use crate::engine::Signals;
use crate::kernel::lockdep::{might_sleep, touch_notifier_map};
use crate::kernel::mm::{Deferred, Itree};
use crate::kernel::plugin::{Api, Approach, Blockable, Finish};
use crate::kernel::state::State;
use crate::record::{Event, Func, ItreeOp, ItreeRead, Reason, SleepSite};

/// `mn_itree_is_invalidating()`.
fn mn_itree_is_invalidating(itree: &Itree) -> bool {
    itree.seq % 2 == 1
}

/// `mn_itree_invalidate()`: calls the overlapping notifiers, by address. In
/// a range that is not blockable the first refusal ends it. With two
/// passes (7.1) the drivers that can are all started before the first is
/// waited for.
pub(super) async fn mn_itree_invalidate(cx: &Cx, range: NotifierRange) -> Result<(), Refused> {
    let _in = cx.enter(Func::MnItreeInvalidate);
    cx.cpu(cx.costs().notifier_interval).await;
    let two_pass = cx.with(|state| state.policy.approach()) == Approach::TwoPass;
    // The tree is frozen while seq is odd, so the list stays true across the calls.
    let (called, seq) = mn_itree_inv_start_range(cx, range);
    let mut finishes = Vec::new();
    let mut result = Ok(());
    for notifier in called {
        cx.cpu(cx.costs().notifier_overlap).await;
        match call(cx, notifier, &range, seq, two_pass).await {
            Ok(finish) => finishes.extend(finish.map(|finish| (notifier, finish))),
            Err(Refused) if range.blockable == Blockable::Yes => {}
            Err(Refused) => {
                result = Err(Refused);
                break;
            }
        }
    }
    // Also after a refusal: who was started is waited for.
    for (notifier, finish) in finishes {
        mn_itree_finish(cx, notifier, &range, seq, finish).await;
    }
    if result.is_err() {
        mn_itree_inv_end(cx, range.mm);
    }
    result
}

/// `invalidate()` or `invalidate_start()` of one notifier.
async fn call(
    cx: &Cx,
    notifier: NotifierId,
    range: &NotifierRange,
    seq: u32,
    two_pass: bool,
) -> Result<Option<Finish>, Refused> {
    if super::core_refuses(cx, notifier, range) {
        return Err(Refused);
    }
    super::record_call(cx, notifier, range);
    let result = {
        let _in = cx.enter(Func::DriverCallback);
        let device = cx.with(|state| state.notifiers[notifier].device);
        let driver = &cx.kernel().drivers[device];
        let call = describe(cx, notifier, range, seq);
        if two_pass && driver.ops().two_pass {
            driver.invalidate_start(call).await
        } else {
            driver.invalidate(call).await.map(|()| None)
        }
    };
    answered(cx, notifier, range, result.is_err());
    result
}

/// The second pass of one notifier (`mn_itree_final_pass()`).
async fn mn_itree_finish(
    cx: &Cx,
    notifier: NotifierId,
    range: &NotifierRange,
    seq: u32,
    finish: Finish,
) {
    cx.record(Event::MnFinishCall { notifier, range: range.range.id });
    {
        let _in = cx.enter(Func::DriverCallback);
        let device = cx.with(|state| state.notifiers[notifier].device);
        let call = describe(cx, notifier, range, seq);
        cx.kernel().drivers[device].invalidate_finish(call, finish).await;
    }
    cx.record(Event::MnFinishReturn { notifier, range: range.range.id });
}

/// `mn_itree_inv_start_range()`: the overlapping notifiers and the sequence number.
fn mn_itree_inv_start_range(cx: &Cx, range: NotifierRange) -> (Vec<NotifierId>, u32) {
    let (called, seq, overlapping) = cx.with(|state| {
        let overlapping = registered(state, &range);
        let notifiers = &state.notifiers;
        let itree = &mut state.mms[range.mm].itree;
        itree.active += 1;
        let overlaps = |&id: &NotifierId| notifiers[id].range.overlaps(range.range);
        let called: Vec<_> = itree.tree.iter().copied().filter(overlaps).collect();
        if !called.is_empty() {
            itree.seq |= 1;
        }
        (called, itree.seq, overlapping)
    });
    record_itree(cx, range.mm, ItreeOp::Start, overlapping);
    (called, seq)
}

/// How many of the mm's intervals overlap, by what was registered: whoever watches the run (I11)
/// compares the tree's calls with it.
fn registered(state: &State, range: &NotifierRange) -> u8 {
    let itree = &state.mms[range.mm].itree;
    if !itree.has_itree {
        return 0;
    }
    let deferred = &itree.deferred;
    let of_mm = state.notifiers.iter().filter(|(_, notifier)| notifier.mm == range.mm);
    let overlapping = of_mm.filter(|(id, notifier)| {
        let is_in = if notifier.registered {
            !deferred.contains(&Deferred::Insert(*id))
        } else {
            deferred.contains(&Deferred::Remove(*id))
        };
        is_in && notifier.api == Api::Interval && notifier.range.overlaps(range.range)
    });
    u8::try_from(overlapping.count()).unwrap_or(u8::MAX)
}

/// `mn_itree_inv_end()`: the last one out makes the tree changeable again.
pub(super) fn mn_itree_inv_end(cx: &Cx, mm: MmId) {
    let Some((wait, opened)) = cx.with(|state| {
        let itree = &mut state.mms[mm].itree;
        if !itree.has_itree {
            return None;
        }
        assert!(itree.active > 0, "invariant I11: an invalidation ends that never began");
        itree.active -= 1;
        let opened = itree.active == 0 && mn_itree_is_invalidating(itree);
        if opened {
            itree.seq += 1;
            // hlist_add_head() put the latest first.
            for change in std::mem::take(&mut itree.deferred).into_iter().rev() {
                match change {
                    Deferred::Insert(id) => insert_sorted(state, id),
                    Deferred::Remove(id) => state.mms[mm].itree.tree.retain(|&other| other != id),
                }
            }
        }
        Some((state.mms[mm].itree.wait, opened))
    }) else {
        return;
    };
    record_itree(cx, mm, ItreeOp::End, 0);
    if opened {
        cx.wake_all(wait);
    }
}

/// `mmu_interval_set_seq()`, under the driver's lock.
pub fn mmu_interval_set_seq(cx: &Cx, notifier: NotifierId, seq: u32) {
    cx.with(|state| state.notifiers[notifier].seq = seq);
}

/// `mmu_interval_read_begin()`: waits until no invalidation of this
/// notifier runs, and says with what to ask
/// [`mmu_interval_read_retry`] once the pages are at hand. Not to be
/// called under a lock that callbacks take.
pub async fn mmu_interval_read_begin(cx: &Cx, notifier: NotifierId) -> u32 {
    let _in = cx.enter(Func::IntervalReadBegin);
    let (seq, mm, wait) = cx.with(|state| {
        let subscription = &state.notifiers[notifier];
        (subscription.seq, subscription.mm, state.mms[subscription.mm].itree.wait)
    });
    let changed = || cx.with(|state| state.mms[mm].itree.seq) != seq;
    let op = if changed() { ItreeRead::Begin } else { ItreeRead::Waited };
    touch_notifier_map(cx);
    while !changed() {
        cx.wait(wait, Reason::IntervalRead, Signals::Ignored).await;
    }
    cx.record(Event::MnRead { notifier, op, seq });
    seq
}

/// `mmu_interval_read_retry()`, under the driver's lock: whether the pages
/// were invalidated since `read_begin` returned `seq`, so that all has to
/// be done again; else the device may be programmed.
pub fn mmu_interval_read_retry(cx: &Cx, notifier: NotifierId, seq: u32) -> bool {
    let retry = cx.with(|state| state.notifiers[notifier].seq) != seq;
    let op = if retry { ItreeRead::Retry } else { ItreeRead::Valid };
    cx.record(Event::MnRead { notifier, op, seq });
    retry
}

/// `__mmu_interval_notifier_insert()`.
pub(super) fn mmu_interval_notifier_insert(cx: &Cx, mm: MmId, id: NotifierId) {
    let _in = cx.enter(Func::IntervalInsert);
    let op = cx.with(|state| {
        let itree = &mut state.mms[mm].itree;
        itree.has_itree = true;
        if itree.active > 0 && mn_itree_is_invalidating(itree) {
            itree.deferred.push(Deferred::Insert(id));
            state.notifiers[id].seq = itree.seq;
            ItreeOp::DeferInsert
        } else {
            if itree.active > 0 {
                // Its first reader must wait for the running invalidations.
                itree.seq |= 1;
                state.notifiers[id].seq = itree.seq;
            } else {
                state.notifiers[id].seq = itree.seq - 1;
            }
            insert_sorted(state, id);
            ItreeOp::Insert
        }
    });
    record_itree(cx, mm, op, 0);
}

fn insert_sorted(state: &mut State, id: NotifierId) {
    let start = state.notifiers[id].range.start;
    let mm = state.notifiers[id].mm;
    let notifiers = &state.notifiers;
    let tree = &mut state.mms[mm].itree.tree;
    let at = tree.partition_point(|&other| notifiers[other].range.start <= start);
    tree.insert(at, id);
}

/// `mmu_interval_notifier_remove()`: while an invalidation runs it sleeps
/// until that is over. Not to be called under a lock that callbacks
/// take, nor by one of them.
pub(super) async fn mmu_interval_notifier_remove(cx: &Cx, mm: MmId, id: NotifierId) {
    let _in = cx.enter(Func::IntervalRemove);
    might_sleep(cx, SleepSite::IntervalRemove);
    let (op, seq) = cx.with(|state| {
        let itree = &mut state.mms[mm].itree;
        let inserting = itree.deferred.iter().position(|&d| d == Deferred::Insert(id));
        if let Some(index) = inserting {
            // It never came to be.
            itree.deferred.remove(index);
            (ItreeOp::Remove, None)
        } else if mn_itree_is_invalidating(itree) {
            itree.deferred.push(Deferred::Remove(id));
            (ItreeOp::DeferRemove, Some(itree.seq))
        } else {
            itree.tree.retain(|&other| other != id);
            (ItreeOp::Remove, None)
        }
    });
    record_itree(cx, mm, op, 0);
    let wait = cx.with(|state| state.mms[mm].itree.wait);
    touch_notifier_map(cx);
    while seq.is_some_and(|seq| cx.with(|state| state.mms[mm].itree.seq) == seq) {
        cx.wait(wait, Reason::NotifierEnd, Signals::Ignored).await;
    }
}

fn record_itree(cx: &Cx, mm: MmId, op: ItreeOp, overlapping: u8) {
    let (active, seq) = cx.with(|state| (state.mms[mm].itree.active, state.mms[mm].itree.seq));
    let active = u16::try_from(active).unwrap_or(u16::MAX);
    cx.record(Event::MnItree { mm, op, active, seq, overlapping });
}
