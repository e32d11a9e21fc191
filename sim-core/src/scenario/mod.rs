//! Scenarios: what people write, checked, and run.
//!
//! [`parse`] turns the text of a scenario file into a checked
//! [`Scenario`](checked::Scenario), or into every complaint about it
//! with its place; [`Simulation`] runs one. The scenarios that come with
//! the program are in [`gallery`]. Nothing here reads files.

mod build;
mod check;
pub mod checked;
mod device;
mod driver;
mod error;
mod fields;
mod fork;
pub mod form;
pub mod gallery;
mod layout;
mod machine;
pub mod names;
mod presets;
mod program;
mod read;
mod run;
mod schema;
mod set;
mod spec;
mod step;
mod task;
mod unclosed;
pub mod units;

pub use check::{TEXT_SIZE_MAX, parse, parse_file};
pub use error::Diagnostic;
pub(crate) use error::suggestion;
/// What one who begins with nothing begins with.
pub const MINIMAL: &str = include_str!("minimal.toml");

pub use fork::{Fork, ForkChoice};
pub use presets::{Preset, presets};
pub use run::{RunOptions, Simulation, TieOrder, run_from_wire};
pub use schema::{Json, schema};
