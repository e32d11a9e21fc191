//! Several queues of jobs of one device, and memory that is mapped only when a
//! job needs it.

use crate::world::{REGION, alone, attempts, blockable_times, count, run, scenario, victim};
use sim_core::analysis::{Index, report, wait_chain};
use sim_core::base::{Nanos, SimTime, TaskId};
use sim_core::record::{Event, ItreeRead, Reason, Run};

const GPU: &str = "driver = 'gpu-fence'\napi = 'interval'\nfence = '100ms'\n\
    [[device.ring]]\nname = 'compute'\nfence = '700ms'\n";

/// The victim submits to these rings and unmaps the buffer.
fn unmapped_behind(submits: &str) -> Run {
    let program = format!(
        "{{ register = 'dev', region = 'buffer' }}, {{ touch = ['heap', 'buffer'] }}, {submits} \
         {{ munmap = 'buffer' }},"
    );
    run(&scenario(&victim("6.1", GPU, &program, "1ms")), None)
}

fn submit(ring: &str) -> String {
    let ring = if ring.is_empty() { String::new() } else { format!(", ring = '{ring}'") };
    format!("{{ submit = 'dev', region = 'buffer'{ring}, every = '1us', count = 1 }},")
}

fn longest(run: &Run) -> u64 {
    blockable_times(run).into_iter().max().unwrap_or(Nanos::ZERO).0 / 1_000_000
}

#[test]
fn callback_waits_for_the_jobs_of_every_ring() {
    assert_eq!(longest(&unmapped_behind(&submit(""))), 99);
    assert_eq!(longest(&unmapped_behind(&submit("compute"))), 699);
    assert_eq!(longest(&unmapped_behind(&(submit("") + &submit("compute")))), 699);
}

#[test]
fn rings_work_side_by_side_and_jobs_of_one_ring_do_not() {
    let ends = |submits: &str| {
        let run = unmapped_behind(submits);
        let signaled = |event| matches!(event, Event::FenceSignaled { .. });
        let last = run.trace.iter().filter(|record| signaled(record.event)).last();
        last.expect("they signal").at.0 / 1_000_000
    };
    let first = ends(&submit("compute"));
    let both = ends(&(submit("") + &submit("compute")));
    let behind = ends(&(submit("compute") + &submit("compute")));
    assert_eq!((both, behind), (first, first + 700));
}

#[test]
fn chain_names_the_ring_that_is_waited_for() {
    let run = unmapped_behind(&(submit("") + &submit("compute")));
    let index = Index::new(&run);
    let task = task(&run, "victim");
    let at = SimTime(
        run.trace
            .iter()
            .find_map(|record| match record.event {
                Event::MnCall { blockable: true, .. } => Some(record.at.0),
                _ => None,
            })
            .expect("a call")
            + 300_000_000,
    );
    let chain = wait_chain(&index, task, at);
    let names: Vec<_> = chain.iter().map(|link| run.cast.tasks[link.task].name.as_str()).collect();
    assert_eq!(names, ["victim", "dev/compute"], "{chain:?}");
}

#[test]
fn driver_that_refuses_when_busy_looks_at_all_rings() {
    let attempts = |ring: &str| {
        let device = GPU.replace("fence = '100ms'", "fence = '1ms'\nrefuse = 'when-busy'");
        let device = device.replace("700ms", "4s");
        let program = format!(
            "{{ register = 'dev', region = 'buffer' }}, {{ touch = ['heap', 'buffer'] }}, {}",
            submit(ring)
        );
        attempts(&run(&scenario(&victim("5.6", &device, &program, "6s")), None))
    };
    assert_eq!((attempts(""), attempts("compute")), (1, 10));
}

/// A ring's fence may need a worker of its own: the indirect dependency of one queue alone.
#[test]
fn only_the_ring_whose_worker_allocates_stops_the_reaper() {
    let ends = |ring: &str| {
        let device = "driver = 'gpu-fence'\napi = 'interval'\nfence = '1200ms'\n\
            [[device.ring]]\nname = 'compute'\n\
            worker = { alloc = 'GFP_KERNEL', time = '1ms' }\n";
        let program = format!(
            "{{ register = 'dev', region = 'heap' }}, {{ touch = ['heap', 'buffer'] }}, \
             {{ submit = 'dev', region = 'heap'{ring}, every = '1us', count = 1 }}, \
             {{ register = 'dev', region = 'buffer' }},"
        );
        let text = victim("5.6", device, &program, "5s");
        let run = run(&scenario(&text), Some("block-always"));
        report(&run).verdict.id()
    };
    assert_eq!(ends(""), "recovered");
    assert_eq!(ends(", ring = 'compute'"), "deadlock");
}

fn task(run: &Run, name: &str) -> TaskId {
    run.cast.tasks.iter().find(|(_, info)| info.name == name).expect("in the cast").0
}

/// On-demand paging over the buffer; `late` is what a thread does that is stuck for three seconds.
fn paging(device: &str, program: &str, late: &str) -> Run {
    let device = format!("driver = 'odp'\nmapped = 'on-fault'\n{device}");
    let text = victim("5.4", &device, program, "3s");
    let text = text.replace("{ stuck = '3s' }", late);
    let driver = "[[driver]]
        name = 'odp'
        api = 'hlist'
        range_test = false
        refuse = 'if-needed'
        faults = 'timed'
        start = [{ invalidation = 'begin' }, { work = '5us' }]
        end = [{ invalidation = 'end' }]
        map = [{ alloc = 'GFP_ATOMIC' }]
        ";
    run(&scenario(&format!("{text}\n{driver}")), None)
}

/// What a task was blocked for, each reason once.
fn waits(run: &Run, name: &str) -> Vec<Reason> {
    let id = task(run, name);
    let mut reasons = Vec::new();
    for record in run.trace.iter().filter(|record| record.task == id) {
        if let Event::Blocked { why, .. } = record.event {
            let why = Reason::from_number(why).expect("a reason");
            if !reasons.contains(&why) {
                reasons.push(why);
            }
        }
    }
    reasons
}

#[test]
fn job_that_finds_nothing_mapped_has_a_worker_map_it() {
    let program = "{ register = 'dev', region = 'buffer' }, \
        { submit = 'dev', region = 'buffer', every = '1us', count = 1 }, { touch = 'heap' },";
    let run = paging("fence = '3ms'", program, "{ stuck = '3s' }");
    assert!(waits(&run, "dev").contains(&Reason::PageRequest), "{:?}", waits(&run, "dev"));
    // Nobody but the worker touched the buffer.
    let worker = task(&run, "dev/fault");
    let faulted = |by| {
        let pages = run.trace.iter().filter(|record| record.task == by);
        pages
            .filter_map(|record| match record.event {
                Event::Fault { range, pages } if run.cast.ranges[range].name == "buffer" => {
                    Some(u64::from(pages))
                }
                _ => None,
            })
            .sum::<u64>()
    };
    assert_eq!((faulted(worker), faulted(task(&run, "victim"))), (REGION, 0));
    let mmap_lock = run.cast.mms.iter().next().expect("an mm").1.mmap_lock;
    let took = |event| matches!(event, Event::Acquired { lock, .. } if lock == mmap_lock);
    assert!(count(&run, |record| record.task == worker && took(record.event)) > 0);
    assert_eq!(run.findings.broken, None);
}

/// A second device refuses: up to 5.11 the first one gets no end, and every fault of its
/// hardware comes again after a second, until the process is gone.
#[test]
fn fault_whose_range_never_ends_comes_again_and_again() {
    let program = "{ register = 'dev', region = 'buffer' }, { register = 'gpu', region = 'heap' }, \
        { touch = ['heap', 'buffer'] },";
    let late = "{ ioctl = [{ await_sigkill = true }, { sleep = '300ms' }, \
        { submit = 'dev', region = 'buffer', every = '1ms', count = 1 }, { sleep = '3s' }] }";
    let gpu = "fence = '3ms'\n[[device]]\nname = 'gpu'\ndriver = 'gpu-fence'\napi = 'hlist'";
    let run = paging(gpu, program, late);
    let worker = task(&run, "dev/fault");
    let timed = |record: &sim_core::record::Record| {
        record.task == worker
            && matches!(record.event,
                Event::Blocked { why, .. } if why == Reason::RangeActive as u8)
    };
    assert!(count(&run, timed) >= 2, "{}", count(&run, timed));
    // It holds nothing of the mm meanwhile: the process exits all the same.
    assert!(count(&run, |record| matches!(record.event, Event::MnLostEnd { .. })) > 0);
    assert_eq!(report(&run).victims.len(), 1);
    let index = Index::new(&run);
    let blocked = run.trace.iter().find(|record| timed(record)).expect("it waits").at;
    let chain = wait_chain(&index, task(&run, "dev"), blocked + Nanos::from_ms(10));
    assert!(chain.len() == 2 && chain[1].text.contains("got no end"), "{chain:?}");
}

#[test]
fn rings_that_are_not_there_are_told_apart() {
    use sim_core::scenario::parse;
    let wrong = |device: &str, step: &str| {
        let text = victim(
            "6.1",
            device,
            &format!("{{ register = 'dev', region = 'buffer' }}, {step},"),
            "1ms",
        );
        let errors = parse("t", &text, &[]).expect_err("it is refused");
        errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    let step = "{ submit = 'dev', region = 'buffer', ring = 'copy', every = '1ms' }";
    let said = wrong(GPU, step);
    assert!(said.contains("unknown ring") && said.contains("compute"), "{said}");
    let twice = format!("{GPU}[[device.ring]]\nname = 'compute'\n");
    let said = wrong(&twice, &step.replace("copy", "compute"));
    assert!(said.contains("expected a name that no other has"), "{said}");
    // A task that wants the driver's lock is told how it gets a name.
    let said = wrong(GPU, "{ ioctl = [{ lock = 'own' }, { unlock = 'own' }] }");
    assert!(said.contains("if the device says `lock` = that name"), "{said}");
}

/// The process closes the device while the thread that maps memory for it waits for the driver's
/// lock: what it would program belongs to nobody any longer (I12).
#[test]
fn fault_through_a_registration_that_was_closed_maps_nothing() {
    let device = "driver = 'gpu-fence'\napi = 'interval'\nmapped = 'on-fault'\nlock = 'm'\nfence = '3ms'
        [[lock]]
        name = 'm'
        kind = 'mutex'
        [[task]]
        name = 'holder'
        preset = 'none'
        oom_score_adj = -1000
        program = [{ ioctl = [{ lock = 'm' }, { sleep = '200ms' }, { unlock = 'm' }] }, { idle = true }]";
    let valid = |closes: &str| {
        let program = format!(
            "{{ register = 'dev', region = 'buffer' }}, \
             {{ submit = 'dev', region = 'buffer', every = '1us', count = 1 }}, \
             {{ pause = '100ms' }}, {closes}"
        );
        let run = run(&scenario(&victim("6.1", device, &program, "1ms")), None);
        assert_eq!(run.findings.broken, None);
        assert!(waits(&run, "dev/fault").contains(&Reason::DriverLock));
        count(&run, |record| matches!(record.event, Event::MnRead { op: ItreeRead::Valid, .. }))
    };
    assert_eq!(valid(""), 1);
    assert_eq!(valid("{ unregister = 'dev' },"), 0);
}

/// A process that exits closes the device, and the thread that maps memory for that is the last
/// user of the mm: what it would program while the notifier goes would be freed beneath the device (I9).
#[test]
fn fault_through_a_registration_that_is_being_closed_maps_nothing() {
    let device = "driver = 'rdma-odp'\napi = 'hlist'\nmapped = 'on-fault'\nlock = 'm'\nfence = '3ms'
        [[lock]]
        name = 'm'
        kind = 'mutex'
        [[task]]
        name = 'holder'
        preset = 'none'
        oom_score_adj = -1000
        program = [{ ioctl = [{ lock = 'm' }, { sleep = '200ms' }, { unlock = 'm' }] }, { idle = true }]";
    let program = "{ register = 'dev', region = 'buffer' }, \
        { submit = 'dev', region = 'buffer', every = '1us', count = 1 }, \
        { pause = '100ms' }, { exit = true },";
    let text = alone(&victim("6.1", device, program, "1ms"));
    let text = text.replacen("[machine.cost]", "[machine.cost]\nsrcu_sync = '300ms'", 1);
    let run = run(&scenario(&text), None);
    let lock_came = count(&run, |record| {
        record.task == task(&run, "dev/fault") && matches!(record.event, Event::Acquired { .. })
    });
    assert!(lock_came > 0 && waits(&run, "dev/fault").contains(&Reason::DriverLock));
    assert_eq!(run.findings.broken, None);
}
