//! Which events a list shows: by text, topic, task, and by how they
//! stand to one event (before, after, beside it). Pure.

use std::rc::Rc;

use sim_core::analysis::{Lane, Mark, Relation, Topic};
use sim_core::base::TaskId;
use sim_core::record::{Record, Run};

use crate::engine;
use crate::timeline::palette::{Shade, mark_look};
use crate::words::mark;

/// Relations to choose from, with their names.
pub const RELATIONS: [(Relation, &str); 3] = [
    (Relation::Before, mark!("that led to it")),
    (Relation::After, mark!("that came of it")),
    (Relation::Concurrent, mark!("beside it")),
];

/// What is asked for besides the text, as the state holds it and links carry it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Wanted {
    pub topic: Option<Topic>,
    /// How they must stand to the record of this number.
    pub relation: Option<(Relation, usize)>,
    pub task: Option<TaskId>,
}

/// A change of what is asked for.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Narrow {
    Topic(Option<Topic>),
    Task(Option<TaskId>),
    /// To the last event that has happened.
    Relation(Option<Relation>),
    Nothing,
}

impl Wanted {
    /// Whether it lets everything through.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// With one thing changed, when `happened` records have.
    pub fn narrowed(&mut self, by: Narrow, happened: usize) {
        match by {
            Narrow::Topic(topic) => self.topic = topic,
            Narrow::Task(task) => self.task = task,
            Narrow::Relation(relation) => {
                self.relation = relation.map(|it| (it, happened.saturating_sub(1)));
            }
            Narrow::Nothing => *self = Self::default(),
        }
    }

    /// As links carry it; nothing if it is empty.
    pub fn text(&self, run: &Run) -> Option<String> {
        let topic = self.topic.map(|topic| format!("kind:{}", topic.id()));
        let relation = self.relation.and_then(|(relation, pivot)| {
            let (_, word) = WORDS.iter().find(|(known, _)| *known == relation)?;
            Some(format!("{word}:{pivot}"))
        });
        let task = self.task.and_then(|task| run.cast.tasks.get(task));
        let task = task.map(|info| format!("task:{}", info.name));
        let parts: Vec<String> = topic.into_iter().chain(relation).chain(task).collect();
        (!parts.is_empty()).then(|| parts.join(","))
    }

    /// What a link asks for, as far as it fits this run.
    pub fn read(text: &str, run: &Run) -> Self {
        let mut wanted = Self::default();
        let mut rest = Some(text);
        while let Some(text) = rest {
            // A task's name comes last, whatever is in it.
            if let Some(name) = text.strip_prefix("task:") {
                let mut tasks = run.cast.tasks.iter();
                wanted.task = tasks.find(|(_, info)| info.name == name).map(|(task, _)| task);
                break;
            }
            let (part, after) = match text.split_once(',') {
                Some((part, after)) => (part, Some(after)),
                None => (text, None),
            };
            rest = after;
            match part.split_once(':') {
                Some(("kind", id)) => {
                    wanted.topic = Topic::ALL.into_iter().find(|topic| topic.id() == id);
                }
                Some((word, pivot)) => {
                    let relation = WORDS.iter().find(|(_, known)| *known == word);
                    let pivot = pivot.parse().ok().filter(|pivot| *pivot < run.trace.len());
                    wanted.relation = relation.map(|it| it.0).zip(pivot);
                }
                None => {}
            }
        }
        wanted
    }
}

/// Relations, as links name them.
const WORDS: [(Relation, &str); 3] =
    [(Relation::Before, "before"), (Relation::After, "after"), (Relation::Concurrent, "beside")];

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
    /// Records that carry a sign whose name in the legend has the text in it, in their order.
    pub signed: Vec<usize>,
    pub topic: Option<Topic>,
    pub task: Option<TaskId>,
    pub cone: Option<Cone>,
}

impl Filter {
    /// Takes over what is asked for; the text stays.
    pub fn take(&mut self, wanted: &Wanted, run: &Run) {
        self.topic = wanted.topic;
        self.task = wanted.task;
        let is_same = |cone: &Cone| Some((cone.wanted, cone.pivot)) == wanted.relation;
        if !self.cone.as_ref().is_some_and(is_same) {
            let cone = |(relation, pivot)| Cone::new(run, pivot, relation);
            self.cone = wanted.relation.map(cone);
        }
    }

    /// Looks up which signs of a run the text names: whoever types what the legend calls them
    /// finds them.
    pub fn look_up(&mut self, lanes: &[Lane]) {
        let marks = lanes.iter().flat_map(|lane| &lane.marks);
        let name = |mark: &Mark| mark_look(mark.kind, Shade::Light).1.to_ascii_lowercase();
        let named = |mark: &&Mark| name(mark).contains(&self.text);
        let is_asked = !self.text.is_empty();
        self.signed = marks.filter(|mark| is_asked && named(mark)).map(|it| it.record).collect();
        self.signed.sort_unstable();
        // One may stand in two lanes.
        self.signed.dedup();
    }

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
                || self.signed.binary_search(&index).is_ok()
                || engine::event_text(run, record).to_ascii_lowercase().contains(&self.text))
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
    fn what_is_asked_for_travels_as_text() {
        let run = outcome().run;
        let stuck = run.cast.tasks.iter().find(|(_, info)| info.name == "hog/stuck").unwrap().0;
        let mut wanted = Wanted::default();
        assert_eq!((wanted.text(&run), wanted.is_empty()), (None, true));
        wanted.narrowed(Narrow::Task(Some(stuck)), 8);
        wanted.narrowed(Narrow::Topic(Some(Topic::Waits)), 8);
        wanted.narrowed(Narrow::Relation(Some(Relation::After)), 8);
        let text = wanted.text(&run).unwrap();
        assert_eq!(text, "kind:waits,after:7,task:hog/stuck");
        assert_eq!(Wanted::read(&text, &run), wanted);
        // What does not fit this run is left out.
        let other = Wanted::read("kind:dreams,before:99999999,task:nobody", &run);
        assert!(other.is_empty(), "{other:?}");
        wanted.narrowed(Narrow::Nothing, 8);
        assert!(wanted.is_empty());
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
    fn signs_are_found_by_their_names_in_the_legend() {
        let outcome = outcome();
        let known = [("callback refused", 10), ("mmf_oom_skip set", 3), ("no such sign", 0)];
        for (text, count) in known {
            let mut filter = Filter { text: text.to_owned(), ..Filter::default() };
            filter.look_up(&outcome.lanes);
            assert_eq!(found(&outcome.run, &filter).len(), count, "{text}");
            assert_eq!(filter.signed.len(), count, "{text}");
        }
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
