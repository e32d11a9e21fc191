//! A driver's mutex held across allocations: what becomes of it under each
//! driver, policy and request, and what each checker says of it. Times are
//! held to the laws of the recordings (traces/README.md): attempts 26
//! jiffies apart, one more pause after the tenth, and the next kill a round
//! of reclaim later.

use sim_core::analysis::report;
use sim_core::base::{Nanos, SimTime};
use sim_core::record::{Event, Run, Splat};
use sim_core::scenario::gallery::find;
use sim_core::scenario::{RunOptions, Simulation, parse};

const ID: &str = "mutex-held-across-allocations";
const ALL: [&str; 3] = ["lockdep", "non-block", "wait-for"];

fn run(with: &[(&str, &str)]) -> Run {
    let entry = find(ID).expect("in the gallery");
    let checks = ALL.iter().map(|&id| id.to_owned()).collect();
    let mut options = RunOptions { checks, ..RunOptions::default() };
    let mut sets = Vec::new();
    for &(path, value) in with {
        match path {
            "kernel" => options.kernel = Some(value.to_owned()),
            "policy" => options.policy = Some(value.to_owned()),
            _ => sets.push((path.to_owned(), value.to_owned())),
        }
    }
    let scenario = parse(ID, entry.text, &sets).unwrap_or_else(|errors| panic!("{errors:?}"));
    Simulation::new(&scenario, &options).expect("it starts").run()
}

fn times(run: &Run, is_it: impl Fn(&Event) -> bool) -> Vec<SimTime> {
    run.trace.iter().filter(|record| is_it(&record.event)).map(|record| record.at).collect()
}

/// S3 of the recordings has the same shape, with a driver that always refuses.
#[test]
fn attempts_and_give_up_keep_the_recorded_times() {
    let run = run(&[]);
    let kills = times(&run, |event| matches!(event, Event::MarkVictim { .. }));
    let wake = times(&run, |event| matches!(event, Event::WakeReaper { .. }))[0];
    let starts = times(&run, |event| matches!(event, Event::StartTaskReaping { .. }));
    let gave_up = times(&run, |event| matches!(event, Event::UnableToReap { .. }));
    let between = |from: SimTime, to: SimTime| to.saturating_sub(from);
    let is_within = |span: Nanos, low_us: u64, high_us: u64| {
        assert!((low_us..=high_us).contains(&(span.0 / 1000)), "{span:?}");
    };
    assert_eq!((kills.len(), starts.len(), gave_up.len()), (2, 10, 1));
    is_within(between(kills[0], wake), 2_000_700, 2_031_600);
    is_within(between(wake, starts[0]), 0, 1_200);
    for pair in starts.windows(2) {
        is_within(between(pair[0], pair[1]), 103_700, 104_300);
    }
    is_within(between(starts[9], gave_up[0]), 103_700, 104_300);
    is_within(between(kills[0], gave_up[0]), 3_040_000, 3_070_000);
    is_within(between(gave_up[0], kills[1]), 8_000, 21_000);
}

/// What comes of a variant.
#[derive(Debug, PartialEq)]
struct Outcome {
    verdict: &'static str,
    /// Who is killed, and after how many attempts SKIP is set.
    victims: &'static [(&'static str, u32)],
    /// lockdep, by the chain it prints.
    lockdep: Option<&'static [&'static str]>,
    /// Reports of who slept where it must not.
    non_block: usize,
    /// Whether the reaper depended on an allocation, directly.
    depends: bool,
    /// Whether some set of tasks never got out.
    closed: bool,
}

/// As the scenario is: refused ten times, and nobody objects.
const REFUSED: Outcome = Outcome {
    verdict: "extra-victims",
    victims: &[("hog", 10), ("bystander", 0)],
    lockdep: None,
    non_block: 0,
    depends: false,
    closed: false,
};
const MN: &str = "mmu_notifier_invalidate_range_start";
const CHAIN: Option<&[&str]> = Some(&["drv_mutex", "fs_reclaim", MN]);

/// The holder's program, with its request.
macro_rules! holds {
    ($alloc:literal) => {
        concat!(
            "{ ioctl = [{ lock = \"drv_mutex\" }, ",
            $alloc,
            ", { unlock = \"drv_mutex\" }, { free = true }] }"
        )
    };
}
const HOLDER: &str = "task.holder.program.0";
const REFUSE: &str = "driver.mirror.refuse";
const STUCK: &str = "task.hog.thread.stuck.program";
/// Unmaps its memory, while somebody holds the mutex.
const MADVISE: &str = "[{ pause = \"10ms\" }, { madvise = \"a\" }]";
/// `hog` holds the mutex itself.
macro_rules! hog_holds {
    ($gfp:literal) => {
        concat!(
            "[{ mmap = \"a\", size = \"90MiB\" }, { register = \"mirror0\", region = \"a\" }, ",
            "{ touch = \"a\" }, { thread = \"stuck\" }, { ready = true }, ",
            "{ ioctl = [{ lock = \"drv_mutex\" }, { alloc = \"",
            $gfp,
            "\", count = 24000, hold = true }, { unlock = \"drv_mutex\" }, { free = true }] }, ",
            "{ exit = true }]"
        )
    };
}
const IDLE: (&str, &str) = ("task.holder.program", "[{ idle = true }]");

type Row = (&'static [(&'static str, &'static str)], Outcome, &'static str);

/// What is changed, what comes of it, and why.
const ROWS: &[Row] = &[
    (&[], REFUSED, "a trylock makes no edge and never sleeps: only the wait for memory is left"),
    (
        &[("kernel", "5.3")],
        Outcome { victims: &[("hog", 10), ("bystander", 1)], ..REFUSED },
        "without the delay of two seconds bystander is reaped before it has exited",
    ),
    (
        &[("policy", "core-refuse")],
        REFUSED,
        "the core refuses for the driver, whether somebody has its mutex or not",
    ),
    (
        &[("driver.mirror.api", "interval")],
        Outcome { lockdep: Some(&["drv_mutex", "fs_reclaim", MN]), ..REFUSED },
        "an interval is called when the process exits, and may sleep there: that is an edge",
    ),
    (
        &[(REFUSE, "never")],
        Outcome {
            verdict: "deadlock",
            victims: &[("hog", 1)],
            lockdep: CHAIN,
            non_block: 2,
            depends: true,
            closed: true,
        },
        "the reaper waits for the mutex, whose holder waits for the reaper: all three see it",
    ),
    (
        &[(REFUSE, "never"), ("driver.mirror.api", "interval")],
        Outcome {
            verdict: "deadlock",
            victims: &[("hog", 1)],
            lockdep: CHAIN,
            non_block: 0,
            depends: true,
            closed: true,
        },
        "the same, but that nobody marks the calls of intervals as sections",
    ),
    (
        &[("policy", "block-always")],
        Outcome {
            verdict: "deadlock",
            victims: &[("hog", 1)],
            lockdep: CHAIN,
            non_block: 0,
            depends: true,
            closed: true,
        },
        "the same circle, where sleeping is allowed",
    ),
    (
        &[("policy", "deadline")],
        Outcome { lockdep: CHAIN, depends: true, ..REFUSED },
        "it waits 50 ms ten times: a dependency that time ends, and an edge that lockdep sees",
    ),
    (
        &[("policy", "hand-off")],
        Outcome { victims: &[("hog", 2), ("bystander", 0)], lockdep: CHAIN, ..REFUSED },
        "a worker waits for the mutex in the reaper's stead, a second attempt that lasts until bystander has died all the same",
    ),
    (
        &[(HOLDER, holds!("{ alloc = \"GFP_KERNEL|__GFP_NOFAIL\", count = 24000, hold = true }"))],
        REFUSED,
        "what may not fail waits no less",
    ),
    (
        &[(HOLDER, holds!("{ alloc = \"GFP_NOFS\", count = 24000, hold = true }"))],
        Outcome { verdict: "livelock", victims: &[], ..REFUSED },
        "nobody is killed on behalf of GFP_NOFS: it asks for ever",
    ),
    (
        &[(HOLDER, holds!("{ alloc = \"GFP_NOWAIT\", count = 24000, hold = true }"))],
        Outcome { verdict: "no-oom", victims: &[], ..REFUSED },
        "it fails, and the mutex is let go",
    ),
    (
        &[(
            HOLDER,
            "{ ioctl = [{ lock = \"drv_mutex\" }, { unlock = \"drv_mutex\" }, { alloc = \"GFP_KERNEL\", count = 24000, hold = true }, { free = true }] }",
        )],
        Outcome { verdict: "recovered", victims: &[("hog", 1)], ..REFUSED },
        "the cause is gone: the mutex is let go before it allocates",
    ),
    (
        &[("task.holder.oom_score_adj", "1000")],
        Outcome { verdict: "recovered", victims: &[("holder", 0)], ..REFUSED },
        "the holder is the victim: its request fails from the reserves, and it lets go",
    ),
    (
        &[("task.hog.program", hog_holds!("GFP_KERNEL")), IDLE],
        Outcome { verdict: "recovered", victims: &[("hog", 1)], ..REFUSED },
        "the victim holds the mutex of its own notifier: two seconds later it has let go",
    ),
    (
        &[("task.hog.program", hog_holds!("GFP_KERNEL|__GFP_NOFAIL")), IDLE],
        REFUSED,
        "a victim that may not fail: it keeps the mutex and the reaper away from itself",
    ),
    (
        &[(STUCK, MADVISE)],
        Outcome { lockdep: CHAIN, ..REFUSED },
        "a thread of the victim sleeps on the mutex in a call that may: no SIGKILL ends that",
    ),
    (
        &[
            (STUCK, MADVISE),
            (
                "driver.mirror.start",
                "[{ lock = \"drv_mutex\", how = \"killable\" }, { unlock = \"drv_mutex\" }]",
            ),
        ],
        Outcome { verdict: "recovered", victims: &[("hog", 0)], lockdep: CHAIN, ..REFUSED },
        "killable: it gives up the wait, and the process exits by itself; lockdep sees no difference",
    ),
];

/// An [`Outcome`], as a run has it.
type Found = (String, Vec<(String, u32)>, Option<Vec<String>>, usize, bool, bool);

fn outcome(run: &Run) -> Found {
    let report = report(run);
    let victims = report
        .victims
        .iter()
        .map(|victim| (run.cast.tasks[victim.task].name.clone(), victim.attempts));
    let reports = &run.lock_reports;
    let lockdep = reports.reports.iter().find_map(|one| match &one.splat {
        Splat::Circular { chain, .. } => {
            Some(chain.iter().map(|link| reports.classes[link.class].name.clone()).collect())
        }
        _ => None,
    });
    let slept = reports.reports.iter().filter(|one| !one.splat.is_lockdep()).count();
    let found = reports.wait_for.as_ref().expect("it is on");
    let depends = found.dependencies.iter().any(sim_core::analysis::Dependency::is_direct);
    let closed = found.closed.iter().any(|set| set.until.is_none());
    (report.verdict.id().to_owned(), victims.collect(), lockdep, slept, depends, closed)
}

#[test]
fn variants_come_to_what_their_cause_is() {
    let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let mut wrong = Vec::new();
    for (with, expected, why) in ROWS {
        let is = outcome(&run(with));
        let victims: Vec<_> =
            expected.victims.iter().map(|&(name, attempts)| (name.to_owned(), attempts)).collect();
        let should = (
            expected.verdict.to_owned(),
            victims,
            expected.lockdep.map(owned),
            expected.non_block,
            expected.depends,
            expected.closed,
        );
        if is != should {
            wrong.push(format!("{with:?}\n  is     {is:?}\n  should {should:?}\n  for {why}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), ROWS.len(), wrong.join("\n"));
}
