//! `secondary-tlb`: a device that walks the process's own page tables.
//!
//! Summary: there is nothing to ask: whoever clears page tables flushes the device's TLB at the same moment, so it never refuses and never goes stale.
//! Mechanism: has no start and no end, only a flush inside the unmapping, which polls for the device's `work` (by default that of an IOTLB flush), for the machine's `iotlb_flush_timeout` (1 s) at most, and never sleeps.
//! Models: shared virtual addressing of intel-svm, arm-smmu-v3 and AMD's IOMMU (archetype A0).
//! Doesn't model: page requests of the device; what it does with an entry whose flush timed out; that other IOMMUs than SMMUv3 wait longer, or less.
//! See: drivers/iommu/intel/svm.c intel_arch_invalidate_secondary_tlbs().

use crate::kernel::plugin::{Boxed, Call, Driver, Ops, Refused, head_of};

/// See the file's documentation.
pub(super) struct SecondaryTlb;

impl Driver for SecondaryTlb {
    fn id(&self) -> &'static str {
        "secondary-tlb"
    }

    fn takes_lock(&self) -> bool {
        false
    }

    fn doc(&self) -> &'static str {
        head_of!("secondary_tlb.rs")
    }

    fn ops(&self) -> Ops {
        Ops { start: false, secondary_tlb: true, does_not_block: true, ..Ops::START }
    }

    fn invalidate<'a>(&'a self, _call: Call<'a>) -> Boxed<'a, Result<(), Refused>> {
        Box::pin(async { Ok(()) })
    }

    fn invalidate_secondary_tlbs<'a>(&'a self, call: Call<'a>) -> Boxed<'a, ()> {
        Box::pin(async move {
            call.poll_tlb_flush(call.draw_work(call.cx.costs().iotlb_flush)).await;
            call.unmap();
        })
    }
}
