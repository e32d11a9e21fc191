//! `kvm`: a hypervisor takes pages from its guest.
//!
//! Summary: never refuses: it unmaps the range from the guest and makes every vCPU leave it; until the invalidation ends no guest fault is served.
//! Mechanism: counts an invalidation in progress, works for the device's `work`, and kicks `vcpus` vCPUs, spinning until they answer; the end callback counts down. A fault meanwhile is retried on the CPU until the end, or until SIGKILL is seen: a start whose end never comes leaves the guest's faults retrying.
//! Models: KVM (archetype A2); up to 5.12 it counts every range, later only those that hit a memory slot.
//! Doesn't model: mmu_lock, dirty logging, guest page tables.
//! See: virt/kvm/kvm_main.c kvm_mmu_notifier_invalidate_range_start().

use crate::kernel::plugin::{Blockable, Boxed, Call, Driver, FaultWait, Ops, Refused, head_of};
use crate::record::Reason;

/// See the file's documentation.
pub(super) struct Kvm;

impl Driver for Kvm {
    fn id(&self) -> &'static str {
        "kvm"
    }

    fn takes_lock(&self) -> bool {
        false
    }

    fn doc(&self) -> &'static str {
        head_of!("kvm.rs")
    }

    fn ops(&self) -> Ops {
        Ops { end: true, does_not_block: true, ..Ops::START }
    }

    fn fault_wait(&self) -> FaultWait {
        FaultWait::Retries
    }

    fn invalidate<'a>(&'a self, call: Call<'a>) -> Boxed<'a, Result<(), Refused>> {
        Box::pin(invalidate(call))
    }

    fn invalidate_end<'a>(&'a self, call: Call<'a>) -> Boxed<'a, ()> {
        Box::pin(async move {
            if counts(&call) {
                call.end_invalidation();
            }
        })
    }
}

/// Whether the range is one that the hypervisor keeps count of.
fn counts(call: &Call<'_>) -> bool {
    call.overlaps || call.cx.kernel().switches.kvm_counts_all
}

async fn invalidate(call: Call<'_>) -> Result<(), Refused> {
    if counts(&call) {
        call.begin_invalidation();
    }
    if !call.overlaps {
        return Ok(());
    }
    call.set_seq();
    let kicks = call.cx.costs().kvm_kick * u64::from(call.setup(|setup| setup.vcpus));
    call.cx.cpu(call.draw_work(kicks)).await;
    call.unmap();
    if call.blockable == Blockable::No {
        return Ok(());
    }
    call.sleep(call.setup(|setup| setup.sleep), Reason::CallbackSleep).await
}
