//! Tells the [`Story`] from trace and log lines.
//!
//! Real tracepoints mean the same in a recording and in a run. Where a
//! recording used probes of its own and a run has `sim:` events, both
//! spellings stand side by side below. Names of scenarios, numbers of
//! attempts and the like are read, never assumed. Where the log's events
//! belong among the trace's is `timeline.rs`'s.

use std::collections::{BTreeMap, BTreeSet};

use super::counters::CounterTeller;
use super::keys::comm_field;
use super::log_lines::{Said, said};
use super::memory_seen::is_anon;
use super::oom_facts::Kill;
use super::story::{Attempt, KeyEvent, KeyKind, MemorySeen, Process, Story, VictimStory};
use super::timeline::Timeline;
use super::{LogLine, TraceLine};

/// Trace time minus log time: from the first victim that both name.
///
/// The kernel prints `Killed process` right after `mark_victim`, with
/// nothing that could wait in between.
pub fn clock_offset(trace: &[TraceLine<'_>], log: &[LogLine<'_>]) -> Option<i64> {
    let mut logged = BTreeMap::new();
    for line in log {
        if let Some(Said::Killed { pid, .. }) = said(line.text) {
            logged.entry(i64::from(pid)).or_insert(line.time_us);
        }
    }
    let mut marks = trace.iter().filter(|line| line.plain_name() == "mark_victim");
    marks.find_map(|mark| Some(mark.time_us - logged.get(&mark.number("pid")?)?))
}

/// The story of `trace` and `log`, whose clock is `offset_us` behind the
/// trace's (0 for a run; see [`clock_offset`] for a recording).
pub fn story(trace: &[TraceLine<'_>], log: &[LogLine<'_>], offset_us: i64) -> Story {
    whole_story(trace, log, offset_us, &[])
}

/// The same, with kills on the log's clock of which it may say no more than whom it chose.
pub(super) fn whole_story(
    trace: &[TraceLine<'_>],
    log: &[LogLine<'_>],
    offset_us: i64,
    kills: &[Kill],
) -> Story {
    let mut teller = Teller { names: names(trace, log), ..Teller::default() };
    let mut counters = CounterTeller::default();
    for line in trace {
        teller.trace(line);
        counters.line(line);
    }
    (teller.story.counters, teller.story.hangs) = counters.finish();
    let mut timeline = Timeline::new(std::mem::take(&mut teller.story.events));
    for line in log {
        teller.log(&mut timeline, line.time_us.saturating_add(offset_us), line.text);
    }
    for kill in kills {
        let at_us = kill.at_us.saturating_add(offset_us);
        teller.killed(&mut timeline, at_us, &kill.comm);
    }
    teller.story.events = timeline.events();
    teller.story
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

/// What was told so far, and where in it each name stands: a capture of nothing but kills is told as fast as
/// any other.
#[derive(Default)]
struct Teller<'a> {
    story: Story,
    names: BTreeMap<i64, &'a str>,
    /// Pids of the victims so far: a kernel without `MMF_OOM_SKIP` may choose one of them again and again.
    marked: BTreeSet<i64>,
    /// The last victim of each name.
    victims: BTreeMap<String, usize>,
    processes: BTreeMap<String, usize>,
    memory: BTreeMap<String, usize>,
    /// The victim of the attempt that started last. There is one reaper.
    attempted: Option<usize>,
}

impl Teller<'_> {
    fn victim(&mut self, name: &str) -> Option<&mut VictimStory> {
        self.story.victims.get_mut(*self.victims.get(name)?)
    }

    /// A process by name, made if new.
    fn process(&mut self, name: &str) -> &mut Process {
        let processes = &mut self.story.processes;
        let index = self.processes.get(name).copied().unwrap_or_else(|| {
            self.processes.insert(name.to_owned(), processes.len());
            processes.push(Process {
                name: name.to_owned(),
                started_us: None,
                exit_mmap_us: None,
                exit_mmap_done_us: None,
                exits_us: Vec::new(),
            });
            processes.len() - 1
        });
        &mut processes[index]
    }

    /// Takes down how much a process has.
    fn has_memory(&mut self, name: &str, at_us: i64, bytes: i64) {
        let memory = &mut self.story.memory;
        let index = self.memory.get(name).copied().unwrap_or_else(|| {
            self.memory.insert(name.to_owned(), memory.len());
            memory.push(MemorySeen { name: name.to_owned(), samples: Vec::new() });
            memory.len() - 1
        });
        memory[index].samples.push((at_us, bytes));
    }

    /// What a line of the log adds, on the trace's clock.
    fn log(&mut self, timeline: &mut Timeline, at_us: i64, text: &str) {
        match said(text) {
            Some(Said::Reaped { comm, anon_kb, .. }) => {
                timeline.reaped(at_us, comm);
                if let Some(victim) = self.victim(comm) {
                    victim.reaped_us = Some(at_us);
                    victim.anon_reaped = anon_kb.map(|kb| kb.saturating_mul(1024));
                }
            }
            Some(Said::Unable { comm, .. }) => {
                timeline.unable(at_us, comm);
                if let Some(victim) = self.victim(comm) {
                    victim.unable_us = Some(at_us);
                }
            }
            Some(Said::Refused) => {
                self.story.refusals_logged = self.story.refusals_logged.saturating_add(1);
            }
            Some(Said::Killed { comm, .. }) => self.killed(timeline, at_us, comm),
            None => {}
        }
    }

    /// A kill that the log tells of, unless the trace does too.
    fn killed(&self, timeline: &mut Timeline, at_us: i64, victim: &str) {
        if !self.victims.contains_key(victim) {
            timeline.killed(at_us, victim);
        }
    }

    /// What a line of the trace adds.
    fn trace(&mut self, line: &TraceLine<'_>) {
        let kind = match line.plain_name() {
            "mark_victim" => KeyKind::MarkVictim,
            "wake_reaper" => KeyKind::WakeReaper,
            "start_task_reaping" => KeyKind::StartReaping,
            "skip_task_reaping" => KeyKind::SkipReaping,
            "finish_task_reaping" => KeyKind::FinishReaping,
            _ if line.comm == "oom_reaper" => return self.attempt(line),
            _ => return self.current(line),
        };
        let pid = line.number("pid").unwrap_or(-1);
        let known = self.names.get(&pid).map(|name| (*name).to_owned());
        let name = known.unwrap_or_else(|| format!("pid {pid}"));
        if kind != KeyKind::MarkVictim {
            self.key(line.time_us, kind, &name);
        } else if self.marked.insert(pid) {
            self.victims.insert(name.clone(), self.story.victims.len());
            self.story.victims.push(VictimStory {
                name: name.clone(),
                killed_us: line.time_us,
                anon_at_kill: line.anon_kb().map(|kb| kb.saturating_mul(1024)),
                wake_us: None,
                attempts: Vec::new(),
                reaped_us: None,
                anon_reaped: None,
                anon_most: None,
                unable_us: None,
            });
        }
        self.story.events.push(KeyEvent { at_us: line.time_us, kind, victim: name });
    }

    /// What a key event after the kill means for its victim.
    fn key(&mut self, at: i64, kind: KeyKind, name: &str) {
        if kind == KeyKind::FinishReaping {
            if let Some(attempt) = self.under_way().and_then(|victim| victim.attempts.last_mut()) {
                attempt.finish_us = Some(at);
            }
            return;
        }
        let Some(&index) = self.victims.get(name) else { return };
        let victim = &mut self.story.victims[index];
        match kind {
            KeyKind::WakeReaper => victim.wake_us = Some(at),
            KeyKind::StartReaping | KeyKind::SkipReaping => {
                victim.attempts.push(Attempt {
                    start_us: at,
                    finish_us: None,
                    skipped: kind == KeyKind::SkipReaping,
                    calls: 0,
                    refusals: 0,
                    anon_after: None,
                });
                self.attempted = Some(index);
            }
            _ => {}
        }
    }

    /// The victim of the attempt under way.
    fn under_way(&mut self) -> Option<&mut VictimStory> {
        let victim = self.story.victims.get_mut(self.attempted?)?;
        let attempt = victim.attempts.last()?;
        (attempt.finish_us.is_none() && !attempt.skipped).then_some(victim)
    }

    /// What the reaper does between the start and the finish of an attempt.
    fn attempt(&mut self, line: &TraceLine<'_>) {
        let Some(victim) = self.under_way() else { return };
        let Some(attempt) = victim.attempts.last_mut() else { return };
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
                self.has_memory(&name, line.time_us, bytes);
            }
        }
    }

    /// What befalls the task that is current.
    fn current(&mut self, line: &TraceLine<'_>) {
        let at = line.time_us;
        match line.plain_name() {
            // The tracepoint, at the end; a probe of the same name is at the beginning.
            "exit_mmap" if line.args.ends_with(", DESTROY") => {
                self.process(line.comm).exit_mmap_done_us.get_or_insert(at);
            }
            "exit_mmap" => {
                self.process(line.comm).exit_mmap_us.get_or_insert(at);
            }
            "exit_mmap_ret" | "exit_mmap_done" => {
                self.process(line.comm).exit_mmap_done_us.get_or_insert(at);
            }
            "rss_stat" if is_anon(line) && line.number("curr") == Some(1) => {
                if let Some(bytes) = line.number("size") {
                    self.has_memory(line.comm, at, bytes);
                }
            }
            "sched_process_exit" => self.process(line.comm).exits_us.push(at),
            "started" if line.own().is_some() => {
                self.process(line.comm).started_us.get_or_insert(at);
            }
            // The orchestrator of the recordings notes each start.
            "tracing_mark_write" => {
                let rest = line.args.strip_prefix("oomrun: started ");
                if let Some(name) = rest.and_then(|rest| rest.split(' ').next()) {
                    self.process(name).started_us.get_or_insert(at);
                }
            }
            _ => {}
        }
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
