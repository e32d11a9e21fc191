//! One scenario under several kernels, values and policies: what `compare`
//! and `review` are made of.
//!
//! Runs share nothing, so they are spread over the cores; outcomes are
//! collected in the order of policies and seeds, so what comes out does
//! not depend on `--jobs`.

use std::ops::Range;

use indicatif::ProgressBar;
use rayon::prelude::*;
use sim_core::experiment::{
    Grid, Outcome, Replication, combinations, refuse_twice, values_of, values_text,
};
use sim_core::policy;
use sim_core::record::Keep;
use sim_core::share::{Link, encode};

use crate::args::{CasesArgs, ChoiceArgs, VariantArgs};
use crate::choice::Choice;
use crate::error::Error;
use crate::simulate::simulate;
use crate::{link, progress};

/// The checker whose opinion is always asked.
const LOCKDEP: &str = "lockdep";
/// Most cases: each is a row to read.
const CASES_MAX: usize = 256;

/// One kernel, one choice of values, one policy, before it is run.
pub(crate) struct Wanted {
    pub(crate) choice: Choice,
    /// What is set for it and not for all: `machine.cpus=1`, or nothing.
    values: String,
}

/// One kernel, one choice of values, one policy.
pub(crate) struct Case {
    pub(crate) choice: Choice,
    /// As of [`Wanted`].
    pub(crate) values: String,
    /// The run shown, with lockdep on.
    pub(crate) shown: Replication,
    /// One per seed, in their order.
    pub(crate) outcomes: Vec<Outcome>,
}

/// One choice per case: kernels, in each the combinations of values, in each of those the
/// policies; `checks` are run besides lockdep.
pub(crate) fn choices(
    scenario: &str,
    wanted: &CasesArgs,
    checks: &[String],
) -> Result<Vec<Wanted>, Error> {
    let (linked, starts) = starts(scenario, wanted)?;
    let policies: Vec<Option<String>> = match (wanted.policy.as_slice(), linked.as_slice()) {
        ([], []) if wanted.kernel.len() > 1 || starts.len() > 1 => vec![None],
        ([], []) => policy::ALL.iter().map(|policy| Some(policy.id().to_owned())).collect(),
        ([], linked) => linked.iter().cloned().map(Some).collect(),
        (typed, _) => typed.iter().cloned().map(Some).collect(),
    };
    let kernels: Vec<Option<String>> = match wanted.kernel.as_slice() {
        [] => vec![None],
        kernels => kernels.iter().cloned().map(Some).collect(),
    };
    let grid: Grid =
        wanted.sets.iter().map(|(path, values)| (path.clone(), values_of(values))).collect();
    refuse_twice(&wanted.policy, &wanted.kernel, &grid).map_err(Error::bad_input)?;
    let is_varied =
        |path: &String| grid.iter().any(|(other, values)| other == path && values.len() > 1);
    let choice = |start: &Start,
                  kernel: &Option<String>,
                  sets: &[(String, String)],
                  policy: &Option<String>| {
        let varied = sets.iter().filter(|(path, _)| is_varied(path));
        let values = values_text(varied.map(|(path, value)| (path, value)));
        let values = [start.values.as_str(), &values].join(" ").trim().to_owned();
        let choice = Choice::of(&ChoiceArgs {
            scenario: start.scenario.clone(),
            seed: wanted.seed,
            variant: VariantArgs {
                kernel: kernel.clone(),
                // A link of several policies wants to be told which.
                policy: policy.clone().or_else(|| linked.first().cloned()),
                ties: wanted.ties,
                sets: sets.to_vec(),
            },
            checks: checks.to_vec(),
            forks: Vec::new(),
            reseeds: Vec::new(),
        })?;
        Ok(Wanted { choice, values })
    };
    let combinations = combinations(&grid, CASES_MAX + 1);
    if starts.len() * kernels.len() * combinations.len() * policies.len() > CASES_MAX {
        let line = format!("more than {CASES_MAX} kernels × values × policies");
        return Err(Error::bad_input(line));
    }
    let mut all = Vec::new();
    for start in &starts {
        for kernel in &kernels {
            for sets in &combinations {
                for policy in &policies {
                    all.push(choice(start, kernel, sets, policy)?);
                }
            }
        }
    }
    Ok(all)
}

/// What is run with each kernel, value and policy.
struct Start {
    scenario: String,
    /// What tells it from the others: the checker that a link compares.
    values: String,
}

/// The policies that a link compares, and what there is to start from: what was named, or each run that
/// a link compares the first one with, unless kernels or policies were typed, which win.
fn starts(scenario: &str, wanted: &CasesArgs) -> Result<(Vec<String>, Vec<Start>), Error> {
    let start = |scenario: String, values: String| Start { scenario, values };
    if !link::is_link(scenario) {
        return Ok((Vec::new(), vec![start(scenario.to_owned(), String::new())]));
    }
    let linked = link::read(scenario)?;
    if linked.compared.is_empty() {
        return Ok((linked.policies, vec![start(scenario.to_owned(), String::new())]));
    }
    let runs = Link { branches: Vec::new(), digests: Vec::new(), ..linked }.runs();
    let first = runs.first().cloned().unwrap_or_else(|| Link::to(""));
    let is_typed = !(wanted.policy.is_empty() && wanted.kernel.is_empty());
    let count = if is_typed { 1 } else { runs.len() };
    let starts = runs.iter().take(count).map(|run| {
        let checks = run.checks.iter().filter(|_| run.checks != first.checks);
        let values: Vec<String> = checks.map(|check| format!("check {check}")).collect();
        start(encode(run), values.join(" "))
    });
    let policies = if is_typed { first.policies.clone() } else { Vec::new() };
    Ok((policies, starts.collect()))
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
pub(crate) fn cases(wanted: Vec<Wanted>, seeds: Option<&Range<u64>>) -> Result<Vec<Case>, Error> {
    let shown = wanted.par_iter().map(|one| replicate(&with_lockdep(&one.choice)));
    let shown: Vec<Replication> = shown.collect::<Result<_, _>>()?;
    let count = seeds.map_or(0, |seeds| seeds.end.saturating_sub(seeds.start));
    let of_all = count.saturating_mul(u64::try_from(wanted.len()).unwrap_or(u64::MAX));
    let bar = progress::bar(of_all, 0);
    let of_one = |one: &Wanted| match seeds {
        None => Ok(Vec::new()),
        Some(seeds) => over_seeds(&one.choice, seeds, &bar),
    };
    let outcomes: Vec<Vec<Outcome>> = wanted.iter().map(of_one).collect::<Result<_, Error>>()?;
    bar.finish_and_clear();
    let all = wanted.into_iter().zip(shown).zip(outcomes);
    let case =
        |((Wanted { choice, values }, shown), outcomes)| Case { choice, values, shown, outcomes };
    Ok(all.map(case).collect())
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

/// One link to all of them where a link can say that, else one per kernel and choice of values, with
/// all of its policies. A link has no word for `--ties seeded`.
pub(crate) fn links(cases: &[Case]) -> Vec<String> {
    let is_one =
        |a: &Case, b: &Case| a.shown.run.id.kernel == b.shown.run.id.kernel && a.values == b.values;
    let link = |cases: &[Case]| {
        let cases: Vec<_> = cases.iter().map(|case| (&case.choice, &case.shown.run)).collect();
        link::of_cases(&cases)
    };
    match link(cases) {
        Some(link) => vec![link],
        None => cases.chunk_by(is_one).filter_map(link).collect(),
    }
}

/// A run with all that was found in it.
pub(crate) fn replicate(choice: &Choice) -> Result<Replication, Error> {
    Ok(Replication::of(simulate(choice, Keep::Records)?))
}
