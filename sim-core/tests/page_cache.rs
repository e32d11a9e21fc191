//! Page cache: who pays for it, what protects it, when it is written, and
//! who waits for that; each in the smallest scenario that shows it.

use sim_core::base::{Nanos, TaskId};
use sim_core::record::{Event, Reason, Run};
use sim_core::scenario::{RunOptions, Simulation, parse};

fn run(kernel: &str, rest: &str) -> Run {
    let text = format!("schema = 1\ntitle = 't'\nkernel = '{kernel}'\nhorizon = '60s'\n{rest}");
    let scenario = parse("test", &text, &[]).unwrap_or_else(|errors| panic!("{errors:#?}\n{text}"));
    let run = Simulation::new(&scenario, &RunOptions::default()).expect("starts").run();
    assert!(run.findings.broken.is_none(), "{:?}", run.findings.broken);
    run
}

fn task(run: &Run, name: &str) -> TaskId {
    run.cast.tasks.iter().find(|(_, task)| task.name == name).expect("in the cast").0
}

/// How often a task had to wait for this, and for how long in all.
fn waits(run: &Run, name: &str, reason: Reason) -> (usize, Nanos) {
    let task = task(run, name);
    let (mut count, mut total, mut since) = (0, 0, None);
    for record in run.trace.iter().filter(|record| record.task == task) {
        match record.event {
            Event::Blocked { why, .. } if why == reason as u8 => {
                count += 1;
                since = Some(record.at);
            }
            Event::Woken { .. } => {
                total += since.take().map_or(0, |since| (record.at - since).0);
            }
            _ => {}
        }
    }
    (count, Nanos(total))
}

fn killed(run: &Run) -> Vec<&str> {
    let victims = run.trace.iter().filter_map(|record| match record.event {
        Event::KilledProcess { victim, .. } => Some(run.cast.tasks[victim].name.as_str()),
        _ => None,
    });
    victims.collect()
}

/// Dirty pages, with those being written, over time: seconds and pages.
fn dirty(run: &Run) -> Vec<(u64, u32)> {
    let dirty = run.trace.iter().filter_map(|record| match record.event {
        Event::PageCache { dirty, .. } => Some((record.at.0 / 1_000_000_000, dirty)),
        _ => None,
    });
    dirty.collect()
}

const MACHINE: &str = "[machine]\ncpus = 2\n[machine.cost]\nreclaim_pass = '100us'\n\
    [[machine.zone]]\nname = 'Normal'\nmanaged = 20000\nfree = 16000\nmin = 100\n";

#[test]
fn reader_pays_for_page_cache_and_stays_within_its_limit() {
    for (limit, kernel) in [("4MiB", "6.1"), ("4MiB", "4.14")] {
        let run = run(
            kernel,
            &format!(
                "{MACHINE}[[cgroup]]\nname = 'c'\nlimit = '{limit}'\n[[task]]\nname = 'a'\ncgroup = \
                 'c'\npreset = 'none'\nprogram = [{{ mmap = 'f', size = '16MiB', kind = \
                 'private-file' }}, {{ read = 'f' }}, {{ idle = true }}]\n"
            ),
        );
        let usage = run.trace.iter().filter_map(|record| match record.event {
            Event::MemcgUsage { pages, .. } => Some(pages),
            _ => None,
        });
        assert_eq!(usage.max(), Some(1024), "{kernel}: it fills its limit");
        let mapped: u32 = run
            .trace
            .iter()
            .map(|record| if let Event::Fault { pages, .. } = record.event { pages } else { 0 })
            .sum();
        assert_eq!(mapped, 4096, "{kernel}: and reads all of the file");
        assert!(killed(&run).is_empty(), "{kernel}");
    }
}

/// Two groups: `a` has read 6 MiB and reads them again after `b` read 80 MiB; how often `a` read.
fn reads(kernel: &str, protection: &str) -> usize {
    let run = run(
        kernel,
        &format!(
            "{MACHINE}[[cgroup]]\nname = 'a'\n{protection}\n[[cgroup]]\nname = 'b'\n\
             [[task]]\nname = 'a'\ncgroup = 'a'\npreset = 'none'\nprogram = [{{ mmap = 'f', size = \
             '6MiB', kind = 'private-file' }}, {{ read = 'f' }}, {{ madvise = 'f' }}, {{ pause = \
             '20s' }}, {{ read = 'f' }}]\n[[task]]\nname = 'b'\nstart = '1s'\ncgroup = 'b'\npreset = \
             'none'\nprogram = [{{ mmap = 'g', size = '80MiB', kind = 'private-file' }}, {{ read = \
             'g' }}, {{ idle = true }}]\n"
        ),
    );
    assert!(killed(&run).is_empty(), "{protection}");
    waits(&run, "a", Reason::DiskRead).0
}

#[test]
fn low_and_min_keep_page_cache_from_others() {
    let once = 6 * 256 / 32;
    assert!(reads("6.1", "") > once + once / 2, "unprotected, most of it is gone");
    assert_eq!(reads("6.1", "low = '8MiB'"), once);
    assert_eq!(reads("6.1", "min = '8MiB'"), once);
    assert_eq!(reads("4.14", "low = '8MiB'"), once);
    assert!(reads("4.14", "min = '8MiB'") > once, "there is no memory.min yet");
}

#[test]
fn low_gives_way_before_anybody_is_killed_and_min_does_not() {
    for (protection, victims) in [("low", vec![]), ("min", vec!["hog"])] {
        let run = run(
            "6.1",
            &format!(
                "{MACHINE}[[cgroup]]\nname = 'a'\n{protection} = '32MiB'\n[[task]]\nname = 'a'\ncgroup \
                 = 'a'\npreset = 'none'\nprogram = [{{ mmap = 'f', size = '24MiB', kind = \
                 'private-file' }}, {{ read = 'f' }}, {{ madvise = 'f' }}, {{ idle = true \
                 }}]\n[[task]]\nname = 'hog'\nstart = '1s'\npreset = 'none'\nprogram = [{{ mmap = \
                 'm', size = '50MiB' }}, {{ touch = 'm' }}, {{ idle = true }}]\n"
            ),
        );
        assert_eq!(killed(&run), victims, "{protection}");
    }
}

fn writer(machine: &str) -> Run {
    run(
        "6.1",
        &format!(
            "[machine]\n{machine}\n[machine.disk]\nbandwidth = '8MiB/s'\n[[machine.zone]]\nname = \
             'Normal'\nmanaged = 20000\nfree = 16000\nmin = 100\n[[task]]\nname = 'w'\npreset = \
             'none'\nprogram = [{{ mmap = 'f', size = '30MiB', kind = 'shared-file' }}, {{ read = 'f' \
             }}, {{ touch = 'f' }}, {{ idle = true }}]\n"
        ),
    )
}

#[test]
fn who_dirties_faster_than_the_disk_writes_waits_for_it() {
    // All that could be dirty: 16,000 free pages but the reserve of 150.
    let run_at = |machine: &str| {
        let run = writer(machine);
        let most = dirty(&run).into_iter().map(|(_, pages)| pages).max().unwrap_or(0);
        let (pauses, time) = waits(&run, "w", Reason::BalanceDirtyPages);
        (most, pauses, time.0 / 1_000_000)
    };
    let (most, pauses, ms) = run_at("");
    assert!((2_400..=3_200).contains(&most), "between background and hard limit: {most}");
    // 4,700 pages too many at 2,048 per second.
    assert!(pauses > 5 && (1_500..4_000).contains(&ms), "{pauses} pauses, {ms} ms");
    let (most, pauses, _) = run_at("dirty_ratio = 100\ndirty_background_ratio = 100");
    assert_eq!((most, pauses), (7_680, 0), "no limit");
    let (most, ..) = run_at("dirty_ratio = 4\ndirty_background_ratio = 2");
    assert!(most <= 700, "{most}");
}

#[test]
fn old_dirty_pages_are_written_when_they_expire() {
    let clean_at = |machine: &str| {
        let run = writer(&format!("dirty_ratio = 100\ndirty_background_ratio = 100\n{machine}"));
        let dirty = dirty(&run);
        let last = dirty.last().copied().unwrap_or_default();
        (last.1 == 0).then_some(last.0)
    };
    // Read and dirtied at 4 s, looked for every 5 s, written in 4 s.
    let at = clean_at("").expect("by the default of 30 s");
    assert!((34..=44).contains(&at), "{at}");
    let at = clean_at("dirty_expire_interval = '1s'\ndirty_writeback_interval = '1s'");
    assert!(at.is_some_and(|at| at <= 14), "{at:?}");
    assert_eq!(clean_at("dirty_writeback_interval = '0s'"), None);
}

#[test]
fn dirty_pages_of_a_cgroup_have_limits_of_their_own() {
    let run = run(
        "6.1",
        "[machine]\n[machine.disk]\nbandwidth = '8MiB/s'\n[[machine.zone]]\nname = \
         'Normal'\nmanaged = 20000\nfree = 16000\nmin = 100\n[[cgroup]]\nname = 'c'\nlimit = \
         '10MiB'\n[[task]]\nname = 'w'\ncgroup = 'c'\npreset = 'none'\nprogram = [{ mmap = 'f', size \
         = '8MiB', kind = 'shared-file' }, { read = 'f' }, { touch = 'f' }, { idle = true }]\n",
    );
    assert!(killed(&run).is_empty());
    let most = dirty(&run).into_iter().map(|(_, pages)| pages).max().unwrap_or(0);
    assert!(most <= 512 + 64, "a fifth of 10 MiB: {most}");
    assert!(waits(&run, "w", Reason::BalanceDirtyPages).0 > 0);
}

#[test]
fn request_for_low_memory_takes_pages_of_low_memory_alone() {
    let run = run(
        "6.1",
        "[machine]\n[machine.swap]\nsize = '64MiB'\n[[machine.zone]]\nname = 'DMA'\nmanaged = \
         1000\nfree = 900\nmin = 16\n[[machine.zone]]\nname = 'Normal'\nmanaged = 9000\nfree = \
         8000\nmin = 40\n[[task]]\nname = 'a'\npreset = 'none'\nprogram = [{ mmap = 'm', size = \
         '34MiB' }, { touch = 'm' }, { pause = '1s' }, { alloc = 'GFP_KERNEL|__GFP_DMA', count = \
         400, hold = true }, { idle = true }]\n",
    );
    assert!(killed(&run).is_empty());
    let free = |name: &str| {
        let zone = run.cast.zones.iter().find(|(_, zone)| zone.name == name).expect("a zone").0;
        let free = run.trace.iter().filter_map(|record| match record.event {
            Event::ZoneFree { zone: of, free } if of == zone => Some((record.at.0, free)),
            _ => None,
        });
        let before = |&(at, _): &(u64, u32)| at < 1_000_000_000;
        let (early, late): (Vec<_>, Vec<_>) = free.partition(before);
        (early.last().map(|&(_, free)| free), late.last().map(|&(_, free)| free))
    };
    let (before, after) = free("Normal");
    assert!(after.is_none() || after == before, "{before:?} {after:?}");
    let held = run.trace.iter().filter_map(|record| match record.event {
        Event::KernelPages { held, .. } => Some(held),
        _ => None,
    });
    assert_eq!(held.last(), Some(400));
}

#[test]
fn frozen_process_dies_when_it_is_thawed_and_at_once_by_the_oom_killer() {
    let exit = |inject: &str| {
        let run = run(
            "6.1",
            &format!(
                "{MACHINE}[[task]]\nname = 'a'\npreset = 'none'\nprogram = [{{ mmap = 'm', size = \
                 '1MiB' }}, {{ touch = 'm' }}, {{ pause = '10s' }}, {{ idle = true }}]\n[[inject]]\nat \
                 = '1s'\nfreeze = 'a'\n[[inject]]\nat = '2s'\n{inject}\n[[inject]]\nat = '20s'\nthaw = \
                 'a'\n"
            ),
        );
        let a = task(&run, "a");
        let mut exits = run
            .trace
            .iter()
            .filter(|record| record.task == a && matches!(record.event, Event::ProcessExit { .. }));
        exits.next().map(|record| record.at.0 / 1_000_000_000)
    };
    assert_eq!(exit("kill = 'a'"), Some(20));
    assert_eq!(exit("sysrq_f = true"), Some(2));
    assert_eq!(exit("suspend = '1ms'"), None, "nobody kills it");
}

#[test]
fn exit_waits_for_reclaim_that_walks_its_memory() {
    // A page at a time, each for a second, of a process that is killed meanwhile.
    let run = run(
        "6.1",
        "[machine]\n[machine.cost]\nrmap_page = '1s'\n[machine.swap]\nsize = \
         '64MiB'\n[[machine.zone]]\nname = 'Normal'\nmanaged = 9000\nfree = 8000\nmin = \
         40\n[[device]]\nname = 'd'\ndriver = 'spin'\napi = 'interval'\n[[task]]\nname = \
         'a'\npreset = 'none'\nprogram = [{ mmap = 'm', size = '8MiB' }, { register = 'd', region = \
         'm' }, { touch = 'm' }, { idle = true }]\n[[task]]\nname = 'hog'\nstart = \
         '500ms'\npreset = 'none'\nprogram = [{ mmap = 'n', size = '40MiB' }, { touch = 'n' }, { \
         idle = true }]\n[[inject]]\nat = '2s'\nkill = 'a'\n",
    );
    let (count, waited) = waits(&run, "a", Reason::AnonVma);
    assert!(count > 0 && waited > Nanos::from_ms(500), "{count} {waited:?}");
}

/// A segment of 30 MiB, and 40 MiB that can't be swapped: together too much. The segment goes
/// to swap, with a notifier told, and comes back when it is read again.
#[test]
fn shared_memory_goes_to_swap_before_anybody_is_killed_and_comes_back() {
    let run_with = |swap: &str| {
        run(
            "6.1",
            &format!(
                "{MACHINE}{swap}[[device]]\nname = 'd'\ndriver = 'spin'\n[[task]]\nname = 'a'\npreset = \
                 'none'\nprogram = [{{ mmap = 's', size = '30MiB', kind = 'shmem' }}, {{ register = 'd', \
                 region = 's' }}, {{ touch = 's' }}, {{ pause = '5s' }}, {{ touch = 's' }}, {{ exit = true \
                 }}]\n[[task]]\nname = 'b'\nstart = '1s'\npreset = 'none'\nprogram = [{{ mmap = 'm', \
                 size = '40MiB' }}, {{ mlock = 'm' }}, {{ pause = '2s' }}, {{ exit = true }}]\n"
            ),
        )
    };
    assert_eq!(killed(&run_with("")).len(), 1, "without swap somebody dies");
    let run = run_with("[machine.swap]\nsize = '64MiB'\n");
    assert!(killed(&run).is_empty());
    let (reads, _) = waits(&run, "a", Reason::SwapIn);
    assert!(reads > 0, "it comes back");
    let calls = run.trace.iter().filter(|record| matches!(record.event, Event::MnCall { .. }));
    assert!(calls.count() > 0, "whoever mirrors it is told");
}
