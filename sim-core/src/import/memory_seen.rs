//! Anonymous memory of processes over time, from kmem:rss_stat (5.5 on). The counter of the task that
//! is current is its own (`curr=1`); what the reaper changes is its victim's. Of other tasks' counters
//! (`curr=0`) the trace does not say whose they are.

use super::TraceLine;
use super::oom_facts::PAGES_MAX;
use super::story::{MemorySeen, Story};
use super::to_scenario::{Made, NoteKind, TASKS_MAX, find, plain_task};

/// Bytes of a page.
pub(super) const PAGE: i64 = 4096;
/// Processes of which it is told.
const TOLD_MAX: usize = 8;

/// Whether a line tells of anonymous memory: kinds had numbers before they had names (5.18).
pub(super) fn is_anon(line: &TraceLine<'_>) -> bool {
    let is_kind = line.field("type") == Some("MM_ANONPAGES") || line.number("member") == Some(1);
    line.name == "rss_stat" && is_kind
}

/// Anonymous pages that each process had at a time, by the last that is told of it before.
pub(super) fn at(story: &Story, at_us: i64) -> impl Iterator<Item = (&str, u64)> {
    story.memory.iter().filter_map(move |memory| {
        let before = memory.samples.iter().rev().find(|(sampled_us, _)| *sampled_us <= at_us);
        let pages = u64::try_from(before?.1 / PAGE).ok().filter(|pages| *pages > 0)?;
        Some((memory.name.as_str(), pages.min(PAGES_MAX)))
    })
}

/// Without a table: those whose counters the trace shows. Who survived larger ones that were killed
/// must have been spared.
pub(super) fn make_tasks(made: &mut Made, story: &Story) {
    let Some(kill_us) = story.first_kill_us() else { return };
    let smallest = made.tasks.iter().map(|task| task.pages).min().unwrap_or(u64::MAX);
    let mut count = 0;
    for (name, pages) in at(story, kill_us).take(TASKS_MAX) {
        if name == "<...>" || find(&made.tasks, name, None).is_some() {
            continue;
        }
        count += 1;
        let adj = if pages < smallest { 0 } else { -1000 };
        if adj < 0 {
            let text = format!("{name} can't be killed: it had as much as who was, and survived");
            made.note(NoteKind::Assumed, text);
        }
        made.tasks.push(plain_task(name, None, adj, pages));
    }
    if count > 0 {
        let tasks =
            if count == 1 { "1 other task".to_owned() } else { format!("{count} other tasks") };
        made.note(
            NoteKind::Inferred,
            format!("{tasks} with their memory at the first kill, from rss_stat"),
        );
    }
}

/// A sentence for each process: what it had at first, at most and at last, from the first kill on.
pub(super) fn told(story: &Story) -> Vec<String> {
    let kill_us = story.first_kill_us().unwrap_or(0);
    let most = |memory: &&MemorySeen| memory.samples.iter().map(|(_, bytes)| *bytes).max();
    let mut told: Vec<&MemorySeen> =
        story.memory.iter().filter(|memory| memory.samples.len() > 1).collect();
    told.sort_by_key(|memory| std::cmp::Reverse(most(memory)));
    told.into_iter().take(TOLD_MAX).map(|memory| sentence(memory, kill_us)).collect()
}

fn sentence(memory: &MemorySeen, kill_us: i64) -> String {
    let samples = memory.samples.iter();
    let most = samples.clone().max_by_key(|(at, bytes)| (*bytes, std::cmp::Reverse(*at)));
    let mut shown = vec![memory.samples.first(), most, memory.samples.last()];
    shown.dedup();
    let point = |&(at_us, bytes): &(i64, i64)| {
        let tenths = bytes.max(0).saturating_mul(10) / (1 << 20);
        let ms = at_us.saturating_sub(kill_us) / 1000;
        let side = if ms < 0 { "before" } else { "after" };
        let ms = ms.unsigned_abs();
        format!("{}.{} MiB {}.{:03} s {side}", tenths / 10, tenths % 10, ms / 1000, ms % 1000)
    };
    let points: Vec<String> = shown.into_iter().flatten().map(point).collect();
    let count = memory.samples.len();
    format!(
        "{}'s anonymous memory in {count} samples, around the first kill: {}",
        memory.name,
        points.join(", ")
    )
}
