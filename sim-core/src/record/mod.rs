//! The record of a run: everything that happened, in order, and the
//! cast of those it happened to.
//!
//! The [`Recorder`] is the engine's observer and the kernel's witness.
//! It feeds the digest always and keeps the trace if asked; it never
//! changes a run. Nothing here interprets: that is `analysis`.

mod cast;
mod event;
mod hung_task;
mod invariant;
mod lock_debug;
mod names;
mod oom_dump;
mod recorder;
mod run;
mod trace;
mod wait_for;
mod wire;
mod wording;

pub use cast::{
    Cast, CgroupInfo, DeviceInfo, LockInfo, MAX_OOM_REAP_RETRIES, MmInfo, NamedEventInfo,
    NotifierInfo, OOM_REAP_PAUSE, RangeInfo, TaskInfo, TaskKind, VictimReport, ZoneInfo,
};
pub use event::{
    CompactResult, Event, Injected, ItreeOp, ItreeRead, MnEvent, OomResult, OomScope, PanicText,
    SkipBy, ThrottleReason,
};
pub use hung_task::HungTaskLooks;
pub use invariant::{Breach, Broken, Findings, Invariant, Monitor};
pub use lock_debug::{
    AllLocks, Annotation, Attempt, By, Checker, ClassInfo, FakeMap, HeldLock, HeldLocks, Link,
    LockKind, LockReport, LockReports, Noted, Place, SleepSite, Splat, Tracked,
};
pub use names::{Func, GFP_ALIASES, GFP_NAMES, Gfp, Reason};
pub use oom_dump::{LimitDump, OomDump, TaskDump, ZoneDump};
pub use recorder::{Keep, MARKS_FROM, Recorder};
pub use run::{MODEL_VERSION, Run, RunId};
pub use trace::{Record, Trace};
pub use wait_for::{ClosedSet, Dependency, EdgeKind, WaitEdge, WaitFor};
pub use wire::{Statics, WireError};
pub use wording::{DebugLayout, GfpNumbers, KilledLine, TaskTable, Wording};
