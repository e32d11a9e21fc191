//! The analyses on runs of the gallery.
#![expect(clippy::needless_raw_string_hashes, reason = "expect-test writes them")]

use std::fmt::Write as _;

use expect_test::expect;

use super::*;
use crate::base::{SimTime, TaskId};
use crate::record::TaskKind;
use crate::scenario::{RunOptions, Simulation, gallery};

#[test]
#[expect(clippy::too_many_lines, reason = "most of it is the expected table")]
fn gallery_has_these_verdicts() {
    let mut text = String::new();
    for entry in gallery::gallery() {
        let scenario = crate::scenario::parse(entry.id, entry.text, &[]).expect("checked");
        let options = RunOptions::default();
        let run = Simulation::new(&scenario, &options).expect("known").run();
        assert_consistent(&run);
        // The others have a table of their own, with what they are without their cause.
        if entry.group.argues() {
            continue;
        }
        let report = report(&run);
        let metrics = &report.metrics;
        let _ = writeln!(text, "{}: {}", entry.id, report.verdict.id());
        let _ = writeln!(text, "  {}", report.evidence);
        let _ = writeln!(
            text,
            "  attempts {} back-offs {} refusals {} reaped {} incidents {}",
            metrics.reap_attempts,
            metrics.backoffs,
            metrics.refusals,
            metrics.reaped_pages,
            report.incidents.len()
        );
    }
    expect![[r#"
        gpu-fence-overlap: extra-victims
          editor was killed at 4307.844 ms although hog, killed before, still had 40 MiB.
          attempts 10 back-offs 10 refusals 10 reaped 18751 incidents 22
        g1-clean-exit: recovered
          victim was killed at 17.000 ms; by 198.000 ms free memory was above the high watermark and every survivor had got its page.
          attempts 0 back-offs 0 refusals 0 reaped 0 incidents 0
        g2-stuck-no-notifier: recovered
          victim was killed at 17.000 ms; by 2019.000 ms free memory was above the high watermark and every survivor had got its page.
          attempts 1 back-offs 0 refusals 0 reaped 262144 incidents 0
        g3-stuck-no-delay: recovered
          victim was killed at 1.000 ms; by 3.000 ms free memory was above the high watermark and every survivor had got its page.
          attempts 1 back-offs 0 refusals 0 reaped 262144 incidents 0
        g4-overlap-refused: recovered
          victim was killed at 1.001 ms; by 3.001 ms free memory was above the high watermark and every survivor had got its page.
          attempts 10 back-offs 10 refusals 10 reaped 264192 incidents 21
        g5-silent-back-off: extra-victims
          mem-hog was killed at 1501.000 ms although victim, killed before, still had 1 GiB.
          attempts 2 back-offs 1 refusals 0 reaped 0 incidents 3
        g6-flagged-notifier: recovered
          victim was killed at 1.000 ms; by 3.044 ms free memory was above the high watermark and every survivor had got its page.
          attempts 1 back-offs 0 refusals 0 reaped 262144 incidents 1
        g6-unflagged-notifier: extra-victims
          mem-hog was killed at 1501.000 ms although victim, killed before, still had 1 GiB.
          attempts 2 back-offs 1 refusals 0 reaped 0 incidents 3
        g7-ignore: recovered
          victim was killed at 1.001 ms; by 3.045 ms free memory was above the high watermark and every survivor had got its page.
          attempts 1 back-offs 0 refusals 0 reaped 262144 incidents 4
        g8-interval-miss: recovered
          victim was killed at 1.001 ms; by 3.001 ms free memory was above the high watermark and every survivor had got its page.
          attempts 1 back-offs 0 refusals 0 reaped 262144 incidents 0
        g9-block-always-deadlock: deadlock
          From 60017.001 ms on oom_reaper could never go on: oom_reaper → gpu0 (a fence) → gpu0/worker (the signal of a fence) → mem-hog (m) → oom_reaper (a page, by the reaper). Nor could victim/stuck, which waits for oom_reaper (lock of gpu0).
          attempts 1 back-offs 0 refusals 0 reaped 0 incidents 3
        g10-writer-queued: extra-victims
          mem-hog was killed at 1004.000 ms although victim, killed before, still had 1 GiB.
          attempts 11 back-offs 10 refusals 0 reaped 16 incidents 12
        g11-pins: recovered
          victim and mem-hog were killed, the last at 133.000 ms; by 133.252 ms free memory was above the high watermark and every survivor had got its page.
          attempts 2 back-offs 0 refusals 0 reaped 262160 incidents 0
        g12-lifo: recovered
          v1, v2 and v3 were killed, the last at 13.000 ms; by 15.000 ms free memory was above the high watermark and every survivor had got its page.
          attempts 3 back-offs 0 refusals 0 reaped 8192 incidents 0
        g13-nofs-only: livelock
          Only retries of writer ran in the last 10.00 s (since 0.000 ms). writer asks for a page and retries in direct reclaim since 0.000 ms; its request may not enter a filesystem (no __GFP_FS), so it can have nobody killed.
          attempts 0 back-offs 0 refusals 0 reaped 0 incidents 0
        g14-always-refuse: extra-victims
          mem-hog was killed at 1002.000 ms although victim, killed before, still had 1 GiB.
          attempts 11 back-offs 10 refusals 20 reaped 16 incidents 22
        g15-zero-candidates: panic
          The kernel panicked at 17.000 ms: out of memory, and nobody left to kill (System is deadlocked on memory).
          attempts 0 back-offs 0 refusals 0 reaped 0 incidents 0
        g16-one-at-a-time: extra-victims
          mem-hog was killed at 1002.000 ms although victim, killed before, still had 1 GiB.
          attempts 11 back-offs 10 refusals 10 reaped 16 incidents 22
        capture-6-1-s1: recovered
          hog was killed at 1256.845 ms; by 1287.707 ms free memory was above the high watermark and every survivor had got its page.
          attempts 0 back-offs 0 refusals 0 reaped 0 incidents 0
        capture-6-1-s2: recovered
          hog1 was killed at 2052.442 ms; by 2124.419 ms free memory was above the high watermark and every survivor had got its page.
          attempts 0 back-offs 0 refusals 0 reaped 0 incidents 0
        capture-6-1-s2-smp: recovered
          hog1 was killed at 1983.450 ms; by 2018.412 ms free memory was above the high watermark and every survivor had got its page.
          attempts 0 back-offs 0 refusals 0 reaped 0 incidents 0
        capture-6-1-s2stuck: recovered
          hog was killed at 1977.110 ms; by 4083.030 ms free memory was above the high watermark and every survivor had got its page.
          attempts 1 back-offs 0 refusals 0 reaped 23871 incidents 0
        capture-6-1-s3: extra-victims
          presser was killed at 5032.931 ms although hog, killed before, still had 93.2 MiB.
          attempts 10 back-offs 10 refusals 140 reaped 0 incidents 22
        capture-6-1-s3-smp: extra-victims
          presser was killed at 4982.826 ms although hog, killed before, still had 91.2 MiB.
          attempts 10 back-offs 10 refusals 140 reaped 0 incidents 22
        capture-6-1-s3exit: recovered
          hog was killed at 1917.251 ms; by 2003.953 ms free memory was above the high watermark and every survivor had got its page.
          attempts 0 back-offs 0 refusals 0 reaped 0 incidents 0
        capture-6-1-s4part: extra-victims
          presser was killed at 5022.037 ms although hog, killed before, still had 92 MiB.
          attempts 10 back-offs 10 refusals 10 reaped 1343 incidents 22
        capture-6-1-s5part: extra-victims
          presser was killed at 5025.526 ms although hog, killed before, still had 92 MiB.
          attempts 10 back-offs 10 refusals 10 reaped 1343 incidents 22
        capture-6-1-s6: extra-victims
          presser was killed at 5060.394 ms although hog, killed before, still had 92 MiB.
          attempts 10 back-offs 10 refusals 20 reaped 319 incidents 22
        capture-6-1-s6-smp: extra-victims
          presser was killed at 4982.879 ms although hog, killed before, still had 90 MiB.
          attempts 10 back-offs 10 refusals 20 reaped 319 incidents 22
        capture-6-1-s7: recovered
          hog was killed at 1977.040 ms; by 4092.013 ms free memory was above the high watermark and every survivor had got its page.
          attempts 1 back-offs 0 refusals 0 reaped 23871 incidents 0
        capture-6-1-s8w500: recovered
          hog was killed at 1977.190 ms; by 2575.817 ms free memory was above the high watermark and every survivor had got its page.
          attempts 0 back-offs 0 refusals 0 reaped 0 incidents 0
        capture-6-1-s8w5000: extra-victims
          presser was killed at 5058.926 ms although hog, killed before, still had 93.2 MiB.
          attempts 10 back-offs 10 refusals 0 reaped 0 incidents 12
        capture-6-1-s12: recovered
          hog was killed at 2085.449 ms; by 4288.236 ms free memory was above the high watermark and every survivor had got its page.
          attempts 1 back-offs 0 refusals 0 reaped 23871 incidents 0
        capture-6-1-l1both: extra-victims
          presser was killed at 5020.384 ms although hog, killed before, still had 93.2 MiB.
          attempts 10 back-offs 10 refusals 140 reaped 0 incidents 23
        capture-6-1-l2itv: recovered
          hog was killed at 1962.217 ms; by 4053.332 ms free memory was above the high watermark and every survivor had got its page.
          attempts 1 back-offs 0 refusals 0 reaped 23871 incidents 0
        lockdep-6-1-l1: no-oom
          Nobody was killed, and nobody waits for memory.
          attempts 0 back-offs 0 refusals 0 reaped 0 incidents 0
        lockdep-6-1-l2: no-oom
          Nobody was killed, and nobody waits for memory.
          attempts 0 back-offs 0 refusals 0 reaped 0 incidents 0
        lockdep-6-1-l3: no-oom
          Nobody was killed, and nobody waits for memory.
          attempts 0 back-offs 0 refusals 0 reaped 0 incidents 0
        lockdep-6-1-l4nowait: no-oom
          Nobody was killed, and nobody waits for memory.
          attempts 0 back-offs 0 refusals 0 reaped 0 incidents 0
        lockdep-6-1-l4atomic: no-oom
          Nobody was killed, and nobody waits for memory.
          attempts 0 back-offs 0 refusals 0 reaped 0 incidents 0
        lockdep-6-1-l5: no-oom
          Nobody was killed, and nobody waits for memory.
          attempts 0 back-offs 0 refusals 0 reaped 0 incidents 0
        lockdep-6-1-l6: no-oom
          Nobody was killed, and nobody waits for memory.
          attempts 0 back-offs 0 refusals 0 reaped 0 incidents 0
        lockdep-6-1-l7: no-oom
          Nobody was killed, and nobody waits for memory.
          attempts 0 back-offs 0 refusals 0 reaped 0 incidents 0
        lockdep-6-1-l8: no-oom
          Nobody was killed, and nobody waits for memory.
          attempts 0 back-offs 0 refusals 0 reaped 0 incidents 0
        lockdep-6-1-n1mutex: recovered
          hog was killed at 2372.687 ms; by 4812.554 ms free memory was above the high watermark and every survivor had got its page.
          attempts 1 back-offs 0 refusals 0 reaped 23359 incidents 0
        lockdep-6-1-n2mutex: recovered
          hog was killed at 2372.687 ms; by 4812.554 ms free memory was above the high watermark and every survivor had got its page.
          attempts 1 back-offs 0 refusals 0 reaped 23359 incidents 0
        lockdep-6-1-h1: recovered
          hog was killed at 2357.694 ms; by 41277.096 ms free memory was above the high watermark and every survivor had got its page.
          attempts 1 back-offs 0 refusals 0 reaped 23359 incidents 1
    "#]].assert_eq(&text);
}

#[test]
fn whose_victim_is_handed_off_waits_all_the_same() {
    for id in ["d6-global-lock", "gpu-fence-overlap", "mutex-held-across-allocations"] {
        let entry = gallery::find(id).expect("in the gallery");
        let scenario = crate::scenario::parse(id, entry.text, &[]).expect("checked");
        let policy = Some("hand-off".to_owned());
        let options = RunOptions { policy, ..RunOptions::default() };
        assert_consistent(&Simulation::new(&scenario, &options).expect("known").run());
    }
}

/// What different analyses say of one run fits together.
fn assert_consistent(run: &crate::record::Run) {
    let index = Index::new(run);
    let memory = index.memory();
    let used =
        |at: SimTime| memory.present.iter().map(|&(mm, _)| index.present(mm, at)).sum::<u64>();
    for &(at, free) in &memory.free {
        let file = memory.file.iter().rev().find(|point| point.0 <= at);
        let anon = used(at) - file.map_or(0, |point| point.1);
        assert!(anon + free <= memory.managed, "{at:?}: {anon} present, {free} free");
    }
    for lane in lanes(run) {
        assert!(lane.spans.is_sorted_by_key(|span| span.start), "{}", lane.title);
    }
    if let Some(blame) = recovery_blame(&index) {
        let idle = blame.segments.iter().filter(|segment| segment.cause == Cause::Idle);
        for segment in idle {
            assert_eq!(who_asks(&index, segment), None, "{}: {segment:?}", run.id.scenario);
        }
    }
    for task in run.cast.tasks.ids() {
        for part in 0..20 {
            let at = SimTime(run.end.0 / 20 * part);
            assert!(!wait_chain(&index, task, at).is_empty());
        }
    }
}

/// A process that is in the slow path, and not killed yet, in a stretch of the critical path.
fn who_asks(index: &Index, segment: &Segment) -> Option<String> {
    let users = index.cast.tasks.iter().filter(|(_, info)| info.kind == TaskKind::User);
    let asks = |task: TaskId| {
        let track = index.tasks.get(task.index());
        let killed = track.and_then(|track| track.killed).map_or(index.end, |at| index.time(at));
        let mut stalls = track.into_iter().flat_map(|track| &track.stalls.items);
        stalls.any(|stall| {
            let to = index.time(stall.to).min(killed);
            index.time(stall.from).max(segment.from) < to.min(segment.to)
        })
    };
    users.map(|(task, _)| task).find(|&task| asks(task)).map(|task| task_name(&index.cast, task))
}
