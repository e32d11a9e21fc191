//! Scenario files that somebody's cat has walked over: whatever stands in
//! them, the reader answers, and points into the text.
#![cfg(not(target_arch = "wasm32"))]

use proptest::prelude::*;
use sim_core::scenario::gallery::gallery;
use sim_core::scenario::{Fork, RunOptions, Simulation, parse};

/// What a token may turn into.
const WRONG: [&str; 24] = [
    "",
    "0",
    "-1",
    "18446744073709551615",
    "-9223372036854775808",
    "1e999",
    "nan",
    "''",
    "\"\\u0000\"",
    "'999999999999TiB'",
    "'0.0000000001ns'",
    "'60MiB/s'",
    "'100%'",
    "true",
    "[]",
    "[[]]",
    "{}",
    "{ touch = 'a' }",
    "{ repeat = 'forever', program = [] }",
    "{ lognormal = { median = '0s', p99 = '0s' } }",
    "'GFP_KERNEL|'",
    "[[task]]",
    "\n",
    "é",
];

/// Where words, numbers and strings begin and end.
fn tokens(text: &str) -> Vec<(usize, usize)> {
    let mut tokens = Vec::new();
    let mut start = None;
    for (at, c) in text.char_indices() {
        let inside = c.is_alphanumeric() || matches!(c, '_' | '-' | '"' | '.' | '%' | '/');
        match (inside, start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                tokens.push((from, at));
                start = None;
            }
            _ => {}
        }
    }
    tokens
}

fn mutate(text: &str, how: &[(usize, usize, usize)]) -> String {
    let mut text = text.to_owned();
    for &(what, which, with) in how {
        let tokens = tokens(&text);
        if tokens.is_empty() {
            break;
        }
        let (from, to) = tokens[which % tokens.len()];
        let (other_from, other_to) = tokens[with % tokens.len()];
        let other = text[other_from..other_to].to_owned();
        match what % 4 {
            0 => text.replace_range(from..to, ""),
            1 => text.replace_range(from..to, WRONG[with % WRONG.len()]),
            2 => text.replace_range(from..to, &other),
            _ => text.insert_str(from, &format!("{other} ")),
        }
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 1_500, ..ProptestConfig::default() })]

    #[test]
    fn reader_answers_and_points_into_the_text(
        file in any::<usize>(),
        how in prop::collection::vec(any::<(usize, usize, usize)>(), 1..6),
    ) {
        let gallery = gallery();
        let text = mutate(gallery[file % gallery.len()].text, &how);
        if let Err(complaints) = parse("fuzz", &text, &[]) {
            prop_assert!(!complaints.is_empty());
            let lines: Vec<&str> = text.split('\n').collect();
            for complaint in complaints {
                let line = usize::try_from(complaint.line).expect("small");
                let column = usize::try_from(complaint.column).expect("small");
                prop_assert!((1..=lines.len()).contains(&line), "{complaint}");
                let length = lines[line - 1].chars().count();
                prop_assert!((1..=length + 1).contains(&column), "{complaint}");
                let there: String = lines[line - 1].chars().skip(column - 1).collect();
                let quoted = complaint.text.trim_end_matches('…');
                prop_assert!(there.starts_with(quoted), "{complaint}, but there is {there:?}");
                prop_assert!(complaint.problem.contains(' '), "{complaint}");
                prop_assert!(!complaint.expected.is_empty(), "no remedy: {complaint}");
            }
        }
    }
}

/// Words of a path that a file of the gallery may have.
const STEPS: [&str; 20] = [
    "task",
    "machine",
    "device",
    "hog",
    "gpu0",
    "program",
    "0",
    "7",
    "cost",
    "zap_page",
    "fence",
    "lognormal",
    "median",
    "zone",
    "DMA32",
    "name",
    "start",
    "kernel",
    "horizon",
    "99999999999",
];

/// A word, whole or damaged.
fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(&STEPS[..]).prop_map(str::to_owned),
        prop::sample::select(&STEPS[..]).prop_map(|word| word[1..].to_owned()),
        "[a-z_.-]{0,6}",
        "\\PC{0,8}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 3_000, ..ProptestConfig::default() })]

    /// Overrides: what is wrong with one is said at its own place.
    #[test]
    fn overrides_are_taken_or_told(
        file in any::<prop::sample::Index>(),
        path in prop::collection::vec(word(), 0..5),
        value in prop_oneof![
            prop::sample::select(&WRONG[..]).prop_map(str::to_owned),
            "\\PC{0,12}",
        ],
    ) {
        let gallery = gallery();
        let entry = &gallery[file.index(gallery.len())];
        let sets = [(path.join("."), value)];
        if let Err(complaints) = parse(entry.id, entry.text, &sets) {
            prop_assert!(!complaints.is_empty());
            for complaint in complaints {
                // Of the override, or of what it breaks elsewhere.
                prop_assert!(complaint.line >= 1 && complaint.column >= 1, "{complaint}");
                prop_assert!(!complaint.is_of_set() || complaint.line == 1, "{complaint}");
                prop_assert!(complaint.problem.contains(' '), "{complaint}");
                prop_assert!(!complaint.expected.is_empty(), "no remedy: {complaint} ({sets:?})");
            }
        }
    }

    /// Kernels, policies and checkers that nobody has.
    #[test]
    fn names_are_known_or_told(
        kernel in prop::option::of(prop_oneof!["[4-7][.][0-9]{1,2}", "\\PC{0,12}"]),
        policy in prop::option::of(prop_oneof!["[a-z-]{0,12}", "\\PC{0,12}"]),
        checks in prop::collection::vec(prop_oneof!["[a-z-]{0,10}", "\\PC{0,8}"], 0..3),
    ) {
        let entry = &gallery()[0];
        let scenario = parse(entry.id, entry.text, &[]).expect("good");
        let options = RunOptions { kernel, policy, checks, ..RunOptions::default() };
        if let Err(told) = Simulation::new(&scenario, &options).map(drop) {
            prop_assert!(told.contains("; did you mean") || told.contains("; there is"), "{told}");
        }
    }

    /// `--fork`.
    #[test]
    fn forks_are_read_or_told(text in prop_oneof![
        "[0-9.]{0,8}(ms|s|us)?(/[0-9]{0,20})?:?(policy|kill|end|delay|reseed)?=?[a-z0-9+.]{0,12}",
        "\\PC{0,24}",
    ]) {
        if let Err(told) = text.parse::<Fork>() {
            let is_told = ["expected", "there is", "no number"].iter().any(|word| told.contains(word));
            prop_assert!(is_told, "{text}: {told}");
        }
    }
}
