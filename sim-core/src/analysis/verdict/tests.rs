//! Verdicts of hand-written traces, with metrics and incidents.
#![expect(clippy::needless_raw_string_hashes, reason = "expect-test writes them")]

use expect_test::{Expect, expect};

use crate::analysis::report;
use crate::analysis::story::*;
use crate::engine::{Stop, WaitOn};
use crate::record::{Event, Gfp, PanicText, Reason, Run, SkipBy};

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
    story.add(HOG, Event::ProcessExit {}).add(HOG, Event::Exited {});
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
    story.add(OTHER, Event::ProcessExit {}).add(OTHER, Event::Exited {});
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
            deadlock: oom_reaper waits for ever since 140.000 ms: oom_reaper → other → oom_reaper. oom_reaper waits for lock of gpu0, which other holds since 140.000 ms. other asks for a page and retries in direct reclaim since 10.000 ms; hog was killed 1.98 s ago and still has 3.5 MiB. hog waits for lock of gpu0, which other holds since 140.000 ms. That closes a cycle unless a page comes free elsewhere: other → hog → other. That closes a cycle unless a page comes free elsewhere: oom_reaper → other → oom_reaper.
            flags ["slept-nonblocking"]
            40 ms refusal: 1 refusal in attempt 1: hog's buffers (gpu0) (1 links)
            40 ms back-off: the reaper backs off from hog after attempt 1 (2 links)
            140 ms cycle: they wait for each other: oom_reaper → other → oom_reaper (3 links)
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
