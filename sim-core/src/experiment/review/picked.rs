//! Runs of each case worth a look: the worst, the median, the first that
//! fails. What each was, who waited for whom, and the link; of the worst
//! also what lockdep said.

use super::{Case, at_text};
use crate::analysis::{Incident, explain, time_text};
use crate::experiment::{Replication, first_failing};
use crate::export::document::Block;
use crate::export::lockdep;

/// Sentences of a story.
const SENTENCES_MAX: usize = 12;
/// Lines of lockdep's text; the whole is in the run.
const LINES_MAX: usize = 120;

/// Of every case of a scenario.
pub(super) fn blocks(group: &[Case]) -> Vec<Block> {
    let mut blocks = Vec::new();
    for case in group {
        if case.picked.is_empty() {
            blocks.extend(of_run(case, "The run shown", &case.shown, &case.link));
            blocks.push(said_by_lockdep(&case.shown));
        }
        for (index, picked) in case.picked.iter().enumerate() {
            let heading = format!("The {}", picked.names.join(", the "));
            let digest = picked.replication.run.digest;
            let before = case.picked.iter().take(index);
            if let Some(same) =
                before.into_iter().find(|other| other.replication.run.digest == digest)
            {
                let (seed, name) = (picked.replication.run.id.seed, case.name());
                let other = same.replication.run.id.seed;
                blocks.push(Block::Text(format!(
                    "{heading}, under {name}, seed {seed}, is the same run as that of seed {other}."
                )));
                blocks.push(Block::Link("link".to_owned(), picked.link.clone()));
                continue;
            }
            blocks.extend(of_run(case, &heading, &picked.replication, &picked.link));
            // The worst comes first; what lockdep says of a path it says of the others too.
            if index == 0 {
                blocks.push(said_by_lockdep(&picked.replication));
            }
        }
        if !case.outcomes.is_empty() && first_failing(&case.outcomes).is_none() {
            let count = case.outcomes.len();
            blocks.push(Block::Text(format!("None of {count} seeds fails under {}.", case.name())));
        }
    }
    blocks
}

fn of_run(case: &Case, heading: &str, run: &Replication, link: &str) -> Vec<Block> {
    let seed = run.run.id.seed;
    let mut blocks = vec![
        Block::Heading(3, format!("{heading}, under {}: seed {seed}", case.name())),
        Block::Text(format!("{}. {}", run.outcome.verdict.id(), run.report.evidence)),
    ];
    if let Some(danger) = run.danger_text() {
        blocks.push(Block::Text(format!("The reaper and what it waited for: {danger}.")));
    }
    let mut story = explain(&run.run, &run.index, &run.report);
    story.truncate(SENTENCES_MAX);
    blocks.push(Block::List(story));
    blocks.extend(chain(run));
    blocks.push(Block::Link("link".to_owned(), link.to_owned()));
    blocks
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

fn said_by_lockdep(worst: &Replication) -> Block {
    let text = lockdep(&worst.run);
    if text.is_empty() {
        return Block::Text("lockdep says nothing of this run.".to_owned());
    }
    let lines: Vec<&str> = text.lines().collect();
    match lines.get(..LINES_MAX) {
        Some(shown) => {
            let more = lines.len() - LINES_MAX;
            Block::Code(format!(
                "{}\n… {more} more lines: run --check lockdep --format lockdep",
                shown.join("\n")
            ))
        }
        None => Block::Code(text),
    }
}
