//! A finished run, and what the page asks about it.

use sim_core::analysis::{
    self, Arrow, Blame, Cause, Incident, Index, Lane, LaneOf, LaneState, LockUsers, Memory,
    RangeSums, Relation, Report, Span, WaitEdge, WaitGraph, WaitLink,
};
use sim_core::base::{IdVec, LockId, SimTime, TaskId};
use sim_core::engine::WaitOn;
use sim_core::experiment;
use sim_core::export;
use sim_core::record::{Event, Func, Record, Run};

use super::{Job, Request};

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

/// Who holds a lock and who waits for it when `happened` records have.
pub fn lock_users(outcome: &Outcome, lock: LockId, happened: usize) -> LockUsers {
    analysis::lock_users(&outcome.index, lock, happened)
}

/// The same in words; empty where nobody holds it.
pub fn lock_users_text(outcome: &Outcome, lock: LockId, happened: usize) -> String {
    analysis::lock_users_text(&outcome.index, lock, happened)
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
