//! Runs a checked scenario, in slices if wanted.

use std::cell::RefCell;
use std::rc::Rc;

use super::build::{Choice, build};
use super::checked::Scenario;
use super::error::suggestion;
use super::fork::{Fork, ForkChoice};
use super::names;
use super::units::format_ms;
use crate::base::{Nanos, Seeds, SimTime, Stream, TaskId};
use crate::engine::{Executor, Limits, Progress, Shift, Stop, Ties};
use crate::kernel::{Kernel, switches};
use crate::record::{Keep, Recorder, Run, RunId, Statics, TaskKind, WireError};
use crate::workload::{Injection, inject};
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
    /// Where the run is parted from the one of its seed, and by what.
    pub forks: Vec<Fork>,
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
            forks: Vec::new(),
            watch: true,
            checks: Vec::new(),
        }
    }
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
    forks: Vec<Fork>,
    /// How many there were.
    forked: usize,
    /// Why one of them could not be done, once it is known.
    problem: Rc<RefCell<Option<String>>>,
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
            forks: &options.forks,
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
        let mut forks = options.forks.clone();
        forks.sort_by_key(|fork| (fork.at, fork.record));
        forks.reverse();
        let problem = Rc::default();
        Ok(Self { id, kernel, executor, stopped: None, seeds, forks, forked: 0, problem })
    }

    /// Handles up to `budget` events; false when the run is over.
    pub fn advance(&mut self, budget: u64) -> bool {
        let mut left = budget;
        while let Some(fork) = self.forks.pop() {
            let before = self.executor.events();
            let seen = |recorder: &Recorder| recorder.count() >= fork.record;
            match self.executor.run_up_to(fork.at, seen, left) {
                Progress::Reached => {}
                Progress::More => {
                    self.forks.push(fork);
                    return true;
                }
                Progress::Stopped(stop) => {
                    self.stopped = Some(stop);
                    self.never_reached(&fork);
                    return false;
                }
            }
            self.fork(&fork);
            left -= self.executor.events() - before;
        }
        if let Progress::Stopped(stop) = self.executor.run(left) {
            self.stopped = Some(stop);
        }
        self.stopped.is_none()
    }

    /// Makes the choice of a fork, at this point of the run.
    fn fork(&mut self, fork: &Fork) {
        let found = match &fork.choice {
            ForkChoice::Reseed { salt, share } => return self.seeds.reseed(*salt, *share),
            ForkChoice::Ties { salt } => {
                return self.kernel.engine.draw_ties(Stream::new(*salt, "ties", "fork"));
            }
            ForkChoice::Preempt { cpu, by } => return self.kernel.engine.preempt(*cpu, *by),
            ForkChoice::Policy(id) => policy::find(id)
                .map(Injection::Policy)
                .ok_or_else(|| unknown("notifier policy", id, &names::policies())),
            ForkChoice::Kill(name) => self.process_named(name).map(Injection::Kill),
            ForkChoice::End(name) => {
                self.task_named(name).map(|task| Injection::Shift(task, Shift::Now))
            }
            ForkChoice::Delay(name, by) => {
                self.task_named(name).map(|task| Injection::Shift(task, Shift::Later(*by)))
            }
        };
        let injection = match found {
            Ok(injection) => injection,
            Err(problem) => return self.stop_at(fork, &problem),
        };
        let name = format!("fork/{}", self.forked);
        self.forked += 1;
        let at = fork.at.max(self.now());
        let (problem, fork) = (Rc::clone(&self.problem), fork.clone());
        self.kernel.step_in(at, name, |cx| async move {
            if let Err(reason) = inject(&cx, injection).await {
                *problem.borrow_mut() = Some(format!("fork {fork}: it {reason}"));
                cx.kernel().engine.request_stop(Stop::Requested);
            }
        });
    }

    fn stop_at(&self, fork: &Fork, problem: &str) {
        *self.problem.borrow_mut() = Some(format!("fork {fork}: {problem}"));
        self.kernel.engine.request_stop(Stop::Requested);
    }

    /// Chance after the end changes nothing; another choice cannot be made.
    fn never_reached(&self, fork: &Fork) {
        if !fork.is_of_chance() && self.problem.borrow().is_none() {
            let end = format_ms(Nanos(self.now().0));
            self.stop_at(fork, &format!("the run was over before that, at {end}"));
        }
    }

    fn task_named(&self, name: &str) -> Result<TaskId, String> {
        self.named(name, |kind| kind != TaskKind::Timer)
    }

    fn process_named(&self, name: &str) -> Result<TaskId, String> {
        let task = self.named(name, |kind| kind == TaskKind::User)?;
        // SIGKILL is for the whole process.
        let leader = self.kernel.engine.observe(|_, recorder| recorder.cast.tasks[task].leader);
        Ok(leader)
    }

    fn named(&self, name: &str, fits: impl Fn(TaskKind) -> bool) -> Result<TaskId, String> {
        self.kernel.engine.observe(|_, recorder| {
            let tasks = || recorder.cast.tasks.iter().filter(|(_, info)| fits(info.kind));
            let found = tasks().find(|(_, info)| info.name == name);
            found.map(|(task, _)| task).ok_or_else(|| {
                let known: Vec<&str> = tasks().map(|(_, info)| info.name.as_str()).collect();
                format!("no task `{name}`: {}", suggestion(name, &known))
            })
        })
    }

    /// Why a fork could not be done, if one could not: the run ended there.
    pub fn problem(&self) -> Option<String> {
        self.problem.borrow().clone()
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
                trace: recorder.take_trace(),
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

pub(super) fn unknown(what: &str, asked: &str, known: &[&str]) -> String {
    let near = super::error::nearest(asked, known);
    let near = if near.is_empty() {
        String::new()
    } else {
        format!("did you mean {}? ", near.join(" or "))
    };
    format!("no {what} `{asked}` in this version; {near}there is {}", known.join(", "))
}
