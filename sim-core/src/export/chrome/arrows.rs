//! Arrows from cause to effect: a kill, a wake-up, a call of a notifier
//! and its answer.

use std::collections::BTreeMap;

use super::tracks::{Track, Tracks};
use super::writer::{Step, Writer};
use crate::base::{NotifierId, RangeId, SimTime, TaskId};
use crate::record::{Event, Run, TaskKind};

/// A call that has not returned.
struct Call {
    id: u64,
    device: Track,
    at: SimTime,
}

/// Writes all arrows of a run.
pub(super) fn write(writer: &mut Writer, tracks: &Tracks<'_>, run: &Run) {
    let mut calls: BTreeMap<(TaskId, NotifierId, RangeId), Call> = BTreeMap::new();
    for record in run.trace.iter() {
        let (at, task) = (record.at, record.task);
        let here = tracks.of_task(task);
        match record.event {
            Event::MarkVictim { victim, .. } => {
                arrow(
                    writer,
                    "kill",
                    at,
                    (here, "mark_victim"),
                    (tracks.of_task(victim), "killed"),
                );
            }
            Event::WakeReaper { victim } => {
                let is_reaper =
                    |kind, comm: &str| kind == TaskKind::Kthread && comm == "oom_reaper";
                let mut tasks = run.cast.tasks.iter();
                if let Some((reaper, _)) = tasks.find(|(_, info)| is_reaper(info.kind, &info.comm))
                {
                    let from = (tracks.of_task(victim), "queued for the reaper");
                    arrow(writer, "wake_reaper", at, from, (tracks.of_task(reaper), "wake_reaper"));
                }
            }
            Event::Woken { by: Some(by), .. } if by != task => {
                arrow(writer, "wake-up", at, (tracks.of_task(by), "wakes"), (here, "woken"));
            }
            Event::MnCall { notifier, range, .. } => {
                let device = run.cast.notifiers.get(notifier).map(|info| info.device);
                if let Some(device) = device {
                    let (id, device) = (writer.id(), Tracks::of_device(device));
                    writer.step(at, here, "calls", ("call", id), Step::Start);
                    calls.insert((task, notifier, range), Call { id, device, at });
                }
            }
            Event::MnReturn { notifier, range, refused } => {
                if let Some(call) = calls.remove(&(task, notifier, range)) {
                    let answer = if refused { "refused" } else { "returned" };
                    let flow = ("call", call.id);
                    writer.step(call.at, call.device, "called", flow, Step::Through);
                    writer.step(at, here, answer, flow, Step::Finish);
                    if refused {
                        arrow(writer, "refusal", at, (call.device, "refuses"), (here, answer));
                    }
                }
            }
            _ => {}
        }
    }
    // Some callbacks never return.
    for call in calls.into_values() {
        writer.step(call.at, call.device, "called", ("call", call.id), Step::Finish);
    }
}

fn arrow(
    writer: &mut Writer,
    category: &str,
    at: SimTime,
    (from, cause): (Track, &str),
    (to, effect): (Track, &str),
) {
    let flow = (category, writer.id());
    writer.step(at, from, cause, flow, Step::Start);
    writer.step(at, to, effect, flow, Step::Finish);
}
