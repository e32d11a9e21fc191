//! What happened in a test's run, and questions about it.

use crate::base::NotifierId;
use crate::record::{Cast, Event, Record, Trace};

/// What happened in a run.
pub(in crate::kernel) struct Log {
    pub trace: Trace,
    pub cast: Cast,
}

impl Log {
    pub(in crate::kernel) fn records(&self) -> impl Iterator<Item = Record> + '_ {
        self.trace.iter()
    }

    /// Records of this kind: when, in us, and by whom.
    pub(in crate::kernel) fn when(&self, is: impl Fn(&Event) -> bool) -> Vec<(u64, String)> {
        let records = self.records().filter(|record| is(&record.event));
        let told =
            records.map(|record| (record.at.0 / 1000, self.cast.tasks[record.task].name.clone()));
        told.collect()
    }

    pub(in crate::kernel) fn count(&self, is: impl Fn(&Event) -> bool) -> usize {
        self.records().filter(|record| is(&record.event)).count()
    }

    /// The VMAs unmapped, in order, each as often as somebody turned to it anew.
    pub(in crate::kernel) fn zapped(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for record in self.records() {
            if let Event::Zap { range, pages: 1.., .. } = record.event {
                names.push(self.cast.ranges[range].name.clone());
            }
        }
        names.dedup();
        names
    }

    /// Pages unmapped in all.
    pub(in crate::kernel) fn zapped_pages(&self) -> u64 {
        let pages = self.records().map(|record| match record.event {
            Event::Zap { pages, .. } => u64::from(pages),
            _ => 0,
        });
        pages.sum()
    }

    /// The interval tree's counters after each step: active, seq.
    pub(in crate::kernel) fn itree(&self) -> Vec<(u16, u32)> {
        let steps = self.records().filter_map(|record| match record.event {
            Event::MnItree { active, seq, .. } => Some((active, seq)),
            _ => None,
        });
        steps.collect()
    }

    /// Registrations in the order in which they were called.
    pub(in crate::kernel) fn called(&self) -> Vec<NotifierId> {
        let calls = self.records().filter_map(|record| match record.event {
            Event::MnCall { notifier, .. } => Some(notifier),
            _ => None,
        });
        calls.collect()
    }
}
