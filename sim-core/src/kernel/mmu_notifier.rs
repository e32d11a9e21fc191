//! MMU notifiers: the list, the interval tree, and their calls.
//!
//! Mirrors mm/mmu_notifier.c: `__mmu_notifier_invalidate_range_start()`,
//! `mn_itree_invalidate()`, `mn_itree_inv_start_range()`,
//! `mn_itree_inv_end()`, `mn_hlist_invalidate_range_start()`,
//! `__mmu_notifier_release()`, `mmu_interval_notifier_insert()` and
//! `_remove()`, Linux 6.1 (kernel-spec 4.4, 4.5). Left out: end
//! operations (no driver here has one), the read side, change_pte and
//! the secondary-TLB operations.

use super::cx::Cx;
use super::device::{registered, released, unregistered};
use super::mm::Deferred;
use super::plugin::{Api, Blockable, Call, Refused};
use super::state::State;
use crate::base::{DeviceId, MmId, NotifierId, RangeId};
use crate::engine::{Hold, Signals};
use crate::record::{Event, Func, ItreeOp, MnEvent, NotifierInfo, RangeInfo, Reason};

/// A range of addresses that is invalidated.
#[derive(Copy, Clone, Debug)]
pub struct Range {
    /// Its name in records.
    pub id: RangeId,
    /// First byte.
    pub start: u64,
    /// One past the last byte.
    pub end: u64,
}

/// A registration: `struct mmu_notifier` or `struct mmu_interval_notifier`.
#[derive(Clone, Debug)]
pub struct Notifier {
    /// Whose callback.
    pub device: DeviceId,
    /// On which mm.
    pub mm: MmId,
    /// On the list or in the tree.
    pub api: Api,
    /// What it covers.
    pub range: Range,
    /// `interval_sub->invalidate_seq`.
    pub seq: u32,
}

impl Notifier {
    fn overlaps(&self, range: Range) -> bool {
        self.range.start < range.end && range.start < self.range.end
    }
}

/// `mmu_notifier_invalidate_range_start_nonblock()`.
pub async fn invalidate_range_start_nonblock(
    cx: &Cx,
    mm: MmId,
    range: Range,
    event: MnEvent,
) -> Result<(), Refused> {
    invalidate_range_start(cx, mm, range, Blockable::No, event).await
}

/// `__mmu_notifier_invalidate_range_start()`.
pub async fn invalidate_range_start(
    cx: &Cx,
    mm: MmId,
    range: Range,
    blockable: Blockable,
    event: MnEvent,
) -> Result<(), Refused> {
    let _in = cx.enter(Func::MnStart);
    if cx.with(|state| state.mms[mm].itree.has_itree) {
        mn_itree_invalidate(cx, mm, range, blockable, event).await?;
    }
    let refused = mn_hlist_invalidate_range_start(cx, mm, range, blockable, event).await;
    if refused.is_err() && !cx.kernel().switches.interval_leak {
        mn_itree_inv_end(cx, mm);
    }
    refused
}

/// `__mmu_notifier_invalidate_range_end()`.
pub fn invalidate_range_end(cx: &Cx, mm: MmId) {
    mn_itree_inv_end(cx, mm);
}

/// `mn_itree_invalidate()`: calls the overlapping interval notifiers, by
/// address. In a non-blockable range the first refusal ends it.
async fn mn_itree_invalidate(
    cx: &Cx,
    mm: MmId,
    range: Range,
    blockable: Blockable,
    event: MnEvent,
) -> Result<(), Refused> {
    let _in = cx.enter(Func::MnItreeInvalidate);
    cx.cpu(cx.costs().notifier_interval).await;
    // The tree is frozen while seq is odd, so the list stays true across the calls.
    let (called, seq) = mn_itree_inv_start_range(cx, mm, range);
    for notifier in called {
        cx.cpu(cx.costs().notifier_overlap).await;
        let refused = call(cx, notifier, range, blockable, event, seq).await;
        if refused.is_err() && blockable != Blockable::Yes {
            mn_itree_inv_end(cx, mm);
            return Err(Refused);
        }
    }
    Ok(())
}

/// `mn_itree_inv_start_range()`: the overlapping notifiers and the sequence number.
fn mn_itree_inv_start_range(cx: &Cx, mm: MmId, range: Range) -> (Vec<NotifierId>, u32) {
    let (called, seq) = cx.with(|state| {
        let notifiers = &state.notifiers;
        let itree = &mut state.mms[mm].itree;
        itree.active += 1;
        let overlapping = |&id: &NotifierId| notifiers[id].overlaps(range);
        let called: Vec<_> = itree.tree.iter().copied().filter(overlapping).collect();
        if !called.is_empty() {
            itree.seq |= 1;
        }
        (called, itree.seq)
    });
    record_itree(cx, mm, ItreeOp::Start);
    (called, seq)
}

/// `mn_itree_inv_end()`: the last one out makes the tree changeable again.
fn mn_itree_inv_end(cx: &Cx, mm: MmId) {
    let Some((wait, opened)) = cx.with(|state| {
        let itree = &mut state.mms[mm].itree;
        if !itree.has_itree {
            return None;
        }
        assert!(itree.active > 0, "invariant I11: an invalidation ends that never began");
        itree.active -= 1;
        let opened = itree.active == 0 && itree.seq % 2 == 1;
        if opened {
            itree.seq += 1;
            for change in std::mem::take(&mut itree.deferred) {
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
    record_itree(cx, mm, ItreeOp::End);
    if opened {
        cx.wake_all(wait);
    }
}

/// `mn_hlist_invalidate_range_start()`: calls every notifier of the list,
/// even after one refused.
async fn mn_hlist_invalidate_range_start(
    cx: &Cx,
    mm: MmId,
    range: Range,
    blockable: Blockable,
    event: MnEvent,
) -> Result<(), Refused> {
    let mut result = Ok(());
    let mut index = 0;
    while let Some(notifier) = cx.with(|state| state.mms[mm].hlist.get(index).copied()) {
        let _in = cx.enter(Func::MnHlistStart);
        index += 1;
        if !has_start(cx, notifier) {
            continue;
        }
        cx.cpu(cx.costs().notifier_hlist).await;
        if call(cx, notifier, range, blockable, event, 0).await.is_err() {
            // The line "callback failed with -11 in non-blockable context."
            cx.cpu(cx.costs().printk).await;
            if blockable != Blockable::Yes {
                result = Err(Refused);
            }
        }
    }
    result
}

/// Whether a registration has an operation that is called for ranges.
fn has_start(cx: &Cx, notifier: NotifierId) -> bool {
    let device = cx.with(|state| state.notifiers[notifier].device);
    cx.kernel().drivers[device].ops().start
}

/// Calls one driver.
async fn call(
    cx: &Cx,
    notifier: NotifierId,
    range: Range,
    blockable: Blockable,
    event: MnEvent,
    seq: u32,
) -> Result<(), Refused> {
    let (device, overlaps) = cx.with(|state| {
        let subscription = &state.notifiers[notifier];
        (subscription.device, subscription.overlaps(range))
    });
    let may_block = blockable.may_sleep();
    cx.record(Event::MnCall { notifier, range: range.id, blockable: may_block, event });
    let result = {
        let _in = cx.enter(Func::DriverCallback);
        let driver = cx.kernel().drivers[device];
        driver.invalidate(Call { cx, notifier, range, overlaps, blockable, event, seq }).await
    };
    cx.record(Event::MnReturn { notifier, range: range.id, refused: result.is_err() });
    result
}

/// `mmu_interval_set_seq()`, under the driver's lock.
pub fn mmu_interval_set_seq(cx: &Cx, notifier: NotifierId, seq: u32) {
    cx.with(|state| state.notifiers[notifier].seq = seq);
}

/// `__mmu_notifier_release()`: the mm is going away; everything is
/// invalidated, and the list is emptied.
pub async fn release(cx: &Cx, mm: MmId, all: Range) {
    let _in = cx.enter(Func::MmuNotifierRelease);
    if cx.with(|state| state.mms[mm].itree.has_itree) {
        // Blockable: a refusal would be a driver's bug, and is ignored.
        let _ = mn_itree_invalidate(cx, mm, all, Blockable::Yes, MnEvent::Release).await;
        mn_itree_inv_end(cx, mm);
    }
    let hlist = cx.with(|state| std::mem::take(&mut state.mms[mm].hlist));
    for &notifier in &hlist {
        released(cx, notifier);
    }
    if !hlist.is_empty() {
        cx.sleep(cx.costs().srcu_sync, Reason::Srcu, Signals::Ignored).await;
    }
}

/// `mmu_notifier_register()` or `mmu_interval_notifier_insert()`: which,
/// the policy decides.
pub async fn register(cx: &Cx, device: DeviceId, mm: MmId, start: u64, end: u64) {
    let asked = cx.with(|state| state.devices[device].setup.api);
    let api = cx.with(|state| state.policy).api(asked);
    let range = cx.kernel().engine.observe(|_, recorder| {
        let name = recorder.cast.devices[device].name.clone();
        let interval = api == Api::Interval;
        recorder.cast.notifiers.push(NotifierInfo { device, mm, interval });
        recorder.cast.ranges.push(RangeInfo { mm, start, end, name, anonymous: true })
    });
    let range = Range { id: range, start, end };
    let id = cx.with(|state| state.notifiers.push(Notifier { device, mm, api, range, seq: 0 }));
    cx.record(Event::NotifierRegistered { notifier: id, range: range.id });
    if !cx.kernel().drivers[device].ops().has_any() {
        // It registers no notifier, it only pins.
        registered(cx, id).await;
        return;
    }
    // mmu_notifier_register() takes the lock for writing; a later interval does without.
    let first_interval = cx.with(|state| !state.mms[mm].itree.has_itree);
    let locks = api == Api::Hlist || first_interval;
    let mmap_lock = cx.with(|state| state.mms[mm].mmap_lock);
    if locks {
        cx.lock(mmap_lock, Hold::Exclusive, Reason::MmapLock).await;
    }
    match api {
        Api::Hlist => cx.with(|state| state.mms[mm].hlist.insert(0, id)),
        Api::Interval => mmu_interval_notifier_insert(cx, mm, id),
    }
    if locks {
        cx.unlock(mmap_lock);
    }
    registered(cx, id).await;
}

fn mmu_interval_notifier_insert(cx: &Cx, mm: MmId, id: NotifierId) {
    let _in = cx.enter(Func::IntervalInsert);
    let op = cx.with(|state| {
        let itree = &mut state.mms[mm].itree;
        itree.has_itree = true;
        if itree.active > 0 && itree.seq % 2 == 1 {
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
    record_itree(cx, mm, op);
}

fn insert_sorted(state: &mut State, id: NotifierId) {
    let start = state.notifiers[id].range.start;
    let mm = state.notifiers[id].mm;
    let notifiers = &state.notifiers;
    let tree = &mut state.mms[mm].itree.tree;
    let at = tree.partition_point(|&other| notifiers[other].range.start <= start);
    tree.insert(at, id);
}

/// The device files of a process close: its registrations on `mm` go away.
pub async fn unregister_all(cx: &Cx, mm: MmId) {
    let ids: Vec<_> = cx.with(|state| {
        let mine = state.notifiers.iter().filter(|(_, notifier)| notifier.mm == mm);
        mine.map(|(id, notifier)| (id, notifier.api)).collect()
    });
    for (id, api) in ids {
        let device = cx.with(|state| state.notifiers[id].device);
        if cx.kernel().drivers[device].ops().has_any() {
            match api {
                Api::Hlist => mmu_notifier_unregister(cx, mm, id).await,
                Api::Interval => mmu_interval_notifier_remove(cx, mm, id).await,
            }
        }
        unregistered(cx, id);
    }
}

async fn mmu_notifier_unregister(cx: &Cx, mm: MmId, id: NotifierId) {
    let _in = cx.enter(Func::HlistUnregister);
    let listed = cx.with(|state| {
        let hlist = &mut state.mms[mm].hlist;
        let before = hlist.len();
        hlist.retain(|&other| other != id);
        hlist.len() < before
    });
    if listed {
        cx.sleep(cx.costs().srcu_sync, Reason::Srcu, Signals::Ignored).await;
    }
}

async fn mmu_interval_notifier_remove(cx: &Cx, mm: MmId, id: NotifierId) {
    let _in = cx.enter(Func::IntervalRemove);
    let (seq, wait, deferred) = cx.with(|state| {
        let itree = &mut state.mms[mm].itree;
        if let Some(index) = itree.deferred.iter().position(|&d| d == Deferred::Insert(id)) {
            itree.deferred.remove(index);
            return (itree.seq, itree.wait, false);
        }
        let deferred = itree.active > 0 && itree.seq % 2 == 1;
        if deferred {
            itree.deferred.push(Deferred::Remove(id));
        } else {
            itree.tree.retain(|&other| other != id);
        }
        (itree.seq, itree.wait, deferred)
    });
    let op = if deferred { ItreeOp::DeferRemove } else { ItreeOp::Remove };
    record_itree(cx, mm, op);
    while deferred && cx.with(|state| state.mms[mm].itree.seq) == seq {
        cx.wait(wait, Reason::NotifierEnd, Signals::Ignored).await;
    }
}

fn record_itree(cx: &Cx, mm: MmId, op: ItreeOp) {
    let (active, seq) = cx.with(|state| (state.mms[mm].itree.active, state.mms[mm].itree.seq));
    let active = u16::try_from(active).unwrap_or(u16::MAX);
    cx.record(Event::MnItree { mm, op, active, seq });
}
