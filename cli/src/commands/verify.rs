//! `verify`: recomputes the run of a link and compares digests.

use std::fmt::Write as _;

use sim_core::record::{Keep, MODEL_VERSION};
use sim_core::share::{Link, parting_text};

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
    let mut text = String::new();
    let mut same = true;
    // As many digests as runs, or the link could not be read.
    for (one, expected) in linked.runs().iter().zip(&linked.digests) {
        let choice = Choice::linked(one, one.policies.first().cloned(), &[])?;
        let run = simulate(&choice, Keep::DigestOnly)?;
        let digest = run.digest;
        let reproduced = digest == *expected;
        same &= reproduced;
        let word = if reproduced { "reproduced" } else { "differs   " };
        let told = format!("{}{}", run.id.policy, parted_text(&linked, one));
        // Writing to a String cannot fail.
        let _: std::fmt::Result = writeln!(text, "{word}  {digest}  {told}");
        if !reproduced {
            let _: std::fmt::Result = writeln!(text, "link says   {expected}");
            let marks = one.marks.first().map_or(&[][..], Vec::as_slice);
            if let Some(parting) = parting_text(marks, &run.marks) {
                let _: std::fmt::Result = writeln!(text, "            {parting}");
            }
        }
    }
    if !same && let Some(model) = linked.model.filter(|model| *model != MODEL_VERSION) {
        let there = if model < MODEL_VERSION {
            format!("; built from the source's tag model-{model} it has the link's")
        } else {
            String::new()
        };
        let _: std::fmt::Result = writeln!(
            text,
            "the link is of model {model}, this program has model {MODEL_VERSION}{there}"
        );
    }
    output::write(&text, None)?;
    if same { Ok(()) } else { Err(Error::Mismatch) }
}

/// What a run of a link has other than its first one, besides the policy, and its forks.
fn parted_text(linked: &Link, one: &Link) -> String {
    let kernel = one.kernel.iter().filter(|_| one.kernel != linked.kernel);
    let checks = one.checks.iter().filter(|_| one.checks != linked.checks);
    let kernel = kernel.map(|kernel| format!(", kernel {kernel}"));
    let checks = checks.map(|check| format!(", check {check}"));
    let forks = one.forks.iter().map(|fork| format!(", fork {fork}"));
    kernel.chain(checks).chain(forks).collect()
}
