//! `spin`: short work under a spinlock.
//!
//! Summary: a callback that never has to sleep, so it never refuses and the reaper gets everything.
//! Mechanism: works for the device's `work` on the CPU and lets go of the range; when it may sleep it does so for `sleep` besides. With page_refs it drops them. With acts_on = "unmap" it ignores every other event.
//! Models: hfi1 and SGI GRU (archetype A1); hfi1's filter on MMU_NOTIFY_UNMAP; mode d of the recordings' test module.
//! Doesn't model: contention for the spinlock, which is held for microseconds.
//! See: drivers/infiniband/hw/hfi1/user_exp_rcv.c tid_rb_invalidate().

use crate::kernel::plugin::{Blockable, Boxed, Call, Driver, Ops, Refused, head_of};
use crate::record::Reason;

/// See the file's documentation.
pub(super) struct Spin;

impl Driver for Spin {
    fn id(&self) -> &'static str {
        "spin"
    }

    fn takes_lock(&self) -> bool {
        false
    }

    fn doc(&self) -> &'static str {
        head_of!("spin.rs")
    }

    fn ops(&self) -> Ops {
        Ops { does_not_block: true, ..Ops::START }
    }

    fn invalidate<'a>(&'a self, call: Call<'a>) -> Boxed<'a, Result<(), Refused>> {
        Box::pin(invalidate(call))
    }
}

async fn invalidate(call: Call<'_>) -> Result<(), Refused> {
    if !call.overlaps {
        return Ok(());
    }
    call.set_seq();
    if !call.setup(|setup| setup.acts_on).includes(call.event) {
        return Ok(());
    }
    call.cx.cpu(call.draw_work(call.cx.costs().spin_work)).await;
    call.unmap();
    call.unpin();
    if call.blockable == Blockable::No {
        return Ok(());
    }
    call.sleep(call.setup(|setup| setup.sleep), Reason::CallbackSleep).await
}
