//! What recovery is, in words, and who waited again after it; which kill was whose.
//!
//! Recovery is an instant: the first after the last kill at which nobody waits and enough is
//! free, and after which nobody waits for a pending victim. It says nothing of what comes then.

use super::Tale;
use crate::analysis::metrics::later_wait;
use crate::analysis::words::{span_text, time_text};
use crate::base::{Nanos, TaskId};
use crate::record::{Event, OomScope};

impl Tale<'_> {
    /// For whose request, and where, the victim marked at this record was killed; none if
    /// the killer came to no choice, because that one was to die anyway.
    pub(super) fn killing(&self, marked: usize) -> Option<(TaskId, u32, OomScope)> {
        let killer = self.run.trace.get(marked)?.task;
        let before = (0..marked).rev().filter_map(|index| self.run.trace.get(index));
        before.filter(|record| record.task == killer).find_map(|record| match record.event {
            Event::OomKillProcess { gfp, scope, .. } => Some(Some((killer, gfp, scope))),
            // What it returned from was another call.
            Event::OutOfMemory { .. } => Some(None),
            _ => None,
        })?
    }

    /// From when to when the time to recovery is counted.
    pub(super) fn until_served(&self) -> &'static str {
        match self.index.victims.len() {
            0 | 1 => "from the kill until everybody was served",
            _ => "from the first kill until, after the last, everybody was served",
        }
    }

    /// That recovery was there at once says something only where it did not last.
    pub(super) fn served_at_once(&self, whole: Nanos) -> Option<String> {
        self.report.metrics.oom_to_recovery_ns?;
        let again = self.served_again();
        let until = self.until_served().trim_start_matches("from ");
        (!again.is_empty())
            .then(|| format!("Only {} passed from {until}{again}.", span_text(whole)))
    }

    /// The longest wait that began after recovery, if it was worth a word.
    pub(super) fn served_again(&self) -> String {
        later_wait(self.index).map_or_else(String::new, |(task, from, lasted)| {
            let (lasted, from) = (span_text(lasted), time_text(from));
            format!("; later {} waited again, {lasted} from {from} on", self.name(task))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::story::{HOG, HOG_2, OTHER, Story};
    use crate::analysis::{Index, explain, report};
    use crate::engine::Stop;
    use crate::record::Gfp;

    #[test]
    fn a_choice_long_before_the_mark_is_still_the_killers() {
        let mut story = Story::new();
        let (scope, gfp) = (OomScope::Global, Gfp::USER.0);
        let choice = Event::OomKillProcess { victim: HOG, gfp, order: 0, scope, report: true };
        story.at(10).add(OTHER, choice);
        for _ in 0..100 {
            story.add(OTHER, Event::SignalGenerate { target: HOG_2 });
        }
        let run = story.kills(OTHER, HOG).ends(20, Stop::Horizon);
        let index = Index::new(&run);
        let told = explain(&run, &index, &report(&run)).join(" ");
        assert!(told.contains("other needed a page"), "{told}");
        assert!(!told.contains("was to die anyway"), "{told}");
    }
}
