//! `gpu-fence`: waits until the GPU no longer uses the memory.
//!
//! Summary: a callback that may sleep waits for the fences of all jobs that use the range; one that must not sleep refuses.
//! Mechanism: refuses every non-blockable call that overlaps, idle or not (or, with refuse = "when-busy", only while a job is pending); otherwise takes the driver's lock and waits for the fences under it; where callbacks have two passes, it waits in the second, without the lock, as only xe does: amdgpu, which stays with one, is a preset of its own.
//! Models: amdgpu 5.6 to 7.1, xe, radeon, i915 up to 5.15 (archetype A4); `sleep` adds the fixed sleep of the recordings' test module.
//! Doesn't model: the GPU's page tables and its scheduler.
//! See: drivers/gpu/drm/amd/amdgpu/amdgpu_hmm.c amdgpu_hmm_invalidate_gfx().

use crate::base::{Nanos, Shape};
use crate::engine::Hold;
use crate::kernel::plugin::{
    Blockable, Boxed, Call, Driver, Finish, Ops, Refuse, Refused, head_of,
};
use crate::record::Reason;

/// See the file's documentation.
pub(super) struct GpuFence;

impl Driver for GpuFence {
    fn id(&self) -> &'static str {
        "gpu-fence"
    }

    fn doc(&self) -> &'static str {
        head_of!("gpu_fence.rs")
    }

    fn ops(&self) -> Ops {
        Ops { two_pass: true, ..Ops::START }
    }

    /// A frame of an interactive program (kernel-spec 5.3 and 9.1).
    fn job_time(&self) -> Shape {
        Shape::Uniform { lo: Nanos::ZERO, hi: Nanos::from_ms(16) }
    }

    fn tries_lock(&self, refuse: Option<Refuse>) -> Option<Hold> {
        (refuse == Some(Refuse::WhenBusy)).then_some(Hold::Exclusive)
    }

    fn invalidate<'a>(&'a self, call: Call<'a>) -> Boxed<'a, Result<(), Refused>> {
        Box::pin(invalidate(call))
    }

    fn invalidate_start<'a>(
        &'a self,
        call: Call<'a>,
    ) -> Boxed<'a, Result<Option<Finish>, Refused>> {
        Box::pin(invalidate_start(call))
    }

    fn invalidate_finish<'a>(&'a self, call: Call<'a>, _finish: Finish) -> Boxed<'a, ()> {
        Box::pin(async move {
            if call.blockable.may_sleep() {
                // It has agreed: whatever it waits for now, it can't refuse any longer.
                let agreed = quiesce(&Call { blockable: Blockable::Yes, ..call }).await;
                debug_assert!(agreed.is_ok(), "invariant: only calls that must not sleep refuse");
            } else {
                call.unmap();
            }
        })
    }
}

async fn invalidate(call: Call<'_>) -> Result<(), Refused> {
    if !call.overlaps || !call.acts() {
        return Ok(());
    }
    if call.refuses(call.setup(|setup| setup.refuse).unwrap_or(Refuse::Overlap)) {
        return Err(Refused);
    }
    let lock = call.setup(|setup| setup.lock);
    call.lock(lock, Hold::Exclusive).await?;
    call.set_seq();
    let result = quiesce(&call).await;
    call.cx.unlock(lock);
    result
}

/// The first of two passes: stops new work on the range.
async fn invalidate_start(call: Call<'_>) -> Result<Option<Finish>, Refused> {
    if !call.overlaps || !call.acts() {
        return Ok(None);
    }
    let (lock, refuse) = call.setup(|setup| (setup.lock, setup.refuse));
    if call.refuses(refuse.unwrap_or(Refuse::Overlap)) {
        return Err(Refused);
    }
    call.lock(lock, Hold::Exclusive).await?;
    call.set_seq();
    call.cx.unlock(lock);
    Ok(Some(Finish(0)))
}

/// Under the driver's lock: waits until the range is idle.
async fn quiesce(call: &Call<'_>) -> Result<(), Refused> {
    call.wait_for_fences().await?;
    call.allocate().await;
    if call.blockable.may_sleep() {
        call.sleep(call.setup(|setup| setup.sleep), Reason::CallbackSleep).await?;
    }
    call.unmap();
    Ok(())
}
