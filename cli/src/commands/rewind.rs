//! `rewind`: from moments of a run, how likely a verdict still is, and
//! the point of no return: as text, JSON, CSV or a picture.

use std::sync::Arc;

use rayon::prelude::*;
use serde_json::json;
use sim_core::analysis::{Verdict, time_text};
use sim_core::experiment::{Point, Proportion, Trial, moments, no_return, parting};
use sim_core::export::{self, svg::CurvePoint};
use sim_core::record::Run;

use super::trial::run_trial;
use crate::args::{CurveFormat, RewindArgs};
use crate::choice::Choice;
use crate::error::Error;
use crate::png::png;
use crate::{link, output};

/// Characters of a whole bar.
const BAR: u64 = 20;

/// Rewinds.
pub(crate) fn run(args: &RewindArgs) -> Result<(), Error> {
    let choice = Arc::new(Choice::of(&args.choice)?);
    let own = Trial { seed: choice.seed, forks: choice.forks.clone() };
    let (run, report) = run_trial(&choice, &own)?;
    let pool = super::pool(args.jobs)?;
    let mut curve = Vec::new();
    for at in moments(run.end, args.points) {
        let one = |number| {
            let mut trial = own.clone();
            trial.forks.retain(|fork| fork.at <= at);
            trial.forks.push(parting(at, number));
            run_trial(&choice, &trial).map(|(_, report)| report.verdict == args.until)
        };
        let shown: Result<Vec<bool>, Error> =
            pool.install(|| (0..args.times).into_par_iter().map(one).collect());
        let shown = shown?;
        curve.push(Point { at, shown: Proportion::of(&shown, |shown| *shown) });
    }
    let picture = || picture(&run, args.until, &curve, &link::of(&choice, Some(&run)));
    let text = match args.format {
        CurveFormat::Summary => summary(&run, args.until, &curve),
        CurveFormat::Json => json_text(&run, report.verdict, args.until, &curve),
        CurveFormat::Csv => csv(&curve),
        CurveFormat::Svg => picture(),
        CurveFormat::Png => return output::write(&png(&picture())?, args.out.as_deref()),
    };
    output::write(&text, args.out.as_deref())
}

fn json_text(run: &Run, verdict: Verdict, until: Verdict, curve: &[Point]) -> String {
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
        "verdict": verdict.id(),
        "until": until.id(),
        "end_ns": run.end.0,
        "no_return_ns": no_return(curve).map(|at| at.0),
        "curve": curve.iter().map(point).collect::<Vec<_>>(),
    });
    serde_json::to_string_pretty(&object).expect("invariant: plain data") + "\n"
}

/// `P(deadlock) from 12.000 ms on: 3 of 64 (…)` with a bar per moment.
fn summary(run: &Run, until: Verdict, curve: &[Point]) -> String {
    let mut lines = vec![heading(run, until)];
    for point in curve {
        let Proportion { count, of } = point.shown;
        let length = usize::try_from(count * BAR / of.max(1)).unwrap_or(0);
        let (at, bar) = (time_text(point.at), "#".repeat(length));
        lines.push(format!("{at:>16}  {bar:<20}  {}", point.shown.text()));
    }
    lines.push(no_return_text(curve));
    lines.join("\n") + "\n"
}

fn heading(run: &Run, until: Verdict) -> String {
    let id = &run.id;
    format!(
        "P({} | t): {}, kernel {}, policy {}, seed {}, drawn anew from t on",
        until.id(),
        id.scenario,
        id.kernel,
        id.policy,
        id.seed
    )
}

/// What was seen and no more: it lies between two moments that were tried, and what always came in a
/// few runs may yet fail.
fn no_return_text(curve: &[Point]) -> String {
    let Some(at) = no_return(curve) else {
        return "point of no return: before none of the moments tried".to_owned();
    };
    let least = curve.iter().filter(|point| point.at >= at).map(|point| point.shown.of).min();
    let before = curve.iter().rev().map(|point| point.at).find(|moment| *moment < at);
    let place = match before {
        Some(before) => format!("between {} and {}", time_text(before), time_text(at)),
        None => format!("before {}, the first moment tried", time_text(at)),
    };
    let always =
        least.map_or_else(String::new, |of| format!("; later it came in all {of} runs of each"));
    format!("point of no return: {place}{always}")
}

fn csv(curve: &[Point]) -> String {
    let line = |Point { at, shown }: &Point| {
        let interval = shown.wilson();
        let (share, low, high) = (shown.share(), interval.low, interval.high);
        let (count, of) = (shown.count, shown.of);
        format!("{},{count},{of},{share:.6},{low:.6},{high:.6}\r\n", at.0)
    };
    let lines: Vec<String> = curve.iter().map(line).collect();
    format!("t_ns,count,of,share,low,high\r\n{}", lines.concat())
}

fn picture(run: &Run, until: Verdict, curve: &[Point], link: &str) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share is from 0 to 1"
    )]
    let millionths = |share: f64| (share * 1e6).round() as u64;
    let point = |Point { at, shown }: &Point| {
        let interval = shown.wilson();
        CurvePoint {
            at: *at,
            share: millionths(shown.share()),
            low: millionths(interval.low),
            high: millionths(interval.high),
        }
    };
    let points: Vec<CurvePoint> = curve.iter().map(point).collect();
    let band = "band: Wilson's 95 % interval".to_owned();
    let notes = [no_return_text(curve), band, link.to_owned()];
    export::svg::curve(&heading(run, until), run.end, &points, &notes)
}
