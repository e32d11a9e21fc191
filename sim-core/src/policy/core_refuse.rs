//! `core-refuse`: the core tests the range, and refuses in the driver's stead.
//!
//! Summary: no driver ever sees a call that must not sleep: if the VMA overlaps a registration the core leaves it whole, if not it is reaped; a driver that could have finished without sleeping is not asked.
//! Mechanism: for registrations of both interfaces the core compares ranges; overlap in a call that must not sleep is -EAGAIN from the core. Calls that may sleep reach the drivers whose ranges overlap, and no others.
//! Models: the first reading of the proposal of August 2019 to take the blockable flag away from drivers (J1); never merged.
//! Doesn't model: a core that knows of a driver's range more than it registered.
//! See: the thread "mm, notifier: Catch sleeping/blocking for !blockable", August 2019.

use crate::kernel::plugin::{Api, Approach, Policy, head_of};

/// See the file's documentation.
pub(super) struct CoreRefuse;

impl Policy for CoreRefuse {
    fn id(&self) -> &'static str {
        "core-refuse"
    }

    fn doc(&self) -> &'static str {
        head_of!("core_refuse.rs")
    }

    fn api(&self, asked: Api) -> Api {
        asked
    }

    fn approach(&self) -> Approach {
        Approach::CoreRefuses
    }
}
