//! The one-word outcome of a run, why, and the flags raised.
//!
//! The first that holds, in this order:
//! - `panic`: the kernel panicked.
//! - `deadlock`: the reaper, or every task that waits for a page, is in a
//!   closed wait-for set at the end.
//! - `livelock`: a task asks for pages, nobody has got or freed one or
//!   released a lock other than `oom_lock` for a second, and nobody is
//!   left who could: no timer runs, no victim is on its way out.
//! - `stalled`: the run ended while somebody waited for a page, a victim
//!   was pending, or a task that nobody killed was blocked. Tasks that
//!   sleep by their own wish, or idle for ever, do not count, nor do
//!   threads of a victim that is done with.
//! - `no-oom`: nobody was marked.
//! - `extra-victims`: somebody was marked while an earlier victim still
//!   had a page present.
//! - `recovered`: the rest. Whoever still lives has its pages, and nothing
//!   keeps anybody from more. Where free memory did not rise above the
//!   high watermark (there was nothing for kswapd to reclaim and it has
//!   given up, or the OOM was a cgroup's) the evidence says so; while
//!   kswapd is still at it, the run has not come to its end: `stalled`.

#[cfg(test)]
mod tests;

use super::graph::{closed_at_end, is_allocating};
use super::index::{Index, lock_waited_for};
use super::metrics::recovery;
use super::replay::{Doing, is_own_wish};
use super::types::{ClosedSet, Verdict, WaitEdge, WaitFor};
use super::wait_for::{edge_text, main_cycle, nobody_text};
use super::waits::wait_chain;
use super::words::{list_text, process_name, size_text, span_text, task_name, time_text};
use crate::base::{SimTime, TaskId};
use crate::check::wait_for::closed::Closed;
use crate::check::wait_for::needs::QUIET;
use crate::engine::Stop;
use crate::record::{PanicText, Reason, TaskKind};

/// A verdict with its evidence.
pub(super) struct Judgment {
    pub(super) verdict: Verdict,
    pub(super) evidence: String,
}

/// Judges a run, given which sets of tasks could no longer go on.
pub(super) fn judge(index: &Index, wait_for: &WaitFor) -> Judgment {
    let end = End::of(index);
    let panic = end.panic().map(|evidence| (Verdict::Panic, evidence));
    let deadlock = || end.deadlock(wait_for).map(|evidence| (Verdict::Deadlock, evidence));
    let livelock = || end.livelock().map(|evidence| (Verdict::Livelock, evidence));
    let stalled = || end.stalled().map(|evidence| (Verdict::Stalled, evidence));
    let bad = panic.or_else(deadlock).or_else(livelock).or_else(stalled);
    let (verdict, evidence) = bad.unwrap_or_else(|| end.calm());
    Judgment { verdict, evidence }
}

/// The state a run ended in.
struct End<'i> {
    index: &'i Index,
    seen: usize,
    /// Tasks in the slow path of an allocation.
    allocators: Vec<TaskId>,
}

impl<'i> End<'i> {
    fn of(index: &'i Index) -> Self {
        let seen = index.times.len();
        let allocators = index
            .cast
            .tasks
            .iter()
            .filter(|(id, info)| {
                matches!(info.kind, TaskKind::User | TaskKind::Kthread)
                    && index.doing(*id, seen).is_alive()
                    && index.stall(*id, seen).is_some()
            })
            .map(|(id, _)| id)
            .collect();
        Self { index, seen, allocators }
    }

    fn name(&self, task: TaskId) -> String {
        task_name(&self.index.cast, task)
    }

    fn panic(&self) -> Option<String> {
        let (record, text) = self.index.panic?;
        let why = match text {
            PanicText::Deadlocked | PanicText::NoKillable => {
                "out of memory, and nobody left to kill"
            }
            PanicText::SystemWide | PanicText::Compulsory => {
                "out of memory, which vm.panic_on_oom does not forgive"
            }
        };
        Some(format!(
            "The kernel panicked at {}: {why} ({}).",
            time_text(self.index.time(record)),
            text.text()
        ))
    }

    fn deadlock(&self, wait_for: &WaitFor) -> Option<String> {
        let closed = closed_at_end(self.index);
        let reaper = self.index.reaper.filter(|&reaper| closed.contains(reaper));
        let are_all_stuck = self.allocators.iter().all(|&task| closed.contains(task));
        let first = self.allocators.first().copied().filter(|_| are_all_stuck);
        let from = reaper.or(first)?;
        let mut way = closed.way(from);
        let end = way.last().copied().unwrap_or(from);
        let for_ever = wait_for.closed.iter().filter(|set| set.until.is_none());
        let set = for_ever.rev().find(|set| set.tasks.contains(&end));
        // Of several cycles the one that is told elsewhere, too.
        let cycle = set.and_then(|set| main_cycle(set, Some(from))).unwrap_or_default();
        if cycle.first().is_some_and(|edge| edge.from == from) {
            way = cycle.iter().map(|edge| edge.from).chain([from]).collect();
        }
        let last = way.last().copied().unwrap_or(from);
        let since = match set {
            Some(set) => self.index.time(set.record),
            None => way.iter().filter_map(|&task| self.since(task)).max().unwrap_or_default(),
        };
        let hops = way.iter().zip(way.iter().skip(1));
        let hops = hops.map(|(&from, &to)| self.hop(&closed, from, to)).collect::<String>();
        let name = self.name(from);
        let end = if way.len() > 1 && way.iter().filter(|&&task| task == last).count() > 1 {
            format!("{name}{hops}.")
        } else {
            let doing = self.index.doing(last, self.seen);
            let (what, nobody) =
                (doing.reason().map_or("something", Reason::text), nobody_text(doing));
            let which = if way.len() > 1 { ", which" } else { "" };
            format!("{name}{hops}{which} waits for {what}: {nobody}.")
        };
        let others = set.map_or_else(String::new, |set| self.others(&closed, set, &way));
        let since = time_text(since);
        Some(format!("From {since} on {name} could never go on: {end}{others}"))
    }

    /// ` → presser (svm_lock)`.
    fn hop(&self, closed: &Closed, from: TaskId, to: TaskId) -> String {
        let Some(need) = closed.need(from, to) else { return format!(" → {}", self.name(to)) };
        let edge = WaitEdge { from, to, kind: need.kind, since: 0, any: false };
        format!(" → {} ({})", self.name(to), edge_text(self.index, &edge, self.seen))
    }

    /// Those of a closed set who are not on the way: they could have helped, but wait as well.
    fn others(&self, closed: &Closed, set: &ClosedSet, way: &[TaskId]) -> String {
        let others = set.tasks.iter().filter(|task| !way.contains(task));
        let told = others.filter_map(|&task| {
            let to = *closed.next(task).first()?;
            let hop = self.hop(closed, task, to);
            Some(format!("{}, which waits for{}", self.name(task), hop.trim_start_matches(" →")))
        });
        let told: Vec<_> = told.take(3).collect();
        if told.is_empty() { String::new() } else { format!(" Nor could {}.", told.join(", nor ")) }
    }

    fn since(&self, task: TaskId) -> Option<SimTime> {
        let record = self.index.waits_since(task, self.seen)?;
        Some(self.index.time(record))
    }

    fn livelock(&self) -> Option<String> {
        if let Stop::NoProgress(task) = self.index.stop {
            return Some(format!(
                "At {} {} ran over and over without time passing.",
                time_text(self.index.end),
                self.name(task)
            ));
        }
        let since = self.index.last_progress();
        let quiet = self.index.end.saturating_sub(since);
        let tasks = (0..self.index.tasks.len()).map(TaskId::from_index);
        if self.allocators.is_empty()
            || quiet < QUIET
            || tasks.into_iter().any(|t| self.may_help(t))
        {
            return None;
        }
        let names: Vec<_> = self.allocators.iter().map(|&task| self.name(task)).collect();
        let why = wait_chain(self.index, self.allocators[0], self.index.end);
        let why = why.first().map_or("", |link| &link.text);
        Some(format!(
            "Only retries of {} ran in the last {} (since {}). {why}",
            list_text(&names),
            span_text(quiet),
            time_text(since)
        ))
    }

    /// Whether `task` will go on by itself, so that something may change.
    fn may_help(&self, task: TaskId) -> bool {
        let doing = self.index.doing(task, self.seen);
        if is_allocating(self.index, task, self.seen) || lock_waited_for(doing).is_some() {
            return false;
        }
        let is_device = self.index.device_of(task).is_some();
        match (doing, doing.reason()) {
            (Doing::Unborn | Doing::Exited, _) => false,
            // A device at work helps whoever waits for its fence; see there.
            (Doing::Running(_) | Doing::Runnable, _) => !is_device,
            (_, Some(Reason::Fence)) => self.signaler_runs(task),
            // Who waits for these goes on when another task does.
            (
                _,
                Some(
                    Reason::FlushWork
                    | Reason::NotifierEnd
                    | Reason::IntervalRead
                    | Reason::RangeActive
                    | Reason::Srcu
                    | Reason::AnonVma
                    | Reason::Frozen
                    | Reason::NamedEvent
                    | Reason::PfMemalloc
                    | Reason::Vfork
                    | Reason::CoreDump
                    | Reason::CoreDumpStart,
                )
                | None,
            ) => false,
            (_, Some(reason)) => !is_own_wish(reason) && !is_device,
        }
    }

    fn signaler_runs(&self, task: TaskId) -> bool {
        let device = self.index.device_waited_for(task, self.seen);
        let worker = device.and_then(|device| self.index.cast.devices.get(device)?.task);
        worker.is_none_or(|worker| matches!(self.index.doing(worker, self.seen), Doing::Running(_)))
    }

    fn stalled(&self) -> Option<String> {
        let waiting = self
            .allocators
            .first()
            .copied()
            .or_else(|| self.pending_victim())
            .or_else(|| self.blocked_survivor())
            .or_else(|| self.busy_kswapd())?;
        let how = match self.index.stop {
            // Whoever asked for a page could go on: what waits, waits for something else.
            Stop::Idle if self.allocators.is_empty() => "Nobody waits for memory",
            Stop::Idle => "Nothing more can happen",
            Stop::EventLimit => "The limit on events was reached",
            _ => "The run was over",
        };
        let chain = wait_chain(self.index, waiting, self.index.end);
        let why: Vec<_> = chain.into_iter().map(|link| link.text).collect();
        Some(format!("{how} at {}, but: {}", time_text(self.index.end), why.join(" ")))
    }

    /// The task to ask why a victim is pending: the reaper if it has been
    /// told, else the victim.
    fn pending_victim(&self) -> Option<TaskId> {
        let mut victims = self.index.victims.iter();
        let victim = victims.find(|victim| victim.is_pending(self.seen))?;
        let is_delayed = victim.is_delayed(self.seen);
        Some(self.index.reaper.filter(|_| !is_delayed).unwrap_or(victim.leader))
    }

    /// kswapd, if it is still at it after a kill: what it frees may yet be enough.
    fn busy_kswapd(&self) -> Option<TaskId> {
        let kswapd = self.index.kswapd?;
        let doing = self.index.doing(kswapd, self.seen);
        let is_idle = doing.reason().is_some_and(is_own_wish) || !doing.is_alive();
        let has_recovered = self.index.victims.is_empty() || recovery(self.index).is_some();
        (!is_idle && !has_recovered).then_some(kswapd)
    }

    fn blocked_survivor(&self) -> Option<TaskId> {
        let users = self.index.cast.tasks.iter().filter(|(_, info)| info.kind == TaskKind::User);
        let is_blocked = |task: TaskId| {
            let doing = self.index.doing(task, self.seen);
            let is_wish = doing.reason().is_some_and(is_own_wish);
            matches!(doing, Doing::Blocked { .. }) && !is_wish
        };
        users.map(|(id, _)| id).find(|&id| !self.index.is_killed(id, self.seen) && is_blocked(id))
    }

    /// Nobody waits: the three good ends.
    fn calm(&self) -> (Verdict, String) {
        let victims = &self.index.victims;
        let Some(last) = victims.last() else {
            let evidence = "Nobody was killed, and nobody waits for memory.";
            return (Verdict::NoOom, evidence.to_owned());
        };
        let needless = victims.iter().find_map(|victim| Some((victim, victim.needless?)));
        if let Some((victim, (earlier, pages))) = needless {
            let evidence = format!(
                "{} was killed at {} although {}, killed before, still had {}.",
                process_name(&self.index.cast, victim.leader),
                time_text(self.index.time(victim.killed)),
                process_name(&self.index.cast, earlier),
                size_text(pages)
            );
            return (Verdict::ExtraVictims, evidence);
        }
        let names: Vec<_> =
            victims.iter().map(|victim| process_name(&self.index.cast, victim.leader)).collect();
        let last_kill = time_text(self.index.time(last.killed));
        let killed = match names.as_slice() {
            [one] => format!("{one} was killed at {last_kill}"),
            many => format!("{} were killed, the last at {last_kill}", list_text(many)),
        };
        let outcome = match recovery(self.index) {
            Some(at) => format!(
                "by {} free memory was above the high watermark and every survivor had got its \
                 page",
                time_text(at)
            ),
            None => {
                "nobody waits for a page, but free memory did not rise above the high watermark"
                    .to_owned()
            }
        };
        let evidence = format!("{killed}; {outcome}.");
        (Verdict::Recovered, evidence)
    }
}
