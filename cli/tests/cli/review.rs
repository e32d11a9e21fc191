//! `review`, and the pictures and documents of `run` and `compare`.

use std::fs;

use resvg::tiny_skia::{Pixmap, PremultipliedColorU8};

use crate::tool::{call, command, printed, scratch};

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
        "share of extra-victims | -100.0 points (",
        "| 6.1 nonblock | attempts of the reaper | 8 of 8 |  | 10 in each |  |",
        "attempts of the reaper | -9 in every pair | 8, 0, 0 |",
        "the reaper waits in a notifier for a fence of the device, against invariant I6",
        "Who waited for whom at ",
        "waits for a fence of gpu0",
        "Nothing in this scenario is random: its 8 seeds make one and the same run",
        "### The run, under 6.1 nonblock: seed 0",
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
    // What several runs' stories say is said once a scenario, and what differs with each.
    let (_, told) = text.split_once("\n## gpu-fence-overlap").expect("a section");
    let (first, second) = told.split_once("\n## g9-block-always-deadlock").expect("another");
    for section in [first, second] {
        let (_, common) =
            section.split_once("### In every run that is told here\n\n").expect("common sentences");
        for sentence in common.lines().take_while(|line| line.starts_with("- ")) {
            assert_eq!(section.matches(sentence).count(), 1, "{sentence}\n{section}");
        }
    }
    // One run is neither worst nor median, and a chain that the verdict names is not told once more.
    for word in ["median of all seeds", "is the same run as", "None of 8 seeds"] {
        assert!(
            !second.split("\n## ").next().expect("a section").contains(word),
            "{word}\n{second}"
        );
    }
    assert!(second.contains("\ndeadlock. ") && !second.contains("what it waited for"), "{second}");
    for link in links {
        assert!(printed(&["verify", link]).starts_with("reproduced"), "{link}");
    }
    let once = [&REVIEW[..], &["--jobs", "1"]].concat();
    assert_eq!(text, printed(&once));
}

/// Policies that part from the first in one way are named together, and so are two verdicts whose
/// differences mirror each other; the mean of a count is no whole number.
#[test]
fn review_says_nothing_twice() {
    let policies = "nonblock,block-always,deadline";
    let args = ["review", "seed-9-gpus-must-sleep", "--policy", policies, "--seeds", "0..16"];
    let text = printed(&args);
    let (_, parting) = text.split_once("### Where runs first part").expect("a section");
    let points: Vec<&str> = parting.lines().skip(2).take_while(|line| !line.is_empty()).collect();
    assert_eq!(points.len(), 1, "{points:#?}");
    assert!(points[0].starts_with("- 5.3 block-always, 5.3 deadline: 156."), "{points:#?}");
    assert!(text.contains("| 5.3 block-always | share of extra-victims | -"), "{text}");
    assert!(!text.contains("share of recovered"), "{text}");
    let victims =
        text.lines().find(|line| line.starts_with("| 5.3 block-always | victims | ±0 in"));
    let mean = victims.and_then(|line| line.split(", -0.").nth(1)).expect("a mean below zero");
    assert!(mean.contains(" on average (-0."), "{mean}");
}

/// Policies that make the same runs share a row, and are told once.
#[test]
fn policies_of_the_same_runs_share_a_row() {
    let told = |policies: &str| {
        printed(&["review", "g2-stuck-no-notifier", "--policy", policies, "--seeds", "0..3"])
    };
    let text = told("nonblock,interval");
    let both = "6.1 nonblock, 6.1 interval";
    let word = "Where several stand together below each seed makes one and the same run under all of them, to the digest.";
    assert!(text.contains(&format!("\n| {both} |")) && text.contains(word), "{text}");
    let headings =
        text.lines().filter(|line| line.starts_with("### ") && line.contains("under 6.1"));
    assert!(
        headings.clone().count() > 0 && headings.clone().all(|line| line.contains(both)),
        "{text}"
    );
    assert!(!told("nonblock").contains(word));
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

/// A policy that keeps its books otherwise and does the same parts from nobody.
#[test]
fn picture_marks_what_the_text_says() {
    let compare = |policies: &str, format: &str| {
        printed(&["compare", "gpu-fence-overlap", "--policy", policies, "--format", format])
    };
    let mark = ">decides otherwise from 3299.078 ms on</text>";
    assert!(compare("nonblock,block-always", "svg").contains(mark));
    assert!(
        compare("nonblock,block-always", "summary").contains("block-always: 3299.078 ms: here")
    );
    assert!(!compare("nonblock,interval", "svg").contains("decides otherwise"));
    assert!(
        compare("nonblock,interval", "summary").contains("interval: only in what decides nothing")
    );
    assert!(
        compare("nonblock,interval", "html").contains("interval: only in what decides nothing")
    );
}

#[test]
fn runs_and_comparisons_are_pictures() {
    let run = printed(&["run", "gpu-fence-overlap", "--format", "svg"]);
    assert!(run.starts_with("<svg ") && run.contains(">oom_reaper</text>"), "{run}");
    assert!(run.contains("#/v1/run?scenario=gpu-fence-overlap&amp;seed=1"), "{run}");
    let args = ["compare", "gpu-fence-overlap", "--policy", "nonblock,block-always", "--format"];
    let both = printed(&[&args[..], &["svg"]].concat());
    assert_eq!(both.matches(">free memory</text>").count(), 2);
    assert!(both.contains("decides otherwise from 3299."), "{both}");
    let page = printed(&[&args[..], &["html", "--seeds", "0..6"]].concat());
    assert!(page.contains("recovered 100.0 % (61.0 to 100.0 %)"), "{page}");
}

/// The picture of a PNG, row by row, a pixel in four bytes.
fn pixels(bytes: &[u8]) -> Pixmap {
    Pixmap::decode_png(bytes).expect("a PNG")
}

/// Pixels need nothing of the machine: neither its fonts nor its clock.
#[test]
fn pictures_come_as_pixels_too() {
    let draw = |args: &[&str]| {
        let output = command(args).env_clear().output().expect("the program starts");
        assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
        output.stdout
    };
    let args = ["run", "gpu-fence-overlap", "--format", "png"];
    let bytes = draw(&args);
    assert!(bytes == draw(&args), "the same bytes each time");
    let out = scratch("run.png");
    let path = out.to_str().expect("a readable path");
    assert_eq!(call(&[&args[..], &["--out", path]].concat()).out, "");
    assert!(fs::read(&out).expect("written") == bytes);

    let picture = pixels(&bytes);
    let svg = printed(&["run", "gpu-fence-overlap", "--format", "svg"]);
    let height = svg.split("height=\"").nth(1).and_then(|rest| rest.split('"').next());
    let height: u32 = height.expect("a height").parse().expect("a number");
    assert_eq!((picture.width(), picture.height()), (2400, 2 * height));
    // The title is dark on white, above everything else.
    let title = picture.pixels().iter().take(2400 * 2 * 36);
    assert!(title.filter(|pixel| pixel.red() < 64).count() > 1000, "no title");
    // Bars are there in their colors: the jobs' yellow.
    let is_job = |p: &PremultipliedColorU8| (p.red(), p.green(), p.blue()) == (0xf5, 0xc7, 0x10);
    assert!(picture.pixels().iter().filter(|p| is_job(p)).count() > 1000, "no jobs");

    for args in [
        &["compare", "gpu-fence-overlap", "--policy", "nonblock,block-always"][..],
        &["rewind", "g1-clean-exit", "--until", "recovered", "--points", "2", "--times", "2"],
    ] {
        assert_eq!(pixels(&draw(&[args, &["--format", "png"]].concat())).width(), 2400, "{args:?}");
    }
}

/// A part of the run, as asked for or as the link says.
#[test]
fn pictures_show_the_part_that_is_asked_for() {
    let whole = printed(&["run", "gpu-fence-overlap", "--format", "svg"]);
    let part = ["run", "gpu-fence-overlap", "--format", "svg", "--view", "3s..4.5s"];
    let part = printed(&part);
    assert!(whole.contains(">0 s<") && !part.contains(">0 s<"), "{part}");
    assert!(part.contains(">3.0 s<") || part.contains(">3 s<"), "{part}");
    let link = part.split("#/v1/run?").nth(1).and_then(|rest| rest.split('<').next());
    let link = format!("#/v1/run?{}", link.expect("a link").replace("&amp;", "&"));
    assert_eq!(printed(&["run", &link, "--format", "svg"]), part, "{link}");
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
    let silent = call(&["run", "g1-clean-exit", "--format", "lockdep"]);
    assert_eq!((silent.code, silent.out.as_str()), (Some(0), ""));
    assert_eq!(silent.err, "note: no report in g1-clean-exit; checked by lockdep\n");
}

/// What debugging of locks costs, and what it changes: two deployments side by side.
#[test]
fn values_are_compared_like_policies() {
    let cost = "machine.lock_op_cost=0ns,recorded";
    let args = ["compare", "lockdep-6-1-l1", "--policy", "interval", "--set", cost];
    let text = printed(&args);
    for name in ["interval machine.lock_op_cost=0ns ", "interval machine.lock_op_cost=recorded "] {
        assert!(text.lines().any(|line| line.starts_with(name)), "{text}");
    }
    let links: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("link  ")).collect();
    assert_eq!(links.len(), 2, "{text}");
    for (link, value) in links.iter().zip(["0ns", "recorded"]) {
        assert!(link.contains(&format!("set=machine.lock_op_cost%3D{value}")), "{link}");
        let verified = printed(&["verify", link]);
        assert!(verified.contains("reproduced"), "{verified}");
    }
    let twice = call(&["compare", "lockdep-6-1-l1", "--set", "machine.cpus=1,1"]);
    assert_eq!(twice.code, Some(2), "{}", twice.err);
    assert!(twice.err.contains("given twice"), "{}", twice.err);
}
