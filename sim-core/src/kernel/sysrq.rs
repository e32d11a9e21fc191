//! Sysrq-f: the OOM killer by hand.
//!
//! Mirrors drivers/tty/sysrq.c: `sysrq_handle_moom()`, `moom_callback()`,
//! Linux 6.1 (kernel-spec 2.1). It waits for `oom_lock`, ignores pending
//! victims and never panics.

use super::cx::{Cx, NewTask};
use super::oom_kill::{OomControl, OomOrder, out_of_memory};
use crate::engine::Hold;
use crate::record::{Event, Func, Gfp, Reason, TaskKind};

/// `sysrq_handle_moom()`: the key comes with an interrupt, which leaves the rest to a worker.
pub fn sysrq_handle_moom(cx: &Cx) {
    let worker = NewTask {
        name: format!("moom_work/{}", cx.task().0),
        comm: "kworker/0:1".to_owned(),
        pid: 0,
        leader: None,
        kind: TaskKind::Kthread,
        oom_score_adj: 0,
    };
    cx.kernel().spawn(worker, |cx| async move { moom_callback(&cx).await });
}

/// `moom_callback()`.
pub(super) async fn moom_callback(cx: &Cx) {
    let _in = cx.enter(Func::SysrqOomKill);
    let oc = OomControl { gfp: Gfp::KERNEL, order: OomOrder::Sysrq, memcg: None };
    let oom_lock = cx.with(|state| state.oom_lock);
    cx.lock(oom_lock, Hold::Exclusive, Reason::OomLock).await;
    if !out_of_memory(cx, &oc).await {
        cx.record(Event::SysrqIgnored {});
    }
    cx.unlock(oom_lock);
}
