//! One recording in every form in which tools print a trace: the same scenario comes of each.

use sim_core::import::{CaptureFile, import, parse_ftrace};

use crate::recorded::ALL;
use crate::{imported, run_of, victims};

/// An event of the recording: comm, pid, CPU, flags, time, and the rest of the line.
struct Event {
    comm: String,
    pid: u32,
    cpu: u32,
    flags: String,
    us: i64,
    rest: String,
}

fn events() -> Vec<Event> {
    let recording = ALL.iter().find(|recording| recording.id == "S6-3").expect("there");
    let text = recording.trace();
    let read = parse_ftrace(&text).expect("a trace");
    let flags = |line: &str| {
        line.split_once("] ").and_then(|(_, rest)| rest.split(' ').next().map(str::to_owned))
    };
    let flags: Vec<String> =
        text.lines().filter(|line| !line.starts_with('#')).filter_map(flags).collect();
    assert_eq!(flags.len(), read.lines.len());
    let event = |(line, flags): (&sim_core::import::TraceLine<'_>, &String)| Event {
        comm: line.comm.to_owned(),
        pid: line.pid,
        cpu: line.cpu,
        flags: flags.clone(),
        us: line.time_us,
        rest: format!("{}: {}", line.name, line.args),
    };
    read.lines.iter().zip(&flags).map(event).collect()
}

fn seconds(us: i64) -> String {
    format!("{}.{:06}", us / 1_000_000, us % 1_000_000)
}

/// The same as a time of day.
fn of_day(us: i64) -> String {
    format!("10:{:02}:{:02}.{:06}", us / 60_000_000, us / 1_000_000 % 60, us % 1_000_000)
}

type Form = (&'static str, fn(&Event, i64) -> String);

const FORMS: &[Form] = &[
    ("the kernel's", |e, _| {
        format!(
            "{:>16}-{:<7} [{:03}] {} {:>12}: {}",
            e.comm,
            e.pid,
            e.cpu,
            e.flags,
            seconds(e.us),
            e.rest
        )
    }),
    ("without irq-info", |e, _| {
        format!("{:>16}-{:<7} [{:03}] {:>12}: {}", e.comm, e.pid, e.cpu, seconds(e.us), e.rest)
    }),
    ("record-tgid", |e, _| {
        let (comm, pid, cpu, us) = (&e.comm, e.pid, e.cpu, seconds(e.us));
        format!("{comm:>16}-{pid:<7} ({pid:>7}) [{cpu:03}] {} {us:>12}: {}", e.flags, e.rest)
    }),
    ("latency-format", |e, start| {
        let (comm, pid, cpu, us) = (e.comm.get(..8).unwrap_or(&e.comm), e.pid, e.cpu, e.us - start);
        format!("{comm:>8}-{pid:<7} {cpu:>3}{} {us:>4}us+: {}", e.flags, e.rest)
    }),
    ("another clock", |e, _| {
        let us = seconds(e.us + 900_000_000_000);
        format!("{:>16}-{:<7} [{:03}] {} {us}: {}", e.comm, e.pid, e.cpu, e.flags, e.rest)
    }),
    ("trace-cmd report -t", |e, _| {
        let us = seconds(e.us);
        format!("{:>16}-{:<5} [{:03}] {} {us}000: {}", e.comm, e.pid, e.cpu, e.flags, e.rest)
    }),
    ("trace-cmd report -l", |e, _| {
        let (comm, flags) = (e.comm.get(..8).unwrap_or(&e.comm), e.flags.get(..4).unwrap_or(""));
        format!("{comm:>8}-{:<5} {:>3}{flags} {:>12}: {}", e.pid, e.cpu, seconds(e.us), e.rest)
    }),
    ("perf script", |e, _| {
        format!("{:>16} {:>7} [{:03}] {:>12}: oom:{}", e.comm, e.pid, e.cpu, seconds(e.us), e.rest)
    }),
    ("trace-cmd report of two files", |e, _| {
        let (comm, pid, cpu, us) = (&e.comm, e.pid, e.cpu, seconds(e.us));
        format!("   guest.dat: {comm:>16}-{pid:<5} [{cpu:03}] {us}: {}", e.rest)
    }),
    ("a dump at the end of the log", |e, start| {
        let (comm, pid, cpu, us) = (e.comm.get(..8).unwrap_or(&e.comm), e.pid, e.cpu, e.us - start);
        format!("[   77.600002] {comm:>8}-{pid:<7} {cpu:>3}{} {us:>4}us : {}", e.flags, e.rest)
    }),
    ("perf script -F comm,pid,tid,cpu,time,event,trace", |e, _| {
        let (comm, pid, cpu, us) = (&e.comm, e.pid, e.cpu, seconds(e.us));
        format!("{comm:>16} {pid:>7}/{pid:<7} [{cpu:03}] {us}000: oom:{}", e.rest)
    }),
    ("trace-cmd report --ts-diff", |e, _| {
        let us = seconds(e.us);
        format!("{:>16}-{:<5} [{:03}] {us}: (+12)    {}", e.comm, e.pid, e.cpu, e.rest)
    }),
    ("perf script -F +tod", |e, _| {
        let (comm, pid, cpu, us) = (&e.comm, e.pid, e.cpu, seconds(e.us));
        format!(
            "{comm:>16} {pid:>7} [{cpu:03}] 2026-11-22 {} {us:>12}: oom:{}",
            of_day(e.us),
            e.rest
        )
    }),
    ("perf script -F comm,tid,cpu,tod,event,trace", |e, _| {
        let (comm, pid, cpu) = (&e.comm, e.pid, e.cpu);
        format!("{comm:>16} {pid:>7} [{cpu:03}] 2026-11-22 {}000    oom:{}", of_day(e.us), e.rest)
    }),
    ("a time of day", |e, _| {
        let (comm, pid, cpu) = (&e.comm, e.pid, e.cpu);
        format!("{comm:>16} {pid:>7} [{cpu:03}] {}: oom:{}", of_day(e.us), e.rest)
    }),
    ("perf script with counts", |e, _| {
        let us = seconds(e.us);
        format!("{:>16} {:>7} [{:03}] {us}:          1 oom:{}", e.comm, e.pid, e.cpu, e.rest)
    }),
];

#[test]
fn every_form_of_a_trace_tells_the_same() {
    let events = events();
    let start = events.first().expect("one").us;
    let mut first: Option<(Vec<String>, _)> = None;
    for (name, form) in FORMS {
        let lines: Vec<String> = events.iter().map(|event| form(event, start)).collect();
        let found = imported(&lines.join("\n"));
        let notes = found.notes.iter().map(|note| note.text.clone()).collect();
        let told = (notes, victims(&found.story));
        assert_eq!(told.1, victims(&run_of(&found)), "{name}");
        match &first {
            None => first = Some(told),
            Some(first) => assert_eq!(*first, told, "{name}"),
        }
    }
    let (notes, _) = first.expect("forms");
    assert!(
        notes.iter().any(|note| note == "HZ = 250, from the pauses of the reaper"),
        "{notes:#?}"
    );
}

/// Whom `perf script -F` was asked to name or not: the kill and the attempts are told all the same.
#[test]
fn fields_that_were_not_asked_for_are_not_needed() {
    let events = events();
    let forms: [Form; 8] = [
        ("pid,tid,cpu,time", |e, _| {
            format!("{:>7}/{:<7} [{:03}] {}: oom:{}", e.pid, e.pid, e.cpu, seconds(e.us), e.rest)
        }),
        ("cpu,time", |e, _| format!("[{:03}] {}: oom:{}", e.cpu, seconds(e.us), e.rest)),
        ("comm,time", |e, _| format!("{:>16} {}: oom:{}", e.comm, seconds(e.us), e.rest)),
        ("tid,time", |e, _| format!("{:>7} {}: oom:{}", e.pid, seconds(e.us), e.rest)),
        ("time", |e, _| format!("{:>12}: oom:{}", seconds(e.us), e.rest)),
        ("comm,tid,tod,time", |e, _| {
            let (of_day, us) = (of_day(e.us), seconds(e.us));
            format!("{:>16} {:>7} 2026-11-22 {of_day} {us}: oom:{}", e.comm, e.pid, e.rest)
        }),
        ("comm,tid,tod", |e, _| {
            format!("{:>16} {:>7} 2026-11-22 {} oom:{}", e.comm, e.pid, of_day(e.us), e.rest)
        }),
        ("perf trace", |e, start| {
            let (name, args) = e.rest.split_once(": ").expect("a name");
            let us = e.us - start;
            let args = args.replace('=', ": ");
            format!(
                "{:>6}.{:03} ({:9}): {}/{} oom:{name}({args})",
                us / 1000,
                us % 1000,
                "",
                e.comm,
                e.pid
            )
        }),
    ];
    for (name, form) in forms {
        let told = |form: fn(&Event, i64) -> String| {
            let lines: Vec<String> = events.iter().map(|event| form(event, 0)).collect();
            let found = imported(&lines.join("\n"));
            let attempts = |story: &sim_core::import::Story| {
                let all = story.victims.iter();
                all.map(|victim| victim.attempts.len()).collect::<Vec<_>>()
            };
            assert_eq!(attempts(&found.story), attempts(&run_of(&found)), "{name}");
            attempts(&found.story)
        };
        assert_eq!(told(form), told(FORMS[0].1), "{name}");
    }
}

/// Whatever was recorded: without the oom events the signal tells of the kill, and without any of both
/// a log beside the trace.
#[test]
fn any_subset_of_the_events_tells_what_it_can() {
    let recording = ALL.iter().find(|recording| recording.id == "S6-3").expect("there");
    let text = recording.trace();
    let only = |groups: &[&str]| {
        let has = |line: &str| {
            let starts = |group: &&str| line.contains(&format!(": {group}"));
            groups.iter().any(starts)
        };
        text.lines().filter(|line| has(line)).collect::<Vec<_>>().join("\n")
    };
    let oom = ["mark_victim", "wake_reaper", "start_task", "finish_task", "skip_task"];
    let others = ["mm_vmscan", "rss_stat", "sched_", "signal_"];
    for subset in 0..16_u32 {
        let chosen = (0..4).filter(|bit| subset >> bit & 1 == 1).map(|bit| others[bit]);
        let chosen: Vec<&str> = chosen.collect();
        let with_oom = imported(&only(&[&oom[..], &chosen].concat()));
        let expected = vec![("hog".to_owned(), 10), ("presser".to_owned(), 0)];
        assert_eq!(victims(&with_oom.story), expected, "{chosen:?}");
        assert_eq!(victims(&run_of(&with_oom)), expected, "{chosen:?}");
        let alone = only(&chosen);
        let file = CaptureFile { name: "trace", text: &alone };
        let log = CaptureFile { name: "dmesg", text: recording.dmesg };
        let both = import(&[file, log]).expect("the log tells");
        assert_eq!(both.killed, ["hog", "presser"], "{chosen:?}");
        match import(&[file]) {
            Ok(found) => {
                assert!(chosen.contains(&"signal_"), "{chosen:?}");
                assert_eq!(found.killed, ["hog", "presser"], "{chosen:?}");
                let run: Vec<String> =
                    victims(&run_of(&found)).into_iter().map(|(name, _)| name).collect();
                assert_eq!(run, ["hog", "presser"], "{chosen:?}\n{}", found.toml);
            }
            Err(error) => assert!(!chosen.contains(&"signal_"), "{error}"),
        }
    }
}

fn notes(text: &str) -> Vec<String> {
    let found = imported(text);
    found.notes.iter().map(|note| format!("{}: {}", note.kind.text(), note.text)).collect()
}

/// A thread of the victim's own asked for memory: with threads and processes told apart there is no
/// third party.
#[test]
fn thread_of_the_victim_is_no_other_process() {
    for text in [
        "     Web Content-131     (    130) [000] d..1.    13.544552: mark_victim: pid=130
",
        "# captured on    : Sun Nov 22 10:00:00 2026
# os release : 6.8.0-45-generic
# nrcpus online : 8
         Web Content   130/131   [000]    13.544552123:                 oom:mark_victim: pid=130
",
    ] {
        let found = imported(text);
        assert_eq!(found.killed, ["Web Content"], "{}", found.toml);
        assert_eq!(found.toml.matches("[[task]]").count(), 1, "{}", found.toml);
        let is_perf = text.starts_with('#');
        let notes = notes(text);
        for header in ["inferred: kernel 6.8.0-45-generic: profile 6.1", "inferred: 8 CPUs"] {
            assert_eq!(notes.iter().any(|note| note == header), is_perf, "{notes:#?}");
        }
    }
}

/// The tracer keeps the names of some tasks only; other events of the same trace have them.
#[test]
fn names_that_the_tracer_lost_are_found_elsewhere() {
    let text = "\
  <...>-1301  [002] .....  5012.111111: rss_stat: mm_id=1 curr=1 type=MM_ANONPAGES size=104857600B
  <...>-1301  [002] .....  5012.211111: rss_stat: mm_id=1 curr=1 type=MM_ANONPAGES size=209715200B
  <...>-1301  [002] .....  5012.311111: signal_generate: sig=9 errno=0 code=128 comm=my db pid=1301 grp=1 res=0
";
    assert_eq!(imported(text).killed, ["my db"]);
    let told = "inferred: my db's anonymous memory in 2 samples, around the first kill: \
                100.0 MiB 0.200 s before, 200.0 MiB 0.100 s before";
    assert!(notes(text).iter().any(|note| note == told), "{:#?}", notes(text));
}

/// Memory over time, by the counters of the task itself, and of the victim while it is reaped.
/// Latency formats cut a name off after eight letters; the mark has all of it since 6.9.
#[test]
fn names_that_were_cut_off_are_found_elsewhere() {
    let text = "     hog-130     1d..1. 13.544552: mark_victim: pid=131 comm=web worker total-vm=260096kB anon-rss=94844kB file-rss:0kB shmem-rss:0kB uid=1000 pgtables=300kB oom_score_adj=300\n\
                oom_reap-25      0..... 15.660102: start_task_reaping: pid=131\n\
                oom_reap-25      0..... 15.688301: finish_task_reaping: pid=131\n\
                web work-131     1..... 15.701002: sched_process_exit: comm=web worker pid=131 prio=120\n";
    let found = imported(text);
    assert_eq!(victims(&found.story), [("web worker".to_owned(), 1)]);
    assert_eq!(victims(&run_of(&found)), [("web worker".to_owned(), 1)]);
}

#[test]
fn memory_over_time_is_told() {
    let text = "\
  hog-130 [000] ..... 10.000000: rss_stat: mm_id=1 curr=1 type=MM_ANONPAGES size=1048576B
  hog-130 [000] ..... 11.000000: rss_stat: mm_id=1 curr=1 type=MM_ANONPAGES size=52428800B
  old-131 [000] ..... 11.100000: rss_stat: mm_id=2 curr=1 member=1 size=4194304B
  old-131 [000] ..... 11.200000: rss_stat: mm_id=2 curr=1 member=0 size=9194304B
  old-131 [000] ..... 11.300000: rss_stat: mm_id=2 curr=1 member=1 size=8388608B
  other-7 [000] ..... 11.400000: rss_stat: mm_id=1 curr=0 type=MM_ANONPAGES size=4096B
  presser-132 [000] ..... 12.000000: mark_victim: pid=130
  oom_reaper-25 [000] ..... 12.500000: start_task_reaping: pid=130
  oom_reaper-25 [000] ..... 12.600000: rss_stat: mm_id=1 curr=0 type=MM_ANONPAGES size=2097152B
  oom_reaper-25 [000] ..... 12.700000: finish_task_reaping: pid=130
";
    let found = imported(text);
    let notes: Vec<&str> = found.notes.iter().map(|note| note.text.as_str()).collect();
    for told in [
        "hog's anonymous memory in 3 samples, around the first kill: 1.0 MiB 2.000 s before, \
         50.0 MiB 1.000 s before, 2.0 MiB 0.600 s after",
        "old's anonymous memory in 2 samples, around the first kill: 4.0 MiB 0.900 s before, \
         8.0 MiB 0.700 s before",
    ] {
        assert!(notes.contains(&told), "{told}: {notes:#?}");
    }
}

/// Where no table tells who had what, the counters do: of the victim, of who asked, and of others.
#[test]
fn tasks_have_the_memory_that_the_counters_show() {
    let text = "\
  old-131 [000] ..... 11.100000: rss_stat: mm_id=2 curr=1 member=1 size=4194304B
  big-135 [000] ..... 11.150000: rss_stat: mm_id=4 curr=1 member=1 size=419430400B
  hog-130 [000] ..... 11.200000: rss_stat: mm_id=1 curr=1 type=MM_ANONPAGES size=52428800B
  hog-130 [000] ..... 11.300000: rss_stat: mm_id=1 curr=1 type=MM_ANONPAGES size=104857600B
  presser-132 [000] ..... 11.400000: rss_stat: mm_id=3 curr=1 type=MM_ANONPAGES size=20971520B
  presser-132 [000] ..... 12.000000: mark_victim: pid=130
  late-134 [000] ..... 12.400000: rss_stat: mm_id=5 curr=1 type=MM_ANONPAGES size=20971520B
";
    let found = imported(text);
    let notes = notes(text);
    for told in [
        "inferred: 3 other tasks with their memory at the first kill, from rss_stat",
        "assumed: big can't be killed: it had as much as who was, and survived",
    ] {
        assert!(notes.iter().any(|note| note == told), "{told}: {notes:#?}");
    }
    let made_up = ["no size is told", "had 64 MiB or less"];
    assert!(!notes.iter().any(|note| made_up.iter().any(|word| note.contains(word))), "{notes:#?}");
    let scenario = sim_core::scenario::parse("found", &found.toml, &[]).expect("a scenario");
    let names: Vec<&str> = scenario.tasks.iter().map(|task| task.name.as_str()).collect();
    assert_eq!(names.len(), 4, "{names:?}");
    assert!(!names.contains(&"late"), "{names:?}");
    assert_eq!(victims(&run_of(&found)), [("hog".to_owned(), 0)], "{}", found.toml);
}

/// What cannot be told apart is not told: attempts of 3.2 ms end in the same jiffy at 1000 Hz.
#[test]
fn pauses_that_fit_two_clocks_are_no_proof() {
    let recording = ALL.iter().find(|recording| recording.id == "L1both-3").expect("there");
    let found = imported(&recording.trace());
    let said = "HZ = 250: the pauses of the reaper fit 1000, too";
    assert!(found.notes.iter().any(|note| note.text == said), "{:#?}", found.notes);
}

#[test]
fn counts_instead_of_times_are_turned_down_with_a_reason() {
    let text = "# tracer: nop\n  hog-130 [003] dN.2. 81234567890123: mark_victim: pid=130\n";
    let error = import(&[CaptureFile { name: "trace", text }]).expect_err("no time");
    assert!(error.to_string().starts_with("trace:2:1: a count instead of a time: "), "{error}");
}
