//! Tells the [`Story`] from trace and log lines.
//!
//! Real tracepoints mean the same in a recording and in a run. Where a
//! recording used probes of its own and a run has `sim:` events, both
//! spellings stand side by side below. Names of scenarios, numbers of
//! attempts and the like are read, never assumed.

use std::collections::{BTreeMap, BTreeSet};

use super::counters::CounterTeller;
use super::keys::comm_field;
use super::log_lines::{Said, said};
use super::memory_seen::is_anon;
use super::story::{Attempt, KeyEvent, KeyKind, Story, VictimStory};
use super::{LogLine, TraceLine};

/// Clocks of trace and log are matched to about this much.
const CLOCK_SLACK_US: i64 = 20;

/// Trace time minus log time: from the first victim that both name.
///
/// The kernel prints `Killed process` right after `mark_victim`, with
/// nothing that could wait in between.
pub fn clock_offset(trace: &[TraceLine<'_>], log: &[LogLine<'_>]) -> Option<i64> {
    trace.iter().filter(|line| line.plain_name() == "mark_victim").find_map(|mark| {
        let pid = mark.number("pid")?;
        let line = log.iter().find(|line| {
            matches!(said(line.text), Some(Said::Killed { pid: killed, .. }) if i64::from(killed) == pid)
        })?;
        Some(mark.time_us - line.time_us)
    })
}

/// The story of `trace` and `log`, whose clock is `offset_us` behind the
/// trace's (0 for a run; see [`clock_offset`] for a recording).
pub fn story(trace: &[TraceLine<'_>], log: &[LogLine<'_>], offset_us: i64) -> Story {
    let names_by_pid = names(trace, log);
    let mut story = Story::default();
    let mut counters = CounterTeller::default();
    let mut marked = BTreeSet::new();
    for line in trace {
        tell_trace(&mut story, line, &names_by_pid, &mut marked);
        counters.line(line);
    }
    (story.counters, story.hangs) = counters.finish();
    for line in log {
        let at_us = line.time_us.saturating_add(offset_us);
        match said(line.text) {
            Some(Said::Reaped { comm, anon_kb, .. }) => {
                place_reaped(&mut story, at_us, comm);
                if let Some(victim) = story.victim_mut(comm) {
                    victim.reaped_us = Some(at_us);
                    victim.anon_reaped = anon_kb.map(|kb| kb.saturating_mul(1024));
                }
            }
            Some(Said::Unable { comm, .. }) => {
                place_unable(&mut story, at_us, comm);
                if let Some(victim) = story.victim_mut(comm) {
                    victim.unable_us = Some(at_us);
                }
            }
            Some(Said::Refused) => story.refusals_logged = story.refusals_logged.saturating_add(1),
            Some(Said::Killed { comm, .. }) => tell_kill(&mut story, at_us, comm),
            None => {}
        }
    }
    story
}

/// A kill that the log tells of, unless the trace does too, or the log told more of that very line.
pub(super) fn tell_kill(story: &mut Story, at_us: i64, victim: &str) {
    let is_told = |event: &KeyEvent| event.at_us == at_us && event.victim == victim;
    if story.victim_mut(victim).is_none() && !story.events.iter().any(is_told) {
        let index = index_at(story, at_us);
        insert(story, index, at_us, KeyKind::Killed, victim);
    }
}

/// Names by pid, from wherever the texts give both: `mark_victim` of
/// older kernels gives the pid alone.
pub(super) fn names<'a>(trace: &[TraceLine<'a>], log: &[LogLine<'a>]) -> BTreeMap<i64, &'a str> {
    let mut names = BTreeMap::new();
    for line in trace {
        // A task may rename itself, so the last word counts; but latency formats cut it off.
        let is_cut = |known: &&str| line.comm.len() == 8 && known.starts_with(line.comm);
        let pid = i64::from(line.pid);
        if line.comm != "<...>" && !names.get(&pid).is_some_and(is_cut) {
            names.insert(pid, line.comm);
        }
        if let (Some(pid), Some(comm)) = (line.number("pid"), comm_field(line.args)) {
            let known = names.entry(pid).or_insert(comm);
            if known.len() == 8 && comm.starts_with(*known) {
                *known = comm;
            }
        }
    }
    // A process that is nowhere named itself goes by a thread's name.
    for line in trace.iter().filter(|line| line.comm != "<...>") {
        if let Some(tgid) = line.tgid {
            names.entry(i64::from(tgid)).or_insert(line.comm);
        }
    }
    for line in log {
        if let Some(Said::Killed { pid, comm }) = said(line.text) {
            names.insert(i64::from(pid), comm);
        }
    }
    names
}

/// What a trace line adds. `marked` are the pids of the victims so far: a
/// kernel without `MMF_OOM_SKIP` may choose one of them again and again.
fn tell_trace(
    story: &mut Story,
    line: &TraceLine<'_>,
    names: &BTreeMap<i64, &str>,
    marked: &mut BTreeSet<i64>,
) {
    let kind = match line.plain_name() {
        "mark_victim" => KeyKind::MarkVictim,
        "wake_reaper" => KeyKind::WakeReaper,
        "start_task_reaping" => KeyKind::StartReaping,
        "skip_task_reaping" => KeyKind::SkipReaping,
        "finish_task_reaping" => KeyKind::FinishReaping,
        _ if line.comm == "oom_reaper" => return tell_attempt(story, line),
        _ => return tell_process(story, line),
    };
    let pid = line.number("pid").unwrap_or(-1);
    let known = names.get(&pid).map(|name| (*name).to_owned());
    let name = known.unwrap_or_else(|| format!("pid {pid}"));
    let anon_at_kill = line.anon_kb().map(|kb| kb.saturating_mul(1024));
    if kind != KeyKind::MarkVictim || marked.insert(pid) {
        tell_key(story, line.time_us, kind, &name, anon_at_kill);
    }
    story.events.push(key(line.time_us, kind, &name));
}

/// What a key event means for its victim.
fn tell_key(story: &mut Story, at: i64, kind: KeyKind, name: &str, anon_at_kill: Option<i64>) {
    if kind == KeyKind::MarkVictim {
        story.victims.push(VictimStory {
            name: name.to_owned(),
            killed_us: at,
            anon_at_kill,
            wake_us: None,
            attempts: Vec::new(),
            reaped_us: None,
            anon_reaped: None,
            anon_most: None,
            unable_us: None,
        });
        return;
    }
    if kind == KeyKind::FinishReaping {
        let attempt = attempted(story).and_then(|victim| victim.attempts.last_mut());
        if let Some(attempt) = attempt {
            attempt.finish_us = Some(at);
        }
        return;
    }
    let Some(victim) = story.victim_mut(name) else {
        return;
    };
    match kind {
        KeyKind::WakeReaper => victim.wake_us = Some(at),
        KeyKind::StartReaping | KeyKind::SkipReaping => victim.attempts.push(Attempt {
            start_us: at,
            finish_us: None,
            skipped: kind == KeyKind::SkipReaping,
            calls: 0,
            refusals: 0,
            anon_after: None,
        }),
        _ => {}
    }
}

/// What the reaper does between the start and the finish of an attempt.
fn tell_attempt(story: &mut Story, line: &TraceLine<'_>) {
    let Some(victim) = attempted(story) else {
        return;
    };
    let Some(attempt) = victim.attempts.last_mut() else {
        return;
    };
    if line.own() == Some("mn_call") || line.args.starts_with("oomn_enter ") {
        attempt.calls = attempt.calls.saturating_add(1);
    } else if refused(line) {
        attempt.refusals = attempt.refusals.saturating_add(1);
    } else if is_anon(line) {
        let bytes = line.number("size");
        attempt.anon_after = bytes.or(attempt.anon_after);
        victim.anon_most = victim.anon_most.max(bytes);
        let name = victim.name.clone();
        if let Some(bytes) = bytes {
            story.has_memory(&name, line.time_us, bytes);
        }
    }
}

/// What befalls the task that is current.
fn tell_process(story: &mut Story, line: &TraceLine<'_>) {
    let at = line.time_us;
    match line.plain_name() {
        // The tracepoint, at the end; a probe of the same name is at the beginning.
        "exit_mmap" if line.args.ends_with(", DESTROY") => {
            story.process_mut(line.comm).exit_mmap_done_us.get_or_insert(at);
        }
        "exit_mmap" => {
            story.process_mut(line.comm).exit_mmap_us.get_or_insert(at);
        }
        "exit_mmap_ret" | "exit_mmap_done" => {
            story.process_mut(line.comm).exit_mmap_done_us.get_or_insert(at);
        }
        "rss_stat" if is_anon(line) && line.number("curr") == Some(1) => {
            if let Some(bytes) = line.number("size") {
                story.has_memory(line.comm, at, bytes);
            }
        }
        "sched_process_exit" => story.process_mut(line.comm).exits_us.push(at),
        "started" if line.own().is_some() => {
            story.process_mut(line.comm).started_us.get_or_insert(at);
        }
        // The orchestrator of the recordings notes each start.
        "tracing_mark_write" => {
            let rest = line.args.strip_prefix("oomrun: started ");
            if let Some(name) = rest.and_then(|rest| rest.split(' ').next()) {
                story.process_mut(name).started_us.get_or_insert(at);
            }
        }
        _ => {}
    }
}

/// Whether a line says that a notifier refused.
///
/// A run says so itself. The test driver of the recordings prints what
/// its callback returned: an error on the list, `false` for an interval.
fn refused(line: &TraceLine<'_>) -> bool {
    if line.own() == Some("mn_return") {
        return line.number("refused") == Some(1);
    }
    if !line.args.starts_with("oomn_exit ") || line.number("blockable") != Some(0) {
        return false;
    }
    match line.field("kind") {
        Some("interval") => line.number("ret") == Some(0),
        _ => line.number("ret").is_some_and(|ret| ret < 0),
    }
}

fn key(at_us: i64, kind: KeyKind, victim: &str) -> KeyEvent {
    KeyEvent { at_us, kind, victim: victim.to_owned() }
}

/// The victim of the attempt under way: of the one that started last, if
/// it has not finished. There is one reaper, so there is at most one.
fn attempted(story: &mut Story) -> Option<&mut VictimStory> {
    let last = |victim: &VictimStory| Some(victim.attempts.last()?.start_us);
    let victim = story.victims.iter_mut().max_by_key(|victim| last(victim))?;
    let attempt = victim.attempts.last()?;
    (attempt.finish_us.is_none() && !attempt.skipped).then_some(victim)
}

/// "reaped" is printed inside an attempt: before the `finish` that
/// follows it, however the two clocks were matched.
fn place_reaped(story: &mut Story, at_us: i64, victim: &str) {
    let finish = story.events.iter().position(|event| {
        event.kind == KeyKind::FinishReaping
            && event.victim == victim
            && event.at_us + CLOCK_SLACK_US >= at_us
    });
    let index = finish.unwrap_or_else(|| index_at(story, at_us));
    insert(story, index, at_us, KeyKind::Reaped, victim);
}

/// "unable to reap" comes after the victim's last attempt.
fn place_unable(story: &mut Story, at_us: i64, victim: &str) {
    let last = story.events.iter().rposition(|event| {
        matches!(event.kind, KeyKind::FinishReaping | KeyKind::SkipReaping)
            && event.victim == victim
            && event.at_us <= at_us + CLOCK_SLACK_US
    });
    let index = index_at(story, at_us).max(last.map_or(0, |last| last + 1));
    insert(story, index, at_us, KeyKind::UnableToReap, victim);
}

/// Where an event of this time belongs: before those that are later.
fn index_at(story: &Story, at_us: i64) -> usize {
    let later = story.events.iter().position(|event| event.at_us > at_us);
    later.unwrap_or(story.events.len())
}

fn insert(story: &mut Story, index: usize, at_us: i64, kind: KeyKind, victim: &str) {
    let event = key(at_us, kind, victim);
    story.events.insert(index.min(story.events.len()), event);
}
