//! MMU notifiers: how an invalidation of a range reaches those who
//! mirror it.
//!
//! Mirrors mm/mmu_notifier.c: `__mmu_notifier_invalidate_range_start()`
//! and `_end()`, `__mmu_notifier_release()`, `mmu_notifier_register()`
//! and `_unregister()`, Linux 4.6 to 7.1 (kernel-spec 4). The interval
//! machinery is in `interval`, the list in `hlist`. Left out:
//! `change_pte`, the ageing operations, `mmu_notifier_get()`.

mod hlist;
mod interval;
#[cfg(test)]
mod tests;

use super::cx::Cx;
use super::device::{registered, unregistered};
use super::lockdep::{
    lock_map_acquire, lock_map_release, might_alloc, might_sleep, prime_notifier_map,
};
use super::mm::Deferred;
use super::plugin::{Api, Blockable, Call, RangeTest, Refused};
use super::state::State;
use crate::base::{DeviceId, MmId, NotifierId, RangeId, TaskId};
use crate::engine::Hold;
use crate::record::{
    Event, FakeMap, Func, Gfp, MnEvent, NotifierInfo, RangeInfo, Reason, SleepSite,
};

pub use hlist::Srcu;
pub(super) use hlist::arch_invalidate_secondary_tlbs;
pub use interval::{mmu_interval_read_begin, mmu_interval_read_retry, mmu_interval_set_seq};

/// A range of addresses that is invalidated.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub struct Range {
    /// Its name in records.
    pub id: RangeId,
    /// First byte.
    pub start: u64,
    /// One past the last byte.
    pub end: u64,
}

impl Range {
    /// Whether they have an address in common.
    pub fn overlaps(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }
}

/// `struct mmu_notifier_range`: one invalidation.
#[derive(Copy, Clone, Debug)]
pub struct NotifierRange {
    /// Whose memory.
    pub mm: MmId,
    /// Which part of it.
    pub range: Range,
    /// `MMU_NOTIFIER_RANGE_BLOCKABLE`: whether callbacks may sleep.
    pub blockable: Blockable,
    /// Why.
    pub event: MnEvent,
    /// Who tests whether a notifier is concerned.
    test: RangeTest,
}

/// `mmu_notifier_range_init()`.
pub fn mmu_notifier_range_init(cx: &Cx, event: MnEvent, mm: MmId, range: Range) -> NotifierRange {
    let test = cx.with(|state| state.policy.approach().range_test());
    NotifierRange { mm, range, blockable: Blockable::Yes, event, test }
}

impl NotifierRange {
    /// The same range, with callbacks that may sleep so long.
    #[must_use]
    pub fn blockable(self, blockable: Blockable) -> Self {
        Self { blockable, ..self }
    }
}

/// A registration: `struct mmu_notifier` or `struct mmu_interval_notifier`.
#[derive(Clone, Debug)]
pub struct Notifier {
    /// Whose callback.
    pub device: DeviceId,
    /// On which mm.
    pub mm: MmId,
    /// Leader of the process that opened the device.
    pub opener: TaskId,
    /// On the list or in the tree.
    pub api: Api,
    /// What it covers.
    pub range: Range,
    /// `interval_sub->invalidate_seq`.
    pub seq: u32,
    /// Whether it is registered: not yet unregistered.
    pub registered: bool,
    /// `hlist.next`: the one behind it on the list, or that was when it was taken off.
    pub next: Option<NotifierId>,
}

/// `mmu_notifier_invalidate_range_start()`: callbacks may sleep, and
/// their refusals are ignored: they would be a driver's bug.
pub async fn invalidate_range_start(cx: &Cx, range: NotifierRange) {
    might_sleep(cx, SleepSite::NotifierStart);
    lock_map_acquire(cx, FakeMap::MmuNotifier);
    let refused = __mmu_notifier_invalidate_range_start(cx, range.blockable(Blockable::Yes)).await;
    lock_map_release(cx, FakeMap::MmuNotifier);
    debug_assert!(refused.is_ok(), "invariant: blockable calls can't be refused");
}

/// `mmu_notifier_invalidate_range_start_nonblock()`, in a range that is
/// not blockable, or is for so long. A range refused gets no end.
pub async fn invalidate_range_start_nonblock(cx: &Cx, range: NotifierRange) -> Result<(), Refused> {
    lock_map_acquire(cx, FakeMap::MmuNotifier);
    let result = __mmu_notifier_invalidate_range_start(cx, range).await;
    lock_map_release(cx, FakeMap::MmuNotifier);
    result
}

/// `__mmu_notifier_invalidate_range_start()`: the interval tree, then the list.
async fn __mmu_notifier_invalidate_range_start(
    cx: &Cx,
    range: NotifierRange,
) -> Result<(), Refused> {
    let _in = cx.enter(Func::MnStart);
    cx.with(|state| state.mms[range.mm].ranges += 1);
    if cx.with(|state| state.mms[range.mm].itree.has_itree)
        && let Err(refused) = interval::mn_itree_invalidate(cx, range).await
    {
        hlist::range_done(cx, range.mm);
        return Err(refused);
    }
    let refused = if cx.with(|state| state.mms[range.mm].hlist.is_empty()) {
        Ok(())
    } else {
        hlist::mn_hlist_invalidate_range_start(cx, range).await
    };
    if refused.is_err() {
        hlist::range_done(cx, range.mm);
        if !cx.kernel().switches.interval_leak {
            interval::mn_itree_inv_end(cx, range.mm);
        }
    }
    refused
}

/// `__mmu_notifier_invalidate_range_end()`.
pub async fn invalidate_range_end(cx: &Cx, range: NotifierRange) {
    if range.blockable == Blockable::Yes {
        might_sleep(cx, SleepSite::NotifierEnd);
    }
    let _in = cx.enter(Func::MnEnd);
    lock_map_acquire(cx, FakeMap::MmuNotifier);
    interval::mn_itree_inv_end(cx, range.mm);
    hlist::mn_hlist_invalidate_end(cx, range).await;
    hlist::range_done(cx, range.mm);
    lock_map_release(cx, FakeMap::MmuNotifier);
}

fn record_call(cx: &Cx, notifier: NotifierId, range: &NotifierRange) {
    cx.record(Event::MnCall {
        notifier,
        range: range.range.id,
        blockable: range.blockable.may_sleep(),
        limited: matches!(range.blockable, Blockable::Until(_)),
        event: range.event,
    });
}

/// Under a policy that has the core test ranges and refuse itself: whether it does.
fn core_refuses(cx: &Cx, notifier: NotifierId, range: &NotifierRange) -> bool {
    let refuses = range.test == RangeTest::CoreRefuses && range.blockable != Blockable::Yes;
    if refuses {
        cx.record(Event::CoreRefused { notifier, range: range.range.id });
    }
    refuses
}

/// What a driver's callback is told.
fn describe<'a>(cx: &'a Cx, notifier: NotifierId, range: &NotifierRange, seq: u32) -> Call<'a> {
    let overlaps = cx.with(|state| state.notifiers[notifier].range.overlaps(range.range));
    let NotifierRange { range, blockable, event, .. } = *range;
    Call { cx, notifier, range, overlaps, blockable, event, seq }
}

/// Takes down what a callback answered.
fn answered(cx: &Cx, notifier: NotifierId, range: &NotifierRange, refused: bool) {
    cx.record(Event::MnReturn { notifier, range: range.range.id, refused });
    let limited = matches!(range.blockable, Blockable::Until(_));
    if refused && limited && range.blockable.until() <= cx.now() {
        cx.record(Event::DeadlinePassed { notifier, range: range.range.id });
    }
}

/// `__mmu_notifier_release()`: the mm is going away; everything is
/// invalidated, and the list is emptied.
pub(super) async fn release(cx: &Cx, mm: MmId, all: Range) {
    let _in = cx.enter(Func::MmuNotifierRelease);
    let range = mmu_notifier_range_init(cx, MnEvent::Release, mm, all);
    if cx.with(|state| state.mms[mm].itree.has_itree) {
        // Blockable, so nobody can refuse it.
        let _ = interval::mn_itree_invalidate(cx, range).await;
        interval::mn_itree_inv_end(cx, mm);
    }
    // Up to 5.4 an mm that ever had a notifier goes through it, also with an empty list.
    let always = !cx.kernel().switches.interval_api;
    let releases = |state: &mut State| {
        !state.mms[mm].hlist.is_empty() || (always && mm_has_notifiers(state, mm))
    };
    if cx.with(releases) {
        hlist::mn_hlist_release(cx, range).await;
    }
}

/// `mmu_notifier_register()` or `mmu_interval_notifier_insert()`: which,
/// the policy decides. Returns the registration; none if the caller was killed while it waited for
/// the mm's locks (`-EINTR`), which leaves nothing behind.
pub async fn register(
    cx: &Cx,
    device: DeviceId,
    mm: MmId,
    start: u64,
    end: u64,
) -> Option<NotifierId> {
    let ops = cx.kernel().drivers[device].ops();
    let asked = cx.with(|state| state.devices[device].setup.api);
    // Only a list notifier can have the other operations.
    let api = if ops.start { cx.with(|state| state.policy).api(asked) } else { Api::Hlist };
    // mmu_notifier_register() takes the lock for writing; a later interval does without, and who
    // registers no notifier and only pins, too.
    let first_interval = cx.with(|state| !state.mms[mm].itree.has_itree);
    let locks = ops.has_any() && (api == Api::Hlist || first_interval);
    let mmap_lock = cx.with(|state| state.mms[mm].mmap_lock);
    if locks {
        let _in = cx.enter(Func::HlistRegister);
        cx.lock(mmap_lock, Hold::Exclusive, Reason::MmapLock).await;
        prime_notifier_map(cx);
        // kzalloc() of the subscriptions.
        might_alloc(cx, Gfp::KERNEL);
        if hlist::mm_take_all_locks(cx, mm).await.is_err() {
            cx.unlock(mmap_lock);
            return None;
        }
        cx.with(|state| state.mms[mm].ever_notified = true);
    }
    let range = cx.kernel().engine.observe(|_, recorder| {
        let name = recorder.cast.devices[device].name.clone();
        let interval = api == Api::Interval;
        recorder.cast.notifiers.push(NotifierInfo { device, mm, interval });
        recorder.cast.ranges.push(RangeInfo { mm, start, end, name, anonymous: true })
    });
    let range = Range { id: range, start, end };
    let id = cx.with(|state| {
        let opener = state.tasks[cx.task()].leader;
        let notifier =
            Notifier { device, mm, opener, api, range, seq: 0, registered: true, next: None };
        state.notifiers.push(notifier)
    });
    cx.record(Event::NotifierRegistered { notifier: id, range: range.id });
    match api {
        _ if !ops.has_any() => {}
        Api::Hlist => cx.with(|state| hlist::hlist_add_head(state, mm, id)),
        Api::Interval => interval::mmu_interval_notifier_insert(cx, mm, id),
    }
    if locks {
        cx.unlock(mmap_lock);
    }
    registered(cx, id).await;
    Some(id)
}

/// `mmu_notifier_unregister()` or `mmu_interval_notifier_remove()`.
pub async fn unregister(cx: &Cx, notifier: NotifierId) {
    let (mm, api, registered) = cx.with(|state| {
        let notifier = &mut state.notifiers[notifier];
        let registered = std::mem::replace(&mut notifier.registered, false);
        (notifier.mm, notifier.api, registered)
    });
    if !registered {
        return;
    }
    let device = cx.with(|state| state.notifiers[notifier].device);
    if cx.kernel().drivers[device].ops().has_any() {
        match api {
            Api::Hlist => hlist::mmu_notifier_unregister(cx, mm, notifier).await,
            Api::Interval => interval::mmu_interval_notifier_remove(cx, mm, notifier).await,
        }
    }
    unregistered(cx, notifier);
    cx.record(Event::NotifierUnregistered { notifier });
}

/// What a process registered, in that order: it goes away with the device files that it opened.
pub(super) fn opened_by(state: &State, opener: TaskId) -> Vec<NotifierId> {
    let notifiers = state.notifiers.iter();
    let open = notifiers.filter(|(_, notifier)| notifier.registered && notifier.opener == opener);
    open.map(|(id, _)| id).collect()
}

/// A process no longer wants a device to mirror it.
pub async fn unregister_device(cx: &Cx, device: DeviceId, opener: TaskId) {
    let mut ids = cx.with(|state| opened_by(state, opener));
    cx.with(|state| ids.retain(|&id| state.notifiers[id].device == device));
    for id in ids {
        unregister(cx, id).await;
    }
}

/// `mm_has_notifiers()`: whether the mm has, or ever had, any.
pub(super) fn mm_has_notifiers(state: &State, mm: MmId) -> bool {
    state.mms[mm].ever_notified
}

/// `mm_has_blockable_invalidate_notifiers()` (4.16 to 4.18): one on the
/// list that may block, if there is; or in the tree, where the policy came after it.
pub(super) fn blockable_notifier(cx: &Cx, mm: MmId) -> Option<NotifierId> {
    cx.with(|state| {
        let may_block = |&id: &NotifierId| {
            let device = state.notifiers[id].device;
            !state.devices[device].setup.does_not_block
        };
        let (hlist, itree) = (&state.mms[mm].hlist, &state.mms[mm].itree);
        let postponed = itree.deferred.iter().filter_map(|deferred| match *deferred {
            Deferred::Insert(id) => Some(id),
            Deferred::Remove(_) => None,
        });
        hlist.iter().chain(&itree.tree).copied().chain(postponed).find(may_block)
    })
}
