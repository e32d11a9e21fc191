//! Driver archetypes: what a callback does when memory is taken from
//! under a device (kernel-spec 5.2). One file per archetype, one line here.

mod always_refuse;
mod gpu_fence;
mod held_across;
mod kvm;
mod pinned;
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
