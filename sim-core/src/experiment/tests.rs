//! Statistics against figures worked out elsewhere, and real pairs of runs.

use super::*;
use crate::analysis::Verdict;
use crate::scenario::gallery::find;
use crate::scenario::parse;

const STUCK: &str = include_str!("../../../traces/g9-block-always-deadlock.toml");

fn scenario(id: &str) -> Scenario {
    let text = find(id).map_or(STUCK, |entry| entry.text);
    parse(id, text, &[]).expect("checked")
}

fn run(id: &str, policy: &str, seed: u64) -> Replication {
    let policy = Some(policy.to_owned());
    let options = RunOptions { seed, policy, ..RunOptions::default() };
    replicate(&scenario(id), &options).expect("it runs")
}

#[test]
fn wilson_intervals_are_the_published_ones() {
    // Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in
    // Medicine 17 (1998), table I, method 3.
    let published = [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ];
    for (count, of, low, high) in published {
        let interval = Proportion { count, of }.wilson();
        let is_near = |a: f64, b: f64| (a - b).abs() < 0.000_06;
        assert!(is_near(interval.low, low) && is_near(interval.high, high), "{interval:?}");
    }
    assert_eq!(Proportion { count: 0, of: 0 }.wilson(), Interval { low: 0.0, high: 1.0 });
    assert_eq!(
        Proportion { count: 3, of: 256 }.text(),
        "3 of 256 (1.2 %, 95 % interval 0.4 to 3.4 %)"
    );
}

#[test]
fn percentiles_are_of_nearest_rank() {
    let sample = Sample::new([30, 10, 20, 40]);
    let ranks = [0, 25, 26, 50, 99, 100].map(|percent| sample.percentile(percent));
    assert_eq!(ranks, [10, 10, 20, 20, 40, 40].map(Some));
    assert_eq!(Sample::<u64>::new([]).percentile(50), None);
}

#[test]
fn pairs_are_counted_by_their_difference() {
    let pairs = [(Some(5), Some(3)), (Some(1), Some(9)), (None, Some(1)), (Some(2), Some(2))];
    let paired = Paired::new(pairs.into_iter().chain([(None, None)]));
    assert_eq!((paired.smaller, paired.equal, paired.larger, paired.unpaired), (1, 1, 1, 1));
    assert_eq!(paired.differences, Sample::new([-2, 0, 8]));
}

#[test]
fn one_seed_under_one_policy_is_one_run() {
    let runs = [run("gpu-fence-overlap", "nonblock", 7), run("gpu-fence-overlap", "nonblock", 7)];
    assert_eq!(divergence(&runs[0].run, &runs[1].run), None);
    assert_eq!(runs[0].outcome, runs[1].outcome);
}

#[test]
fn two_policies_part_where_the_reaper_meets_the_driver() {
    let (refused, waited) = (run("g9", "interval", 1), run("g9", "block-always", 1));
    let at = divergence(&refused.run, &waited.run).expect("they differ");
    let text = divergence_text(&refused.run, &waited.run, &at);
    let parts =
        text.split_once(", because it must not sleep there; there oom_reaper waits for a fence");
    assert!(
        parts.is_some_and(|(here, there)| {
            here.contains(": here gpu0 refuses victim's heap [")
                && there.contains(" in the callback of gpu0 for victim's heap [")
                && there.ends_with("), where it may sleep")
        }),
        "{text}"
    );
    // The records that it names are there.
    assert_eq!(refused.run.trace.get(at.record), at.first);
    assert_eq!(waited.run.trace.get(at.other), at.second);
}

/// A callback that has nothing to say changes how call stacks are numbered, and no more.
#[test]
fn runs_are_compared_by_what_they_tell() {
    let (ignores, skips) = (run("g11-pins", "ignore", 1), run("g11-pins", "skip-any", 1));
    assert_ne!(ignores.run.digest, skips.run.digest);
    assert_eq!(divergence(&ignores.run, &skips.run), None);
    // What is the same but for its time has that told.
    let (ignores, blocks) =
        (run("f2-lost-teardown", "ignore", 1), run("f2-lost-teardown", "block-always", 1));
    let at = divergence(&ignores.run, &blocks.run).expect("asking takes time");
    let text = divergence_text(&ignores.run, &blocks.run, &at);
    let times = text.matches(" ms").count();
    assert!(text.ends_with(" here; there 1 µs later. Only the time differs"), "{text}");
    assert_eq!(times, 1, "{text}");
}

#[test]
fn what_is_only_done_otherwise_is_no_decision() {
    // An interval notifier is found in a tree and not asked about what it doesn't watch.
    let (list, tree) =
        (run("gpu-fence-overlap", "nonblock", 7), run("gpu-fence-overlap", "interval", 7));
    let at = divergence(&list.run, &tree.run).expect("they do it otherwise");
    let text = divergence_text(&list.run, &tree.run, &at);
    assert!(!at.decides && text.starts_with("only in what decides nothing, first at "), "{text}");
    let other = run("gpu-fence-overlap", "ignore", 7);
    let at = divergence(&list.run, &other.run).expect("they differ");
    assert!(at.decides);
}

#[test]
fn fence_that_needs_an_allocation_sticks_the_reaper_only_if_it_may_block() {
    let id = "g9";
    let stuck = run(id, "block-always", 1).outcome;
    assert_eq!((stuck.verdict, stuck.danger), (Verdict::Deadlock, Danger::Stuck));
    assert_eq!((stuck.said, stuck.next_victim_after), (None, None));
    let refused = run(id, "interval", 1).outcome;
    assert_eq!(refused.danger, Danger::None);
    assert!(refused.next_victim_after.is_some());
}
