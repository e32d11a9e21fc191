//! What only Linux 4.6 does: a mark instead of SKIP, and hand-off with it.

use super::*;

#[test]
fn giving_up_changes_nothing_in_4_6() {
    let log = locked_out("4.6");
    assert_eq!(log.count(|event| matches!(event, Event::UnableToReap { .. })), 1);
    assert_eq!(skip_by(&log), []);
}

#[test]
fn success_in_4_6_takes_the_mark_and_the_eligibility_instead_of_skip() {
    for (profile, memdie, adj) in [("4.6", false, -1000), ("4.9", true, 0)] {
        let (bench, _, victim) = one(profile, &[(Anonymous, 100)]);
        queue(&bench, &[victim]);
        let kernel = std::rc::Rc::clone(&bench.kernel);
        let log = bench.into_log();
        let found = kernel.with(|state| {
            (state.tasks[victim].memdie, state.group(victim).oom_score_adj, state.oom_victims)
        });
        assert_eq!(found, (memdie, adj, u32::from(memdie)), "{profile}");
        assert_eq!(skip_by(&log).is_empty(), profile == "4.6");
    }
}

/// What a hand-over comes to in 4.6: give-ups told, `TIF_MEMDIE`, and `oom_score_adj`.
fn handed_over_in_4_6(busy: Nanos, leaves: bool) -> (usize, bool, i16) {
    let slow = Probe { start: busy, ..Probe::REFUSING };
    let bench = Machine::with_devices("4.6", Approach::HandOff, &[(slow, Api::Hlist)]);
    let mm = bench.mm(&[(Anonymous, 100)]);
    let victim = bench.task("victim", Some(mm), move |cx| async move {
        register(&cx, DeviceId(0), mm, 1 << 30, 2 << 30).await;
        cx.sleep(Nanos::from_ms(500), Reason::Pause, Signals::Ignored).await;
        if leaves {
            cx.with(|state| state.tasks[cx.task()].mm = None);
        }
        cx.sleep(Nanos::from_secs(50), Reason::Stuck, Signals::Ignored).await;
    });
    bench.mark(victim);
    bench.task("killer", None, move |cx| async move {
        cx.sleep(Nanos::from_ms(1), Reason::Pause, Signals::Ignored).await;
        queue_oom_reaper(&cx, victim);
    });
    let kernel = std::rc::Rc::clone(&bench.kernel);
    let log = bench.into_log();
    assert_eq!(log.count(|event| matches!(event, Event::HandedOff { .. })), 1);
    let gave_up = log.count(|event| matches!(event, Event::UnableToReap { .. }));
    kernel.with(|state| (gave_up, state.tasks[victim].memdie, state.group(victim).oom_score_adj))
}

#[test]
fn hand_off_in_4_6_ends_like_the_reaper_and_tells_no_give_up_after_that() {
    let (short, long) = (Nanos::from_ms(100), Nanos::from_secs(10));
    assert_eq!(handed_over_in_4_6(short, false), (0, false, -1000), "reaped");
    assert_eq!(handed_over_in_4_6(long, true).0, 0, "its mm is gone");
    // Much later the worker succeeds.
    assert_eq!(handed_over_in_4_6(long, false), (1, false, -1000));
}
