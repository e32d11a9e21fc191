//! What a sweep has found so far. Pure: what it says depends on which runs
//! are done, never on who made them or in what order they arrived.

use sim_core::analysis::Verdict;
use sim_core::experiment::{
    Outcome, Paired, Proportion, QUANTITIES, Quantity, Sample, first_failing, median,
    quantile_text, share_difference_text, shares_of_verdicts, worst,
};

use super::plan::Plan;

use crate::words::{aside, t};

/// Outcomes by case and seed.
pub struct Tally {
    pub plan: Plan,
    found: Vec<Vec<Option<Outcome>>>,
    done: u32,
}

/// A verdict under one policy.
#[derive(Clone, PartialEq, Debug)]
pub struct Share {
    pub verdict: Verdict,
    pub share: Proportion,
    /// The first seed that shows it.
    pub seed: u64,
}

/// What one case comes to.
#[derive(Clone, PartialEq, Debug)]
pub struct Summary {
    pub name: String,
    /// In the order of seeds.
    pub outcomes: Vec<Outcome>,
    pub shares: Vec<Share>,
    /// Seeds worth a look: name and seed.
    pub picks: Vec<(&'static str, u64)>,
    /// Of the quantity asked for: name of the quantile, and it with its bounds.
    pub quantiles: Vec<(&'static str, String)>,
    /// The case it is compared with, if any.
    pub base: Option<String>,
    /// What differs from that, in pairs of one seed: what, how much.
    pub differences: Vec<(String, String)>,
}

impl Tally {
    pub fn new(plan: Plan) -> Self {
        let seeds = plan.seed_count() as usize;
        let found = vec![vec![None; seeds]; plan.cases.len()];
        Self { plan, found, done: 0 }
    }

    /// Takes in what became of a run.
    pub fn tell(&mut self, number: u32, outcome: Outcome) {
        let (case, seed) = self.plan.place(number);
        if let Some(place) = self.found.get_mut(case).and_then(|row| row.get_mut(seed))
            && place.replace(outcome).is_none()
        {
            self.done += 1;
        }
    }

    /// Runs done.
    pub fn done(&self) -> u32 {
        self.done
    }

    pub fn is_complete(&self) -> bool {
        self.done == self.plan.runs()
    }

    /// Outcomes by case, of the seeds that every case has met, in their order.
    pub fn common(&self) -> Vec<Vec<Outcome>> {
        let is_common =
            |seed: &usize| self.found.iter().all(|row| row.get(*seed).is_some_and(Option::is_some));
        let seeds: Vec<usize> = (0..self.plan.seed_count() as usize).filter(is_common).collect();
        let row = |row: &Vec<Option<Outcome>>| {
            seeds.iter().filter_map(|seed| row.get(*seed)?.clone()).collect()
        };
        self.found.iter().map(row).collect()
    }

    /// What every case comes to, as seen by one quantity.
    pub fn summaries(&self, quantity: &Quantity) -> Vec<Summary> {
        let rows = self.common();
        let with_differences = self.is_complete();
        let cases = self.plan.cases.iter().zip(&rows).enumerate();
        cases
            .map(|(place, (case, outcomes))| {
                let base = self.plan.base(place).filter(|_| with_differences);
                let base_row = base.and_then(|base| rows.get(base));
                Summary {
                    name: case.name.clone(),
                    shares: shares(outcomes),
                    picks: picks(outcomes),
                    quantiles: quantiles(outcomes, quantity),
                    base: base.and_then(|base| Some(self.plan.cases.get(base)?.name.clone())),
                    differences: base_row.map_or_else(Vec::new, |row| differences(row, outcomes)),
                    outcomes: outcomes.clone(),
                }
            })
            .collect()
    }
}

fn shares(outcomes: &[Outcome]) -> Vec<Share> {
    let share = |verdict: Verdict| {
        let seed = outcomes.iter().find(|outcome| outcome.verdict == verdict)?.seed;
        let share = Proportion::of(outcomes, |outcome| outcome.verdict == verdict);
        Some(Share { verdict, share, seed })
    };
    Verdict::ALL.into_iter().filter_map(share).collect()
}

fn picks(outcomes: &[Outcome]) -> Vec<(&'static str, u64)> {
    let picks = [
        (t!("worst"), worst(outcomes)),
        (t!("median"), median(outcomes)),
        (t!("first failing"), first_failing(outcomes)),
    ];
    picks.into_iter().filter_map(|(name, outcome)| Some((name, outcome?.seed))).collect()
}

fn quantiles(outcomes: &[Outcome], quantity: &Quantity) -> Vec<(&'static str, String)> {
    let sample = Sample::new(outcomes.iter().filter_map(quantity.of));
    [(t!("5 of 100"), 5), (t!("median"), 50), (t!("95 of 100"), 95)]
        .into_iter()
        .filter_map(|(name, percent)| Some((name, quantile_text(&sample, percent, quantity.text)?)))
        .collect()
}

fn differences(first: &[Outcome], second: &[Outcome]) -> Vec<(String, String)> {
    let verdicts = shares_of_verdicts(first, second).into_iter().filter_map(|(verdict, shares)| {
        Some((t!("share of {verdict}", verdict = verdict.id()), share_difference_text(shares)?))
    });
    let numbers = QUANTITIES.iter().filter_map(|quantity| {
        let pairs = first.iter().zip(second);
        let paired = Paired::new(pairs.map(|(a, b)| ((quantity.of)(a), (quantity.of)(b))));
        Some((aside(quantity.name), quantity.difference_text(&paired)?))
    });
    verdicts.chain(numbers).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::batch::Batch;
    use crate::sweep::plan::tests::plan;

    fn found(plan: &Plan) -> Vec<(u32, Outcome)> {
        let runs = (0..plan.runs()).map(|number| (number, plan.run(number))).collect();
        let mut batch = Batch::new(runs);
        batch.advance(|| false).expect("nothing breaks")
    }

    fn told(plan: &Plan, found: impl IntoIterator<Item = (u32, Outcome)>) -> Tally {
        let mut tally = Tally::new(plan.clone());
        for (number, outcome) in found {
            tally.tell(number, outcome);
        }
        tally
    }

    #[test]
    fn the_order_of_arrival_changes_nothing() {
        let plan = plan(&["interval", "block-always"], 0..6);
        let found = found(&plan);
        let quantity = &QUANTITIES[0];
        let forth = told(&plan, found.clone());
        let mut back = told(&plan, found.clone().into_iter().rev());
        // Twice the same counts once.
        back.tell(0, found[0].1.clone());
        assert!(back.is_complete());
        assert_eq!(forth.summaries(quantity), back.summaries(quantity));
        let summaries = forth.summaries(quantity);
        let shares: u64 = summaries[0].shares.iter().map(|share| share.share.count).sum();
        assert_eq!((shares, summaries[0].outcomes.len()), (6, 6));
        assert!(summaries[0].differences.is_empty() && !summaries[1].differences.is_empty());
        assert_eq!(summaries[0].picks.first().map(|pick| pick.0), Some("worst"));
    }

    #[test]
    fn only_seeds_that_all_policies_met_count() {
        let plan = plan(&["interval", "block-always"], 0..3);
        let some = found(&plan).into_iter().filter(|(number, _)| ![1, 4].contains(number));
        let tally = told(&plan, some);
        assert_eq!((tally.done(), tally.is_complete()), (4, false));
        let seeds: Vec<Vec<u64>> = tally
            .common()
            .iter()
            .map(|row| row.iter().map(|outcome| outcome.seed).collect())
            .collect();
        assert_eq!(seeds, [[1], [1]]);
    }
}
