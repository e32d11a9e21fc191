//! Scenarios: what people write, checked, and run.

mod build;
pub mod checked;
mod run;

pub use run::{RunOptions, Simulation, TieOrder};
