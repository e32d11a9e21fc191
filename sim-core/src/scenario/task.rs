//! `[[task]]`: a process, its start condition and its threads.
//!
//! Programs are read in [`program`](super::program), places of VMAs are
//! found in [`layout`](super::layout).

use std::collections::BTreeMap;

use toml::de::DeValue;

use super::check::{names, tables};
use super::checked::{Op, Start, Task, Thread};
use super::error::Report;
use super::layout::{self, Preset};
use super::program::{self, Names, Place};
use super::spec::{Fields, START, THREAD, Value};
use crate::base::Nanos;

/// Most threads of a task besides its first.
const THREADS_MAX: usize = 64;
/// The kernel's `PID_MAX_LIMIT` on 64 bits, exclusive. Pid 1 is init.
const PID_MAX: u64 = 4_194_303;
/// Bytes of `comm` without the final zero: `TASK_COMM_LEN` - 1.
const COMM_SIZE_MAX: usize = 15;
/// Longest delay of a start: the longest horizon.
const START_MAX: Nanos = Nanos::from_secs(3_600);

/// Reads one task. `tasks` and `devices` are all names in the file.
pub(super) fn task(
    report: &mut Report<'_>,
    fields: &Fields<'_>,
    name: &str,
    tasks: &[String],
    devices: &[String],
) -> Task {
    let comm = fields.get("comm").and_then(|v| comm(report, v));
    let pid = fields.get("pid").and_then(|v| report.count(v, 2..=PID_MAX));
    let adj = fields.get("oom_score_adj").and_then(|v| report.integer(v, -1000..=1000));
    let start = fields.get("start").and_then(|v| start(report, v, tasks)).unwrap_or_default();
    let preset = fields.get("preset");
    let preset = match preset.and_then(|v| report.choice(v, "preset", &["static-elf", "none"])) {
        Some("none") => Preset::None,
        _ => Preset::StaticElf,
    };
    let thread_items = tables(report, fields, "thread", THREAD, THREADS_MAX);
    let threads = names(report, &thread_items);
    let items = fields.get("program").map_or(&[][..], |v| program::items(report, v));
    let mut regions = program::regions(report, items);
    layout::place(report, &mut regions, preset);
    let vmas = layout::vmas(preset, &regions);
    let names = Names { devices, regions: &regions, threads: &threads };
    let ops = program::program(report, items, &names, Place::First);
    let mut threads_read = Vec::new();
    for (fields, name) in thread_items.iter().zip(&threads) {
        let items = fields.get("program").map_or(&[][..], |v| program::items(report, v));
        let program = program::program(report, items, &names, Place::Other);
        threads_read.push(Thread { name: name.clone(), program });
    }
    let first_bytes = |text: &str| text.chars().take(COMM_SIZE_MAX).collect();
    Task {
        name: name.to_owned(),
        // Names are ASCII, so characters are bytes.
        comm: comm.unwrap_or_else(|| first_bytes(name)),
        pid: pid.and_then(|pid| u32::try_from(pid).ok()),
        oom_score_adj: adj.and_then(|adj| i16::try_from(adj).ok()).unwrap_or(0),
        start,
        vmas,
        program: ops,
        threads: threads_read,
    }
}

fn comm(report: &mut Report<'_>, value: &Value<'_>) -> Option<String> {
    let text = report.line(value, COMM_SIZE_MAX)?;
    if text.is_empty() || text.len() > COMM_SIZE_MAX || text.contains('\n') {
        let expected = format!("expected 1 to {COMM_SIZE_MAX} bytes on one line");
        report.add(&value.span(), "unfit comm", expected);
        return None;
    }
    Some(text.to_owned())
}

fn start(report: &mut Report<'_>, value: &Value<'_>, tasks: &[String]) -> Option<Start> {
    if !matches!(value.get_ref(), DeValue::Table(_)) {
        let delay = report.time(value, START_MAX)?;
        return Some(Start { after: None, delay });
    }
    let fields = Fields::from_value(report, value, START)?;
    let delay = match fields.get("delay") {
        Some(delay) => report.time(delay, START_MAX)?,
        None => Nanos::ZERO,
    };
    let Some(after) = fields.get("after") else {
        return Some(Start { after: None, delay });
    };
    let name = report.string(after)?.to_owned();
    let index = tasks.iter().position(|task| *task == name);
    if index.is_none() {
        report.add_unknown(&after.span(), "unknown task", &name, tasks.iter().map(String::as_str));
    }
    Some(Start { after: index, delay })
}

/// Where a task's field is, to point at.
fn span_of(fields: &Fields<'_>, key: &str) -> std::ops::Range<usize> {
    fields.get(key).map_or(fields.span.clone(), toml::Spanned::span)
}

/// No pid is given twice.
pub(super) fn check_pids(report: &mut Report<'_>, tasks: &[Task], items: &[Fields<'_>]) {
    let mut seen = BTreeMap::new();
    for (task, fields) in tasks.iter().zip(items) {
        if let Some(pid) = task.pid
            && let Some(other) = seen.insert(pid, &task.name)
        {
            let expected = format!("{other} has it already");
            report.add(&span_of(fields, "pid"), "second pid", expected);
        }
    }
}

/// Whoever is waited for must say that it is ready, and must not wait
/// for its waiter.
pub(super) fn check_starts(report: &mut Report<'_>, tasks: &[Task], items: &[Fields<'_>]) {
    for (task, fields) in tasks.iter().zip(items) {
        let Some(after) = task.start.after.and_then(|index| tasks.get(index)) else {
            continue;
        };
        let threads = after.threads.iter().map(|thread| &thread.program);
        let mut programs = std::iter::once(&after.program).chain(threads);
        if !programs.any(|ops| ops.iter().any(|op| matches!(op, Op::Ready))) {
            let expected = format!("{} never says {{ ready = true }}", after.name);
            report.add(&span_of(fields, "start"), "waits forever", expected);
        }
        // A chain longer than there are tasks has come back to itself.
        let next = |index: &usize| tasks.get(*index).and_then(|task| task.start.after);
        if std::iter::successors(task.start.after, next).nth(tasks.len()).is_some() {
            let expected = "these tasks wait for each other";
            report.add(&span_of(fields, "start"), "waits forever", expected);
        }
    }
}
