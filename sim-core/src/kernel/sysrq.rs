//! Sysrq-f: the OOM killer by hand.
//!
//! Mirrors drivers/tty/sysrq.c: `moom_callback()`, Linux 6.1 (kernel-spec
//! 2.1). It waits for `oom_lock`, ignores pending victims and never panics.

use super::cx::Cx;
use super::oom_kill::{OomControl, OomOrder, out_of_memory};
use crate::engine::Hold;
use crate::record::{Func, Gfp, Reason};

/// `moom_callback()`: runs in the task of a worker.
pub async fn moom_callback(cx: &Cx) {
    let _in = cx.enter(Func::SysrqOomKill);
    let oc = OomControl { gfp: Gfp::KERNEL, order: OomOrder::Sysrq, memcg: None };
    let oom_lock = cx.with(|state| state.oom_lock);
    cx.lock(oom_lock, Hold::Exclusive, Reason::OomLock).await;
    out_of_memory(cx, &oc).await;
    cx.unlock(oom_lock);
}
