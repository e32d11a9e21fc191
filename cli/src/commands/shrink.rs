//! `shrink`: the smallest scenario that still ends as this run does.
//!
//! Works on the text of the scenario, so that what is left keeps its
//! comments. In rounds, until one changes nothing: parts are left out
//! (`cut`: tasks, devices, operations, fields, all operations of a kind),
//! distributions become one of their own times, numbers become smaller
//! (`sizes`). Before that, re-seedings that are not needed are left out. A
//! candidate counts if it is a scenario and its run, with the same seed,
//! has the verdict and no more context switches than the best so far: a
//! reader follows switches, so they come before size. One after the other,
//! so the result depends on the scenario and the seed alone, unless Ctrl-C or
//! `--time` ends it: then it is the smallest so far, and its link goes on.

mod cut;
mod sizes;

use std::sync::Arc;

use sim_core::analysis::{Report, Verdict};
use sim_core::experiment::{Trial, minimal};
use sim_core::record::{Event, Run};
use sim_core::scenario::{self, TieOrder};
use toml_edit::DocumentMut;

use super::trial::run_trial;
use crate::args::ShrinkArgs;
use crate::choice::Choice;
use crate::error::{Error, tell};
use crate::stop::{self, Limit};
use crate::{link, output};

/// How the result begins.
const ORIGIN: &str = "# Shrunk from ";

/// What is shrunk, and what must stay.
struct Shrinking {
    choice: Choice,
    keep: Verdict,
    /// Of the best so far.
    switches_max: usize,
    runs: u64,
    broken: Option<Error>,
    limit: Limit,
}

/// Shrinks.
pub(crate) fn run(args: &ShrinkArgs) -> Result<(), Error> {
    let mut choice = Choice::of(&args.choice)?;
    if !choice.sets.is_empty() {
        let line = "shrink works on the text of a scenario: write what --set says into it";
        return Err(Error::bad_input(line));
    }
    let text = match &choice.text {
        Some(text) => text.clone(),
        None => scenario::gallery::find(&choice.scenario.id)
            .map(|entry| entry.text.to_owned())
            .expect("invariant: without a text it is of the gallery"),
    };
    let mut document: DocumentMut = text
        .parse()
        .map_err(|error| Error::bad_input(format!("{}: {error}", args.choice.scenario)))?;
    let (before, report) = made(&choice)?;
    if report.verdict != args.keep {
        let (is, keep) = (report.verdict.id(), args.keep.id());
        let line = format!("seed {} shows {is}, not {keep}: `explore` finds seeds", choice.seed);
        return Err(Error::bad_input(line));
    }
    // The file must end so by itself: what was chosen beside it goes into it.
    for (key, chosen) in [("kernel", choice.kernel.take()), ("policy", choice.policy.take())] {
        if let Some(id) = chosen {
            document[key] = toml_edit::value(id);
        }
    }
    let mut shrinking = Shrinking {
        choice: choice.clone(),
        keep: args.keep,
        switches_max: switches(&before),
        runs: 0,
        broken: None,
        limit: Limit::of(args.time),
    };
    stop::catch_signals()?;
    shrinking.leave_out_draws();
    loop {
        let text = document.to_string();
        cut::kinds(&mut document, &mut |candidate| shrinking.holds(candidate));
        cut::named(&mut document, &mut |candidate| shrinking.holds(candidate));
        cut::parts(&mut document, &mut |candidate| shrinking.holds(candidate));
        sizes::distributions(&mut document, &mut |candidate| shrinking.holds(candidate));
        sizes::numbers(&mut document, &mut |candidate| shrinking.holds(candidate));
        if let Some(broken) = shrinking.broken {
            return Err(broken);
        }
        if document.to_string() == text || shrinking.is_over() {
            break;
        }
    }
    // Nothing after this asks again: what was true of the search is true of what is told.
    let ended = shrinking.is_over();
    let text = document.to_string();
    let small = shrinking.with_text(text.clone())?;
    let (after, report) = made(&small)?;
    let mut sentence = format!(
        "{} → {} tasks, {} → {} records, {} → {} context switches, in {} runs. {}",
        choice.scenario.tasks.len(),
        small.scenario.tasks.len(),
        before.events,
        after.events,
        switches(&before),
        switches(&after),
        shrinking.runs,
        report.evidence
    );
    let link = link::of(&small, Some(&after));
    if ended {
        let keep = args.keep.id();
        let ties =
            link::ties_words(small.ties).map(|words| format!(" {words}")).unwrap_or_default();
        let goes_on = format!("reaperscope shrink LINK --keep {keep}{ties}");
        let more =
            format!("Stopped before it was the smallest: `{goes_on}`, of the link below, goes on.");
        sentence = [sentence, more].join("\n");
    }
    let of_link = link::is_link(&args.choice.scenario);
    let origin = if text.starts_with(ORIGIN) { String::new() } else { origin(&shrinking, of_link) };
    output::write(&format!("{origin}{text}"), args.out.as_deref())?;
    if args.out.is_some() {
        output::write(&format!("{sentence}\n{link}\n"), None)?;
    } else {
        tell(&sentence);
        tell(&link);
    }
    if ended && stop::is_stopped() {
        return Err(Error::Interrupted("stopped; what was found so far is kept".to_owned()));
    }
    Ok(())
}

/// Where the file comes from and how to see it, as comments: it is small enough to be passed on without
/// the link. What it was once shrunk from stays, however often it is tried again.
/// What a link holds has no name but its title.
fn origin(shrinking: &Shrinking, of_link: bool) -> String {
    let Shrinking { choice, keep, .. } = shrinking;
    let (seed, keep) = (choice.seed, keep.id());
    let id = match (&choice.text, choice.scenario.title.as_str()) {
        (Some(_), "") if of_link => "the scenario of a link".to_owned(),
        (Some(_), title) if of_link => format!("“{title}”, of a link"),
        _ => choice.scenario.id.clone(),
    };
    let ties = match choice.ties {
        TieOrder::Fifo => "",
        TieOrder::Seeded => " --ties seeded",
    };
    let drawn = if choice.forks.is_empty() { "" } else { ", with the draws of its link" };
    format!(
        "{ORIGIN}{id}, as long as it ended in {keep}: `reaperscope run FILE --seed {seed}{ties}`{drawn}.\n\
         # Other comments are those of the whole and may speak of what is gone.\n\n"
    )
}

impl Shrinking {
    /// Whether a candidate still does it. The first that breaks an
    /// invariant of the model ends the search: that is news.
    fn holds(&mut self, candidate: &DocumentMut) -> bool {
        if self.broken.is_some() {
            return false;
        }
        let Ok(choice) = self.with_text(candidate.to_string()) else { return false };
        self.counts(&choice)
    }

    /// Re-seedings that the verdict does not need.
    fn leave_out_draws(&mut self) {
        let choice = self.choice.clone();
        let kept = minimal(choice.forks.clone(), |kept| {
            self.counts(&Choice { forks: kept.to_vec(), ..choice.clone() })
        });
        self.choice.forks = kept;
    }

    /// Whether whoever waits wants what there is.
    fn is_over(&self) -> bool {
        stop::is_stopped() || self.limit.is_past()
    }

    fn counts(&mut self, choice: &Choice) -> bool {
        if self.is_over() {
            return false;
        }
        self.runs += 1;
        match made(choice) {
            Ok((run, report)) => {
                let switches = switches(&run);
                let counts = report.verdict == self.keep && switches <= self.switches_max;
                if counts {
                    self.switches_max = switches;
                }
                counts
            }
            Err(error @ Error::Broken { .. }) => {
                self.broken = Some(error);
                false
            }
            Err(_) => false,
        }
    }

    fn with_text(&self, text: String) -> Result<Choice, Error> {
        let id = &self.choice.scenario.id;
        let scenario = scenario::parse(id, &text, &[]).map_err(|complaints| {
            Error::BadInput(complaints.iter().map(ToString::to_string).collect())
        })?;
        Ok(Choice { scenario, text: Some(text), ..self.choice.clone() })
    }
}

fn made(choice: &Choice) -> Result<(Run, Report), Error> {
    let trial = Trial { seed: choice.seed, forks: choice.forks.clone() };
    run_trial(&Arc::new(choice.clone()), &trial)
}

/// How often a task got a CPU.
fn switches(run: &Run) -> usize {
    run.trace.iter().filter(|record| matches!(record.event, Event::Ran { .. })).count()
}
