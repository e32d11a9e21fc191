//! Address spaces and their VMAs.
//!
//! Mirrors `struct mm_struct` and `struct vm_area_struct`
//! (include/linux/mm_types.h, Linux 6.1), the part that matters here.
//! A VMA's present pages are counted, not listed: they are taken to be
//! its first ones.

use super::zone::Pages;
use crate::base::{LockId, NotifierId, QueueId, RangeId, TaskId};

/// What stands behind the pages of a VMA.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Backing {
    /// Anonymous private memory.
    Anonymous,
    /// A private mapping of a file; its pages belong to the page cache.
    PrivateFile,
}

/// A VMA.
#[derive(Clone, Debug)]
pub struct Vma {
    /// Its name in records.
    pub id: RangeId,
    /// First byte.
    pub start: u64,
    /// One past the last byte.
    pub end: u64,
    /// What stands behind it.
    pub backing: Backing,
    /// Present anonymous pages, by zone.
    pub anon: Pages,
    /// Present page-cache pages, mapped and not owned.
    pub file: u64,
}

impl Vma {
    /// Pages mapped.
    pub fn present(&self) -> u64 {
        self.anon.count() + self.file
    }
}

/// The interval-notifier side of an mm (`struct mmu_notifier_subscriptions`).
#[derive(Clone, Debug)]
pub struct Itree {
    /// Subscriptions in the tree, by start address.
    pub tree: Vec<NotifierId>,
    /// `invalidate_seq`; odd while an overlapping invalidation runs.
    pub seq: u32,
    /// `active_invalidate_ranges`.
    pub active: u32,
    /// `has_itree`: an interval subscription was ever made.
    pub has_itree: bool,
    /// Inserts and removes that wait for even times.
    pub deferred: Vec<Deferred>,
    /// `wq`: who waits for `seq` to change.
    pub wait: QueueId,
}

/// A postponed change of the tree.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Deferred {
    /// Insert this one.
    Insert(NotifierId),
    /// Remove this one.
    Remove(NotifierId),
}

/// An address space.
#[derive(Clone, Debug)]
pub struct Mm {
    /// The task it was made for.
    pub owner: TaskId,
    /// VMAs by address.
    pub vmas: Vec<Vma>,
    /// Threads that use it.
    pub mm_users: u32,
    /// `mmap_lock`.
    pub mmap_lock: LockId,
    /// `MMF_OOM_SKIP`.
    pub oom_skip: bool,
    /// `MMF_UNSTABLE`.
    pub unstable: bool,
    /// `MMF_OOM_REAP_QUEUED`.
    pub reap_queued: bool,
    /// List notifiers, the most recently registered first.
    pub hlist: Vec<NotifierId>,
    /// Interval notifiers.
    pub itree: Itree,
}

impl Mm {
    /// A new, empty address space of `owner`.
    pub fn new(owner: TaskId, mmap_lock: LockId, wait: QueueId) -> Self {
        Self {
            owner,
            vmas: Vec::new(),
            mm_users: 0,
            mmap_lock,
            oom_skip: false,
            unstable: false,
            reap_queued: false,
            hlist: Vec::new(),
            itree: Itree {
                tree: Vec::new(),
                // The first even number that lets a subscription start one below it.
                seq: 2,
                active: 0,
                has_itree: false,
                deferred: Vec::new(),
                wait,
            },
        }
    }

    /// Adds a VMA at its place.
    pub fn insert(&mut self, vma: Vma) {
        let at = self.vmas.partition_point(|other| other.start < vma.start);
        self.vmas.insert(at, vma);
    }

    /// The VMA with this id.
    pub fn vma(&mut self, id: RangeId) -> Option<&mut Vma> {
        self.vmas.iter_mut().find(|vma| vma.id == id)
    }

    /// `get_mm_counter(MM_ANONPAGES)`.
    pub fn anon_pages(&self) -> u64 {
        self.vmas.iter().map(|vma| vma.anon.count()).sum()
    }

    /// `get_mm_counter(MM_FILEPAGES)`.
    pub fn file_pages(&self) -> u64 {
        self.vmas.iter().map(|vma| vma.file).sum()
    }

    /// Mapped pages, present or not.
    pub fn total_vm(&self) -> u64 {
        self.vmas.iter().map(|vma| (vma.end - vma.start) >> 12).sum()
    }

    /// Page-table pages that the present pages need: one for each 2 MiB,
    /// each 1 GiB and each 512 GiB that hold any, and the top.
    pub fn pgtable_pages(&self) -> u64 {
        let level = |shift: u32| {
            let (mut count, mut next) = (0, 0);
            for vma in self.vmas.iter().filter(|vma| vma.present() > 0) {
                let first = (vma.start >> shift).max(next);
                let last = (vma.start + (vma.present() << 12) - 1) >> shift;
                if last >= first {
                    count += last - first + 1;
                    next = last + 1;
                }
            }
            count
        };
        level(21) + level(30) + level(39) + 1
    }
}
