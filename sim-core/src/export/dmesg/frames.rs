//! Call stacks as the kernel prints them: the modelled functions, above them
//! those in which a task gives up its CPU, and below them those through which it
//! came into the kernel (x86, Linux 6.1, as recorded on 6.1.192).
//!
//! Functions have no offsets: a run has no code. A driver's callback is named
//! after its module.

mod spelling;

use self::spelling::{spelled, syscall};
use crate::base::{NotifierId, StackId};
use crate::engine::WaitOn;
use crate::export::state::{State, Wait};
use crate::record::{DebugLayout, Func, LockKind, Reason};

/// What stands above the modelled stack.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub(super) enum Top {
    /// A function that its topmost one calls on the way to what it does.
    Callee,
    /// A lock that this one takes itself, or nothing.
    Itself,
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
    top: Top,
) -> Vec<String> {
    let functions = state.cast.functions(stack);
    let layout = state.cast.wording.debug_layout;
    let mut is_top = top == Top::Itself;
    let mut names: Vec<String> = Vec::new();
    let callers = functions.iter().skip(1).map(|&func| Some(func)).chain([None]);
    let calls = functions.iter().zip(callers).skip_while(|(func, _)| is_lock(**func));
    for (&func, caller) in calls {
        let own = Some(func).filter(|&func| func == Func::DriverCallback).and(notifier);
        if let Some(name) = own.and_then(|notifier| state.cast.callback_name(notifier)) {
            names.push(name);
        } else if let Some(spelled) = spelled(func, layout, is_top, caller) {
            names.extend(spelled.iter().map(|&name| name.to_owned()));
        } else {
            names.push(func.text().replace(' ', "_"));
        }
        is_top = false;
    }
    names.extend(entry(&functions, layout).into_iter().map(str::to_owned));
    names
}

/// What stands below the outermost modelled function. Names of older and newer kernels
/// are those of public reports: 5.8 renamed page faults, 5.16 to 6.1 got `x64_sys_call()`
/// through stable kernels, 6.6 parted `ret_from_fork()`.
fn entry(functions: &[Func], layout: DebugLayout) -> Vec<&'static str> {
    let thread = || {
        let mut frames = vec!["kthread", "ret_from_fork"];
        if layout >= DebugLayout::WithIds {
            frames.push("ret_from_fork_asm");
        }
        frames
    };
    match functions {
        [.., Func::ExcPageFault, Func::UserMode] if layout == DebugLayout::NoWaitTypes => {
            vec!["page_fault"]
        }
        [.., Func::ExcPageFault, Func::UserMode] => vec!["asm_exc_page_fault"],
        // In its own code, or nowhere at all.
        [Func::UserMode] | [] => Vec::new(),
        [.., outermost, Func::UserMode] => {
            let call = ["x64_sys_call"].into_iter().filter(|_| layout >= DebugLayout::Marked);
            let function = syscall(*outermost).iter().copied();
            function
                .chain(call)
                .chain(["do_syscall_64", "entry_SYSCALL_64_after_hwframe"])
                .collect()
        }
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
    frames.chain(stack(state, wait.stack, notifier, Top::Itself)).collect()
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
