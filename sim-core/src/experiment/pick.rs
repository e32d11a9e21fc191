//! Which of many runs are worth a look: the worst, the middle, the first
//! that fails.

use super::{Danger, Outcome};
use crate::analysis::Verdict;
use crate::base::sort;

/// How bad an outcome is; greater is worse.
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Debug)]
pub struct Severity {
    verdict: usize,
    danger: Danger,
    victims: u64,
    recovery: u64,
}

impl Severity {
    /// Of an outcome. One that never recovered is worse than any that did.
    pub fn of(outcome: &Outcome) -> Self {
        let place = Verdict::ALL.iter().position(|verdict| *verdict == outcome.verdict);
        // Of the verdicts, `no-oom` is the best, though it is asked for before others.
        let verdict = match outcome.verdict {
            Verdict::NoOom => 0,
            _ => Verdict::ALL.len() - place.unwrap_or(0),
        };
        let never = if outcome.victims > 0 { u64::MAX } else { 0 };
        Self {
            verdict,
            danger: outcome.danger,
            victims: outcome.victims,
            recovery: outcome.recovery.unwrap_or(never),
        }
    }
}

/// The worst; of equals the first.
pub fn worst(outcomes: &[Outcome]) -> Option<&Outcome> {
    // `max_by_key` takes the last of equals.
    outcomes.iter().rev().max_by_key(|outcome| Severity::of(outcome))
}

/// One in the middle, by severity.
pub fn median(outcomes: &[Outcome]) -> Option<&Outcome> {
    let mut order: Vec<&Outcome> = outcomes.iter().collect();
    sort::by_key(&mut order, |outcome| Severity::of(outcome));
    order.get(order.len().saturating_sub(1) / 2).copied()
}

/// The first, by seed, that neither recovered nor had nothing to recover from.
pub fn first_failing(outcomes: &[Outcome]) -> Option<&Outcome> {
    outcomes.iter().find(|o| !matches!(o.verdict, Verdict::Recovered | Verdict::NoOom))
}

/// Those worth a look, each once, with what it is: the worst, the median, the first that fails.
pub fn picks(outcomes: &[Outcome]) -> Vec<(Vec<&'static str>, &Outcome)> {
    let found = [
        ("worst of all seeds", worst(outcomes)),
        ("median of all seeds, by severity", median(outcomes)),
        ("first seed that fails", first_failing(outcomes)),
    ];
    let mut picks: Vec<(Vec<&'static str>, &Outcome)> = Vec::new();
    for (name, outcome) in found {
        let Some(outcome) = outcome else { continue };
        match picks.iter_mut().find(|(_, other)| other.seed == outcome.seed) {
            Some((names, _)) => names.push(name),
            None => picks.push((vec![name], outcome)),
        }
    }
    picks
}
