//! `review`, and the pictures and documents of `run` and `compare`.

use std::fs;

use crate::tool::{call, printed, scratch};

const REVIEW: [&str; 8] = [
    "review",
    "gpu-fence-overlap",
    "g9-block-always-deadlock",
    "--policy",
    "nonblock,block-always",
    "--seeds",
    "0..8",
    "--set=machine.hz=250",
];

#[test]
fn review_says_what_was_run_and_what_came_of_it() {
    let text = printed(&REVIEW);
    for part in [
        "# Review: A GPU mirrors part of the victim; A reaper that may block",
        "reaperscope review gpu-fence-overlap g9-block-always-deadlock --policy nonblock,block-always --seeds 0..8 --set 'machine.hz=250'",
        "| kernel, policy | gpu-fence-overlap | g9-block-always-deadlock |",
        "| 6.1 nonblock | extra-victims 100.0 % (67.6 to 100.0 %) |",
        "| recovered 100.0 % (67.6 to 100.0 %) | deadlock 100.0 % (67.6 to 100.0 %) |",
        "Where runs first part from 6.1 nonblock",
        "share of deadlock | +100.0 points (",
        "Who waited for whom at ",
        "waits for a fence of gpu0",
        "Driver gpu-fence leaves out: ",
        "Policy block-always leaves out: ",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    // Its links reproduce what it says.
    let links: Vec<&str> = text.split('`').filter(|part| part.starts_with("#/v1/run?")).collect();
    // Worst, median and first failing of each, where they are not the same.
    assert!((8..=16).contains(&links.len()), "{}", links.len());
    for part in [
        "The worst of all seeds",
        "the median of all seeds, by severity",
        "the first seed that fails",
        "None of 8 seeds fails under 6.1 block-always.",
    ] {
        assert!(text.to_lowercase().contains(&part.to_lowercase()), "{part}\n{text}");
    }
    for link in links {
        assert!(printed(&["verify", link]).starts_with("reproduced"), "{link}");
    }
    let once = [&REVIEW[..], &["--jobs", "1"]].concat();
    assert_eq!(text, printed(&once));
}

#[test]
fn review_is_written_in_both_forms() {
    let folder = scratch("review");
    let path = folder.to_str().expect("a readable path");
    let said = call(&[&REVIEW[..], &["--out", path]].concat());
    assert_eq!((said.code, said.out.as_str()), (Some(0), ""), "{}", said.err);
    let page = fs::read_to_string(folder.join("review.html")).expect("written");
    assert!(page.starts_with("<!doctype html>") && page.contains("<svg "), "{}", &page[..200]);
    // One file, which asks for nothing and runs nothing.
    for word in ["<script", "src=", "href=", "@import", "url(http"] {
        assert!(!page.contains(word), "{word}");
    }
    assert_eq!(fs::read_to_string(folder.join("review.md")).expect("written"), printed(&REVIEW));
}

#[test]
fn runs_and_comparisons_are_pictures() {
    let run = printed(&["run", "gpu-fence-overlap", "--format", "svg"]);
    assert!(run.starts_with("<svg ") && run.contains(">oom_reaper</text>"), "{run}");
    assert!(run.contains("#/v1/run?scenario=gpu-fence-overlap&amp;seed=1"), "{run}");
    let args = ["compare", "gpu-fence-overlap", "--policy", "nonblock,block-always", "--format"];
    let both = printed(&[&args[..], &["svg"]].concat());
    assert_eq!(both.matches(">free memory</text>").count(), 2);
    assert!(both.contains("parts from the first at 3305."), "{both}");
    let page = printed(&[&args[..], &["html", "--seeds", "0..6"]].concat());
    assert!(page.contains("recovered 100.0 % (61.0 to 100.0 %)"), "{page}");
}

/// The text alone is what stands in the log.
#[test]
fn lockdep_text_is_that_of_the_log() {
    let found = printed(&["list", "scenarios"]);
    let mut words = found.split_whitespace();
    let id = words.find(|word| word.starts_with("lockdep-")).expect("in the gallery");
    let alone = printed(&["run", id, "--format", "lockdep"]);
    let log = printed(&["run", id, "--check", "lockdep", "--format", "dmesg"]);
    assert!(alone.contains("WARNING: possible circular locking dependency detected"), "{alone}");
    for line in alone.lines() {
        assert!(log.contains(line), "{line}");
    }
    assert_eq!(printed(&["run", "g1-clean-exit", "--format", "lockdep"]), "");
}
