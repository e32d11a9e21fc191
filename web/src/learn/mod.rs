//! Lessons beside the timeline: which is open, at which step, what was
//! answered, and how far one has come. Pure; the panel is in [`panel`].

pub mod memory;
pub mod panel;
mod text;

use std::collections::BTreeMap;

use sim_core::lesson::{self, Complaint, Lesson, Look, Moment, Stage, Step, Zoom};
use sim_core::share::{Other, ScenarioRef};

use crate::engine::{DEFAULT_SEED, OTHERS_MAX, Outcome, Request};
use crate::shared::Shared;
use crate::texts;
use crate::timeline::viewport::Viewport;

pub use lesson::Entry;

/// What is open, and what was read before.
#[derive(Clone, PartialEq, Default)]
pub struct Learn {
    /// Whether the panel shows.
    pub shown: bool,
    /// The open lesson; without one the panel lists them.
    pub course: Option<Course>,
    pub progress: Progress,
    /// Whether a first visit is offered the tour.
    pub offers_tour: bool,
}

/// Steps seen, by lesson.
pub type Progress = BTreeMap<String, usize>;

/// A lesson that is being read.
#[derive(Clone, PartialEq)]
pub struct Course {
    /// `None`: a file of the reader's own.
    pub id: Option<&'static str>,
    pub lesson: Shared<Lesson>,
    /// From 0.
    pub step: usize,
    pub answer: Answer,
    /// Whether the run of this step is still to come.
    pub awaits_run: bool,
}

/// What became of a step's question.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    NotYet,
    /// By its place.
    Chosen(usize),
    Skipped,
}

/// What can be done with lessons.
#[derive(Clone)]
pub enum Lessons {
    /// Opens the panel, or closes it.
    Toggle,
    /// Back to the list.
    List,
    /// A lesson by id, at a step from 0.
    Open(&'static str, usize),
    /// A lesson of the reader's own.
    OpenFile(Shared<Lesson>),
    /// A step from 0.
    GoTo(usize),
    Answer(Answer),
    /// What an earlier visit stored.
    Remembered(Progress),
    OfferTour,
    DeclineTour,
}

impl Course {
    /// A lesson of the program, at a step from 0; no further than its last.
    pub fn find(id: &str, step: usize) -> Option<Self> {
        let entry = texts::lessons().iter().find(|entry| entry.id == id)?;
        let lesson = lesson::parse(entry.text).ok()?;
        Some(Self::new(Some(entry.id), Shared::new(lesson), step))
    }

    pub fn new(id: Option<&'static str>, lesson: Shared<Lesson>, step: usize) -> Self {
        let step = step.min(lesson.steps.len().saturating_sub(1));
        Self { id, lesson, step, answer: Answer::NotYet, awaits_run: true }
    }

    pub fn present(&self) -> &Step {
        &self.lesson.steps[self.step]
    }

    /// Where to look now.
    pub fn look(&self) -> Look {
        let step = self.present();
        let look = step.look.clone();
        match &step.question {
            Some(question) if self.answer != Answer::NotYet => Look {
                cursor: question.look.cursor.clone().or(look.cursor),
                zoom: question.look.zoom.clone().or(look.zoom),
                focus: question.look.focus.clone().or(look.focus),
            },
            _ => look,
        }
    }

    /// As a link names it.
    pub fn key(&self) -> Option<String> {
        Some(format!("{}.{}", self.id?, self.step + 1))
    }
}

/// What a link names: `mmap-lock.3`.
pub fn course_of_key(key: &str) -> Option<Course> {
    let (id, step) = key.rsplit_once('.')?;
    let step: usize = step.parse().ok().filter(|step| *step > 0)?;
    Course::find(id, step - 1)
}

/// The one that follows it.
pub fn after(id: &str) -> Option<&'static Entry> {
    let place = lesson::ALL.iter().position(|entry| entry.id == id)?;
    lesson::ALL.get(place + 1)
}

/// What a step runs.
pub fn request(step: &Step) -> Request {
    let setting = &step.setting;
    let mut policies = setting.policies.iter().cloned();
    Request {
        scenario: ScenarioRef::ById(setting.scenario.clone()),
        seed: setting.seed.unwrap_or(DEFAULT_SEED),
        kernel: setting.kernel.clone(),
        policy: policies.next(),
        others: policies.take(OTHERS_MAX).map(Other::Policy).collect(),
        sets: setting.sets.clone(),
        checks: setting.checks.clone(),
        forks: Vec::new(),
        branches: Vec::new(),
    }
}

/// A look, found in a run.
#[derive(Copy, Clone, PartialEq, Debug)]
pub struct Sight {
    pub cursor: Option<Moment>,
    pub view: Option<Viewport>,
    pub lane: Option<usize>,
}

/// Finds it; what isn't there is left as it is.
pub fn sight(look: &Look, outcome: &Outcome) -> Sight {
    let end = outcome.run.end;
    let stage = Stage { lanes: &outcome.lanes, incidents: &outcome.report.incidents, end };
    let view = look.zoom.as_ref().and_then(|zoom| match zoom {
        Zoom::Whole => Some(Viewport::whole(end.0)),
        Zoom::Between(from, to) => {
            let (from, to) = (from.find(&stage)?.at.0, to.find(&stage)?.at.0);
            Some(Viewport::between(from, to, end.0))
        }
    });
    let lane = |title: &String| outcome.lanes.iter().position(|lane| lane.title == *title);
    Sight {
        cursor: look.cursor.as_ref().and_then(|point| point.find(&stage)),
        view,
        lane: look.focus.as_ref().and_then(lane),
    }
}

/// Whether a file's name ends like that, in letters of any case.
pub fn has_extension(name: &str, extension: &str) -> bool {
    let of_name = name.rsplit_once('.').map(|(_, of_name)| of_name);
    of_name.is_some_and(|of_name| of_name.eq_ignore_ascii_case(extension))
}

/// Whether a text is meant as a lesson.
pub fn is_lesson(name: &str, text: &str) -> bool {
    has_extension(name, "md") || text.starts_with("# ") && text.contains("\n@")
}

/// A lesson of the reader's own, or what is wrong with it.
pub fn read(name: &str, text: &str) -> Result<Shared<Lesson>, String> {
    let lines = |wrong: Vec<Complaint>| {
        let lines: Vec<String> = wrong.iter().map(|it| format!("{name}, {it}")).collect();
        lines.join("\n")
    };
    lesson::parse(text).map(Shared::new).map_err(lines)
}
