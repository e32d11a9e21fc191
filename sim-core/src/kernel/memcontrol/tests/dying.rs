//! Who dies while charging, and who waits for `oom_lock` (kernel-spec 2.1).

use super::*;

#[test]
fn dying_task_is_let_through_up_to_5_12_and_fails_after_one_oom_since() {
    for (profile, forced) in [("4.19", true), ("5.12", true), ("6.1", false)] {
        let mut machine = Machine::new(profile);
        let memcg = machine.cgroup(None, Some(100));
        machine.process(&member(memcg, 100, 100), move |cx| async move {
            crate::kernel::signal::send_sigkill(&cx, cx.task());
            let expected = if forced { Ok(1) } else { Err(NoMemory) };
            assert_eq!(charge(&cx, Gfp::KERNEL, 1).await, expected, "{profile}");
            do_group_exit(&cx).await;
        });
        machine.run();
        assert_eq!(killed(&machine), [], "{profile}");
    }
}

/// SIGKILL comes in the last of the reclaims before the OOM killer.
#[test]
fn who_is_killed_while_it_reclaims_asks_for_no_kill_up_to_5_12() {
    for (profile, reclaims, asks) in [("4.19", 7, false), ("5.12", 18, false), ("6.1", 18, true)] {
        let mut machine = Machine::new(profile);
        let memcg = machine.cgroup(None, Some(100));
        let charging = machine.process(&member(memcg, 100, 100), move |cx| async move {
            let _ = charge(&cx, Gfp::KERNEL, 1).await;
            do_group_exit(&cx).await;
        });
        machine.kthread(move |cx| async move {
            let at = Nanos(reclaims * 1_000_000 - 500_000);
            cx.sleep(at, Reason::Sleep, Signals::Ignored).await;
            crate::kernel::signal::send_sigkill(&cx, charging);
        });
        machine.run();
        let asked = machine.story(|event| matches!(event, Event::MemcgOom { .. }).then_some(()));
        assert_eq!(!asked.is_empty(), asks, "{profile}");
    }
}

#[test]
fn wait_for_oom_lock_is_killable_from_5_1_on() {
    for (profile, killable) in [("4.19", false), ("5.3", true), ("5.4", true), ("6.1", true)] {
        let mut machine = Machine::new(profile);
        let memcg = machine.cgroup(None, Some(100));
        let caller = machine.process(&member(memcg, 100, 100), move |cx| async move {
            let _ = charge(&cx, Gfp::KERNEL, 1).await;
            assert_eq!(cx.now().0 / 1_000_000 < 200, killable, "{profile}");
            do_group_exit(&cx).await;
        });
        machine.kthread(move |cx| async move {
            let oom_lock = cx.with(|state| state.oom_lock);
            cx.lock(oom_lock, Hold::Exclusive, Reason::OomLock).await;
            sleep_ms(&cx, 50).await;
            crate::kernel::signal::send_sigkill(&cx, caller);
            sleep_ms(&cx, 150).await;
            cx.unlock(oom_lock);
        });
        machine.run_through(caller);
    }
}

/// SIGKILL comes to who has `oom_lock` already and is short of room.
#[test]
fn who_dies_with_oom_lock_is_marked_up_to_5_0_and_again_since_6_16() {
    for (profile, marked) in [("4.19", true), ("5.3", false), ("6.12", false), ("7.1", true)] {
        let mut machine = Machine::new(profile);
        let memcg = machine.cgroup(None, Some(100));
        let dying = machine.process(&member(memcg, 100, 100), move |cx| async move {
            // The flags, without a signal that would end the wait for the lock.
            cx.with(|state| {
                state.tasks[cx.task()].exiting = true;
                state.group(cx.task()).group_exit = true;
            });
            assert!(oom::mem_cgroup_out_of_memory(&cx, memcg, Gfp::KERNEL, 0).await, "{profile}");
        });
        machine.run_through(dying);
        let ends = if marked { vec![(OomResult::SelfDying, Some(dying))] } else { vec![] };
        assert_eq!(results(&machine), ends, "{profile}");
    }
}

#[test]
fn room_that_appears_while_waiting_for_oom_lock_saves_a_life_since_5_9() {
    for (profile, saved) in [("5.6", false), ("5.12", true), ("6.1", true)] {
        let mut machine = Machine::new(profile);
        let memcg = machine.cgroup(None, Some(100));
        machine.process(&member(memcg, 100, 10), move |cx| async move {
            assert!(charge(&cx, Gfp::KERNEL, 1).await.is_ok());
        });
        machine.process(&member(memcg, 101, 90), |cx| async move {
            idle(cx).await;
        });
        machine.kthread(move |cx| async move {
            let oom_lock = cx.with(|state| state.oom_lock);
            cx.lock(oom_lock, Hold::Exclusive, Reason::OomLock).await;
            sleep_ms(&cx, 50).await;
            page_counter_uncharge(&cx, memcg, 20);
            cx.unlock(oom_lock);
        });
        machine.run();
        assert_eq!(killed(&machine).is_empty(), saved, "{profile}");
    }
}
