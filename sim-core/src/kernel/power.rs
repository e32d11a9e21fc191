//! Suspend, as far as the OOM killer and reclaim notice it.
//!
//! Mirrors kernel/power/process.c: `freeze_processes()`,
//! `freeze_kernel_threads()`, mm/oom_kill.c: `oom_killer_disable()`,
//! `oom_killer_enable()`, and mm/page_alloc.c (kernel/power/main.c since
//! 6.5): `pm_restrict_gfp_mask()`, `pm_suspended_storage()`, Linux 4.6 to
//! 7.1 (kernel-spec 1.2, 1.7, 2.2 step 1). Left out: devices.

use super::cx::Cx;
use super::freezer::{freeze_processes, thaw_processes};
use crate::base::Nanos;
use crate::engine::{Hold, Signals};
use crate::record::{Gfp, Reason};

/// `freeze_timeout_msecs` (kernel/power/process.c): 20 s.
const FREEZE_TIMEOUT: Nanos = Nanos::from_secs(20);

/// The machine is suspended for `time`, if all processes freeze and no
/// victim is left before long.
pub async fn pm_suspend(cx: &Cx, time: Nanos) {
    // Where nobody runs, nobody can be killed for what they need.
    if freeze_processes(cx).await && oom_killer_disable(cx, FREEZE_TIMEOUT).await {
        // freeze_kernel_threads(), pm_restrict_gfp_mask()
        cx.with(|state| {
            state.freezer.pm_nosig_freezing = true;
            state.storage_suspended = true;
        });
        cx.sleep(time, Reason::Injection, Signals::Ignored).await;
        cx.with(|state| state.storage_suspended = false);
        oom_killer_enable(cx);
    }
    thaw_processes(cx);
}

/// `oom_killer_disable()`: whether the victims there were are through in time.
async fn oom_killer_disable(cx: &Cx, timeout: Nanos) -> bool {
    let (oom_lock, wait) = cx.with(|state| (state.oom_lock, state.oom_victims_wait));
    // Whoever kills at this moment is done after that.
    cx.lock(oom_lock, Hold::Exclusive, Reason::OomLock).await;
    cx.with(|state| state.oom_killer_disabled = true);
    cx.unlock(oom_lock);
    let until = cx.now() + timeout;
    while cx.with(|state| state.oom_victims) > 0 {
        if !cx.wait_until(wait, Reason::Injection, until).await {
            oom_killer_enable(cx);
            return false;
        }
    }
    true
}

/// `oom_killer_enable()`.
fn oom_killer_enable(cx: &Cx) {
    cx.with(|state| state.oom_killer_disabled = false);
}

/// `gfp & gfp_allowed_mask`: no I/O while disks are suspended.
pub(super) fn gfp_allowed(cx: &Cx, gfp: Gfp) -> Gfp {
    if pm_suspended_storage(cx) { gfp.without(Gfp::IO).without(Gfp::FS) } else { gfp }
}

/// `pm_suspended_storage()`.
pub(super) fn pm_suspended_storage(cx: &Cx) -> bool {
    cx.with(|state| state.storage_suspended)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ZoneId;
    use crate::kernel::page_alloc::alloc_pages;
    use crate::kernel::testing::{
        GLOBAL, Machine, Proc, call_oom, idle, killed, results, sleep_ms,
    };
    use crate::kernel::zone::Use;
    use crate::kernel::{do_group_exit, freezable_sleep};
    use crate::record::{Event, OomResult};

    #[test]
    fn nobody_is_killed_while_the_machine_is_suspended() {
        let mut machine = Machine::new("6.1");
        let victim = machine.process(&Proc::of(100, 100), |cx| async move {
            freezable_sleep(&cx, Nanos::from_secs(5), Reason::Pause).await;
            do_group_exit(&cx).await;
        });
        machine.kthread(|cx| async move { pm_suspend(&cx, Nanos::from_secs(1)).await });
        machine.kthread(|cx| async move {
            sleep_ms(&cx, 500).await;
            assert!(!call_oom(&cx, GLOBAL).await);
            sleep_ms(&cx, 1_000).await;
            assert!(call_oom(&cx, GLOBAL).await);
        });
        machine.run();
        let expected = [(OomResult::Disabled, None), (OomResult::Killed, Some(victim))];
        assert_eq!(results(&machine), expected);
    }

    #[test]
    fn suspend_waits_for_victims_and_gives_up_after_twenty_seconds() {
        for (victims, disabled) in [(0, true), (1, false)] {
            let mut machine = Machine::new("6.1");
            machine.with(|state| state.oom_victims = victims);
            machine.kthread(move |cx| async move {
                assert_eq!(oom_killer_disable(&cx, Nanos::from_secs(2)).await, disabled);
                assert_eq!(cx.with(|state| state.oom_killer_disabled), disabled);
                assert_eq!(cx.now().0 / 1_000_000_000, if disabled { 0 } else { 2 });
            });
            machine.run();
        }
    }

    #[test]
    fn request_fails_without_a_kill_while_disks_are_suspended() {
        let mut machine = Machine::new("6.1");
        machine.process(&Proc::of(100, 100), idle);
        machine.process(&Proc::of(101, 1), |cx| async move {
            cx.with(|state| {
                state.storage_suspended = true;
                let zone = &mut state.zones[ZoneId(0)];
                let free = zone.free();
                zone.transfer(Use::Free, Use::Reserved, free);
            });
            assert!(alloc_pages(&cx, Gfp::KERNEL, 0, 1).await.is_none());
        });
        machine.run();
        assert!(killed(&machine).is_empty());
        // It got that answer, and does not ask for ever.
        let answers = machine.story(|event| match event {
            Event::AllocDone { ok } => Some(ok),
            _ => None,
        });
        assert_eq!(answers, [false]);
    }
}
