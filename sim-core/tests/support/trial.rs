//! What must hold in the run of any scenario.

use std::collections::BTreeMap;

use sim_core::analysis::{Index, blame, broken_text, recovery_blame, report, wait_chain_after};
use sim_core::base::{Nanos, SimTime, TaskId};
use sim_core::engine::{Stop, WaitOn};
use sim_core::record::{Event, Keep, Run};
use sim_core::scenario::checked::Scenario;
use sim_core::scenario::{RunOptions, Simulation, TieOrder, parse};

use super::random::random_scenario;
use super::readers::complaint;

/// What of a trial is done.
#[derive(Copy, Clone)]
pub(crate) struct Effort {
    /// Whether the scenario is run again in one piece and without records.
    pub(crate) twice: bool,
    /// Whether all that is made of a run is made, and looked at.
    pub(crate) read: bool,
}

/// What came of a trial.
pub(crate) enum Outcome {
    /// All held: records of the run, its verdict.
    Sound(u64, &'static str),
    /// The scenario was refused, with the first complaint.
    Refused(String),
    /// Something did not hold.
    Failed(String),
}

fn start(scenario: &Scenario, options: &RunOptions) -> Simulation {
    Simulation::new(scenario, options).expect("a drawn scenario names what there is")
}

/// Runs the scenario of a seed, in slices and with its records kept, and
/// does what else is asked for.
pub(crate) fn trial(seed: u64, effort: Effort) -> Outcome {
    let text = random_scenario(seed);
    let scenario = match parse("drawn", &text, &[]) {
        Ok(scenario) => scenario,
        Err(complaints) => {
            let first = complaints.first().map(ToString::to_string);
            return Outcome::Refused(first.unwrap_or_default());
        }
    };
    // A third of all runs have their ties broken by the seed.
    let ties = if seed.is_multiple_of(3) { TieOrder::Seeded } else { TieOrder::Fifo };
    let options = RunOptions { seed, keep: Keep::Records, ties, ..RunOptions::default() };
    let mut sliced = start(&scenario, &options);
    while sliced.advance(1 + seed % 1009) {}
    let run = sliced.finish();
    if let Some(wrong) = wrong_with(&run) {
        return Outcome::Failed(wrong);
    }
    let verdict = report(&run).verdict.id();
    if effort.twice {
        let blind = RunOptions { keep: Keep::DigestOnly, ..options.clone() };
        let again = start(&scenario, &blind).run();
        if (again.digest, again.events, again.end) != (run.digest, run.events, run.end) {
            return Outcome::Failed(format!(
                "I19: the same run twice, {} and {} events, digests {} and {}",
                run.events, again.events, run.digest, again.digest
            ));
        }
    }
    if effort.read
        && let Some(wrong) = complaint(&scenario, &options, &run)
    {
        return Outcome::Failed(wrong);
    }
    Outcome::Sound(run.events, verdict)
}

fn wrong_with(run: &Run) -> Option<String> {
    if let Some(broken) = broken_text(run) {
        return Some(broken);
    }
    match run.stop {
        Stop::Idle | Stop::Horizon | Stop::Requested => {
            let index = Index::new(run);
            wrong_blame(&index, run).or_else(|| wrong_chain(&index, run))
        }
        Stop::NoProgress(_) | Stop::EventLimit | Stop::Broken => {
            Some(format!("the run stopped with {:?} at {} ns", run.stop, run.end.0))
        }
    }
}

/// The causes of a critical path sum to its whole, and its segments follow each other.
fn wrong_blame(index: &Index, run: &Run) -> Option<String> {
    let end = run.end;
    let part = |of: u64| SimTime(end.0 / 7 * of);
    let mut paths: Vec<_> = [(0, 7), (1, 2), (2, 6)]
        .map(|(from, to)| (part(from), part(to), blame(index, part(from), part(to))))
        .into();
    if let Some(recovery) = recovery_blame(index) {
        let ends = recovery.segments.first().zip(recovery.segments.last());
        let (from, to) = ends.map_or((end, end), |(first, last)| (first.from, last.to));
        paths.push((from, to, recovery));
    }
    for (from, to, path) in paths {
        let sum: Nanos = path.causes.iter().map(|&(_, sum)| sum).sum();
        if sum != to.saturating_sub(from) {
            return Some(format!("{sum:?} blamed on causes between {from:?} and {to:?}"));
        }
        let mut at = from;
        for segment in &path.segments {
            if segment.from != at || segment.to <= segment.from {
                return Some(format!("a critical path with a gap at {at:?}: {segment:?}"));
            }
            at = segment.to;
        }
        if at != to {
            return Some(format!("a critical path that ends at {at:?}, not {to:?}"));
        }
    }
    None
}

/// Instants at which chains are looked at.
const LOOKS: usize = 8;

/// Whoever waits has a chain that says for what, since when and, of a lock, behind whom.
fn wrong_chain(index: &Index, run: &Run) -> Option<String> {
    let mut waits: BTreeMap<TaskId, (SimTime, WaitOn)> = BTreeMap::new();
    let step = (run.trace.len() / LOOKS).max(1);
    for (number, record) in run.trace.iter().enumerate() {
        match record.event {
            Event::Blocked { on, .. } => drop(waits.insert(record.task, (record.at, on))),
            Event::Woken { .. } | Event::Exited {} => drop(waits.remove(&record.task)),
            _ => {}
        }
        if number % step != step - 1 {
            continue;
        }
        for (&task, &(since, on)) in &waits {
            let name = &run.cast.tasks[task].name;
            let chain = wait_chain_after(index, task, number);
            let Some(first) = chain.first() else {
                return Some(format!("{name} waits at {:?}, and no chain says why", record.at));
            };
            if first.task != task || first.waits_on.is_empty() || first.text.is_empty() {
                return Some(format!("the chain of {name} at {:?}: {first:?}", record.at));
            }
            // Who retries for a page waits for that, not for the pause it is in.
            if first.kind != "memory" && first.since != since {
                return Some(format!("{name} waits since {since:?}, not {:?}", first.since));
            }
            for link in &chain {
                let is_told = link.holder.is_none_or(|holder| {
                    chain.iter().any(|other| other.task == holder) || link.kind == "cpu"
                });
                if !is_told {
                    return Some(format!("a chain of {name} that breaks off: {link:?}"));
                }
            }
            if matches!(on, WaitOn::Lock(_))
                && !["lock", "oom_lock", "memory"].contains(&first.kind)
            {
                return Some(format!("{name} waits for a lock: {first:?}"));
            }
        }
    }
    None
}
