//! Overlap or not, blockable or not: who refuses, who sleeps, who works.

use crate::world::{
    REGION, attempts, blockable_times, nonblocking, nonblocking_ms, reaped, run, run_with,
    scenario, slept, victim,
};
use sim_core::base::{Distribution, Nanos, Shape};
use sim_core::kernel::plugin::ActsOn;
use sim_core::record::{Event, Run};
use sim_core::scenario::checked::Refuse;

const WHOLE: &str = "{ register = 'dev', region = 'buffer' }, { touch = ['heap', 'buffer'] },";

fn world(driver: &str) -> String {
    victim("5.6", &format!("driver = '{driver}'\napi = 'interval'"), WHOLE, "4s")
}

#[test]
fn spin_is_reaped_at_once() {
    for api in ["interval", "hlist"] {
        let device = format!("driver = 'spin'\napi = '{api}'");
        let run = run(&scenario(&victim("5.6", &device, WHOLE, "4s")), None);
        let calls = if api == "interval" { 1 } else { 2 };
        assert_eq!(nonblocking(&run), (calls, 0), "{api}");
        assert_eq!((attempts(&run), reaped(&run, "buffer")), (1, REGION), "{api}");
    }
}

#[test]
fn spin_works_on_overlap_only_and_sleeps_only_when_it_may() {
    let text = victim("5.6", "driver = 'spin'\napi = 'hlist'", WHOLE, "4s");
    let run = run_with(&text, |device| {
        device.work = Some(Distribution::new(Shape::Constant(Nanos::from_ms(3))));
        device.sleep = Nanos::from_ms(20);
    });
    let times: Vec<_> = nonblocking_ms(&run);
    assert_eq!(times, [0, 3], "heap and buffer, in ms");
    let text = world("spin");
    let run = run_with(&text, |device| device.sleep = Nanos::from_ms(20));
    let times = blockable_times(&run);
    assert_eq!(times.len(), 2, "release and unmap");
    assert!(times.iter().all(|time| *time >= Nanos::from_ms(20)), "{times:?}");
}

#[test]
fn spin_that_acts_on_unmap_alone_ignores_the_release() {
    let run = run_with(&world("spin"), |device| {
        device.sleep = Nanos::from_ms(20);
        device.acts_on = ActsOn::Unmap;
    });
    let times = blockable_times(&run);
    assert_eq!(times[0], Nanos::ZERO, "the release");
    assert!(times[1] >= Nanos::from_ms(20), "the unmapping: {times:?}");
}

#[test]
fn kvm_kicks_its_vcpus_and_never_refuses() {
    let text = victim("5.6", "driver = 'kvm'\napi = 'hlist'", WHOLE, "4s");
    for vcpus in [0, 300] {
        let run = run_with(&text, |device| device.vcpus = vcpus);
        assert_eq!(nonblocking(&run), (2, 0));
        assert_eq!(nonblocking_ms(&run), [0, u64::from(vcpus) * 10 / 1000]);
        assert_eq!((attempts(&run), reaped(&run, "buffer")), (1, REGION));
    }
}

#[test]
fn gpu_fence_refuses_overlap_idle_or_not() {
    let run = run(&scenario(&world("gpu-fence")), None);
    assert_eq!(nonblocking(&run), (10, 10));
    assert_eq!((reaped(&run, "heap"), reaped(&run, "buffer")), (REGION, 0));
}

#[test]
fn gpu_fence_that_refuses_when_busy_lets_an_idle_range_go() {
    let device = "driver = 'gpu-fence'\napi = 'interval'\nrefuse = 'when-busy'";
    let run = run(&scenario(&victim("5.6", device, WHOLE, "4s")), None);
    assert_eq!(nonblocking(&run), (1, 0));
    assert_eq!(reaped(&run, "buffer"), REGION);
}

#[test]
fn always_refuse_frees_nothing_although_nothing_overlaps() {
    let device = "driver = 'always-refuse'\napi = 'hlist'";
    let program = "{ mmap = 'other', size = '4KiB' }, { register = 'dev', region = 'other' }, \
        { touch = ['heap', 'buffer'] },";
    let run = run(&scenario(&victim("5.6", device, program, "4s")), None);
    assert_eq!(nonblocking(&run), (30, 30));
    assert_eq!((reaped(&run, "heap"), reaped(&run, "buffer")), (0, 0));
}

/// A run in which a callback of another process holds the device's lock
/// from 50 ms on, twice 450 ms; memory runs out at 100 ms.
fn contended(driver: &str) -> Run {
    let other = "
[[task]]
name = 'other'
preset = 'none'
oom_score_adj = -1000
start = { after = 'victim' }
program = [
  { mmap = 'own', size = '4KiB' },
  { register = 'dev', region = 'own' },
  { touch = 'own' },
  { pause = '50ms' },
  { exit = true },
]
";
    let mut scenario = scenario(&format!("{}{other}", world(driver)));
    scenario.devices[0].sleep = Nanos::from_ms(450);
    run(&scenario, None)
}

#[test]
fn trylock_refuses_while_somebody_holds_the_lock_and_no_longer() {
    let idle = run(&scenario(&world("trylock")), None);
    assert_eq!((nonblocking(&idle), attempts(&idle)), ((1, 0), 1));
    let run = contended("trylock");
    let (calls, refused) = nonblocking(&run);
    assert_eq!((calls, refused), (10, 9), "100 ms apart, the lock is let go at 950 ms");
    assert_eq!(reaped(&run, "buffer"), REGION);
    assert_eq!(slept(&run), 0);
}

#[test]
fn sleeps_anyway_makes_the_reaper_wait() {
    let run = contended("sleeps-anyway");
    assert_eq!((nonblocking(&run), attempts(&run)), ((1, 0), 1));
    assert_eq!(reaped(&run, "buffer"), REGION);
    assert_eq!(slept(&run), 1);
    assert!(
        nonblocking_ms(&run)[0] > 300,
        "behind the other's callback: {:?}",
        nonblocking_ms(&run)
    );
}

#[test]
fn sleeps_anyway_sleeps_for_its_own_work_and_jobs() {
    for (work, fence, least) in [(0, 0, 0), (30, 0, 30), (0, 2000, 1800)] {
        let program = "{ register = 'dev', region = 'buffer' }, { touch = ['heap', 'buffer'] }, \
            { submit = 'dev', region = 'buffer', every = '1ms', count = 1 },";
        let device = "driver = 'sleeps-anyway'\napi = 'interval'";
        let run = run_with(&victim("5.6", device, program, "4s"), |device| {
            device.work = Some(constant(work));
            device.fence = Some(constant(fence));
        });
        let times = nonblocking_ms(&run);
        assert!(times[0] >= least && times[0] <= least + 200, "{times:?}");
        assert_eq!(slept(&run), usize::from(least > 0));
    }
}

fn constant(ms: u64) -> Distribution {
    Distribution::new(Shape::Constant(Nanos::from_ms(ms)))
}

#[test]
fn rdma_odp_refuses_overlap_and_waits_for_its_work_request_when_it_may() {
    let run = run(&scenario(&world("rdma-odp")), None);
    assert_eq!(nonblocking(&run), (10, 10));
    assert_eq!((reaped(&run, "heap"), reaped(&run, "buffer")), (REGION, 0));
    // Three work requests for 10240 pages.
    assert_eq!(blockable_times(&run), [Nanos::from_us(150), Nanos::from_us(150)]);
}

#[test]
fn held_across_lets_the_reaper_in_unless_told_to_refuse() {
    let text = victim("5.6", "driver = 'held-across'\napi = 'hlist'", WHOLE, "4s");
    let run_refusing = |refuse| run_with(&text, |device| device.refuse = refuse);
    let run = run_refusing(None);
    assert_eq!((nonblocking(&run), attempts(&run)), ((2, 0), 1));
    let run = run_refusing(Some(Refuse::Overlap));
    assert_eq!((nonblocking(&run), attempts(&run)), ((20, 10), 10));
    assert_eq!((reaped(&run, "heap"), reaped(&run, "buffer")), (REGION, 0));
}

#[test]
fn secondary_tlb_is_flushed_while_pages_go_and_asked_nothing() {
    let text = victim("5.6", "driver = 'secondary-tlb'", WHOLE, "4s");
    let run = run_with(&text, |device| device.work = Some(constant(7)));
    assert_eq!((nonblocking(&run), attempts(&run)), ((0, 0), 1));
    let at = |is: &dyn Fn(Event) -> bool| {
        run.trace.iter().find(|record| is(record.event)).expect("it happens").at
    };
    let flush = at(&|event| matches!(event, Event::SecondaryTlbFlush { .. }));
    let finish = at(&|event| matches!(event, Event::FinishTaskReaping { .. }));
    // The flush, and 512 pages of the heap's or the buffer's batches at most.
    assert_eq!(reaped(&run, "buffer"), REGION);
    assert!((finish - flush).0 >= 7_000_000, "{finish:?} {flush:?}");
}

/// The queue of an SMMUv3 is polled for a second, or as long as the machine says; then the pages go all the same.
#[test]
fn flush_that_never_ends_is_given_up_after_a_second() {
    for (work, ms, gives_up) in [("900ms", 1_000, false), ("5s", 1_000, true), ("900ms", 50, true)]
    {
        let device = format!("driver = 'arm-smmu-v3-sva'\nwork = '{work}'");
        let mut scenario = scenario(&victim("6.12", &device, WHOLE, "9s"));
        if ms != 1_000 {
            scenario.machine.iotlb_flush_timeout = Nanos::from_ms(ms);
        }
        let run = run(&scenario, None);
        let times = |is: fn(Event) -> bool| {
            let records = run.trace.iter().filter(move |record| is(record.event));
            records.map(|record| record.at.0 / 1_000_000).collect::<Vec<_>>()
        };
        let began = times(|event| matches!(event, Event::SecondaryTlbFlush { .. }));
        let gave_up = times(|event| matches!(event, Event::TlbSyncTimedOut { .. }));
        assert_eq!(gave_up.len(), if gives_up { began.len() } else { 0 }, "{work}");
        for (from, to) in began.iter().zip(&gave_up) {
            assert!((ms..ms + 10).contains(&(to - from)), "{from} {to}");
        }
        assert!(run.trace.iter().any(|record| matches!(record.event, Event::Reaped { .. })));
    }
}

/// `msecs_to_jiffies()` goes by HZ, not by a tick's whole nanoseconds: thirty ticks, not one more.
#[test]
fn hundred_ms_are_30_ticks_of_300_a_second() {
    let text = victim(
        "6.1",
        "driver = 'gpu-fence'",
        "{ register = 'dev', region = 'buffer' }, { touch = ['heap', 'buffer'] }, { munmap = 'buffer' },",
        "1ms",
    );
    let text = text.replacen("cpus = 2", "cpus = 2\nhz = 300", 1);
    let run = run_with(&text, |device| device.sleep = Nanos::from_ms(100));
    let longest = crate::world::blockable_times(&run).into_iter().max();
    assert_eq!(longest, Some(Nanos(30 * 3_333_333)));
}
