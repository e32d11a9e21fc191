//! What must hold in the run of any scenario.

use sim_core::analysis::{broken_text, report};
use sim_core::engine::Stop;
use sim_core::record::{Keep, Run};
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
        Stop::Idle | Stop::Horizon | Stop::Requested => None,
        Stop::NoProgress(_) | Stop::EventLimit | Stop::Broken => {
            Some(format!("the run stopped with {:?} at {} ns", run.stop, run.end.0))
        }
    }
}
