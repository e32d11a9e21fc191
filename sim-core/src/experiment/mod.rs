//! Several runs of one scenario: under other policies, with other seeds.
//!
//! A *replication* is one run; replications with one seed see the same
//! workload whatever the policy (common random numbers), so they are
//! compared in pairs, and the pairs' differences say more than the
//! difference of two averages would. What a replication is boiled down to
//! is an [`Outcome`]. Nothing here starts threads: who has several cores
//! runs [`replicate`] on them and collects outcomes in the order of seeds.
//!
//! Numbers with a fraction are for people and feed no run.

#[cfg(test)]
mod against_others;
mod bootstrap;
mod closeness;
mod divergence;
mod grid;
mod outcome;
mod outcome_line;
mod paired_shares;
mod pick;
mod proportion;
mod ranks;
mod reseed;
mod review;
mod sample;
mod search;
mod shrink;
#[cfg(test)]
mod tests;

pub use bootstrap::{Mean, mean};
pub use closeness::{Closeness, closeness};
pub use divergence::{Divergence, divergence, divergence_text, sameness_text};
pub use grid::{Grid, combinations, path_and_value, refuse_twice, values_of, values_text};
pub use outcome::{Danger, Outcome, outcome};
pub use paired_shares::{PairedShares, ShareDifference};
pub use pick::{Severity, first_failing, median, picks, worst};
pub use proportion::{Interval, Proportion};
pub use reseed::{Point, moments, no_return, parting};
pub use review::{
    Case, FREED, LONGEST_WAIT, Picked, QUANTITIES, Quantity, RECOVERY, Review, longest_wait_text,
    quantile_text, review, share_difference_text, share_text, shares_of_verdicts, side_by_side,
};
pub use sample::{Paired, Sample};
pub use search::{BATCH, Search, Trial};
pub use shrink::{minimal, smallest};

use crate::analysis::{Index, Report, closed_text, dependency_text, report_from, time_text};
use crate::record::{Keep, Run};
use crate::scenario::checked::Scenario;
use crate::scenario::{RunOptions, Simulation};

/// A run with all that was found in it.
pub struct Replication {
    /// The run.
    pub run: Run,
    /// Its records, prepared for questions.
    pub index: Index,
    /// What was found.
    pub report: Report,
    /// What it boils down to.
    pub outcome: Outcome,
}

impl Replication {
    /// Analyzes a run whose records were kept.
    pub fn of(run: Run) -> Self {
        let index = Index::new(&run);
        let report = report_from(&index);
        let outcome = outcome(&run, &report);
        Self { run, index, report, outcome }
    }
}

/// Runs a scenario once. Fails, in words, on a profile or policy that there is not.
pub fn replicate(scenario: &Scenario, options: &RunOptions) -> Result<Replication, String> {
    let options = RunOptions { keep: Keep::Records, ..options.clone() };
    Ok(Replication::of(Simulation::new(scenario, &options)?.run()))
}

impl Replication {
    /// What the reaper's waiting led to, in words without a full stop:
    /// the worst of it. `None` if it was harmless.
    pub fn danger_text(&self) -> Option<String> {
        let found = &self.report.wait_for;
        let stuck = found.closed.iter().find(|set| set.until.is_none());
        if let Some(set) = stuck.or(found.closed.first()) {
            return Some(closed_text(&self.index, set));
        }
        let direct = found.dependencies.iter().find(|dependency| dependency.is_direct());
        let dependency = direct.or(found.dependencies.first())?;
        let at = time_text(self.index.time_of(dependency.record));
        Some(format!("at {at} {}", dependency_text(&self.index, dependency)))
    }
}
