//! Wait chains of hand-written traces, as text, and of random ones.
#![expect(clippy::needless_raw_string_hashes, reason = "expect-test writes them")]

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::wait_chain;
use crate::analysis::lanes::tests::any_run;
use crate::analysis::story::*;
use crate::analysis::{Index, event_text};
use crate::base::{QueueId, SimTime, TaskId};
use crate::engine::{Stop, WaitOn};
use crate::record::{Event, Gfp, Reason};

fn check(story: &mut Story, task: TaskId, at_ms: u64, text: &Expect) {
    let run = story.ends(200, Stop::Horizon);
    let index = Index::new(&run);
    let links = wait_chain(&index, task, SimTime(at_ms * 1_000_000));
    let sentences = links.iter().map(|link| {
        let holder = link.holder.map_or("-", |task| &run.cast.tasks[task].name);
        format!("[{}] {} / {holder}: {}\n", link.kind, link.waits_on, link.text)
    });
    text.assert_eq(&sentences.collect::<String>());
}

fn refused_story() -> Story {
    let mut story = Story::new();
    story.at(1).faults(HOG, HEAP, 900);
    story.at(10).reclaims(OTHER, Gfp::HIGHUSER_MOVABLE);
    story.at(20).kills(OTHER, HOG).wakes(HOG_2).sleeps(HOG_2, Reason::Stuck);
    story.at(30).submits(HOG, 7);
    story.at(40).add(GPU_TASK, Event::WakeReaper { victim: HOG });
    story.wakes(REAPER).attempt_is_refused();
    story.at(140).wakes(REAPER).attempt_is_refused();
    story.at(190).signals(7);
    story
}

#[test]
fn back_off_names_the_refusal_and_the_job() {
    check(
        &mut refused_story(),
        REAPER,
        58,
        &expect![[r#"
        [time] back-off 1 of 10 / gpu0: oom_reaper waits for the back-off before attempt 2 of 10 (82 ms left), because gpu0 refused hog's buffers [0x20000000–0x21000000) in attempt 1.
        [time] its job / -: gpu0 has 1 job to do; the next is done in 132 ms.
    "#]],
    );
}

#[test]
fn allocator_waits_for_the_victim_and_the_reaper() {
    check(
        &mut refused_story(),
        OTHER,
        150,
        &expect![[r#"
        [memory] a free page / hog/2: other asks for a page and retries in direct reclaim since 10.000 ms; hog was killed 130 ms ago and still has 3.5 MiB.
        [time] an uninterruptible wait inside a driver / -: hog/2 is stuck in an uninterruptible wait inside a driver (past the end of the run).
        [time] back-off 2 of 10 / gpu0: oom_reaper waits for the back-off before attempt 3 of 10 (past the end of the run), because gpu0 refused hog's buffers [0x20000000–0x21000000) in attempt 2.
        [time] its job / -: gpu0 has 1 job to do; the next is done in 40 ms.
    "#]],
    );
}

#[test]
fn chain_is_a_tree() {
    let run = refused_story().ends(200, Stop::Horizon);
    let links = wait_chain(&Index::new(&run), OTHER, SimTime(150_000_000));
    let tree: Vec<_> = links.iter().map(|link| (link.task, link.parent)).collect();
    let (first, second) = (Some(0), Some(2));
    assert_eq!(tree, [(OTHER, None), (HOG_2, first), (REAPER, first), (GPU_TASK, second)]);
}

#[test]
fn delay_before_the_reaper_counts_down() {
    check(
        &mut refused_story(),
        REAPER,
        25,
        &expect![[r#"
        [time] the delay between kill and wake-up / -: oom_reaper sleeps: hog was killed 5 ms ago, but the reaper is told of it later (15 ms left).
    "#]],
    );
}

#[test]
fn cycle_is_named() {
    let mut story = Story::new();
    story.at(5).takes(OTHER, GPU_LOCK).reclaims(OTHER, Gfp::KERNEL).kills(OTHER, HOG);
    story.at(9).add(GPU_TASK, Event::WakeReaper { victim: HOG });
    story.wakes(REAPER).add(REAPER, Event::StartTaskReaping { victim: HOG });
    story.calls(REAPER, BUFFERS, true);
    story.blocks(REAPER, WaitOn::Lock(GPU_LOCK), Reason::DriverLock);
    story.at(10).add(HOG, Event::ProcessExit { group_dead: true }).add(HOG, Event::Exited {});
    story.wakes(HOG_2).add(HOG_2, Event::Exited {});
    check(
        &mut story,
        REAPER,
        100,
        &expect![[r#"
            [lock] lock of gpu0 / other: oom_reaper waits for lock of gpu0, which other holds since 5.000 ms.
            [memory] a free page / oom_reaper: other asks for a page and retries in direct reclaim since 5.000 ms; hog was killed 95 ms ago and has no page left, but is not done with. That closes a cycle unless a page comes free elsewhere: oom_reaper → other → oom_reaper.
        "#]],
    );
}

#[test]
fn each_of_two_cycles_is_told_of_who_closes_it() {
    let mut story = Story::new();
    story.at(5).takes(OTHER, GPU_LOCK).reclaims(OTHER, Gfp::KERNEL).kills(OTHER, HOG);
    story.at(9).add(GPU_TASK, Event::WakeReaper { victim: HOG });
    story.wakes(REAPER).add(REAPER, Event::StartTaskReaping { victim: HOG });
    story.takes(REAPER, NAMED_LOCK).calls(REAPER, BUFFERS, true);
    story.blocks(REAPER, WaitOn::Lock(GPU_LOCK), Reason::DriverLock);
    story.at(10).blocks(HOG_2, WaitOn::Lock(NAMED_LOCK), Reason::NamedLock);
    let run = story.ends(200, Stop::Horizon);
    let index = Index::new(&run);
    let closing = |from| {
        let links = wait_chain(&index, from, SimTime(100_000_000));
        let told = links.into_iter().filter_map(|link| {
            let (_, cycles) = link.text.split_once("That closes a cycle")?;
            Some((link.task, cycles.to_owned()))
        });
        told.collect::<Vec<_>>()
    };
    let unless = " unless a page comes free elsewhere: ";
    let expected = [
        (OTHER, format!("{unless}oom_reaper → other → oom_reaper.")),
        (HOG_2, format!("{unless}oom_reaper → other → hog/2 → oom_reaper.")),
    ];
    assert_eq!(closing(REAPER), expected);
    let both = "hog/2 → oom_reaper → other → hog/2. And another: oom_reaper → other → oom_reaper.";
    assert_eq!(closing(HOG_2), [(OTHER, format!("{unless}{both}"))]);
}

/// Attempts 1 to 7 meet a device that refuses, 8 to 10 a writer; then it gives up.
#[test]
fn reaper_that_gives_up_says_what_each_attempt_failed_for() {
    let story = || {
        let mut story = Story::new();
        story.at(1).faults(HOG, HEAP, 900);
        story.at(2).kills(OTHER, HOG).submits(HOG, 7);
        story.at(3).add(GPU_TASK, Event::WakeReaper { victim: HOG });
        for attempt in 0..7 {
            story.at(4 + 10 * attempt).wakes(REAPER).attempt_is_refused();
        }
        story.at(73).takes(HOG, HOG_LOCK).sleeps(HOG, Reason::Stuck);
        for attempt in 7..10 {
            story.at(4 + 10 * attempt).wakes(REAPER);
            story.add(REAPER, Event::SkipTaskReaping { victim: HOG });
            story.sleeps(REAPER, Reason::BackOff);
        }
        story.at(104).wakes(REAPER);
        story.at(105).add(REAPER, Event::UnableToReap { victim: HOG });
        story.at(106).sleeps(REAPER, Reason::ReaperIdle);
        story.at(110).wakes(REAPER);
        story
    };
    check(
        &mut story(),
        REAPER,
        104,
        &expect![[r#"
        [none] nothing / hog: oom_reaper gives up on hog, which keeps 3.5 MiB, after 10 attempts in vain: in 7 of them gpu0 refused hog's buffers [0x20000000–0x21000000) and in 3 hog held mmap_lock of hog for writing.
        [time] an uninterruptible wait inside a driver / -: hog is stuck in an uninterruptible wait inside a driver (past the end of the run).
    "#]],
    );
    check(
        &mut story(),
        REAPER,
        105,
        &expect![[r#"
        [none] nothing / hog: oom_reaper gives up on hog, which keeps 3.5 MiB, after 10 attempts in vain: in 7 of them gpu0 refused hog's buffers [0x20000000–0x21000000) and in 3 hog held mmap_lock of hog for writing.
        [time] an uninterruptible wait inside a driver / -: hog is stuck in an uninterruptible wait inside a driver (past the end of the run).
    "#]],
    );
    check(
        &mut story(),
        REAPER,
        106,
        &expect![[r#"
        [none] a victim to reap / -: oom_reaper has nothing to reap.
    "#]],
    );
    // Woken once more it has left that behind.
    check(
        &mut story(),
        REAPER,
        111,
        &expect![[r#"
        [none] nothing / -: oom_reaper runs on CPU 1.
    "#]],
    );
}

#[test]
fn mmap_lock_explains_a_skipped_attempt() {
    let mut story = Story::new();
    story.at(3).takes(HOG, HOG_LOCK).sleeps(HOG, Reason::Stuck);
    story.at(4).kills(OTHER, HOG);
    story.at(5).wakes(REAPER).add(REAPER, Event::SkipTaskReaping { victim: HOG });
    story.sleeps(REAPER, Reason::BackOff);
    check(
        &mut story,
        REAPER,
        6,
        &expect![[r#"
        [time] back-off 1 of 10 / hog: oom_reaper waits for the back-off before attempt 2 of 10 (past the end of the run), because hog held mmap_lock of hog for writing in attempt 1.
        [time] an uninterruptible wait inside a driver / -: hog is stuck in an uninterruptible wait inside a driver (past the end of the run).
    "#]],
    );
}

#[test]
fn nofs_allocator_cannot_kill() {
    let mut story = Story::new();
    story.at(3).reclaims(OTHER, Gfp::DIRECT_RECLAIM);
    check(
        &mut story,
        OTHER,
        6,
        &expect![[r#"
        [memory] a free page / -: other asks for a page and retries in direct reclaim since 3.000 ms; its request may not enter a filesystem (no __GFP_FS), so it can have nobody killed.
    "#]],
    );
}

#[test]
fn runnable_task_names_who_has_the_cpu() {
    let mut story = Story::new();
    story.at(3).add(OTHER, Event::Preempted {});
    check(
        &mut story,
        OTHER,
        6,
        &expect![[r#"
        [cpu] a CPU / hog: other wants a CPU, but hog has the CPU.
    "#]],
    );
}

#[test]
fn the_end_of_a_wait_is_seen_at_its_instant() {
    let mut story = refused_story();
    check(
        &mut story,
        GPU_TASK,
        190,
        &expect![[r#"
        [none] a job / -: gpu0 has no job.
    "#]],
    );
}

#[test]
fn throttled_task_waits_for_kswapd() {
    let mut story = Story::new();
    story.add(KSWAPD, Event::Spawned {}).sleeps(KSWAPD, Reason::KswapdNap);
    story.at(3).add(OTHER, Event::AllocBegin { order: 0, gfp: Gfp::KERNEL.0, memalloc: false });
    story.blocks(OTHER, WaitOn::Queue(QueueId(9)), Reason::PfMemalloc);
    check(
        &mut story,
        OTHER,
        6,
        &expect![[r#"
            [kswapd] kswapd to free some of the reserves / kswapd0: other asks for a page since 3.000 ms and is held back until kswapd has freed some of the reserves (past the end of the run).
            [time] a last look before it sleeps / -: kswapd0 takes a nap, to see whether there is still enough when it is over.
        "#]],
    );
}

#[test]
fn waits_for_events_and_readers_name_whom_they_wait_for() {
    let mut story = Story::new();
    story.at(3).blocks(HOG, WaitOn::Queue(EVENT), Reason::NamedEvent);
    story.calls(OTHER, BUFFERS, true).blocks(HOG_2, WaitOn::Queue(QueueId(9)), Reason::Srcu);
    check(
        &mut story,
        HOG,
        6,
        &expect![[r#"
        [event] event done / other: hog waits for event done, which other signals (past the end of the run).
        [none] nothing / -: other runs on CPU 0.
    "#]],
    );
    check(
        &mut story,
        HOG_2,
        6,
        &expect![[r#"
        [srcu] callers still inside a notifier (SRCU) / other: hog/2 waits until other left the notifiers (past the end of the run).
        [none] nothing / -: other runs on CPU 0.
    "#]],
    );
}

#[test]
fn reaper_that_does_not_try_says_because_of_whom() {
    let mut story = Story::new();
    story.at(3).kills(OTHER, HOG).wakes(REAPER);
    story.add(REAPER, Event::BackedOff { mm: HOG_MM, notifier: NOTIFIER });
    story.sleeps(REAPER, Reason::SkipSleep);
    check(
        &mut story,
        REAPER,
        6,
        &expect![[r#"
        [time] the back-off / -: oom_reaper leaves hog alone because gpu0 might block, and sleeps (past the end of the run).
    "#]],
    );
    let run = story.ends(200, Stop::Horizon);
    let report = crate::analysis::report(&run);
    assert_eq!(report.metrics.backoffs, 1);
    assert_eq!(
        report.incidents[0].text,
        "the reaper leaves all of hog alone because gpu0 might block"
    );
}

#[test]
fn request_within_reclaim_does_not_end_the_one_around_it() {
    let mut story = Story::new();
    story.at(3).add(OTHER, Event::AllocBegin { order: 0, gfp: Gfp::NOFS.0, memalloc: false });
    story.reclaims(OTHER, Gfp::NOFS);
    story.add(OTHER, Event::AllocBegin { order: 0, gfp: Gfp::ATOMIC.0, memalloc: false });
    story.add(OTHER, Event::AllocDone { ok: false });
    let run = story.ends(200, Stop::Horizon);
    let stall = |run| crate::analysis::report(run).metrics.alloc_stall;
    assert_eq!(stall(&run).max, Some(197_000_000));
    story.at(10).add(OTHER, Event::AllocDone { ok: true });
    assert_eq!(stall(&story.ends(200, Stop::Horizon)).max, Some(7_000_000));
}

#[test]
fn every_reason_to_wait_has_words() {
    for &reason in Reason::ALL {
        let mut story = Story::new();
        story.at(3).sleeps(OTHER, reason);
        let run = story.ends(10, Stop::Horizon);
        let links = wait_chain(&Index::new(&run), OTHER, SimTime(5_000_000));
        let text = &links[0].text;
        assert!(text.starts_with("other ") && text.ends_with('.'), "{reason:?}: {text}");
        assert!(!text.contains("something"), "{reason:?}: {text}");
    }
}

proptest! {
    #[test]
    fn any_records_give_chains_that_end(run in any_run()) {
        let index = Index::new(&run);
        for task in 0..7 {
            for at in [SimTime::ZERO, SimTime(run.end.0 / 2), run.end] {
                let chain = wait_chain(&index, TaskId(task), at);
                prop_assert!(chain.len() <= super::LINKS_MAX + 1);
            }
        }
        for record in run.trace.iter() {
            prop_assert!(!event_text(&run, &record).is_empty());
        }
        let report = crate::analysis::report(&run);
        prop_assert!(!report.evidence.is_empty());
    }
}
