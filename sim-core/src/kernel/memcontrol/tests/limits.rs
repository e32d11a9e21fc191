//! Limits that are lowered, and memory.high.

use super::*;

#[test]
fn lower_limit_reclaims_16_times_then_kills_until_it_is_kept() {
    let mut machine = Machine::new("6.1");
    let memcg = machine.cgroup(None, None);
    let small = machine.process(&member(memcg, 100, 30), idle);
    let big = machine.process(&member(memcg, 101, 60), idle);
    machine.kthread(move |cx| async move { memory_max_write(&cx, memcg, Some(10)).await });
    machine.run();
    assert_eq!(killed(&machine), [big, small]);
    assert!(usage(&machine, memcg) <= 10);
    let first = machine.events().into_iter().find(|(.., e)| matches!(e, Event::MemcgOom { .. }));
    assert_eq!(first.map(|(at, ..)| at), Some(16));
}

#[test]
fn limit_that_nobody_can_die_for_is_exceeded() {
    let mut machine = Machine::new("6.1");
    let memcg = machine.cgroup(None, None);
    machine.process(&Proc { adj: -1000, ..member(memcg, 100, 30) }, idle);
    machine.kthread(move |cx| async move {
        memory_max_write(&cx, memcg, Some(10)).await;
        assert!(cx.now().0 < 100_000_000, "it gives up");
    });
    machine.run();
    assert_eq!(results(&machine), [(OomResult::NoVictim, None)]);
    assert_eq!(usage(&machine, memcg), 30);
}

#[test]
fn charges_above_high_pause_from_5_4_on() {
    for (profile, pauses) in [("5.3", false), ("5.4", true), ("6.1", true)] {
        let mut machine = Machine::new(profile);
        let memcg = machine.cgroup(None, None);
        machine.with(|state| state.cgroups[memcg].high = Some(100));
        machine.process(&member(memcg, 100, 200), |cx| async move {
            assert_eq!(charge(&cx, Gfp::KERNEL, 64).await, Ok(64));
            mem_cgroup_handle_over_high(&cx).await;
            mem_cgroup_handle_over_high(&cx).await;
        });
        machine.run();
        let waits = machine.story(|event| match event {
            Event::Blocked { why, .. } => (why == Reason::MemcgHigh as u8).then_some(()),
            _ => None,
        });
        assert_eq!(waits.len(), usize::from(pauses), "{profile}");
    }
}

#[test]
fn charges_above_high_reclaim_once_before_5_9_and_17_times_since() {
    for (profile, ms) in [("5.6", 1), ("5.12", 17), ("6.1", 17)] {
        let mut machine = Machine::new(profile);
        let memcg = machine.cgroup(None, None);
        machine.with(|state| state.cgroups[memcg].high = Some(100));
        machine.process(&member(memcg, 100, 200), |cx| async move {
            assert_eq!(charge(&cx, Gfp::KERNEL, 64).await, Ok(64));
            mem_cgroup_handle_over_high(&cx).await;
        });
        machine.run();
        let pause = machine.events().into_iter().find(|(.., event)| {
            matches!(event, Event::Blocked { why, .. } if *why == Reason::MemcgHigh as u8)
        });
        assert_eq!(pause.map(|(at, ..)| at), Some(ms), "{profile}");
    }
}
