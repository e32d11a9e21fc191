//! Notifiers of an mm's list: called for every range, whatever they mirror.
//!
//! Mirrors mm/mmu_notifier.c: `mn_hlist_invalidate_range_start()`,
//! `mn_hlist_invalidate_end()`, `mn_hlist_release()`,
//! `mmu_notifier_unregister()`, `__mmu_notifier_arch_invalidate_secondary_tlbs()`,
//! Linux 4.6 to 7.1 (kernel-spec 4.4), and `struct srcu_struct` as far as
//! the notifiers need it: everybody who waits for callers to leave waits
//! for those that were inside at that moment, on any mm. A notifier that is
//! taken off the list between the start and the end of somebody's range hears
//! no end, in all of these kernels.

use std::collections::BTreeSet;

use super::{
    Cx, NotifierRange, Range, RangeTest, Refused, answered, describe, mmu_notifier_range_init,
};
use crate::base::{MmId, NotifierId, QueueId, RangeId};
use crate::engine::Signals;
use crate::kernel::device::released;
use crate::kernel::lockdep::{
    lock_map_acquire, lock_map_release, non_block_end, non_block_start, srcu_lock_sync,
};
use crate::kernel::plugin::{Blockable, Ops};
use crate::kernel::state::State;
use crate::record::{Event, FakeMap, Func, MnEvent, Reason};

/// Who is inside list notifiers (`static struct srcu_struct srcu`).
#[derive(Debug)]
pub struct Srcu {
    /// Tickets of those inside.
    readers: BTreeSet<u64>,
    /// The next ticket.
    next: u64,
    /// Woken when somebody leaves, or the last range of an mm has its end.
    left: QueueId,
}

impl Srcu {
    /// Nobody is inside. `left` is a wait queue of its own.
    pub fn new(left: QueueId) -> Self {
        Self { readers: BTreeSet::new(), next: 0, left }
    }
}

/// `srcu_read_lock()`.
fn srcu_read_lock(cx: &Cx) -> u64 {
    lock_map_acquire(cx, FakeMap::Srcu);
    cx.with(|state| {
        let ticket = state.srcu.next;
        state.srcu.next += 1;
        state.srcu.readers.insert(ticket);
        ticket
    })
}

/// `srcu_read_unlock()`.
fn srcu_read_unlock(cx: &Cx, ticket: u64) {
    lock_map_release(cx, FakeMap::Srcu);
    let left = cx.with(|state| {
        state.srcu.readers.remove(&ticket);
        state.srcu.left
    });
    cx.wake_all(left);
}

/// `synchronize_srcu()`: those who are inside now have left.
async fn synchronize_srcu(cx: &Cx) {
    let _in = cx.enter(Func::SynchronizeSrcu);
    srcu_lock_sync(cx);
    let (before, left) = cx.with(|state| (state.srcu.next, state.srcu.left));
    while cx.with(|state| state.srcu.readers.first().is_some_and(|&ticket| ticket < before)) {
        cx.wait(left, Reason::Srcu, Signals::Ignored).await;
    }
    cx.sleep(cx.costs().srcu_sync, Reason::Srcu, Signals::Ignored).await;
}

/// `hlist_add_head_rcu()`.
pub(super) fn hlist_add_head(state: &mut State, mm: MmId, notifier: NotifierId) {
    state.notifiers[notifier].next = state.mms[mm].hlist.first().copied();
    state.mms[mm].hlist.insert(0, notifier);
}

/// `hlist_del_init_rcu()`, unless it is off the list already. Where it leads stays as it is, for
/// whoever is at it in a walk.
fn hlist_del_init(state: &mut State, mm: MmId, notifier: NotifierId) {
    let hlist = &mut state.mms[mm].hlist;
    let Some(at) = hlist.iter().position(|&other| other == notifier) else { return };
    hlist.remove(at);
    if let Some(before) = at.checked_sub(1) {
        state.notifiers[state.mms[mm].hlist[before]].next = state.notifiers[notifier].next;
    }
}

/// The first step of `hlist_for_each_entry_rcu()`.
fn first(cx: &Cx, mm: MmId) -> Option<NotifierId> {
    cx.with(|state| state.mms[mm].hlist.first().copied())
}

/// A further step: from one that was taken off the list meanwhile to where it led then.
fn next(cx: &Cx, notifier: NotifierId) -> Option<NotifierId> {
    cx.with(|state| state.notifiers[notifier].next)
}

/// The operations of a notifier.
fn ops(cx: &Cx, notifier: NotifierId) -> Ops {
    let device = cx.with(|state| state.notifiers[notifier].device);
    cx.kernel().drivers[device].ops()
}

/// Whether it is called for the range at all: always, unless the policy
/// has the core test ranges.
fn is_called(cx: &Cx, notifier: NotifierId, range: &NotifierRange) -> bool {
    range.test == RangeTest::AsRegistered
        || cx.with(|state| state.notifiers[notifier].range.overlaps(range.range))
}

/// `mn_hlist_invalidate_range_start()`: calls every notifier of the list,
/// even after one refused.
pub(super) async fn mn_hlist_invalidate_range_start(
    cx: &Cx,
    range: NotifierRange,
) -> Result<(), Refused> {
    let ticket = srcu_read_lock(cx);
    let mut result = Ok(());
    let mut failed = false;
    let (mut started, mut spared) = (Vec::new(), Vec::new());
    let mut entry = first(cx, range.mm);
    while let Some(notifier) = entry {
        if ops(cx, notifier).start {
            let _in = cx.enter(Func::MnHlistStart);
            cx.cpu(cx.costs().notifier_hlist).await;
            if !is_called(cx, notifier, &range) {
                // The core knows that it is not concerned.
            } else if super::core_refuses(cx, notifier, &range) {
                spared.push(notifier);
                (failed, result) = (true, Err(Refused));
            } else if call(cx, notifier, &range).await.is_ok() {
                started.push(notifier);
            } else {
                // The line "callback failed with -11 in non-blockable context."
                cx.cpu(cx.costs().printk).await;
                failed = true;
                if range.blockable != Blockable::Yes {
                    result = Err(Refused);
                }
            }
        }
        entry = next(cx, notifier);
    }
    if failed && cx.kernel().switches.ends_paired {
        // Those whose start succeeded expect their end: all get it that have one. "Must be
        // non-blocking to get here": if it is not, they get another one when the range ends.
        end_all(cx, range, &spared, NonBlock::Unmarked).await;
    } else if result.is_err() {
        for notifier in started {
            if ops(cx, notifier).end {
                cx.record(Event::MnLostEnd { notifier, range: range.range.id });
            }
        }
    }
    srcu_read_unlock(cx, ticket);
    result
}

/// `invalidate_range_start()` of one notifier.
async fn call(cx: &Cx, notifier: NotifierId, range: &NotifierRange) -> Result<(), Refused> {
    super::record_call(cx, notifier, range);
    let result = {
        let _in = cx.enter(Func::DriverCallback);
        let device = cx.with(|state| state.notifiers[notifier].device);
        if range.blockable == Blockable::No {
            non_block_start(cx);
        }
        let result = cx.kernel().drivers[device].invalidate(describe(cx, notifier, range, 0)).await;
        if range.blockable == Blockable::No {
            non_block_end(cx);
        }
        result
    };
    answered(cx, notifier, range, result.is_err());
    result
}

/// `mn_hlist_invalidate_end()`.
pub(super) async fn mn_hlist_invalidate_end(cx: &Cx, range: NotifierRange) {
    end_all(cx, range, &[], NonBlock::Marked).await;
}

/// Whether lock debugging is told that ends of a range that is not blockable must not sleep. It is not after
/// a refusal.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
enum NonBlock {
    Marked,
    Unmarked,
}

/// The same, but for those that the core refused for: they never heard of the range.
async fn end_all(cx: &Cx, range: NotifierRange, spared: &[NotifierId], non_block: NonBlock) {
    let is_marked = non_block == NonBlock::Marked && range.blockable == Blockable::No;
    let ticket = srcu_read_lock(cx);
    let mut entry = first(cx, range.mm);
    while let Some(notifier) = entry {
        let has_end = ops(cx, notifier).end && !spared.contains(&notifier);
        if has_end && is_called(cx, notifier, &range) {
            cx.record(Event::MnEnd { notifier, range: range.range.id });
            let _in = cx.enter(Func::DriverCallback);
            let device = cx.with(|state| state.notifiers[notifier].device);
            if is_marked {
                non_block_start(cx);
            }
            cx.kernel().drivers[device].invalidate_end(describe(cx, notifier, &range, 0)).await;
            if is_marked {
                non_block_end(cx);
            }
        }
        entry = next(cx, notifier);
    }
    srcu_read_unlock(cx, ticket);
}

/// A range that had its start has its end.
pub(super) fn range_done(cx: &Cx, mm: MmId) {
    let done = cx.with(|state| {
        let mm = &mut state.mms[mm];
        mm.ranges -= 1;
        (mm.ranges == 0).then_some(state.srcu.left)
    });
    if let Some(queue) = done {
        cx.wake_all(queue);
    }
}

/// `-EINTR`: a signal came first.
pub(super) struct Interrupted;

/// `mm_take_all_locks()`, as far as it matters: nobody registers while an
/// invalidation is under way. Those under `mmap_lock` are kept out by that; those of
/// reclaim by the locks that this takes. Before each VMA's it looks for a signal, in all of these
/// kernels, and then takes none.
pub(super) async fn mm_take_all_locks(cx: &Cx, mm: MmId) -> Result<(), Interrupted> {
    let left = cx.with(|state| state.srcu.left);
    loop {
        if cx.fatal_signal_pending() {
            return Err(Interrupted);
        }
        if cx.with(|state| state.mms[mm].ranges == 0) {
            return Ok(());
        }
        cx.wait(left, Reason::NotifierEnd, Signals::Ignored).await;
    }
}

/// `mn_hlist_release()`: the list is emptied, and whoever is inside leaves.
pub(super) async fn mn_hlist_release(cx: &Cx, range: NotifierRange) {
    let mm = range.mm;
    let ticket = srcu_read_lock(cx);
    let mut entry = first(cx, mm);
    while let Some(notifier) = entry {
        release(cx, notifier, &range).await;
        entry = next(cx, notifier);
    }
    // Whoever is inside a walk goes on to the end of what was the list.
    cx.with(|state| {
        while let Some(&first) = state.mms[mm].hlist.first() {
            hlist_del_init(state, mm, first);
        }
    });
    srcu_read_unlock(cx, ticket);
    synchronize_srcu(cx).await;
}

/// `release()` of one notifier.
async fn release(cx: &Cx, notifier: NotifierId, range: &NotifierRange) {
    let device = cx.with(|state| state.notifiers[notifier].device);
    let driver = &cx.kernel().drivers[device];
    if driver.ops().release {
        super::record_call(cx, notifier, range);
        {
            let _in = cx.enter(Func::DriverCallback);
            driver.release(cx, device).await;
        }
        answered(cx, notifier, range, false);
    }
    released(cx, notifier);
}

/// `mmu_notifier_unregister()`.
pub(super) async fn mmu_notifier_unregister(cx: &Cx, mm: MmId, notifier: NotifierId) {
    let _in = cx.enter(Func::HlistUnregister);
    if cx.with(|state| state.mms[mm].hlist.contains(&notifier)) {
        let ticket = srcu_read_lock(cx);
        // exit_mmap() waits in its own release until this one has returned.
        let range = cx.with(|state| state.notifiers[notifier].range);
        let range = mmu_notifier_range_init(cx, MnEvent::Release, mm, range);
        release(cx, notifier, &range).await;
        srcu_read_unlock(cx, ticket);
        cx.with(|state| hlist_del_init(state, mm, notifier));
    }
    // Also for a release that exit_mmap() runs at this moment.
    synchronize_srcu(cx).await;
}

/// `mmu_notifier_arch_invalidate_secondary_tlbs()` (`mmu_notifier_invalidate_range()`
/// up to 6.5): part of every flush while pages are unmapped, so also where
/// nobody was told before. To be called by whoever clears PTEs.
pub(in super::super) async fn arch_invalidate_secondary_tlbs(cx: &Cx, mm: MmId, vma: RangeId) {
    if cx.with(|state| state.mms[mm].hlist.is_empty()) {
        return;
    }
    let range = cx.with(|state| {
        let vma = state.mms[mm].vma(vma)?;
        Some(Range { id: vma.id, start: vma.start, end: vma.end })
    });
    let Some(range) = range else { return };
    let range = mmu_notifier_range_init(cx, MnEvent::Unmap, mm, range).blockable(Blockable::No);
    let mut entry = first(cx, mm);
    while let Some(notifier) = entry {
        let call = describe(cx, notifier, &range, 0);
        if ops(cx, notifier).secondary_tlb && call.overlaps {
            cx.record(Event::SecondaryTlbFlush { notifier, range: range.range.id });
            let _in = cx.enter(Func::DriverCallback);
            let device = cx.with(|state| state.notifiers[notifier].device);
            cx.kernel().drivers[device].invalidate_secondary_tlbs(call).await;
        }
        entry = next(cx, notifier);
    }
}
