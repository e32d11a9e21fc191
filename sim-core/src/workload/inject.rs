//! What a scenario does to the machine from outside, at a time.

use crate::base::{CgroupId, Nanos, TaskId};
use crate::engine::Signals;
use crate::kernel::plugin::Policy;
use crate::kernel::{Cx, kill_process, memory_max_write, moom_callback, pm_suspend, set_oom_adj};
use crate::record::{Event, Injected, Reason};

/// What is done.
#[derive(Copy, Clone)]
pub enum Injection {
    /// SIGKILL to a process.
    Kill(TaskId),
    /// The OOM killer, by the key SysRq-F.
    SysrqF,
    /// Another limit, in pages, of a cgroup; none: no limit.
    Limit(CgroupId, Option<u64>),
    /// Another notifier policy.
    Policy(&'static dyn Policy),
    /// The machine is suspended for so long.
    Suspend(Nanos),
    /// Another `oom_score_adj`.
    OomScoreAdj(TaskId, i16),
}

/// Waits for the time, then does it.
pub async fn run_injection(cx: Cx, at: Nanos, injection: Injection) {
    cx.sleep(at, Reason::Injection, Signals::Ignored).await;
    let (what, target) = match injection {
        Injection::Kill(task) => (Injected::Kill, Some(task)),
        Injection::SysrqF => (Injected::SysrqF, None),
        Injection::Limit(..) => (Injected::Limit, None),
        Injection::Policy(_) => (Injected::Policy, None),
        Injection::Suspend(_) => (Injected::Suspend, None),
        Injection::OomScoreAdj(task, _) => (Injected::OomScoreAdj, Some(task)),
    };
    cx.record(Event::Injection { what, target });
    match injection {
        Injection::Kill(task) => drop(kill_process(&cx, task)),
        Injection::SysrqF => moom_callback(&cx).await,
        Injection::Limit(cgroup, pages) => memory_max_write(&cx, cgroup, pages).await,
        Injection::Policy(policy) => cx.with(|state| state.policy = policy),
        Injection::Suspend(time) => pm_suspend(&cx, time).await,
        Injection::OomScoreAdj(task, value) => set_oom_adj(&cx, task, value),
    }
}
