//! Recordings of a real kernel against runs of the simulator.
//!
//! Both are read by the same reader and laid side by side; a run that
//! differs by more than `compare.rs` allows fails with the whole table.

mod compare;
mod files;
mod reader;

use compare::compare;
use files::{ALL, Recording};

#[test]
fn recording_agrees_with_itself_and_with_no_other() {
    for (index, one) in ALL.iter().enumerate() {
        for (other_index, other) in ALL.iter().enumerate() {
            let comparison = compare(&one.story(), &other.story());
            let same = comparison.failures().is_empty();
            assert_eq!(
                same,
                index == other_index,
                "{} and {}\n{comparison}",
                one.id,
                other.id
            );
        }
    }
}

#[test]
fn one_attempt_less_is_noticed() {
    let recording = Recording::find("S6-3").story();
    let mut wrong = recording.clone();
    wrong.victims[0].attempts.pop();
    let comparison = compare(&recording, &wrong);
    assert!(
        comparison.failures().contains(&"hog: attempts"),
        "{comparison}"
    );
}
