//! Charging, limits and the OOM of cgroups (kernel-spec 7.4).
