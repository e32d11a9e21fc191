//! A guided search for a verdict that is rare.
//!
//! A trial is a seed and where its run is parted from itself
//! ([`Fork`]): from there on times, and with seeded ties the order of
//! simultaneous events, are drawn anew within their ranges, for all
//! entities or for some. One trial in four is a fresh seed. The others
//! vary a trial that came close ([`closeness`](super::closeness)): either
//! some of its streams from the start, so that the coincidence it has
//! already is likely kept while another is sought; or everything after a
//! moment before it was closest. This is importance splitting (Glasserman
//! et al., "Multilevel splitting for estimating rare event probabilities",
//! Operations Research 47, 1999) used to find, not to estimate: how often
//! the verdict comes can't be told from a guided search.
//!
//! It decides in batches and is told results in order, so what it finds
//! does not depend on how many threads run a batch.

use super::Closeness;
use crate::base::{SimTime, Stream, sort};
use crate::scenario::Fork;

/// Trials decided at once.
pub const BATCH: usize = 64;
/// Trials that are varied further.
const KEPT_MAX: usize = 24;
/// Most re-seedings of a trial.
const RESEEDS_MAX: usize = 24;

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
    next_seed: u64,
    stream: Stream,
    /// The closest first; of equals the least varied.
    kept: Vec<Kept>,
}

impl Search {
    /// A search whose fresh seeds begin with this one.
    pub fn new(first_seed: u64) -> Self {
        let stream = Stream::new(first_seed, "search", "trials");
        Self { next_seed: first_seed, stream, kept: Vec::new() }
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
        let kind = self.stream.below(4);
        let part = self.stream.below(1 << 10);
        let parent = &mut self.kept[index];
        parent.varied += 1;
        let reseed = if kind == 3 {
            let at = (u128::from(parent.at.0) * u128::from(part)) >> 10;
            let at = SimTime(u64::try_from(at).unwrap_or(parent.at.0));
            Fork::reseed(at, salt, u8::MAX)
        } else {
            // Up to a third of what is drawn, from the start.
            let share = [15, 31, 85][usize::try_from(kind).unwrap_or(0)];
            Fork::reseed(SimTime::ZERO, salt, share)
        };
        let mut trial = parent.trial.clone();
        // What was drawn anew after that moment is drawn anew again.
        trial.forks.retain(|earlier| earlier.at <= reseed.at);
        if trial.forks.len() == RESEEDS_MAX {
            trial.forks.remove(0);
        }
        trial.forks.push(reseed);
        trial
    }
}
