//! The worst run of each case: what it was, who waited for whom, what
//! lockdep said, and the link.

use super::{Case, at_text};
use crate::analysis::{Incident, explain, time_text};
use crate::experiment::Replication;
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
        let (worst, link) = match &case.worst {
            Some((worst, link)) => (worst, link),
            None => (&case.shown, &case.link),
        };
        let of = if case.worst.is_some() { "The worst of all seeds" } else { "The run shown" };
        let seed = worst.run.id.seed;
        blocks.push(Block::Heading(3, format!("{of} under {}: seed {seed}", case.name())));
        blocks.push(Block::Text(format!(
            "{}. {}",
            worst.outcome.verdict.id(),
            worst.report.evidence
        )));
        if let Some(danger) = worst.danger_text() {
            blocks.push(Block::Text(format!("The reaper and what it waited for: {danger}.")));
        }
        let mut story = explain(&worst.run, &worst.index, &worst.report);
        story.truncate(SENTENCES_MAX);
        blocks.push(Block::List(story));
        blocks.extend(chain(worst));
        blocks.push(Block::Link("link".to_owned(), link.clone()));
        blocks.push(said_by_lockdep(worst));
    }
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
        format!("{} (since {})", link.text, time_text(link.since))
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
