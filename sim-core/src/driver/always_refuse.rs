//! `always-refuse`: refuses every call that must not sleep.
//!
//! Summary: no range test at all; with such a driver on an mm the reaper tears nothing down.
//! Mechanism: returns -EAGAIN whenever the call is not blockable; a blockable call that overlaps allocates what `gfp` says and waits for the device's `work`, by default that of a TLB flush, and for its `sleep`.
//! Models: nouveau's SVM list notifier, 5.1 to 7.1 (archetype A5), and mode a of the recordings' test module.
//! Doesn't model: the GPU's page tables.
//! See: drivers/gpu/drm/nouveau/nouveau_svm.c nouveau_svmm_invalidate_range_start().

use crate::kernel::plugin::{Blockable, Boxed, Call, Driver, Refused, head_of};
use crate::record::Reason;

/// See the file's documentation.
pub(super) struct AlwaysRefuse;

impl Driver for AlwaysRefuse {
    fn id(&self) -> &'static str {
        "always-refuse"
    }

    fn takes_lock(&self) -> bool {
        false
    }

    fn doc(&self) -> &'static str {
        head_of!("always_refuse.rs")
    }

    fn invalidate<'a>(&'a self, call: Call<'a>) -> Boxed<'a, Result<(), Refused>> {
        Box::pin(async move {
            if !call.acts() {
                return Ok(());
            }
            if call.blockable == Blockable::No {
                return Err(Refused);
            }
            if !call.overlaps {
                return Ok(());
            }
            call.set_seq();
            call.allocate().await;
            let flush = call.draw_work(call.cx.costs().iotlb_flush);
            call.wait_for_hardware(flush, Reason::CallbackWork).await?;
            call.sleep(call.setup(|setup| setup.sleep), Reason::CallbackSleep).await?;
            call.unmap();
            Ok(())
        })
    }
}
