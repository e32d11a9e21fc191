//! `explore`: which runs show a verdict, and how often.
//!
//! First the seeds that were asked for, which tell how often; if none of
//! them shows it, a guided search (`sim_core::experiment::Search`), which
//! only finds. Both come in blocks, so what they find depends neither on
//! `--jobs` nor, but for where it ends, on `--time`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rayon::prelude::*;
use serde_json::json;
use sim_core::analysis::Verdict;
use sim_core::experiment::{Proportion, Search, Trial, closeness};

use super::trial::{choice_of, run_trial, share_text};
use crate::args::{ChoiceArgs, ExploreArgs, SummaryFormat};
use crate::choice::Choice;
use crate::error::Error;
use crate::{link, output, stop};

/// Seeds between two looks at the clock.
const BLOCK: usize = 256;
/// First seeds that are named.
const NAMED_MAX: usize = 10;

/// What was found.
struct Found {
    /// Seeds that show it, and the runs made.
    shown: Proportion,
    /// The first of them.
    seeds: Vec<u64>,
    /// The seed that would have come next.
    next: u64,
    /// Runs of the guided search, and what it found.
    guided: u64,
    trial: Option<Trial>,
}

/// Explores.
pub(crate) fn run(args: &ExploreArgs) -> Result<(), Error> {
    let choice = Arc::new(Choice::of(&ChoiceArgs {
        scenario: args.scenario.clone(),
        seed: Some(args.seeds.start),
        kernel: args.kernel.clone(),
        policy: args.policy.clone(),
        checks: Vec::new(),
        ties: args.ties,
        reseeds: Vec::new(),
        sets: args.sets.clone(),
    })?);
    let end = args.time.map(deadline);
    let is_over = || stop::is_stopped() || end.is_some_and(is_past);
    stop::catch_signals()?;
    let pool = super::pool(args.jobs)?;
    let found = pool.install(|| explore(&choice, args, &is_over))?;
    let text = match args.format {
        SummaryFormat::Summary => summary(&choice, args, &found),
        SummaryFormat::Json => json_text(&choice, args, &found),
    };
    output::write(&text, None)?;
    if stop::is_stopped() {
        let (next, end) = (found.next, args.seeds.end);
        let rest =
            if next < end { format!("; --seeds {next}..{end} goes on") } else { String::new() };
        return Err(Error::Interrupted(format!("stopped{rest}")));
    }
    if found.seeds.is_empty() && found.trial.is_none() { Err(Error::NoneFound) } else { Ok(()) }
}

fn explore(
    choice: &Arc<Choice>,
    args: &ExploreArgs,
    is_over: &(dyn Fn() -> bool + Sync),
) -> Result<Found, Error> {
    let mut found = Found {
        shown: Proportion { count: 0, of: 0 },
        seeds: Vec::new(),
        next: args.seeds.start,
        guided: 0,
        trial: None,
    };
    while found.next < args.seeds.end && !is_over() {
        let left = args.seeds.end - found.next;
        let block: Vec<u64> =
            (found.next..).take(BLOCK.min(usize::try_from(left).unwrap_or(BLOCK))).collect();
        let one = |&seed: &u64| {
            let trial = Trial { seed, reseeds: Vec::new() };
            run_trial(choice, &trial).map(|(_, report)| report.verdict == args.until)
        };
        let shown: Vec<bool> = block.par_iter().map(one).collect::<Result<_, _>>()?;
        for (seed, shown) in block.iter().zip(shown) {
            found.shown.of += 1;
            found.shown.count += u64::from(shown);
            if shown && found.seeds.len() < NAMED_MAX {
                found.seeds.push(*seed);
            }
            found.next = seed + 1;
        }
    }
    if found.seeds.is_empty() {
        guided(choice, args, &mut found, is_over)?;
    }
    Ok(found)
}

/// Goes on where the seeds end.
fn guided(
    choice: &Arc<Choice>,
    args: &ExploreArgs,
    found: &mut Found,
    is_over: &(dyn Fn() -> bool + Sync),
) -> Result<(), Error> {
    // With a limit of time that alone counts.
    let unlimited = if args.time.is_some() { u64::MAX } else { args.seeds.end - args.seeds.start };
    let limit = args.guided.unwrap_or(unlimited);
    let mut search = Search::new(args.seeds.end);
    while found.guided < limit && !is_over() {
        let batch = search.batch();
        let result = |trial: &Trial| {
            let (run, report) = run_trial(choice, trial)?;
            let (closeness, at) = closeness(&run, &report, args.until);
            Ok((report.verdict == args.until, closeness, at))
        };
        let results: Vec<_> = batch.par_iter().map(result).collect::<Result<_, Error>>()?;
        for (trial, (shown, closeness, at)) in batch.into_iter().zip(results) {
            found.guided += 1;
            if shown {
                found.trial = Some(trial);
                return Ok(());
            }
            search.tell(trial, closeness, at);
        }
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a limit for people: no run sees it")]
fn deadline(seconds: u64) -> Instant {
    Instant::now() + Duration::from_secs(seconds)
}

#[expect(clippy::disallowed_methods, reason = "a limit for people: no run sees it")]
fn is_past(end: Instant) -> bool {
    Instant::now() >= end
}

fn summary(choice: &Choice, args: &ExploreArgs, found: &Found) -> String {
    let verdict = args.until.id();
    let mut lines = vec![format!("{verdict} in {}", share_text(found.shown))];
    if let Some(first) = found.seeds.first() {
        let seeds: Vec<String> = found.seeds.iter().map(u64::to_string).collect();
        let trial = Trial { seed: *first, reseeds: Vec::new() };
        let link = link::of(&choice_of(choice, &trial), None);
        lines.push(format!("first seeds  {}", seeds.join(" ")));
        lines.push(format!("link         {link}"));
    }
    if found.guided > 0 {
        match &found.trial {
            None => lines.push(format!("guided search: not found in {} runs", found.guided)),
            Some(trial) => {
                lines.push(format!("guided search: found by run {}", found.guided));
                lines.push(format!("run          {}", command(args, trial)));
            }
        }
    }
    lines.join("\n") + "\n"
}

/// What makes a trial's run again.
fn command(args: &ExploreArgs, trial: &Trial) -> String {
    let mut words = vec!["reaperscope run".to_owned(), args.scenario.clone()];
    words.push(format!("--seed {}", trial.seed));
    words.extend(args.kernel.iter().map(|kernel| format!("--kernel {kernel}")));
    words.extend(args.policy.iter().map(|policy| format!("--policy {policy}")));
    words.extend(args.sets.iter().map(|(path, value)| format!("--set '{path}={value}'")));
    words.extend(link::ties_words(args.ties.into()));
    words.extend(link::reseed_words(&trial.reseeds));
    words.join(" ")
}

fn json_text(choice: &Choice, args: &ExploreArgs, found: &Found) -> String {
    let interval = found.shown.wilson();
    let trial = found.trial.as_ref();
    let object = json!({
        "scenario": choice.scenario.id,
        "verdict": Verdict::id(args.until),
        "runs": found.shown.of,
        "count": found.shown.count,
        "share": found.shown.share(),
        "low": interval.low,
        "high": interval.high,
        "seeds": found.seeds,
        "guided_runs": found.guided,
        "guided": trial.map(|trial| json!({ "seed": trial.seed, "command": command(args, trial) })),
    });
    serde_json::to_string_pretty(&object).expect("invariant: plain data") + "\n"
}
