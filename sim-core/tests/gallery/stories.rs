//! Sentences of stories that once said what was not so.

use sim_core::analysis::{Index, explain, report_from};

use super::rows::run;

/// The story of a scenario of the gallery, and how it ended.
fn told(id: &str, with: &str) -> (String, String) {
    let run = run(id, with);
    let index = Index::new(&run);
    let report = report_from(&index);
    let flags = report.flags.join(", ");
    (explain(&run, &index, &report).join("\n"), format!("{} {flags}", report.verdict.id()))
}

#[track_caller]
fn says(id: &str, with: &str, what: &str) {
    let story = told(id, with).0;
    assert!(story.contains(what), "{id} {with} does not say '{what}':\n{story}");
}

#[track_caller]
fn says_not(id: &str, with: &str, what: &str) {
    let story = told(id, with).0;
    assert!(!story.contains(what), "{id} {with} says '{what}':\n{story}");
}

#[test]
fn a_checker_raises_no_flag_of_sleeping_and_its_reports_are_told() {
    let id = "lockdep-6-1-n1mutex";
    assert_eq!(told(id, "check=non-block").1, told(id, "").1);
    says_not(id, "check=non-block", "a callback slept");
    says(id, "check=non-block", "non-block made 2 reports.");
    let id = "f15-false-confidence";
    says_not(id, "", "checkers");
    says(id, "check=non-block", "non-block made no report.");
    says(id, "check=non-block; device.gpu0.api=hlist", "non-block made 2 reports.");
}

#[test]
fn who_waits_again_after_recovery_is_named() {
    says("seed-9-gpus-must-sleep", "", "later presser waited again, 665 ms");
}

#[test]
fn free_memory_is_that_before_the_kill() {
    says_not("d7-mmap-lock", "", "free were 0 KiB");
}

#[test]
fn nobody_is_blamed_while_nobody_waits_and_only_cgroups_are_short() {
    says_not("f9-head-of-line", "", "in the reaper's back-offs");
}

#[test]
fn all_refusals_and_the_worker_are_told() {
    says("d6-global-lock", "", "other calls were refused once");
    says("eras-side-by-side", "policy=hand-off", "it handed the rest to oom_hand_off/1");
}

#[test]
fn waits_that_nothing_can_end_are_told_so() {
    says_not("g1-clean-exit", "", "a wait for an uninterruptible wait");
    assert_eq!(told("seed-6-no-interest", "policy=skip-any").1, "panic ");
}
