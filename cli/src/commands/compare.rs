//! `compare`: one scenario under several policies, side by side, and how
//! often each outcome comes over seeds.

use sim_core::analysis::Incident;
use sim_core::experiment::{Divergence, Replication, divergence, divergence_text, side_by_side};
use sim_core::export::document;
use sim_core::export::svg::{Picture, Shown, svg};

use super::review::review_of;
use crate::args::{CompareArgs, CompareFormat};
use crate::cases::{Case, cases, choices, command, links};
use crate::comparison::{Comparison, Row, Said, json, text};
use crate::error::Error;
use crate::output;
use crate::png::png;

/// Compares.
pub(crate) fn run(args: &CompareArgs) -> Result<(), Error> {
    let choices = choices(&args.scenario, &args.cases, &args.checks)?;
    let pool = super::pool(args.cases.jobs)?;
    let cases = pool.install(|| cases(choices, args.seeds.as_ref()))?;
    let text = match args.format {
        CompareFormat::Summary => text(&comparison(&cases, args)?),
        CompareFormat::Json => json(&comparison(&cases, args)?)?,
        CompareFormat::Svg => picture(&cases),
        CompareFormat::Png => {
            return output::write(&png(&picture(&cases))?, args.out.as_deref());
        }
        CompareFormat::Html => {
            let title = title(&cases);
            let start = format!("reaperscope compare {}", args.scenario);
            let typed = command(start, &args.cases, args.seeds.as_ref(), &args.checks);
            let (review, _) = review_of(cases, args.seeds.clone(), typed);
            document::html(&title, &side_by_side(&review))
        }
    };
    output::write(&text, args.out.as_deref())
}

fn title(cases: &[Case]) -> String {
    cases.first().map_or_else(String::new, |case| case.choice.scenario.title.clone())
}

fn picture(cases: &[Case]) -> String {
    let first = cases.first().map(|case| &case.shown);
    let parts = |case: &Case| {
        let first = first?;
        divergence(&first.run, &case.shown.run).filter(|at| at.decides)?.time()
    };
    let shown: Vec<Shown<'_>> = cases
        .iter()
        .map(|case| Shown {
            run: &case.shown.run,
            report: &case.shown.report,
            parts: parts(case),
            values: &case.values,
        })
        .collect();
    let window = cases.first().and_then(|case| case.choice.window());
    svg(&Picture { title: &title(cases), runs: &shown, links: &links(cases), window })
}

fn comparison(cases: &[Case], args: &CompareArgs) -> Result<Comparison, Error> {
    let first = cases.first().ok_or_else(|| Error::bad_input("no policy to compare"))?;
    let parting = |other: &Replication| {
        let at: Divergence = divergence(&first.shown.run, &other.run)?;
        Some((at.record, divergence_text(&first.shown.run, &other.run, &at)))
    };
    let rows = cases.iter().map(|case| Row {
        outcome: case.shown.outcome.clone(),
        values: case.values.clone(),
        said: said(&case.shown),
        danger: case.shown.danger_text(),
        parts: parting(&case.shown),
        seeds: case.outcomes.clone(),
    });
    Ok(Comparison {
        title: first.choice.scenario.title.clone(),
        scenario: first.shown.run.id.scenario.clone(),
        seed: first.shown.run.id.seed,
        seeds: args.seeds.clone(),
        rows: rows.collect(),
        links: links(cases),
    })
}

/// What the checkers said of a run.
fn said(shown: &Replication) -> Vec<Said> {
    let splats = shown.report.incidents.iter().filter(|incident| incident.kind == "splat");
    splats.map(|Incident { at, text, .. }| Said { at: *at, text: text.clone() }).collect()
}
