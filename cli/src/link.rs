//! Links: what was chosen, as a fragment, and back.

use sim_core::base::Digest;
use sim_core::record::{MODEL_VERSION, Run};
use sim_core::scenario::{Fork, TieOrder};
use sim_core::share::{Link, Other, ScenarioRef, decode, encode, problems};

use crate::choice::Choice;
use crate::error::Error;

/// Whether a text is meant as a link, and not as an id or a path.
pub(crate) fn is_link(text: &str) -> bool {
    let begins = ["http://", "https://", "#", "/v1/run?"];
    begins.iter().any(|begin| text.starts_with(begin)) || text.contains("#/v")
}

/// Reads one; all that is wrong with it is bad input.
pub(crate) fn read(text: &str) -> Result<Link, Error> {
    decode(text).map_err(|errors| Error::BadInput(problems(&errors)))
}

/// The fragment of a choice, with the digest of its run if that is over.
pub(crate) fn of(choice: &Choice, run: Option<&Run>) -> String {
    let digests = run.map(|run| run.digest).into_iter().collect();
    let fragment = encode(&link(choice, choice.policy.iter().cloned().collect(), digests));
    // A link has no word for this.
    match ties_words(choice.ties) {
        Some(words) => format!("{fragment} with {words}"),
        None => fragment,
    }
}

/// The fragment of a run, if it says all that was chosen.
pub(crate) fn whole(choice: &Choice, run: &Run) -> Option<String> {
    ties_words(choice.ties).is_none().then(|| of(choice, Some(run)))
}

/// The fragment to send of a run: with its marks, unless it is they that make it long.
pub(crate) fn marked(choice: &Choice, run: &Run) -> String {
    let policies = choice.policy.iter().cloned().collect();
    encode(&link(choice, policies, vec![run.digest]).with_marks(vec![run.marks.clone()]))
}

/// What must be typed besides for an order of ties.
pub(crate) fn ties_words(ties: TieOrder) -> Option<String> {
    (ties == TieOrder::Seeded).then(|| "--ties seeded".to_owned())
}

/// What must be typed for a run that is parted from its seed's own.
pub(crate) fn fork_words(forks: &[Fork]) -> impl Iterator<Item = String> {
    forks.iter().map(|fork| format!("--fork {fork}"))
}

/// The fragment of several runs, if each has one choice other than the first: its policy, its kernel
/// or its checker. A link has no word for what else they differ in.
pub(crate) fn of_cases(cases: &[(&Choice, &Run)]) -> Option<String> {
    let &(first, _) = cases.first()?;
    let is_other = |choice: &Choice| {
        let kernel = choice.kernel.as_ref().filter(|_| choice.kernel != first.kernel);
        let check = choice.checks.first().filter(|_| choice.checks != first.checks);
        kernel.cloned().map(Other::Kernel).or(check.cloned().map(Other::Check))
    };
    let choices = || cases.iter().map(|(choice, _)| *choice);
    let policies = choices().filter(|choice| is_other(choice).is_none());
    let policies = policies.filter_map(|choice| choice.policy.clone()).collect();
    let compared = choices().filter_map(is_other).collect();
    let digests = cases.iter().map(|(_, run)| run.digest).collect();
    let link = Link { compared, ..link(first, policies, digests) };
    // It says these runs and no others.
    let is_said = |(one, choice): (&Link, &Choice)| {
        let said = (&one.kernel, one.policies.first(), &one.checks, &one.sets);
        said == (&choice.kernel, choice.policy.as_ref(), &choice.checks, &choice.sets)
            && choice.ties == TieOrder::Fifo
    };
    let all = link.run_count() == cases.len() && link.runs().iter().zip(choices()).all(is_said);
    all.then(|| encode(&link))
}

fn link(choice: &Choice, policies: Vec<String>, digests: Vec<Digest>) -> Link {
    let scenario = match &choice.text {
        Some(text) => ScenarioRef::Inline(text.clone()),
        None => ScenarioRef::ById(choice.scenario.id.clone()),
    };
    Link {
        scenario,
        seed: choice.seed,
        kernel: choice.kernel.clone(),
        policies,
        checks: choice.checks.clone(),
        sets: choice.sets.clone(),
        forks: choice.forks.clone(),
        branches: Vec::new(),
        model: (!digests.is_empty()).then_some(MODEL_VERSION),
        digests,
        view: choice.view,
        ..Link::to("")
    }
}
