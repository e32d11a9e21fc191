//! Traces written by hand, for tests: a small cast and events at times.
//!
//! The cast: `oom_reaper`, `gpu0` (a device), `hog` with a thread
//! `hog/2`, and `other`; not born unless a test says so: `kswapd0` and
//! `gpu0/worker`. Times are in milliseconds.

use crate::base::{
    CpuId, DeviceId, FenceId, LockId, MmId, Nanos, NotifierId, QueueId, RangeId, ReportId, SimTime,
    StackId, TaskId, ZoneId,
};
use crate::engine::{Hold, Stop, WaitOn, Waited};
use crate::record::{
    Cast, DeviceInfo, Event, Gfp, Keep, LockInfo, LockReports, MmInfo, MnEvent, NamedEventInfo,
    NotifierInfo, RangeInfo, Reason, Recorder, Run, RunId, TaskInfo, TaskKind, VictimReport,
    ZoneInfo,
};

pub(super) const REAPER: TaskId = TaskId(0);
pub(super) const GPU_TASK: TaskId = TaskId(1);
pub(super) const HOG: TaskId = TaskId(2);
pub(super) const HOG_2: TaskId = TaskId(3);
pub(super) const OTHER: TaskId = TaskId(4);
pub(super) const KSWAPD: TaskId = TaskId(5);
pub(super) const WORKER: TaskId = TaskId(6);
pub(super) const GPU: DeviceId = DeviceId(0);
pub(super) const OOM_LOCK: LockId = LockId(0);
pub(super) const HOG_LOCK: LockId = LockId(1);
pub(super) const GPU_LOCK: LockId = LockId(3);
pub(super) const NAMED_LOCK: LockId = LockId(4);
pub(super) const EVENT: QueueId = QueueId(77);
pub(super) const HOG_MM: MmId = MmId(0);
pub(super) const HEAP: RangeId = RangeId(0);
pub(super) const BUFFERS: RangeId = RangeId(1);
pub(super) const OTHER_HEAP: RangeId = RangeId(2);
pub(super) const NOTIFIER: NotifierId = NotifierId(0);

/// A trace in the making.
pub(super) struct Story {
    recorder: Recorder,
    at: SimTime,
}

impl Story {
    /// Everybody is spawned at 0; the user tasks run.
    pub(super) fn new() -> Self {
        let mut story = Self::unborn();
        for task in [REAPER, GPU_TASK, HOG, HOG_2, OTHER] {
            story.add(task, Event::Spawned {});
        }
        story.free(1000);
        for task in [HOG, OTHER] {
            story.add(task, Event::Ran { cpu: CpuId(0) });
        }
        story.sleeps(REAPER, Reason::ReaperIdle);
        story.sleeps(GPU_TASK, Reason::DeviceIdle);
        story.sleeps(HOG_2, Reason::Forever);
        story
    }

    /// Nobody has been spawned.
    pub(super) fn unborn() -> Self {
        Self { recorder: Recorder::new(Keep::Records, cast()), at: SimTime::ZERO }
    }

    /// The device's fences need its worker.
    pub(super) fn set_worker(&mut self) -> &mut Self {
        self.recorder.cast.devices[GPU].worker = Some(WORKER);
        self
    }

    /// What follows happens at `ms`.
    pub(super) fn at(&mut self, ms: u64) -> &mut Self {
        self.at = SimTime(ms * 1_000_000);
        self
    }

    pub(super) fn add(&mut self, task: TaskId, event: Event) -> &mut Self {
        self.recorder.record(self.at, task, event);
        self
    }

    pub(super) fn free(&mut self, free: u32) -> &mut Self {
        let zone = ZoneId(0);
        self.add(HOG, Event::ZoneFree { zone, free })
    }

    pub(super) fn faults(&mut self, task: TaskId, range: RangeId, pages: u32) -> &mut Self {
        self.add(task, Event::Fault { range, pages })
    }

    pub(super) fn blocks(&mut self, task: TaskId, on: WaitOn, why: Reason) -> &mut Self {
        let (why, stack) = (why as u8, StackId(0));
        self.add(task, Event::Blocked { on, why, stack })
    }

    pub(super) fn sleeps(&mut self, task: TaskId, why: Reason) -> &mut Self {
        self.blocks(task, WaitOn::Time, why)
    }

    /// Wakes a task and gives it a CPU.
    pub(super) fn wakes(&mut self, task: TaskId) -> &mut Self {
        let how = Waited::Granted;
        self.add(task, Event::Woken { by: None, how });
        self.add(task, Event::Ran { cpu: CpuId(1) })
    }

    pub(super) fn takes(&mut self, task: TaskId, lock: LockId) -> &mut Self {
        let hold = Hold::Exclusive;
        self.add(task, Event::Acquired { lock, hold })
    }

    pub(super) fn reclaims(&mut self, task: TaskId, gfp: Gfp) -> &mut Self {
        let (order, gfp) = (0, gfp.0);
        self.add(task, Event::DirectReclaimBegin { order, gfp })
    }

    pub(super) fn kills(&mut self, killer: TaskId, victim: TaskId) -> &mut Self {
        let report = ReportId(0);
        self.add(killer, Event::SignalGenerate { target: victim });
        self.add(killer, Event::MarkVictim { victim, report })
    }

    /// The reaper calls the driver for `range`.
    pub(super) fn calls(&mut self, task: TaskId, range: RangeId, blockable: bool) -> &mut Self {
        let call = Event::MnCall {
            notifier: NOTIFIER,
            range,
            blockable,
            limited: false,
            event: MnEvent::Unmap,
        };
        self.add(task, call)
    }

    pub(super) fn returns(&mut self, task: TaskId, range: RangeId, refused: bool) -> &mut Self {
        let notifier = NOTIFIER;
        let returned = Event::MnReturn { notifier, range, refused };
        self.add(task, returned)
    }

    /// An attempt on `hog` that frees its heap and is refused its buffers.
    pub(super) fn attempt_is_refused(&mut self) -> &mut Self {
        let victim = HOG;
        self.add(REAPER, Event::StartTaskReaping { victim });
        self.calls(REAPER, BUFFERS, false);
        self.returns(REAPER, BUFFERS, true);
        self.add(REAPER, Event::FinishTaskReaping { victim, ok: false });
        self.sleeps(REAPER, Reason::BackOff)
    }

    pub(super) fn submits(&mut self, task: TaskId, fence: u32) -> &mut Self {
        let (device, fence) = (GPU, FenceId(fence));
        self.add(task, Event::JobSubmitted { device, fence })
    }

    pub(super) fn signals(&mut self, fence: u32) -> &mut Self {
        let fence = FenceId(fence);
        self.add(GPU_TASK, Event::FenceSignaled { fence })
    }

    /// The run ends at `ms`.
    pub(super) fn ends(&mut self, ms: u64, stop: Stop) -> Run {
        let id = RunId {
            scenario: "story".to_owned(),
            kernel: "6.1".to_owned(),
            policy: "interval".to_owned(),
            seed: 1,
        };
        Run {
            id,
            digest: self.recorder.digest(),
            marks: Vec::new(),
            events: self.recorder.count(),
            end: SimTime(ms * 1_000_000),
            stop,
            findings: self.recorder.findings.clone(),
            lock_reports: LockReports::default(),
            trace: self.recorder.trace.clone(),
            cast: self.recorder.cast.clone(),
        }
    }
}

fn cast() -> Cast {
    let mut cast = Cast { cpus: 2, jiffy: Nanos::from_ms(4), ..Cast::default() };
    let (user, kthread) = (TaskKind::User, TaskKind::Kthread);
    task(&mut cast, "oom_reaper", 61, REAPER, kthread, None);
    task(&mut cast, "gpu0", 0, GPU_TASK, TaskKind::Device, None);
    task(&mut cast, "hog", 100, HOG, user, Some(HOG_MM));
    task(&mut cast, "hog/2", 101, HOG, user, Some(HOG_MM));
    task(&mut cast, "other", 200, OTHER, user, Some(MmId(1)));
    task(&mut cast, "kswapd0", 60, KSWAPD, kthread, None);
    task(&mut cast, "gpu0/worker", 62, WORKER, kthread, None);
    for name in ["oom_lock", "mmap_lock of hog", "mmap_lock of other", "lock of gpu0", "lock m"] {
        cast.locks.push(LockInfo::mutex(name));
    }
    for (owner, mmap_lock) in [(HOG, HOG_LOCK), (OTHER, LockId(2))] {
        cast.mms.push(MmInfo { owner, mmap_lock });
    }
    range(&mut cast, HOG_MM, 0x1000_0000, "heap");
    range(&mut cast, HOG_MM, 0x2000_0000, "buffers");
    range(&mut cast, MmId(1), 0x3000_0000, "heap");
    cast.zones.push(ZoneInfo {
        name: "Normal".to_owned(),
        managed: 1000,
        min: 50,
        low: 60,
        high: 70,
    });
    cast.devices.push(DeviceInfo {
        name: "gpu0".to_owned(),
        driver: "gpu-fence".to_owned(),
        module: "gpu_fence".to_owned(),
        task: Some(GPU_TASK),
        locks: vec![GPU_LOCK],
        tries: Vec::new(),
        refuses_for: Vec::new(),
        lucky: 0,
        fails: 0,
        worker: None,
        faulter: None,
        timeout: None,
        signaled: None,
    });
    cast.notifiers.push(NotifierInfo { device: GPU, mm: HOG_MM, interval: true });
    cast.reports.push(VictimReport::default());
    let (name, signalers) = ("done".to_owned(), vec![OTHER]);
    cast.named_events.push(NamedEventInfo { name, queue: EVENT, signalers });
    cast
}

fn task(cast: &mut Cast, name: &str, pid: u32, leader: TaskId, kind: TaskKind, mm: Option<MmId>) {
    cast.tasks.push(TaskInfo {
        name: name.to_owned(),
        comm: name.to_owned(),
        pid,
        leader,
        kind,
        mm,
        oom_score_adj: 0,
    });
}

fn range(cast: &mut Cast, mm: MmId, start: u64, name: &str) {
    cast.ranges.push(RangeInfo {
        mm,
        start,
        end: start + 0x100_0000,
        name: name.to_owned(),
        anonymous: true,
    });
}
