//! A device's row: its jobs, and over them its driver's callbacks.
//!
//! Jobs are shown one after the other even if several are queued: a new
//! span begins whenever one is done.

use super::span::{Merge, Row};
use crate::analysis::types::LaneState;
use crate::base::{FenceId, SimTime, TaskId};

/// What is under way on a device.
#[derive(Default)]
pub(super) struct DeviceRow {
    pub(super) row: Row,
    jobs: Vec<(FenceId, usize)>,
    calls: Vec<RunningCall>,
}

struct RunningCall {
    task: TaskId,
    record: usize,
    is_parked: bool,
}

impl DeviceRow {
    pub(super) fn submitted(&mut self, at: SimTime, number: usize, fence: FenceId) {
        self.jobs.push((fence, number));
        self.update(at, number, Merge::Same);
    }

    pub(super) fn signaled(&mut self, at: SimTime, number: usize, fence: FenceId) {
        let Some(index) = self.jobs.iter().position(|(job, _)| *job == fence) else {
            return;
        };
        self.jobs.remove(index);
        let merge = if self.calls.is_empty() { Merge::Never } else { Merge::Same };
        self.update(at, number, merge);
    }

    pub(super) fn called(&mut self, at: SimTime, number: usize, task: TaskId) {
        self.calls.push(RunningCall { task, record: number, is_parked: false });
        self.update(at, number, Merge::Same);
    }

    pub(super) fn returned(&mut self, at: SimTime, number: usize, task: TaskId) {
        if let Some(index) = self.calls.iter().rposition(|call| call.task == task) {
            self.calls.remove(index);
        }
        self.update(at, number, Merge::Same);
    }

    /// A task parked, or woke; it may be in a callback of this driver.
    pub(super) fn parked(&mut self, at: SimTime, number: usize, task: TaskId, is_parked: bool) {
        let mut has_changed = false;
        for call in self.calls.iter_mut().filter(|call| call.task == task) {
            has_changed |= call.is_parked != is_parked;
            call.is_parked = is_parked;
        }
        if has_changed {
            self.update(at, number, Merge::Same);
        }
    }

    fn update(&mut self, at: SimTime, number: usize, merge: Merge) {
        let parked = self.calls.iter().find(|call| call.is_parked);
        let busy = match (parked, self.calls.first(), self.jobs.first()) {
            (Some(_), ..) => Some((LaneState::CallbackBlocked, number)),
            (None, Some(call), _) => Some((LaneState::Callback, call.record)),
            (None, None, Some((_, record))) => Some((LaneState::Job, *record)),
            (None, None, None) => None,
        };
        match busy {
            Some((state, record)) => self.row.set_with(at, state, record, merge),
            None => self.row.end(at),
        }
    }
}
