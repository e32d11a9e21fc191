//! Who waits for whom at one instant, link by link, in plain words.
//!
//! A link is a task and what keeps it from going on. A chain follows
//! whoever is waited for: a lock's holder, the worker that signals a
//! fence, and for a page the victim's threads and then the reaper. Where
//! a task waits for several, the chain goes through them one after the
//! other, each followed to its end. A task met again closes a cycle,
//! which is named.

mod give_up;
mod memory;
mod others;
mod parked;
mod reaper;
#[cfg(test)]
mod tests;

use super::graph::is_allocating;
use super::index::{Index, lock_waited_for};
use super::replay::Doing;
use super::types::WaitLink;
use super::words::{span_text, task_name};
use crate::base::{Nanos, SimTime, TaskId};
use crate::engine::Stop;
use crate::record::Reason;

/// Links of a chain at most: more than any cast has stuck in a row.
const LINKS_MAX: usize = 64;

/// Whom `task` waits for at `at`, and whom that one waits for, and so
/// on. The first link is about `task` itself.
pub fn wait_chain(index: &Index, task: TaskId, at: SimTime) -> Vec<WaitLink> {
    walk(index, task, index.seen_at(at), at)
}

/// As [`wait_chain`], right after the record of this number.
pub fn wait_chain_after(index: &Index, task: TaskId, record: usize) -> Vec<WaitLink> {
    walk(index, task, record.saturating_add(1), index.time(record))
}

/// As [`wait_chain`], when only the first `seen` records have happened:
/// for a reader who steps through simultaneous events.
pub fn wait_chain_seen(index: &Index, task: TaskId, seen: usize, at: SimTime) -> Vec<WaitLink> {
    walk(index, task, seen, at)
}

fn walk(index: &Index, task: TaskId, seen: usize, at: SimTime) -> Vec<WaitLink> {
    let mut walk = Walk {
        index,
        seen,
        at,
        links: Vec::new(),
        path: Vec::new(),
        visited: Vec::new(),
        parent: None,
    };
    walk.follow(task);
    walk.links
}

/// A walk along the chain at one instant.
struct Walk<'i> {
    index: &'i Index,
    /// Records that have happened.
    seen: usize,
    at: SimTime,
    links: Vec<WaitLink>,
    /// From the first task to the one being explained.
    path: Vec<TaskId>,
    visited: Vec<TaskId>,
    /// The link that led to the task being explained.
    parent: Option<usize>,
}

impl Walk<'_> {
    fn follow(&mut self, task: TaskId) {
        if let Some(start) = self.path.iter().position(|&on_path| on_path == task) {
            self.name_cycle(start);
            return;
        }
        if self.visited.contains(&task) || self.links.len() >= LINKS_MAX {
            return;
        }
        self.path.push(task);
        self.visited.push(task);
        let before = self.parent;
        // Each task has one link, the newest when it leads on to another.
        self.parent = self.links.len().checked_sub(1).map(|last| self.link_of_waiter(last));
        self.explain(task);
        self.parent = before;
        self.path.pop();
    }

    /// The link of whoever waits for the task being explained.
    fn link_of_waiter(&self, last: usize) -> usize {
        let waiter = self.path.len().checked_sub(2).and_then(|place| self.path.get(place));
        let link = self.links.iter().rposition(|link| Some(&link.task) == waiter);
        link.unwrap_or(last)
    }

    /// Says so of whoever closes the cycle, the last on the path.
    fn name_cycle(&mut self, start: usize) {
        let cycle = self.path[start..].iter().chain(self.path.get(start));
        let names: Vec<_> = cycle.map(|&task| self.name(task)).collect();
        // Somebody else's page would do as well, if somebody else has one to give.
        let mut cycle = self.path[start..].iter();
        let has_escape = cycle.any(|&task| is_allocating(self.index, task, self.seen));
        let unless = if has_escape { " unless a page comes free elsewhere" } else { "" };
        let Some(link) = self.links.iter_mut().rfind(|link| Some(&link.task) == self.path.last())
        else {
            return;
        };
        let closes = "That closes a cycle";
        let sentence = match names.as_slice() {
            [one, _] => format!(" {one} waits for itself{unless}."),
            _ if link.text.contains(closes) => format!(" And another: {}.", names.join(" → ")),
            _ => format!(" {closes}{unless}: {}.", names.join(" → ")),
        };
        link.text.push_str(&sentence);
    }

    fn explain(&mut self, task: TaskId) {
        let doing = self.index.doing(task, self.seen);
        let reason = doing.reason();
        if is_allocating(self.index, task, self.seen) {
            return self.explain_allocator(task);
        }
        match (doing, reason) {
            (Doing::Unborn, _) => self.say_idle(task, "has not started", "its start"),
            (Doing::Exited, _) => self.explain_exited(task),
            (Doing::Running(cpu), _) => self.explain_running(task, cpu.map(|cpu| cpu.0)),
            (Doing::Runnable, _) => self.explain_runnable(task),
            (_, Some(Reason::BackOff | Reason::SkipSleep)) => self.explain_back_off(task),
            (_, Some(Reason::ReaperIdle)) => self.explain_idle_reaper(task),
            _ if lock_waited_for(doing).is_some() => self.explain_lock(task),
            _ => self.explain_parked(task),
        }
    }

    /// A thread that is gone, while others may keep its memory in use.
    fn explain_exited(&mut self, task: TaskId) {
        let leader = self.index.cast.tasks[task].leader;
        let alive =
            |id: TaskId| !matches!(self.index.doing(id, self.seen), Doing::Unborn | Doing::Exited);
        let mut threads = self.index.cast.tasks.iter();
        let keeper = threads.find(|(id, info)| info.leader == leader && alive(*id));
        let Some((keeper, _)) = keeper else {
            return self.say_idle(task, "has exited", "nothing");
        };
        let name = self.name(keeper);
        let text =
            format!("{} has exited, but {name} still keeps its memory in use.", self.name(task));
        self.push(task, name, "memory", Some(keeper), text);
        self.follow(keeper);
    }

    fn explain_running(&mut self, task: TaskId, cpu: Option<u32>) {
        if self.index.device_of(task).is_some() {
            return self.explain_device(task);
        }
        let is_reaper = Some(task) == self.index.reaper;
        if is_reaper && self.explain_give_up(task) {
            return;
        }
        let work = if is_reaper { self.reaper_work() } else { None };
        let work = work.unwrap_or_else(|| "runs".to_owned());
        let place = cpu.map_or_else(String::new, |cpu| format!(" on CPU {cpu}"));
        self.say_idle(task, &format!("{work}{place}"), "nothing");
    }

    /// A link that ends a chain: `task` could go on, or is no more.
    fn say_idle(&mut self, task: TaskId, predicate: &str, waits_on: &str) {
        let text = format!("{} {predicate}.", self.name(task));
        self.push(task, waits_on.to_owned(), "none", None, text);
    }

    fn explain_runnable(&mut self, task: TaskId) {
        let running: Vec<_> = (0..self.index.tasks.len())
            .map(TaskId::from_index)
            .filter(|&other| matches!(self.index.doing(other, self.seen), Doing::Running(Some(_))))
            .collect();
        let names: Vec<_> = running.iter().map(|&other| self.name(other)).collect();
        let text = if names.is_empty() {
            format!("{} wants a CPU and is about to get one.", self.name(task))
        } else {
            let (verb, cpus) =
                if names.len() == 1 { ("has", "the CPU") } else { ("have", "the CPUs") };
            let names = super::words::list_text(&names);
            format!("{} wants a CPU, but {names} {verb} {cpus}.", self.name(task))
        };
        self.push(task, "a CPU".to_owned(), "cpu", running.first().copied(), text);
    }

    /// Adds a link about what `task` does now.
    fn push(
        &mut self,
        task: TaskId,
        waits_on: String,
        kind: &'static str,
        holder: Option<TaskId>,
        text: String,
    ) {
        let doing = self.index.doing(task, self.seen);
        let stack = match doing {
            Doing::Blocked { stack, .. } => self.index.cast.functions(stack),
            _ => Vec::new(),
        };
        self.links.push(WaitLink {
            task,
            since: self.since(task),
            waits_on,
            kind,
            holder,
            text,
            stack,
            inside: self.index.calls(task, self.seen),
            parent: self.parent,
        });
    }

    fn name(&self, task: TaskId) -> String {
        task_name(&self.index.cast, task)
    }

    /// Since when `task` does what it does.
    fn since(&self, task: TaskId) -> SimTime {
        match self.index.step(task, self.seen) {
            Some((step, _)) => self.index.time(step.record),
            None => SimTime::ZERO,
        }
    }

    /// How long `task` will go on doing what it does; `None` if the run
    /// ends first.
    fn left(&self, task: TaskId) -> Option<Nanos> {
        let (_, next) = self.index.step(task, self.seen)?;
        Some(self.index.time(next?).saturating_sub(self.at))
    }

    /// How long the notifier call that `task` is in will go on.
    fn left_of_call(&self, task: TaskId) -> Option<Nanos> {
        let call = self.index.call(task, self.seen)?;
        let end = self.index.times.get(call.to)?;
        Some(end.saturating_sub(self.at))
    }

    /// Of a wait that the run did not see end.
    fn beyond(&self) -> &'static str {
        match self.index.stop {
            Stop::Idle => "for ever: nothing is left that could end it",
            _ => "past the end of the run",
        }
    }

    /// `82 ms left`, or that it never ends.
    fn left_text(&self, task: TaskId) -> String {
        match self.left(task) {
            Some(left) => format!("{} left", span_text(left)),
            None => self.beyond().to_owned(),
        }
    }

    /// `1.20 s ago`, `just now`.
    fn ago(&self, record: usize) -> String {
        match self.at.saturating_sub(self.index.time(record)) {
            Nanos(0) => "just now".to_owned(),
            span => format!("{} ago", span_text(span)),
        }
    }
}
