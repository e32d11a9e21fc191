//! What a scenario, or a fork of a run, does to the machine from outside, at a time.

use crate::base::{CgroupId, Nanos, QueueId, TaskId};
use crate::engine::{Shift, Signals, WaitOn};
use crate::kernel::plugin::Policy;
use crate::kernel::{
    Cx, freezer_change_state, kill_process, memory_max_write, pm_suspend, set_oom_adj,
    sysrq_handle_moom,
};
use crate::record::{Event, Injected, Reason};

/// Most waits followed to the one that time ends: task, fence, worker.
const HOPS_MAX: usize = 3;

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
    /// A process is frozen, by a freezer cgroup of its own.
    Freeze(TaskId),
    /// It is thawed.
    Thaw(TaskId),
    /// Another `oom_score_adj`.
    OomScoreAdj(TaskId, i16),
    /// What a task or device does or waits for ends now, or later.
    Shift(TaskId, Shift),
}

/// Waits for the time, then does it.
pub async fn run_injection(cx: Cx, at: Nanos, injection: Injection) {
    cx.sleep(at, Reason::Injection, Signals::Ignored).await;
    // Whether there was anything to do it to is not asked.
    let _ = inject(&cx, injection).await;
}

/// Does it, or says why it cannot be done.
pub async fn inject(cx: &Cx, injection: Injection) -> Result<(), String> {
    let (what, target) = match injection {
        Injection::Kill(task) => (Injected::Kill, Some(task)),
        Injection::SysrqF => (Injected::SysrqF, None),
        Injection::Limit(..) => (Injected::Limit, None),
        Injection::Policy(_) => (Injected::Policy, None),
        Injection::Suspend(_) => (Injected::Suspend, None),
        Injection::Freeze(task) => (Injected::Freeze, Some(task)),
        Injection::Thaw(task) => (Injected::Thaw, Some(task)),
        Injection::OomScoreAdj(task, _) => (Injected::OomScoreAdj, Some(task)),
        Injection::Shift(task, Shift::Now) => (Injected::End, Some(task)),
        Injection::Shift(task, Shift::Later(_)) => (Injected::Delay, Some(task)),
    };
    cx.record(Event::Injection { what, target });
    match injection {
        Injection::Kill(task) if !kill_process(cx, task) => return Err("does not live".to_owned()),
        Injection::Kill(_) => {}
        Injection::SysrqF => sysrq_handle_moom(cx),
        Injection::Limit(cgroup, pages) => memory_max_write(cx, cgroup, pages).await,
        Injection::Policy(policy) => cx.with(|state| state.policy = policy),
        Injection::Suspend(time) => pm_suspend(cx, time).await,
        Injection::Freeze(task) => freezer_change_state(cx, task, true),
        Injection::Thaw(task) => freezer_change_state(cx, task, false),
        Injection::OomScoreAdj(task, value) => set_oom_adj(cx, task, value),
        Injection::Shift(task, shift) => {
            let timed = ended_by_time(cx, task)?;
            if !cx.kernel().engine.shift(timed, shift) {
                return Err("does and waits for nothing that time ends".to_owned());
            }
        }
    }
    Ok(())
}

/// Who must be done for `task` to go on, and is done when time has passed:
/// itself, the device whose fence it waits for, or that device's worker.
fn ended_by_time(cx: &Cx, task: TaskId) -> Result<TaskId, String> {
    let mut at = task;
    for _ in 0..HOPS_MAX {
        match cx.kernel().engine.waits_on(at) {
            None | Some(WaitOn::Time) => return Ok(at),
            Some(WaitOn::Lock(lock)) => {
                let name = cx.kernel().engine.observe(|_, recorder| {
                    recorder.cast.locks.get(lock).map(|info| info.name.clone())
                });
                let name = name.unwrap_or_default();
                return Err(format!("waits for {name}: try whoever holds it"));
            }
            Some(WaitOn::Queue(queue)) => match signaler(cx, queue, at) {
                Some(next) => at = next,
                // A wait with a time-out, or one that only others end.
                None => return Ok(at),
            },
        }
    }
    Ok(at)
}

/// Who signals the fences that are waited for in this queue.
fn signaler(cx: &Cx, queue: QueueId, waiter: TaskId) -> Option<TaskId> {
    cx.kernel().engine.observe(|_, recorder| {
        let mut devices = recorder.cast.devices.iter().map(|(_, info)| info);
        let device = devices.find(|info| info.signaled == Some(queue))?;
        if device.task == Some(waiter) { device.worker } else { device.task }
    })
}
