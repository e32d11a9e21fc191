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
    }
}

/// GFP flags of a request, the part that the model tells apart
/// (include/linux/gfp_types.h, Linux 6.1; the bits are ours).
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub struct Gfp(pub u16);

impl Gfp {
    /// `__GFP_IO`.
    pub const IO: Self = Self(1);
    /// `__GFP_FS`.
    pub const FS: Self = Self(1 << 1);
    /// `__GFP_DIRECT_RECLAIM`.
    pub const DIRECT_RECLAIM: Self = Self(1 << 2);
    /// `__GFP_KSWAPD_RECLAIM`.
    pub const KSWAPD_RECLAIM: Self = Self(1 << 3);
    /// `__GFP_HIGHMEM | __GFP_MOVABLE | __GFP_ZERO | __GFP_HARDWALL …`: a page for user space.
    pub const USER: Self = Self(1 << 4);
    /// `GFP_KERNEL`.
    pub const KERNEL: Self =
        Self(Self::IO.0 | Self::FS.0 | Self::DIRECT_RECLAIM.0 | Self::KSWAPD_RECLAIM.0);
    /// `GFP_HIGHUSER_MOVABLE | __GFP_ZERO`, as an anonymous page fault asks.
    pub const HIGHUSER_MOVABLE: Self = Self(Self::KERNEL.0 | Self::USER.0);

    /// Whether all bits of `other` are set.
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// As the kernel's `%pGg` prints it for the requests modelled.
    pub fn text(self) -> &'static str {
        if self.has(Self::USER) {
            "GFP_HIGHUSER_MOVABLE|__GFP_COMP|__GFP_ZERO"
        } else if self.has(Self::KERNEL) {
            "GFP_KERNEL"
        } else {
            "GFP_NOWAIT"
        }
    }
}
