//! What lasts beside the states: waits, callbacks, jobs.

use std::collections::BTreeMap;

use super::tracks::Tracks;
use super::writer::Writer;
use crate::base::{DeviceId, FenceId, NotifierId, RangeId, SimTime, TaskId};
use crate::engine::WaitOn;
use crate::record::{Event, Reason, Run, TaskKind};

/// Writes all of them; those that never end last until the run's end.
pub(super) fn write(writer: &mut Writer, tracks: &Tracks<'_>, run: &Run) {
    let mut waits: BTreeMap<TaskId, (SimTime, String)> = BTreeMap::new();
    let mut calls: BTreeMap<(TaskId, NotifierId, RangeId), SimTime> = BTreeMap::new();
    let mut jobs: BTreeMap<(DeviceId, FenceId), SimTime> = BTreeMap::new();
    let call_name = |notifier, range| {
        let device = run.cast.notifiers.get(notifier).and_then(|n| run.cast.devices.get(n.device));
        let device = device.map_or("?", |info| info.name.as_str());
        let range = run.cast.ranges.get(range).map_or("?", |info| info.name.as_str());
        format!("{device}: {range}")
    };
    for record in run.trace.iter() {
        let (at, task) = (record.at, record.task);
        let track = tracks.of_task(task);
        match record.event {
            Event::Blocked { on, why, .. } if is_thread(run, task) => {
                waits.insert(task, (at, wait_name(run, on, why)));
            }
            Event::Woken { .. } => {
                if let Some((since, name)) = waits.remove(&task).filter(|(since, _)| *since < at) {
                    writer.lasting(track, since, Some(at), "wait", &name);
                }
            }
            Event::MnCall { notifier, range, .. } => {
                calls.insert((task, notifier, range), at);
            }
            Event::MnReturn { notifier, range, .. } => {
                if let Some(since) = calls.remove(&(task, notifier, range)) {
                    let name = call_name(notifier, range);
                    writer.lasting(track, since, Some(at), "callback", &name);
                }
            }
            Event::JobSubmitted { device, fence } => {
                jobs.insert((device, fence), at);
            }
            Event::FenceSignaled { fence } => {
                // Every device numbers its fences for itself.
                let device = run
                    .cast
                    .devices
                    .iter()
                    .find(|(_, info)| [info.task, info.worker].contains(&Some(task)))
                    .map(|(device, _)| device);
                if let Some(device) = device
                    && let Some(since) = jobs.remove(&(device, fence))
                {
                    let track = Tracks::of_device(device);
                    writer.lasting(track, since, Some(at), "job", &job_name(fence));
                }
            }
            _ => {}
        }
    }
    for (task, (since, name)) in waits {
        writer.lasting(tracks.of_task(task), since, None, "wait", &name);
    }
    for ((task, notifier, range), since) in calls {
        let name = call_name(notifier, range);
        writer.lasting(tracks.of_task(task), since, None, "callback", &name);
    }
    for ((device, fence), since) in jobs {
        writer.lasting(Tracks::of_device(device), since, None, "job", &job_name(fence));
    }
}

fn is_thread(run: &Run, task: TaskId) -> bool {
    let kind = run.cast.tasks.get(task).map(|info| info.kind);
    matches!(kind, Some(TaskKind::User | TaskKind::Kthread))
}

fn job_name(fence: FenceId) -> String {
    format!("fence {}", fence.0)
}

fn wait_name(run: &Run, on: WaitOn, why: u8) -> String {
    let reason = Reason::from_number(why).map_or("wait", Reason::text);
    match on {
        WaitOn::Lock(lock) => run.cast.locks.get(lock).map_or(reason, |info| &info.name).to_owned(),
        WaitOn::Time | WaitOn::Queue(_) => reason.to_owned(),
    }
}
