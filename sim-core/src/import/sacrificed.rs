//! Children that were killed in their parents' place, as it was done up to 5.0: `Kill process 700 (browser) score 588
//! or sacrifice child`, and another process killed.

use std::collections::BTreeSet;

use super::capture::Capture;
use super::log_lines::{Said, said};

/// A child that was killed in its parent's place.
#[derive(Clone, Eq, PartialEq, Debug)]
pub(super) struct Sacrifice {
    pub(super) child: (u32, String),
    pub(super) parent: (u32, String),
}

/// Who died in whose place, each once. The chosen one is named by the thread that was looked at, which may be
/// one of the victim's own: a name of another process, or its row in the table, tells them apart.
pub(super) fn sacrificed(capture: &Capture<'_>) -> Vec<Sacrifice> {
    let rows = capture.facts.reports.iter().flat_map(|report| &report.rows);
    let rows: BTreeSet<u32> = rows.map(|row| row.pid).collect();
    let mut children = BTreeSet::new();
    let mut pairs = Vec::new();
    let mut last = None;
    for line in &capture.log {
        if let Some(Said::Killed { pid, comm }) = said(line.text) {
            // Where there is a table a process has a row in it.
            let is_other = |(parent, name): &(u32, String)| {
                *parent != pid && (rows.contains(parent) || name != comm && rows.is_empty())
            };
            if let Some(parent) = last.take().filter(is_other)
                && children.insert(pid)
            {
                pairs.push(Sacrifice { child: (pid, comm.to_owned()), parent });
            }
        } else if let Some(found) = chosen(line.text) {
            last = Some(found);
        }
    }
    pairs
}

/// Whether reports choose as they did up to 5.0.
pub(super) fn may_sacrifice(capture: &Capture<'_>) -> bool {
    capture.log.iter().any(|line| chosen(line.text).is_some())
}

/// `Out of memory: Kill process 700 (browser) score 588 or sacrifice child`.
fn chosen(text: &str) -> Option<(u32, String)> {
    let (_, rest) = text.split_once("Kill process ")?;
    let (pid, rest) = rest.split_once(" (")?;
    let (comm, _) = rest.split_once(") score ")?;
    Some((pid.parse().ok()?, comm.to_owned()))
}
