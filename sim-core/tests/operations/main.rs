//! What the operations of programs do, each in the smallest scenario
//! that shows it.

mod files_and_swap;

use sim_core::base::TaskId;
use sim_core::engine::Stop;
use sim_core::record::{Event, MnEvent, Reason, Run};
use sim_core::scenario::{RunOptions, Simulation, parse};

const HEAD: &str = "schema = 1\ntitle = 't'\nkernel = '6.1'\nhorizon = '30s'\n";
const MACHINE: &str = "[machine]\nram = '64MiB'\ncpus = 2\n";

fn run_whole(text: &str) -> Run {
    let text = if text.starts_with("schema") { text.to_owned() } else { format!("{HEAD}{text}") };
    let scenario = parse("test", &text, &[]).unwrap_or_else(|errors| panic!("{errors:#?}"));
    let run = Simulation::new(&scenario, &RunOptions::default()).expect("starts").run();
    assert!(run.findings.broken.is_none(), "{:?}", run.findings.broken);
    run
}

fn run(rest: &str) -> Run {
    run_whole(&format!("{MACHINE}{rest}"))
}

fn task(run: &Run, name: &str) -> TaskId {
    run.cast.tasks.iter().find(|(_, task)| task.name == name).expect("in the cast").0
}

/// Times, in ms, at which a task recorded something.
fn times(run: &Run, name: &str, wanted: impl Fn(Event) -> bool) -> Vec<u64> {
    let task = task(run, name);
    let records = run.trace.iter().filter(|record| record.task == task && wanted(record.event));
    records.map(|record| record.at.0 / 1_000_000).collect()
}

fn exit_ms(run: &Run, name: &str) -> u64 {
    times(run, name, |event| matches!(event, Event::ProcessExit { .. }))[0]
}

fn faulted(run: &Run, name: &str) -> u64 {
    let faults = run.trace.iter().filter_map(|record| match record.event {
        Event::Fault { range, pages } if run.cast.ranges[range].name == name => Some(pages),
        _ => None,
    });
    faults.map(u64::from).sum()
}

fn free_at_end(run: &Run) -> u64 {
    let mut free = vec![0; run.cast.zones.len()];
    for record in run.trace.iter() {
        if let Event::ZoneFree { zone, free: now } = record.event {
            free[zone.index()] = u64::from(now);
        }
    }
    free.iter().sum()
}

fn free_at_start(run: &Run) -> u64 {
    let first = run.trace.iter().filter_map(|record| match record.event {
        Event::ZoneFree { free, .. } => Some(u64::from(free)),
        _ => None,
    });
    first.take(run.cast.zones.len()).sum()
}

/// A thread is named as it says (`PR_SET_NAME`), or like its process; its export says so, too.
#[test]
fn thread_has_a_comm_of_its_own() {
    let text = format!(
        "{HEAD}{MACHINE}[[task]]\nname = 'a'\ncomm = 'main'\nprogram = [{{ thread = 'x' }}, {{ thread = \
         'y' }}]\n[[task.thread]]\nname = 'x'\ncomm = 'worker 1'\nprogram = [{{ pause = '1ms' }}]\n\
         [[task.thread]]\nname = 'y'\nprogram = [{{ pause = '1ms' }}]\n"
    );
    let parsed = parse("test", &text, &[]).unwrap_or_else(|errors| panic!("{errors:#?}"));
    let exported = sim_core::export::scenario(&parsed);
    for text in [text, exported] {
        let run = run_whole(&text);
        let comm = |name| run.cast.tasks[task(&run, name)].comm.as_str();
        assert_eq!([comm("a"), comm("a/x"), comm("a/y")], ["main", "worker 1", "main"], "{text}");
    }
}

#[test]
fn unmapped_pages_come_back_and_a_touch_of_them_ends_the_process() {
    let run = run("[[task]]\nname = 'a'\npreset = 'none'\nprogram = [{ repeat = 3, program = [{ \
                   mmap = 'm', size = '4MiB' }, { touch = 'm' }, { munmap = 'm' }] }, { pause = \
                   '1s' }, { thread = 't' }, { idle = true }]\n[[task.thread]]\nname = \
                   't'\nprogram = [{ touch = 'm' }, { idle = true }]\n");
    assert_eq!(faulted(&run, "m"), 3 * 1024);
    assert_eq!(exit_ms(&run, "a"), exit_ms(&run, "a/t"), "SIGSEGV ends all threads");
    assert_eq!(free_at_end(&run), free_at_start(&run));
    assert_eq!(run.stop, Stop::Idle);
}

#[test]
fn region_mapped_again_is_unmapped_first() {
    let run = run("[[task]]\nname = 'a'\npreset = 'none'\nprogram = [{ repeat = 2, program = [{ \
                   mmap = 'm', size = '4MiB' }, { touch = 'm' }] }]\n");
    assert_eq!(faulted(&run, "m"), 2 * 1024);
    assert_eq!(times(&run, "a", |event| matches!(event, Event::Unmapped { .. })).len(), 1);
}

#[test]
fn dontneed_takes_pages_but_not_the_mapping() {
    let run = run("[[device]]\nname = 'd'\ndriver = 'gpu-fence'\n[[task]]\nname = 'a'\npreset = \
                   'none'\nprogram = [{ mmap = 'm', size = '4MiB' }, { register = 'd', region = \
                   'm' }, { touch = 'm' }, { madvise = 'm' }, { touch = 'm' }]\n");
    assert_eq!(faulted(&run, "m"), 2 * 1024);
    let told = |event: Event| {
        matches!(event, Event::MnCall { blockable: true, event: MnEvent::Clear, .. })
    };
    assert_eq!(times(&run, "a", told).len(), 1);
}

#[test]
fn part_of_a_region_that_is_locked_becomes_a_vma_of_its_own() {
    let run = run("[[task]]\nname = 'a'\npreset = 'none'\nprogram = [{ mmap = 'm', size = '4MiB' \
                   }, { mlock = 'm', size = '25%' }, { touch = 'm' }, { madvise = 'm' }, { \
                   munlock = 'm' }, { madvise = 'm' }]\n");
    assert_eq!(faulted(&run, "m"), 1024);
    let zapped = |locked: bool| -> u64 {
        let zaps = run.trace.iter().filter_map(|record| match record.event {
            Event::Zap { range, pages, .. } => Some((run.cast.ranges[range].clone(), pages)),
            _ => None,
        });
        let part = zaps.filter(|(range, _)| (range.end - range.start == 1 << 20) == locked);
        part.map(|(_, pages)| u64::from(pages)).sum()
    };
    assert_eq!((zapped(true), zapped(false)), (256, 768));
    assert_eq!(times(&run, "a", |event| matches!(event, Event::Locked { .. })).len(), 3);
}

#[test]
fn kernel_pages_are_held_until_free_or_exit() {
    let run = run("[[task]]\nname = 'a'\npreset = 'none'\nprogram = [{ alloc = 'GFP_KERNEL', \
                   count = 300, hold = true }, { alloc = 'GFP_NOFS | __GFP_NOWARN', order = 2, \
                   count = 5 }, { free = true }, { alloc = 'GFP_ATOMIC', count = 7, hold = true \
                   }]\n");
    let held: Vec<u32> = run
        .trace
        .iter()
        .filter_map(|record| match record.event {
            Event::KernelPages { held, .. } => Some(held),
            _ => None,
        })
        .collect();
    assert_eq!(held, [300, 0, 7, 0]);
    assert_eq!(free_at_end(&run), free_at_start(&run));
}

/// The signal is seen when the section ends, not before.
#[test]
fn section_goes_on_although_sigkill_is_pending() {
    let run = run("[[task]]\nname = 'a'\nprogram = [{ ioctl = [{ mmap_lock = 'write' }, { \
                   await_sigkill = true }, { sleep = '500ms' }, { mmap_unlock = true }] }, { \
                   pause = '10s' }]\n[[inject]]\nat = '1s'\nkill = 'a'\n");
    let delivered = times(&run, "a", |event| matches!(event, Event::SignalDeliver {}));
    assert_eq!(delivered, [1_500]);
    assert_eq!(exit_ms(&run, "a"), 1_500);
}

#[test]
fn killable_wait_cut_short_ends_the_section_and_its_locks() {
    let run = run("[[lock]]\nname = 'M'\nkind = 'mutex'\n[[lock]]\nname = 'N'\nkind = \
                   'rwsem'\n[[task]]\nname = 'holder'\nprogram = [{ ioctl = [{ lock = 'M' }, { \
                   sleep = '5s' }, { unlock = 'M' }] }]\n[[task]]\nname = 'a'\nstart = \
                   '100ms'\nprogram = [{ ioctl = [{ lock = 'N', mode = 'read' }, { lock = 'M', \
                   killable = true }, { unlock = 'M' }, { unlock = 'N' }] }]\n[[task]]\nname = \
                   'b'\nstart = '200ms'\nprogram = [{ ioctl = [{ lock = 'N' }, { unlock = 'N' }] \
                   }]\n[[inject]]\nat = '1s'\nkill = 'a'\n");
    assert_eq!(exit_ms(&run, "a"), 1_000);
    assert_eq!(exit_ms(&run, "b"), 1_000, "N was let go on the way out");
    assert_eq!(run.stop, Stop::Idle);
}

#[test]
fn trylock_runs_its_program_only_with_the_lock() {
    let run = run("[[lock]]\nname = 'M'\nkind = 'mutex'\n[[task]]\nname = 'holder'\nprogram = [{ \
                   ioctl = [{ lock = 'M' }, { sleep = '1s' }, { unlock = 'M' }] }]\n[[task]]\nname \
                   = 'early'\nstart = '500ms'\nprogram = [{ ioctl = [{ trylock = 'M', program = [{ \
                   sleep = '3s' }] }] }]\n[[task]]\nname = 'late'\nstart = '2s'\nprogram = [{ \
                   ioctl = [{ trylock = 'M', program = [{ sleep = '3s' }] }] }]\n");
    assert_eq!(exit_ms(&run, "early"), 500);
    assert_eq!(exit_ms(&run, "late"), 5_000);
}

#[test]
fn events_are_counted_and_timeouts_pass() {
    let run = run("[[task]]\nname = 'a'\nprogram = [{ signal = 'e' }, { pause = '1s' }, { signal \
                   = 'e' }, { pause = '1s' }, { signal = 'all', all = true }]\n[[task]]\nname = \
                   'b'\nprogram = [{ wait = 'e' }, { wait = 'e' }, { wait = 'all' }, { wait = 'e', \
                   timeout = '300ms' }]\n[[task]]\nname = 'c'\nprogram = [{ wait = 'all' }, { wait \
                   = 'all' }]\n");
    assert_eq!(
        times(
            &run,
            "b",
            |e| matches!(e, Event::Blocked { why, .. } if why == Reason::NamedEvent as u8)
        )
        .len(),
        3
    );
    assert_eq!(exit_ms(&run, "c"), 2_000);
    assert_eq!(exit_ms(&run, "b"), 2_300);
}

#[test]
fn child_has_its_parents_memory_until_somebody_writes() {
    let run = run("[[task]]\nname = 'p'\npreset = 'none'\nprogram = [{ mmap = 'm', size = '8MiB' \
                   }, { touch = 'm' }, { fork = 'c' }, { pause = '1s' }, { touch = 'm' }, { pause \
                   = '1s' }]\n[[task]]\nname = 'c'\nparent = 'p'\nprogram = [{ read = 'm' }, { \
                   mmap = 'own', size = '1MiB' }, { touch = 'own' }, { pause = '3s' }]\n");
    let taken_at = |ms: u64| -> u64 {
        let mut free = vec![0; run.cast.zones.len()];
        for record in run.trace.iter().take_while(|record| record.at.0 < ms * 1_000_000) {
            if let Event::ZoneFree { zone, free: now } = record.event {
                free[zone.index()] = u64::from(now);
            }
        }
        free_at_start(&run) - free.iter().sum::<u64>()
    };
    // Page tables: one for each 2 MiB, two of higher levels.
    let (parents, childs) = (4 + 2, 5 + 2);
    assert_eq!(taken_at(900), 2048 + 256 + parents + childs, "shared");
    assert_eq!(taken_at(1_500), 2 * 2048 + 256 + parents + childs, "copied by the parent");
    assert_eq!(
        taken_at(2_500),
        2048 + 256 + childs,
        "the parent is gone, the child keeps its pages"
    );
    assert_eq!(free_at_end(&run), free_at_start(&run));
    let told = times(&run, "p", |event| matches!(event, Event::Forked { .. }));
    assert_eq!(told.len(), 1);
}

#[test]
fn last_mapper_of_a_page_keeps_it_when_it_writes() {
    let run = run("[[task]]\nname = 'p'\npreset = 'none'\nprogram = [{ mmap = 'm', size = '8MiB' \
                   }, { touch = 'm' }, { fork = 'c' }, { pause = '1s' }, { touch = 'm' }, { ready \
                   = true }, { idle = true }]\n[[task]]\nname = 'c'\nparent = 'p'\nprogram = [{ \
                   pause = '100ms' }]\n");
    // Besides four page tables for 2 MiB each, and two of higher levels.
    assert_eq!(free_at_start(&run) - free_at_end(&run), 2048 + 6);
}

#[test]
fn fork_tells_notifiers_that_pages_become_read_only() {
    let run = run("[[device]]\nname = 'd'\ndriver = 'gpu-fence'\n[[task]]\nname = 'p'\npreset = \
                   'none'\nprogram = [{ mmap = 'm', size = '8MiB' }, { mmap = 'untouched', size = \
                   '8MiB' }, { register = 'd', region = 'm', extend = '64MiB' }, { touch = 'm' }, \
                   { fork = 'c' }]\n[[task]]\nname = 'c'\nparent = 'p'\nprogram = []\n");
    let told = |event: Event| matches!(event, Event::MnCall { event: MnEvent::ProtectionPage, .. });
    assert_eq!(times(&run, "p", told).len(), 1);
}

#[test]
fn vfork_parent_waits_and_shares() {
    let run = run("[[task]]\nname = 'p'\npreset = 'none'\nprogram = [{ mmap = 'm', size = '8MiB' \
                   }, { fork = 'c' }, { read = 'm' }]\n[[task]]\nname = 'c'\nparent = 'p'\nvfork = \
                   true\nprogram = [{ touch = 'm' }, { pause = '1s' }]\n");
    assert!((1_000..1_010).contains(&exit_ms(&run, "p")), "it waited");
    assert_eq!(faulted(&run, "m"), 2048);
    assert_eq!(free_at_end(&run), free_at_start(&run));
}

#[test]
fn child_of_a_dead_parent_is_never_born() {
    let run = run("[[task]]\nname = 'p'\nprogram = [{ pause = '10s' }, { fork = 'c' \
                   }]\n[[task]]\nname = 'c'\nparent = 'p'\nprogram = [{ pause = '1s' \
                   }]\n[[inject]]\nat = '1s'\nkill = 'p'\n");
    assert_eq!(run.stop, Stop::Idle);
    assert!(times(&run, "c", |event| matches!(event, Event::ProcessExit { .. })).is_empty());
    assert_eq!(times(&run, "c", |event| matches!(event, Event::Exited {})).len(), 1);
}

#[test]
fn user_mode_computing_ends_with_sigkill_and_a_section_does_not() {
    let run = run("[[task]]\nname = 'u'\nprogram = [{ compute = '5s' }]\n[[task]]\nname = \
                   'k'\nprogram = [{ ioctl = [{ compute = '5s' }] }]\n[[inject]]\nat = '1s'\nkill = \
                   'u'\n[[inject]]\nat = '1s'\nkill = 'k'\n");
    assert!(exit_ms(&run, "u") < 1_010);
    assert!(exit_ms(&run, "k") >= 5_000);
}

#[test]
fn endless_loop_of_nothing_takes_time() {
    let run = run_whole(
        "[machine]\nram = '64MiB'\n[[task]]\nname = 'a'\nprogram = [{ repeat = \
                         'forever', program = [{ free = true }] }]\n[[inject]]\nat = '20ms'\nkill \
                         = 'a'\n",
    );
    assert_eq!(run.stop, Stop::Idle);
    assert_eq!(exit_ms(&run, "a"), 20);
}

#[test]
fn priorities_decide_who_computes() {
    let run = run_whole(
        "[machine]\nram = '64MiB'\ncpus = 1\n[[task]]\nname = 'nice'\nnice = \
                         19\nprogram = [{ compute = '1s' }]\n[[task]]\nname = 'normal'\nprogram = \
                         [{ compute = '1s' }]\n[[task]]\nname = 'rt'\nrt_priority = 50\nprogram = \
                         [{ compute = '1s' }]\n",
    );
    let (rt, normal, nice) = (exit_ms(&run, "rt"), exit_ms(&run, "normal"), exit_ms(&run, "nice"));
    assert!(rt < 1_010 && normal < 2_100 && nice > 2_900, "{rt} {normal} {nice}");
}

#[test]
fn injections_come_at_their_time() {
    let run = run("[[cgroup]]\nname = 'g'\nlimit = '32MiB'\n[[task]]\nname = 'a'\ncgroup = \
                   'g'\nprogram = [{ idle = true }]\n[[inject]]\nat = '1s'\nlimit = { cgroup = \
                   'g', size = 'max' }\n[[inject]]\nat = '2s'\noom_score_adj = { task = 'a', value \
                   = -500 }\n[[inject]]\nat = '3s'\npolicy = 'nonblock'\n");
    let injected: Vec<u64> = run
        .trace
        .iter()
        .filter(|record| matches!(record.event, Event::Injection { .. }))
        .map(|record| record.at.0 / 1_000_000)
        .collect();
    assert_eq!(injected, [1_000, 2_000, 3_000]);
}

/// Who could signal an event is known, threads among them from when they start.
#[test]
fn signalers_of_events_are_in_the_cast() {
    let run = run("[[task]]\nname = 'a'\nprogram = [{ thread = 't' }, { ioctl = [{ wait = 'e' }] \
                   }]\n[[task.thread]]\nname = 't'\nprogram = [{ pause = '1s' }, { signal = 'e' \
                   }]\n[[task]]\nname = 'b'\nprogram = [{ repeat = 2, program = [{ signal = 'e' \
                   }] }]\n");
    let event = &run.cast.named_events[0];
    let names = event.signalers.iter().map(|&task| run.cast.tasks[task].name.as_str());
    assert_eq!((event.name.as_str(), names.collect::<Vec<_>>()), ("e", vec!["a", "b", "a/t"]));
}

/// A process takes a semaphore and is killed while another waits for it; when that one has it,
/// if it does.
fn semaphore_ms(undo: &str) -> Vec<u64> {
    let run = run(&format!(
        "[[task]]
        name = 'taker'
        program = [{{ signal = 'sem' }}, {{ mmap = 'heap', size = '4MiB' }}, {{ touch = 'heap' }},
          {{ wait = 'sem'{undo} }}, {{ ready = true }}, {{ idle = true }}]
        [[task]]
        name = 'waiter'
        start = {{ after = 'taker' }}
        program = [{{ wait = 'sem', undo = true }}, {{ signal = 'sem', undo = true }}, {{ exit = true }}]
        [[inject]]
        at = '1s'
        kill = 'taker'"
    ));
    times(&run, "waiter", |event| matches!(event, Event::ProcessExit { .. }))
}

#[test]
fn what_was_taken_with_undo_is_given_back_at_exit() {
    let got = semaphore_ms(", undo = true");
    assert!((1_000..1_010).contains(&got[0]), "{got:?}");
    assert!(semaphore_ms("").is_empty());
}

/// Who is over `memory.high` reclaims on the way to user mode, where nobody has PF_MEMALLOC (I14).
#[test]
fn high_is_made_up_for_behind_the_scope_of_pf_memalloc() {
    let run = run(
        "[[cgroup]]\nname = 'g'\nhigh = '10MiB'\n[[task]]\nname = 'a'\ncgroup = 'g'\npreset = 'none'\n\
                   program = [{ mmap = 'm', size = '12MiB' }, { memalloc = 'memalloc', program = \
                   [{ touch = 'm' }] }, { sleep = '1s' }, { mmap = 'n', size = '4KiB' }, { touch = 'n' }]\n",
    );
    let throttled = |event: Event| matches!(event, Event::Blocked { why, .. } if why == Reason::MemcgHigh as u8);
    let at = times(&run, "a", throttled);
    assert!(at.first().is_some_and(|at| *at >= 1000), "{at:?}");
}

/// `cond_resched()` between its tries is no sleep (I14).
#[test]
fn request_that_must_not_fail_spins_under_pf_memalloc() {
    let run = run("[[task]]\nname = 'a'\npreset = 'none'\nprogram = [{ alloc = 'GFP_KERNEL', \
                   count = 5000, hold = true }, { sleep = '20ms' }, { free = true }]\n\
                   [[task]]\nname = 'b'\npreset = 'none'\nstart = '10ms'\nprogram = [{ memalloc = \
                   'memalloc', program = [{ alloc = 'GFP_KERNEL|__GFP_NOFAIL', count = 12000, \
                   hold = true }] }]\n");
    let yields =
        |event: Event| matches!(event, Event::Blocked { why, .. } if why == Reason::Yield as u8);
    assert!(times(&run, "b", yields).len() > 1000);
    let reclaims = |event: Event| matches!(event, Event::DirectReclaimBegin { .. });
    assert!(times(&run, "b", reclaims).is_empty());
    assert_eq!(exit_ms(&run, "b"), 20);
}
