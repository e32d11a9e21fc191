//! Overlap or not, blockable or not: who refuses, who sleeps, who works.

use crate::world::{
    REGION, attempts, blockable_times, nonblocking, reaped, run, run_with, scenario, victim,
};
use sim_core::base::{Distribution, Nanos, Shape};
use sim_core::kernel::plugin::ActsOn;

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
    let times: Vec<_> = call_times(&run);
    assert_eq!(times, [0, 3], "heap and buffer, in ms");
    let text = world("spin");
    let run = run_with(&text, |device| device.sleep = Nanos::from_ms(20));
    let times = blockable_times(&run);
    assert_eq!(times.len(), 2, "release and unmap");
    assert!(times.iter().all(|time| *time >= Nanos::from_ms(20)), "{times:?}");
}

/// How long each call took that must not sleep, in ms.
fn call_times(run: &sim_core::record::Run) -> Vec<u64> {
    use sim_core::record::Event;
    let (mut times, mut since) = (Vec::new(), None);
    for record in run.trace.iter() {
        match record.event {
            Event::MnCall { blockable: false, .. } => since = Some(record.at),
            Event::MnReturn { .. } => {
                times.extend(since.take().map(|since| (record.at - since).0 / 1_000_000));
            }
            _ => {}
        }
    }
    times
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
        assert_eq!(call_times(&run), [0, u64::from(vcpus) * 10 / 1000]);
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
