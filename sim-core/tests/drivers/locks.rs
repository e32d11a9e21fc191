//! Drivers whose lock other code takes, too: the dependencies of
//! kernel-spec 5.5.

use crate::world::{REGION, attempts, count, nonblocking, reaped, run, scenario, victim};
use sim_core::record::{Event, Run};

/// A task that holds the driver's lock `m` for half a second from 50 ms on, and
/// meanwhile does `inside`.
fn with_holder(device: &str, inside: &str, policy: &str) -> Run {
    let program = "{ register = 'dev', region = 'buffer' }, { touch = ['heap', 'buffer'] }, \
        { submit = 'dev', region = 'buffer', every = '1ms', count = 1 },";
    let text = victim("5.6", device, program, "4s");
    let holder = format!(
        "
[[lock]]
name = 'm'
kind = 'mutex'
[[task]]
name = 'holder'
preset = 'none'
oom_score_adj = -1000
start = {{ after = 'victim', delay = '50ms' }}
program = [{{ ioctl = [{{ lock = 'm' }}, {inside} {{ unlock = 'm' }}] }}]
"
    );
    run(&scenario(&format!("{text}{holder}")), Some(policy))
}

const SLEEPS: &str = "{ sleep = '500ms' },";

#[test]
fn trylock_refuses_until_the_holder_lets_go() {
    let run = with_holder("driver = 'trylock'\nlock = 'm'", SLEEPS, "interval");
    let (calls, refused) = nonblocking(&run);
    assert!(refused == calls - 1 && refused > 2, "{refused} of {calls}");
    assert_eq!(reaped(&run, "buffer"), REGION);
}

#[test]
fn reaper_that_may_block_waits_for_the_holder() {
    for (lock, ms) in [("lock = 'm'", 550), ("", 100)] {
        let device = format!("driver = 'trylock'\n{lock}");
        let run = with_holder(&device, SLEEPS, "block-always");
        assert_eq!((attempts(&run), reaped(&run, "buffer")), (1, REGION));
        let finish = |event| matches!(event, Event::FinishTaskReaping { .. });
        let finish = run.trace.iter().find(|record| finish(record.event)).expect("it reaps");
        let finish = finish.at.0 / 1_000_000;
        assert!((ms..ms + 100).contains(&finish), "{lock} {finish}");
    }
}

#[test]
fn worker_waits_for_the_lock_before_it_signals() {
    let signaled = |device: &str| {
        let run = with_holder(device, SLEEPS, "interval");
        let signal = |event| matches!(event, Event::FenceSignaled { .. });
        assert_eq!(count(&run, |record| signal(record.event)), 1);
        let signal = run.trace.iter().find(|record| signal(record.event));
        signal.expect("it signals").at.0 / 1_000_000
    };
    let device = "driver = 'gpu-fence'\nfence = '80ms'";
    assert_eq!(signaled(&format!("{device}\nworker = {{}}")), 80);
    let waits = signaled(&format!("{device}\nworker = {{ lock = 'm' }}"));
    assert!((550..600).contains(&waits), "{waits}");
}
