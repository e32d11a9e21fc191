//! The statements of kernel-spec 11, in the order of the discussion.

use sim_core::record::{Event, Reason};

use super::rows::{Row, row, run};

pub(crate) const ROWS: &[Row] = &[
    row("seed-1-nowait", "", "recovered", 1, 1, "", ""),
    row(
        "seed-1-nowait",
        "task.driver.program.0={ ioctl = [{ lock = \"mirror_lock\" }, { alloc = \"GFP_KERNEL\", count = 50000, hold = true }, { unlock = \"mirror_lock\" }] }",
        "deadlock",
        1,
        1,
        "",
        "2 cycle",
    ),
    row("seed-2-nofs-still-waits", "", "livelock", 0, 0, "", ""),
    row(
        "seed-2-nofs-still-waits",
        "task.driver.program.0={ ioctl = [{ alloc = \"GFP_NOWAIT\", order = 3, count = 3000, hold = true }] }",
        "no-oom",
        0,
        0,
        "",
        "",
    ),
    row("seed-3-nofs-equally-bad", "", "deadlock", 1, 1, "", "2 cycle"),
    row(
        "seed-3-nofs-equally-bad",
        "device.gpu0.worker.alloc=GFP_KERNEL",
        "deadlock",
        1,
        1,
        "",
        "2 cycle",
    ),
    row(
        "seed-3-nofs-equally-bad",
        "device.gpu0.worker.alloc=GFP_ATOMIC",
        "recovered",
        1,
        1,
        "",
        "",
    ),
    row(
        "seed-3-nofs-equally-bad",
        "policy=interval",
        "extra-victims",
        2,
        10,
        "",
        "10 back-off, 1 extra-victim, 1 give-up, 10 refusal",
    ),
    row("seed-4-production-says-nothing", "", "deadlock", 1, 1, "hung-task", "2 cycle"),
    row(
        "seed-4-production-says-nothing",
        "check=lockdep",
        "deadlock",
        1,
        1,
        "lockdep, hung-task",
        "2 cycle, 1 splat",
    ),
    row(
        "seed-4-production-says-nothing",
        "policy=interval",
        "extra-victims",
        2,
        10,
        "",
        "10 back-off, 1 extra-victim, 1 give-up, 10 refusal",
    ),
    row("seed-5-found-cold", "", "no-oom", 0, 0, "", ""),
    row("seed-5-found-cold", "check=lockdep", "no-oom", 0, 0, "lockdep", "1 splat"),
    row(
        "seed-5-found-cold",
        "check=lockdep; task.app.program.3={ ioctl = [{ lock = \"mn_lock\" }, { alloc = \"GFP_NOWAIT\" }, { unlock = \"mn_lock\" }] }",
        "no-oom",
        0,
        0,
        "",
        "",
    ),
    row("seed-6-no-interest", "", "recovered", 1, 10, "", "10 back-off, 1 give-up, 10 refusal"),
    row("seed-6-no-interest", "policy=skip-any", "panic", 2, 2, "", "1 back-off, 1 extra-victim"),
    row("seed-7-unconditional", "", "extra-victims", 2, 2, "", "1 back-off, 1 extra-victim"),
    row(
        "seed-7-unconditional",
        "policy=skip-any",
        "extra-victims",
        2,
        2,
        "",
        "1 back-off, 1 extra-victim",
    ),
    row(
        "seed-7-unconditional",
        "policy=nonblock",
        "recovered",
        1,
        10,
        "",
        "10 back-off, 1 give-up, 10 refusal",
    ),
    row(
        "seed-8-range-test-in-core",
        "",
        "recovered",
        1,
        10,
        "",
        "10 back-off, 1 give-up, 10 refusal",
    ),
    row("seed-8-range-test-in-core", "policy=block-always", "recovered", 1, 1, "", ""),
    row(
        "seed-8-range-test-in-core",
        "policy=nonblock",
        "extra-victims",
        2,
        11,
        "",
        "10 back-off, 1 extra-victim, 1 give-up, 10 refusal",
    ),
    row("seed-9-gpus-must-sleep", "", "recovered", 1, 8, "", "7 back-off, 7 refusal"),
    row(
        "seed-9-gpus-must-sleep",
        "device.gpu0.refuse=overlap",
        "extra-victims",
        2,
        11,
        "",
        "10 back-off, 1 extra-victim, 1 give-up, 10 refusal",
    ),
    row("seed-10-within-fs-reclaim", "", "deadlock", 1, 1, "", "2 cycle"),
    row("seed-10-within-fs-reclaim", "check=lockdep", "deadlock", 1, 1, "", "2 cycle"),
    row(
        "seed-10-within-fs-reclaim",
        "check=lockdep; kernel=5.12",
        "deadlock",
        1,
        1,
        "lockdep",
        "2 cycle, 1 splat",
    ),
    row(
        "seed-10-within-fs-reclaim",
        "policy=interval",
        "extra-victims",
        2,
        11,
        "",
        "10 back-off, 1 extra-victim, 1 give-up, 10 refusal",
    ),
];

/// How many records of `driver` are such.
fn of_driver(with: &str, is_such: fn(&Event) -> bool) -> usize {
    let run = run("seed-2-nofs-still-waits", with);
    let driver =
        run.cast.tasks.iter().find(|(_, info)| info.name == "driver").expect("there is one").0;
    run.trace.iter().filter(|record| record.task == driver && is_such(&record.event)).count()
}

fn compacts(event: &Event) -> bool {
    matches!(event, Event::CompactionBegin { .. })
}

/// It is parked in the middle of a request.
fn sleeps(event: &Event) -> bool {
    matches!(event, Event::Blocked { why, .. } if *why == Reason::ReclaimThrottle as u8)
}

fn instead(gfp: &str) -> String {
    format!(
        "task.driver.program.0={{ ioctl = [{{ alloc = \"{gfp}\", order = 3, count = 3000, hold = true }}] }}"
    )
}

#[test]
fn nofs_compacts_and_neither_noio_nor_nowait_does() {
    assert!(of_driver("", compacts) > 0);
    assert_eq!(of_driver(&instead("GFP_NOIO"), compacts), 0);
    assert_eq!(of_driver(&instead("GFP_NOWAIT"), compacts), 0);
}

#[test]
fn nofs_sleeps_for_swap_and_nowait_does_not() {
    let swap = "kernel=6.1; machine.swap={ size = \"64MiB\", latency = \"20ms\", bandwidth = \"20MiB/s\" }";
    assert!(of_driver(swap, sleeps) > 100);
    assert_eq!(of_driver(&format!("{swap}; {}", instead("GFP_NOWAIT")), sleeps), 0);
}
