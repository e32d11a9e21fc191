//! Who is to blame, on hand-written traces and on any.

use proptest::prelude::*;

use super::*;
use crate::analysis::lanes::tests::any_run;
use crate::analysis::story::*;
use crate::engine::{Stop, WaitOn};
use crate::record::{Event, Gfp, SkipBy};

fn total(blame: &Blame) -> Nanos {
    blame.causes.iter().map(|&(_, sum)| sum).sum()
}

#[test]
fn refused_reaper_and_a_second_victim_share_the_blame() {
    let mut story = Story::new();
    story.at(1).faults(HOG, HEAP, 900).free(40);
    story.at(10).reclaims(OTHER, Gfp::HIGHUSER_MOVABLE);
    story.at(20).kills(OTHER, HOG).wakes(HOG_2).sleeps(HOG_2, Reason::Stuck);
    story.at(60).add(GPU_TASK, Event::WakeReaper { victim: HOG });
    story.wakes(REAPER).attempt_is_refused();
    story.at(160).wakes(REAPER).add(REAPER, Event::StartTaskReaping { victim: HOG });
    story.calls(REAPER, BUFFERS, true);
    story.at(190).returns(REAPER, BUFFERS, false);
    story.add(REAPER, Event::Zap { range: HEAP, pages: 900, freed: 900 });
    let zone = crate::base::ZoneId(0);
    story.at(200).add(REAPER, Event::ZoneFree { zone, free: 940 });
    let mm = HOG_MM;
    story.add(REAPER, Event::OomSkipSet { mm, by: SkipBy::Reaper });
    story.sleeps(REAPER, Reason::ReaperIdle);
    story.at(205).faults(OTHER, OTHER_HEAP, 1).sleeps(OTHER, Reason::Forever);
    let run = story.ends(300, Stop::Idle);
    let index = Index::new(&run);
    let blame = recovery_blame(&index).expect("a kill");
    let told: Vec<_> = blame
        .causes
        .iter()
        .map(|&(cause, sum)| (cause_text(&index, cause), sum.0 / 1_000_000))
        .collect();
    let expected = [
        ("the reaper's back-offs (gpu0 refused)", 100),
        ("the delay before the reaper is told", 40),
        ("callbacks of gpu0", 30),
        ("reaping", 10),
        ("rounds of reclaim", 5),
    ];
    assert_eq!(told, expected.map(|(text, ms)| (text.to_owned(), ms)));
    assert_eq!(total(&blame), Nanos::from_ms(185));
}

#[test]
fn where_nobody_gives_the_reaper_is_to_blame() {
    let mut story = Story::new();
    story.at(10).reclaims(OTHER, Gfp::KERNEL).takes(OTHER, GPU_LOCK).kills(OTHER, HOG);
    story.at(10).add(GPU_TASK, Event::WakeReaper { victim: HOG }).wakes(REAPER);
    story.blocks(REAPER, WaitOn::Lock(GPU_LOCK), Reason::DriverLock);
    let run = story.ends(110, Stop::Horizon);
    let index = Index::new(&run);
    let blame = recovery_blame(&index).expect("a kill");
    let behind = Cause::Behind(Obstacle::Lock(GPU_LOCK), OTHER, Does::Allocates);
    assert_eq!(blame.causes, [(behind, Nanos::from_ms(100))]);
    assert_eq!(cause_text(&index, behind), "a wait for lock of gpu0 while other asked for a page");
}

#[test]
fn holder_is_followed_to_whom_it_waits_for_and_parts_where_it_goes_on() {
    let mut story = Story::new();
    story.at(5).takes(OTHER, GPU_LOCK).takes(HOG_2, NAMED_LOCK);
    story.at(10).blocks(OTHER, WaitOn::Lock(NAMED_LOCK), Reason::NamedLock);
    story.at(10).reclaims(HOG, Gfp::KERNEL).blocks(HOG, WaitOn::Lock(GPU_LOCK), Reason::DriverLock);
    story.at(40).sleeps(HOG_2, Reason::Pause);
    let run = story.ends(100, Stop::Horizon);
    let index = Index::new(&run);
    let ms = |ms: u64| SimTime(ms * 1_000_000);
    let blame = blame(&index, ms(10), ms(100));
    let behind = |does| Cause::Behind(Obstacle::Lock(GPU_LOCK), HOG_2, does);
    assert_eq!(
        blame.causes,
        [
            (behind(Does::Waits(Reason::Pause)), Nanos::from_ms(60)),
            (behind(Does::Waits(Reason::Forever)), Nanos::from_ms(30)),
        ]
    );
}

#[test]
fn those_who_wait_for_each_other_are_told() {
    let mut story = Story::new();
    story.at(5).takes(OTHER, GPU_LOCK).takes(HOG, NAMED_LOCK);
    story.at(10).reclaims(HOG, Gfp::KERNEL).blocks(HOG, WaitOn::Lock(GPU_LOCK), Reason::DriverLock);
    story.at(10).blocks(OTHER, WaitOn::Lock(NAMED_LOCK), Reason::NamedLock);
    let run = story.ends(100, Stop::Horizon);
    let index = Index::new(&run);
    let blame = blame(&index, SimTime(20_000_000), SimTime(100_000_000));
    let turn = Cause::Behind(Obstacle::Lock(GPU_LOCK), HOG, Does::WaitsInTurn);
    assert_eq!(blame.causes, [(turn, Nanos::from_ms(80))]);
}

proptest! {
    #[test]
    fn causes_sum_to_the_whole(run in any_run(), a in 0u64..100, b in 0u64..100) {
        let index = Index::new(&run);
        let part = |percent: u64| SimTime(run.end.0 / 100 * percent);
        let (from, to) = (part(a.min(b)), part(a.max(b)));
        let blame = blame(&index, from, to);
        prop_assert_eq!(total(&blame), to.saturating_sub(from));
        let mut at = from;
        for segment in &blame.segments {
            prop_assert_eq!(segment.from, at);
            prop_assert!(segment.to > segment.from);
            at = segment.to;
        }
        prop_assert_eq!(at, to);
    }
}

#[test]
fn giver_who_asks_for_a_page_has_a_giver_of_its_own() {
    let mut story = Story::new();
    story.at(5).faults(HOG, HEAP, 900).free(100).wakes(HOG_2);
    story.at(10).reclaims(OTHER, Gfp::KERNEL).reclaims(HOG_2, Gfp::KERNEL);
    story.at(10).sleeps(HOG, Reason::Stuck);
    story.at(60).wakes(HOG).free(200);
    story.at(61).faults(HOG_2, BUFFERS, 1);
    let zone = crate::base::ZoneId(0);
    story.at(80).add(HOG_2, Event::ZoneFree { zone, free: 300 });
    story.at(81).faults(OTHER, OTHER_HEAP, 1);
    let run = story.ends(100, Stop::Horizon);
    let index = Index::new(&run);
    let ms = |ms: u64| SimTime(ms * 1_000_000);
    let path = blame(&index, ms(10), ms(81)).segments;
    let told: Vec<_> = path
        .iter()
        .map(|segment| (segment.from.0 / 1_000_000, segment.task, segment.cause))
        .collect();
    let expected = [
        (10, HOG, Cause::Wait(Reason::Stuck)),
        (60, HOG_2, Cause::Reclaim),
        (61, HOG_2, Cause::Program),
        (80, OTHER, Cause::Reclaim),
    ];
    assert_eq!(told, expected);
}

#[test]
fn path_moves_on_when_somebody_in_the_middle_of_it_does() {
    let mut story = Story::new();
    story.at(5).takes(OTHER, GPU_LOCK).takes(HOG_2, NAMED_LOCK);
    story.at(10).blocks(OTHER, WaitOn::Lock(NAMED_LOCK), Reason::NamedLock);
    story.at(10).reclaims(HOG, Gfp::KERNEL).blocks(HOG, WaitOn::Lock(GPU_LOCK), Reason::DriverLock);
    story.at(40).wakes(OTHER);
    let run = story.ends(100, Stop::Horizon);
    let index = Index::new(&run);
    let ms = |ms: u64| SimTime(ms * 1_000_000);
    let behind = |by, does| Cause::Behind(Obstacle::Lock(GPU_LOCK), by, does);
    assert_eq!(
        blame(&index, ms(10), ms(100)).causes,
        [
            (behind(OTHER, Does::Runs), Nanos::from_ms(60)),
            (behind(HOG_2, Does::Waits(Reason::Forever)), Nanos::from_ms(30)),
        ]
    );
}

#[test]
fn who_retries_before_a_kill_is_not_nobody() {
    let mut story = Story::new();
    story.at(1).faults(HOG, HEAP, 900).free(40);
    story.at(10).reclaims(OTHER, Gfp::KERNEL);
    story.at(130).kills(OTHER, HOG);
    story.add(GPU_TASK, Event::WakeReaper { victim: HOG }).wakes(REAPER);
    // It gives what ends the wait, and has nothing to give before the kill.
    let zone = crate::base::ZoneId(0);
    story.at(140).add(REAPER, Event::ZoneFree { zone, free: 900 });
    story.at(141).faults(OTHER, OTHER_HEAP, 1).sleeps(OTHER, Reason::Forever);
    let run = story.ends(200, Stop::Idle);
    let index = Index::new(&run);
    let path = blame(&index, SimTime(10_000_000), SimTime(141_000_000)).segments;
    let told: Vec<_> = path
        .iter()
        .map(|segment| (segment.from.0 / 1_000_000, segment_text(&index, segment)))
        .collect();
    let expected =
        [(10, "other: rounds of reclaim before hog was killed"), (130, "oom_reaper: reaping")];
    assert_eq!(told, expected.map(|(at, text)| (at, text.to_owned())));
}

#[test]
fn who_is_killed_later_waits_until_then() {
    let mut story = Story::new();
    story.at(1).faults(HOG, HEAP, 900).free(40);
    story.at(10).reclaims(HOG, Gfp::KERNEL);
    story.at(60).kills(HOG, HOG);
    let run = story.ends(100, Stop::Horizon);
    let index = Index::new(&run);
    let causes = blame(&index, SimTime(10_000_000), SimTime(60_000_000)).causes;
    assert_eq!(causes, [(Cause::ReclaimBefore(HOG), Nanos::from_ms(50))]);
}

#[test]
fn who_has_not_begun_is_not_at_work() {
    let mut story = Story::new();
    story.at(1).faults(HOG, HEAP, 900).free(40);
    story.at(10).reclaims(OTHER, Gfp::KERNEL).kills(OTHER, HOG);
    story.add(GPU_TASK, Event::WakeReaper { victim: HOG }).wakes(REAPER).attempt_is_refused();
    // What was refused is done by somebody who comes to life for it.
    story
        .at(50)
        .add(WORKER, Event::Spawned {})
        .add(WORKER, Event::Ran { cpu: crate::base::CpuId(0) });
    let zone = crate::base::ZoneId(0);
    story.at(80).add(WORKER, Event::ZoneFree { zone, free: 900 });
    story.at(81).faults(OTHER, OTHER_HEAP, 1).sleeps(OTHER, Reason::Forever);
    let mut run = story.ends(100, Stop::Idle);
    run.cast.hand_off_workers.push(WORKER);
    let index = Index::new(&run);
    let path = blame(&index, SimTime(10_000_000), SimTime(80_000_000)).segments;
    let told: Vec<_> =
        path.iter().map(|it| (it.from.0 / 1_000_000, segment_text(&index, it))).collect();
    let backs_off = "oom_reaper: the reaper's back-offs (gpu0 refused)";
    let expected = [(10, backs_off), (50, "gpu0/worker: reaping")];
    assert_eq!(told, expected.map(|(at, text)| (at, text.to_owned())));
}
