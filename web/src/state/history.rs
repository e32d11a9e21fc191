//! Undo and redo of how one looks at a run: zoom, range, rows, notes, and
//! what was forked off it. The run itself and the cursor are left alone.

use sim_core::share::Branch;

use super::{Action, Change, State};
use crate::keys::Command;
use crate::route::Note;
use crate::timeline::rows::Arrangement;
use crate::timeline::viewport::Viewport;

/// Looks kept.
const LOOKS_MAX: usize = 100;

/// What undo brings back.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Look {
    view: Viewport,
    selection: Option<(u64, u64)>,
    arrangement: Arrangement,
    notes: Vec<Note>,
    branches: Vec<Branch>,
}

/// Changes that follow each other without a rest are undone together if alike.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    View,
    Selection,
    Rows,
    Notes,
    Forks,
    /// Another look at the same run was opened.
    Opened,
    /// Typing in this note.
    Text(usize),
}

/// What was, and what was undone.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct History {
    past: Vec<(Kind, Look)>,
    future: Vec<Look>,
    /// Whether the hand has not rested since the last change.
    goes_on: bool,
}

impl History {
    pub fn can_undo(&self) -> bool {
        !self.past.is_empty()
    }

    pub fn can_redo(&self) -> bool {
        !self.future.is_empty()
    }

    /// The hand rests: what comes next is a change of its own.
    pub(super) fn rest(&mut self) {
        self.goes_on = false;
    }

    /// Forgets the last change if it was of forks, and these are what it began with.
    pub(super) fn forget_forks(&mut self, before: &[Branch]) {
        let is_it = |(kind, look): &(Kind, Look)| *kind == Kind::Forks && look.branches == before;
        if self.past.last().is_some_and(is_it) {
            self.past.pop();
        }
    }
}

/// What an action changes, if it can be undone.
pub(super) fn kind_of(action: &Action) -> Option<Kind> {
    Some(match action {
        Action::View(_) | Action::Zoom { .. } | Action::Fit { .. } | Action::Pan(_) => Kind::View,
        Action::Select(_) => Kind::Selection,
        Action::ToggleGroup(_) => Kind::Rows,
        Action::EditNote { index, .. } => Kind::Text(*index),
        Action::RemoveNote(_) => Kind::Notes,
        Action::Choose(Change::Fork(_) | Change::Unfork(_)) => Kind::Forks,
        Action::Command { command, .. } => match command {
            Command::ZoomIn
            | Command::ZoomOut
            | Command::WholeRun
            | Command::FitSelection
            | Command::PanLeft
            | Command::PanRight => Kind::View,
            Command::Clear
            | Command::RangeFromSpan
            | Command::BeginRange
            | Command::EndRange
            | Command::ExtendSelection(_) => Kind::Selection,
            Command::PinLane
            | Command::HideLane
            | Command::ShowHiddenLanes
            | Command::ShowAllLanes
            | Command::ShiftLane(_) => Kind::Rows,
            Command::Note | Command::NoteRange | Command::RemoveNote => Kind::Notes,
            _ => return None,
        },
        _ => return None,
    })
}

impl State {
    pub(super) fn look(&self) -> Look {
        Look {
            view: self.view,
            selection: self.selection,
            arrangement: self.arrangement.clone(),
            notes: self.notes.clone(),
            branches: self.request.branches.clone(),
        }
    }

    /// Remembers the look before a change of this kind, if it was one.
    pub(super) fn remember(&mut self, kind: Kind, before: Look) {
        if before == self.look() {
            return;
        }
        self.history.future.clear();
        let goes_on = std::mem::replace(&mut self.history.goes_on, true);
        let joins = goes_on && matches!(kind, Kind::View | Kind::Selection | Kind::Text(_));
        if joins && self.history.past.last().is_some_and(|last| last.0 == kind) {
            return;
        }
        self.history.past.push((kind, before));
        if self.history.past.len() > LOOKS_MAX {
            self.history.past.remove(0);
        }
    }

    pub(super) fn undo(&mut self) {
        self.history.rest();
        if let Some((_, look)) = self.history.past.pop() {
            let now = self.look();
            self.history.future.push(now);
            self.show(look);
        }
    }

    pub(super) fn redo(&mut self) {
        self.history.rest();
        if let Some(look) = self.history.future.pop() {
            let now = self.look();
            self.history.past.push((Kind::Notes, now));
            self.show(look);
        }
    }

    fn show(&mut self, look: Look) {
        self.view = Viewport::between(look.view.start, look.view.end(), self.end());
        self.selection = look.selection;
        self.arrangement = look.arrangement;
        self.notes = look.notes;
        if self.request.branches != look.branches {
            self.request.branches = look.branches;
            self.pending = None;
            self.run_again();
        }
    }
}
