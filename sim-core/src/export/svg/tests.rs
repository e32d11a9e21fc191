//! The picture of real runs: that it is well-formed, shows what the rows
//! hold, and stays small.

use super::*;
use crate::analysis::{LaneState, report};
use crate::record::Keep;
use crate::scenario::gallery::find;
use crate::scenario::{RunOptions, Simulation, parse};

fn run(id: &str, policy: &str) -> Run {
    let entry = find(id).expect("in the gallery");
    let scenario = parse(id, entry.text, &[]).expect("checked");
    let options = RunOptions {
        policy: Some(policy.to_owned()),
        keep: Keep::Records,
        ..RunOptions::default()
    };
    Simulation::new(&scenario, &options).expect("it runs").run()
}

fn picture(run: &Run, title: &str, window: Option<(SimTime, SimTime)>) -> String {
    let report = report(run);
    let runs = [Shown { run, report: &report, parts: None, values: "" }];
    let links = ["#/v1/run?scenario=a&seed=1".to_owned()];
    svg(&Picture { title, runs: &runs, links: &links, window })
}

/// Every element is closed by its own end, and nothing is left open.
fn assert_well_formed(text: &str) {
    let mut open = Vec::new();
    for tag in text.split('<').skip(1) {
        let (inside, _) = tag.split_once('>').expect("a tag ends");
        let name = inside.split([' ', '/']).find(|part| !part.is_empty()).expect("a name");
        if inside.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "{inside}");
        } else if !inside.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn rows_states_and_link_are_there_as_text() {
    let run = run("gpu-fence-overlap", "nonblock");
    let text = picture(&run, "A <title> & more", None);
    assert_well_formed(&text);
    for part in
        ["&lt;title&gt; &amp; more", ">oom_reaper<", ">gpu0<", "<title>back-off 3", "seed=1</text>"]
    {
        assert!(text.contains(part), "{part}");
    }
    // Bars at half a pixel: their number has a bound, however long the run.
    assert!(text.len() < 400_000, "{}", text.len());
    assert_eq!(text, picture(&run, "A <title> & more", None));
}

/// As on the page: no state is told by its color alone, but for the plainest.
#[test]
fn every_state_but_running_has_a_pattern() {
    let style = look::style();
    for state in look::ALL {
        let class = look::class(state);
        let has = |fill: &str| style.contains(&format!(".{class}{{fill:{fill}"));
        assert_eq!(has("url(#"), state != LaneState::Running, "{class}");
        assert!(has("#") || style.contains(&format!("<pattern id=\"{class}\"")), "{class}");
    }
    assert_well_formed(&style);
}

#[test]
fn a_window_shows_nothing_else() {
    let run = run("gpu-fence-overlap", "nonblock");
    let from = SimTime(0);
    let text = picture(&run, "t", Some((from, SimTime(1_000_000))));
    assert!(!text.contains("<title>back-off"), "the kill comes later");
    assert_well_formed(&text);
}

#[test]
fn curve_is_well_formed() {
    let point = |at, share| CurvePoint { at: SimTime(at), share, low: share / 2, high: 1_000_000 };
    let text = curve("P & more", SimTime(100), &[point(0, 0), point(50, 500_000)], &[]);
    assert_well_formed(&text);
    assert!(text.contains("0.000 ms: 50.0 % (25.0 to 100.0 %)"), "{text}");
}
