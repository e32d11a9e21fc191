//! Bugs that somebody met on a real machine, and what mended them.

use super::rows::{Row, row};

pub(crate) const ROWS: &[Row] = &[
    row("gntdev-waits-for-i915", "", "stalled", 0, 0, "", "1 cycle"),
    // The mend: gntdev unmaps later, and its callback waits for nobody.
    row("gntdev-waits-for-i915", "device.gntdev.driver=spin", "no-oom", 0, 0, "", ""),
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
    // amdgpu's order.
    row(
        "radeon-kmalloc-under-notifier-lock",
        "task.game.program.3.program.0={ ioctl = [{ alloc = \"GFP_KERNEL\", hold = true }, { lock = \"rmn_lock\" }, { unlock = \"rmn_lock\" }] }",
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
    row("nouveau-refuses-every-range", "device.svmm.driver=spin", "recovered", 1, 1, "", ""),
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
    row("recovery-worker-allocates", "device.msm.worker.alloc=GFP_NOWAIT", "no-oom", 0, 0, "", ""),
];
