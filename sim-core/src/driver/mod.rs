//! Drivers: what a callback does when memory is taken from under a device.
//!
//! The archetypes of kernel-spec 5.2, one file per archetype and one line
//! here; and drivers that a scenario describes, as data in [`plan`],
//! carried out by [`described`].

mod always_refuse;
pub mod described;
mod gpu_fence;
mod held_across;
mod kvm;
mod pinned;
pub mod plan;
mod rdma_odp;
mod secondary_tlb;
mod sleeps_anyway;
mod spin;
mod trylock;

use crate::kernel::plugin::Driver;

/// All archetypes.
pub const ALL: &[&dyn Driver] = &[
    &secondary_tlb::SecondaryTlb,
    &spin::Spin,
    &kvm::Kvm,
    &trylock::Trylock,
    &gpu_fence::GpuFence,
    &always_refuse::AlwaysRefuse,
    &sleeps_anyway::SleepsAnyway,
    &pinned::Pinned,
    &held_across::HeldAcross,
    &rdma_odp::RdmaOdp,
];

/// The archetype with this id.
pub fn find(id: &str) -> Option<&'static dyn Driver> {
    ALL.iter().copied().find(|driver| driver.id() == id)
}
