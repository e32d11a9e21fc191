//! Call stacks as the kernel prints them: the modelled functions, above them
//! those in which a task gives up its CPU, and below them those through which it
//! came into the kernel (x86, Linux 6.1, as recorded on 6.1.192).
//!
//! Functions have no offsets: a run has no code. A driver's callback is named
//! after its module.

use crate::base::{NotifierId, StackId};
use crate::engine::WaitOn;
use crate::export::state::{State, Wait};
use crate::record::{DebugLayout, Func, LockKind, Reason};

/// A modelled function in the kernel's spelling; `notifier`: in whose callback it is.
fn function(state: &State<'_>, func: Func, notifier: Option<NotifierId>) -> String {
    let notifier = notifier.and_then(|id| state.cast.notifiers.get(id));
    let device = notifier.and_then(|info| state.cast.devices.get(info.device));
    match (func, notifier, device) {
        (Func::DriverCallback, Some(notifier), Some(device)) => {
            let op = if notifier.interval { "invalidate" } else { "invalidate_range_start" };
            format!("{0}_{op} [{0}]", device.module)
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
    let entry = entry(&functions, state.cast.wording.debug_layout);
    let modelled = functions.iter().filter(|func| **func != Func::UserMode);
    let modelled = modelled.skip_while(|func| is_lock(**func));
    let modelled = modelled.map(|func| function(state, *func, notifier));
    modelled.chain(entry.into_iter().map(str::to_owned)).collect()
}

/// What stands below the outermost modelled function. Names of older and newer kernels
/// are those of public reports: 5.8 renamed page faults, 5.16 to 6.1 got `x64_sys_call()`
/// through stable kernels, 6.6 parted `ret_from_fork()`. A way through which a syscall comes
/// to its function is left out but for an ioctl's.
fn entry(functions: &[Func], layout: DebugLayout) -> Vec<&'static str> {
    let thread = || {
        let mut frames = vec!["kthread", "ret_from_fork"];
        if layout >= DebugLayout::WithIds {
            frames.push("ret_from_fork_asm");
        }
        frames
    };
    let syscall = || {
        let call = ["x64_sys_call"].into_iter().filter(|_| layout >= DebugLayout::Marked);
        call.chain(["do_syscall_64", "entry_SYSCALL_64_after_hwframe"])
    };
    match functions {
        [.., Func::ExcPageFault, Func::UserMode] if layout == DebugLayout::NoWaitTypes => {
            vec!["page_fault"]
        }
        [.., Func::ExcPageFault, Func::UserMode] => vec!["asm_exc_page_fault"],
        [.., Func::DeviceIoctl, Func::UserMode] => {
            std::iter::once("__x64_sys_ioctl").chain(syscall()).collect()
        }
        // In its own code, or nowhere at all.
        [Func::UserMode] | [] => Vec::new(),
        [.., Func::UserMode] => syscall().collect(),
        [
            ..,
            Func::SignalWorker
            | Func::PageFaultWorker
            | Func::WbWorkfn
            | Func::MmputAsync
            | Func::SysrqOomKill,
        ] => ["process_one_work", "worker_thread"].into_iter().chain(thread()).collect(),
        _ => thread(),
    }
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
