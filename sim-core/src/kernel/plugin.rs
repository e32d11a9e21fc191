//! What the kernel asks of drivers and policies.
//!
//! Plug-ins decide and wait; the kernel model applies effects. Each is
//! one file in `driver/` or `policy/` and one line in a registry there;
//! its documentation is the text that people see.

use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;

use super::cx::Cx;
use super::mmu_notifier::Range;
use super::switches::Switches;
use crate::base::{DeviceId, Distribution, LockId, Nanos, NotifierId, Shape, SimTime};
use crate::engine::Hold;
use crate::record::{Gfp, LockKind, MnEvent};

/// A call into a plug-in that may await. Boxed because such a call can
/// lead back into the caller: a callback may allocate.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// How a device registers with an mm.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Api {
    /// `struct mmu_notifier`: on the mm's list, called for every range.
    Hlist,
    /// `struct mmu_interval_notifier`: called only on overlap.
    Interval,
}

/// Whether a notifier call may sleep (`mmu_notifier_range_blockable()`).
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Blockable {
    /// It may.
    Yes,
    /// It must not: it refuses instead.
    No,
    /// It may until then, and refuses after that (policy `deadline`).
    Until(SimTime),
}

impl Blockable {
    /// Whether it may sleep at all.
    pub fn may_sleep(self) -> bool {
        self != Self::No
    }

    /// Until when it may sleep; [`SimTime::MAX`] if as long as it likes,
    /// [`SimTime::ZERO`] if not at all. As `lock_until()` takes it.
    pub fn until(self) -> SimTime {
        match self {
            Self::Yes => SimTime::MAX,
            Self::No => SimTime::ZERO,
            Self::Until(at) => at,
        }
    }
}

/// What a driver hands from the first pass of a two-pass invalidation to
/// the second (`struct mmu_interval_notifier_finish`); its meaning is the driver's.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub struct Finish(pub u64);

/// A driver's answer `-EAGAIN`, or `false` of an interval callback.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub struct Refused;

/// A call of a driver's invalidation callback.
#[derive(Copy, Clone)]
pub struct Call<'a> {
    /// The caller.
    pub cx: &'a Cx,
    /// The registration called.
    pub notifier: NotifierId,
    /// What is invalidated.
    pub range: Range,
    /// Whether the registration covers any of it.
    pub overlaps: bool,
    /// Whether the callback may sleep.
    pub blockable: Blockable,
    /// Why it is invalidated.
    pub event: MnEvent,
    /// For an interval notifier, what it stores with `mmu_interval_set_seq()`.
    pub seq: u32,
}

/// Which operations a driver's notifier has, and what it promises.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "a table of independent facts")]
pub struct Ops {
    /// `invalidate_range_start()` or `invalidate()`.
    pub start: bool,
    /// `invalidate_range_end()`.
    pub end: bool,
    /// `arch_invalidate_secondary_tlbs()`, called inside the zap.
    pub secondary_tlb: bool,
    /// `MMU_INVALIDATE_DOES_NOT_BLOCK` (4.16 to 4.18).
    pub does_not_block: bool,
    /// `invalidate_start` and `invalidate_finish` (7.1): two passes.
    pub two_pass: bool,
    /// It holds references to the pages it mirrors: they stay allocated until it drops them.
    pub page_refs: bool,
    /// `release()` of a list notifier does more than forget the mm.
    pub release: bool,
}

impl Ops {
    /// A start operation and nothing else.
    pub const START: Self = Self {
        start: true,
        end: false,
        secondary_tlb: false,
        does_not_block: false,
        two_pass: false,
        page_refs: false,
        release: false,
    };

    /// Whether there is any operation: else nothing is registered.
    pub fn has_any(self) -> bool {
        self.start || self.end || self.secondary_tlb
    }
}

/// How a fault of the device waits for invalidations in progress to end.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum FaultWait {
    /// It sleeps until they have ended, or SIGKILL comes.
    Killable,
    /// It sleeps until they have ended, whatever comes (`wait_event()`).
    Uninterruptible,
    /// It is tried again and again, on a CPU, until SIGKILL comes (KVM: the guest is entered, and faults anew).
    Retries,
    /// It sleeps a second at most; then the device faults again (mlx5 up to 5.5).
    Timed,
}

/// A driver: an archetype (kernel-spec 5.2), or one that a scenario describes.
pub trait Driver: Send + Sync {
    /// Its stable id, or the scenario's name for it.
    fn id(&self) -> &str;
    /// What it does, for people.
    fn doc(&self) -> &'static str;
    /// Its operations.
    fn ops(&self) -> Ops {
        Ops::START
    }
    /// What its lock is in a kernel, unless the scenario says which to take.
    fn lock_kind(&self, _switches: &Switches) -> LockKind {
        LockKind::Mutex
    }
    /// Whether a callback of it takes the device's lock.
    fn takes_lock(&self) -> bool {
        true
    }
    /// How a call that must not sleep tries the device's lock, where that can have it refuse;
    /// `None`: it always refuses by another rule before, or never. `refuse` is the scenario's word.
    fn tries_lock(&self, _refuse: Option<Refuse>) -> Option<Hold> {
        None
    }
    /// Whether it sleeps in calls that must not sleep, too.
    fn sleeps_anyway(&self) -> bool {
        false
    }
    /// How a fault of the device waits where a count of invalidations in
    /// progress keeps it from being served.
    fn fault_wait(&self) -> FaultWait {
        FaultWait::Killable
    }
    /// How long a job takes, unless the scenario says.
    fn job_time(&self) -> Shape {
        Shape::Constant(Nanos::ZERO)
    }
    /// `invalidate_range_start()` or `invalidate()`.
    fn invalidate<'a>(&'a self, call: Call<'a>) -> Boxed<'a, Result<(), Refused>>;
    /// `invalidate_range_end()`; called only if [`Ops::end`], and then
    /// for refused ranges too where ends are paired (5.12 and later).
    fn invalidate_end<'a>(&'a self, _call: Call<'a>) -> Boxed<'a, ()> {
        Box::pin(async {})
    }
    /// `invalidate_start()` of the two-pass operations (7.1): kicks the
    /// hardware, and says with what [`invalidate_finish`](Self::invalidate_finish)
    /// is to be called when all have been kicked; with nothing: not at
    /// all. Called only if [`Ops::two_pass`].
    fn invalidate_start<'a>(
        &'a self,
        call: Call<'a>,
    ) -> Boxed<'a, Result<Option<Finish>, Refused>> {
        Box::pin(async move { self.invalidate(call).await.map(|()| None) })
    }
    /// `invalidate_finish()`: waits for the hardware.
    fn invalidate_finish<'a>(&'a self, _call: Call<'a>, _finish: Finish) -> Boxed<'a, ()> {
        Box::pin(async {})
    }
    /// `arch_invalidate_secondary_tlbs()`, called with page-table locks
    /// held: it takes CPU time and never sleeps. Called only if [`Ops::secondary_tlb`].
    fn invalidate_secondary_tlbs<'a>(&'a self, _call: Call<'a>) -> Boxed<'a, ()> {
        Box::pin(async {})
    }
    /// `release()`: the mm goes, or the notifier is unregistered. May
    /// sleep, and whoever waits for callers to leave waits for it too.
    /// Called only if [`Ops::release`].
    fn release<'a>(&'a self, _cx: &'a Cx, _device: DeviceId) -> Boxed<'a, ()> {
        Box::pin(async {})
    }
    /// A process has registered: what else its `ioctl` does.
    fn registered<'a>(&'a self, _cx: &'a Cx, _device: DeviceId) -> Boxed<'a, ()> {
        Box::pin(async {})
    }
    /// A process has memory mapped for a job, and holds the driver's lock:
    /// what else is done under it.
    fn mapping<'a>(&'a self, _cx: &'a Cx, _device: DeviceId) -> Boxed<'a, ()> {
        Box::pin(async {})
    }
}

/// `struct shrinker`: what a driver does for whoever reclaims.
pub trait Shrinker: std::fmt::Debug + Send + Sync {
    /// `scan_objects()`. May lead back into waits of any kind, but not into reclaim.
    fn scan_objects<'a>(&'a self, cx: &'a Cx, device: DeviceId) -> Boxed<'a, ()>;
}

/// A device's driver.
#[derive(Clone)]
pub enum DriverRef {
    /// An archetype.
    Archetype(&'static dyn Driver),
    /// One that a scenario describes.
    Described(Arc<dyn Driver>),
}

impl Deref for DriverRef {
    type Target = dyn Driver;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::Archetype(driver) => *driver,
            Self::Described(driver) => &**driver,
        }
    }
}

/// Who tests whether a notifier's range overlaps the invalidated one.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum RangeTest {
    /// The core for interval notifiers, the drivers for those of the list.
    AsRegistered,
    /// The core for all of them, and it refuses a call that must not sleep (J1).
    CoreRefuses,
    /// The core for all of them (J2).
    Core,
}

/// How a reaper under some policy meets the notifiers of an mm before it
/// touches a VMA.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Approach {
    /// It tells nobody (`ignore`).
    Silent,
    /// It leaves the mm alone if any notifier is, or ever was, registered (`skip-any`).
    SkipAny,
    /// It leaves the mm alone if a notifier may block (`skip-flag`); else it calls them, blockable.
    SkipFlag,
    /// It calls them, and they must not sleep (`nonblock`, `interval`).
    NonBlocking,
    /// As `NonBlocking`, but interval callbacks have two passes (`interval-two-pass`).
    TwoPass,
    /// The core refuses for a driver that overlaps (`core-refuse`, J1).
    CoreRefuses,
    /// It calls them, and they may sleep (`block-always`, J2).
    Blocking,
    /// It calls them, and they may sleep for so long (`deadline`).
    Deadline(Nanos),
    /// As `NonBlocking`, but a refused range goes to a worker of the mm (`hand-off`).
    HandOff,
}

impl Approach {
    /// How the reaper calls notifiers at `now`; `None`: not at all.
    pub fn blockable(self, now: SimTime) -> Option<Blockable> {
        match self {
            Self::Silent => None,
            // Left are notifiers that promise not to block, or none.
            Self::SkipAny | Self::SkipFlag | Self::Blocking => Some(Blockable::Yes),
            Self::NonBlocking | Self::TwoPass | Self::CoreRefuses | Self::HandOff => {
                Some(Blockable::No)
            }
            Self::Deadline(span) => Some(Blockable::Until(now + span)),
        }
    }

    /// Who tests ranges, in everybody's invalidations.
    pub fn range_test(self) -> RangeTest {
        match self {
            Self::CoreRefuses => RangeTest::CoreRefuses,
            Self::Blocking => RangeTest::Core,
            _ => RangeTest::AsRegistered,
        }
    }
}

/// A notifier policy (kernel-spec 4): how the reaper meets notifiers.
pub trait Policy: Sync {
    /// Its stable id.
    fn id(&self) -> &'static str;
    /// What it does, for people.
    fn doc(&self) -> &'static str;
    /// How a device registers under this policy, given what it asks for.
    fn api(&self, asked: Api) -> Api;
    /// How the reaper goes about it.
    fn approach(&self) -> Approach;
}

/// When a driver that may refuse does.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Refuse {
    /// On every overlap, idle or not.
    Overlap,
    /// Only while the device works.
    WhenBusy,
}

/// What a scenario says of a device.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "a table of independent facts")]
pub struct DeviceSetup {
    /// Unique name.
    pub name: String,
    /// How it registers.
    pub api: Api,
    /// How long a job takes.
    pub fence: Distribution,
    /// How long a callback that may sleep does so besides.
    pub sleep: Nanos,
    /// When it refuses; `None`: as its archetype does.
    pub refuse: Option<Refuse>,
    /// The driver's lock.
    pub lock: LockId,
    /// The scenario's locks, which a described driver may name.
    pub declared_locks: Vec<LockId>,
    /// Time a callback works; `None`: what its archetype costs.
    pub work: Option<Distribution>,
    /// Whether it holds references to the pages it mirrors.
    pub page_refs: bool,
    /// Whether its list notifier promises not to block (`MMU_INVALIDATE_DOES_NOT_BLOCK`).
    pub does_not_block: bool,
    /// vCPUs of a hypervisor's guest.
    pub vcpus: u32,
    /// When a job that has not signaled is reset; `None`: never.
    pub timeout: Option<Nanos>,
    /// What a callback allocates with; `None`: it allocates nothing.
    pub gfp: Option<Gfp>,
    /// Who signals fences; `None`: the hardware itself.
    pub worker: Option<Worker>,
    /// Which invalidations it acts on; it returns success to the others and does nothing.
    pub acts_on: ActsOn,
    /// What it does when reclaim asks it for memory; `None`: it has no shrinker.
    pub shrinker: Option<Arc<dyn Shrinker>>,
    /// The device whose further queue of jobs it is: that one hears of invalidations
    /// for all its rings, and maps memory for them.
    pub ring_of: Option<DeviceId>,
    /// Whether memory is mapped only when a job that runs finds none (on-demand paging);
    /// else who submits the job has it mapped before.
    pub maps_on_fault: bool,
    /// Whether who registers has it mapped at once.
    pub maps_at_register: bool,
}

/// A kernel thread that a driver needs before a fence signals.
#[derive(Clone, Debug)]
pub struct Worker {
    /// Locks that it takes, in order.
    pub locks: Vec<LockId>,
    /// Devices for whose fences it waits under them; none: its own.
    pub fences: Vec<Option<DeviceId>>,
    /// What it allocates under those locks, and of which order.
    pub alloc: Option<(Gfp, u8)>,
    /// CPU time it takes.
    pub time: Distribution,
    /// Whether fences need it; else it does only what callbacks give it.
    pub signals: bool,
    /// Whether it drops references to the pages of what a callback queued.
    pub unpins: bool,
}

/// Which event codes a callback acts on (kernel-spec 5.4).
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum ActsOn {
    /// All of them.
    Any,
    /// `MMU_NOTIFY_UNMAP` alone: the range is gone.
    Unmap,
}

impl ActsOn {
    /// Whether it acts on this one.
    pub fn includes(self, event: MnEvent) -> bool {
        match self {
            Self::Any => true,
            Self::Unmap => event == MnEvent::Unmap,
        }
    }
}

/// The documentation of a plug-in, taken from the head of its own file,
/// so that the page and the command line show what the source says.
pub fn doc_lines(source: &'static str) -> impl Iterator<Item = &'static str> {
    let head = source.lines().take_while(|line| line.starts_with("//!"));
    head.map(|line| line.trim_start_matches("//!").trim())
}

/// Length of the lines that a source opens with and that document it.
pub(crate) const fn head_len(source: &str) -> usize {
    let bytes = source.as_bytes();
    let mut at = 0;
    while at + 2 < bytes.len() && bytes[at] == b'/' && bytes[at + 2] == b'!' {
        while at < bytes.len() && bytes[at] != b'\n' {
            at += 1;
        }
        at += 1;
    }
    if at < bytes.len() { at } else { bytes.len() }
}

/// The first bytes of a source, on their own.
pub(crate) const fn head_bytes<const LEN: usize>(source: &str) -> [u8; LEN] {
    let mut head = [0; LEN];
    let mut at = 0;
    while at < LEN {
        head[at] = source.as_bytes()[at];
        at += 1;
    }
    head
}

/// What documents the file of this name, and nothing else of it: the page
/// need not carry the code as text too.
macro_rules! head_of {
    ($file:literal) => {{
        const SOURCE: &str = include_str!($file);
        const LEN: usize = $crate::kernel::plugin::head_len(SOURCE);
        const HEAD: &[u8; LEN] = &$crate::kernel::plugin::head_bytes(SOURCE);
        const TEXT: &str = match str::from_utf8(HEAD) {
            Ok(text) => text,
            Err(_) => panic!("the head of a source is text"),
        };
        TEXT
    }};
}
pub(crate) use head_of;
