//! The one door to the simulator: what can be run, a run in slices, and
//! what is known of a finished run.

use sim_core::analysis::{
    self, Arrow, Blame, Cause, Incident, Index, Lane, LaneOf, LaneState, Memory, RangeSums,
    Relation, Report, Span, WaitEdge, WaitGraph, WaitLink,
};
use sim_core::base::{IdVec, SimTime, TaskId};
use sim_core::check::checkers;
use sim_core::engine::WaitOn;
use sim_core::experiment;
use sim_core::export;
use sim_core::kernel::plugin::{Policy, doc_lines};
use sim_core::kernel::switches;
use sim_core::policy;
use sim_core::record::{Event, Func, Record, Run};
use sim_core::scenario::checked::Scenario;
use sim_core::scenario::{Diagnostic, Fork, RunOptions, Simulation, gallery, parse};
use sim_core::share::{self, Branch, Link, LinkError, Other, ScenarioRef};

use crate::{forks, texts};

/// Something to choose in a list.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct Choice {
    pub id: &'static str,
    pub title: &'static str,
    /// Heading it stands under; may be empty.
    pub group: &'static str,
}

/// What the page opens on.
pub const DEFAULT_SCENARIO: &str = "gpu-fence-overlap";
/// Seed of a first visit.
pub const DEFAULT_SEED: u64 = 1;
pub use sim_core::share::SEED_MAX;

/// What to run.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct Request {
    /// Of the gallery, or its text.
    pub scenario: ScenarioRef,
    pub seed: u64,
    /// `None`: what the scenario asks for.
    pub kernel: Option<String>,
    /// `None`: the scenario's, else the kernel's own.
    pub policy: Option<String>,
    /// What to compare it with, under the same seed; at most [`OTHERS_MAX`], policies first.
    pub others: Vec<Other>,
    /// Overrides, by path.
    pub sets: Vec<(String, String)>,
    /// Checkers; they don't change the run.
    pub checks: Vec<String>,
    /// Forks that every run has.
    pub forks: Vec<Fork>,
    /// Runs forked off the first one, or off each other; at most [`BRANCHES_MAX`].
    pub branches: Vec<Branch>,
}

/// Forks beside the first run.
pub const BRANCHES_MAX: usize = 7;
/// Runs to compare the first one with.
pub const OTHERS_MAX: usize = 3;

impl Request {
    /// The first run with another choice instead.
    #[must_use]
    pub fn with(&self, other: &Other) -> Self {
        let mut request = self.alone();
        let id = other.id().to_owned();
        match other {
            Other::Policy(_) => request.policy = Some(id),
            Other::Kernel(_) => request.kernel = Some(id),
            Other::Check(_) => request.checks = vec![id],
        }
        request
    }

    /// The first run without those beside it.
    #[must_use]
    pub fn alone(&self) -> Self {
        Self { others: Vec::new(), branches: Vec::new(), ..self.clone() }
    }

    /// The run of a branch, numbered from 1; 0 is the first run.
    #[must_use]
    pub fn forked(&self, branch: usize) -> Self {
        let mut forks = self.forks.clone();
        forks.extend(forks::path(&self.branches, branch));
        Self { forks, ..self.alone() }
    }

    /// How many runs stand beside the first.
    pub fn beside(&self) -> usize {
        self.others.len() + self.branches.len()
    }

    /// What to run, in order: what to compare with, branches, and last
    /// the run that is looked at, so that all is there when the page changes.
    pub fn runs(&self) -> Vec<Self> {
        let others = self.others.iter().map(|other| self.with(other));
        let branches = (1..=self.branches.len()).map(|branch| self.forked(branch));
        others.chain(branches).chain([self.alone()]).collect()
    }
}

impl Default for Request {
    fn default() -> Self {
        Self {
            scenario: ScenarioRef::ById(DEFAULT_SCENARIO.into()),
            seed: DEFAULT_SEED,
            kernel: None,
            policy: None,
            others: Vec::new(),
            sets: Vec::new(),
            checks: Vec::new(),
            forks: Vec::new(),
            branches: Vec::new(),
        }
    }
}

/// A finished run and all that the page shows of it.
pub struct Outcome {
    pub run: Run,
    pub lanes: Vec<Lane>,
    pub memory: Memory,
    pub report: Report,
    /// What every task has to do with locks.
    pub touches: IdVec<TaskId, Vec<Span>>,
    pub arrows: Vec<Arrow>,
    index: Index,
}

/// A run under way.
pub struct Job {
    simulation: Simulation,
    horizon: SimTime,
}

/// A scenario that has been read, for all runs that differ in nothing it says.
pub struct Prepared {
    scenario: Scenario,
    of: (ScenarioRef, Vec<(String, String)>),
}

impl Prepared {
    /// Reads the scenario of a request, or says what is wrong with it.
    pub fn of(request: &Request) -> Result<Self, String> {
        let (id, text) = source(request)?;
        let scenario = parse(id, text, &request.sets).map_err(|it| lines(&it, &request.sets))?;
        Ok(Self { scenario, of: (request.scenario.clone(), request.sets.clone()) })
    }

    /// Whether it is that of another request, too.
    pub fn is_of(&self, request: &Request) -> bool {
        self.of.0 == request.scenario && self.of.1 == request.sets
    }

    pub fn title(&self) -> &str {
        &self.scenario.title
    }
}

impl Job {
    /// Starts a run, or says what is wrong with the request.
    pub fn start(request: &Request) -> Result<Self, String> {
        Self::of(&Prepared::of(request)?, request)
    }

    /// Starts a run of a scenario that has been read.
    pub fn of(prepared: &Prepared, request: &Request) -> Result<Self, String> {
        let scenario = &prepared.scenario;
        let options = RunOptions {
            seed: request.seed,
            kernel: request.kernel.clone(),
            policy: request.policy.clone(),
            checks: request.checks.clone(),
            forks: request.forks.clone(),
            ..RunOptions::default()
        };
        let simulation = Simulation::new(scenario, &options)?;
        Ok(Self { simulation, horizon: SimTime::ZERO + scenario.horizon })
    }

    /// Simulates up to `events` more events; true while there are more.
    pub fn advance(&mut self, events: u64) -> bool {
        self.simulation.advance(events)
    }

    /// Why a fork could not be made, if one could not.
    pub fn problem(&self) -> Option<String> {
        self.simulation.problem()
    }

    /// How far it is.
    pub fn now(&self) -> SimTime {
        self.simulation.now()
    }

    /// Where it ends at the latest.
    pub fn horizon(&self) -> SimTime {
        self.horizon
    }

    /// Ends it and hands over its record.
    pub fn into_run(self) -> Run {
        self.simulation.finish()
    }
}

impl Outcome {
    /// Reads a finished run.
    pub fn of(run: Run) -> Self {
        let index = Index::new(&run);
        Self {
            lanes: analysis::lanes(&run)
                .into_iter()
                .filter(worth_a_lane)
                .chain(analysis::cpu_lanes(&run))
                .collect(),
            touches: analysis::lock_touches(&index),
            arrows: analysis::arrows(&run),
            memory: index.memory().clone(),
            report: analysis::report_from(&index),
            index,
            run,
        }
    }
}

/// Locks are many; those that somebody waited for are shown.
fn worth_a_lane(lane: &Lane) -> bool {
    let contended = |span: &Span| span.state == LaneState::Contended;
    !matches!(lane.of, LaneOf::Lock(_)) || lane.spans.iter().any(contended)
}

/// The scenario of a request as a file, with all that was chosen for it.
pub fn scenario_text(request: &Request) -> Result<String, String> {
    let (id, text) = source(request)?;
    let mut scenario = parse(id, text, &request.sets).map_err(|it| lines(&it, &request.sets))?;
    if let Some(kernel) = &request.kernel {
        scenario.kernel.clone_from(kernel);
    }
    if request.policy.is_some() {
        scenario.policy.clone_from(&request.policy);
    }
    Ok(export::scenario(&scenario))
}

/// Name and text of a request's scenario.
fn source(request: &Request) -> Result<(&str, &str), String> {
    match &request.scenario {
        ScenarioRef::Inline(text) => Ok(("link", text.as_str())),
        ScenarioRef::ById(id) => texts::scenario(id)
            .map(|entry| (entry.id, entry.text))
            .ok_or_else(|| format!("There is no scenario “{id}” in the gallery.")),
    }
}

/// Complaints, each with its place in words of the page.
fn lines(complaints: &[Diagnostic], sets: &[(String, String)]) -> String {
    let told = |complaint: &Diagnostic| {
        let Diagnostic { line, column, .. } = complaint;
        let set = usize::try_from(*line).ok().and_then(|line| sets.get(line.checked_sub(1)?));
        match set.filter(|_| complaint.is_of_set()) {
            Some((path, value)) => {
                format!("In the change {path} = {value}: {}.", complaint.told())
            }
            None => format!("Line {line}, column {column}: {}.", complaint.told()),
        }
    };
    complaints.iter().map(told).collect::<Vec<_>>().join("\n")
}

/// The gallery.
pub fn scenarios() -> Vec<Choice> {
    let choice = |entry: &gallery::Entry| Choice {
        id: entry.id,
        title: entry.title,
        group: entry.group.name(),
    };
    gallery::gallery().iter().map(choice).collect()
}

/// Reads a link, and what is wrong with those parts of it that its run can do
/// without; why it can't be read is said as a sentence.
pub fn decode_link(text: &str) -> Result<(Link, Vec<LinkError>), String> {
    share::read(&format!("#{text}")).map_err(|errors| link_problems(&errors))
}

/// What is wrong with a link, a sentence a line.
pub fn link_problems(errors: &[LinkError]) -> String {
    let sentences = share::problems(errors).into_iter().map(|line| sentence(&line));
    sentences.collect::<Vec<_>>().join("\n")
}

/// With a capital and a stop.
pub fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase()).into_iter();
    let stop = (!text.ends_with('?')).then_some('.');
    first.chain(letters).chain(stop).collect()
}

/// Writes a link as a fragment, with `#`.
pub fn encode_link(link: &Link) -> String {
    share::encode(link)
}

/// All that a run can be compared with.
pub fn others() -> Vec<Other> {
    let all = |choices: Vec<Choice>, make: fn(String) -> Other| {
        choices.into_iter().map(move |choice| make(choice.id.to_owned()))
    };
    let kernels = all(kernels(), Other::Kernel);
    all(policies(), Other::Policy).chain(kernels).chain(all(checkers(), Other::Check)).collect()
}

/// All notifier policies.
pub fn policies() -> Vec<Choice> {
    let choice =
        |policy: &&dyn Policy| Choice { id: policy.id(), title: summary(policy.doc()), group: "" };
    policy::ALL.iter().map(choice).collect()
}

/// The first line of a plug-in's documentation.
fn summary(source: &'static str) -> &'static str {
    doc_lines(source).next().unwrap_or_default()
}

/// All kernel profiles.
pub fn kernels() -> Vec<Choice> {
    let profiles = switches::PROFILES.iter();
    profiles.map(|profile| Choice { id: profile.id, title: profile.id, group: "" }).collect()
}

/// All checkers.
pub fn checkers() -> Vec<Choice> {
    let all = checkers::ALL.iter();
    all.map(|it| Choice { id: it.id, title: summary(it.doc), group: "" }).collect()
}

/// What checkers reported, in words, by time.
pub fn reports(outcome: &Outcome) -> impl Iterator<Item = &Incident> {
    outcome.report.incidents.iter().filter(|it| it.kind == "splat")
}

/// The same as the kernel's log prints it.
pub fn reports_text(outcome: &Outcome) -> String {
    export::lockdep(&outcome.run)
}

/// The same of a run that may not have been asked for them: made again with lockdep on, which changes
/// nothing else about it.
pub fn lockdep_text(outcome: &Outcome, request: &Request) -> Result<String, String> {
    const LOCKDEP: &str = "lockdep";
    if outcome.run.lock_reports.checks.contains(&LOCKDEP) {
        return Ok(reports_text(outcome));
    }
    let mut request = request.clone();
    request.checks.push(LOCKDEP.to_owned());
    let mut job = Job::start(&request)?;
    while job.advance(u64::MAX) {}
    Ok(export::lockdep(&job.into_run()))
}

/// Who waits for whom at `at`, from `task` on, when `happened` records have.
pub fn wait_chain(outcome: &Outcome, task: TaskId, happened: usize, at: u64) -> Vec<WaitLink> {
    analysis::wait_chain_seen(&outcome.index, task, happened, SimTime(at))
}

/// Whether who waits there is on its way out, where no signal reaches it any more.
pub fn is_exiting(link: &WaitLink) -> bool {
    link.stack.contains(&Func::DoExit)
}

/// Whether a task's process was killed by then: another signal does nothing to it.
pub fn is_killed(outcome: &Outcome, task: TaskId, happened: usize) -> bool {
    outcome.index.is_killed(task, happened)
}

/// How every record stands to one of them.
pub fn causality(run: &Run, record: usize) -> Vec<Relation> {
    analysis::causality(run, record)
}

/// The critical path of a part of a run: what its time went to.
pub fn blame(outcome: &Outcome, (from, to): (u64, u64)) -> Blame {
    analysis::blame(&outcome.index, SimTime(from), SimTime(to))
}

/// A cause, to complete "went to …".
pub fn cause_text(outcome: &Outcome, cause: Cause) -> String {
    analysis::cause_text(&outcome.index, cause)
}

/// Who waits for whom when `happened` records have.
pub fn wait_graph(outcome: &Outcome, happened: usize) -> WaitGraph {
    analysis::wait_graph(&outcome.index, happened)
}

/// The same at an instant, for Graphviz.
pub fn wait_graph_text(outcome: &Outcome, at: u64) -> String {
    export::dot(&outcome.index, SimTime(at))
}

/// What an edge of that graph goes through, in a few words.
pub fn edge_text(outcome: &Outcome, edge: &WaitEdge, happened: usize) -> String {
    analysis::edge_text(&outcome.index, edge, happened)
}

/// What the task of a record waits on right after it, in a few words.
pub fn waits_on(outcome: &Outcome, record: usize) -> Option<String> {
    let task = outcome.run.trace.get(record)?.task;
    let chain = analysis::wait_chain_after(&outcome.index, task, record);
    chain.into_iter().next().filter(|link| link.kind != "none").map(|link| link.waits_on)
}

/// The lock that a record is about.
pub fn lock_of(run: &Run, record: usize) -> Option<&str> {
    let (Event::Acquired { lock, .. } | Event::Blocked { on: WaitOn::Lock(lock), .. }) =
        run.trace.get(record)?.event
    else {
        return None;
    };
    run.cast.locks.get(lock).map(|info| info.name.as_str())
}

/// The task of a record.
pub fn task_of_record(run: &Run, record: usize) -> Option<&str> {
    let task = run.trace.get(record)?.task;
    run.cast.tasks.get(task).map(|info| info.name.as_str())
}

/// Where two runs of one seed part.
pub struct Parting {
    /// Index of the first record that decides otherwise; where none does, of
    /// the first that differs.
    pub record: usize,
    /// When, in ns.
    pub at: u64,
    /// In words.
    pub text: String,
}

/// Where `other` parts from `outcome`; `None` if they are the same run.
pub fn parting(outcome: &Outcome, other: &Outcome) -> Option<Parting> {
    let (one, other) = (&outcome.run, &other.run);
    let at = experiment::divergence(one, other)?;
    let text = experiment::divergence_text(one, other, &at);
    let when = [at.first, at.second].into_iter().flatten().map(|record| record.at.0).min();
    let at_ns = when.unwrap_or(one.end.0.min(other.end.0));
    Some(Parting { record: at.record, at: at_ns, text })
}

/// A run in a few sentences, and how it ended.
pub fn story(outcome: &Outcome) -> Vec<String> {
    let report = &outcome.report;
    let mut story = analysis::explain(&outcome.run, &outcome.index, report);
    story.push(format!("{}: {}", report.verdict.id(), report.evidence));
    story
}

/// Where a sentence of a story tells an instant.
pub fn instants(sentence: &str) -> Vec<(std::ops::Range<usize>, SimTime)> {
    analysis::instants(sentence)
}

/// What happened in a part of a run.
pub fn range_sums(outcome: &Outcome, (from, to): (u64, u64)) -> RangeSums {
    analysis::range_sums(&outcome.run, &outcome.index, SimTime(from), SimTime(to))
}

/// A record in words.
pub fn event_text(run: &Run, record: &Record) -> String {
    analysis::event_text(run, record)
}
