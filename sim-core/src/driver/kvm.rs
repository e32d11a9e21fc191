//! `kvm`: a hypervisor takes pages from its guest.
//!
//! Summary: never refuses: it unmaps the range from the guest and makes every vCPU leave it; until the invalidation ends no guest fault is served.
//! Mechanism: under mmu_lock it counts an invalidation in progress, allocates what `gfp` says, works for the device's `work`, and kicks `vcpus` vCPUs, spinning until they answer; the end callback takes mmu_lock and counts down. A fault meanwhile is retried on the CPU until the end, or until SIGKILL is seen: a start whose end never comes leaves the guest's faults retrying.
//! Models: KVM (archetype A2); before 5.12 mmu_lock is a spinlock, then an rwlock (as on x86), taken for writing; up to 5.12 it is taken for every range, and every range is counted, later only ranges that hit a memory slot.
//! Doesn't model: dirty logging, guest page tables; faults that take mmu_lock for reading; that a call that may sleep yields mmu_lock now and then.
//! See: virt/kvm/kvm_main.c kvm_mmu_notifier_invalidate_range_start().

use crate::engine::Hold;
use crate::kernel::plugin::{Blockable, Boxed, Call, Driver, FaultWait, Ops, Refused, head_of};
use crate::kernel::switches::Switches;
use crate::record::{LockKind, Reason};

/// See the file's documentation.
pub(super) struct Kvm;

impl Driver for Kvm {
    fn id(&self) -> &'static str {
        "kvm"
    }

    fn lock_kind(&self, switches: &Switches) -> LockKind {
        if switches.kvm_has_rwlock { LockKind::Rwlock } else { LockKind::Spinlock }
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
            if concerns(&call) {
                let lock = call.setup(|setup| setup.lock);
                call.cx.lock(lock, Hold::Exclusive, Reason::DriverLock).await;
                call.end_invalidation();
                call.cx.unlock(lock);
            }
        })
    }
}

/// Whether the range is one that the hypervisor takes its lock for and keeps count of.
fn concerns(call: &Call<'_>) -> bool {
    (call.overlaps || call.cx.kernel().switches.kvm_counts_all) && call.acts()
}

async fn invalidate(call: Call<'_>) -> Result<(), Refused> {
    if !concerns(&call) {
        return Ok(());
    }
    let (lock, vcpus) = call.setup(|setup| (setup.lock, setup.vcpus));
    call.lock(lock, Hold::Exclusive).await?;
    call.begin_invalidation();
    if call.overlaps {
        call.set_seq();
        let kicks = call.cx.costs().kvm_kick * u64::from(vcpus);
        call.allocate().await;
        call.cx.cpu(call.draw_work(kicks)).await;
        call.unmap();
    }
    call.cx.unlock(lock);
    if !call.overlaps || call.blockable == Blockable::No {
        return Ok(());
    }
    call.sleep(call.setup(|setup| setup.sleep), Reason::CallbackSleep).await
}
