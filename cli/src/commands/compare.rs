//! `compare`: one scenario under several policies, side by side, and how
//! often each outcome comes over seeds.
//!
//! Runs share nothing, so they are spread over the cores; outcomes are
//! collected in the order of policies and seeds, so the result does not
//! depend on `--jobs`.

use rayon::prelude::*;
use sim_core::experiment::{Divergence, Outcome, Replication, divergence, divergence_text};
use sim_core::policy;
use sim_core::record::Keep;
use sim_core::scenario::TieOrder;

use crate::args::{ChoiceArgs, CompareArgs, CompareFormat};
use crate::choice::Choice;
use crate::comparison::{Comparison, Row, json, text};
use crate::error::Error;
use crate::simulate::simulate;
use crate::{link, output};

/// The checker whose opinion is always asked.
const LOCKDEP: &str = "lockdep";

/// Compares.
pub(crate) fn run(args: &CompareArgs) -> Result<(), Error> {
    let choices = choices(args)?;
    let mut builder = rayon::ThreadPoolBuilder::new();
    if let Some(jobs) = args.jobs {
        builder = builder.num_threads(usize::from(jobs));
    }
    let pool = builder
        .build()
        .map_err(|error| Error::bad_input(format!("cannot start so many runs: {error}")))?;
    let comparison = pool.install(|| compare(&choices, args))?;
    let text = match args.format {
        CompareFormat::Summary => text(&comparison),
        CompareFormat::Json => json(&comparison)?,
    };
    output::write(&text, args.out.as_deref())
}

/// One choice per row: kernels, and in each the policies.
fn choices(args: &CompareArgs) -> Result<Vec<Choice>, Error> {
    let linked = if link::is_link(&args.scenario) {
        link::read(&args.scenario)?.policies
    } else {
        Vec::new()
    };
    let policies: Vec<Option<String>> = match (args.policy.as_slice(), linked.as_slice()) {
        ([], []) if args.kernel.len() > 1 => vec![None],
        ([], []) => policy::ALL.iter().map(|policy| Some(policy.id().to_owned())).collect(),
        ([], linked) => linked.iter().cloned().map(Some).collect(),
        (typed, _) => typed.iter().cloned().map(Some).collect(),
    };
    let kernels: Vec<Option<String>> = match args.kernel.as_slice() {
        [] => vec![None],
        kernels => kernels.iter().cloned().map(Some).collect(),
    };
    let choice = |kernel: &Option<String>, policy: &Option<String>| {
        Choice::of(&ChoiceArgs {
            scenario: args.scenario.clone(),
            seed: args.seed,
            kernel: kernel.clone(),
            // A link of several policies wants to be told which.
            policy: policy.clone().or_else(|| linked.first().cloned()),
            ties: args.ties,
            reseeds: Vec::new(),
            sets: args.sets.clone(),
            checks: Vec::new(),
        })
    };
    let pairs =
        kernels.iter().flat_map(|kernel| policies.iter().map(move |policy| (kernel, policy)));
    pairs.map(|(kernel, policy)| choice(kernel, policy)).collect()
}

fn compare(choices: &[Choice], args: &CompareArgs) -> Result<Comparison, Error> {
    let shown = choices.par_iter().map(|choice| replicate(&with_lockdep(choice)));
    let shown: Vec<Replication> = shown.collect::<Result<_, _>>()?;
    let over_seeds: Vec<Vec<Outcome>> = match &args.seeds {
        None => choices.iter().map(|_| Vec::new()).collect(),
        Some(seeds) => {
            let of_choice = |choice: &Choice| {
                let of_seed = |seed| {
                    let choice = Choice { seed, ..choice.clone() };
                    replicate(&choice).map(|replication| replication.outcome)
                };
                seeds.clone().into_par_iter().map(of_seed).collect::<Result<_, _>>()
            };
            choices.iter().map(of_choice).collect::<Result<_, _>>()?
        }
    };
    let first = shown.first().ok_or_else(|| Error::bad_input("no policy to compare"))?;
    let parting = |other: &Replication| {
        let at: Divergence = divergence(&first.run, &other.run)?;
        Some((at.record, divergence_text(&first.run, &other.run, &at)))
    };
    let rows = shown.iter().zip(over_seeds).map(|(shown, seeds)| Row {
        outcome: shown.outcome.clone(),
        danger: shown.danger_text(),
        parts: parting(shown),
        seeds,
    });
    Ok(Comparison {
        title: choices.first().map_or_else(String::new, |choice| choice.scenario.title.clone()),
        scenario: first.run.id.scenario.clone(),
        seed: first.run.id.seed,
        seeds: args.seeds.clone(),
        rows: rows.collect(),
        links: links(choices, &shown),
    })
}

/// Whether lockdep would have warned is one of the answers; asking changes no run.
fn with_lockdep(choice: &Choice) -> Choice {
    let mut choice = choice.clone();
    if !choice.checks.iter().any(|id| id == LOCKDEP) {
        choice.checks.push(LOCKDEP.to_owned());
    }
    choice
}

/// One link per kernel, with all of its policies. A link has no word for `--ties seeded`.
fn links(choices: &[Choice], shown: &[Replication]) -> Vec<String> {
    let pairs: Vec<_> = choices.iter().zip(shown).collect();
    let is_one = |a: &(&Choice, &Replication), b: &(&Choice, &Replication)| {
        a.1.run.id.kernel == b.1.run.id.kernel
    };
    let link = |pairs: &[(&Choice, &Replication)]| {
        let (choice, _) = pairs.first()?;
        let runs: Vec<_> = pairs.iter().map(|(_, shown)| &shown.run).collect();
        (choice.ties == TieOrder::Fifo).then(|| link::of_runs(choice, &runs))
    };
    pairs.chunk_by(is_one).filter_map(link).collect()
}

fn replicate(choice: &Choice) -> Result<Replication, Error> {
    Ok(Replication::of(simulate(choice, Keep::Records)?))
}
