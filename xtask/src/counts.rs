//! Counts of passed and failed tests, read from what the test runners print.
//!
//! Knows cargo's and wasm-bindgen's `test result:` lines and the closing lines of `node --test`.
//! Leaves out the names of the tests: the runners print those.

use std::ops::AddAssign;

/// How many tests a suite ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) ignored: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored += other.ignored;
    }
}

impl Counts {
    /// Adds up all closing lines in `text`. A suite that ended badly without a failed test (it
    /// did not compile, crashed, or hung) counts as one failure.
    pub(crate) fn from_output(text: &str, success: bool) -> Self {
        let mut counts = Self::default();
        for line in text.lines() {
            if let Some(line) = counts_of_cargo(line).or_else(|| counts_of_node(line)) {
                counts += line;
            }
        }
        if !success && counts.failed == 0 {
            counts.failed = 1;
        }
        counts
    }
}

/// `test result: ok. 3 passed; 0 failed; 1 ignored; …`
fn counts_of_cargo(line: &str) -> Option<Counts> {
    let (_, parts) = line.trim_start().strip_prefix("test result: ")?.split_once(". ")?;
    let mut counts = Counts::default();
    for part in parts.split(';') {
        let (Some(number), Some(word)) = number_and_word(part) else {
            continue;
        };
        match word {
            "passed" => counts.passed = number,
            "failed" => counts.failed = number,
            "ignored" => counts.ignored = number,
            _ => {}
        }
    }
    Some(counts)
}

fn number_and_word(part: &str) -> (Option<u64>, Option<&str>) {
    let mut words = part.split_whitespace();
    (words.next().and_then(|word| word.parse().ok()), words.next())
}

/// `# pass 3` in TAP, `ℹ pass 3` in the spec reporter; always at the start of the line.
fn counts_of_node(line: &str) -> Option<Counts> {
    let line = line.strip_prefix("# ").or_else(|| line.strip_prefix("ℹ "))?;
    let (word, number) = line.split_once(' ')?;
    let number = number.trim().parse().ok()?;
    let none = Counts::default();
    match word {
        "pass" => Some(Counts { passed: number, ..none }),
        // A test that hangs is canceled, together with those inside it.
        "fail" | "cancelled" => Some(Counts { failed: number, ..none }),
        "skipped" | "todo" => Some(Counts { ignored: number, ..none }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, success: bool, expected: [u64; 3]) {
        let counts = Counts::from_output(text, success);
        assert_eq!([counts.passed, counts.failed, counts.ignored], expected, "{text}");
    }

    #[test]
    fn cargo_results_add_up() {
        let ok = "running 2 tests\ntest result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; \
                  0 filtered out; finished in 0.00s\n";
        let bad = "test result: FAILED. 3 passed; 4 failed; 0 ignored; 0 measured\n";
        check(ok, true, [2, 0, 1]);
        check(&format!("{ok}{bad}"), false, [5, 4, 1]);
    }

    #[test]
    fn node_results_add_up_in_both_reporters() {
        let tap = "TAP version 13\n# tests 3\n# suites 0\n# pass 2\n# fail 1\n# cancelled 0\n\
                   # skipped 4\n# todo 0\n# duration_ms 12.5\n";
        check(tap, false, [2, 1, 4]);
        check("ℹ tests 1\nℹ pass 1\nℹ fail 0\nℹ cancelled 0\nℹ skipped 0\n", true, [1, 0, 0]);
        check("ℹ pass 0\nℹ fail 0\nℹ cancelled 2\n", false, [0, 2, 0]);
    }

    #[test]
    fn suite_that_does_not_compile_is_one_failure() {
        check("error[E0425]: cannot find value `x`\n", false, [0, 1, 0]);
        check("test result: ok. 2 passed; 0 failed; 0 ignored\nsegfault\n", false, [2, 1, 0]);
    }

    #[test]
    fn text_of_a_test_is_not_a_result() {
        check("  # pass 9\n# passed 9 gates\nprinted: test result: none. 9 passed\n", true, [0; 3]);
    }
}
