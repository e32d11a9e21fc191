//! A guided search for a verdict that is rare.
//!
//! A trial is a seed and where its run is parted from itself
//! ([`Fork`]): from there on times are drawn anew within their ranges, for all
//! entities or for some; or simultaneous events come in another order; or
//! what runs on a CPU is preempted. One trial in four is a fresh seed. The others
//! vary a trial that came close ([`closeness`](super::closeness)): either
//! some of its streams from the start, so that the coincidence it has
//! already is likely kept while another is sought; or everything after a
//! moment before it was closest; or, one time in four, the order of
//! simultaneous events from such a moment on, or a preemption there. All of
//! it is forks, so a link makes what was found again. This is importance splitting (Glasserman
//! et al., "Multilevel splitting for estimating rare event probabilities",
//! Operations Research 47, 1999) used to find, not to estimate: how often
//! the verdict comes can't be told from a guided search.
//!
//! It decides in batches and is told results in order, so what it finds
//! does not depend on how many threads run a batch.

use super::Closeness;
use crate::base::{Nanos, SimTime, Stream, sort};
use crate::scenario::{Fork, ForkChoice};

/// Trials decided at once.
pub const BATCH: usize = 64;
/// Trials that are varied further.
const KEPT_MAX: usize = 24;
/// Most forks of a trial.
const FORKS_MAX: usize = 24;
/// Longest preemption: a tick of 250 Hz.
const PREEMPTION_MAX: Nanos = Nanos::from_ms(4);

/// A run to be made.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct Trial {
    /// Its seed.
    pub seed: u64,
    /// Where it is parted from the seed's own run, by time.
    pub forks: Vec<Fork>,
}

/// A trial that came close.
#[derive(Clone, Debug)]
struct Kept {
    trial: Trial,
    closeness: Closeness,
    at: SimTime,
    /// How often it has been varied.
    varied: u64,
}

/// A search under way.
#[derive(Clone, Debug)]
pub struct Search {
    cpus: u32,
    next_seed: u64,
    stream: Stream,
    /// The closest first; of equals the least varied.
    kept: Vec<Kept>,
}

impl Search {
    /// A search whose fresh seeds begin with this one, on a machine with so many CPUs.
    pub fn new(first_seed: u64, cpus: u32) -> Self {
        let stream = Stream::new(first_seed, "search", "trials");
        Self { cpus, next_seed: first_seed, stream, kept: Vec::new() }
    }

    /// What to run next.
    pub fn batch(&mut self) -> Vec<Trial> {
        (0..BATCH).map(|_| self.trial()).collect()
    }

    /// How close a trial came, and when; to be told of all of a batch, in order.
    pub fn tell(&mut self, trial: Trial, closeness: Closeness, at: SimTime) {
        self.kept.push(Kept { trial, closeness, at, varied: 0 });
        sort::by(&mut self.kept, |a, b| {
            b.closeness.cmp(&a.closeness).then(a.varied.cmp(&b.varied))
        });
        self.kept.truncate(KEPT_MAX);
    }

    fn trial(&mut self) -> Trial {
        if self.kept.is_empty() || self.stream.below(4) == 0 {
            let seed = self.next_seed;
            self.next_seed += 1;
            return Trial { seed, forks: Vec::new() };
        }
        // The closer half twice as often as the rest.
        let count = self.kept.len() as u64;
        let among = if self.stream.below(3) == 0 { count } else { count.div_ceil(2) };
        let index = usize::try_from(self.stream.below(among)).unwrap_or(0);
        let salt = self.stream.next_u64();
        // Of sixteen, four of the order and of preemptions together.
        let kind = self.stream.below(16);
        let part = self.stream.below(1 << 10);
        let cpu = self.stream.below(u64::from(self.cpus.max(1)));
        let by = Nanos(1 + self.stream.below(PREEMPTION_MAX.0));
        let parent = &mut self.kept[index];
        parent.varied += 1;
        let before = (u128::from(parent.at.0) * u128::from(part)) >> 10;
        let before = SimTime(u64::try_from(before).unwrap_or(parent.at.0));
        let cpu = u32::try_from(cpu).unwrap_or(0);
        let fork = match kind {
            0 | 1 => Fork { at: before, record: 0, choice: ForkChoice::Ties { salt } },
            2 | 3 => Fork { at: before, record: 0, choice: ForkChoice::Preempt { cpu, by } },
            4..=6 => Fork::reseed(before, salt, u8::MAX),
            // Up to a third of what is drawn, from the start.
            7..=9 => Fork::reseed(SimTime::ZERO, salt, 15),
            10..=12 => Fork::reseed(SimTime::ZERO, salt, 31),
            _ => Fork::reseed(SimTime::ZERO, salt, 85),
        };
        let mut trial = parent.trial.clone();
        // What was varied after that moment is another run's by now.
        trial.forks.retain(|earlier| earlier.at <= fork.at);
        if trial.forks.len() == FORKS_MAX {
            trial.forks.remove(0);
        }
        trial.forks.push(fork);
        trial
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_order_and_preemptions_are_varied_before_a_run_was_closest() {
        let mut search = Search::new(0, 2);
        let (mut ties, mut preempted, mut reseeds) = (0, 0, 0);
        for _ in 0..20 {
            for trial in search.batch() {
                if let Some(last) = trial.forks.last() {
                    match last.choice {
                        ForkChoice::Ties { .. } => ties += 1,
                        ForkChoice::Preempt { cpu, by } => {
                            assert!(cpu < 2 && by.0 > 0 && by <= PREEMPTION_MAX);
                            preempted += 1;
                        }
                        _ => reseeds += 1,
                    }
                    assert!(last.at <= SimTime(1_000_000));
                }
                assert!(trial.forks.is_sorted_by_key(|fork| fork.at));
                search.tell(trial, Closeness::default(), SimTime(1_000_000));
            }
        }
        assert!(ties > 80 && preempted > 80 && reseeds > 400, "{ties} {preempted} {reseeds}");
    }
}
