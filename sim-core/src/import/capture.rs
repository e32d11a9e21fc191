//! A capture: files with lines of ftrace and of the kernel log, in any
//! mixture. Every line is looked at once and goes where it belongs.

use std::fmt;

use super::frame::framed;
use super::ftrace::{lost_events, parse_line};
use super::oom_report::LogFacts;
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
    /// Events that the tracer says it lost.
    pub(super) lost: u64,
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
        let seen = capture.trace.iter().map(|line| line.cpu).max();
        let seen = seen.map(|cpu| cpu.saturating_add(1));
        capture.cpus = capture.cpus.or(capture.facts.cpus).or(seen);
        capture
    }

    fn file(&mut self, file: &CaptureFile<'a>) {
        let mut last_us = 0;
        for (index, line) in file.text.lines().enumerate() {
            let line = unquoted(line);
            let trimmed = line.trim();
            if trimmed.is_empty() {
                continue;
            }
            self.first.get_or_insert_with(|| (file.name.to_owned(), index + 1));
            if let Some(comment) = trimmed.strip_prefix('#') {
                let cpus = comment.split_once("#P:").map(|(_, cpus)| cpus.trim());
                self.cpus = cpus.and_then(|cpus| cpus.parse().ok()).or(self.cpus);
            } else if let Some(event) = parse_line(line) {
                // printk:console has the lines of the log in the trace.
                if event.name == "console" {
                    last_us = event.time_us.saturating_sub(1);
                    self.log_line(file.name, index + 1, event.args, &mut last_us);
                } else {
                    self.trace.push(event);
                }
            } else if let Some(lost) = lost_events(trimmed) {
                self.lost = self.lost.saturating_add(lost);
            } else {
                self.log_line(file.name, index + 1, line, &mut last_us);
            }
        }
    }

    fn log_line(&mut self, file: &str, number: usize, line: &'a str, last_us: &mut i64) {
        let framed = framed(line);
        // Lines without a time come one after the other.
        *last_us = framed.time_us.unwrap_or_else(|| last_us.saturating_add(1));
        let before = line.len().saturating_sub(framed.text.len());
        let column = line.get(..before).map_or(1, |before| before.chars().count() + 1);
        self.facts.line(number, column, *last_us, framed.text);
        for (line, column, expected) in self.facts.damaged.drain(..) {
            let text = format!("cut off or damaged: expected {expected}");
            self.damaged.push(NotACapture { file: file.to_owned(), line, column, text });
        }
        self.log.push(LogLine { time_us: *last_us, text: framed.text });
    }
}

/// A line without the marks by which mail quotes it: `> `, `>> `, `> > `.
fn unquoted(line: &str) -> &str {
    if line.starts_with('>') { line.trim_start_matches(['>', ' ']) } else { line }
}
