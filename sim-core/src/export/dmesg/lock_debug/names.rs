//! What reports of lock debugging call things: locks, the functions that take them, where
//! they lie. Addresses are made up from ids.

use crate::engine::Hold;
use crate::export::dmesg::frames::{self, Top};
use crate::export::state::State;
use crate::record::{
    By, ClassInfo, DebugLayout, FakeMap, HeldLock, LockKind, Place, SleepSite, Tracked,
};

/// Where code is made to lie, the kernel's own locks and maps, and those that it allocates.
pub(super) const TEXT_BASE: u64 = 0xffff_ffff_8100_0000;
const STATIC_BASE: u64 = 0xffff_ffff_8200_0000;
const HEAP_BASE: u64 = 0xffff_8880_0010_0000;
const WORKQUEUE_BASE: u64 = HEAP_BASE + 0x10_0000;
/// Distance of two of them.
const LOCK_SIZE: u64 = 0x80;
/// That of two workqueues, each with what lockdep knows of it and of its work.
const WORKQUEUE_SIZE: u64 = 4 * LOCK_SIZE;

/// `file:line` of a `might_sleep()`, which a report names: of 5.4, 5.12, 6.1, 6.12 and 7.1, and of the last
/// one known for those behind it. In 6.1 that of a mutex is recorded, and the others are those of its source.
/// In the other versions those of locks, allocations and completions stand in public reports of 5.3 to 5.6,
/// 5.12 to 5.14, 6.12 to 6.14, and, for the mutex of 7.1, of April 2026; the rest follows from
/// where distributed kernels have the functions, the newest of them 6.8.
pub(super) fn site(site: SleepSite, layout: DebugLayout) -> String {
    let (file, lines): (_, &[u32]) = match site {
        SleepSite::Mutex => ("kernel/locking/mutex.c", &[935, 938, 580, 585, 591]),
        SleepSite::DownRead => ("kernel/locking/rwsem.c", &[1491, 1352, 1519, 1523]),
        SleepSite::DownWrite => ("kernel/locking/rwsem.c", &[1529, 1404, 1572, 1576]),
        SleepSite::Alloc if layout <= DebugLayout::WaitTypes => ("mm/page_alloc.c", &[4681, 4992]),
        SleepSite::Kmalloc if layout == DebugLayout::NoWaitTypes => ("mm/slab.h", &[501]),
        SleepSite::Alloc | SleepSite::Kmalloc => {
            ("include/linux/sched/mm.h", &[201, 201, 274, 321])
        }
        SleepSite::Completion => ("kernel/sched/completion.c", &[99, 101]),
        // Up to 5.8 it does not say so: only the scheduler notices.
        SleepSite::FenceWait => ("drivers/dma-buf/dma-fence.c", &[498, 498, 508]),
        SleepSite::NotifierStart => ("include/linux/mmu_notifier.h", &[346, 442, 454]),
        SleepSite::NotifierEnd => ("include/linux/mmu_notifier.h", &[374, 470, 482]),
        SleepSite::IntervalRemove => ("mm/mmu_notifier.c", &[1039, 1056, 1068, 1060]),
        SleepSite::CopyToUser if layout >= DebugLayout::WithIds => {
            ("include/linux/uaccess.h", &[192])
        }
        SleepSite::CopyToUser => ("lib/usercopy.c", &[26, 28, 36]),
    };
    let line = lines.get(layout as usize).or(lines.last()).copied().unwrap_or_default();
    format!("{file}:{line}")
}

/// Functions on top of the modelled stack when something is taken.
fn taking(class: &ClassInfo, held: &HeldLock) -> &'static [&'static str] {
    match (held.place.by, class.kind, held.hold) {
        (By::FsReclaimAcquire, ..) => &["fs_reclaim_acquire"],
        (By::DmaFenceWait, ..) => &["__dma_fence_might_wait"],
        (By::LockSync, ..) => &["lock_sync", "__synchronize_srcu"],
        (By::Priming, ..) => &["__mmu_notifier_register"],
        (By::Boot(stack), ..) => stack,
        (By::MightFault, ..) => &["__might_fault", "_copy_to_user"],
        (By::ProcessOneWork, ..) | (By::Caller, None, _) => &[],
        (By::Caller, Some(LockKind::Mutex), _) => &["__mutex_lock", "mutex_lock_nested"],
        (By::Caller, Some(LockKind::Rwsem), Hold::Shared) => &["down_read"],
        (By::Caller, Some(LockKind::Rwsem), Hold::Exclusive) => &["down_write"],
        (By::Caller, Some(LockKind::Spinlock), _) => &["_raw_spin_lock"],
        (By::Caller, Some(LockKind::Rwlock), Hold::Shared) => &["_raw_read_lock"],
        (By::Caller, Some(LockKind::Rwlock), Hold::Exclusive) => &["_raw_write_lock"],
    }
}

/// The modelled stack of a place, innermost first; `top`: what stands above it.
pub(super) fn stack(state: &State<'_>, place: &Place, top: Top) -> Vec<String> {
    frames::stack(state, place.stack, place.notifier, top)
}

/// The notifiers' map is taken by what the modelled function calls.
fn top_of(held: &HeldLock) -> Top {
    let is_notifiers = held.what == Tracked::Map(FakeMap::MmuNotifier);
    if is_notifiers && held.place.by == By::Caller { Top::Callee } else { Top::Itself }
}

/// The whole stack of an acquisition.
pub(super) fn trace(state: &State<'_>, classes: &[ClassInfo], held: &HeldLock) -> Vec<String> {
    let tops = classes.get(held.class).map_or(&[][..], |class| taking(class, held));
    let tops = tops.iter().map(|&name| name.to_owned());
    match held.place.by {
        By::Boot(_) => tops.collect(),
        By::ProcessOneWork => {
            // The function of the work has not been entered yet.
            stack(state, &held.place, top_of(held)).into_iter().skip(1).collect()
        }
        _ => tops.chain(stack(state, &held.place, top_of(held))).collect(),
    }
}

/// The caller of whatever took it: `hlock->acquire_ip`. Who calls `fs_reclaim_acquire()` it tells since
/// 5.15 ("mm: report a more useful address for reclaim acquisition").
pub(super) fn acquired_at(state: &State<'_>, held: &HeldLock) -> String {
    let is_fs_reclaim = held.what == Tracked::Map(FakeMap::FsReclaim);
    let names_itself = state.cast.wording.debug_layout <= DebugLayout::WaitTypes;
    match held.place.by {
        By::FsReclaimAcquire if names_itself || !is_fs_reclaim => "fs_reclaim_acquire".to_owned(),
        By::Caller if names_itself && is_fs_reclaim => "__fs_reclaim_acquire".to_owned(),
        By::LockSync => "__synchronize_srcu".to_owned(),
        By::Priming => "__mmu_notifier_register".to_owned(),
        By::ProcessOneWork => "process_one_work".to_owned(),
        By::MightFault => "__might_fault".to_owned(),
        By::Boot(stack) => stack.first().map_or_else(String::new, |&name| name.to_owned()),
        By::FsReclaimAcquire | By::DmaFenceWait | By::Caller => {
            // The function of a system call that is not modelled by itself.
            let caller = stack(state, &held.place, top_of(held)).into_iter().next();
            caller.unwrap_or_else(|| "do_syscall_64".to_owned())
        }
    }
}

pub(super) fn address(what: Tracked, classes: &[ClassInfo], class: usize) -> u64 {
    let is_static = |info: &ClassInfo| !info.name.starts_with('&');
    match what {
        Tracked::Map(map) => STATIC_BASE + LOCK_SIZE * map as u64,
        Tracked::Workqueue(device) => WORKQUEUE_BASE + WORKQUEUE_SIZE * u64::from(device.0),
        Tracked::WorkqueueMutex(device) => {
            WORKQUEUE_BASE + WORKQUEUE_SIZE * u64::from(device.0) + LOCK_SIZE
        }
        Tracked::Work(device) => {
            WORKQUEUE_BASE + WORKQUEUE_SIZE * u64::from(device.0) + 2 * LOCK_SIZE
        }
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
