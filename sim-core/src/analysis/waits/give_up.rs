//! The reaper giving up, in words: on whom, after how many attempts, and what each of them failed for.
//!
//! Leaves out the back-offs before: each is told while it lasts (`reaper.rs`).

use super::Walk;
use crate::analysis::reaping::{Attempt, Outcome};
use crate::analysis::replay::Doing;
use crate::analysis::words::{count_text, list_text, process_name, size_text};
use crate::base::TaskId;
use crate::record::Reason;

impl Walk<'_> {
    /// Tells why the reaper gives up, if that is what it is at: its last attempt failed, the pause
    /// after that is over, and it has turned to nothing else.
    pub(super) fn explain_give_up(&mut self, task: TaskId) -> bool {
        let most = self.index.cast.max_oom_reap_retries;
        let Some(last) = self.attempt().filter(|last| last.number == most) else {
            return false;
        };
        let last = last.clone();
        let failed = matches!(last.outcome, Outcome::Failed | Outcome::Skipped);
        let Some(pause) = last.back_off.filter(|&record| failed && record < self.seen) else {
            return false;
        };
        if self.has_idled_since(task, pause) {
            return false;
        }
        let cast = &self.index.cast;
        let leader = |task: TaskId| cast.tasks.get(task).map(|info| info.leader);
        let made = self.index.attempts.iter();
        let on_victim = |it: &&Attempt| leader(it.victim) == leader(last.victim);
        let made: Vec<&Attempt> =
            made.filter(|it| it.from <= last.from).filter(on_victim).collect();
        let mut causes: Vec<(String, u64)> = Vec::new();
        for attempt in &made {
            let (cause, _) = self.cause_of_failure(attempt, "");
            match causes.iter_mut().find(|(known, _)| *known == cause) {
                Some((_, times)) => *times += 1,
                None => causes.push((cause, 1)),
            }
        }
        let count = u64::try_from(made.len()).unwrap_or(u64::MAX);
        let causes: Vec<String> = if let [(cause, _)] = causes.as_slice() {
            vec![format!("each time {cause}")]
        } else {
            let of_them = [" of them"].into_iter().chain(std::iter::repeat(""));
            let told = causes.iter().zip(of_them);
            told.map(|((cause, times), of)| format!("in {times}{of} {cause}")).collect()
        };
        let kept = cast.tasks.get(last.victim).and_then(|info| info.mm);
        let kept = kept.map_or(0, |mm| self.index.present(mm, self.at));
        let text = format!(
            "{} gives up on {}, which keeps {}, after {} in vain: {}.",
            self.name(task),
            process_name(cast, last.victim),
            size_text(kept),
            count_text(count, "attempt"),
            list_text(&causes),
        );
        let (_, holder) = self.cause_of_failure(&last, "");
        self.push(task, "nothing".to_owned(), "none", holder, text);
        if let Some(holder) = holder {
            self.follow(holder);
        }
        true
    }

    /// Whether the reaper had nothing to do between a record and now.
    fn has_idled_since(&self, task: TaskId, record: usize) -> bool {
        let steps = self.index.tasks.get(task.index()).into_iter().flat_map(|track| &track.steps);
        let mut steps = steps.filter(|step| (record..self.seen).contains(&step.record));
        steps.any(|step| {
            matches!(step.doing, Doing::Blocked { .. })
                && step.doing.reason() == Some(Reason::ReaperIdle)
        })
    }
}
