//! Every real driver, in the kernel that it was read in: what the reaper
//! gets from it, and what it costs who may block.

use std::collections::BTreeSet;

use crate::world::{
    REGION, attempts, blockable_times, nonblocking, reaped, run, scenario, slept, victim,
};
use sim_core::base::Nanos;
use sim_core::record::{Event, Run};
use sim_core::scenario::presets;

/// What the reaper's calls that must not sleep get.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
enum Answer {
    /// There is none: nobody is called.
    NotCalled,
    Success,
    /// Where it covers something, and only there.
    RefusesOverlap,
    RefusesAll,
}

/// What becomes of the pages that the reaper gets.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
enum Pages {
    Freed,
    /// Those that the reaper gets to before the driver's worker does, by that.
    FreedByWorker,
    Held,
}

use Answer::{NotCalled, RefusesAll, RefusesOverlap, Success};
use Pages::{Freed, FreedByWorker, Held};

/// Driver, kernel, answer, what becomes of its pages, whether the reaper sleeps in it; the least and most
/// that unmapping costs in its (first) callback while a job of 300 ms runs, in us.
type Row = (&'static str, &'static str, Answer, Pages, bool, (u64, u64));

const DRIVERS: &[Row] = &[
    ("i915-4.19", "4.19", RefusesOverlap, Held, false, (299_000, 310_000)),
    ("i915-5.4", "5.4", RefusesOverlap, Held, false, (299_000, 310_000)),
    ("i915-5.15", "5.12", RefusesOverlap, Held, false, (299_000, 310_000)),
    ("i915-6.12", "6.12", Success, Held, false, (0, 0)),
    ("xe-6.12", "6.12", RefusesOverlap, Freed, false, (299_000, 310_000)),
    ("xe-7.1", "7.1", RefusesOverlap, Freed, false, (0, 0)),
    ("gpusvm-7.1", "7.1", RefusesOverlap, Freed, false, (50, 60)),
    ("amdgpu-5.4", "5.4", RefusesOverlap, Freed, false, (299_000, 310_000)),
    ("amdgpu-5.6", "5.6", RefusesOverlap, Freed, false, (299_000, 310_000)),
    // It has no two passes: it waits under its lock.
    ("amdgpu-5.6", "7.1", RefusesOverlap, Freed, false, (299_000, 310_000)),
    ("amdgpu-compute-6.12", "7.1", RefusesOverlap, Freed, false, (299_000, 310_000)),
    ("amdgpu-compute-6.12", "6.12", RefusesOverlap, Freed, false, (299_000, 310_000)),
    ("amdgpu-hsa-6.12", "6.12", RefusesOverlap, Freed, false, (100, 9_000_000)),
    ("amdkfd-svm-6.12", "6.12", Success, Freed, true, (299_000, 310_000)),
    ("radeon-5.4", "5.4", RefusesOverlap, Held, false, (299_000, 310_000)),
    ("radeon-6.12", "6.12", RefusesOverlap, Held, false, (299_000, 310_000)),
    ("nouveau-svm-6.12", "6.12", RefusesAll, Freed, false, (20, 30)),
    ("nouveau-svm-range-6.12", "6.12", Success, Freed, false, (0, 0)),
    ("umem-odp-5.4", "5.4", RefusesOverlap, Freed, false, (50, 60)),
    ("mlx5-odp-6.12", "6.12", RefusesOverlap, Freed, false, (150, 160)),
    ("rxe-odp-7.1", "7.1", RefusesOverlap, Freed, false, (5, 10)),
    ("rdma-mr", "6.12", NotCalled, Held, false, (0, 0)),
    ("hfi1-rb-5.4", "5.4", Success, FreedByWorker, false, (1, 60)),
    ("hfi1-tid-6.12", "6.12", Success, Held, false, (10, 20)),
    ("hfi1-cover-6.12", "6.12", Success, Held, false, (1, 10)),
    ("kvm-5.4", "5.4", Success, Freed, false, (40, 50)),
    ("kvm-6.12", "6.12", Success, Freed, false, (40, 50)),
    ("gntdev-5.4", "5.4", RefusesOverlap, Freed, false, (20, 30)),
    ("gntdev-5.12", "5.12", RefusesOverlap, Freed, false, (25, 40)),
    ("gntdev-6.12", "6.12", RefusesOverlap, Freed, false, (20, 30)),
    ("mshv-7.1", "7.1", Success, Freed, false, (20, 30)),
    ("mshv-failing-7.1", "7.1", Success, Freed, false, (20, 30)),
    ("vfio-pin", "6.12", NotCalled, Held, false, (0, 0)),
    ("intel-svm", "6.12", NotCalled, Freed, false, (0, 0)),
    ("arm-smmu-v3-sva", "6.12", NotCalled, Freed, false, (0, 0)),
    ("amd-pasid-6.12", "6.12", NotCalled, Freed, false, (0, 0)),
    ("ocxl-6.12", "6.12", NotCalled, Freed, false, (0, 0)),
    ("sgi-gru", "5.4", Success, Freed, false, (5, 10)),
    ("scif-5.4", "5.4", Success, FreedByWorker, false, (10, 20)),
    ("test-hmm-6.12", "6.12", Success, Freed, false, (1, 200)),
    ("amdxdna-7.1", "7.1", RefusesOverlap, Freed, false, (299_000, 310_000)),
];

/// The archetypes of kernel-spec 5.2, on the interface of their examples; costs that it gives, with a job of 300 ms.
const ARCHETYPES: &[Row] = &[
    // A0: no start, no end; what it costs is in the zap.
    ("secondary-tlb", "6.12", NotCalled, Freed, false, (0, 0)),
    ("spin", "6.12", Success, Freed, false, (2, 50)),
    ("kvm", "6.12", Success, Freed, false, (5, 200)),
    ("trylock", "6.12", Success, Freed, false, (10, 100)),
    // A4: what is left of the fence.
    ("gpu-fence", "6.12", RefusesOverlap, Freed, false, (299_000, 301_000)),
    // A5: a flush of the GPU's TLB.
    ("always-refuse", "6.12", RefusesAll, Freed, false, (5, 20)),
    // A6: mutex, jobs, queue eviction.
    ("sleeps-anyway", "6.12", Success, Freed, true, (299_000, 9_300_000)),
    ("pinned", "6.12", NotCalled, Held, false, (0, 0)),
    // A8: as long as the operation under its lock.
    ("held-across", "5.4", Success, Freed, false, (0, 50)),
    ("rdma-odp", "6.12", RefusesOverlap, Freed, false, (20, 500)),
];

/// An interval's core would not call it but for what overlaps.
fn api(id: &str) -> &'static str {
    if id == "always-refuse" { "api = 'hlist'\n" } else { "" }
}

/// What each of them has: start, end, a flush inside the zap, the promise not to block, two passes, references.
const OPERATIONS: &[(&str, [bool; 6])] = &[
    ("secondary-tlb", [false, false, true, true, false, false]),
    ("spin", [true, false, false, true, false, false]),
    ("kvm", [true, true, false, true, false, false]),
    ("trylock", [true, false, false, false, false, false]),
    ("gpu-fence", [true, false, false, false, true, false]),
    ("always-refuse", [true, false, false, false, false, false]),
    ("sleeps-anyway", [true, false, false, false, false, false]),
    ("pinned", [false, false, false, true, false, true]),
    ("held-across", [true, true, false, false, false, false]),
    ("rdma-odp", [true, true, false, false, false, false]),
];

#[test]
fn archetypes_have_the_operations_of_their_examples() {
    let is: Vec<_> = sim_core::driver::ALL
        .iter()
        .map(|driver| {
            let ops = driver.ops();
            let row = [ops.start, ops.end, ops.secondary_tlb, ops.does_not_block, ops.two_pass];
            (driver.id(), [row[0], row[1], row[2], row[3], row[4], ops.page_refs])
        })
        .collect();
    assert_eq!(is, OPERATIONS);
    let ids: Vec<_> = ARCHETYPES.iter().map(|row| row.0).collect();
    assert_eq!(ids, OPERATIONS.iter().map(|row| row.0).collect::<Vec<_>>());
}

/// Only the list's start-to-end lock keeps others out while the reaper unmaps; all else is let go by then.
#[test]
fn only_held_across_keeps_its_lock_between_start_and_end() {
    for &(id, kernel, answer, ..) in ARCHETYPES.iter().filter(|row| row.2 != NotCalled) {
        let program = "{ register = 'dev', region = 'buffer' }, { touch = ['heap', 'buffer'] },";
        let device = format!("driver = '{id}'\napi = 'hlist'");
        let run = run(&scenario(&victim(kernel, &device, program, "5s")), None);
        let lock = run.cast.locks.iter().find(|(_, info)| info.name == "lock of dev");
        let lock = lock.expect("it has one").0;
        let mut held = false;
        let mut zapped_under_it = false;
        for record in run.trace.iter() {
            match record.event {
                Event::Acquired { lock: of, .. } if of == lock => held = true,
                Event::Released { lock: of } if of == lock => held = false,
                Event::Zap { .. } => zapped_under_it |= held,
                _ => {}
            }
        }
        assert_eq!(zapped_under_it, id == "held-across", "{id} {answer:?}");
    }
}

/// Kernel-spec 5.3, where a driver has a time of its own.
#[test]
fn times_are_anchored_in_the_sources() {
    for (id, timeout) in [
        ("amdgpu-5.4", Some(10)),
        ("amdgpu-5.6", Some(10)),
        ("amdgpu-compute-6.12", Some(60)),
        ("i915-5.15", Some(20)),
        ("i915-6.12", Some(20)),
        ("xe-6.12", Some(10)),
        ("xe-7.1", Some(10)),
        ("amdxdna-7.1", None),
    ] {
        let scenario = scenario(&victim("6.12", &format!("driver = '{id}'"), "", "1ms"));
        assert_eq!(scenario.devices[0].timeout, timeout.map(Nanos::from_secs), "{id}");
    }
    // KFD gives up a preemption after 9 s, however long it would take.
    let never = "driver = 'amdgpu-hsa-6.12'";
    let program = "{ register = 'dev', region = 'buffer' }, { touch = ['heap', 'buffer'] }, \
        { munmap = 'buffer' },";
    let run = run(&scenario(&victim("6.12", never, program, "1ms")), None);
    assert!(blockable_times(&run).iter().all(|time| *time <= Nanos::from_secs(9)));
    assert_eq!(
        scenario(&victim("6.12", never, "", "1ms")).machine.hung_task_timeout,
        Nanos::from_secs(120)
    );
}

#[test]
fn every_preset_is_in_the_table() {
    let known: BTreeSet<_> = DRIVERS.iter().map(|row| row.0).collect();
    assert_eq!(known, presets().map(|preset| preset.id).collect());
}

/// Rows of the survey that say `[U]`, and what it does not say.
#[test]
fn what_nobody_has_read_is_marked() {
    let marked: Vec<_> =
        presets().filter(|preset| !preset.unverified.is_empty()).map(|preset| preset.id).collect();
    let expected = [
        "i915-5.15",
        "i915-6.12",
        "gpusvm-7.1",
        "radeon-5.4",
        "radeon-6.12",
        "nouveau-svm-6.12",
        "umem-odp-5.4",
        "mlx5-odp-6.12",
        "rxe-odp-7.1",
        "rdma-mr",
        "gntdev-5.12",
        "mshv-failing-7.1",
        "vfio-pin",
        "ocxl-6.12",
        "sgi-gru",
        "scif-5.4",
    ];
    assert_eq!(marked, expected);
    for preset in presets() {
        // It is said in one place.
        let about = preset.about.to_lowercase();
        assert!(!about.contains("verified") && !about.contains("not read"), "{}", preset.id);
    }
}

/// Of the buffer, pages that came free when the reaper unmapped them.
fn freed_by_reaper(run: &Run) -> u64 {
    let reaper = run.cast.tasks.iter().find(|(_, task)| task.name == "oom_reaper");
    let (reaper, _) = reaper.expect("a reaper");
    let zaps = run.trace.iter().filter(|record| record.task == reaper);
    let freed = zaps.filter_map(|record| match record.event {
        Event::Zap { range, freed, .. } if run.cast.ranges[range].name == "buffer" => Some(freed),
        _ => None,
    });
    freed.map(u64::from).sum()
}

#[test]
fn reaper_gets_from_each_what_its_source_says() {
    let program = "{ register = 'dev', region = 'buffer' }, { touch = ['heap', 'buffer'] }, \
        { submit = 'dev', region = 'buffer', every = '1ms', count = 1 },";
    for &(id, kernel, answer, pages, sleeps, _) in DRIVERS.iter().chain(ARCHETYPES) {
        let device = format!("driver = '{id}'\n{}fence = '3s'", api(id));
        let run = run(&scenario(&victim(kernel, &device, program, "5s")), None);
        let (calls, refused) = nonblocking(&run);
        let attempts = attempts(&run);
        let heap = reaped(&run, "heap");
        let buffer = reaped(&run, "buffer");
        let seen = format!("{id}: {refused} of {calls} in {attempts}, {heap} and {buffer} pages");
        match answer {
            NotCalled => assert_eq!((calls, attempts), (0, 1), "{seen}"),
            Success => assert!(calls > 0 && refused == 0 && attempts == 1, "{seen}"),
            RefusesOverlap => assert_eq!((refused, attempts), (10, 10), "{seen}"),
            RefusesAll => assert!(refused == calls && refused > attempts, "{seen}"),
        }
        assert_eq!(heap, if answer == RefusesAll { 0 } else { REGION }, "{seen}");
        let gets = matches!(answer, NotCalled | Success);
        assert_eq!(buffer, if gets { REGION } else { 0 }, "{seen}");
        let freed = freed_by_reaper(&run);
        match pages {
            Freed => assert_eq!(freed, if gets { REGION } else { 0 }, "{seen}"),
            Held => assert_eq!(freed, 0, "{seen}"),
            // A few come before the worker has let go of all.
            FreedByWorker => assert!((1..REGION).contains(&freed), "{seen}, {freed}"),
        }
        assert_eq!(slept(&run) > 0, sleeps, "{seen}");
    }
}

#[test]
fn unmapping_costs_what_each_waits_for() {
    let program = "{ register = 'dev', region = 'buffer' }, { touch = ['heap', 'buffer'] }, \
        { submit = 'dev', region = 'buffer', every = '1us', count = 1 }, { munmap = 'buffer' },";
    let mut wrong = Vec::new();
    for &(id, kernel, .., (least, most)) in DRIVERS.iter().chain(ARCHETYPES) {
        let device = format!("driver = '{id}'\n{}fence = '300ms'", api(id));
        let run = run(&scenario(&victim(kernel, &device, program, "1ms")), None);
        let longest = blockable_times(&run).into_iter().max().unwrap_or(Nanos::ZERO);
        let range = Nanos::from_us(least)..=Nanos::from_us(most);
        if !range.contains(&longest) {
            wrong.push((id, longest));
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn driver_that_acts_on_unmap_alone_ignores_the_reaper_of_7_1() {
    for (kernel, works) in [("6.12", true), ("7.1", false)] {
        let program = "{ register = 'dev', region = 'buffer' }, { touch = ['heap', 'buffer'] },";
        let run = run(&scenario(&victim(kernel, "driver = 'hfi1-tid-6.12'", program, "5s")), None);
        let calls = crate::world::calls(&run);
        let reapers: Vec<_> = calls.iter().filter(|call| call.reaping).collect();
        assert_eq!((reapers.len(), reapers[0].refused), (1, false), "{kernel}");
        assert_eq!(reapers[0].time > Nanos::ZERO, works, "{kernel}");
    }
}

#[test]
fn radeon_of_6_12_succeeds_where_nothing_is_bound() {
    let program = "{ register = 'dev', region = 'buffer' }, { touch = ['heap', 'buffer'] },";
    let run = run(&scenario(&victim("6.12", "driver = 'radeon-6.12'", program, "5s")), None);
    assert_eq!((nonblocking(&run), reaped(&run, "buffer")), ((1, 0), REGION));
}
