//! The reducer, on a run: moving, playing, selecting, undoing.

mod lessons;
mod links;
mod looks;

use sim_core::base::TaskId;
use sim_core::share::{Branch, ScenarioRef};

use super::*;
use crate::engine::{self, Job, Outcome};
use crate::keys::Command;
use crate::learn::{Answer, Lessons};
use crate::timeline::hit::Step;

fn scene(request: &Request) -> Shared<Scene> {
    let mut job = Job::start(request).unwrap();
    while job.advance(10_000) {}
    Shared::new(Scene::new(Outcome::of(job.into_run())))
}

/// A state with a run, as a link opens it.
fn opened(route: Route) -> State {
    let mut state = State::default();
    let scene = scene(&route.request);
    state.apply(Action::Open(route));
    state.apply(Action::Finished(scene));
    state
}

fn press(state: &mut State, command: Command) {
    state.apply(Action::Command { command, anchor: None });
}

#[test]
fn first_visit_plays_unless_motion_is_unwanted() {
    let state = opened(Route::default());
    assert_eq!((state.phase_id(), state.playing), ("ready", true));
    assert_eq!(state.link_check_id(), "none");

    let mut calm = State::default();
    calm.apply(Action::Calm(true));
    calm.apply(Action::Open(Route::default()));
    assert_eq!(calm.phase_id(), "running");
    calm.apply(Action::Finished(scene(&Request::default())));
    assert!(!calm.playing);
}

#[test]
fn stepping_visits_every_record() {
    let mut state = opened(Route { at: Some(0), ..Route::default() });
    state.cursor = Cursor::default();
    for happened in 1..=5 {
        press(&mut state, Command::StepEvent(Step::Forward));
        assert_eq!(state.cursor.happened, happened);
    }
    press(&mut state, Command::StepEvent(Step::Back));
    assert_eq!(state.cursor.happened, 4);
    press(&mut state, Command::GoToEnd);
    let all = state.scene.as_ref().unwrap().outcome.run.trace.len();
    assert_eq!(state.cursor.happened, all);
    press(&mut state, Command::StepEvent(Step::Forward));
    assert_eq!(state.cursor.happened, all);
}

#[test]
fn incidents_are_visited_in_order() {
    let mut state = opened(Route { at: Some(0), ..Route::default() });
    let incidents = state.scene.as_ref().unwrap().incidents.clone();
    for at in &incidents {
        press(&mut state, Command::Incident(Step::Forward));
        assert_eq!(state.cursor.at, *at);
    }
    press(&mut state, Command::Incident(Step::Forward));
    assert_eq!(Some(&state.cursor.at), incidents.last());
    press(&mut state, Command::Incident(Step::Back));
    assert_eq!(state.cursor.at, incidents[incidents.len() - 2]);
}

#[test]
fn past_the_last_incident_a_step_says_so_and_stays() {
    let mut state = opened(Route::default());
    press(&mut state, Command::GoToEnd);
    press(&mut state, Command::Incident(Step::Forward));
    assert_eq!((state.cursor.at, state.hint), (state.end(), "no incident after this"));
    assert_eq!(state.said, state.hint);
    press(&mut state, Command::Incident(Step::Back));
    assert_eq!(state.hint, "");
    press(&mut state, Command::GoToStart);
    press(&mut state, Command::Incident(Step::Back));
    assert_eq!(state.hint, "no incident before this");
}

#[test]
fn what_is_seen_stays_where_it_is_when_it_is_pointed_at() {
    let mut state = opened(Route { at: Some(0), ..Route::default() });
    press(&mut state, Command::ZoomIn);
    let view = state.view;
    for at in [view.start, view.start + view.span / 100, view.end() - view.span / 100] {
        state.apply(Action::Seek(at));
        assert_eq!((state.view, state.cursor.at), (view, at));
    }
    let scene = state.scene.clone().unwrap();
    let records = 0..scene.outcome.run.trace.len();
    let seen = |record: &usize| {
        let at = scene.outcome.run.trace.get(*record).unwrap().at.0;
        (view.start..view.start + view.span / 20).contains(&at)
    };
    let first = records.into_iter().find(seen).unwrap();
    state.apply(Action::SeekRecord(first));
    assert_eq!((state.view, state.cursor.happened), (view, first + 1));
}

#[test]
fn what_is_opened_gets_the_focus_and_gives_it_back() {
    let mut state = opened(Route { at: Some(1_000_000), ..Route::default() });
    press(&mut state, Command::Note);
    assert_eq!(state.call.to, "note-0");
    let turn = state.call.turn;
    press(&mut state, Command::Note);
    assert_eq!((state.notes.len(), state.call.to.as_str()), (1, "note-0"), "the one that is there");
    assert!(state.call.turn > turn);
    state.apply(Action::Seek(2_000_000));
    press(&mut state, Command::Note);
    assert_eq!(state.call.to, "note-1");
    state.apply(Action::RemoveNote(1));
    assert_eq!(state.call.to, LANES);
    for (command, open, closed) in [
        (Command::Sweep, "sweep-title", "sweep-button"),
        (Command::Learn, "learn-title", "learn-button"),
        (Command::Edit, "editor-title", "edit-button"),
    ] {
        press(&mut state, command);
        assert_eq!(state.call.to, open);
        press(&mut state, command);
        assert_eq!(state.call.to, closed);
    }
    state.apply(Action::Learn(Lessons::Open("tour", 0)));
    assert_eq!(state.call.to, "learn-step");
    state.apply(Action::Learn(Lessons::List));
    assert_eq!(state.call.to, "learn-title");
    state.apply(Action::Learn(Lessons::DeclineTour));
    assert_eq!(state.call.to, LANES);
}

#[test]
fn paper_is_white() {
    let mut state = State { theme: Theme::Dark, ..State::default() };
    state.apply(Action::Printing(true));
    assert_eq!(state.shade(), Shade::Light);
    state.apply(Action::Printing(false));
    assert_eq!(state.shade(), Shade::Dark);
}

#[test]
fn playing_ends_at_the_end_and_starts_over() {
    let mut state = opened(Route::default());
    for _ in 0..60 * 60 {
        state.apply(Action::Tick(1.0 / 60.0));
    }
    assert_eq!((state.cursor.at, state.playing), (state.end(), false));
    press(&mut state, Command::TogglePlay);
    assert!(state.playing && state.cursor.at < state.end());
}

#[test]
fn shift_arrows_extend_from_where_they_began() {
    let mut state = opened(Route { at: Some(0), ..Route::default() });
    press(&mut state, Command::Incident(Step::Forward));
    let from = state.cursor.at;
    press(&mut state, Command::ExtendSelection(Step::Forward));
    press(&mut state, Command::ExtendSelection(Step::Forward));
    assert_eq!(state.selection, Some((from, state.cursor.at)));
    press(&mut state, Command::ExtendSelection(Step::Back));
    assert_eq!(state.selection, Some((from, state.cursor.at)));
    press(&mut state, Command::FitSelection);
    assert_eq!(state.view.start, from);
    press(&mut state, Command::Clear);
    assert_eq!(state.selection, None);
}

#[test]
fn another_seed_keeps_the_zoom_and_runs_again() {
    let mut state = opened(Route::default());
    state.apply(Action::Zoom { factor: 0.5, anchor: Some(0.0) });
    let (view, turn) = (state.view, state.turn);
    state.apply(Action::Choose(Change::Seed(43)));
    assert_eq!((state.turn, state.phase_id()), (turn + 1, "running"));
    let request = state.request.clone();
    state.apply(Action::Finished(scene(&request)));
    assert_eq!(state.view.span, view.span);
    state.apply(Action::Choose(Change::Seed(43)));
    assert_eq!(state.turn, turn + 1, "the same choice runs nothing");
}

#[test]
fn task_of_a_wait_chain_selects_its_lane() {
    let mut state = opened(Route::default());
    let scene = state.scene.clone().unwrap();
    let cast = &scene.outcome.run.cast;
    let (index, task) = (0..scene.outcome.lanes.len())
        .filter_map(|index| {
            let lane = &scene.outcome.lanes[index];
            Some((index, crate::timeline::hit::task_of(lane.of, cast)?))
        })
        .next_back()
        .unwrap();
    state.apply(Action::SelectTask(task));
    assert_eq!(state.lane, index);
    state.apply(Action::SelectTask(TaskId(9_999)));
    assert_eq!(state.lane, index);
}

#[test]
fn following_the_cause_of_a_back_off_leads_to_the_device_and_back() {
    let mut state = opened(Route::default());
    let scene = state.scene.clone().unwrap();
    let back_off = scene.outcome.report.incidents.iter().find(|it| it.kind == "back-off");
    state.apply(Action::Seek(back_off.unwrap().at.0));
    press(&mut state, Command::FollowCause);
    assert_eq!(scene.outcome.lanes[state.lane].title, "gpu0");
    press(&mut state, Command::GoBack);
    assert_eq!(state.lane, 0);
    press(&mut state, Command::GoBack);
    assert_eq!(state.lane, 0);
}

#[test]
fn without_a_wait_the_cause_is_who_acted_last() {
    let mut state = opened(Route::default());
    let scene = state.scene.clone().unwrap();
    let kill = scene.outcome.report.victims[0].killed.0;
    let victim = scene.outcome.report.victims[0].task;
    state.apply(Action::SelectTask(victim));
    state.apply(Action::Seek(kill));
    let (lane, cursor) = (state.lane, state.cursor);
    let arrow = scene.arrow_into(lane, cursor.happened).unwrap();
    assert_eq!(scene.arrows[arrow].kind, sim_core::analysis::ArrowKind::Kill);
    while state.followed().is_empty() {
        let before = state.trail.len();
        press(&mut state, Command::FollowCause);
        assert!(state.trail.len() > before, "there is always somebody who acted");
    }
    while !state.trail.is_empty() {
        press(&mut state, Command::GoBack);
    }
    assert_eq!((state.lane, state.cursor), (lane, cursor));
}

#[test]
fn hidden_lane_comes_back_when_it_is_selected() {
    let mut state = opened(Route { focus: Some("gpu0".into()), ..Route::default() });
    let gpu = state.lane;
    press(&mut state, Command::HideLane);
    assert!(state.lane != gpu && state.rows().of_lane(gpu).is_none());
    state.apply(Action::SelectLane(gpu));
    assert!(state.rows().of_lane(gpu).is_some());
    press(&mut state, Command::PinLane);
    assert_eq!(state.rows().lanes().next(), Some(gpu));
}

/// A run that deadlocks, opened at its start.
fn deadlocked() -> State {
    let scenario = ScenarioRef::ById("d2-direct".into());
    let request = Request { scenario, ..Request::default() };
    opened(Route { request, at: Some(0), ..Route::default() })
}

/// Plays until it stops by itself.
fn play_on(state: &mut State) {
    state.apply(Action::Play(true));
    for _ in 0..20_000 {
        if !state.playing {
            return;
        }
        state.apply(Action::Tick(0.05));
    }
    panic!("it plays for ever");
}

#[test]
fn playing_stops_at_the_event_that_closes_a_cycle_and_goes_on_from_there() {
    let mut state = deadlocked();
    let cycles = state.scene.as_ref().unwrap().cycles.clone();
    assert!(!cycles.is_empty());
    state.apply(Action::Speed(Speed::Factor(16.0)));
    play_on(&mut state);
    assert_eq!(state.cursor.happened, cycles[0] + 1);
    assert!(state.said.contains("cycle"), "{}", state.said);
    for _ in &cycles {
        play_on(&mut state);
    }
    assert_eq!(state.cursor.at, state.end());

    let mut state = deadlocked();
    press(&mut state, Command::StopAtCycles);
    play_on(&mut state);
    assert_eq!(state.cursor.at, state.end());
}

#[test]
fn who_wants_no_motion_steps_from_event_to_event() {
    let mut state = opened(Route { at: Some(0), ..Route::default() });
    state.apply(Action::Calm(true));
    state.apply(Action::Play(true));
    state.apply(Action::Tick(0.01));
    let first = state.cursor.at;
    assert!(first > 0, "the first step comes at once");
    state.apply(Action::Tick(0.5));
    assert_eq!(state.cursor.at, first, "and then there is time to read");
    state.apply(Action::Tick(0.6));
    assert!(state.cursor.at > first);
}

#[test]
fn steps_by_key_are_told_in_words() {
    let mut state = opened(Route { at: Some(0), ..Route::default() });
    press(&mut state, Command::Incident(Step::Forward));
    let incident = state.said.clone();
    assert!(incident.contains("ms: "), "{incident}");
    press(&mut state, Command::StepEvent(Step::Forward));
    assert_ne!(state.said, incident);
    let lane = state.lane;
    press(&mut state, Command::Lane(crate::timeline::rows::Toward::Bottom));
    let title = &state.scene.as_ref().unwrap().outcome.lanes[state.lane].title;
    assert!(state.lane != lane && state.said.starts_with(title.as_str()), "{}", state.said);
    assert!(state.said_by_cell, "the table's cell reads it, too");
}

/// What changes without the focus moving is told, or nobody who doesn't see it would know.
#[test]
fn what_commands_change_is_told_in_words() {
    use crate::timeline::rows::Toward;
    let mut state = opened(Route { at: Some(3_600_000_000), ..Route::default() });
    let mut told = |command| {
        press(&mut state, command);
        assert_eq!(state.said_by_cell, command == Command::GoToEnd, "{command:?}");
        state.said.replace('\u{a0}', " ")
    };
    assert!(told(Command::WholeRun).starts_with("from 0.000 ms to "));
    assert_eq!(told(Command::PinLane), "oom_reaper is pinned on top");
    assert_eq!(told(Command::PinLane), "oom_reaper is back in its place");
    assert!(told(Command::HideLane).starts_with("oom_reaper is hidden; gpu0"));
    assert!(told(Command::ShowHiddenLanes).ends_with(" lanes show"));
    assert!(told(Command::ShiftLane(Toward::Bottom)).starts_with("gpu0 is lane "));
    assert!(told(Command::RangeFromSpan).starts_with("selected from "));
    assert!(told(Command::ExtendSelection(Step::Forward)).starts_with("selected from "));
    assert_eq!(told(Command::Undo), "undone: no range selected");
    assert!(told(Command::Redo).starts_with("done again: selected from "));
    assert_eq!(told(Command::Clear), "no range selected");
    assert!(told(Command::BeginRange).ends_with(", 0 ns"));
    told(Command::GoToEnd);
    assert!(told(Command::EndRange).ends_with(" s"));
    assert_eq!(told(Command::RemoveNote), "no note near the cursor");
    assert_eq!(told(Command::TogglePlay), "playing");
    assert!(told(Command::TogglePlay).starts_with("paused at "));
}

#[test]
fn run_that_takes_the_place_of_another_is_told_with_its_verdict() {
    let mut state = opened(Route::default());
    assert_eq!(state.said, "", "the first is what the page is about");
    let again = scene(&state.request);
    state.apply(Action::Finished(again));
    assert_eq!(state.said, "", "the same once more is no news");
    state.apply(Action::Choose(Change::Policy(Some("skip-any".to_owned()))));
    let other = scene(&state.request);
    state.apply(Action::Finished(other));
    let verdict = state.verdicts();
    assert!(state.said.starts_with(&format!("Run done: {verdict}. ")), "{}", state.said);
    state.apply(Action::Choose(Change::Beside(Other::Policy("interval".to_owned()))));
    let (first, beside) = (scene(&state.request), scene(&Request::default()));
    state.apply(Action::Compared(vec![beside]));
    state.apply(Action::Finished(first));
    assert!(state.said.starts_with(&format!("skip-any: {verdict}; interval: ")), "{}", state.said);
}

/// Inside another page nothing opens that has no place there.
#[test]
fn inside_another_page_only_the_timeline_is_acted_on() {
    let mut state = opened(Route { embed: true, at: Some(1), ..Route::default() });
    for command in [Command::Help, Command::Palette, Command::Fork, Command::Note, Command::Learn] {
        press(&mut state, command);
    }
    assert_eq!((state.dialog, state.notes.len(), state.learn.shown), (None, 0, false));
    press(&mut state, Command::GoToEnd);
    assert_eq!(state.cursor.at, state.end());
}

/// Brings all runs that the state asks for, as the runner does.
fn bring(state: &mut State) {
    let mut scenes: Vec<_> = state.request.runs().iter().map(scene).collect();
    let last = scenes.pop().unwrap();
    state.apply(Action::Compared(scenes));
    state.apply(Action::Finished(last));
}

#[test]
fn editing_stays_where_one_looks() {
    let mut state = opened(Route { at: Some(1_000_000), ..Route::default() });
    press(&mut state, Command::ZoomIn);
    let (view, at) = (state.view, state.cursor.at);
    let ScenarioRef::ById(id) = &state.request.scenario else { panic!("of the gallery") };
    let text = sim_core::scenario::gallery::find(id).unwrap().text;
    let edited = ScenarioRef::Inline(format!("# edited\n{text}"));
    state.apply(Action::Choose(Change::Text(edited)));
    bring(&mut state);
    assert_eq!((state.view, state.cursor.at, state.playing), (view, at, state.playing));
    // Another scenario is another story again.
    state.apply(Action::Choose(Change::Scenario("capture-6-1-s6".into())));
    bring(&mut state);
    assert_ne!(state.view, view);
}

#[test]
fn more_contrast_draws_with_ground_and_ink_of_the_theme() {
    let mut state = State { theme: Theme::Dark, ..State::default() };
    state.apply(Action::Contrast(true));
    let (ground, ink) = (Shade::Dark.ground(), Shade::Dark.ink());
    assert_eq!(state.shade(), Shade::Forced { ground, ink });
    state.apply(Action::Contrast(false));
    assert_eq!(state.shade(), Shade::Dark);
}

#[test]
fn fit_shows_a_span_or_the_range_and_the_whole_run_the_second_time() {
    let mut state = opened(Route { at: Some(1_000_000), ..Route::default() });
    let lane = state.scene.as_ref().unwrap().outcome.lanes.iter();
    let lane = lane.clone().position(|lane| lane.title == "oom_reaper").unwrap();
    let spans = state.scene.as_ref().unwrap().outcome.lanes[lane].spans.clone();
    let long = |span: &&sim_core::analysis::Span| span.end.0 - span.start.0 == 100_000_000;
    let span = spans.iter().find(long).unwrap();
    let (before, at) = (state.view, span.start.0 + 7);
    state.apply(Action::Fit { lane, at });
    assert!(state.view.start < span.start.0 && state.view.end() > span.end.0);
    assert!(state.view.span < 120_000_000, "{:?}", state.view);
    state.apply(Action::Fit { lane, at });
    assert_eq!((state.view.start, state.view.end()), (0, state.end()));
    state.apply(Action::Select(Some((at - 5, at + 5_000_000))));
    state.apply(Action::Fit { lane, at });
    assert_eq!((state.view.start, state.view.end()), (at - 5, at + 5_000_000));
    press(&mut state, Command::Undo);
    press(&mut state, Command::Undo);
    press(&mut state, Command::Undo);
    assert_eq!(state.view, before, "and can be undone");
}

#[test]
fn checkers_are_asked_one_by_one_and_the_moment_stays() {
    let scenario = ScenarioRef::ById("lockdep-6-1-l1".to_owned());
    let request = Request { scenario, ..Request::default() };
    let mut state = opened(Route { request, at: Some(300_000), ..Route::default() });
    let (cursor, digest) = (state.cursor.at, state.scene.as_ref().unwrap().outcome.run.digest);
    for (id, on) in
        [("non-block", "non-block"), ("lockdep", "lockdep,non-block"), ("non-block", "lockdep")]
    {
        state.apply(Action::Choose(Change::Check(id)));
        assert_eq!(state.request.checks.join(","), on);
    }
    let scene = scene(&state.request);
    state.apply(Action::Finished(scene));
    let scene = state.scene.as_ref().unwrap();
    assert_eq!((state.cursor.at, scene.outcome.run.digest), (cursor, digest));
    let told: Vec<&str> = engine::reports(&scene.outcome).map(|it| it.text.as_str()).collect();
    assert!(matches!(told[..], [one] if one.contains("circular locking dependency")), "{told:?}");
    assert!(engine::reports_text(&scene.outcome).contains("but task is already holding lock:"));
    press(&mut state, Command::GoToStart);
    press(&mut state, Command::Incident(Step::Forward));
    let report = engine::reports(&state.scene.as_ref().unwrap().outcome).next().unwrap().at.0;
    assert_eq!(state.cursor.at, report);
}

#[test]
fn whoever_begins_a_scenario_sees_it_from_its_start() {
    let mut state = opened(Route { at: Some(4_000_000_000), ..Route::default() });
    state.apply(Action::Choose(Change::Begin));
    assert!(matches!(&state.request.scenario, ScenarioRef::Inline(text) if text.contains("hog")));
    let scene = scene(&state.request);
    let (opening, first) = (scene.opening(), scene.incidents[0]);
    state.apply(Action::Finished(scene));
    assert_eq!((state.view, state.cursor.at < first), (opening, true));
}
