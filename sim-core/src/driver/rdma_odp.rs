//! `rdma-odp`: on-demand paging of an RDMA device.
//!
//! Summary: an overlapping call has the hardware forget the range with a work request; one that must not sleep is refused.
//! Mechanism: under a mutex it posts a work request for every 4096 pages and waits for their completion, allocating what `gfp` says (GFP_ATOMIC, with a page kept for the worst case). On the list it counts an invalidation in progress and the end counts down: until then no fault of the device is served; with an interval, sequence numbers do that.
//! Models: umem_odp and mlx5 (archetype A9).
//! Doesn't model: queue pairs and what a faulting peer sees.
//! See: drivers/infiniband/hw/mlx5/odp.c mlx5_ib_invalidate_range().

use crate::engine::Hold;
use crate::kernel::plugin::{Boxed, Call, Driver, Ops, Refuse, Refused, head_of};
use crate::record::Reason;

/// See the file's documentation.
pub(super) struct RdmaOdp;

impl Driver for RdmaOdp {
    fn id(&self) -> &'static str {
        "rdma-odp"
    }

    fn doc(&self) -> &'static str {
        head_of!("rdma_odp.rs")
    }

    fn ops(&self) -> Ops {
        Ops { end: true, ..Ops::START }
    }

    fn tries_lock(&self, refuse: Option<Refuse>) -> Option<Hold> {
        (refuse == Some(Refuse::WhenBusy)).then_some(Hold::Exclusive)
    }

    fn invalidate<'a>(&'a self, call: Call<'a>) -> Boxed<'a, Result<(), Refused>> {
        Box::pin(invalidate(call))
    }

    fn invalidate_end<'a>(&'a self, call: Call<'a>) -> Boxed<'a, ()> {
        Box::pin(async move {
            if call.overlaps && call.acts() {
                call.end_invalidation();
            }
        })
    }
}

async fn invalidate(call: Call<'_>) -> Result<(), Refused> {
    if !call.overlaps || !call.acts() {
        return Ok(());
    }
    let (lock, refuse) = call.setup(|setup| (setup.lock, setup.refuse));
    if call.refuses(refuse.unwrap_or(Refuse::Overlap)) {
        return Err(Refused);
    }
    call.lock(lock, Hold::Exclusive).await?;
    call.set_seq();
    if !call.is_interval() {
        call.begin_invalidation();
    }
    let result = post(&call).await;
    if result.is_err() && !call.is_interval() {
        call.end_invalidation();
    }
    call.cx.unlock(lock);
    result
}

/// Under the mutex: has the hardware forget the range.
async fn post(call: &Call<'_>) -> Result<(), Refused> {
    call.allocate().await;
    let default = call.cx.costs().work_request * call.pages_covered().div_ceil(4096);
    call.wait_for_hardware(call.draw_work(default), Reason::WorkRequest).await?;
    if call.blockable.may_sleep() {
        call.sleep(call.setup(|setup| setup.sleep), Reason::CallbackSleep).await?;
    }
    call.unmap();
    Ok(())
}
