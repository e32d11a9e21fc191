//! A run made by hand, until the simulator is there.

use sim_core::analysis::types::*;
use sim_core::base::{DeviceId, LockId, MmId, Nanos, SimTime, TaskId};
use sim_core::engine::{Hold, Stop};
use sim_core::record::*;

use crate::engine::{Outcome, Request};

const MS: u64 = 1_000_000;

pub fn outcome(request: &Request) -> Outcome {
    let mut cast = Cast { jiffy: Nanos::from_ms(4), cpus: 2, ..Cast::default() };
    for (index, (name, kind)) in [("oom_reaper", TaskKind::Kthread), ("hog", TaskKind::User), ("bystander", TaskKind::User), ("gpu0", TaskKind::Device)].into_iter().enumerate() {
        cast.tasks.push(TaskInfo { name: name.into(), comm: name.into(), pid: 30 + index as u32 * 10, leader: TaskId(index as u32), kind, mm: None, oom_score_adj: 0 });
    }
    cast.mms.push(MmInfo { owner: TaskId(1), mmap_lock: LockId(0) });
    cast.mms.push(MmInfo { owner: TaskId(2), mmap_lock: LockId(0) });
    cast.devices.push(DeviceInfo { name: "gpu0".into(), driver: "gpu-fence", task: Some(TaskId(3)), lock: None });
    cast.locks.push(LockInfo { name: "mmap_lock of hog".into() });
    let mut recorder = Recorder::new(Keep::Records, cast);
    let seed = request.seed % 50;
    for n in 0..3000u64 {
        recorder.record(SimTime(n * MS / 2), TaskId((n % 4) as u32), if n % 3 == 0 { Event::Ready {} } else { Event::Acquired { lock: LockId(0), hold: Hold::Shared } });
    }
    let end = SimTime((2400 + seed) * MS);
    recorder.record(end, TaskId(0), Event::Exited {});
    let kill = 1000 + seed;
    let span = |from: u64, to: u64, state| Span { start: SimTime(from * MS), end: SimTime(to * MS), state, record: 0 };
    let mark = |at: u64, kind| Mark { at: SimTime(at * MS), kind, record: 0 };
    let mut reaper = vec![span(0, kill, LaneState::Sleeping)];
    let mut marks = vec![];
    let mut incidents = vec![];
    for n in 0..10u64 {
        let at = kill + n * 104;
        reaper.push(span(at, at + 4, LaneState::Reaping(n as u8 + 1)));
        reaper.push(span(at + 4, at + 104, LaneState::BackOff(n as u8 + 1)));
        marks.push(mark(at, MarkKind::AttemptStart));
        marks.push(mark(at + 4, MarkKind::Refusal));
        incidents.push(Incident { at: SimTime((at + 4) * MS), kind: "back-off", task: TaskId(0), text: format!("oom_reaper backs off, {} of 10", n + 1), chain: vec![], record: 2 * (at as usize + 4) });
    }
    reaper.push(span(kill + 1040, 2400 + seed, LaneState::Sleeping));
    marks.push(mark(kill + 1040, MarkKind::GiveUp));
    let mut jobs = vec![];
    for n in 0..(kill / 16) {
        jobs.push(span(n * 16, n * 16 + 11, LaneState::Job));
        jobs.push(span(n * 16 + 11, n * 16 + 16, LaneState::Sleeping));
    }
    let last = kill / 16 * 16;
    jobs.push(span(last, kill + 20, LaneState::Callback));
    jobs.push(span(kill + 20, kill + 1200, LaneState::CallbackBlocked));
    let lanes = vec![
        Lane { of: LaneOf::Reaper(TaskId(0)), title: "oom_reaper".into(), subtitle: "pid 30".into(), spans: reaper, marks },
        Lane { of: LaneOf::Task(TaskId(1)), title: "hog".into(), subtitle: "pid 40".into(), spans: vec![span(0, 900, LaneState::Running), span(900, kill, LaneState::Reclaiming), span(kill, kill + 30, LaneState::Killed), span(kill + 30, kill + 1200, LaneState::Blocked), span(kill + 1200, kill + 1300, LaneState::Exiting)], marks: vec![mark(kill, MarkKind::Kill), mark(kill + 1300, MarkKind::Exit)] },
        Lane { of: LaneOf::Task(TaskId(2)), title: "bystander".into(), subtitle: "pid 50".into(), spans: vec![span(0, 950, LaneState::Running), span(950, kill + 40, LaneState::Reclaiming), span(kill + 40, kill + 1100, LaneState::Runnable), span(kill + 1100, 2400, LaneState::Running)], marks: vec![] },
        Lane { of: LaneOf::Device(DeviceId(0)), title: "gpu0".into(), subtitle: "gpu-fence".into(), spans: jobs, marks: vec![] },
        Lane { of: LaneOf::Lock(LockId(0)), title: "mmap_lock of hog".into(), subtitle: "lock".into(), spans: vec![span(0, 950, LaneState::Held), span(950, kill + 1200, LaneState::Contended)], marks: vec![] },
    ];
    let mut free = vec![];
    let mut present = vec![];
    for n in 0..240u64 {
        let used = (n * 260).min(56_000);
        let used = if n * 10 > kill + 1200 { 9_000 } else { used };
        free.push((SimTime(n * 10 * MS), 64_000 - used));
        present.push((SimTime(n * 10 * MS), used * 3 / 4));
    }
    let other = present.iter().map(|(at, pages)| (*at, pages / 3)).collect();
    let memory = Memory { managed: 64_000, min: 1_300, low: 3_600, high: 6_000, free, present: vec![(MmId(0), present), (MmId(1), other)], ..Memory::default() };
    let report = Report {
        verdict: Verdict::ExtraVictims,
        evidence: "bystander was killed at 2 010.004 ms while hog still had 31 204 present pages".into(),
        flags: vec!["hung-task"],
        victims: vec![Victim { task: TaskId(1), killed: SimTime(kill * MS), skip: Some(SimTime((kill + 1040) * MS)), freed_pages: 38_000, attempts: 10 }],
        metrics: Metrics { reap_attempts: 10, backoffs: 10, refusals: 10, gave_up: 1, reaped_pages: 1234, callbacks: 40, callback_blocked_ns: 1180 * MS, callback_blocked_max_ns: 1180 * MS, oom_to_recovery_ns: Some(1300 * MS), events: recorder.count(), ..Metrics::default() },
        incidents,
    };
    let digest = recorder.digest();
    let events = recorder.count();
    let run = Run {
        id: RunId { scenario: request.scenario.clone(), kernel: request.kernel.clone().unwrap_or("5.3".into()), policy: request.policy.clone().unwrap_or("nonblock".into()), seed: request.seed },
        digest, events, end, stop: Stop::Idle, trace: recorder.trace, cast: recorder.cast,
    };
    Outcome { run, lanes, memory, report }
}

pub fn wait_chain(outcome: &Outcome, task: TaskId, at: SimTime) -> Vec<WaitLink> {
    let name = |task: TaskId| outcome.run.cast.tasks[task].name.clone();
    let link = |task: TaskId, waits_on: &str, holder: Option<TaskId>| WaitLink {
        task, since: SimTime(at.0 / 2), waits_on: waits_on.into(), kind: "lock", holder,
        text: format!("{} waits for {waits_on}", name(task)),
        stack: vec![Func::ScheduleTimeout, Func::OomReapTask, Func::OomReaper],
    };
    if task == TaskId(0) {
        vec![link(task, "the back-off before the next attempt, 3 of 10", Some(TaskId(3))), link(TaskId(3), "fence 37", None)]
    } else {
        vec![link(task, "mmap_lock of hog", Some(TaskId(0)))]
    }
}
