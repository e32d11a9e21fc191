//! A capture turned into a scenario: the machine, tasks with the memory
//! they had at the first kill, and why the reaper did what it did.
//!
//! A capture shows the end of a story. How memory filled is made up: all
//! tasks but the one that ran into the wall come first, then that one
//! grows. What keeps a victim from ending (a driver that sleeps, a lock)
//! is taken from how long it stayed and from what its attempts found.
//! What was inferred, assumed and ignored is listed with the scenario.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::capture::{Capture, CaptureFile, NotACapture};
use super::killed::{Killed, VICTIMS_MAX, killed};
use super::machine_seen::machine_seen;
pub use super::made::{Imported, Note, NoteKind};
pub(super) use super::made::{Made, Mirror, Stays, TaskMade};
use super::memory_seen;
use super::nobody::nobody_killed;
use super::plain::plain;
use super::pressure::make_pressure;
use super::sacrificed::sacrificed;
use super::teller::{clock_offset, whole_story};
use super::write_scenario::write_scenario;
use crate::kernel::switches;

/// Tasks of the table that are modelled one by one: the largest.
pub(super) const TASKS_MAX: usize = 40;
/// Anonymous pages of these (`layout.rs`).
pub(super) const PRESET_PAGES: u64 = 159;
/// A victim of which no size is told: 64 MiB.
pub(super) const UNKNOWN_PAGES: u64 = 16_384;

/// Reads a capture: ftrace text, kernel logs, or both, in one file or several.
///
/// # Errors
/// If nobody is killed in it, with the place of what looks most like it.
pub fn import(files: &[CaptureFile<'_>]) -> Result<Imported, NotACapture> {
    import_noted(files, Vec::new())
}

/// The same of files of which there is something to note already.
pub fn import_noted(files: &[CaptureFile<'_>], notes: Vec<Note>) -> Result<Imported, NotACapture> {
    let plain: Vec<Cow<'_, str>> = files.iter().map(|file| plain(file.text)).collect();
    let named = files.iter().zip(&plain);
    let files: Vec<CaptureFile<'_>> =
        named.map(|(file, text)| CaptureFile { name: file.name, text }).collect();
    let files = files.as_slice();
    let capture = Capture::read(files);
    let offset = clock_offset(&capture.trace, &capture.log).unwrap_or(0);
    // Of a log that was searched the choice may be all that is left of a kill.
    let story = whole_story(&capture.trace, &capture.log, offset, &capture.facts.kills);
    let (victims, left_out) = killed(&capture, &story);
    if victims.is_empty() {
        return Err(nobody_killed(&capture, files));
    }
    let machine = machine_seen(&capture, &story);
    let mut made = Made {
        files: files.iter().map(|file| file.name.to_owned()).collect(),
        limits: Vec::new(),
        passes_over: false,
        all_in_groups: false,
        lasts_us: victims.iter().map(|victim| victim.last_us).sum(),
        tasks: Vec::new(),
        victims: victims.iter().map(|victim| victim.comm.clone()).collect(),
        machine,
        notes,
    };
    for victim in victims.iter().filter(|victim| victim.is_guess) {
        let text = format!(
            "{} was killed: the log breaks off before it says who, and that one has the highest score",
            victim.comm
        );
        made.note(NoteKind::Assumed, text);
    }
    for Killed { comm, .. } in victims.iter().filter(|victim| victim.has_taken_pid) {
        let text =
            format!("{comm} has the pid of one killed before: it starts when that one is dead");
        made.note(NoteKind::Inferred, text);
    }
    if left_out > 0 {
        let text = format!("{left_out} later kills: the first {VICTIMS_MAX} are replayed");
        made.note(NoteKind::Ignored, text);
    }
    if capture.by_signal {
        let text = "who got SIGKILL from the kernel was killed for want of memory: no oom events";
        made.note(NoteKind::Assumed, text);
    }
    for text in memory_seen::told(&story) {
        made.note(NoteKind::Inferred, text);
    }
    make_tasks(&mut made, &capture, &victims);
    if capture.facts.reports.iter().all(|report| report.rows.is_empty()) {
        memory_seen::make_tasks(&mut made, &story);
    }
    for victim in &victims {
        make_stay(&mut made, victim);
    }
    note_unexplained(&mut made, &victims, left_out);
    make_askers(&mut made, &victims);
    make_group(&mut made, &capture, &victims);
    make_parents(&mut made, &capture);
    make_pressure(&mut made, &capture, &victims);
    note_the_rest(&mut made, &capture);
    let all_in_groups = made.all_in_groups;
    made.machine.fit(&made.tasks, all_in_groups, &mut made.notes);
    let toml = write_scenario(&made);
    Ok(Imported { toml, notes: made.notes, story, killed: made.victims })
}

/// The tasks: those of the first report's table, the victims, and who
/// invoked the killer.
fn make_tasks(made: &mut Made, capture: &Capture<'_>, victims: &[Killed]) {
    let reports = &capture.facts.reports;
    let report = victims.iter().find_map(|victim| victim.report).and_then(|at| reports.get(at));
    let mut rows: Vec<_> = report.map_or(Vec::new(), |report| report.rows.iter().collect());
    rows.sort_by_key(|row| std::cmp::Reverse(row.rss));
    let mut seen = BTreeSet::new();
    rows.retain(|row| seen.insert(row.pid));
    let is_needed = |pid: u32| {
        victims.iter().any(|victim| {
            victim.pid == Some(pid) || victim.invoker.as_ref().is_some_and(|i| i.1 == Some(pid))
        })
    };
    let (mut left_out, mut left_out_pages) = (0_u32, 0_u64);
    for (index, row) in rows.iter().enumerate() {
        if index >= TASKS_MAX && !is_needed(row.pid) {
            left_out += 1;
            left_out_pages = left_out_pages.saturating_add(row.rss);
            continue;
        }
        // Who dies later may have been exempt at first; it is not to die sooner for that.
        let dies = victims.iter().any(|victim| victim.pid == Some(row.pid));
        let adj = if dies && row.adj == -1000 { 0 } else { row.adj };
        let task = plain_task(&row.name, Some(row.pid), adj, row.rss);
        made.tasks.push(TaskMade { uid: row.uid, ..task });
    }
    if !rows.is_empty() {
        let count = made.tasks.len();
        let tasks =
            if count == 1 { "1 task with its" } else { &format!("{count} tasks with their") };
        let text = format!("{tasks} memory, from the table of the first report");
        made.note(NoteKind::Inferred, text);
    }
    if left_out > 0 {
        let mib = left_out_pages / 256;
        let text = format!(
            "{left_out} smaller tasks, {mib} MiB together: their memory is in use from the start"
        );
        made.note(NoteKind::Ignored, text);
    }
    for (index, victim) in victims.iter().enumerate() {
        // One of the same name may be another process.
        let is_other = |at: usize| made.tasks[at].pid.is_some() && made.tasks[at].pid != victim.pid;
        let found = find(&made.tasks, &victim.comm, victim.pid);
        if found.is_some_and(|at| victim.pid.is_none() || !is_other(at)) {
            continue;
        }
        let size = |victim: &Killed| victim.anon.filter(|pages| *pages > 0);
        let of_its_name = || victims.iter().filter(|other| other.comm == victim.comm);
        let pages = size(victim).unwrap_or_else(|| {
            if let Some(pages) = of_its_name().find_map(size) {
                let text =
                    format!("each {} had as much: not every one's size is told", victim.comm);
                made.note(NoteKind::Assumed, text);
                return pages;
            }
            let text = format!("{} had 64 MiB or less: the capture has no size of it", victim.comm);
            made.note(NoteKind::Assumed, text);
            // Who died first was the larger one.
            UNKNOWN_PAGES / (u64::try_from(index).unwrap_or(u64::MAX).saturating_add(1))
        });
        let task = plain_task(&victim.comm, victim.pid, victim.adj.unwrap_or(0), pages);
        made.tasks.push(TaskMade { is_later: victim.is_later, ..task });
    }
}

pub(super) fn plain_task(comm: &str, pid: Option<u32>, adj: i16, pages: u64) -> TaskMade {
    TaskMade {
        comm: comm.to_owned(),
        pid,
        uid: 0,
        adj,
        pages: pages.max(1),
        want: pages.max(1),
        presses: false,
        rate: None,
        stays: Stays::default(),
        is_told: true,
        parent: None,
        together: false,
        group: None,
        order: 0,
        delay_us: 0,
        is_later: false,
    }
}

/// A task by pid, or else by name.
pub(super) fn find(tasks: &[TaskMade], comm: &str, pid: Option<u32>) -> Option<usize> {
    let by_pid = tasks.iter().position(|task| pid.is_some() && task.pid == pid);
    by_pid.or_else(|| tasks.iter().position(|task| task.comm == comm))
}

/// Why a victim stayed as long as it did.
fn make_stay(made: &mut Made, victim: &Killed) {
    let (name, reaping) = (&victim.comm, &victim.reaping);
    let Some(at) = find(&made.tasks, &victim.comm, victim.pid) else { return };
    let mut stays = Stays::default();
    if reaping.passed_over {
        let text =
            format!("the reaper passed {name} over: there were notifiers, and it asked none");
        made.note(NoteKind::Inferred, text);
        made.passes_over = true;
        stays.stuck_us = Some(victim.gone_us.unwrap_or(victim.last_us + 5_000_000));
        stays.mirror = Some(Mirror::Everything);
        made.tasks[at].stays = stays;
        return;
    }
    if reaping.attempts == 0 {
        made.note(NoteKind::Inferred, format!("{name} ended by itself before the reaper came"));
        // What the trace shows of its end; less is what any exit takes.
        stays.stuck_us = victim.gone_us.filter(|gone| *gone > 20_000);
        made.tasks[at].stays = stays;
        return;
    }
    // A log without times, or one of another kernel than is assumed, lets the reaper come before it is told.
    let told = switches::find(made.machine.kernel).map_or(0, |kernel| kernel.reaper_delay_hz);
    let told_us = i64::try_from(told).unwrap_or(0) * 1_000_000;
    let gone = victim.gone_us.unwrap_or(0).max(victim.last_us.max(told_us) + 1_000_000);
    if victim.gone_us.is_none() {
        let text = format!("{name} stayed for a second after the last that is told of it");
        made.note(NoteKind::Assumed, text);
    }
    let failed = if reaping.gave_up { reaping.attempts } else { reaping.attempts - 1 };
    let text = match (reaping.gave_up, failed) {
        (true, _) => format!("the reaper gave {name} up after {} attempts", reaping.attempts),
        (false, 0) => format!("the reaper took {name}'s memory at the first attempt"),
        (false, _) => format!("the reaper took {name}'s memory at attempt {}", reaping.attempts),
    };
    let from_log = !reaping.gave_up && capture_tells_nothing(victim);
    let (kind, counts) = if from_log {
        (NoteKind::Assumed, ": a log doesn't count attempts")
    } else {
        (NoteKind::Inferred, "")
    };
    made.note(kind, format!("{text}{counts}"));
    stays.stuck_us = Some(gone);
    if failed > 0 {
        let pages = made.tasks[at].pages;
        let kept = reaping.left.unwrap_or(pages).min(pages).max(1);
        if !reaping.gave_up {
            // Free in the middle of the sleep before the last attempt.
            let until = reaping.last_start_us.unwrap_or(victim.last_us) - 50_000;
            stays.holds_us = Some(until.max(0));
            let text =
                format!("a thread of {name} held mmap_lock for writing until it could be reaped");
            made.note(NoteKind::Assumed, text);
        } else if reaping.skipped > 0 || (capture_tells_nothing(victim) && !reaping.refused) {
            stays.holds_us = Some(gone);
            let kind = if reaping.skipped > 0 { NoteKind::Inferred } else { NoteKind::Assumed };
            made.note(kind, format!("a thread of {name} held mmap_lock for writing"));
        } else {
            stays.mirror = Some(mirror(made, victim, kept));
        }
    }
    made.tasks[at].stays = stays;
}

/// A victim for which somebody else had to die: a thread of it went on to ask for memory, with
/// `mmap_lock` held, and could not be refused. It gets what its killer left, and some of the other's.
fn make_askers(made: &mut Made, victims: &[Killed]) {
    for (index, victim) in victims.iter().enumerate() {
        let asks = |other: &&Killed| {
            let of = |(comm, pid): &(String, Option<u32>)| {
                *comm == victim.comm || pid.is_some() && *pid == victim.pid
            };
            other.comm != victim.comm && other.invoker.as_ref().is_some_and(of)
        };
        let next = victims.get(index + 1..).unwrap_or_default().iter().find(asks);
        let (Some(next), Some(at)) = (next, find(&made.tasks, &victim.comm, victim.pid)) else {
            continue;
        };
        if made.tasks[at].stays.holds_us.is_none() || !victim.reaping.gave_up {
            continue;
        }
        let free = made.machine.zones.iter().map(|zone| zone.free).fold(0, u64::saturating_add);
        let others = find(&made.tasks, &next.comm, next.pid).map_or(0, |at| made.tasks[at].pages);
        made.tasks[at].stays.asks = Some(free.saturating_add((others / 4).max(64)));
        let text = format!(
            "that thread of {} went on to ask for memory, and could not be refused: {} died for it",
            victim.comm, next.comm
        );
        made.note(NoteKind::Assumed, text);
    }
}

/// A victim that is given up no longer counts, so somebody else dies if its memory stays where it is.
fn note_unexplained(made: &mut Made, victims: &[Killed], left_out: usize) {
    let is_open = |last: &&Killed| last.reaping.gave_up && !last.asks_itself(true);
    let last = victims.last().filter(|_| left_out == 0).filter(is_open);
    if let Some(Killed { comm, .. }) = last {
        let text = format!(
            "{comm} was given up and nobody else was killed: the log doesn't say what freed memory; here somebody else may die"
        );
        made.note(NoteKind::Ignored, text);
    }
}

/// Whether attempts are only counted, from the log, and not seen.
fn capture_tells_nothing(victim: &Killed) -> bool {
    victim.reaping.last_start_us.is_none()
}

fn mirror(made: &mut Made, victim: &Killed, kept: u64) -> Mirror {
    let name = &victim.comm;
    let (nothing_freed, logged) = (victim.reaping.left.is_none(), made.machine.refusals_logged);
    let mib = kept / 256;
    let (mirror, text) = if logged && nothing_freed {
        (Mirror::Everything, format!("a notifier on the list of {name} refused every range"))
    } else if logged {
        (Mirror::List(kept), format!("a notifier on the list of {name} refused for {mib} MiB"))
    } else {
        let text = format!("interval notifiers refused for {mib} MiB of {name}: nothing is logged");
        (Mirror::Interval(kept), text)
    };
    made.note(NoteKind::Inferred, text);
    mirror
}

/// Who dies with whom (`memory.oom.group`).
fn make_group(made: &mut Made, capture: &Capture<'_>, victims: &[Killed]) {
    let reports = &capture.facts.reports;
    for (number, report) in reports.iter().enumerate() {
        let Some(group) = &report.dies_together else { continue };
        let mut of_report =
            victims.iter().filter(|victim| victim.report == Some(number)).peekable();
        if of_report.peek().is_none() {
            continue;
        }
        for victim in of_report {
            if let Some(at) = find(&made.tasks, &victim.comm, victim.pid) {
                made.tasks[at].together = true;
            }
        }
        made.note(NoteKind::Inferred, format!("{group} is killed as a whole: memory.oom.group"));
    }
}

/// Children that died in their parents' place are their parents' children.
fn make_parents(made: &mut Made, capture: &Capture<'_>) {
    for pair in sacrificed(capture) {
        let ((child_pid, child), (parent_pid, parent)) = (pair.child, pair.parent);
        let by_pid = |pid| made.tasks.iter().position(|task| task.pid == Some(pid));
        let (at, of) = (by_pid(child_pid), by_pid(parent_pid));
        match (at, of) {
            // A child of a child would be copied with what its parent has; so would a parent's.
            (Some(at), Some(of))
                if made.tasks[of].parent.is_none()
                    && !made.tasks.iter().any(|task| task.parent == Some(at)) =>
            {
                made.tasks[at].parent = Some(of);
                let text = format!("{child} is a child of {parent}, and died in its place");
                made.note(NoteKind::Inferred, text);
            }
            (None, _) => {}
            _ => {
                let text = format!(
                    "{child} died in place of {parent}, whose child it was: here it is none"
                );
                made.note(NoteKind::Ignored, text);
            }
        }
    }
}

fn note_the_rest(made: &mut Made, capture: &Capture<'_>) {
    let rates = "all tasks fill their memory one after the other, then the allocator grows";
    made.note(NoteKind::Assumed, rates);
    let lost = capture.lost;
    match capture.lost_more {
        true if lost == 0 => made.note(NoteKind::Ignored, "events that the tracer lost: no count"),
        true => {
            let text = format!("{lost} events that the tracer lost, and others without a count");
            made.note(NoteKind::Ignored, text);
        }
        false if lost > 0 => {
            made.note(NoteKind::Ignored, format!("{lost} events that the tracer lost"));
        }
        false => {}
    }
    for damaged in capture.damaged.iter().take(8) {
        made.note(NoteKind::Ignored, damaged.to_string());
    }
    made.note(
        NoteKind::Ignored,
        "files, slab and page tables: memory that no task gives back is in use from the start",
    );
}
