//! What texts of failure modes claim beyond verdict, flags and incidents.

use sim_core::analysis::{Index, wait_chain};
use sim_core::base::{Nanos, SimTime};
use sim_core::export::dmesg;
use sim_core::record::{Event, Reason, Run};

use super::rows::{judged, run, stack_at_end};

/// The longest time that somebody holds the lock.
fn held_longest(run: &Run, name: &str) -> Nanos {
    let lock = run.cast.locks.iter().find(|(_, info)| info.name == name).expect("such a lock").0;
    let mut since = None;
    let mut longest = Nanos::ZERO;
    for record in run.trace.iter() {
        match record.event {
            Event::Acquired { lock: this, .. } if this == lock => since = Some(record.at),
            Event::Released { lock: this, .. } if this == lock => {
                longest =
                    longest.max(record.at.saturating_sub(since.take().expect("it was taken")));
            }
            _ => {}
        }
    }
    longest
}

#[test]
fn f7_holds_the_lock_for_a_second_and_others_try_in_vain() {
    let id = "f7-oom-lock-convoy";
    let failures = |run: &Run| {
        run.trace.iter().filter(|r| matches!(r.event, Event::OomTrylockFail { .. })).count()
    };
    let (convoy, free) = (run(id, ""), run(id, "kernel=4.19; device.gpu0.driver=spin"));
    assert!(held_longest(&convoy, "oom_lock") >= Nanos::from_secs(1));
    assert!(held_longest(&free, "oom_lock") < Nanos::from_ms(20));
    let (in_vain, few) = (failures(&convoy), failures(&free));
    assert!(in_vain > 300 && few < 20, "{in_vain} and {few}");
}

/// Victims in the order in which their reaping began.
fn reaped_in_order(run: &Run) -> Vec<String> {
    let mut order: Vec<String> = Vec::new();
    for record in run.trace.iter() {
        if let Event::StartTaskReaping { victim } = record.event {
            let name = run.cast.tasks[victim].name.clone();
            if order.last() != Some(&name) {
                order.push(name);
            }
        }
    }
    order
}

#[test]
fn f9_serves_the_last_one_first() {
    let id = "f9-head-of-line";
    assert_eq!(reaped_in_order(&run(id, "")), ["first", "third", "second"]);
    let in_turn = reaped_in_order(&run(id, "device.svm0.driver=spin"));
    assert_eq!(in_turn, ["first", "second", "third"]);
}

#[test]
fn f4_queues_a_victim_that_is_never_served() {
    let run = run("f4-reaper-blocked", "");
    let victims = judged("f4-reaper-blocked", "").victims;
    assert_eq!(
        victims.iter().map(|v| (v.attempts, v.skip)).collect::<Vec<_>>(),
        [(1, None), (0, None)]
    );
    assert_eq!(reaped_in_order(&run), ["hog"]);
    let log = dmesg(&run);
    assert!(
        log.contains("INFO: task oom_reaper:") && log.contains("blocked for more than 5 seconds.")
    );
}

#[test]
fn f10_reports_success_and_frees_nothing() {
    let freed = |with: &str| {
        let run = run("f10-reaped-but-pinned", with);
        let hog =
            run.cast.tasks.iter().find(|(_, info)| info.name == "hog").expect("there is one").0;
        let until = run
            .trace
            .iter()
            .position(|r| matches!(r.event, Event::Reaped { victim, .. } if victim == hog));
        let before = run.trace.iter().take(until.expect("it is reaped"));
        let freed: u32 =
            before.map(|r| if let Event::Zap { freed, .. } = r.event { freed } else { 0 }).sum();
        (freed, dmesg(&run).contains("oom_reaper: reaped process 101 (hog), now anon-rss:0kB"))
    };
    let (pinned, control) = (freed(""), freed("device.rdma0.driver=spin"));
    assert!(pinned.0 < 300 && pinned.1, "{pinned:?}");
    assert!(control.0 > 28_672 && control.1, "{control:?}");
}

#[test]
fn f17_falls_to_half_of_min() {
    let run = run("f17-reserve-exhaustion", "");
    let zone = run.cast.zones.ids().last().expect("there is one");
    let left = run.trace.iter().filter_map(|record| match record.event {
        Event::ReserveTaken { zone: of, free } if of == zone => Some(u64::from(free)),
        _ => None,
    });
    let (least, min) = (left.min().expect("reserves are taken"), run.cast.zones[zone].min);
    assert!(least.abs_diff(min / 2) <= 1, "{least} of {min}");
}

#[test]
fn f16_takes_the_buffer_away_before_the_last_words_are_in_it() {
    let words = |with: &str| {
        let run = run("f16-collateral", with);
        let log =
            run.cast.ranges.iter().find(|(_, info)| info.name == "log").expect("there is one").0;
        let killed = run.trace.iter().position(|r| matches!(r.event, Event::MarkVictim { .. }));
        let after = run.trace.iter().skip(killed.expect("hog is killed"));
        after.filter(|r| matches!(r.event, Event::Fault { range, .. } if range == log)).count()
    };
    assert_eq!(words(""), 0);
    assert!(words("kernel=6.1") > 0);
}

#[test]
fn f13_leaves_a_fault_that_nobody_will_serve() {
    let run = run("f13-lost-end", "");
    let stack = stack_at_end(&run, "solver/worker");
    assert!(stack.ends_with(&["device ioctl"]), "{stack:?}");
    let waits = |with: &str| {
        let run = self::run("f13-lost-end", with);
        let is =
            |event| matches!(event, Event::Blocked { why, .. } if why == Reason::RangeActive as u8);
        run.trace.iter().filter(|record| is(record.event)).count()
    };
    assert_eq!((waits(""), waits("kernel=5.12")), (1, 0));
}

/// How often the thread that serves the device's faults waited a second for a range to end.
fn second_long_waits(with: &str) -> usize {
    let run = run("f13-odp-faults-for-ever", with);
    let faulter = run.cast.tasks.iter().find(|(_, info)| info.name == "hca0/fault");
    let faulter = faulter.expect("there is one").0;
    let is =
        |event| matches!(event, Event::Blocked { why, .. } if why == Reason::RangeActive as u8);
    run.trace.iter().filter(|record| record.task == faulter && is(record.event)).count()
}

#[test]
fn f13_has_the_hardware_fault_again_every_second() {
    assert_eq!((second_long_waits(""), second_long_waits("kernel=5.12")), (6, 0));
    assert_eq!(second_long_waits("device.svm0.driver=spin"), 0);
    // Its job is done where somebody could map its memory, and is an error where nobody could.
    let run = run("f13-odp-faults-for-ever", "");
    let index = Index::new(&run);
    let chain = |name: &str, at: SimTime| {
        let task = run.cast.tasks.iter().find(|(_, info)| info.name == name);
        wait_chain(&index, task.expect("there is one").0, at)
    };
    let killed = run.trace.iter().find(|r| matches!(r.event, Event::MarkVictim { .. }));
    let later = killed.expect("a kill").at + Nanos::from_ms(2000);
    let texts: Vec<_> = chain("hca0", later).into_iter().map(|link| link.text).collect();
    assert!(texts[0].contains("hca0/fault has to map first"), "{texts:?}");
    assert!(texts[1].contains("got no end"), "{texts:?}");
}

/// A fault that is tried again every second is no way out of the circle it is in: one
/// set, from the fault on, and to the end of the run.
#[test]
fn f13_a_fault_that_comes_again_does_not_open_its_circle() {
    let found =
        judged("f13-odp-faults-for-ever", "driver.odp.release=[{ fences = true }]").wait_for;
    let run = run("f13-odp-faults-for-ever", "driver.odp.release=[{ fences = true }]");
    let [set] = &found.closed[..] else { panic!("{found:?}") };
    let names: Vec<_> = set.tasks.iter().map(|&task| &*run.cast.tasks[task].name).collect();
    assert_eq!(names, ["hca0", "hca0/fault", "solver/poster"]);
    assert_eq!(set.until, None);
    // Without it the process goes in the end, and nothing is closed.
    assert_eq!(judged("f13-odp-faults-for-ever", "").wait_for.closed, []);
}

#[test]
fn f16_leaves_a_mutex_to_the_dead() {
    let taken = |with: &str| {
        let run = run("f16-collateral", with);
        let name = |name: &str| run.cast.tasks.iter().find(|(_, info)| info.name == name);
        let reader = name("reader").expect("there is one").0;
        let futex = run.cast.locks.iter().find(|(_, info)| info.name == "futex journal");
        let futex = futex.expect("there is one").0;
        let is = |event| matches!(event, Event::Acquired { lock, .. } if lock == futex);
        run.trace.iter().any(|record| record.task == reader && is(record.event))
    };
    assert!(!taken(""));
    assert!(taken("kernel=6.1"));
    let report = judged("f16-collateral", "");
    let text = "reader waits for futex journal, which hog/logger holds";
    assert!(report.evidence.contains(text), "{}", report.evidence);
}
