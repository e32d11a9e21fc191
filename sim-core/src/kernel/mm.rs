//! Address spaces and their VMAs.
//!
//! Mirrors `struct mm_struct` and `struct vm_area_struct`
//! (include/linux/mm_types.h, Linux 6.1), the part that matters here.
//! A VMA's present pages are counted, not listed: they are taken to be
//! its first ones.

use super::pgtable::PageTables;
use super::zone::{Pages, Use};
use crate::base::{FileId, LockId, NotifierId, QueueId, RangeId, ShareId, TaskId};

/// What stands behind the pages of a VMA.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Backing {
    /// Anonymous private memory.
    Anonymous,
    /// A private mapping of a file; its pages belong to the page cache.
    PrivateFile,
    /// A shared mapping of a file.
    SharedFile,
    /// Shared memory: shmem, tmpfs.
    Shmem,
    /// Huge pages of the reserved pool.
    Hugetlb,
    /// Memory of a device (VM_PFNMAP).
    Pfnmap,
}

impl Backing {
    /// Whether who writes to a page gets a copy of its own (not VM_SHARED).
    pub fn is_private(self) -> bool {
        matches!(self, Self::Anonymous | Self::PrivateFile)
    }

    /// Whether its pages are in a process's counters.
    fn is_counted(self) -> bool {
        !matches!(self, Self::Hugetlb | Self::Pfnmap)
    }
}

/// What a program does with a page.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Access {
    /// It reads.
    Read,
    /// It writes: `FAULT_FLAG_WRITE`.
    Write,
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
    /// `vm_file`, or the segment of shared memory.
    pub vm_file: Option<FileId>,
    /// Present pages of the page cache, mapped and not owned.
    pub file: u64,
    /// Of these, pages that it wrote to.
    pub dirtied: u64,
    /// Present pages of shared memory, mapped and not owned.
    pub shmem: u64,
    /// Present pages that are nobody's in the model: program text in an
    /// initramfs, the huge-page pool, device memory.
    pub resident: u64,
    /// Pages in swap. Those of the pages touched are swapped out from the
    /// first one on, come back in the same order and are the youngest then:
    /// the present pages are those from `head` on, counted round.
    pub swapped: u64,
    /// Of these, the ones whose slots are shared since a fork: they come back first.
    pub swap_shares: Vec<Shared>,
    /// Number of the oldest page that is present, while any is in swap.
    pub head: u64,
    /// VM_LOCKED.
    pub locked: bool,
    /// Made of huge pages where it can be (THP).
    pub thp: bool,
    /// Pages it has had so far: those from 0 to here were touched.
    pub touched: u64,
    /// Pages shared since a fork, behind its own ones.
    pub shares: Vec<Shared>,
}

/// A stretch of a share that a VMA maps: pages `from..to`, never empty.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub struct Shared {
    /// Which share.
    pub share: ShareId,
    /// First page.
    pub from: u64,
    /// One past the last.
    pub to: u64,
}

impl Shared {
    /// How many pages.
    pub fn count(&self) -> u64 {
        self.to - self.from
    }
}

impl Vma {
    /// A VMA without pages.
    pub fn new(id: RangeId, start: u64, end: u64, backing: Backing) -> Self {
        let none = Pages::default();
        Self {
            id,
            start,
            end,
            backing,
            anon: none,
            vm_file: None,
            file: 0,
            dirtied: 0,
            shmem: 0,
            resident: 0,
            swapped: 0,
            swap_shares: Vec::new(),
            head: 0,
            locked: false,
            thp: false,
            touched: 0,
            shares: Vec::new(),
        }
    }

    /// Its oldest pages go to swap.
    pub(super) fn swap_out(&mut self, count: u64) {
        if self.swapped == 0 {
            self.head = 0;
        }
        self.swapped += count;
        self.head = (self.head + count) % self.touched.max(1);
    }

    /// Its pages were zapped: the next access finds a fresh one, but for what others touched or sent to
    /// swap meanwhile.
    pub(super) fn forget_zapped(&mut self) {
        self.touched = self.mapped() + self.swapped;
        self.head = if self.swapped == 0 { 0 } else { self.head % self.touched };
    }

    /// Of the pages from number `first` on, how many are present one after
    /// the other, if `mapped` are in all.
    pub(super) fn present_from(&self, first: u64, mapped: u64) -> u64 {
        if self.swapped == 0 {
            return mapped.saturating_sub(first);
        }
        if first >= self.touched {
            return 0;
        }
        let after_head = (first + self.touched - self.head) % self.touched;
        mapped.saturating_sub(after_head).min(self.touched - first)
    }

    /// Whether page number `first` was touched and is in swap.
    pub(super) fn is_swapped(&self, first: u64, mapped: u64) -> bool {
        self.swapped > 0 && first < self.touched && self.present_from(first, mapped) == 0
    }

    /// Its size in pages.
    pub fn pages(&self) -> u64 {
        (self.end - self.start) >> 12
    }

    /// Pages mapped and shared since a fork.
    pub fn shared(&self) -> u64 {
        self.shares.iter().map(Shared::count).sum()
    }

    /// Pages mapped in all.
    pub fn mapped(&self) -> u64 {
        self.present() + self.shared()
    }

    /// How many pages can be accessed so without a fault.
    pub fn accessible(&self, access: Access) -> u64 {
        match (self.backing, access) {
            (Backing::Anonymous | Backing::PrivateFile, Access::Read) => self.mapped(),
            (Backing::PrivateFile, Access::Write) => self.anon.count(),
            (Backing::SharedFile, Access::Write) => self.dirtied,
            _ => self.present(),
        }
    }

    /// What its pages are used for while they are anonymous.
    pub fn anon_use(&self) -> Use {
        if self.locked { Use::Unevictable } else { Use::Anon }
    }

    /// Takes the part from `address` on out, with its share of the pages:
    /// the first ones stay.
    #[must_use]
    pub(super) fn split(&mut self, id: RangeId, address: u64) -> Self {
        let mut upper = Self::new(id, address, self.end, self.backing);
        (upper.locked, upper.thp, upper.vm_file) = (self.locked, self.thp, self.vm_file);
        let stays = (address - self.start) >> 12;
        upper.touched = self.touched.saturating_sub(stays);
        self.touched -= upper.touched;
        let mut leave = (self.mapped() + self.swapped).saturating_sub(stays);
        // The shared ones lie behind the others.
        while leave > 0
            && let Some(last) = self.shares.last_mut()
        {
            let count = leave.min(last.count());
            last.to -= count;
            let theirs = Shared { share: last.share, from: last.to, to: last.to + count };
            upper.shares.insert(0, theirs);
            leave -= count;
            if last.count() == 0 {
                self.shares.pop();
            }
        }
        for (mine, its) in [
            (&mut self.resident, &mut upper.resident),
            (&mut self.swapped, &mut upper.swapped),
            (&mut self.file, &mut upper.file),
            (&mut self.shmem, &mut upper.shmem),
        ] {
            *its = leave.min(*mine);
            *mine -= *its;
            leave -= *its;
        }
        upper.swap_shares = self.split_swap_shares();
        self.dirtied = self.dirtied.min(self.file);
        upper.anon = self.anon.take(leave);
        self.end = address;
        for half in [&mut *self, &mut upper] {
            half.head = 0;
            half.touched = half.touched.max(half.mapped() + half.swapped);
        }
        upper
    }

    /// What another VMA gets of the shared slots, once it is known how many
    /// pages in swap stay: the last ones, behind which were only its own.
    fn split_swap_shares(&mut self) -> Vec<Shared> {
        let shared: u64 = self.swap_shares.iter().map(Shared::count).sum();
        let mut left = shared.saturating_sub(self.swapped);
        let mut upper = Vec::new();
        while left > 0
            && let Some(last) = self.swap_shares.last_mut()
        {
            let count = left.min(last.count());
            last.to -= count;
            upper.insert(0, Shared { share: last.share, from: last.to, to: last.to + count });
            left -= count;
            if last.count() == 0 {
                self.swap_shares.pop();
            }
        }
        upper
    }

    /// Pages mapped, but those shared since a fork.
    pub fn present(&self) -> u64 {
        self.anon.count() + self.file + self.shmem + self.resident
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
#[expect(clippy::struct_excessive_bools, reason = "the kernel's MMF_ flags, by name")]
pub struct Mm {
    /// The task it was made for.
    pub owner: TaskId,
    /// VMAs by address.
    pub vmas: Vec<Vma>,
    /// VMAs that `munmap()` has taken out and not yet unmapped.
    pub detached: Vec<Vma>,
    /// Its page tables.
    pub page_tables: PageTables,
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
    /// Whether any notifier was ever registered (`mm->notifier_subscriptions` is there).
    pub ever_notified: bool,
    /// Invalidations between their start and their end.
    pub ranges: u32,
    /// Whether ranges were handed to a worker (policy `hand-off`).
    pub handed_off: bool,
    /// `core_state->dumper`, while a core dump stops everybody who uses this mm (up to 5.15).
    pub core_dumper: Option<TaskId>,
}

impl Mm {
    /// A new, empty address space of `owner`.
    pub fn new(owner: TaskId, mmap_lock: LockId, wait: QueueId) -> Self {
        Self {
            owner,
            vmas: Vec::new(),
            detached: Vec::new(),
            page_tables: PageTables::default(),
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
            ever_notified: false,
            ranges: 0,
            handed_off: false,
            core_dumper: None,
        }
    }

    /// Adds a VMA at its place.
    pub fn insert(&mut self, vma: Vma) {
        let at = self.vmas.partition_point(|other| other.start < vma.start);
        self.vmas.insert(at, vma);
    }

    /// The VMA with this id, detached ones among them.
    pub fn vma(&mut self, id: RangeId) -> Option<&mut Vma> {
        self.vmas.iter_mut().chain(&mut self.detached).find(|vma| vma.id == id)
    }

    /// `vma_lookup()`: the VMA that an address is in.
    pub fn vma_at(&self, address: u64) -> Option<&Vma> {
        self.vmas.iter().find(|vma| vma.start <= address && address < vma.end)
    }

    /// All VMAs that may have pages.
    pub fn all(&self) -> impl Iterator<Item = &Vma> {
        self.vmas.iter().chain(&self.detached)
    }

    /// `get_mm_counter(MM_ANONPAGES)`.
    pub fn anon_pages(&self) -> u64 {
        self.all().map(|vma| vma.anon.count() + vma.shared()).sum()
    }

    /// `get_mm_counter(MM_FILEPAGES)`: huge pages of the pool are in no counter that makes up RSS, and
    /// what a driver maps has no pages.
    pub fn file_pages(&self) -> u64 {
        let counted = |vma: &Vma| if vma.backing.is_counted() { vma.resident } else { 0 };
        self.all().map(|vma| vma.file + counted(vma)).sum()
    }

    /// `get_mm_counter(MM_SHMEMPAGES)`.
    pub fn shmem_pages(&self) -> u64 {
        self.all().map(|vma| vma.shmem).sum()
    }

    /// `get_mm_counter(MM_SWAPENTS)`.
    pub fn swap_entries(&self) -> u64 {
        self.all().map(|vma| vma.swapped).sum()
    }

    /// Mapped pages, present or not.
    pub fn total_vm(&self) -> u64 {
        self.vmas.iter().map(Vma::pages).sum()
    }

    /// `mm_pgtables_bytes()`, in pages.
    pub fn pgtable_pages(&self) -> u64 {
        self.page_tables.counts().iter().sum()
    }

    /// Of the page-table pages, those of the two lowest levels (`nr_ptes`, `nr_pmds`).
    pub fn pte_pmd_pages(&self) -> u64 {
        let (ptes, pmds) = self.ptes_and_pmds();
        ptes + pmds
    }

    /// These by level.
    pub fn ptes_and_pmds(&self) -> (u64, u64) {
        let [ptes, pmds, _] = self.page_tables.counts();
        (ptes, pmds)
    }
}
