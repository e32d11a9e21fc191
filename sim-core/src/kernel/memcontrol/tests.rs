//! Charging, limits and the OOM of cgroups (kernel-spec 2.1, 7.4).

mod dying;
mod limits;

use super::*;
use crate::base::Nanos;
use crate::engine::{Hold, Signals};
use crate::kernel::filemap::{charge_gfp, filemap_add_folio};
use crate::kernel::memory::fault_in;
use crate::kernel::mm::{Access, Backing};
use crate::kernel::page_alloc::alloc_pages;
use crate::kernel::pgtable::alloc_tables;
use crate::kernel::testing::{Machine, Proc, idle, killed, results, sleep_ms};
use crate::kernel::{do_group_exit, oom_kill::OomControl};
use crate::record::{OomResult, Reason};

fn member(memcg: CgroupId, pid: u32, anon: u64) -> Proc {
    Proc { cgroup: Some(memcg), ..Proc::of(pid, anon) }
}

fn usage(machine: &Machine, memcg: CgroupId) -> u64 {
    machine.with(|state| state.cgroups[memcg].usage)
}

/// What is charged to the process's cgroup in a task of its own.
async fn charge(cx: &Cx, gfp: Gfp, want: u64) -> Result<u64, NoMemory> {
    let memcg = cx.with(|state| current_cgroup(state, cx)).expect("a member");
    try_charge_memcg(cx, memcg, gfp, 0, want).await
}

#[test]
fn charges_come_in_batches_of_64_at_every_level_and_of_32_before_6_1() {
    for (profile, batch) in [("5.12", 32), ("6.1", 64)] {
        let mut machine = Machine::new(profile);
        let top = machine.cgroup(None, None);
        let below = machine.cgroup(Some(top), Some(1000));
        machine.process(&member(below, 100, 0), move |cx| async move {
            assert_eq!(charge(&cx, Gfp::KERNEL, 1).await, Ok(1));
            assert_eq!(charge(&cx, Gfp::KERNEL, batch - 1).await, Ok(batch - 1));
        });
        machine.run();
        let usage = machine.story(|event| match event {
            Event::MemcgUsage { cgroup, pages } => Some((cgroup, u64::from(pages))),
            _ => None,
        });
        assert_eq!(usage, [(below, batch), (top, batch)], "the second came from the stock");
    }
}

#[test]
fn uncharged_pages_of_processes_show_at_once_and_since_5_11_the_kernels_when_the_stock_overflows() {
    for (profile, in_stock) in [("5.6", 0), ("6.1", 64)] {
        let mut machine = Machine::new(profile);
        let memcg = machine.cgroup(None, Some(1000));
        machine.process(&member(memcg, 100, 200), move |cx| async move {
            let mm = cx.mm().expect("it has one");
            let usage = || cx.with(|state| state.cgroups[memcg].usage);
            mem_cgroup_uncharge(&cx, mm, 60);
            uncharge_cache(&cx, Some(memcg), 4);
            assert_eq!(usage(), 136, "{profile}");
            memcg_kmem_uncharge(&cx, Some(memcg), 64);
            assert_eq!(usage(), 72 + in_stock, "{profile}");
            memcg_kmem_uncharge(&cx, Some(memcg), 1);
            assert_eq!(usage(), 71, "{profile}");
        });
        machine.run();
        assert_eq!(usage(&machine, memcg), 71, "{profile}");
    }
}

/// Gfp flags with which a full cgroup kills.
fn asked(machine: &Machine) -> Vec<Gfp> {
    machine.story(|event| match event {
        Event::MemcgOom { gfp, .. } => Some(Gfp(gfp)),
        _ => None,
    })
}

#[test]
fn page_cache_is_charged_with_all_its_flags_after_4_19_and_page_tables_with_theirs() {
    for (profile, cache) in
        [("4.19", Gfp::KERNEL), ("5.3", Gfp::HIGHUSER_MOVABLE), ("6.1", Gfp::HIGHUSER_MOVABLE)]
    {
        for (of_cache, gfp) in [(true, cache), (false, Gfp::PGTABLE_USER)] {
            let mut machine = Machine::new(profile);
            let memcg = machine.cgroup(None, Some(100));
            machine.process(&member(memcg, 100, 100), move |cx| async move {
                let mm = cx.mm().expect("it has one");
                if of_cache {
                    let pages = alloc_pages(&cx, Gfp::HIGHUSER_MOVABLE, 0, 1).await.expect("room");
                    filemap_add_folio(&cx, Some(memcg), charge_gfp(&cx), pages).await;
                } else {
                    let span = (1 << 40, (1 << 40) + 4096);
                    let _ = alloc_tables(&cx, mm, span, Backing::Anonymous).await;
                }
                do_group_exit(&cx).await;
            });
            machine.run();
            assert_eq!(asked(&machine).first(), Some(&gfp), "{profile}");
        }
    }
}

#[test]
fn near_the_limit_as_much_is_charged_as_fits_without_reclaim() {
    let mut machine = Machine::new("6.1");
    let memcg = machine.cgroup(None, Some(110));
    machine.process(&member(memcg, 100, 100), |cx| async move {
        assert_eq!(charge(&cx, Gfp::KERNEL, 64).await, Ok(10));
    });
    machine.run();
    assert_eq!(usage(&machine, memcg), 110);
    assert_eq!(results(&machine), []);
}

#[test]
fn limit_above_is_kept_too_and_its_tree_is_searched() {
    let mut machine = Machine::new("6.1");
    let top = machine.cgroup(None, Some(100));
    let [left, right] = [0, 1].map(|_| machine.cgroup(Some(top), Some(1000)));
    let big = machine.process(&member(left, 100, 90), idle);
    machine.process(&Proc::of(99, 500), idle);
    machine.process(&member(right, 101, 10), |cx| async move {
        assert_eq!(charge(&cx, Gfp::KERNEL, 1).await, Ok(1));
        idle(cx).await;
    });
    machine.run();
    assert_eq!(killed(&machine), [big]);
    let over = machine.story(|event| match event {
        Event::MemcgOom { cgroup, .. } => Some(cgroup),
        _ => None,
    });
    assert_eq!(over.first(), Some(&top));
}

#[test]
fn seventeen_reclaims_come_before_the_killer_and_stall_and_six_before_5_9() {
    for (profile, retries) in [("5.6", 5), ("5.12", 16), ("6.1", 16)] {
        let mut machine = Machine::new(profile);
        let memcg = machine.cgroup(None, Some(100));
        machine.process(&member(memcg, 99, 90), idle);
        machine.process(&member(memcg, 100, 10), |cx| async move {
            charge(&cx, Gfp::KERNEL, 1).await.expect("somebody dies");
            idle(cx).await;
        });
        machine.run();
        let events = machine.events();
        let oom = events.iter().find(|(.., event)| matches!(event, Event::MemcgOom { .. }));
        // One pass before the stocks are drained, then the retries and the last one.
        assert_eq!(oom.map(|&(at, ..)| at), Some(retries + 2), "{profile}");
        let stalls = machine.story(|event| matches!(event, Event::MemstallEnter {}).then_some(()));
        assert!(stalls.len() as u64 >= retries + 2, "{profile}");
    }
}

#[test]
fn requests_that_may_not_reclaim_or_give_up_early_never_kill() {
    for (gfp, ms) in [(Gfp::NOWAIT, 0), (Gfp::KERNEL.with(Gfp::NORETRY), 2)] {
        let mut machine = Machine::new("6.1");
        let memcg = machine.cgroup(None, Some(100));
        machine.process(&member(memcg, 100, 100), move |cx| async move {
            assert_eq!(charge(&cx, gfp, 1).await, Err(NoMemory));
            assert_eq!(cx.now().0 / 1_000_000, ms, "{gfp:?}");
        });
        machine.run();
        assert_eq!(results(&machine), [], "{gfp:?}");
    }
}

#[test]
fn retry_mayfail_fails_where_others_would_kill() {
    let mut machine = Machine::new("6.1");
    let memcg = machine.cgroup(None, Some(100));
    machine.process(&member(memcg, 100, 100), |cx| async move {
        let gfp = Gfp::KERNEL.with(Gfp::RETRY_MAYFAIL);
        assert_eq!(charge(&cx, gfp, 1).await, Err(NoMemory));
        assert_eq!(cx.now().0 / 1_000_000, 18);
    });
    machine.run();
    assert_eq!(results(&machine), []);
}

#[test]
fn who_may_not_fail_asks_for_a_kill_since_5_16() {
    for (profile, asks) in [("5.4", false), ("5.12", false), ("6.1", true)] {
        let mut machine = Machine::new(profile);
        let memcg = machine.cgroup(None, Some(100));
        machine.process(&member(memcg, 100, 100), move |cx| async move {
            assert_eq!(charge(&cx, Gfp::KERNEL.with(Gfp::NOFAIL), 1).await, Ok(1), "{profile}");
        });
        machine.run();
        assert_eq!(!results(&machine).is_empty(), asks, "{profile}");
    }
}

#[test]
fn nofail_atomic_and_reclaimers_exceed_the_limit() {
    let nofail = Gfp::NOWAIT.with(Gfp::NOFAIL);
    for (profile, gfp, memalloc, passes) in [
        ("6.1", nofail, false, true),
        ("5.12", nofail, false, true),
        ("6.1", Gfp::ATOMIC, false, true),
        ("5.12", Gfp::ATOMIC, false, true),
        ("5.4", Gfp::ATOMIC, false, true),
        ("5.3", Gfp::ATOMIC, false, false),
        ("6.1", Gfp::NOWAIT.with(Gfp::HIGH), false, true),
        ("5.12", Gfp::NOWAIT.with(Gfp::HIGH), false, false),
        ("6.1", Gfp::KERNEL, true, true),
    ] {
        let mut machine = Machine::new(profile);
        let memcg = machine.cgroup(None, Some(100));
        machine.process(&member(memcg, 100, 100), move |cx| async move {
            cx.with(|state| state.tasks[cx.task()].memalloc = memalloc);
            let expected = if passes { Ok(1) } else { Err(NoMemory) };
            assert_eq!(charge(&cx, gfp, 5).await, expected, "{profile} {gfp:?}");
        });
        machine.run();
        assert_eq!(usage(&machine, memcg), 100 + u64::from(passes), "{profile} {gfp:?}");
    }
}

#[test]
fn nobody_to_kill_fails_the_charge() {
    let mut machine = Machine::new("6.1");
    let memcg = machine.cgroup(None, Some(100));
    let exempt = Proc { adj: -1000, ..member(memcg, 100, 100) };
    machine.process(&exempt, |cx| async move {
        assert_eq!(charge(&cx, Gfp::KERNEL, 1).await, Err(NoMemory));
    });
    machine.process(&Proc::of(101, 500), idle);
    machine.run();
    assert_eq!(results(&machine), [(OomResult::NoVictim, None)]);
}

/// A fault of a process whose cgroup is full and has nobody to kill.
fn fault_without_candidates(profile: &str) -> Machine {
    let mut machine = Machine::new(profile);
    let memcg = machine.cgroup(None, Some(100));
    let exempt = Proc { adj: -1000, ..member(memcg, 100, 100) };
    machine.process(&Proc::of(101, 500), idle);
    machine.process(&exempt, |cx| async move {
        let mm = cx.mm().expect("it has one");
        let range = cx.with(|state| state.mms[mm].vmas[0].id);
        assert!(fault_in(&cx, mm, range, 100, 1, Access::Write).await.is_err());
    });
    machine.run();
    machine
}

#[test]
fn fault_without_candidates_is_repeated_since_5_15_and_kills_outside_before() {
    let machine = fault_without_candidates("6.1");
    let retried = machine.story(|event| matches!(event, Event::PagefaultRetry {}).then_some(()));
    assert_eq!((retried.len(), killed(&machine).len()), (1, 0));
    // VM_FAULT_OOM goes to the global killer, with no flags.
    let machine = fault_without_candidates("5.4");
    assert_eq!(killed(&machine).len(), 1);
    // The fault-end killer has dealt with it.
    let machine = fault_without_candidates("4.14");
    assert_eq!(killed(&machine).len(), 0);
    assert_eq!(results(&machine).len(), 1);
}

#[test]
fn fault_end_oom_of_4_18_drops_mmap_lock_before_it_kills() {
    for (profile, dropped) in [("4.14", true), ("4.19", false)] {
        let mut machine = Machine::new(profile);
        let memcg = machine.cgroup(None, Some(100));
        let big = machine.process(&member(memcg, 99, 90), idle);
        machine.process(&member(memcg, 100, 10), |cx| async move {
            let mm = cx.mm().expect("it has one");
            let range = cx.with(|state| state.mms[mm].vmas[0].id);
            while fault_in(&cx, mm, range, 10, 1, Access::Write).await.is_err() {}
            idle(cx).await;
        });
        machine.run();
        assert_eq!(killed(&machine), [big], "{profile}");
        let mut held = 0;
        for (.., event) in machine.events() {
            match event {
                Event::Acquired { hold: Hold::Shared, .. } => held += 1,
                Event::Released { lock } if machine.with(|state| lock != state.oom_lock) => {
                    held -= 1;
                }
                Event::MemcgOom { .. } => break,
                _ => {}
            }
        }
        assert_eq!(held == 0, dropped, "{profile}");
    }
}

#[test]
fn kernel_charges_of_4_18_fail_without_the_killer() {
    let mut machine = Machine::new("4.14");
    let memcg = machine.cgroup(None, Some(100));
    machine.process(&member(memcg, 100, 100), |cx| async move {
        assert_eq!(memcg_kmem_charge(&cx, Gfp::KERNEL, 0).await, Err(NoMemory));
    });
    machine.run();
    assert_eq!(results(&machine), []);
}

#[test]
fn second_fault_end_oom_of_4_18_waits_for_the_first() {
    let mut machine = Machine::new("4.14");
    let memcg = machine.cgroup(None, Some(100));
    machine.process(&member(memcg, 99, 80), |cx| async move {
        let forever = cx.with(|state| state.forever);
        cx.wait(forever, Reason::Forever, Signals::Killable).await;
        sleep_ms(&cx, 100).await;
        do_group_exit(&cx).await;
    });
    for pid in [100, 101] {
        machine.process(&member(memcg, pid, 10), |cx| async move {
            let mm = cx.mm().expect("it has one");
            let range = cx.with(|state| state.mms[mm].vmas[0].id);
            while fault_in(&cx, mm, range, 10, 1, Access::Write).await.is_err() {}
            idle(cx).await;
        });
    }
    machine.run();
    let waits = machine.story(|event| match event {
        Event::Blocked { why, .. } => (why == Reason::MemcgOom as u8).then_some(()),
        _ => None,
    });
    assert!(!waits.is_empty());
    assert_eq!(killed(&machine).len(), 1);
    assert!(machine.with(|state| state.cgroups[memcg].under_oom == 0));
}

#[test]
fn global_and_memcg_killer_share_oom_lock() {
    let mut machine = Machine::with_cost("6.1", "oom_report", Nanos::from_ms(30));
    let memcg = machine.cgroup(None, Some(100));
    let inside = machine.process(&member(memcg, 100, 100), idle);
    let outside = machine.process(&Proc::of(101, 500), idle);
    machine.kthread(|cx| async move {
        crate::kernel::testing::call_oom(&cx, OomControl::global(Gfp::KERNEL, 0)).await;
    });
    machine.kthread(move |cx| async move {
        oom::mem_cgroup_out_of_memory(&cx, memcg, Gfp::KERNEL, 0).await;
    });
    machine.run();
    assert_eq!(killed(&machine), [outside, inside]);
    let times: Vec<_> = machine
        .events()
        .into_iter()
        .filter(|(.., event)| matches!(event, Event::KilledProcess { .. }))
        .map(|(at, ..)| at)
        .collect();
    assert_eq!(times, [30, 60], "one after the other");
}

#[test]
fn faults_are_charged_and_the_exit_leaves_at_most_a_stock() {
    let mut machine = Machine::new("6.1");
    let memcg = machine.cgroup(None, Some(1000));
    machine.process(&member(memcg, 100, 0), move |cx| async move {
        let mm = cx.mm().expect("it has one");
        let range = cx.with(|state| state.mms[mm].vmas[0].id);
        let mut touched = 0;
        while touched < 500 {
            touched += fault_in(&cx, mm, range, touched, 500 - touched, Access::Write)
                .await
                .expect("room");
        }
        let (usage, stock) = cx.with(|state| {
            let stocks = state.memcg_stock.iter();
            (state.cgroups[memcg].usage, stocks.map(|(_, stock)| stock.pages).sum::<u64>())
        });
        // A page table of each level besides.
        assert_eq!(usage, 500 + 3 + stock);
        do_group_exit(&cx).await;
    });
    machine.run();
    let stock: u64 = machine.with(|state| state.memcg_stock.iter().map(|(_, s)| s.pages).sum());
    assert_eq!(usage(&machine, memcg), stock, "nothing but what the CPUs have in stock");
    assert!(stock <= 4 * machine.kernel.switches.memcg_charge_batch);
}
