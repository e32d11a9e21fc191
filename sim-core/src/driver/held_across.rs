//! `held-across`: takes a lock when an invalidation starts and lets go of it when it ends.
//!
//! Summary: whatever is done to the range between start and end is done under the driver's lock; a start whose end is lost keeps the lock for ever.
//! Mechanism: the start takes the driver's semaphore for reading, or trylocks it in a call that must not sleep and refuses if that fails; the end releases it. With refuse = "overlap" or "when-busy" an overlapping call that must not sleep is refused as well. What `gfp` says is allocated under it. Mapping takes the semaphore for writing.
//! Models: ib_umem_odp 4.19 to 5.4 (archetype A8; it refuses on overlap).
//! Doesn't model: a semaphore per mm: it is one per device.
//! See: drivers/infiniband/core/umem_odp.c ib_umem_notifier_invalidate_range_start(), Linux 5.4.

use crate::base::Nanos;
use crate::engine::Hold;
use crate::kernel::plugin::{Boxed, Call, Driver, Ops, Refuse, Refused, head_of};
use crate::kernel::switches::Switches;
use crate::record::{LockKind, Reason};

/// See the file's documentation.
pub(super) struct HeldAcross;

impl Driver for HeldAcross {
    fn id(&self) -> &'static str {
        "held-across"
    }

    fn doc(&self) -> &'static str {
        head_of!("held_across.rs")
    }

    fn ops(&self) -> Ops {
        Ops { end: true, ..Ops::START }
    }

    fn lock_kind(&self, _switches: &Switches) -> LockKind {
        LockKind::Rwsem
    }

    /// It comes to its rule, if it has one, only with the lock.
    fn tries_lock(&self, _refuse: Option<Refuse>) -> Option<Hold> {
        Some(Hold::Shared)
    }

    fn invalidate<'a>(&'a self, call: Call<'a>) -> Boxed<'a, Result<(), Refused>> {
        Box::pin(invalidate(call))
    }

    fn invalidate_end<'a>(&'a self, call: Call<'a>) -> Boxed<'a, ()> {
        Box::pin(async move {
            if call.acts() {
                call.unlock_at_end(call.setup(|setup| setup.lock));
            }
        })
    }
}

async fn invalidate(call: Call<'_>) -> Result<(), Refused> {
    if !call.acts() {
        return Ok(());
    }
    let (lock, refuse) = call.setup(|setup| (setup.lock, setup.refuse));
    call.lock(lock, Hold::Shared).await?;
    call.set_seq();
    let result = if refuse.is_some_and(|refuse| call.refuses(refuse)) {
        Err(Refused)
    } else {
        work(&call).await
    };
    if result.is_ok() && !call.is_interval() {
        call.hold_until_end(lock);
    } else {
        call.cx.unlock(lock);
    }
    result
}

async fn work(call: &Call<'_>) -> Result<(), Refused> {
    if call.overlaps {
        call.allocate().await;
        call.cx.cpu(call.draw_work(Nanos::ZERO)).await;
        if call.blockable.may_sleep() {
            call.sleep(call.setup(|setup| setup.sleep), Reason::CallbackSleep).await?;
        }
        call.unmap();
    }
    Ok(())
}
