//! `review`: scenarios under several policies and seeds as one document,
//! to be put into a patch thread (Markdown) or sent to somebody (HTML).

use std::fs;
use std::ops::Range;
use std::path::Path;

use rayon::prelude::*;
use sim_core::experiment::{Case as ReviewCase, Outcome, Picked, Review, picks, review};
use sim_core::export::document::{html, markdown};

use crate::args::ReviewArgs;
use crate::cases::{Case, Wanted, cases, choices, command, replicate, with_lockdep};
use crate::choice::Choice;
use crate::error::{Error, tell};
use crate::{link, output};

/// Reviews.
pub(crate) fn run(args: &ReviewArgs) -> Result<(), Error> {
    let pool = super::pool(args.cases.jobs)?;
    // All complaints about input come before any run is made.
    let wanted = |scenario: &String| choices(scenario, &args.cases, &[]);
    let groups: Vec<Vec<Wanted>> =
        args.scenarios.iter().map(wanted).collect::<Result<_, Error>>()?;
    let mut all = Vec::new();
    for group in groups {
        all.extend(pool.install(|| cases(group, Some(&args.seeds)))?);
    }
    let start = format!("reaperscope review {}", args.scenarios.join(" "));
    let typed = command(start, &args.cases, Some(&args.seeds), &[]);
    let (mut found, choices) = review_of(all, Some(args.seeds.clone()), typed);
    pool.install(|| add_picked(&mut found, &choices))?;
    let blocks = review(&found);
    let title = found.cases.first().map_or("Review", |case| case.title.as_str());
    let page = || html(&format!("Review: {title}"), &blocks);
    match args.out.as_deref() {
        None => output::write(&markdown(&blocks), None),
        Some(path) if has_extension(path, "html") => output::write(&page(), Some(path)),
        Some(path) if has_extension(path, "md") => output::write(&markdown(&blocks), Some(path)),
        Some(folder) => {
            fs::create_dir_all(folder).map_err(|error| Error::Io {
                doing: format!("making the directory {}", folder.display()),
                error,
            })?;
            let files = [("review.md", markdown(&blocks)), ("review.html", page())];
            for (name, text) in files {
                output::write(&text, Some(&folder.join(name)))?;
                tell(&format!("wrote {}", folder.join(name).display()));
            }
            Ok(())
        }
    }
}

/// The review of cases, without those picked of each, and their choices.
pub(super) fn review_of(
    cases: Vec<Case>,
    seeds: Option<Range<u64>>,
    command: String,
) -> (Review, Vec<Choice>) {
    let mut choices = Vec::new();
    let mut made = Vec::new();
    for Case { choice, values, shown, outcomes } in cases {
        made.push(ReviewCase {
            title: choice.scenario.title.clone(),
            values,
            link: link::of(&choice, Some(&shown.run)),
            shown,
            outcomes,
            picked: Vec::new(),
        });
        choices.push(choice);
    }
    let version = env!("CARGO_PKG_VERSION").to_owned();
    (Review { version, command, seeds, cases: made }, choices)
}

/// Runs those of each case that are worth a look again, with lockdep on.
fn add_picked(review: &mut Review, choices: &[Choice]) -> Result<(), Error> {
    let again = |(case, choice): (&ReviewCase, &Choice)| {
        let of_pick = |(names, outcome): (Vec<&'static str>, &Outcome)| {
            let choice = Choice { seed: outcome.seed, ..choice.clone() };
            let replication = replicate(&with_lockdep(&choice))?;
            let link = link::of(&choice, Some(&replication.run));
            Ok(Picked { names, replication, link })
        };
        picks(&case.outcomes).into_iter().map(of_pick).collect()
    };
    let found: Vec<Vec<Picked>> =
        review.cases.par_iter().zip(choices).map(again).collect::<Result<_, Error>>()?;
    for (case, picked) in review.cases.iter_mut().zip(found) {
        case.picked = picked;
    }
    Ok(())
}

fn has_extension(path: &Path, wanted: &str) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(wanted))
}
