//! Verdicts of hand-written traces, with metrics and incidents.
#![expect(clippy::needless_raw_string_hashes, reason = "expect-test writes them")]

use expect_test::{Expect, expect};

use crate::analysis::report;
use crate::analysis::story::*;
use crate::base::{Nanos, QueueId, ReportId};
use crate::engine::{Stop, WaitOn};
use crate::record::{Event, Gfp, OomResult, PanicText, Reason, Run, SkipBy};

fn check(run: &Run, text: &Expect) {
    let report = report(run);
    let mut lines = vec![format!("{}: {}", report.verdict.id(), report.evidence)];
    if !report.flags.is_empty() {
        lines.push(format!("flags {:?}", report.flags));
    }
    for incident in &report.incidents {
        let ms = incident.at.0 / 1_000_000;
        let count = incident.chain.len();
        lines.push(format!("{ms} ms {}: {} ({count} links)", incident.kind, incident.text));
    }
    for victim in &report.victims {
        lines.push(format!(
            "victim {} killed {:?} skip {:?} freed {} attempts {}",
            run.cast.tasks[victim.task].name,
            victim.killed.0,
            victim.skip.map(|at| at.0),
            victim.freed_pages,
            victim.attempts
        ));
    }
    text.assert_eq(&(lines.join("\n") + "\n"));
}

/// `other` asks for a page, `hog` is killed for it, and is refused once.
fn killing() -> Story {
    let mut story = Story::new();
    story.at(1).faults(HOG, HEAP, 900).free(40);
    story.at(10).reclaims(OTHER, Gfp::HIGHUSER_MOVABLE);
    story.at(20).kills(OTHER, HOG);
    story.at(40).add(GPU_TASK, Event::WakeReaper { victim: HOG });
    story.wakes(REAPER).attempt_is_refused();
    story
}

fn exits(story: &mut Story) {
    story.add(HOG, Event::Zap { range: HEAP, pages: 900, freed: 900 }).free(940);
    story.add(HOG, Event::OomSkipSet { mm: HOG_MM, by: SkipBy::Exit });
    story.add(HOG, Event::ProcessExit { group_dead: true }).add(HOG, Event::Exited {});
    story.wakes(HOG_2).add(HOG_2, Event::Exited {});
}

#[test]
fn recovered_once_the_victim_is_gone() {
    let mut story = killing();
    exits(story.at(50));
    story.at(60).faults(OTHER, OTHER_HEAP, 1).sleeps(OTHER, Reason::Forever);
    story.at(140).wakes(REAPER).sleeps(REAPER, Reason::ReaperIdle);
    let run = story.ends(150, Stop::Idle);
    check(
        &run,
        &expect![[r#"
            recovered: hog was killed at 20.000 ms; by 60.000 ms free memory was above the high watermark and every survivor had got its page.
            40 ms refusal: 1 refusal in attempt 1: hog's buffers (gpu0) (1 links)
            40 ms back-off: the reaper backs off from hog after attempt 1 (2 links)
            victim hog killed 20000000 skip Some(50000000) freed 900 attempts 1
        "#]],
    );
    let metrics = report(&run).metrics;
    assert_eq!(metrics.oom_to_recovery_ns, Some(40_000_000));
    assert_eq!(metrics.alloc_stall.p50, Some(50_000_000));
    assert_eq!((metrics.reap_attempts, metrics.backoffs, metrics.refusals), (1, 1, 1));
}

#[test]
fn extra_victim_while_the_first_has_pages() {
    let mut story = killing();
    story.at(140).wakes(REAPER).add(REAPER, Event::UnableToReap { victim: HOG });
    story.add(REAPER, Event::OomSkipSet { mm: HOG_MM, by: SkipBy::GiveUp });
    story.sleeps(REAPER, Reason::ReaperIdle);
    story.at(150).kills(OTHER, OTHER).add(OTHER, Event::SignalDeliver {});
    let mm = crate::base::MmId(1);
    story.at(160).add(OTHER, Event::OomSkipSet { mm, by: SkipBy::Exit }).free(90);
    story.add(OTHER, Event::ProcessExit { group_dead: true }).add(OTHER, Event::Exited {});
    check(
        &story.ends(170, Stop::Idle),
        &expect![[r#"
            extra-victims: other was killed at 150.000 ms although hog, killed before, still had 3.5 MiB.
            40 ms refusal: 1 refusal in attempt 1: hog's buffers (gpu0) (1 links)
            40 ms back-off: the reaper backs off from hog after attempt 1 (2 links)
            140 ms give-up: the reaper gives up on hog, which keeps 3.5 MiB (1 links)
            150 ms extra-victim: other is killed although hog still has 3.5 MiB (1 links)
            victim hog killed 20000000 skip Some(140000000) freed 0 attempts 1
            victim other killed 150000000 skip Some(160000000) freed 0 attempts 0
        "#]],
    );
}

#[test]
fn stalled_when_the_horizon_comes_during_a_back_off() {
    check(
        &killing().ends(100, Stop::Horizon),
        &expect![[r#"
        stalled: The run was over at 100.000 ms, but: other asks for a page and retries in direct reclaim since 10.000 ms; hog was killed 80 ms ago and still has 3.5 MiB. hog runs on CPU 0. oom_reaper waits for the back-off before attempt 2 of 10 (past the end of the run), because gpu0 refused hog's buffers [0x20000000–0x21000000) in attempt 1. gpu0 has no job.
        40 ms refusal: 1 refusal in attempt 1: hog's buffers (gpu0) (1 links)
        40 ms back-off: the reaper backs off from hog after attempt 1 (2 links)
        victim hog killed 20000000 skip None freed 0 attempts 1
    "#]],
    );
}

#[test]
fn livelock_when_only_nofs_retries_run() {
    let mut story = Story::new();
    story.at(5).sleeps(HOG, Reason::Forever);
    for ms in 10..1500 {
        story.at(ms).reclaims(OTHER, Gfp::DIRECT_RECLAIM).takes(OTHER, OOM_LOCK);
        story.add(OTHER, Event::Released { lock: OOM_LOCK });
    }
    check(
        &story.ends(1500, Stop::Horizon),
        &expect![[r#"
        livelock: Only retries of other ran in the last 1.50 s (since 0.000 ms). other asks for a page and retries in direct reclaim since 10.000 ms; its request may not enter a filesystem (no __GFP_FS), so it can have nobody killed.
    "#]],
    );
}

/// A fault that waits for ranges to end, and is tried again for ever, brings nobody a page.
#[test]
fn livelock_beside_a_fault_that_is_never_served() {
    let ends = |reason: Reason| {
        let mut story = Story::new();
        story.at(5).sleeps(HOG, Reason::Forever).sleeps(HOG_2, reason);
        for ms in 10..1500 {
            story.at(ms).reclaims(OTHER, Gfp::DIRECT_RECLAIM).takes(OTHER, OOM_LOCK);
            story.add(OTHER, Event::Released { lock: OOM_LOCK });
        }
        report(&story.ends(1500, Stop::Horizon)).verdict.id()
    };
    // Who waits for a disk may come back and free something.
    assert_eq!((ends(Reason::RangeActive), ends(Reason::DiskRead)), ("livelock", "stalled"));
}

#[test]
fn deadlock_of_reaper_and_allocator() {
    let mut story = killing();
    story.at(140).wakes(REAPER).add(REAPER, Event::StartTaskReaping { victim: HOG });
    story.takes(OTHER, GPU_LOCK).calls(REAPER, BUFFERS, false);
    story.blocks(REAPER, WaitOn::Lock(GPU_LOCK), Reason::DriverLock);
    story.blocks(HOG, WaitOn::Lock(GPU_LOCK), Reason::DriverLock);
    story.at(150).wakes(HOG_2).add(HOG_2, Event::Exited {});
    check(
        &story.ends(2000, Stop::Horizon),
        &expect![[r#"
            deadlock: From 150.000 ms on oom_reaper could never go on: oom_reaper → other (lock of gpu0) → oom_reaper (a page, by the reaper). Nor could hog, which waits for other (lock of gpu0).
            flags ["slept-nonblocking"]
            40 ms refusal: 1 refusal in attempt 1: hog's buffers (gpu0) (1 links)
            40 ms back-off: the reaper backs off from hog after attempt 1 (2 links)
            150 ms cycle: they wait for each other: oom_reaper → other → oom_reaper (2 links)
            150 ms cycle: they wait for each other: hog → other → hog (2 links)
            victim hog killed 20000000 skip None freed 0 attempts 2
        "#]],
    );
}

#[test]
fn deadlock_needs_everybody_to_be_stuck() {
    let mut story = killing();
    story.at(140).wakes(REAPER).add(REAPER, Event::StartTaskReaping { victim: HOG });
    story.takes(OTHER, GPU_LOCK).calls(REAPER, BUFFERS, true);
    story.blocks(REAPER, WaitOn::Lock(GPU_LOCK), Reason::DriverLock);
    // A thread of the victim will come out of its driver and tear everything down.
    story.wakes(HOG_2).sleeps(HOG_2, Reason::Stuck);
    check(
        &story.ends(2000, Stop::Horizon),
        &expect![[r#"
            stalled: The run was over at 2000.000 ms, but: other asks for a page and retries in direct reclaim since 10.000 ms; hog was killed 1.98 s ago and still has 3.5 MiB. hog/2 is stuck in an uninterruptible wait inside a driver (past the end of the run). oom_reaper waits for lock of gpu0, which other holds since 140.000 ms. That closes a cycle unless a page comes free elsewhere: other → oom_reaper → other.
            40 ms refusal: 1 refusal in attempt 1: hog's buffers (gpu0) (1 links)
            40 ms back-off: the reaper backs off from hog after attempt 1 (2 links)
            victim hog killed 20000000 skip None freed 0 attempts 2
        "#]],
    );
}

#[test]
fn panic_comes_before_everything() {
    let mut story = killing();
    story.at(50).add(OTHER, Event::Panic { text: PanicText::Deadlocked });
    check(
        &story.ends(50, Stop::Requested),
        &expect![[r#"
            panic: The kernel panicked at 50.000 ms: out of memory, and nobody left to kill (System is deadlocked on memory).
            40 ms refusal: 1 refusal in attempt 1: hog's buffers (gpu0) (1 links)
            40 ms back-off: the reaper backs off from hog after attempt 1 (2 links)
            victim hog killed 20000000 skip None freed 0 attempts 1
        "#]],
    );
}

#[test]
fn no_oom_when_nobody_waits_at_the_horizon() {
    let mut story = Story::new();
    story.at(5).sleeps(HOG, Reason::Pace).sleeps(OTHER, Reason::Forever);
    check(
        &story.ends(100, Stop::Horizon),
        &expect![[r#"
        no-oom: Nobody was killed, and nobody waits for memory.
    "#]],
    );
}

/// The reaper waits for a fence that a worker has to signal, which wants
/// a lock whose owner asks for a page with `gfp`.
fn indirect(gfp: Gfp) -> Story {
    let mut story = Story::new();
    story.at(1).faults(HOG, HEAP, 900).free(40);
    story.add(WORKER, Event::Spawned {}).sleeps(WORKER, Reason::DeviceIdle);
    story.at(5).submits(HOG, 7).takes(OTHER, NAMED_LOCK).reclaims(OTHER, gfp);
    story.at(20).kills(OTHER, HOG).add(HOG, Event::Exited {});
    story.blocks(HOG_2, WaitOn::Lock(NAMED_LOCK), Reason::NamedLock);
    story.at(30).blocks(GPU_TASK, WaitOn::Queue(QueueId(3)), Reason::FenceWorker);
    story.wakes(WORKER).blocks(WORKER, WaitOn::Lock(NAMED_LOCK), Reason::NamedLock);
    story.at(40).add(GPU_TASK, Event::WakeReaper { victim: HOG });
    story.wakes(REAPER).add(REAPER, Event::StartTaskReaping { victim: HOG });
    story.calls(REAPER, BUFFERS, true);
    story.blocks(REAPER, WaitOn::Queue(QueueId(2)), Reason::Fence);
    story
}

/// The same run with the worker in the cast.
fn with_worker(mut run: Run) -> Run {
    run.cast.devices[GPU].worker = Some(WORKER);
    run
}

#[test]
fn deadlock_through_the_signalling_worker() {
    for gfp in [Gfp::KERNEL, Gfp::NOFS, Gfp::NOIO] {
        let run = with_worker(indirect(gfp).ends(2000, Stop::Horizon));
        let report = report(&run);
        assert_eq!(report.verdict.id(), "deadlock", "{}", gfp.text());
        let cycle = "oom_reaper → gpu0 (a fence) → gpu0/worker (the signal of a fence) → other (lock m) \
                     → oom_reaper (a page, by the reaper)";
        assert!(report.evidence.contains(cycle), "{}", report.evidence);
        let incident = report.incidents.iter().find(|incident| incident.kind == "cycle");
        assert_eq!(incident.map(|incident| incident.at.0), Some(40_000_000));
    }
}

#[test]
fn time_out_of_a_job_breaks_the_cycle() {
    let mut run = with_worker(indirect(Gfp::KERNEL).ends(2000, Stop::Horizon));
    run.cast.devices[GPU].timeout = Some(Nanos::from_secs(10));
    assert_ne!(report(&run).verdict.id(), "deadlock");
}

#[test]
fn deadlock_over_an_event_that_an_allocator_should_signal() {
    let mut story = killing();
    story.at(140).wakes(REAPER).add(REAPER, Event::StartTaskReaping { victim: HOG });
    story.takes(HOG_2, GPU_LOCK).calls(REAPER, BUFFERS, true);
    story.blocks(REAPER, WaitOn::Lock(GPU_LOCK), Reason::DriverLock);
    story.add(HOG, Event::Exited {});
    story.blocks(HOG_2, WaitOn::Queue(EVENT), Reason::NamedEvent);
    let report = report(&story.ends(2000, Stop::Horizon));
    assert_eq!(report.verdict.id(), "deadlock", "{}", report.evidence);
    let cycle = "oom_reaper → hog/2 (lock of gpu0) → other (event done) → oom_reaper (a page, by the \
                 reaper)";
    assert!(report.evidence.contains(cycle), "{}", report.evidence);
}

#[test]
fn forgotten_invalidation_holds_its_waiter_for_ever() {
    let mut story = killing();
    // The reaper began an invalidation in its first attempt that it never ended.
    let op = crate::record::ItreeOp::Start;
    story.at(41).add(REAPER, Event::MnItree { mm: HOG_MM, op, active: 1, seq: 3, overlapping: 0 });
    story.at(140).wakes(REAPER).add(REAPER, Event::StartTaskReaping { victim: HOG });
    story.takes(HOG_2, GPU_LOCK).calls(REAPER, BUFFERS, true);
    story.returns(REAPER, BUFFERS, true);
    story.add(REAPER, Event::FinishTaskReaping { victim: HOG, ok: false });
    story.blocks(REAPER, WaitOn::Lock(GPU_LOCK), Reason::DriverLock);
    story.blocks(HOG_2, WaitOn::Queue(QueueId(1)), Reason::IntervalRead);
    let report = report(&story.ends(2000, Stop::Horizon));
    assert_eq!(report.verdict.id(), "deadlock", "{}", report.evidence);
    assert_eq!(report.flags, ["lost-end"]);
    let why = "oom_reaper could never go on: oom_reaper → hog/2 (lock of gpu0), which waits for an \
               invalidation of its range to end (read_begin): nobody will end it.";
    assert!(report.evidence.ends_with(why), "{}", report.evidence);
}

#[test]
fn give_up_without_skip_is_a_livelock() {
    // Linux 4.6: after ten attempts nothing changes, and the killer waits on.
    let mut story = killing();
    story.takes(OTHER, NAMED_LOCK);
    story.blocks(HOG, WaitOn::Lock(NAMED_LOCK), Reason::NamedLock);
    story.blocks(HOG_2, WaitOn::Lock(NAMED_LOCK), Reason::NamedLock);
    story.at(140).wakes(REAPER).add(REAPER, Event::UnableToReap { victim: HOG });
    story.sleeps(REAPER, Reason::ReaperIdle);
    for ms in 150..1500 {
        story.at(ms).reclaims(OTHER, Gfp::HIGHUSER_MOVABLE).takes(OTHER, OOM_LOCK);
        let victim = Some(HOG);
        story.add(OTHER, Event::OutOfMemory { result: OomResult::Aborted, victim });
        story.add(OTHER, Event::Released { lock: OOM_LOCK });
    }
    let report = report(&story.ends(1500, Stop::Horizon));
    assert_eq!(report.verdict.id(), "livelock", "{}", report.evidence);
}

#[test]
fn reaped_victim_is_no_longer_pending_without_skip() {
    let mut story = killing();
    story.at(140).wakes(REAPER).add(REAPER, Event::StartTaskReaping { victim: HOG });
    story.add(REAPER, Event::Zap { range: HEAP, pages: 900, freed: 900 }).free(940);
    story.add(REAPER, Event::Reaped { victim: HOG, report: ReportId(0) });
    story.add(REAPER, Event::FinishTaskReaping { victim: HOG, ok: true });
    story.sleeps(REAPER, Reason::ReaperIdle);
    story.faults(OTHER, OTHER_HEAP, 1).sleeps(OTHER, Reason::Forever);
    let report = report(&story.ends(300, Stop::Horizon));
    assert_eq!(report.verdict.id(), "recovered", "{}", report.evidence);
    assert_eq!(report.victims[0].skip, None);
}

#[test]
fn a_group_dies_together_and_the_dying_are_not_killed() {
    let killer_of_two = |group: bool| {
        let mut story = Story::new();
        story.at(1).faults(HOG, HEAP, 900).faults(OTHER, OTHER_HEAP, 50);
        story.at(10).reclaims(OTHER, Gfp::KERNEL).kills(OTHER, HOG);
        if group {
            story.add(OTHER, Event::OomGroupKill { cgroup: crate::base::CgroupId(0) });
        }
        story.kills(OTHER, OTHER);
        exits(story.at(50));
        story.add(OTHER, Event::OomSkipSet { mm: crate::base::MmId(1), by: SkipBy::Exit });
        story.add(OTHER, Event::Exited {});
        report(&story.ends(60, Stop::Idle)).verdict.id()
    };
    assert_eq!(killer_of_two(false), "extra-victims");
    assert_eq!(killer_of_two(true), "recovered");

    let mut story = killing();
    // `other` has its own SIGKILL, and marks itself so that it may have reserves.
    story.at(60).add(OTHER, Event::OutOfMemory { result: OomResult::Killed, victim: Some(HOG) });
    story.add(OTHER, Event::MarkVictim { victim: OTHER, report: ReportId(0) });
    exits(story.at(70));
    story.add(OTHER, Event::OomSkipSet { mm: crate::base::MmId(1), by: SkipBy::Exit });
    story.add(OTHER, Event::Exited {}).at(140).wakes(REAPER).sleeps(REAPER, Reason::ReaperIdle);
    assert_eq!(report(&story.ends(200, Stop::Idle)).verdict.id(), "recovered");
}

#[test]
fn flags_and_metrics_come_from_what_was_recorded() {
    let flags = |event: Event| {
        let mut story = Story::new();
        story.at(5).add(OTHER, event).sleeps(HOG, Reason::Forever).sleeps(OTHER, Reason::Forever);
        report(&story.ends(10, Stop::Idle)).flags
    };
    let (device, range, notifier, zone) = (GPU, BUFFERS, NOTIFIER, crate::base::ZoneId(0));
    assert_eq!(flags(Event::StaleAccess { device, range, pages: 3 }), ["stale-access"]);
    assert_eq!(flags(Event::SleptNonblocking { notifier }), ["slept-nonblocking"]);
    assert_eq!(flags(Event::MnLostEnd { notifier, range }), ["lost-end"]);
    assert_eq!(flags(Event::ReserveTaken { zone, free: 0 }), ["reserve-exhausted"]);
    assert_eq!(flags(Event::ReserveTaken { zone, free: 1 }), [""; 0]);
    // A request that fails is nothing unusual, unless it had the reserves to itself.
    let failed = Event::AllocFailed { order: 0, gfp: Gfp::KERNEL.0 };
    assert_eq!(flags(failed), [""; 0]);
    let mut story = killing();
    story.at(50).kills(OTHER, OTHER).add(OTHER, failed);
    assert_eq!(report(&story.ends(60, Stop::Horizon)).flags, ["reserve-exhausted"]);
}

#[test]
fn stale_accesses_are_one_incident_per_device_and_vma() {
    let mut story = Story::new();
    for (ms, range) in [(5, BUFFERS), (6, BUFFERS), (7, HEAP)] {
        story.at(ms).add(GPU_TASK, Event::StaleAccess { device: GPU, range, pages: 3 });
    }
    let report = report(&story.ends(10, Stop::Idle));
    assert_eq!(report.metrics.stale_accesses, 3);
    let texts: Vec<_> = report.incidents.iter().map(|incident| incident.text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "gpu0 uses 3 pages of hog's buffers that were freed (2 times)",
            "gpu0 uses 3 pages of hog's heap that were freed (1 time)"
        ]
    );
}

#[test]
fn blocked_task_is_hung_after_two_looks() {
    let hung = |until_ms| {
        let mut story = Story::new();
        story.at(5).sleeps(OTHER, Reason::Forever).sleeps(HOG, Reason::Stuck);
        story.at(until_ms).wakes(HOG).sleeps(HOG, Reason::Forever);
        let report = report(&story.ends(until_ms, Stop::Idle));
        (report.metrics.hung_tasks, report.flags)
    };
    assert_eq!(hung(239_000), (0, vec![]));
    assert_eq!(hung(241_000), (1, vec!["hung-task"]));
}

#[test]
fn busy_kswapd_leaves_a_run_without_recovery_open() {
    let ends = |idle: bool| {
        let mut story = killing();
        story.add(KSWAPD, Event::Spawned {}).wakes(KSWAPD);
        story.at(50).add(HOG, Event::OomSkipSet { mm: HOG_MM, by: SkipBy::Exit });
        story.add(HOG, Event::Exited {}).wakes(HOG_2).add(HOG_2, Event::Exited {});
        story.at(60).faults(OTHER, OTHER_HEAP, 1).sleeps(OTHER, Reason::Forever);
        story.at(140).wakes(REAPER).sleeps(REAPER, Reason::ReaperIdle);
        if idle {
            story.sleeps(KSWAPD, Reason::KswapdIdle);
        }
        report(&story.ends(150, Stop::Horizon)).verdict.id()
    };
    assert_eq!(ends(false), "stalled");
    assert_eq!(ends(true), "recovered");
}

#[test]
fn refusals_of_the_core_count_and_second_passes_do_not() {
    let mut story = Story::new();
    story.at(20).kills(OTHER, HOG).wakes(REAPER);
    story.add(REAPER, Event::StartTaskReaping { victim: HOG });
    let (notifier, range) = (NOTIFIER, BUFFERS);
    story.add(REAPER, Event::CoreRefused { notifier, range });
    story.add(REAPER, Event::FinishTaskReaping { victim: HOG, ok: false });
    story.sleeps(REAPER, Reason::BackOff);
    story.at(30).calls(OTHER, BUFFERS, true).returns(OTHER, BUFFERS, false);
    story.add(OTHER, Event::MnFinishCall { notifier, range });
    story.sleeps(OTHER, Reason::CallbackWork).at(37).wakes(OTHER);
    story.add(OTHER, Event::MnFinishReturn { notifier, range });
    let report = report(&story.ends(40, Stop::Horizon));
    let metrics = &report.metrics;
    assert_eq!((metrics.refusals, metrics.callbacks), (1, 1));
    assert_eq!(metrics.callback_blocked_ns, 7_000_000);
    let kinds: Vec<_> = report.incidents.iter().map(|incident| incident.kind).collect();
    assert_eq!(kinds, ["refusal", "back-off"]);
}

#[test]
fn fault_of_a_device_that_lost_an_end_is_never_served() {
    let ends = |is_lost: bool| {
        let mut story = killing();
        let (notifier, range) = (NOTIFIER, BUFFERS);
        if is_lost {
            story.add(REAPER, Event::MnLostEnd { notifier, range });
        }
        story.add(HOG, Event::Exited {}).takes(HOG_2, GPU_LOCK);
        story.sleeps(HOG_2, Reason::DeviceFault);
        story.at(140).wakes(REAPER).add(REAPER, Event::StartTaskReaping { victim: HOG });
        story.calls(REAPER, BUFFERS, true);
        story.blocks(REAPER, WaitOn::Lock(GPU_LOCK), Reason::DriverLock);
        report(&story.ends(2000, Stop::Horizon)).verdict.id()
    };
    assert_eq!((ends(true), ends(false)), ("deadlock", "stalled"));
}
