//! Runs a checked scenario, in slices if wanted.

use std::rc::Rc;

use super::build::{Choice, build};
use super::checked::Scenario;
use super::names;
use crate::base::{Seeds, SimTime, TaskId};
use crate::engine::{Executor, Limits, Progress, Stop, Ties};
use crate::kernel::{Kernel, switches};
use crate::record::{Keep, Recorder, Run, RunId, Statics, WireError};
use crate::{check, policy};

/// What may be chosen for a run of a scenario.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// 0 … 2^53−1.
    pub seed: u64,
    /// Kernel profile; `None`: the scenario's.
    pub kernel: Option<String>,
    /// Notifier policy; `None`: the scenario's, or else the profile's.
    pub policy: Option<String>,
    /// How simultaneous events are ordered.
    pub ties: TieOrder,
    /// Whether records are kept.
    pub keep: Keep,
    /// Where the run is parted from the one of its seed, by time.
    pub reseeds: Vec<Reseed>,
    /// Whether the invariants are watched; off only to measure what that costs.
    pub watch: bool,
    /// Ids of the checkers that are on; they change neither digest nor verdict.
    pub checks: Vec<String>,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            seed: 1,
            kernel: None,
            policy: None,
            ties: TieOrder::Fifo,
            keep: Keep::Records,
            reseeds: Vec::new(),
            watch: true,
            checks: Vec::new(),
        }
    }
}

/// Parts a run from itself: random numbers that are drawn later are others.
///
/// Before it, the run is the one without it, to the bit.
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Debug)]
pub struct Reseed {
    /// Not before this instant,
    pub at: SimTime,
    /// nor before the event list has handed out so many events.
    pub event: u64,
    /// Which other numbers.
    pub salt: u64,
    /// Each stream takes part with a chance of (`share` + 1) / 256; 255 means all.
    pub share: u8,
}

/// Order of simultaneous events of one class.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum TieOrder {
    /// As they were scheduled.
    Fifo,
    /// Drawn from the seed.
    Seeded,
}

/// A run under way.
pub struct Simulation {
    id: RunId,
    kernel: Rc<Kernel>,
    executor: Executor<Recorder>,
    stopped: Option<Stop>,
    seeds: Seeds,
    /// Those to come, the next one last.
    reseeds: Vec<Reseed>,
}

impl Simulation {
    /// Sets a run up. Fails, in words, on a profile, policy or checker that there is not.
    pub fn new(scenario: &Scenario, options: &RunOptions) -> Result<Self, String> {
        let profile = options.kernel.as_deref().unwrap_or(&scenario.kernel);
        let switches = switches::find(profile)
            .ok_or_else(|| unknown("kernel profile", profile, &names::profiles()))?;
        let asked = options.policy.as_deref().or(scenario.policy.as_deref());
        let asked = asked.unwrap_or(switches.policy);
        let policy = policy::find(asked)
            .ok_or_else(|| unknown("notifier policy", asked, &names::policies()))?;
        let seeds = Seeds::new(options.seed);
        let ties = match options.ties {
            TieOrder::Fifo => Ties::Fifo,
            TieOrder::Seeded => Ties::Seeded(seeds.stream("ties", "engine")),
        };
        let checks = checkers(&options.checks)?;
        let choice = Choice {
            switches,
            policy,
            seeds: seeds.clone(),
            ties,
            keep: options.keep,
            watch: options.watch,
            checks: &checks,
        };
        let kernel = build(scenario, &choice);
        let limits = Limits { horizon: SimTime::ZERO + scenario.horizon, ..Limits::default() };
        let executor = Executor::new(Rc::clone(&kernel.engine), limits);
        let id = RunId {
            scenario: scenario.id.clone(),
            kernel: switches.id.to_owned(),
            policy: policy.id().to_owned(),
            seed: options.seed,
        };
        let mut reseeds = options.reseeds.clone();
        reseeds.reverse();
        Ok(Self { id, kernel, executor, stopped: None, seeds, reseeds })
    }

    /// Handles up to `budget` events; false when the run is over.
    pub fn advance(&mut self, budget: u64) -> bool {
        let mut left = budget;
        while let Some(&Reseed { at, event, salt, share }) = self.reseeds.last() {
            let before = self.executor.events();
            match self.executor.run_up_to(at, event, left) {
                Progress::Reached => {}
                Progress::More => return true,
                Progress::Stopped(stop) => {
                    self.stopped = Some(stop);
                    return false;
                }
            }
            self.reseeds.pop();
            self.seeds.reseed(salt, share);
            left -= self.executor.events() - before;
        }
        if let Progress::Stopped(stop) = self.executor.run(left) {
            self.stopped = Some(stop);
        }
        self.stopped.is_none()
    }

    /// The simulated clock.
    pub fn now(&self) -> SimTime {
        self.kernel.engine.now()
    }

    /// What the run asked of the event list so far.
    #[cfg(feature = "op-log")]
    pub fn event_list_ops(&self) -> Vec<crate::engine::op_log::Op> {
        self.kernel.engine.event_list_ops()
    }

    /// Ends the run where it is and hands over its record.
    pub fn finish(self) -> Run {
        if !self.stopped.is_some_and(|stop| stop == Stop::Broken) {
            // Who runs last is not known any more; the first task is the reaper.
            self.kernel.recount(TaskId(0));
        }
        let stacks = self.kernel.engine.stacks();
        let (id, stopped) = (self.id, self.stopped.unwrap_or(Stop::Requested));
        self.kernel.engine.observe(|end, recorder| {
            let stop = if recorder.findings.broken.is_some() { Stop::Broken } else { stopped };
            recorder.cast.stacks = stacks;
            Run {
                id,
                digest: recorder.digest(),
                marks: recorder.take_marks(),
                events: recorder.count(),
                end,
                stop,
                findings: std::mem::take(&mut recorder.findings),
                lock_reports: recorder.take_lock_reports(end),
                trace: std::mem::take(&mut recorder.trace),
                cast: std::mem::take(&mut recorder.cast),
            }
        })
    }

    /// Runs to the end.
    pub fn run(mut self) -> Run {
        while self.advance(u64::MAX) {}
        self.finish()
    }
}

/// A run that [`Run::to_wire`] sent over.
pub fn run_from_wire(bytes: &[u8]) -> Result<Run, WireError> {
    let releases = switches::PROFILES.iter().map(|profile| profile.tree);
    let checks = check::checkers::ALL.iter().map(|checker| checker.id);
    let names: Vec<&'static str> = releases.chain(checks).collect();
    let boot_stacks = check::checkers::BOOT_STACKS;
    Run::from_wire(bytes, Statics { names: &names, boot_stacks })
}

/// The checkers with these ids, each once.
fn checkers(asked: &[String]) -> Result<Vec<&'static str>, String> {
    let mut found = Vec::new();
    for id in asked {
        let checker =
            check::checkers::find(id).ok_or_else(|| unknown("checker", id, &names::checkers()))?;
        if !found.contains(&checker.id) {
            found.push(checker.id);
        }
    }
    Ok(found)
}

fn unknown(what: &str, asked: &str, known: &[&str]) -> String {
    format!("no {what} `{asked}` in this version; there is {}", known.join(", "))
}
