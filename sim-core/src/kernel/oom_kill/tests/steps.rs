//! `out_of_memory()`, step by step (kernel-spec 2.2).

use super::*;

#[test]
fn step_3_dying_caller_marks_itself_without_sigkill() {
    let mut machine = Machine::new("6.1");
    machine.process(&Proc::of(100, 50), stuck);
    let dying = machine.process(&Proc::of(101, 10), |cx| async move {
        send_sigkill(&cx, cx.task());
        call_oom(&cx, GLOBAL).await;
        do_group_exit(&cx).await;
    });
    machine.run();
    assert_eq!(results(&machine), [(OomResult::SelfDying, Some(dying))]);
    assert_eq!(marked(&machine), [dying]);
    assert_eq!(sigkills(&machine), [dying], "only its own");
    assert_eq!(killed(&machine), [], "no line in the log");
}

#[test]
fn step_3_who_dies_already_is_queued_for_the_reaper_since_4_7() {
    for (profile, queued) in [("4.6", false), ("4.9", true), ("4.19", true)] {
        for asks_itself in [true, false] {
            let mut machine = Machine::new(profile);
            let dying = machine.process(&Proc::of(100, 20), move |cx| async move {
                if asks_itself {
                    call_oom(&cx, GLOBAL).await;
                }
                stuck(cx).await;
            });
            machine.with(|state| {
                state.group(dying).group_exit = true;
                state.tasks[dying].exiting = true;
            });
            if !asks_itself {
                killer(&machine, GLOBAL);
            }
            machine.run();
            let woken = machine.story(|event| match event {
                Event::WakeReaper { victim } => Some(victim),
                _ => None,
            });
            assert_eq!(woken, vec![dying; usize::from(queued)], "{profile}, {asks_itself}");
            assert_eq!(marked(&machine), [dying], "{profile}, {asks_itself}");
        }
    }
}

#[test]
fn step_4_nofs_request_makes_progress_and_kills_nobody() {
    let nofs = OomControl { gfp: Gfp::NOFS, ..GLOBAL };
    for profile in ["4.9", "4.14", "5.3", "7.1"] {
        let (mut machine, ..) = two(profile, nofs);
        machine.run();
        assert_eq!(results(&machine), [(OomResult::NoFs, None)], "{profile}");
        assert_eq!(sigkills(&machine), [], "{profile}");
    }
}

#[test]
fn step_4_nofail_kills_up_to_4_9_only() {
    let nofail = OomControl { gfp: Gfp::NOFS.with(Gfp::NOFAIL), ..GLOBAL };
    for (profile, kills) in [("4.6", true), ("4.9", true), ("4.14", false), ("6.1", false)] {
        let (mut machine, _, big) = two(profile, nofail);
        machine.run();
        let expected = if kills { vec![big] } else { vec![] };
        assert_eq!(killed(&machine), expected, "{profile}");
    }
}

#[test]
fn step_4_memcg_nofs_kills_in_4_6_and_from_5_4_on() {
    for (profile, kills) in [
        ("4.6", true),
        ("4.9", false),
        ("4.19", false),
        ("5.3", false),
        ("5.4", true),
        ("6.12", true),
    ] {
        let mut machine = Machine::new(profile);
        let memcg = machine.cgroup(None, Some(30));
        let proc = Proc { cgroup: Some(memcg), ..Proc::of(100, 30) };
        let member = machine.process(&proc, stuck);
        killer(&machine, OomControl { gfp: Gfp::NOFS, memcg: Some(memcg), ..GLOBAL });
        machine.run();
        let expected = if kills { vec![member] } else { vec![] };
        assert_eq!(killed(&machine), expected, "{profile}");
    }
}

#[test]
fn step_4_request_of_a_page_fault_has_no_flags_and_kills() {
    let (mut machine, _, big) = two("5.4", OomControl::global(Gfp(0), 0));
    machine.run();
    assert_eq!(killed(&machine), [big]);
}

#[test]
fn step_5_panic_on_oom_1_panics_for_the_machine_only() {
    let (mut machine, ..) = two("6.1", GLOBAL);
    machine.with(|state| state.sysctl.panic_on_oom = PanicOnOom::Unconstrained);
    assert_eq!(machine.run(), Stop::Requested);
    assert_eq!(panics(&machine), [PanicText::SystemWide]);
    assert_eq!(sigkills(&machine), []);

    let mut machine = Machine::new("6.1");
    machine.with(|state| state.sysctl.panic_on_oom = PanicOnOom::Unconstrained);
    let memcg = machine.cgroup(None, Some(30));
    let proc = Proc { cgroup: Some(memcg), ..Proc::of(100, 30) };
    let member = machine.process(&proc, stuck);
    killer(&machine, OomControl { memcg: Some(memcg), ..GLOBAL });
    machine.run();
    assert_eq!((panics(&machine), killed(&machine)), (vec![], vec![member]));
}

#[test]
fn step_5_panic_on_oom_2_panics_for_a_cgroup_but_not_for_sysrq() {
    let (mut machine, ..) = two("6.1", OomControl { memcg: Some(CgroupId(0)), ..GLOBAL });
    machine.cgroup(None, Some(30));
    machine.with(|state| state.sysctl.panic_on_oom = PanicOnOom::Always);
    machine.run();
    assert_eq!(panics(&machine), [PanicText::Compulsory]);

    let (mut machine, _, big) = two("6.1", OomControl { order: OomOrder::Sysrq, ..GLOBAL });
    machine.with(|state| state.sysctl.panic_on_oom = PanicOnOom::Always);
    machine.run();
    assert_eq!((panics(&machine), killed(&machine)), (vec![], vec![big]));
}

#[test]
fn step_6_allocating_task_is_killed_unless_it_is_exempt() {
    for (adj, memcg, expected) in [(0, false, 0), (-1000, false, 1), (0, true, 1)] {
        let mut machine = Machine::new("6.1");
        let cgroup = machine.cgroup(None, Some(30));
        machine.with(|state| state.sysctl.oom_kill_allocating_task = true);
        let oc = OomControl { memcg: memcg.then_some(cgroup), ..GLOBAL };
        let small = Proc { adj, cgroup: Some(cgroup), ..Proc::of(100, 10) };
        let caller = machine.process(&small, move |cx| async move {
            call_oom(&cx, oc).await;
            stuck(cx).await;
        });
        let big = Proc { cgroup: Some(cgroup), ..Proc::of(101, 20) };
        let big = machine.process(&big, stuck);
        machine.run();
        assert_eq!(killed(&machine), [[caller, big][expected]], "adj {adj}, memcg {memcg}");
    }
}

/// The thread that asks is chosen; who has the mm and dies is the first of its process.
#[test]
fn step_6_chooses_the_thread_that_asks_and_says_so() {
    for profile in ["4.6", "4.14", "6.1"] {
        let mut machine = Machine::new(profile);
        machine.with(|state| state.sysctl.oom_kill_allocating_task = true);
        let leader = machine.process(&Proc::of(100, 10), stuck);
        let caller = machine.thread(leader, move |cx| async move {
            call_oom(&cx, GLOBAL).await;
            stuck(cx).await;
        });
        machine.process(&Proc::of(101, 20), stuck);
        machine.run();
        let chosen = machine.story(|event| match event {
            Event::OomKillProcess { victim, scope, .. } => Some((victim, scope)),
            _ => None,
        });
        assert_eq!(chosen, [(caller, OomScope::AllocatingTask)], "{profile}");
        assert_eq!(killed(&machine), [leader], "{profile}");
        assert_eq!(results(&machine), [(OomResult::Killed, Some(leader))], "{profile}");
    }
}

#[test]
fn step_8_no_candidate_panics_with_the_words_of_the_era() {
    for (profile, text) in [
        ("4.6", PanicText::NoKillable),
        ("4.16", PanicText::NoKillable),
        ("4.19", PanicText::Deadlocked),
        ("7.1", PanicText::Deadlocked),
    ] {
        let mut machine = Machine::new(profile);
        machine.process(&Proc { adj: -1000, ..Proc::of(100, 10) }, stuck);
        killer(&machine, GLOBAL);
        assert_eq!(machine.run(), Stop::Requested);
        assert_eq!(panics(&machine), [text], "{profile}");
    }
}

#[test]
fn step_8_no_candidate_fails_a_cgroup_and_sysrq_without_panic() {
    let mut machine = Machine::new("6.1");
    let memcg = machine.cgroup(None, Some(30));
    machine.process(&Proc::of(100, 10), stuck);
    machine.kthread(move |cx| async move {
        let again = call_oom(&cx, OomControl { memcg: Some(memcg), ..GLOBAL }).await;
        assert!(!again, "the charge fails");
    });
    machine.run();
    assert_eq!(results(&machine), [(OomResult::NoVictim, None)]);

    for (profile, told) in [("4.6", 0), ("4.9", 1), ("6.1", 1)] {
        let mut machine = Machine::new(profile);
        machine.process(&Proc { adj: -1000, ..Proc::of(100, 10) }, stuck);
        machine.kthread(|cx| async move { moom_callback(&cx).await });
        machine.run();
        assert_eq!(results(&machine), [(OomResult::NoVictim, None)]);
        assert_eq!(panics(&machine), []);
        let ignored = machine.events().into_iter();
        let ignored = ignored.filter(|(.., event)| matches!(event, Event::SysrqIgnored {}));
        assert_eq!(ignored.count(), told, "{profile}");
    }
}

#[test]
fn step_9_pending_victim_aborts_until_it_has_skip() {
    let (mut machine, small, big) = two("6.1", GLOBAL);
    machine.kthread(|cx| async move {
        assert!(call_oom(&cx, GLOBAL).await, "an abort is progress");
        let mm = cx.with(|state| state.group_of(TaskId(1)).and_then(|group| group.oom_mm));
        cx.with(|state| state.mms[mm.expect("a victim")].oom_skip = true);
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

#[test]
fn step_10_killer_sleeps_a_jiffy_with_oom_lock_up_to_4_17() {
    // That of a cgroup went its own way in 4.6.
    for (profile, in_cgroup, jiffy) in [
        ("4.6", false, 4),
        ("4.6", true, 0),
        ("4.16", false, 4),
        ("4.16", true, 4),
        ("4.19", false, 0),
        ("6.1", false, 0),
    ] {
        let mut machine = Machine::new(profile);
        let memcg = machine.cgroup(None, Some(30));
        let member = Proc { cgroup: Some(memcg), ..Proc::of(100, 20) };
        machine.process(&member, stuck);
        killer(&machine, OomControl { memcg: in_cgroup.then_some(memcg), ..GLOBAL });
        machine.run();
        assert_eq!(killed(&machine).len(), 1, "{profile}");
        let oom_lock = machine.with(|state| state.oom_lock);
        let released = machine
            .events()
            .into_iter()
            .find_map(|(at, _, event)| (event == Event::Released { lock: oom_lock }).then_some(at));
        assert_eq!(released, Some(jiffy), "{profile}, cgroup: {in_cgroup}");
    }
}

/// Step 2: what a balloon gives back spares everybody, also those whom
/// sysrq-f is after, up to 5.x; a cgroup has no use for it.
#[test]
fn balloon_is_asked_before_anybody_dies() {
    for (profile, sysrq) in [("4.19", OomResult::NotifierFreed), ("6.1", OomResult::Killed)] {
        let mut machine = Machine::new(profile);
        machine.process(&Proc::of(100, 100), idle);
        machine.with(|state| {
            state.zones[ZoneId(0)].transfer(Use::Free, Use::Reserved, 600);
            state.balloon.0[0] = 600;
        });
        machine.process(&Proc { adj: -1000, ..Proc::of(101, 1) }, |cx| async move {
            for _ in 0..2 {
                assert!(call_oom(&cx, GLOBAL).await);
            }
            assert_eq!(cx.with(|state| state.balloon.count()), 88);
            call_oom(&cx, OomControl { order: OomOrder::Sysrq, ..GLOBAL }).await;
            assert_eq!(cx.with(|state| state.balloon.count()), 0);
        });
        machine.run();
        let found: Vec<_> = results(&machine).into_iter().map(|(result, _)| result).collect();
        let freed = OomResult::NotifierFreed;
        assert_eq!(found, [freed, freed, sysrq], "{profile}");
    }
}
