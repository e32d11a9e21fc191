//! The one door to the simulator: what can be run, a run in slices, and
//! what is known of a finished run.

mod choices;
mod job;
mod link;
mod outcome;
mod request;

pub use choices::*;
pub use job::{Job, Prepared, scenario_text};
pub use link::*;
pub use outcome::*;
pub use request::*;
