//! Which events a list shows: by text, topic, task, and by how they
//! stand to one event (before, after, beside it). Pure.

use std::rc::Rc;

use sim_core::analysis::{Relation, Topic};
use sim_core::base::TaskId;
use sim_core::record::{Record, Run};

use crate::engine;

/// Relations to choose from, with their names.
pub const RELATIONS: [(Relation, &str); 3] = [
    (Relation::Before, "that led to it"),
    (Relation::After, "that came of it"),
    (Relation::Concurrent, "beside it"),
];

/// How events stand to the one that was current when it was asked for.
#[derive(Clone)]
pub struct Cone {
    pub wanted: Relation,
    /// The one.
    pub pivot: usize,
    relations: Rc<Vec<Relation>>,
}

impl Cone {
    pub fn new(run: &Run, pivot: usize, wanted: Relation) -> Self {
        Self { wanted, pivot, relations: Rc::new(engine::causality(run, pivot)) }
    }
}

/// What is asked for; all of it must hold.
#[derive(Clone, Default)]
pub struct Filter {
    /// In lower case.
    pub text: String,
    pub topic: Option<Topic>,
    pub task: Option<TaskId>,
    pub cone: Option<Cone>,
}

impl Filter {
    /// Whether everything shows.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty() && self.choices() == 0
    }

    /// How much is asked for besides the text.
    pub fn choices(&self) -> usize {
        usize::from(self.topic.is_some())
            + usize::from(self.task.is_some())
            + usize::from(self.cone.is_some())
    }

    /// Whether a record shows. The one that others are compared with
    /// always does, so that it stands between what is before and after.
    pub fn matches(&self, run: &Run, index: usize, record: &Record) -> bool {
        if let Some(cone) = &self.cone {
            match cone.relations.get(index) {
                Some(Relation::Itself) => return true,
                Some(relation) if *relation == cone.wanted => {}
                _ => return false,
            }
        }
        self.topic.is_none_or(|topic| Topic::of(&record.event) == topic)
            && self.task.is_none_or(|task| record.task == task)
            && (self.text.is_empty()
                || engine::event_text(run, record).to_lowercase().contains(&self.text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Job, Outcome, Request};

    fn outcome() -> Outcome {
        let mut job = Job::start(&Request::default()).unwrap();
        while job.advance(100_000) {}
        Outcome::of(job.into_run())
    }

    fn found(run: &Run, filter: &Filter) -> Vec<usize> {
        let all = run.trace.iter().enumerate();
        all.filter(|(index, record)| filter.matches(run, *index, record)).map(|it| it.0).collect()
    }

    #[test]
    fn conditions_narrow_each_other() {
        let run = outcome().run;
        let reaper = run.cast.tasks.iter().find(|(_, info)| info.name == "oom_reaper").unwrap().0;
        let topic = Filter { topic: Some(Topic::Reaping), ..Filter::default() };
        let both = Filter { task: Some(reaper), ..topic.clone() };
        let text = Filter { text: "finish".to_owned(), ..both.clone() };
        let [all, topic, both, text] =
            [&Filter::default(), &topic, &both, &text].map(|filter| found(&run, filter).len());
        assert_eq!(all, run.trace.len());
        assert!(all > topic && topic > both && both > text, "{all} {topic} {both} {text}");
    }

    #[test]
    fn what_led_to_an_event_ends_with_it() {
        let run = outcome().run;
        let pivot = run.trace.len() / 2;
        let with = |wanted| {
            let cone = Some(Cone::new(&run, pivot, wanted));
            found(&run, &Filter { cone, ..Filter::default() })
        };
        let (before, after) = (with(Relation::Before), with(Relation::After));
        assert_eq!(before.last(), Some(&pivot));
        assert_eq!(after.first(), Some(&pivot));
        let beside = with(Relation::Concurrent).len();
        assert_eq!(before.len() + after.len() + beside, run.trace.len() + 2);
    }
}
