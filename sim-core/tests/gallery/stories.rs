//! Sentences of stories that once said what was not so.

use sim_core::analysis::{Index, explain, report_from};
use sim_core::scenario::gallery::gallery;

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
    says("lockdep-6-1-h1", "policy=skip-any", "later holder waited again, 24 ms");
    // A wait for the victim that is pending comes before recovery.
    says_not("seed-9-gpus-must-sleep", "", "waited again");
    says("seed-9-gpus-must-sleep", "", "711 ms passed from the kill until everybody was served");
}

#[test]
fn a_lock_is_told_where_the_refusal_is_due_to_it() {
    // Whatever the range: it does not come to its lock.
    says_not("d6-global-lock", "", "held lock of gpu0");
    // It waits for the lock as long as it may.
    says("d6-global-lock", "policy=deadline", ", while compute held lock of gpu0");
    says("f6-priority-inversion", "", ", while tuner held mirror_lock");
    says("seed-9-gpus-must-sleep", "", ", while gpu0 had a job of hog to do");
    says_not("seed-6-no-interest", "", "had a job of");
    says("f14-interval-leak", "", "140 ends of invalidations never came");
    says("mutex-held-across-allocations", "", ", while holder held drv_mutex");
}

#[test]
fn what_the_reaper_met_is_told_of_its_back_offs() {
    says("f1-needless-second-victim", "", "in the reaper's back-offs (gpu0 refused)");
    says("f1-needless-second-victim", "policy=core-refuse", "(the core refused for gpu0)");
    says("d7-mmap-lock", "", "(hog/mapper was queued for mmap_lock of hog)");
    says("seed-7-unconditional", "", "in the reaper's sleep because gpu0 might block");
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

#[test]
fn what_freed_memory_besides_the_killer_is_told() {
    says("lockdep-6-1-h1", "", "From outside, bystander at 41000.000 ms was killed.");
    says(
        "d5-exit",
        "policy=block-always",
        "75.3 MiB of hog's memory, all that its own exit had left;",
    );
    says("d5-exit", "policy=interval", "then it gave up");
    says("seed-1-nowait", "", "113 MiB of hog's memory, all it may take;");
    says("g1-clean-exit", "", "victim had torn its memory down itself within 300 ms");
    says("g11-pins", "", "none of that came free");
}

#[test]
fn who_refused_and_what_kept_an_exit_are_told() {
    let by_core = "the core refused it 10 times, for hog's heap (hmm0); then";
    says("f6-priority-inversion", "policy=core-refuse", by_core);
    says("f6-priority-inversion", "", "for hog's heap (hmm0), while tuner held mirror_lock; then");
    says(
        "gpu-fence-overlap",
        "",
        "inside a driver; then hog/stuck waited 1.86 s for a fence of gpu0.",
    );
    says("f14-interval-leak", "", "of the mm to end: nobody will end them");
    says("f16-collateral", "", "nobody is left to let go of it");
}

/// What is blamed on whoever gives a page to the one who gives the last.
#[test]
fn giver_that_waits_itself_is_not_blamed_for_what_it_waits_for() {
    says("d4-nofs", "policy=nonblock", "served: 1.00 s in an uninterruptible wait inside a driver");
}

/// Nanoseconds of `5.40 s`, `12 ms` and such, in the order of a text.
fn times(text: &str) -> Vec<u64> {
    let words: Vec<_> = text.split(' ').collect();
    let time = |pair: &[&str]| {
        let unit = match pair[1].trim_end_matches([',', ';', '.', ':']) {
            "s" => 1_000_000_000,
            "ms" => 1_000_000,
            "µs" => 1000,
            _ => return None,
        };
        let (whole, part) = pair[0].split_once('.').unwrap_or((pair[0], ""));
        let digits: u64 = format!("{whole}{part}").parse().ok()?;
        Some(digits * unit / 10_u64.pow(u32::try_from(part.len()).expect("few")))
    };
    words.windows(2).filter_map(time).collect()
}

#[test]
fn parts_of_a_wait_sum_to_the_whole() {
    let mut checked = 0;
    for entry in gallery() {
        let (story, _) = told(entry.id, "");
        let lines =
            story.lines().filter(|line| line.contains(" passed from the ") && line.contains(": "));
        for line in lines {
            let (whole, parts) = line.split_once(": ").expect("there are parts");
            let parts = parts.split("; later").next().unwrap_or(parts);
            let (whole, sum) = (times(whole)[0], times(parts).iter().sum::<u64>());
            let id = entry.id;
            // Shorter ones are told in two digits.
            let digits = if whole < 100_000_000 { 40 } else { 12 };
            assert!(sum.abs_diff(whole) <= whole * digits / 1000, "{id}: {line}");
            checked += 1;
        }
    }
    assert!(checked > 40, "{checked}");
}

/// The rule of kernel-spec 4.8, in the story of a deadlock too.
#[test]
fn whether_the_reaper_depends_directly_is_told() {
    says(
        "d2-direct",
        "",
        "the reaper depends directly on presser, which asks for a page with GFP_KERNEL",
    );
    let through = "the reaper depends indirectly on gpu0/worker, which asks for a page with GFP_NOFS: \
        oom_reaper → gpu0 (a fence) → gpu0/worker (the signal of a fence).";
    says("seed-3-nofs-equally-bad", "", through);
    says_not(
        "seed-3-nofs-equally-bad",
        "device.gpu0.worker.alloc=GFP_ATOMIC",
        "the reaper depends",
    );
}

#[test]
fn what_the_oracle_found_is_told_as_other_checkers_reports_are() {
    says("d3-fence", "check=wait-for", "wait-for found 1 set of tasks that could never go on");
    says("g1-clean-exit", "check=wait-for", "wait-for found nobody who could never go on");
}

/// No report of a checker that its kernel has not got is no news.
#[test]
fn what_a_kernel_cannot_check_is_told() {
    let id = "f12-always-refuse";
    let marked = "non-block made no report (calls that must not sleep are marked since 5.4).";
    says(id, "check=non-block", marked);
    says(id, "check=lockdep", "lockdep made no report (it knows of notifiers since 5.4).");
    for check in ["non-block", "lockdep"] {
        let with = format!("check={check}; kernel=5.4");
        says(id, &with, &format!("{check} made no report."));
    }
}
