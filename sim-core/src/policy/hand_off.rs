//! `hand-off`: what is refused goes to a worker that may wait.
//!
//! Summary: the reaper tears down what it can without sleeping and goes on to the next victim; a worker of the mm takes the refused VMAs, one after the other, with calls that may sleep.
//! Mechanism: the first attempt with a refusal is the last: it ends as a failed one (finish without "reaped"), nothing is retried. The worker holds mmap_lock for reading while it has a VMA, and leaves off where the mm's last user begins to tear it down. MMF_OOM_SKIP is set when the worker has reaped all it was given (it prints "reaped" then; memory counts as reaped when the worker has unmapped it), or by exit_mmap(), or a second after the hand-over (max_oom_reap_retries times oom_reap_pause), with "unable to reap", whichever comes first: nobody waits longer than for a victim that refuses every time. After such a give-up the worker goes on, so an mm may be reaped after SKIP (invariant I3 is waived), and VMAs whose start that must not sleep was refused are unmapped after one that may (I8 is waived).
//! Models: nothing: nobody has proposed it.
//! Doesn't model: a bound on the number of workers; an mm is handed over once.
//! See: kernel/oom_reaper/hand_off.rs; policy/block_always.rs for what it avoids.

use crate::kernel::plugin::{Api, Approach, Policy, head_of};

/// See the file's documentation.
pub(super) struct HandOff;

impl Policy for HandOff {
    fn id(&self) -> &'static str {
        "hand-off"
    }

    fn doc(&self) -> &'static str {
        head_of!("hand_off.rs")
    }

    fn api(&self, asked: Api) -> Api {
        asked
    }

    fn approach(&self) -> Approach {
        Approach::HandOff
    }
}
