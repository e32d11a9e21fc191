//! What is worth pointing at, each with who waited for whom then.
//!
//! One refusal per attempt of the reaper, with a count; every back-off
//! and give-up of the reaper; every victim marked while an earlier one
//! still had memory; every cycle of tasks that wait for each other, at the
//! record that closed it; every use of freed pages
//! by a device; every invariant that broke where switches, policy or
//! drivers let one expect it; every report of a checker.

use super::index::Index;
use super::lock_reports::splats;
use super::reaping::{Attempt, because_text};
use super::types::{Incident, WaitEdge, WaitFor, WaitLink};
use super::wait_for::{dependency_text, edge_text};
use super::waits::wait_chain_after;
use super::words::{
    count_text, device_name, mm_name, notifier_name, process_name, range_name, short_list_text,
    size_text, task_name, time_text,
};
use crate::base::{DeviceId, RangeId, TaskId, sort};
use crate::record::Reason;

/// The incidents of a run, by time.
pub(super) fn incidents(index: &Index, wait_for: &WaitFor) -> Vec<Incident> {
    let mut found = Vec::new();
    refusals(index, &mut found);
    back_offs(index, &mut found);
    give_ups(index, &mut found);
    extra_victims(index, &mut found);
    cycles(index, wait_for, &mut found);
    waived_invariants(index, &mut found);
    stale_accesses(index, &mut found);
    splats(index, &mut found);
    dependencies(index, wait_for, &mut found);
    sort::by_key(&mut found, |incident| incident.record);
    found
}

pub(super) fn incident(
    index: &Index,
    record: usize,
    kind: &'static str,
    task: TaskId,
    text: String,
) -> Incident {
    Incident {
        at: index.time(record),
        kind,
        task,
        text,
        chain: wait_chain_after(index, task, record),
        record,
    }
}

fn refusals(index: &Index, found: &mut Vec<Incident>) {
    let Some(reaper) = index.reaper else { return };
    for attempt in &index.attempts {
        let Some(first) = attempt.refusals.first() else {
            continue;
        };
        let text = refusal_text(index, attempt);
        found.push(incident(index, first.record, "refusal", reaper, text));
    }
}

fn refusal_text(index: &Index, attempt: &Attempt) -> String {
    let cast = &index.cast;
    let mut names: Vec<String> = Vec::new();
    for refusal in &attempt.refusals {
        let device = notifier_name(cast, refusal.notifier);
        let name = format!("{} ({device})", range_name(cast, refusal.range));
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let because = attempt.refusals.first().map(|first| index.refused_because(first));
    let because = because_text(cast, &because.unwrap_or_default());
    let count = u64::try_from(attempt.refusals.len()).unwrap_or(u64::MAX);
    format!(
        "{} in attempt {}: {}{because}",
        count_text(count, "refusal"),
        attempt.number,
        short_list_text(&names)
    )
}

fn back_offs(index: &Index, found: &mut Vec<Incident>) {
    let Some(reaper) = index.reaper else { return };
    let Some(track) = index.tasks.get(reaper.index()) else {
        return;
    };
    for step in &track.steps {
        if !matches!(step.doing.reason(), Some(Reason::BackOff | Reason::SkipSleep)) {
            continue;
        }
        let attempt = index.attempts.iter().find(|attempt| attempt.back_off == Some(step.record));
        let text = match attempt {
            Some(attempt) => format!(
                "the reaper backs off from {} after attempt {}",
                process_name(&index.cast, attempt.victim),
                attempt.number
            ),
            None => match index.backed_off(step.record) {
                Some((mm, notifier)) => format!(
                    "the reaper leaves all of {} alone because {} might block",
                    mm_name(&index.cast, mm),
                    notifier_name(&index.cast, notifier)
                ),
                None => "the reaper backs off without an attempt".to_owned(),
            },
        };
        found.push(incident(index, step.record, "back-off", reaper, text));
    }
}

fn give_ups(index: &Index, found: &mut Vec<Incident>) {
    let Some(reaper) = index.reaper else { return };
    for &(record, victim) in &index.give_ups {
        let info = index.cast.tasks.get(victim);
        let pages =
            info.and_then(|info| info.mm).map_or(0, |mm| index.present(mm, index.time(record)));
        let text = format!(
            "the reaper gives up on {}, which keeps {}",
            process_name(&index.cast, victim),
            size_text(pages)
        );
        found.push(incident(index, record, "give-up", reaper, text));
    }
}

fn extra_victims(index: &Index, found: &mut Vec<Incident>) {
    for victim in &index.victims {
        let Some((earlier, pages)) = victim.needless else {
            continue;
        };
        let text = format!(
            "{} is killed although {} still has {}",
            process_name(&index.cast, victim.leader),
            process_name(&index.cast, earlier),
            size_text(pages)
        );
        let mut extra = incident(index, victim.killed, "extra-victim", victim.leader, text);
        // The question is who keeps the earlier victim's memory.
        if let Some(keeper) = keeper(index, earlier, victim.killed) {
            extra.chain = wait_chain_after(index, keeper, victim.killed);
        }
        found.push(extra);
    }
}

/// A live thread of a victim.
fn keeper(index: &Index, leader: TaskId, record: usize) -> Option<TaskId> {
    let mut tasks = index.cast.tasks.iter();
    let keeps = |task| index.doing(task, record.saturating_add(1)).is_alive();
    tasks.find(|(id, info)| info.leader == leader && keeps(*id)).map(|(id, _)| id)
}

/// Each cycle of each set that could no longer go on, where it closed.
fn cycles(index: &Index, wait_for: &WaitFor, found: &mut Vec<Incident>) {
    for set in &wait_for.closed {
        for cycle in &set.cycles {
            let Some(first) = cycle.first() else { continue };
            let tasks = cycle.iter().map(|edge| edge.from).chain([first.from]);
            let names: Vec<_> = tasks.map(|task| task_name(&index.cast, task)).collect();
            let until = match set.until {
                Some(record) => format!(" (until {})", time_text(index.time(record))),
                None => String::new(),
            };
            let text = format!("they wait for each other: {}{until}", names.join(" → "));
            let mut closed = incident(index, set.record, "cycle", first.from, text);
            closed.chain = cycle_links(index, set.record, cycle);
            found.push(closed);
        }
    }
}

/// A cycle's own edges: the chain of a task in several cycles goes through all of them.
fn cycle_links(index: &Index, record: usize, cycle: &[WaitEdge]) -> Vec<WaitLink> {
    let link = |(at, edge): (usize, &WaitEdge)| {
        let first = wait_chain_after(index, edge.from, record).into_iter().next()?;
        let waits_on = edge_text(index, edge, record.saturating_add(1));
        let (from, to) = (task_name(&index.cast, edge.from), task_name(&index.cast, edge.to));
        let closes =
            if at.saturating_add(1) == cycle.len() { " That closes the cycle." } else { "" };
        Some(WaitLink {
            since: index.time(edge.since),
            text: format!("{from} waits for {to}: {waits_on}.{closes}"),
            waits_on,
            holder: Some(edge.to),
            parent: at.checked_sub(1),
            ..first
        })
    };
    cycle.iter().enumerate().filter_map(link).collect()
}

/// What the reaper depended on, if the oracle was asked.
fn dependencies(index: &Index, wait_for: &WaitFor, found: &mut Vec<Incident>) {
    if !index.lock_reports.checks.contains(&"wait-for") {
        return;
    }
    for dependency in &wait_for.dependencies {
        let Some(first) = dependency.path.first() else { continue };
        let text = dependency_text(index, dependency);
        found.push(incident(index, dependency.record, "splat", first.from, text));
    }
}

fn waived_invariants(index: &Index, found: &mut Vec<Incident>) {
    let mut seen: Vec<String> = Vec::new();
    for broken in &index.waived {
        let text = format!("{}, against invariant {}", broken.text, broken.invariant.id());
        // What happens again and again is one incident.
        if seen.contains(&text) {
            continue;
        }
        let record = usize::try_from(broken.record).unwrap_or(usize::MAX);
        let record = record.min(index.times.len().saturating_sub(1));
        found.push(incident(index, record, "waived-invariant", broken.task, text.clone()));
        seen.push(text);
    }
}

/// One per device and VMA, at its first, with a count: a device that goes
/// on working uses the same pages again and again.
fn stale_accesses(index: &Index, found: &mut Vec<Incident>) {
    let mut seen: Vec<(DeviceId, RangeId)> = Vec::new();
    for first in &index.stale {
        let key = (first.device, first.range);
        if seen.contains(&key) {
            continue;
        }
        seen.push(key);
        let all = index.stale.iter().filter(|other| (other.device, other.range) == key);
        let times = u64::try_from(all.count()).unwrap_or(u64::MAX);
        let text = format!(
            "{} uses {} of {} that were freed ({})",
            device_name(&index.cast, first.device),
            count_text(first.pages.into(), "page"),
            range_name(&index.cast, first.range),
            count_text(times, "time")
        );
        found.push(incident(index, first.record, "stale-access", first.task, text));
    }
}
