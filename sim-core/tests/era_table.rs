//! The master table of kernel versions (kernel-spec 0.5), measured: each cell is
//! read off a run of that profile, not off the switch that should cause it, but
//! for the name of the policy. Its last row, who may use the reserves, is two here.

use sim_core::base::{Nanos, TaskId};
use sim_core::export::ftrace;
use sim_core::kernel::switches::PROFILES;
use sim_core::record::{Event, MnEvent, Run, SkipBy};
use sim_core::scenario::{RunOptions, Simulation, parse};

const TABLE: &str = "
                              | 4.6    4.9    4.14   4.16   4.19   5.3    5.4    5.6    5.12   6.1    6.12   7.1
notifier policy               | ignore ignore s-any  s-flag nonblk nonblk nonblk interv interv interv interv 2-pass
reaper holds oom_lock         | no     yes    yes    yes    no     no     no     no     no     no     no     no
delay from kill to wake-up, s | 0      0      0      0      0      0      0      0      0      2      2      2
give-up sets SKIP             | no     yes    yes    yes    yes    yes    yes    yes    yes    yes    yes    yes
retries what was refused      | -      -      no     no     yes    yes    yes    yes    yes    yes    yes    yes
skips mlocked VMAs            | yes    yes    yes    yes    yes    yes    yes    yes    yes    no     no     no
reaper pins mm_users          | yes    yes    no     no     no     no     no     no     no     no     no     no
victim reaps itself first     | no     no     no     yes    yes    yes    yes    yes    yes    no     no     no
ends after a refused start    | -      -      -      -      no     no     no     no     yes    yes    yes    yes
walks VMAs                    | up     up     up     up     up     up     up     up     up     up     up     down
reaper's event                | -      -      -      -      UNMAP  UNMAP  UNMAP  UNMAP  UNMAP  UNMAP  UNMAP  CLEAR
traces mark_victim            | no     no     yes    yes    yes    yes    yes    yes    yes    yes    yes    yes
memcg OOM is called at        | fault  fault  fault  fault  charge charge charge charge charge charge charge charge
marked thread leaves          | 0      0      min/2  min/2  min/2  min/2  min/2  min/2  min/2  min/2  min/2  min/2
its other threads leave       | min    min    min/2  min/2  min/2  min/2  min/2  min/2  min/2  min/2  min/2  min/2
";

const MACHINE: &str = "
[machine]
cpus = 2
[machine.cost]
zap_page = '10us'
[[machine.zone]]
name = 'Normal'
managed = 20000
free = 18000
min = 400
";

/// Killed by sysrq-f at 20 ms, and stuck for so long after that.
fn victim(devices: &str, registers: &str, stuck: &str) -> String {
    format!(
        "{devices}
        [[task]]
        name = 'hog'
        program = [
          {{ mmap = 'low', size = '8MiB', at = 0x1000000000 }},
          {{ mmap = 'locked', size = '1MiB', at = 0x2000000000 }},
          {{ mmap = 'high', size = '8MiB', at = 0x3000000000 }},
          {{ mmap = 'shared', size = '1MiB', at = 0x4000000000, kind = 'shmem' }},
          {registers}
          {{ mlock = 'locked' }}, {{ touch = ['low', 'high', 'shared'] }},
          {{ thread = 'other' }}, {{ idle = true }} ]
        [[task.thread]]
        name = 'other'
        program = [{stuck}]
        [[inject]]
        at = '100ms'
        sysrq_f = true"
    )
}

fn run(kernel: &str, policy: Option<&str>, rest: &str) -> Run {
    let text =
        format!("schema = 1\ntitle = 't'\nkernel = '{kernel}'\nhorizon = '10s'\n{MACHINE}\n{rest}");
    let scenario = parse("test", &text, &[]).unwrap_or_else(|errors| panic!("{errors:#?}"));
    let policy = policy.map(str::to_owned);
    let options = RunOptions { policy, ..RunOptions::default() };
    let run = Simulation::new(&scenario, &options).expect("starts").run();
    assert!(run.findings.broken.is_none(), "{kernel}: {:?}", run.findings.broken);
    run
}

fn task(run: &Run, name: &str) -> TaskId {
    run.cast.tasks.iter().find(|(_, task)| task.name == name).expect("in the cast").0
}

/// What `pick` makes of the records, first to last.
fn found<T>(run: &Run, pick: impl Fn(TaskId, Event) -> Option<T>) -> Vec<T> {
    run.trace.iter().filter_map(|record| pick(record.task, record.event)).collect()
}

fn yes(is: bool) -> String {
    if is { "yes" } else { "no" }.to_owned()
}

/// The cells of one profile, from top to bottom.
fn column(kernel: &'static str) -> Vec<String> {
    let delay = delay(kernel);
    let plain = run(kernel, None, &victim("", "", "{ stuck = '8s' }"));
    let device = "[[device]]\nname = 'gpu'\ndriver = 'always-refuse'\napi = 'hlist'";
    let registers = "{ register = 'gpu', region = 'low' },";
    let refused = run(kernel, None, &victim(device, registers, "{ stuck = '8s' }"));
    let given_up = run(kernel, Some("nonblock"), &victim(device, registers, "{ stuck = '8s' }"));
    let mut cells = vec![policy(kernel), yes(holds_oom_lock(&plain)), delay.to_string()];
    cells.push(yes(!found(&given_up, |_, event| {
        matches!(event, Event::OomSkipSet { by: SkipBy::GiveUp, .. }).then_some(())
    })
    .is_empty()));
    cells.push(retries(&refused));
    cells.push(yes(!reaped(&plain).contains(&"locked".to_owned())));
    cells.push(yes(pins(kernel, delay)));
    cells.push(yes(reaps_itself(kernel)));
    cells.push(ends(kernel));
    let order = reaped(&plain);
    let place = |name: &str| order.iter().position(|other| other == name);
    let up = place("low") < place("high");
    cells.push(if up { "up" } else { "down" }.to_owned());
    cells.push(event(&refused));
    cells.push(yes(ftrace(&plain).contains(" mark_victim: pid=")));
    cells.push(memcg(kernel));
    cells.push(reserves(kernel, "hog"));
    cells.push(reserves(kernel, "hog/other"));
    cells
}

fn policy(kernel: &str) -> String {
    let id = PROFILES.iter().find(|profile| profile.id == kernel).expect("a profile").policy;
    let short = match id {
        "skip-any" => "s-any",
        "skip-flag" => "s-flag",
        "nonblock" => "nonblk",
        "interval" => "interv",
        "interval-two-pass" => "2-pass",
        other => other,
    };
    short.to_owned()
}

fn holds_oom_lock(run: &Run) -> bool {
    let reaper = task(run, "oom_reaper");
    let taken = found(run, |who, event| match event {
        Event::Acquired { lock, .. } if who == reaper => Some(run.cast.locks[lock].name.clone()),
        _ => None,
    });
    taken.contains(&"oom_lock".to_owned())
}

/// Whole seconds from the kill to the wake-up.
fn delay(kernel: &str) -> u64 {
    let run = run(kernel, None, &victim("", "", "{ stuck = '8s' }"));
    let at = |is: fn(&Event) -> bool| {
        run.trace.iter().find(|record| is(&record.event)).expect("it happens").at
    };
    let marked = at(|event| matches!(event, Event::MarkVictim { .. }));
    let woken = at(|event| matches!(event, Event::WakeReaper { .. }));
    (woken - marked).0 / Nanos::from_secs(1).0
}

/// VMAs that the reaper unmapped, in order.
fn reaped(run: &Run) -> Vec<String> {
    let reaper = task(run, "oom_reaper");
    found(run, |who, event| match event {
        Event::Zap { range, .. } if who == reaper => Some(run.cast.ranges[range].name.clone()),
        _ => None,
    })
}

/// What becomes of a refusal, or of the fear of one.
fn retries(run: &Run) -> String {
    let attempts =
        found(run, |_, event| matches!(event, Event::StartTaskReaping { .. }).then_some(()));
    let asked = found(run, |_, event| matches!(event, Event::MnCall { .. }).then_some(()));
    match (attempts.len(), asked.is_empty()) {
        (0, _) => "no".to_owned(),
        (_, true) => "-".to_owned(),
        (1, _) => "no".to_owned(),
        (count, _) => {
            assert_eq!(count, 10, "attempts");
            "yes".to_owned()
        }
    }
}

/// Why the reaper says that it calls, if it calls.
fn event(run: &Run) -> String {
    let reaper = task(run, "oom_reaper");
    let events = found(run, |who, event| match event {
        Event::MnCall { event, .. } if who == reaper => Some(event),
        _ => None,
    });
    match events.first() {
        None => "-",
        Some(MnEvent::Clear) => "CLEAR",
        Some(_) => "UNMAP",
    }
    .to_owned()
}

/// The last thread exits while the reaper is at work: who pins the mm
/// leaves the tearing down to a worker.
fn pins(kernel: &str, delay: u64) -> bool {
    let stuck = format!("{{ stuck = '{}ms' }}", delay * 1000 + 20);
    let run = run(kernel, None, &victim("", "", &stuck));
    run.cast.tasks.iter().any(|(_, task)| task.name.starts_with("mmput_async"))
}

/// Held up at first by a writer, the reaper comes too late: the victim exits
/// alone. Shared memory is what it would not reap, so SKIP is set before that goes.
fn reaps_itself(kernel: &str) -> bool {
    let writer = "{ ioctl = [{ mmap_lock = 'write' }, { await_sigkill = true }, \
                  { sleep = '20ms' }, { mmap_unlock = true }] }";
    let run = run(kernel, None, &victim("", "", writer));
    let hog = task(&run, "hog");
    let steps = found(&run, |who, event| match event {
        Event::OomSkipSet { by: SkipBy::Exit, .. } => Some("skip"),
        Event::Zap { range, .. } if run.cast.ranges[range].name == "shared" => {
            assert!(run.cast.tasks[who].leader == hog, "{kernel}: it exits by itself");
            Some("shared")
        }
        _ => None,
    });
    steps.first() == Some(&"skip")
}

/// A notifier with an end beside one that refuses.
fn ends(kernel: &str) -> String {
    let devices = "[[device]]\nname = 'gpu'\ndriver = 'always-refuse'\napi = 'hlist'\n\
                   [[device]]\nname = 'vm'\ndriver = 'kvm'\napi = 'hlist'";
    let registers = "{ register = 'gpu', region = 'low' }, { register = 'vm', region = 'low' },";
    let run = run(kernel, None, &victim(devices, registers, "{ stuck = '8s' }"));
    let ends = found(&run, |_, event| match event {
        Event::MnEnd { .. } => Some("yes"),
        Event::MnLostEnd { .. } => Some("no"),
        _ => None,
    });
    ends.first().copied().unwrap_or("-").to_owned()
}

/// Kernel code that is at the limit has no end of a fault to wait for.
fn memcg(kernel: &str) -> String {
    let rest = "
        [[cgroup]]
        name = 'jobs'
        limit = '4MiB'
        [[task]]
        name = 'job'
        cgroup = 'jobs'
        program = [{ alloc = 'GFP_KERNEL|__GFP_ACCOUNT', count = 2000, hold = true }, { idle = true }]";
    let run = run(kernel, None, rest);
    let killed = found(&run, |_, event| matches!(event, Event::MarkVictim { .. }).then_some(()));
    if killed.is_empty() { "fault" } else { "charge" }.to_owned()
}

/// How many pages a thread of a victim leaves free that takes what it can get
/// without reclaim, once its process is killed. The zone's `min` is 400.
fn reserves(kernel: &str, thread: &str) -> String {
    let takes = "{ ioctl = [{ await_sigkill = true }, \
                 { alloc = 'GFP_NOWAIT', count = 30000, hold = true }] }";
    let (first, other) = match thread {
        "hog" => (takes, "{ stuck = '1s' }"),
        _ => ("{ ioctl = [{ await_sigkill = true }, { sleep = '1s' }] }", takes),
    };
    let run = run(
        kernel,
        None,
        &format!(
            "[[task]]
            name = 'hog'
            program = [{{ thread = 'other' }}, {first}]
            [[task.thread]]
            name = 'other'
            program = [{other}]
            [[inject]]
            at = '100ms'
            sysrq_f = true"
        ),
    );
    let id = task(&run, thread);
    let left = found(&run, |who, event| match event {
        Event::ReserveTaken { free, .. } if who == id => Some(free),
        _ => None,
    });
    match left.into_iter().min() {
        None => "min".to_owned(),
        Some(0) => "0".to_owned(),
        Some(200) => "min/2".to_owned(),
        Some(free) => free.to_string(),
    }
}

#[test]
fn every_row_of_the_table_shows_in_runs() {
    let rows: Vec<(&str, Vec<&str>)> = TABLE
        .lines()
        .filter_map(|line| line.split_once('|'))
        .map(|(name, cells)| (name.trim(), cells.split_whitespace().collect()))
        .collect();
    let (_, kernels) = &rows[0];
    let ids: Vec<&str> = PROFILES.iter().map(|profile| profile.id).collect();
    assert_eq!(*kernels, ids);
    let columns: Vec<Vec<String>> = ids.iter().map(|id| column(id)).collect();
    for (row, (name, expected)) in rows[1..].iter().enumerate() {
        let measured: Vec<&str> = columns.iter().map(|column| column[row].as_str()).collect();
        assert_eq!(measured, *expected, "{name}");
    }
    assert!(columns.iter().all(|column| column.len() == rows.len() - 1), "a row for each cell");
}
