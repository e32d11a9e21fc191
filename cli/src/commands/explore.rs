//! `explore`: which runs show a verdict, and how often.
//!
//! First the seeds that were asked for, which tell how often; if none of
//! them shows it, a guided search (`sim_core::experiment::Search`), which
//! only finds. Both come in blocks, so what they find depends neither on
//! `--jobs` nor, but for where it ends, on `--time`. With `--state` each is
//! kept when it is over, and what is kept is not run again.

mod journal;

use std::collections::VecDeque;
use std::sync::Arc;

use rayon::prelude::*;
use serde_json::json;
use sim_core::analysis::Verdict;
use sim_core::base::SimTime;
use sim_core::experiment::{Closeness, Proportion, Search, Trial, closeness};
use sim_core::record::MODEL_VERSION;

use self::journal::{Journal, Line};
use super::sweep::digest_of_text;
use super::trial::{choice_of, run_trial};
use crate::args::{ChoiceArgs, ExploreArgs, SummaryFormat};
use crate::choice::Choice;
use crate::error::Error;
use crate::stop::{self, Limit};
use crate::{link, output};

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
        variant: args.variant.clone(),
        checks: Vec::new(),
        forks: Vec::new(),
        reseeds: Vec::new(),
    })?);
    let limit = Limit::of(args.time);
    let is_over = || stop::is_stopped() || limit.is_past();
    stop::catch_signals()?;
    let pool = super::pool(args.jobs)?;
    let found = pool.install(|| explore(&choice, args, &is_over))?;
    let text = match args.format {
        SummaryFormat::Summary => summary(&choice, args, &found)?,
        SummaryFormat::Json => json_text(&choice, args, &found)?,
    };
    output::write(&text, None)?;
    if stop::is_stopped() {
        let (next, end) = (found.next, args.seeds.end);
        let rest = if args.state.is_some() {
            "; the same command goes on".to_owned()
        } else if next < end {
            format!("; --seeds {next}..{end} goes on")
        } else {
            String::new()
        };
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
    let (mut journal, lines) = Journal::open(args.state.as_deref(), &fingerprint(choice, args))?;
    let mut lines = lines.into_iter();
    let mut known =
        |is_seeds: bool| lines.next().filter(|line| matches!(line, Line::Seeds { .. }) == is_seeds);
    while found.next < args.seeds.end && !is_over() {
        let line = if let Some(line) = known(true) {
            line
        } else {
            let line = seeds(choice, args, found.next)?;
            journal.keep(&line)?;
            line
        };
        let Line::Seeds { from, count, shown } = line else { break };
        found.shown.of += count;
        found.shown.count += u64::try_from(shown.len()).unwrap_or(u64::MAX);
        let named = NAMED_MAX - found.seeds.len();
        found.seeds.extend(shown.into_iter().take(named));
        found.next = from.saturating_add(count.max(1));
    }
    if !found.seeds.is_empty() {
        return Ok(found);
    }
    // With a limit of time that alone counts.
    let unlimited = if args.time.is_some() { u64::MAX } else { args.seeds.end - args.seeds.start };
    let limit = args.guided.unwrap_or(unlimited);
    let mut search = Search::new(args.seeds.end, choice.scenario.machine.cpus);
    // A limit may end within a batch: what is left of it comes first when the search goes on.
    let mut left: VecDeque<Trial> = VecDeque::new();
    while found.guided < limit && !is_over() {
        if left.is_empty() {
            left.extend(search.batch());
        }
        let most = usize::try_from(limit - found.guided).unwrap_or(usize::MAX).min(left.len());
        let line = if let Some(line) = known(false) {
            line
        } else {
            let line = guided(choice, args, &left.make_contiguous()[..most])?;
            journal.keep(&line)?;
            line
        };
        let Line::Batch { results, found: shown } = line else { break };
        if let Some(at) = shown.filter(|at| *at < most) {
            found.guided += u64::try_from(at + 1).unwrap_or(u64::MAX);
            found.trial = left.into_iter().nth(at);
            break;
        }
        let count = results.len().min(most);
        for (trial, (score, at)) in left.drain(..count).zip(results) {
            found.guided += 1;
            search.tell(trial, Closeness { score }, SimTime(at));
        }
    }
    Ok(found)
}

/// A block of seeds.
fn seeds(choice: &Arc<Choice>, args: &ExploreArgs, from: u64) -> Result<Line, Error> {
    let block: Vec<u64> = (from..args.seeds.end).take(BLOCK).collect();
    let one = |&seed: &u64| {
        let trial = Trial { seed, forks: Vec::new() };
        run_trial(choice, &trial).map(|(_, report)| (report.verdict == args.until).then_some(seed))
    };
    let shown: Vec<Option<u64>> = block.par_iter().map(one).collect::<Result<_, _>>()?;
    let count = u64::try_from(block.len()).unwrap_or(u64::MAX);
    Ok(Line::Seeds { from, count, shown: shown.into_iter().flatten().collect() })
}

/// A batch of the guided search.
fn guided(choice: &Arc<Choice>, args: &ExploreArgs, batch: &[Trial]) -> Result<Line, Error> {
    let result = |trial: &Trial| {
        let (run, report) = run_trial(choice, trial)?;
        let (closeness, at) = closeness(&run, &report, args.until);
        Ok((report.verdict == args.until, (closeness.score, at.0)))
    };
    let results: Vec<(bool, ([u64; 3], u64))> =
        batch.par_iter().map(result).collect::<Result<_, Error>>()?;
    let found = results.iter().position(|(shown, _)| *shown);
    Ok(Line::Batch { results: results.into_iter().map(|(_, result)| result).collect(), found })
}

/// Everything that decides what is run and in what order; not how long.
fn fingerprint(choice: &Choice, args: &ExploreArgs) -> String {
    let Choice { kernel, policy, ties, sets, scenario, .. } = choice;
    let until = args.until.id();
    let text = format!(
        "{MODEL_VERSION} {until} {:?} {kernel:?} {policy:?} {ties:?} {sets:?} {scenario:?}",
        args.seeds
    );
    digest_of_text(&text).to_string()
}

fn summary(choice: &Arc<Choice>, args: &ExploreArgs, found: &Found) -> Result<String, Error> {
    let verdict = args.until.id();
    let mut lines = vec![format!("{verdict} in {}", found.shown.text())];
    if let Some(first) = found.seeds.first() {
        let seeds: Vec<String> = found.seeds.iter().map(u64::to_string).collect();
        let trial = Trial { seed: *first, forks: Vec::new() };
        lines.push(format!("first seeds  {}", seeds.join(" ")));
        lines.push(format!("link         {}", made_link(choice, &trial)?));
    }
    if found.guided > 0 {
        match &found.trial {
            None => lines.push(format!("guided search: not found in {} runs", found.guided)),
            Some(trial) => {
                lines.push(format!("guided search: found by run {}", found.guided));
                lines.push(format!("run          {}", command(args, trial)));
                lines.push(format!("link         {}", made_link(choice, trial)?));
            }
        }
    }
    Ok(lines.join("\n") + "\n")
}

/// The link of a trial's run, with its digest: `verify` tells whether another machine makes the same.
fn made_link(choice: &Arc<Choice>, trial: &Trial) -> Result<String, Error> {
    let (run, _) = run_trial(choice, trial)?;
    Ok(link::of(&choice_of(choice, trial), Some(&run)))
}

/// What makes a trial's run again.
fn command(args: &ExploreArgs, trial: &Trial) -> String {
    let mut words = vec!["reaperscope run".to_owned(), args.scenario.clone()];
    words.push(format!("--seed {}", trial.seed));
    words.extend(args.variant.kernel.iter().map(|kernel| format!("--kernel {kernel}")));
    words.extend(args.variant.policy.iter().map(|policy| format!("--policy {policy}")));
    words.extend(args.variant.sets.iter().map(|(path, value)| format!("--set '{path}={value}'")));
    words.extend(link::ties_words(args.variant.ties.into()));
    words.extend(link::fork_words(&trial.forks));
    words.join(" ")
}

fn json_text(choice: &Arc<Choice>, args: &ExploreArgs, found: &Found) -> Result<String, Error> {
    let interval = found.shown.wilson();
    let guided = |trial: &Trial| {
        let link = made_link(choice, trial)?;
        Ok(json!({ "seed": trial.seed, "command": command(args, trial), "link": link }))
    };
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
        "guided": found.trial.as_ref().map(guided).transpose()?,
    });
    Ok(serde_json::to_string_pretty(&object).expect("invariant: plain data") + "\n")
}
