//! `explore` and `rewind`, on a deadlock that one seed in 20,000 shows.

use serde_json::Value;

use crate::tool::{call, printed, scratch};

const RARE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios/rare-deadlock.toml");
/// A seed that shows it, the first of all.
const SEED: &str = "2289";

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

#[test]
fn seeds_that_show_it_are_named_and_counted() {
    let seed: u64 = SEED.parse().expect("a number");
    let seeds = format!("{}..{}", seed - 100, seed + 100);
    let args = ["explore", RARE, "--until", "deadlock", "--seeds", &seeds];
    let found = json(&printed(&[&args[..], &["--format", "json"]].concat()));
    assert_eq!(found["seeds"], serde_json::json!([seed]));
    assert_eq!((&found["runs"], &found["count"]), (&200.into(), &1.into()));
    // Wilson's interval of 1 of 200, from his formula by hand.
    let bound = |name: &str| found[name].as_f64().expect("a number");
    assert!((bound("low") - 0.000_883).abs() < 1e-6 && (bound("high") - 0.027_77).abs() < 1e-4);
    let text = printed(&args);
    assert!(text.starts_with("deadlock in 1 of 200 (0.5 %, 95 % interval 0.1 to 2.8 %)"), "{text}");
    assert!(text.contains(&format!("&seed={SEED}")), "{text}");
    assert_eq!(text, printed(&[&args[..], &["--jobs", "1"]].concat()));
}

/// Of five searches the guided one needs fewer runs than chance would
/// need on average (20,000), each time, and less than half in the middle.
#[test]
fn guided_search_beats_chance() {
    let mut needed: Vec<u64> = Vec::new();
    for from in [0, 100_000, 200_000, 300_000, 400_000] {
        let seeds = format!("{from}..{}", from + 64);
        let args = ["explore", RARE, "--until", "deadlock", "--seeds", &seeds];
        let found =
            json(&printed(&[&args[..], &["--guided", "20000", "--format", "json"]].concat()));
        needed.push(found["guided_runs"].as_u64().expect("a number"));
        if from == 200_000 {
            let command = found["guided"]["command"].as_str().expect("found");
            let mut words: Vec<&str> = command.split(' ').skip(1).collect();
            words.extend(["--format", "json"]);
            assert_eq!(json(&printed(&words))["verdict"], "deadlock");
        }
    }
    needed.sort_unstable();
    assert!(needed[4] < 20_000 && needed[2] < 10_000, "{needed:?}");
}

/// With the order of simultaneous events and a preemption among what was varied.
#[test]
fn what_a_guided_search_found_is_made_again_by_its_link() {
    for (seeds, choice) in [("300000..300064", "ties="), ("1120000..1120016", "preempt=")] {
        let args = ["explore", RARE, "--until", "deadlock", "--seeds", seeds, "--guided", "20000"];
        let found = json(&printed(&[&args[..], &["--format", "json"]].concat()));
        let link = found["guided"]["link"].as_str().expect("a link");
        assert!(link.contains(choice), "{link}");
        let said = printed(&["verify", link]);
        assert!(said.starts_with("reproduced") && said.contains(choice), "{said}");
        assert_eq!(json(&printed(&["run", link, "--format", "json"]))["verdict"], "deadlock");
        // It is no ornament: without it the run is another.
        let is_it = |part: &&str| !(part.starts_with("fork=") && part.contains(choice));
        let without: Vec<&str> = link.split('&').filter(is_it).collect();
        let said = call(&["verify", &without.join("&")]);
        assert_eq!(said.code, Some(1), "{}", said.out);
    }
}

#[test]
fn none_found_is_told_by_the_exit_code() {
    let args = ["explore", RARE, "--until", "panic", "--seeds", "0..50", "--guided", "64"];
    let said = call(&args);
    assert_eq!((said.code, said.err.as_str()), (Some(3), ""));
    assert!(said.out.contains("panic in 0 of 50"), "{}", said.out);
    assert!(said.out.contains("not found in 64 runs"), "{}", said.out);
    let said = call(&["explore", RARE, "--until", "doom"]);
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("expected one of panic, deadlock"), "{}", said.err);
}

/// Every moment is drawn at the start: then nothing is decided, and after
/// that everything.
#[test]
fn point_of_no_return_is_after_the_draws() {
    let rewound = |seed: &str| {
        let args = ["rewind", RARE, "--seed", seed, "--until", "deadlock"];
        json(&printed(
            &[&args[..], &["--points", "4", "--times", "16", "--format", "json"]].concat(),
        ))
    };
    let fatal = rewound(SEED);
    let counts = |run: &Value| -> Vec<u64> {
        let curve = run["curve"].as_array().expect("a curve").iter();
        curve.map(|point| point["count"].as_u64().expect("a number")).collect()
    };
    assert_eq!(counts(&fatal), [0, 16, 16, 16]);
    assert_eq!(fatal["verdict"], "deadlock");
    assert_eq!(fatal["no_return_ns"], fatal["curve"][1]["t_ns"]);
    let harmless = rewound("1");
    assert_eq!(counts(&harmless), [0, 0, 0, 0]);
    assert_eq!(harmless["no_return_ns"], Value::Null);
}

#[test]
fn curve_is_told_as_text_table_and_picture() {
    let args = ["rewind", RARE, "--seed", SEED, "--until", "deadlock"];
    let rewound = |format: &str| {
        printed(&[&args[..], &["--points", "4", "--times", "16", "--format", format]].concat())
    };
    let text = rewound("summary");
    assert!(text.contains("  ####################  16 of 16 (100.0 %"), "{text}");
    assert!(text.contains("point of no return: "), "{text}");
    let csv = rewound("csv");
    let lines: Vec<&str> = csv.split("\r\n").collect();
    assert_eq!(lines[0], "t_ns,count,of,share,low,high");
    assert!(lines[1].starts_with("0,0,16,0.000000,0.000000,0.1936"), "{csv}");
    assert_eq!(lines.len(), 6, "{csv}");
    let svg = rewound("svg");
    assert!(svg.contains("100.0 % (80.6 to 100.0 %)") && svg.contains("#/v1/run?"), "{svg}");
}

/// A search that is broken off after every block finds what one that
/// isn't finds, after as many runs.
#[test]
fn search_goes_on_from_its_file() {
    let state = scratch("search.state");
    let _: std::io::Result<()> = std::fs::remove_file(&state);
    let state_text = state.to_str().expect("a readable path");
    let search = |guided: &str, more: &[&str]| {
        let args = ["explore", RARE, "--until", "deadlock", "--seeds", "200000..200064"];
        let said = call(&[&args[..], &["--guided", guided, "--format", "json"], more].concat());
        (said.code, json(&said.out), said.err)
    };
    let (_, whole, _) = search("20000", &[]);
    let kept = ["--state", state_text];
    let (code, part, _) = search("100", &kept);
    assert_eq!((code, &part["guided_runs"]), (Some(3), &100.into()));
    // As if it had been killed while it wrote a line.
    let mut text = std::fs::read_to_string(&state).expect("a file");
    let lines = text.lines().count();
    text.push_str("{\"batch\":{\"resul");
    std::fs::write(&state, &text).expect("writable");
    let (_, part, _) = search("110", &kept);
    assert_eq!(part["guided_runs"], 110);
    assert_eq!(std::fs::read_to_string(&state).expect("a file").lines().count(), lines + 1);
    let (code, resumed, _) = search("20000", &kept);
    assert_eq!((code, resumed), (Some(0), whole));
    // Again, and it only reads.
    let before = std::fs::read(&state).expect("a file");
    search("20000", &kept);
    assert_eq!(before, std::fs::read(&state).expect("a file"));
    let other = ["explore", RARE, "--until", "deadlock", "--seeds", "0..64"];
    let said = call(&[&other[..], &kept].concat());
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("of another search"), "{}", said.err);
}
