//! The small vocabularies that records carry as numbers: why a process
//! waits, which kernel function it is in, and GFP flags.

/// Declares an enum over `u8` with a fixed text per variant.
macro_rules! vocabulary {
    ($(#[$doc:meta])* $name:ident { $( $(#[$vdoc:meta])* $variant:ident = $text:literal ),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Debug)]
        #[repr(u8)]
        pub enum $name { $( $(#[$vdoc])* #[doc = $text] $variant ),* }

        impl $name {
            /// All of them, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$( Self::$variant ),*];

            /// The one with this number, as records carry it.
            pub fn from_number(number: u8) -> Option<Self> {
                Self::ALL.get(usize::from(number)).copied()
            }

            /// Its text.
            pub fn text(self) -> &'static str {
                match self { $( Self::$variant => $text ),* }
            }
        }
    };
}

vocabulary! {
    /// Why a process waits. The text completes "waits: …".
    Reason {
        Start = "its start condition",
        Pause = "a pause in its program",
        Pace = "its own rate limit",
        Forever = "nothing, it idles",
        ReaperIdle = "a victim to reap",
        BackOff = "the back-off before the next attempt",
        ReaperDelay = "the delay between the kill and the reaper's wake-up",
        OomLockJiffy = "one jiffy, because somebody else holds oom_lock",
        MmapLock = "mmap_lock",
        DriverLock = "the driver's lock",
        Fence = "a fence of the device",
        CallbackSleep = "its callback's own sleep",
        Stuck = "an uninterruptible wait inside a driver",
        NotifierEnd = "all running invalidations of the mm to end",
        Srcu = "callers still inside a notifier (SRCU)",
        DeviceIdle = "a job to run",
        Reply = "the process to be ready",
        Reclaim = "page reclaim",
        ReclaimThrottle = "reclaim to get somewhere (a timed pause)",
        PfMemalloc = "kswapd to free some of the reserves",
        KswapdIdle = "memory to run low",
        KswapdNap = "a last look before it sleeps",
        Writeback = "pages to be written to disk",
        SwapIn = "a page to come back from swap",
        DiskRead = "a page to be read from disk",
        DiskIdle = "something to read or write",
        OomLock = "oom_lock",
        NamedLock = "a lock of the scenario",
        NamedEvent = "an event of the scenario",
        Sleep = "a sleep in the kernel",
        Sigkill = "SIGKILL",
        JobTimeout = "a job's time-out",
        HandOffWork = "ranges handed over by the reaper",
        SkipSleep = "its sleep because of a notifier",
        CallbackWork = "the hardware to do what the callback asked",
        WorkRequest = "a work request of the device",
        IntervalRead = "an invalidation of its range to end (read_begin)",
        Compaction = "memory compaction",
        Injection = "its time",
        Yield = "its turn after a yield",
        Vfork = "its child to exec or exit",
        AfterKill = "a jiffy for the process it killed to exit",
        MemcgOom = "somebody to handle the OOM of its cgroup",
        MemcgHigh = "a pause because its cgroup is over memory.high",
        FenceWorker = "its worker to signal the fence",
        DeviceFault = "invalidations to end, so that a fault of the device can be served",
        FlushWork = "its worker to finish what the callback gave it",
        Futex = "a robust futex",
        RangeActive = "all ranges in progress to end, before a fault of the device is served",
        MmapLockKillable = "mmap_lock, unless it is killed",
        CoreDump = "a core dump of its process to be written",
        CoreDumpStart = "the other threads of its process to stop for the core dump",
        OomLockKillable = "oom_lock, unless it is killed",
        PageRequest = "a page fault of its own to be served",
        Frozen = "to be thawed",
        AnonVma = "reclaim to let go of its pages (anon_vma lock)",
        BalanceDirtyPages = "a pause because too much page cache is dirty",
        PsiTrigger = "memory pressure to pass its threshold",
        PsiPoll = "memory pressure to be looked at again",
        SwapInKillable = "a page to come back from swap, unless it is killed",
    }
}

impl Reason {
    /// Whether the kernel counts the wait as one for I/O (`io_schedule()`).
    pub fn is_io_wait(self) -> bool {
        matches!(
            self,
            Self::DiskRead
                | Self::SwapIn
                | Self::SwapInKillable
                | Self::Writeback
                | Self::BalanceDirtyPages
        )
    }
}

vocabulary! {
    /// Kernel functions (and steps of programs) that appear in modelled call stacks.
    Func {
        UserMode = "user mode",
        ExcPageFault = "exc_page_fault",
        HandleMmFault = "handle_mm_fault",
        AllocPages = "__alloc_pages",
        AllocPagesSlowpath = "__alloc_pages_slowpath",
        TryToFreePages = "try_to_free_pages",
        AllocPagesMayOom = "__alloc_pages_may_oom",
        OutOfMemory = "out_of_memory",
        OomKillProcess = "oom_kill_process",
        DoExit = "do_exit",
        ExitMm = "exit_mm",
        Mmput = "__mmput",
        ExitMmap = "exit_mmap",
        UnmapVmas = "unmap_vmas",
        MmuNotifierRelease = "__mmu_notifier_release",
        MnStart = "__mmu_notifier_invalidate_range_start",
        MnItreeInvalidate = "mn_itree_invalidate",
        MnHlistStart = "mn_hlist_invalidate_range_start",
        DriverCallback = "driver callback",
        OomReaper = "oom_reaper",
        OomReapTask = "oom_reap_task",
        OomReapTaskMm = "oom_reap_task_mm",
        OomReapMm = "__oom_reap_task_mm",
        ScheduleTimeout = "schedule_timeout",
        DmaFenceWait = "dma_fence_wait",
        IntervalInsert = "mmu_interval_notifier_insert",
        IntervalRemove = "mmu_interval_notifier_remove",
        Msleep = "msleep",
        DeviceIoctl = "device ioctl",
        GetSignal = "get_signal",
        DoMunmap = "do_munmap",
        HlistRegister = "mmu_notifier_register",
        HlistUnregister = "mmu_notifier_unregister",
        WakeOomReaper = "wake_oom_reaper",
        Kswapd = "kswapd",
        BalancePgdat = "balance_pgdat",
        KswapdTryToSleep = "kswapd_try_to_sleep",
        ShrinkNode = "shrink_node",
        ThrottleDirectReclaim = "throttle_direct_reclaim",
        ReclaimThrottle = "reclaim_throttle",
        CongestionWait = "congestion_wait",
        TryToUnmap = "try_to_unmap",
        Pageout = "pageout",
        DirectCompact = "__alloc_pages_direct_compact",
        TryToCompactPages = "try_to_compact_pages",
        DoSwapPage = "do_swap_page",
        FilemapFault = "filemap_fault",
        DoWpPage = "do_wp_page",
        TryCharge = "try_charge_memcg",
        TryToFreeMemCgroupPages = "try_to_free_mem_cgroup_pages",
        MemCgroupOom = "mem_cgroup_out_of_memory",
        MemCgroupOomSynchronize = "mem_cgroup_oom_synchronize",
        PagefaultOutOfMemory = "pagefault_out_of_memory",
        SysrqOomKill = "moom_callback",
        ProcessMrelease = "process_mrelease",
        DoFork = "kernel_clone",
        DupMmap = "dup_mmap",
        DoMlock = "do_mlock",
        MadviseDontneed = "madvise_dontneed_free",
        MnEnd = "__mmu_notifier_invalidate_range_end",
        IntervalReadBegin = "mmu_interval_read_begin",
        SignalWorker = "signalling worker",
        HandOffWorker = "hand-off worker",
        MutexLock = "mutex_lock",
        DownRead = "down_read",
        DownWrite = "down_write",
        WaitForCompletion = "wait_for_completion",
        BlkIo = "submit_bio",
        Unregister = "notifier unregister",
        MemcgHigh = "mem_cgroup_handle_over_high",
        SynchronizeSrcu = "synchronize_srcu",
        MmputAsync = "mmput_async_fn",
        FlushWorkqueue = "flush_workqueue",
        DoShrinkSlab = "do_shrink_slab",
        FutexWait = "futex_wait",
        ExitRobustList = "exit_robust_list",
        FaultRetry = "device fault, retried",
        DoCoredump = "do_coredump",
        CoredumpTaskExit = "coredump_task_exit",
        PageFaultWorker = "device fault worker",
        Refrigerator = "__refrigerator",
        UnlinkAnonVmas = "unlink_anon_vmas",
        WbWorkfn = "wb_workfn",
        BalanceDirtyPages = "balance_dirty_pages",
        PsiTriggerPoll = "psi_trigger_poll",
        PsiPollWorker = "psi_poll_worker",
        TaskWorkRun = "task_work_run",
        Fput = "__fput",
        DoSemtimedop = "do_semtimedop",
        Kmalloc = "kmalloc",
        DoMmap = "do_mmap",
        UnmapRegion = "unmap_region",
    }
}

/// What `%pGg` calls flags: compound names first.
pub const GFP_NAMES: [(Gfp, &str); 26] = [
    (Gfp::TRANSHUGE, "GFP_TRANSHUGE"),
    (Gfp::TRANSHUGE_LIGHT, "GFP_TRANSHUGE_LIGHT"),
    (Gfp::HIGHUSER_MOVABLE, "GFP_HIGHUSER_MOVABLE"),
    (Gfp::KERNEL.with(Gfp::ACCOUNT), "GFP_KERNEL_ACCOUNT"),
    (Gfp::KERNEL, "GFP_KERNEL"),
    (Gfp::NOFS, "GFP_NOFS"),
    (Gfp::ATOMIC, "GFP_ATOMIC"),
    (Gfp::NOIO, "GFP_NOIO"),
    (Gfp::NOWAIT, "GFP_NOWAIT"),
    (Gfp::HIGH, "__GFP_HIGH"),
    (Gfp::HARDER, "__GFP_ATOMIC"),
    (Gfp::IO, "__GFP_IO"),
    (Gfp::FS, "__GFP_FS"),
    (Gfp::NOWARN, "__GFP_NOWARN"),
    (Gfp::RETRY_MAYFAIL, "__GFP_RETRY_MAYFAIL"),
    (Gfp::NOFAIL, "__GFP_NOFAIL"),
    (Gfp::NORETRY, "__GFP_NORETRY"),
    (Gfp::MEMALLOC, "__GFP_MEMALLOC"),
    (Gfp::NOMEMALLOC, "__GFP_NOMEMALLOC"),
    (Gfp::THISNODE, "__GFP_THISNODE"),
    (Gfp::ZERO, "__GFP_ZERO"),
    (Gfp::ACCOUNT, "__GFP_ACCOUNT"),
    (Gfp::DIRECT_RECLAIM, "__GFP_DIRECT_RECLAIM"),
    (Gfp::KSWAPD_RECLAIM, "__GFP_KSWAPD_RECLAIM"),
    (Gfp::DMA, "__GFP_DMA"),
    (Gfp::DMA32, "__GFP_DMA32"),
];

/// Other words for flags in what a scenario says (include/linux/gfp_types.h, Linux 6.1). Those of no
/// flags at all decide nothing here: where a page may lie.
pub const GFP_ALIASES: [(Gfp, &str); 11] = [
    (Gfp::KERNEL, "GFP_USER"),
    (Gfp::KERNEL, "GFP_HIGHUSER"),
    (Gfp::DMA, "GFP_DMA"),
    (Gfp::DMA32, "GFP_DMA32"),
    (Gfp::NOIO, "__GFP_RECLAIM"),
    (Gfp(0), "__GFP_COMP"),
    (Gfp(0), "__GFP_HIGHMEM"),
    (Gfp(0), "__GFP_MOVABLE"),
    (Gfp(0), "__GFP_RECLAIMABLE"),
    (Gfp(0), "__GFP_HARDWALL"),
    (Gfp(0), "__GFP_WRITE"),
];

/// GFP flags of a request, the part that the model tells apart
/// (include/linux/gfp_types.h, Linux 6.1; the bits are ours).
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub struct Gfp(pub u32);

impl Gfp {
    /// `__GFP_IO`.
    pub const IO: Self = Self(1);
    /// `__GFP_FS`.
    pub const FS: Self = Self(1 << 1);
    /// `__GFP_DIRECT_RECLAIM`.
    pub const DIRECT_RECLAIM: Self = Self(1 << 2);
    /// `__GFP_KSWAPD_RECLAIM`.
    pub const KSWAPD_RECLAIM: Self = Self(1 << 3);
    /// `__GFP_HIGHMEM | __GFP_MOVABLE | __GFP_HARDWALL …`: a page for user space.
    pub const USER: Self = Self(1 << 4);
    /// `__GFP_HIGH`.
    pub const HIGH: Self = Self(1 << 5);
    /// `__GFP_ATOMIC` (≤ 6.2): `ALLOC_HARDER`.
    pub const HARDER: Self = Self(1 << 6);
    /// `__GFP_NORETRY`.
    pub const NORETRY: Self = Self(1 << 7);
    /// `__GFP_RETRY_MAYFAIL`.
    pub const RETRY_MAYFAIL: Self = Self(1 << 8);
    /// `__GFP_NOFAIL`.
    pub const NOFAIL: Self = Self(1 << 9);
    /// `__GFP_THISNODE`.
    pub const THISNODE: Self = Self(1 << 10);
    /// `__GFP_NOMEMALLOC`.
    pub const NOMEMALLOC: Self = Self(1 << 11);
    /// `__GFP_NOWARN`.
    pub const NOWARN: Self = Self(1 << 12);
    /// `__GFP_ACCOUNT`.
    pub const ACCOUNT: Self = Self(1 << 13);
    /// `__GFP_MEMALLOC`.
    pub const MEMALLOC: Self = Self(1 << 14);
    /// `__GFP_DMA`: from zone DMA alone.
    pub const DMA: Self = Self(1 << 15);
    /// `__GFP_DMA32`: from zone DMA32 or below.
    pub const DMA32: Self = Self(1 << 16);
    /// `__GFP_ZERO`.
    pub const ZERO: Self = Self(1 << 17);
    /// `GFP_NOWAIT`.
    pub const NOWAIT: Self = Self::KSWAPD_RECLAIM;
    /// `GFP_ATOMIC`.
    pub const ATOMIC: Self = Self(Self::HIGH.0 | Self::HARDER.0 | Self::KSWAPD_RECLAIM.0);
    /// `GFP_NOIO`.
    pub const NOIO: Self = Self(Self::DIRECT_RECLAIM.0 | Self::KSWAPD_RECLAIM.0);
    /// `GFP_NOFS`.
    pub const NOFS: Self = Self(Self::NOIO.0 | Self::IO.0);
    /// `GFP_KERNEL`.
    pub const KERNEL: Self = Self(Self::NOFS.0 | Self::FS.0);
    /// `GFP_HIGHUSER_MOVABLE`: page cache, and copies.
    pub const HIGHUSER_MOVABLE: Self = Self(Self::KERNEL.0 | Self::USER.0);
    /// As `vma_alloc_zeroed_movable_folio()` asks for a new anonymous page.
    pub const ZEROED_MOVABLE: Self = Self::HIGHUSER_MOVABLE.with(Self::ZERO);
    /// `GFP_PGTABLE_USER`: for a page table.
    pub const PGTABLE_USER: Self = Self::KERNEL.with(Self::ACCOUNT).with(Self::ZERO);

    /// `GFP_TRANSHUGE_LIGHT`: does without reclaim, and without the reserves.
    pub const TRANSHUGE_LIGHT: Self =
        Self(Self::USER.0 | Self::IO.0 | Self::FS.0 | Self::NOMEMALLOC.0 | Self::NOWARN.0);
    /// `GFP_TRANSHUGE`: reclaims itself and wakes nobody.
    pub const TRANSHUGE: Self = Self(Self::TRANSHUGE_LIGHT.0 | Self::DIRECT_RECLAIM.0);

    /// These flags and those of `other`.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// These flags without those of `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether all bits of `other` are set.
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// As the kernel's `%pGg` prints it for the requests modelled: the
    /// longest compound name that fits, then single flags.
    pub fn text(self) -> String {
        if self.without(Self::ZERO) == Self::HIGHUSER_MOVABLE {
            let zeroed = if self.has(Self::ZERO) { "|__GFP_ZERO" } else { "" };
            return format!("GFP_HIGHUSER_MOVABLE|__GFP_COMP{zeroed}");
        }
        let mut left = self;
        let mut text = String::new();
        for (flags, name) in GFP_NAMES {
            if left.0 != 0 && left.has(flags) {
                left = left.without(flags);
                if !text.is_empty() {
                    text.push('|');
                }
                text.push_str(name);
            }
        }
        text
    }
}
