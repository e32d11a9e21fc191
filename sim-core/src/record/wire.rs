//! A finished run as bytes, for another thread of the same program.
//!
//! The page simulates in a worker, which shares no memory with it; this is
//! what travels, and the form in which the run that the page opens on comes
//! with it. Both ends are one build, so nothing here upgrades; a byte
//! that names the form and every length are checked all the same. Leaves out
//! files and links: those have forms of their own that last.

use super::cast::{
    Cast, CgroupInfo, DeviceInfo, LockInfo, MmInfo, NamedEventInfo, NotifierInfo, RangeInfo,
    TaskInfo, TaskKind, VictimReport, ZoneInfo,
};
use super::invariant::{Broken, Findings, Invariant};
use super::lock_debug::{
    AllLocks, By, ClassInfo, FakeMap, HeldLock, HeldLocks, Link, LockKind, LockReport, LockReports,
    Place, SleepSite, Splat, Tracked,
};
use super::names::Gfp;
use super::oom_dump::{LimitDump, OomDump, TaskDump, ZoneDump};
use super::run::{MODEL_VERSION, Run, RunId};
use super::trace::{Packed, Record, Trace};
use super::wait_for::{ClosedSet, Dependency, EdgeKind, WaitEdge, WaitFor};
use super::wording::{DebugLayout, GfpNumbers, KilledLine, TaskTable, Wording};
use crate::base::ids::Id;
use crate::base::{
    CgroupId, DeviceId, Digest, IdVec, LockId, MmId, Nanos, NotifierId, QueueId, SimTime, StackId,
    TaskId, ZoneId,
};
use crate::engine::{Frame, Hold, Stop};

/// Bytes of one record, about and at least.
const RECORD_SIZE: usize = 12;
const RECORD_SIZE_MIN: usize = 1 + size_of::<u64>() + 1;

/// Why bytes are no run.
#[derive(Clone, Eq, PartialEq, Debug, thiserror::Error)]
pub enum WireError {
    /// They end too early, or claim more than there is.
    #[error("the run that arrived is cut short after {0} bytes")]
    Short(usize),
    /// They were written by another version.
    #[error("the run that arrived is of model {0}, not {MODEL_VERSION}: reload the page")]
    Version(u64),
    /// A number or name that nothing goes by.
    #[error("the run that arrived names an unknown {0}")]
    Unknown(&'static str),
}

/// What a program holds for ever, and a run names: only names travel.
#[derive(Copy, Clone, Debug)]
pub struct Statics<'a> {
    /// Releases of kernels and ids of checkers.
    pub names: &'a [&'static str],
    /// Call stacks of boot.
    pub boot_stacks: &'a [&'static [&'static str]],
}

impl Run {
    /// Its bytes.
    pub fn to_wire(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.trace.len() * RECORD_SIZE + (64 << 10));
        u64::from(MODEL_VERSION).put(&mut out);
        self.put(&mut out);
        out
    }

    /// The run of these bytes.
    pub fn from_wire(bytes: &[u8], statics: Statics<'_>) -> Result<Self, WireError> {
        let mut from = Reader { bytes, at: 0, statics };
        let version = u64::take(&mut from)?;
        if version != u64::from(MODEL_VERSION) {
            return Err(WireError::Version(version));
        }
        Self::take(&mut from)
    }
}

/// Bytes not read yet.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    statics: Statics<'a>,
}

impl<'a> Reader<'a> {
    fn bytes(&mut self, count: usize) -> Result<&'a [u8], WireError> {
        let rest = &self.bytes[self.at..];
        let taken = rest.get(..count).ok_or(WireError::Short(self.bytes.len()))?;
        self.at += count;
        Ok(taken)
    }

    /// A number of things, each at least so many bytes long.
    fn count(&mut self, size: usize) -> Result<usize, WireError> {
        let short = WireError::Short(self.bytes.len());
        let count = usize::try_from(u64::take(self)?).map_err(|_| short.clone())?;
        let fits = count.checked_mul(size).is_some_and(|all| all <= self.bytes.len() - self.at);
        if fits { Ok(count) } else { Err(short) }
    }
}

/// What can be written and read back.
trait Wire: Sized {
    fn put(&self, out: &mut Vec<u8>);
    fn take(from: &mut Reader<'_>) -> Result<Self, WireError>;
}

impl Wire for u64 {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_le_bytes());
    }

    // Called for everything: a copy in each place would double the reader, which visitors load.
    #[inline(never)]
    fn take(from: &mut Reader<'_>) -> Result<Self, WireError> {
        let bytes = from.bytes(size_of::<Self>())?;
        Ok(Self::from_le_bytes(bytes.try_into().expect("invariant: eight bytes were asked for")))
    }
}

macro_rules! numbers {
    ($($ty:ty),*) => {$(
        impl Wire for $ty {
            fn put(&self, out: &mut Vec<u8>) {
                let wide = i64::try_from(*self).expect("invariant: a number of a run fits");
                wide.cast_unsigned().put(out);
            }

            #[inline(never)]
            fn take(from: &mut Reader<'_>) -> Result<Self, WireError> {
                let wide = u64::take(from)?.cast_signed();
                Self::try_from(wide).map_err(|_| WireError::Unknown("number"))
            }
        }
    )*};
}
numbers!(u8, i16, u32, usize);

impl Wire for bool {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(from.bytes(1)?[0] != 0)
    }
}

impl Wire for String {
    fn put(&self, out: &mut Vec<u8>) {
        self.len().put(out);
        out.extend_from_slice(self.as_bytes());
    }

    #[inline(never)]
    fn take(from: &mut Reader<'_>) -> Result<Self, WireError> {
        let count = from.count(1)?;
        let bytes = from.bytes(count)?.to_vec();
        Self::from_utf8(bytes).map_err(|_| WireError::Unknown("text"))
    }
}

/// A name of the program's own.
impl Wire for &'static str {
    fn put(&self, out: &mut Vec<u8>) {
        (*self).to_owned().put(out);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, WireError> {
        let name = String::take(from)?;
        let known = from.statics.names.iter().find(|known| **known == name);
        known.copied().ok_or(WireError::Unknown("name"))
    }
}

impl Wire for &'static [&'static str] {
    fn put(&self, out: &mut Vec<u8>) {
        self.join("\n").put(out);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, WireError> {
        let text = String::take(from)?;
        let known = from.statics.boot_stacks.iter().find(|known| known.join("\n") == text);
        known.copied().ok_or(WireError::Unknown("call stack"))
    }
}

impl<T: Wire> Wire for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.is_some().put(out);
        if let Some(value) = self {
            value.put(out);
        }
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, WireError> {
        bool::take(from)?.then(|| T::take(from)).transpose()
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.len().put(out);
        for item in self {
            item.put(out);
        }
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, WireError> {
        let count = from.count(1)?;
        (0..count).map(|_| T::take(from)).collect()
    }
}

impl<I: Id, T: Wire> Wire for IdVec<I, T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.len().put(out);
        for (_, item) in self.iter() {
            item.put(out);
        }
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, WireError> {
        let count = from.count(1)?;
        let mut table = Self::new();
        for _ in 0..count {
            table.push(T::take(from)?);
        }
        Ok(table)
    }
}

impl<A: Wire, B: Wire> Wire for (A, B) {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
        self.1.put(out);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok((A::take(from)?, B::take(from)?))
    }
}

impl Wire for Digest {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0.to_le_bytes());
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, WireError> {
        let bytes = from.bytes(size_of::<u128>())?;
        let bytes = bytes.try_into().expect("invariant: sixteen bytes were asked for");
        Ok(Self(u128::from_le_bytes(bytes)))
    }
}

impl Wire for Frame {
    fn put(&self, out: &mut Vec<u8>) {
        self.function.put(out);
        self.caller.put(out);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self::of_finished(u8::take(from)?, StackId::take(from)?))
    }
}

impl Wire for Record {
    fn put(&self, out: &mut Vec<u8>) {
        let Packed { at, head, tail } = Packed::new(self);
        for word in [at, head, tail] {
            word.put(out);
        }
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, WireError> {
        let (at, head) = (u64::take(from)?, u64::take(from)?);
        Ok(Packed { at, head, tail: u64::take(from)? }.unpack())
    }
}

/// A number in as many bytes as it needs, seven bits in each, the lowest first.
fn put_short(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

fn take_short(from: &mut Reader<'_>) -> Result<u64, WireError> {
    let mut number = 0;
    for shift in (0..u64::BITS).step_by(7) {
        let byte = from.bytes(1)?[0];
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(number);
        }
    }
    Err(WireError::Unknown("number"))
}

/// Column by column: alike stands beside alike, so that what travels over a network shrinks to a
/// fiftieth when it is compressed, and most numbers are short.
impl Wire for Trace {
    fn put(&self, out: &mut Vec<u8>) {
        self.len().put(out);
        let mut last = 0;
        for packed in self.packed() {
            put_short(packed.at - last, out);
            last = packed.at;
        }
        self.packed().for_each(|packed| packed.head.put(out));
        self.packed().for_each(|packed| put_short(packed.tail, out));
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, WireError> {
        let count = from.count(RECORD_SIZE_MIN)?;
        let mut times = Reader { bytes: from.bytes, at: from.at, statics: from.statics };
        for _ in 0..count {
            take_short(from)?;
        }
        let heads = from.bytes(count * size_of::<u64>())?;
        let mut trace = Self::default();
        let mut at = 0_u64;
        for head in heads.chunks_exact(size_of::<u64>()) {
            at = at.checked_add(take_short(&mut times)?).ok_or(WireError::Unknown("time"))?;
            let head = head.try_into().expect("invariant: a word has eight bytes");
            let head = u64::from_le_bytes(head);
            trace.push(Packed { at, head, tail: take_short(from)? });
        }
        Ok(trace)
    }
}

impl Wire for Invariant {
    fn put(&self, out: &mut Vec<u8>) {
        (*self as u8).put(out);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, WireError> {
        let number = u8::take(from)?;
        let known = Self::ALL.iter().find(|known| **known as u8 == number);
        known.copied().ok_or(WireError::Unknown("invariant"))
    }
}

/// Newtypes of one number.
macro_rules! newtypes {
    ($($ty:ident)*) => {$(
        impl Wire for $ty {
            fn put(&self, out: &mut Vec<u8>) {
                self.0.put(out);
            }

            fn take(from: &mut Reader<'_>) -> Result<Self, WireError> {
                Wire::take(from).map(Self)
            }
        }
    )*};
}
newtypes!(SimTime Nanos CgroupId DeviceId LockId MmId NotifierId QueueId StackId TaskId ZoneId Gfp);

/// Structs, field after field; one that is forgotten does not compile.
macro_rules! structs {
    ($($ty:ident { $($field:ident)* })*) => {$(
        impl Wire for $ty {
            fn put(&self, out: &mut Vec<u8>) {
                $(self.$field.put(out);)*
            }

            fn take(from: &mut Reader<'_>) -> Result<Self, WireError> {
                Ok(Self { $($field: Wire::take(from)?),* })
            }
        }
    )*};
}
structs! {
    RunId { scenario kernel policy seed }
    Run { id digest marks events end stop findings lock_reports trace cast }
    Findings { broken waived waived_count }
    Broken { invariant at task record text evidence }
    TaskInfo { name comm pid leader kind mm oom_score_adj }
    MmInfo { owner mmap_lock }
    RangeInfo { mm start end name anonymous }
    ZoneInfo { name managed min low high }
    DeviceInfo { name driver module task locks tries refuses_for lucky fails worker faulter timeout signaled }
    NotifierInfo { device mm interval }
    LockInfo { name kind class }
    CgroupInfo { name parent members }
    NamedEventInfo { name queue signalers }
    OomDump { record stack zones swap_total swap_free limit tasks }
    LimitDump { usage limit }
    ZoneDump {
        zone index free min low high reserve reserve_dma32 highatomic managed anon active_file inactive_file unevictable dirty
        writeback shmem pagetables
    }
    TaskDump { task uid total_vm anon file shmem ptes pmds pgtables_bytes swap oom_score_adj }
    VictimReport { total_vm anon file shmem pgtables_bytes oom_score_adj uid }
    Cast {
        tasks hand_off_workers mms ranges zones devices notifiers locks reports dumps cgroups named_events stacks jiffy
        cpus uptime timer_wheel hung_task_timeout max_oom_reap_retries
        oom_reap_pause horizon wording
    }
    Wording {
        release traces_reaper mark_victim_sizes traces_reclaim_retry traces_throttling killed_line
        logs_constraint logs_no_killable logs_exiting_victim logs_failures_rarely
        skipped_compaction_is_progress drops_signals_of_dying sysrq_in_old_words sysrq_blames_killer logs_refusals warns_of_refusals
        watches_notifiers dumps_unreaped traces_exit_mmap
        traces_exit_first gfp_numbers anon_is_compound task_table debug_layout
    }
    LockReports {
        checks classes reports lockdep_count non_block_count all_locks at_looks shows_lockdep
        turned_off_at wait_for
    }
    WaitFor { closed dependencies }
    ClosedSet { record until tasks cycles }
    Dependency { record path on gfp times }
    WaitEdge { from to kind since any }
    LockReport { at task record splat place held }
    AllLocks { at record held }
    ClassInfo { name kind written read }
    HeldLock { what class hold place }
    Link { class held }
    Place { stack notifier by }
}

/// Enums: the number of the variant, then its fields, unit and tuple variants
/// spelled like structs.
macro_rules! enums {
    ($($ty:ident { $($n:literal $variant:ident { $($field:tt: $var:ident)* })* })*) => {$(
        impl Wire for $ty {
            fn put(&self, out: &mut Vec<u8>) {
                match self { $(
                    Self::$variant { $($field: $var),* } => {
                        out.push($n);
                        $($var.put(out);)*
                    }
                )* }
            }

            fn take(from: &mut Reader<'_>) -> Result<Self, WireError> {
                match from.bytes(1)?[0] {
                    $($n => Ok(Self::$variant { $($field: Wire::take(from)?),* }),)*
                    _ => Err(WireError::Unknown(stringify!($ty))),
                }
            }
        }
    )*};
}
enums! {
    EdgeKind {
        0 Lock {} 1 OomLock {} 2 Fence {} 3 Worker {} 4 Invalidation {} 5 Srcu {} 6 Event {}
        7 Child {} 8 Kswapd {} 9 Reap {} 10 ReapQueue {} 11 Exit {} 12 Cpu {} 13 CoreDump {}
    }
    TaskKind { 0 User {} 1 Kthread {} 2 Device {} 3 Timer {} }
    LockKind { 0 Mutex {} 1 Rwsem {} 2 Spinlock {} 3 Rwlock {} }
    Hold { 0 Shared {} 1 Exclusive {} }
    Stop {
        0 Idle {} 1 Horizon {} 2 EventLimit {} 3 NoProgress { 0: task } 4 Requested {} 5 Broken {}
    }
    KilledLine { 0 Plain {} 1 Prefixed {} 2 PgtablesInBytes {} 3 PgtablesInKb {} }
    TaskTable { 0 Counts {} 1 Bytes {} 2 Padded {} 3 ByKind {} }
    DebugLayout { 0 NoWaitTypes {} 1 WaitTypes {} 2 Marked {} 3 WithIds {} 4 RawNesting {} }
    GfpNumbers { 0 Old {} 1 Middle {} 2 Packed {} 3 Ordered {} 4 WithoutAtomic {} }
    FakeMap {
        0 FsReclaim {} 1 MmuNotifier {} 2 Srcu {} 3 DmaFence {} 4 DmaResv {} 5 DmaResvAcquire {}
    }
    Tracked {
        0 Lock { 0: lock } 1 Map { 0: map } 2 Workqueue { 0: device } 3 Work { 0: device }
        4 WorkqueueMutex { 0: device }
    }
    By {
        0 Caller {} 1 FsReclaimAcquire {} 2 DmaFenceWait {} 3 Priming {} 4 Boot { 0: stack } 5 LockSync {}
        6 ProcessOneWork {} 7 MightFault {}
    }
    SleepSite {
        0 Mutex {} 1 DownRead {} 2 DownWrite {} 3 Alloc {} 4 Completion {} 5 FenceWait {}
        6 NotifierStart {} 7 NotifierEnd {} 8 IntervalRemove {} 9 Kmalloc {}
        10 CopyToUser {}
    }
    HeldLocks { 0 Unknown {} 1 TurnedOff {} 2 Known { 0: held } }
    Splat {
        0 Circular { acquiring: acquiring holding: holding chain: chain }
        1 Recursive { acquiring: acquiring holding: holding }
        2 BadUnlock { what: what class: class }
        3 MightSleep { site: site non_block: non_block preempt: preempt }
        4 NonBlockSchedule { non_block: non_block }
        5 AtomicSchedule { preempt: preempt }
        6 WaitContext { acquiring: acquiring holding: holding }
    }
}
