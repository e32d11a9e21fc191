//! Whether the first victim could exit by itself, and what kept it.

use super::Tale;
use crate::analysis::index::lock_waited_for;
use crate::analysis::replay::is_own_wish;
use crate::analysis::words::{device_name, lock_name, span_text};
use crate::base::{Nanos, TaskId};
use crate::record::{Reason, TaskKind};

/// A wait of a thread of the first victim.
struct Park {
    task: TaskId,
    reason: Reason,
    lasted: Nanos,
    /// Whether the run ended before it did.
    is_open: bool,
    /// Where it began.
    record: usize,
}

impl Tale<'_> {
    /// Whether the first victim could exit, or what kept it.
    pub(super) fn exit(&self) -> Option<String> {
        let (facts, victim) = self.first()?;
        let cast = &self.index.cast;
        let who = self.name(victim.task);
        let seen = self.index.times.len();
        let threads: Vec<TaskId> = cast
            .tasks
            .iter()
            .filter(|(_, info)| info.leader == victim.task && info.kind == TaskKind::User)
            .map(|(id, _)| id)
            .collect();
        let alive: Vec<_> =
            threads.iter().filter(|&&id| self.index.doing(id, seen).is_alive()).collect();
        let parks = self.parks(&threads, facts.killed);
        // What is not over is what keeps it, however long another wait was.
        let is_open = |park: &&Park| park.is_open;
        let longest = |park: &&Park| (park.lasted, std::cmp::Reverse(park.task));
        let open = parks.iter().filter(is_open).max_by_key(longest);
        let park = open.filter(|_| !alive.is_empty()).or(parks.iter().max_by_key(longest))?;
        let (mut kept, lasted) = (self.park_text(park), park.lasted);
        if !alive.is_empty() {
            return Some(format!("{who} did not exit before the end: {kept}."));
        }
        let gone =
            threads.iter().filter_map(|&id| Some(self.index.step(id, seen)?.0.record)).max()?;
        let took = self.index.time(gone).saturating_sub(victim.killed);
        if lasted.0 * 10 < took.0.max(1) || took < Nanos::from_ms(50) {
            return None;
        }
        // What the same thread was kept by before or after, where that was long, too.
        let is_other = |other: &&Park| other.task == park.task && other.record != park.record;
        let other = parks.iter().filter(is_other).max_by_key(longest);
        if let Some(other) = other.filter(|other| other.lasted.0 * 5 > took.0) {
            let when = if other.record > park.record { "then" } else { "before that" };
            kept = format!("{kept}; {when} {}", self.park_text(other));
        }
        Some(format!("{who}'s own exit took {}: {kept}.", span_text(took)))
    }

    /// The waits of these threads from a record on, those of their own wish left out.
    fn parks(&self, threads: &[TaskId], from: usize) -> Vec<Park> {
        let since = self.index.time(from);
        let parks = threads.iter().flat_map(|&task| {
            let steps = self.index.tasks.get(task.index()).map_or(&[][..], |track| &track.steps);
            let nexts = steps.iter().skip(1).map(|step| (self.index.time(step.record), false));
            steps.iter().zip(nexts.chain([(self.index.end, true)])).filter_map(
                move |(step, (end, is_open))| {
                    let reason = step.doing.reason().filter(|&reason| !is_own_wish(reason))?;
                    let begin = self.index.time(step.record).max(since);
                    let lasted = end.saturating_sub(begin);
                    Some(Park { task, reason, lasted, is_open, record: step.record })
                },
            )
        });
        parks.filter(|park| park.lasted > Nanos::ZERO).collect()
    }

    /// `hog waited 4.88 s for mirror_lock, which presser held`.
    fn park_text(&self, park: &Park) -> String {
        let cast = &self.index.cast;
        let (who, lasted) = (self.name(park.task), span_text(park.lasted));
        let seen = park.record + 1;
        if let Some(lock) = lock_waited_for(self.index.doing(park.task, seen)) {
            let holders = self.index.holders(lock, seen);
            let by = holders.first().map(|holder| self.name(holder.what.task));
            let by = by.map_or_else(String::new, |by| format!(", which {by} held"));
            return format!("{who} waited {lasted} for {}{by}", lock_name(cast, lock));
        }
        match park.reason {
            Reason::Stuck => format!("{who} was stuck {lasted} in {}", park.reason.text()),
            Reason::Sleep => format!("{who} slept {lasted} in the kernel"),
            Reason::Fence => {
                let device = self.index.device_waited_for(park.task, seen);
                let of = device.map_or_else(|| "the device".to_owned(), |d| device_name(cast, d));
                format!("{who} waited {lasted} for a fence of {of}")
            }
            reason => format!("{who} waited {lasted} for {}", reason.text()),
        }
    }
}
