//! What the checkers that were on reported: also that it was nothing.

use super::Tale;
use crate::analysis::words::{count_text, list_text};

impl Tale<'_> {
    /// The flags, and what checkers said.
    pub(super) fn besides(&self) -> Option<String> {
        let told: Vec<_> = [self.oddities(), self.checkers()].into_iter().flatten().collect();
        (!told.is_empty()).then(|| told.join(" "))
    }

    /// How many reports lockdep and the checker for sleepers made, where they were on.
    fn checkers(&self) -> Option<String> {
        let found = &self.run.lock_reports;
        let told = [("lockdep", found.lockdep_count), ("non-block", found.non_block_count)];
        let told = told.into_iter().filter(|(id, count)| found.checks.contains(id) || *count > 0);
        let told: Vec<_> = told
            .map(|(id, count)| match count {
                0 => format!("{id} made no report"),
                _ => format!("{id} made {}", count_text(count, "report")),
            })
            .collect();
        (!told.is_empty()).then(|| format!("Of the checkers, {}.", list_text(&told)))
    }
}
