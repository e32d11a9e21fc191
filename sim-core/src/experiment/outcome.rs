//! What one run boils down to when it stands beside others.

use crate::analysis::{Dependency, Report, Said, Verdict, task_name};
use crate::base::{Digest, SimTime};
use crate::record::Run;

/// What the reaper's waiting led to, the worst of it.
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Debug)]
pub enum Danger {
    /// It never waited for an allocation, and nobody was stuck.
    None,
    /// It depended on an allocation through others, and got over it.
    Indirect,
    /// It waited for a task in an allocation, and got over it.
    Direct,
    /// A set of tasks could not go on, until a page or a kill from elsewhere freed it.
    Closed,
    /// A set of tasks could never go on again.
    Stuck,
}

impl Danger {
    /// All of them, the least first.
    pub const ALL: [Self; 5] =
        [Self::None, Self::Indirect, Self::Direct, Self::Closed, Self::Stuck];

    /// A word for it.
    pub fn id(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Indirect => "indirect",
            Self::Direct => "direct",
            Self::Closed => "closed",
            Self::Stuck => "stuck",
        }
    }
}

/// One row of a comparison. Times are in ns, sizes in pages.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct Outcome {
    /// Kernel profile.
    pub kernel: String,
    /// Notifier policy.
    pub policy: String,
    /// Seed.
    pub seed: u64,
    /// Digest of the records.
    pub digest: Digest,
    /// The one-word outcome.
    pub verdict: Verdict,
    /// Flags raised.
    pub flags: Vec<&'static str>,
    /// Processes killed.
    pub victims: u64,
    /// Pages of the first victim that the reaper unmapped.
    pub reaped_pages: u64,
    /// Those of them that reached the free list.
    pub freed_by_reaper: u64,
    /// Pages of the first victim that reached the free list, by whomever.
    pub freed_pages: u64,
    /// Attempts of the reaper on the first victim, a sleep in place of one among them.
    pub attempts: u64,
    /// Refusals, in all.
    pub refusals: u64,
    /// What the log says of the first victim, if anything.
    pub said: Option<Said>,
    /// From the first kill until the killer might have chosen again; `None`: never.
    pub next_victim_after: Option<u64>,
    /// From the first kill until everybody was served and memory was above the high mark, and
    /// nobody had to wait again for a victim.
    pub recovery: Option<u64>,
    /// Who waited longest for a page, and how long.
    pub longest_wait: Option<(String, u64)>,
    /// What the reaper's waiting led to.
    pub danger: Danger,
    /// Whether lockdep warned; `None` if it was off.
    pub lockdep: Option<bool>,
}

impl Outcome {
    /// [`recovery`](Self::recovery) of a run that ended well: one that hangs later on has not
    /// recovered, whatever it looked like in between.
    pub fn recovered_after(&self) -> Option<u64> {
        self.recovery.filter(|_| matches!(self.verdict, Verdict::Recovered | Verdict::ExtraVictims))
    }
}

/// What a run boils down to.
pub fn outcome(run: &Run, report: &Report) -> Outcome {
    let first = report.victims.first();
    let has_lockdep = run.lock_reports.checks.contains(&"lockdep");
    let since = |at: SimTime| first.map(|victim| at.saturating_sub(victim.killed).0);
    Outcome {
        kernel: run.id.kernel.clone(),
        policy: run.id.policy.clone(),
        seed: run.id.seed,
        digest: run.digest,
        verdict: report.verdict,
        flags: report.flags.clone(),
        victims: u64::try_from(report.victims.len()).unwrap_or(u64::MAX),
        reaped_pages: first.map_or(0, |victim| victim.reaped_pages),
        freed_by_reaper: first.map_or(0, |victim| victim.freed_by_reaper),
        freed_pages: first.map_or(0, |victim| victim.freed_pages),
        attempts: first.map_or(0, |victim| u64::from(victim.attempts)),
        refusals: report.metrics.refusals,
        said: first.and_then(|victim| victim.said),
        next_victim_after: first.and_then(|victim| since(victim.done?)),
        recovery: report.metrics.oom_to_recovery_ns,
        longest_wait: report
            .longest_wait
            .map(|wait| (task_name(&run.cast, wait.task), wait.lasted.0)),
        danger: danger(report),
        lockdep: has_lockdep.then_some(report.metrics.lockdep_reports > 0),
    }
}

fn danger(report: &Report) -> Danger {
    let closed = &report.wait_for.closed;
    let dependencies = &report.wait_for.dependencies;
    if closed.iter().any(|set| set.until.is_none()) {
        Danger::Stuck
    } else if !closed.is_empty() {
        Danger::Closed
    } else if dependencies.iter().any(Dependency::is_direct) {
        Danger::Direct
    } else if !dependencies.is_empty() {
        Danger::Indirect
    } else {
        Danger::None
    }
}
