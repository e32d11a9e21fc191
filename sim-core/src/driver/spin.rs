//! `spin`: short work under a spinlock.
//!
//! Summary: a callback that never has to sleep, so it never refuses and the reaper gets everything.
//! Mechanism: takes the driver's spinlock, looks under it whether the range is its own, allocates what `gfp` says, works for the device's `work` on the CPU and lets go of the range; when it may sleep it does so for `sleep` besides, without the lock. With page_refs it drops them. With acts_on = "unmap" it ignores every other event.
//! Models: hfi1 (archetype A1) and its filter on MMU_NOTIFY_UNMAP; mode d of the recordings' test module. SGI GRU, the other example, has atomics in place of the lock: see its preset.
//! Doesn't model: that the lock is also off for interrupts, and that those who spin for it queue.
//! See: drivers/infiniband/hw/hfi1/user_exp_rcv.c tid_rb_invalidate().

use crate::engine::Hold;
use crate::kernel::plugin::{Blockable, Boxed, Call, Driver, Ops, Refused, head_of};
use crate::kernel::switches::Switches;
use crate::record::{LockKind, Reason};

/// See the file's documentation.
pub(super) struct Spin;

impl Driver for Spin {
    fn id(&self) -> &'static str {
        "spin"
    }

    fn lock_kind(&self, _switches: &Switches) -> LockKind {
        LockKind::Spinlock
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
    let lock = call.setup(|setup| setup.lock);
    call.lock(lock, Hold::Exclusive).await?;
    let acts = call.overlaps && call.acts();
    if acts {
        call.set_seq();
        call.allocate().await;
        call.cx.cpu(call.draw_work(call.cx.costs().spin_work)).await;
        call.unmap();
        call.unpin();
    }
    call.cx.unlock(lock);
    if !acts || call.blockable == Blockable::No {
        return Ok(());
    }
    call.sleep(call.setup(|setup| setup.sleep), Reason::CallbackSleep).await
}
