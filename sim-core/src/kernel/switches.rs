//! Kernel profiles: one table of switches, a column per profile
//! (kernel-spec 0.5, and sections 1 to 4 and 7 where they name versions).
//! Code asks a switch, never a version.
//!
//! A column is the tree that [`Switches::tree`] names. `older(x)` marks a
//! value that nobody read in that tree: it is that of the nearest older
//! tree read (or, for the first columns, of the nearest one). `unverified(x)`
//! marks one that is from memory.

mod eras;

use super::zone::Mark;
use crate::record::{DebugLayout, Gfp, GfpNumbers, KilledLine, MnEvent, TaskTable, Wording};
pub use eras::{ExitEra, VictimReserves, WorkqueueClasses};

/// Marks a switch that was carried over from the nearest tree read.
const fn older<T: Copy>(value: T) -> T {
    value
}

/// Marks a switch that is from memory: neither the specification nor a tree says it.
const fn unverified<T: Copy>(value: T) -> T {
    value
}

macro_rules! switches {
    ($( $(#[$doc:meta])+ $name:ident: $ty:ty = [$($value:expr),* $(,)?]; )*) => {
        /// What differs between kernel versions.
        #[derive(Clone, Debug)]
        pub struct Switches { $( $(#[$doc])+ pub $name: $ty, )* }

        const fn column(at: usize) -> Switches {
            Switches { $( $name: { const ROW: [$ty; COLUMNS] = [$($value),*]; ROW[at] }, )* }
        }
    };
}

use DebugLayout::{Marked, NoWaitTypes, RawNesting, WaitTypes, WithIds};
use ExitEra::{Concurrent, Drain, ReaperPins, SelfReap, SelfReapUnderOomLock};
use GfpNumbers::{Middle, Old, Ordered, Packed, WithoutAtomic};
use KilledLine::{PgtablesInBytes, PgtablesInKb, Plain, Prefixed};
use Mark::{Harder, HighPrio};
use MnEvent::{Clear, Unmap};
use TaskTable::{ByKind, Bytes, Counts, Padded};
use VictimReserves::{AllocOom, Memdie};
use WorkqueueClasses::{Named, Prefixed as PrefixedWorks, Source};

const COLUMNS: usize = 12;
const T: bool = true;
const F: bool = false;

#[rustfmt::skip]
switches! {
    /// Profile id, as in `--kernel`.
    id: &'static str =
        ["4.6", "4.9", "4.14", "4.16", "4.19", "5.3", "5.4", "5.6", "5.12", "6.1", "6.12", "7.1"];
    /// The tree that was read.
    tree: &'static str =
        ["4.6.2", "4.9.0", "4.14.5", "4.16.13", "4.19.0", "5.3", "5.4.6", "5.6.4", "5.12.9", "6.1.192", "6.12.117", "7.1.5"];

    // Allocator (kernel-spec 1).
    /// `should_reclaim_retry()` believes in less of the reclaimable pages with each fruitless round.
    reclaim_retry_backs_off: bool =
        [older(T), T, F, older(F), F, older(F), F, F, older(F), F, F, F];
    /// `should_reclaim_retry()` counts a zone's free pages as reclaimable when its lists are
    /// empty (seen in the recordings of 6.1.192).
    reclaimable_falls_back_to_free: bool =
        [F, F, F, F, F, F, F, F, F, T, older(T), older(T)];
    /// `should_reclaim_retry()` sleeps HZ/10 while much is under write-back (`congestion_wait()`);
    /// later kernels sleep in `reclaim_throttle()`.
    congestion_wait: bool =
        [T, T, T, T, T, T, T, T, T, F, F, F];
    /// Most that `calculate_min_free_kbytes()` makes of `min_free_kbytes` (262144 since "mm/page_alloc:
    /// increase default min_free_kbytes bound", 2020; kernel-spec 1.1 has 5.4 and 6.1).
    min_free_kbytes_max: u64 =
        [older(65_536), older(65_536), older(65_536), older(65_536), older(65_536), older(65_536), 65_536, older(65_536), older(262_144), 262_144, 262_144, 262_144];
    /// Reclaim that got nothing tries once more with the lists in use (commit b91ac374346b, "mm:
    /// vmscan: enforce inactive:active ratio at the reclaim root", 5.5).
    reclaim_forces_deactivation: bool =
        [F, F, F, F, F, F, F, older(T), older(T), older(T), older(T), older(T)];
    /// Reclaim that got nothing goes over everything once more, with cgroups or without, before it tries anything else
    /// (`memcg_full_walk`; commit 6be5e186fd65, "mm: vmscan: restore incremental cgroup iteration", 6.11).
    reclaim_walks_twice: bool =
        [F, F, F, F, F, F, F, F, F, F, older(T), older(T)];
    /// `memory.min` (commit bf8d5d52ffe8, "memcg: introduce memory.min", 4.18).
    memory_min: bool =
        [F, F, F, F, older(T), older(T), older(T), older(T), older(T), older(T), older(T), older(T)];
    /// `memory.low` and `memory.min` also protect their part of a cgroup that has more (commit
    /// 9783aa9917f8, "mm, memcg: proportional memory.{low,min} reclaim", 5.4).
    memcg_protects_in_part: bool =
        [F, F, F, F, F, F, older(T), older(T), older(T), older(T), older(T), older(T)];
    /// What `memory.low` protects in part is tried again without it before anybody is killed (commit
    /// f56ce412a59d, "mm: memcontrol: fix occasional OOMs due to proportional memory.low reclaim", 5.14).
    memcg_part_is_skipped: bool =
        [F, F, F, F, F, F, F, F, F, older(T), older(T), older(T)];
    /// Tracepoints `reclaim_retry_zone` and `compact_retry`.
    traces_reclaim_retry: bool =
        [F, F, T, T, T, T, T, T, T, T, T, T];
    /// Tracepoint `mm_vmscan_throttled`.
    traces_throttling: bool =
        [F, F, F, F, F, F, F, F, F, T, T, T];
    /// `wakeup_flusher_threads()` counts dirty pages and queues as many for the flusher, which leaves other work
    /// for it; later a bit tells the flusher to count (commit 85009b4f5f03, "writeback: eliminate work item
    /// allocation in bd_start_writeback()", of September 2017: 4.15; trees of 4.14 have it as a backport only).
    flusher_has_a_list: bool =
        [older(T), older(T), older(T), older(F), older(F), older(F), older(F), older(F), older(F), older(F), older(F), older(F)];
    /// `__alloc_pages_may_oom()` keeps requests without `__GFP_FS` from `out_of_memory()`, which does not look at that
    /// (4.6.2; to commit 3da88fb3bacf, "mm, oom: move GFP_NOFS check to out_of_memory", 4.7).
    nofs_stays_in_allocator: bool =
        [T, F, F, F, F, F, F, F, F, F, F, F];
    /// `__GFP_NOFAIL` calls the OOM killer even without `__GFP_FS`, and skips its bail-outs.
    nofail_always_kills: bool =
        [older(T), T, F, F, F, F, F, F, F, F, F, F];
    /// How deep a `__GFP_NOFAIL` request that found nothing may dig: not at all (to commit 6c18ba7a1899, "mm: help
    /// __GFP_NOFAIL allocations which do not trigger OOM killer", 4.11), with `ALLOC_HARDER`, or as with `__GFP_HIGH`
    /// ("mm/page_alloc: explicitly define how __GFP_HIGH non-blocking allocations accesses reserves", 6.3, and in 6.1.192).
    /// kernel-spec 1.2 has it as half of `min` in all but 4.14, and patches of 5.x show `ALLOC_HARDER`.
    nofail_reserve: Option<Mark> =
        [None, None, Some(Harder), Some(Harder), Some(Harder), Some(Harder), Some(Harder), Some(Harder), Some(Harder), Some(HighPrio), Some(HighPrio), Some(HighPrio)];
    /// Blocks above order 3 are asked for once if nobody may compact for them, for want of `__GFP_IO`, even with
    /// `__GFP_RETRY_MAYFAIL` (commit 803de9000f33, "mm, vmscan: prevent infinite loop for costly GFP_NOIO |
    /// __GFP_RETRY_MAYFAIL allocations", 6.8, and in 6.1.y and 5.15.y); else again as long as reclaim gets anything.
    costly_needs_compaction: bool =
        [F, F, F, F, F, F, F, F, F, T, T, T];
    /// Also for a small block of pages that can't be moved compaction is tried before reclaim (read in 4.12).
    unmovable_blocks_are_compacted_first: bool =
        [older(F), older(F), older(T), older(T), older(T), older(T), older(T), older(T), older(T), older(T), older(T), older(T)];
    /// `should_compact_retry()` takes compaction that was deferred for one that wants more reclaim, as if it had been
    /// skipped (to commit 494330855641, "mm, compaction: raise compaction priority after it withdrawns", 5.4).
    deferred_compaction_wants_reclaim: bool =
        [older(T), older(T), older(T), older(T), older(T), older(T), older(F), older(F), older(F), older(F), older(F), older(F)];
    /// What a victim may take from the reserves.
    victim_reserves: VictimReserves =
        [Memdie, Memdie, AllocOom, AllocOom, AllocOom, AllocOom, AllocOom, AllocOom, AllocOom, AllocOom, AllocOom, AllocOom];
    /// A page fault that got no page calls the OOM killer; else it is just repeated.
    page_fault_kills: bool =
        [older(T), older(T), T, T, T, T, T, T, older(T), F, F, F];

    /// PSI triggers (commit 0e94682b73bf, "psi: introduce psi monitor", 5.2).
    psi_triggers: bool =
        [F, F, F, F, F, older(T), older(T), older(T), older(T), T, older(T), older(T)];

    // OOM killer (kernel-spec 2).
    /// A core dump stops everybody who uses the mm, in `exit_mm()`; since 5.16 the threads of its process, at the
    /// start of `do_exit()` (commits 92307383082d, "coredump: Don't perform any cleanups before dumping core", and
    /// 0258b5fd7c71, "coredump: Limit coredumps to a single thread group").
    dump_stops_whole_mm: bool =
        [older(T), older(T), older(T), older(T), older(T), older(T), older(T), older(T), older(T), older(F), older(F), older(F)];
    /// Victims are those with TIF_MEMDIE: there is no `signal->oom_mm`, no SKIP.
    victim_is_memdie: bool =
        [T, F, F, F, F, F, F, F, F, F, F, F];
    /// Sysrq-f kills even if the OOM notifier chain gave memory back.
    sysrq_kills_anyway: bool =
        [F, F, F, F, F, F, F, F, older(F), T, T, T];
    /// After a kill the killer sleeps a jiffy with `oom_lock` held.
    kill_sleeps: bool =
        [T, T, T, T, F, F, F, F, F, F, F, F];
    /// A child with another mm dies in its parent's stead.
    sacrifices_child: bool =
        [T, T, T, T, T, F, F, F, F, F, F, F];
    /// On a tie a thread-group leader already chosen is kept (else the later task wins).
    tie_keeps_first: bool =
        [T, T, T, T, T, F, F, F, F, F, F, F];
    /// The tasks of a cgroup are scanned thread by thread (to commit f168a9a54ec3, "mm: memcontrol: use
    /// CSS_TASK_ITER_PROCS at mem_cgroup_scan_tasks()", 5.3).
    scans_cgroup_by_threads: bool =
        [older(T), older(T), older(T), older(T), older(T), F, F, F, F, F, F, F];
    /// Who dies already and is only marked is reaped, too (commit 3ef22dfff239, "oom, oom_reaper: try to reap tasks
    /// which skip regular OOM killer path", 4.7; kernel-spec 2.2 and 2.5 have it without a version).
    reaps_who_dies_already: bool =
        [older(F), T, T, T, T, T, T, T, T, T, T, T];
    /// Badness counts page tables by number, without their upper levels.
    badness_counts_ptes: bool =
        [T, T, T, F, F, F, F, F, F, F, F, F];
    /// CAP_SYS_ADMIN lowers badness by 3 %.
    badness_root_bonus: bool =
        [T, T, T, T, F, F, F, F, F, F, F, F];
    /// Badness is at least 1, and 0 means not eligible.
    badness_floor: bool =
        [T, T, T, T, T, T, T, T, F, F, F, F];
    /// Processes in vfork are not eligible.
    vfork_is_spared: bool =
        [F, T, T, T, T, T, T, T, T, T, T, T];
    /// `memory.oom.group`.
    oom_group: bool =
        [F, F, F, F, T, T, T, T, T, T, T, T];
    /// Memcg OOM is handled at the end of the page fault, all locks dropped; else where the charge fails.
    memcg_oom_at_fault_end: bool =
        [T, T, T, T, F, F, F, F, F, F, F, F];
    /// Memcg OOM takes `oom_lock` killably (commit 7775face2079, "memcg: killed threads should not invoke memcg OOM
    /// killer", 5.1).
    memcg_oom_killable: bool =
        [F, F, F, F, F, T, T, T, T, T, T, T];
    /// Who dies and has `oom_lock` all the same asks for no kill and passes for done (with that commit, to "memcg, oom:
    /// do not bypass oom killer for dying tasks" of April 2025, absent in 6.18); else it is marked, and the reaper gets it.
    memcg_passes_over_dying: bool =
        [F, F, F, F, F, T, T, T, T, T, T, F];
    /// Memcg OOM is exempt from the rule that only `__GFP_FS` requests kill.
    memcg_nofs_kills: bool =
        [F, F, F, F, F, F, T, T, T, T, T, T];
    /// Memcg OOM looks for room again once it has `oom_lock` (commit 1378b37d03e8, "memcg, oom: check memcg margin for
    /// parallel oom", 5.9).
    memcg_rechecks_margin: bool =
        [F, F, F, F, F, F, F, F, T, T, T, T];
    /// Vain rounds of reclaim before a cgroup's OOM killer: `MEM_CGROUP_RECLAIM_RETRIES`, since commit d977aa939fca,
    /// "mm, memcg: unify reclaim retry limits with page allocator", 5.9, `MAX_RECLAIM_RETRIES`.
    memcg_reclaim_retries: u8 =
        [5, 5, 5, 5, 5, 5, 5, 5, 16, 16, 16, 16];
    /// Pages charged at once (`CHARGE_BATCH`, `MEMCG_CHARGE_BATCH`; 64 since commit 1813e51eece0, "memcg: increase
    /// MEMCG_CHARGE_BATCH to 64", 6.1).
    memcg_charge_batch: u64 =
        [32, 32, 32, 32, 32, 32, 32, 32, 32, 64, 64, 64];
    /// Uncharged pages of the kernel go into the CPU's stock, as those of processes never do (commit 3de7d4f25a74, "mm:
    /// memcg/slab: optimize objcg stock draining", 5.11).
    kmem_refills_stock: bool =
        [older(F), older(F), older(F), older(F), older(F), older(F), older(F), older(F), older(T), older(T), older(T), older(T)];
    /// The charge of a task that is killed or exits is let through at once; else it fails
    /// after one call of the OOM killer (kernel-spec 7.4 has both; commit a4ebf1b6ca1e, "memcg:
    /// prohibit unconditional exceeding the limit of dying tasks", 5.16).
    memcg_forces_dying: bool =
        [older(T), older(T), older(T), older(T), older(T), older(T), older(T), older(T), older(T), older(F), older(F), older(F)];
    /// Page tables are charged to the cgroup of who needs them (commit 3e79ec7ddc33, "arch: x86: charge page
    /// tables to kmemcg", 4.8).
    page_tables_are_charged: bool =
        [older(F), older(T), older(T), older(T), older(T), older(T), older(T), older(T), older(T), older(T), older(T), older(T)];
    /// Page cache is charged with the flags that its page was asked for with; before, with what of those is about
    /// reclaim (`gfp_mask & GFP_KERNEL` in `page_cache_read()`, read in 4.x; the whole since 4.20 or so).
    page_cache_is_charged_as_asked_for: bool =
        [older(F), older(F), older(F), older(F), older(F), older(T), older(T), older(T), older(T), older(T), older(T), older(T)];
    /// So is a page of swap, when it is asked for (commit 4c6355b25e8b, "mm: memcontrol: charge swapin pages on
    /// instantiation", 5.8); before, with GFP_KERNEL, when it is mapped.
    swapped_page_is_charged_as_asked_for: bool =
        [F, F, F, F, F, F, F, F, older(T), older(T), older(T), older(T)];
    /// With what a charge may exceed the limit: `__GFP_ATOMIC` (commit 869712fd3de5, "mm: memcontrol: fix network
    /// errors from failing __GFP_ATOMIC charges", 5.4), since 1461e8c2b6af, 5.18, `__GFP_HIGH`.
    memcg_exceeds_with: Option<Gfp> =
        [older(None), older(None), older(None), older(None), older(None), older(None), older(Some(Gfp::HARDER)), older(Some(Gfp::HARDER)), older(Some(Gfp::HARDER)), older(Some(Gfp::HIGH)), older(Some(Gfp::HIGH)), older(Some(Gfp::HIGH))];
    /// Who charged far beyond `memory.high` has to pause (commit 0e4b01df8659, "mm, memcg: throttle
    /// allocators when failing reclaim over memory.high", 5.4).
    memcg_high_pauses: bool =
        [older(F), older(F), older(F), older(F), older(F), older(F), older(T), older(T), older(T), older(T), older(T), older(T)];
    /// It reclaims as long as that brings anything, and as often as before a kill where it does not (commit
    /// b3ff92916af3, "mm, memcg: reclaim more aggressively before high allocator throttling", 5.9); else once.
    memcg_high_tries_again: bool =
        [F, F, F, F, F, F, F, F, T, T, T, T];
    /// Format of the line about a kill.
    killed_line: KilledLine =
        [Plain, Plain, Plain, Plain, Plain, Prefixed, PgtablesInBytes, PgtablesInKb, PgtablesInKb, PgtablesInKb, PgtablesInKb, PgtablesInKb];
    /// Tracepoint `mark_victim` and those of the reaper.
    traces_reaper: bool =
        [F, F, T, T, T, T, T, T, T, T, T, T];
    /// `mark_victim` prints sizes besides the pid.
    mark_victim_sizes: bool =
        [F, F, F, F, F, F, F, F, F, T, T, T];
    /// The line `oom-kill:constraint=…`.
    logs_constraint: bool =
        [F, F, F, F, F, T, T, T, T, T, T, T];
    /// How `gfp_mask=` numbers flags.
    gfp_numbers: GfpNumbers =
        [Old, Old, Middle, Middle, Packed, Ordered, Ordered, Ordered, Ordered, Ordered, WithoutAtomic, WithoutAtomic];
    /// Anonymous pages are asked for with `__GFP_COMP` (seen in the recordings of 6.1.192).
    anon_is_compound: bool =
        [F, F, F, F, F, F, F, F, F, T, older(T), older(T)];
    /// Columns of the table of tasks (that of 6.1 recorded; commits af5b0f6a09e4, "mm: consolidate page table
    /// accounting", 4.15, and c3b78b11efbb, "mm, oom: describe task memory unit, larger PID pad", 4.19).
    task_table: TaskTable =
        [older(Counts), older(Counts), older(Counts), older(Bytes), older(Padded), older(Padded), older(Padded), older(Padded), older(Padded), Padded, older(ByKind), older(ByKind)];
    /// Layout of lock debugging and of dumps of tasks (that of 6.1 recorded; in public reports locks have no wait
    /// types in 4.17 and 5.6, and have them in 5.9, with `ppid:` in 5.12, `{3:3}` in 6.12).
    debug_layout: DebugLayout =
        [older(NoWaitTypes), older(NoWaitTypes), older(NoWaitTypes), older(NoWaitTypes), older(NoWaitTypes), older(NoWaitTypes), older(NoWaitTypes), older(NoWaitTypes), older(WaitTypes), Marked, older(WithIds), unverified(RawNesting)];
    /// "page allocation failure" is told once in 10 s; before, ten times in 5 s (commit 1be334e5c088, "mm/page_alloc.c:
    /// ratelimit allocation failure warnings more aggressively", 5.4).
    logs_failures_rarely: bool =
        [older(F), older(F), older(F), older(F), older(F), older(F), older(T), older(T), older(T), older(T), older(T), older(T)];
    /// `compact_retry` calls it progress that compaction was skipped for want of free pages: `compaction_withdrawn()` no
    /// longer speaks of that (commit 494330855641, "mm, compaction: raise compaction priority after it withdrawns",
    /// 5.4; to "mm: compaction: remove compaction result helpers", 6.5).
    skipped_compaction_is_progress: bool =
        [F, F, F, F, F, F, older(T), older(T), older(T), older(T), F, F];
    /// A second SIGKILL is dropped, and `signal_generate` says so (`TRACE_SIGNAL_IGNORED`); before, the first one was
    /// still pending (`prepare_signal()`; "signal: Drop signals received after a fatal signal has been processed", 6.0).
    drops_signals_of_dying: bool =
        [F, F, F, F, F, F, F, F, F, unverified(T), unverified(T), unverified(T)];
    /// "OOM victim … is already exiting. Skip killing the task", where the one chosen was gone by then (commit
    /// 619b5b469bca, "mm, oom: show process exiting information in __oom_kill_process()", 5.9).
    logs_exiting_victim: bool =
        [F, F, F, F, F, F, F, F, older(T), older(T), older(T), older(T)];
    /// A global OOM without candidates panics with "Out of memory and no killable processes...".
    panics_in_old_words: bool =
        [T, T, T, T, F, F, F, F, F, F, F, F];

    /// "sysrq: SysRq : Manual OOM execution" (from logs of 4.x and 5.x).
    sysrq_in_old_words: bool =
        [T, older(T), older(T), older(T), older(T), older(F), older(F), older(F), older(F), older(F), older(F), older(F)];
    /// `out_of_memory()` tells sysrq-f that there was nobody to kill (commit 7c5f64f84483, "mm: oom: deduplicate
    /// victim selection code for memcg and global oom", 4.9); before, that passed for a success.
    tells_of_nobody: bool =
        [F, T, T, T, T, T, T, T, T, T, T, T];
    /// "OOM request ignored because killer is disabled", whatever the reason (to "oom: improve oom disable
    /// handling", April 2017, 4.12, which puts "No task eligible" in its place; so says a listing of 6.0).
    sysrq_blames_killer: bool =
        [T, T, F, F, F, F, F, F, F, F, older(F), older(F)];

    // OOM reaper (kernel-spec 3).
    /// Notifier policy of this kernel.
    policy: &'static str =
        ["ignore", "ignore", "skip-any", "skip-flag", "nonblock", "nonblock", "nonblock", "interval", "interval", "interval", "interval", "interval-two-pass"];
    /// `OOM_REAPER_DELAY` in units of HZ (mm/oom_kill.c, since 5.18).
    reaper_delay_hz: u64 =
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 2];
    /// The reaper holds `oom_lock` while it works on an mm.
    reaper_holds_oom_lock: bool =
        [F, T, T, T, F, F, F, F, F, F, F, F];
    /// Giving up sets SKIP, as success does.
    give_up_sets_skip: bool =
        [F, T, T, T, T, T, T, T, T, T, T, T];
    /// Giving up says nothing when somebody else has set SKIP meanwhile (with the reaping of oneself: commit
    /// 27ae357fa82b, "mm, oom: fix concurrent munlock and oom reaper unmap, v3", 4.17, and in 4.16.13).
    give_up_checks_skip: bool =
        [F, F, F, T, T, T, T, T, T, T, T, T];
    /// Giving up dumps the state of the victim.
    dumps_unreaped: bool =
        [F, F, F, F, F, F, F, T, T, T, T, T];
    /// A reaped process can't be killed again: its `oom_score_adj` becomes -1000.
    reaped_is_exempt: bool =
        [T, F, F, F, F, F, F, F, F, F, F, F];
    /// The reaper leaves VM_LOCKED VMAs alone.
    reaper_skips_locked: bool =
        [T, T, T, T, T, T, T, T, T, F, F, F];
    /// One gather for the whole walk, so that pages of one VMA wait for those of the next (commit 687cb0884a71,
    /// "mm, oom_reaper: gather each vma to prevent leaking TLB entry", 4.15, and in 4.14.4).
    reaper_gathers_once: bool =
        [T, T, F, F, F, F, F, F, F, F, F, F];
    /// The reaper marks the mm as unstable (`MMF_UNSTABLE`): faults get SIGBUS from then on.
    reaper_marks_unstable: bool =
        [F, T, T, T, T, T, T, T, T, T, T, T];
    /// The reaper can be frozen.
    reaper_is_freezable: bool =
        [T, F, F, F, F, F, F, F, older(F), T, T, older(T)];
    /// Every thread of a victim is thawed and can't be frozen again; else the marked one alone
    /// ("mm/oom_kill: thaw the entire OOM victim process", September 2025, beside the reverse walk).
    thaws_whole_victim: bool =
        [F, F, F, F, F, F, F, F, F, F, F, older(T)];
    /// Each mm is queued once (`MMF_OOM_REAP_QUEUED`); else each task is.
    queues_mm_once: bool =
        [F, F, F, F, F, T, T, T, T, T, T, T];
    /// The reaper walks the VMAs from the last to the first.
    walks_down: bool =
        [F, F, F, F, F, F, F, F, F, F, F, T];
    /// Event code of the reaper's invalidations.
    reaper_event: MnEvent =
        [Unmap, Unmap, Unmap, Unmap, Unmap, Unmap, Unmap, Unmap, Unmap, Unmap, Unmap, Clear];
    /// How exit and reaper keep out of each other's way.
    exit: ExitEra =
        [ReaperPins, ReaperPins, Drain, SelfReapUnderOomLock, SelfReap, SelfReap, SelfReap, SelfReap, SelfReap, Concurrent, Concurrent, Concurrent];
    /// `process_mrelease()`.
    process_mrelease: bool =
        [F, F, F, F, F, F, F, F, F, T, T, T];

    // Mapping.
    /// `munmap()` unmaps with `mmap_lock` held for reading (commit dd2283f2605e, 4.20; the spec
    /// is silent on it).
    munmap_downgrades: bool =
        [F, F, F, F, F, T, T, T, T, T, T, T];

    /// Tracepoint `exit_mmap`, of the maple trees' time (kernel-spec 7.1).
    traces_exit_mmap: bool =
        [F, F, F, F, F, F, F, F, F, T, T, T];

    /// Tracepoint `sched_process_exit` stands before `exit_mm()`, and says whether the process is dead with this
    /// thread (commit 3e816361e94a, "sched/tracepoints: Move and extend the sched_process_exit() tracepoint", 6.16).
    traces_exit_first: bool =
        [F, F, F, F, F, F, F, F, F, F, F, T];

    // Lock debugging (kernel-spec 6).
    /// Allocations and reclaim take the map `fs_reclaim`.
    fs_reclaim_map: bool =
        [older(F), older(F), T, T, T, T, T, T, T, T, T, T];
    /// Who reclaims holds it: up to 4.17 it was taken with PF_MEMALLOC set, for which it is not (commit
    /// 93781325da6e, "lockdep: fix fs_reclaim annotation", 4.18).
    reclaim_takes_fs_reclaim: bool =
        [F, F, F, F, T, T, T, T, T, T, T, T];
    /// Notifier calls take the map `mmu_notifier_invalidate_range_start`, and calls that
    /// must not sleep are marked (`non_block_start()`).
    notifier_map: bool =
        [F, F, F, F, F, F, T, T, T, T, T, T];
    /// Registering a notifier nests the one map in the other, once (5.4 to 5.10).
    register_primes_notifier_map: bool =
        [F, F, F, F, F, F, T, T, F, F, F, F];
    /// Whatever may reclaim touches the notifiers' map (since 5.11).
    reclaim_touches_notifier_map: bool =
        [F, F, F, F, F, F, F, F, T, T, T, T];
    /// Waiting for a fence begins with `might_sleep()` (5.9, with the other annotations of fences; lines
    /// of `dma_fence_wait_timeout()` in kernels as distributed, 5.8 and 5.11).
    fence_wait_might_sleep: bool =
        [older(F), older(F), older(F), older(F), older(F), older(F), older(F), older(F), older(T), T, T, T];
    /// `flush_workqueue()` takes the workqueue's map, as its works do. 4.14 had left that to
    /// crossrelease, which never came to be used; it is back in a report of 4.19 (87915adc3f0a).
    flush_takes_workqueue_map: bool =
        [older(T), older(T), F, older(F), T, older(T), older(T), older(T), older(T), T, T, older(T)];
    /// lockdep knows of SRCU: `srcu_read_lock()` is a recursive reader and `synchronize_srcu()` an
    /// empty writer (6.4: "rcu: Annotate SRCU's update-side lockdep dependencies").
    srcu_lock_map: bool =
        [F, F, F, F, F, F, F, F, F, F, T, T];

    /// Names of the classes of workqueues (fd1a5b04dfb8, "workqueue: Remove now redundant lock acquisitions wrt.
    /// workqueue flushes", 4.15; 669de8bda87b, "kernel/workqueue: Use dynamic lockdep keys for workqueues", 5.1).
    workqueue_classes: WorkqueueClasses =
        [older(Source), older(Source), older(Source), older(PrefixedWorks), older(PrefixedWorks), older(Named), older(Named), older(Named), older(Named), older(Named), older(Named), older(Named)];
    /// Readers of an rwlock count as recursive ones, whose orders are not kept (up to 5.9: "lockdep: Add
    /// recursive read locks into dependency graph" and `read_lock_is_recursive()`, both 5.10).
    rwlock_readers_recurse: bool =
        [older(T), older(T), older(T), older(T), older(T), older(T), older(T), older(T), older(F), older(F), older(F), older(F)];

    // MMU notifiers (kernel-spec 4).
    /// Registration API of a driver that does not say.
    interval_api: bool =
        [F, F, F, F, F, F, F, T, T, T, T, T];
    /// A refusal of a list notifier is logged.
    logs_refusals: bool =
        [F, F, F, F, T, T, T, T, T, T, T, T];
    /// A refusal of a call that may sleep is warned of (`WARN_ON`).
    warns_of_refusals: bool =
        [F, F, F, F, F, F, T, T, T, T, T, T];
    /// When a start refuses, those that had succeeded get their end.
    ends_paired: bool =
        [F, F, F, F, F, F, F, F, T, T, T, T];
    /// KVM counts every invalidation as in progress; later only those that hit a memory slot (5.13).
    kvm_counts_all: bool =
        [older(T), older(T), older(T), older(T), older(T), older(T), T, older(T), older(T), F, F, F];
    /// KVM's `mmu_lock` is an rwlock, else a spinlock (on x86: commit 531810caa9f4, "KVM: x86/mmu: Use an rwlock for
    /// the x86 MMU", 5.12).
    kvm_has_rwlock: bool =
        [older(F), older(F), older(F), older(F), older(F), older(F), older(F), older(F), older(T), older(T), older(T), older(T)];
    /// A refusal by a list notifier leaves the interval step without its end
    /// (mm/mmu_notifier.c, read in 5.6 to 7.1; recorded on 6.1.192 and 6.12.117).
    interval_leak: bool =
        [F, F, F, F, F, F, F, T, T, T, T, T];
}

/// All profiles, oldest first.
pub static PROFILES: [Switches; COLUMNS] = {
    [
        column(0),
        column(1),
        column(2),
        column(3),
        column(4),
        column(5),
        column(6),
        column(7),
        column(8),
        column(9),
        column(10),
        column(11),
    ]
};

/// The profile with this id.
pub fn find(id: &str) -> Option<&'static Switches> {
    PROFILES.iter().find(|profile| profile.id == id)
}

impl Switches {
    /// What this kernel says, for those who read its records.
    pub fn wording(&self) -> Wording {
        Wording {
            release: self.tree,
            traces_reaper: self.traces_reaper,
            mark_victim_sizes: self.mark_victim_sizes,
            traces_reclaim_retry: self.traces_reclaim_retry,
            traces_throttling: self.traces_throttling,
            killed_line: self.killed_line,
            logs_constraint: self.logs_constraint,
            logs_no_killable: !self.panics_in_old_words,
            logs_exiting_victim: self.logs_exiting_victim,
            logs_failures_rarely: self.logs_failures_rarely,
            skipped_compaction_is_progress: self.skipped_compaction_is_progress,
            drops_signals_of_dying: self.drops_signals_of_dying,
            sysrq_in_old_words: self.sysrq_in_old_words,
            sysrq_blames_killer: self.sysrq_blames_killer,
            logs_refusals: self.logs_refusals,
            warns_of_refusals: self.warns_of_refusals,
            watches_notifiers: self.notifier_map,
            dumps_unreaped: self.dumps_unreaped,
            traces_exit_mmap: self.traces_exit_mmap,
            traces_exit_first: self.traces_exit_first,
            gfp_numbers: self.gfp_numbers,
            anon_is_compound: self.anon_is_compound,
            task_table: self.task_table,
            debug_layout: self.debug_layout,
        }
    }
}
