//! Driver archetypes: what a callback does when memory is taken from
//! under a device (kernel-spec 5.2). One file per archetype, one line here.

mod always_refuse;
mod gpu_fence;
mod kvm;
mod pinned;
mod spin;

use crate::kernel::plugin::Driver;

/// All archetypes.
pub const ALL: &[&dyn Driver] =
    &[&spin::Spin, &kvm::Kvm, &gpu_fence::GpuFence, &always_refuse::AlwaysRefuse, &pinned::Pinned];

/// The archetype with this id.
pub fn find(id: &str) -> Option<&'static dyn Driver> {
    ALL.iter().copied().find(|driver| driver.id() == id)
}
