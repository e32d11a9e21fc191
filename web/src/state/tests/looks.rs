//! Looks at one run: undone, gone back to, kept when others stand beside it, led by an event.

use super::*;
use sim_core::share::Other;

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
fn a_rest_of_the_hand_parts_what_undo_takes_back() {
    let mut state = opened(Route { at: Some(1_000_000), ..Route::default() });
    let mut views = vec![state.view];
    for rests in [false, true, false] {
        if rests {
            state.apply(Action::Settled);
            views.push(state.view);
        }
        press(&mut state, Command::ZoomIn);
    }
    state.apply(Action::Select(Some((5, 9_000))));
    state.apply(Action::Select(Some((6, 9_000))));
    press(&mut state, Command::Undo);
    assert_eq!(state.selection, None);
    while let Some(view) = views.pop() {
        press(&mut state, Command::Undo);
        assert_eq!(state.view, view);
    }
    assert!(!state.history.can_undo());
    // What is done after an undo is a step of its own, too.
    press(&mut state, Command::ZoomIn);
    press(&mut state, Command::Undo);
    press(&mut state, Command::ZoomIn);
    press(&mut state, Command::ZoomIn);
    press(&mut state, Command::Undo);
    assert!(!state.history.can_undo());
}

#[test]
fn coming_back_keeps_notes_and_undo_brings_the_look_again() {
    let mut state = opened(Route { at: Some(1_000_000), ..Route::default() });
    let before = state.route();
    press(&mut state, Command::ZoomIn);
    state.apply(Action::Select(Some((5, 9_000))));
    press(&mut state, Command::Note);
    state.apply(Action::EditNote { index: 0, text: "here".into() });
    let (view, notes) = (state.view, state.notes.clone());
    state.apply(Action::Return(before.clone()));
    assert_eq!((state.route().view, state.selection), (before.view, None));
    assert_eq!(state.notes, notes);
    press(&mut state, Command::Undo);
    assert_eq!((state.view, state.selection, &state.notes), (view, Some((5, 9_000)), &notes));
    // A link that is followed says what notes there are; they, too, are a step away.
    state.apply(Action::Open(before));
    assert_eq!(state.notes, []);
    press(&mut state, Command::Undo);
    assert_eq!((state.view, &state.notes), (view, &notes));
}

#[test]
fn notes_stay_where_one_comes_back_from_a_comparison_but_not_from_another_run() {
    let mut state = opened(Route { at: Some(1_000_000), ..Route::default() });
    let alone = state.route();
    state.apply(Action::Choose(Change::Beside(Other::Policy("block-always".into()))));
    bring(&mut state);
    press(&mut state, Command::Note);
    state.apply(Action::Return(alone.clone()));
    bring(&mut state);
    assert_eq!((state.request.others.len(), state.notes.len()), (0, 1));
    let mut reloaded = State::default();
    reloaded.apply(Action::Return(state.route()));
    bring(&mut reloaded);
    assert_eq!(reloaded.notes, state.notes);
    state.apply(Action::Choose(Change::Seed(2)));
    bring(&mut state);
    state.apply(Action::Return(alone));
    bring(&mut state);
    assert_eq!(state.notes, []);
}

#[test]
fn range_stays_where_other_runs_come_beside_it() {
    let mut state = opened(Route { at: Some(1_000_000), ..Route::default() });
    state.apply(Action::Select(Some((5, 9_000))));
    state.apply(Action::Choose(Change::Beside(Other::Policy("block-always".into()))));
    bring(&mut state);
    assert_eq!((state.selection, state.route().range), (Some((5, 9_000)), Some((5, 9_000))));
    state.apply(Action::Choose(Change::Seed(2)));
    bring(&mut state);
    assert_eq!(state.selection, None);
}

#[test]
fn an_event_brings_its_lane_with_it() {
    let mut state = opened(Route { at: Some(0), ..Route::default() });
    let scene = state.scene.clone().unwrap();
    let kill = scene.outcome.report.victims[0].killed.0;
    press(&mut state, Command::Incident(Step::Forward));
    assert_eq!(state.cursor.at, kill);
    let title = |state: &State| scene.outcome.lanes[state.lane].title.clone();
    assert_eq!(title(&state), "hog", "where the kill is drawn");
    let trace = &scene.outcome.run.trace;
    let of_reaper = |record: &usize| {
        let task = trace.get(*record).map(|it| it.task);
        task.and_then(|task| scene.outcome.run.cast.tasks.get(task)).unwrap().comm == "oom_reaper"
    };
    let record = (0..trace.len()).find(of_reaper).unwrap();
    state.apply(Action::SeekRecord(record));
    assert_eq!((title(&state).as_str(), state.cursor.happened), ("oom_reaper", record + 1));
    // Who put it away does not want it back.
    press(&mut state, Command::HideLane);
    let other = title(&state);
    state.apply(Action::SeekRecord(record));
    assert_eq!(title(&state), other);
}

#[test]
fn compared_run_becomes_the_one_that_is_looked_at_and_back() {
    let mut state = opened(Route { at: Some(1_000_000), ..Route::default() });
    for policy in ["block-always", "nonblock"] {
        state.apply(Action::Choose(Change::Beside(Other::Policy(policy.into()))));
    }
    bring(&mut state);
    let (names, digests) = (state.names(), state.digests());
    assert_eq!(names, ["interval", "block-always", "nonblock"]);
    state.apply(Action::Choose(Change::Look(1)));
    bring(&mut state);
    assert_eq!(state.names(), ["nonblock", "block-always", "interval"]);
    assert_eq!((state.call.to.as_str(), state.cursor.at), (LANES, 1_000_000));
    let (first, second) = (digests.split(',').next(), state.digests());
    assert_eq!(second.split(',').next_back(), first);
    state.apply(Action::Choose(Change::Look(1)));
    bring(&mut state);
    assert_eq!((state.names(), state.digests()), (names, digests));

    state.apply(Action::Choose(Change::Look(9)));
    assert_eq!(state.phase_id(), "ready");
    let kernel = Other::Kernel("7.1".into());
    let mut state = opened(Route::default());
    state.apply(Action::Choose(Change::Beside(kernel)));
    bring(&mut state);
    state.apply(Action::Choose(Change::Look(0)));
    bring(&mut state);
    assert!(state.names()[0].starts_with("kernel 7.1 "), "{:?}", state.names());
    assert_eq!(state.request.others, [Other::Kernel("6.1".into())]);
    let check = Other::Check("lockdep".into());
    state.apply(Action::Choose(Change::Without(0)));
    state.apply(Action::Choose(Change::Beside(check)));
    bring(&mut state);
    state.apply(Action::Choose(Change::Look(0)));
    assert_eq!((state.request.checks.join(","), state.request.others.len()), ("lockdep".into(), 0));
}

#[test]
fn lock_names_who_holds_it_and_who_waits() {
    let scenario = ScenarioRef::ById("d2-direct".into());
    let state =
        opened(Route { request: Request { scenario, ..Request::default() }, ..Route::default() });
    let scene = state.scene.as_ref().unwrap();
    let lanes = &scene.outcome.lanes;
    let is_lock = |lane: &usize| matches!(lanes[*lane].of, sim_core::analysis::LaneOf::Lock(_));
    let lane = (0..lanes.len()).find(is_lock).unwrap();
    let waited =
        |span: &&sim_core::analysis::Span| span.state == sim_core::analysis::LaneState::Contended;
    let span = lanes[lane].spans.iter().find(waited).unwrap();
    let told = scene.lock_at(lane, span.end.0 - 1).unwrap();
    assert!(told.starts_with("held by ") && told.contains(" wait"), "{told}");
    let labels = crate::timeline::thin::label_texts((&lanes[lane], span), scene, None, 500.0);
    assert!(labels[0].starts_with("held by "), "{labels:?}");
    assert!(labels[0].starts_with(&labels[1]) && !labels[1].contains(';'), "{labels:?}");
}
