//! Lanes of hand-written traces, drawn as text, and of random ones.
#![expect(clippy::needless_raw_string_hashes, reason = "expect-test writes them")]

use std::fmt::Write as _;

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::lanes;
use crate::analysis::story::*;
use crate::analysis::types::{Lane, LaneOf, LaneState, MarkKind};
use crate::base::{FenceId, LockId, MmId, ReportId, SimTime, TaskId};
use crate::engine::{Hold, Stop, WaitOn};
use crate::record::{Event, Gfp, Reason, Run, SkipBy};

/// Draws each lane with one character per `step` ms, marks below it.
fn draw(run: &Run, step_ms: u64) -> String {
    let columns = run.end.0 / 1_000_000 / step_ms;
    let mut text = String::new();
    for lane in lanes(run) {
        let states = (0..columns).map(|column| {
            let at = SimTime(column * step_ms * 1_000_000);
            let covers = |span: &&crate::analysis::types::Span| span.start <= at && at < span.end;
            lane.spans.iter().find(covers).map_or(' ', |span| letter(span.state))
        });
        let row: String = states.collect();
        let _ = writeln!(text, "{:<16} {}", lane.title, row.trim_end());
        for mark in &lane.marks {
            let column = usize::try_from(mark.at.0 / 1_000_000 / step_ms).expect("small");
            let _ = writeln!(text, "{:<16} {}^ {:?}", "", " ".repeat(column), mark.kind);
        }
    }
    text
}

fn letter(state: LaneState) -> char {
    match state {
        LaneState::Running => 'R',
        LaneState::Runnable => 'r',
        LaneState::Reclaiming => 'D',
        LaneState::Sleeping => '.',
        LaneState::Blocked => 'B',
        LaneState::Reaping(n) => char::from(b'0' + n % 10),
        LaneState::BackOff(_) => '~',
        LaneState::Exiting => 'E',
        LaneState::Killed => 'K',
        LaneState::Job => 'j',
        LaneState::Callback => 'c',
        LaneState::CallbackBlocked => 'C',
        LaneState::Held => 'h',
        LaneState::Contended => 'H',
    }
}

fn check(run: &Run, step_ms: u64, drawing: &Expect) {
    assert_no_gaps(&lanes(run));
    drawing.assert_eq(&draw(run, step_ms));
}

#[test]
fn a_kill_with_a_back_off() {
    let mut story = Story::new();
    story.at(10).reclaims(OTHER, Gfp::HIGHUSER_MOVABLE);
    story.at(20).takes(OTHER, OOM_LOCK).kills(OTHER, HOG);
    story.at(22).add(OTHER, Event::Released { lock: OOM_LOCK });
    story.wakes(HOG_2).sleeps(HOG_2, Reason::Stuck);
    story.at(30).add(HOG, Event::SignalDeliver {});
    story.blocks(HOG, WaitOn::Lock(HOG_LOCK), Reason::MmapLock);
    story.at(40).add(GPU_TASK, Event::WakeReaper { victim: HOG });
    story.wakes(REAPER).attempt_is_refused();
    story.at(60).wakes(REAPER).add(REAPER, Event::StartTaskReaping { victim: HOG });
    story.at(64).add(REAPER, Event::FinishTaskReaping { victim: HOG, ok: true });
    story.add(REAPER, Event::OomSkipSet { mm: HOG_MM, by: SkipBy::Reaper });
    story.sleeps(REAPER, Reason::ReaperIdle);
    story.at(70).faults(OTHER, OTHER_HEAP, 3).add(OTHER, Event::Ready {});
    story
        .at(74)
        .wakes(HOG)
        .add(HOG, Event::ProcessExit { group_dead: true })
        .add(HOG, Event::Exited {});
    check(
        &story.ends(80, Stop::Idle),
        2,
        &expect![[r#"
            oom_reaper       ....................~~~~~~~~~~22........
                                                 ^ WakeReaper
                                                 ^ AttemptStart
                                                           ^ AttemptStart
                                                             ^ SkipSet
            hog              RRRRRRRRRRKKKKKBBBBBBBBBBBBBBBBBBBBBB
                                       ^ Kill
                                                             ^ SkipSet
                                                                  ^ Exit
            hog/2            ..........KBBBBBBBBBBBBBBBBBBBBBBBBBBBBB
            other            RRRRRDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDRRRRR
                                                                ^ Ready
            gpu0             
                                                 ^ Refusal
            oom_lock                   h
        "#]],
    );
}

#[test]
fn callbacks_cover_jobs() {
    let mut story = Story::new();
    story.at(2).submits(HOG, 0).submits(HOG, 1);
    story.add(GPU_TASK, Event::Woken { by: Some(HOG), how: crate::engine::Waited::Granted });
    story.at(8).signals(0);
    story.at(10).add(HOG, Event::ExitMmap { mm: HOG_MM }).calls(HOG, BUFFERS, true);
    story.at(12).takes(HOG, GPU_LOCK).sleeps(HOG, Reason::Fence);
    story.at(14).blocks(OTHER, WaitOn::Lock(GPU_LOCK), Reason::DriverLock);
    story.at(20).signals(1).wakes(HOG);
    story.at(22).add(HOG, Event::Released { lock: GPU_LOCK }).takes(OTHER, GPU_LOCK);
    story.wakes(OTHER).returns(HOG, BUFFERS, false);
    story.at(26).add(HOG, Event::ExitMmapDone { mm: HOG_MM });
    story.at(28).add(HOG, Event::ProcessExit { group_dead: true }).add(HOG, Event::Exited {});
    check(
        &story.ends(32, Stop::Idle),
        1,
        &expect![[r#"
        oom_reaper       ................................
        hog              RRRRRRRRRREEBBBBBBBBEEEEEERR
                                                     ^ Exit
        hog/2            ................................
        other            RRRRRRRRRRRRRRBBBBBBBBRRRRRRRRRR
        gpu0               jjjjjjjjccCCCCCCCCcc
        lock of gpu0                 hhHHHHHHHHhhhhhhhhhh
    "#]],
    );
}

/// Sorted, never overlapping, never empty; no gaps in lanes of tasks.
fn assert_no_gaps(lanes: &[Lane]) {
    for lane in lanes {
        for span in &lane.spans {
            assert!(span.start < span.end, "{}: {span:?}", lane.title);
        }
        for pair in lane.spans.windows(2) {
            assert!(pair[0].end <= pair[1].start, "{}: {pair:?}", lane.title);
            let is_task = matches!(lane.of, LaneOf::Reaper(_) | LaneOf::Task(_));
            assert!(!is_task || pair[0].end == pair[1].start, "{}: {pair:?}", lane.title);
        }
        assert!(lane.marks.is_sorted_by_key(|mark| mark.at), "{}", lane.title);
    }
}

fn any_event() -> impl Strategy<Value = Event> {
    let lock = || (0..6u32).prop_map(LockId);
    let task = || (0..6u32).prop_map(TaskId);
    let mm = || (0..3u32).prop_map(MmId);
    let reason = 0..20u8;
    prop_oneof![
        Just(Event::Spawned {}),
        Just(Event::Exited {}),
        Just(Event::Preempted {}),
        Just(Event::Ran { cpu: crate::base::CpuId(0) }),
        (lock(), reason.clone()).prop_map(|(lock, why)| Event::Blocked {
            on: WaitOn::Lock(lock),
            why,
            stack: crate::base::StackId(0),
        }),
        reason.prop_map(|why| Event::Blocked {
            on: WaitOn::Time,
            why,
            stack: crate::base::StackId(9),
        }),
        Just(Event::Woken { by: None, how: crate::engine::Waited::TimedOut }),
        lock().prop_map(|lock| Event::Acquired { lock, hold: Hold::Shared }),
        lock().prop_map(|lock| Event::Released { lock }),
        task().prop_map(|victim| Event::StartTaskReaping { victim }),
        task().prop_map(|victim| Event::SkipTaskReaping { victim }),
        task().prop_map(|victim| Event::FinishTaskReaping { victim, ok: false }),
        task().prop_map(|victim| Event::MarkVictim { victim, report: ReportId(0) }),
        mm().prop_map(|mm| Event::ExitMmap { mm }),
        mm().prop_map(|mm| Event::OomSkipSet { mm, by: SkipBy::GiveUp }),
        (0..4u32, any::<bool>()).prop_map(|(range, refused)| Event::MnReturn {
            notifier: NOTIFIER,
            range: crate::base::RangeId(range),
            refused,
        }),
        (0..4u32).prop_map(|range| Event::MnCall {
            notifier: NOTIFIER,
            range: crate::base::RangeId(range),
            blockable: false,
            limited: false,
            event: crate::record::MnEvent::Clear,
        }),
        (0..3u32).prop_map(|fence| Event::JobSubmitted { device: GPU, fence: FenceId(fence) }),
        (0..3u32).prop_map(|fence| Event::FenceSignaled { fence: FenceId(fence) }),
        Just(Event::DirectReclaimBegin { order: 0, gfp: Gfp::KERNEL.0 }),
        Just(Event::OomTrylockFail { owner: None }),
        (0..4u32, 0..9u32)
            .prop_map(|(range, pages)| Event::Fault { range: crate::base::RangeId(range), pages }),
        (0..4u32, 0..9u32).prop_map(|(range, pages)| Event::Zap {
            range: crate::base::RangeId(range),
            pages,
            freed: pages / 2,
        }),
        Just(Event::MemstallEnter {}),
        Just(Event::MemstallLeave {}),
        (0..2000u32).prop_map(|free| Event::ZoneFree { zone: crate::base::ZoneId(0), free }),
    ]
}

prop_compose! {
    /// A run in which anything happens to anybody at any time.
    pub(crate) fn any_run()(
        records in prop::collection::vec((0..4u64, 0..7u32, any_event()), 0..120),
        tail in 0..3u64,
    ) -> Run {
        let mut story = Story::unborn();
        let mut now = 0;
        for (pause, task, event) in records {
            now += pause;
            story.at(now).add(TaskId(task), event);
        }
        story.ends(now + tail, Stop::Horizon)
    }
}

proptest! {
    #[test]
    fn any_records_give_lanes_without_gaps(run in any_run()) {
        assert_no_gaps(&lanes(&run));
    }
}

#[test]
fn marks_of_a_refusal_are_on_the_device() {
    let mut story = Story::new();
    story.at(5).wakes(REAPER).attempt_is_refused();
    let lanes = lanes(&story.ends(9, Stop::Idle));
    let device = lanes.iter().find(|lane| lane.of == LaneOf::Device(GPU));
    let kinds = device.map(|lane| lane.marks.iter().map(|mark| mark.kind).collect::<Vec<_>>());
    assert_eq!(kinds, Some(vec![MarkKind::Refusal]));
}
