//! What the reaper met on its way through the first victim's memory: refusals, and whose
//! lock or job they are due to where they are due to one; `mmap_lock`, when it did not get it.

use super::{Tale, times_text};
use crate::analysis::reaping::{Because, Outcome, because_text};
use crate::analysis::words::{notifier_name, range_name, short_list_text};
use crate::base::TaskId;

impl Tale<'_> {
    /// Who refused it, or kept `mmap_lock` from it.
    pub(super) fn obstacle(&self, victim: TaskId) -> String {
        let cast = &self.index.cast;
        let leader = |task| cast.tasks.get(task).map_or(task, |info| info.leader);
        let of_victim = self.index.attempts.iter().filter(|one| leader(one.victim) == victim);
        let mut refusals: u64 = 0;
        let mut by_core: u64 = 0;
        let mut skips: u64 = 0;
        let mut names: Vec<String> = Vec::new();
        // Two ranges may be of one name.
        let mut known = Vec::new();
        let mut reasons: Option<Vec<Because>> = None;
        for attempt in of_victim {
            skips += u64::from(attempt.outcome == Outcome::Skipped);
            for refusal in &attempt.refusals {
                refusals += 1;
                by_core += u64::from(refusal.by_core);
                let because = self.index.refused_because(refusal);
                reasons.get_or_insert_with(|| because.clone()).retain(|it| because.contains(it));
                let name = format!(
                    "{} ({})",
                    range_name(cast, refusal.range),
                    notifier_name(cast, refusal.notifier)
                );
                if !known.contains(&(refusal.range, refusal.notifier)) {
                    known.push((refusal.range, refusal.notifier));
                    names.push(name);
                }
            }
        }
        let because = because_text(cast, &reasons.unwrap_or_default());
        // Whom the core refuses for, the driver never hears of it.
        let who = if by_core == refusals { "the core refused it" } else { "it was refused" };
        let refused =
            format!("; {who} {}, for {}{because}", times_text(refusals), short_list_text(&names));
        let skipped = format!("; {} it did not get mmap_lock", times_text(skips));
        match (refusals, skips) {
            (0, 0) => String::new(),
            (_, 0) => refused,
            (0, _) => skipped,
            _ => format!("{refused}{skipped}"),
        }
    }
}
