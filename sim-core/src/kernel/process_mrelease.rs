//! `process_mrelease(2)`: a process reaps another that is dying.
//!
//! Mirrors mm/oom_kill.c: `process_mrelease()`, Linux 5.15 to 7.1
//! (kernel-spec 2.1). Nobody is killed; the caller waits for `mmap_lock`,
//! unlike the reaper, and gets no second try.

use super::cx::Cx;
use super::oom_kill::task_will_free_mem;
use super::oom_reaper::__oom_reap_task_mm;
use super::plugin::Approach;
use crate::base::TaskId;
use crate::engine::{Hold, Waited};
use crate::record::{Event, Func, Reason};

/// Why the call failed.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum MreleaseError {
    /// `-ENOSYS`: this kernel has no such call.
    Enosys,
    /// `-ESRCH`: no thread of it has an mm any longer.
    Esrch,
    /// `-EINVAL`: it is not dying.
    Einval,
    /// `-EINTR`: the caller was killed while it waited for `mmap_lock`.
    Eintr,
    /// `-EAGAIN`: a notifier refused; the rest was reaped.
    Eagain,
}

/// `process_mrelease()` of the process led by `leader`.
pub async fn process_mrelease(cx: &Cx, leader: TaskId) -> Result<(), MreleaseError> {
    let _in = cx.enter(Func::ProcessMrelease);
    let switches = cx.kernel().switches;
    if !switches.process_mrelease {
        return Err(MreleaseError::Enosys);
    }
    let group = cx.with(|state| state.group(leader).clone());
    let found = cx.with(|state| state.find_task_mm(&group));
    let (thread, mm) = found.ok_or(MreleaseError::Esrch)?;
    let (reap, mmap_lock, skip) = cx.with(|state| {
        let reap = task_will_free_mem(state, switches, thread);
        (reap, state.mms[mm].mmap_lock, state.mms[mm].oom_skip)
    });
    if !reap {
        // No error if the work was done before.
        return if skip { Ok(()) } else { Err(MreleaseError::Einval) };
    }
    if cx.lock_killable(mmap_lock, Hold::Shared, Reason::MmapLockKillable).await == Waited::Killed {
        return Err(MreleaseError::Eintr);
    }
    // exit_mmap() may have been faster.
    let (skip, approach) = cx.with(|state| (state.mms[mm].oom_skip, state.policy.approach()));
    // Whether to back off from an mm the reaper decides, outside of the walk; nobody does here.
    let approach = match approach {
        Approach::SkipAny | Approach::SkipFlag => Approach::NonBlocking,
        approach => approach,
    };
    let ok = skip || __oom_reap_task_mm(cx, mm, approach).await.is_empty();
    cx.unlock(mmap_lock);
    cx.record(Event::ProcessMrelease { target: leader, ok });
    if ok { Ok(()) } else { Err(MreleaseError::Eagain) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::DeviceId;
    use crate::engine::Signals;
    use crate::kernel::exit::do_group_exit;
    use crate::kernel::mmu_notifier::register;
    use crate::kernel::plugin::Api;
    use crate::kernel::testing::{Machine, Probe, Proc, stuck};
    use crate::record::SkipBy;

    fn zapped(machine: &Machine) -> u32 {
        let zaps = machine.story(|event| match event {
            Event::Zap { pages, .. } => Some(pages),
            _ => None,
        });
        zaps.iter().sum()
    }

    /// A process with 100 pages, prepared by `set`, and the call.
    fn call(profile: &str, set: fn(&Cx, TaskId), expected: Result<(), MreleaseError>) -> Machine {
        let mut machine = Machine::new(profile);
        let target = machine.process(&Proc::of(100, 100), stuck);
        machine.process(&Proc::of(101, 1), move |cx| async move {
            set(&cx, target);
            assert_eq!(process_mrelease(&cx, target).await, expected);
        });
        machine.run();
        machine
    }

    fn kill(cx: &Cx, target: TaskId) {
        cx.with(|state| state.group(target).group_exit = true);
    }

    #[test]
    fn dying_process_is_reaped_and_gets_no_skip() {
        let machine = call("6.1", kill, Ok(()));
        assert_eq!(zapped(&machine), 100);
        assert!(!machine.with(|state| state.mms.iter().any(|(_, mm)| mm.oom_skip)));
    }

    /// What the reaper backs off from as a whole, or takes for willing, is asked here.
    #[test]
    fn refusal_is_told_under_every_policy_that_asks() {
        for approach in [Approach::NonBlocking, Approach::SkipAny, Approach::SkipFlag] {
            let devices = [(Probe::REFUSING, Api::Hlist)];
            let mut machine = Machine::with_devices("6.1", approach, &devices);
            let target = machine.process(&Proc::of(100, 100), |cx| async move {
                let mm = cx.mm().expect("it has one");
                register(&cx, DeviceId(0), mm, 0, u64::MAX).await;
                stuck(cx).await;
            });
            let caller = machine.process(&Proc::of(101, 1), move |cx| async move {
                cx.sleep(crate::base::Nanos::from_ms(1), Reason::Sleep, Signals::Ignored).await;
                kill(&cx, target);
                assert_eq!(process_mrelease(&cx, target).await, Err(MreleaseError::Eagain));
            });
            machine.run_through(caller);
            assert_eq!(zapped(&machine), 0, "{approach:?}");
        }
    }

    #[test]
    fn living_process_is_no_target_nor_is_one_without_mm() {
        call("6.1", |_, _| {}, Err(MreleaseError::Einval));
        let without_mm = |cx: &Cx, target| {
            kill(cx, target);
            cx.with(|state| state.tasks[target].mm = None);
        };
        call("6.1", without_mm, Err(MreleaseError::Esrch));
        call("5.12", kill, Err(MreleaseError::Enosys));
    }

    #[test]
    fn reaped_process_needs_nothing_more() {
        let skip = |cx: &Cx, target| {
            kill(cx, target);
            let mm = cx.with(|state| state.tasks[target].mm).expect("it has one");
            crate::kernel::oom_reaper::set_oom_skip(cx, mm, SkipBy::Reaper);
        };
        let machine = call("6.1", skip, Ok(()));
        assert_eq!(zapped(&machine), 0);
    }

    #[test]
    fn caller_waits_for_the_writer_and_can_be_killed_there() {
        for killed in [false, true] {
            let mut machine = Machine::new("6.1");
            let target = machine.process(&Proc::of(100, 100), move |cx| async move {
                let mm = cx.mm().expect("it has one");
                let lock = cx.with(|state| state.mms[mm].mmap_lock);
                kill(&cx, cx.task());
                cx.lock(lock, Hold::Exclusive, Reason::MmapLock).await;
                cx.sleep(crate::base::Nanos::from_ms(50), Reason::Sleep, Signals::Ignored).await;
                cx.unlock(lock);
                stuck(cx).await;
            });
            let caller = machine.process(&Proc::of(101, 1), move |cx| async move {
                let result = process_mrelease(&cx, target).await;
                let expected = if killed { Err(MreleaseError::Eintr) } else { Ok(()) };
                assert_eq!(result, expected);
                assert_eq!(cx.now().0 / 1_000_000, if killed { 10 } else { 50 });
                do_group_exit(&cx).await;
            });
            machine.kthread(move |cx| async move {
                cx.sleep(crate::base::Nanos::from_ms(10), Reason::Sleep, Signals::Ignored).await;
                if killed {
                    crate::kernel::signal::send_sigkill(&cx, caller);
                }
            });
            machine.run();
        }
    }
}
