//! Where two runs of one seed part: the first record that differs.

use crate::analysis::{event_text, time_text};
use crate::record::{Record, Run};

/// The first record that differs.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub struct Divergence {
    /// Its index: so many records are alike.
    pub record: usize,
    /// What the first run has there; `None`: it is over.
    pub first: Option<Record>,
    /// What the second has.
    pub second: Option<Record>,
}

/// Where two runs part; `None` if they have the same records.
pub fn divergence(first: &Run, second: &Run) -> Option<Divergence> {
    let (mut of_first, mut of_second) = (first.trace.iter(), second.trace.iter());
    let mut record = 0;
    loop {
        match (of_first.next(), of_second.next()) {
            (None, None) => return None,
            (one, other) if one != other => {
                return Some(Divergence { record, first: one, second: other });
            }
            _ => record += 1,
        }
    }
}

/// The divergence in words: when, after how much, and what each does there.
pub fn divergence_text(first: &Run, second: &Run, at: &Divergence) -> String {
    let when = [at.first, at.second].into_iter().flatten().map(|record| record.at).min();
    let tell = |run: &Run, record: Option<Record>| match record {
        Some(record) => {
            let late = when.is_some_and(|when| record.at > when);
            let late = if late { format!(" at {}", time_text(record.at)) } else { String::new() };
            format!("{}{late}", event_text(run, &record))
        }
        None => "it is over".to_owned(),
    };
    format!(
        "{}, after {} records alike: here {}; there {}",
        time_text(when.unwrap_or(first.end.min(second.end))),
        at.record,
        tell(first, at.first),
        tell(second, at.second)
    )
}
