//! What was done in the reaper's stead: by the worker it hands ranges to (policy
//! `hand-off`), and refusals that none of its attempts met.

use super::{Tale, times_text};
use crate::analysis::victims::VictimFacts;
use crate::analysis::words::size_text;
use crate::record::Event;

impl Tale<'_> {
    /// Pages of a victim that the worker unmapped, and those of them that came free.
    pub(super) fn handed(&self, facts: &VictimFacts) -> (u64, u64) {
        let cast = &self.index.cast;
        let is_worker = |task| cast.tasks.get(task).is_some_and(|info| info.comm == "oom_hand_off");
        let mut sums = (0, 0);
        for record in self.run.trace.iter() {
            if let Event::Zap { range, pages, freed } = record.event
                && is_worker(record.task)
                && cast.ranges.get(range).is_some_and(|info| Some(info.mm) == facts.mm)
            {
                sums.0 += u64::from(pages);
                sums.1 += u64::from(freed);
            }
        }
        sums
    }

    /// Refusals outside the reaper's attempts, so that all told are all counted.
    pub(super) fn refused_elsewhere(&self) -> String {
        let attempts = self.index.attempts.iter();
        let met: usize = attempts.map(|attempt| attempt.refusals.len()).sum();
        let met = u64::try_from(met).unwrap_or(u64::MAX);
        match self.report.metrics.refusals.saturating_sub(met) {
            0 => String::new(),
            others => format!("; other calls were refused {}", times_text(others)),
        }
    }
}

/// What the worker did, to end the sentence about the reaper.
pub(super) fn text(handed: u64) -> String {
    match handed {
        0 => String::new(),
        pages => {
            format!("; the worker it handed ranges to unmapped {}", size_text(pages))
        }
    }
}
