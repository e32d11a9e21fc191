//! What can happen to the page.

use sim_core::base::{SimTime, TaskId};
use sim_core::share::{Branch, Other, ScenarioRef};

use super::{Dialog, Scene};
use crate::event_filter::Narrow;
use crate::keys::{Command, Keys};
use crate::learn::Lessons;
use crate::playback::Speed;
use crate::route::Route;
use crate::shared::Shared;
use crate::sweep::rewind::Rewind;
use crate::timeline::palette::{Rgb, Shade};
use crate::timeline::rows::Group;
use crate::timeline::viewport::Viewport;
use crate::transfer::Received;
use crate::words::t;

/// One change of what to run.
#[derive(Clone, PartialEq, Debug)]
pub enum Change {
    Scenario(String),
    /// The smallest scenario, for whoever writes one of their own.
    Begin,
    /// What is being edited: its text, or the gallery's if it is that again.
    Text(ScenarioRef),
    Policy(Option<String>),
    Kernel(Option<String>),
    Seed(u64),
    /// A checker is asked, or not any more.
    Check(&'static str),
    /// One more run to compare with.
    Beside(Other),
    /// One less, by its place among the others.
    Without(usize),
    /// One of them, by its place, becomes the run that is looked at, and that one of them.
    Look(usize),
    /// A run forked off the first one (0), or off a branch.
    Fork(Branch),
    /// That branch and what was forked off it go; numbered from 1.
    Unfork(usize),
    /// That branch becomes the first run, with what was forked off it.
    Branch(usize),
}

/// The user's choice of colors.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Theme {
    System,
    Light,
    Dark,
}

impl Theme {
    /// As it is stored.
    pub fn id(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::System => t!("system"),
            Self::Light => t!("light"),
            Self::Dark => t!("dark"),
        }
    }

    /// The one stored under this id.
    pub fn from_id(id: &str) -> Self {
        match id {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::System,
        }
    }

    /// The next when the button is pressed.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::System => Self::Light,
            Self::Light => Self::Dark,
            Self::Dark => Self::System,
        }
    }
}

/// Everything the reducer understands.
#[derive(Clone)]
pub enum Action {
    /// A link was opened.
    Open(Route),
    /// The browser went back or forth to what was on screen before.
    Return(Route),
    /// The hand rests, and the address says what is on screen.
    Settled,
    /// A link could not be read; `message` says why.
    Refuse {
        message: String,
    },
    /// The user wants another run.
    Choose(Change),
    /// The run asked for has come this far.
    Progress {
        now: SimTime,
        horizon: SimTime,
    },
    /// The runs to compare with are done; the one to look at follows.
    Compared(Vec<Shared<Scene>>),
    /// It is done.
    Finished(Shared<Scene>),
    /// It could not be run.
    Failed(String),
    /// Wall-clock seconds passed while playing.
    Tick(f64),
    /// A key.
    Command {
        command: Command,
        anchor: Option<f64>,
    },
    /// The cursor goes to an instant.
    Seek(u64),
    /// The cursor goes to what happened in the microsecond that a sentence told.
    SeekTold(u64),
    /// The cursor goes to a record, which is the last that happened.
    SeekRecord(usize),
    SelectLane(usize),
    /// Other events show in the list and in the lanes.
    Narrow(Narrow),
    /// Records that a filter lets through; `None` without a filter.
    Matched(Option<Shared<Vec<usize>>>),
    /// A group of lanes folds or unfolds.
    ToggleGroup(Group),
    /// The text of a note.
    EditNote {
        index: usize,
        text: String,
    },
    RemoveNote(usize),
    Keys(Keys),
    /// The lane of a task.
    SelectTask(TaskId),
    View(Viewport),
    Zoom {
        factor: f64,
        anchor: Option<f64>,
    },
    /// What the lane does at the instant fills the window, or the range there; once more: the
    /// whole run.
    Fit {
        lane: usize,
        at: u64,
    },
    /// By a share of the window's width.
    Pan(f64),
    Select(Option<(u64, u64)>),
    Play(bool),
    Speed(Speed),
    /// Whether playing stops where a cycle closes.
    StopAtCycles(bool),
    Theme(Theme),
    SystemShade(Shade),
    /// Ground and ink, while the system forces its colors.
    Forced(Option<(Rgb, Rgb)>),
    /// The user prefers more contrast.
    Contrast(bool),
    /// The page goes to paper, or comes back.
    Printing(bool),
    /// The user prefers no motion.
    Calm(bool),
    /// Opens or closes the editor.
    Edit(bool),
    /// What became of rewinding a run so far; or it is put away.
    Rewound(Option<Shared<Rewind>>),
    /// Opens or closes the sweep.
    Sweep(bool),
    Show(Dialog),
    CloseDialog,
    Learn(Lessons),
    /// Files were brought.
    Received(Shared<Received>),
    /// What was made of a recording is to run, under this policy or the kernel's own.
    RunReceived(Option<String>),
    /// Something to tell in plain words.
    Notice(String),
    DismissNotice,
}
