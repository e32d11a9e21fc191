//! Call stacks as the kernel prints them: the modelled functions, and above them
//! those in which a task gives up its CPU (Linux 6.1, as recorded on 6.1.192).
//!
//! Functions have no offsets: a run has no code. A driver's callback is named
//! after the driver, as its module would name it.

use crate::base::{NotifierId, StackId};
use crate::engine::WaitOn;
use crate::export::state::{State, Wait};
use crate::record::{Func, LockKind, Reason};

/// A modelled function in the kernel's spelling; `notifier`: in whose callback it is.
fn function(state: &State<'_>, func: Func, notifier: Option<NotifierId>) -> String {
    let notifier = notifier.and_then(|id| state.cast.notifiers.get(id));
    let device = notifier.and_then(|info| state.cast.devices.get(info.device));
    match (func, notifier, device) {
        (Func::DriverCallback, Some(notifier), Some(device)) => {
            let op = if notifier.interval { "invalidate" } else { "invalidate_range_start" };
            format!("{}_{op} [{}]", device.driver.replace('-', "_"), device.name)
        }
        _ => func.text().replace(' ', "_"),
    }
}

/// Whether it is the function of a lock, above which others of that lock stand.
fn is_lock(func: Func) -> bool {
    matches!(func, Func::MutexLock | Func::DownRead | Func::DownWrite)
}

/// The modelled stack, innermost first, without the function that takes a lock.
pub(super) fn stack(
    state: &State<'_>,
    stack: StackId,
    notifier: Option<NotifierId>,
) -> Vec<String> {
    let functions = state.cast.functions(stack);
    let functions = functions.iter().skip_while(|func| is_lock(**func));
    functions.map(|func| function(state, *func, notifier)).collect()
}

/// The stack of a task that waits, innermost first. `debugs_locks`: whether
/// this kernel's locks are those of `CONFIG_DEBUG_LOCK_ALLOC`.
pub(super) fn waiting(
    state: &State<'_>,
    wait: Wait,
    notifier: Option<NotifierId>,
    debugs_locks: bool,
) -> Vec<String> {
    let top = state.cast.functions(wait.stack).first().copied();
    let mut frames = vec!["__schedule", "schedule"];
    frames.extend(sleeping(state, wait, top, debugs_locks));
    let frames = frames.into_iter().map(str::to_owned);
    frames.chain(stack(state, wait.stack, notifier)).collect()
}

/// What stands between `schedule()` and the modelled functions.
fn sleeping(
    state: &State<'_>,
    wait: Wait,
    top: Option<Func>,
    debugs_locks: bool,
) -> &'static [&'static str] {
    let kind = match wait.on {
        WaitOn::Lock(lock) => state.cast.locks.get(lock).map(|info| info.kind),
        WaitOn::Time | WaitOn::Queue(_) => None,
    };
    match (kind, top) {
        (Some(LockKind::Mutex), _) if debugs_locks => {
            &["schedule_preempt_disabled", "__mutex_lock", "mutex_lock_nested"]
        }
        (Some(LockKind::Mutex), _) => &["schedule_preempt_disabled", "__mutex_lock", "mutex_lock"],
        (Some(LockKind::Rwsem), Some(Func::DownRead)) => {
            &["schedule_preempt_disabled", "rwsem_down_read_slowpath", "down_read"]
        }
        (Some(LockKind::Rwsem), Some(Func::DownWrite)) => {
            &["schedule_preempt_disabled", "rwsem_down_write_slowpath", "down_write"]
        }
        // Whether it wants to read or to write, a record does not say.
        (Some(LockKind::Rwsem), _) => &["schedule_preempt_disabled"],
        _ if wait.why == Some(Reason::Fence) => &["schedule_timeout", "dma_fence_default_wait"],
        _ => &[],
    }
}
