//! The point of no return: from each of several moments of a run, how
//! likely is a verdict still?
//!
//! The run is rewound to the moment and re-seeded: made anew from 0, the
//! same up to there, with other random numbers from there on. The share
//! of such runs that end in the verdict estimates its probability given
//! all that had happened. Where it rises to 1, nothing that chance decides
//! later would have helped.

use super::Proportion;
use crate::base::SimTime;
use crate::scenario::Fork;

/// A moment, and how often the verdict came from there.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub struct Point {
    /// The moment.
    pub at: SimTime,
    /// Of the runs parted there.
    pub shown: Proportion,
}

/// So many moments, evenly over a run that ended at `end`, its start included.
pub fn moments(end: SimTime, count: u64) -> Vec<SimTime> {
    let count = count.max(1);
    let at = |index: u64| u128::from(end.0) * u128::from(index) / u128::from(count);
    (0..count).map(|index| SimTime(u64::try_from(at(index)).unwrap_or(end.0))).collect()
}

/// The `number`-th re-seeding at a moment. Numbers mean the same at every
/// moment, so neighbors are compared under common random numbers.
pub fn parting(at: SimTime, number: u64) -> Fork {
    Fork::reseed(at, number, u8::MAX)
}

/// The earliest moment from which on the verdict always came.
pub fn no_return(curve: &[Point]) -> Option<SimTime> {
    let always = |point: &&Point| point.shown.of > 0 && point.shown.count == point.shown.of;
    curve.iter().rev().take_while(always).last().map(|point| point.at)
}
