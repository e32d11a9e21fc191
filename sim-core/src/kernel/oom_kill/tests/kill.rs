//! The kill itself, and who dies with the victim (kernel-spec 2.5).

use super::*;

#[test]
fn kill_sends_sigkill_then_marks_then_says_so_then_wakes_the_reaper() {
    let (mut machine, _, big) = two("5.4", GLOBAL);
    machine.run();
    let order = machine.story(|event| match event {
        Event::OomKillProcess { .. } => Some("report"),
        Event::SignalGenerate { .. } => Some("SIGKILL"),
        Event::OomMmSet { .. } => Some("oom_mm"),
        Event::MarkVictim { .. } => Some("mark"),
        Event::KilledProcess { .. } => Some("killed"),
        Event::WakeReaper { .. } => Some("wake"),
        _ => None,
    });
    assert_eq!(order, ["report", "SIGKILL", "oom_mm", "mark", "killed", "wake"]);
    assert!(machine.with(|state| state.tasks[big].memdie));
    assert_eq!(machine.with(|state| state.oom_victims), 1);
}

#[test]
fn chosen_process_that_dies_already_is_marked_without_sigkill_and_report() {
    let mut machine = Machine::new("6.1");
    let dying = machine.process(&Proc::of(100, 20), stuck);
    machine.kthread(move |cx| async move {
        cx.with(|state| state.group(dying).group_exit = true);
        call_oom(&cx, GLOBAL).await;
    });
    machine.run();
    assert_eq!((marked(&machine), sigkills(&machine)), (vec![dying], vec![]));
    assert_eq!(
        machine.story(|event| matches!(event, Event::OomKillProcess { .. }).then_some(())),
        []
    );
}

#[test]
fn only_the_marked_thread_has_memdie_and_its_exit_ends_that() {
    let mut machine = Machine::new("6.1");
    let leader = machine.process(&Proc::of(100, 20), idle);
    let thread = machine.thread(leader, |cx| async move {
        idle(cx).await;
    });
    machine.kthread(move |cx| async move {
        call_oom(&cx, GLOBAL).await;
        let memdie = cx.with(|state| [leader, thread].map(|task| state.tasks[task].memdie));
        assert_eq!(memdie, [true, false]);
    });
    machine.run();
    assert_eq!(machine.with(|state| state.oom_victims), 0);
    assert!(machine.with(|state| state.group(leader).oom_mm.is_some()), "never cleared");
}

/// The report is about who was chosen, the line about a kill about who has the mm: its first
/// thread; scans by threads pass over the leader and end with the last one.
#[test]
fn kill_of_a_process_whose_leader_has_exited_names_the_leader_and_the_thread_that_lives() {
    let scopes = [("4.6", false, 2), ("4.9", false, 0), ("4.19", true, 2), ("6.1", true, 0)];
    for (profile, in_cgroup, chosen) in scopes {
        let mut machine = Machine::new(profile);
        let memcg = machine.cgroup(None, Some(60));
        let member = Proc { cgroup: Some(memcg), ..Proc::of(100, 20) };
        let leader = machine.process(&member, stuck);
        let threads = [leader, machine.thread(leader, stuck), machine.thread(leader, stuck)];
        machine.with(|state| {
            (state.tasks[leader].mm, state.tasks[leader].left_cgroup) = (None, true);
        });
        killer(&machine, OomControl { memcg: in_cgroup.then_some(memcg), ..GLOBAL });
        machine.run();
        let named = machine.story(|event| match event {
            Event::OomKillProcess { victim, .. } => Some(("report", victim)),
            Event::SignalGenerate { target } => Some(("SIGKILL", target)),
            Event::MarkVictim { victim, .. } => Some(("mark", victim)),
            Event::KilledProcess { victim, .. } => Some(("killed", victim)),
            _ => None,
        });
        let [_, first, _] = threads;
        let chosen = threads[chosen];
        let expected =
            [("report", chosen), ("SIGKILL", leader), ("mark", first), ("killed", first)];
        assert_eq!(named, expected, "{profile}");
    }
}

#[test]
fn tenth_report_within_5_s_is_the_last_that_is_printed() {
    let mut machine = Machine::new("6.1");
    for pid in 100..112 {
        machine.process(&Proc::of(pid, 20), stuck);
    }
    machine.kthread(|cx| async move {
        for _ in 0..12 {
            call_oom(&cx, OomControl { order: OomOrder::Sysrq, ..GLOBAL }).await;
            let victims: Vec<_> =
                cx.with(|state| state.processes().filter_map(|(_, group)| group.oom_mm).collect());
            cx.with(|state| victims.iter().for_each(|&mm| state.mms[mm].oom_skip = true));
        }
    });
    machine.run();
    let printed = machine.story(|event| match event {
        Event::OomKillProcess { report, .. } => Some(report),
        _ => None,
    });
    assert_eq!(printed, [[true; 10].as_slice(), &[false; 2]].concat());
}

#[test]
fn worst_child_with_another_mm_is_sacrificed_up_to_5_0() {
    for (profile, sacrifices) in [("4.6", true), ("4.19", true), ("5.3", false), ("6.1", false)] {
        let mut machine = Machine::new(profile);
        let parent = machine.process(&Proc::of(100, 60), stuck);
        let child = |pid, anon| Proc { parent: Some(parent), ..Proc::of(pid, anon) };
        machine.process(&child(101, 10), stuck);
        let worst = machine.process(&child(102, 20), stuck);
        machine.process(&Proc { shares: Some(parent), adj: -1, ..child(103, 0) }, stuck);
        killer(&machine, GLOBAL);
        machine.run();
        let expected = if sacrifices { worst } else { parent };
        assert_eq!(killed(&machine).first(), Some(&expected), "{profile}");
        let said = machine.story(|event| match event {
            Event::KillOrSacrifice { chosen, .. } => Some(chosen),
            _ => None,
        });
        assert_eq!(said, vec![parent; usize::from(sacrifices)], "{profile}");
    }
}

#[test]
fn everybody_who_shares_the_mm_is_killed_without_reserves() {
    let mut machine = Machine::new("6.1");
    let victim = machine.process(&Proc::of(100, 20), stuck);
    let sharer =
        machine.process(&Proc { shares: Some(victim), adj: -999, ..Proc::of(101, 0) }, stuck);
    let other = machine.process(&Proc::of(102, 10), stuck);
    killer(&machine, GLOBAL);
    machine.run();
    assert_eq!(sigkills(&machine), [victim, sharer]);
    assert_eq!(marked(&machine), [victim]);
    assert!(!machine.with(|state| state.tasks[sharer].memdie || state.tasks[other].memdie));
}

#[test]
fn mm_shared_with_init_is_skipped_at_once_and_not_reaped() {
    let mut machine = Machine::new("5.4");
    let init = machine.process(&Proc::of(1, 20), stuck);
    let victim = machine.process(&Proc { shares: Some(init), ..Proc::of(100, 0) }, stuck);
    killer(&machine, GLOBAL);
    machine.run();
    assert_eq!(sigkills(&machine), [victim]);
    let story = machine.story(|event| match event {
        Event::OomSkipSet { by, .. } => Some(Err(by)),
        Event::OomMmPinned { victim, init } => Some(Ok((victim, init))),
        Event::WakeReaper { .. } => panic!("it can't be reaped"),
        _ => None,
    });
    assert_eq!(story, [Err(SkipBy::SharedWithInit), Ok((victim, init))]);
}

#[test]
fn exempt_sharer_lives_and_prevents_reaping_in_4_6_only() {
    for (profile, dies) in [("4.6", false), ("4.9", true)] {
        let mut machine = Machine::new(profile);
        let victim = machine.process(&Proc::of(100, 20), stuck);
        let exempt = Proc { shares: Some(victim), adj: -1000, ..Proc::of(101, 0) };
        let exempt = machine.process(&exempt, stuck);
        killer(&machine, GLOBAL);
        machine.run();
        assert_eq!(sigkills(&machine).contains(&exempt), dies, "{profile}");
        let woken = machine.story(|event| matches!(event, Event::WakeReaper { .. }).then_some(()));
        assert_eq!(woken.len(), usize::from(dies), "{profile}");
    }
}

#[test]
fn oom_group_kills_all_members_but_the_exempt_and_g12_reaps_the_last_first() {
    let mut machine = Machine::new("5.4");
    let memcg = machine.cgroup(None, Some(60));
    let below = machine.cgroup(Some(memcg), None);
    machine.with(|state| state.cgroups[memcg].oom_group = true);
    let member = |pid, anon, adj| Proc { cgroup: Some(memcg), adj, ..Proc::of(pid, anon) };
    let members =
        [(101, 30), (102, 20)].map(|(pid, anon)| machine.process(&member(pid, anon, 0), stuck));
    machine.process(&member(104, 5, -1000), stuck);
    let child = machine.process(&Proc { cgroup: Some(below), ..Proc::of(103, 5) }, stuck);
    machine.process(&Proc::of(105, 5), stuck);
    machine.kthread(move |cx| async move {
        call_oom(&cx, OomControl { memcg: Some(memcg), ..GLOBAL }).await;
        // Only now is the reaper scheduled.
        cx.kernel().spawn(new_task(2, None, TaskKind::Kthread), oom_reaper);
    });
    machine.run();
    assert_eq!(marked(&machine), [members[0], members[1], child]);
    let scopes = machine.story(|event| match event {
        Event::OomKillProcess { scope, .. } => Some(scope),
        _ => None,
    });
    assert_eq!(scopes[..2], [OomScope::Memcg, OomScope::Group]);
    let reaped = machine.story(|event| match event {
        Event::StartTaskReaping { victim } => Some(victim),
        _ => None,
    });
    assert_eq!(reaped, [child, members[1], members[0]]);
}

#[test]
fn oom_group_is_killed_once_for_each_thread_up_to_5_2() {
    for (profile, times) in [("4.19", [3, 2]), ("5.3", [2, 1])] {
        let mut machine = Machine::new(profile);
        let memcg = machine.cgroup(None, Some(100));
        machine.with(|state| state.cgroups[memcg].oom_group = true);
        let members = [(100, 30), (101, 10)].map(|(pid, anon)| {
            let member = Proc { cgroup: Some(memcg), ..Proc::of(pid, anon) };
            let leader = machine.process(&member, stuck);
            machine.thread(leader, stuck);
            leader
        });
        let gone = machine.thread(members[0], |_| async {});
        machine.with(|state| state.tasks[gone].left_cgroup = true);
        killer(&machine, OomControl { memcg: Some(memcg), ..GLOBAL });
        machine.run();
        // The first is chosen, and then a member like the other.
        let said = members.map(|member| killed(&machine).iter().filter(|&&v| v == member).count());
        assert_eq!(said, times, "{profile}");
        assert_eq!(marked(&machine), members, "{profile}");
    }
}

#[test]
fn oom_group_counts_up_to_the_cgroup_that_is_out_of_memory() {
    for (domain, kills) in [(Some(1), 1), (Some(0), 2), (None, 2)] {
        let mut machine = Machine::new("6.1");
        let top = machine.cgroup(None, Some(100));
        let below = machine.cgroup(Some(top), Some(50));
        machine.with(|state| state.cgroups[top].oom_group = true);
        machine.process(&Proc { cgroup: Some(below), ..Proc::of(100, 30) }, stuck);
        machine.process(&Proc { cgroup: Some(top), ..Proc::of(101, 10) }, stuck);
        killer(&machine, OomControl { memcg: domain.map(CgroupId), ..GLOBAL });
        machine.run();
        assert_eq!(marked(&machine).len(), kills, "{domain:?}");
    }
}

#[test]
fn dying_process_does_not_free_an_mm_that_the_living_share() {
    for (sharer_dies, expected) in [(false, OomResult::Killed), (true, OomResult::SelfDying)] {
        let mut machine = Machine::new("6.1");
        let dying = machine.process(&Proc::of(100, 20), |cx| async move {
            sleep_ms(&cx, 1).await;
            call_oom(&cx, GLOBAL).await;
            stuck(cx).await;
        });
        let sharer = machine.process(&Proc { shares: Some(dying), ..Proc::of(101, 0) }, stuck);
        machine.kthread(move |cx| async move {
            cx.with(|state| state.group(dying).group_exit = true);
            cx.with(|state| state.group(sharer).group_exit = sharer_dies);
        });
        machine.run();
        assert_eq!(results(&machine)[0].0, expected);
    }
}

#[test]
fn process_that_lost_its_mm_during_the_report_is_gone() {
    let mut machine = Machine::with_cost("6.1", "oom_report", Nanos::from_ms(5));
    let gone = machine.process(&Proc::of(100, 20), stuck);
    killer(&machine, GLOBAL);
    machine.kthread(move |cx| async move {
        sleep_ms(&cx, 1).await;
        cx.with(|state| state.tasks[gone].mm = None);
    });
    machine.run();
    assert_eq!(results(&machine), [(OomResult::Gone, Some(gone))]);
    assert_eq!(sigkills(&machine), []);
}
