//! `psi_poll`: waits to be told of memory pressure, as a daemon in user
//! space does that wants to be faster than the OOM killer.

use std::cell::Cell;

use super::{Flow, Operation};
use crate::base::Nanos;
use crate::kernel::plugin::Boxed;
use crate::kernel::psi::PsiState;
use crate::kernel::{Cx, freezable_wait, psi_trigger_create, psi_trigger_poll};
use crate::record::Reason;

/// See the file's documentation.
pub struct PsiPoll {
    /// `some` or `full`.
    pub state: PsiState,
    /// How much of the window tasks must have been held up.
    pub threshold: Nanos,
    /// The window.
    pub window: Nanos,
    /// The trigger, once it has been made: it stays, so that nothing is missed until the next call.
    pub trigger: Cell<Option<usize>>,
}

impl Operation for PsiPoll {
    fn run<'a>(&'a self, cx: &'a Cx) -> Boxed<'a, Flow> {
        Box::pin(async move {
            let create = || psi_trigger_create(cx, self.state, self.threshold, self.window);
            let trigger = self.trigger.get().or_else(create);
            self.trigger.set(trigger);
            if let Some(trigger) = trigger {
                psi_trigger_poll(cx, trigger).await;
            } else {
                // Nothing tells it on a kernel without triggers.
                let forever = cx.with(|state| state.forever);
                freezable_wait(cx, forever, Reason::PsiTrigger).await;
            }
            Flow::Next
        })
    }
}
