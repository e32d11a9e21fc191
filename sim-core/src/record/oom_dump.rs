//! What the OOM killer's report shows of the machine (mm/oom_kill.c,
//! `dump_header()`): who asked from where, what is left, who has how much.
//!
//! Numbers only; how a version lays them out is [`Wording`](super::Wording)'s.
//! Left out is what a run does not know: slab, kernel stacks, free blocks
//! by order, pages that are present but not managed.

use crate::base::{StackId, TaskId, ZoneId};

/// A report. Pages, unless said.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OomDump {
    /// Index of the record that it belongs to.
    pub record: u64,
    /// Where the killer was called from.
    pub stack: StackId,
    /// The machine's memory (`show_mem()`); none if a cgroup is at its limit.
    pub zones: Vec<ZoneDump>,
    /// Swap in all.
    pub swap_total: u64,
    /// Of it, free.
    pub swap_free: u64,
    /// The cgroup that is at its limit.
    pub limit: Option<LimitDump>,
    /// The table of tasks.
    pub tasks: Vec<TaskDump>,
}

/// A cgroup at its limit (`mem_cgroup_print_oom_meminfo()`).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LimitDump {
    /// What is charged to it.
    pub usage: u64,
    /// `memory.max`; none: it has none, and one above it was at its own.
    pub limit: Option<u64>,
}

/// A zone (`show_free_areas()`).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ZoneDump {
    /// Which.
    pub zone: ZoneId,
    /// Its place among the kernel's zones: DMA is 0, DMA32 1, Normal 2.
    pub index: u8,
    /// Free pages.
    pub free: u64,
    /// Watermarks.
    pub min: u64,
    /// See `min`.
    pub low: u64,
    /// See `min`.
    pub high: u64,
    /// Kept from requests that a higher zone could serve.
    pub reserve: u64,
    /// The same from requests that may use nothing above zone DMA32.
    pub reserve_dma32: u64,
    /// `nr_reserved_highatomic`.
    pub highatomic: u64,
    /// Pages that the allocator manages.
    pub managed: u64,
    /// Anonymous pages and shared memory on the LRU, which the model keeps in one list.
    pub anon: u64,
    /// Page cache that somebody maps.
    pub active_file: u64,
    /// The rest of it.
    pub inactive_file: u64,
    /// Locked pages.
    pub unevictable: u64,
    /// Dirty page cache.
    pub dirty: u64,
    /// Pages being written.
    pub writeback: u64,
    /// Shared memory.
    pub shmem: u64,
    /// Page tables (`NR_PAGETABLE`).
    pub pagetables: u64,
}

/// A row of the table of tasks (`dump_task()`).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TaskDump {
    /// The thread that stands for the process: the first that has its memory.
    pub task: TaskId,
    /// User id.
    pub uid: u32,
    /// Mapped pages.
    pub total_vm: u64,
    /// Anonymous pages present.
    pub anon: u64,
    /// File pages present.
    pub file: u64,
    /// Shared-memory pages present.
    pub shmem: u64,
    /// Page tables of the lowest level.
    pub ptes: u64,
    /// Of the next one.
    pub pmds: u64,
    /// Page tables, in bytes.
    pub pgtables_bytes: u64,
    /// Pages in swap.
    pub swap: u64,
    /// `oom_score_adj`.
    pub oom_score_adj: i16,
}
