//! `pinned`: holds the pages and hears of nothing.
//!
//! Summary: the device refers to all pages of its range from registration on; they can be unmapped, but no memory comes free.
//! Mechanism: has no callback, so no policy asks it and none backs off because of it; registration faults the range in and pins it, and the pages go back when the device is closed, which is after the process has lost its memory.
//! Models: RDMA memory regions and VFIO, i915 since 6.x (archetype A7).
//! Doesn't model: RLIMIT_MEMLOCK; pages that are given back one by one.
//! See: drivers/infiniband/core/umem.c ib_umem_get(), mm/gup.c pin_user_pages().

use crate::kernel::plugin::{Boxed, Call, Driver, Ops, Refused, head_of};

/// See the file's documentation.
pub(super) struct Pinned;

impl Driver for Pinned {
    fn id(&self) -> &'static str {
        "pinned"
    }

    fn takes_lock(&self) -> bool {
        false
    }

    fn doc(&self) -> &'static str {
        head_of!("pinned.rs")
    }

    fn ops(&self) -> Ops {
        Ops { start: false, does_not_block: true, page_refs: true, ..Ops::START }
    }

    fn invalidate<'a>(&'a self, _call: Call<'a>) -> Boxed<'a, Result<(), Refused>> {
        Box::pin(async { Ok(()) })
    }
}
