//! A run put together by hand, record by record: a kill, an attempt that
//! is refused once, and one that succeeds.

use crate::base::{
    CpuId, DeviceId, LockId, MmId, Nanos, NotifierId, QueueId, RangeId, ReportId, SimTime, StackId,
    TaskId, ZoneId,
};
use crate::engine::{Stop, WaitOn, Waited};
use crate::record::{
    Cast, DeviceInfo, Event, Gfp, Keep, LockReports, MmInfo, MnEvent, NotifierInfo, OomScope,
    RangeInfo, Reason, Recorder, Run, RunId, TaskInfo, TaskKind, VictimReport, Wording, ZoneInfo,
};

const REAPER: TaskId = TaskId(0);
const TIMER: TaskId = TaskId(1);
const HOG: TaskId = TaskId(2);
const PRESSER: TaskId = TaskId(3);

fn task(name: &str, pid: u32, kind: TaskKind, mm: Option<u32>) -> TaskInfo {
    TaskInfo {
        name: name.to_owned(),
        comm: name.to_owned(),
        pid,
        leader: TaskId(0),
        kind,
        mm: mm.map(MmId),
        oom_score_adj: 0,
    }
}

fn cast(wording: Wording) -> Cast {
    let mut cast = Cast { jiffy: Nanos::from_ms(4), cpus: 1, wording, ..Cast::default() };
    cast.tasks.push(task("oom_reaper", 25, TaskKind::Kthread, None));
    cast.tasks.push(task("timer", 0, TaskKind::Timer, None));
    cast.tasks.push(task("hog", 130, TaskKind::User, Some(0)));
    cast.tasks.push(task("presser", 132, TaskKind::User, None));
    cast.mms.push(MmInfo { owner: HOG, mmap_lock: LockId(0) });
    for (name, start, end) in [("heap", 0x1000, 0x9000), ("buffers", 0x10_000, 0x20_000)] {
        cast.ranges.push(RangeInfo {
            mm: MmId(0),
            start,
            end,
            name: name.to_owned(),
            anonymous: true,
        });
    }
    cast.zones.push(ZoneInfo {
        name: "DMA32".to_owned(),
        managed: 52_062,
        min: 436,
        low: 545,
        high: 654,
    });
    cast.devices.push(DeviceInfo {
        name: "gpu0".to_owned(),
        driver: "always-refuse".to_owned(),
        module: "always_refuse".to_owned(),
        task: None,
        locks: Vec::new(),
        tries: Vec::new(),
        refuses_for: Vec::new(),
        lucky: 0,
        fails: 0,
        worker: None,
        faulter: None,
        timeout: None,
        signaled: None,
    });
    cast.notifiers.push(NotifierInfo { device: DeviceId(0), mm: MmId(0), interval: false });
    let sizes = VictimReport {
        total_vm: 28_024,
        anon: 23_711,
        file: 1,
        shmem: 112,
        pgtables_bytes: 224 * 1024,
        oom_score_adj: 0,
        uid: 0,
    };
    cast.reports.push(VictimReport { anon: 16, ..sizes.clone() });
    cast.reports.push(sizes);
    cast
}

/// A kill, one attempt that is refused once and one that succeeds.
pub(in crate::export) fn run(kernel: &str) -> Run {
    let profile = crate::kernel::switches::find(kernel).expect("a profile");
    let mut recorder = Recorder::new(Keep::Records, cast(profile.wording()));
    let call = |recorder: &mut Recorder, at, refused| {
        let (notifier, range) = (NotifierId(0), RangeId(1));
        let event = MnEvent::Unmap;
        let call = Event::MnCall { notifier, range, blockable: false, limited: false, event };
        recorder.record(at, REAPER, call);
        recorder.record(at, REAPER, Event::MnReturn { notifier, range, refused });
    };
    let ms = |ms: u64| SimTime(ms * 1_000_000);
    let wait = Event::Blocked {
        on: WaitOn::Queue(QueueId(3)),
        why: Reason::Start as u8,
        stack: StackId(0),
    };
    let on = |cpu| Event::Ran { cpu: CpuId(cpu) };
    recorder.record(ms(0), PRESSER, wait);
    recorder.record(ms(0), HOG, on(0));
    recorder.record(ms(1), HOG, Event::Preempted {});
    recorder.record(ms(1), PRESSER, Event::Woken { by: Some(HOG), how: Waited::Granted });
    recorder.record(ms(1), PRESSER, on(0));
    let (order, gfp) = (0, Gfp::ZEROED_MOVABLE.0);
    let zone = ZoneId(0);
    recorder.record(ms(2), PRESSER, Event::ZoneFree { zone, free: 428 });
    recorder.record(ms(2), PRESSER, Event::DirectReclaimBegin { order, gfp });
    recorder.record(ms(3), PRESSER, Event::DirectReclaimEnd { reclaimed: 0 });
    let retry = Event::ReclaimRetryZone { zone, reclaimable: 428, loops: 1, ok: true };
    recorder.record(ms(3), PRESSER, retry);
    let victim = HOG;
    recorder.record(
        ms(4),
        PRESSER,
        Event::OomKillProcess { victim, gfp, order, scope: OomScope::Global, report: true },
    );
    recorder.record(ms(4), PRESSER, Event::SignalGenerate { target: HOG });
    let at = SimTime(4_000_600);
    recorder.record(at, PRESSER, Event::MarkVictim { victim, report: ReportId(1) });
    recorder.record(at, PRESSER, Event::KilledProcess { victim, report: ReportId(1) });
    recorder.record(ms(2010), TIMER, Event::WakeReaper { victim });
    recorder.record(ms(2010), PRESSER, Event::Preempted {});
    recorder.record(ms(2010), REAPER, on(0));
    recorder.record(ms(2010), REAPER, Event::StartTaskReaping { victim });
    let zap = Event::Zap { range: RangeId(0), pages: 23_695, freed: 23_695 };
    recorder.record(ms(2011), REAPER, zap);
    call(&mut recorder, ms(2011), true);
    recorder.record(ms(2011), REAPER, Event::FinishTaskReaping { victim, ok: false });
    recorder.record(ms(2115), REAPER, Event::StartTaskReaping { victim });
    call(&mut recorder, ms(2115), false);
    recorder.record(ms(2115), REAPER, Event::Reaped { victim, report: ReportId(0) });
    recorder.record(ms(2115), REAPER, Event::FinishTaskReaping { victim, ok: true });
    recorder.record(ms(2116), HOG, Event::ExitMmap { mm: MmId(0) });
    recorder.record(ms(2117), HOG, Event::ExitMmapDone { mm: MmId(0) });
    recorder.record(ms(2117), HOG, Event::ProcessExit { group_dead: true });
    Run {
        id: RunId {
            scenario: "by-hand".to_owned(),
            kernel: kernel.to_owned(),
            policy: "interval".to_owned(),
            seed: 1,
        },
        digest: recorder.digest(),
        marks: Vec::new(),
        events: recorder.count(),
        end: ms(2117),
        stop: Stop::Idle,
        findings: recorder.findings,
        lock_reports: LockReports::default(),
        trace: recorder.trace,
        cast: recorder.cast,
    }
}
