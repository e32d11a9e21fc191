//! Three answers to one question: can somebody wait for ever, or the reaper
//! for an allocation? Whether it happened in this run, whether lockdep would
//! have warned, and how often it happens over seeds.

use sim_core::experiment::{Danger, Outcome, Proportion};

/// Whether it happened in the run.
pub(crate) fn here(outcome: &Outcome) -> &'static str {
    match outcome.danger {
        Danger::None => "no",
        Danger::Indirect => "waited for an allocation through others",
        Danger::Direct => "waited for an allocation",
        Danger::Closed => "yes, for a while",
        Danger::Stuck => "yes, for ever",
    }
}

/// What lockdep would have said.
pub(crate) fn lockdep(outcome: &Outcome) -> &'static str {
    match outcome.lockdep {
        Some(true) => "warned",
        Some(false) => "said nothing",
        None => "not asked",
    }
}

/// How often it happens; nothing if nobody counted.
pub(crate) fn often(seeds: &[Outcome]) -> Option<String> {
    let share = Proportion::of(seeds, |outcome| outcome.danger != Danger::None);
    (!seeds.is_empty()).then(|| share.text())
}
