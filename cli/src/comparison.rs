//! What `compare` found: plain data, and its two forms.

mod json;
mod text;

use std::ops::Range;

pub(crate) use json::json;
use sim_core::base::SimTime;
use sim_core::experiment::Outcome;
pub(crate) use text::text;

/// Rows of one scenario.
pub(crate) struct Comparison {
    /// Of the scenario.
    pub(crate) title: String,
    /// Its id.
    pub(crate) scenario: String,
    /// Of the runs shown.
    pub(crate) seed: u64,
    /// Counted over besides.
    pub(crate) seeds: Option<Range<u64>>,
    /// One per kernel, choice of values and policy; the others are compared with the first.
    pub(crate) rows: Vec<Row>,
    /// Reproduce the runs shown, one per kernel and choice of values.
    pub(crate) links: Vec<String>,
}

/// One policy.
pub(crate) struct Row {
    /// What was set for it and not for all: `machine.cpus=1`, or nothing.
    pub(crate) values: String,
    /// Of the run shown.
    pub(crate) outcome: Outcome,
    /// What the checkers said, by time.
    pub(crate) said: Vec<Said>,
    /// What its waiting led to, in words.
    pub(crate) danger: Option<String>,
    /// At which record it parts from the first row, and how.
    pub(crate) parts: Option<(usize, String)>,
    /// One per seed, in their order.
    pub(crate) seeds: Vec<Outcome>,
}

/// A report of a checker.
pub(crate) struct Said {
    /// When.
    pub(crate) at: SimTime,
    /// In words.
    pub(crate) text: String,
}
