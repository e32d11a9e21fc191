//! What reclaim costs, in vain and not (kernel-spec 9.1).

use std::cell::Cell;
use std::rc::Rc;

use super::*;
use crate::base::ZoneId;
use crate::engine::Stop;
use crate::kernel::reclaim_retry::MAX_RECLAIM_RETRIES;
use crate::kernel::testing::Machine;

/// How long `reclaim` takes with these costs, in microseconds, on a machine with so many
/// pages of such a use.
fn time_us<F>(
    kernel: &str,
    costs: &[(&str, u64)],
    (of, pages): (Use, u64),
    reclaim: impl FnOnce(Cx) -> F + 'static,
) -> u64
where
    F: Future<Output = ()> + 'static,
{
    let costs: Vec<_> = costs.iter().map(|&(cost, us)| (cost, Nanos::from_us(us))).collect();
    let mut machine = Machine::with_costs(kernel, &costs);
    machine.cgroup(None, Some(1000));
    machine.mm(&[]);
    machine.with(|state| {
        state.zones[ZoneId(0)].transfer(Use::Free, of, pages);
        // Nobody is throttled.
        state.kswapd.failures = u32::from(MAX_RECLAIM_RETRIES);
    });
    let took = Rc::new(Cell::new(0));
    let out = Rc::clone(&took);
    machine.kthread(|cx| async move {
        let start = cx.now();
        reclaim(cx.clone()).await;
        out.set((cx.now() - start).0 / 1_000);
    });
    machine.run();
    took.get()
}

#[test]
fn batch_of_clean_pages_takes_50_us_and_one_of_kswapd_40_in_all() {
    let costs = [("reclaim_batch", 18), ("reclaim_page", 1), ("kswapd_batch", 40)];
    for (kswapd, us) in [(false, 500), (true, 400)] {
        let took = time_us("6.1", &costs, (Use::Clean, 1000), move |cx| async move {
            let mut sc = ScanControl::direct(Gfp::KERNEL, 0);
            (sc.kswapd, sc.nr_to_reclaim, sc.priority) = (kswapd, 320, 0);
            shrink_node(&cx, &mut sc).await;
            assert_eq!(sc.nr_reclaimed, 320);
        });
        assert_eq!(took, us, "kswapd: {kswapd}");
    }
}

#[test]
fn fruitless_pass_takes_longer_with_longer_lists() {
    let costs = [("reclaim_pass", 1_000), ("scan_page", 1)];
    // Of 4096 pages that are being written one is looked at first, then two, and so on.
    for (pages, us) in [(0, 1_000), (4096, 1_000 + 8191)] {
        let took = time_us("6.1", &costs, (Use::Writeback, pages), |cx| async move {
            let mut sc = ScanControl::direct(Gfp::KERNEL, 0);
            do_try_to_free_pages(&cx, &mut sc).await;
            assert_eq!(sc.nr_reclaimed, 0);
        });
        assert_eq!(took, us, "{pages} pages");
    }
}

#[test]
fn what_gets_nothing_is_tried_twice_since_6_11_and_paid_for_twice() {
    let costs = [("reclaim_pass", 1_000), ("memcg_reclaim_pass", 300), ("reclaim_gap", 10)];
    for (kernel, us, of_cgroup) in [("6.1", 1_010, 300), ("6.12", 2_010, 600), ("7.1", 2_010, 600)]
    {
        let took = time_us(kernel, &costs, (Use::Writeback, 0), |cx| async move {
            assert_eq!(perform_reclaim(&cx, Gfp::KERNEL, 0).await, 0);
        });
        assert_eq!(took, us, "{kernel}");
        let took = time_us(kernel, &costs, (Use::Writeback, 0), |cx| async move {
            try_to_free_mem_cgroup_pages(&cx, CgroupId(0), 1, Gfp::KERNEL).await;
        });
        assert_eq!(took, of_cgroup, "{kernel}");
        // One walk is enough where it got anything, and nothing of it was in vain.
        let took = time_us(kernel, &costs, (Use::Clean, 8), |cx| async move {
            assert_eq!(perform_reclaim(&cx, Gfp::KERNEL, 0).await, 8);
        });
        assert_eq!(took, 0, "{kernel}");
    }
}

#[test]
fn fruitless_pass_of_a_cgroup_costs_its_own_and_looks_at_its_own_pages() {
    let costs = [("reclaim_pass", 1_000), ("memcg_reclaim_pass", 300), ("scan_page", 1)];
    let took = time_us("6.1", &costs, (Use::Writeback, 4096), |cx| async move {
        let reclaimed = try_to_free_mem_cgroup_pages(&cx, CgroupId(0), 1, Gfp::KERNEL).await;
        assert_eq!(reclaimed, 0);
    });
    assert_eq!(took, 300);
}

#[test]
fn i14_who_must_not_sleep_or_reclaims_already_must_not_reclaim() {
    for (gfp, memalloc, sound) in
        [(Gfp::KERNEL, false, true), (Gfp::KERNEL, true, false), (Gfp::NOWAIT, false, false)]
    {
        for of_cgroup in [false, true] {
            let mut machine = Machine::new("6.1");
            machine.cgroup(None, Some(1000));
            machine.mm(&[]);
            machine.kthread(move |cx| async move {
                set_memalloc(&cx, memalloc);
                if of_cgroup {
                    try_to_free_mem_cgroup_pages(&cx, CgroupId(0), 1, gfp).await;
                } else {
                    perform_reclaim(&cx, gfp, 0).await;
                }
            });
            let broken = machine.run() == Stop::Broken;
            assert_eq!(broken, !sound, "{gfp:?} {memalloc} {of_cgroup}");
        }
    }
}
