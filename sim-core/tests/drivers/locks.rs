//! Drivers whose lock other code takes, too: the dependencies of
//! kernel-spec 5.5.

use crate::world::{
    REGION, attempts, count, nonblocking, nonblocking_ms, reaped, run, scenario, victim,
};
use sim_core::record::{Event, LockKind, Run};

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

/// A spinlock that another task has, working under it for 50 ms at a time.
fn with_worker_under(device: &str, kernel: &str, cpus: u32) -> Run {
    let program = "{ register = 'dev', region = 'buffer' }, { touch = ['heap', 'buffer'] },";
    let text = victim(kernel, device, program, "4s");
    let text = text.replacen("cpus = 2", &format!("cpus = {cpus}"), 1);
    let holder = "
[[lock]]
name = 'm'
kind = 'spinlock'
[[task]]
name = 'holder'
preset = 'none'
oom_score_adj = -1000
start = { after = 'victim', delay = '99ms' }
program = [{ repeat = 90, program = [{ ioctl = [{ lock = 'm' }, { compute = '50ms' }, { unlock = 'm' }] }] }]
";
    run(&scenario(&format!("{text}{holder}")), None)
}

/// How long the reaper's calls took in all, in ms.
fn reapers_ms(run: &Run) -> u64 {
    nonblocking_ms(run).into_iter().sum()
}

#[test]
fn who_wants_a_spinlock_spins_and_never_refuses() {
    for driver in ["spin", "kvm"] {
        for api in ["hlist", "interval"] {
            let device = format!("driver = '{driver}'\napi = '{api}'\nlock = 'm'");
            let run = with_worker_under(&device, "6.1", 3);
            let (calls, refused) = nonblocking(&run);
            assert!(calls > 0 && refused == 0, "{driver} {api}: {refused} of {calls}");
            assert_eq!((attempts(&run), reaped(&run, "buffer")), (1, REGION), "{driver} {api}");
            assert_eq!(run.findings.broken, None, "{driver} {api}");
            let spun = reapers_ms(&run);
            assert!((1..=120).contains(&spun), "{driver} {api}: {spun} ms");
            // It waits with its CPU: it never parks in there.
            let free = format!("driver = '{driver}'\napi = '{api}'");
            assert_eq!(reapers_ms(&with_worker_under(&free, "6.1", 3)), 0, "{driver} {api}");
        }
    }
}

/// With one CPU nobody else runs while a spinlock is held, so nobody ever finds it taken.
#[test]
fn spinlock_is_never_contended_on_one_cpu() {
    let run = with_worker_under("driver = 'kvm'\napi = 'hlist'\nlock = 'm'", "6.1", 1);
    assert_eq!((attempts(&run), reaped(&run, "buffer")), (1, REGION));
    let lock = run.cast.locks.iter().find(|(_, info)| info.name == "m").expect("it has one").0;
    let mut holder = None;
    for record in run.trace.iter() {
        match record.event {
            Event::Acquired { lock: of, .. } if of == lock => holder = Some(record.task),
            Event::Released { lock: of } if of == lock => holder = None,
            Event::Ran { .. } | Event::Preempted {} => {
                assert_eq!(holder, None, "nobody gets or loses a CPU at {}", record.at.0);
            }
            _ => {}
        }
    }
}

/// mmu_lock: whatever the range up to 5.12, then only where memory is the guest's; a spinlock, and from 5.12 on an rwlock.
#[test]
fn kvm_takes_mmu_lock_for_all_ranges_up_to_5_12() {
    for (kernel, all, kind) in [
        ("5.6", true, LockKind::Spinlock),
        ("5.12", true, LockKind::Rwlock),
        ("6.12", false, LockKind::Rwlock),
    ] {
        let program = "{ register = 'dev', region = 'buffer' }, { touch = ['heap', 'buffer'] },";
        let run =
            run(&scenario(&victim(kernel, "driver = 'kvm'\napi = 'hlist'", program, "4s")), None);
        let (lock, info) =
            run.cast.locks.iter().find(|(_, info)| info.name == "lock of dev").expect("it has one");
        assert_eq!(info.kind, kind, "{kernel}");
        let reaper = run.cast.tasks.iter().find(|(_, task)| task.name == "oom_reaper");
        let reaper = reaper.expect("a reaper").0;
        let taken = count(&run, |record| {
            record.task == reaper
                && matches!(record.event, Event::Acquired { lock: of, .. } if of == lock)
        });
        let (calls, _) = nonblocking(&run);
        assert!(calls > 1, "{kernel}");
        // Once at the start of a range, and once at its end.
        assert_eq!(taken, if all { 2 * calls } else { 2 }, "{kernel}");
    }
}
