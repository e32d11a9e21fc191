//! Runs a choice to its end, with a word on stderr while it takes long.

use std::io::IsTerminal as _;

use sim_core::engine::Stop;
use sim_core::record::{Keep, Run};
use sim_core::scenario::Simulation;

use crate::choice::Choice;
use crate::error::{Error, tell};
use crate::guard::Running;
use crate::link;

/// Events between two words of progress: about a second's work.
const SLICE: u64 = 5_000_000;

/// The run. A choice that names no such profile or policy is bad input.
pub(crate) fn simulate(choice: &Choice, keep: Keep) -> Result<Run, Error> {
    let options = choice.options(keep);
    let mut simulation = Simulation::new(&choice.scenario, &options).map_err(Error::bad_input)?;
    let _running = Running::begin(link::of(choice, None));
    while simulation.advance(SLICE) {
        if std::io::stderr().is_terminal() {
            let (now, horizon) = (simulation.now().0, choice.scenario.horizon.0);
            tell(&format!("{} of {} ms simulated", now / 1_000_000, horizon / 1_000_000));
        }
    }
    if let Some(problem) = simulation.problem() {
        return Err(Error::bad_input(problem));
    }
    let run = simulation.finish();
    match run.stop {
        Stop::NoProgress(task) => {
            let name = crate::json::task_name(&run, task);
            let at = sim_core::analysis::time_text(run.end);
            let message = format!("{name} ran over and over at {at} while no time passed");
            Err(Error::Broken { message, link: link::of(choice, None) })
        }
        Stop::Broken => {
            let message = sim_core::analysis::broken_text(&run).unwrap_or_default();
            Err(Error::Broken { message, link: link::of(choice, None) })
        }
        Stop::EventLimit => {
            tell("note: the run was cut off at the limit of events");
            Ok(run)
        }
        Stop::Idle | Stop::Horizon | Stop::Requested => Ok(run),
    }
}
