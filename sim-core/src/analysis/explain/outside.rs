//! Who died after the first victim, by the killer or by a hand from outside.

use super::Tale;
use crate::analysis::words::{list_text, process_name, time_text};
use crate::record::{Event, Injected};

/// Kills from outside that are told one by one.
const TOLD_MAX: usize = 3;

impl Tale<'_> {
    /// The kills after the first, and those that nobody's want of memory made.
    pub(super) fn later_deaths(&self) -> Option<String> {
        let told: Vec<_> = [self.others(), self.outside()].into_iter().flatten().collect();
        (!told.is_empty()).then(|| told.join(" "))
    }

    /// Whom the scenario, or a fork, had killed: memory that came free so was nobody's doing.
    fn outside(&self) -> Option<String> {
        let kills: Vec<_> = self
            .run
            .trace
            .iter()
            .filter_map(|record| match record.event {
                Event::Injection { what: Injected::Kill, target: Some(target) } => {
                    let whom = process_name(&self.index.cast, target);
                    Some(format!("{whom} at {}", time_text(record.at)))
                }
                _ => None,
            })
            .collect();
        let mut told: Vec<_> = kills.iter().take(TOLD_MAX).cloned().collect();
        let more = kills.len() - told.len();
        if more > 0 {
            told.push(format!("{more} more"));
        }
        let were = if kills.len() == 1 { "was" } else { "were" };
        (!kills.is_empty()).then(|| format!("From outside, {} {were} killed.", list_text(&told)))
    }
}
