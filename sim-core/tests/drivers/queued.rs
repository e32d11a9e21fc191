//! Work that a callback leaves to its driver's worker (`queue_work()`): nobody waits for it,
//! and what it lets go of comes free when it gets there.

use crate::world::{REGION, blockable_times, calls, nonblocking, run, scenario, victim};
use sim_core::base::{Nanos, SimTime};
use sim_core::record::{Event, Run};

/// Pins its pages until the worker has been there.
fn queued(start: &str, worker: &str, program: &str) -> Run {
    queued_beside(start, worker, program, "")
}

/// Beside a task of its own.
fn queued_beside(start: &str, worker: &str, program: &str, task: &str) -> Run {
    let device = format!(
        "driver = 'mine'
[device.worker]
signals = false
{worker}
[[driver]]
name = 'mine'
api = 'hlist'
refuse = 'if-needed'
page_refs = true
start = [{start}]
[[lock]]
name = 'pool'
kind = 'mutex'"
    );
    let program = format!(
        "{{ register = 'dev', region = 'buffer' }}, {{ touch = ['heap', 'buffer'] }}, \
         {{ submit = 'dev', region = 'buffer', every = '1ms', count = 1 }}, {program}"
    );
    run(&scenario(&(victim("6.1", &device, &program, "4s") + task)), None)
}

const QUEUE: &str = "{ work = '5us' }, { queue = true }";

/// When the first event of a kind came, and whose it was.
fn first(run: &Run, is: impl Fn(Event) -> Option<u32>) -> Option<(SimTime, u32, String)> {
    run.trace.iter().find_map(|record| {
        let pages = is(record.event)?;
        Some((record.at, pages, run.cast.tasks[record.task].name.clone()))
    })
}

fn pinned(run: &Run) -> Option<(SimTime, u32, String)> {
    first(run, |event| match event {
        Event::StillPinned { pages, .. } => Some(pages),
        _ => None,
    })
}

fn unpinned(run: &Run) -> Option<(SimTime, u32, String)> {
    first(run, |event| match event {
        Event::Unpinned { pages, .. } => Some(pages),
        _ => None,
    })
}

#[test]
fn reaper_goes_on_and_the_pages_come_free_later() {
    let run = queued(QUEUE, "time = '40ms'\nunpin = true", "");
    let (calls_made, refused) = nonblocking(&run);
    assert!(calls_made > 0 && refused == 0, "{calls_made} {refused}");
    // A callback takes as long as its own work.
    let reaping = calls(&run).into_iter().filter(|call| call.reaping);
    assert!(reaping.map(|call| call.time).all(|time| time <= Nanos::from_us(5)));
    let pinned = pinned(&run).expect("they are still referred to");
    let unpinned = unpinned(&run).expect("until the worker has been there");
    assert_eq!(u64::from(unpinned.1), REGION);
    assert_eq!((&*pinned.2, &*unpinned.2), ("oom_reaper", "dev/worker"));
    // It was woken by the call, which came before the pages were unmapped.
    let late = unpinned.0 - pinned.0;
    assert!((Nanos::from_ms(30)..=Nanos::from_ms(40)).contains(&late), "{late:?}");
}

#[test]
fn worker_that_drops_nothing_leaves_the_pages_to_the_file() {
    let with = queued(QUEUE, "time = '1ms'\nunpin = true", "");
    let without = queued(QUEUE, "time = '1ms'", "");
    assert_eq!(unpinned(&with).map(|it| it.2), Some("dev/worker".to_owned()));
    let by = unpinned(&without).map(|it| it.2);
    assert!(by.is_none_or(|by| by != "dev/worker"), "the file is closed");
}

/// The worker's own lock delays it, and nobody else.
#[test]
fn lock_of_the_worker_is_no_matter_of_the_reaper() {
    let holder = "[[task]]
name = 'holder'
preset = 'none'
oom_score_adj = -1000
program = [{ ioctl = [{ lock = 'pool' }, { sleep = '3s' }, { unlock = 'pool' }] }, { exit = true }]
";
    let held = queued_beside(QUEUE, "lock = ['pool']\ntime = '1ms'\nunpin = true", "", holder);
    assert_eq!(nonblocking(&held).1, 0);
    let pinned = pinned(&held).expect("pages are referred to");
    let unpinned = unpinned(&held).expect("they are let go");
    let late = unpinned.0 - pinned.0;
    // Until the holder lets go of it, three seconds in.
    assert!((Nanos::from_ms(850)..Nanos::from_ms(900)).contains(&late), "{late:?}");
}

/// `flush_workqueue()` waits for what was queued before, too.
#[test]
fn flush_waits_for_all_that_is_queued() {
    let times = |start: &str| {
        let unmaps = "{ madvise = 'buffer' },";
        blockable_times(&queued(start, "time = '40ms'\nunpin = true", unmaps))[0]
    };
    assert_eq!(times("{ queue = true }"), Nanos::ZERO);
    assert_eq!(times("{ flush = true }"), Nanos::from_ms(40));
    assert_eq!(times("{ queue = true }, { flush = true }"), Nanos::from_ms(80));
}

/// What is mapped anew before the worker comes has references of its own: its pages stay, too.
#[test]
fn worker_leaves_alone_what_was_mapped_meanwhile() {
    let kept = |pause: &str| {
        let run = run(
            &scenario(&format!(
                "schema = 1
title = 'Mapped anew'
kernel = '6.1'
horizon = '1s'
[machine]
ram = '64MiB'
[[driver]]
name = 'mine'
api = 'hlist'
page_refs = true
start = [{QUEUE}]
worker = {{ time = '40ms', signals = false, unpin = true }}
[[device]]
name = 'dev'
driver = 'mine'
[[task]]
name = 'owner'
program = [
  {{ mmap = 'a', size = '1MiB' }},
  {{ register = 'dev', region = 'a' }},
  {{ touch = 'a' }},
  {{ submit = 'dev', region = 'a', every = '1us', count = 1 }},
  {{ pause = '1ms' }},
  {{ madvise = 'a' }},
  {{ pause = '{pause}' }},
  {{ touch = 'a' }},
  {{ submit = 'dev', region = 'a', every = '1us', count = 1 }},
  {{ pause = '80ms' }},
  {{ madvise = 'a' }},
  {{ pause = '80ms' }},
]
"
            )),
            None,
        );
        assert_eq!(run.findings.broken, None);
        let pinned = run.trace.iter().map(|record| match record.event {
            Event::StillPinned { pages, .. } => u64::from(pages),
            _ => 0,
        });
        pinned.sum::<u64>()
    };
    // Mapped again when the worker has been there, and before.
    assert_eq!(kept("80ms"), 2 * 256);
    assert_eq!(kept("1ms"), 2 * 256);
}

/// hfi1's and SCIF's workers let go of what is reaped, while the reaper is still at it.
#[test]
fn presets_that_queue_let_their_pages_go() {
    for (preset, kernel) in [("hfi1-rb-5.4", "5.4"), ("scif-5.4", "5.4")] {
        let device = format!("driver = '{preset}'");
        let program = "{ register = 'dev', region = 'buffer' }, { touch = ['heap', 'buffer'] }, \
            { submit = 'dev', region = 'buffer', every = '1ms', count = 1 },";
        let run = run(&scenario(&victim(kernel, &device, program, "4s")), None);
        let sum = |of: fn(Event) -> u32| run.trace.iter().map(|it| of(it.event)).sum::<u32>();
        let kept = sum(|event| match event {
            Event::StillPinned { pages, .. } => pages,
            _ => 0,
        });
        let let_go = sum(|event| match event {
            Event::Unpinned { pages, .. } => pages,
            _ => 0,
        });
        // Those that were unmapped before the worker came.
        assert!(kept > 0 && let_go == kept, "{preset}: {kept} {let_go}");
        assert_eq!(unpinned(&run).expect("they come free").2, "dev/worker", "{preset}");
        assert_eq!(nonblocking(&run).1, 0, "{preset}");
    }
}
