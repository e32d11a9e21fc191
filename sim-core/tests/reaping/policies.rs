//! The table of kernel-spec 4.9, a row a test, times to the microsecond:
//! unmapping 2 GiB takes 262,144 us, the 512 MiB 65,536 us more.

use crate::world::{BUFFER, HEAP, run, run_with};
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
