//! What links bring and take along: cursor, view, notes, policies beside, forks.

use super::*;
use crate::timeline::rows::{Group, Toward};
use sim_core::scenario::{Fork, RunOptions, Simulation};
use sim_core::share::Other;

#[test]
fn link_with_the_right_digest_is_reproduced() {
    let first = opened(Route::default());
    let mut route = first.route();
    assert_eq!(opened(route.clone()).link_check, LinkCheck::Reproduced);

    route.digest = Some("0".repeat(32));
    let state = opened(route.clone());
    let LinkCheck::Differs { how, older, .. } = state.link_check else { panic!() };
    assert!(how.contains("00000000") && older.is_none(), "{how}");

    route.at = Some(u64::MAX / 2);
    for (model, is_older) in [(999, false), (1, true)] {
        route.model = Some(model);
        let state = opened(route.clone());
        // Whoever goes to the older page takes the link's own digest along.
        assert_eq!(
            (state.route().digest, state.route().model),
            (route.digest.clone(), route.model)
        );
        let LinkCheck::Differs { how, older, .. } = state.link_check else { panic!() };
        assert!(how.contains(&format!("model {model}")), "{how}");
        // … and all that it says, where today's run has ended before.
        assert_eq!(older.as_deref(), is_older.then_some(&route));
    }
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

/// As guided searches find them.
#[test]
fn link_of_a_run_with_preemption_and_another_order_is_reproduced() {
    let text = "#/v1/run?scenario=gpu-fence-overlap&seed=3&fork=0ms:ties%3D7&fork=3000ms:preempt%3D0%2B2ms";
    let first = opened(crate::route::parse(text).unwrap());
    assert_eq!(first.request.forks.len(), 2);
    let fragment = crate::route::fragment(&first.route());
    let again = opened(crate::route::parse(&fragment).unwrap());
    assert!(matches!(again.link_check, LinkCheck::Reproduced), "{:?}", again.link_check);
    let scenario = sim_core::scenario::gallery::find("gpu-fence-overlap").unwrap();
    let scenario = sim_core::scenario::parse(scenario.id, scenario.text, &[]).unwrap();
    let digest = |forks: &[Fork]| {
        let options = RunOptions { seed: 3, forks: forks.to_vec(), ..RunOptions::default() };
        let mut simulation = Simulation::new(&scenario, &options).unwrap();
        while simulation.advance(u64::MAX) {}
        simulation.finish().digest.to_string()
    };
    assert_eq!(first.digests(), digest(&first.request.forks), "as everywhere else");
    for fork in 0..2 {
        let mut others = first.request.forks.clone();
        others.remove(fork);
        assert_ne!(first.digests(), digest(&others), "{fork} has no effect");
    }
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
    assert!(unknown.notice.unwrap().text.contains("no-such"));

    let mut newer = State::default();
    newer.apply(Action::Open(crate::route::parse("#/v2/run?scenario=no-such").unwrap()));
    newer.apply(Action::Failed("There is none.".into()));
    assert!(newer.notice.unwrap().text.starts_with("There is none. A newer version of this page"));

    let mut older = State::default();
    let link = crate::route::parse("#/v1/run?scenario=no-such&model=1&t=1ms").unwrap();
    older.apply(Action::Open(link.clone()));
    older.apply(Action::Failed("There is none.".into()));
    assert_eq!(older.notice.clone().unwrap().older, Some(link));
    older.apply(Action::Notice("of another thing".into()));
    assert_eq!(older.notice.unwrap().older, None);
}

#[test]
fn scenario_of_a_link_that_cannot_be_run_goes_to_the_editor() {
    let text = "title = \"mine\"\nhue = 9\n";
    let request = Request { scenario: ScenarioRef::Inline(text.into()), ..Request::default() };
    let route = Route { request, newer: true, ..Route::default() };
    for mut state in [State::default(), opened(Route::default())] {
        state.apply(Action::Open(route.clone()));
        let message = Job::start(&state.request).err().unwrap();
        state.apply(Action::Failed(message));
        assert_eq!(state.rescued.as_deref(), Some(text));
        assert!(state.editing && state.request == Request::default());
        let told = state.notice.clone().unwrap();
        assert!(told.text.contains("hue") && told.text.contains("in the editor"), "{told:?}");
        state.apply(Action::Open(Route::default()));
        assert_eq!(state.rescued, None);
    }
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
fn rows_travel_in_the_link_and_a_link_without_has_them_as_they_open() {
    let mut state = opened(Route { at: Some(1_000_000), ..Route::default() });
    let first = state.route();
    press(&mut state, Command::Lane(Toward::Bottom));
    press(&mut state, Command::PinLane);
    press(&mut state, Command::Lane(Toward::Bottom));
    press(&mut state, Command::HideLane);
    press(&mut state, Command::ShiftLane(Toward::Bottom));
    // The group of the lane that is selected, too.
    state.apply(Action::ToggleGroup(Group::Tasks));
    let again = opened(crate::route::parse(&crate::route::fragment(&state.route())).unwrap());
    assert_eq!((again.rows(), again.lane), (state.rows(), state.lane));
    assert_ne!(again.rows(), opened(Route::default()).rows());
    // As Back does, and undo leads on again.
    state.apply(Action::Return(first.clone()));
    assert_eq!(state.rows(), opened(first).rows());
    press(&mut state, Command::Undo);
    assert_eq!(state.rows(), again.rows());
}

#[test]
fn names_of_lanes_can_stand_in_a_list_of_the_link() {
    for entry in sim_core::scenario::gallery::gallery() {
        let request =
            Request { scenario: ScenarioRef::ById(entry.id.into()), ..Request::default() };
        let scene = scene(&request);
        let mut names: Vec<&str> =
            scene.outcome.lanes.iter().map(|lane| lane.title.as_str()).collect();
        assert!(names.iter().all(|name| !name.contains(',') && name.len() < 80), "{names:?}");
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "{}: a name of two lanes", entry.id);
    }
}

#[test]
fn selected_range_travels_in_the_link() {
    let mut state = opened(Route { at: Some(1_000_000), ..Route::default() });
    state.apply(Action::Select(Some((5_000_001, 900_000_000))));
    let again = opened(crate::route::parse(&crate::route::fragment(&state.route())).unwrap());
    assert_eq!(again.selection, Some((5_000_001, 900_000_000)));
    press(&mut state, Command::Clear);
    assert_eq!(state.route().range, None);
    // A stretch of no length is none.
    state.apply(Action::Select(Some((5, 5))));
    assert_eq!(state.route().range, None);
    let beyond = opened(Route { range: Some((1, u64::MAX)), ..Route::default() });
    assert_eq!(beyond.selection, Some((1, beyond.end())));
}

#[test]
fn fork_that_cannot_be_made_leaves_the_run_as_it_is() {
    let mut state = opened(Route { at: Some(1_000_000), ..Route::default() });
    let before = (state.request.clone(), state.digests(), state.cursor);
    let fork = Branch { parent: 0, fork: "4900ms:kill=presser".parse().unwrap() };
    state.apply(Action::Choose(Change::Fork(fork)));
    state.apply(Action::Failed("presser does not live".into()));
    assert_eq!((state.request.clone(), state.digests(), state.cursor), before);
    assert_eq!(state.phase_id(), "ready");
    assert!(!state.history.can_undo(), "nothing was changed");
    assert!(state.notice.as_ref().unwrap().text.contains("presser does not live"));
}

#[test]
fn compared_policies_run_beside_the_first_and_are_all_in_the_link() {
    let mut state = opened(Route::default());
    state.apply(Action::Choose(Change::Beside(Other::Policy("skip-any".into()))));
    assert_eq!(state.request.policy.as_deref(), Some("interval"), "the scenario's own by name");
    assert_eq!(state.request.others, [Other::Policy("skip-any".into())]);
    let request = state.request.clone();
    state.apply(Action::Compared(vec![scene(&request.with(&request.others[0]))]));
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
        state.apply(Action::Choose(Change::Beside(Other::Policy(policy.into()))));
    }
    assert_eq!(state.request.others.len(), crate::engine::OTHERS_MAX);
    state.apply(Action::Choose(Change::Without(0)));
    assert_eq!(state.request.others, ["ignore", "nonblock"].map(|id| Other::Policy(id.into())));
}

#[test]
fn kernels_and_checks_are_compared_as_policies_are() {
    let mut state = opened(Route::default());
    let others = [Other::Kernel("4.9".into()), Other::Check("lockdep".into())];
    for other in others.clone().into_iter().chain([Other::Kernel("4.9".into())]) {
        state.apply(Action::Choose(Change::Beside(other)));
    }
    assert_eq!((&state.request.policy, &state.request.others[..]), (&None, &others[..]));
    // What is compared is another kernel with its own policy, and the same run with a checker.
    let request = state.request.clone();
    let scenes: Vec<_> = others.iter().map(|other| scene(&request.with(other))).collect();
    state.apply(Action::Compared(scenes));
    state.apply(Action::Finished(scene(&request.alone())));
    let digests = state.digests();
    let digests: Vec<&str> = digests.split(',').collect();
    assert!(digests[0] != digests[1] && digests[0] == digests[2], "{digests:?}");
    assert_eq!(
        state.names(),
        ["kernel 6.1 (interval), no check", "kernel 4.9 (ignore)", "check lockdep"]
    );
    let route = state.route();
    let again = crate::route::parse(&crate::route::fragment(&route)).unwrap();
    assert_eq!((again.request, again.digest), (route.request, Some(state.digests())));
    // Policies come first, as in links.
    state.apply(Action::Choose(Change::Beside(Other::Policy("ignore".into()))));
    assert_eq!(state.request.others[0], Other::Policy("ignore".into()));
    // What becomes the first run's own is not compared with it.
    state.apply(Action::Choose(Change::Kernel(Some("4.9".into()))));
    assert_eq!(state.request.others, [Other::Check("lockdep".into())]);
    state.apply(Action::Choose(Change::Check("lockdep")));
    assert_eq!(state.request.others, []);
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
fn bad_link_leaves_the_run_that_was_open() {
    let mut state = opened(Route { at: Some(1_000_000), ..Route::default() });
    let before = (state.request.clone(), state.digests(), state.cursor, state.links);
    let request = Request { scenario: ScenarioRef::ById("no-such".into()), ..Request::default() };
    state.apply(Action::Open(Route { request, ..Route::default() }));
    state.apply(Action::Failed("There is no scenario “no-such” in the gallery.".into()));
    assert_eq!((&state.request, state.digests(), state.cursor), (&before.0, before.1, before.2));
    assert_eq!(state.phase_id(), "ready");
    assert!(state.notice.as_ref().unwrap().text.contains("no-such"));
    assert!(state.notice.as_ref().unwrap().text.contains("stays"));
    assert!(state.route().request == before.0 && state.links > before.3);

    state.apply(Action::Refuse { message: "This is no link.".into() });
    assert_eq!((&state.request, state.phase_id()), (&before.0, "ready"));
    assert!(state.links > before.3 + 1, "the address is written anew each time");
    // What is being edited fails in its place.
    state.apply(Action::Choose(Change::Text(ScenarioRef::Inline("x".into()))));
    state.apply(Action::Failed("wrong".into()));
    assert_eq!(state.phase_id(), "error");
}

#[test]
fn link_to_one_of_several_records_of_an_instant_leads_to_it() {
    let first = opened(Route::default());
    let trace = &first.scene.as_ref().unwrap().outcome.run.trace;
    let at = |index: usize| trace.get(index).unwrap().at.0;
    let record = (1..trace.len() - 2)
        .find(|&index| at(index) > at(index - 1) && at(index) == at(index + 2))
        .unwrap();
    for (record, nth) in [(record, Some(1)), (record + 1, Some(2))] {
        let mut state = opened(Route { at: Some(at(record) + 1), ..Route::default() });
        state.apply(Action::SeekRecord(record));
        let route = state.route();
        assert_eq!(route.nth, nth);
        let again = opened(crate::route::parse(&crate::route::fragment(&route)).unwrap());
        assert_eq!(again.cursor, state.cursor);
    }
    // Who asks for the instant sees all of it, and so does who asks for more than there is.
    for nth in [None, Some(u64::MAX), Some(1 << 40)] {
        let all = opened(Route { at: Some(at(record)), nth, ..Route::default() });
        assert_eq!((all.cursor.at, all.route().nth), (at(record), None));
        assert!(all.cursor.happened > record + 2);
    }
}

#[test]
fn run_that_differs_tells_the_last_record_that_is_the_same() {
    let first = opened(Route::default());
    let mut route = first.route();
    route.digest = Some("0".repeat(32));
    route.marks[0][3] ^= 1;
    let state = opened(route);
    assert!(
        matches!(state.link_check, LinkCheck::Differs { equal_until: Some(256), .. }),
        "{:?}",
        state.link_check
    );
}

#[test]
fn instant_of_a_story_leads_to_what_happened_then() {
    let mut state = opened(Route { at: Some(1_000_000), ..Route::default() });
    let scene = state.scene.clone().unwrap();
    let story = crate::engine::story(&scene.outcome).join(" ");
    let told: Vec<u64> = crate::engine::instants(&story).into_iter().map(|(_, at)| at.0).collect();
    assert!(told.len() > 3, "{story}");
    for at in told {
        state.apply(Action::SeekTold(at));
        let record = scene.outcome.run.trace.get(state.cursor.happened - 1).unwrap();
        assert_eq!(record.at.0 / 1_000, at / 1_000, "{story}");
        assert!(!state.playing && state.cursor.at == record.at.0);
    }
}
