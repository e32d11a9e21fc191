//! Runs of each case worth a look: the worst, the median, the first that
//! fails. What each was, who waited for whom, and the link; of the worst
//! also what lockdep said. Stories of one scenario have much in common, which is told once; where
//! nothing is random there is one run of each case, and neither a worst nor a median.

use super::numbers::is_one_run;
use super::{Case, Picked, at_text};
use crate::analysis::{Incident, explain, time_text};
use crate::experiment::{Replication, first_failing};
use crate::export::document::Block;
use crate::export::lockdep;

/// Sentences of a story.
const SENTENCES_MAX: usize = 12;
/// Lines of lockdep's text; the whole is in the run.
const LINES_MAX: usize = 120;

/// A run that is told, and its story.
struct Told<'a> {
    heading: String,
    run: &'a Replication,
    link: &'a str,
    story: Vec<String>,
}

/// Of every case of a scenario. What the story of each run says is said once, before the first.
pub(super) fn blocks(cases: &[(String, &Case)]) -> Vec<Block> {
    let is_one = cases.iter().all(|(_, case)| is_one_run(case));
    let all: Vec<Vec<Told<'_>>> = cases.iter().map(|(_, case)| told_of(case, is_one)).collect();
    let of_all = in_all(&all.iter().flatten().collect::<Vec<_>>(), &[]);
    let mut blocks = Vec::new();
    if !of_all.is_empty() {
        blocks.push(Block::Heading(3, "In every run that is told here".to_owned()));
        blocks.push(Block::List(of_all.clone()));
    }
    for ((name, case), told) in cases.iter().zip(&all) {
        let of_case = in_all(&told.iter().collect::<Vec<_>>(), &of_all);
        if !of_case.is_empty() {
            let heading = format!("In every run that is told under {name}");
            blocks.push(Block::Heading(3, heading));
            blocks.push(Block::List(of_case.clone()));
        }
        let said = [of_all.as_slice(), &of_case].concat();
        for (index, told) in told.iter().enumerate() {
            blocks.extend(of_run(name, told, &said));
            // The worst comes first; what lockdep says of a path it says of the others too.
            if index == 0 {
                blocks.extend(said_by_lockdep(told.run));
            }
        }
        if is_one {
            continue;
        }
        blocks.extend(told_before(name, case));
        if !case.outcomes.is_empty() && first_failing(&case.outcomes).is_none() {
            let count = case.outcomes.len();
            blocks.push(Block::Text(format!("None of {count} seeds fails under {name}.")));
        }
    }
    blocks
}

/// The runs of a case that are told: those that were picked, each once, or the one that is shown.
fn told_of(case: &Case, is_one: bool) -> Vec<Told<'_>> {
    let tell = |heading: String, run, link| Told { heading, run, link, story: story(run) };
    if case.picked.is_empty() {
        return vec![tell("The run shown".to_owned(), &case.shown, &case.link)];
    }
    if let (true, [picked, ..]) = (is_one, case.picked.as_slice()) {
        return vec![tell("The run".to_owned(), &picked.replication, &picked.link)];
    }
    let news = case.picked.iter().enumerate().filter(|(at, _)| twin(case, *at).is_none());
    news.map(|(_, picked)| tell(heading(picked), &picked.replication, &picked.link)).collect()
}

fn heading(picked: &Picked) -> String {
    format!("The {}", picked.names.join(", the "))
}

/// The first of a case's picked runs that is the same run as this one.
fn twin(case: &Case, at: usize) -> Option<&Picked> {
    let digest = |picked: &Picked| picked.replication.run.digest;
    let wanted = digest(case.picked.get(at)?);
    case.picked.iter().take(at).find(|other| digest(other) == wanted)
}

/// Picked runs that are the same as one before.
fn told_before(name: &str, case: &Case) -> Vec<Block> {
    let mut blocks = Vec::new();
    for (at, picked) in case.picked.iter().enumerate() {
        let Some(same) = twin(case, at) else { continue };
        let heading = heading(picked);
        let (seed, other) = (picked.replication.run.id.seed, same.replication.run.id.seed);
        blocks.push(Block::Text(format!(
            "{heading}, under {name}, seed {seed}, is the same run as that of seed {other}."
        )));
        blocks.push(Block::Link("link".to_owned(), picked.link.clone()));
    }
    blocks
}

fn story(run: &Replication) -> Vec<String> {
    let mut story = explain(&run.run, &run.index, &run.report);
    story.truncate(SENTENCES_MAX);
    story
}

/// Sentences of several stories that are in all of them and not yet said, in their order.
fn in_all(told: &[&Told<'_>], said: &[String]) -> Vec<String> {
    let [first, others @ ..] = told else { return Vec::new() };
    if others.is_empty() {
        return Vec::new();
    }
    let is_common = |sentence: &&String| {
        !said.contains(sentence) && others.iter().all(|other| other.story.contains(sentence))
    };
    first.story.iter().filter(is_common).cloned().collect()
}

fn of_run(name: &str, told: &Told<'_>, said: &[String]) -> Vec<Block> {
    let (run, seed) = (told.run, told.run.run.id.seed);
    let mut blocks = vec![
        Block::Heading(3, format!("{}, under {name}: seed {seed}", told.heading)),
        Block::Text(format!("{}. {}", run.outcome.verdict.id(), run.report.evidence)),
    ];
    if let Some(danger) = run.danger_text().filter(|danger| !is_told(danger, told)) {
        blocks.push(Block::Text(format!("The reaper and what it waited for: {danger}.")));
    }
    let own: Vec<String> =
        told.story.iter().filter(|sentence| !said.contains(sentence)).cloned().collect();
    if !own.is_empty() {
        blocks.push(Block::List(own));
    }
    blocks.extend(chain(run));
    blocks.push(Block::Link("link".to_owned(), told.link.to_owned()));
    blocks
}

/// Whether verdict or story name the same chain.
fn is_told(danger: &str, told: &Told<'_>) -> bool {
    let chain = danger.split_once(": ").map_or(danger, |(_, chain)| chain);
    told.run.report.evidence.contains(chain) || told.story.iter().any(|told| told.contains(chain))
}

/// Who waited for whom when it mattered most.
fn chain(worst: &Replication) -> Vec<Block> {
    let rank = |incident: &&Incident| {
        let kind = match incident.kind {
            "cycle" => 3,
            "give-up" => 2,
            "extra-victim" => 1,
            _ => 0,
        };
        // Somebody who just runs waits for nobody.
        (incident.chain.len() > 1, kind, incident.chain.len())
    };
    let with_chain = worst.report.incidents.iter().filter(|incident| !incident.chain.is_empty());
    let Some(incident) = with_chain.max_by_key(rank) else { return Vec::new() };
    let head =
        format!("Who waited for whom {}: {}", at_text(worst, incident.record), incident.text);
    let point = |link: &crate::analysis::WaitLink| {
        format!("{} (since {})", link.text.trim_end_matches('.'), time_text(link.since))
    };
    vec![Block::Text(head), Block::List(incident.chain.iter().map(point).collect())]
}

/// Its text; that it said nothing is told by the story.
fn said_by_lockdep(worst: &Replication) -> Option<Block> {
    if worst.run.lock_reports.reports.is_empty() {
        return None;
    }
    let text = lockdep(&worst.run);
    let lines: Vec<&str> = text.lines().collect();
    Some(match lines.get(..LINES_MAX) {
        Some(shown) => {
            let more = lines.len() - LINES_MAX;
            Block::Code(format!(
                "{}\n… {more} more lines: run --check lockdep --format lockdep",
                shown.join("\n")
            ))
        }
        None => Block::Code(text),
    })
}
