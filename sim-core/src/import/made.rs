//! What a scenario is written from: tasks with their memory and what becomes of them, the machine, and
//! notes on how all of it came about. Leaves out how it is found in a capture
//! ([`to_scenario`](super::to_scenario)).

use super::machine_seen::MachineSeen;
use super::story::Story;

/// A task of at least so many pages has the small VMAs of a program too.
const PROGRAM_PAGES: u64 = 1024;

/// How a note came about.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum NoteKind {
    /// It follows from the capture.
    Inferred,
    /// It is made up.
    Assumed,
    /// The capture has it and the scenario has not.
    Ignored,
}

impl NoteKind {
    /// As a word before the note.
    pub fn text(self) -> &'static str {
        match self {
            Self::Inferred => "inferred",
            Self::Assumed => "assumed",
            Self::Ignored => "ignored",
        }
    }
}

/// A sentence on how the scenario came about.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct Note {
    /// How it came about.
    pub kind: NoteKind,
    /// In words.
    pub text: String,
}

/// What comes of a capture.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The scenario, with the notes as comments.
    pub toml: String,
    /// How it came about.
    pub notes: Vec<Note>,
    /// What the capture tells, to lay beside a run.
    pub story: Story,
    /// Who is killed, in order; a log may say no more than that.
    pub killed: Vec<String>,
}

/// A task of the scenario.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a thing of its own that a capture tells"
)]
pub(super) struct TaskMade {
    pub(super) comm: String,
    pub(super) pid: Option<u32>,
    pub(super) uid: u32,
    pub(super) adj: i16,
    /// Anonymous pages at the first kill.
    pub(super) pages: u64,
    /// Pages it goes on to want, those among them.
    pub(super) want: u64,
    /// Whether memory runs out under it.
    pub(super) presses: bool,
    /// Pages a second, if it grows at a rate.
    pub(super) rate: Option<u64>,
    pub(super) stays: Stays,
    /// Whether its size is, and not made up.
    pub(super) is_told: bool,
    /// Who forks it.
    pub(super) parent: Option<usize>,
    /// Whether it is of the control group that is killed as a whole.
    pub(super) together: bool,
    /// Its control group, by number.
    pub(super) group: Option<usize>,
    /// What it presses with: blocks of this order for the kernel, or single pages of its own.
    pub(super) order: u8,
    /// How much later than the first it begins to press, in µs.
    pub(super) delay_us: i64,
    /// Whether it comes when another of its control group is dead.
    pub(super) is_later: bool,
}

impl TaskMade {
    /// Whether it has the small VMAs of a program.
    pub(super) fn has_preset(&self) -> bool {
        self.pages >= PROGRAM_PAGES
    }
}

/// What happens to a victim after the kill.
#[derive(Clone, Debug, Default)]
pub(super) struct Stays {
    /// How long it holds `mmap_lock`, in µs.
    pub(super) holds_us: Option<i64>,
    /// Pages that it goes on to ask for while it holds the lock, and must get.
    pub(super) asks: Option<u64>,
    /// How long it can't exit, in µs.
    pub(super) stuck_us: Option<i64>,
    /// What a driver refuses.
    pub(super) mirror: Option<Mirror>,
}

/// A driver that refuses.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub(super) enum Mirror {
    /// On the list, whatever the range.
    Everything,
    /// On the list, ranges that overlap so many pages.
    List(u64),
    /// Interval notifiers over so many pages.
    Interval(u64),
}

/// All that a scenario is written from.
pub(super) struct Made {
    pub(super) files: Vec<String>,
    pub(super) machine: MachineSeen,
    pub(super) tasks: Vec<TaskMade>,
    pub(super) victims: Vec<String>,
    /// Pages of the control groups that are at their limits.
    pub(super) limits: Vec<u64>,
    /// Whether the reaper backs off from whoever has a notifier.
    pub(super) passes_over: bool,
    /// Whether nothing happens outside of them.
    pub(super) all_in_groups: bool,
    /// How long the capture goes on after the first kill, in µs.
    pub(super) lasts_us: i64,
    pub(super) notes: Vec<Note>,
}

impl Made {
    pub(super) fn note(&mut self, kind: NoteKind, text: impl Into<String>) {
        let note = Note { kind, text: text.into() };
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}
