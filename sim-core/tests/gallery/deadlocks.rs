//! D1 to D8 of kernel-spec 5.5.

use super::rows::{Row, judged, row, run, stack_at_end};

pub(crate) const ROWS: &[Row] = &[
    row("d1-self", "", "deadlock", 0, 0, "", "1 cycle"),
    row(
        "d1-self",
        "task.app.program.3={ ioctl = [{ lock = \"mn_lock\" }, { alloc = \"GFP_NOWAIT\", count = 8000, hold = true }, { unlock = \"mn_lock\" }] }",
        "no-oom",
        0,
        0,
        "",
        "",
    ),
    row(
        "d1-self",
        "task.app.program.3={ ioctl = [{ alloc = \"GFP_KERNEL\", count = 8000, hold = true }, { lock = \"mn_lock\" }, { unlock = \"mn_lock\" }] }",
        "no-oom",
        0,
        0,
        "",
        "",
    ),
    row("d2-direct", "", "deadlock", 1, 1, "", "2 cycle"),
    row(
        "d2-direct",
        "policy=interval",
        "extra-victims",
        2,
        10,
        "",
        "10 back-off, 1 extra-victim, 1 give-up, 10 refusal",
    ),
    row(
        "d2-direct",
        "policy=core-refuse",
        "extra-victims",
        2,
        10,
        "",
        "10 back-off, 1 extra-victim, 1 give-up, 10 refusal",
    ),
    row(
        "d2-direct",
        "policy=deadline",
        "extra-victims",
        2,
        10,
        "",
        "10 back-off, 1 extra-victim, 1 give-up, 10 refusal",
    ),
    row(
        "d2-direct",
        "policy=hand-off",
        "extra-victims",
        2,
        2,
        "",
        "1 extra-victim, 1 give-up, 1 refusal",
    ),
    row("d3-fence", "", "deadlock", 1, 1, "", "2 cycle"),
    row("d3-fence", "device.gpu0.worker.alloc=GFP_ATOMIC", "recovered", 1, 1, "", ""),
    row("d3-fence", "device.gpu0.worker.alloc=GFP_NOFS", "deadlock", 1, 1, "", "2 cycle"),
    row(
        "d3-fence",
        "policy=interval",
        "extra-victims",
        2,
        10,
        "",
        "10 back-off, 1 extra-victim, 1 give-up, 10 refusal",
    ),
    row("d4-nofs", "", "deadlock", 1, 1, "", "2 cycle"),
    row(
        "d4-nofs",
        "policy=interval",
        "extra-victims",
        2,
        11,
        "",
        "10 back-off, 1 extra-victim, 1 give-up, 10 refusal",
    ),
    row(
        "d5-exit",
        "",
        "extra-victims",
        2,
        11,
        "",
        "10 back-off, 1 extra-victim, 1 give-up, 10 refusal",
    ),
    row(
        "d5-exit",
        "task.hog.program.5={ ioctl = [{ lock = \"inode_lock\", killable = true }, { unlock = \"inode_lock\" }] }",
        "recovered",
        1,
        1,
        "",
        "",
    ),
    row("d5-exit", "device.gpu0.driver=spin", "recovered", 1, 1, "", ""),
    row(
        "d6-global-lock",
        "",
        "extra-victims",
        2,
        11,
        "",
        "10 back-off, 1 extra-victim, 1 give-up, 10 refusal",
    ),
    row(
        "d6-global-lock",
        "policy=interval-two-pass",
        "recovered",
        1,
        2,
        "",
        "1 back-off, 1 refusal",
    ),
    row("d6-global-lock", "device.gpu0.fence=10ms", "recovered", 1, 2, "", "1 back-off, 1 refusal"),
    row(
        "d7-mmap-lock",
        "",
        "extra-victims",
        2,
        11,
        "reserve-exhausted",
        "10 back-off, 1 extra-victim, 1 give-up",
    ),
    row(
        "d7-mmap-lock",
        "task.hog.thread.mapper.program=[{ idle = true }]",
        "recovered",
        1,
        1,
        "reserve-exhausted",
        "",
    ),
    row("d1-self", "check=lockdep", "deadlock", 0, 0, "lockdep", "1 cycle, 1 splat"),
    row("d2-direct", "check=lockdep", "deadlock", 1, 1, "lockdep", "2 cycle, 1 splat"),
    row("d3-fence", "check=lockdep", "deadlock", 1, 1, "", "2 cycle"),
    row("d4-nofs", "check=lockdep", "deadlock", 1, 1, "", "2 cycle"),
    row("d4-nofs", "check=lockdep; kernel=5.12", "deadlock", 1, 1, "lockdep", "2 cycle, 1 splat"),
    row("d8-dma-resv", "", "deadlock", 0, 0, "", "1 cycle"),
    row("d8-dma-resv", "check=lockdep", "deadlock", 0, 0, "lockdep", "1 cycle, 1 splat"),
    // A shrinker that only tries the lock leaves it to the callback.
    row(
        "d8-dma-resv",
        "device.gpu0.shrinker=[{ lock = \"dma_resv\", how = \"trylock\" }, { unlock = \"dma_resv\" }]",
        "deadlock",
        0,
        0,
        "",
        "1 cycle",
    ),
    // So does one of a driver that has no notifier on this memory.
    row("d8-dma-resv", "task.app.program.1={ touch = \"heap\" }", "deadlock", 0, 0, "", "1 cycle"),
    row(
        "d8-dma-resv",
        "task.submitter.program.0={ ioctl = [{ alloc = \"GFP_KERNEL\", count = 9000, hold = true }, { lock = \"dma_resv\" }, { unlock = \"dma_resv\" }] }",
        "no-oom",
        0,
        0,
        "",
        "",
    ),
    row(
        "mutex-held-across-allocations",
        "",
        "extra-victims",
        2,
        10,
        "",
        "10 back-off, 1 extra-victim, 1 give-up, 10 refusal",
    ),
    // The mutex is let go before it allocates.
    row(
        "mutex-held-across-allocations",
        "task.holder.program.0={ ioctl = [{ lock = \"drv_mutex\" }, { unlock = \"drv_mutex\" }, { alloc = \"GFP_KERNEL\", count = 24000, hold = true }, { free = true }] }",
        "recovered",
        1,
        1,
        "",
        "",
    ),
    row(
        "mutex-held-across-allocations",
        "policy=block-always; check=wait-for",
        "deadlock",
        1,
        1,
        "",
        "2 cycle, 1 splat",
    ),
];

/// The shrinker's lock is the one that is waited for, unless that only tries it.
#[test]
fn d8_has_two_ways_into_the_same_lock() {
    let waits_in = |with: &str| {
        let stack = stack_at_end(&run("d8-dma-resv", with), "submitter");
        let at =
            stack.iter().rposition(|func| ["do_shrink_slab", "driver callback"].contains(func));
        stack[at.expect("it waits in its driver")]
    };
    let tries = "device.gpu0.shrinker=[{ lock = \"dma_resv\", how = \"trylock\" }, { unlock = \"dma_resv\" }]";
    assert_eq!((waits_in(""), waits_in(tries)), ("do_shrink_slab", "driver callback"));
}

/// Memory comes free for a moment in D3, and then runs out for ever.
#[test]
fn nobody_recovers_who_waits_at_the_end() {
    assert_eq!(judged("d3-fence", "").metrics.oom_to_recovery_ns, None);
    let recovers = judged("d3-fence", "policy=interval").metrics.oom_to_recovery_ns;
    assert!(recovers.is_some_and(|after| after > 1_000_000_000), "{recovers:?}");
}
