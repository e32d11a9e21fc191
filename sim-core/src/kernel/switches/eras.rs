//! Switches that have more than two positions.

/// How `exit_mmap()` and the reaper keep out of each other's way (kernel-spec 3.7).
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum ExitEra {
    /// The reaper holds `mm_users`; its last put is left to a workqueue.
    ReaperPins,
    /// Unmap, set SKIP, then cycle `mmap_lock` for writing.
    Drain,
    /// A victim reaps itself first, under `oom_lock`; then as `Drain`.
    SelfReapUnderOomLock,
    /// A victim reaps itself first; then as `Drain`.
    SelfReap,
    /// Unmap under `mmap_lock` for reading, beside the reaper.
    Concurrent,
}

/// What a victim may take from the reserves (kernel-spec 1.2).
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum VictimReserves {
    /// The marked thread alone, and everything.
    Memdie,
    /// Every thread, down to half of `min`.
    AllocOom,
}

/// What lockdep calls workqueues and their works (include/linux/workqueue.h).
#[derive(Copy, Clone, Eq, PartialEq, Debug, Default)]
pub enum WorkqueueClasses {
    /// As the source spells them, the workqueue in the quotes of its string.
    Source,
    /// The same behind what they stand for.
    Prefixed,
    /// The workqueue by its own name, which no longer is one class per place in the source.
    #[default]
    Named,
}
