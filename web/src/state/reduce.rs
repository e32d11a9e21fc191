//! The reducer: an action makes the next state.

use std::rc::Rc;

use sim_core::analysis::LaneOf;
use sim_core::base::SimTime;
use sim_core::share::ScenarioRef;
use yew::Reducible;

use super::history::{self, History};
use super::{Action, Change, Cursor, Dialog, Hop, LinkCheck, Phase, Scene, StageArrow, State};
use crate::engine::{self, OTHERS_MAX, Request};
use crate::keys::Command;
use crate::playback::advanced;
use crate::route::{NOTE_BYTES_MAX, NOTES_MAX, Note, Route};
use crate::shared::Shared;
use crate::timeline::hit::{Step, neighbor_event, span_at, task_of};
use crate::timeline::rows::{Arrangement, Toward};
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
            Action::Refuse { message } => self.refuse(&message),
            Action::Choose(change) => self.choose(change),
            Action::Progress { now, horizon } => self.phase = Phase::Running { now, horizon },
            Action::Compared(others) => self.others = others,
            Action::Finished(scene) => self.finished(scene),
            Action::Failed(message) => self.failed(message),
            Action::Tick(seconds) => self.tick(seconds),
            Action::Command { command, anchor } => self.command(command, anchor),
            Action::Seek(at) => self.seek(at),
            Action::SeekRecord(record) => self.seek_record(record),
            Action::SelectLane(lane) => self.select_lane(lane),
            Action::ToggleGroup(group) => self.arrangement.toggle_group(group),
            Action::EditNote { index, text } => {
                if let Some(note) = self.notes.get_mut(index) {
                    note.text = cut(&text, NOTE_BYTES_MAX);
                }
            }
            Action::RemoveNote(index) => {
                if index < self.notes.len() {
                    self.notes.remove(index);
                }
            }
            Action::Keys(keys) => self.keys = keys,
            Action::SelectTask(task) => self.select_task(task),
            Action::View(view) => self.view = view,
            Action::Zoom { factor, anchor } => self.zoom(factor, anchor),
            Action::Pan(share) => self.view = self.view.panned(share, self.end()),
            Action::Select(range) => self.select(range),
            Action::Play(playing) => self.play(playing),
            Action::Speed(speed) => self.speed = speed,
            Action::Theme(theme) => self.theme = theme,
            Action::SystemShade(shade) => self.system_shade = shade,
            Action::Calm(calm) => self.calm = calm,
            Action::Show(dialog) => self.dialog = Some(dialog),
            Action::CloseDialog => self.dialog = None,
            Action::DismissNotice => self.notice = None,
        }
    }

    fn open(&mut self, route: Route) {
        self.notice.clone_from(&route.note);
        if self.phase == Phase::Ready && route.request == self.request {
            self.check_link(&route);
            self.place(&route);
            return;
        }
        self.request = route.request.clone();
        self.pending = Some(route);
        self.run_again();
    }

    /// A bad link: say so, and show the default example.
    fn refuse(&mut self, message: &str) {
        self.open(Route::default());
        let message = message.trim_end_matches('.');
        let stop = if message.ends_with('?') { "" } else { "." };
        self.notice = Some(format!("{message}{stop} Here is the example that the page opens on."));
    }

    fn choose(&mut self, change: Change) {
        let request = match change {
            // What was chosen stays chosen; overrides belong to the scenario they were made for.
            Change::Scenario(scenario) => Request {
                scenario: ScenarioRef::ById(scenario),
                sets: Vec::new(),
                ..self.request.clone()
            },
            // Without one of its own there is nothing to name the first run by.
            Change::Policy(None) => {
                Request { policy: None, others: Vec::new(), ..self.request.clone() }
            }
            Change::Policy(policy) => {
                let others = self.request.others.iter();
                let others = others.filter(|other| Some(*other) != policy.as_ref());
                Request { others: others.cloned().collect(), policy, ..self.request.clone() }
            }
            Change::Kernel(kernel) => {
                let others = Vec::new();
                Request { kernel, policy: None, others, ..self.request.clone() }
            }
            Change::Beside(other) => self.beside(other),
            Change::Without(index) => {
                let mut request = self.request.clone();
                if index < request.others.len() {
                    request.others.remove(index);
                }
                request
            }
            Change::Seed(seed) => Request { seed, ..self.request.clone() },
        };
        if request != self.request {
            self.request = request;
            self.pending = None;
            self.notice = None;
            self.run_again();
        }
    }

    /// The request with one more policy to compare with.
    fn beside(&self, other: String) -> Request {
        let mut request = self.request.clone();
        let own = self.scene.as_ref().map(|scene| scene.outcome.run.id.policy.clone());
        request.policy = request.policy.or(own);
        let is_there = request.policy.as_ref() == Some(&other) || request.others.contains(&other);
        if !is_there && request.others.len() < OTHERS_MAX {
            request.others.push(other);
        }
        request
    }

    fn run_again(&mut self) {
        self.turn += 1;
        self.playing = false;
        self.link_check = LinkCheck::None;
        self.promised = None;
        self.phase = Phase::Running { now: SimTime::ZERO, horizon: SimTime(1) };
    }

    fn finished(&mut self, scene: Shared<Scene>) {
        let other_story = self
            .scene
            .as_ref()
            .is_none_or(|old| old.outcome.run.id.scenario != scene.outcome.run.id.scenario);
        let (end, opening) = (scene.outcome.run.end.0, scene.opening());
        self.phase = Phase::Ready;
        self.lane = self.lane.min(scene.outcome.lanes.len().saturating_sub(1));
        self.scene = Some(scene);
        self.trail.clear();
        if other_story {
            self.lane = 0;
        }
        self.history = History::default();
        if other_story {
            self.notes.clear();
            self.arrangement = Arrangement::default();
        }
        // Another seed or policy of one story is compared at one zoom.
        self.view = if other_story {
            opening
        } else {
            Viewport::between(self.view.start, self.view.end(), end)
        };
        self.selection = None;
        match self.pending.take() {
            Some(route) => {
                self.check_link(&route);
                self.place(&route);
                self.playing = route.at.is_none() && !self.calm;
            }
            None if other_story => {
                self.place(&Route::default());
                self.playing = !self.calm;
            }
            None => self.seek(self.cursor.at),
        }
    }

    fn failed(&mut self, message: String) {
        self.pending = None;
        if self.scene.is_none() && self.request != Request::default() {
            self.refuse(&message);
        } else {
            self.phase = Phase::Failed(message);
        }
    }

    fn check_link(&mut self, route: &Route) {
        if self.scene.is_none() {
            return;
        }
        let here = self.digests();
        let model = sim_core::record::MODEL_VERSION;
        self.link_check = match (&route.digest, route.model) {
            (None, _) => LinkCheck::None,
            (Some(digest), _) if *digest == here => LinkCheck::Reproduced,
            (Some(_), Some(other)) if other != model => LinkCheck::Differs(format!(
                "the link was made with model {other}, this page has model {model}"
            )),
            (Some(digest), _) => LinkCheck::Differs(format!(
                "the link's run has digest {}, this one {}",
                crate::format::short_digest(digest),
                crate::format::short_digest(&here),
            )),
        };
        if let LinkCheck::Differs(_) = self.link_check {
            self.promised = route.digest.clone().map(|digest| (digest, route.model));
        }
    }

    /// Moves cursor and lane to where a link points.
    fn place(&mut self, route: &Route) {
        let Some(scene) = self.scene.clone() else {
            return;
        };
        let focus = route.focus.as_deref();
        let lane = scene.outcome.lanes.iter().position(|lane| Some(lane.title.as_str()) == focus);
        if let Some(lane) = lane {
            self.select_lane(lane);
        }
        self.notes.clone_from(&route.notes);
        let at = route.at.unwrap_or_else(|| scene.opening().start);
        // As it was seen, wherever the cursor is.
        if let Some((from, to)) = route.view {
            self.view = Viewport::between(from, to, self.end());
            self.move_to(at);
        } else {
            self.view = scene.opening();
            self.seek(at);
        }
    }

    fn tick(&mut self, seconds: f64) {
        let Some(scene) = self.scene.clone().filter(|_| self.playing) else {
            return;
        };
        let end = self.end();
        let at = advanced(self.cursor.at, seconds, self.speed, &scene.timetable, end);
        let visible = self.view.start <= self.cursor.at && self.cursor.at < self.view.end();
        self.move_to(at);
        if visible && at >= self.view.end() {
            self.view = self.view.panned(0.8, end).revealing(at, end);
        }
        if at >= end {
            self.playing = false;
        }
    }

    fn play(&mut self, playing: bool) {
        // From the end, play starts over.
        if playing && self.cursor.at >= self.end() {
            let opening = self.scene.as_ref().map_or(0, |scene| scene.opening().start);
            self.seek(opening);
        }
        self.playing = playing && self.scene.is_some();
    }

    fn move_to(&mut self, at: u64) {
        let at = at.min(self.end());
        let happened =
            self.scene.as_ref().map_or(0, |scene| scene.outcome.run.trace.count_until(SimTime(at)));
        self.cursor = Cursor { at, happened };
    }

    fn seek(&mut self, at: u64) {
        self.move_to(at);
        self.view = self.view.revealing(self.cursor.at, self.end());
    }

    fn seek_record(&mut self, record: usize) {
        let Some(scene) = self.scene.clone() else {
            return;
        };
        if let Some(record_there) = scene.outcome.run.trace.get(record) {
            self.playing = false;
            self.cursor = Cursor { at: record_there.at.0, happened: record + 1 };
            self.view = self.view.revealing(self.cursor.at, self.end());
        }
    }

    fn select_lane(&mut self, lane: usize) {
        let count = self.scene.as_ref().map_or(0, |scene| scene.outcome.lanes.len());
        if lane < count {
            self.lane = lane;
            self.arrange(|arrangement, scene, lane| {
                arrangement.reveal(lane, &scene.outcome.run.cast);
            });
        }
    }

    fn select_task(&mut self, task: sim_core::base::TaskId) {
        let Some(scene) = self.scene.clone() else {
            return;
        };
        let Scene { outcome, .. } = &*scene;
        let lane =
            outcome.lanes.iter().position(|lane| task_of(lane.of, &outcome.run.cast) == Some(task));
        if let Some(lane) = lane {
            self.select_lane(lane);
        }
    }

    fn zoom(&mut self, factor: f64, anchor: Option<f64>) {
        let cursor = self.view.px_from_time(self.cursor.at, 1.0);
        let cursor = (0.0..=1.0).contains(&cursor).then_some(cursor);
        let anchor = anchor.or(cursor).unwrap_or(0.5);
        self.view = self.view.zoomed(factor, anchor, self.end());
    }

    fn select(&mut self, range: Option<(u64, u64)>) {
        let end = self.end();
        self.selection = range.map(|(from, to)| (from.min(to), from.max(to).min(end)));
    }

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
            Command::ShowAllLanes => self.arrangement.reset(),
            Command::GoToStart => self.stop_and_seek(0),
            Command::GoToEnd => self.stop_and_seek(end),
            Command::Search => {}
            Command::Help => self.dialog = Some(Dialog::Help),
            Command::Palette => self.dialog = Some(Dialog::Palette),
            Command::Undo => self.undo(),
            Command::Redo => self.redo(),
            Command::RangeFromSpan => self.range_from_span(),
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

    /// Selects what the lane does at the cursor, from beginning to end.
    fn range_from_span(&mut self) {
        let span = self.scene.as_ref().and_then(|scene| {
            let lane = scene.outcome.lanes.get(self.lane)?;
            span_at(lane, self.cursor.at).copied()
        });
        if let Some(span) = span {
            self.select(Some((span.start.0, span.end.0)));
        }
    }

    fn add_note(&mut self, (at, until): (u64, Option<u64>)) {
        let is_there = |note: &Note| (note.at, note.until) == (at, until);
        if self.notes.len() < NOTES_MAX && !self.notes.iter().any(is_there) {
            let place = self.notes.partition_point(|note| note.at <= at);
            self.notes.insert(place, Note { at, until, text: String::new() });
        }
    }

    /// Removes the note nearest to the cursor, of those on screen.
    fn remove_note(&mut self) {
        let cursor = self.cursor.at;
        let distance = |note: &Note| match note.until {
            Some(until) if (note.at..=until).contains(&cursor) => 0,
            _ => note.at.abs_diff(cursor),
        };
        let near = (0..self.notes.len())
            .filter(|index| distance(&self.notes[*index]) <= self.view.span / 20)
            .min_by_key(|index| distance(&self.notes[*index]));
        if let Some(index) = near {
            self.notes.remove(index);
        }
    }

    fn stop_and_seek(&mut self, at: u64) {
        self.playing = false;
        self.seek(at);
    }

    fn step_in_lane(&mut self, step: Step) {
        if let Some(at) = self.lane_neighbor(self.cursor.at, step) {
            self.stop_and_seek(at);
        }
    }

    fn lane_neighbor(&self, at: u64, step: Step) -> Option<u64> {
        let lane = self.scene.as_ref()?.outcome.lanes.get(self.lane)?;
        neighbor_event(lane, at, step)
    }

    fn step_event(&mut self, step: Step) {
        match step {
            Step::Forward => self.seek_record(self.cursor.happened),
            Step::Back if self.cursor.happened >= 2 => self.seek_record(self.cursor.happened - 2),
            Step::Back => {
                self.playing = false;
                self.cursor = Cursor::default();
            }
        }
    }

    /// To whom the selected lane's task waits for; if it waits for
    /// nobody, to who acted on it last.
    fn follow_cause(&mut self) {
        let Some(scene) = self.scene.clone() else {
            return;
        };
        let outcome = &scene.outcome;
        let before = Hop { lane: self.lane, cursor: self.cursor, arrow: None };
        let lane = outcome.lanes.get(self.lane);
        if let Some(task) = lane.and_then(|lane| task_of(lane.of, &outcome.run.cast)) {
            for link in engine::wait_chain(outcome, task, self.cursor.happened, self.cursor.at) {
                self.select_task(link.task);
                if self.lane != before.lane {
                    self.trail.push(before);
                    return;
                }
            }
        }
        if let Some(arrow) = scene.arrow_into(self.lane, self.cursor.happened) {
            let StageArrow { record, from, .. } = scene.arrows[arrow];
            self.trail.push(Hop { arrow: Some(arrow), ..before });
            self.seek_record(record);
            self.select_lane(from);
        }
    }

    fn go_back(&mut self) {
        if let Some(hop) = self.trail.pop() {
            self.select_lane(hop.lane);
            self.cursor = hop.cursor;
            self.view = self.view.revealing(self.cursor.at, self.end());
        }
    }

    /// Changes how the selected lane stands among the rows.
    fn arrange(&mut self, change: impl FnOnce(&mut Arrangement, &Scene, LaneOf)) {
        if let Some(scene) = self.scene.clone()
            && let Some(lane) = scene.outcome.lanes.get(self.lane)
        {
            change(&mut self.arrangement, &scene, lane.of);
        }
    }

    fn hide_lane(&mut self) {
        let rows = self.rows();
        let next = rows.neighbor(self.lane, Toward::Bottom);
        let next = next.or_else(|| rows.neighbor(self.lane, Toward::Top));
        // The last one stays: an empty timeline explains nothing.
        let Some(next) = next else {
            return;
        };
        self.arrange(|arrangement, _, lane| arrangement.hide(lane));
        self.lane = next;
    }

    fn extend_selection(&mut self, step: Step) {
        let Some(at) = self.lane_neighbor(self.cursor.at, step) else {
            return;
        };
        // The end that isn't the cursor stays.
        let cursor = self.cursor.at;
        let fixed = match self.selection {
            Some((from, to)) if to == cursor => from,
            Some((from, to)) if from == cursor => to,
            _ => cursor,
        };
        self.select(Some((fixed, at)));
        self.stop_and_seek(at);
    }

    fn incident(&mut self, step: Step) {
        let Some(scene) = self.scene.clone() else {
            return;
        };
        let times = &scene.incidents;
        let target = match step {
            Step::Forward => times.get(times.partition_point(|at| *at <= self.cursor.at)),
            Step::Back => {
                times.get(times.partition_point(|at| *at < self.cursor.at).wrapping_sub(1))
            }
        };
        if let Some(at) = target {
            // At its own record: what happens at the same instant comes after.
            match scene.incident_record(*at) {
                Some(record) => self.seek_record(record),
                None => self.stop_and_seek(*at),
            }
        }
    }
}
