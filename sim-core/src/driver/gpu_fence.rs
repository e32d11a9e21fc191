//! `gpu-fence`: waits until the GPU no longer uses the memory.
//!
//! Summary: a callback that may sleep waits for the fences of all jobs that use the range; one that must not sleep refuses.
//! Mechanism: refuses every non-blockable call that overlaps, idle or not (or, with refuse = "when-busy", only while a job is pending); otherwise takes the driver's lock and waits for the fences under it.
//! Models: amdgpu 5.6 to 7.1, xe, radeon, i915 up to 5.15 (archetype A4); `sleep` adds the fixed sleep of the recordings' test module.
//! Doesn't model: what happens to the jobs; resets and time-outs.
//! See: drivers/gpu/drm/amd/amdgpu/amdgpu_hmm.c amdgpu_hmm_invalidate_gfx().

use crate::engine::Hold;
use crate::kernel::device::wait_for_fences;
use crate::kernel::mmu_notifier::mmu_interval_set_seq;
use crate::kernel::msleep;
use crate::kernel::plugin::{Blockable, Boxed, Call, Driver, Refuse, Refused};
use crate::record::Reason;

/// See the file's documentation.
pub(super) struct GpuFence;

impl Driver for GpuFence {
    fn id(&self) -> &'static str {
        "gpu-fence"
    }

    fn doc(&self) -> &'static str {
        include_str!("gpu_fence.rs")
    }

    fn invalidate<'a>(&'a self, call: Call<'a>) -> Boxed<'a, Result<(), Refused>> {
        Box::pin(invalidate(call))
    }
}

async fn invalidate(call: Call<'_>) -> Result<(), Refused> {
    let Call { cx, notifier, .. } = call;
    if !call.overlaps {
        return Ok(());
    }
    let (device, mm) = cx.with(|state| {
        let subscription = &state.notifiers[notifier];
        (subscription.device, subscription.mm)
    });
    let (setup, busy) = cx.with(|state| {
        let device = &state.devices[device];
        (device.setup.clone(), device.is_busy())
    });
    if call.blockable == Blockable::No {
        if setup.refuse == Refuse::Overlap || busy {
            return Err(Refused);
        }
        mmu_interval_set_seq(cx, notifier, call.seq);
        return Ok(());
    }
    cx.lock(setup.lock, Hold::Exclusive, Reason::DriverLock).await;
    mmu_interval_set_seq(cx, notifier, call.seq);
    let vmas: Vec<_> = cx.with(|state| {
        let overlapping = |start, end| start < call.range.end && call.range.start < end;
        let vmas = state.mms[mm].vmas.iter();
        vmas.filter(|vma| overlapping(vma.start, vma.end)).map(|vma| vma.id).collect()
    });
    wait_for_fences(cx, device, |range| vmas.contains(&range)).await;
    if setup.sleep.0 > 0 {
        msleep(cx, setup.sleep, Reason::CallbackSleep).await;
    }
    cx.unlock(setup.lock);
    Ok(())
}
