//! Lines of a trace that only perf prints: `perf script` with fewer or with more fields than it has by
//! default, and what `perf trace` makes of tracepoints. The frame that it shares with the kernel's own text
//! is `ftrace.rs`'s.

use super::frame::time_of_day;
use super::ftrace::{Task, TraceLine, comm_and_pid, digits, in_frame, own_comm};
use super::keys::{millionths, plausible, seconds_us};

/// A time, and what follows: `13.544552:`; `2026-11-22 10:00:13.544552 13.544552:` of `-F +tod`, where the
/// second time is there unless it was left out, and a colon with it.
pub(super) fn stamp(rest: &str) -> Option<(i64, &str)> {
    let (word, after) = rest.trim_start().split_once(' ')?;
    if let Some(time) = word.strip_suffix(':').and_then(clock) {
        return Some((time, after));
    }
    let (of_day, after) = if is_date(word) { after.split_once(' ')? } else { (word, after) };
    let of_day =
        time_of_day(of_day.trim_end_matches(':')).filter(|_| of_day.contains(['.', ',']))?;
    let own = after
        .trim_start()
        .split_once(": ")
        .and_then(|(own, after)| Some((seconds_us(own)?, after)));
    Some(own.unwrap_or((of_day, after)))
}

/// `2026-11-22`.
fn is_date(word: &str) -> bool {
    let is_part = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    word.len() == 10 && word.split('-').count() == 3 && word.split('-').all(is_part)
}

/// `13.544552`, or a time of day.
fn clock(word: &str) -> Option<i64> {
    seconds_us(word).or_else(|| time_of_day(word))
}

/// `comm pid/tid time: subsystem:name: args`: `perf script` without the CPU, and if need be without one of
/// the others. Only where the subsystem is named, since a line of a log may look like the rest.
pub(super) fn script(line: &str) -> Option<TraceLine<'_>> {
    let is_end = |at: usize| line.as_bytes().get(at + 1) == Some(&b' ') || at + 1 == line.len();
    let (before, name, args) = in_frame(line, ':').find_map(|(at, _)| {
        let (before, event) = line.get(..at)?.rsplit_once(' ')?;
        let name = event_name(event).filter(|_| is_end(at))?;
        Some((before, name, line.get(at + 1..)?.trim()))
    })?;
    // What is the task's may hold blanks; the time does not, but for a date.
    let starts = before.match_indices(' ').map(|(at, _)| at + 1);
    let (at, time_us) = std::iter::once(0).chain(starts).find_map(|at| {
        let times = format!("{} ", before.get(at..)?.trim_end());
        let (time_us, after) = stamp(&times)?;
        // A count may follow.
        after.trim().bytes().all(|byte| byte.is_ascii_digit()).then_some((at, time_us))
    })?;
    let Task { comm, pid, tgid } = some_of_task(before.get(..at)?.trim());
    Some(TraceLine { comm, pid, tgid, cpu: 0, time_us, name, args })
}

/// `13544.552 (         ): comm/tid subsystem:name(key: value, key: value)`: `perf trace`, in ms since it began.
pub(super) fn trace(line: &str) -> Option<TraceLine<'_>> {
    let (stamp, rest) = line.trim_start().split_once(' ')?;
    let time_us = plausible(millionths(stamp)? / 1000)?;
    let rest = rest.trim_start();
    let rest = match rest.strip_prefix('(').and_then(|rest| rest.split_once("): ")) {
        Some((_, rest)) => rest.trim_start(),
        None => rest,
    };
    let (head, args) = rest.split_once('(')?;
    let (task, event) = head.rsplit_once(' ').unwrap_or(("", head));
    let name = event_name(event)?;
    let args = args.trim_end().strip_suffix(')')?;
    let (comm, pid) = match task.rsplit_once('/') {
        Some((comm, tid)) => (comm.trim(), digits(tid)?),
        None => ("<...>", digits(task).unwrap_or(0)),
    };
    Some(TraceLine { comm, pid, tgid: None, cpu: 0, time_us, name, args })
}

/// The name of `subsystem:name`.
fn event_name(event: &str) -> Option<&str> {
    let (subsystem, name) = event.split_once(':')?;
    let is_word = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_alphabetic())
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    (is_word(subsystem) && is_word(name)).then_some(name)
}

/// What `perf script -F` was asked for: `pid/tid`, `comm`, or neither.
pub(super) fn some_of_task(task: &str) -> Task<'_> {
    if let Some(known) = comm_and_pid(task) {
        return known;
    }
    let (tgid, pid) = match task.split_once('/') {
        Some((group, thread)) => (digits(group), digits(group).and(digits(thread))),
        None => (None, digits(task)),
    };
    let comm = if task.is_empty() || pid.is_some() { "<...>" } else { own_comm(task) };
    Task { comm, pid: pid.unwrap_or(0), tgid }
}
