//! Who was killed in a capture, in order, and how it went on: by itself,
//! by the reaper, or not at all.

use std::collections::BTreeSet;

use super::capture::Capture;
use super::ftrace::COMM_MAX;
use super::log_lines::{Said, said};
use super::memory_seen::{self, PAGE};
use super::oom_facts::Row;
use super::story::{Attempt, Story, VictimStory};
use super::teller::names;

/// `MAX_OOM_REAP_RETRIES` (mm/oom_kill.c).
const ATTEMPTS_MAX: u32 = 10;
/// The reaper is there by then, if it is not busy, in µs.
const REAPER_COMES_US: i64 = 50_000;

/// A victim.
#[derive(Clone, Debug)]
pub(super) struct Killed {
    pub(super) comm: String,
    pub(super) pid: Option<u32>,
    /// Who found memory exhausted.
    pub(super) invoker: Option<(String, Option<u32>)>,
    /// Anonymous pages at the kill.
    pub(super) anon: Option<u64>,
    pub(super) adj: Option<i16>,
    /// The report of the kill.
    pub(super) report: Option<usize>,
    /// Whether it dies because its whole control group does.
    pub(super) together: bool,
    /// Whether it was not there yet when another of its control group died.
    pub(super) is_later: bool,
    /// Whether the log breaks off before it says so.
    pub(super) is_guess: bool,
    /// From the kill to the end of its address space, in µs, if that was seen.
    pub(super) gone_us: Option<i64>,
    /// From the kill to the last that is told of its reaping, in µs.
    pub(super) last_us: i64,
    pub(super) reaping: Reaping,
}

impl Killed {
    /// How much of it came free, as far as the capture tells; `had` is what it has in the scenario.
    pub(super) fn freed(&self, had: u64) -> u64 {
        let had = self.anon.unwrap_or(had);
        if self.reaping.gave_up { had - self.reaping.left.unwrap_or(had).min(had) } else { had }
    }
}

/// What the reaper did.
#[derive(Clone, Debug, Default)]
pub(super) struct Reaping {
    /// Attempts, skipped ones among them.
    pub(super) attempts: u32,
    /// Those that found `mmap_lock` taken.
    pub(super) skipped: u32,
    pub(super) gave_up: bool,
    /// When, after the kill, the last attempt began.
    pub(super) last_start_us: Option<i64>,
    /// Anonymous pages left after the last attempt, if any went away.
    pub(super) left: Option<u64>,
    /// Refusals that the log tells of, or the trace.
    pub(super) refused: bool,
    /// It was queued for the reaper, stayed, and no attempt began.
    pub(super) passed_over: bool,
}

/// Kills that are replayed: those that come first.
pub(super) const VICTIMS_MAX: usize = 64;

/// The victims, in the order of their kills, and how many more there are than are replayed.
pub(super) fn killed(capture: &Capture<'_>, story: &Story) -> (Vec<Killed>, usize) {
    let (mut victims, beyond) =
        if capture.facts.kills.is_empty() { (from_trace(capture), 0) } else { from_log(capture) };
    if victims.is_empty() && capture.facts.panicked.is_none() {
        victims.extend(would_be_killed(capture));
    }
    let left_out = beyond + victims.len().saturating_sub(VICTIMS_MAX);
    victims.truncate(VICTIMS_MAX);
    mark_later(capture, &mut victims);
    for victim in &mut victims {
        // A log may have been made readable by whoever sent it.
        let end = victim.comm.char_indices().map(|(at, _)| at).nth(COMM_MAX);
        victim.comm.truncate(end.unwrap_or(victim.comm.len()));
    }
    let names: Vec<String> = victims.iter().map(|victim| victim.comm.clone()).collect();
    for (index, victim) in victims.iter_mut().enumerate() {
        let same = |name: &&String| **name == victim.comm;
        let (before, all) = (names[..index].iter().filter(same).count(), names.iter().filter(same));
        let mut told = story.victims.iter().filter(|told| told.name == victim.comm);
        // A mark of each thread makes several of one; they are one if one was killed.
        let told: Vec<_> =
            if all.count() == 1 { told.collect() } else { told.nth(before).into_iter().collect() };
        let kill_us = told.first().map(|told| told.killed_us);
        let attempts: Vec<&Attempt> = told.iter().flat_map(|told| &told.attempts).collect();
        if let Some(kill_us) = kill_us {
            let process = story.process(&victim.comm);
            let gone = process.and_then(|process| process.exit_mmap_us);
            victim.gone_us = gone.map(|gone| gone - kill_us).filter(|gone| *gone >= 0);
            let most = told.iter().filter_map(|told| told.anon_at_kill.max(told.anon_most)).max();
            let seen = || memory_seen::at(story, kill_us).find(|(name, _)| *name == victim.comm);
            victim.anon =
                victim.anon.or(most.and_then(pages)).or_else(|| seen().map(|seen| seen.1));
            follow(victim, kill_us, &attempts);
            let unable = told.iter().find_map(|told| told.unable_us);
            victim.reaping.gave_up |= unable.is_some();
            victim.last_us = victim.last_us.max(unable.map_or(0, |at| at - kill_us));
        }
        if attempts.is_empty() {
            follow_log(capture, victim);
            let woken = told.iter().find_map(|told| told.wake_us);
            victim.reaping.passed_over = victim.reaping.attempts == 0
                && woken.is_some_and(|at| passed_over(story, victim, at));
        }
        let refused = attempts.iter().any(|attempt| attempt.refusals > 0);
        victim.reaping.refused = refused || story.refusals_logged > 0;
    }
    (victims, left_out)
}

/// Who is not in the table of an earlier kill of its control group came later, as what a service is started
/// anew with does: the group comes to its limit once more, under that one.
fn mark_later(capture: &Capture<'_>, victims: &mut [Killed]) {
    let report = |victim: &Killed| victim.report.and_then(|at| capture.facts.reports.get(at));
    for index in 1..victims.len() {
        let (before, rest) = victims.split_at_mut(index);
        let Some(victim) = rest.first_mut().filter(|victim| !victim.together) else { continue };
        let Some(group) = report(victim).and_then(|report| report.memcg.as_deref()) else {
            continue;
        };
        let lacks_it = |other: &Killed| {
            report(other).is_some_and(|report| {
                report.memcg.as_deref() == Some(group)
                    && !report.rows.is_empty()
                    && !report.rows.iter().any(|row| Some(row.pid) == victim.pid)
            })
        };
        victim.is_later = before.iter().any(lacks_it);
        if victim.is_later {
            victim.invoker = Some((victim.comm.clone(), victim.pid));
        }
    }
}

/// Whether a victim that was queued stayed so long that the reaper must have looked at it: it is busy with
/// others in this trace, or somebody else was killed since.
fn passed_over(story: &Story, victim: &Killed, woken_us: i64) -> bool {
    let gone_us = story.process(&victim.comm).and_then(|process| process.exit_mmap_us);
    let stayed = gone_us.is_none_or(|gone| gone - woken_us > REAPER_COMES_US);
    let is_later = |attempt: &Attempt| attempt.start_us > woken_us;
    let is_since = |other: &VictimStory| {
        let killed_us = other.killed_us;
        killed_us > woken_us + REAPER_COMES_US && gone_us.is_none_or(|gone| gone > killed_us)
    };
    stayed
        && story.victims.iter().any(|other| is_since(other) || other.attempts.iter().any(is_later))
}

fn pages(bytes: i64) -> Option<u64> {
    u64::try_from(bytes / PAGE).ok()
}

/// What the trace tells of the attempts.
fn follow(victim: &mut Killed, kill_us: i64, attempts: &[&Attempt]) {
    let reaping = &mut victim.reaping;
    reaping.attempts = u32::try_from(attempts.len()).unwrap_or(u32::MAX);
    let skipped = attempts.iter().filter(|attempt| attempt.skipped).count();
    reaping.skipped = u32::try_from(skipped).unwrap_or(u32::MAX);
    reaping.gave_up = reaping.attempts >= ATTEMPTS_MAX;
    if let Some(last) = attempts.last() {
        reaping.last_start_us = Some(last.start_us - kill_us);
        victim.last_us = last.finish_us.unwrap_or(last.start_us) - kill_us;
    }
    let seen = attempts.iter().rev().find_map(|attempt| attempt.anon_after);
    reaping.left = seen.and_then(pages);
}

/// What the log alone tells: that it was reaped or not.
fn follow_log(capture: &Capture<'_>, victim: &mut Killed) {
    let kill = capture.facts.kills.iter().find(|kill| Some(kill.pid) == victim.pid);
    let Some(kill_us) = kill.map(|kill| kill.at_us) else { return };
    for line in &capture.log {
        let (is_reaped, pid) = match said(line.text) {
            Some(Said::Reaped { pid, .. }) => (true, pid),
            Some(Said::Unable { pid, .. }) => (false, pid),
            _ => continue,
        };
        if Some(pid) == victim.pid && line.time_us >= kill_us {
            victim.reaping.attempts = if is_reaped { 1 } else { ATTEMPTS_MAX };
            victim.reaping.gave_up = !is_reaped;
            victim.last_us = line.time_us - kill_us;
            return;
        }
    }
}

/// The first victims, and how many more there are.
fn from_log(capture: &Capture<'_>) -> (Vec<Killed>, usize) {
    let facts = &capture.facts;
    let (mut known, mut beyond) = (BTreeSet::new(), 0);
    let mut victims: Vec<Killed> = Vec::new();
    for kill in &facts.kills {
        // Up to 4.6 a victim may be chosen again and again.
        if !known.insert((kill.pid, &kill.comm)) {
            continue;
        }
        if victims.len() == VICTIMS_MAX {
            beyond += 1;
            continue;
        }
        let report = kill.report.and_then(|index| facts.reports.get(index));
        let row = report.and_then(|report| report.rows.iter().find(|row| row.pid == kill.pid));
        victims.push(Killed {
            comm: kill.comm.clone(),
            pid: Some(kill.pid),
            invoker: report
                .filter(|report| !report.invoker.is_empty())
                .map(|report| (report.invoker.clone(), report.invoker_pid)),
            anon: kill.anon.or(row.map(|row| row.rss)),
            adj: kill.adj.or(row.map(|row| row.adj)),
            report: kill.report,
            together: kill.together,
            is_later: false,
            is_guess: false,
            gone_us: None,
            last_us: 0,
            reaping: Reaping::default(),
        });
    }
    (victims, beyond)
}

/// Whom the last report's table would have killed, by `oom_badness()` (mm/oom_kill.c): the log breaks
/// off behind it.
fn would_be_killed(capture: &Capture<'_>) -> Option<Killed> {
    let (at, report) = capture.facts.reports.iter().enumerate().next_back()?;
    let managed = report.zones.iter().map(|zone| zone.managed).fold(0, u64::saturating_add);
    let total = report.limit.unwrap_or(managed.saturating_add(report.swap));
    let score = |row: &Row| {
        let adj = i64::from(row.adj) * i64::try_from(total / 1000).unwrap_or(0);
        i64::try_from(row.points).unwrap_or(i64::MAX).saturating_add(adj)
    };
    let can_be = report.rows.iter().filter(|row| row.adj > -1000 && row.pid != 1);
    let row = can_be.max_by_key(|row| score(row))?;
    Some(Killed {
        comm: row.name.clone(),
        pid: Some(row.pid),
        invoker: Some((report.invoker.clone(), report.invoker_pid)),
        anon: Some(row.rss),
        adj: Some(row.adj),
        report: Some(at),
        together: false,
        is_later: false,
        is_guess: true,
        gone_us: None,
        last_us: 0,
        reaping: Reaping::default(),
    })
}

/// One victim per process: behind the first, a mark without a signal is
/// taken to be that of another thread. The first may have been dying of
/// something else when it was marked.
fn from_trace(capture: &Capture<'_>) -> Vec<Killed> {
    let is_signal = |name: &str| name == "signal_generate";
    let signals = capture.trace.iter().filter(|line| is_signal(line.name));
    let signalled: Vec<i64> = signals.filter_map(|line| line.number("pid")).collect();
    let names = names(&capture.trace, &capture.log);
    let mut victims: Vec<Killed> = Vec::new();
    for mark in capture.trace.iter().filter(|line| line.plain_name() == "mark_victim") {
        let Some(pid) = mark.number("pid") else { continue };
        let (number, pid) = (pid, u32::try_from(pid).ok());
        let is_known = victims.iter().any(|victim| victim.pid == pid);
        let is_thread = !victims.is_empty() && !signalled.contains(&number);
        if is_known || is_thread && !signalled.is_empty() {
            continue;
        }
        let comm = names.get(&number).map_or(format!("pid {number}"), |&comm| comm.to_owned());
        // A thread of its own asks for it.
        let asking = mark.tgid.filter(|tgid| Some(*tgid) == pid);
        let asking = match asking {
            Some(tgid) => (comm.clone(), Some(tgid)),
            None => (mark.comm.to_owned(), Some(mark.pid)),
        };
        let adj = mark.number("oom_score_adj").map(|adj| adj.clamp(-1000, 1000));
        victims.push(Killed {
            comm,
            pid,
            invoker: (mark.comm != "<...>").then_some(asking),
            anon: mark.anon_kb().and_then(|kb| pages(kb.checked_mul(1024)?)),
            adj: adj.and_then(|adj| i16::try_from(adj).ok()),
            report: None,
            together: false,
            is_later: false,
            is_guess: false,
            gone_us: None,
            last_us: 0,
            reaping: Reaping::default(),
        });
    }
    victims
}

/// A child that was killed in its parent's place, as it was done up to 5.0.
#[derive(Clone, Eq, PartialEq, Debug)]
pub(super) struct Sacrifice {
    pub(super) child: (u32, String),
    pub(super) parent: (u32, String),
}

/// Who died in whose place. The chosen one is named by the thread that was looked at, which may be
/// one of the victim's own: a name of another process, or its row in the table, tells them apart.
pub(super) fn sacrificed(capture: &Capture<'_>) -> Vec<Sacrifice> {
    let has_table = capture.facts.reports.iter().any(|report| !report.rows.is_empty());
    let mut pairs = Vec::new();
    let mut last = None;
    for line in &capture.log {
        if let Some(Said::Killed { pid, comm }) = said(line.text) {
            let is_row = |pid: u32| {
                capture
                    .facts
                    .reports
                    .iter()
                    .any(|report| report.rows.iter().any(|row| row.pid == pid))
            };
            // Where there is a table a process has a row in it.
            let is_other = |(parent, name): &(u32, String)| {
                *parent != pid && (is_row(*parent) || name != comm && !has_table)
            };
            if let Some(parent) = last.take().filter(is_other) {
                pairs.push(Sacrifice { child: (pid, comm.to_owned()), parent });
            }
        } else if let Some(found) = chosen(line.text) {
            last = Some(found);
        }
    }
    pairs
}

/// Whether reports choose as they did up to 5.0.
pub(super) fn may_sacrifice(capture: &Capture<'_>) -> bool {
    capture.log.iter().any(|line| chosen(line.text).is_some())
}

/// `Out of memory: Kill process 700 (browser) score 588 or sacrifice child`.
fn chosen(text: &str) -> Option<(u32, String)> {
    let (_, rest) = text.split_once("Kill process ")?;
    let (pid, rest) = rest.split_once(" (")?;
    let (comm, _) = rest.split_once(") score ")?;
    Some((pid.parse().ok()?, comm.to_owned()))
}
