//! Ids: those that mean something, and those that this version runs.
//!
//! The constants are wire format: none is ever renamed, and a link may
//! name any of them. A scenario file may name what the registries of the
//! layers below hold, which [`profiles`], [`policies`] and [`drivers`] list.

use super::presets;
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

/// Driver archetypes that can be run.
pub fn archetypes() -> Vec<&'static str> {
    driver::ALL.iter().map(|driver| driver.id()).collect()
}

/// Drivers that can be run: archetypes, then real drivers.
pub fn drivers() -> Vec<&'static str> {
    let presets = presets::all().iter().map(|preset| preset.name.as_str());
    archetypes().into_iter().chain(presets).collect()
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

/// Drivers: archetypes, then real ones.
pub const DRIVERS: [&str; 49] = [
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
    "i915-4.19",
    "i915-5.4",
    "i915-5.15",
    "i915-6.12",
    "xe-6.12",
    "xe-7.1",
    "gpusvm-7.1",
    "amdgpu-5.4",
    "amdgpu-5.6",
    "amdgpu-compute-6.12",
    "amdgpu-hsa-6.12",
    "amdkfd-svm-6.12",
    "radeon-5.4",
    "radeon-6.12",
    "nouveau-svm-6.12",
    "nouveau-svm-range-6.12",
    "umem-odp-5.4",
    "mlx5-odp-6.12",
    "rxe-odp-7.1",
    "rdma-mr",
    "hfi1-rb-5.4",
    "hfi1-tid-6.12",
    "hfi1-cover-6.12",
    "kvm-5.4",
    "kvm-6.12",
    "gntdev-5.4",
    "gntdev-5.12",
    "gntdev-6.12",
    "mshv-7.1",
    "mshv-failing-7.1",
    "vfio-pin",
    "intel-svm",
    "arm-smmu-v3-sva",
    "amd-pasid-6.12",
    "ocxl-6.12",
    "sgi-gru",
    "scif-5.4",
    "test-hmm-6.12",
    "amdxdna-7.1",
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
        assert!(checkers().iter().all(|id| CHECKERS.contains(id)));
        assert_eq!(drivers(), DRIVERS);
        let unique: std::collections::BTreeSet<_> = DRIVERS.iter().collect();
        assert_eq!(unique.len(), DRIVERS.len());
    }
}
