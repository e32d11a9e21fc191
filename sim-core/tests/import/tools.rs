//! What other tools than those of `forms.rs` and `log_forms.rs` print, and what a capture says only by the way.

use sim_core::import::{CaptureFile, import};

use crate::{imported, run_of, victims};

fn notes(text: &str) -> Vec<String> {
    let found = imported(text);
    found.notes.iter().map(|note| format!("{}: {}", note.kind.text(), note.text)).collect()
}

#[test]
fn tools_that_name_victims_alone_are_read() {
    for line in [
        "21:03:39 Triggered by PID 3297 (\"ntpd\"), OOM kill of PID 22516 (\"perl -w\"), 3850642 pages, loadavg: 0.99 0.39 0.30 3/282 22724",
        "3m  Warning  SystemOOM  node/w3  System OOM encountered, victim process: perl -w, pid: 22516",
    ] {
        let found =
            imported(&format!("Tracing oom_kill_process()... Hit Ctrl-C to end.\n{line}\n"));
        assert_eq!(found.killed, ["perl -w"], "{line}");
        assert!(found.toml.contains("pid = 22516"), "{}", found.toml);
        assert_eq!(found.toml.contains("comm = \"ntpd\""), line.contains("ntpd"), "{}", found.toml);
        assert_eq!(victims(&run_of(&found)), [("perl -w".to_owned(), 0)], "{line}");
    }
}

#[test]
fn what_tracers_say_of_themselves_is_told() {
    let events = "             hog-1301    [003] d..1. 13544.552101: mark_victim:          pid=0x515 comm=hog anon_rss=0x10000\n\
                  CPU:3 [EVENTS DROPPED]\n";
    let of = |before: &str| notes(&format!("{before}{events}"));
    let header = "# nop latency trace v1.1.5 on 6.8.0-45-generic\n# latency: 0 us, #8/8, CPU#3 | (M:desktop VP:0, KP:0, SP:0 HP:0 #P:6)\n";
    let told = of(header);
    assert_eq!(told[..2], ["inferred: kernel 6.8.0-45-generic: profile 6.1", "inferred: 6 CPUs"]);
    assert!(
        told.iter().any(|note| note == "ignored: events that the tracer lost: no count"),
        "{told:#?}"
    );
    assert!(!told.iter().any(|note| note.contains("had 64 MiB or less")), "{told:#?}");
    let told = of("version = 7\ncpus=5\nCPU:1 [LOST 7 EVENTS]\n");
    assert_eq!(told[1], "inferred: 5 CPUs");
    let lost = "ignored: 7 events that the tracer lost, and others without a count";
    assert!(told.iter().any(|note| note == lost), "{told:#?}");
}

#[test]
fn kill_that_was_asked_for_is_told_apart() {
    let told = notes(include_str!("samples/dmesg-6.1-sysrq.txt"));
    let said = "assumed: browser was killed because somebody asked for it (SysRq f), not for want of memory: here it runs out";
    assert!(told.iter().any(|note| note == said), "{told:#?}");
    assert!(!told.iter().any(|note| note.contains("kworker")), "{told:#?}");
}

/// Nobody died for a victim that was given up: the log does not say why, and the scenario cannot.
#[test]
fn what_a_log_leaves_open_is_told() {
    let asked =
        "[    1.000000] b invoked oom-killer: gfp_mask=0x14280ca, order=0, oom_score_adj=0\n";
    let text = "[    1.000000] Out of memory: Killed process 7 (a) total-vm:90000kB, anon-rss:80000kB, file-rss:0kB\n\
                [    4.000000] oom_reaper: unable to reap pid:7 (a)\n";
    let open = "ignored: a was given up and nobody else was killed: the log doesn't say what freed memory; here somebody else may die";
    let is_open = |text: &str| notes(text).iter().any(|note| note == open);
    assert!(is_open(&format!("{asked}{text}")));
    let more = "[    4.100000] Out of memory: Killed process 8 (b) total-vm:9000kB, anon-rss:8000kB, file-rss:0kB\n";
    assert!(!is_open(&format!("{asked}{text}{more}")));
    // Nobody is named: whoever asked was the victim, or else somebody would have died.
    let itself = "assumed: a itself asked for memory: the capture names nobody, and nobody else died when a was given up";
    let (_, alone) = text.split_once('\n').expect("two lines");
    for text in [text, alone] {
        let told = notes(text);
        assert!(!is_open(text) && told.iter().any(|note| note == itself), "{told:#?}");
        assert_eq!(victims(&run_of(&imported(text))), [("a".to_owned(), 10)], "{text}");
    }
    assert!(!notes(&format!("{text}{more}")).iter().any(|note| note == itself));
}

/// The reaper was told, nothing shows it at work, and the victim stayed until somebody else was killed.
#[test]
fn reaper_that_passes_everybody_over_leaves_no_attempt() {
    let text = "\
        b-8 [000] ..... 1.000000: mark_victim: pid=7 comm=a anon-rss=80000kB\n\
        b-8 [000] ..s.. 3.010000: wake_reaper: pid=7\n\
        b-8 [000] ..... 4.040000: mark_victim: pid=8 comm=b anon-rss=40000kB\n\
        b-8 [000] ..... 4.060000: sched_process_exit: comm=b pid=8 prio=120\n\
        a-7 [000] ..... 6.000000: sched_process_exit: comm=a pid=7 prio=120\n";
    let told = notes(text);
    let over = "inferred: the reaper passed a over: there were notifiers, and it asked none";
    assert!(told.iter().any(|note| note == over), "{told:#?}");
    assert_eq!(victims(&run_of(&imported(text))), [("a".to_owned(), 0), ("b".to_owned(), 0)]);
}

/// A node's log of a year: the first kills are a scenario, and one that can be read.
#[test]
fn kills_without_number_are_cut_to_a_scenario() {
    let kill = |n: u32| {
        format!(
            "[{n}.000000] Out of memory: Killed process {n} (p{n}) total-vm:9000kB, anon-rss:{}kB, file-rss:0kB\n",
            4000 + n
        )
    };
    let text: String = (1..=3000).map(kill).collect();
    let found = imported(&text);
    assert_eq!(found.killed.len(), 64);
    assert!(
        found.toml.contains("# ignored: 2936 later kills: the first 64 are replayed\n"),
        "{}",
        found.toml
    );
    assert!(found.toml.len() < 64 << 10);
}

/// Whatever stands in a line, it is not looked at once for each of its marks: each of these would take hours.
#[test]
fn long_lines_of_marks_take_no_longer_than_others() {
    for mark in ["[", "a-1 [000] ", "a-1 3d... ", "{\"a\":", "a b:", "a] ", "] 1.5: "] {
        let text = mark.repeat((2 << 20) / mark.len());
        assert!(import(&[CaptureFile { name: "long.txt", text: &text }]).is_err(), "{mark}");
    }
}
