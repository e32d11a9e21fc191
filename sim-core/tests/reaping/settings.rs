//! What the kernel has as constants and a machine may have otherwise: `OOM_REAPER_DELAY`,
//! `MAX_OOM_REAP_RETRIES`, the pause between attempts, the sleep in place of one. Times are those
//! of `policies.rs`, at 250 Hz: a jiffy is 4 ms.

use crate::world::{Outcome, run_set, sets, text};
use sim_core::analysis::{Index, wait_chain};
use sim_core::base::{Nanos, SimTime};
use sim_core::kernel::switches::PROFILES;
use sim_core::record::{Event, Reason};
use sim_core::scenario::checked::Machine;
use sim_core::scenario::{Diagnostic, parse};
use sim_core::{export, policy};

const HEAP_US: u64 = 262_144;

/// Attempts, and the time from the kill until SKIP.
fn attempts_and_skip(run: &Outcome) -> (usize, Option<u64>) {
    (run.attempts(), run.skip_us())
}

#[test]
fn reaper_tries_as_often_and_waits_as_long_as_the_machine_says() {
    let rows: [(&[&str], usize, u64); 8] = [
        (&[], 10, 1_000_000),
        (&["max_oom_reap_retries=3"], 3, 300_000),
        (&["max_oom_reap_retries=1"], 1, 100_000),
        // Whole jiffies, rounded up.
        (&["oom_reap_pause=7ms"], 10, 80_000),
        (&["oom_reap_pause=1ns"], 10, 40_000),
        (&["oom_reap_pause=0s"], 10, 0),
        (&["max_oom_reap_retries=255", "oom_reap_pause=8ms"], 255, 2_040_000),
        // 30 jiffies of 3,333,333 ns, as many as HZ/10.
        (&["hz=300", "oom_reap_pause=100ms"], 10, 999_999),
    ];
    for (settings, attempts, pauses) in rows {
        let run = run_set("5.6", "interval", settings);
        let expected = (attempts, Some(HEAP_US + pauses));
        assert_eq!(attempts_and_skip(&run), expected, "{settings:?}");
        assert!(run.gave_up(), "{settings:?}");
        // Between any two, too.
        let ends = run.0.trace.iter().filter_map(|record| match record.event {
            Event::FinishTaskReaping { .. } => Some(record.at),
            _ => None,
        });
        let begins = run.0.trace.iter().filter_map(|record| match record.event {
            Event::StartTaskReaping { .. } => Some(record.at),
            _ => None,
        });
        for (end, begin) in ends.zip(begins.skip(1)) {
            let apart = (begin - end).0 * attempts as u64 / 1000;
            assert_eq!(apart, pauses, "{settings:?}");
        }
    }
}

#[test]
fn reaper_is_told_when_the_machine_says() {
    for (kernel, settings, delay) in [
        ("6.1", [].as_slice(), 2_000_000),
        ("6.1", &["oom_reaper_delay=0s"], 0),
        ("6.1", &["oom_reaper_delay=1ms"], 4_000),
        ("5.6", &["oom_reaper_delay=500ms"], 500_000),
        ("4.16", &["oom_reaper_delay=4s"], 4_000_000),
    ] {
        let run = run_set(kernel, "interval", settings);
        let told = run.when(|event| matches!(event, Event::WakeReaper { .. }));
        assert_eq!(told, Some(delay), "{kernel} {settings:?}");
        assert_eq!(run.attempts(), 10, "{kernel} {settings:?}");
    }
    // The victim is gone before: nobody tells the reaper.
    let run = run_set("6.1", "interval", &["oom_reaper_delay=1h"]);
    assert_eq!(run.count(|event| matches!(event, Event::WakeReaper { .. })), 0);
}

#[test]
fn skip_policies_sleep_as_long_as_the_machine_says() {
    for policy in ["skip-any", "skip-flag"] {
        for (sleep, us) in [("1s", 1_000_000), ("250ms", 252_000), ("0s", 0)] {
            let run = run_set("5.6", policy, &[&format!("oom_skip_sleep={sleep}")]);
            assert_eq!(attempts_and_skip(&run), (0, Some(us)), "{policy} {sleep}");
        }
    }
}

#[test]
fn hand_off_waits_as_long_as_a_victim_that_refuses_every_time() {
    let settings = ["max_oom_reap_retries=3", "oom_reap_pause=20ms"];
    let run = run_set("5.6", "hand-off", &settings);
    assert_eq!(run.skip_us(), Some(HEAP_US + 60_000));
    assert!(run.gave_up());
}

/// What is said of the reaper while it pauses, and when it has given up, goes by the machine.
#[test]
fn waits_count_attempts_by_the_machine() {
    let run = run_set("5.6", "interval", &["max_oom_reap_retries=12"]).0;
    let reaper = run.cast.tasks.iter().find(|(_, info)| info.comm == "oom_reaper").expect("it").0;
    let pauses: Vec<SimTime> = run
        .trace
        .iter()
        .filter(|record| match record.event {
            Event::Blocked { why, .. } => {
                record.task == reaper && Reason::from_number(why) == Some(Reason::BackOff)
            }
            _ => false,
        })
        .map(|record| record.at)
        .collect();
    assert_eq!(pauses.len(), 12);
    let index = Index::new(&run);
    for (at, said) in [
        (0, "waits for the back-off before attempt 2 of 12"),
        (10, "waits for the back-off before attempt 12 of 12"),
        (11, "waits for the back-off after attempt 12, the last, before it gives up"),
    ] {
        let links = wait_chain(&index, reaper, pauses[at] + Nanos::from_ms(1));
        assert!(links[0].text.contains(said), "{}", links[0].text);
    }
}

/// `world::run_set()` fails where an invariant breaks.
#[test]
fn invariants_hold_however_patient_the_reaper_is() {
    const ODD: [&[&str]; 3] = [
        &[
            "oom_reaper_delay=0s",
            "oom_reap_pause=0s",
            "max_oom_reap_retries=1",
            "oom_skip_sleep=0s",
        ],
        &[
            "oom_reaper_delay=3ms",
            "oom_reap_pause=1ms",
            "max_oom_reap_retries=255",
            "oom_skip_sleep=1ms",
            "timer_wheel=true",
        ],
        &[
            "oom_reaper_delay=7s",
            "oom_reap_pause=6s",
            "max_oom_reap_retries=2",
            "oom_skip_sleep=9s",
            "hz=100",
        ],
    ];
    for settings in ODD {
        for kernel in &PROFILES {
            run_set(kernel.id, kernel.policy, settings);
        }
        for policy in policy::ALL {
            run_set("6.1", policy.id(), settings);
        }
    }
}

fn machine(settings: &[&str]) -> Result<Machine, Vec<Diagnostic>> {
    let parsed = parse("reaping", &text("6.1", "interval", "5s"), &sets(settings));
    parsed.map(|scenario| scenario.machine)
}

#[test]
fn settings_have_defaults_are_written_and_are_checked() {
    let read = |machine: &Machine| {
        let Machine { oom_reaper_delay, oom_reap_pause, max_oom_reap_retries, .. } = *machine;
        (oom_reaper_delay, oom_reap_pause, max_oom_reap_retries, machine.oom_skip_sleep)
    };
    let default = read(&machine(&[]).expect("a machine"));
    assert_eq!(default, (None, Nanos::from_ms(100), 10, Nanos::from_secs(1)));
    let settings = [
        "oom_reaper_delay=0s",
        "oom_reap_pause=5ms",
        "max_oom_reap_retries=4",
        "oom_skip_sleep=3s",
    ];
    let given = (Some(Nanos::ZERO), Nanos::from_ms(5), 4, Nanos::from_secs(3));
    let scenario = parse("reaping", &text("6.1", "interval", "5s"), &sets(&settings)).expect("it");
    assert_eq!(read(&scenario.machine), given);
    let again = parse("reaping", &export::scenario(&scenario), &[]).expect("what was written");
    assert_eq!(read(&again.machine), given);
    for (setting, column, expected) in [
        ("max_oom_reap_retries=0", 30, "a whole number from 1 to 255"),
        ("max_oom_reap_retries=256", 30, "a whole number from 1 to 255"),
        ("oom_reap_pause=2h", 24, "at most"),
        ("oom_reaper_delay=3601s", 26, "at most"),
        ("oom_skip_sleep=often", 24, "a number and a unit"),
    ] {
        let errors = machine(&[setting]).expect_err(setting);
        let place = (errors[0].line, errors[0].column, errors[0].expected.contains(expected));
        assert_eq!(place, (1, column, true), "{setting}: {errors:?}");
    }
}
