//! The ids that a scenario file may name, for its checker and its hints.
//!
//! They are wire format: none is ever renamed. What they stand for is
//! in the registries of the layers below; a test there keeps both equal.

/// Kernel profiles, oldest first.
pub const PROFILES: [&str; 12] = [
    "4.6", "4.9", "4.14", "4.16", "4.19", "5.3", "5.4", "5.6", "5.12", "6.1", "6.12", "7.1",
];

/// Notifier policies.
pub const POLICIES: [&str; 10] = [
    "ignore",
    "skip-any",
    "skip-flag",
    "nonblock",
    "interval",
    "interval-two-pass",
    "core-refuse",
    "block-always",
    "deadline",
    "hand-off",
];

/// Drivers.
pub const DRIVERS: [&str; 10] = [
    "secondary-tlb",
    "spin",
    "kvm",
    "trylock",
    "gpu-fence",
    "always-refuse",
    "sleeps-anyway",
    "pinned",
    "held-across",
    "rdma-odp",
];

/// Checkers.
pub const CHECKERS: [&str; 4] = ["lockdep", "non-block", "wait-for", "fence-annotations"];
