//! How values pack into the bits of a record.

use super::kinds::{
    CompactResult, Injected, ItreeOp, ItreeRead, MnEvent, OomResult, OomScope, PanicText, SkipBy,
    ThrottleReason,
};
use crate::base::{
    CgroupId, CpuId, DeviceId, FenceId, LockId, MmId, NotifierId, QueueId, RangeId, ReportId,
    StackId, TaskId, ZoneId,
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
    CgroupId, CpuId, DeviceId, FenceId, LockId, MmId, NotifierId, RangeId, ReportId, StackId,
    TaskId, ZoneId
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
field_enum!(OomResult { Killed = 0, Aborted = 1, NoFs = 2, SelfDying = 3, NoVictim = 4, Gone = 5, PanicOnOom = 6, Disabled = 7, NotifierFreed = 8 });
field_enum!(PanicText { Deadlocked = 0, NoKillable = 1, SystemWide = 2, Compulsory = 3 });
field_enum!(SkipBy { Reaper = 0, GiveUp = 1, Exit = 2, SharedWithInit = 3 });
field_enum!(MnEvent { Unmap = 0, Clear = 1, Release = 2, ProtectionPage = 3 });
field_enum!(OomScope { Global = 0, Memcg = 1, Sysrq = 2, Group = 3, AllocatingTask = 4 });
field_enum!(ThrottleReason { Writeback = 0, Isolated = 1, NoProgress = 2, Congested = 3 });
field_enum!(CompactResult { Skipped = 0, Deferred = 1, Complete = 2, Success = 3 });
field_enum!(Injected { Kill = 0, SysrqF = 1, Limit = 2, Policy = 3, OomScoreAdj = 4, Suspend = 5, End = 6, Delay = 7, Freeze = 8, Thaw = 9 });
field_enum!(ItreeRead { Begin = 0, Waited = 1, Retry = 2, Valid = 3 });
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
