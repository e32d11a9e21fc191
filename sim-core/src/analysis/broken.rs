//! A broken invariant in words, with the records that show it.

use super::words::{event_name, event_text, task_name, time_text};
use crate::record::{Broken, Run};

/// What stopped the run, if an invariant did: one line, then a line per
/// record of the evidence.
pub fn broken_text(run: &Run) -> Option<String> {
    Some(text_of(run, run.findings.broken.as_ref()?))
}

fn text_of(run: &Run, broken: &Broken) -> String {
    let Broken { invariant, at, task, text, evidence, .. } = broken;
    let mut told = format!(
        "{} ({}): {text}, at {} in {}",
        invariant.id(),
        invariant.text(),
        time_text(*at),
        task_name(&run.cast, *task)
    );
    for record in evidence {
        told = format!(
            "{told}\n  {} {}: {}: {}",
            time_text(record.at),
            task_name(&run.cast, record.task),
            event_name(&record.event),
            event_text(run, record)
        );
    }
    told
}
