//! Golden text of a run put together by hand: the exporters alone,
//! without the model, and the reader on what they print.

#![expect(clippy::needless_raw_string_hashes, reason = "expect-test writes them so")]

use expect_test::expect;

use super::{dmesg, ftrace};
use crate::base::{
    CgroupId, LockId, MmId, NotifierId, RangeId, ReportId, SimTime, StackId, TaskId, ZoneId,
};
use crate::engine::WaitOn;
use crate::import::{clock_offset, parse_dmesg, parse_ftrace, story};
use crate::record::{
    Cast, CgroupInfo, CompactResult, Event, Gfp, Keep, OomResult, OomScope, PanicText, Reason,
    Recorder, TaskInfo, ThrottleReason,
};

pub(super) mod by_hand;
mod report;
mod trace_dat;

use by_hand::run;

#[test]
fn trace_is_printed_as_the_kernel_prints_it() {
    let text = ftrace(&run("6.1"));
    // The bar keeps the leading blanks from being taken for indentation.
    let barred = |line| ["|", line, "\n"];
    let body: String = text.lines().skip(12).flat_map(barred).collect();
    expect![[r#"
        |         presser-132     [000] .....     0.000000: sim:block: pid=132 on=queue queue=3 why="its start condition" stack=
        |          <idle>-0       [000] .....     0.000000: sched_switch: prev_comm=swapper/0 prev_pid=0 prev_prio=120 prev_state=R ==> next_comm=hog next_pid=130 next_prio=120
        |             hog-130     [000] .....     0.000000: sim:started: pid=130 task=hog
        |             hog-130     [000] .....     0.001000: sched_waking: comm=presser pid=132 prio=120 target_cpu=000
        |         presser-132     [000] .....     0.001000: sim:unblock: pid=132 by=130 how=granted
        |             hog-130     [000] .....     0.001000: sched_switch: prev_comm=hog prev_pid=130 prev_prio=120 prev_state=R ==> next_comm=presser next_pid=132 next_prio=120
        |         presser-132     [000] .....     0.001000: sim:started: pid=132 task=presser
        |         presser-132     [000] .....     0.002000: mm_vmscan_direct_reclaim_begin: order=0 gfp_flags=GFP_HIGHUSER_MOVABLE|__GFP_COMP|__GFP_ZERO
        |         presser-132     [000] .....     0.003000: mm_vmscan_direct_reclaim_end: nr_reclaimed=0
        |         presser-132     [000] .....     0.003000: reclaim_retry_zone: node=0 zone=DMA32    order=0 reclaimable=428 available=856 min_wmark=436 no_progress_loops=1 wmark_check=1
        |         presser-132     [000] .....     0.004000: sim:oom_kill_process: victim=130 comm=hog
        |         presser-132     [000] .....     0.004000: signal_generate: sig=9 errno=0 code=128 comm=hog pid=130 grp=1 res=0
        |         presser-132     [000] .....     0.004001: mark_victim: pid=130 comm=hog total-vm=112096kB anon-rss=94844kB file-rss:4kB shmem-rss:448kB uid=0 pgtables=224kB oom_score_adj=0
        |         presser-132     [000] ..s..     2.010000: wake_reaper: pid=130
        |         presser-132     [000] .....     2.010000: sched_switch: prev_comm=presser prev_pid=132 prev_prio=120 prev_state=R ==> next_comm=oom_reaper next_pid=25 next_prio=120
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
        |             hog-130     [000] .....     2.117000: exit_mmap: mt_mod 000000009e3779b1, DESTROY
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
        [    2.011000] always_refuse_invalidate_range_start+0x0/0x310 [always_refuse] callback failed with -11 in non-blockable context.
        [    2.115000] oom_reaper: reaped process 130 (hog), now anon-rss:64kB, file-rss:4kB, shmem-rss:448kB
    "#]].assert_eq(&dmesg(&run("6.1")));
}

#[test]
fn older_kernels_say_less() {
    let line = |text: &str, what: &str| {
        text.lines().find(|line| line.contains(what)).unwrap_or("").to_owned()
    };
    assert!(line(&ftrace(&run("5.12")), "mark_victim").ends_with("mark_victim: pid=130"));
    let killed = |kernel| line(&dmesg(&run(kernel)), "Killed");
    let sizes = "total-vm:112096kB, anon-rss:94844kB, file-rss:4kB, shmem-rss:448kB";
    let plain = format!("[    0.004000] Killed process 130 (hog) {sizes}");
    let prefixed = format!("[    0.004000] Out of memory: Killed process 130 (hog) {sizes}");
    for kernel in ["4.6", "4.9", "4.14", "4.16", "4.19"] {
        assert_eq!(killed(kernel), plain, "{kernel}");
    }
    assert_eq!(killed("5.3"), prefixed);
    assert_eq!(killed("5.4"), format!("{prefixed}, UID:0 pgtables:229376kB oom_score_adj:0"));
    for kernel in ["5.6", "5.12", "6.1", "6.12", "7.1"] {
        let line = format!("{prefixed}, UID:0 pgtables:224kB oom_score_adj:0");
        assert_eq!(killed(kernel), line, "{kernel}");
    }
    for kernel in ["4.6", "4.16"] {
        assert_eq!(line(&dmesg(&run(kernel)), "callback"), "");
        assert_eq!(line(&dmesg(&run(kernel)), "oom-kill:"), "");
    }
    assert!(
        line(&dmesg(&run("4.19")), "invoked")
            .contains("gfp_mask=0x6280ca(GFP_HIGHUSER_MOVABLE|__GFP_ZERO)")
    );
}

#[test]
fn kernels_without_tracepoints_have_events_of_the_simulator() {
    for kernel in ["4.6", "4.9"] {
        let text = ftrace(&run(kernel));
        for name in ["mark_victim", "wake_reaper", "start_task_reaping", "reclaim_retry_zone"] {
            assert!(text.contains(&format!(" sim:{name}: ")), "{kernel} {name}");
            assert!(!text.contains(&format!(" {name}: ")), "{kernel} {name}");
        }
    }
}

#[test]
fn reader_finds_the_story_again() {
    for kernel in ["4.6", "4.14", "5.3", "6.1"] {
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
        assert_eq!(story.refusals_logged, u32::from(!kernel.starts_with("4.")));
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
    let mut run = run("6.1");
    (run.trace, run.cast) = (recorder.trace, recorder.cast);
    let (trace, log) = (ftrace(&run), dmesg(&run));
    assert!(parse_ftrace(&trace).is_ok());
    assert_eq!(parse_dmesg(&log).unread, 0);
    let events: Vec<_> = trace.lines().filter_map(|line| Some(line.split_once("] ")?.1)).collect();
    expect![[r#"
        ..... 18446744073.709551: mark_victim: pid=0
        ..... 18446744073.709551: sim:zap: range=9 pages=7 freed=7
        ..... 18446744073.709551: sim:mn_return: notifier=9 device=? api=? range=9 refused=1
        ..... 18446744073.709551: sim:exit_mmap: mm=9 pid=0 comm=?
        ..... 18446744073.709551: reclaim_retry_zone: node=0 zone=         order=0 reclaimable=4294967295 available=4294967295 min_wmark=0 no_progress_loops=1 wmark_check=0
    "#]].assert_eq(&(events.join("\n") + "\n"));
    expect![[r#"
        [18446744073.709551] Out of memory: Killed process 0 (<...>) total-vm:0kB, anon-rss:0kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:0kB oom_score_adj:0
        [18446744073.709551] oom_reaper: reaped process 0 (<...>), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB
        [18446744073.709551] ------------[ cut here ]------------
        [18446744073.709551] WARNING: CPU: 0 PID: 0 at mm/mmu_notifier.c __mmu_notifier_invalidate_range_start
        [18446744073.709551] CPU: 0 PID: 0 Comm: <...> Not tainted 6.1.192 #1
        [18446744073.709551] ---[ end trace 0000000000000000 ]---
    "#]].assert_eq(&log);
}

#[test]
fn old_kernels_report_before_they_panic() {
    let nobody = Event::OutOfMemory { result: OomResult::NoVictim, victim: None };
    let panic = Event::Panic { text: PanicText::NoKillable };
    expect![[r#"
        [    0.005000] presser invoked oom-killer: gfp_mask=0x14280ca(GFP_HIGHUSER_MOVABLE|__GFP_ZERO), order=0, oom_score_adj=0
        [    0.005000] Kernel panic - not syncing: Out of memory and no killable processes...
    "#]].assert_eq(&dmesg(&run_of("4.16", &[(5, nobody), (5, panic)])));
}

/// Kinds that say nothing to a reader of a trace or a log: uncontended
/// locks, and counts that change all the time. Who loses a CPU shows in the
/// `sched_switch` to whom gets it.
const SILENT: [&str; 8] = [
    "Spawned",
    "Preempted",
    "Acquired",
    "Released",
    "ZoneFree",
    "Fault",
    "PageCache",
    "MemcgUsage",
];

#[test]
fn every_kind_is_printed_or_known_to_be_silent() {
    let mut run = run("6.1");
    for &kind in Event::KINDS {
        let event = Event::unpack(kind, 0);
        let mut recorder = Recorder::new(Keep::Records, Cast::default());
        recorder.record(SimTime::ZERO, TaskId(2), event);
        run.trace = recorder.trace;
        let trace = ftrace(&run);
        let began = trace.contains("sim:started");
        let lines =
            trace.lines().skip(12).count() - usize::from(began) + dmesg(&run).lines().count();
        let is_silent = SILENT.contains(&event.name());
        // A first MnReturn of none refused, and so on: one kind, one line or more.
        assert_eq!(lines == 0, is_silent, "{}", event.name());
        if lines > 0 && !trace.is_empty() {
            let unread = parse_ftrace(&trace).map_or(0, |read| read.unread);
            assert_eq!((unread, parse_dmesg(&dmesg(&run)).unread), (0, 0), "{}", event.name());
        }
    }
}

/// A run of these records, `ms` after its start, by the presser.
fn run_of(kernel: &str, records: &[(u64, Event)]) -> crate::record::Run {
    let mut run = run(kernel);
    let mut recorder = Recorder::new(Keep::Records, Cast::default());
    for &(ms, event) in records {
        recorder.record(SimTime(ms * 1_000_000), TaskId(3), event);
    }
    run.end = SimTime(records.last().map_or(0, |last| last.0 * 1_000_000));
    run.trace = recorder.trace;
    run
}

#[test]
fn reports_of_kills_and_failures_are_rationed() {
    let (victim, scope) = (TaskId(2), OomScope::Global);
    let (gfp, order) = (Gfp::ZEROED_MOVABLE.0, 0);
    let kill = |report| {
        let chosen = Event::OomKillProcess { victim, gfp, order, scope, report };
        [(1, chosen), (1, Event::KilledProcess { victim, report: ReportId(1) })]
    };
    let log = dmesg(&run_of("6.1", &[true, false].map(kill).concat()));
    let count = |what: &str| log.lines().filter(|line| line.contains(what)).count();
    assert_eq!((count("invoked"), count("oom-kill:"), count("Killed process")), (1, 1, 2));
    let failed = |gfp: Gfp| Event::AllocFailed { order: 0, gfp: gfp.0 };
    let quiet = failed(Gfp::ATOMIC.with(Gfp::NOWARN));
    let records = [(0, quiet), (1, failed(Gfp::ATOMIC)), (9_000, failed(Gfp::NOWAIT))];
    expect![[r#"
        [    0.001000] presser: page allocation failure: order:0, mode:0xa20(GFP_ATOMIC), nodemask=(null),cpuset=/,mems_allowed=0
    "#]].assert_eq(&dmesg(&run_of("6.1", &records)));
    let records = [(1, failed(Gfp::ATOMIC)); 12];
    for (kernel, lines) in [("5.3", 10), ("5.4", 1)] {
        assert_eq!(dmesg(&run_of(kernel, &records)).lines().count(), lines, "{kernel}");
    }
}

/// The last lines of ftrace text that tell of such an event, from its name on.
fn traced(run: &crate::record::Run, event: &str) -> Vec<String> {
    let text = ftrace(run);
    let lines = text.lines().filter_map(|line| Some(line[line.find(event)?..].to_owned()));
    lines.collect()
}

#[test]
fn sigkill_goes_to_the_thread_that_has_the_memory_and_counts_once() {
    let hog = TaskId(2);
    for (kernel, again) in [("5.12", 2), ("6.1", 1)] {
        let mut run = run_of(kernel, &[]);
        run.cast.tasks[hog].leader = hog;
        let thread = TaskInfo { pid: 131, ..run.cast.tasks[hog].clone() };
        run.cast.tasks.push(thread);
        let (gfp, order, scope) = (Gfp::KERNEL.0, 0, OomScope::Sysrq);
        let kill = Event::OomKillProcess { victim: hog, gfp, order, scope, report: false };
        let signal = Event::SignalGenerate { target: hog };
        let told = Event::KilledProcess { victim: TaskId(4), report: ReportId(1) };
        let mut recorder = Recorder::new(Keep::Records, Cast::default());
        for (task, event) in [
            (hog, Event::ProcessExit { group_dead: false }),
            (TaskId(3), kill),
            (TaskId(3), signal),
            (TaskId(3), told),
            // As somebody who shares the mm of another victim: no thread is looked for.
            (TaskId(3), signal),
        ] {
            recorder.record(SimTime(1_000_000), task, event);
        }
        run.trace = recorder.trace;
        let line = |pid, res| {
            format!("signal_generate: sig=9 errno=0 code=128 comm=hog pid={pid} grp=1 res={res}")
        };
        assert_eq!(traced(&run, "signal_generate"), [line(131, 0), line(130, again)], "{kernel}");
    }
}

#[test]
fn compaction_that_was_skipped_is_called_what_its_kernel_calls_it() {
    for (kernel, word) in
        [("5.3", "withdrawn"), ("5.4", "progress"), ("6.1", "progress"), ("6.12", "withdrawn")]
    {
        let (result, retry) = (CompactResult::Skipped, true);
        let event = Event::CompactRetry {
            order: 2,
            priority: 1,
            result,
            retries: 0,
            max_retries: 16,
            retry,
        };
        let lines = traced(&run_of(kernel, &[(1, event)]), "compaction_result");
        let text = format!("compaction_result={word} retries=0 max_retries=16 should_retry=1");
        assert_eq!(lines, [text], "{kernel}");
    }
}

#[test]
fn lines_of_the_killer_are_the_kernels() {
    let (victim, init) = (TaskId(2), TaskId(3));
    let (gfp, order, cgroup) = (Gfp::KERNEL.0, 0, CgroupId(0));
    let records = [
        (1, Event::MemcgOom { cgroup, gfp, order }),
        (1, Event::OomKillProcess { victim, gfp, order, scope: OomScope::Memcg, report: true }),
        (1, Event::KillOrSacrifice { chosen: victim, score: 907 }),
        (1, Event::KilledProcess { victim, report: ReportId(1) }),
        (1, Event::OomMmPinned { victim, init }),
        (2, Event::OomGroupKill { cgroup }),
        (
            3,
            Event::OomKillProcess { victim, gfp, order: 255, scope: OomScope::Sysrq, report: true },
        ),
        (3, Event::OutOfMemory { result: OomResult::Gone, victim: Some(victim) }),
        (4, Event::PagefaultRetry {}),
        (5, Event::OutOfMemory { result: OomResult::NoVictim, victim: None }),
        (5, Event::Panic { text: PanicText::Deadlocked }),
        (6, Event::Panic { text: PanicText::Compulsory }),
    ];
    let mut run = run_of("6.1", &records);
    // The victim is in a cgroup below the one that is full.
    for (name, parent, members) in
        [("jobs", None, Vec::new()), ("batch", Some(cgroup), vec![run.cast.tasks[victim].leader])]
    {
        run.cast.cgroups.push(CgroupInfo { name: name.to_owned(), parent, members });
    }
    expect![[r#"
        [    0.001000] presser invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0
        [    0.001000] Memory cgroup out of memory: Kill process 130 (hog) score 907 or sacrifice child
        [    0.001000] oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/jobs,task_memcg=/jobs/batch,task=hog,pid=130,uid=0
        [    0.001000] Memory cgroup out of memory: Killed process 130 (hog) total-vm:112096kB, anon-rss:94844kB, file-rss:4kB, shmem-rss:448kB, UID:0 pgtables:224kB oom_score_adj:0
        [    0.001000] oom killer 130 (hog) has mm pinned by 132 (presser)
        [    0.002000] Tasks in /jobs are going to be killed due to memory.oom.group set
        [    0.003000] presser invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=-1, oom_score_adj=0
        [    0.003000] oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/jobs/batch,task=hog,pid=130,uid=0
        [    0.003000] Out of memory: OOM victim 130 (hog) is already exiting. Skip killing the task
        [    0.004000] Huh VM_FAULT_OOM leaked out to the #PF handler. Retrying PF
        [    0.005000] presser invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0
        [    0.005000] Out of memory and no killable processes...
        [    0.005000] Kernel panic - not syncing: System is deadlocked on memory
        [    0.006000] Kernel panic - not syncing: Out of memory: compulsory panic_on_oom is enabled
    "#]].assert_eq(&dmesg(&run));
}

#[test]
fn page_that_a_cgroup_has_no_room_for_is_not_called_compound() {
    let (victim, cgroup, order, gfp) = (TaskId(2), CgroupId(0), 0, Gfp::HIGHUSER_MOVABLE.0);
    let kill = |scope| Event::OomKillProcess { victim, gfp, order, scope, report: true };
    for (before, scope, mask) in [
        (Event::MemcgOom { cgroup, gfp, order }, OomScope::Memcg, "0x100cca(GFP_HIGHUSER_MOVABLE)"),
        (
            Event::DirectReclaimBegin { order, gfp },
            OomScope::Global,
            "0x140cca(GFP_HIGHUSER_MOVABLE|__GFP_COMP)",
        ),
    ] {
        let log = dmesg(&run_of("6.1", &[(1, before), (1, kill(scope))]));
        assert!(log.contains(&format!("gfp_mask={mask}, order=0")), "{log}");
    }
}

/// `oom-kill:` has the task that was chosen, the line below it the thread that has the memory.
#[test]
fn kill_of_who_asks_is_called_so_and_names_the_living_thread_last() {
    let (chosen, living, report) = (TaskId(3), TaskId(2), ReportId(1));
    let (gfp, order, scope) = (Gfp::KERNEL.0, 0, OomScope::AllocatingTask);
    let records = [
        (1, Event::OomKillProcess { victim: chosen, gfp, order, scope, report: true }),
        (1, Event::KilledProcess { victim: living, report }),
    ];
    let log = dmesg(&run_of("6.1", &records));
    let (_, log) = log.split_once('\n').expect("a report");
    expect![[r#"
        [    0.001000] oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/,task=presser,pid=132,uid=0
        [    0.001000] Out of memory (oom_kill_allocating_task): Killed process 130 (hog) total-vm:112096kB, anon-rss:94844kB, file-rss:4kB, shmem-rss:448kB, UID:0 pgtables:224kB oom_score_adj:0
    "#]].assert_eq(log);
    let records = [
        (1, Event::OomKillProcess { victim: chosen, gfp, order, scope, report: false }),
        (1, Event::KillOrSacrifice { chosen, score: 0 }),
    ];
    expect![[r#"
        [    0.001000] Out of memory (oom_kill_allocating_task): Kill process 132 (presser) score 0 or sacrifice child
    "#]].assert_eq(&dmesg(&run_of("4.14", &records)));
}

#[test]
fn hung_tasks_are_reported_ten_times_at_most() {
    let blocked = Event::Blocked { on: WaitOn::Time, why: Reason::Stuck as u8, stack: StackId(0) };
    let run = run_of("6.1", &[(1, blocked), (3_000_000, Event::Ready {})]);
    let log = dmesg(&run);
    let reports: Vec<_> = log.lines().filter(|line| line.contains("INFO: task")).collect();
    assert_eq!(reports.len(), 10);
    expect!["[  240.000000] INFO: task presser:132 blocked for more than 120 seconds."]
        .assert_eq(reports[0]);
}

#[test]
fn tracepoints_of_reclaim_have_the_kernels_formats() {
    let (zone, order, gfp) = (ZoneId(0), 3, Gfp::NOFS.0);
    let (timeout_us, delayed_us) = (4000, 4000);
    let result = CompactResult::Complete;
    let retries = |priority, retries| {
        let (max_retries, retry) = (16, true);
        Event::CompactRetry { order, priority, result, retries, max_retries, retry }
    };
    let records = [
        (1, Event::WakeupKswapd { order, gfp }),
        (1, Event::KswapdWake { order }),
        (1, Event::CompactionBegin { order, zone }),
        (1, Event::CompactionEnd { order, zone, result }),
        (2, Event::DirectReclaimBegin { order, gfp }),
        (2, Event::CompactionEnd { order, zone, result: CompactResult::Success }),
        (2, retries(1, 2)),
        (2, retries(0, 0)),
        (3, Event::Throttled { timeout_us, delayed_us, reason: ThrottleReason::NoProgress }),
        (4, Event::KswapdSleep {}),
        (5, Event::OomScoreAdjUpdate { target: TaskId(2), adj_plus_1000: 500 }),
    ];
    let body = |kernel: &str| {
        let text = ftrace(&run_of(kernel, &records));
        text.lines().skip(12).flat_map(|line| [&line[34..], "\n"]).collect::<String>()
    };
    expect![[r#"
        ..     0.001000: mm_vmscan_wakeup_kswapd: nid=0 order=3 gfp_flags=GFP_NOFS
        ..     0.001000: mm_vmscan_kswapd_wake: nid=0 order=3
        ..     0.001000: mm_compaction_begin: zone_start=0x0 migrate_pfn=0x0 free_pfn=0xcb5e zone_end=0xcb5e, mode=async
        ..     0.001000: mm_compaction_end: zone_start=0x0 migrate_pfn=0x0 free_pfn=0xcb5e zone_end=0xcb5e, mode=async status=complete
        ..     0.002000: mm_vmscan_direct_reclaim_begin: order=3 gfp_flags=GFP_NOFS
        ..     0.002000: mm_compaction_end: zone_start=0x0 migrate_pfn=0x0 free_pfn=0xcb5e zone_end=0xcb5e, mode=sync status=success
        ..     0.002000: compact_retry: order=3 priority=COMPACT_PRIO_SYNC_LIGHT compaction_result=failed retries=2 max_retries=16 should_retry=1
        ..     0.002000: compact_retry: order=3 priority=COMPACT_PRIO_SYNC_FULL compaction_result=failed retries=0 max_retries=16 should_retry=1
        ..     0.003000: mm_vmscan_throttled: nid=0 usec_timeout=4000 usect_delayed=4000 reason=VMSCAN_THROTTLE_NOPROGRESS
        ..     0.004000: mm_vmscan_kswapd_sleep: nid=0
        ..     0.005000: oom_score_adj_update: pid=130 comm=hog oom_score_adj=-500
    "#]].assert_eq(&body("6.1"));
    assert!(body("5.12").contains(": sim:mm_vmscan_throttled: nid=0"));
}
