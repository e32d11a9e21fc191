//! Marks that do not each stand for another process that was chosen.

use sim_core::import::Imported;

use crate::imported;

fn victims(imported: &Imported) -> Vec<&str> {
    imported.story.victims.iter().map(|victim| victim.name.as_str()).collect()
}

#[test]
fn victim_that_is_chosen_again_and_again_is_one() {
    // Before 4.7 nothing tells the killer that a victim has given what it could.
    let imported = imported(
        &[
        "hog-130 [000] ..... 1.000000: signal_generate: sig=9 errno=0 code=128 comm=old pid=131 grp=1 res=0",
        "hog-130 [000] ..... 1.000010: mark_victim: pid=131",
        "hog-130 [000] ..... 1.500000: signal_generate: sig=9 errno=0 code=128 comm=old pid=131 grp=1 res=0",
        "hog-130 [000] ..... 1.500010: mark_victim: pid=131",
        "old-131 [000] ..... 2.000000: sched_process_exit: comm=old pid=131 prio=120",
    ].join("\n"));
    assert_eq!(victims(&imported), ["old"]);
    let marks = imported.story.events.iter().filter(|event| event.kind.text() == "mark_victim");
    assert_eq!(marks.count(), 2, "what happened twice is told twice");
}

#[test]
fn kill_that_only_the_log_tells_is_a_key_event_at_its_own_stamp() {
    let log = "[   15.984412] Out of memory: Killed process 130 (hog) total-vm:112096kB, anon-rss:94844kB\n\
               [   16.001000] oom_reaper: reaped process 130 (hog), now anon-rss:0kB, file-rss:0kB";
    let events = |imported: &Imported| -> Vec<(i64, &str)> {
        let events = imported.story.events.iter();
        events.map(|event| (event.at_us, event.kind.text())).collect()
    };
    let alone = imported(log);
    assert_eq!(events(&alone), [(15_984_412, "Killed process"), (16_001_000, "reaped")]);
    assert_eq!(alone.story.first_kill_us(), Some(15_984_412));
    // Beside a trace that marks the victim it is no second event, and its clock gives way.
    let trace = "presser-132 [000] ..... 7.000000: mark_victim: pid=130";
    let both = imported(&format!("{trace}\n{log}"));
    assert_eq!(events(&both), [(7_000_000, "mark_victim"), (7_016_588, "reaped")]);
    assert_eq!(both.story.first_kill_us(), Some(7_000_000));
    // The kill may be cut off: who is reaped was killed, but nobody knows when.
    let reaped = imported(log.split_once('\n').expect("two lines").1);
    assert_eq!(events(&reaped), [(16_001_000, "reaped")]);
    assert_eq!(reaped.story.first_kill_us(), None);
}

#[test]
fn process_that_was_dying_when_it_was_marked_is_a_victim() {
    // A user killed it; its thread asks for memory on its way out and marks itself.
    let imported = imported(
        &[
        "bash-99 [000] ..... 1.000000: signal_generate: sig=9 errno=0 code=0 comm=job pid=140 grp=1 res=0",
        "job-141 [001] ..... 1.200000: mark_victim: pid=141",
        "job-141 [001] ..... 1.200010: wake_reaper: pid=141",
    ].join("\n"));
    assert_eq!(victims(&imported), ["job"]);
    assert!(imported.toml.contains("job"), "{}", imported.toml);
}
