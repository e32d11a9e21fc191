//! The table of kernel-spec 4.9: one victim under every policy.

use sim_core::base::Nanos;
use sim_core::export::dmesg;
use sim_core::record::{Event, Run};

use super::rows::{Row, judged, row, run};

const SIDE: &str = "eras-side-by-side";
const FENCE: &str = "eras-fence-needs-allocation";

pub(crate) const ROWS: &[Row] = &[
    row(SIDE, "", "recovered", 1, 10, "", "10 back-off, 1 give-up, 10 refusal"),
    row(SIDE, "policy=ignore", "recovered", 1, 1, "stale-access", "1 stale-access"),
    row(SIDE, "policy=skip-any", "extra-victims", 2, 2, "", "1 back-off, 1 extra-victim"),
    row(SIDE, "policy=skip-flag", "extra-victims", 2, 2, "", "1 back-off, 1 extra-victim"),
    row(SIDE, "policy=nonblock", "recovered", 1, 10, "", "10 back-off, 1 give-up, 10 refusal"),
    row(
        SIDE,
        "policy=interval-two-pass",
        "recovered",
        1,
        10,
        "",
        "10 back-off, 1 give-up, 10 refusal",
    ),
    row(SIDE, "policy=core-refuse", "recovered", 1, 10, "", "10 back-off, 1 give-up, 10 refusal"),
    row(SIDE, "policy=block-always", "recovered", 1, 1, "", ""),
    row(SIDE, "policy=deadline", "recovered", 1, 10, "", "10 back-off, 1 give-up, 10 refusal"),
    row(SIDE, "policy=hand-off", "recovered", 1, 2, "", "1 give-up, 1 refusal"),
    row(SIDE, "kernel=6.1", "recovered", 1, 10, "", "10 back-off, 1 give-up, 10 refusal"),
    row(FENCE, "", "deadlock", 1, 1, "hung-task", "2 cycle"),
    row(
        FENCE,
        "policy=interval",
        "extra-victims",
        2,
        11,
        "",
        "10 back-off, 1 extra-victim, 1 give-up, 10 refusal",
    ),
    row(
        FENCE,
        "policy=core-refuse",
        "extra-victims",
        2,
        11,
        "",
        "10 back-off, 1 extra-victim, 1 give-up, 10 refusal",
    ),
    row(FENCE, "device.gpu0.worker.alloc=GFP_ATOMIC", "recovered", 1, 1, "", ""),
];

const HEAP: u64 = 2048;
const ALL: u64 = 2560;

/// What the table says of the victim.
struct Line {
    id: &'static str,
    with: &'static str,
    /// What the reaper frees, in MiB, besides the small VMAs.
    freed: u64,
    attempts: u32,
    log: Option<&'static str>,
    /// When the next victim may be chosen, in milliseconds after the kill.
    next: Option<u64>,
}

/// Unmapping takes half a microsecond per page: 262 ms for the heap, 65 ms
/// for the buffers, which come on top of what the table says.
const TABLE: &[Line] = &[
    Line {
        id: SIDE,
        with: "policy=ignore",
        freed: ALL,
        attempts: 1,
        log: Some("reaped process"),
        next: Some(328),
    },
    Line { id: SIDE, with: "policy=skip-any", freed: 0, attempts: 1, log: None, next: Some(1000) },
    Line { id: SIDE, with: "policy=skip-flag", freed: 0, attempts: 1, log: None, next: Some(1000) },
    Line {
        id: SIDE,
        with: "policy=nonblock",
        freed: HEAP,
        attempts: 10,
        log: Some("unable to reap"),
        next: Some(1262),
    },
    Line {
        id: SIDE,
        with: "policy=interval",
        freed: HEAP,
        attempts: 10,
        log: Some("unable to reap"),
        next: Some(1262),
    },
    Line {
        id: SIDE,
        with: "kernel=6.1",
        freed: HEAP,
        attempts: 10,
        log: Some("unable to reap"),
        next: Some(3262),
    },
    Line {
        id: SIDE,
        with: "policy=core-refuse",
        freed: HEAP,
        attempts: 10,
        log: Some("unable to reap"),
        next: Some(1262),
    },
    Line {
        id: SIDE,
        with: "policy=block-always",
        freed: ALL,
        attempts: 1,
        log: Some("reaped process"),
        next: Some(5042),
    },
    Line { id: FENCE, with: "", freed: HEAP, attempts: 1, log: None, next: None },
];

/// MiB that the reaper freed of the victim while it worked on it.
fn freed(run: &Run) -> u64 {
    let reaper =
        run.cast.tasks.iter().find(|(_, info)| info.name == "oom_reaper").expect("there is one").0;
    let mm =
        run.cast.tasks.iter().find(|(_, info)| info.name == "victim").expect("there is one").1.mm;
    let pages =
        run.trace.iter().filter(|record| record.task == reaper).map(|record| match record.event {
            Event::Zap { range, freed, .. } if Some(run.cast.ranges[range].mm) == mm => {
                u64::from(freed)
            }
            _ => 0,
        });
    pages.sum::<u64>() / 256
}

#[test]
fn the_table_of_eras_is_reproduced() {
    for line in TABLE {
        let what = format!("{} {}", line.id, line.with);
        let (run, report) = (run(line.id, line.with), judged(line.id, line.with));
        let victim = &report.victims[0];
        assert!(freed(&run).abs_diff(line.freed) <= 1, "{what}: {} MiB", freed(&run));
        assert_eq!(victim.attempts, line.attempts, "{what}");
        let log = dmesg(&run);
        let said =
            |text: &&str| log.lines().any(|line| line.contains(text) && line.contains("(victim)"));
        let found: Vec<_> = ["reaped process", "unable to reap"].into_iter().filter(said).collect();
        assert_eq!(found, line.log.into_iter().collect::<Vec<_>>(), "{what}");
        let next = victim.skip.map(|at| at.saturating_sub(victim.killed));
        let near = |next: Nanos| {
            line.next.is_some_and(|ms| next.0.abs_diff(Nanos::from_ms(ms).0) < 6_000_000)
        };
        assert!(next.map_or(line.next.is_none(), near), "{what}: {next:?}");
    }
}

#[test]
fn ignoring_the_device_is_fast_and_wrong() {
    let report = judged(SIDE, "policy=ignore");
    let stale = report.incidents.iter().find(|incident| incident.kind == "stale-access");
    let text = stale.map_or("", |incident| &incident.text);
    assert_eq!(text, "gpu0 uses 131072 pages of victim's buffers that were freed (1 time)");
}
