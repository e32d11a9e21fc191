//! Described drivers whose callbacks and workers wait for workers, jobs and fences.

use crate::described::{JOB, WHOLE, with_driver};
use crate::world::{blockable_times, run, scenario};
use sim_core::analysis::report;
use sim_core::base::Nanos;
use sim_core::export;
use sim_core::record::{ClosedSet, Run};
use sim_core::scenario::parse;

#[test]
fn flush_waits_for_the_worker_and_its_locks() {
    let driver = "api = 'interval'\nstart = [{ flush = true }]";
    let device = "worker = { lock = 'own', time = '7ms', signals = false }";
    let program = format!("{WHOLE} {{ munmap = 'buffer' }},");
    let run = run(&scenario(&with_driver("5.6", driver, device, &program, "1ms")), None);
    let time = blockable_times(&run)[0];
    assert!(time >= Nanos::from_ms(7) && time < Nanos::from_ms(8), "{time:?}");
}

/// A worker may wait for fences: of the jobs that use the range it was given, or of another device.
#[test]
fn worker_waits_for_the_fences_that_it_is_told() {
    let other = "{ register = 'other', region = 'heap' }, \
        { submit = 'other', region = 'heap', every = '1us', count = 1 },";
    let unmapped = |fences: &str, program: &str| {
        let worker = format!("worker = {{ signals = false, time = '7ms'{fences} }}");
        let device = format!("fence = '300ms'\n{worker}");
        let program = format!("{program} {other} {{ munmap = 'buffer' }},");
        let driver = "api = 'hlist'\nstart = [{ flush = true }]\n\
            [[device]]\nname = 'other'\ndriver = 'gpu-fence'\nfence = '500ms'";
        let text = with_driver("5.6", driver, &device, &program, "1ms");
        blockable_times(&run(&scenario(&text), None))[0].0 / 1_000_000
    };
    assert_eq!(unmapped("", JOB), 7);
    // What is left of the job, and then the work.
    assert!((300..=307).contains(&unmapped(", fences = ['own']", JOB)));
    assert_eq!(unmapped(", fences = ['own']", WHOLE), 7);
    assert!((500..=507).contains(&unmapped(", fences = ['other']", WHOLE)));
    assert!((500..=507).contains(&unmapped(", fences = ['own', 'other']", JOB)));
}

#[test]
fn worker_that_signals_fences_cannot_wait_for_them() {
    let text = with_driver("5.6", "api = 'hlist'", "worker = { fences = ['own'] }", WHOLE, "1ms");
    let errors = parse("x", &text, &[]).expect_err("it would wait for itself");
    let text = errors.iter().map(ToString::to_string).collect::<String>();
    assert!(text.contains("fences that it signals"), "{text}");
}

/// Two devices whose workers each wait for the other's jobs on the way to a signal; somebody
/// unmaps what a job of the first uses.
fn strangers(other: &str) -> String {
    let device = "fence = '20ms'\nworker = { fences = ['other'] }";
    let driver = format!(
        "api = 'hlist'\nrefuse = 'overlap'\nstart = [{{ fences = true }}]\n\
         [[device]]\nname = 'other'\ndriver = 'gpu-fence'\nfence = '30ms'\n{other}"
    );
    let program = format!(
        "{JOB} {{ register = 'other', region = 'heap' }}, \
         {{ submit = 'other', region = 'heap', every = '1us', count = 1 }}, {{ munmap = 'buffer' }},"
    );
    with_driver("5.6", &driver, device, &program, "1ms")
}

#[test]
fn workers_that_wait_for_each_others_jobs_never_go_on() {
    let run_of = |other: &str| run(&scenario(&strangers(other)), None);
    let told = |run: &Run| {
        let sets = report(run).wait_for.closed;
        let names = |set: &ClosedSet| {
            let mut names: Vec<_> =
                set.tasks.iter().map(|&task| run.cast.tasks[task].name.clone()).collect();
            names.sort();
            names
        };
        sets.iter().map(names).collect::<Vec<_>>()
    };
    let deadlock = run_of("worker = { fences = ['dev'] }");
    assert_eq!(told(&deadlock), [["dev", "dev/worker", "other", "other/worker"]]);
    // One that waits for nobody lets the first signal, a little later.
    assert_eq!(told(&run_of("worker = { time = '1ms' }")), Vec::<Vec<String>>::new());
    assert_eq!(told(&run_of("")), Vec::<Vec<String>>::new());
}

#[test]
fn fences_that_workers_wait_for_are_written_back() {
    for fences in ["['other']", "['own', 'other']"] {
        let text = strangers("worker = { fences = ['dev'] }");
        let signals = if fences.contains("own") { ", signals = false" } else { "" };
        let text = text.replace("fences = ['other'] }", &format!("fences = {fences}{signals} }}"));
        let first = parse("t", &text, &[]).expect("it is sound");
        let written = export::scenario(&first);
        let second = parse("t", &written, &[]).unwrap_or_else(|errors| panic!("{errors:?}"));
        assert_eq!(export::scenario(&second), written);
        let line = format!("fences = {}", fences.replace('\'', "\""));
        assert!(written.contains(&line), "{line}\n{written}");
        let digest = |text: &str| run(&scenario(text), None).digest;
        assert_eq!(digest(&text), digest(&written));
    }
}
