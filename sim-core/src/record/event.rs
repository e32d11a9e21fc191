//! What can be recorded: one enum, packed into 12 bytes beside the
//! time and the task.
//!
//! Engine events and kernel events share the enum because readers want
//! them in one order. Text that a tracepoint prints is not here: the
//! exporters build it from these fields and the [`Cast`](super::Cast).
//! Fields that do not fit (addresses, victim reports) stand in side
//! tables and are named by an id.
//! How they pack is in [`field`], the small enums they carry in [`kinds`].

mod field;
mod kinds;

use field::Field;
pub use kinds::{
    CompactResult, Injected, ItreeOp, ItreeRead, MnEvent, OomResult, OomScope, PanicText, SkipBy,
    ThrottleReason,
};

use crate::base::{
    CgroupId, CpuId, DeviceId, FenceId, LockId, MmId, NotifierId, RangeId, ReportId, StackId,
    TaskId, ZoneId,
};
use crate::engine::{Hold, WaitOn, Waited};

macro_rules! events {
    ($( $(#[$doc:meta])* $n:literal $name:ident { $( $(#[$fdoc:meta])* $field:ident : $ty:ty ),* $(,)? } )*) => {
        /// One thing that happened, to or by the task of its record.
        #[derive(Copy, Clone, Eq, PartialEq, Debug)]
        pub enum Event {
            $( $(#[$doc])* $name { $( $(#[$fdoc])* $field: $ty ),* }, )*
        }

        impl Event {
            /// The numbers of all kinds, in order.
            #[cfg(test)]
            pub(crate) const KINDS: &'static [u8] = &[$( $n ),*];

            /// The kind's number and the packed fields (96 bits).
            pub(crate) fn pack(self) -> (u8, u128) {
                match self {
                    $( Self::$name { $($field),* } => {
                        const {
                            assert!(0 $( + <$ty as Field>::BITS )* <= 96, "an event packs into 96 bits");
                        }
                        #[allow(unused_mut, reason = "events without fields")]
                        let mut word = 0u128;
                        #[allow(unused_mut, unused_variables, unused_assignments, reason = "as above")]
                        let mut at = 0;
                        $( word |= $field.to_bits() << at;
                           #[allow(unused_assignments, reason = "the last field")]
                           { at += <$ty as Field>::BITS; } )*
                        ($n, word)
                    } )*
                }
            }

            /// The inverse of [`pack`](Self::pack).
            pub(crate) fn unpack(kind: u8, word: u128) -> Self {
                match kind {
                    $( $n => {
                        #[allow(unused_mut, unused_variables, reason = "events without fields")]
                        let mut rest = word;
                        $( let $field = <$ty as Field>::from_bits(rest & ((1 << <$ty as Field>::BITS) - 1));
                           #[allow(unused_assignments, reason = "the last field")]
                           { rest >>= <$ty as Field>::BITS; } )*
                        Self::$name { $($field),* }
                    } )*
                    other => unreachable!("invariant: no event has number {other}"),
                }
            }

            /// The event's name, in kebab-case-free Rust spelling; stable within a model version.
            pub fn name(self) -> &'static str {
                match self { $( Self::$name { .. } => stringify!($name), )* }
            }
        }
    };
}

events! {
    /// A process came to life.
    0 Spawned {}
    /// A process ended.
    1 Exited {}
    /// A process got a CPU.
    2 Ran { /// Which one.
        cpu: CpuId }
    /// A process lost its CPU while it still wanted to run.
    3 Preempted {}
    /// A process stopped to wait.
    4 Blocked {
        /// For what.
        on: WaitOn,
        /// Why, as a [`Reason`](super::Reason) number.
        why: u8,
        /// The modelled call stack.
        stack: StackId,
    }
    /// A wait ended; the process may run again.
    5 Woken {
        /// Who caused it; `None` for a timer.
        by: Option<TaskId>,
        /// How the wait ended.
        how: Waited,
    }
    /// A lock was taken.
    6 Acquired { /// Which.
        lock: LockId, /// Shared or exclusive.
        hold: Hold }
    /// A lock was let go.
    7 Released { /// Which.
        lock: LockId }
    /// A zone's free pages changed to `free`.
    10 ZoneFree { /// Which zone.
        zone: ZoneId, /// Pages on its free list.
        free: u32 }
    /// Page faults gave `pages` new pages to the range of a VMA.
    11 Fault { /// Whose.
        range: RangeId, /// How many.
        pages: u32 }
    /// PTEs of a VMA were cleared.
    12 Zap { /// Whose.
        range: RangeId, /// Pages unmapped.
        pages: u32, /// Of these, pages that reached the free list.
        freed: u32 }
    /// `mm_vmscan_direct_reclaim_begin`.
    13 DirectReclaimBegin { /// Allocation order.
        order: u8, /// [`Gfp`](super::Gfp) bits.
        gfp: u32 }
    /// `mm_vmscan_direct_reclaim_end`.
    14 DirectReclaimEnd { /// Pages reclaimed.
        reclaimed: u32 }
    /// `reclaim_retry_zone`.
    15 ReclaimRetryZone {
        /// Zone tested.
        zone: ZoneId,
        /// Pages thought reclaimable; `available` is this plus the free ones.
        reclaimable: u32,
        /// Fruitless rounds so far.
        loops: u8,
        /// Whether the request would pass with all that free.
        ok: bool,
    }
    /// The trylock of `oom_lock` failed (`sim:oom_trylock_fail`).
    16 OomTrylockFail { /// Who holds it.
        owner: Option<TaskId> }
    /// `out_of_memory()` returned.
    17 OutOfMemory { /// How it ended.
        result: OomResult, /// The victim killed or still pending.
        victim: Option<TaskId> }
    /// `oom_kill_process()` was entered: the report is being printed,
    /// unless there were too many of late.
    18 OomKillProcess { /// The chosen task: of most, the leader.
        victim: TaskId, /// [`Gfp`](super::Gfp) bits of the request.
        gfp: u32, /// Its order; 255 stands for sysrq-f's -1.
        order: u8, /// On whose behalf.
        scope: OomScope, /// Whether the rate limit lets the report through.
        report: bool }
    /// SIGKILL was sent to a thread group.
    19 SignalGenerate { /// Its leader.
        target: TaskId }
    /// A task saw its SIGKILL.
    20 SignalDeliver {}
    /// `mark_victim`.
    21 MarkVictim { /// The thread marked.
        victim: TaskId, /// Sizes at that moment.
        report: ReportId }
    /// The line `Killed process …`.
    22 KilledProcess { /// The thread that it names: the first one that has an mm.
        victim: TaskId, /// Sizes at that moment.
        report: ReportId }
    /// `wake_reaper`.
    23 WakeReaper { /// The victim queued.
        victim: TaskId }
    /// `start_task_reaping`.
    24 StartTaskReaping { /// The victim.
        victim: TaskId }
    /// `skip_task_reaping`.
    25 SkipTaskReaping { /// The victim.
        victim: TaskId }
    /// `finish_task_reaping`.
    26 FinishTaskReaping { /// The victim.
        victim: TaskId, /// Whether every VMA was reaped.
        ok: bool }
    /// The line `oom_reaper: reaped process …`.
    27 Reaped { /// The victim.
        victim: TaskId, /// Sizes at that moment.
        report: ReportId }
    /// The line `oom_reaper: unable to reap …`.
    28 UnableToReap { /// The victim.
        victim: TaskId }
    /// `MMF_OOM_SKIP` was set on an mm (`sim:oom_skip_set`).
    29 OomSkipSet { /// Whose.
        mm: MmId, /// By whom.
        by: SkipBy }
    /// A notifier was called (`sim:mn_call`).
    30 MnCall {
        /// Which.
        notifier: NotifierId,
        /// For which range.
        range: RangeId,
        /// Whether it may sleep.
        blockable: bool,
        /// Whether it may for so long only, and may refuse then (policy `deadline`); what any
        /// other call that may sleep answers is ignored.
        limited: bool,
        /// Why the range is invalidated.
        event: MnEvent,
    }
    /// A notifier returned (`sim:mn_return`).
    31 MnReturn { /// Which.
        notifier: NotifierId, /// For which range.
        range: RangeId, /// Whether it refused (-EAGAIN or false).
        refused: bool }
    /// The interval tree of an mm changed state (`sim:mn_itree`).
    32 MnItree { /// Whose.
        mm: MmId, /// What happened.
        op: ItreeOp, /// `active_invalidate_ranges` after it.
        active: u16, /// `invalidate_seq` after it.
        seq: u32, /// Of a range that starts: how many registered intervals overlap it, 255 standing for more too.
        overlapping: u8 }
    /// `exit_mmap()` was entered.
    33 ExitMmap { /// Of which mm.
        mm: MmId }
    /// `exit_mmap()` returned.
    34 ExitMmapDone { /// Of which mm.
        mm: MmId }
    /// `sched_process_exit`.
    35 ProcessExit { /// Whether all other threads of its process had begun to exit before.
        group_dead: bool }
    /// A job was queued on a device.
    36 JobSubmitted { /// Which device.
        device: DeviceId, /// The job's fence.
        fence: FenceId }
    /// A job finished.
    37 FenceSignaled { /// Its fence.
        fence: FenceId }
    /// The task began to stall on memory (PSI).
    38 MemstallEnter {}
    /// The task no longer stalls on memory (PSI).
    39 MemstallLeave {}
    /// The program said it is ready; others may wait for that.
    40 Ready {}
    /// A notifier was registered on an mm.
    41 NotifierRegistered { /// Which.
        notifier: NotifierId, /// Range it covers.
        range: RangeId }
    /// Refused pages stay allocated although unmapped: a device still holds them.
    42 StillPinned { /// Range.
        range: RangeId, /// Pages.
        pages: u32 }
    /// The kernel panicked.
    43 Panic { /// With which words.
        text: PanicText }
    /// An allocation failed and its caller got NULL.
    44 AllocFailed { /// Allocation order.
        order: u8, /// [`Gfp`](super::Gfp) bits.
        gfp: u32 }
    /// `mm_vmscan_wakeup_kswapd`: an allocator asks for it.
    45 WakeupKswapd { /// Allocation order.
        order: u8, /// [`Gfp`](super::Gfp) bits.
        gfp: u32 }
    /// `mm_vmscan_kswapd_wake`: kswapd begins to balance.
    46 KswapdWake { /// Allocation order.
        order: u8 }
    /// `mm_vmscan_kswapd_sleep`.
    47 KswapdSleep {}
    /// kswapd balanced once: pages reclaimed, and failures in a row so far (`sim:kswapd`).
    48 KswapdBalanced { /// Pages.
        reclaimed: u32, /// Failures in a row.
        failures: u8 }
    /// `mm_vmscan_throttled`: a pause of reclaim is over.
    49 Throttled { /// Asked for, in us.
        timeout_us: u32, /// Slept, in us: whole jiffies, and no more than asked for.
        delayed_us: u32, /// Why.
        reason: ThrottleReason }
    /// `compact_retry`.
    50 CompactRetry { /// Allocation order.
        order: u8, /// How thorough that one was (`enum compact_priority`: 0 most).
        priority: u8, /// Result of the last compaction.
        result: CompactResult, /// Further tries so far that did something.
        retries: u8, /// How many there may be.
        max_retries: u8, /// Whether there is another.
        retry: bool }
    /// `mm_compaction_begin`.
    51 CompactionBegin { /// Allocation order.
        order: u8, /// In which zone.
        zone: ZoneId }
    /// `mm_compaction_end`.
    52 CompactionEnd { /// Allocation order.
        order: u8, /// In which zone.
        zone: ZoneId, /// How it ended.
        result: CompactResult }
    /// Page cache of a zone changed: its clean pages, and its dirty ones with those under write-back (`sim:page_cache`).
    53 PageCache { /// Which zone.
        zone: ZoneId, /// Clean.
        clean: u32, /// Dirty or under write-back.
        dirty: u32 }
    /// Pages of a VMA went to swap (`sim:swap_out`).
    54 SwapOut { /// Whose.
        range: RangeId, /// How many.
        pages: u32 }
    /// Pages of a VMA came back from swap (`sim:swap_in`).
    55 SwapIn { /// Whose.
        range: RangeId, /// How many.
        pages: u32 }
    /// Kernel code took pages for itself, or gave them back (`sim:kernel_pages`).
    56 KernelPages { /// How many it holds now.
        held: u32, /// Allocation order of the last request.
        order: u8, /// [`Gfp`](super::Gfp) bits of the last request.
        gfp: u32 }
    /// The end operation of a list notifier was called (`sim:mn_end`).
    57 MnEnd { /// Which.
        notifier: NotifierId, /// For which range.
        range: RangeId }
    /// A start that had succeeded gets no end (`sim:mn_lost_end`).
    58 MnLostEnd { /// Whose.
        notifier: NotifierId, /// For which range.
        range: RangeId }
    /// A step of an interval notifier's read side (`sim:mn_read`).
    59 MnRead { /// Which.
        notifier: NotifierId, /// What.
        op: ItreeRead, /// `invalidate_seq` it read or compared with.
        seq: u32 }
    /// A notifier was unregistered.
    60 NotifierUnregistered { /// Which.
        notifier: NotifierId }
    /// A device used pages that had been freed (`sim:stale_device_access`).
    61 StaleAccess { /// Which device.
        device: DeviceId, /// The VMA it mirrored.
        range: RangeId, /// How many pages.
        pages: u32 }
    /// A device's references were dropped: pages go back (`sim:unpin`).
    62 Unpinned { /// Range.
        range: RangeId, /// Pages freed.
        pages: u32 }
    /// The reaper handed a refused range to the mm's worker (policy `hand-off`).
    63 HandedOff { /// Whose.
        mm: MmId, /// Which range.
        range: RangeId }
    /// A callback was cut off at its deadline (policy `deadline`).
    64 DeadlinePassed { /// Which.
        notifier: NotifierId, /// For which range.
        range: RangeId }
    /// The reaper or killer backs off from a whole mm because of a notifier (policies `skip-*`).
    65 BackedOff { /// Whose.
        mm: MmId, /// The notifier that might block.
        notifier: NotifierId }
    /// A charge to a cgroup hit its limit (`sim:memcg_oom`).
    66 MemcgOom { /// Which cgroup.
        cgroup: CgroupId, /// [`Gfp`](super::Gfp) bits.
        gfp: u32, /// Allocation order.
        order: u8 }
    /// Pages charged to a cgroup, its children's among them (`sim:memcg_usage`).
    67 MemcgUsage { /// Which cgroup.
        cgroup: CgroupId, /// Pages.
        pages: u32 }
    /// A cgroup's limit changed (`sim:memcg_limit`).
    68 MemcgLimit { /// Which cgroup.
        cgroup: CgroupId, /// Pages; all ones: no limit.
        pages: u32 }
    /// `oom_score_adj_update`.
    69 OomScoreAdjUpdate { /// Whose.
        target: TaskId, /// The new value, plus 1000.
        adj_plus_1000: u16 }
    /// `process_mrelease()` returned.
    70 ProcessMrelease { /// Whose memory.
        target: TaskId, /// Whether it was reaped; else -EAGAIN.
        ok: bool }
    /// Something from outside, as the scenario asks (`sim:inject`).
    71 Injection { /// What.
        what: Injected, /// To whom, if to a task.
        target: Option<TaskId> }
    /// A process was forked.
    72 Forked { /// The child's first thread.
        child: TaskId, /// The child's mm; the parent's if they share it.
        mm: MmId }
    /// A region was mapped.
    73 Mapped { /// Its VMA.
        range: RangeId }
    /// A region was unmapped.
    74 Unmapped { /// Its VMA.
        range: RangeId }
    /// A VMA was locked into memory, or let go.
    75 Locked { /// Its VMA.
        range: RangeId, /// Whether it is locked now.
        locked: bool }
    /// An event of the scenario was signalled.
    76 EventSignaled { /// Its wait queue, as waits name it.
        event: u32 }
    /// The task let go of nothing: it unlocked a lock that it did not hold, which is ignored.
    77 BadUnlock { /// Which.
        lock: LockId }
    /// An allocation of kernel code begins that must not sleep, or one that may; ends with `AllocDone`.
    78 AllocBegin { /// Allocation order.
        order: u8, /// [`Gfp`](super::Gfp) bits in effect.
        gfp: u32, /// Whether the task has PF_MEMALLOC, so that it must not sleep whatever the bits say.
        memalloc: bool }
    /// The slow path of an allocation returned.
    79 AllocDone { /// Whether it brought a page.
        ok: bool }
    /// A victim's mm became its `signal->oom_mm` (`sim:oom_mm`).
    80 OomMmSet { /// The thread group's leader.
        leader: TaskId, /// Its mm.
        mm: MmId }
    /// A device's job ran out of time and was reset.
    81 JobTimedOut { /// Its fence.
        fence: FenceId }
    /// A page of the reserves below `min` was taken (`sim:reserve`): pages free afterwards.
    82 ReserveTaken { /// Which zone.
        zone: ZoneId, /// Free afterwards.
        free: u32 }
    /// A callback slept although it was told not to (`sim:slept_nonblocking`).
    83 SleptNonblocking { /// Which.
        notifier: NotifierId }
    /// The line `oom killer … has mm pinned by …`: pid 1 uses a victim's mm.
    84 OomMmPinned { /// The victim.
        victim: TaskId, /// Leader of the process with pid 1.
        init: TaskId }
    /// The line `Huh VM_FAULT_OOM leaked out to the #PF handler. Retrying PF`.
    85 PagefaultRetry {}
    /// The line `Tasks in … are going to be killed due to memory.oom.group set`.
    86 OomGroupKill { /// Which cgroup.
        cgroup: CgroupId }
    /// The line `Kill process … score … or sacrifice child` (up to 5.0).
    87 KillOrSacrifice { /// The process chosen; who dies is said by `KilledProcess`.
        chosen: TaskId, /// Its points in thousandths of `totalpages`.
        score: u32 }
    /// The task's process crashed, and it writes the core; its other threads wait for it (`sim:do_coredump`).
    88 CoreDump {}
    /// A secondary TLB was flushed together with the CPU's (`sim:secondary_tlb`).
    100 SecondaryTlbFlush { /// Whose.
        notifier: NotifierId, /// For which range.
        range: RangeId }
    /// The second pass of a two-pass notifier was called (`sim:mn_finish`).
    101 MnFinishCall { /// Which.
        notifier: NotifierId, /// For which range.
        range: RangeId }
    /// The second pass of a two-pass notifier returned (`sim:mn_finish_return`).
    102 MnFinishReturn { /// Which.
        notifier: NotifierId, /// For which range.
        range: RangeId }
    /// The core refused a range in a driver's stead (policy `core-refuse`, `sim:core_refused`).
    103 CoreRefused { /// Whose notifier overlaps.
        notifier: NotifierId, /// Which range.
        range: RangeId }
    /// The flush of a secondary TLB was polled for in vain (`CMD_SYNC timeout` of SMMUv3).
    104 TlbSyncTimedOut { /// Whose.
        notifier: NotifierId }
    /// The line `OOM request ignored. No task eligible`: sysrq-f killed nobody, and none is pending.
    105 SysrqIgnored {}
    /// The free lists served a request at once that may sleep, and the reaper made it, who must make none
    /// (`sim:alloc_served`). Nobody else's leave a record.
    106 AllocServed { /// Allocation order.
        order: u8, /// [`Gfp`](super::Gfp) bits asked for.
        gfp: u32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packing_loses_nothing() {
        let events = [
            Event::Spawned {},
            Event::Blocked { on: WaitOn::Lock(LockId(u32::MAX)), why: 250, stack: StackId(7) },
            Event::Woken { by: None, how: Waited::Killed },
            Event::Woken { by: Some(TaskId(3)), how: Waited::TimedOut },
            Event::Zap { range: RangeId(9), pages: u32::MAX, freed: 1 },
            Event::MnItree {
                mm: MmId(1),
                op: ItreeOp::End,
                active: 140,
                seq: u32::MAX,
                overlapping: 255,
            },
            Event::ReclaimRetryZone { zone: ZoneId(1), reclaimable: 428, loops: 16, ok: true },
        ];
        for event in events {
            let (kind, word) = event.pack();
            assert!(word < 1 << 96);
            assert_eq!(Event::unpack(kind, word), event);
        }
    }
}
