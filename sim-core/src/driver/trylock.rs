//! `trylock`: short work under a mutex that it only tries to take.
//!
//! Summary: refuses only if somebody else holds its lock at that moment, so that a retry usually succeeds.
//! Mechanism: an overlapping call that must not sleep trylocks the driver's mutex and refuses if that fails; with it, works for the device's `work`, allocates what `gfp` says, and lets go of the range. A call that may sleep waits for the mutex and sleeps for `sleep` besides.
//! Models: test_hmm, nouveau's interval notifier, mshv (archetype A3).
//! Doesn't model: mshv's refusal of calls that may sleep, which loses the invalidation.
//! See: lib/test_hmm.c dmirror_interval_invalidate().

use crate::engine::Hold;
use crate::kernel::plugin::{Boxed, Call, Driver, Refuse, Refused, head_of};
use crate::record::Reason;

/// See the file's documentation.
pub(super) struct Trylock;

impl Driver for Trylock {
    fn id(&self) -> &'static str {
        "trylock"
    }

    fn doc(&self) -> &'static str {
        head_of!("trylock.rs")
    }

    fn tries_lock(&self, refuse: Option<Refuse>) -> Option<Hold> {
        (refuse != Some(Refuse::Overlap)).then_some(Hold::Exclusive)
    }

    fn invalidate<'a>(&'a self, call: Call<'a>) -> Boxed<'a, Result<(), Refused>> {
        Box::pin(invalidate(call))
    }
}

async fn invalidate(call: Call<'_>) -> Result<(), Refused> {
    if !call.overlaps || !call.acts() {
        return Ok(());
    }
    let (lock, refuse) = call.setup(|setup| (setup.lock, setup.refuse));
    if refuse.is_some_and(|refuse: Refuse| call.refuses(refuse)) {
        return Err(Refused);
    }
    call.lock(lock, Hold::Exclusive).await?;
    call.set_seq();
    let result = work(&call).await;
    call.cx.unlock(lock);
    result
}

async fn work(call: &Call<'_>) -> Result<(), Refused> {
    call.cx.cpu(call.draw_work(call.cx.costs().trylock_work)).await;
    call.allocate().await;
    call.unmap();
    if call.blockable.may_sleep() {
        call.sleep(call.setup(|setup| setup.sleep), Reason::CallbackSleep).await?;
    }
    Ok(())
}
