//! The worked examples of kernel-spec 6.3, in both eras, and rules that no
//! recording shows.

use super::{Report, read, run};
use sim_core::analysis::report;
use sim_core::export::dmesg;
use sim_core::record::{Event, Reason, Record};
use sim_core::scenario::gallery::find;

/// A process whose callback takes `L` once, in a call that may sleep, and
/// that then does `then`.
pub(crate) fn after_a_callback(kernel: &str, device: &str, then: &str) -> String {
    format!(
        "schema = 1
title = 't'
kernel = '{kernel}'
horizon = '5s'
[machine]
ram = '256MiB'
cpus = 1
[[lock]]
name = 'L'
kind = 'mutex'
[[lock]]
name = 'M'
kind = 'rwsem'
[[lock]]
name = 'N1'
kind = 'mutex'
class = 'node'
[[lock]]
name = 'N2'
kind = 'mutex'
class = 'node'
[[lock]]
name = 'S'
kind = 'spinlock'
[[device]]
name = 'dev'
{device}
[[task]]
name = 'task'
program = [
  {{ mmap = 'a', size = '1MiB' }},
  {{ touch = 'a' }},
  {{ register = 'dev', region = 'a' }},
  {{ madvise = 'a' }},
  {then}
]
"
    )
}

pub(crate) const HLIST: &str = "driver = 'trylock'\napi = 'hlist'\nlock = 'L'";
const INTERVAL: &str = "driver = 'trylock'\napi = 'interval'\nlock = 'L'";

pub(crate) fn over(gfp: &str) -> String {
    format!("{{ ioctl = [{{ lock = 'L' }}, {{ alloc = '{gfp}' }}, {{ unlock = 'L' }}] }},")
}

/// The chain of lockdep's report, if there is one.
fn chain(kernel: &str, device: &str, then: &str, checks: &[&str]) -> Option<Vec<String>> {
    let text = after_a_callback(kernel, device, then);
    let reports = read(&dmesg(&run("t", &text, checks)));
    reports.into_iter().find_map(|report| match report {
        Report::Circular { chain, .. } => Some(chain.into_iter().map(|(class, _)| class).collect()),
        _ => None,
    })
}

pub(crate) fn lockdep(kernel: &str, device: &str, then: &str) -> Option<Vec<String>> {
    chain(kernel, device, then, &["lockdep"])
}

pub(crate) fn classes(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

pub(crate) const MN: &str = "mmu_notifier_invalidate_range_start";

#[test]
fn kernel_allocation_is_found_from_5_4_on() {
    let cycle = Some(classes(&["fs_reclaim", MN, "L"]));
    for kernel in ["5.4", "5.6", "5.12", "6.1", "6.12", "7.1"] {
        assert_eq!(lockdep(kernel, HLIST, &over("GFP_KERNEL")), cycle, "{kernel}");
    }
    for kernel in ["4.6", "4.14", "4.19", "5.3"] {
        assert_eq!(lockdep(kernel, HLIST, &over("GFP_KERNEL")), None, "{kernel}");
    }
    assert_eq!(lockdep("5.6", INTERVAL, &over("GFP_KERNEL")), cycle);
}

#[test]
fn nofs_is_found_from_5_11_on() {
    for gfp in ["GFP_NOFS", "GFP_NOIO"] {
        for kernel in ["5.4", "5.6"] {
            assert_eq!(lockdep(kernel, HLIST, &over(gfp)), None, "{kernel} {gfp}");
        }
        for kernel in ["5.12", "6.1"] {
            assert_eq!(
                lockdep(kernel, HLIST, &over(gfp)),
                Some(classes(&[MN, "L"])),
                "{kernel} {gfp}"
            );
        }
    }
}

#[test]
fn flags_and_scopes_count_as_reclaim_sees_them() {
    let nofs = Some(classes(&[MN, "L"]));
    let full = Some(classes(&["fs_reclaim", MN, "L"]));
    for (gfp, expected) in [
        ("GFP_KERNEL|__GFP_NORETRY", &full),
        ("GFP_KERNEL|__GFP_NOFAIL", &full),
        ("GFP_KERNEL|__GFP_RETRY_MAYFAIL", &full),
        ("GFP_NOWAIT", &None),
        ("GFP_ATOMIC", &None),
    ] {
        assert_eq!(lockdep("6.1", HLIST, &over(gfp)), *expected, "{gfp}");
    }
    for (scope, expected) in [("nofs", &nofs), ("noio", &nofs), ("memalloc", &None)] {
        let then = format!(
            "{{ ioctl = [{{ lock = 'L' }}, {{ memalloc = '{scope}', program = [{{ alloc = 'GFP_KERNEL' }}] }}, \
             {{ unlock = 'L' }}] }},"
        );
        assert_eq!(lockdep("6.1", HLIST, &then), *expected, "{scope}");
    }
}

#[test]
fn page_fault_under_nothing_is_silent_and_mmap_lock_comes_first() {
    assert_eq!(lockdep("6.1", HLIST, "{ touch = 'a' },"), None);
    // Under L: fine, until somebody unmaps, which calls the notifier under mmap_lock.
    let then = "{ ioctl = [{ lock = 'L' }, { mmap_lock = 'read' }, { mmap_unlock = true }, \
        { unlock = 'L' }] },";
    assert_eq!(lockdep("6.1", HLIST, then), Some(classes(&["&mm->mmap_lock", MN, "L"])));
}

#[test]
fn readers_of_a_semaphore_close_cycles_too() {
    let then = "{ ioctl = [{ lock = 'L' }, { lock = 'M', mode = 'read' }, { unlock = 'M' }, \
        { unlock = 'L' }] },
        { ioctl = [{ lock = 'M', mode = 'read' }, { lock = 'L' }, { unlock = 'L' }, { unlock = 'M' }] },";
    assert_eq!(lockdep("6.1", HLIST, then), Some(classes(&["L", "M"])));
}

#[test]
fn trylock_makes_no_edge_but_what_comes_under_it_does() {
    let tried = "{ ioctl = [{ trylock = 'L', program = [] }] },";
    assert_eq!(lockdep("6.1", HLIST, tried), None);
    // L under M is tried, M under L is waited for: no cycle.
    let then = "{ ioctl = [{ lock = 'M' }, { trylock = 'L', program = [] }, { unlock = 'M' }] },
        { ioctl = [{ lock = 'L' }, { lock = 'M' }, { unlock = 'M' }, { unlock = 'L' }] },";
    assert_eq!(lockdep("6.1", HLIST, then), None);
    let then = "{ ioctl = [{ trylock = 'L', program = [{ alloc = 'GFP_KERNEL' }] }] },";
    assert_eq!(lockdep("6.1", HLIST, then), Some(classes(&["fs_reclaim", MN, "L"])));
}

#[test]
fn edges_reach_back_over_trylocks() {
    // M, then L tried, then the allocation: edges from both, since L was only tried.
    let then = "{ ioctl = [{ lock = 'L' }, { lock = 'M' }, { unlock = 'M' }, { unlock = 'L' }] },
        { ioctl = [{ lock = 'M' }, { trylock = 'N1', program = [{ alloc = 'GFP_KERNEL' }] }, { unlock = 'M' }] },";
    assert_eq!(lockdep("6.1", HLIST, then), Some(classes(&["fs_reclaim", MN, "L", "M"])));
}

#[test]
fn two_locks_of_one_class_are_recursive() {
    let then =
        "{ ioctl = [{ lock = 'N1' }, { lock = 'N2' }, { unlock = 'N2' }, { unlock = 'N1' }] },";
    let text = after_a_callback("6.1", HLIST, then);
    let expected = Report::Recursive { task: "task".to_owned(), class: "node".to_owned() };
    assert_eq!(read(&dmesg(&run("t", &text, &["lockdep"]))), [expected]);
    let tried =
        "{ ioctl = [{ lock = 'N1' }, { trylock = 'N2', program = [] }, { unlock = 'N1' }] },";
    let text = after_a_callback("6.1", HLIST, tried);
    assert_eq!(read(&dmesg(&run("t", &text, &["lockdep"]))), []);
}

/// `print_deadlock_bug()` is not reached through `check_noncircular()`, and
/// `print_unlock_imbalance_bug()` names the caller, on a line of its own (`print_ip_sym()`).
#[test]
fn recursion_and_bad_releases_are_laid_out_as_their_functions_do() {
    let log = |then: &str| dmesg(&run("t", &after_a_callback("6.1", HLIST, then), &["lockdep"]));
    let lines = |log: &str| -> Vec<String> {
        log.lines()
            .map(|line| line.split_once("] ").map_or(line, |(_, text)| text).to_owned())
            .collect()
    };
    let twice = lines(&log(
        "{ ioctl = [{ lock = 'N1' }, { lock = 'N2' }, { unlock = 'N2' }, { unlock = 'N1' }] },",
    ));
    let by = twice.iter().position(|line| line == " print_deadlock_bug").expect("it printed");
    assert_eq!(twice[by + 1], " __lock_acquire");
    // It lets go at the end of a call that it refused: since 5.12 that is called, too.
    let text = find("gpu-fence-overlap").expect("in the gallery").text;
    let text = text.replace("\"gpu-fence\"\napi = \"interval\"", "\"umem-odp-5.4\"");
    let bad = lines(&dmesg(&run("bad", &text, &["lockdep"])));
    let at = bad.iter().position(|line| line.contains("&umem_odp_5.4->lock) at:"));
    let at = at.expect("it was reported");
    assert!(bad[at + 1].starts_with("[<ffffffff81"), "{}", bad[at + 1]);
    assert_eq!(bad[at + 2], "but there are no more locks to release!");
}

/// A process unregisters under the lock that the callback takes: whoever is in the callback
/// wants it, and is waited for. Since 6.4 `synchronize_srcu()` says so; the words are those of a
/// public report of 6.5 (amd-gfx, January 2024).
#[test]
fn waiting_for_callers_under_the_lock_of_a_callback_is_found_since_6_4() {
    let under = "{ ioctl = [{ lock = 'L' }, { unregister = 'dev' }, { unlock = 'L' }] },";
    for kernel in ["5.4", "5.12", "6.1"] {
        assert_eq!(lockdep(kernel, HLIST, under), None, "{kernel}");
    }
    for kernel in ["6.12", "7.1"] {
        assert_eq!(lockdep(kernel, HLIST, under), Some(classes(&["srcu", "L"])), "{kernel}");
    }
    // An interval's callers are no readers of SRCU; its own wait is annotated since 5.5.
    assert_eq!(lockdep("6.12", INTERVAL, under), Some(classes(&[MN, "L"])));
    let log = dmesg(&run("t", &after_a_callback("6.12", HLIST, under), &["lockdep"]));
    for line in [
        " (srcu){.+.+}-{0:0}, at: __synchronize_srcu",
        "-> #0 (srcu){.+.+}-{0:0}:",
        "       lock_sync",
        "  lock(L);",
        "  sync(srcu);",
    ] {
        assert!(log.contains(line), "{line}\n{log}");
    }
    // After it was let go there is nothing to say.
    let after = "{ ioctl = [{ lock = 'L' }, { unlock = 'L' }, { unregister = 'dev' }] },";
    assert_eq!(lockdep("6.12", HLIST, after), None);
}

/// Readers of SRCU wait for nobody who reads: no way leads through them.
#[test]
fn readers_of_srcu_close_no_cycle_by_themselves() {
    let device = "driver = 'mine'";
    let text = |kernel: &str, release: &str| {
        let text = after_a_callback(
            kernel,
            device,
            "{ unregister = 'dev' }, { register = 'dev', region = 'a' }, { madvise = 'a' },",
        );
        text.replace(
            "[[device]]",
            &format!("[[driver]]\nname = 'mine'\napi = 'hlist'\nstart = [{{ work = '1us' }}]\nrelease = [{release}]\n[[device]]"),
        )
    };
    for kernel in ["6.1", "6.12"] {
        // srcu -> fs_reclaim -> MN, and MN -> srcu: each time a reader.
        let text = text(kernel, "{ alloc = 'GFP_KERNEL' }");
        assert_eq!(read(&dmesg(&run("t", &text, &["lockdep"]))), [], "{kernel}");
    }
}

#[test]
fn lockdep_says_one_thing_and_is_off() {
    let then = format!("{}{}", over("GFP_KERNEL"), over("GFP_NOFS"));
    let run = run("t", &after_a_callback("6.1", HLIST, &then), &["lockdep"]);
    let report = report(&run);
    assert_eq!(report.metrics.lockdep_reports, 1);
    assert!(report.flags.contains(&"lockdep"));
    let splats = report.incidents.iter().filter(|incident| incident.kind == "splat");
    let chains: Vec<Vec<_>> = splats
        .map(|splat| splat.chain.iter().map(|link| link.waits_on.clone()).collect())
        .collect();
    assert_eq!(chains, [["fs_reclaim", MN, "L"]]);
}

#[test]
fn nobody_sleeps_under_a_spinlock() {
    let then = "{ ioctl = [{ lock = 'S' }, { alloc = 'GFP_KERNEL' }, { unlock = 'S' }] },";
    let reports = read(&dmesg(&run("t", &after_a_callback("6.1", HLIST, then), &["non-block"])));
    assert!(matches!(&reports[..], [Report::Sleeping { non_block: 0, .. }]), "{reports:?}");
    let then = "{ ioctl = [{ lock = 'S' }, { alloc = 'GFP_ATOMIC' }, { unlock = 'S' }] },";
    assert_eq!(read(&dmesg(&run("t", &after_a_callback("6.1", HLIST, then), &["non-block"]))), []);
}

/// D3: the callback waits for a fence, whose worker allocates.
#[test]
fn annotated_fences_show_what_lockdep_is_blind_to() {
    let device = |alloc: &str| {
        format!(
            "driver = 'gpu-fence'\napi = 'interval'\nfence = '20ms'\nworker = {{ lock = 'M'{alloc} }}"
        )
    };
    let then = "{ submit = 'dev', region = 'a', every = '1ms', count = 1 }, { madvise = 'a' },
        { pause = '100ms' },";
    let allocates = device(", alloc = 'GFP_KERNEL'");
    assert_eq!(chain("6.12", &allocates, then, &["lockdep"]), None);
    let found = chain("6.12", &allocates, then, &["fence-annotations"]).expect("a report");
    let cycle = ["fs_reclaim", MN, "dma_fence_map", "M"];
    assert_eq!(found, cycle);
    // Only a request that never reclaims is allowed there.
    for gfp in ["GFP_NOFS", "GFP_NOIO"] {
        let device = device(&format!(", alloc = '{gfp}'"));
        assert!(chain("6.12", &device, then, &["fence-annotations"]).is_some(), "{gfp}");
    }
    for fine in [device(", alloc = 'GFP_ATOMIC'"), device("")] {
        assert_eq!(chain("6.12", &fine, then, &["fence-annotations"]), None);
    }
}

/// The same through a workqueue, whose map is taken by who flushes it and by its works; a bare
/// completion has none.
#[test]
fn work_that_a_callback_flushes_must_not_allocate() {
    let found = |kernel: &str, start: &str, worker: &str| {
        let device = format!(
            "driver = 'mine'
[[driver]]
name = 'mine'
api = 'hlist'
start = [{start}]
worker = {{ {worker}, signals = false }}"
        );
        lockdep(kernel, &device, "{ pause = '100ms' },")
    };
    let (flush, kernel) = ("{ flush = true }", "alloc = 'GFP_KERNEL'");
    let (queue, work) = ("(wq_completion)mine", "(work_completion)(&mine->work)");
    let cycle = Some(classes(&["fs_reclaim", MN, queue, work]));
    for version in ["5.4", "5.6", "6.1", "7.1"] {
        assert_eq!(found(version, flush, kernel), cycle, "{version}");
    }
    let nofs = Some(classes(&[MN, queue, work]));
    assert_eq!(found("6.1", flush, "alloc = 'GFP_NOFS'"), nofs);
    assert_eq!(found("5.6", flush, "alloc = 'GFP_NOFS'"), None);
    assert_eq!(found("6.1", flush, "alloc = 'GFP_ATOMIC'"), None);
    assert_eq!(found("6.1", "{ flush = true, how = 'completion' }", kernel), None);
    assert_eq!(found("6.1", "{ queue = true }", kernel), None);
}

/// A fence whose signal needs the lock under which it is waited for: no allocation is in that.
#[test]
fn annotated_fences_show_a_lock_held_over_the_wait() {
    let device = "driver = 'gpu-fence'\napi = 'interval'\nlock = 'L'\nfence = '20ms'\nworker = { lock = 'L' }";
    let job = "{ submit = 'dev', region = 'a', every = '1ms', count = 1 },";
    let then = format!("{job} {{ pause = '50ms' }}, {job} {{ madvise = 'a' }},");
    assert_eq!(chain("6.12", device, &then, &["lockdep"]), None);
    let found = chain("6.12", device, &then, &["fence-annotations"]);
    assert_eq!(found, Some(classes(&["dma_fence_map", "L"])));
}

/// A worker may wait for strangers' fences on the way to its own signal: the map is let go
/// of for that wait, as `__dma_fence_might_wait()` has it.
#[test]
fn wait_on_the_way_to_a_signal_is_no_report_by_itself() {
    let devices = "driver = 'gpu-fence'\nfence = '1ms'\nworker = { fences = ['other'] }
[[device]]\nname = 'other'\ndriver = 'gpu-fence'\nfence = '20ms'";
    let then = "{ register = 'other', region = 'a' },
        { submit = 'other', region = 'a', every = '1ms', count = 1 },
        { submit = 'dev', region = 'a', every = '1ms', count = 1 }, { pause = '100ms' },";
    let run = run("t", &after_a_callback("6.12", devices, then), &["fence-annotations"]);
    let waits = |record: &&Record| {
        let why = Reason::Fence as u8;
        matches!(record.event, Event::Blocked { why: of, .. } if of == why)
    };
    assert!(run.trace.iter().filter(|record| waits(&record)).count() > 0, "it has to wait");
    assert_eq!(read(&dmesg(&run)), []);
}

/// A debug kernel is slower than a production kernel, and the more so
/// before its lockdep has turned itself off; what is asked for does not matter.
#[test]
fn lock_debugging_costs_the_machine_time() {
    let machine = |op_cost: &str, gfp: &str| {
        let then = format!(
            "{{ ioctl = [{{ lock = 'L' }}, {{ alloc = '{gfp}' }}, {{ unlock = 'L' }}] }},
             {{ ioctl = [{{ repeat = 1000, program = [{{ lock = 'M' }}, {{ alloc = 'GFP_KERNEL' }}, \
             {{ unlock = 'M' }}] }}] }},"
        );
        let text = after_a_callback("6.1", HLIST, &then);
        text.replace("cpus = 1", &format!("cpus = 1\nlock_op_cost = {op_cost}"))
    };
    let end = |op_cost: &str, gfp: &str, checks: &[&str]| {
        let run = run("t", &machine(op_cost, gfp), checks);
        let exits = |record: &Record| matches!(record.event, Event::ProcessExit { .. });
        let exit = run.trace.iter().find(exits).expect("it ends");
        (exit.at.0, run.digest)
    };
    let production = end("'0s'", "GFP_ATOMIC", &[]);
    let debug = end("'1us'", "GFP_ATOMIC", &[]);
    let reported = end("'1us'", "GFP_KERNEL", &[]);
    // Per round: two operations on a rw-semaphore and an allocation that may sleep, as recorded.
    let round = 2 * 507 + 1747;
    let expected = 1000 * round * 1000 / 553;
    let more = debug.0 - production.0;
    assert!(more.abs_diff(expected) < expected / 20, "{more} instead of {expected}");
    let expected = 1000 * (2 * 114 + 378) * 1000 / 553;
    let more = reported.0 - production.0;
    assert!(more.abs_diff(expected) < expected / 10, "{more} instead of {expected}");
    for checks in [&["lockdep"][..], &["fence-annotations", "non-block"]] {
        assert_eq!(end("'1us'", "GFP_KERNEL", checks), reported);
        assert_eq!(end("'0s'", "GFP_ATOMIC", checks), production);
    }
    // 27 times a mutex that costs 50 ns.
    assert_eq!(end("'recorded'", "GFP_ATOMIC", &[]), end("'1316ns'", "GFP_ATOMIC", &[]));
}

/// Reclaim takes `L` in a callback, and `L` is held over an allocation later: whoever reclaims holds
/// `fs_reclaim`, but not up to 4.17.
#[test]
fn reclaim_of_4_14_and_4_16_is_not_seen_to_hold_fs_reclaim() {
    let pressure = "{ mmap = 'b', size = '300MiB' }, { touch = 'b' }, { munmap = 'b' },";
    let then = format!("{pressure} {}", over("GFP_KERNEL"));
    let found = |kernel: &str| {
        let text = after_a_callback(kernel, HLIST, &then)
            .replace("{ madvise = 'a' },", "")
            .replace("ram = '256MiB'", "ram = '256MiB'\nswap = { size = '256MiB' }")
            .replace("'5s'", "'60s'");
        let run = run("t", &text, &["lockdep"]);
        let reader = run.cast.tasks.iter().find(|(_, task)| task.name == "task").expect("a task").0;
        let called = run
            .trace
            .iter()
            .any(|record| record.task != reader && matches!(record.event, Event::MnCall { .. }));
        assert!(called, "{kernel}: kswapd reclaims");
        let circles = read(&dmesg(&run)).into_iter();
        circles.filter(|report| matches!(report, Report::Circular { .. })).count()
    };
    for (kernel, circles) in [("4.14", 0), ("4.16", 0), ("4.19", 1), ("5.3", 1)] {
        assert_eq!(found(kernel), circles, "{kernel}");
    }
}
