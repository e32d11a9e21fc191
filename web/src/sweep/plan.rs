//! What a sweep runs: a scenario under every policy and seed. Pure.
//!
//! Runs are numbered seed by seed, each under every policy, so that what
//! is there so far compares policies under the same seeds.

use std::ops::Range;

use crate::engine::{Request, SEED_MAX};

/// Runs of one sweep; their outcomes take some 20 MB.
pub const RUNS_MAX: u64 = 100_000;

/// A sweep.
#[derive(Clone, PartialEq, Debug)]
pub struct Plan {
    /// Scenario, kernel, overrides and forks; not its policies and seed.
    pub request: Request,
    /// The first is what the others are compared with.
    pub policies: Vec<String>,
    pub seeds: Range<u64>,
}

impl Plan {
    /// From what was typed; what is wrong with it is said as a sentence.
    pub fn typed(
        request: &Request,
        policies: Vec<String>,
        first: &str,
        count: &str,
    ) -> Result<Self, String> {
        let number = |text: &str| text.trim().replace(['_', ' ', '\u{202f}'], "").parse::<u64>();
        let first = number(first)
            .map_err(|_| format!("“{first}” is no seed: it takes a whole number from 0."))?;
        let wanted = number(count)
            .ok()
            .filter(|count| *count > 0)
            .ok_or_else(|| format!("“{count}” is no count of seeds: it takes 1 or more."))?;
        if policies.is_empty() {
            return Err("Choose a policy to run them under.".to_owned());
        }
        let runs = wanted.saturating_mul(policies.len() as u64);
        if runs > RUNS_MAX {
            return Err(format!(
                "{runs} runs are more than a page can hold ({RUNS_MAX}): take fewer seeds or \
                 policies, or the command line."
            ));
        }
        match first.checked_add(wanted) {
            Some(end) if end <= SEED_MAX + 1 => {
                let request = request.alone();
                Ok(Self { request, policies, seeds: first..end })
            }
            _ => Err(format!("The largest seed is {SEED_MAX}.")),
        }
    }

    pub fn seed_count(&self) -> u64 {
        self.seeds.end.saturating_sub(self.seeds.start)
    }

    /// How many runs that is.
    pub fn runs(&self) -> u32 {
        self.seed_count() as u32 * self.policies.len() as u32
    }

    /// Policy and seed of a run, by their places.
    pub fn place(&self, number: u32) -> (usize, usize) {
        let policies = self.policies.len().max(1);
        (number as usize % policies, number as usize / policies)
    }

    /// What the run of that number is.
    pub fn run(&self, number: u32) -> Request {
        let (policy, seed) = self.place(number);
        self.one(policy, self.seeds.start + seed as u64)
    }

    /// One policy and one seed of it.
    pub fn one(&self, policy: usize, seed: u64) -> Request {
        let policy = self.policies.get(policy).cloned();
        Request { seed, policy, ..self.request.alone() }
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub fn plan(policies: &[&str], seeds: Range<u64>) -> Plan {
        let policies = policies.iter().map(|policy| (*policy).to_owned()).collect();
        Plan { request: Request::default(), policies, seeds }
    }

    #[test]
    fn every_seed_meets_every_policy_before_the_next() {
        let plan = plan(&["nonblock", "interval"], 7..9);
        assert_eq!(plan.runs(), 4);
        let runs: Vec<_> = (0..4).map(|number| plan.run(number)).collect();
        let seen: Vec<_> =
            runs.iter().map(|run| (run.seed, run.policy.as_deref().unwrap_or(""))).collect();
        assert_eq!(seen, [(7, "nonblock"), (7, "interval"), (8, "nonblock"), (8, "interval")]);
    }

    #[test]
    fn what_was_typed_is_checked() {
        let typed = |policies: &[&str], first: &str, count: &str| {
            let policies = policies.iter().map(|policy| (*policy).to_owned()).collect();
            Plan::typed(&Request::default(), policies, first, count)
        };
        let plan = typed(&["ignore"], " 5", "1 000").expect("it is right");
        assert_eq!((plan.seeds.clone(), plan.runs()), (5..1005, 1000));
        for (policies, first, count, expected) in [
            (&["ignore"][..], "x", "1", "“x” is no seed"),
            (&["ignore"], "0", "0", "no count of seeds"),
            (&[], "0", "1", "Choose a policy"),
            (&["ignore", "interval"], "0", "50001", "100002 runs are more"),
            (&["ignore"], "9007199254740991", "2", "The largest seed"),
        ] {
            let problem = typed(policies, first, count).unwrap_err();
            assert!(problem.contains(expected), "{problem}");
        }
    }
}
