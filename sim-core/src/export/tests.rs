//! Golden text of a run put together by hand: the exporters alone,
//! without the model, and the reader on what they print.

#![expect(clippy::needless_raw_string_hashes, reason = "expect-test writes them so")]

use expect_test::expect;

use super::{dmesg, ftrace};
use crate::base::{LockId, MmId, NotifierId, RangeId, ReportId, SimTime, StackId, TaskId, ZoneId};
use crate::engine::WaitOn;
use crate::import::{clock_offset, parse_dmesg, parse_ftrace, story};
use crate::record::{Cast, Event, Keep, Recorder};

mod by_hand;

use by_hand::run;

#[test]
fn trace_is_printed_as_the_kernel_prints_it() {
    let text = ftrace(&run("6.1"));
    // The bar keeps the leading blanks from being taken for indentation.
    let barred = |line| ["|", line, "\n"];
    let body: String = text.lines().skip(12).flat_map(barred).collect();
    expect![[r#"
        |         presser-132     [000] .....     0.000000: sim:block: pid=132 on=queue queue=3 why="its start condition" stack=
        |             hog-130     [000] .....     0.000000: sim:started: pid=130 task=hog
        |         presser-132     [000] .....     0.001000: sim:unblock: pid=132 by=130 how=granted
        |         presser-132     [000] .....     0.001000: sim:started: pid=132 task=presser
        |         presser-132     [000] .....     0.002000: mm_vmscan_direct_reclaim_begin: order=0 gfp_flags=GFP_HIGHUSER_MOVABLE|__GFP_COMP|__GFP_ZERO
        |         presser-132     [000] .....     0.003000: mm_vmscan_direct_reclaim_end: nr_reclaimed=0
        |         presser-132     [000] .....     0.003000: reclaim_retry_zone: node=0 zone=DMA32    order=0 reclaimable=428 available=856 min_wmark=436 no_progress_loops=1 wmark_check=1
        |         presser-132     [000] .....     0.004000: sim:oom_kill_process: victim=130 comm=hog
        |         presser-132     [000] .....     0.004000: signal_generate: sig=9 errno=0 code=128 comm=hog pid=130 grp=1 res=0
        |         presser-132     [000] .....     0.004001: mark_victim: pid=130 comm=hog total-vm=112096kB anon-rss=94844kB file-rss:4kB shmem-rss:448kB uid=0 pgtables=224kB oom_score_adj=0
        |         presser-132     [000] ..s..     2.010000: wake_reaper: pid=130
        |      oom_reaper-25      [000] .....     2.010000: start_task_reaping: pid=130
        |      oom_reaper-25      [000] .....     2.011000: rss_stat: mm_id=0 curr=0 type=MM_ANONPAGES size=65536B
        |      oom_reaper-25      [000] .....     2.011000: sim:zap: mm=0 vma=heap start=0x1000 end=0x9000 pages=23695 freed=23695
        |      oom_reaper-25      [000] .....     2.011000: sim:mn_call: notifier=0 device=gpu0 api=hlist mm=0 vma=buffers start=0x10000 end=0x20000 blockable=0 event=unmap
        |      oom_reaper-25      [000] .....     2.011000: sim:mn_return: notifier=0 device=gpu0 api=hlist mm=0 vma=buffers start=0x10000 end=0x20000 refused=1
        |      oom_reaper-25      [000] .....     2.011000: finish_task_reaping: pid=130
        |      oom_reaper-25      [000] .....     2.115000: start_task_reaping: pid=130
        |      oom_reaper-25      [000] .....     2.115000: sim:mn_call: notifier=0 device=gpu0 api=hlist mm=0 vma=buffers start=0x10000 end=0x20000 blockable=0 event=unmap
        |      oom_reaper-25      [000] .....     2.115000: sim:mn_return: notifier=0 device=gpu0 api=hlist mm=0 vma=buffers start=0x10000 end=0x20000 refused=0
        |      oom_reaper-25      [000] .....     2.115000: finish_task_reaping: pid=130
        |             hog-130     [000] .....     2.116000: sim:exit_mmap: mm=0 pid=130 comm=hog
        |             hog-130     [000] .....     2.117000: sim:exit_mmap_done: mm=0 pid=130 comm=hog
        |             hog-130     [000] .....     2.117000: sched_process_exit: comm=hog pid=130 prio=120
    "#]].assert_eq(&body);
}

#[test]
fn log_is_printed_as_the_kernel_prints_it() {
    expect![[r#"
        [    0.004000] presser invoked oom-killer: gfp_mask=0x140dca(GFP_HIGHUSER_MOVABLE|__GFP_COMP|__GFP_ZERO), order=0, oom_score_adj=0
        [    0.004000] oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/,task=hog,pid=130,uid=0
        [    0.004000] Out of memory: Killed process 130 (hog) total-vm:112096kB, anon-rss:94844kB, file-rss:4kB, shmem-rss:448kB, UID:0 pgtables:224kB oom_score_adj:0
        [    2.011000] always_refuse_invalidate_range_start+0x0/0x310 [gpu0] callback failed with -11 in non-blockable context.
        [    2.115000] oom_reaper: reaped process 130 (hog), now anon-rss:64kB, file-rss:4kB, shmem-rss:448kB
    "#]].assert_eq(&dmesg(&run("6.1")));
}

#[test]
fn older_kernels_say_less() {
    let line = |text: &str, what: &str| {
        text.lines().find(|line| line.contains(what)).unwrap_or("").to_owned()
    };
    assert!(line(&ftrace(&run("5.12")), "mark_victim").ends_with("mark_victim: pid=130"));
    expect!["[    0.004000] Out of memory: Killed process 130 (hog) total-vm:112096kB, anon-rss:94844kB, file-rss:4kB, shmem-rss:448kB, UID:0 pgtables:229376kB oom_score_adj:0"].assert_eq(&line(&dmesg(&run("5.4")), "Killed"));
    expect!["[    0.004000] Killed process 130 (hog) total-vm:112096kB, anon-rss:94844kB, file-rss:4kB, shmem-rss:448kB"].assert_eq(&line(&dmesg(&run("4.16")), "Killed"));
    assert_eq!(line(&dmesg(&run("4.16")), "callback"), "");
    assert_eq!(line(&dmesg(&run("4.16")), "oom-kill:"), "");
}

#[test]
fn reader_finds_the_story_again() {
    for kernel in ["4.14", "5.3", "6.1"] {
        let run = run(kernel);
        let (trace, log) = (ftrace(&run), dmesg(&run));
        let trace = parse_ftrace(&trace).expect("a trace");
        let log = parse_dmesg(&log);
        assert_eq!((trace.unread, log.unread), (0, 0));
        // Rounded up on one side, cut on the other.
        assert_eq!(clock_offset(&trace.lines, &log.lines), Some(1));
        let story = story(&trace.lines, &log.lines, 0);
        let events: Vec<_> = story.events.iter().map(|event| event.kind.text()).collect();
        let (start, finish) = ("start_task_reaping", "finish_task_reaping");
        assert_eq!(events, ["mark_victim", "wake_reaper", start, finish, start, "reaped", finish]);
        let victim = &story.victims[0];
        assert_eq!(victim.name, "hog");
        let refusals: Vec<_> = victim.attempts.iter().map(|attempt| attempt.refusals).collect();
        assert_eq!(refusals, [1, 0]);
        assert_eq!(story.refusals_logged, u32::from(kernel != "4.14"));
        assert_eq!(victim.attempts[0].anon_after, Some(16 * 4096));
        let known = (kernel == "6.1").then_some(23_695 * 4096);
        assert_eq!(victim.anon_drop(), known);
        let hog = story.process("hog").expect("the hog");
        assert_eq!((hog.started_us, hog.exit_mmap_us), (Some(0), Some(2_116_000)));
        let presser = story.process("presser").expect("the presser");
        assert_eq!(presser.started_us, Some(1_000));
    }
}

#[test]
fn records_of_unknown_things_do_not_panic() {
    let mut recorder = Recorder::new(Keep::Records, Cast::default());
    let (notifier, range, mm) = (NotifierId(9), RangeId(9), MmId(9));
    let (victim, report) = (TaskId(9), ReportId(9));
    for event in [
        Event::MarkVictim { victim, report },
        Event::KilledProcess { victim, report },
        Event::Reaped { victim, report },
        Event::Zap { range, pages: 7, freed: 7 },
        Event::MnReturn { notifier, range, refused: true },
        Event::ExitMmap { mm },
        Event::Blocked { on: WaitOn::Lock(LockId(9)), why: 250, stack: StackId(9) },
        Event::ReclaimRetryZone { zone: ZoneId(9), reclaimable: u32::MAX, loops: 1, ok: false },
    ] {
        recorder.record(SimTime::MAX, TaskId(9), event);
    }
    let mut run = run("not a version");
    (run.trace, run.cast) = (recorder.trace, recorder.cast);
    assert!(parse_ftrace(&ftrace(&run)).is_ok());
    assert_eq!(parse_dmesg(&dmesg(&run)).unread, 0);
}
