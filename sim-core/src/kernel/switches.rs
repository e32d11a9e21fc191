//! Kernel profiles: one table of switches, a column per profile
//! (kernel-spec 0.5). Code asks a switch, never a version.
//!
//! Here is the column of 6.1.192, the kernel of the recordings. A
//! further version is a further entry of [`PROFILES`].

/// What differs between kernel versions.
#[derive(Clone, Debug)]
pub struct Switches {
    /// Profile id, as in `--kernel`.
    pub id: &'static str,
    /// The tree that was read.
    pub tree: &'static str,
    /// Notifier policy of this kernel.
    pub policy: &'static str,
    /// Registration API of a driver that does not say.
    pub interval_api: bool,
    /// `OOM_REAPER_DELAY` in units of HZ (mm/oom_kill.c, since 5.18).
    pub reaper_delay_hz: u64,
    /// `should_reclaim_retry()` counts a zone's free pages as reclaimable
    /// when its lists are empty (seen in the recordings of 6.1.192).
    pub reclaimable_falls_back_to_free: bool,
    /// A refusal by a list notifier leaves the interval step without its
    /// end (mm/mmu_notifier.c, read in 5.6 to 7.1; recorded on 6.1.192).
    pub interval_leak: bool,
}

/// All profiles, oldest first.
pub const PROFILES: &[Switches] = &[Switches {
    id: "6.1",
    tree: "6.1.192",
    policy: "interval",
    interval_api: true,
    reaper_delay_hz: 2,
    reclaimable_falls_back_to_free: true,
    interval_leak: true,
}];

/// The profile with this id.
pub fn find(id: &str) -> Option<&'static Switches> {
    PROFILES.iter().find(|profile| profile.id == id)
}
