//! `sleeps-anyway`: never asks whether it may sleep.
//!
//! Summary: breaks the rule: the reaper itself sleeps in its callback, for as long as lock, jobs and hardware take.
//! Mechanism: takes the driver's mutex, waits for the jobs that use the range and for `work` under PF_MEMALLOC, whatever the call says. It takes MMU_NOTIFY_UNMAP to mean that the range is gone, for which a TLB flush is enough, and evicts user queues on any other event: that is the default of `work`. With acts_on = "unmap" it ignores every other event.
//! Models: amdkfd SVM, 6.12 and 7.1; with work = "0s", hfi1's TID cover (archetype A6).
//! Doesn't model: the deferred work that amdkfd queues, or how its queues are restored.
//! See: drivers/gpu/drm/amd/amdkfd/kfd_svm.c svm_range_cpu_invalidate_pagetables().

use crate::base::Nanos;
use crate::engine::Hold;
use crate::kernel::plugin::{Blockable, Boxed, Call, Driver, Refused, head_of};
use crate::record::{MnEvent, Reason};

/// See the file's documentation.
pub(super) struct SleepsAnyway;

impl Driver for SleepsAnyway {
    fn id(&self) -> &'static str {
        "sleeps-anyway"
    }

    fn doc(&self) -> &'static str {
        head_of!("sleeps_anyway.rs")
    }

    fn sleeps_anyway(&self) -> bool {
        true
    }

    fn invalidate<'a>(&'a self, call: Call<'a>) -> Boxed<'a, Result<(), Refused>> {
        Box::pin(invalidate(call))
    }
}

async fn invalidate(told: Call<'_>) -> Result<(), Refused> {
    if !told.overlaps || !told.acts() {
        return Ok(());
    }
    let (lock, sleep) = told.setup(|setup| (setup.lock, setup.sleep));
    let costs = told.cx.costs();
    let is_gone = told.event == MnEvent::Unmap;
    let work = told.draw_work(if is_gone { costs.iotlb_flush } else { costs.queue_eviction });
    let is_locked = told.cx.lock_fastpath(lock, Hold::Exclusive);
    if told.blockable == Blockable::No
        && (!is_locked || told.is_busy() || work.0 > 0 || sleep.0 > 0)
    {
        told.slept();
    }
    let call = Call { blockable: Blockable::Yes, ..told };
    if !is_locked {
        call.cx.lock_slowpath(lock, Hold::Exclusive, Reason::DriverLock).await;
    }
    call.set_seq();
    let result = evict(&call, work).await;
    call.cx.unlock(lock);
    result
}

/// Under the driver's lock: takes the range off the hardware.
async fn evict(call: &Call<'_>, work: Nanos) -> Result<(), Refused> {
    let scope = call.memalloc();
    call.wait_for_fences().await?;
    call.wait_for_hardware(work, Reason::CallbackWork).await?;
    call.sleep(call.setup(|setup| setup.sleep), Reason::CallbackSleep).await?;
    call.allocate().await;
    drop(scope);
    call.unmap();
    Ok(())
}
