//! Jobs, their fences, and who has to do what before these signal.

use crate::world::{REGION, run_with, victim, zapped};
use sim_core::base::{Distribution, Nanos, Shape, SimTime};
use sim_core::record::{Event, Gfp, Run};
use sim_core::scenario::checked::{Device, Worker};

fn constant(ms: u64) -> Distribution {
    Distribution::new(Shape::Constant(Nanos::from_ms(ms)))
}

/// One job at the start. Memory runs out at 100 ms; the reaper comes two
/// seconds later and gets the heap.
fn one_job(change: impl FnOnce(&mut Device)) -> Run {
    let program = "{ register = 'dev', region = 'buffer' }, { touch = ['heap', 'buffer'] }, \
        { submit = 'dev', region = 'buffer', every = '1ms', count = 1 },";
    let device = "driver = 'gpu-fence'\napi = 'interval'";
    run_with(&victim("6.1", device, program, "4s"), change)
}

fn first(run: &Run, is: impl Fn(Event) -> bool) -> Option<SimTime> {
    run.trace.iter().find(|record| is(record.event)).map(|record| record.at)
}

fn signaled(run: &Run) -> Option<SimTime> {
    first(run, |event| matches!(event, Event::FenceSignaled { .. }))
}

fn timed_out(run: &Run) -> Option<SimTime> {
    first(run, |event| matches!(event, Event::JobTimedOut { .. }))
}

/// A second in, while the allocator waits for the reaper.
const DONE: SimTime = SimTime(1_000_000_000);

fn with_worker(alloc: Option<Gfp>, timeout: Option<u64>) -> Run {
    one_job(|device| {
        device.fence = Some(constant(1000));
        device.worker = Some(Worker {
            locks: Vec::new(),
            fences: Vec::new(),
            alloc: alloc.map(|gfp| (gfp, 0)),
            time: constant(1),
            signals: true,
            unpins: false,
        });
        device.timeout = timeout.map(Nanos::from_ms);
    })
}

#[test]
fn job_without_worker_signals_when_it_is_done() {
    let run = one_job(|device| device.fence = Some(constant(1000)));
    assert_eq!((signaled(&run), timed_out(&run)), (Some(DONE), None));
}

#[test]
fn job_that_takes_too_long_is_reset() {
    let run = one_job(|device| {
        device.fence = Some(constant(5000));
        device.timeout = Some(Nanos::from_ms(300));
    });
    let reset = Some(SimTime(300_000_000));
    assert_eq!((timed_out(&run), signaled(&run)), (reset, reset));
}

#[test]
fn worker_that_does_not_wait_for_memory_signals_at_once() {
    for alloc in [None, Some(Gfp::ATOMIC), Some(Gfp::NOWAIT)] {
        let run = with_worker(alloc, None);
        let signaled = signaled(&run).expect("it signals");
        assert!(signaled > DONE && signaled < DONE + Nanos::from_ms(50), "{alloc:?} {signaled:?}");
    }
}

#[test]
fn worker_that_waits_for_memory_signals_after_the_reaper_has_freed_some() {
    let reaping = |run: &Run| {
        first(run, |event| matches!(event, Event::StartTaskReaping { .. })).expect("it reaps")
    };
    for alloc in [Gfp::KERNEL, Gfp::NOFS, Gfp::NOIO] {
        let run = with_worker(Some(alloc), None);
        let signaled = signaled(&run).expect("it signals");
        assert!(signaled > reaping(&run), "{alloc:?} {signaled:?}");
        assert_eq!(zapped(&run, "heap"), (REGION, REGION));
    }
}

#[test]
fn reset_signals_in_the_place_of_a_worker_that_is_stuck() {
    let run = with_worker(Some(Gfp::KERNEL), Some(1500));
    let reset = Some(SimTime(1_500_000_000));
    assert_eq!((timed_out(&run), signaled(&run)), (reset, reset));
    let fences = run.trace.iter().filter(|r| matches!(r.event, Event::FenceSignaled { .. }));
    assert_eq!(fences.count(), 1, "the worker comes too late");
}

#[test]
fn jobs_of_two_policies_take_the_same_time() {
    let program = "{ register = 'dev', region = 'buffer' }, { touch = ['heap', 'buffer'] }, \
        { submit = 'dev', region = 'buffer', every = '40ms' },";
    let device = "driver = 'gpu-fence'\nfence = { exponential = { mean = '5ms' } }";
    let text = victim("5.6", device, program, "4s");
    let scenario = crate::world::scenario(&crate::world::alone(&text));
    let times = |policy| {
        let run = crate::world::run(&scenario, Some(policy));
        let mut submitted = Vec::new();
        for record in run.trace.iter() {
            match record.event {
                Event::JobSubmitted { fence, .. } => submitted.push((fence, record.at, None)),
                Event::FenceSignaled { fence } => {
                    for job in submitted.iter_mut().filter(|job| job.0 == fence) {
                        job.2 = Some(record.at - job.1);
                    }
                }
                _ => {}
            }
        }
        submitted.iter().filter_map(|job| job.2).collect::<Vec<_>>()
    };
    let (list, interval) = (times("nonblock"), times("interval"));
    assert!(list.len() >= 3, "{list:?}");
    assert_eq!(list, interval);
}
