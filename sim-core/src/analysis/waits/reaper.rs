//! The reaper in words: what it reaps, why it backs off, what it sleeps for.

use super::Walk;
use crate::analysis::reaping::{Attempt, Keeps, Outcome, Refusal, because_text};
use crate::analysis::words::{
    lock_name, mm_name, notifier_name, process_name, range_name, range_text, short_list_text,
    span_text,
};
use crate::base::TaskId;

impl Walk<'_> {
    /// The attempt under way or last made.
    pub(super) fn attempt(&self) -> Option<&Attempt> {
        self.index.attempt(self.seen)
    }

    /// What the reaper does while it has a CPU.
    pub(super) fn reaper_work(&self) -> Option<String> {
        let attempt = self.attempt()?;
        let is_over = attempt.to.is_some_and(|record| record < self.seen);
        let victim = process_name(&self.index.cast, attempt.victim);
        (!is_over).then(|| format!("reaps {victim} (attempt {})", attempt.number))
    }

    pub(super) fn explain_back_off(&mut self, task: TaskId) {
        let name = self.name(task);
        let left = self.left_text(task);
        let step = self.index.step(task, self.seen).map(|(step, _)| step.record);
        let attempt = self
            .attempt()
            .filter(|attempt| attempt.back_off.is_some() && attempt.back_off == step)
            .cloned();
        let Some(attempt) = attempt else {
            // The policy that sleeps instead of trying.
            let (who, why) = match self.index.backed_off(self.seen) {
                Some((mm, notifier)) => {
                    let cast = &self.index.cast;
                    let why = format!("{} might block", notifier_name(cast, notifier));
                    (mm_name(cast, mm), why)
                }
                None => ("the victim".to_owned(), "its notifiers might block".to_owned()),
            };
            let text = format!("{name} leaves {who} alone because {why}, and sleeps ({left}).");
            return self.push(task, "the back-off".to_owned(), "time", None, text);
        };
        let most = self.index.cast.max_oom_reap_retries;
        let waits_on = format!("back-off {} of {most}", attempt.number);
        let next = if attempt.number < most {
            format!("before attempt {} of {most}", attempt.number + 1)
        } else {
            format!("after attempt {most}, the last, before it gives up")
        };
        let when = format!(" in attempt {}", attempt.number);
        let (cause, holder) = self.cause_of_failure(&attempt, &when);
        let text = format!("{name} waits for the back-off {next} ({left}), because {cause}.");
        self.push(task, waits_on, "time", holder, text);
        if let Some(holder) = holder {
            self.follow(holder);
        }
    }

    /// Why an attempt failed `when` it was made, and who could say more.
    pub(super) fn cause_of_failure(
        &self,
        attempt: &Attempt,
        when: &str,
    ) -> (String, Option<TaskId>) {
        if attempt.outcome == Outcome::Skipped {
            return self.cause_of_skip(attempt, when);
        }
        let cast = &self.index.cast;
        let Some(first) = attempt.refusals.first() else {
            return (format!("it failed{when}"), None);
        };
        let mut causes: Vec<String> = Vec::new();
        for refusal in &attempt.refusals {
            let cause = refusal_text(self, refusal);
            if !causes.contains(&cause) {
                causes.push(cause);
            }
        }
        let because = self.index.refused_because(first);
        let device = cast.notifiers.get(first.notifier).map(|info| info.device);
        let worker = device.and_then(|device| cast.devices.get(device)?.task);
        let holder = because.iter().find_map(|because| because.holder());
        let cause = format!("{}{when}{}", short_list_text(&causes), because_text(cast, &because));
        (cause, holder.or(worker))
    }

    fn cause_of_skip(&self, attempt: &Attempt, when: &str) -> (String, Option<TaskId>) {
        let Some((lock, task, keeps)) = self.index.kept_mmap_lock(attempt) else {
            return (format!("it skipped the victim{when}"), None);
        };
        let (who, name) = (self.name(task), lock_name(&self.index.cast, lock));
        let cause = match keeps {
            Keeps::Holds => format!("{who} held {name} for writing{when}"),
            Keeps::Queued => format!("{who} was queued for {name}{when}"),
        };
        (cause, Some(task))
    }

    pub(super) fn explain_idle_reaper(&mut self, task: TaskId) {
        let name = self.name(task);
        let delayed = self.index.victims.iter().rev().find(|victim| victim.is_delayed(self.seen));
        let Some(victim) = delayed else {
            let text = format!("{name} has nothing to reap.");
            return self.push(task, "a victim to reap".to_owned(), "none", None, text);
        };
        let who = process_name(&self.index.cast, victim.leader);
        let left = match victim.woken {
            Some(record) => {
                let left = self.index.time(record).saturating_sub(self.at);
                format!("{} left", span_text(left))
            }
            None => "it never is in this run".to_owned(),
        };
        let text = format!(
            "{name} sleeps: {who} was killed {}, but the reaper is told of it later ({left}).",
            self.ago(victim.killed)
        );
        self.push(task, "the delay between kill and wake-up".to_owned(), "time", None, text);
    }
}

/// `gpu0 refused hog's buffers [0x…–0x…)`; without the addresses when
/// the range is no VMA of the cast.
fn refusal_text(walk: &Walk<'_>, refusal: &Refusal) -> String {
    let cast = &walk.index.cast;
    let who = notifier_name(cast, refusal.notifier);
    match cast.ranges.get(refusal.range) {
        Some(_) => format!("{who} refused {}", range_text(cast, refusal.range)),
        None => format!("{who} refused {}", range_name(cast, refusal.range)),
    }
}
