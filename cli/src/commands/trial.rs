//! One of many runs of a choice: its seed, and where it is parted from
//! itself.

use std::sync::Arc;

use sim_core::analysis::{Report, Verdict, report};
use sim_core::engine::Stop;
use sim_core::experiment::Trial;
use sim_core::record::{Keep, Run};
use sim_core::scenario::Simulation;

use crate::choice::Choice;
use crate::error::Error;
use crate::guard::Running;
use crate::link;

/// The choice of a trial.
pub(super) fn choice_of(choice: &Choice, trial: &Trial) -> Choice {
    Choice { seed: trial.seed, forks: trial.forks.clone(), ..choice.clone() }
}

/// The run, and what was found in it.
pub(super) fn run_trial(choice: &Arc<Choice>, trial: &Trial) -> Result<(Run, Report), Error> {
    let mut options = choice.options(Keep::Records);
    options.seed = trial.seed;
    options.forks.clone_from(&trial.forks);
    let link = {
        let (choice, trial) = (Arc::clone(choice), trial.clone());
        move || link::of(&choice_of(&choice, &trial), None)
    };
    let _running = Running::begin_with(link.clone());
    let mut simulation = Simulation::new(&choice.scenario, &options).map_err(Error::bad_input)?;
    while simulation.advance(u64::MAX) {}
    if let Some(problem) = simulation.problem() {
        return Err(Error::bad_input(problem));
    }
    let run = simulation.finish();
    if run.stop == Stop::Broken {
        let message = sim_core::analysis::broken_text(&run).unwrap_or_default();
        return Err(Error::Broken { message, link: link() });
    }
    let report = report(&run);
    Ok((run, report))
}

/// The verdict with this id.
pub(crate) fn verdict(id: &str) -> Result<Verdict, String> {
    let found = Verdict::ALL.into_iter().find(|verdict| verdict.id() == id);
    let ids = Verdict::ALL.map(Verdict::id).join(", ");
    found.ok_or_else(|| format!("expected one of {ids}"))
}
