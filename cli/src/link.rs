//! Links: what was chosen, as a fragment, and back.

use sim_core::base::Digest;
use sim_core::record::{MODEL_VERSION, Run};
use sim_core::scenario::TieOrder;
use sim_core::share::{Link, ScenarioRef, decode, encode};

use crate::choice::Choice;
use crate::error::Error;

/// Whether a text is meant as a link, and not as an id or a path.
pub(crate) fn is_link(text: &str) -> bool {
    let begins = ["http://", "https://", "#", "/v1/run?"];
    begins.iter().any(|begin| text.starts_with(begin)) || text.contains("#/v")
}

/// Reads one; what is wrong with it is bad input.
pub(crate) fn read(text: &str) -> Result<Link, Error> {
    decode(text).map_err(|error| Error::bad_input(error.to_string()))
}

/// The fragment of a choice, with the digest of its run if that is over.
pub(crate) fn of(choice: &Choice, run: Option<&Run>) -> String {
    let scenario = match &choice.text {
        Some(text) => ScenarioRef::Inline(text.clone()),
        None => ScenarioRef::ById(choice.scenario.id.clone()),
    };
    let digests: Vec<Digest> = run.map(|run| run.digest).into_iter().collect();
    let fragment = encode(&Link {
        scenario,
        seed: choice.seed,
        kernel: choice.kernel.clone(),
        policies: choice.policy.iter().cloned().collect(),
        checks: choice.checks.clone(),
        sets: choice.sets.clone(),
        model: run.map(|_| MODEL_VERSION),
        digests,
        t: None,
        focus: None,
    });
    match choice.ties {
        TieOrder::Fifo => fragment,
        // Links have no word for it.
        TieOrder::Seeded => format!("{fragment} with --ties seeded"),
    }
}
