//! How it went on with those who were killed in a capture: by themselves,
//! by the reaper, or not at all. Who they are is `victims.rs`'s.

use std::collections::BTreeMap;

use super::capture::Capture;
use super::ftrace::COMM_MAX;
use super::log_lines::{Said, said};
use super::memory_seen::{self, PAGE};
use super::story::{Attempt, Story, VictimStory};
use super::victims::{from_log, from_trace, would_be_killed};

/// `MAX_OOM_REAP_RETRIES` (mm/oom_kill.c).
const ATTEMPTS_MAX: u32 = 10;
/// The reaper is there by then, if it is not busy, in µs.
const REAPER_COMES_US: i64 = 50_000;

/// A victim.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts of one kill")]
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
    /// Whether another process had its pid, and was killed before.
    pub(super) has_taken_pid: bool,
    /// Whether the log breaks off before it says so.
    pub(super) is_guess: bool,
    /// When the log says that it is killed, on its clock.
    pub(super) logged_us: Option<i64>,
    /// When the trace, if it is known by that alone, shows it chosen, with its signal.
    pub(super) traced_us: Option<i64>,
    /// Whether it was at the limit of a control group of its own, which nothing names.
    pub(super) has_own_group: bool,
    /// From the kill to the end of its address space, in µs, if that was seen.
    pub(super) gone_us: Option<i64>,
    /// From the kill to the last that is told of its reaping, in µs.
    pub(super) last_us: i64,
    pub(super) reaping: Reaping,
}

impl Killed {
    /// Whether a thread of its own found memory exhausted.
    pub(super) fn asked_for_itself(&self) -> bool {
        self.pid.is_some() && self.invoker.as_ref().is_some_and(|(_, pid)| *pid == self.pid)
    }

    /// From when to when the trace shows that its memory might still be had.
    fn pending_us(&self) -> Option<(i64, i64)> {
        let lasts_us = if self.reaping.attempts > 0 { Some(self.last_us) } else { self.gone_us };
        let killed_us = self.traced_us.filter(|_| !self.reaping.passed_over)?;
        Some((killed_us, killed_us + lasts_us?.min(self.gone_us.unwrap_or(i64::MAX))))
    }

    /// Whether it is taken to have asked for the memory that was not to be had: nobody else is named, and
    /// nobody died when it was given up.
    pub(super) fn asks_itself(&self, is_last: bool) -> bool {
        is_last && self.invoker.is_none() && self.reaping.gave_up
    }

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
    let is_logged = !capture.facts.kills.is_empty();
    let (mut victims, left_out) = if is_logged { from_log(capture) } else { from_trace(capture) };
    if victims.is_empty() && capture.facts.panicked.is_none() {
        victims.extend(would_be_killed(capture));
    }
    mark_later(capture, &mut victims);
    for victim in &mut victims {
        // A log may have been made readable by whoever sent it.
        let end = victim.comm.char_indices().map(|(at, _)| at).nth(COMM_MAX);
        victim.comm.truncate(end.unwrap_or(victim.comm.len()));
    }
    let logged = follow_log(capture, &victims);
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
            if let Some((after_us, is_reaped)) = logged[index] {
                victim.reaping.attempts = if is_reaped { 1 } else { ATTEMPTS_MAX };
                victim.reaping.gave_up = !is_reaped;
                victim.last_us = after_us;
            }
            let woken = told.iter().find_map(|told| told.wake_us);
            victim.reaping.passed_over = victim.reaping.attempts == 0
                && woken.is_some_and(|at| passed_over(story, victim, at));
        }
        let refused = attempts.iter().any(|attempt| attempt.refusals > 0);
        victim.reaping.refused = refused || story.refusals_logged > 0;
    }
    part_groups(&mut victims);
    part_pids(&mut victims);
    (victims, left_out)
}

/// Who is not in the table of an earlier kill of its control group came later, as what a service is started
/// anew with does: the group comes to its limit once more, under that one.
fn mark_later(capture: &Capture<'_>, victims: &mut [Killed]) {
    let report = |victim: &Killed| victim.report.and_then(|at| capture.facts.reports.get(at));
    for index in 1..victims.len() {
        let (before, rest) = victims.split_at_mut(index);
        let Some(victim) = rest.first_mut().filter(|victim| !victim.together) else { continue };
        if victim.has_taken_pid {
            victim.is_later = true;
            continue;
        }
        let Some(group) = report(victim).and_then(|report| report.memcg.as_deref()) else {
            continue;
        };
        let lacks_it = |other: &Killed| {
            report(other).is_some_and(|report| {
                report.memcg.as_deref() == Some(group)
                    && !report.rows.is_empty()
                    && victim.pid.is_none_or(|pid| report.row(pid).is_none())
            })
        };
        victim.is_later = before.iter().any(lacks_it);
        if victim.is_later {
            victim.invoker = Some((victim.comm.clone(), victim.pid));
        }
    }
}

/// The killer waits for a victim that may still give memory (mm/oom_kill.c: `oom_evaluate_task()`), unless it kills
/// for a control group that has no part in that one. If somebody is killed meanwhile, all who asked for themselves
/// are taken to have control groups of their own.
fn part_groups(victims: &mut [Killed]) {
    let is_alone = |victim: &Killed| victim.traced_us.is_some() && victim.asked_for_itself();
    let alone: Vec<&Killed> = victims.iter().filter(|victim| is_alone(victim)).collect();
    let is_since = |before: &Killed, later: &Killed| {
        let span = before.pending_us().zip(later.traced_us);
        span.is_some_and(|((from, until), at_us)| (from..until).contains(&at_us))
    };
    let mut pairs = alone
        .iter()
        .enumerate()
        .flat_map(|(at, before)| alone[at + 1..].iter().map(move |later| (*before, *later)));
    if pairs.any(|(before, later)| is_since(before, later)) {
        for victim in victims.iter_mut().filter(|victim| is_alone(victim)) {
            victim.has_own_group = true;
        }
    }
}

/// Whoever has the pid of somebody who was killed before is told apart from that one by a number that is no pid, and
/// is not written: a scenario has each pid once.
fn part_pids(victims: &mut [Killed]) {
    for (victim, number) in victims.iter_mut().zip((0..=u32::MAX).rev()) {
        if victim.has_taken_pid {
            victim.pid = Some(number);
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

pub(super) fn pages(bytes: i64) -> Option<u64> {
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

/// What the log alone tells of each: how long after its kill, and before the next one of its pid, it was
/// reaped (`true`) or given up.
fn follow_log(capture: &Capture<'_>, victims: &[Killed]) -> Vec<Option<(i64, bool)>> {
    let mut told: BTreeMap<u32, Vec<(i64, bool)>> = BTreeMap::new();
    for line in &capture.log {
        let (pid, is_reaped) = match said(line.text) {
            Some(Said::Reaped { pid, .. }) => (pid, true),
            Some(Said::Unable { pid, .. }) => (pid, false),
            _ => continue,
        };
        told.entry(pid).or_default().push((line.time_us, is_reaped));
    }
    let mut found = vec![None; victims.len()];
    let mut next_kill = BTreeMap::new();
    for (victim, found) in victims.iter().zip(&mut found).rev() {
        let (Some(pid), Some(kill_us)) = (victim.pid, victim.logged_us) else { continue };
        let until = next_kill.insert(pid, kill_us).unwrap_or(i64::MAX);
        let its = told.get(&pid).into_iter().flatten();
        let first = its.copied().find(|(at_us, _)| (kill_us..until).contains(at_us));
        *found = first.map(|(at_us, is_reaped)| (at_us - kill_us, is_reaped));
    }
    found
}
