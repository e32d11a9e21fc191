//! The table of kernel-spec 4.9, a row a test, times to the microsecond:
//! unmapping 2 GiB takes 262,144 us, the 512 MiB 65,536 us more.

use crate::world::{BUFFER, HEAP, run, run_more, run_with};
use sim_core::base::Nanos;
use sim_core::record::Event;
use sim_core::scenario::checked::Api;

const HEAP_US: u64 = 262_144;
const BUFFER_US: u64 = 65_536;
const TEN_PAUSES_US: u64 = 1_000_000;
/// While the victim sits in its driver.
const STUCK: Nanos = Nanos::from_secs(9);

#[test]
fn ignore_frees_all_at_once_and_the_device_uses_it_still() {
    let run = run("5.6", "ignore", "5s");
    assert_eq!(run.unmapped("oom_reaper", STUCK), HEAP + BUFFER);
    assert_eq!((run.attempts(), run.reaper_calls()), (1, 0));
    assert_eq!(run.skip_us(), Some(HEAP_US + BUFFER_US));
    let stale = run.0.trace.iter().find_map(|record| match record.event {
        Event::StaleAccess { pages, .. } => Some(u64::from(pages)),
        _ => None,
    });
    assert_eq!(stale, Some(BUFFER));
}

#[test]
fn ignore_leaves_pages_that_the_device_refers_to() {
    let run = run_with("5.6", "ignore", "5s", |device| device.page_refs = Some(true));
    assert_eq!(run.unmapped("oom_reaper", STUCK), HEAP + BUFFER);
    assert_eq!(run.count(|event| matches!(event, Event::StaleAccess { .. })), 0);
    let pinned = run.0.trace.iter().map(|record| match record.event {
        Event::StillPinned { pages, .. } => u64::from(pages),
        _ => 0,
    });
    assert_eq!(pinned.sum::<u64>(), BUFFER);
}

#[test]
fn skip_any_and_skip_flag_free_nothing_and_sleep_a_second() {
    for policy in ["skip-any", "skip-flag"] {
        let run = run("5.6", policy, "5s");
        assert_eq!(run.unmapped("oom_reaper", STUCK), 0, "{policy}");
        assert_eq!(run.attempts(), 0, "no tracepoint");
        assert!(run.reaped_us().is_none() && !run.gave_up(), "no line");
        assert_eq!(run.skip_us(), Some(1_000_000), "{policy}");
    }
}

#[test]
fn skip_any_holds_oom_lock_while_it_sleeps() {
    let run = run("5.6", "skip-any", "5s");
    let fails = run.count(|event| matches!(event, Event::OomTrylockFail { .. }));
    // One a jiffy, and the time between two.
    assert!((100..=250).contains(&fails), "{fails}");
}

#[test]
fn skip_flag_calls_drivers_that_promise_not_to_block() {
    let run = run_with("4.16", "skip-flag", "50ms", |device| device.does_not_block = Some(true));
    assert_eq!(run.unmapped("oom_reaper", STUCK), HEAP + BUFFER);
    // The promise is broken: it waits for what is left of the job.
    assert_eq!(run.reaper_calls(), 2);
    assert_eq!(run.attempts(), 1);
}

#[test]
fn nonblock_and_interval_free_what_does_not_overlap() {
    for (policy, calls) in [("nonblock", 20), ("interval", 10), ("interval-two-pass", 10)] {
        let run = run("5.6", policy, "5s");
        assert_eq!(run.unmapped("oom_reaper", STUCK), HEAP, "{policy}");
        assert_eq!((run.attempts(), run.reaper_calls()), (10, calls), "{policy}");
        assert!(run.gave_up() && run.reaped_us().is_none(), "{policy}");
        assert_eq!(run.skip_us(), Some(HEAP_US + TEN_PAUSES_US), "{policy}");
    }
}

#[test]
fn delay_of_two_seconds_comes_before_the_first_attempt() {
    let run = run("6.1", "interval", "5s");
    assert_eq!(run.skip_us(), Some(2_000_000 + HEAP_US + TEN_PAUSES_US));
    assert_eq!(run.unmapped("oom_reaper", STUCK), HEAP);
}

#[test]
fn core_refuse_does_as_interval_and_asks_nobody() {
    for api in [Api::Interval, Api::Hlist] {
        let run = run_with("5.6", "core-refuse", "5s", |device| device.api = Some(api));
        assert_eq!(run.unmapped("oom_reaper", STUCK), HEAP, "{api:?}");
        assert_eq!((run.attempts(), run.reaper_calls()), (10, 0), "{api:?}");
        assert_eq!(run.skip_us(), Some(HEAP_US + TEN_PAUSES_US), "{api:?}");
        let refused = run.count(|event| matches!(event, Event::CoreRefused { .. }));
        // The victim's own exit_mmap() is refused too, up to 5.17, where the tree outlives the list.
        assert_eq!(refused, if api == Api::Interval { 11 } else { 10 });
    }
}

#[test]
fn block_always_frees_all_when_the_device_is_done() {
    let run = run("5.6", "block-always", "5s");
    assert_eq!(run.unmapped("oom_reaper", STUCK), HEAP + BUFFER);
    assert_eq!((run.attempts(), run.reaper_calls()), (1, 1), "the core tests the range");
    let done = run.when(|event| matches!(event, Event::FenceSignaled { .. })).expect("the job");
    assert_eq!(run.reaped_us(), Some(done + BUFFER_US));
    assert_eq!(run.skip_us(), run.reaped_us());
}

#[test]
fn deadline_waits_fifty_milliseconds_for_the_buffer_each_time() {
    let run = run("5.6", "deadline", "5s");
    assert_eq!(run.unmapped("oom_reaper", STUCK), HEAP);
    assert_eq!((run.attempts(), run.reaper_calls()), (10, 10));
    assert_eq!(run.count(|event| matches!(event, Event::DeadlinePassed { .. })), 10);
    assert_eq!(run.skip_us(), Some(HEAP_US + TEN_PAUSES_US + 10 * 50_000));
}

#[test]
fn deadline_lets_a_short_wait_pass() {
    let run = run("5.6", "deadline", "40ms");
    assert_eq!(run.unmapped("oom_reaper", STUCK), HEAP + BUFFER);
    assert_eq!(run.count(|event| matches!(event, Event::DeadlinePassed { .. })), 0);
    assert_eq!(run.attempts(), 1);
}

#[test]
fn hand_off_lets_the_reaper_go_on_and_gives_up_after_a_second() {
    let run = run("5.6", "hand-off", "5s");
    assert_eq!(run.unmapped("oom_reaper", STUCK), HEAP);
    assert_eq!(run.reaper_calls(), 1);
    assert_eq!(run.count(|event| matches!(event, Event::HandedOff { .. })), 1);
    assert_eq!(run.skip_us(), Some(HEAP_US + 1_000_000));
    assert!(run.gave_up());
    // The worker goes on all the same, and is done when the device is.
    assert_eq!(run.unmapped("oom_hand_off", STUCK), BUFFER);
    assert!(run.reaped_us().expect("reaped") > 4_900_000);
}

#[test]
fn hand_off_that_is_done_in_time_sets_skip_when_it_is() {
    let run = run("5.6", "hand-off", "600ms");
    assert!(!run.gave_up());
    let skip = run.skip_us().expect("skip");
    assert_eq!(run.reaped_us(), Some(skip));
    assert!((500_000..=600_000 + BUFFER_US).contains(&skip), "{skip}");
    assert_eq!(run.unmapped("oom_hand_off", STUCK), BUFFER);
}

/// "All together": two devices, each of which would be done in time, are not.
#[test]
fn deadline_is_for_all_callbacks_of_a_vma_together() {
    let both = |each: &str| run_more("5.6", "deadline", &[each, each], 1);
    let in_time = both("{ hardware = '20ms' }");
    assert_eq!(in_time.count(|event| matches!(event, Event::DeadlinePassed { .. })), 0);
    assert_eq!((in_time.attempts(), in_time.unmapped("oom_reaper", STUCK)), (1, HEAP + BUFFER));
    let late = both("{ hardware = '30ms' }");
    assert_eq!(late.count(|event| matches!(event, Event::DeadlinePassed { .. })), 10);
    // 30 ms were the first one's, and 20 were left for the second.
    assert_eq!(late.skip_us(), Some(HEAP_US + TEN_PAUSES_US + 10 * 50_000));
    assert_eq!(late.unmapped("oom_reaper", STUCK), HEAP);
}

/// "For every VMA": each has its own fifty milliseconds, so an attempt takes at most that for each.
#[test]
fn deadline_begins_anew_with_every_vma() {
    let run = run_more("5.6", "deadline", &["{ hardware = '5s' }"], 3);
    assert_eq!(run.count(|event| matches!(event, Event::DeadlinePassed { .. })), 30);
    assert_eq!(run.skip_us(), Some(HEAP_US + TEN_PAUSES_US + 10 * 3 * 50_000));
    // Each of three would be done in time.
    let run = run_more("5.6", "deadline", &["{ hardware = '40ms' }"], 3);
    assert_eq!((run.attempts(), run.unmapped("oom_reaper", STUCK)), (1, HEAP + 3 * BUFFER));
}

/// "A wait for a lock, a fence or a work request ends there": each kind of it.
#[test]
fn deadline_ends_every_kind_of_wait() {
    for step in [
        "{ lock = 'held' }, { unlock = 'held' }",
        "{ hardware = '5s' }",
        "{ sleep = '5s' }",
        "{ flush = true }",
        "{ fences = true }",
    ] {
        let run = run_more("5.6", "deadline", &[step], 1);
        assert_eq!((run.attempts(), run.gave_up()), (10, true), "{step}");
        assert_eq!(run.skip_us(), Some(HEAP_US + TEN_PAUSES_US + 10 * 50_000), "{step}");
    }
}

/// "Callbacks that would sleep after it refuse at once": the first one takes it all. One that
/// need not sleep succeeds all the same, but the VMA is refused.
#[test]
fn deadline_that_has_passed_lets_nobody_sleep() {
    let run = run_more("5.6", "deadline", &["{ hardware = '1ms' }", "{ hardware = '5s' }"], 1);
    // Called in the order of their intervals, the earlier registration first.
    let refused = run.count(|event| matches!(event, Event::MnReturn { refused: true, .. }));
    assert!(refused >= 10, "{refused}");
    assert_eq!(run.skip_us(), Some(HEAP_US + TEN_PAUSES_US + 10 * 50_000));
}

/// "Retries and give-up are those of the profile", and so is the delay before them.
#[test]
fn deadline_keeps_the_profile_s_times() {
    let run = run("6.1", "deadline", "5s");
    assert_eq!(run.attempts(), 10);
    assert_eq!(run.skip_us(), Some(2_000_000 + HEAP_US + TEN_PAUSES_US + 10 * 50_000));
}

/// "The reaper does sleep in callbacks: I6 is waived", and told.
#[test]
fn deadline_and_hand_off_say_what_they_waive() {
    let waived = |policy: &str, busy: &str| {
        let run = run("5.6", policy, busy);
        let mut ids: Vec<_> = sim_core::analysis::report(&run.0)
            .incidents
            .into_iter()
            .filter(|incident| incident.kind == "waived-invariant")
            .map(|incident| incident.text.rsplit(' ').next().unwrap_or_default().to_owned())
            .collect();
        ids.dedup();
        ids
    };
    assert_eq!(waived("deadline", "5s"), ["I6"]);
    // The worker reaps after SKIP (I3), and what a start that must not sleep had refused (I8).
    let of_hand_off = waived("hand-off", "5s");
    for id in ["I3", "I8"] {
        assert!(of_hand_off.iter().any(|it| it == id), "{of_hand_off:?}");
    }
    // In time: nothing is reaped after SKIP.
    assert!(!waived("hand-off", "600ms").iter().any(|it| it == "I3"));
    assert_eq!(waived("interval", "5s"), [""; 0]);
}

/// "A driver that overruns": one that never asks does not know of a deadline either.
#[test]
fn deadline_binds_only_drivers_that_ask() {
    let run = run_more("5.6", "deadline", &["never { hardware = '200ms' }"], 1);
    assert_eq!(run.count(|event| matches!(event, Event::DeadlinePassed { .. })), 0);
    assert_eq!((run.attempts(), run.gave_up()), (1, false));
    assert_eq!(run.skip_us(), Some(HEAP_US + BUFFER_US + 200_000));
}

/// "The first attempt with a refusal is the last: it ends as a failed one": finish without
/// "reaped" by the reaper, which is free for the next victim. "One after the other": the
/// worker's calls do not overlap. "Prints reaped", and SKIP is set when it has reaped all.
#[test]
fn hand_off_takes_one_vma_after_the_other() {
    let run = run_more("5.6", "hand-off", &["{ hardware = '100ms' }"], 3);
    let by = |comm: &str| run.0.cast.tasks.iter().find(|(_, info)| info.comm == comm);
    let (reaper, _) = by("oom_reaper").expect("a reaper");
    let (worker, _) = by("oom_hand_off").expect("a worker");
    let finished: Vec<_> = run
        .0
        .trace
        .iter()
        .filter_map(|record| match record.event {
            Event::FinishTaskReaping { ok, .. } => Some((record.task, ok)),
            _ => None,
        })
        .collect();
    assert_eq!(finished, [(reaper, false), (worker, true)]);
    assert_eq!(run.count(|event| matches!(event, Event::HandedOff { .. })), 3);
    let mut inside = 0;
    for record in run.0.trace.iter().filter(|record| record.task == worker) {
        match record.event {
            Event::MnCall { blockable, .. } => {
                assert!(blockable);
                inside += 1;
            }
            Event::MnReturn { refused, .. } => {
                assert!(!refused);
                inside -= 1;
            }
            _ => {}
        }
        assert!(inside <= 1);
    }
    // 262 ms for the heap, then a hundred for each buffer, and what unmapping it takes.
    let done = HEAP_US + 3 * (100_000 + BUFFER_US);
    assert_eq!((run.skip_us(), run.reaped_us()), (Some(done), Some(done)));
    assert!(!run.gave_up());
    assert_eq!(run.unmapped("oom_hand_off", STUCK), 3 * BUFFER);
}

/// "Holds mmap_lock for reading while it has a VMA": who wants it for writing waits for the
/// worker, and not longer than for one VMA.
#[test]
fn hand_off_holds_mmap_lock_for_one_vma_at_a_time() {
    let run = run_more("5.6", "hand-off", &["{ hardware = '100ms' }"], 2);
    let (worker, _) =
        run.0.cast.tasks.iter().find(|(_, info)| info.comm == "oom_hand_off").expect("a worker");
    let mut held = Vec::new();
    let mut since = None;
    for record in run.0.trace.iter().filter(|record| record.task == worker) {
        match record.event {
            Event::Acquired { lock, .. } if run.0.cast.locks[lock].name.contains("mmap_lock") => {
                since = Some(record.at);
            }
            Event::Released { lock } if run.0.cast.locks[lock].name.contains("mmap_lock") => {
                held.push((record.at - since.take().expect("taken")).0 / 1000);
            }
            _ => {}
        }
    }
    assert_eq!(held, [100_000 + BUFFER_US, 100_000 + BUFFER_US]);
}

/// "Or by exit_mmap()": a victim that leaves sets SKIP itself, and the worker leaves off where
/// the last user tears the mm down.
#[test]
fn hand_off_leaves_off_where_the_victim_exits() {
    let run = run_more("5.6", "hand-off", &["exits { hardware = '200ms' }"], 2);
    let skips: Vec<_> = run
        .0
        .trace
        .iter()
        .filter_map(|record| match record.event {
            Event::OomSkipSet { by, .. } => Some(by),
            _ => None,
        })
        .collect();
    assert_eq!(skips.first(), Some(&sim_core::record::SkipBy::Exit), "{skips:?}");
    assert!(!run.gave_up());
    // The first buffer was the worker's; the second it did not begin.
    assert_eq!(run.unmapped("oom_hand_off", STUCK), BUFFER);
}
