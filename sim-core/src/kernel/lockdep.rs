//! The hooks of lock debugging, and what they cost.
//!
//! Mirrors include/linux/lockdep.h and include/linux/sched/mm.h:
//! `might_alloc()`; mm/page_alloc.c: `fs_reclaim_acquire()`;
//! `non_block_start()` of include/linux/kernel.h, Linux 4.14 to 7.1
//! (kernel-spec 6). What lockdep makes of them is not here: the hooks
//! tell whoever checks the run, and nobody if nobody does. A machine with
//! [`LockDebug::op_cost`] has a kernel built with `CONFIG_PROVE_LOCKING`
//! and `CONFIG_DEBUG_ATOMIC_SLEEP`, and pays for them.

use super::cx::Cx;
use super::gfp::current_gfp_context;
use crate::base::{DeviceId, LockId, Nanos};
use crate::engine::Hold;
use crate::record::{Annotation, Attempt, By, FakeMap, Gfp, LockKind, SleepSite, Tracked};

/// What lock debugging a run has.
#[derive(Copy, Clone, Debug)]
pub struct LockDebug {
    /// Whether somebody listens to the hooks.
    pub is_on: bool,
    /// What they add to taking a mutex nobody holds, or to letting it go, in CPU time;
    /// zero: the kernel has none.
    pub op_cost: Nanos,
}

impl LockDebug {
    /// A kernel without.
    pub const OFF: Self = Self { is_on: false, op_cost: Nanos::ZERO };
}

/// An operation that lock debugging makes dearer.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
enum Op {
    /// Half of `mutex_lock()` and `_unlock()`.
    Mutex,
    /// Half of `down_read()` and `up_read()`.
    Rwsem,
    /// Half of `spin_lock()` and `_unlock()`, and those of an `rwlock_t`.
    Spinlock,
    /// An allocation that may sleep, with the freeing.
    SleepingAlloc,
    /// One that may not.
    AtomicAlloc,
    /// Half of `srcu_read_lock()` and `_unlock()`, taken to cost what RCU's cost.
    Rcu,
    /// `might_sleep()`.
    MightSleep,
}

impl Op {
    /// Instructions added, and those still added once lockdep has turned
    /// itself off: recorded on 6.1.192 with and without lock debugging (for
    /// pairs, half of the difference).
    const fn added(self) -> (u64, u64) {
        match self {
            Self::Mutex => (553, 160),
            Self::Rwsem => (507, 114),
            Self::Spinlock => (383, 81),
            Self::SleepingAlloc => (1747, 378),
            Self::AtomicAlloc => (83, 70),
            Self::Rcu => (307, 61),
            Self::MightSleep => (264, 82),
        }
    }
}

fn pay(cx: &Cx, op: Op, debug_locks: bool) {
    let mutex = cx.kernel().lock_debug.op_cost;
    if mutex > Nanos::ZERO {
        let (on, off) = op.added();
        let instructions = if debug_locks { on } else { off };
        cx.kernel().engine.charge(mutex * instructions / Op::Mutex.added().0);
    }
}

/// Tells whoever checks; whether lockdep is on.
fn note(cx: &Cx, annotation: Annotation) -> bool {
    let task = cx.task();
    cx.kernel()
        .engine
        .observe_stack(task, |at, stack, recorder| recorder.note(at, task, stack, annotation))
}

fn is_on(cx: &Cx) -> bool {
    cx.kernel().lock_debug.is_on
}

fn op_of(cx: &Cx, lock: LockId) -> Op {
    let kind = cx.kernel().engine.observe(|_, recorder| {
        recorder.cast.locks.get(lock).map_or(LockKind::Mutex, |info| info.kind)
    });
    match kind {
        LockKind::Mutex => Op::Mutex,
        LockKind::Rwsem => Op::Rwsem,
        LockKind::Spinlock | LockKind::Rwlock => Op::Spinlock,
    }
}

/// `mutex_lock()` and its like begin, or a trylock has succeeded.
pub(super) fn lock_acquire(cx: &Cx, lock: LockId, hold: Hold, attempt: Attempt) {
    if !is_on(cx) {
        return;
    }
    let op = op_of(cx, lock);
    if attempt == Attempt::Waits && op != Op::Spinlock {
        let site = match (op, hold) {
            (Op::Rwsem, Hold::Shared) => SleepSite::DownRead,
            (Op::Rwsem, Hold::Exclusive) => SleepSite::DownWrite,
            _ => SleepSite::Mutex,
        };
        note(cx, Annotation::MightSleep(site));
    }
    let what = Tracked::Lock(lock);
    let on = note(cx, Annotation::Acquire { what, hold, attempt, by: By::Caller });
    pay(cx, op, on);
}

/// A lock is let go, or was waited for in vain.
pub(super) fn lock_release(cx: &Cx, lock: LockId) {
    if is_on(cx) {
        let on = note(cx, Annotation::Release(Tracked::Lock(lock)));
        pay(cx, op_of(cx, lock), on);
    }
}

/// Whether this kernel has the map.
fn has_map(cx: &Cx, map: FakeMap) -> bool {
    match map {
        FakeMap::FsReclaim => cx.kernel().switches.fs_reclaim_map,
        FakeMap::MmuNotifier => cx.kernel().switches.notifier_map,
        FakeMap::Srcu | FakeMap::DmaFence | FakeMap::DmaResv | FakeMap::DmaResvAcquire => true,
    }
}

/// `lock_map_acquire()`.
pub(super) fn lock_map_acquire(cx: &Cx, map: FakeMap) {
    if is_on(cx) && has_map(cx, map) {
        acquire_by(cx, map, By::Caller);
    }
}

fn acquire_by(cx: &Cx, map: FakeMap, by: By) {
    // srcu_read_lock() is for reading, the others are taken as if for writing.
    let hold = if map == FakeMap::Srcu { Hold::Shared } else { Hold::Exclusive };
    let what = Tracked::Map(map);
    let on = note(cx, Annotation::Acquire { what, hold, attempt: Attempt::Waits, by });
    if map == FakeMap::Srcu {
        pay(cx, Op::Rcu, on);
    }
}

/// `lock_map_release()`.
pub(super) fn lock_map_release(cx: &Cx, map: FakeMap) {
    if is_on(cx) && has_map(cx, map) {
        let on = note(cx, Annotation::Release(Tracked::Map(map)));
        if map == FakeMap::Srcu {
            pay(cx, Op::Rcu, on);
        }
    }
}

/// `srcu_lock_sync()`, since 6.4: who waits for readers, as if it took their lock for writing.
pub(super) fn srcu_lock_sync(cx: &Cx) {
    if is_on(cx) && cx.kernel().switches.srcu_lock_map {
        let (what, hold) = (Tracked::Map(FakeMap::Srcu), Hold::Exclusive);
        note(cx, Annotation::Acquire { what, hold, attempt: Attempt::Waits, by: By::LockSync });
        note(cx, Annotation::Release(what));
    }
}

/// Takes the notifiers' map and lets it go: whoever does this may wait for them.
pub(super) fn touch_notifier_map(cx: &Cx) {
    lock_map_acquire(cx, FakeMap::MmuNotifier);
    lock_map_release(cx, FakeMap::MmuNotifier);
}

/// What `flush_workqueue()` takes before it waits: the map of the workqueue, and its mutex, which
/// nobody keeps.
pub(super) fn flushes_workqueue(cx: &Cx, device: DeviceId) {
    if !is_on(cx) {
        return;
    }
    if cx.kernel().switches.flush_takes_workqueue_map {
        acquire_and_release(cx, Tracked::Workqueue(device));
    }
    note(cx, Annotation::MightSleep(SleepSite::Mutex));
    let on = acquire_and_release(cx, Tracked::WorkqueueMutex(device));
    pay(cx, Op::Mutex, on);
    pay(cx, Op::Mutex, on);
}

fn acquire_and_release(cx: &Cx, what: Tracked) -> bool {
    let (hold, attempt, by) = (Hold::Exclusive, Attempt::Waits, By::Caller);
    note(cx, Annotation::Acquire { what, hold, attempt, by });
    note(cx, Annotation::Release(what))
}

/// The maps that `process_one_work()` holds around the function of the work.
pub(super) fn processes_work(cx: &Cx, device: DeviceId, begins: bool) {
    if !is_on(cx) {
        return;
    }
    let maps = [Tracked::Workqueue(device), Tracked::Work(device)];
    if begins {
        for what in maps {
            let (hold, attempt, by) = (Hold::Exclusive, Attempt::Waits, By::ProcessOneWork);
            note(cx, Annotation::Acquire { what, hold, attempt, by });
        }
    } else {
        for what in maps.into_iter().rev() {
            note(cx, Annotation::Release(what));
        }
    }
}

/// `might_sleep()`.
pub fn might_sleep(cx: &Cx, site: SleepSite) {
    if is_on(cx) {
        let on = note(cx, Annotation::MightSleep(site));
        pay(cx, Op::MightSleep, on);
    }
}

/// `__might_fault()` of a copy to user memory, whose pages may be there or not.
pub fn might_fault(cx: &Cx, mmap_lock: LockId) {
    if is_on(cx) {
        might_sleep(cx, SleepSite::CopyToUser);
        let (what, by) = (Tracked::Lock(mmap_lock), By::MightFault);
        let (hold, attempt) = (Hold::Shared, Attempt::Waits);
        note(cx, Annotation::Acquire { what, hold, attempt, by });
        let on = note(cx, Annotation::Release(what));
        pay(cx, Op::Rwsem, on);
        pay(cx, Op::Rwsem, on);
    }
}

/// `non_block_start()`.
pub(super) fn non_block_start(cx: &Cx) {
    if is_on(cx) && cx.kernel().switches.notifier_map {
        note(cx, Annotation::NonBlockStart);
    }
}

/// `non_block_end()`.
pub(super) fn non_block_end(cx: &Cx) {
    if is_on(cx) && cx.kernel().switches.notifier_map {
        note(cx, Annotation::NonBlockEnd);
    }
}

/// `dma_fence_begin_signalling()`.
pub(super) fn dma_fence_begin_signalling(cx: &Cx) {
    if is_on(cx) {
        note(cx, Annotation::BeginSignalling);
    }
}

/// `dma_fence_end_signalling()`.
pub(super) fn dma_fence_end_signalling(cx: &Cx) {
    if is_on(cx) {
        note(cx, Annotation::EndSignalling);
    }
}

/// What `dma_fence_wait_timeout()` says before it waits.
pub(super) fn dma_fence_might_wait(cx: &Cx) {
    if is_on(cx) {
        if cx.kernel().switches.fence_wait_might_sleep {
            might_sleep(cx, SleepSite::FenceWait);
        }
        note(cx, Annotation::FenceWait);
    }
}

/// `__need_reclaim()`: whether a request can end up in reclaim.
fn need_reclaim(cx: &Cx, gfp: Gfp) -> bool {
    gfp.has(Gfp::DIRECT_RECLAIM) && !cx.with(|state| state.tasks[cx.task()].memalloc)
}

/// `fs_reclaim_acquire()`: around reclaim, and where it could happen.
/// Since 5.11 it touches the notifiers' map too, whatever the flags.
pub(super) fn fs_reclaim_acquire(cx: &Cx, gfp: Gfp) {
    if !is_on(cx) || !cx.kernel().switches.fs_reclaim_map {
        return;
    }
    let gfp = current_gfp_context(cx, gfp);
    if !need_reclaim(cx, gfp) {
        return;
    }
    if gfp.has(Gfp::FS) {
        acquire_by(cx, FakeMap::FsReclaim, By::FsReclaimAcquire);
    }
    if cx.kernel().switches.reclaim_touches_notifier_map {
        acquire_by(cx, FakeMap::MmuNotifier, By::FsReclaimAcquire);
        lock_map_release(cx, FakeMap::MmuNotifier);
    }
}

/// `__fs_reclaim_acquire()` and `_release()` of kswapd, which reclaims all the time it is awake.
pub(super) fn kswapd_reclaims(cx: &Cx, begins: bool) {
    let switches = cx.kernel().switches;
    if !switches.fs_reclaim_map || !switches.reclaim_takes_fs_reclaim {
    } else if begins {
        lock_map_acquire(cx, FakeMap::FsReclaim);
    } else {
        lock_map_release(cx, FakeMap::FsReclaim);
    }
}

/// `fs_reclaim_release()`.
pub(super) fn fs_reclaim_release(cx: &Cx, gfp: Gfp) {
    if !is_on(cx) || !cx.kernel().switches.fs_reclaim_map {
        return;
    }
    let gfp = current_gfp_context(cx, gfp);
    if need_reclaim(cx, gfp) && gfp.has(Gfp::FS) {
        lock_map_release(cx, FakeMap::FsReclaim);
    }
}

/// `might_alloc()`, at the entry of every allocation.
pub(super) fn might_alloc(cx: &Cx, gfp: Gfp) {
    if is_on(cx) {
        let on = might_alloc_at(cx, gfp, SleepSite::Alloc);
        let sleeps = gfp.has(Gfp::DIRECT_RECLAIM);
        pay(cx, if sleeps { Op::SleepingAlloc } else { Op::AtomicAlloc }, on);
    }
}

/// That of `slab_pre_alloc_hook()` (mm/slab.h). The price is paid once, for the page.
pub(super) fn slab_might_alloc(cx: &Cx, gfp: Gfp) {
    if is_on(cx) {
        might_alloc_at(cx, gfp, SleepSite::Kmalloc);
    }
}

fn might_alloc_at(cx: &Cx, gfp: Gfp, site: SleepSite) -> bool {
    fs_reclaim_acquire(cx, gfp);
    fs_reclaim_release(cx, gfp);
    gfp.has(Gfp::DIRECT_RECLAIM) && note(cx, Annotation::MightSleep(site))
}

/// `mmu_notifier_register()` nests the two maps, from 5.4 to 5.10.
pub(super) fn prime_notifier_map(cx: &Cx) {
    if is_on(cx) && cx.kernel().switches.register_primes_notifier_map {
        acquire_by(cx, FakeMap::FsReclaim, By::Priming);
        acquire_by(cx, FakeMap::MmuNotifier, By::Priming);
        lock_map_release(cx, FakeMap::MmuNotifier);
        lock_map_release(cx, FakeMap::FsReclaim);
    }
}
