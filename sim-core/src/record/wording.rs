//! How a kernel version words what it says: the tracepoints it has, and
//! the formats of its log lines (kernel-spec 1.8, 2.5, 3.6).
//!
//! Part of a run's cast, so that readers of a record need not know what
//! a version is. What a kernel does, rather than says, is not here.

/// Format of the line about a kill (kernel-spec 2.5 step 5).
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum KilledLine {
    /// `Killed process … total-vm:…`, no more.
    Plain,
    /// The same with what killed it before it (5.3).
    Prefixed,
    /// With prefix, UID and page tables, those in bytes but called kB.
    PgtablesInBytes,
    /// With prefix, UID and page tables in kB.
    PgtablesInKb,
}

/// How `gfp_mask=` numbers and names the flags (include/linux/gfp.h).
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum GfpNumbers {
    /// Up to 4.13: `GFP_KERNEL` is 0x24000c0.
    Old,
    /// 4.14 to 4.17: 0x14000c0.
    Middle,
    /// 4.18 to 5.0: 0x6000c0.
    Packed,
    /// 5.1 to 6.2: 0xcc0.
    Ordered,
    /// Since 6.3: the same without `__GFP_ATOMIC`.
    WithoutAtomic,
}

/// Columns of the table of tasks that the OOM killer prints (mm/oom_kill.c, `dump_task()`).
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Debug)]
pub enum TaskTable {
    /// Up to 4.14: page tables are counted, by level.
    Counts,
    /// Since 4.16 they have a size.
    Bytes,
    /// Since 4.19 there is a heading, and room for larger pids.
    Padded,
    /// Since 6.8 what is present is told by kind, too.
    ByKind,
}

/// How lock debugging and the dumps of tasks are laid out (kernel/locking/lockdep.c,
/// kernel/sched/core.c, lib/dump_stack.c). That of 6.1 is recorded; lock names and headers of 4.17,
/// 5.4, 5.6, 5.9, 5.12, 6.5, 6.12 and later stand in public reports; what else differs is from memory.
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Debug)]
pub enum DebugLayout {
    /// Up to 5.7: locks have no wait types, and `mmap_lock` is `mmap_sem`.
    NoWaitTypes,
    /// 5.8 to 5.15.
    WaitTypes,
    /// 5.16 to 6.9: `preempt_count:` stands under the splat, `<TASK>` around a stack.
    Marked,
    /// 6.10 to 6.12 name the user too, and the thread group.
    WithIds,
    /// Later ones tell sleeping locks from spinlocks by one more wait type (6.13) and show a task's flags (6.14).
    RawNesting,
}

impl DebugLayout {
    /// Class of the lock of an address space.
    pub fn mmap_lock(self) -> &'static str {
        if self == Self::NoWaitTypes { "&mm->mmap_sem" } else { "&mm->mmap_lock" }
    }
}

/// What one kernel version says, and how.
#[derive(Copy, Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a line that a kernel has or has not")]
pub struct Wording {
    /// The kernel's release, as `uname -r` prints it.
    pub release: &'static str,
    /// Tracepoint `mark_victim` and those of the reaper.
    pub traces_reaper: bool,
    /// `mark_victim` prints sizes besides the pid.
    pub mark_victim_sizes: bool,
    /// Tracepoints `reclaim_retry_zone` and `compact_retry`.
    pub traces_reclaim_retry: bool,
    /// Tracepoint `mm_vmscan_throttled`.
    pub traces_throttling: bool,
    /// Format of the line about a kill.
    pub killed_line: KilledLine,
    /// The line `oom-kill:constraint=…` stands before it.
    pub logs_constraint: bool,
    /// That there is nobody to kill is logged before the panic, and for cgroups too.
    pub logs_no_killable: bool,
    /// That the process chosen was gone by then is logged.
    pub logs_exiting_victim: bool,
    /// That a request for pages failed is logged once in 10 s; else ten times in 5 s.
    pub logs_failures_rarely: bool,
    /// `compact_retry` calls skipped compaction progress.
    pub skipped_compaction_is_progress: bool,
    /// A second SIGKILL is traced as ignored; else as pending already.
    pub drops_signals_of_dying: bool,
    /// Sysrq-f's line begins "SysRq : " (up to 4.20).
    pub sysrq_in_old_words: bool,
    /// Sysrq-f that found nobody says that the killer is disabled (up to 4.11).
    pub sysrq_blames_killer: bool,
    /// A refusal of a list notifier is logged.
    pub logs_refusals: bool,
    /// A refusal of a call that may sleep is warned of.
    pub warns_of_refusals: bool,
    /// Notifier calls are known to lockdep, and those that must not sleep are marked (5.4).
    pub watches_notifiers: bool,
    /// After "unable to reap" the task's state is dumped.
    pub dumps_unreaped: bool,
    /// Tracepoint `exit_mmap` (kernels with maple trees).
    pub traces_exit_mmap: bool,
    /// `sched_process_exit` comes before the memory goes, and says `group_dead`.
    pub traces_exit_first: bool,
    /// How masks are numbered.
    pub gfp_numbers: GfpNumbers,
    /// Anonymous pages are asked for with `__GFP_COMP`.
    pub anon_is_compound: bool,
    /// Columns of the table of tasks.
    pub task_table: TaskTable,
    /// Layout of lock debugging and of dumps of tasks.
    pub debug_layout: DebugLayout,
}

impl Default for Wording {
    /// That of Linux 6.1.
    fn default() -> Self {
        Self {
            release: "6.1.192",
            traces_reaper: true,
            mark_victim_sizes: true,
            traces_reclaim_retry: true,
            traces_throttling: true,
            killed_line: KilledLine::PgtablesInKb,
            logs_constraint: true,
            logs_no_killable: true,
            logs_exiting_victim: true,
            logs_failures_rarely: true,
            skipped_compaction_is_progress: true,
            drops_signals_of_dying: true,
            sysrq_in_old_words: false,
            sysrq_blames_killer: false,
            logs_refusals: true,
            warns_of_refusals: true,
            watches_notifiers: true,
            dumps_unreaped: true,
            traces_exit_mmap: true,
            traces_exit_first: false,
            gfp_numbers: GfpNumbers::Ordered,
            anon_is_compound: true,
            task_table: TaskTable::Padded,
            debug_layout: DebugLayout::Marked,
        }
    }
}
