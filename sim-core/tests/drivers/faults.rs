//! Invalidations that a described driver counts, and faults of its device that wait for their end.

use crate::world::{count, run, scenario};
use sim_core::base::Nanos;
use sim_core::record::{Event, Reason, Run};

/// While pages of one range are taken, a range of which the device maps
/// nothing begins and ends: its end must not let the device fault the others in.
#[test]
fn an_end_without_a_begin_ends_nobody_elses_invalidation() {
    let text = r#"
        schema = 1
        title = "Two ends"
        kernel = "4.19"
        horizon = "1s"
        [machine]
        ram = "64MiB"
        cost = { zap_page = "50us" }
        [[driver]]
        name = "counts"
        api = "hlist"
        refuse = "when-mapped"
        start = [{ invalidation = "begin" }, { work = "5ms" }]
        end = [{ invalidation = "end" }]
        [[device]]
        name = "dev"
        driver = "counts"
        fence = "4ms"
        [[task]]
        name = "owner"
        program = [
            { mmap = "mapped", size = "1MiB" },
            { mmap = "other", size = "1MiB" },
            { register = "dev", region = "mapped", extend = "64MiB" },
            { touch = "mapped" },
            { thread = "second" },
            { submit = "dev", region = "mapped", every = "1us", count = 1 },
            { pause = "1ms" },
            { madvise = "mapped" },
            { pause = "100ms" },
        ]
        [[task.thread]]
        name = "second"
        program = [
            { pause = "6.5ms" },
            { madvise = "other" },
            { submit = "dev", region = "mapped", every = "1us", count = 1 },
        ]
    "#;
    let run = run(&scenario(text), None);
    assert_eq!(run.findings.broken, None);
    assert_eq!(count(&run, |record| matches!(record.event, Event::StaleAccess { .. })), 0);
}

/// A thread has a fault of the device served while another invalidates for 30 ms.
fn fault_during(driver: &str) -> Run {
    let text = format!(
        r#"
        schema = 1
        title = "A fault"
        kernel = "5.4"
        horizon = "1s"
        [machine]
        ram = "64MiB"
        [[driver]]
        name = "counts"
        {driver}
        [[driver]]
        name = "slow"
        api = "hlist"
        start = [{{ work = "30ms" }}]
        [[device]]
        name = "slow"
        driver = "slow"
        [[device]]
        name = "dev"
        driver = "counts"
        [[task]]
        name = "owner"
        program = [
            {{ mmap = "a", size = "1MiB" }},
            {{ register = "slow", region = "a" }},
            {{ register = "dev", region = "a" }},
            {{ touch = "a" }},
            {{ thread = "second" }},
            {{ madvise = "a" }},
            {{ pause = "100ms" }},
        ]
        [[task.thread]]
        name = "second"
        program = [{{ pause = "5ms" }}, {{ submit = "dev", region = "a", every = "1us", count = 1 }}]
        "#
    );
    run(&scenario(&text), None)
}

/// For what the second thread of [`fault_during`] was blocked because of invalidations.
fn faulted(run: &Run) -> Vec<&'static str> {
    let second = run.cast.tasks.iter().find(|(_, task)| task.name == "owner/second");
    let second = second.expect("a thread").0;
    let whys = run.trace.iter().filter(|record| record.task == second).filter_map(|record| {
        match record.event {
            Event::Blocked { why, .. } => Reason::from_number(why),
            _ => None,
        }
    });
    whys.filter(|why| [Reason::DeviceFault, Reason::RangeActive].contains(why))
        .map(Reason::text)
        .collect()
}

#[test]
fn fault_waits_for_the_end_as_its_driver_says() {
    let steps = "api = 'hlist'\nrefuse = 'if-needed'\nstart = [{ invalidation = 'begin' }]\n\
        end = [{ invalidation = 'end' }]";
    let whys = |faults: &str| faulted(&fault_during(&format!("{steps}\n{faults}")));
    assert_eq!(whys(""), ["invalidations to end, so that a fault of the device can be served"]);
    assert_eq!(whys("faults = 'killable'"), whys(""));
    let blocked = ["all ranges in progress to end, before a fault of the device is served"];
    assert_eq!(whys("faults = 'uninterruptible'"), blocked);
    // It stays on its CPU, and so does KVM's.
    assert!(whys("faults = 'retried'").is_empty());
    assert!(faulted(&fault_during("like = 'kvm'\napi = 'hlist'")).is_empty());
    let submitted = |run: &Run| {
        let mut records = run.trace.iter();
        let job = records.find(|record| matches!(record.event, Event::JobSubmitted { .. }));
        job.expect("it is served in the end").at
    };
    let retried = submitted(&fault_during(&format!("{steps}\nfaults = 'retried'")));
    let waited = submitted(&fault_during(steps));
    // A jiffy at most after who slept.
    assert!(retried >= waited && retried - waited <= Nanos::from_ms(5), "{waited:?} {retried:?}");
}
