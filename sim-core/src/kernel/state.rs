//! The kernel's mutable state, and its tasks.
//!
//! Mirrors the fields of `struct task_struct` and `struct signal_struct`
//! that the model needs (include/linux/sched.h, Linux 6.1). What a task
//! waits for is the engine's business.

use super::device::Device;
use super::mm::Mm;
use super::mmu_notifier::Notifier;
use super::zone::Zone;
use crate::base::{DeviceId, IdVec, LockId, MmId, NotifierId, QueueId, TaskId, ZoneId};

/// A task: one thread.
#[derive(Clone, Debug)]
pub struct Task {
    /// Its thread group's leader; groups are indexed by it.
    pub leader: TaskId,
    /// `mm`; none before start, after `exit_mm()` and for kernel threads.
    pub mm: Option<MmId>,
    /// `TIF_MEMDIE`: marked as victim and not yet through `exit_mm()`.
    pub memdie: bool,
    /// `PF_EXITING`.
    pub exiting: bool,
    /// Stalls on memory (PSI).
    pub memstall: bool,
}

/// A thread group's shared part (`struct signal_struct`).
#[derive(Clone, Debug)]
pub struct Group {
    /// `signal->oom_mm`: set once, never cleared.
    pub oom_mm: Option<MmId>,
    /// `SIGNAL_GROUP_EXIT`.
    pub group_exit: bool,
    /// `oom_score_adj`.
    pub oom_score_adj: i16,
    /// All its threads, the leader first.
    pub threads: Vec<TaskId>,
    /// Threads that have not exited.
    pub live: u32,
    /// A completion: that it said it is ready.
    pub ready: QueueId,
}

/// Everything that changes during a run.
pub struct State {
    /// Zones, lowest first.
    pub zones: IdVec<ZoneId, Zone>,
    /// Tasks by id, kernel threads, devices and timers among them.
    pub tasks: IdVec<TaskId, Task>,
    /// User processes in creation order: the order of the victim scan.
    pub groups: Vec<(TaskId, Group)>,
    /// Address spaces.
    pub mms: IdVec<MmId, Mm>,
    /// Devices.
    pub devices: IdVec<DeviceId, Device>,
    /// Notifier registrations.
    pub notifiers: IdVec<NotifierId, Notifier>,
    /// `oom_lock`.
    pub oom_lock: LockId,
    /// `oom_victims`.
    pub oom_victims: u32,
    /// `oom_reaper_list`: a stack.
    pub oom_reaper_list: Vec<TaskId>,
    /// `oom_reaper_wait`.
    pub oom_reaper_wait: QueueId,
    /// A queue that nobody wakes: for those who sleep until killed.
    pub forever: QueueId,
}

impl State {
    /// The thread group led by `leader`.
    pub fn group(&mut self, leader: TaskId) -> &mut Group {
        let found = self.groups.iter_mut().find(|(id, _)| *id == leader);
        &mut found.expect("invariant: every user task has a group").1
    }

    /// The process comes to life: from now on it is the youngest.
    pub fn start_group(&mut self, leader: TaskId) {
        if let Some(index) = self.groups.iter().position(|(id, _)| *id == leader) {
            let group = self.groups.remove(index);
            self.groups.push(group);
        }
    }

    /// The group of `task`, if it is a user task.
    pub fn group_of(&self, task: TaskId) -> Option<&Group> {
        let leader = self.tasks[task].leader;
        self.groups.iter().find(|(id, _)| *id == leader).map(|(_, group)| group)
    }

    /// `tsk_is_oom_victim()`.
    pub fn is_oom_victim(&self, task: TaskId) -> bool {
        self.group_of(task).is_some_and(|group| group.oom_mm.is_some())
    }

    /// `find_lock_task_mm()`: a thread of the group that still has an mm.
    pub fn find_task_mm(&self, group: &Group) -> Option<(TaskId, MmId)> {
        group.threads.iter().find_map(|&thread| Some((thread, self.tasks[thread].mm?)))
    }

    /// Pages managed in all zones.
    pub fn total_pages(&self) -> u64 {
        self.zones.iter().map(|(_, zone)| zone.managed).sum()
    }
}
