//! What a review says of a change: one document made of runs.
//!
//! A *case* is a scenario under one kernel and policy: one run that is
//! shown, and outcomes over seeds. The document says what was run, how each
//! case ends and how often, what differs in pairs of one seed, where the
//! runs part, what the worst, the median and the first that fails are and how to see them again, and what
//! the model leaves out where it matters here. Every number in it is of
//! these runs.

mod limits;
mod numbers;
mod picked;

pub use numbers::{
    FREED, LONGEST_WAIT, QUANTITIES, Quantity, RECOVERY, longest_wait_text, quantile_text,
    share_difference_text, share_text, shares_of_verdicts,
};

use std::ops::Range;

use super::{
    Divergence, Outcome, Proportion, Replication, divergence, divergence_text, sameness_text,
};
use crate::analysis::{Verdict, time_text};
use crate::export::document::Block;
use crate::export::svg::{Picture, Shown, svg};
use crate::record::MODEL_VERSION;

/// Runs in one picture.
const SHOWN_MAX: usize = 6;

/// A scenario under one kernel and policy.
pub struct Case {
    /// Title of the scenario.
    pub title: String,
    /// What else it differs in from the others, such as `machine.cpus=2`; mostly nothing.
    pub values: String,
    /// The run that is shown, with lockdep on.
    pub shown: Replication,
    /// Reproduces it.
    pub link: String,
    /// One per seed, in their order.
    pub outcomes: Vec<Outcome>,
    /// Those worth a look ([`picks`](super::picks)), run again with lockdep on.
    pub picked: Vec<Picked>,
}

/// One of many runs.
pub struct Picked {
    /// What it is: `worst of all seeds`; one or more.
    pub names: Vec<&'static str>,
    /// Its run.
    pub replication: Replication,
    /// Reproduces it.
    pub link: String,
}

/// What goes into a review. Cases of one scenario stand together.
pub struct Review {
    /// Version of the program.
    pub version: String,
    /// What was typed, so that somebody else can type it.
    pub command: String,
    /// Counted over.
    pub seeds: Option<Range<u64>>,
    /// The first of each scenario is what the others are compared with.
    pub cases: Vec<Case>,
}

impl Case {
    /// `6.1 nonblock`, and its values.
    fn name(&self) -> String {
        let id = &self.shown.run.id;
        format!("{} {} {}", id.kernel, id.policy, self.values).trim_end().to_owned()
    }

    fn scenario(&self) -> &str {
        &self.shown.run.id.scenario
    }

    /// Whether each seed makes the same run here and there.
    fn is_same(&self, other: &Self) -> bool {
        let are_same = |(here, there): (&Outcome, &Outcome)| here.digest == there.digest;
        self.shown.run.digest == other.shown.run.digest
            && self.outcomes.len() == other.outcomes.len()
            && self.outcomes.iter().zip(&other.outcomes).all(are_same)
    }
}

/// Cases of one scenario, of those that make the same runs only the first, with the names of all of them.
fn distinct(group: &[Case]) -> Vec<(String, &Case)> {
    let mut found: Vec<(Vec<String>, &Case)> = Vec::new();
    for case in group {
        match found.iter_mut().find(|(_, before)| before.is_same(case)) {
            Some((names, _)) => names.push(case.name()),
            None => found.push((vec![case.name()], case)),
        }
    }
    found.into_iter().map(|(names, case)| (names.join(", "), case)).collect()
}

/// The document.
pub fn review(review: &Review) -> Vec<Block> {
    let groups: Vec<&[Case]> = review.cases.chunk_by(|a, b| a.scenario() == b.scenario()).collect();
    let titles: Vec<&str> =
        groups.iter().filter_map(|group| group.first()).map(|case| case.title.as_str()).collect();
    let mut blocks = vec![Block::Heading(1, format!("Review: {}", titles.join("; ")))];
    blocks.extend(what_was_run(review));
    blocks.push(Block::Heading(2, "Verdicts".to_owned()));
    blocks.extend(matrix(&groups, review.seeds.as_ref()));
    for group in &groups {
        if let [first, ..] = group {
            blocks.push(Block::Heading(2, format!("{}: {}", first.scenario(), first.title)));
        }
        blocks.extend(pictures(group));
        let cases = distinct(group);
        blocks.extend(sameness(group, &cases));
        blocks.push(numbers::shown(&cases));
        blocks.extend(partings(group));
        blocks.extend(numbers::blocks(&cases));
        blocks.extend(picked::blocks(&cases));
    }
    blocks.push(Block::Heading(2, "Limits of the model that matter here".to_owned()));
    blocks.push(Block::List(limits::points(&review.cases)));
    blocks.push(Block::Heading(2, "To see a run again".to_owned()));
    for case in &review.cases {
        let words = format!("{} {}, seed {}", case.scenario(), case.name(), case.shown.run.id.seed);
        blocks.push(Block::Link(words, case.link.clone()));
    }
    blocks
}

/// Only what stands side by side: no case by itself.
pub fn side_by_side(review: &Review) -> Vec<Block> {
    let groups: Vec<&[Case]> = review.cases.chunk_by(|a, b| a.scenario() == b.scenario()).collect();
    let title = review.cases.first().map_or("", |case| case.title.as_str());
    let mut blocks = vec![Block::Heading(1, title.to_owned())];
    blocks.extend(what_was_run(review));
    blocks.push(Block::Heading(2, "Verdicts".to_owned()));
    blocks.extend(matrix(&groups, review.seeds.as_ref()));
    for group in &groups {
        blocks.push(Block::Heading(2, "Timelines".to_owned()));
        blocks.extend(pictures(group));
        let cases = distinct(group);
        blocks.extend(sameness(group, &cases));
        blocks.push(numbers::shown(&cases));
        blocks.extend(partings(group));
        blocks.extend(numbers::blocks(&cases));
    }
    blocks
}

fn what_was_run(review: &Review) -> Vec<Block> {
    let seeds = match &review.seeds {
        Some(seeds) => {
            format!("seeds {} to {}, the same for every policy", seeds.start, seeds.end - 1)
        }
        None => "no seeds beside the one shown: nothing below says how often".to_owned(),
    };
    let row = |case: &Case| {
        let id = &case.shown.run.id;
        let digest = case.shown.run.digest.to_string();
        vec![id.scenario.clone(), id.kernel.clone(), id.policy.clone(), id.seed.to_string(), digest]
    };
    let head = ["scenario", "kernel", "policy", "seed", "digest"].map(str::to_owned);
    vec![
        Block::Heading(2, "What was run".to_owned()),
        Block::List(vec![
            format!(
                "Reaperscope {}, model {MODEL_VERSION}: a simulation; a run is reproduced to the bit by its link",
                review.version
            ),
            seeds,
            "intervals are 95 %: Wilson's for shares, of order statistics for quantiles, \
             Newcombe's (1998, method 10) for differences of shares in pairs"
                .to_owned(),
        ]),
        Block::Code(review.command.clone()),
        Block::Table(head.to_vec(), review.cases.iter().map(row).collect()),
    ]
}

/// Kernels and policies against scenarios.
fn matrix(groups: &[&[Case]], seeds: Option<&Range<u64>>) -> Vec<Block> {
    let mut names: Vec<String> = Vec::new();
    for case in groups.iter().copied().flatten() {
        if !names.contains(&case.name()) {
            names.push(case.name());
        }
    }
    let scenarios =
        groups.iter().filter_map(|group| group.first()).map(|c| c.scenario().to_owned());
    let head: Vec<String> = ["kernel, policy".to_owned()].into_iter().chain(scenarios).collect();
    let row = |name: &String| {
        let cell = |group: &&[Case]| {
            let case = group.iter().find(|case| case.name() == *name);
            case.map_or_else(|| "not run".to_owned(), verdict_cell)
        };
        let cells = groups.iter().map(cell);
        [name.clone()].into_iter().chain(cells).collect()
    };
    let rows: Vec<Vec<String>> = names.iter().map(row).collect();
    let mut blocks = vec![Block::Table(head, rows)];
    if seeds.is_some() {
        blocks.push(Block::Text(
            "The share of seeds with each verdict, and its interval.".to_owned(),
        ));
    }
    blocks
}

fn verdict_cell(case: &Case) -> String {
    if case.outcomes.is_empty() {
        let flags = &case.shown.outcome.flags;
        let flags =
            if flags.is_empty() { String::new() } else { format!(" [{}]", flags.join(", ")) };
        return format!("{}{flags}", case.shown.outcome.verdict.id());
    }
    let share = |verdict: &Verdict| {
        let share = Proportion::of(&case.outcomes, |outcome| outcome.verdict == *verdict);
        (share.count > 0).then(|| format!("{} {}", verdict.id(), numbers::share_text(share)))
    };
    Verdict::ALL.iter().filter_map(share).collect::<Vec<_>>().join("; ")
}

fn pictures(group: &[Case]) -> Vec<Block> {
    let Some(first) = group.first() else { return Vec::new() };
    let cases = group.get(..SHOWN_MAX).unwrap_or(group);
    let shown: Vec<Shown<'_>> = cases
        .iter()
        .map(|case| Shown {
            run: &case.shown.run,
            report: &case.shown.report,
            parts: parting(first, case).filter(|at| at.decides).and_then(|at| at.time()),
            values: &case.values,
        })
        .collect();
    let links: Vec<String> = cases.iter().map(|case| case.link.clone()).collect();
    let picture = Picture { title: &first.title, runs: &shown, links: &links, window: None };
    let names: Vec<String> = cases.iter().map(Case::name).collect();
    let alt = format!(
        "The HTML form of this document shows the timelines of {} here, on one axis.",
        names.join(", ")
    );
    vec![Block::Picture { svg: svg(&picture), alt }]
}

/// What it means that a row has several names.
fn sameness(group: &[Case], cases: &[(String, &Case)]) -> Option<Block> {
    let has_seeds = group.first().is_some_and(|case| !case.outcomes.is_empty());
    let runs =
        if has_seeds { "each seed makes one and the same run" } else { "the run is the same" };
    let text =
        format!("Where several stand together below {runs} under all of them, to the digest.");
    (cases.len() < group.len()).then_some(Block::Text(text))
}

fn parting(first: &Case, other: &Case) -> Option<Divergence> {
    divergence(&first.shown.run, &other.shown.run)
}

fn partings(group: &[Case]) -> Vec<Block> {
    let [first, others @ ..] = group else { return Vec::new() };
    if others.is_empty() {
        return Vec::new();
    }
    let text = |case: &Case| match parting(first, case) {
        Some(at) => divergence_text(&first.shown.run, &case.shown.run, &at),
        None => sameness_text(first.shown.run.digest, case.shown.run.digest).to_owned(),
    };
    // Several may part in the same way.
    let mut points: Vec<(String, String)> = Vec::new();
    for case in others {
        let text = text(case);
        match points.iter_mut().find(|(_, said)| *said == text) {
            Some((names, _)) => *names = format!("{names}, {}", case.name()),
            None => points.push((case.name(), text)),
        }
    }
    let points = points.into_iter().map(|(names, text)| format!("{names}: {text}."));
    vec![
        Block::Heading(3, format!("Where runs first part from {} (\"here\")", first.name())),
        Block::List(points.collect()),
    ]
}

/// `at 1.2 ms`.
fn at_text(replication: &Replication, record: usize) -> String {
    format!("at {}", time_text(replication.index.time_of(record)))
}
