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
    /// What tells each from the others beside kernel and policy, and its run that is shown.
    pub cases: Vec<(String, Request)>,
    pub seeds: Range<u64>,
    /// By case, in the order of seeds.
    pub outcomes: Vec<Vec<Outcome>>,
    /// The page's address, for links.
    pub page: String,
}

/// The document as HTML and as Markdown.
pub fn documents(dossier: &Dossier) -> Result<(String, String), String> {
    let cases = dossier.cases.iter().zip(&dossier.outcomes);
    let cases = cases.map(|(of, outcomes)| case(dossier, of, outcomes));
    let cases = cases.collect::<Result<Vec<Case>, String>>()?;
    let title = cases.first().map_or_else(String::new, |case| format!("Review: {}", case.title));
    let blocks = review(&Review {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        command: command(dossier),
        seeds: Some(dossier.seeds.clone()),
        cases,
    });
    Ok((document::html(&title, &blocks), document::markdown(&blocks)))
}

fn case(
    dossier: &Dossier,
    (values, request): &(String, Request),
    outcomes: &[Outcome],
) -> Result<Case, String> {
    let prepared = &Prepared::of(request)?;
    let shown = replicate(prepared, request)?;
    let of_pick = |(names, outcome): (Vec<&'static str>, &Outcome)| {
        let request = Request { seed: outcome.seed, ..request.clone() };
        let replication = replicate(prepared, &request)?;
        let link = link(dossier, &request, &replication);
        Ok(Picked { names, replication, link })
    };
    let picked: Result<Vec<Picked>, String> = picks(outcomes).into_iter().map(of_pick).collect();
    Ok(Case {
        title: prepared.title().to_owned(),
        values: values.clone(),
        link: link(dossier, request, &shown),
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

/// What makes the same review on the command line: of each choice of values a review of its own.
fn command(dossier: &Dossier) -> String {
    let groups = dossier.cases.chunk_by(|(_, a), (_, b)| a.sets == b.sets);
    let groups: Vec<String> = groups.map(|group| command_of(dossier, group)).collect();
    groups.join("\n")
}

fn command_of(dossier: &Dossier, cases: &[(String, Request)]) -> String {
    let Some((_, request)) = cases.first() else { return String::new() };
    // What a name does not say, the link does.
    let scenario = match route::gallery_id(&request.scenario) {
        Some(id) if request.forks.is_empty() => id.to_owned(),
        _ => {
            let request = Request { policy: None, ..request.alone() };
            format!("'{}'", route::fragment(&Route { request, ..Route::default() }))
        }
    };
    let each_once = |of: fn(&Request) -> &Option<String>| {
        let mut all: Vec<&str> = Vec::new();
        for id in cases.iter().filter_map(|(_, request)| of(request).as_deref()) {
            if !all.contains(&id) {
                all.push(id);
            }
        }
        all.join(",")
    };
    let mut words = vec![format!("reaperscope review {scenario}")];
    let policies = each_once(|request| &request.policy);
    words.extend((!policies.is_empty()).then(|| format!("--policy {policies}")));
    let kernels = each_once(|request| &request.kernel);
    words.extend((!kernels.is_empty()).then(|| format!("--kernel {kernels}")));
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
            cases: (0..2).map(|case| (String::new(), plan.one(case, 1))).collect(),
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
