//! `deadline`: a callback may sleep in the reaper, but not for long.
//!
//! Summary: a driver that is done within the time lets its VMA be reaped at once; one that is not refuses, as it would have done without waiting.
//! Mechanism: for every VMA the reaper sets a deadline of 50 ms from then; the callbacks for that VMA, all together, may sleep until then, and a wait for a lock, a fence or a work request ends there with -EAGAIN. Callbacks that would sleep after it refuse at once. Retries and give-up are those of the profile, so an attempt takes at most 50 ms for each VMA that is mirrored. The reaper does sleep in callbacks: invariant I6 is waived.
//! Models: nothing: nobody has proposed it.
//! Doesn't model: a driver that overruns: archetypes that cannot give up a wait ignore the deadline, as they ignore the flag.
//! See: policy/nonblock.rs for what a refusal means.

use crate::base::Nanos;
use crate::kernel::plugin::{Api, Approach, Policy, head_of};

/// How long the callbacks for one VMA may sleep. Ours: some three frames
/// of a display, well below the kernel's pause of HZ/10 between two attempts.
const DEADLINE: Nanos = Nanos::from_ms(50);

/// See the file's documentation.
pub(super) struct Deadline;

impl Policy for Deadline {
    fn id(&self) -> &'static str {
        "deadline"
    }

    fn doc(&self) -> &'static str {
        head_of!("deadline.rs")
    }

    fn api(&self, asked: Api) -> Api {
        asked
    }

    fn approach(&self) -> Approach {
        Approach::Deadline(DEADLINE)
    }
}
