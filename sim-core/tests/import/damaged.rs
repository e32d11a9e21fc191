//! Text that is cut off, mixed up, or made to break a reader: an answer
//! always, and a scenario that is fit whenever there is one.

use proptest::prelude::*;
use sim_core::import::{CaptureFile, import};
use sim_core::scenario::parse;

use crate::recorded::ALL;

/// Imports a text; if a scenario comes of it, it can be read.
fn holds(text: &str) {
    match import(&[CaptureFile { name: "damaged.txt", text }]) {
        Ok(imported) => {
            let read = parse("damaged", &imported.toml, &[]);
            assert!(read.is_ok(), "{:#?}\n{}", read.err(), imported.toml);
        }
        Err(error) => {
            assert!(error.line >= 1 && error.column >= 1);
            assert!(error.to_string().starts_with("damaged.txt:"), "{error}");
        }
    }
}

/// The lines around a kill, of log and trace, one after the other.
fn lines() -> Vec<String> {
    let recording = ALL.iter().find(|recording| recording.id == "S4part-3").expect("there");
    let log = recording.dmesg.lines().filter(|line| !line.contains("0.") || line.contains("Linux"));
    let trace = recording.trace();
    let trace = trace.lines().filter(|line| !line.contains("vmscan"));
    log.chain(trace).map(str::to_owned).collect()
}

const HOSTILE: &[&str] = &[
    "é invoked oom-killer: order=999999999999999999999, oom_score_adj=-99999999999",
    "Node 0 DMA32 free:99999999999999999999kB min:18446744073709551615kB low:0kB high:0kB managed:18446744073709551615kB",
    "Node 0 Normal free:18014398509481984kB min:9kB low:1kB high:1kB managed:1kB",
    "lowmem_reserve[]: 18446744073709551615",
    "[  pid  ]   uid  tgid total_vm      rss oom_score_adj name",
    "[      1]     0     1 99999999999999 99999999999999   99999 \u{7f}\u{1}\"\\ ünïcödé näme that is long",
    "Killed process 4294967295 (a (b) \"c\\) total-vm:99999999999999999999kB, anon-rss:1kB",
    "Killed process 1 () total-vm:0kB, anon-rss:9223372036854775807kB",
    "Memory cgroup out of memory: Killed process 7 (x) total-vm:1kB, anon-rss:1kB",
    "memory: usage 0kB, limit 9007199254740988kB, failcnt 1",
    "oom-kill:constraint=CONSTRAINT_MEMCG,oom_memcg=/\u{1}\n,task=x,pid=7,uid=0",
    "oom_reaper: unable to reap pid:7 (x)",
    "x-7 [000] ..... 9223372036854.775807: mark_victim: pid=-1",
    "x-7 [4294967295] ..... 1.0: mark_victim: pid=7 anon-rss=9223372036854775807kB",
    "oom_reaper-2 [000] ..... 2.0: start_task_reaping: pid=7",
    "oom_reaper-2 [000] ..... 0.0: skip_task_reaping: pid=7",
    "a-1 [000] ..... 1.0: reclaim_retry_zone: zone=Normal available=18446744073709551615 reclaimable=-1 min_wmark=9223372036854775807",
    "# entries #P:99999999",
    "CPU:0 [LOST 18446744073709551615 EVENTS]",
    "Linux version 99999999999.1",
];

/// What is a time and what is damage is decided once; none that passes for a time makes a sum overflow.
#[test]
fn times_at_the_end_of_their_range_do_no_harm() {
    let mark = "b-8 [000] ..... 1.000000: mark_victim: pid=7";
    let events = [
        "mark_victim: pid=9",
        "mark_victim: pid=7",
        "wake_reaper: pid=7",
        "start_task_reaping: pid=7",
        "skip_task_reaping: pid=7",
        "finish_task_reaping: pid=7",
        "sim:mn_return: notifier=0 refused=1",
        "rss_stat: mm_id=1 curr=1 type=MM_ANONPAGES size=8B",
        "rss_stat: mm_id=1 curr=0 type=MM_ANONPAGES size=8B",
        "exit_mmap: ",
        "exit_mmap: mt_mod 0, DESTROY",
        "sched_process_exit: comm=a pid=7 prio=120",
        "signal_generate: sig=9 errno=0 code=128 comm=a pid=7 grp=1 res=0",
        "reclaim_retry_zone: node=0 zone=Normal order=0 reclaimable=1 available=1 min_wmark=1 no_progress_loops=1 wmark_check=0",
        "iv_remove: (mmu_interval_notifier_remove+0x0/0x1d0)",
        "tracing_mark_write: oomrun: started a",
        "console: [    1.000000] Killed process 7 (a) total-vm:1kB, anon-rss:1kB, file-rss:0kB",
        "console: oom_reaper: reaped process 7 (a), now anon-rss:0kB, file-rss:0kB",
        "console: oom_reaper: unable to reap pid:7 (a)",
    ];
    let lines = [
        "Killed process 7 (a) total-vm:1kB",
        "oom_reaper: reaped process 7 (a), now",
        "oom_reaper: unable to reap pid:7 (a)",
    ];
    for time in ["9223372036854.775807", "36028797018.963967", "0.000000"] {
        for event in events {
            for who in ["b-8", "a-7", "oom_reaper-2"] {
                let event = format!("{who} [000] ..... {time}: {event}\n");
                holds(&format!("{mark}\n{event}"));
                holds(&format!("{event}{mark}\n"));
                for line in lines {
                    holds(&format!("{mark}\n{event}[{time}] {line}\n[    1.000000] {line}\n"));
                }
            }
        }
        let all: Vec<String> =
            events.iter().map(|event| format!("a-7 [000] ..... {time}: {event}")).collect();
        holds(&format!("{mark}\n{}\n", all.join("\n")));
        holds(&format!("{mark}\nb-8 [000] ..... {time}: console: a\n[{time}] a\n[ +{time}] a\n"));
    }
    let verbose = |us| format!("a 7 0 1 00000000 00000012 [{us}] 1.0ms (+0.010ms): exit_mmap: \n");
    for us in ["-8000000000000000", "7fffffffffffffff", "007fffffffffffff"] {
        holds(&format!("{mark}\n{}", verbose(us)));
    }
    let grown =
        |size| format!("a-7 [000] ..... 2.0: rss_stat: curr=1 type=MM_ANONPAGES size={size}B\n");
    let (least, most) = (format!("-{}", i64::MAX), i64::MAX.to_string());
    holds(&format!("{mark} comm=a\n{}{}", grown(least), grown(most)));
}

#[test]
fn hostile_lines_do_no_harm() {
    for line in HOSTILE {
        holds(line);
    }
    holds(&HOSTILE.join("\n"));
    let mut backwards: Vec<&str> = HOSTILE.to_vec();
    backwards.reverse();
    holds(&backwards.join("\n"));
}

#[test]
fn every_beginning_of_a_capture_is_answered() {
    let lines = lines();
    let text = lines.join("\n");
    for at in (0..text.len()).step_by(997) {
        if let Some(beginning) = text.get(..at) {
            holds(beginning);
        }
    }
}

#[test]
fn what_is_no_capture_is_turned_down_with_its_place() {
    let error = |text| {
        import(&[CaptureFile { name: "x", text }]).expect_err("nobody is killed").to_string()
    };
    assert_eq!(error(""), "x:1:1: empty: expected ftrace text or a kernel log");
    assert!(
        error("\n\nhello\n")
            .starts_with("x:3:1: nobody is killed here: expected an event such as ")
    );
    let cut = "[    1.000000] a\n[   12.500000] Out of memory: Killed process 13";
    assert_eq!(
        error(cut),
        "x:2:31: cut off or damaged: expected `Killed process PID (comm) total-vm:…kB, anon-rss:…kB`"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn mixtures_do_no_harm(
        picks in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0u8..8), 1..60),
    ) {
        let lines = lines();
        let mut text = String::new();
        for (line, cut, what) in picks {
            let line = match what {
                0 => HOSTILE[line.index(HOSTILE.len())].to_owned(),
                _ => lines[line.index(lines.len())].clone(),
            };
            let at = cut.index(line.len() + 1);
            match what {
                1 => text.push_str(line.get(..at).unwrap_or("")),
                2 => text.push_str(line.get(at..).unwrap_or("")),
                3 => text.push_str(&line.replace(|c: char| c.is_ascii_digit(), "9")),
                _ => text.push_str(&line),
            }
            if what != 4 { text.push('\n'); }
        }
        holds(&text);
    }

    #[test]
    fn any_text_does_no_harm(text in "(\\PC|[\\n\\[\\]():=-]){0,300}") {
        holds(&text);
    }
}
