//! Every step of `out_of_memory()` and of the kill (kernel-spec 2.2, 2.3, 2.5).

use crate::base::{CgroupId, Nanos, TaskId, ZoneId};
use crate::engine::{Signals, Stop};
use crate::kernel::cx::Cx;
use crate::kernel::oom_kill::{OomControl, OomOrder};
use crate::kernel::oom_reaper::oom_reaper;
use crate::kernel::signal::send_sigkill;
use crate::kernel::state::PanicOnOom;
use crate::kernel::sysrq::moom_callback;
use crate::kernel::testing::{GLOBAL, Machine, Proc, call_oom, new_task};
use crate::kernel::zone::Use;
use crate::kernel::{do_exit, do_group_exit};
use crate::record::{Event, Gfp, OomResult, OomScope, PanicText, Reason, SkipBy, TaskKind};

/// Sits where no signal reaches it.
async fn stuck(cx: Cx) {
    let forever = cx.with(|state| state.forever);
    cx.wait(forever, Reason::Stuck, Signals::Ignored).await;
}

async fn sleep_ms(cx: &Cx, ms: u64) {
    cx.sleep(Nanos::from_ms(ms), Reason::Sleep, Signals::Ignored).await;
}

/// Sleeps until killed, then exits.
async fn idle(cx: Cx) {
    let forever = cx.with(|state| state.forever);
    cx.wait(forever, Reason::Forever, Signals::Killable).await;
    do_group_exit(&cx).await;
}

/// Who calls the OOM killer, from outside the victims.
fn killer(machine: &Machine, oc: OomControl) -> TaskId {
    machine.kthread(move |cx| async move {
        call_oom(&cx, oc).await;
    })
}

fn results(machine: &Machine) -> Vec<(OomResult, Option<TaskId>)> {
    machine.story(|event| match event {
        Event::OutOfMemory { result, victim } => Some((result, victim)),
        _ => None,
    })
}

fn panics(machine: &Machine) -> Vec<PanicText> {
    machine.story(|event| match event {
        Event::Panic { text } => Some(text),
        _ => None,
    })
}

fn killed(machine: &Machine) -> Vec<TaskId> {
    machine.story(|event| match event {
        Event::KilledProcess { victim, .. } => Some(victim),
        _ => None,
    })
}

fn sigkills(machine: &Machine) -> Vec<TaskId> {
    machine.story(|event| match event {
        Event::SignalGenerate { target } => Some(target),
        _ => None,
    })
}

fn marked(machine: &Machine) -> Vec<TaskId> {
    machine.story(|event| match event {
        Event::MarkVictim { victim, .. } => Some(victim),
        _ => None,
    })
}

/// Two processes, the second the bigger, and a call with `oc`.
fn two(profile: &str, oc: OomControl) -> (Machine, TaskId, TaskId) {
    let machine = Machine::new(profile);
    let small = machine.process(&Proc::of(100, 10), stuck);
    let big = machine.process(&Proc::of(101, 20), stuck);
    killer(&machine, oc);
    (machine, small, big)
}

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
fn step_4_nofs_request_makes_progress_and_kills_nobody() {
    let nofs = OomControl { gfp: Gfp::NOFS, ..GLOBAL };
    for profile in ["4.6", "4.14", "5.3", "7.1"] {
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
fn step_4_memcg_nofs_kills_from_5_4_on() {
    for (profile, kills) in [("4.19", false), ("5.3", false), ("5.4", true), ("6.12", true)] {
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

    let mut machine = Machine::new("6.1");
    machine.process(&Proc { adj: -1000, ..Proc::of(100, 10) }, stuck);
    machine.kthread(|cx| async move { moom_callback(&cx).await });
    machine.run();
    assert_eq!(results(&machine), [(OomResult::NoVictim, None)]);
    assert_eq!(panics(&machine), []);
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
    for (profile, jiffy) in [("4.6", 4), ("4.16", 4), ("4.19", 0), ("6.1", 0)] {
        let (mut machine, ..) = two(profile, GLOBAL);
        machine.run();
        let oom_lock = machine.with(|state| state.oom_lock);
        let released = machine
            .events()
            .into_iter()
            .find_map(|(at, _, event)| (event == Event::Released { lock: oom_lock }).then_some(at));
        assert_eq!(released, Some(jiffy), "{profile}");
    }
}

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
