//! Everything computed from a finished run's records: lanes, memory,
//! wait chains, metrics, incidents, the verdict.
//!
//! It reads [`record::Run`](crate::record::Run) and nothing else: no
//! part of the model is known here, so the same analyses would serve a
//! trace from anywhere. Nothing here feeds back into a run or its digest.

mod arrows;
mod blame;
mod broken;
mod causality;
mod explain;
mod flags;
mod graph;
mod hung;
mod incidents;
mod index;
mod intervals;
mod lanes;
mod lock_reports;
mod lock_users;
mod memory;
mod metrics;
mod psi;
mod range;
mod reaping;
mod report;
#[cfg(test)]
mod story;
#[cfg(test)]
mod tests;
mod topic;
pub mod types;
mod verdict;
mod victims;
mod wait_for;
mod waits;
mod words;

use crate::check::wait_for::replay;
pub use arrows::arrows;
pub use blame::{
    Blame, Cause, Does, Met, Obstacle, Segment, blame, cause_text, recovery_blame, segment_text,
};
pub use broken::broken_text;
pub use causality::{Relation, causality};
pub use explain::explain;
pub use flags::FLAGS;
pub use graph::wait_graph;
pub use hung::{HungReport, hung_reports};
pub use index::Index;
pub use lanes::{cpu_lanes, lanes, lock_touches};
pub use lock_users::{LockUsers, lock_users, lock_users_text};
pub use memory::memory;
pub use metrics::metrics;
pub use psi::pressure_at;
pub use range::{cpu_times, range_sums, state_times};
pub use report::{report, report_from};
pub use topic::Topic;
pub use types::*;
pub use victims::victims;
pub use wait_for::{closed_text, dependency_text, edge_text, wait_for};
pub use waits::{wait_chain, wait_chain_after, wait_chain_seen};
pub use words::{
    count_text, event_name, event_text, instants, size_text, span_text, task_name, time_text,
};
