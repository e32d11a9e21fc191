//! What reports of lock debugging call things: locks, the functions that take them, where
//! they lie. Addresses are made up from ids.

use crate::engine::Hold;
use crate::export::dmesg::frames;
use crate::export::state::State;
use crate::record::{
    By, ClassInfo, DebugLayout, FakeMap, HeldLock, LockKind, Place, SleepSite, Tracked,
};

/// Where code is made to lie, the kernel's own locks and maps, and those that it allocates.
pub(super) const TEXT_BASE: u64 = 0xffff_ffff_8100_0000;
const STATIC_BASE: u64 = 0xffff_ffff_8200_0000;
const HEAP_BASE: u64 = 0xffff_8880_0010_0000;
/// Distance of two of them.
const LOCK_SIZE: u64 = 0x80;

/// `file:line` of a `might_sleep()` in 6.1. That of a mutex is recorded, those
/// of allocations, rw-semaphores and completions stand in public reports of 5.7
/// to 6.6; of the others the line is unknown, so 0.
pub(super) fn site(site: SleepSite) -> &'static str {
    match site {
        SleepSite::Mutex => "kernel/locking/mutex.c:580",
        SleepSite::DownRead => "kernel/locking/rwsem.c:1519",
        SleepSite::DownWrite => "kernel/locking/rwsem.c:1572",
        SleepSite::Alloc => "include/linux/sched/mm.h:274",
        SleepSite::Completion => "kernel/sched/completion.c:101",
        SleepSite::FenceWait => "drivers/dma-buf/dma-fence.c:0",
        SleepSite::NotifierStart | SleepSite::NotifierEnd => "include/linux/mmu_notifier.h:0",
        SleepSite::IntervalRemove => "mm/mmu_notifier.c:0",
    }
}

/// Functions on top of the modelled stack when something is taken.
fn taking(class: &ClassInfo, held: &HeldLock) -> &'static [&'static str] {
    match (held.place.by, class.kind, held.hold) {
        (By::FsReclaimAcquire, ..) => &["fs_reclaim_acquire"],
        (By::DmaFenceWait, ..) => &["__dma_fence_might_wait", "dma_fence_wait_timeout"],
        (By::LockSync, ..) => &["lock_sync", "__synchronize_srcu"],
        (By::Priming, ..) => &["__mmu_notifier_register"],
        (By::Boot(stack), ..) => stack,
        (By::Caller, None, _) => &[],
        (By::Caller, Some(LockKind::Mutex), _) => &["__mutex_lock", "mutex_lock_nested"],
        (By::Caller, Some(LockKind::Rwsem), Hold::Shared) => &["down_read"],
        (By::Caller, Some(LockKind::Rwsem), Hold::Exclusive) => &["down_write"],
        (By::Caller, Some(LockKind::Spinlock), _) => &["_raw_spin_lock"],
        (By::Caller, Some(LockKind::Rwlock), Hold::Shared) => &["_raw_read_lock"],
        (By::Caller, Some(LockKind::Rwlock), Hold::Exclusive) => &["_raw_write_lock"],
    }
}

/// The modelled stack of a place, innermost first.
pub(super) fn stack(state: &State<'_>, place: &Place) -> Vec<String> {
    frames::stack(state, place.stack, place.notifier)
}

/// The whole stack of an acquisition.
pub(super) fn trace(state: &State<'_>, classes: &[ClassInfo], held: &HeldLock) -> Vec<String> {
    let tops = classes.get(held.class).map_or(&[][..], |class| taking(class, held));
    let tops = tops.iter().map(|&name| name.to_owned());
    match held.place.by {
        By::Boot(_) => tops.collect(),
        _ => tops.chain(stack(state, &held.place)).collect(),
    }
}

/// The caller of whatever took it: `hlock->acquire_ip`.
pub(super) fn acquired_at(state: &State<'_>, held: &HeldLock) -> String {
    let inner = held.what != Tracked::Map(FakeMap::FsReclaim);
    match held.place.by {
        By::FsReclaimAcquire if inner => "fs_reclaim_acquire".to_owned(),
        By::DmaFenceWait => "dma_fence_wait_timeout".to_owned(),
        By::LockSync => "__synchronize_srcu".to_owned(),
        By::Priming => "__mmu_notifier_register".to_owned(),
        By::Boot(stack) => stack.first().map_or_else(String::new, |&name| name.to_owned()),
        // The function of a system call that is not modelled by itself, such as munmap's.
        _ => {
            let caller = stack(state, &held.place).into_iter().next();
            caller.unwrap_or_else(|| "do_syscall_64".to_owned())
        }
    }
}

pub(super) fn address(what: Tracked, classes: &[ClassInfo], class: usize) -> u64 {
    let is_static = |info: &ClassInfo| !info.name.starts_with('&');
    match what {
        Tracked::Map(map) => STATIC_BASE + LOCK_SIZE * map as u64,
        Tracked::Lock(lock) => {
            let is_static = classes.get(class).is_some_and(is_static);
            let base = if is_static { STATIC_BASE + 0x1000 } else { HEAP_BASE };
            base + LOCK_SIZE * u64::from(lock.0)
        }
    }
}

/// `(name){usage}-{wait type}`.
pub(super) fn lock_name(class: &ClassInfo, layout: DebugLayout) -> String {
    let usage = |used: bool| if used { '+' } else { '.' };
    let (written, read) = (usage(class.written), usage(class.read));
    let wait = match class.kind {
        None => "0:0",
        Some(LockKind::Mutex | LockKind::Rwsem) if layout == DebugLayout::RawNesting => "4:4",
        Some(LockKind::Spinlock | LockKind::Rwlock) if layout == DebugLayout::RawNesting => "3:3",
        Some(LockKind::Mutex | LockKind::Rwsem) => "3:3",
        Some(LockKind::Spinlock | LockKind::Rwlock) => "2:2",
    };
    let used = format!("({}){{{written}{read}{written}{read}}}", class.name);
    if layout == DebugLayout::NoWaitTypes { used } else { format!("{used}-{{{wait}}}") }
}
