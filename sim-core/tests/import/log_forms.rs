//! One report in every form in which tools, daemons and consoles print a kernel's log: the same scenario comes
//! of each, and its kill is where the form has it.

use sim_core::import::KeyKind;

use crate::imported;

/// A line: µs since boot, and what the kernel said.
struct Line {
    us: i64,
    text: &'static str,
}

fn lines() -> Vec<Line> {
    let line = |line: &'static str| {
        let (stamp, text) = line.strip_prefix('[')?.split_once("] ")?;
        let us = stamp.trim().replace('.', "").parse().ok()?;
        Some(Line { us, text })
    };
    include_str!("samples/dmesg-5.3.txt").lines().filter_map(line).collect()
}

fn boot(us: i64) -> String {
    format!("[{:>5}.{:06}]", us / 1_000_000, us % 1_000_000)
}

/// The time of day: the machine was started at 9:08.
fn clock(us: i64) -> String {
    let seconds = us / 1_000_000 + 9 * 3600 + 8 * 60;
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

fn precise(us: i64) -> String {
    format!("{}.{:06}", clock(us), us % 1_000_000)
}

fn millis(us: i64) -> String {
    format!("{}.{:03}", clock(us), us / 1000 % 1000)
}

/// How much of a second a form keeps, in µs; nothing where it has no times.
type Form = (&'static str, Option<i64>, fn(&Line) -> String);

const FORMS: &[Form] = &[
    ("dmesg", Some(1), |l| format!("{} {}", boot(l.us), l.text)),
    ("dmesg -T", Some(1_000_000), |l| format!("[Sun Nov 22 {} 2026] {}", clock(l.us), l.text)),
    ("dmesg -t", None, |l| l.text.to_owned()),
    ("dmesg -r", Some(1), |l| format!("<4>{} {}", boot(l.us), l.text)),
    ("dmesg -x", Some(1), |l| format!("kern  :warn  : {} {}", boot(l.us), l.text)),
    ("dmesg -x -t", None, |l| format!("kern  :warn  : {}", l.text)),
    ("dmesg -x --time-format iso", Some(1), |l| {
        let time = precise(l.us).replace('.', ",");
        format!("kern  :warn  : 2026-11-22T{time}+01:00 {}", l.text)
    }),
    ("dmesg --time-format iso", Some(1), |l| {
        format!("2026-11-22T{}+01:00 {}", precise(l.us).replace('.', ","), l.text)
    }),
    ("dmesg -d", Some(1), |l| {
        let stamp = boot(l.us);
        format!("{} <    0.000004>] {}", stamp.trim_end_matches(']'), l.text)
    }),
    ("callers", Some(1), |l| format!("{}[ T1234] {}", boot(l.us), l.text)),
    ("journalctl -k", Some(1_000_000), |l| {
        format!("Nov 22 {} box kernel: {}", clock(l.us), l.text)
    }),
    ("journalctl -o short-precise", Some(1), |l| {
        format!("Nov 22 {} box kernel: {}", precise(l.us), l.text)
    }),
    ("journalctl -o short-iso", Some(1_000_000), |l| {
        format!("2026-11-22T{}+0100 box kernel: {}", clock(l.us), l.text)
    }),
    ("journalctl -o short-full", Some(1_000_000), |l| {
        format!("Sun 2026-11-22 {} CET box kernel: {}", clock(l.us), l.text)
    }),
    ("journalctl -o short-monotonic", Some(1), |l| {
        format!("{} box kernel: {}", boot(l.us), l.text)
    }),
    ("journalctl -o short-unix", Some(1), |l| {
        format!(
            "{}.{:06} box kernel: {}",
            1_795_334_880 + l.us / 1_000_000,
            l.us % 1_000_000,
            l.text
        )
    }),
    ("a process id behind the kernel's name", Some(1_000_000), |l| {
        format!("Nov 22 {} box kernel[0]: {}", clock(l.us), l.text)
    }),
    ("kern.log", Some(1), |l| {
        format!("Nov 22 {} box kernel: {} {}", clock(l.us), boot(l.us), l.text)
    }),
    ("kern.log with long dates", Some(1), |l| {
        format!("2026-11-22T{}+01:00 box kernel: {} {}", precise(l.us), boot(l.us), l.text)
    }),
    ("busybox' syslogd", Some(1_000_000), |l| {
        format!("Nov 22 {} box kern.warn kernel: {}", clock(l.us), l.text)
    }),
    ("logread", Some(1), |l| {
        format!("Sun Nov 22 {} 2026 kern.warn kernel: {} {}", clock(l.us), boot(l.us), l.text)
    }),
    ("RFC 5424", Some(1), |l| {
        format!("<4>1 2026-11-22T{}+01:00 box kernel - - - {}", precise(l.us), l.text)
    }),
    ("netconsole, extended", Some(1), |l| format!("4,1234,{},-;{}", l.us, l.text)),
    ("netconsole with the release", Some(1), |l| {
        format!("5.3.18-lp152.19-default,4,1234,{},-;{}", l.us, l.text)
    }),
    ("netconsole at a syslog daemon", Some(1), |l| {
        format!("Nov 22 {} 192.0.2.7 {} {}", clock(l.us), boot(l.us), l.text)
    }),
    ("a console server", Some(1), |l| {
        format!("[2026-11-22 {}] {} {}", clock(l.us), boot(l.us), l.text)
    }),
    ("crash: log -m", Some(1), |l| format!("{} <4>{}", boot(l.us), l.text)),
    ("logcat -v threadtime", Some(1000), |l| {
        format!("11-22 {}     0     0 W kernel  : {}", millis(l.us), l.text)
    }),
    ("logcat -v year", Some(1), |l| {
        format!("2026-11-22 {}     0     0 W kernel  : {} {}", millis(l.us), boot(l.us), l.text)
    }),
    ("logcat -v monotonic", Some(1000), |l| {
        let seconds = format!("{}.{:03}", l.us / 1_000_000, l.us / 1000 % 1000);
        format!("{seconds}     0     0 W kernel  : {}", l.text)
    }),
    ("logcat -v time", Some(1000), |l| {
        format!("11-22 {} W/kernel(    0): {}", millis(l.us), l.text)
    }),
    ("a phone with a second time", Some(1), |l| {
        format!("{}[{}]@3 {}", boot(l.us), precise(l.us), l.text)
    }),
    ("a phone with its task", Some(1), |l| format!("<4>{}.(3)[123:browser]{}", boot(l.us), l.text)),
    ("a container's log", Some(1), |l| {
        format!("2026-11-22T09:00:00.123456789Z stdout F {} {}", boot(l.us), l.text)
    }),
    ("a hypervisor's log", Some(1), |l| {
        format!("2026-11-22T09:00:00.1Z| vcpu-0| I005: Guest: {} {}", boot(l.us), l.text)
    }),
    ("a table of values", Some(1), |l| format!("\"2026-11-22\",\"{} {}\"", boot(l.us), l.text)),
    ("a web page", Some(1), |l| format!("{} {}<br>", boot(l.us), l.text).replace(' ', "\u{a0}")),
    ("a string with escapes", Some(1), |l| format!("{} {}\\n", boot(l.us), l.text)),
    ("a chat", Some(1), |l| format!("`{} {}`", boot(l.us), l.text)),
    ("a table with bare columns", Some(1), |l| {
        format!("2026-11-22,box,\"{} {}\"", boot(l.us), l.text)
    }),
    ("mail", Some(1), |l| format!(">> {} {}", boot(l.us), l.text)),
    ("tabs", Some(1), |l| format!("{}\t{}", boot(l.us), l.text)),
    ("colours", Some(1), |l| format!("\x1b[32m{} \x1b[0m\x1b[33m{}\x1b[0m", boot(l.us), l.text)),
];

#[test]
fn every_form_of_a_log_tells_the_same() {
    let lines = lines();
    let mut first = None;
    let mut wrong = Vec::new();
    for (name, kept, form) in FORMS {
        let text: Vec<String> = lines.iter().map(form).collect();
        let found = imported(&text.join("\n"));
        let notes: Vec<String> = found.notes.iter().map(|note| note.text.clone()).collect();
        let at = |kind: KeyKind| {
            let event = found.story.events.iter().find(|event| event.kind == kind);
            event.map(|event| event.at_us)
        };
        let lasted =
            at(KeyKind::Reaped).zip(at(KeyKind::Killed)).map(|(reaped, killed)| reaped - killed);
        // 31.014 ms in the original.
        let is_right = lasted.is_some_and(|us| kept.is_none_or(|kept| (us - 31_014).abs() <= kept));
        if !is_right {
            wrong.push(format!("{name}: reaped after {lasted:?} µs"));
        }
        let told = (found.killed.clone(), notes);
        if *first.get_or_insert_with(|| told.clone()) != told {
            wrong.push(format!("{name}: {told:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}\n{first:#?}", wrong.join("\n"));
}
