//! Who is chosen, and when nobody is (kernel-spec 2.3).

use super::*;

#[test]
fn init_and_kernel_threads_are_never_chosen() {
    let mut machine = Machine::new("6.1");
    machine.process(&Proc::of(1, 500), stuck);
    let small = machine.process(&Proc::of(100, 1), stuck);
    killer(&machine, GLOBAL);
    machine.run();
    assert_eq!(killed(&machine), [small]);
}

#[test]
fn task_origin_goes_first_even_if_exempt() {
    let mut machine = Machine::new("6.1");
    let origin = Proc { adj: -1000, oom_origin: true, ..Proc::of(100, 1) };
    let origin = machine.process(&origin, stuck);
    machine.process(&Proc::of(101, 500), stuck);
    killer(&machine, GLOBAL);
    machine.run();
    assert_eq!(killed(&machine), [origin]);
}

#[test]
fn task_origin_that_is_gone_is_not_chosen() {
    let mut machine = Machine::new("6.1");
    let origin = Proc { oom_origin: true, ..Proc::of(100, 1) };
    machine.process(&origin, |cx| async move { do_exit(&cx).await });
    let left = machine.process(&Proc::of(101, 500), stuck);
    machine.kthread(|cx| async move {
        sleep_ms(&cx, 1).await;
        call_oom(&cx, GLOBAL).await;
    });
    machine.run();
    assert_eq!(results(&machine), [(OomResult::Killed, Some(left))]);
}

#[test]
fn ties_go_to_the_first_up_to_5_0_and_to_the_last_from_5_3_on() {
    for (profile, last) in [("4.6", false), ("4.19", false), ("5.3", true), ("7.1", true)] {
        let mut machine = Machine::new(profile);
        let tied = [100, 101].map(|pid| machine.process(&Proc::of(pid, 10), stuck));
        killer(&machine, GLOBAL);
        machine.run();
        assert_eq!(killed(&machine), [tied[usize::from(last)]], "{profile}");
    }
}

#[test]
fn tie_in_4_6_is_lost_by_a_process_whose_leader_has_exited() {
    let mut machine = Machine::new("4.6");
    let first = machine.process(&Proc::of(100, 10), |cx| async move { do_exit(&cx).await });
    machine.thread(first, stuck);
    let second = machine.process(&Proc::of(101, 10), stuck);
    machine.kthread(|cx| async move {
        sleep_ms(&cx, 1).await;
        call_oom(&cx, GLOBAL).await;
    });
    machine.run();
    assert_eq!(killed(&machine), [second]);
}

#[test]
fn pending_victim_outside_a_cgroup_does_not_abort_its_scan() {
    let mut machine = Machine::new("6.1");
    let memcg = machine.cgroup(None, Some(30));
    let outside = machine.process(&Proc::of(100, 50), stuck);
    let member = machine.process(&Proc { cgroup: Some(memcg), ..Proc::of(101, 20) }, stuck);
    machine.kthread(move |cx| async move {
        call_oom(&cx, GLOBAL).await;
        call_oom(&cx, OomControl { memcg: Some(memcg), ..GLOBAL }).await;
        call_oom(&cx, OomControl { memcg: Some(memcg), ..GLOBAL }).await;
    });
    machine.run();
    let expected = [
        (OomResult::Killed, Some(outside)),
        (OomResult::Killed, Some(member)),
        (OomResult::Aborted, Some(member)),
    ];
    assert_eq!(results(&machine), expected);
}

/// Its leader is out of the cgroup, and the other thread in `exit_mm()`.
#[test]
fn victim_whose_last_thread_exits_is_not_met_in_its_cgroup_from_5_3_on() {
    for (profile, is_met) in [("4.19", true), ("5.3", false), ("6.1", false), ("6.12", false)] {
        let mut machine = Machine::new(profile);
        let memcg = machine.cgroup(None, Some(60));
        let member = |pid, anon| Proc { cgroup: Some(memcg), ..Proc::of(pid, anon) };
        let victim = machine.process(&member(100, 50), stuck);
        machine.thread(victim, stuck);
        let other = machine.process(&member(101, 10), stuck);
        let oc = OomControl { memcg: Some(memcg), ..GLOBAL };
        machine.kthread(move |cx| async move {
            call_oom(&cx, oc).await;
            for live in [1, 0] {
                cx.with(|state| {
                    (state.tasks[victim].mm, state.tasks[victim].left_cgroup) = (None, true);
                    state.group(victim).live = live;
                });
                call_oom(&cx, oc).await;
            }
        });
        machine.run();
        let again = if is_met { OomResult::Aborted } else { OomResult::Killed };
        let found = if is_met { victim } else { other };
        let expected = [
            (OomResult::Killed, Some(victim)),
            (OomResult::Aborted, Some(victim)),
            (again, Some(found)),
        ];
        assert_eq!(results(&machine), expected, "{profile}");
    }
}

#[test]
fn pending_victim_is_the_last_that_a_scan_pays_for() {
    let mut machine = Machine::with_cost("6.1", "select_per_task", Nanos::from_ms(1));
    let processes = [1, 9, 5, 3].map(|anon| machine.process(&Proc::of(100, anon), stuck));
    machine.kthread(move |cx| async move {
        for ms in [4, 2] {
            let begun = cx.now();
            call_oom(&cx, GLOBAL).await;
            assert_eq!((cx.now() - begun).0, ms * 1_000_000);
        }
    });
    machine.run();
    let big = Some(processes[1]);
    assert_eq!(results(&machine), [(OomResult::Killed, big), (OomResult::Aborted, big)]);
}

#[test]
fn sysrq_ignores_pending_victims_and_scores_what_they_have_left() {
    let (mut machine, small, big) = two("6.1", GLOBAL);
    machine.kthread(move |cx| async move {
        sleep_ms(&cx, 1).await;
        cx.with(|state| {
            let mm = state.group(big).oom_mm.expect("a victim");
            state.mms[mm].vmas.clear();
            state.zones[ZoneId(0)].transfer(Use::Anon, Use::Free, 20);
        });
        moom_callback(&cx).await;
    });
    machine.run();
    assert_eq!(killed(&machine), [big, small]);
}

#[test]
fn victim_in_4_6_is_who_has_memdie() {
    let (mut machine, small, big) = two("4.6", GLOBAL);
    machine.kthread(move |cx| async move {
        call_oom(&cx, GLOBAL).await;
        assert!(cx.with(|state| state.group(big).oom_mm.is_none()));
        cx.with(|state| {
            state.tasks[big].memdie = false;
            state.group(big).oom_score_adj = -1000;
        });
        call_oom(&cx, GLOBAL).await;
    });
    machine.run();
    let expected = [
        (OomResult::Killed, Some(big)),
        (OomResult::Aborted, Some(big)),
        (OomResult::Killed, Some(small)),
    ];
    assert_eq!(results(&machine), expected);
}
