//! What the reaper met on its way through the first victim's memory: refusals, and whose
//! lock they are due to where they are due to one; `mmap_lock`, when it did not get it.

use super::{Tale, times_text};
use crate::analysis::index::{Step, lock_waited_for};
use crate::analysis::reaping::{Outcome, Refusal};
use crate::analysis::words::{lock_name, notifier_name, range_name, short_list_text};
use crate::base::{LockId, TaskId};
use crate::engine::Hold;

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
        let mut holders: Option<Vec<(TaskId, LockId)>> = None;
        for attempt in of_victim {
            skips += u64::from(attempt.outcome == Outcome::Skipped);
            for refusal in &attempt.refusals {
                refusals += 1;
                by_core += u64::from(refusal.by_core);
                let held = self.holders_at(refusal);
                holders.get_or_insert_with(|| held.clone()).retain(|one| held.contains(one));
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
        let held = holders.unwrap_or_default().into_iter().map(|(task, lock)| {
            format!(", while {} held {}", self.name(task), lock_name(cast, lock))
        });
        // Whom the core refuses for, the driver never hears of it.
        let who = if by_core == refusals { "the core refused it" } else { "it was refused" };
        let refused = format!(
            "; {who} {}, for {}{}",
            times_text(refusals),
            short_list_text(&names),
            held.collect::<String>()
        );
        let skipped = format!("; {} it did not get mmap_lock", times_text(skips));
        match (refusals, skips) {
            (0, 0) => String::new(),
            (_, 0) => refused,
            (0, _) => skipped,
            _ => format!("{refused}{skipped}"),
        }
    }

    /// Who has the lock that a driver refuses for: it tried it, or waited for it in vain.
    fn holders_at(&self, refusal: &Refusal) -> Vec<(TaskId, LockId)> {
        if refusal.by_core {
            return Vec::new();
        }
        let cast = &self.index.cast;
        let device = cast.notifiers.get(refusal.notifier).map(|info| info.device);
        let info = device.and_then(|device| cast.devices.get(device));
        let tried = info.map_or(&[][..], |info| &info.tries).iter().copied();
        let tried = tried.chain(self.waited_in_vain(refusal).map(|lock| (lock, Hold::Exclusive)));
        let holders = tried.flat_map(|(lock, hold)| {
            let holders = self.index.holders(lock, refusal.record).into_iter();
            // Those who read keep no reader out.
            let in_the_way = move |held: Hold| hold == Hold::Exclusive || held == Hold::Exclusive;
            let holders = holders.filter(move |holder| in_the_way(holder.what.hold));
            holders.map(move |holder| (holder.what.task, lock))
        });
        // What is tried may be what was waited for in vain.
        let mut found = Vec::new();
        for holder in holders.filter(|&(task, _)| Some(task) != self.index.reaper) {
            if !found.contains(&holder) {
                found.push(holder);
            }
        }
        found
    }

    /// The lock that a call waited for last before it refused (policy `deadline`).
    fn waited_in_vain(&self, refusal: &Refusal) -> Option<LockId> {
        let track = self.index.tasks.get(self.index.reaper?.index())?;
        let call = track.calls.items.iter().find(|call| call.to == refusal.record)?;
        let within = |step: &&Step| (call.from..call.to).contains(&step.record);
        let waits = track.steps.iter().rev().filter(within);
        let mut waits = waits.filter(|step| step.doing.reason().is_some());
        waits.next().and_then(|step| lock_waited_for(step.doing))
    }
}
