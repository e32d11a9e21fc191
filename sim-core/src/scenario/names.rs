//! Ids: those that mean something, and those that this version runs.
//!
//! The constants are wire format: none is ever renamed, and a link may
//! name any of them. A scenario file may name what the registries of the
//! layers below hold, which [`profiles`], [`policies`] and [`drivers`] list.

use crate::kernel::switches;
use crate::{check, driver, policy};

/// Kernel profiles that can be run.
pub fn profiles() -> Vec<&'static str> {
    switches::PROFILES.iter().map(|profile| profile.id).collect()
}

/// Policies that can be run.
pub fn policies() -> Vec<&'static str> {
    policy::ALL.iter().map(|policy| policy.id()).collect()
}

/// Drivers that can be run.
pub fn drivers() -> Vec<&'static str> {
    driver::ALL.iter().map(|driver| driver.id()).collect()
}

/// Checkers that can be selected.
pub fn checkers() -> Vec<&'static str> {
    check::checkers::ALL.iter().map(|checker| checker.id).collect()
}

/// Kernel profiles, oldest first.
pub const PROFILES: [&str; 12] =
    ["4.6", "4.9", "4.14", "4.16", "4.19", "5.3", "5.4", "5.6", "5.12", "6.1", "6.12", "7.1"];

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_can_be_run_has_a_reserved_id() {
        assert!(profiles().iter().all(|id| PROFILES.contains(id)));
        assert!(policies().iter().all(|id| POLICIES.contains(id)));
        assert!(drivers().iter().all(|id| DRIVERS.contains(id)));
        assert!(checkers().iter().all(|id| CHECKERS.contains(id)));
    }
}
