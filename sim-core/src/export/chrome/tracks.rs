//! Which track a task, a device or a lock has, and what it is called.

use super::writer::{Order, Writer};
use crate::analysis::LaneOf;
use crate::base::{DeviceId, LockId, SimTime, TaskId};
use crate::export::json::string;
use crate::record::{Cast, TaskKind};

/// `PID_MAX_LIMIT` is 4,194,304: no process has these.
const DEVICES: u32 = 5_000_000;
const LOCKS: u32 = 5_000_001;
const TIMERS: u32 = 5_000_002;
const MEMORY: u32 = 5_000_003;
const CPUS: u32 = 5_000_004;

/// Where an event is shown.
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Debug)]
pub(super) struct Track {
    pub(super) pid: u32,
    pub(super) tid: u32,
}

/// The tracks of a run.
pub(super) struct Tracks<'r> {
    cast: &'r Cast,
}

/// Thread ids of things that are no threads count from 1.
fn nth(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1)
}

impl<'r> Tracks<'r> {
    pub(super) fn new(cast: &'r Cast) -> Self {
        Self { cast }
    }

    pub(super) fn of_lane(&self, of: LaneOf) -> Track {
        match of {
            LaneOf::Reaper(task) | LaneOf::Task(task) => self.of_task(task),
            LaneOf::Device(device) => Self::of_device(device),
            LaneOf::Lock(lock) => Self::of_lock(lock),
            LaneOf::Cpu(cpu) => Self::of_cpu(cpu.0),
        }
    }

    pub(super) fn of_device(device: DeviceId) -> Track {
        Track { pid: DEVICES, tid: nth(device.index()) }
    }

    fn of_lock(lock: LockId) -> Track {
        Track { pid: LOCKS, tid: nth(lock.index()) }
    }

    fn of_cpu(cpu: u32) -> Track {
        Track { pid: CPUS, tid: cpu.saturating_add(1) }
    }

    pub(super) fn memory() -> Track {
        Track { pid: MEMORY, tid: 0 }
    }

    /// A device's process is shown with its device.
    pub(super) fn of_task(&self, task: TaskId) -> Track {
        let none = Track { pid: TIMERS, tid: nth(task.index()) };
        let Some(info) = self.cast.tasks.get(task) else { return none };
        match info.kind {
            TaskKind::User => {
                let leader = self.cast.tasks.get(info.leader).unwrap_or(info);
                Track { pid: leader.pid, tid: info.pid }
            }
            TaskKind::Kthread => Track { pid: info.pid, tid: info.pid },
            TaskKind::Device => {
                let device = self.cast.devices.iter().find(|(_, device)| device.task == Some(task));
                device.map_or(none, |(device, _)| Self::of_device(device))
            }
            TaskKind::Timer => none,
        }
    }

    /// Names and order: memory, the reaper, processes, kernel threads,
    /// devices, locks, CPUs, timers.
    pub(super) fn write_names(&self, writer: &mut Writer) {
        name_process(writer, MEMORY, "memory", 0);
        for (task, info) in self.cast.tasks.iter() {
            let track = self.of_task(task);
            match info.kind {
                TaskKind::User if info.pid == track.pid => {
                    name_process(writer, track.pid, &info.name, 2);
                    name_thread(writer, track, &info.comm);
                }
                TaskKind::User | TaskKind::Timer => name_thread(writer, track, &info.name),
                TaskKind::Kthread => {
                    let rank = if info.comm == "oom_reaper" { 1 } else { 3 };
                    name_process(writer, track.pid, &info.name, rank);
                    name_thread(writer, track, &info.comm);
                }
                TaskKind::Device => {}
            }
        }
        if !self.cast.devices.is_empty() {
            name_process(writer, DEVICES, "devices", 4);
        }
        for (device, info) in self.cast.devices.iter() {
            let name = format!("{} ({})", info.name, info.driver);
            name_thread(writer, Self::of_device(device), &name);
        }
        name_process(writer, LOCKS, "locks", 5);
        for (lock, info) in self.cast.locks.iter() {
            name_thread(writer, Self::of_lock(lock), &info.name);
        }
        name_process(writer, CPUS, "CPUs", 6);
        for cpu in 0..self.cast.cpus {
            name_thread(writer, Self::of_cpu(cpu), &format!("CPU {cpu}"));
        }
        name_process(writer, TIMERS, "timers", 7);
    }
}

fn name_process(writer: &mut Writer, pid: u32, name: &str, rank: u32) {
    let track = Track { pid, tid: 0 };
    let rest = format!(",\"name\":\"process_name\",\"args\":{{\"name\":{}}}", string(name));
    writer.event(SimTime::ZERO, Order::Name, 'M', track, &rest);
    let rest = format!(",\"name\":\"process_sort_index\",\"args\":{{\"sort_index\":{rank}}}");
    writer.event(SimTime::ZERO, Order::Name, 'M', track, &rest);
}

fn name_thread(writer: &mut Writer, track: Track, name: &str) {
    let rest = format!(",\"name\":\"thread_name\",\"args\":{{\"name\":{}}}", string(name));
    writer.event(SimTime::ZERO, Order::Name, 'M', track, &rest);
}
