//! The same drivers under every way in which the reaper may meet them.

use crate::world::{
    REGION, attempts, blockable_times, calls, count, nonblocking, nonblocking_ms, reaped, run,
    run_with, scenario, victim, zapped,
};
use sim_core::base::{Distribution, Nanos, Shape};
use sim_core::kernel::plugin::ActsOn;
use sim_core::record::{Event, Gfp, Invariant, Run};
use sim_core::scenario::checked::Refuse;

const JOB: &str = "{ register = 'dev', region = 'buffer' }, { touch = ['heap', 'buffer'] }, \
    { submit = 'dev', region = 'buffer', every = '1ms', count = 1 },";
const IDLE: &str = "{ register = 'dev', region = 'buffer' }, { touch = ['heap', 'buffer'] },";

/// Those with a callback for ranges.
const ASKED: [&str; 8] = [
    "spin",
    "kvm",
    "trylock",
    "gpu-fence",
    "always-refuse",
    "sleeps-anyway",
    "held-across",
    "rdma-odp",
];

/// A job of `fence` on the buffer, under a kernel and a policy.
fn busy(driver: &str, kernel: &str, policy: &str, fence: &str) -> Run {
    let device = format!("driver = '{driver}'\napi = 'interval'\nfence = '{fence}'");
    run(&scenario(&victim(kernel, &device, JOB, "4s")), Some(policy))
}

/// The reaper's calls that were refused.
fn refused(run: &Run) -> usize {
    calls(run).iter().filter(|call| call.reaping && call.refused).count()
}

fn stale(run: &Run) -> usize {
    count(run, |record| matches!(record.event, Event::StaleAccess { .. }))
}

#[test]
fn reaper_that_may_block_waits_for_the_fence() {
    let run = busy("gpu-fence", "5.6", "block-always", "700ms");
    assert_eq!((attempts(&run), reaped(&run, "buffer"), refused(&run)), (1, REGION, 0));
}

#[test]
fn reaper_with_a_deadline_is_cut_off_until_the_fence_signals() {
    let run = busy("gpu-fence", "5.6", "deadline", "700ms");
    let cut = count(&run, |record| matches!(record.event, Event::DeadlinePassed { .. }));
    assert!(
        cut > 0 && refused(&run) == cut && attempts(&run) == cut + 1,
        "{cut} {} {}",
        refused(&run),
        attempts(&run)
    );
    assert_eq!(reaped(&run, "buffer"), REGION);
    // The driver may refuse then: that is no bug to warn of, and breaks no invariant.
    assert!(!sim_core::export::dmesg(&run).contains("WARNING"));
    let starts_have_ends = Invariant::StartsHaveEnds;
    assert!(run.findings.waived.iter().all(|found| found.invariant != starts_have_ends));
}

#[test]
fn deadline_cuts_off_a_wait_for_the_lock_and_a_sleep() {
    for (driver, sleep) in [("trylock", 2000), ("gpu-fence", 2000), ("rdma-odp", 2000)] {
        let device = format!("driver = '{driver}'\napi = 'interval'");
        let mut scenario = scenario(&victim("5.6", &device, IDLE, "4s"));
        scenario.devices[0].sleep = Nanos::from_ms(sleep);
        let run = run(&scenario, Some("deadline"));
        assert_eq!((attempts(&run), reaped(&run, "buffer")), (10, 0), "{driver}");
        let longest = calls(&run).iter().filter(|call| call.reaping).map(|call| call.time).max();
        assert!(longest < Some(Nanos::from_ms(sleep)), "{driver} {longest:?}");
    }
}

#[test]
fn pages_freed_behind_a_devices_back_are_stale_to_it() {
    let ignored = busy("gpu-fence", "4.9", "ignore", "2s");
    assert_eq!((nonblocking(&ignored).0, reaped(&ignored, "buffer")), (0, REGION));
    assert_eq!(stale(&ignored), 1, "when the job ends");
    let pages = ignored.trace.iter().find_map(|record| match record.event {
        Event::StaleAccess { pages, .. } => Some(u64::from(pages)),
        _ => None,
    });
    assert_eq!(pages, Some(REGION));
    let early = busy("gpu-fence", "4.9", "ignore", "20ms");
    assert_eq!(stale(&early), 0, "the job ended before");
    let told = busy("gpu-fence", "4.9", "nonblock", "2s");
    assert_eq!(stale(&told), 0, "it refused");
    let flushed = busy("secondary-tlb", "4.9", "ignore", "2s");
    assert_eq!((stale(&flushed), reaped(&flushed, "buffer")), (0, REGION));
}

#[test]
fn ignored_interval_hears_of_what_it_covers_and_twice_of_the_exit() {
    let program = format!("{IDLE} {{ mmap = 'other', size = '4KiB' }}, {{ munmap = 'other' }},");
    for (api, told) in [("interval", 2), ("hlist", 1)] {
        let device = format!("driver = 'gpu-fence'\napi = '{api}'");
        let run = run(&scenario(&victim("5.6", &device, &program, "4s")), Some("ignore"));
        assert_eq!(blockable_times(&run).len(), told, "{api}");
    }
}

#[test]
fn references_keep_pages_from_going_stale() {
    let device = "driver = 'gpu-fence'\napi = 'hlist'\nfence = '2s'";
    let run = run_with(&victim("4.9", device, JOB, "4s"), |device| device.page_refs = Some(true));
    assert_eq!(stale(&run), 0);
    assert_eq!((reaped(&run, "buffer"), zapped(&run, "buffer")), (REGION, (REGION, 0)));
    let unpinned = run.trace.iter().filter_map(|record| match record.event {
        Event::Unpinned { pages, .. } => Some(u64::from(pages)),
        _ => None,
    });
    assert_eq!(unpinned.sum::<u64>(), REGION);
}

#[test]
fn only_those_who_promise_not_to_block_let_skip_flag_reap() {
    for (driver, reaps) in [
        ("spin", true),
        ("kvm", true),
        ("secondary-tlb", true),
        ("pinned", true),
        ("trylock", false),
        ("gpu-fence", false),
        ("always-refuse", false),
        ("sleeps-anyway", false),
        ("held-across", false),
        ("rdma-odp", false),
    ] {
        let device = format!("driver = '{driver}'");
        let run = run(&scenario(&victim("4.16", &device, IDLE, "4s")), None);
        assert_eq!(reaped(&run, "heap"), if reaps { REGION } else { 0 }, "{driver}");
    }
}

#[test]
fn promise_can_be_made_or_not_by_a_scenario() {
    for promises in [false, true] {
        let text = victim("4.16", "driver = 'spin'", IDLE, "4s");
        let run = run_with(&text, |device| device.does_not_block = Some(promises));
        assert_eq!(reaped(&run, "heap"), if promises { REGION } else { 0 });
    }
}

#[test]
fn event_code_of_7_1_goes_past_a_driver_that_acts_on_unmap_alone() {
    for (kernel, ms) in [("6.12", 3), ("7.1", 0)] {
        let text = victim(kernel, "driver = 'spin'\napi = 'hlist'", IDLE, "4s");
        let run = run_with(&text, |device| {
            device.work = Some(Distribution::new(Shape::Constant(Nanos::from_ms(3))));
            device.acts_on = ActsOn::Unmap;
        });
        assert_eq!(nonblocking_ms(&run).iter().max(), Some(&ms), "{kernel}");
    }
}

/// Neither refuses nor lets go of anything: the pages are freed while the device uses them.
#[test]
fn every_archetype_that_acts_on_unmap_alone_ignores_the_reaper_of_7_1() {
    for driver in ASKED {
        for kernel in ["6.12", "7.1"] {
            let device = format!("driver = '{driver}'\napi = 'hlist'\nfence = '3s'");
            let run = run_with(&victim(kernel, &device, JOB, "4s"), |device| {
                device.acts_on = ActsOn::Unmap;
                device.sleep = Nanos::from_ms(20);
            });
            let ignores = refused(&run) == 0 && stale(&run) == 1;
            assert_eq!(ignores, kernel == "7.1", "{driver} {kernel}");
            assert!(run.findings.broken.is_none(), "{driver}: {:?}", run.findings.broken);
        }
    }
}

/// Each allocates in a call that may sleep; where the reaper comes to that, in one that must not. What
/// is not waived then would end the run.
#[test]
fn every_archetype_with_a_callback_allocates_what_it_says() {
    const FIRST: &str = "{ register = 'dev', region = 'heap' }, { touch = ['heap', 'buffer'] },";
    for driver in ASKED {
        let spins = ["spin", "kvm"].contains(&driver);
        for policy in ["nonblock", "block-always", "deadline", "core-refuse", "ignore"] {
            for refuse in [None, Some(Refuse::Overlap), Some(Refuse::WhenBusy)] {
                let gfp = if spins { "GFP_ATOMIC" } else { "GFP_NOFS" };
                let device = format!("driver = '{driver}'\ngfp = '{gfp}'");
                let mut scenario = scenario(&victim("5.6", &device, FIRST, "4s"));
                scenario.devices[0].refuse = refuse;
                let run = run(&scenario, Some(policy));
                let what = format!("{driver} {policy} {refuse:?}");
                let asks = Gfp::ATOMIC.0;
                let asked = count(&run, |record| {
                    let gfp = if spins { asks } else { Gfp::NOFS.0 };
                    matches!(record.event, Event::AllocBegin { gfp: of, .. } if of == gfp)
                        && run.cast.tasks[record.task].comm == "oom_reaper"
                });
                let comes_to_it = match policy {
                    "block-always" | "deadline" => true,
                    "nonblock" => match driver {
                        "spin" | "kvm" | "sleeps-anyway" => true,
                        "trylock" | "held-across" => refuse != Some(Refuse::Overlap),
                        "gpu-fence" | "rdma-odp" => refuse == Some(Refuse::WhenBusy),
                        _ => false,
                    },
                    _ => false,
                };
                assert_eq!(asked > 0, comes_to_it, "{what}: {asked}");
                assert!(run.findings.broken.is_none(), "{what}: {:?}", run.findings.broken);
            }
        }
    }
}

#[test]
fn event_code_of_7_1_makes_sleeps_anyway_evict() {
    for (kernel, ms) in [("6.12", 0), ("7.1", 5)] {
        let device = "driver = 'sleeps-anyway'\napi = 'interval'";
        let run = run(&scenario(&victim(kernel, device, IDLE, "4s")), None);
        assert_eq!(nonblocking_ms(&run), [ms], "{kernel}");
    }
}

#[test]
fn two_passes_wait_in_the_second() {
    let device = "driver = 'gpu-fence'\napi = 'interval'\nrefuse = 'when-busy'";
    let idle = run(&scenario(&victim("7.1", device, IDLE, "4s")), None);
    assert_eq!((attempts(&idle), reaped(&idle, "buffer")), (1, REGION));
    // The job outlives the reaper's attempts; the exit waits for it.
    let run = busy("gpu-fence", "7.1", "interval-two-pass", "8s");
    assert_eq!(refused(&run), 10);
    let at = |is: fn(Event) -> bool| {
        run.trace.iter().find(|record| is(record.event)).expect("it happens").at
    };
    let begin = at(|event| matches!(event, Event::MnFinishCall { .. }));
    let end = at(|event| matches!(event, Event::MnFinishReturn { .. }));
    let signaled = at(|event| matches!(event, Event::FenceSignaled { .. }));
    assert!(begin < signaled && signaled <= end, "{begin:?} {signaled:?} {end:?}");
    let first_passes = calls(&run).into_iter().filter(|call| call.blockable);
    assert_eq!(first_passes.map(|call| call.time).max(), Some(Nanos::ZERO));
}

/// A list driver that counts, beside one that refuses everything.
fn beside_a_refuser(kernel: &str, driver: &str) -> Run {
    let text = victim(kernel, &format!("driver = '{driver}'\napi = 'hlist'"), IDLE, "4s");
    let refuser = "[[device]]\nname = 'no'\ndriver = 'always-refuse'\napi = 'hlist'\n[[task]]";
    let text = text.replacen("[[task]]", refuser, 1).replacen(
        "{ register = 'dev'",
        "{ register = 'no', region = 'heap' }, { register = 'dev'",
        1,
    );
    run(&scenario(&text), None)
}

#[test]
fn ends_are_lost_beside_a_refuser_until_they_are_paired() {
    let ends = |run: &Run, is: fn(Event) -> bool| count(run, |record| is(record.event));
    let lost = |event| matches!(event, Event::MnLostEnd { .. });
    for driver in ["kvm", "held-across"] {
        let old = beside_a_refuser("5.6", driver);
        // Two VMAs, ten attempts, and once more when the victim reaps itself.
        assert!(ends(&old, lost) >= 20, "{driver}: {}", ends(&old, lost));
        let new = beside_a_refuser("5.12", driver);
        assert_eq!(ends(&new, lost), 0, "{driver}");
        assert_eq!(attempts(&new), 10, "{driver}");
    }
}
