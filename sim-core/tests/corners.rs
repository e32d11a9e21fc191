//! Scenarios at the edge of what may be written: each once broke the
//! model or went against the kernel.

use sim_core::engine::Stop;
use sim_core::export::dmesg;
use sim_core::record::{Event, Run};
use sim_core::scenario::{RunOptions, Simulation, parse};

const MACHINE: &str = "schema = 1\ntitle = 't'\nkernel = '6.1'\nhorizon = '30s'\n[machine]\n";

fn run(rest: &str) -> Run {
    run_text(&format!("{MACHINE}{rest}"))
}

fn run_text(text: &str) -> Run {
    let scenario = parse("corner", text, &[]).unwrap_or_else(|errors| panic!("{errors:?}"));
    Simulation::new(&scenario, &RunOptions::default()).expect("starts").run()
}

fn faulted(run: &Run, name: &str) -> u64 {
    let faults = run.trace.iter().filter_map(|record| match record.event {
        Event::Fault { range, pages } if run.cast.ranges[range].name == name => Some(pages),
        _ => None,
    });
    faults.map(u64::from).sum()
}

#[test]
fn page_touched_again_is_no_new_page() {
    let run =
        run("ram = '64MiB'\ncpus = 2\n[[task]]\nname = 'a'\nprogram = [{ mmap = 'a', size = \
        '1MiB' }, { thread = 't' }, { touch = 'a' }, { touch = 'a' }]\n[[task.thread]]\nname = \
        't'\nprogram = [{ touch = 'a' }]\n");
    assert_eq!(run.stop, Stop::Idle);
    assert_eq!(faulted(&run, "a"), 256);
}

#[test]
fn reclaim_takes_from_the_zone_that_requests_come_to() {
    let run =
        run("[[machine.zone]]\nname = 'DMA'\nmanaged = 4000\nfree = 100\nmin = 32\nreserve = \
        3000\npage_cache = 3000\n[[machine.zone]]\nname = 'Normal'\nmanaged = 10000\nfree = \
        2000\nmin = 100\npage_cache = 3000\n[[task]]\nname = 'hog'\nprogram = [{ mmap = 'a', size \
        = '16MiB' }, { touch = 'a' }, { idle = true }]\n");
    assert_eq!(faulted(&run, "a"), 4096, "Normal's page cache was enough");
    let dma_grew = run.trace.iter().any(
        |record| matches!(record.event, Event::ZoneFree { zone, free } if zone.0 == 0 && free > 100),
    );
    assert!(!dma_grew, "pages behind DMA's reserve help nobody");
    let killed = run.trace.iter().any(|record| matches!(record.event, Event::MarkVictim { .. }));
    assert!(!killed);
}

#[test]
fn process_that_waits_for_a_dead_one_never_starts() {
    let run =
        run("ram = '64MiB'\n[[task]]\nname = 'a'\nprogram = [{ mmap = 'a', size = '100MiB' }, \
        { touch = 'a' }, { ready = true }]\n[[task]]\nname = 'b'\nstart = { after = 'a' \
        }\nprogram = [{ mmap = 'b', size = '1MiB' }, { touch = 'b' }]\n");
    assert_eq!(run.stop, Stop::Idle);
    assert_eq!(faulted(&run, "b"), 0);
    let b = run.cast.tasks.iter().find(|(_, task)| task.name == "b").expect("cast").0;
    let exited = |record: sim_core::record::Record| {
        record.task == b && matches!(record.event, Event::Exited {})
    };
    assert!(run.trace.iter().any(exited), "it does not wait for ever");
}

#[test]
fn task_killed_before_its_first_step_takes_none() {
    let run = run(
        "cpus = 1\n[[machine.zone]]\nname = 'Normal'\nmanaged = 2000\nfree = 1200\nmin = \
        50\nlow = 60\nhigh = 70\n[[task]]\nname = 'bg'\noom_score_adj = -1000\npreset = \
        'none'\nprogram = [{ mmap = 'a', size = '4444KiB' }, { touch = 'a' }, { ready = true }, { \
        idle = true }]\n[[task]]\nname = 'late'\nstart = { after = 'bg', delay = '100ms' \
        }\noom_score_adj = 1000\nprogram = [{ thread = 't' }, { idle = true }]\n[[task.thread]]\nname \
        = 't'\nprogram = [{ idle = true }]\n",
    );
    assert!(run.cast.tasks.iter().all(|(_, task)| task.name != "late/t"));
}

#[test]
fn loop_that_costs_nothing_is_stopped() {
    let run = run(
        "ram = '64MiB'\n[machine.cost]\nreclaim_pass = '0s'\nlock_op = '0s'\nselect_per_task = \
        '0s'\noom_report = '0s'\n[[task]]\nname = 'stuck'\nprogram = [{ mmap = 'a', size = \
        '40MiB' }, { touch = 'a' }, { thread = 's' }, { ready = true }, { idle = true \
        }]\n[[task.thread]]\nname = 's'\nprogram = [{ stuck = '5s' }]\n[[task]]\nname = \
        'eater'\nstart = { after = 'stuck', delay = '1s' }\nprogram = [{ mmap = 'b', size = \
        '30MiB' }, { touch = 'b' }, { idle = true }]\n",
    );
    assert!(matches!(run.stop, Stop::NoProgress(_)), "{:?}", run.stop);
}

#[test]
fn lock_kept_until_the_end_does_not_tell_a_fault_that_its_pages_are_gone() {
    // The device's fault finds pages between a start and its end. Only a count of invalidations
    // would make it wait or look again; without one the driver is at fault, not the model.
    let stale = |refuse: &str, start: &str, end: &str| {
        let run = run(&format!(
            "ram = '64MiB'\ncpus = 2\ncost.zap_page = '71us'\n[[driver]]\nname = 'mine'\napi = \
             'hlist'\nrefuse = '{refuse}'\nstart = [{start}]\nend = [{end}]\n[[lock]]\nname = 'kept'\nkind = 'mutex'\n[[device]]\nname \
             = 'dev'\ndriver = 'mine'\nfence = '100ms'\n[[task]]\nname = 'a'\npreset = \
             'none'\nprogram = [{{ mmap = 'a', size = '4MiB' }}, {{ register = 'dev', region = 'a' \
             }}, {{ touch = 'a' }}, {{ thread = 't' }}, {{ pause = '100us' }}, {{ submit = 'dev', region = 'a', every = \
             '1us', count = 1 }}, {{ pause = '300ms' }}]\n[[task.thread]]\nname = 't'\nprogram = \
             [{{ madvise = 'a' }}]\n"
        ));
        assert_eq!(run.stop, Stop::Idle);
        run.trace.iter().any(|record| matches!(record.event, Event::StaleAccess { .. }))
    };
    let counts = ("{ invalidation = 'begin' }", "{ invalidation = 'end' }");
    assert!(stale("if-needed", "{ lock = 'kept' }", "{ unlock = 'kept' }"));
    assert!(!stale("if-needed", counts.0, counts.1));
    assert!(stale("when-mapped", counts.0, counts.1), "it counts nothing where it maps nothing");
}

/// The key comes with an interrupt, which can't wait for `oom_lock`.
#[test]
fn sysrq_kills_from_a_worker() {
    let hog = "[[task]]\nname = 'hog'\nprogram = [{ mmap = 'a', size = '8MiB' }, { touch = 'a' }, \
               { idle = true }]\n[[inject]]\nat = '1s'\nsysrq_f = true\n";
    let run = run(&format!("ram = '64MiB'\ncpus = 1\n{hog}"));
    let asks = "kworker/0:1 invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=-1";
    let log = dmesg(&run);
    assert!(log.contains(asks) && log.contains("Killed process 100 (hog)"), "{log}");
    let key = run.trace.iter().find(|it| matches!(it.event, Event::Injection { .. }));
    let kill = run.trace.iter().find(|it| matches!(it.event, Event::OomKillProcess { .. }));
    assert_ne!(key.expect("it is pressed").task, kill.expect("it kills").task);
}

/// The line of the key, and what it says where all are protected.
#[test]
fn sysrq_says_what_it_does_in_each_version_s_words() {
    for (kernel, key, nobody) in [
        ("4.9", "sysrq: SysRq : Manual OOM execution", "because killer is disabled"),
        ("4.19", "sysrq: SysRq : Manual OOM execution", "No task eligible"),
        ("6.1", "sysrq: Manual OOM execution", "No task eligible"),
    ] {
        let log = dmesg(&run_text(&format!(
            "schema = 1\ntitle = 't'\nkernel = '{kernel}'\nhorizon = '3s'\n[machine]\nram = \
             '64MiB'\n[[task]]\nname = 'hog'\noom_score_adj = -1000\nprogram = [{{ idle = true \
             }}]\n[[inject]]\nat = '1s'\nsysrq_f = true\n"
        )));
        let at = |with: &str| log.lines().position(|line| line.contains(with));
        assert!(at(key).is_some_and(|key| at(nobody) > Some(key)), "{log}");
        assert!(log.contains("sysrq: OOM request ignored"), "{log}");
        // Up to 4.17 the report comes before a panic alone.
        let order = log.contains("invoked oom-killer: gfp_mask=") && log.contains(", order=-1,");
        assert_eq!(order, kernel != "4.9", "{log}");
    }
}

/// Up to 4.17 there is a report before a panic, and before nothing else that finds nobody.
#[test]
fn panic_is_reported_in_every_version() {
    let text = |kernel: &str| {
        format!(
            "schema = 1\ntitle = 't'\nkernel = '{kernel}'\nhorizon = '30s'\n[machine]\nram = \
             '64MiB'\n[[task]]\nname = 'hog'\noom_score_adj = -1000\nprogram = [{{ mmap = 'a', \
             size = '96MiB' }}, {{ touch = 'a' }}]\n"
        )
    };
    for kernel in ["4.6", "4.16", "4.19", "6.1"] {
        let log = dmesg(&run_text(&text(kernel)));
        let line = |with: &str| log.lines().position(|line| line.contains(with));
        let report = line("hog invoked oom-killer: ").expect("a report");
        let zones = line("Node 0 ").expect("with its zones");
        let panic = line("Kernel panic - not syncing: ").expect("a panic");
        assert!(report < zones && zones < panic, "{kernel}: {log}");
        assert_eq!(log.matches("invoked oom-killer").count(), 1, "{kernel}: {log}");
    }
}

#[test]
fn pages_shared_since_a_fork_are_nobodys_while_they_are_freed() {
    // Somebody else is chosen, and pages are counted, while the reaper frees some of them.
    let text = MACHINE.replace("6.1", "5.4");
    let run = run_text(&format!(
        "{text}ram = '64MiB'\ncpus = 2\n\
        [[task]]\nname = 'parent'\nprogram = [{{ mmap = 'a', size = '20MiB' }}, {{ touch = 'a' }}, \
        {{ fork = 'child' }}, {{ pause = '1s' }}, {{ idle = true }}]\n\
        [[task]]\nname = 'child'\nparent = 'parent'\n\
        program = [{{ touch = 'a' }}, {{ ready = true }}, {{ idle = true }}]\n\
        [[task]]\nname = 'driver'\nstart = {{ after = 'child' }}\nprogram = [{{ ioctl = \
        [{{ alloc = 'GFP_KERNEL', order = 3, count = 3000, hold = true }}] }}, {{ exit = true }}]\n"
    ));
    assert!(run.findings.broken.is_none(), "{:?}", run.findings.broken);
}
