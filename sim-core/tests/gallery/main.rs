//! The gallery is held to what its texts say.
//!
//! Every scenario that argues for something (failure modes, deadlocks, the
//! discussion, eras, real bugs) has a row in a table for each policy,
//! kernel and override that it is about: verdict, flags and incidents. One row
//! at least shows what the scenario is for, and one at least doesn't,
//! because the cause is taken away. What else a text claims has a test of its own.

mod as_told;
mod causes;
mod deadlocks;
mod discussion;
mod eras;
mod failure_details;
mod failure_modes;
mod oracle;
mod real_bugs;
mod rows;
mod stories;
mod told;

use std::collections::BTreeMap;

use rows::{Outcome, Row};
use sim_core::scenario::gallery::gallery;
use sim_core::scenario::parse;

/// All rows.
fn table() -> Vec<Row> {
    [failure_modes::ROWS, deadlocks::ROWS, discussion::ROWS, eras::ROWS, real_bugs::ROWS].concat()
}

#[test]
fn every_row_is_as_the_table_says() {
    let wrong: Vec<String> = table()
        .iter()
        .filter_map(|row| {
            let is = row.outcome();
            (is != row.expected()).then(|| format!("{} {}\n    is {is:?}", row.id, row.with))
        })
        .collect();
    assert!(wrong.is_empty(), "{} rows differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// A scenario without a control shows nothing.
#[test]
fn every_scenario_is_shown_and_not_shown() {
    let mut rows: BTreeMap<&str, Vec<Row>> = BTreeMap::new();
    for row in table() {
        rows.entry(row.id).or_default().push(row);
    }
    for entry in gallery().iter().filter(|entry| entry.group.argues()) {
        let rows = rows.remove(entry.id).unwrap_or_default();
        let shown = rows.iter().find(|row| row.with.is_empty()).map(Row::expected);
        let shown: Outcome = shown.unwrap_or_else(|| panic!("{} has no row of its own", entry.id));
        assert!(rows.iter().any(|row| row.expected() != shown), "{} has no control", entry.id);
    }
    assert!(rows.is_empty(), "rows of no scenario: {:?}", rows.keys());
}

/// Small enough to play with, and told in three sentences.
#[test]
fn scenarios_are_short() {
    for entry in gallery() {
        let scenario = parse(entry.id, entry.text, &[]).expect("parses");
        let words = scenario.about.split_whitespace();
        let sentences = words.filter(|word| word.ends_with(['.', '?', '!'])).count();
        assert_eq!(sentences, 3, "{}: {}", entry.id, scenario.about);
        if !entry.group.argues() {
            continue;
        }
        let lines = entry.text.lines().count();
        assert!(lines <= 100, "{}: {lines} lines", entry.id);
        let longest = entry.text.lines().map(|line| line.chars().count()).max();
        assert!(longest <= Some(125), "{}: {longest:?}", entry.id);
        let events = rows::run(entry.id, "").events;
        assert!(events <= 100_000, "{}: {events} events", entry.id);
    }
}
