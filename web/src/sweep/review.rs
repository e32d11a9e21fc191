//! A review of a sweep: what the command line's `review` writes, made of
//! the outcomes that are there, with the runs it shows made anew. Pure; a
//! worker does it.

use std::ops::Range;

use sim_core::analysis::broken_text;
use sim_core::experiment::{Case, Outcome, Picked, Replication, Review, picks, review};
use sim_core::export::document;
use sim_core::record::MODEL_VERSION;

use crate::engine::{Job, Prepared, Request};
use crate::route::{self, Route};

/// The checker whose opinion is always asked.
const LOCKDEP: &str = "lockdep";

/// All that a review is made of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dossier {
    /// Its seed is the run that is shown.
    pub request: Request,
    pub policies: Vec<String>,
    pub seeds: Range<u64>,
    /// By policy, in the order of seeds.
    pub outcomes: Vec<Vec<Outcome>>,
    /// The page's address, for links.
    pub page: String,
}

/// The document as HTML and as Markdown.
pub fn documents(dossier: &Dossier) -> Result<(String, String), String> {
    let prepared = Prepared::of(&dossier.request)?;
    let cases = dossier.policies.iter().zip(&dossier.outcomes);
    let cases: Result<Vec<Case>, String> =
        cases.map(|(policy, outcomes)| case(dossier, &prepared, policy, outcomes)).collect();
    let blocks = review(&Review {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        command: command(dossier),
        seeds: Some(dossier.seeds.clone()),
        cases: cases?,
    });
    let title = format!("Review: {}", prepared.title());
    Ok((document::html(&title, &blocks), document::markdown(&blocks)))
}

fn case(
    dossier: &Dossier,
    prepared: &Prepared,
    policy: &str,
    outcomes: &[Outcome],
) -> Result<Case, String> {
    let request = dossier.request.under(policy);
    let shown = replicate(prepared, &request)?;
    let of_pick = |(names, outcome): (Vec<&'static str>, &Outcome)| {
        let request = Request { seed: outcome.seed, ..request.clone() };
        let replication = replicate(prepared, &request)?;
        let link = link(dossier, &request, &replication);
        Ok(Picked { names, replication, link })
    };
    let picked: Result<Vec<Picked>, String> = picks(outcomes).into_iter().map(of_pick).collect();
    Ok(Case {
        title: prepared.title().to_owned(),
        link: link(dossier, &request, &shown),
        shown,
        outcomes: outcomes.to_vec(),
        picked: picked?,
    })
}

/// A run with lockdep on, which changes neither digest nor verdict.
fn replicate(prepared: &Prepared, request: &Request) -> Result<Replication, String> {
    let mut request = request.clone();
    if !request.checks.iter().any(|id| id == LOCKDEP) {
        request.checks.push(LOCKDEP.to_owned());
    }
    let mut job = Job::of(prepared, &request)?;
    while job.advance(u64::MAX) {}
    if let Some(problem) = job.problem() {
        return Err(problem);
    }
    let run = job.into_run();
    match broken_text(&run) {
        Some(broken) => Err(format!("An invariant of the model broke.\n{broken}")),
        None => Ok(Replication::of(run)),
    }
}

fn link(dossier: &Dossier, request: &Request, replication: &Replication) -> String {
    let route = Route {
        request: request.clone(),
        digest: Some(replication.run.digest.to_string()),
        model: Some(MODEL_VERSION),
        ..Route::default()
    };
    format!("{}{}", dossier.page, route::fragment(&route))
}

/// What makes the same review on the command line.
fn command(dossier: &Dossier) -> String {
    let request = &dossier.request;
    // What a name does not say, the link does.
    let scenario = match route::gallery_id(&request.scenario) {
        Some(id) if request.forks.is_empty() => id.to_owned(),
        _ => {
            let route = Route { request: request.alone(), ..Route::default() };
            format!("'{}'", route::fragment(&route))
        }
    };
    let mut words = vec![format!("reaperscope review {scenario}")];
    words.push(format!("--policy {}", dossier.policies.join(",")));
    words.extend(request.kernel.iter().map(|kernel| format!("--kernel {kernel}")));
    words.push(format!("--seed {}", request.seed));
    words.push(format!("--seeds {}..{}", dossier.seeds.start, dossier.seeds.end));
    words.extend(request.sets.iter().map(|(path, value)| format!("--set '{path}={value}'")));
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::batch::Batch;
    use crate::sweep::plan::tests::plan;

    #[test]
    fn a_review_counts_what_it_was_given_and_links_to_this_page() {
        let plan = plan(&["interval", "block-always"], 0..4);
        let mut outcomes = vec![Vec::new(), Vec::new()];
        let runs = (0..plan.runs()).map(|number| (number, plan.run(number))).collect();
        for (number, outcome) in Batch::new(runs).advance(|| false).expect("nothing breaks") {
            outcomes[plan.place(number).0].push(outcome);
        }
        let dossier = Dossier {
            request: plan.request.clone(),
            policies: plan.policies.clone(),
            seeds: plan.seeds.clone(),
            outcomes,
            page: "https://example.org/oom/".to_owned(),
        };
        let (html, markdown) = documents(&dossier).expect("it can be made");
        let command = "reaperscope review gpu-fence-overlap --policy interval,block-always \
                       --seed 1 --seeds 0..4";
        for text in [command, "seeds 0 to 3", "4 of 4", "https://example.org/oom/#/v1/run?"] {
            assert!(markdown.contains(text), "{text}\n{markdown}");
        }
        assert!(html.starts_with("<!doctype html>") && html.contains("<svg"));
    }
}
