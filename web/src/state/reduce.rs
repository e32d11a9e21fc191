//! The reducer: an action makes the next state. What actions do is in
//! [`runs`], [`moving`] and [`rows`].

mod learn;
mod moving;
mod receive;
mod rows;
mod runs;
mod telling;

use std::rc::Rc;

use yew::Reducible;

use super::history::{self};
use super::{Action, Dialog, Phase, State};
use crate::keys::Command;
use crate::learn::Lessons;
use crate::route::NOTE_BYTES_MAX;
use crate::timeline::viewport::Viewport;

/// The longest beginning of a text of at most this many bytes, without control characters.
fn cut(text: &str, bytes: usize) -> String {
    let mut cut = String::new();
    for letter in text.chars().filter(|letter| !letter.is_control()) {
        if cut.len() + letter.len_utf8() > bytes {
            break;
        }
        cut.push(letter);
    }
    cut
}

/// Id of the timeline's lanes, where all keys act.
pub const LANES: &str = "lanes";

/// Zoom of one key press or button.
const ZOOM_STEP: f64 = 0.7;
/// Pan of one key press or button, as a share of the window.
const PAN_STEP: f64 = 0.25;

impl Reducible for State {
    type Action = Action;

    fn reduce(self: Rc<Self>, action: Action) -> Rc<Self> {
        let mut next = (*self).clone();
        next.apply(action);
        // The same state renders nothing.
        if next == *self { self } else { Rc::new(next) }
    }
}

impl State {
    /// Changes the state as `action` says.
    pub fn apply(&mut self, action: Action) {
        match history::kind_of(&action) {
            Some(kind) => {
                let before = self.look();
                self.perform(action);
                self.remember(kind, before);
            }
            None => self.perform(action),
        }
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Open(route) => self.open(route),
            Action::Return(route) => self.come_back(route),
            Action::Settled => self.history.rest(),
            Action::Refuse { message } => self.refuse(&message),
            Action::Choose(change) => self.choose(change),
            Action::Progress { now, horizon } => self.phase = Phase::Running { now, horizon },
            Action::Compared(others) => self.others = others,
            Action::Finished(scene) => {
                let before = self.scene.clone();
                self.finished(scene);
                self.tell_run(before.as_deref());
            }
            Action::Failed(message) => self.failed(message),
            Action::Tick(seconds) => self.tick(seconds),
            Action::Command { command, anchor } => {
                if self.embed && !command.acts_in_embed() {
                    return;
                }
                let before = self.before();
                self.command(command, anchor);
                self.tell(command, &before);
            }
            Action::Seek(at) => self.seek(at),
            Action::SeekTold(at) => self.seek_told(at),
            Action::SeekRecord(record) => {
                self.seek_record(record);
                self.select_lane_of(record);
            }
            Action::SelectLane(lane) => self.select_lane(lane),
            Action::Narrow(by) => self.filter.narrowed(by, self.cursor.happened),
            Action::Matched(found) => self.match_lanes(found.as_deref()),
            Action::ToggleGroup(group) => self.arrangement.toggle_group(group),
            Action::EditNote { index, text } => {
                if let Some(note) = self.notes.get_mut(index) {
                    note.text = cut(&text, NOTE_BYTES_MAX);
                }
            }
            Action::RemoveNote(index) => {
                if index < self.notes.len() {
                    self.notes.remove(index);
                    self.focus(LANES);
                }
            }
            Action::Keys(keys) => self.keys = keys,
            Action::SelectTask(task) => self.select_task(task),
            Action::View(view) => self.view = view,
            Action::Zoom { factor, anchor } => self.zoom(factor, anchor),
            Action::Fit { lane, at } => self.fit(lane, at),
            Action::Pan(share) => self.view = self.view.panned(share, self.end()),
            Action::Select(range) => self.select(range),
            Action::Play(playing) => self.play(playing),
            Action::Speed(speed) => self.speed = speed,
            Action::StopAtCycles(stops) => self.stops = stops,
            Action::Theme(theme) => self.theme = theme,
            Action::SystemShade(shade) => self.system_shade = shade,
            Action::Forced(colors) => self.forced = colors,
            Action::Contrast(contrast) => self.contrast = contrast,
            Action::Printing(printing) => self.printing = printing,
            Action::Calm(calm) => self.calm = calm,
            Action::Edit(editing) => self.edit(editing),
            Action::Rewound(curve) => self.rewound = curve,
            Action::Sweep(sweeping) => self.sweep(sweeping),
            Action::Show(dialog) => self.dialog = Some(dialog),
            Action::CloseDialog => self.dialog = None,
            Action::Learn(what) => self.learn(what),
            Action::Received(received) => self.receive(received),
            Action::RunReceived(policy) => self.run_received(policy),
            Action::Notice(text) => self.notice = Some(text.into()),
            Action::DismissNotice => self.notice = None,
        }
    }

    /// Opens the editor, or closes it.
    fn edit(&mut self, editing: bool) {
        self.editing = editing;
        self.focus(if editing { "editor-title" } else { "edit-button" });
    }

    /// Opens the sweep, or closes it.
    fn sweep(&mut self, sweeping: bool) {
        self.sweeping = sweeping;
        self.focus(if sweeping { "sweep-title" } else { "sweep-button" });
    }

    #[inline(never)]
    fn command(&mut self, command: Command, anchor: Option<f64>) {
        let end = self.end();
        match command {
            Command::ZoomIn => self.zoom(ZOOM_STEP, anchor),
            Command::ZoomOut => self.zoom(1.0 / ZOOM_STEP, anchor),
            Command::WholeRun => self.view = Viewport::whole(end),
            Command::FitSelection => {
                if let Some((from, to)) = self.selection {
                    self.view = Viewport::between(from, to, end);
                }
            }
            Command::PanLeft => self.view = self.view.panned(-PAN_STEP, end),
            Command::PanRight => self.view = self.view.panned(PAN_STEP, end),
            Command::TogglePlay => self.play(!self.playing),
            Command::StepInLane(step) => self.step_in_lane(step),
            Command::StepEvent(step) => self.step_event(step),
            Command::ExtendSelection(step) => self.extend_selection(step),
            Command::Incident(step) => self.incident(step),
            Command::FollowCause => self.follow_cause(),
            Command::GoBack => self.go_back(),
            Command::Lane(toward) => {
                if let Some(lane) = self.rows().neighbor(self.lane, toward) {
                    self.select_lane(lane);
                }
            }
            Command::ShiftLane(toward) => self.arrange(|arrangement, scene, lane| {
                let outcome = &scene.outcome;
                arrangement.shift(&outcome.lanes, lane, &outcome.run.cast, toward);
            }),
            Command::PinLane => {
                self.arrange(|arrangement, _, lane| arrangement.toggle_pin(lane));
            }
            Command::HideLane => self.hide_lane(),
            Command::ShowHiddenLanes => self.arrangement.show_hidden(),
            Command::ShowAllLanes => self.arrangement.reset(),
            Command::GoToStart => self.stop_and_seek(0),
            Command::GoToEnd => self.stop_and_seek(end),
            // The browser moves the focus.
            Command::Search | Command::Compare => {}
            Command::Graph => self.graph = !self.graph,
            Command::StopAtCycles => self.stops = !self.stops,
            Command::Help => self.dialog = Some(Dialog::Help),
            Command::Story => self.dialog = self.scene.is_some().then_some(Dialog::Story),
            Command::Fork => {
                self.playing = false;
                self.dialog = self.scene.is_some().then_some(Dialog::Fork);
            }
            Command::Edit => self.edit(!self.editing),
            Command::Sweep => self.sweep(!self.sweeping),
            Command::Palette => self.dialog = Some(Dialog::Palette),
            Command::Learn => self.learn(Lessons::Toggle),
            Command::Tab(number) => self.tab(number),
            Command::Undo => self.undo(),
            Command::Redo => self.redo(),
            Command::RangeFromSpan => self.range_from_span(),
            Command::BeginRange => {
                let at = self.cursor.at;
                self.select(Some((at, self.selection.map_or(at, |(_, to)| to.max(at)))));
            }
            Command::EndRange => {
                let at = self.cursor.at;
                self.select(Some((self.selection.map_or(at, |(from, _)| from.min(at)), at)));
            }
            Command::Note => self.add_note((self.cursor.at, None)),
            Command::NoteRange => {
                if let Some((from, to)) = self.selection {
                    self.add_note((from, Some(to)));
                }
            }
            Command::RemoveNote => self.remove_note(),
            Command::Clear => self.selection = None,
        }
    }
}
