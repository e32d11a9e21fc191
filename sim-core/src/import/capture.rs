//! A capture: files with lines of ftrace and of the kernel log, in any
//! mixture. Every line is looked at once and goes where it belongs; one that holds several records,
//! as a terminal's columns or two consoles leave them, is taken apart first.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt;

use super::frame::{When, framed, is_stamp};
use super::ftrace::{digits, is_counted, lost_events, parse_line};
use super::keys::US_END;
use super::oom_report::LogFacts;
use super::teller::names;
use super::{LogLine, TraceLine};

/// A file of a capture.
#[derive(Copy, Clone, Debug)]
pub struct CaptureFile<'a> {
    /// What complaints call it.
    pub name: &'a str,
    /// Its text.
    pub text: &'a str,
}

/// Why no scenario comes of a capture.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct NotACapture {
    /// Which file.
    pub file: String,
    /// Line and column, from 1.
    pub line: usize,
    /// See `line`.
    pub column: usize,
    /// What is the matter, and what was expected.
    pub text: String,
}

impl fmt::Display for NotACapture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.text)
    }
}

impl std::error::Error for NotACapture {}

/// All lines of a capture.
#[derive(Debug, Default)]
pub(super) struct Capture<'a> {
    pub(super) trace: Vec<TraceLine<'a>>,
    pub(super) log: Vec<LogLine<'a>>,
    pub(super) facts: LogFacts,
    /// From the trace's header, or the CPUs it shows.
    pub(super) cpus: Option<u32>,
    /// One more than the highest CPU that the log names.
    pub(super) cpus_named: Option<u32>,
    /// Whether kills are known by their signals alone.
    pub(super) by_signal: bool,
    /// Events that the tracer says it lost.
    pub(super) lost: u64,
    /// Whether it says so without a number somewhere.
    pub(super) lost_more: bool,
    /// Places of lines that begin as they should and don't go on so.
    pub(super) damaged: Vec<NotACapture>,
    /// The first line that is not empty, to point at.
    pub(super) first: Option<(String, usize)>,
}

impl<'a> Capture<'a> {
    pub(super) fn read(files: &[CaptureFile<'a>]) -> Self {
        let mut capture = Self::default();
        for file in files {
            capture.file(file);
        }
        capture.facts.finish();
        capture.name_again();
        capture.mark_by_signal();
        let seen = capture.trace.iter().map(|line| line.cpu).max();
        let seen = seen.map(|cpu| cpu.saturating_add(1));
        capture.cpus_named = capture.facts.cpu_seen.map(|cpu| cpu.saturating_add(1));
        capture.cpus = capture.cpus.or(capture.facts.cpus).or(seen);
        capture
    }

    /// Without the oom events a trace shows a kill by its signal: SIGKILL from the kernel (`SI_KERNEL` is
    /// 128) to a whole process. A log beside it says whose was the OOM killer's.
    fn mark_by_signal(&mut self) {
        let is_mark = |line: &TraceLine<'_>| line.plain_name() == "mark_victim";
        if self.trace.iter().any(is_mark) {
            return;
        }
        let killed: BTreeSet<i64> =
            self.facts.kills.iter().map(|kill| i64::from(kill.pid)).collect();
        let is_kill = |line: &TraceLine<'_>| {
            let number = |key| line.number(key);
            line.name == "signal_generate"
                && (number("sig"), number("code")) == (Some(9), Some(128))
                && number("grp") != Some(0)
                && (killed.is_empty() || number("pid").is_some_and(|pid| killed.contains(&pid)))
        };
        let mut seen = BTreeSet::new();
        let mut trace = Vec::with_capacity(self.trace.len());
        for line in self.trace.drain(..) {
            if is_kill(&line) && seen.insert(line.number("pid")) {
                trace.push(TraceLine { name: "mark_victim", ..line.clone() });
            }
            trace.push(line);
        }
        self.trace = trace;
        self.by_signal = !seen.is_empty() && killed.is_empty();
    }

    fn file(&mut self, file: &CaptureFile<'a>) {
        let mut last_us = 0;
        let mut lines: Vec<(usize, &'a str)> = file.text.lines().enumerate().collect();
        if is_reversed(file.text) {
            lines.reverse();
        }
        for (index, line) in lines {
            for record in records(unquoted(line)) {
                self.record(file.name, index + 1, ended(record), &mut last_us);
            }
        }
        self.facts.close();
        self.take_damaged(file.name);
    }

    fn record(&mut self, file: &str, number: usize, line: &'a str, last_us: &mut i64) {
        let trimmed = line.trim();
        if trimmed.is_empty() {
            return;
        }
        self.first.get_or_insert_with(|| (file.to_owned(), number));
        if let Some(comment) = trimmed.strip_prefix('#') {
            self.header(comment);
        } else if let Some(cpus) = trimmed.strip_prefix("cpus=").and_then(digits) {
            self.cpus = Some(cpus);
        } else if let Some(event) = parse_line(line) {
            // printk:console has the lines of the log in the trace.
            if event.name == "console" {
                *last_us = event.time_us.saturating_sub(1);
                self.log_line(number, event.args, last_us);
            } else {
                self.trace.push(event);
            }
        } else if let Some(lost) = lost_events(trimmed) {
            self.lost = self.lost.saturating_add(lost);
            self.lost_more |= lost == 0;
        } else if is_counted(line) {
            let text = "a count instead of a time: expected such as `13.544552:`, which every \
                        trace_clock but `counter` and `x86-tsc` gives";
            let text = text.to_owned();
            self.damaged.push(NotACapture { file: file.to_owned(), line: number, column: 1, text });
        } else {
            self.log_line(number, line, last_us);
        }
    }

    /// `entries-in-buffer/entries-written: 3/3   #P:2` of ftrace, and with `latency-format`
    /// `nop latency trace v1.1.5 on 6.8.0-45-generic`; of `perf script --header`,
    /// `nrcpus online : 8` and `os release : 6.8.0-45-generic`.
    fn header(&mut self, comment: &str) {
        let after = |key: &str| {
            let (before, value) = comment.split_once(':')?;
            (before.trim() == key).then(|| value.trim())
        };
        let cpus = comment.split_once("#P:").map(|(_, cpus)| cpus.trim_end_matches(')').trim());
        let cpus = cpus.or_else(|| after("nrcpus online")).and_then(|cpus| cpus.parse().ok());
        self.cpus = cpus.or(self.cpus);
        let latency = || {
            let (_, rest) = comment.split_once(" latency trace v")?;
            Some(rest.split_once(" on ")?.1.trim())
        };
        if let Some(release) = after("os release").or_else(latency) {
            self.facts.release.get_or_insert_with(|| release.to_owned());
        }
    }

    /// Gives tasks whose names the tracer had lost the ones that other lines have.
    fn name_again(&mut self) {
        let names = names(&self.trace, &self.log);
        for line in self.trace.iter_mut().filter(|line| line.comm == "<...>") {
            line.comm = names.get(&i64::from(line.pid)).copied().unwrap_or(line.comm);
        }
    }

    fn log_line(&mut self, number: usize, line: &'a str, last_us: &mut i64) {
        let framed = framed(line);
        // Lines without a time come one after the other.
        let next = last_us.saturating_add(1);
        *last_us = match framed.time {
            When::At(us) => us,
            When::Minute(us) => us.max(next),
            When::After(us) => last_us.saturating_add(us),
            When::Unknown => next,
        }
        .min(US_END);
        // Mail and documents indent a report.
        let text = framed.text.trim_start();
        let before = line.trim_end().len().saturating_sub(text.len());
        let column = line.get(..before).map_or(1, |before| before.chars().count() + 1);
        self.facts.line((number, column), *last_us, text, framed.time != When::Unknown);
        self.log.push(LogLine { time_us: *last_us, text });
    }

    fn take_damaged(&mut self, file: &str) {
        for ((line, column), expected) in self.facts.damaged.drain(..) {
            let text = format!("cut off or damaged: expected {expected}");
            self.damaged.push(NotACapture { file: file.to_owned(), line, column, text });
        }
    }
}

/// The records of a line. There is one, unless the line begins with a time since boot and has others.
fn records(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(line).filter(|line| !line.is_empty());
    std::iter::from_fn(move || {
        let line = rest.take()?;
        let indented = line.len() - line.trim_start().len();
        let mut starts = line.match_indices('[').map(|(at, _)| at);
        let next = starts.next().filter(|first| *first == indented && is_stamp(line, *first));
        match next.and_then(|_| starts.find(|at| is_stamp(line, *at))) {
            Some(at) => {
                let (record, others) = line.split_at(at);
                rest = Some(others);
                Some(record)
            }
            None => Some(line),
        }
    })
}

/// A line without the marks by which mail quotes it (`> `, `>> `, `> > `), a comment or a list holds it (` * `, `- `), or
/// a table or a chat has it in a row of its own (`| … |`, `"…","…"`, between backquotes).
fn unquoted(line: &str) -> &str {
    let bare = line.trim();
    let inside = |mark: char| bare.strip_prefix(mark).and_then(|bare| bare.strip_suffix(mark));
    let cell = inside('|').or_else(|| inside('"')).or_else(|| inside('`'));
    match cell.or_else(|| bare.strip_prefix("* ")).or_else(|| bare.strip_prefix("- ")) {
        Some(bare) => bare.trim().trim_matches('`'),
        None if line.starts_with('>') => line.trim_start_matches(['>', ' ']),
        None => line,
    }
}

/// A record without what marks its end in a web page, a string or a table.
fn ended(record: &str) -> &str {
    let mut bare = record.trim_end();
    let ends = ["<br>", "<br/>", "<br />", "\\n", "\\r", "</code>", "</pre>"];
    while let Some(end) = ends.iter().find_map(|end| bare.strip_suffix(end)) {
        bare = end.trim_end();
    }
    // The other quote is in front of the text, behind other columns.
    bare.strip_suffix('"').filter(|rest| rest.contains(",\"")).unwrap_or(bare)
}

/// Whether the newest line stands first (`journalctl -r`): the times of the log run backwards.
fn is_reversed(text: &str) -> bool {
    let times = text.lines().filter_map(|line| match framed(line).time {
        When::At(us) => Some(us),
        _ => None,
    });
    let (mut last, mut back, mut forth) = (None, 0, 0);
    for us in times {
        match last.map(|last| us.cmp(&last)) {
            Some(Ordering::Less) => back += 1,
            Some(Ordering::Greater) => forth += 1,
            _ => {}
        }
        last = Some(us);
    }
    // Midnight and another boot are steps back, too; and a report may be over within a second.
    let ends_first = || {
        let (table, start) = (text.find("oom_score_adj name"), text.find(" invoked oom-killer: "));
        let order = [text.rfind("Killed process "), table, start];
        order[0].is_some() && order.is_sorted()
    };
    forth == 0 && (back > 2 || last.is_some() && ends_first())
}
