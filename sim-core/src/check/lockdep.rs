//! `lockdep`: finds lock orders that can deadlock, before they do.
//!
//! Summary: warns of a deadlock once each half of it has run, at any time and in any task.
//! Mechanism: keeps the classes of the locks each task holds, and an edge from class to class when one is taken under the other; an edge that closes a cycle is reported, and then it turns itself off.
//! Models: `CONFIG_PROVE_LOCKING`, with the maps fs_reclaim (4.14) and mmu_notifier_invalidate_range_start (5.4), those of a device's workqueue and its work, and the trylock rule.
//! Doesn't model: that a way through the reader of an SRCU (a recursive one, since 6.4) is no strong one and that what is taken under it is connected to that reader alone, which, read literally, would hide every lock of a list callback behind it; interrupt contexts, lock subclasses, waits that have no lock class (fences, completions): so it can't see those either.
//! See: kernel/locking/lockdep.c, mm/page_alloc.c fs_reclaim_acquire(), mm/mmu_notifier.c.
//!
//! The kernel's behaviour is kept to: after its first report lockdep
//! tracks nothing more, so one run has one report at most, the first
//! cycle that the run closed.

mod graph;

use self::graph::{Classes, Graph, reads_recursively};
use super::slot;
use crate::base::TaskId;
use crate::engine::Hold;
use crate::kernel::switches::Switches;
use crate::record::{
    Attempt, By, Cast, ClassInfo, DebugLayout, FakeMap, HeldLock, HeldLocks, Link, LockKind, Noted,
    Place, Splat, Tracked,
};

/// Whose stack the edge from `fs_reclaim` to the notifiers' map has from
/// boot on: the first allocation that may sleep. That of 6.1 is recorded on 6.1.192; that of 5.11 to 6.0
/// stands in a public report of 5.19 (amd-gfx, September 2022), that of later ones in one of 6.6, with
/// the slab allocator's names of 6.12.
fn boot_stack(layout: DebugLayout) -> &'static [&'static str] {
    match layout {
        DebugLayout::NoWaitTypes | DebugLayout::WaitTypes => BOOT_5_19,
        DebugLayout::Marked => BOOT_6_1,
        DebugLayout::WithIds | DebugLayout::RawNesting => BOOT_6_12,
    }
}

const BOOT_5_19: &[&str] = &[
    "fs_reclaim_acquire",
    "kmem_cache_alloc_trace",
    "alloc_workqueue_attrs",
    "workqueue_init",
    "kernel_init_freeable",
    "kernel_init",
    "ret_from_fork",
];

const BOOT_6_1: &[&str] = &[
    "fs_reclaim_acquire",
    "__kmem_cache_alloc_node",
    "kmalloc_node_trace",
    "alloc_worker",
    "init_rescuer",
    "workqueue_init",
    "kernel_init_freeable",
    "kernel_init",
    "ret_from_fork",
];

const BOOT_6_12: &[&str] = &[
    "fs_reclaim_acquire",
    "__kmalloc_cache_noprof",
    "__kthread_create_worker",
    "kthread_create_worker",
    "workqueue_init",
    "kernel_init_freeable",
    "kernel_init",
    "ret_from_fork",
    "ret_from_fork_asm",
];

/// All stacks of boot.
pub(super) const BOOT_STACKS: &[&[&str]] = &[BOOT_5_19, BOOT_6_1, BOOT_6_12, DMA_RESV_LOCKDEP];

/// `dma_resv_lockdep()` (drivers/dma-buf/dma-resv.c), at boot.
const DMA_RESV_LOCKDEP: &[&str] = &[
    "dma_resv_lockdep",
    "do_one_initcall",
    "kernel_init_freeable",
    "kernel_init",
    "ret_from_fork",
];

/// A lock on a task's stack of held locks (`struct held_lock`).
#[derive(Copy, Clone, Debug)]
struct Held {
    lock: HeldLock,
    /// Whether it makes edges; up to 6.3 that of SRCU does not (`check == 0`), up to 5.9 nor does a recursive reader.
    checked: bool,
    /// Whether those before it get edges too: it was only tried, or is a recursive reader.
    is_passed: bool,
}

/// The state of lockdep.
#[expect(
    clippy::struct_excessive_bools,
    reason = "what a kernel's lockdep knows, and whether it is on"
)]
pub(super) struct Lockdep {
    classes: Classes,
    graph: Graph,
    /// By task.
    held: Vec<Vec<Held>>,
    /// Whether the map of SRCU makes edges.
    knows_srcu: bool,
    /// Whether readers of an rwlock make none.
    rwlock_readers_recurse: bool,
    /// Whether locks have wait types.
    has_wait_types: bool,
    /// `debug_locks`.
    pub(super) is_on: bool,
}

impl Lockdep {
    /// Lockdep as it is when user space starts.
    pub(super) fn new(switches: &Switches, fences: bool) -> Self {
        let mut new = Self {
            classes: Classes::new(switches.workqueue_classes),
            graph: Graph::default(),
            held: Vec::new(),
            knows_srcu: switches.srcu_lock_map,
            rwlock_readers_recurse: switches.rwlock_readers_recurse,
            has_wait_types: switches.debug_layout >= DebugLayout::WaitTypes,
            is_on: true,
        };
        if switches.fs_reclaim_map && switches.reclaim_touches_notifier_map {
            let stack = boot_stack(switches.debug_layout);
            new.boot(&[FakeMap::FsReclaim, FakeMap::MmuNotifier], stack);
        }
        if fences {
            new.dma_resv_lockdep(switches);
        }
        new
    }

    /// What `dma_resv_lockdep()` takes: locks of the kind first, each under
    /// those before; the last ones one after the other.
    fn dma_resv_lockdep(&mut self, switches: &Switches) {
        let mmap_lock =
            self.classes.named(switches.debug_layout.mmap_lock(), Some(LockKind::Rwsem));
        let maps = [FakeMap::DmaResvAcquire, FakeMap::DmaResv];
        let [acquire, resv] = maps.map(|map| self.classes.of_map(map));
        self.classes.used(mmap_lock, Hold::Shared);
        let mmap = Self::boot_lock(Tracked::Map(FakeMap::DmaResv), mmap_lock);
        let [acquire, resv] = [(acquire, maps[0]), (resv, maps[1])].map(|(class, map)| {
            self.classes.used(class, Hold::Exclusive);
            Self::boot_lock(Tracked::Map(map), class)
        });
        self.graph.add(mmap.class, acquire);
        self.graph.add(acquire.class, resv);
        if switches.fs_reclaim_map {
            let inner = if switches.notifier_map {
                &[FakeMap::FsReclaim, FakeMap::MmuNotifier, FakeMap::DmaFence][..]
            } else {
                &[FakeMap::FsReclaim, FakeMap::DmaFence]
            };
            let mut outer = resv.class;
            for &map in inner {
                let class = self.classes.of_map(map);
                self.classes.used(class, Hold::Exclusive);
                let lock = Self::boot_lock(Tracked::Map(map), class);
                self.graph.add(outer, lock);
                outer = class;
            }
        }
    }

    fn boot_lock(what: Tracked, class: usize) -> HeldLock {
        let place = Place {
            stack: crate::base::StackId(0),
            notifier: None,
            by: By::Boot(DMA_RESV_LOCKDEP),
        };
        HeldLock { what, class, hold: Hold::Exclusive, place }
    }

    /// Maps that were nested at boot.
    fn boot(&mut self, maps: &[FakeMap], stack: &'static [&'static str]) {
        let mut outer = None;
        for &map in maps {
            let class = self.classes.of_map(map);
            self.classes.used(class, Hold::Exclusive);
            let place =
                Place { stack: crate::base::StackId(0), notifier: None, by: By::Boot(stack) };
            let lock = HeldLock { what: Tracked::Map(map), class, hold: Hold::Exclusive, place };
            if let Some(outer) = outer {
                self.graph.add(outer, lock);
            }
            outer = Some(class);
        }
    }

    /// `__lock_acquire()`: a finding, if there is one; it is the last.
    pub(super) fn acquire(
        &mut self,
        noted: Noted,
        place: Place,
        what: Tracked,
        (hold, attempt): (Hold, Attempt),
        cast: &Cast,
    ) -> Option<Splat> {
        if !self.is_on {
            return None;
        }
        let class = self.classes.of(what, cast);
        let is_srcu = what == Tracked::Map(FakeMap::Srcu);
        let checked = !is_srcu || self.knows_srcu;
        let next = HeldLock { what, class, hold, place };
        let waits = attempt == Attempt::Waits && checked;
        let wrong = if waits { self.check_wait_context(noted.task, &next) } else { None };
        // lock_sync() introduces no section in which anything could be used.
        if wrong.is_none() && checked && place.by != By::LockSync {
            self.classes.used(class, hold);
        }
        let recurses = self.recurses(&next);
        let stack = slot(&mut self.held, noted.task.index());
        let found = wrong.or_else(|| {
            let check = || {
                check_deadlock(stack, &next, recurses)
                    .or_else(|| self.graph.check_prevs_add(stack, &next, recurses))
            };
            waits.then(check).flatten()
        });
        if found.is_some() {
            // print_circular_bug(): debug_locks_off(). The lock itself is still to be listed as not held.
            self.is_on = false;
            return found;
        }
        let is_passed = attempt == Attempt::Tries || is_srcu || recurses;
        stack.push(Held { lock: next, checked: checked && !recurses, is_passed });
        None
    }

    fn kind(&self, lock: &HeldLock) -> Option<LockKind> {
        self.classes.infos.get(lock.class).and_then(|class| class.kind)
    }

    /// Whether it is taken by a recursive reader whose orders are not kept (`read == 2`, up to 5.9).
    fn recurses(&self, lock: &HeldLock) -> bool {
        let reads = self.rwlock_readers_recurse && lock.hold == Hold::Shared;
        reads && self.kind(lock) == Some(LockKind::Rwlock)
    }

    /// `check_wait_context()`, of tasks and of locks that spin or sleep; maps have no wait type.
    fn check_wait_context(&self, task: TaskId, next: &HeldLock) -> Option<Splat> {
        let sleeps = |kind: LockKind| !kind.spins();
        if !self.has_wait_types || !self.kind(next).is_some_and(sleeps) {
            return None;
        }
        let mut held = self.held.get(task.index())?.iter().map(|held| held.lock);
        let spins = held.find(|lock| self.kind(lock).is_some_and(LockKind::spins))?;
        Some(Splat::WaitContext { acquiring: *next, holding: spins })
    }

    /// `__lock_release()`.
    pub(super) fn release(&mut self, task: TaskId, what: Tracked, cast: &Cast) -> Option<Splat> {
        if !self.is_on {
            return None;
        }
        let held = slot(&mut self.held, task.index());
        if let Some(at) = held.iter().rposition(|held| held.lock.what == what) {
            held.remove(at);
            return None;
        }
        self.is_on = false;
        let class = self.classes.of(what, cast);
        Some(Splat::BadUnlock { what, class })
    }

    /// Whether the task holds the map (`lock_is_held_type()`).
    pub(super) fn holds(&self, task: TaskId, what: Tracked) -> bool {
        let held = self.held.get(task.index());
        held.is_some_and(|held| held.iter().any(|held| held.lock.what == what))
    }

    /// What the task holds, outermost first.
    pub(super) fn held_by(&self, task: TaskId) -> Vec<HeldLock> {
        let held = self.held.get(task.index()).map(Vec::as_slice).unwrap_or_default();
        held.iter().map(|held| held.lock).collect()
    }

    /// The same, if lockdep can still say.
    pub(super) fn held_locks(&self, task: TaskId) -> HeldLocks {
        if self.is_on { HeldLocks::Known(self.held_by(task)) } else { HeldLocks::TurnedOff }
    }

    /// Everybody who holds, or wants, anything.
    pub(super) fn everybody(&self) -> Option<Vec<(TaskId, Vec<HeldLock>)>> {
        let tasks = (0..self.held.len()).map(TaskId::from_index);
        let held = tasks.map(|task| (task, self.held_by(task)));
        self.is_on.then(|| held.filter(|(_, held)| !held.is_empty()).collect())
    }

    /// All classes.
    pub(super) fn classes(&mut self) -> Vec<ClassInfo> {
        std::mem::take(&mut self.classes.infos)
    }
}

/// `check_deadlock()`: something of the same class is held already.
fn check_deadlock(held: &[Held], next: &HeldLock, recurses: bool) -> Option<Splat> {
    let is_srcu = next.what == Tracked::Map(FakeMap::Srcu);
    // Recursive readers may nest.
    let nests =
        |held: &Held| (is_srcu || recurses) && [held.lock.hold, next.hold] == [Hold::Shared; 2];
    let same = held.iter().find(|held| held.lock.class == next.class && !nests(held))?;
    Some(Splat::Recursive { acquiring: *next, holding: same.lock })
}

impl Graph {
    /// `check_prevs_add()`: edges from the locks held, from the last one
    /// back to the first that was waited for: those before it have theirs.
    /// `recurses`: whether they are looked at only.
    fn check_prevs_add(&mut self, held: &[Held], next: &HeldLock, recurses: bool) -> Option<Splat> {
        for prev in held.iter().rev().filter(|held| held.checked) {
            if !self.has(prev.lock.class, next) {
                // check_noncircular()
                let path = self.path(next.class, prev.lock.class);
                if let Some(path) = path.filter(|_| !reads_recursively(next)) {
                    let first = Link { class: next.class, held: *next };
                    let rest = path.into_iter().map(|held| Link { class: held.class, held });
                    let chain = std::iter::once(first).chain(rest).collect();
                    return Some(Splat::Circular { acquiring: *next, holding: prev.lock, chain });
                }
                if !recurses {
                    self.add(prev.lock.class, *next);
                }
            }
            if !prev.is_passed {
                break;
            }
        }
        None
    }
}
