//! Drivers that a scenario describes by their steps. What their workers wait for is in [`workers`](super::workers).

use crate::world::{
    REGION, alone, attempts, blockable_times, calls, count, nonblocking, reaped, run, scenario,
    slept, victim,
};
use sim_core::base::Nanos;
use sim_core::export::dmesg;
use sim_core::kernel::plugin::Approach;
use sim_core::record::{Event, Run};
use sim_core::scenario::checked::Behaviour;
use sim_core::scenario::{RunOptions, Simulation};

pub(crate) const WHOLE: &str =
    "{ register = 'dev', region = 'buffer' }, { touch = ['heap', 'buffer'] },";
pub(crate) const JOB: &str = "{ register = 'dev', region = 'buffer' }, { touch = ['heap', 'buffer'] }, \
    { submit = 'dev', region = 'buffer', every = '1us', count = 1 },";

/// A victim whose device has a driver `mine`.
pub(crate) fn with_driver(
    kernel: &str,
    driver: &str,
    device: &str,
    program: &str,
    stuck: &str,
) -> String {
    let device = format!("driver = 'mine'\n{device}");
    let text = victim(kernel, &device, program, stuck);
    format!("{text}\n[[driver]]\nname = 'mine'\n{driver}\n")
}

pub(crate) fn run_of(kernel: &str, driver: &str, program: &str) -> Run {
    run(&scenario(&with_driver(kernel, driver, "fence = '3s'", program, "4s")), None)
}

#[test]
fn answer_to_a_call_that_must_not_sleep_is_what_refuse_says() {
    // With a job that runs, without one but the memory mapped before, and with nothing mapped.
    let rows = [
        ("always", 30, 30, 30),
        ("overlap", 10, 10, 10),
        ("when-busy", 10, 0, 0),
        ("when-mapped", 10, 10, 0),
        ("if-needed", 10, 0, 0),
    ];
    for (refuse, busy, mapped, unmapped) in rows {
        let driver = format!("api = 'hlist'\nrefuse = '{refuse}'\nstart = [{{ fences = true }}]");
        let refused = |program: &str, fence: &str| {
            let device = format!("fence = '{fence}'");
            let text = with_driver("5.6", &driver, &device, program, "4s");
            let run = run(&scenario(&text), None);
            let refused = nonblocking(&run).1;
            // Always refusing, it refuses the stack or what else there is, too.
            if refuse == "always" { refused.min(30) } else { refused }
        };
        let seen = (refused(JOB, "3s"), refused(JOB, "1ms"), refused(WHOLE, "1ms"));
        let expected = (busy, mapped, unmapped);
        if refuse == "always" {
            assert!(seen.0 >= 20 && seen.1 >= 20 && seen.2 >= 20, "{seen:?}");
        } else {
            assert_eq!(seen, expected, "{refuse}");
        }
    }
}

#[test]
fn driver_that_never_asks_makes_the_reaper_sleep_and_says_so() {
    let driver = "api = 'hlist'\nrefuse = 'never'\nstart = [{ fences = true }, { sleep = '20ms' }]";
    let run = run_of("5.6", driver, JOB);
    assert_eq!((attempts(&run), reaped(&run, "buffer"), slept(&run)), (1, REGION, 1));
    let longest = calls(&run).iter().filter(|call| call.reaping).map(|call| call.time).max();
    assert!(longest > Some(Nanos::from_secs(2)), "{longest:?}");
}

#[test]
fn lucky_driver_is_lucky_sometimes_and_not_always() {
    let driver = "api = 'interval'\nlucky = 30\nstart = [{ hardware = '5ms' }]";
    let scenario = scenario(&with_driver("5.6", driver, "", WHOLE, "4s"));
    let first = |seed| {
        let options = RunOptions { seed, ..RunOptions::default() };
        let run = Simulation::new(&scenario, &options).expect("starts").run();
        let calls = calls(&run);
        let first = calls.iter().find(|call| call.reaping).expect("a call");
        (first.refused, attempts(&run))
    };
    let seen: Vec<_> = (0..60).map(first).collect();
    let lucky = seen.iter().filter(|(refused, _)| !refused).count();
    assert!((8..=30).contains(&lucky), "{lucky} of 60");
    // Who is refused tries again, and each try is a new chance.
    assert!(seen.iter().any(|&(refused, attempts)| refused && attempts < 10), "{seen:?}");
}

#[test]
fn luck_of_a_drawn_latency_decides_when_busy_alone_refuses() {
    let device = "fence = { uniform = { lo = '0s', hi = '200ms' } }";
    let driver = "api = 'interval'\nrefuse = 'when-busy'\nstart = [{ fences = true }]";
    let scenario = scenario(&with_driver("5.6", driver, device, JOB, "4s"));
    let attempts: Vec<_> = (0..40)
        .map(|seed| {
            let options = RunOptions { seed, ..RunOptions::default() };
            attempts(&Simulation::new(&scenario, &options).expect("starts").run())
        })
        .collect();
    let lucky = attempts.iter().filter(|&&attempts| attempts == 1).count();
    assert!(lucky > 3 && lucky < 40, "{attempts:?}");
}

#[test]
fn steps_take_their_time_one_after_the_other() {
    let driver = "api = 'interval'\nstart = [{ lock = 'own' }, { work = '2ms' }, \
        { hardware = '3ms' }, { unlock = 'own' }]";
    let run = run_of("5.6", driver, &format!("{WHOLE} {{ munmap = 'buffer' }},"));
    assert_eq!(blockable_times(&run)[0], Nanos::from_ms(5));
}

#[test]
fn second_pass_waits_behind_the_first_in_either_kernel() {
    let driver = "api = 'interval'\nstart = [{ work = '2ms' }]\nfinish = [{ hardware = '3ms' }]";
    let program = format!("{WHOLE} {{ munmap = 'buffer' }},");
    let one = run_of("6.12", driver, &program);
    assert_eq!(blockable_times(&one)[0], Nanos::from_ms(5));
    let two = run_of("7.1", driver, &program);
    assert_eq!(blockable_times(&two)[0], Nanos::from_ms(2));
    assert!(count(&two, |record| matches!(record.event, Event::MnFinishReturn { .. })) > 0);
}

#[test]
fn lock_kept_from_start_to_end_keeps_out_who_maps() {
    let driver = "api = 'hlist'\nrefuse = 'if-needed'\nrange_test = false\n\
        start = [{ lock = 'own', mode = 'read' }]\nend = [{ unlock = 'own' }]";
    let run = run_of("5.4", driver, WHOLE);
    assert_eq!((nonblocking(&run).1, reaped(&run, "buffer")), (0, REGION));
    let lock = run.cast.devices.iter().next().map(|(_, device)| device.locks[0]).expect("its lock");
    let taken = count(
        &run,
        |record| matches!(record.event, Event::Acquired { lock: it, .. } if it == lock),
    );
    let let_go =
        count(&run, |record| matches!(record.event, Event::Released { lock: it } if it == lock));
    assert!(taken > 1 && taken == let_go, "{taken} {let_go}");
}

#[test]
fn lost_end_leaves_the_count_up_and_faults_waiting() {
    // Another device on the list refuses: up to 5.11 nobody gets an end then.
    let other = "[[device]]\nname = 'other'\ndriver = 'always-refuse'\napi = 'hlist'\n";
    let driver = "api = 'hlist'\nrefuse = 'if-needed'\nrange_test = false\n\
        start = [{ invalidation = 'begin' }]\nend = [{ invalidation = 'end' }]";
    for (kernel, lost) in [("5.4", true), ("5.12", false)] {
        let program = "{ register = 'dev', region = 'buffer' }, \
            { register = 'other', region = 'buffer' }, { touch = ['heap', 'buffer'] },";
        let text = with_driver(kernel, driver, "", program, "4s");
        let run = run(&scenario(&format!("{text}{other}")), None);
        let ends = count(&run, |record| matches!(record.event, Event::MnLostEnd { .. }));
        assert_eq!(ends > 0, lost, "{kernel}");
    }
}

/// A task unmaps a region that a job of 300 ms uses, while another holds the driver's lock.
fn contended(how: &str, kill: &str) -> Run {
    let driver = format!(
        "api = 'hlist'\nrefuse = 'if-needed'\n\
         start = [{{ lock = 'own', how = '{how}' }}, {{ fences = true }}, {{ unlock = 'own' }}]"
    );
    let program = format!("{JOB} {{ pause = '50ms' }}, {{ munmap = 'buffer' }},");
    let device = "lock = 'm'\nfence = '300ms'";
    let text = with_driver("5.4", &driver, device, &program, "1ms");
    let holder = "
[[lock]]
name = 'm'
kind = 'mutex'
[[task]]
name = 'holder'
preset = 'none'
oom_score_adj = -1000
program = [
  { pause = '40ms' },
  { ioctl = [{ lock = 'm' }, { sleep = '100ms' }, { unlock = 'm' }] },
]
";
    run(&scenario(&format!("{text}{holder}{kill}")), None)
}

#[test]
fn lock_that_fails_where_nobody_asks_loses_the_invalidation() {
    let stale = |run: &Run| count(run, |record| matches!(record.event, Event::StaleAccess { .. }));
    assert_eq!(stale(&contended("wait", "")), 0);
    assert_eq!(stale(&contended("killable", "")), 0);
    assert_eq!(stale(&contended("trylock", "")), 1);
    let kill = "[[inject]]\nat = '60ms'\nkill = 'victim'\n";
    let lost = |run: &Run| calls(run).iter().filter(|call| call.blockable && call.refused).count();
    assert_eq!(lost(&contended("wait", kill)), 0);
    assert_eq!(lost(&contended("killable", "")), 0);
    assert_eq!(lost(&contended("killable", kill)), 1, "as i915 of 5.4");
    for (how, kill, error) in [("killable", kill, -4), ("trylock", "", -11)] {
        let log = dmesg(&contended(how, kill));
        let text = format!("callback failed with {error} in blockable context.");
        assert_eq!(log.matches(&text).count(), 1, "{how}\n{log}");
        assert_eq!(log.matches("WARNING: CPU: ").count(), 1, "{how}\n{log}");
    }
}

#[test]
fn who_exits_does_without_the_fences_where_the_driver_says_so() {
    let longest = |unless: &str| {
        let driver =
            format!("api = 'interval'\npage_refs = true\nstart = [{{ fences = true{unless} }}]");
        let program = format!("{JOB} {{ exit = true }},");
        let text = with_driver("5.6", &driver, "fence = '300ms'", &program, "1ms");
        let run = run(&scenario(&alone(&text)), None);
        blockable_times(&run).into_iter().max().expect("the release")
    };
    assert!(longest("") > Nanos::from_ms(250));
    assert_eq!(longest(", unless = 'exiting'"), Nanos::ZERO);
}

#[test]
fn registering_and_mapping_do_what_they_say_under_the_lock() {
    let acquired = |driver: &str| {
        let run = run_of("5.6", &format!("api = 'hlist'\nstart = []\n{driver}"), JOB);
        let lock = run.cast.devices.iter().next().map(|(_, device)| device.locks[0]);
        count(
            &run,
            |record| matches!(record.event, Event::Acquired { lock: it, .. } if Some(it) == lock),
        )
    };
    let steps = "[{ lock = 'own' }, { alloc = 'GFP_KERNEL', count = 3 }, { unlock = 'own' }]";
    assert_eq!(acquired(&format!("register = {steps}")), acquired("") + 1);
    let driver = "api = 'hlist'\nstart = []\nmap = [{ work = '40ms' }]";
    let mapped = |driver: &str| {
        let run = run_of("5.6", driver, JOB);
        let submit = |event| matches!(event, Event::JobSubmitted { .. });
        run.trace.iter().find(|record| submit(record.event)).expect("a job").at
    };
    let later = mapped(driver) - mapped("api = 'hlist'\nstart = []");
    assert_eq!(later, Nanos::from_ms(40));
}

#[test]
fn driver_that_only_holds_pages_is_asked_nothing() {
    let run = run_of("5.6", "api = 'none'", WHOLE);
    assert_eq!((nonblocking(&run), reaped(&run, "buffer")), ((0, 0), REGION));
    assert_eq!(crate::world::zapped(&run, "buffer"), (REGION, 0));
}

#[test]
fn driver_like_another_differs_in_what_it_says() {
    let driver = "like = 'kvm-5.4'\nvcpus = 100";
    let run = run_of("5.4", driver, &format!("{WHOLE} {{ munmap = 'buffer' }},"));
    assert_eq!(blockable_times(&run)[0], Nanos::from_ms(1), "100 kicks of 10 us");
}

/// A lock by name is one lock, whichever devices say that it is theirs.
#[test]
fn devices_of_one_driver_can_share_its_lock() {
    let unmapped = |lock: &str| {
        let text = format!(
            r#"
            schema = 1
            title = "Two devices"
            kernel = "5.6"
            horizon = "3s"
            [machine]
            ram = "64MiB"
            [[lock]]
            name = "global"
            kind = "mutex"
            [[device]]
            name = "gpu0"
            driver = "amdgpu-5.6"
            fence = "800ms"
            {lock}
            [[device]]
            name = "gpu1"
            driver = "amdgpu-5.6"
            {lock}
            [[task]]
            name = "busy"
            program = [
                {{ mmap = "a", size = "1MiB" }},
                {{ register = "gpu0", region = "a" }},
                {{ touch = "a" }},
                {{ submit = "gpu0", region = "a", every = "1us", count = 1 }},
                {{ munmap = "a" }},
                {{ exit = true }},
            ]
            [[task]]
            name = "idle"
            start = "100ms"
            program = [
                {{ mmap = "a", size = "1MiB" }},
                {{ register = "gpu1", region = "a" }},
                {{ touch = "a" }},
                {{ munmap = "a" }},
                {{ exit = true }},
            ]
            "#
        );
        let run = run(&scenario(&text), None);
        let mut times = blockable_times(&run);
        times.sort_unstable();
        // The longest is that of who waits for its own job.
        times.into_iter().rev().nth(1).expect("both unmap")
    };
    assert!(unmapped("") < Nanos::from_ms(1));
    assert!(unmapped("lock = 'global'") > Nanos::from_ms(600));
}

/// One lock that a callback takes and another task holds over allocations of
/// every kind: the recording H1, and what differs from it in one thing.
#[test]
fn lock_held_over_allocations_stops_the_reaper_where_it_waits_for_it() {
    let steps = "start = [{ lock = 'own' }, { work = '10us' }, { unlock = 'own' }]";
    for (api, refuse, gfp, debugs) in [
        ("hlist", "never", "GFP_KERNEL", false),
        ("hlist", "never", "GFP_KERNEL", true),
        ("interval", "never", "GFP_KERNEL", false),
        ("hlist", "never", "GFP_NOFS", false),
        ("interval", "never", "GFP_NOIO", true),
        ("hlist", "never", "GFP_NOWAIT", false),
        ("interval", "never", "GFP_ATOMIC", true),
        ("hlist", "if-needed", "GFP_KERNEL", false),
        ("interval", "if-needed", "GFP_NOFS", true),
        ("interval", "if-needed", "GFP_ATOMIC", false),
        ("hlist", "overlap", "GFP_KERNEL", false),
        ("interval", "overlap", "GFP_ATOMIC", false),
    ] {
        let what = format!("{api} {refuse} {gfp}");
        let driver = format!("api = '{api}'\nrefuse = '{refuse}'\n{steps}");
        let mut text = with_driver("6.1", &driver, "lock = 'm'", WHOLE, "60s");
        text = format!(
            "{text}[[lock]]
            name = 'm'
            kind = 'mutex'
            [[task]]
            name = 'holder'
            preset = 'none'
            oom_score_adj = -1000
            start = {{ after = 'victim', delay = '50ms' }}
            program = [{{ ioctl = [{{ lock = 'm' }}, {{ alloc = '{gfp}', count = 20000, hold = true }}, \
                {{ unlock = 'm' }}] }}, {{ free = true }}, {{ idle = true }}]"
        );
        text = text.replace("cpus = 2", "cpus = 2\nhung_task_timeout = '10s'");
        if debugs {
            text = text.replace("cpus = 2", "cpus = 2\nlock_op_cost = 'recorded'");
        }
        let run = run(&scenario(&text), None);
        let report = sim_core::analysis::report(&run);
        let (verdict, hangs) = (report.verdict.id(), report.flags.contains(&"hung-task"));
        let finished = |event| matches!(event, Event::FinishTaskReaping { .. });
        let finished = count(&run, |record| finished(record.event));
        let (calls, refused) = nonblocking(&run);
        let sleeps = !["GFP_NOWAIT", "GFP_ATOMIC"].contains(&gfp);
        let seen = format!("{what}: {verdict}, {refused} of {calls}, slept {}", slept(&run));
        match (refuse, sleeps) {
            // The reaper is in the callback for ever.
            ("never", true) => {
                assert_eq!((attempts(&run), finished), (1, 0), "{seen}");
                assert!(slept(&run) > 0 && hangs, "{seen}");
                assert_eq!(reaped(&run, "buffer"), 0, "{seen}");
            }
            ("never", false) => {
                assert_eq!((refused, slept(&run), finished), (0, 0, 1), "{seen}");
                assert_eq!(verdict, "recovered", "{seen}");
            }
            // A trylock fails as long as the holder waits for memory.
            ("if-needed", true) => {
                assert!(refused > 0 && finished > 0, "{seen}");
                assert!(reaped(&run, "heap") > 0, "{seen}");
            }
            ("if-needed", false) => assert_eq!((refused, attempts(&run)), (0, 1), "{seen}"),
            _ => assert_eq!((refused, attempts(&run)), (10, 10), "{seen}"),
        }
    }
}

/// As vhost's and KVM's: the count is kept under a spinlock at both ends.
#[test]
fn end_may_take_a_spinlock_and_lets_go_of_it() {
    let driver = "api = 'hlist'\nrange_test = false\nrefuse = 'if-needed'
        start = [{ lock = 'own' }, { invalidation = 'begin' }, { unlock = 'own' }]
        end = [{ lock = 'own' }, { invalidation = 'end' }, { unlock = 'own' }]
        [[lock]]\nname = 'mmu_lock'\nkind = 'spinlock'";
    let text = with_driver("5.6", driver, "lock = 'mmu_lock'", WHOLE, "4s");
    let run = run(&scenario(&text), None);
    let taken = count(&run, |record| matches!(record.event, Event::Acquired { .. }));
    let (starts, refused) = nonblocking(&run);
    assert!(starts > 0 && refused == 0, "{starts} calls, {refused} refused");
    assert!(taken >= 2 * starts, "{taken} of {starts} calls");
    assert_eq!(run.findings.broken, None);
}

/// In a call that must not sleep an allocation that may refuses; only who never asks gets to it, or a second pass.
#[test]
fn reaper_comes_to_an_allocation_only_where_it_may_sleep() {
    let reaches = |driver: &str, approach, promises| {
        let text = format!(
            "schema = 1\ntitle = 't'\nkernel = '7.1'\n{driver}\n\
             [[task]]\nname = 'p'\nprogram = [{{ exit = true }}]"
        );
        let Behaviour::Steps(plan) = scenario(&text).devices[0].behaviour.clone() else {
            panic!("it has steps")
        };
        plan.reaper_allocates(approach, promises)
    };
    let radeon = "[[device]]\nname = 'dev'\ndriver = 'radeon-6.12'";
    let mine = |steps: &str| {
        format!("[[driver]]\nname = 'mine'\n{steps}\n[[device]]\nname = 'dev'\ndriver = 'mine'")
    };
    let never = mine("refuse = 'never'\nstart = [{ alloc = 'GFP_KERNEL' }]");
    let second = mine("api = 'interval'\nstart = []\nfinish = [{ alloc = 'GFP_KERNEL' }]");
    let atomic = mine("refuse = 'never'\nstart = [{ alloc = 'GFP_ATOMIC' }]");
    for (approach, promises, expected) in [
        (Approach::NonBlocking, true, [false, true, false]),
        (Approach::HandOff, false, [false, true, false]),
        (Approach::TwoPass, false, [false, true, true]),
        (Approach::SkipFlag, false, [false; 3]),
        (Approach::SkipFlag, true, [true; 3]),
        (Approach::SkipAny, true, [false; 3]),
        (Approach::CoreRefuses, true, [false; 3]),
        (Approach::Blocking, false, [true; 3]),
    ] {
        let found = [radeon, &never, &second].map(|driver| reaches(driver, approach, promises));
        assert_eq!(found, expected, "{approach:?} {promises}");
        assert!(!reaches(&atomic, approach, promises), "{approach:?}");
    }
}
