//! Tasks that wait for a lock, a fence, the clock or each other, in words.

use super::Walk;
use crate::analysis::graph::Moment;
use crate::analysis::index::lock_waited_for;
use crate::analysis::replay::{Doing, is_own_wish};
use crate::analysis::words::{
    count_text, device_name, list_text, lock_name, mm_name, notifier_name, range_name, span_text,
    time_text,
};
use crate::base::{DeviceId, MmId, TaskId};
use crate::check::wait_for::needs::{Needs, needs};
use crate::engine::{Hold, WaitOn};
use crate::record::{EdgeKind, Reason};

/// What a task that waits by its own wish does, after its name.
fn wish_text(reason: Reason) -> &'static str {
    match reason {
        Reason::Start => "has not begun: its start condition is not met",
        Reason::Pause => "pauses in its program",
        Reason::Pace => "keeps to its own rate",
        Reason::Forever => "idles until it is killed",
        Reason::Reply => "waits for the process to be ready",
        Reason::Sigkill => "sits there until it is killed",
        Reason::KswapdIdle => "sleeps: nobody has asked it for memory",
        Reason::KswapdNap => "takes a nap, to see whether there is still enough when it is over",
        Reason::HandOffWork => "has no range to invalidate",
        Reason::PsiTrigger => "waits for memory pressure to pass its threshold",
        Reason::PsiPoll => "waits until memory pressure is to be looked at",
        _ => "has nothing to do",
    }
}

impl Walk<'_> {
    pub(super) fn explain_lock(&mut self, task: TaskId) {
        let Some(lock) = lock_waited_for(self.index.doing(task, self.seen)) else {
            return;
        };
        let lock_text = lock_name(&self.index.cast, lock);
        let holders = self.index.holders(lock, self.seen);
        let name = self.name(task);
        let is_oom_lock = self.index.oom_lock == Some(lock);
        let kind = if is_oom_lock { EdgeKind::OomLock } else { EdgeKind::Lock }.id();
        let Some(first) = holders.first() else {
            let text = format!("{name} waits for {lock_text} and is about to get it.");
            return self.push(task, lock_text, kind, None, text);
        };
        let names: Vec<_> = holders.iter().map(|holder| self.name(holder.what.task)).collect();
        let (verb, mode) = match (holders.len(), first.what.hold) {
            (1, Hold::Exclusive) => ("holds", ""),
            (1, Hold::Shared) => ("holds", " for reading"),
            _ => ("hold", " for reading"),
        };
        let since = time_text(self.index.time(first.from));
        let text = format!(
            "{name} waits for {lock_text}, which {} {verb}{mode} since {since}.",
            list_text(&names)
        );
        self.push(task, lock_text, kind, Some(first.what.task), text);
        for holder in holders {
            self.follow(holder.what.task);
        }
    }

    /// Everything a task can be parked for that is no lock.
    pub(super) fn explain_parked(&mut self, task: TaskId) {
        let doing = self.index.doing(task, self.seen);
        if self.index.device_of(task).is_some() {
            return self.explain_device(task);
        }
        match doing.reason() {
            Some(Reason::Fence) => self.explain_fence(task),
            Some(Reason::FlushWork) => self.explain_flush(task),
            Some(reason @ (Reason::NotifierEnd | Reason::IntervalRead)) => {
                self.explain_notifier_end(task, reason);
            }
            Some(reason @ (Reason::DeviceFault | Reason::RangeActive)) => {
                self.explain_device_fault(task, reason);
            }
            Some(Reason::NamedEvent) => self.explain_named_event(task),
            Some(Reason::Srcu) => self.explain_srcu(task),
            Some(reason @ (Reason::CoreDump | Reason::CoreDumpStart)) => {
                self.explain_core_dump(task, reason);
            }
            Some(Reason::PfMemalloc) => self.explain_throttled(task),
            Some(reason) if is_own_wish(reason) => {
                let what = reason.text().to_owned();
                // Who sleeps until killed must not know when that will be.
                let is_told = !matches!(reason, Reason::Forever | Reason::Sigkill);
                let left = match self.left(task).filter(|_| is_told) {
                    Some(left) => format!(" ({} left)", span_text(left)),
                    None => String::new(),
                };
                let text = format!("{} {}{left}.", self.name(task), wish_text(reason));
                let is_endless = matches!(reason, Reason::Forever | Reason::Sigkill);
                let kind = if is_endless { "none" } else { "time" };
                self.push(task, what, kind, None, text);
            }
            reason => {
                let what = reason.map_or("something", Reason::text);
                let is_timed = matches!(doing, Doing::Blocked { on: WaitOn::Time, .. });
                let left = format!(" ({})", self.left_text(task));
                let verb = if reason == Some(Reason::Stuck) { "is stuck in" } else { "waits for" };
                let place = self.callback_text(task);
                let text = format!("{}{place} {verb} {what}{left}.", self.name(task));
                let needs = needs(&Moment::new(self.index, self.seen), task);
                let need = needs.as_ref().and_then(|needs| needs.list().first());
                let kind = match need {
                    Some(need) => need.kind.id(),
                    None if is_timed => "time",
                    None => "queue",
                };
                self.push(task, what.to_owned(), kind, None, text);
            }
        }
    }

    /// `, in gpu0's callback for hog's buffers,` while the task is in one.
    fn callback_text(&self, task: TaskId) -> String {
        let Some(call) = self.index.call(task, self.seen) else {
            return String::new();
        };
        let Some(device) = self.index.device_called(&call.what) else {
            return String::new();
        };
        let cast = &self.index.cast;
        let manner = if call.what.can_block { "" } else { " (which must not sleep)" };
        format!(
            ", in {}'s callback for {}{manner},",
            device_name(cast, device),
            range_name(cast, call.what.range)
        )
    }

    fn explain_fence(&mut self, task: TaskId) {
        let cast = &self.index.cast;
        let device = self.index.device_waited_for(task, self.seen);
        let worker = device.and_then(|device| cast.devices.get(device)?.task);
        let fence = match device {
            Some(device) => format!("a fence of {}", device_name(cast, device)),
            None => Reason::Fence.text().to_owned(),
        };
        // A waiter looks up at every fence; what counts is when it gets out.
        let left = match (self.index.call(task, self.seen), self.left_of_call(task)) {
            (None, _) => self.left_text(task),
            (Some(_), Some(left)) => format!("{} left", span_text(left)),
            (Some(_), None) => self.beyond().to_owned(),
        };
        let text =
            format!("{}{} waits for {fence} ({left}).", self.name(task), self.callback_text(task));
        self.push(task, fence, EdgeKind::Fence.id(), worker, text);
        match (worker, device) {
            (Some(worker), _) => self.follow(worker),
            (None, Some(device)) => {
                let jobs = self.jobs_text(device);
                if let Some(last) = self.links.last_mut() {
                    last.text = format!("{} {jobs}", last.text);
                }
            }
            (None, None) => {}
        }
    }

    /// Those whom a task waits for, as the wait-for graph has it.
    pub(super) fn needed(&self, task: TaskId) -> Vec<TaskId> {
        let needs = needs(&Moment::new(self.index, self.seen), task);
        needs.iter().flat_map(Needs::list).map(|need| need.to).collect()
    }

    /// Who exits waits for who writes the core, and that one for those that have not stopped.
    fn explain_core_dump(&mut self, task: TaskId, reason: Reason) {
        let others = self.needed(task);
        let names: Vec<_> = others.iter().map(|&other| self.name(other)).collect();
        let have = if names.len() == 1 { "has" } else { "have" };
        let (name, names) = (self.name(task), list_text(&names));
        let text = match reason {
            _ if others.is_empty() => format!("{name} waits for {}.", reason.text()),
            Reason::CoreDump => {
                format!("{name} exits, but not before {names} has written the core of its process.")
            }
            _ => format!("{name} is to write the core of its process once {names} {have} stopped."),
        };
        let kind = EdgeKind::CoreDump.id();
        self.push(task, reason.text().to_owned(), kind, others.first().copied(), text);
        for other in others {
            self.follow(other);
        }
    }

    fn explain_flush(&mut self, task: TaskId) {
        let device = self.index.device_waited_for(task, self.seen);
        let worker = device.and_then(|device| self.index.cast.devices.get(device)?.worker);
        let (name, place) = (self.name(task), self.callback_text(task));
        let whose = worker.map_or_else(|| "its worker".to_owned(), |worker| self.name(worker));
        let left = self.left_text(task);
        let text = format!("{name}{place} waits for {whose} to do what it was given ({left}).");
        self.push(task, Reason::FlushWork.text().to_owned(), EdgeKind::Worker.id(), worker, text);
        if let Some(worker) = worker {
            self.follow(worker);
        }
    }

    fn explain_notifier_end(&mut self, task: TaskId, reason: Reason) {
        let cast = &self.index.cast;
        let mm: Option<MmId> = self
            .index
            .invalidations
            .iter()
            .enumerate()
            .filter(|(_, running)| running.open_after(self.seen).next().is_some())
            .map(|(index, _)| MmId::from_index(index))
            .min_by_key(|&mm| cast.tasks.get(task).and_then(|info| info.mm) != Some(mm));
        let mut by: Vec<TaskId> = Vec::new();
        if let Some(running) = mm.and_then(|mm| self.index.invalidations.get(mm.index())) {
            for invalidation in running.open_after(self.seen) {
                if !by.contains(&invalidation.what) {
                    by.push(invalidation.what);
                }
            }
        }
        let whose = mm.map_or_else(|| "its address space".to_owned(), |mm| mm_name(cast, mm));
        let names: Vec<_> = by.iter().map(|&other| self.name(other)).collect();
        let text = if names.is_empty() {
            format!("{} waits for invalidations of {whose} to end, but none runs.", self.name(task))
        } else {
            format!(
                "{} waits for invalidations of {whose} to end, which {} began ({}).",
                self.name(task),
                list_text(&names),
                self.left_text(task)
            )
        };
        let waits_on = reason.text().to_owned();
        self.push(task, waits_on, EdgeKind::Invalidation.id(), by.first().copied(), text);
        for other in by {
            self.follow(other);
        }
    }

    /// A fault of a device that counts invalidations: those under way, or one that nobody ends.
    fn explain_device_fault(&mut self, task: TaskId, reason: Reason) {
        let cast = &self.index.cast;
        let mm = cast.tasks.get(task).and_then(|info| info.mm);
        // A thread that serves a device's faults has no mm of its own.
        let serves =
            |device| cast.devices.get(device).is_some_and(|info| info.faulter == Some(task));
        let of_mm = |id| {
            let info = cast.notifiers.get(id);
            info.is_some_and(|info| Some(info.mm) == mm || serves(info.device))
        };
        let lost = self.index.lost_ends.iter().take_while(|(record, _)| *record < self.seen);
        let lost: Vec<_> = lost.filter(|&&(_, notifier)| of_mm(notifier)).collect();
        let (name, left) = (self.name(task), self.left_text(task));
        let waits_on = reason.text().to_owned();
        let kind = EdgeKind::Invalidation.id();
        if let Some(&&(record, notifier)) = lost.last() {
            let who = notifier_name(cast, notifier);
            let times = count_text(u64::try_from(lost.len()).unwrap_or(u64::MAX), "range");
            let text = format!(
                "{name} waits until {who} has no range in progress ({left}), but {times} of it got \
                 no end, the last {}.",
                self.ago(record)
            );
            return self.push(task, waits_on, kind, None, text);
        }
        let inside = |other: &TaskId| {
            let call = self.index.call(*other, self.seen);
            *other != task && call.is_some_and(|call| of_mm(call.what.notifier))
        };
        let callers: Vec<_> = cast.tasks.ids().filter(inside).collect();
        let text = format!("{name} waits for {waits_on} ({left}).");
        self.push(task, waits_on, kind, callers.first().copied(), text);
        for caller in callers {
            self.follow(caller);
        }
    }

    pub(super) fn explain_device(&mut self, task: TaskId) {
        let Some(device) = self.index.device_of(task) else {
            return;
        };
        if self.index.doing(task, self.seen).reason() == Some(Reason::FenceWorker)
            && let Some(worker) = self.index.cast.devices.get(device).and_then(|info| info.worker)
        {
            let (name, who) = (self.name(task), self.name(worker));
            let text = format!("{name} is done with a job, whose fence {who} has to signal.");
            self.push(task, "its worker".to_owned(), EdgeKind::Worker.id(), Some(worker), text);
            return self.follow(worker);
        }
        if self.index.doing(task, self.seen).reason() == Some(Reason::PageRequest)
            && let Some(faulter) = self.index.cast.devices.get(device).and_then(|it| it.faulter)
        {
            let (name, who) = (self.name(task), self.name(faulter));
            let text = format!("{name} has a job whose memory {who} has to map first.");
            let what = "a page fault of its own".to_owned();
            self.push(task, what, EdgeKind::Worker.id(), Some(faulter), text);
            return self.follow(faulter);
        }
        let text = self.jobs_text(device);
        let is_busy = self.next_end(device).is_some();
        let (waits_on, kind) = if is_busy { ("its job", "time") } else { ("a job", "none") };
        self.push(task, waits_on.to_owned(), kind, None, text);
    }

    /// The record that ends the next job of a device, if it has any.
    fn next_end(&self, device: DeviceId) -> Option<usize> {
        let jobs = self.index.jobs.get(device.index())?;
        jobs.open_after(self.seen).map(|job| job.to).min()
    }

    fn jobs_text(&self, device: DeviceId) -> String {
        let name = device_name(&self.index.cast, device);
        let Some(until) = self.next_end(device) else {
            return format!("{name} has no job.");
        };
        let count = self
            .index
            .jobs
            .get(device.index())
            .map_or(0, |jobs| jobs.open_after(self.seen).count());
        let jobs = count_text(u64::try_from(count).unwrap_or(u64::MAX), "job");
        match self.index.times.get(until) {
            Some(&end) => {
                let left = span_text(end.saturating_sub(self.at));
                format!("{name} has {jobs} to do; the next is done in {left}.")
            }
            None => format!("{name} has {jobs} to do, done after the end of the run."),
        }
    }
}
