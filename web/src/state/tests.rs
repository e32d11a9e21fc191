//! The reducer, on a run.

use sim_core::base::TaskId;
use sim_core::share::{Branch, ScenarioRef};

use super::*;
use crate::engine::{Job, Outcome};
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
fn link_with_the_right_digest_is_reproduced() {
    let first = opened(Route::default());
    let mut route = first.route();
    assert_eq!(opened(route.clone()).link_check, LinkCheck::Reproduced);

    route.digest = Some("0".repeat(32));
    let state = opened(route.clone());
    assert!(matches!(&state.link_check, LinkCheck::Differs(text) if text.contains("00000000")));

    route.model = Some(999);
    let state = opened(route);
    assert!(matches!(&state.link_check, LinkCheck::Differs(text) if text.contains("model 999")));
}

#[test]
fn link_places_cursor_and_lane_and_does_not_play() {
    let first = opened(Route::default());
    let lane = first.scene.as_ref().unwrap().outcome.lanes[1].title.clone();
    let at = first.end() / 2;
    let route = Route { at: Some(at), focus: Some(lane), ..Route::default() };
    let state = opened(route.clone());
    assert_eq!((state.cursor.at, state.lane, state.playing), (at, 1, false));
    let again = state.route();
    assert_eq!((again.at, again.focus), (route.at, route.focus));
}

#[test]
fn bad_link_leaves_a_notice_and_the_default() {
    let mut state = State::default();
    state.apply(Action::Refuse { message: "The link is damaged.".into() });
    assert_eq!(state.request, Request::default());
    assert_eq!(state.phase_id(), "running");
    assert!(state.notice.is_some());

    let mut unknown = State::default();
    let request = Request { scenario: ScenarioRef::ById("no-such".into()), ..Request::default() };
    unknown.apply(Action::Open(Route { request, ..Route::default() }));
    let message = Job::start(&unknown.request).err().unwrap();
    unknown.apply(Action::Failed(message));
    assert_eq!(unknown.request, Request::default());
    assert!(unknown.notice.unwrap().contains("no-such"));
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

#[test]
fn undo_brings_back_zoom_range_and_notes_but_not_the_cursor() {
    let mut state = opened(Route { at: Some(1_000_000), ..Route::default() });
    let view = state.view;
    press(&mut state, Command::ZoomIn);
    press(&mut state, Command::ZoomIn);
    state.apply(Action::Select(Some((5, 9_000))));
    press(&mut state, Command::Note);
    state.apply(Action::EditNote { index: 0, text: "he\nre".into() });
    assert_eq!(state.notes[0].text, "here");
    state.apply(Action::Seek(2_000_000));
    for _ in 0..4 {
        press(&mut state, Command::Undo);
    }
    assert_eq!((state.view, state.selection, state.notes.len()), (view, None, 0));
    assert_eq!(state.cursor.at, 2_000_000);
    assert!(!state.history.can_undo() && state.history.can_redo());
    for _ in 0..4 {
        press(&mut state, Command::Redo);
    }
    assert_eq!((state.selection, state.notes[0].text.as_str()), (Some((5, 9_000)), "here"));
}

#[test]
fn notes_and_view_travel_in_the_link() {
    let mut state = opened(Route { at: Some(1_000_000), ..Route::default() });
    press(&mut state, Command::ZoomIn);
    press(&mut state, Command::RangeFromSpan);
    press(&mut state, Command::NoteRange);
    let route = state.route();
    let again = opened(crate::route::parse(&crate::route::fragment(&route)).unwrap());
    // As round as the screen allows, and no rounder with every copy.
    let rounded = state.view.rounded();
    assert_eq!(
        (again.view.start, again.view.end(), &again.notes),
        (rounded.0, rounded.1, &state.notes)
    );
    assert_eq!(again.route().view, route.view);
    assert!(rounded.0.abs_diff(state.view.start) <= state.view.span / 1000);
    assert_eq!(again.notes.len(), 1);
    press(&mut state, Command::RemoveNote);
    assert!(state.notes.is_empty());
}

#[test]
fn compared_policies_run_beside_the_first_and_are_all_in_the_link() {
    let mut state = opened(Route::default());
    state.apply(Action::Choose(Change::Beside("skip-any".into())));
    assert_eq!(state.request.policy.as_deref(), Some("interval"), "the scenario's own by name");
    assert_eq!(state.request.others, ["skip-any"]);
    let request = state.request.clone();
    state.apply(Action::Compared(vec![scene(&request.under("skip-any"))]));
    state.apply(Action::Finished(scene(&Request { others: Vec::new(), ..request })));
    assert_eq!(state.verdicts().split(',').count(), 2);
    let (one, other) = (&state.scene.as_ref().unwrap().outcome, &state.others[0].outcome);
    let parting = crate::engine::parting(one, other).unwrap();
    // Records may differ before, as those of set-up do, but none that decides.
    let differs = |&index: &usize| one.run.trace.get(index) != other.run.trace.get(index);
    let first = (0..one.run.trace.len()).find(differs).unwrap();
    assert!(parting.record > first, "{first}: {}", parting.text);
    let decided = one.run.trace.get(parting.record).unwrap();
    assert!(parting.text.contains(&crate::engine::event_text(&one.run, &decided)));
    let route = state.route();
    let again = crate::route::parse(&crate::route::fragment(&route)).unwrap();
    assert_eq!((again.request, again.digest), (route.request, Some(state.digests())));
    for policy in ["ignore", "nonblock", "skip-flag", "skip-any"] {
        state.apply(Action::Choose(Change::Beside(policy.into())));
    }
    assert_eq!(state.request.others.len(), crate::engine::OTHERS_MAX);
    state.apply(Action::Choose(Change::Without(0)));
    assert_eq!(state.request.others, ["ignore", "nonblock"]);
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
    press(&mut state, Command::Lane(crate::timeline::rows::Toward::Bottom));
    assert!(state.said.starts_with("gpu0"), "{}", state.said);
    let before = state.said.clone();
    press(&mut state, Command::ZoomIn);
    assert_eq!(state.said, before, "a zoom moves neither cursor nor lane");
}

/// As the page does it: what is asked for is run.
fn run_asked(state: &mut State) {
    let others = state.request.others.iter().map(|other| scene(&state.request.under(other)));
    state.apply(Action::Compared(others.collect()));
    state.apply(Action::Finished(scene(&state.request)));
}

#[test]
fn lesson_drives_the_page_and_asks_before_it_reveals() {
    let mut state = opened(Route::default());
    state.apply(Action::Learn(Lessons::Open("mmap-lock", 2)));
    assert_eq!((state.phase_id(), state.playing), ("running", false));
    run_asked(&mut state);
    assert_eq!(state.scene.as_ref().unwrap().outcome.run.id.scenario, "f8-mmap-lock-starvation");
    assert_eq!(state.route().lesson.as_deref(), Some("mmap-lock.3"));
    let titles =
        |state: &State| state.scene.as_ref().unwrap().outcome.lanes[state.lane].title.clone();
    assert_eq!(titles(&state), "oom_reaper");

    // The next step of the same run does not run it again.
    let turn = state.turn;
    press(&mut state, Command::Tab(4));
    assert_eq!((state.turn, state.phase_id()), (turn, "ready"));
    let asked = state.cursor.at;
    let end_shown = state.view.end();
    assert!(end_shown < state.end(), "what comes is not given away");
    state.apply(Action::Learn(Lessons::Answer(Answer::Chosen(0))));
    assert!(state.cursor.at > asked && state.view.end() > end_shown);
    assert_eq!(titles(&state), "editor");
    let revealed = state.cursor;
    state.apply(Action::Learn(Lessons::Answer(Answer::Chosen(1))));
    assert_eq!(state.cursor, revealed, "one guess");
    assert_eq!(state.learn.progress.get("mmap-lock"), Some(&4));
}

#[test]
fn link_opens_a_step_of_a_lesson() {
    let mut state = opened(Route::default());
    state.apply(Action::Learn(Lessons::Open("range-notifier", 2)));
    run_asked(&mut state);
    let mut link = state.route();
    assert_eq!(link.request.others, ["core-refuse"]);
    (link.at, link.view) = (None, None);
    let mut other = State::default();
    other.apply(Action::Open(link));
    run_asked(&mut other);
    let course = other.learn.course.as_ref().unwrap();
    assert_eq!((course.id, course.step, other.learn.shown), (Some("range-notifier"), 2, true));
    assert_eq!((other.cursor, other.view), (state.cursor, state.view));
    // Back to a link without one.
    other.apply(Action::Open(Route::default()));
    assert!(!other.learn.shown && other.learn.course.is_none());
    let unknown = Route { lesson: Some("nothing.1".into()), ..Route::default() };
    let state = opened(unknown);
    assert!(state.notice.as_ref().unwrap().contains("no lesson “nothing.1”"));
    assert_eq!(state.phase_id(), "ready");
}

#[test]
fn another_policy_in_a_lesson_leaves_the_moment_alone() {
    let mut state = opened(Route::default());
    state.apply(Action::Learn(Lessons::Open("tour", 1)));
    assert_eq!(state.phase_id(), "ready", "it is about what the page opens on");
    let at = state.cursor.at;
    state.apply(Action::Choose(Change::Policy(Some("ignore".into()))));
    run_asked(&mut state);
    assert_eq!(state.cursor.at, at);
    assert!(state.learn.course.is_some());
}

#[test]
fn tour_is_offered_until_answered_or_lessons_are_found() {
    let mut state = opened(Route::default());
    state.apply(Action::Learn(Lessons::OfferTour));
    assert!(state.learn.offers_tour);
    let mut declined = state.clone();
    declined.apply(Action::Learn(Lessons::DeclineTour));
    assert!(!declined.learn.offers_tour && !declined.learn.shown);
    press(&mut state, Command::Learn);
    assert!(!state.learn.offers_tour && state.learn.shown);
    press(&mut state, Command::Tab(1));
    assert_eq!(state.learn.course.as_ref().unwrap().id, Some("reaper-basics"));
}

#[test]
fn gallery_links_with_their_view_are_short() {
    for entry in sim_core::scenario::gallery::gallery() {
        let request = Request {
            scenario: ScenarioRef::ById(entry.id.into()),
            seed: 42,
            ..Request::default()
        };
        let mut state = opened(Route { request, ..Route::default() });
        press(&mut state, Command::Incident(Step::Forward));
        press(&mut state, Command::ZoomIn);
        let text = crate::route::fragment(&state.route());
        assert!(text.len() <= 200, "{}: {text}", text.len());
        assert!(text.contains("view=") && text.contains("digest="), "{text}");
    }
}

/// Brings all runs that the state asks for, as the runner does.
fn bring(state: &mut State) {
    let mut scenes: Vec<_> = state.request.runs().iter().map(scene).collect();
    let last = scenes.pop().unwrap();
    state.apply(Action::Compared(scenes));
    state.apply(Action::Finished(last));
}

#[test]
fn forks_stand_beside_the_run_travel_in_the_link_and_can_be_undone() {
    let branch = |parent, fork: &str| Branch { parent, fork: fork.parse().unwrap() };
    let mut state = opened(Route { at: Some(4_000_000_000), ..Route::default() });
    let (first, at) = (state.digests(), state.cursor);
    state.apply(Action::Choose(Change::Fork(branch(0, "4000ms:policy=block-always"))));
    assert_eq!(state.phase_id(), "running");
    bring(&mut state);
    state.apply(Action::Choose(Change::Fork(branch(1, "4100ms:kill=hog"))));
    bring(&mut state);
    let digests = state.digests();
    assert!(digests.starts_with(&first));
    assert_eq!((digests.split(',').count(), state.branch_scenes().len()), (3, 2));
    assert_eq!(state.cursor, at, "the cursor stays in the run that stays");

    let again = crate::route::parse(&crate::route::fragment(&state.route())).unwrap();
    assert_eq!((&again.request, again.digest.as_ref()), (&state.request, Some(&digests)));

    press(&mut state, Command::Undo);
    bring(&mut state);
    assert_eq!(state.request.branches.len(), 1);
    press(&mut state, Command::Redo);
    bring(&mut state);
    assert_eq!(state.digests(), digests);

    state.apply(Action::Choose(Change::Branch(1)));
    bring(&mut state);
    let rest: Vec<&str> = digests.split(',').skip(1).collect();
    assert_eq!(state.digests(), rest.join(","), "the same runs, without the first");
    state.apply(Action::Choose(Change::Unfork(1)));
    bring(&mut state);
    assert_eq!(state.digests(), rest[0]);
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
