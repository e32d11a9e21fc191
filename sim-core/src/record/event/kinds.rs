//! The small enums that events carry: how something ended, for what
//! reason, on whose behalf.

/// How a call of `out_of_memory()` ended.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum OomResult {
    /// A victim was chosen and killed.
    Killed,
    /// A victim is still pending, nobody was killed.
    Aborted,
    /// The request lacks `__GFP_FS`: reported as progress, nobody killed.
    NoFs,
    /// The caller is dying already and was marked instead.
    SelfDying,
    /// No eligible task.
    NoVictim,
    /// The chosen process was gone before it could be killed.
    Gone,
    /// `vm.panic_on_oom`.
    PanicOnOom,
    /// The OOM killer is disabled, because the machine is being suspended.
    Disabled,
    /// Somebody on the OOM notifier chain gave memory back.
    NotifierFreed,
}

/// What a panic says (mm/oom_kill.c).
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum PanicText {
    /// `System is deadlocked on memory`.
    Deadlocked,
    /// `Out of memory and no killable processes...` (up to 4.17).
    NoKillable,
    /// `Out of memory: system-wide panic_on_oom is enabled`.
    SystemWide,
    /// `Out of memory: compulsory panic_on_oom is enabled`.
    Compulsory,
}

impl PanicText {
    /// The text that `panic()` gets.
    pub fn text(self) -> &'static str {
        match self {
            Self::Deadlocked => "System is deadlocked on memory",
            Self::NoKillable => "Out of memory and no killable processes...",
            Self::SystemWide => "Out of memory: system-wide panic_on_oom is enabled",
            Self::Compulsory => "Out of memory: compulsory panic_on_oom is enabled",
        }
    }
}

/// Who set `MMF_OOM_SKIP`.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum SkipBy {
    /// The reaper, after it had reaped everything it may.
    Reaper,
    /// The reaper, after its last attempt failed.
    GiveUp,
    /// `exit_mmap()` of the victim itself.
    Exit,
    /// The killer: pid 1 uses the mm too, so it can't be reaped.
    SharedWithInit,
}

/// On whose behalf a process is killed.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum OomScope {
    /// The whole machine is out of memory.
    Global,
    /// A memory cgroup is at its limit.
    Memcg,
    /// Somebody pressed sysrq-f.
    Sysrq,
    /// It is a member of a victim's `memory.oom.group`.
    Group,
    /// The whole machine is, and who asks is killed (`vm.oom_kill_allocating_task`).
    AllocatingTask,
}

/// Why `reclaim_throttle()` sleeps (`enum vmscan_throttle_state`).
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum ThrottleReason {
    /// Too much is under write-back.
    Writeback,
    /// Too much is isolated.
    Isolated,
    /// Nothing was reclaimed.
    NoProgress,
    /// The node is congested.
    Congested,
}

/// `enum compact_result`, the part that is modelled.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum CompactResult {
    /// Too few free pages to try.
    Skipped,
    /// It failed lately.
    Deferred,
    /// The whole zone was scanned in vain.
    Complete,
    /// A block of the order is free now.
    Success,
}

/// What the scenario injects.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Injected {
    /// SIGKILL to a process.
    Kill,
    /// Sysrq-f: the OOM killer by hand.
    SysrqF,
    /// A new memory limit of a cgroup.
    Limit,
    /// Another notifier policy.
    Policy,
    /// Another `oom_score_adj`.
    OomScoreAdj,
    /// The machine is suspended.
    Suspend,
    /// A process is frozen.
    Freeze,
    /// It is thawed.
    Thaw,
    /// What it does or waits for ends now.
    End,
    /// What it does or waits for ends later.
    Delay,
}

/// A step of the read side of an interval notifier.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum ItreeRead {
    /// `mmu_interval_read_begin()` returned at once.
    Begin,
    /// It returned after it had waited for an invalidation.
    Waited,
    /// `mmu_interval_read_retry()` said: again.
    Retry,
    /// It said: program the device.
    Valid,
}

/// `enum mmu_notifier_event`, the part that is modelled.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum MnEvent {
    /// `MMU_NOTIFY_UNMAP`.
    Unmap,
    /// `MMU_NOTIFY_CLEAR`.
    Clear,
    /// `MMU_NOTIFY_RELEASE`.
    Release,
    /// `MMU_NOTIFY_PROTECTION_PAGE`: pages become read-only, at fork.
    ProtectionPage,
}

/// A step of the interval-notifier machinery (`sim:mn_itree`).
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum ItreeOp {
    /// An invalidation begins.
    Start,
    /// An invalidation ends.
    End,
    /// A subscription entered the tree.
    Insert,
    /// A subscription waits for the end of running invalidations to enter.
    DeferInsert,
    /// A subscription left the tree.
    Remove,
    /// A subscription waits for the end of running invalidations to leave.
    DeferRemove,
}
