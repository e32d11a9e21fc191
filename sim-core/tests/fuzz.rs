//! Scenario files that somebody's cat has walked over: whatever stands in
//! them, the reader answers, and points into the text.
#![cfg(not(target_arch = "wasm32"))]

use proptest::prelude::*;
use sim_core::scenario::gallery::gallery;
use sim_core::scenario::parse;

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
                prop_assert!(!complaint.problem.is_empty());
            }
        }
    }
}
