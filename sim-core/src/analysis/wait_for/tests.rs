//! The oracle on hand-written traces.
#![expect(clippy::needless_raw_string_hashes, reason = "expect-test writes them")]

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::{dependency_text, edge_text, wait_for};
use crate::analysis::lanes::tests::any_run;
use crate::analysis::story::*;
use crate::analysis::{EdgeKind, Index, wait_graph};
use crate::base::{LockId, QueueId};
use crate::engine::{Stop, WaitOn};
use crate::record::{Event, Gfp, Reason, Run};

fn check(run: &Run, text: &Expect) {
    let index = Index::new(run);
    let found = wait_for(&index);
    let mut lines = Vec::new();
    let name = |task| run.cast.tasks[task].name.clone();
    let ms = |record| index.time(record).0 / 1_000_000;
    for set in &found.closed {
        let tasks: Vec<_> = set.tasks.iter().map(|&task| name(task)).collect();
        let until = set.until.map_or("ever".to_owned(), |record| format!("{} ms", ms(record)));
        lines.push(format!("closed at {} ms until {until}: {}", ms(set.record), tasks.join(", ")));
        for cycle in &set.cycles {
            let hop = |edge| edge_text(&index, edge, set.record + 1);
            let hops: Vec<_> =
                cycle.iter().map(|edge| format!("{} [{}]", name(edge.from), hop(edge))).collect();
            lines.push(format!("  {}", hops.join(" → ")));
        }
    }
    for dependency in &found.dependencies {
        let text = dependency_text(&index, dependency);
        lines.push(format!("at {} ms ({}×) {text}", ms(dependency.record), dependency.times));
    }
    text.assert_eq(&(lines.join("\n") + "\n"));
}

/// `other` asks for a page with the driver's lock held; `hog` was killed for it.
fn allocates_under_the_lock(gfp: Gfp) -> Story {
    let mut story = Story::new();
    story.at(5).takes(OTHER, GPU_LOCK);
    story.at(10).reclaims(OTHER, gfp).kills(OTHER, HOG);
    story
}

#[test]
fn direct_dependency_closes_with_the_last_of_the_victim() {
    let mut story = allocates_under_the_lock(Gfp::NOFS);
    story.at(20).wakes(REAPER).add(REAPER, Event::StartTaskReaping { victim: HOG });
    story.calls(REAPER, BUFFERS, true);
    story.blocks(REAPER, WaitOn::Lock(GPU_LOCK), Reason::DriverLock);
    // One thread is gone, the other needs the same lock.
    story.at(30).wakes(HOG_2).add(HOG_2, Event::Exited {});
    story.at(40).blocks(HOG, WaitOn::Lock(GPU_LOCK), Reason::DriverLock);
    check(
        &story.ends(3000, Stop::Horizon),
        &expect![[r#"
            closed at 40 ms until ever: oom_reaper, hog, other
              oom_reaper [lock of gpu0] → other [a page, by the reaper]
              hog [lock of gpu0] → other [a page, by its exit]
            at 20 ms (1×) the reaper depends directly on other, which asks for a page with GFP_NOFS: oom_reaper → other (lock of gpu0)
        "#]],
    );
}

/// Of two victims that are pending the memory of either would do.
#[test]
fn victim_before_the_last_that_can_exit_leaves_the_set_open_too() {
    let closed_at = |hog_waits: bool| {
        let mut story = Story::new();
        story.set_worker();
        story.add(WORKER, Event::Spawned {}).takes(WORKER, GPU_LOCK);
        story.at(10).reclaims(WORKER, Gfp::KERNEL).kills(WORKER, HOG);
        story.at(12).kills(WORKER, OTHER).wakes(HOG_2).add(HOG_2, Event::Exited {});
        story.at(20).wakes(REAPER).add(REAPER, Event::StartTaskReaping { victim: HOG });
        story.calls(REAPER, BUFFERS, true);
        story.blocks(REAPER, WaitOn::Lock(GPU_LOCK), Reason::DriverLock);
        story.at(40).blocks(OTHER, WaitOn::Lock(GPU_LOCK), Reason::DriverLock);
        if hog_waits {
            story.at(50).blocks(HOG, WaitOn::Lock(GPU_LOCK), Reason::DriverLock);
        }
        let run = story.ends(3000, Stop::Horizon);
        let index = Index::new(&run);
        let sets = wait_for(&index).closed;
        sets.iter().map(|set| index.time(set.record).0 / 1_000_000).collect::<Vec<_>>()
    };
    assert_eq!((closed_at(false), closed_at(true)), (vec![], vec![50]));
}

#[test]
fn victim_that_can_exit_leaves_the_set_open() {
    let mut story = allocates_under_the_lock(Gfp::KERNEL);
    story.at(20).wakes(REAPER).add(REAPER, Event::StartTaskReaping { victim: HOG });
    story.calls(REAPER, BUFFERS, true);
    story.blocks(REAPER, WaitOn::Lock(GPU_LOCK), Reason::DriverLock);
    check(
        &story.ends(3000, Stop::Horizon),
        &expect![[r#"
        at 20 ms (1×) the reaper depends directly on other, which asks for a page with GFP_KERNEL: oom_reaper → other (lock of gpu0)
    "#]],
    );
}

#[test]
fn indirect_dependency_is_found_when_the_worker_comes_to_wait() {
    let mut story = Story::new();
    story.set_worker();
    story.add(WORKER, Event::Spawned {}).sleeps(WORKER, Reason::DeviceIdle);
    story.at(5).takes(OTHER, NAMED_LOCK).submits(HOG, 7);
    story.at(10).reclaims(OTHER, Gfp::KERNEL).kills(OTHER, HOG);
    story.at(20).wakes(REAPER).add(REAPER, Event::StartTaskReaping { victim: HOG });
    story.calls(REAPER, BUFFERS, true);
    story.blocks(REAPER, WaitOn::Queue(crate::base::QueueId(9)), Reason::Fence);
    story.at(50).wakes(GPU_TASK);
    story.blocks(GPU_TASK, WaitOn::Queue(crate::base::QueueId(8)), Reason::FenceWorker);
    story.wakes(WORKER).blocks(WORKER, WaitOn::Lock(NAMED_LOCK), Reason::NamedLock);
    check(
        &story.ends(3000, Stop::Horizon),
        &expect![[r#"
            at 50 ms (1×) the reaper depends indirectly on other, which asks for a page with GFP_KERNEL: oom_reaper → gpu0 (a fence) → gpu0/worker (the signal of a fence) → other (lock m)
        "#]],
    );
}

#[test]
fn locks_taken_in_two_orders_close_at_once_and_open_by_a_kill() {
    let mut story = Story::new();
    story.at(5).takes(OTHER, GPU_LOCK).takes(HOG, NAMED_LOCK);
    story.at(6).blocks(OTHER, WaitOn::Lock(NAMED_LOCK), Reason::NamedLock);
    story.at(7).blocks(HOG, WaitOn::Lock(GPU_LOCK), Reason::DriverLock);
    check(
        &story.ends(8, Stop::Horizon),
        &expect![[r#"
        closed at 7 ms until ever: hog, other
          hog [lock of gpu0] → other [lock m]
    "#]],
    );
    story.at(30).wakes(HOG);
    check(
        &story.ends(40, Stop::Horizon),
        &expect![[r#"
        closed at 7 ms until 30 ms: hog, other
          hog [lock of gpu0] → other [lock m]
    "#]],
    );
}

#[test]
fn event_is_closed_when_all_who_could_signal_it_are() {
    let mut story = Story::new();
    story.at(3).takes(HOG, NAMED_LOCK).blocks(HOG, WaitOn::Queue(EVENT), Reason::NamedEvent);
    story.at(4).blocks(OTHER, WaitOn::Lock(NAMED_LOCK), Reason::NamedLock);
    check(
        &story.ends(10, Stop::Horizon),
        &expect![[r#"
        closed at 4 ms until ever: hog, other
          hog [event done] → other [lock m]
    "#]],
    );
    let mut story = Story::new();
    story.at(3).blocks(HOG, WaitOn::Queue(EVENT), Reason::NamedEvent);
    story.at(4).add(OTHER, Event::Exited {});
    check(
        &story.ends(10, Stop::Horizon),
        &expect![[r#"
        closed at 4 ms until ever: hog
    "#]],
    );
}

#[test]
fn page_that_comes_soon_tells_of_no_closed_set() {
    let mut story = allocates_under_the_lock(Gfp::KERNEL);
    story.at(20).blocks(HOG, WaitOn::Lock(GPU_LOCK), Reason::DriverLock);
    story.wakes(HOG_2).add(HOG_2, Event::Exited {});
    story.wakes(REAPER).add(REAPER, Event::StartTaskReaping { victim: HOG });
    story.blocks(REAPER, WaitOn::Lock(GPU_LOCK), Reason::DriverLock);
    story.at(500).faults(OTHER, OTHER_HEAP, 1).sleeps(OTHER, Reason::Forever);
    check(
        &story.ends(3000, Stop::Horizon),
        &expect![[r#"
        at 20 ms (1×) the reaper depends directly on other, which asks for a page with GFP_KERNEL: oom_reaper → other (lock of gpu0)
    "#]],
    );
}

#[test]
fn graph_says_what_each_edge_goes_through() {
    let mut story = allocates_under_the_lock(Gfp::KERNEL);
    story.at(20).wakes(REAPER).add(REAPER, Event::StartTaskReaping { victim: HOG });
    story.blocks(REAPER, WaitOn::Lock(GPU_LOCK), Reason::DriverLock);
    story.add(HOG, Event::Preempted {});
    let run = story.ends(100, Stop::Horizon);
    let index = Index::new(&run);
    let graph = wait_graph(&index, run.trace.len());
    let edges: Vec<_> =
        graph.edges.iter().map(|edge| (edge.from, edge.to, edge.kind, edge.any)).collect();
    assert_eq!(
        edges,
        [
            (REAPER, OTHER, EdgeKind::Lock, false),
            (HOG, OTHER, EdgeKind::Cpu, true),
            (OTHER, REAPER, EdgeKind::Reap, true),
            (OTHER, HOG, EdgeKind::Exit, true),
            (OTHER, HOG_2, EdgeKind::Exit, true),
        ]
    );
    let cycles: Vec<_> =
        graph.cycles.iter().map(|cycle| (&cycle.tasks[..], cycle.is_closed)).collect();
    assert_eq!(cycles, [(&[REAPER, OTHER][..], false)]);
    assert!(graph.stuck.is_empty());
    // Before the reaper came, it waited for nobody.
    let before = wait_graph(&index, run.trace.count_until(crate::base::SimTime(15_000_000)));
    assert!(before.cycles.is_empty() && !before.edges.is_empty());
}

proptest! {
    #[test]
    fn any_records_give_sets_that_are_stuck_when_they_close(run in any_run()) {
        let index = Index::new(&run);
        for set in wait_for(&index).closed {
            let graph = wait_graph(&index, set.record + 1);
            prop_assert!(set.tasks.iter().all(|task| graph.stuck.contains(task)));
            prop_assert!(set.until.is_none_or(|until| until > set.record));
            for cycle in &set.cycles {
                let nexts = cycle.iter().skip(1).chain(cycle.first());
                prop_assert!(cycle.iter().zip(nexts).all(|(edge, next)| edge.to == next.from));
            }
        }
        for seen in (0..=run.trace.len()).step_by(7) {
            for cycle in wait_graph(&index, seen).cycles {
                prop_assert!(!cycle.tasks.is_empty());
            }
        }
    }
}

#[test]
fn shortest_of_several_ways_to_an_allocation_is_told() {
    let mut story = Story::new();
    story.add(WORKER, Event::Spawned {}).add(KSWAPD, Event::Spawned {});
    // One holder waits for `other`, which asks for a page; from the other it is a hop more.
    story.at(5).takes(HOG, GPU_LOCK).takes(HOG_2, GPU_LOCK);
    story.at(6).takes(OTHER, NAMED_LOCK).reclaims(OTHER, Gfp::KERNEL);
    story.at(6).takes(WORKER, HOG_LOCK).takes(KSWAPD, LockId(2)).reclaims(KSWAPD, Gfp::NOFS);
    story.at(7).blocks(HOG, WaitOn::Lock(NAMED_LOCK), Reason::NamedLock);
    story.at(7).blocks(HOG_2, WaitOn::Lock(HOG_LOCK), Reason::MmapLock);
    story.at(7).blocks(WORKER, WaitOn::Lock(LockId(2)), Reason::MmapLock);
    story.at(20).wakes(REAPER).blocks(REAPER, WaitOn::Lock(GPU_LOCK), Reason::DriverLock);
    check(
        &story.ends(100, Stop::Horizon),
        &expect![[r#"
            at 20 ms (1×) the reaper depends indirectly on other, which asks for a page with GFP_KERNEL: oom_reaper → hog (lock of gpu0) → other (lock m)
        "#]],
    );
}

#[test]
fn who_waits_for_the_victims_exit_must_not_be_waited_for_either() {
    let mut story = Story::new();
    story.at(5).takes(OTHER, GPU_LOCK).add(OTHER, Event::Forked { child: HOG, mm: HOG_MM });
    story.at(6).blocks(OTHER, WaitOn::Queue(QueueId(9)), Reason::Vfork);
    story.at(10).kills(HOG, HOG);
    story.at(20).wakes(REAPER).add(REAPER, Event::StartTaskReaping { victim: HOG });
    story.blocks(REAPER, WaitOn::Lock(GPU_LOCK), Reason::DriverLock);
    check(
        &story.ends(100, Stop::Horizon),
        &expect![[r#"
            at 20 ms (1×) the reaper depends directly on other, which waits for the victim to exit: oom_reaper → other (lock of gpu0)
        "#]],
    );
}

#[test]
fn whoever_has_oom_lock_asks_for_nothing_meanwhile() {
    let mut story = Story::new();
    story.at(10).reclaims(OTHER, Gfp::KERNEL).takes(OTHER, OOM_LOCK).kills(OTHER, HOG);
    story.at(20).wakes(REAPER).blocks(REAPER, WaitOn::Lock(OOM_LOCK), Reason::OomLock);
    let run = story.ends(100, Stop::Horizon);
    assert_eq!(wait_for(&Index::new(&run)), crate::record::WaitFor::default());
}

#[test]
fn lock_of_several_holders_is_closed_by_one_of_them() {
    let mut story = Story::new();
    story.at(5).takes(HOG, GPU_LOCK).takes(HOG_2, GPU_LOCK).takes(OTHER, NAMED_LOCK);
    story.at(6).blocks(HOG_2, WaitOn::Lock(NAMED_LOCK), Reason::NamedLock);
    story.at(7).blocks(OTHER, WaitOn::Lock(GPU_LOCK), Reason::DriverLock);
    check(
        &story.ends(10, Stop::Horizon),
        &expect![[r#"
            closed at 7 ms until ever: hog/2, other
              hog/2 [lock m] → other [lock of gpu0]
        "#]],
    );
}
