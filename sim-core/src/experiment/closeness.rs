//! How close a run came to a verdict that it does not have: what a guided
//! search climbs.
//!
//! A heuristic, and only that: it says which of two runs to vary, never
//! whether a verdict holds. For what comes of waiting (deadlock, livelock,
//! stall) it is the longest chain of tasks that waited for each other's
//! locks, and how many waited in such chains; for what comes of killing
//! (extra victims, panic) how often somebody was killed or given up; for a
//! good end, how few were.

use std::collections::BTreeMap;

use crate::analysis::{Report, Verdict};
use crate::base::{LockId, SimTime, TaskId};
use crate::engine::WaitOn;
use crate::record::{Event, Run};

/// Larger is closer; compared part by part.
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Default, Debug)]
pub struct Closeness {
    /// What counts first, and what breaks its ties.
    pub score: [u64; 3],
}

/// How close a run came, and when it was closest.
pub fn closeness(run: &Run, report: &Report, wanted: Verdict) -> (Closeness, SimTime) {
    let count = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
    let metrics = &report.metrics;
    let last_kill = report.victims.last().map_or(SimTime::ZERO, |victim| victim.killed);
    let kills = count(report.victims.len());
    let (score, at) = match wanted {
        Verdict::Deadlock | Verdict::Livelock | Verdict::Stalled => {
            let chains = Chains::of(run);
            let longest = metrics.alloc_stall.max.unwrap_or(0);
            ([chains.longest, chains.waits, longest], chains.at)
        }
        Verdict::ExtraVictims | Verdict::Panic => {
            ([kills, metrics.gave_up, metrics.backoffs], last_kill)
        }
        Verdict::Recovered | Verdict::NoOom => {
            let fewer = u64::MAX - kills;
            ([fewer, u64::MAX - metrics.backoffs, u64::MAX - metrics.psi_full_ns], last_kill)
        }
    };
    (Closeness { score }, at)
}

/// Who waited for whose lock, over a run.
#[derive(Default)]
struct Chains {
    holders: BTreeMap<LockId, Vec<TaskId>>,
    waiting: BTreeMap<TaskId, LockId>,
    /// Most tasks that waited, each for the next.
    longest: u64,
    /// How often a chain of two or more came about.
    waits: u64,
    /// When the longest came about.
    at: SimTime,
}

impl Chains {
    fn of(run: &Run) -> Self {
        let mut chains = Self::default();
        for record in run.trace.iter() {
            let task = record.task;
            match record.event {
                Event::Blocked { on: WaitOn::Lock(lock), .. } => {
                    chains.waiting.insert(task, lock);
                    let length = chains.length(task);
                    chains.waits += u64::from(length > 1);
                    if length > chains.longest {
                        (chains.longest, chains.at) = (length, record.at);
                    }
                }
                Event::Woken { .. } => {
                    chains.waiting.remove(&task);
                }
                Event::Acquired { lock, .. } => chains.holders.entry(lock).or_default().push(task),
                Event::Released { lock } => {
                    let holders = chains.holders.entry(lock).or_default();
                    if let Some(at) = holders.iter().position(|holder| *holder == task) {
                        holders.remove(at);
                    }
                }
                _ => {}
            }
        }
        chains
    }

    /// How many tasks wait in the chain that begins here; each counts once.
    fn length(&self, from: TaskId) -> u64 {
        let mut seen = vec![from];
        let mut at = from;
        while let Some(lock) = self.waiting.get(&at)
            && let Some(&holder) = self.holders.get(lock).and_then(|holders| holders.first())
            && self.waiting.contains_key(&holder)
            && !seen.contains(&holder)
        {
            seen.push(holder);
            at = holder;
        }
        u64::try_from(seen.len()).unwrap_or(u64::MAX)
    }
}
