//! Every kind of event has a name of its own kind and a sentence.

use super::{event_name, sentence};
use crate::analysis::story::Story;
use crate::base::{SimTime, TaskId};
use crate::engine::Stop;
use crate::record::{Event, Record};

#[test]
fn every_kind_has_a_name_and_a_sentence() {
    let run = Story::new().ends(1, Stop::Idle);
    let mut names = Vec::new();
    for &kind in Event::KINDS {
        let event = Event::unpack(kind, 0);
        let record = Record { at: SimTime::ZERO, task: TaskId(2), event };
        let sentence = sentence(&run, &record);
        assert!(sentence.is_some_and(|text| text.contains(' ')), "{}", event.name());
        names.push(event_name(&event));
    }
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "two kinds share a name");
    assert!(names.iter().all(|name| name.is_ascii() && !name.contains(char::is_uppercase)));
}
