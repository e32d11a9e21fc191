//! Makes one run of a sweep, and its row.

use std::sync::Arc;

use sim_core::analysis::report;
use sim_core::record::Keep;
use sim_core::scenario::{RunOptions, Simulation};

use super::plan::Plan;
use super::row::{self, Row};
use crate::choice::Choice;
use crate::guard::Running;
use crate::link;

/// The row of the run with this number.
pub(super) fn run_one(plan: &Plan, number: u64) -> Row {
    let (cell, seed) = plan.run(number);
    let choice = Arc::clone(&cell.choice);
    let of_seed = move || link::of(&Choice { seed, view: None, ..(*choice).clone() }, None);
    let _running = Running::begin_with(of_seed);
    let options = RunOptions { seed, ..cell.choice.options(Keep::Records) };
    let simulation = Simulation::new(&cell.choice.scenario, &options);
    let run = simulation.expect("invariant: the plan tried each cell").run();
    row::of(number, cell, &run, &report(&run))
}
