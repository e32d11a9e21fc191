//! `shrink`, on the planted deadlock.

use std::fs;

use crate::tool::{call, printed, scratch};

const RARE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios/rare-deadlock.toml");
/// A seed that shows the deadlock.
const SEED: &str = "2289";

#[test]
fn planted_deadlock_shrinks_to_its_minimum() {
    let args = ["shrink", RARE, "--seed", SEED, "--keep", "deadlock"];
    let out = scratch("shrunk.toml").into_os_string().into_string().expect("a readable path");
    let said = printed(&[&args[..], &["--out", &out]].concat());
    let small = fs::read_to_string(&out).expect("the result");
    assert_eq!(small, fs::read_to_string(RARE_SMALL).expect("committed"), "{said}");
    // Chance no longer has a part in it.
    for seed in ["0", "1", "2"] {
        let run = printed(&["run", &out, "--seed", seed, "--format", "json"]);
        assert!(run.contains("\"verdict\": \"deadlock\""), "{run}");
    }
    assert!(said.contains("4 → "), "{said}");
    assert!(said.contains("could never go on"), "{said}");
    let link = said.lines().last().expect("a link");
    assert!(printed(&["verify", link]).starts_with("reproduced"));
    // There is nothing left to leave out.
    let again = call(&["shrink", &out, "--seed", SEED, "--keep", "deadlock"]);
    assert_eq!((again.code, again.out), (Some(0), small));
}

/// Whoever gets the file has no need to know under which policy it was found.
#[test]
fn result_holds_the_policy_that_was_chosen() {
    let out = scratch("with-policy.toml").into_os_string().into_string().expect("a readable path");
    let args = ["shrink", "d3-fence", "--policy", "block-always", "--keep", "deadlock", "--out"];
    let said = printed(&[&args[..], &[&out]].concat());
    let run = printed(&["run", &out, "--format", "json"]);
    assert!(run.contains("\"verdict\": \"deadlock\""), "{run}");
    assert!(run.contains("\"policy\": \"block-always\""), "{run}");
    let link = said.lines().last().expect("a link");
    assert!(printed(&["verify", link]).starts_with("reproduced"));
}

const RARE_SMALL: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios/rare-deadlock-small.toml");

#[test]
fn what_the_run_does_not_show_cannot_be_kept() {
    let said = call(&["shrink", RARE, "--seed", "1", "--keep", "deadlock"]);
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("seed 1 shows recovered, not deadlock"), "{}", said.err);
}

/// A limit of time ends it with what it has, and the link goes on from there.
#[test]
fn what_is_found_in_time_is_kept_and_gone_on_with() {
    let out = scratch("in-time.toml").into_os_string().into_string().expect("a readable path");
    let args = ["shrink", RARE, "--seed", SEED, "--keep", "deadlock", "--out", &out];
    let said = printed(&[&args[..], &["--time", "0"]].concat());
    assert!(said.contains("Stopped before it was the smallest"), "{said}");
    let link = said.lines().last().expect("a link");
    assert!(printed(&["verify", link]).starts_with("reproduced"));
    let rest = printed(&["shrink", link, "--keep", "deadlock", "--out", &out]);
    assert!(!rest.contains("Stopped"), "{rest}");
    let whole = fs::read_to_string(RARE_SMALL).expect("committed");
    let small = fs::read_to_string(&out).expect("the result");
    let rules = |text: &str| -> Vec<String> {
        text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
    };
    assert_eq!(rules(&small), rules(&whole));
    let origin =
        "# Shrunk from “Three locks, rarely taken at the same time”, of a link, as long as";
    assert!(small.starts_with(origin), "{small}");
}
