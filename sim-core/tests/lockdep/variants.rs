//! What the kernel would say had the recordings N1, N2 and H1 been made with
//! another lock, another wait or another request: one thing is changed in
//! each row, and the row says why the reports are what they are.

use super::reader::Report;
use super::{read, run};
use sim_core::export::dmesg;

/// What is changed.
#[derive(Copy, Clone)]
struct Change {
    kernel: &'static str,
    /// Kind of the lock `L`, which is the driver's own.
    lock: &'static str,
    api: &'static str,
    refuse: &'static str,
    start: &'static str,
    /// Nothing: it has none.
    end: &'static str,
    /// What `holder` does between taking `L` and letting go of it; nobody holds it if that is nothing.
    held_over: &'static str,
    /// The policy; the kernel's own if that is nothing.
    policy: &'static str,
}

/// N1: a list callback that takes a free mutex although it must not sleep.
const N1: Change = Change {
    kernel: "6.1",
    lock: "mutex",
    api: "hlist",
    refuse: "never",
    start: TAKE,
    end: "",
    held_over: "",
    policy: "",
};
const N2: Change = Change { api: "interval", ..N1 };
/// As H1, but that the holder is done before the reaper comes: nobody blocks.
const HELD: Change = Change { held_over: BRIEFLY, ..N1 };
/// H1: it is not done, and the reaper blocks.
const H1: Change =
    Change { held_over: "{ alloc = 'GFP_KERNEL', count = 40000, hold = true }", ..N1 };

const TAKE: &str = "{ lock = 'own' }, { unlock = 'own' }";
const BRIEFLY: &str = "{ alloc = 'GFP_KERNEL' }";

fn text(change: &Change) -> String {
    let Change { kernel, lock, api, refuse, start, end, held_over, policy } = change;
    let end = if end.is_empty() { String::new() } else { format!("end = [{end}]\n") };
    let policy = if policy.is_empty() { String::new() } else { format!("policy = '{policy}'\n") };
    let mut text = format!(
        "schema = 1
title = 't'
kernel = '{kernel}'
horizon = '30s'
{policy}[machine]
ram = '256MiB'
cpus = 1
uptime = '9s'
hung_task_timeout = '10s'
[[lock]]
name = 'L'
kind = '{lock}'
[[lock]]
name = 'M'
kind = 'mutex'
[[driver]]
name = 'mine'
api = '{api}'
refuse = '{refuse}'
start = [{start}]
{end}[[device]]
name = 'oomn'
driver = 'mine'
lock = 'L'
fence = '5s'
worker = {{ time = '1ms' }}
[[task]]
name = 'bystander'
oom_score_adj = -1000
program = [{{ mmap = 'a', size = '18MiB' }}, {{ touch = 'a' }}, {{ ready = true }}, {{ idle = true }}]
[[task]]
name = 'hog'
start = {{ after = 'bystander' }}
program = [
  {{ mmap = 'a', size = '130MiB' }},
  {{ register = 'oomn', region = 'a' }},
  {{ touch = 'a' }},
  {{ thread = 'stuck' }},
  {{ ready = true }},
  {{ idle = true }},
]
[[task.thread]]
name = 'stuck'
program = [{{ stuck = '4500ms' }}]
"
    );
    if !held_over.is_empty() {
        let holder = format!(
            "[[task]]
name = 'holder'
oom_score_adj = -1000
start = {{ after = 'hog' }}
program = [
  {{ ioctl = [{{ lock = 'L' }}, {held_over}, {{ unlock = 'L' }}, {{ free = true }}] }},
  {{ idle = true }},
]
"
        );
        text.push_str(&holder);
    }
    // Where the holder itself is what memory runs out of, nobody else presses.
    if !held_over.contains("hold = true") {
        text += "[[task]]
name = 'presser'
start = { after = 'hog', delay = '50ms' }
program = [{ mmap = 'a', size = '120MiB' }, { touch = 'a', rate = '200MiB/s' }, { exit = true }]
";
    }
    text
}

/// A report in a word or two.
fn word(report: &Report) -> String {
    let short = |class: &String| match class.as_str() {
        "mmu_notifier_invalidate_range_start" => "MN".to_owned(),
        other => other.to_owned(),
    };
    match report {
        Report::Circular { chain, .. } => {
            let chain: Vec<_> = chain.iter().map(|(class, _)| short(class)).collect();
            format!("circular {}", chain.join(" "))
        }
        Report::Recursive { class, .. } => format!("recursive {}", short(class)),
        Report::WaitContext { acquiring, held, .. } => {
            format!("wait context {acquiring} under {}", held.last().map_or("", String::as_str))
        }
        Report::Sleeping { non_block, .. } => format!("might sleep {non_block}"),
        Report::Scheduling { who } => format!("schedules {who}"),
        Report::Atomic { .. } => "atomic".to_owned(),
        Report::Hung { task, seconds } => format!("hung {task} {seconds}"),
        Report::LockdepOff => "off".to_owned(),
    }
}

/// What is changed, the reports in their order, and why.
const ROWS: &[(&str, Change, &[&str], &str)] = &[
    ("N1", N1, &["might sleep 1"], "mutex_lock() has a might_sleep(), also where nobody has it"),
    ("N1 with a spinlock", Change { lock: "spinlock", ..N1 }, &[], "nobody sleeps for it"),
    (
        "N1 with a semaphore",
        Change { lock: "rwsem", ..N1 },
        &["might sleep 1"],
        "down_write() has one too",
    ),
    (
        "N1 with its reader",
        Change {
            lock: "rwsem",
            start: "{ lock = 'own', mode = 'read' }, { unlock = 'own' }",
            ..N1
        },
        &["might sleep 1"],
        "so has down_read()",
    ),
    (
        "N1, tried",
        Change { start: "{ lock = 'own', how = 'trylock' }, { unlock = 'own' }", ..N1 },
        &[],
        "mutex_trylock() never sleeps",
    ),
    (
        "N1 as a driver should be",
        Change { refuse: "if-needed", ..N1 },
        &[],
        "where it must not sleep it tries",
    ),
    (
        "N1 with msleep()",
        Change { start: "{ sleep = '20ms' }", ..N1 },
        &["schedules oom_reaper/1"],
        "msleep() has no might_sleep(): only that it gives up the CPU is seen",
    ),
    (
        "N1 with a completion",
        Change { start: "{ hardware = '20ms' }", ..N1 },
        &["might sleep 1", "schedules oom_reaper/1"],
        "wait_for_completion() has one, and then it sleeps",
    ),
    (
        "N1 with a worker",
        Change { start: "{ flush = true }", ..N1 },
        &["might sleep 1", "schedules oom_reaper/1"],
        "flush_workqueue() takes wq->mutex, and waits",
    ),
    (
        "N1 with a worker's completion",
        Change { start: "{ flush = true, how = 'completion' }", ..N1 },
        &["might sleep 1", "schedules oom_reaper/1"],
        "so does wait_for_completion()",
    ),
    (
        "N1 with nothing to wait for",
        Change { start: "{ fences = true }", ..N1 },
        &[],
        "no job uses the range",
    ),
    (
        "N1 with work",
        Change { start: "{ work = '20us' }", ..N1 },
        &[],
        "a section that must not sleep may work",
    ),
    (
        "N1 with an allocation",
        Change { start: "{ alloc = 'GFP_KERNEL' }", ..N1 },
        &["circular fs_reclaim MN", "might sleep 1"],
        "might_alloc() touches the maps before it is a might_sleep(): reclaim under the notifiers' map",
    ),
    (
        "N1 with GFP_NOFS",
        Change { start: "{ alloc = 'GFP_NOFS' }", ..N1 },
        &["recursive MN", "might sleep 1"],
        "without __GFP_FS only the notifiers' map is touched, which is held",
    ),
    (
        "N1 with GFP_NOFS, 5.6",
        Change { kernel: "5.6", start: "{ alloc = 'GFP_NOFS' }", ..N1 },
        &["might sleep 1"],
        "before 5.11 reclaim touches fs_reclaim alone",
    ),
    (
        "N1 with GFP_NOWAIT",
        Change { start: "{ alloc = 'GFP_NOWAIT' }", ..N1 },
        &[],
        "that request never reclaims",
    ),
    (
        "N1, sleeping under a spinlock",
        Change {
            lock: "spinlock",
            start: "{ lock = 'own' }, { sleep = '5ms' }, { unlock = 'own' }",
            ..N1
        },
        &["schedules oom_reaper/1", "atomic"],
        "schedule() looks at the section first, then at the spinlock",
    ),
    (
        "N1, a mutex under a spinlock",
        Change {
            lock: "spinlock",
            start: "{ lock = 'own' }, { lock = 'M' }, { unlock = 'M' }, { unlock = 'own' }",
            ..N1
        },
        &["might sleep 1", "wait context M under L"],
        "one report says both; lockdep's wait types say it again",
    ),
    (
        "N1, two mutexes",
        Change {
            start: "{ lock = 'own' }, { lock = 'M' }, { unlock = 'M' }, { unlock = 'own' }",
            ..N1
        },
        &["might sleep 1"],
        "might_sleep() reports once a second",
    ),
    (
        "N1, a mutex in its end",
        Change { start: "{ work = '1us' }", end: TAKE, ..N1 },
        &["might sleep 1"],
        "an end is marked as a section as a start is",
    ),
    (
        "N1, msleep() in its end",
        Change { start: "{ work = '1us' }", end: "{ sleep = '5ms' }", ..N1 },
        &["schedules oom_reaper/1"],
        "and it gives up the CPU in it",
    ),
    (
        "N1, a spinlock in its end",
        Change { lock: "spinlock", start: "{ work = '1us' }", end: TAKE, ..N1 },
        &[],
        "nobody sleeps for it",
    ),
    ("N1, 5.3", Change { kernel: "5.3", ..N1 }, &[], "non_block_start() came with 5.4"),
    (
        "N1, 5.4",
        Change { kernel: "5.4", ..N1 },
        &["might sleep 1"],
        "the first kernel with the check",
    ),
    ("N2", N2, &[], "calls of intervals are not marked as sections that must not sleep"),
    (
        "N2 with msleep()",
        Change { start: "{ sleep = '20ms' }", ..N2 },
        &[],
        "nor does schedule() know of a section there",
    ),
    (
        "N2, sleeping under a spinlock",
        Change {
            lock: "spinlock",
            start: "{ lock = 'own' }, { sleep = '5ms' }, { unlock = 'own' }",
            ..N2
        },
        &["atomic"],
        "the spinlock is seen all the same",
    ),
    (
        "N2 with an allocation",
        Change { start: "{ alloc = 'GFP_KERNEL' }", ..N2 },
        &["circular fs_reclaim MN"],
        "lockdep watches intervals as it does the list",
    ),
    (
        "the lock was held over GFP_KERNEL",
        HELD,
        &["might sleep 1", "circular L fs_reclaim MN"],
        "with a mutex might_sleep() comes before lockdep's look",
    ),
    (
        "over GFP_NOFS",
        Change { held_over: "{ alloc = 'GFP_NOFS' }", ..HELD },
        &["might sleep 1", "circular L MN"],
        "fs_reclaim is not in its chain",
    ),
    (
        "over GFP_NOFS, 5.6",
        Change { kernel: "5.6", held_over: "{ alloc = 'GFP_NOFS' }", ..HELD },
        &["might sleep 1"],
        "what Michal complained of in 2019",
    ),
    (
        "over GFP_ATOMIC",
        Change { held_over: "{ alloc = 'GFP_ATOMIC' }", ..HELD },
        &["might sleep 1"],
        "that request waits for nobody",
    ),
    (
        "held over GFP_KERNEL, tried",
        Change { refuse: "if-needed", ..HELD },
        &[],
        "a trylock makes no edge, and nobody calls it in any other way: the list is empty when the process exits",
    ),
    (
        "the same through an interval",
        Change { refuse: "if-needed", api: "interval", ..HELD },
        &["circular L fs_reclaim MN"],
        "exit_mmap() calls intervals once more, and then it may sleep",
    ),
    (
        "the same through an interval that never asks",
        Change { api: "interval", ..HELD },
        &["circular L fs_reclaim MN"],
        "lockdep sees it, the section does not",
    ),
    (
        "H1",
        H1,
        &[
            "might sleep 1",
            "circular L fs_reclaim MN",
            "schedules oom_reaper/1",
            "hung oom_reaper 10",
        ],
        "it blocks while it must not; the detector comes later",
    ),
    (
        "H1 through an interval",
        Change { api: "interval", ..H1 },
        &["circular L fs_reclaim MN", "hung oom_reaper 10"],
        "the section's two reports are missing, the block is not",
    ),
    (
        "H1, 5.3",
        Change { kernel: "5.3", ..H1 },
        &["hung oom_reaper 10", "hung oom_reaper 20"],
        "neither maps nor check: it just hangs, two seconds earlier, so that the detector looks twice",
    ),
    (
        "H1, a callback that tries",
        Change { refuse: "if-needed", ..H1 },
        &[],
        "the reaper is refused and gives up: nobody is blocked for long",
    ),
    (
        "H1, a policy that lets drivers block",
        Change { refuse: "if-needed", policy: "block-always", ..H1 },
        &["circular L fs_reclaim MN", "hung oom_reaper 10"],
        "no section is marked, for sleeping is allowed there; lockdep objects all the same",
    ),
];

#[test]
fn variants_of_the_recordings_report_what_their_cause_is() {
    let mut wrong = Vec::new();
    for (name, change, expected, why) in ROWS {
        let reports = read(&dmesg(&run("t", &text(change), &["lockdep", "non-block"])));
        let mut words: Vec<_> = reports.iter().map(word).collect();
        // The holder, who runs, and looks that find the same again.
        words.retain(|word| word != "off" && !word.starts_with("hung h"));
        words.dedup();
        if words != *expected {
            wrong.push(format!("{name}: {words:?} instead of {expected:?}, for {why}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), ROWS.len(), wrong.join("\n"));
}
