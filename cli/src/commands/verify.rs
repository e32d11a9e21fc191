//! `verify`: recomputes the run of a link and compares digests.

use std::fmt::Write as _;

use sim_core::record::{Keep, MODEL_VERSION};
use sim_core::scenario::Fork;
use sim_core::share::parting_text;

use crate::args::VerifyArgs;
use crate::choice::Choice;
use crate::error::Error;
use crate::simulate::simulate;
use crate::{link, output};

/// Prints a line per run of the link; differs if any does.
pub(crate) fn run(args: &VerifyArgs) -> Result<(), Error> {
    let linked = link::read(&args.link)?;
    if linked.digests.is_empty() {
        return Err(Error::bad_input("the link has no digest= to compare with"));
    }
    // Policies under the first run's forks, then what was forked off the first run.
    let policies: Vec<Option<String>> = match linked.policies.as_slice() {
        [] => vec![None],
        policies => policies.iter().cloned().map(Some).collect(),
    };
    let first = policies[0].clone();
    let branches = (1..=linked.branches.len()).map(|branch| (first.clone(), branch));
    let runs: Vec<_> = policies.into_iter().map(|policy| (policy, 0)).chain(branches).collect();
    if runs.len() != linked.digests.len() {
        return Err(Error::bad_input(format!(
            "the link has {} digests for {} runs",
            linked.digests.len(),
            runs.len()
        )));
    }
    let mut text = String::new();
    let mut same = true;
    for (place, ((policy, branch), expected)) in runs.into_iter().zip(&linked.digests).enumerate() {
        let mut choice = Choice::linked(&linked, policy, &[])?;
        choice.forks = linked.path(branch);
        let run = simulate(&choice, Keep::DigestOnly)?;
        let digest = run.digest;
        let reproduced = digest == *expected;
        same &= reproduced;
        let word = if reproduced { "reproduced" } else { "differs   " };
        // Writing to a String cannot fail.
        let _: std::fmt::Result =
            writeln!(text, "{word}  {digest}  {}{}", run.id.policy, forks_text(&choice.forks));
        if !reproduced {
            let _: std::fmt::Result = writeln!(text, "link says   {expected}");
            let marks = linked.marks.get(place).map_or(&[][..], Vec::as_slice);
            if let Some(parting) = parting_text(marks, &run.marks) {
                let _: std::fmt::Result = writeln!(text, "            {parting}");
            }
        }
    }
    if !same && let Some(model) = linked.model.filter(|model| *model != MODEL_VERSION) {
        let _: std::fmt::Result =
            writeln!(text, "the link is of model {model}, this program has model {MODEL_VERSION}");
    }
    output::write(&text, None)?;
    if same { Ok(()) } else { Err(Error::Mismatch) }
}

fn forks_text(forks: &[Fork]) -> String {
    forks.iter().fold(String::new(), |text, fork| text + ", fork " + &fork.to_string())
}
