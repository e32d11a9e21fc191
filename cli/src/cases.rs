//! One scenario under several kernels and policies: what `compare` and
//! `review` are made of.
//!
//! Runs share nothing, so they are spread over the cores; outcomes are
//! collected in the order of policies and seeds, so what comes out does
//! not depend on `--jobs`.

use std::ops::Range;

use indicatif::ProgressBar;
use rayon::prelude::*;
use sim_core::experiment::{Outcome, Replication};
use sim_core::policy;
use sim_core::record::Keep;
use sim_core::scenario::TieOrder;

use crate::args::{CasesArgs, ChoiceArgs, VariantArgs};
use crate::choice::Choice;
use crate::error::Error;
use crate::simulate::simulate;
use crate::{link, progress};

/// The checker whose opinion is always asked.
const LOCKDEP: &str = "lockdep";

/// One kernel and policy.
pub(crate) struct Case {
    pub(crate) choice: Choice,
    /// The run shown, with lockdep on.
    pub(crate) shown: Replication,
    /// One per seed, in their order.
    pub(crate) outcomes: Vec<Outcome>,
}

/// One choice per case: kernels, and in each the policies; `checks` are run besides lockdep.
pub(crate) fn choices(
    scenario: &str,
    wanted: &CasesArgs,
    checks: &[String],
) -> Result<Vec<Choice>, Error> {
    let linked = if link::is_link(scenario) { link::read(scenario)?.policies } else { Vec::new() };
    let policies: Vec<Option<String>> = match (wanted.policy.as_slice(), linked.as_slice()) {
        ([], []) if wanted.kernel.len() > 1 => vec![None],
        ([], []) => policy::ALL.iter().map(|policy| Some(policy.id().to_owned())).collect(),
        ([], linked) => linked.iter().cloned().map(Some).collect(),
        (typed, _) => typed.iter().cloned().map(Some).collect(),
    };
    let kernels: Vec<Option<String>> = match wanted.kernel.as_slice() {
        [] => vec![None],
        kernels => kernels.iter().cloned().map(Some).collect(),
    };
    let choice = |kernel: &Option<String>, policy: &Option<String>| {
        Choice::of(&ChoiceArgs {
            scenario: scenario.to_owned(),
            seed: wanted.seed,
            variant: VariantArgs {
                kernel: kernel.clone(),
                // A link of several policies wants to be told which.
                policy: policy.clone().or_else(|| linked.first().cloned()),
                ties: wanted.ties,
                sets: wanted.sets.clone(),
            },
            checks: checks.to_vec(),
            forks: Vec::new(),
            reseeds: Vec::new(),
        })
    };
    let pairs =
        kernels.iter().flat_map(|kernel| policies.iter().map(move |policy| (kernel, policy)));
    pairs.map(|(kernel, policy)| choice(kernel, policy)).collect()
}

/// What was typed, without where it goes; it begins with `start`.
pub(crate) fn command(
    start: String,
    wanted: &CasesArgs,
    seeds: Option<&Range<u64>>,
    checks: &[String],
) -> String {
    let list = |name: &str, all: &[String]| {
        (!all.is_empty()).then(|| format!("--{name} {}", all.join(",")))
    };
    let mut words = vec![start];
    words.extend(list("policy", &wanted.policy));
    words.extend(list("kernel", &wanted.kernel));
    words.extend(wanted.seed.map(|seed| format!("--seed {seed}")));
    words.extend(seeds.map(|seeds| format!("--seeds {}..{}", seeds.start, seeds.end)));
    words.extend(list("check", checks));
    words.extend(link::ties_words(wanted.ties.into()));
    words.extend(wanted.sets.iter().map(|(path, value)| format!("--set '{path}={value}'")));
    words.join(" ")
}

/// Runs them.
pub(crate) fn cases(choices: Vec<Choice>, seeds: Option<&Range<u64>>) -> Result<Vec<Case>, Error> {
    let shown = choices.par_iter().map(|choice| replicate(&with_lockdep(choice)));
    let shown: Vec<Replication> = shown.collect::<Result<_, _>>()?;
    let count = seeds.map_or(0, |seeds| seeds.end.saturating_sub(seeds.start));
    let of_all = count.saturating_mul(u64::try_from(choices.len()).unwrap_or(u64::MAX));
    let bar = progress::bar(of_all, 0);
    let of_choice = |choice: &Choice| match seeds {
        None => Ok(Vec::new()),
        Some(seeds) => over_seeds(choice, seeds, &bar),
    };
    let outcomes: Vec<Vec<Outcome>> =
        choices.iter().map(of_choice).collect::<Result<_, Error>>()?;
    bar.finish_and_clear();
    let all = choices.into_iter().zip(shown).zip(outcomes);
    Ok(all.map(|((choice, shown), outcomes)| Case { choice, shown, outcomes }).collect())
}

/// What comes of each seed, in their order; the bar goes on by as many.
pub(crate) fn over_seeds(
    choice: &Choice,
    seeds: &Range<u64>,
    bar: &ProgressBar,
) -> Result<Vec<Outcome>, Error> {
    let of_seed = |seed| {
        let choice = Choice { seed, ..choice.clone() };
        let outcome = replicate(&choice).map(|replication| replication.outcome);
        bar.inc(1);
        outcome
    };
    seeds.clone().into_par_iter().map(of_seed).collect()
}

/// Whether lockdep would have warned is one of the answers; asking changes no run.
pub(crate) fn with_lockdep(choice: &Choice) -> Choice {
    let mut choice = choice.clone();
    if !choice.checks.iter().any(|id| id == LOCKDEP) {
        choice.checks.push(LOCKDEP.to_owned());
    }
    choice
}

/// One link per kernel, with all of its policies. A link has no word for `--ties seeded`.
pub(crate) fn links(cases: &[Case]) -> Vec<String> {
    let is_one = |a: &Case, b: &Case| a.shown.run.id.kernel == b.shown.run.id.kernel;
    let link = |cases: &[Case]| {
        let choice = &cases.first()?.choice;
        let runs: Vec<_> = cases.iter().map(|case| &case.shown.run).collect();
        (choice.ties == TieOrder::Fifo).then(|| link::of_runs(choice, &runs))
    };
    cases.chunk_by(is_one).filter_map(link).collect()
}

/// A run with all that was found in it.
pub(crate) fn replicate(choice: &Choice) -> Result<Replication, Error> {
    Ok(Replication::of(simulate(choice, Keep::Records)?))
}
