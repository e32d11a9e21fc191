//! Bugs that somebody met on a real machine, and what mended them.

use super::rows::{Row, judged, row, run, stack_at_end};

pub(crate) const ROWS: &[Row] = &[
    row("gntdev-waits-for-i915", "", "stalled", 0, 0, "", "1 cycle"),
    // The mend: gntdev unmaps later, and its callback waits for nobody.
    row("gntdev-waits-for-i915", "device.gntdev.driver=gntdev-6.12", "no-oom", 0, 0, "", ""),
    // i915 of 6.12 takes note and waits for nobody, but its readers do.
    row("gntdev-waits-for-i915", "device.i915.driver=i915-6.12", "stalled", 0, 0, "", "1 cycle"),
    row("radeon-kmalloc-under-notifier-lock", "", "deadlock", 0, 0, "", "1 cycle"),
    row(
        "radeon-kmalloc-under-notifier-lock",
        "check=lockdep",
        "deadlock",
        0,
        0,
        "lockdep",
        "1 cycle, 1 splat",
    ),
    // amdgpu allocates first.
    row(
        "radeon-kmalloc-under-notifier-lock",
        "check=lockdep; device.radeon.driver=amdgpu-5.4",
        "no-oom",
        0,
        0,
        "",
        "",
    ),
    row(
        "nouveau-refuses-every-range",
        "",
        "extra-victims",
        2,
        10,
        "lost-end",
        "10 back-off, 1 extra-victim, 1 give-up, 10 refusal",
    ),
    row(
        "nouveau-refuses-every-range",
        "device.svmm.driver=test-hmm-6.12",
        "recovered",
        1,
        1,
        "",
        "",
    ),
    row(
        "xdna-fence-without-timeout",
        "",
        "extra-victims",
        2,
        10,
        "",
        "10 back-off, 1 extra-victim, 1 give-up, 10 refusal",
    ),
    row("xdna-fence-without-timeout", "device.npu0.timeout=500ms", "recovered", 1, 0, "", ""),
    row("recovery-worker-allocates", "", "deadlock", 0, 0, "", "1 cycle"),
    row("recovery-worker-allocates", "device.gpu0.worker.alloc=GFP_NOWAIT", "no-oom", 0, 0, "", ""),
    // A shrinker that waits for nobody: somebody is killed, and that is all.
    row(
        "recovery-worker-allocates",
        "driver.msm.shrinker=[{ work = \"1us\" }]",
        "recovered",
        1,
        0,
        "",
        "",
    ),
];

/// The drivers of these scenarios are those of the survey, not only their archetypes.
#[test]
fn bugs_are_shown_by_the_drivers_that_had_them() {
    for (id, drivers) in [
        ("gntdev-waits-for-i915", &["gntdev-5.12", "i915-5.15"][..]),
        ("radeon-kmalloc-under-notifier-lock", &["radeon-5.4"]),
        ("nouveau-refuses-every-range", &["nouveau-svm-6.12", "nouveau-svm-range-6.12"]),
        ("xdna-fence-without-timeout", &["amdxdna-7.1"]),
    ] {
        let run = run(id, "");
        let named: Vec<_> = run.cast.devices.iter().map(|(_, info)| &info.driver).collect();
        assert_eq!(named, drivers, "{id}");
    }
}

/// The worker reclaims, and in reclaim its own driver waits for it.
#[test]
fn the_recovery_worker_waits_for_itself_in_a_shrinker() {
    let report = judged("recovery-worker-allocates", "");
    let cycle = report.incidents.iter().find(|incident| incident.kind == "cycle").expect("one");
    assert!(cycle.text.contains("gpu0 → gpu0/worker → gpu0"), "{}", cycle.text);
    let stack = stack_at_end(&run("recovery-worker-allocates", ""), "gpu0/worker");
    let inner = ["try_to_free_pages", "shrink_node", "do_shrink_slab", "dma_fence_wait"];
    assert!(stack.ends_with(&inner), "{stack:?}");
}

/// As the hung-task report of the recording L1both-3 has it.
#[test]
fn the_interval_leak_hangs_a_file_that_closes_as_task_work() {
    let stack = stack_at_end(&run("capture-6-1-l1both", ""), "hog/stuck");
    let inner = ["do_exit", "task_work_run", "__fput", "mmu_interval_notifier_remove"];
    assert!(stack.ends_with(&inner), "{stack:?}");
}
