//! What there is to choose from: scenarios, policies, kernels, checkers.

use sim_core::check::checkers;
use sim_core::kernel::plugin::{Policy, doc_lines};
use sim_core::kernel::switches;
use sim_core::policy;
use sim_core::scenario::gallery;
use sim_core::share::Other;

/// Something to choose in a list.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct Choice {
    pub id: &'static str,
    pub title: &'static str,
    /// Heading it stands under; may be empty.
    pub group: &'static str,
}

/// The gallery.
pub fn scenarios() -> Vec<Choice> {
    let choice = |entry: &gallery::Entry| Choice {
        id: entry.id,
        title: entry.title,
        group: entry.group.name(),
    };
    gallery::gallery().iter().map(choice).collect()
}

/// All that a run can be compared with.
pub fn others() -> Vec<Other> {
    let all = |choices: Vec<Choice>, make: fn(String) -> Other| {
        choices.into_iter().map(move |choice| make(choice.id.to_owned()))
    };
    let kernels = all(kernels(), Other::Kernel);
    all(policies(), Other::Policy).chain(kernels).chain(all(checkers(), Other::Check)).collect()
}

/// All notifier policies.
pub fn policies() -> Vec<Choice> {
    let choice =
        |policy: &&dyn Policy| Choice { id: policy.id(), title: summary(policy.doc()), group: "" };
    policy::ALL.iter().map(choice).collect()
}

/// The first line of a plug-in's documentation.
fn summary(source: &'static str) -> &'static str {
    doc_lines(source).next().unwrap_or_default()
}

/// All kernel profiles.
pub fn kernels() -> Vec<Choice> {
    let profiles = switches::PROFILES.iter();
    profiles.map(|profile| Choice { id: profile.id, title: profile.id, group: "" }).collect()
}

/// All checkers.
pub fn checkers() -> Vec<Choice> {
    let all = checkers::ALL.iter();
    all.map(|it| Choice { id: it.id, title: summary(it.doc), group: "" }).collect()
}
