//! What the `wait-for` oracle found in a run, and its words.
//!
//! The graph itself is kept record by record in `check::wait_for`: by the
//! checker while the run goes on, by the [`Index`] over the records of a
//! finished one. Both find the same.

mod text;

#[cfg(test)]
mod tests;

pub use text::{closed_text, dependency_text, edge_text};
pub(super) use text::{main_cycle, nobody_text};

use super::index::Index;
use super::types::WaitFor;

/// Everything it finds in a run.
pub fn wait_for(index: &Index) -> WaitFor {
    index.wait_for.clone()
}
