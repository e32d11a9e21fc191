//! Lessons: texts that drive a run. Each is a Markdown file with
//! directives (`docs/src/write-a-lesson.md`); a step says what to run, where
//! to look and perhaps what to guess first, and every claim that it
//! makes is checked against the simulator by [`verify`].
//!
//! Nothing here draws: the page shows a [`Lesson`] beside its timeline.

mod claim;
mod facts;
mod markup;
mod parse;
mod point;
#[cfg(test)]
mod tests;
mod verify;

use std::fmt;

pub use claim::Claim;
pub use facts::Facts;
pub use markup::{Block, Inline};
pub use parse::parse;
pub use point::{Moment, Point, Stage};
pub use verify::verify;

use crate::scenario::gallery;

/// Bytes of the longest lesson that is read.
pub const LESSON_SIZE_MAX: usize = 64 << 10;

/// A lesson.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct Lesson {
    /// Its heading.
    pub title: String,
    /// What it is about, in a sentence.
    pub summary: String,
    /// In order; at least one.
    pub steps: Vec<Step>,
}

/// One step of a lesson.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct Step {
    /// Its heading.
    pub title: String,
    /// Line of the heading, from 1.
    pub line: usize,
    /// What runs.
    pub setting: Setting,
    /// Where to look.
    pub look: Look,
    /// What to read.
    pub body: Vec<Block>,
    /// What to guess before the rest is shown.
    pub question: Option<Question>,
    /// What the step says is so.
    pub claims: Vec<Claim>,
}

/// What runs during a step.
#[derive(Clone, Eq, PartialEq, Default, Debug)]
pub struct Setting {
    /// Id of the gallery.
    pub scenario: String,
    /// `None`: 1.
    pub seed: Option<u64>,
    /// Kernel profile; `None`: the scenario's.
    pub kernel: Option<String>,
    /// Policies, the one to look at first; empty: the scenario's own.
    pub policies: Vec<String>,
    /// Checkers.
    pub checks: Vec<String>,
    /// Overrides.
    pub sets: Vec<(String, String)>,
}

/// Where to look.
#[derive(Clone, Eq, PartialEq, Default, Debug)]
pub struct Look {
    /// Where the cursor stands.
    pub cursor: Option<Point>,
    /// What part of the run shows; none: as it is.
    pub zoom: Option<Zoom>,
    /// Title of the lane that is selected.
    pub focus: Option<String>,
}

/// A part of a run.
#[derive(Clone, Eq, PartialEq, Debug)]
pub enum Zoom {
    /// All of it.
    Whole,
    /// From one point to another.
    Between(Point, Point),
}

/// Something to guess.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct Question {
    /// What is asked.
    pub text: Vec<Inline>,
    /// At least two, one of them right.
    pub choices: Vec<Choice>,
    /// Where to look once it is answered.
    pub look: Look,
    /// What to read then.
    pub reveal: Vec<Block>,
}

/// An answer to choose.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct Choice {
    /// What it says.
    pub text: Vec<Inline>,
    /// Whether it is so.
    pub right: bool,
}

/// What is wrong with a lesson, where, and what to do about it.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct Complaint {
    /// From 1.
    pub line: usize,
    /// What is wrong.
    pub text: String,
    /// What to write instead.
    pub remedy: String,
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}: {}", self.line, self.text, self.remedy)
    }
}

/// A lesson that comes with the program.
#[derive(Copy, Clone, Debug)]
pub struct Entry {
    /// Stem of its file; wire format: links carry it.
    pub id: &'static str,
    /// Its file.
    pub text: &'static str,
}

impl Entry {
    /// Its heading, which is the first line.
    pub fn title(&self) -> &'static str {
        self.text.lines().next().and_then(|line| line.strip_prefix("# ")).unwrap_or(self.id)
    }

    /// Its summary.
    pub fn summary(&self) -> &'static str {
        self.text.lines().find_map(|line| line.strip_prefix("@summary: ")).unwrap_or_default()
    }

    /// How many steps it has.
    pub fn steps(&self) -> usize {
        self.text.lines().filter(|line| line.starts_with("## ")).count()
    }
}

/// All lessons, in the order in which they are read; the first is the tour. `build.rs` finds them.
pub const ALL: &[Entry] = include!(concat!(env!("OUT_DIR"), "/lessons.rs"));

/// The lesson with this id, parsed.
///
/// # Errors
/// If there is none, or its file is wrong.
pub fn find(id: &str) -> Result<Lesson, Vec<Complaint>> {
    let entry = ALL.iter().find(|entry| entry.id == id);
    let entry = entry.ok_or_else(|| {
        vec![Complaint {
            line: 1,
            text: format!("there is no lesson `{id}`"),
            remedy: format!("the first is `{}`", ALL[1].id),
        }]
    })?;
    parse(entry.text)
}

impl Setting {
    /// The text of its scenario.
    fn scenario_text(&self) -> Option<&'static str> {
        gallery::find(&self.scenario).map(|entry| entry.text)
    }
}
