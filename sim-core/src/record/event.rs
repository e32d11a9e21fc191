//! What can be recorded: one enum, packed into 12 bytes beside the
//! time and the task.
//!
//! Engine events and kernel events share the enum because readers want
//! them in one order. Text that a tracepoint prints is not here: the
//! exporters build it from these fields and the [`Cast`](super::Cast).
//! Fields that do not fit (addresses, victim reports) stand in side
//! tables and are named by an id.

use crate::base::{
    CpuId, DeviceId, FenceId, LockId, MmId, NotifierId, QueueId, RangeId, ReportId, StackId,
    TaskId, ZoneId,
};
use crate::engine::{Hold, WaitOn, Waited};

/// A value that packs into the low bits of a word.
pub(crate) trait Field: Copy {
    /// Bits needed.
    const BITS: u32;
    fn to_bits(self) -> u128;
    fn from_bits(bits: u128) -> Self;
}

macro_rules! field_int {
    ($($ty:ty),*) => {$(
        impl Field for $ty {
            const BITS: u32 = <$ty>::BITS;
            fn to_bits(self) -> u128 { u128::from(self) }
            #[expect(clippy::cast_possible_truncation, reason = "the packer masks to BITS")]
            fn from_bits(bits: u128) -> Self { bits as $ty }
        }
    )*};
}
field_int!(u8, u16, u32);

macro_rules! field_id {
    ($($ty:ty),*) => {$(
        impl Field for $ty {
            const BITS: u32 = 32;
            fn to_bits(self) -> u128 { u128::from(self.0) }
            fn from_bits(bits: u128) -> Self { Self(u32::from_bits(bits)) }
        }
    )*};
}
field_id!(
    CpuId, DeviceId, FenceId, LockId, MmId, NotifierId, RangeId, ReportId, StackId, TaskId, ZoneId
);

impl Field for bool {
    const BITS: u32 = 1;
    fn to_bits(self) -> u128 {
        u128::from(self)
    }
    fn from_bits(bits: u128) -> Self {
        bits & 1 == 1
    }
}

/// `None` is the all-ones id, which no table reaches.
impl Field for Option<TaskId> {
    const BITS: u32 = 32;
    fn to_bits(self) -> u128 {
        self.map_or(u128::from(u32::MAX), Field::to_bits)
    }
    fn from_bits(bits: u128) -> Self {
        let id = u32::from_bits(bits);
        (id != u32::MAX).then_some(TaskId(id))
    }
}

macro_rules! field_enum {
    ($ty:ty { $($variant:ident = $n:literal),* $(,)? }) => {
        impl Field for $ty {
            const BITS: u32 = 8;
            fn to_bits(self) -> u128 {
                match self { $(Self::$variant => $n),* }
            }
            fn from_bits(bits: u128) -> Self {
                match bits & 0xff {
                    $($n => Self::$variant,)*
                    other => unreachable!("invariant: {other} is no {}", stringify!($ty)),
                }
            }
        }
    };
}
field_enum!(Hold { Shared = 0, Exclusive = 1 });
field_enum!(Waited { Granted = 0, TimedOut = 1, Killed = 2 });
field_enum!(OomResult { Killed = 0, Aborted = 1, NoFs = 2, SelfDying = 3, NoVictim = 4, Gone = 5 });
field_enum!(SkipBy { Reaper = 0, GiveUp = 1, Exit = 2 });
field_enum!(MnEvent { Unmap = 0, Clear = 1, Release = 2 });
field_enum!(ItreeOp { Start = 0, End = 1, Insert = 2, DeferInsert = 3, Remove = 4, DeferRemove = 5 });

impl Field for WaitOn {
    const BITS: u32 = 34;
    fn to_bits(self) -> u128 {
        let (kind, object) = match self {
            Self::Time => (0u128, 0),
            Self::Lock(lock) => (1, lock.0),
            Self::Queue(queue) => (2, queue.0),
        };
        kind << 32 | u128::from(object)
    }
    fn from_bits(bits: u128) -> Self {
        let object = u32::from_bits(bits);
        match bits >> 32 & 3 {
            0 => Self::Time,
            1 => Self::Lock(LockId(object)),
            _ => Self::Queue(QueueId(object)),
        }
    }
}

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

macro_rules! events {
    ($( $(#[$doc:meta])* $n:literal $name:ident { $( $(#[$fdoc:meta])* $field:ident : $ty:ty ),* $(,)? } )*) => {
        /// One thing that happened, to or by the task of its record.
        #[derive(Copy, Clone, Eq, PartialEq, Debug)]
        pub enum Event {
            $( $(#[$doc])* $name { $( $(#[$fdoc])* $field: $ty ),* }, )*
        }

        impl Event {
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
        gfp: u16 }
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
    /// `oom_kill_process()` was entered: the report is being printed.
    18 OomKillProcess { /// The chosen task.
        victim: TaskId }
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
    22 KilledProcess { /// Leader of the process.
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
        seq: u32 }
    /// `exit_mmap()` was entered.
    33 ExitMmap { /// Of which mm.
        mm: MmId }
    /// `exit_mmap()` returned.
    34 ExitMmapDone { /// Of which mm.
        mm: MmId }
    /// `sched_process_exit`.
    35 ProcessExit {}
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
    43 Panic {}
    /// An allocation failed and its caller got NULL.
    44 AllocFailed { /// Allocation order.
        order: u8, /// [`Gfp`](super::Gfp) bits.
        gfp: u16 }
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
            Event::MnItree { mm: MmId(1), op: ItreeOp::End, active: 140, seq: u32::MAX },
            Event::ReclaimRetryZone { zone: ZoneId(1), reclaimable: 428, loops: 16, ok: true },
        ];
        for event in events {
            let (kind, word) = event.pack();
            assert!(word < 1 << 96);
            assert_eq!(Event::unpack(kind, word), event);
        }
    }
}
