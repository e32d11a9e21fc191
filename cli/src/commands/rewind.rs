//! `rewind`: from moments of a run, how likely a verdict still is: the
//! point of no return, as JSON.

use std::sync::Arc;

use rayon::prelude::*;
use serde_json::json;
use sim_core::experiment::{Point, Proportion, Trial, moments, no_return, parting};

use super::trial::run_trial;
use crate::args::RewindArgs;
use crate::choice::Choice;
use crate::error::Error;
use crate::output;

/// Rewinds.
pub(crate) fn run(args: &RewindArgs) -> Result<(), Error> {
    let choice = Arc::new(Choice::of(&args.choice)?);
    let own = Trial { seed: choice.seed, reseeds: choice.reseeds.clone() };
    let (run, report) = run_trial(&choice, &own)?;
    let pool = super::pool(args.jobs)?;
    let mut curve = Vec::new();
    for at in moments(run.end, args.points) {
        let one = |number| {
            let mut trial = own.clone();
            trial.reseeds.retain(|reseed| reseed.at <= at);
            trial.reseeds.push(parting(at, number));
            run_trial(&choice, &trial).map(|(_, report)| report.verdict == args.until)
        };
        let shown: Result<Vec<bool>, Error> =
            pool.install(|| (0..args.times).into_par_iter().map(one).collect());
        let shown = shown?;
        curve.push(Point { at, shown: Proportion::of(&shown, |shown| *shown) });
    }
    let point = |point: &Point| {
        let interval = point.shown.wilson();
        json!({
            "t_ns": point.at.0,
            "count": point.shown.count,
            "of": point.shown.of,
            "share": point.shown.share(),
            "low": interval.low,
            "high": interval.high,
        })
    };
    let object = json!({
        "scenario": run.id.scenario,
        "kernel": run.id.kernel,
        "policy": run.id.policy,
        "seed": run.id.seed,
        "digest": run.digest.to_string(),
        "verdict": report.verdict.id(),
        "until": args.until.id(),
        "end_ns": run.end.0,
        "no_return_ns": no_return(&curve).map(|at| at.0),
        "curve": curve.iter().map(point).collect::<Vec<_>>(),
    });
    let text = serde_json::to_string_pretty(&object).expect("invariant: plain data") + "\n";
    output::write(&text, args.out.as_deref())
}
