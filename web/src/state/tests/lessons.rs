//! Lessons and the tour, on a run.

use super::*;
use sim_core::share::Other;

/// As the page does it: what is asked for is run.
fn run_asked(state: &mut State) {
    let others = state.request.others.iter().map(|other| scene(&state.request.with(other)));
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
    assert_eq!(link.request.others, [Other::Policy("core-refuse".into())]);
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
    assert!(state.notice.as_ref().unwrap().text.contains("no lesson “nothing.1”"));
    assert_eq!(state.phase_id(), "ready");
}

#[test]
fn who_is_asked_does_not_see_what_comes_and_a_link_leads_to_the_same_record() {
    let mut state = opened(Route::default());
    state.apply(Action::Learn(Lessons::Open("mmap-lock", 1)));
    run_asked(&mut state);
    assert_eq!(state.view.end(), state.cursor.at, "the window ends where the question is asked");
    // The reaper has not begun to sleep: its lane says what the chain of waits does.
    let scene = state.scene.clone().unwrap();
    let lane = &scene.outcome.lanes[state.lane];
    let status = |state: &State| crate::timeline::hit::status(lane, state.cursor);
    assert!(!status(&state).contains("back-off"), "{}", status(&state));
    let again = opened(crate::route::parse(&crate::route::fragment(&state.route())).unwrap());
    assert_eq!((again.cursor, status(&again)), (state.cursor, status(&state)));
    state.apply(Action::Learn(Lessons::Answer(Answer::Skipped)));
    assert!(state.view.end() > state.cursor.at);
    assert_eq!(state.call.to, "reveal");
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
