//! Tables that come and go, who pays for them, and the runs they are kept in.

use super::*;
use crate::kernel::memory::fault_in;
use crate::kernel::mm::{Access, Vma};
use crate::kernel::munmap::{do_mmap, do_munmap};
use crate::kernel::testing::{Machine, Proc};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

#[test]
fn runs_are_filled_from_the_lowest_gap_on_and_cut_where_something_goes() {
    let mut runs = Runs::default();
    assert_eq!(runs.fill(10, 20, u64::MAX), 10);
    assert_eq!((runs.missing(5, 25), runs.fill(5, 25, 7)), (10, 7));
    assert_eq!(runs.0, [(5, 22)]);
    assert_eq!(runs.fill(30, 40, 10), 10);
    assert_eq!(runs.fill(22, 30, 8), 8);
    assert_eq!((runs.0.as_slice(), runs.count()), ([(5, 40)].as_slice(), 35));
    assert_eq!(runs.remove(6, 8), 2);
    assert_eq!(runs.remove(0, 7), 1);
    assert_eq!(runs.remove(39, 50), 1);
    assert_eq!(runs.remove(9, 9), 0);
    assert_eq!(runs.0, [(8, 39)]);
}

/// The tables of each level while a process touches and unmaps two regions, one of them in pages of 2 MiB
/// that the other one has a part of.
#[test]
fn tables_come_with_the_first_page_and_go_when_no_neighbor_needs_them() {
    let mut machine = Machine::new("6.1");
    let process = machine.process(&Proc::of(1, 0), |cx| async move {
        let mm = cx.mm().expect("it has one");
        let tables = || cx.with(|state| state.mms[mm].page_tables.counts());
        let used = || {
            let zones =
                cx.with(|state| state.zones.iter().next().map(|(_, z)| z.pages(Use::PageTable)));
            zones.expect("a zone")
        };
        let map = |start: u64, end: u64| {
            let id = cx.kernel().engine.observe(|_, recorder| {
                let range = recorder.cast.ranges.iter().next().expect("its heap").1.clone();
                recorder.cast.ranges.push(range)
            });
            (id, Vma::new(id, start, end, Backing::Anonymous))
        };
        let start = 512 * GIB + MIB;
        let ((low, lower), (high, upper)) =
            (map(start, start + 2 * MIB), map(start + 2 * MIB, start + 4 * MIB));
        do_mmap(&cx, mm, lower).await;
        do_mmap(&cx, mm, upper).await;
        assert_eq!((tables(), used()), ([0, 0, 0], 0));
        // A page of 4 KiB, and one 1 MiB further: the next table.
        assert_eq!(fault_in(&cx, mm, low, 0, 512, Access::Write).await, Ok(256));
        assert_eq!(tables(), [1, 1, 1]);
        assert_eq!(fault_in(&cx, mm, low, 256, 256, Access::Write).await, Ok(256));
        assert_eq!((tables(), used()), ([2, 1, 1], 4));
        // The zero page is mapped, too.
        assert_eq!(fault_in(&cx, mm, high, 300, 10, Access::Read).await, Ok(10));
        assert_eq!((tables(), used()), ([3, 1, 1], 5));
        do_munmap(&cx, mm, start, start + 2 * MIB).await;
        assert_eq!((tables(), used()), ([2, 1, 1], 4));
        do_munmap(&cx, mm, start + 2 * MIB, start + 4 * MIB).await;
        assert_eq!((tables(), used()), ([0, 0, 0], 0));
    });
    machine.run();
    assert!(machine.with(|state| state.tasks[process].mm.is_some()));
}

/// A cgroup has room for a table of each level and 8 pages.
#[test]
fn tables_are_charged_to_who_needs_them_and_given_back() {
    for (profile, charged) in [("4.6", 1), ("6.1", 4)] {
        let mut machine = Machine::new(profile);
        let cgroup = machine.cgroup(None, Some(1000));
        let proc = Proc { cgroup: Some(cgroup), ..Proc::of(1, 0) };
        let asks = machine.process(&proc, move |cx| async move {
            let mm = cx.mm().expect("it has one");
            let heap = cx.with(|state| state.mms[mm].vmas[0].clone());
            assert_eq!(fault_in(&cx, mm, heap.id, 0, 1, Access::Write).await, Ok(1));
            let stock =
                || cx.with(|state| state.memcg_stock.iter().map(|(_, s)| s.pages).sum::<u64>());
            let usage = || cx.with(|state| state.cgroups[cgroup].usage);
            assert_eq!(usage() - stock(), charged, "{profile}");
            do_munmap(&cx, mm, heap.start, heap.end).await;
            assert_eq!(usage() - stock(), 0, "{profile}");
        });
        machine.run_through(asks);
    }
}
