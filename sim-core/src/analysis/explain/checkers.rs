//! What the checkers that were on reported: also that it was nothing.

use super::Tale;
use crate::analysis::words::{count_text, list_text};

impl Tale<'_> {
    /// The flags, and what checkers said.
    pub(super) fn besides(&self) -> Option<String> {
        let told: Vec<_> = [self.oddities(), self.checkers()].into_iter().flatten().collect();
        (!told.is_empty()).then(|| told.join(" "))
    }

    /// How many reports lockdep and the checker for sleepers made, where they were on, and how
    /// much `wait-for` found.
    fn checkers(&self) -> Option<String> {
        let found = &self.run.lock_reports;
        let told = [("lockdep", found.lockdep_count), ("non-block", found.non_block_count)];
        let told = told.into_iter().filter(|(id, count)| found.checks.contains(id) || *count > 0);
        let told = told.map(|(id, count)| match count {
            0 if self.run.cast.wording.watches_notifiers => format!("{id} made no report"),
            0 if id == "lockdep" => {
                format!("{id} made no report (it knows of notifiers since 5.4)")
            }
            0 => format!("{id} made no report (calls that must not sleep are marked since 5.4)"),
            _ => format!("{id} made {}", count_text(count, "report")),
        });
        let oracle = found.wait_for.as_ref().map(|found| match found.closed.len() {
            0 => "wait-for found nobody who could never go on".to_owned(),
            sets => {
                let sets = count_text(u64::try_from(sets).unwrap_or(u64::MAX), "set");
                format!("wait-for found {sets} of tasks that could never go on")
            }
        });
        let told: Vec<_> = told.chain(oracle).collect();
        (!told.is_empty()).then(|| format!("Of the checkers, {}.", list_text(&told)))
    }
}
