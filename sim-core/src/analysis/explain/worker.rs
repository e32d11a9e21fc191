//! What was done in the reaper's stead: by the worker it hands ranges to (policy
//! `hand-off`), and refusals that none of its attempts met.

use super::{Tale, times_text};
use crate::analysis::types::{Said, Victim};
use crate::analysis::victims::VictimFacts;
use crate::analysis::words::{size_text, span_text};
use crate::base::{MmId, TaskId};
use crate::record::Event;

/// The worker of a victim's address space.
#[derive(Copy, Clone)]
pub(super) struct Worker {
    task: TaskId,
    /// The record with which it was given its ranges.
    handed: usize,
    /// Whether it has begun, which counts as an attempt.
    pub(super) has_begun: bool,
    /// Pages that it unmapped.
    pub(super) unmapped: u64,
    /// Those of them that came free.
    pub(super) freed: u64,
}

impl Tale<'_> {
    /// The worker that ranges of this victim were handed to, if any were.
    pub(super) fn worker(&self, facts: &VictimFacts) -> Option<Worker> {
        let workers = &self.index.cast.hand_off_workers;
        // Each address space has one, made when it was handed over.
        let mut mms: Vec<MmId> = Vec::new();
        let mut worker: Option<Worker> = None;
        for (handed, record) in self.run.trace.iter().enumerate() {
            match (record.event, &mut worker) {
                (Event::HandedOff { mm, .. }, None) => {
                    if !mms.contains(&mm) {
                        mms.push(mm);
                    }
                    let task = workers.get(mms.len() - 1).filter(|_| Some(mm) == facts.mm);
                    worker = task.map(|&task| Worker {
                        task,
                        handed,
                        has_begun: false,
                        unmapped: 0,
                        freed: 0,
                    });
                }
                (Event::StartTaskReaping { .. }, Some(worker)) if record.task == worker.task => {
                    worker.has_begun = true;
                }
                (Event::Zap { pages, freed, .. }, Some(worker)) if record.task == worker.task => {
                    worker.unmapped += u64::from(pages);
                    worker.freed += u64::from(freed);
                }
                _ => {}
            }
        }
        worker
    }

    /// What the worker did, to end the sentence about the reaper.
    pub(super) fn worker_text(
        &self,
        facts: &VictimFacts,
        victim: &Victim,
        worker: &Worker,
    ) -> String {
        let who = self.name(worker.task);
        let unmapped = match worker.unmapped {
            0 => "nothing".to_owned(),
            pages => size_text(pages),
        };
        if victim.said != Some(Said::UnableToReap) {
            return format!("; it handed the rest to {who}, which unmapped {unmapped}");
        }
        let leader = |task| self.index.cast.tasks.get(task).map_or(task, |info| info.leader);
        let mut give_ups = self.index.give_ups.iter();
        let gave_up = give_ups.find(|&&(_, task)| leader(task) == victim.task);
        let waited = gave_up.map_or_else(String::new, |&(record, _)| {
            let span = self.index.time(record).saturating_sub(self.index.time(worker.handed));
            format!("{} later ", span_text(span))
        });
        format!(
            "; it handed the rest to {who}; {waited}the victim was given up, with {} left, of which \
             {who} unmapped {unmapped} all the same",
            self.kept(facts, victim)
        )
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
