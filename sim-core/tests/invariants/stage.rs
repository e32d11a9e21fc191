//! Records made by hand, watched as those of a run are.

use sim_core::base::{
    CgroupId, DeviceId, LockId, MmId, Nanos, NotifierId, RangeId, ReportId, SimTime, StackId,
    TaskId,
};
use sim_core::check::{Declared, monitor};
use sim_core::engine::{Observer as _, Stop, WaitOn, Waited};
use sim_core::kernel::plugin::{Api, Approach, Boxed, Call, Driver, Ops, Policy, Refused};
use sim_core::kernel::switches;
use sim_core::record::{
    Cast, CgroupInfo, DeviceInfo, Event, Gfp, Invariant, ItreeOp, ItreeRead, Keep, LockInfo,
    MmInfo, MnEvent, NotifierInfo, OomScope, RangeInfo, Reason, Recorder, SkipBy, TaskInfo,
    TaskKind, VictimReport, ZoneInfo,
};

pub(crate) const REAPER: TaskId = TaskId(0);
pub(crate) const HOG: TaskId = TaskId(1);
pub(crate) const OTHER: TaskId = TaskId(2);
/// A second thread of the hog's.
pub(crate) const HELPER: TaskId = TaskId(4);
pub(crate) const TIMER: TaskId = TaskId(3);
pub(crate) const HOG_MM: MmId = MmId(0);
pub(crate) const OOM_LOCK: LockId = LockId(0);
pub(crate) const MMAP_LOCK: LockId = LockId(1);
pub(crate) const HEAP: RangeId = RangeId(0);
pub(crate) const NOTIFIER: NotifierId = NotifierId(0);
pub(crate) const REPORT: ReportId = ReportId(0);
pub(crate) const MS: u64 = 1_000_000;

/// A policy and a driver of which only what they declare matters.
pub(crate) struct Meets(Approach);
pub(crate) struct Named(&'static str, Ops);

impl Policy for Meets {
    fn id(&self) -> &'static str {
        "test"
    }

    fn doc(&self) -> &'static str {
        ""
    }

    fn api(&self, asked: Api) -> Api {
        asked
    }

    fn approach(&self) -> Approach {
        self.0
    }
}

impl Driver for Named {
    fn id(&self) -> &'static str {
        self.0
    }

    fn doc(&self) -> &'static str {
        ""
    }

    fn ops(&self) -> Ops {
        self.1
    }

    fn sleeps_anyway(&self) -> bool {
        self.0 == "sleeps-anyway"
    }

    fn invalidate<'a>(&'a self, _: Call<'a>) -> Boxed<'a, Result<(), Refused>> {
        Box::pin(async { Ok(()) })
    }
}

pub(crate) static FENCE: Named = Named("gpu-fence", Ops::START);
pub(crate) static KVM: Named = Named("kvm", Ops { end: true, ..Ops::START });
pub(crate) static SLEEPS: Named = Named("sleeps-anyway", Ops::START);
pub(crate) static PROMISES: Named = Named("spin", Ops { does_not_block: true, ..Ops::START });
pub(crate) static ALLOCATES: Named = Named("allocates", Ops::START);

/// Records in the making, watched.
pub(crate) struct Stage {
    pub(crate) recorder: Recorder,
    pub(crate) at: u64,
    /// Invalidations begun by calls.
    active: u16,
}

fn task(cast: &mut Cast, name: &str, kind: TaskKind, mm: Option<MmId>) {
    let leader = TaskId::from_index(cast.tasks.len());
    let (name, comm) = (name.to_owned(), name.to_owned());
    cast.tasks.push(TaskInfo { name, comm, pid: 100, leader, kind, mm, oom_score_adj: 0 });
}

fn cast(driver: &'static str) -> Cast {
    let mut cast = Cast { jiffy: Nanos::from_ms(4), cpus: 2, ..Cast::default() };
    task(&mut cast, "oom_reaper", TaskKind::Kthread, None);
    task(&mut cast, "hog", TaskKind::User, Some(HOG_MM));
    task(&mut cast, "other", TaskKind::User, Some(MmId(1)));
    task(&mut cast, "timer", TaskKind::Timer, None);
    task(&mut cast, "hog/helper", TaskKind::User, Some(HOG_MM));
    cast.tasks[HELPER].leader = HOG;
    cast.mms.push(MmInfo { owner: HOG, mmap_lock: MMAP_LOCK });
    cast.mms.push(MmInfo { owner: OTHER, mmap_lock: LockId(2) });
    for name in ["oom_lock", "mmap_lock of hog", "mmap_lock of other"] {
        cast.locks.push(LockInfo::mutex(name));
    }
    let (name, mm) = ("heap".to_owned(), HOG_MM);
    cast.ranges.push(RangeInfo { mm, start: 0, end: 1 << 20, name, anonymous: true });
    let jobs = CgroupInfo { name: "jobs".to_owned(), parent: None, members: Vec::new() };
    let below = CgroupInfo { parent: Some(CgroupId(0)), members: vec![HOG], ..jobs.clone() };
    let beside = CgroupInfo { members: vec![OTHER], ..jobs.clone() };
    for cgroup in [jobs, below, beside] {
        cast.cgroups.push(cgroup);
    }
    let name = "Normal".to_owned();
    cast.zones.push(ZoneInfo { name, managed: 1000, min: 10, low: 12, high: 14 });
    let name = "dev".to_owned();
    let (worker, timeout) = (None, None);
    let driver_id = driver.to_owned();
    cast.devices.push(DeviceInfo {
        name,
        module: driver_id.clone(),
        driver: driver_id,
        task: None,
        locks: Vec::new(),
        tries: Vec::new(),
        refuses_for: Vec::new(),
        lucky: 0,
        fails: 0,
        worker,
        faulter: None,
        timeout,
        signaled: None,
    });
    let interval = driver != "kvm";
    cast.notifiers.push(NotifierInfo { device: DeviceId(0), mm: HOG_MM, interval });
    cast.reports.push(VictimReport::default());
    cast
}

impl Stage {
    pub(crate) fn with(kernel: &str, approach: Approach, driver: &'static Named) -> Self {
        Self::declared(kernel, approach, driver, false)
    }

    pub(crate) fn declared(
        kernel: &str,
        approach: Approach,
        driver: &'static Named,
        kills_allocating_task: bool,
    ) -> Self {
        let mut recorder = Recorder::new(Keep::Records, cast(driver.id()));
        let drivers: [&dyn Driver; 1] = [driver];
        let may_wait = match approach {
            Approach::Blocking => true,
            Approach::SkipFlag => driver.1.does_not_block,
            _ => driver.sleeps_anyway(),
        };
        recorder.watch(monitor(&Declared {
            switches: switches::find(kernel).expect("a profile"),
            policies: &[Box::leak(Box::new(Meets(approach)))],
            drivers: &drivers,
            timer_wheel: false,
            shifts_waits: false,
            kills_allocating_task,
            maps_what_is_gone: &[driver.0 == "sleeps-anyway", false],
            callback_allocates: driver.0 == "allocates",
            reaper_may_wait: &[may_wait],
        }));
        let mut stage = Self { recorder, at: 0, active: 0 };
        for task in [REAPER, HOG, OTHER] {
            stage.add(task, Event::Spawned {});
        }
        stage
    }

    pub(crate) fn new() -> Self {
        Self::with("6.1", Approach::NonBlocking, &FENCE)
    }

    pub(crate) fn at(&mut self, ms: u64) -> &mut Self {
        self.at = ms * MS;
        self
    }

    pub(crate) fn add(&mut self, task: TaskId, event: Event) -> &mut Self {
        self.recorder.record(SimTime(self.at), task, event);
        self
    }

    pub(crate) fn blocks(&mut self, task: TaskId, on: WaitOn, why: Reason) -> &mut Self {
        self.add(task, Event::Blocked { on, why: why as u8, stack: StackId(0) })
    }

    pub(crate) fn wakes(&mut self, task: TaskId, how: Waited) -> &mut Self {
        self.add(task, Event::Woken { by: None, how })
    }

    pub(crate) fn chooses(&mut self, killer: TaskId, victim: TaskId, gfp: Gfp) -> &mut Self {
        self.chooses_by(killer, victim, gfp, OomScope::Global)
    }

    /// `vm.oom_kill_allocating_task` has it die.
    pub(crate) fn chooses_itself(&mut self, killer: TaskId) -> &mut Self {
        self.chooses_by(killer, killer, Gfp::KERNEL, OomScope::AllocatingTask)
    }

    fn chooses_by(
        &mut self,
        killer: TaskId,
        victim: TaskId,
        gfp: Gfp,
        scope: OomScope,
    ) -> &mut Self {
        let order = 0;
        self.add(killer, Event::OomKillProcess { victim, gfp: gfp.0, order, scope, report: true })
    }

    pub(crate) fn marks(&mut self, killer: TaskId, victim: TaskId) -> &mut Self {
        self.add(killer, Event::MarkVictim { victim, report: REPORT })
    }

    pub(crate) fn kills(&mut self, killer: TaskId, victim: TaskId) -> &mut Self {
        self.chooses(killer, victim, Gfp::KERNEL);
        self.add(killer, Event::SignalGenerate { target: victim });
        self.marks(killer, victim)
    }

    pub(crate) fn skips(&mut self, task: TaskId) -> &mut Self {
        self.add(task, Event::OomSkipSet { mm: HOG_MM, by: SkipBy::Reaper })
    }

    pub(crate) fn starts(&mut self) -> &mut Self {
        self.add(REAPER, Event::StartTaskReaping { victim: HOG })
    }

    pub(crate) fn fails(&mut self) -> &mut Self {
        self.add(REAPER, Event::FinishTaskReaping { victim: HOG, ok: false })
    }

    pub(crate) fn woken(&mut self) -> &mut Self {
        self.kills(OTHER, HOG).add(TIMER, Event::WakeReaper { victim: HOG })
    }

    /// It calls the notifier; with an interval the tree is frozen by then.
    pub(crate) fn calls(&mut self, task: TaskId, blockable: bool) -> &mut Self {
        self.freezes(task).calls_so(task, blockable, false)
    }

    /// It calls the notifier, which may sleep for a while (policy `deadline`).
    pub(crate) fn calls_for_a_while(&mut self, task: TaskId) -> &mut Self {
        self.freezes(task).calls_so(task, true, true)
    }

    pub(crate) fn calls_so(&mut self, task: TaskId, blockable: bool, limited: bool) -> &mut Self {
        let (notifier, range, event) = (NOTIFIER, HEAP, MnEvent::Unmap);
        self.add(task, Event::MnCall { notifier, range, blockable, limited, event })
    }

    fn freezes(&mut self, task: TaskId) -> &mut Self {
        if self.recorder.cast.notifiers[NOTIFIER].interval {
            self.active += 1;
            return self.begins(task, self.active, 3, 1);
        }
        self
    }

    /// An invalidation that so many intervals overlap.
    pub(crate) fn begins(&mut self, task: TaskId, active: u16, seq: u32, over: u8) -> &mut Self {
        let op = ItreeOp::Start;
        self.add(task, Event::MnItree { mm: HOG_MM, op, active, seq, overlapping: over })
    }

    pub(crate) fn returns(&mut self, task: TaskId, refused: bool) -> &mut Self {
        self.add(task, Event::MnReturn { notifier: NOTIFIER, range: HEAP, refused })
    }

    pub(crate) fn tree(&mut self, op: ItreeOp, active: u16, seq: u32) -> &mut Self {
        self.add(HOG, Event::MnItree { mm: HOG_MM, op, active, seq, overlapping: 0 })
    }

    pub(crate) fn reads(&mut self, op: ItreeRead) -> &mut Self {
        self.add(OTHER, Event::MnRead { notifier: NOTIFIER, op, seq: 3 })
    }

    /// Nothing was wrong so far.
    #[track_caller]
    pub(crate) fn is_sound(&mut self) -> &mut Self {
        let findings = &self.recorder.findings;
        assert!(findings.broken.is_none() && findings.waived.is_empty(), "{findings:?}");
        self
    }

    /// This broke, and the run ends.
    #[track_caller]
    pub(crate) fn breaks(&self, invariant: Invariant) {
        let broken = self.recorder.findings.broken.as_ref().expect("something broke");
        assert_eq!(broken.invariant, invariant, "{broken:?}");
        assert_eq!(broken.at, SimTime(self.at));
        let last = self.recorder.trace.get(usize::try_from(broken.record).expect("small"));
        assert_eq!(last.as_ref(), broken.evidence.last(), "the evidence ends with its record");
        assert_eq!(self.recorder.stop(), Some(Stop::Broken));
    }

    /// This was seen and was to be expected.
    #[track_caller]
    pub(crate) fn is_waived(&self, invariant: Invariant) {
        let findings = &self.recorder.findings;
        assert_eq!(findings.broken, None);
        assert!(findings.waived.iter().any(|found| found.invariant == invariant), "{findings:?}");
        assert_eq!(self.recorder.stop(), None);
    }
}
