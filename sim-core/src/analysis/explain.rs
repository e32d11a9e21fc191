//! A run as a story: a few sentences in plain words, every number from
//! the records. Who filled memory, who was killed for whom and why, what
//! the reaper got and who refused it, what waited for what, how it ended.
//!
//! At most ten lines, however long the run was: what happened often is
//! counted, and what comes after the second kill is summed up.

mod checkers;
mod choice;
mod exit;
mod later;
mod memory;
mod obstacle;
mod outside;
mod worker;

use super::blame::{Cause, cause_text, recovery_blame};
use super::flags::lost_ends;
use super::index::Index;
use super::reaping::{Attempt, Outcome};
use super::types::{Report, Said, Verdict, Victim};
use super::victims::VictimFacts;
use super::wait_for::{closed_text, dependency_text};
use super::words::{
    count_text, list_text, notifier_name, process_name, size_text, span_text, task_name, time_text,
};
use crate::base::{Nanos, TaskId};
use crate::record::{Event, Gfp, OomScope, Run, SkipBy, TaskKind};

/// Causes that the sum of a wait names.
const PARTS_MAX: usize = 4;

/// The story of a run, sentence by sentence; how it ended is the report's evidence.
pub fn explain(run: &Run, index: &Index, report: &Report) -> Vec<String> {
    let tale = Tale { run, index, report };
    let parts = [
        Some(tale.memory()),
        tale.kill(),
        tale.reaping(),
        tale.exit(),
        tale.later_deaths(),
        tale.longest_wait(),
        tale.path(),
        tale.callbacks(),
        tale.danger(),
        tale.besides(),
    ];
    parts.into_iter().flatten().collect()
}

struct Tale<'r> {
    run: &'r Run,
    index: &'r Index,
    report: &'r Report,
}

impl Tale<'_> {
    fn first(&self) -> Option<(&VictimFacts, &Victim)> {
        Some((self.index.victims.first()?, self.report.victims.first()?))
    }

    fn name(&self, task: TaskId) -> String {
        task_name(&self.index.cast, task)
    }

    fn is_timer(&self, task: TaskId) -> bool {
        let info = self.index.cast.tasks.get(task);
        info.is_some_and(|info| info.kind == TaskKind::Timer)
    }

    /// Who was killed, for whose request, and why that one.
    fn kill(&self) -> Option<String> {
        let (facts, victim) = self.first()?;
        let cast = &self.index.cast;
        let record = self.run.trace.get(facts.killed)?;
        let process = self.killing(facts.killed);
        let pid = cast.tasks.get(victim.task).map_or(0, |info| info.pid);
        let who = format!("{} (pid {pid})", self.name(victim.task));
        let (asker, why) = match process {
            Some((_, _, OomScope::Sysrq)) => ("Somebody pressed sysrq-f".to_owned(), true),
            // Who lowers a limit is nobody's thread.
            Some((task, _, OomScope::Memcg)) if self.is_timer(task) => {
                ("The limit of its cgroup was lowered".to_owned(), true)
            }
            // Whatever the page is for, it is charged with GFP_KERNEL.
            Some((task, _, OomScope::Memcg)) => {
                (format!("{} needed a page beyond its cgroup's limit", self.name(task)), true)
            }
            Some((task, gfp, _)) => {
                (format!("{} {}, and there was none", self.name(task), wish(gfp)), true)
            }
            None => (format!("{} was to die anyway", self.name(record.task)), false),
        };
        let why = match process {
            Some((_, _, OomScope::AllocatingTask)) => {
                ", as vm.oom_kill_allocating_task has it".to_owned()
            }
            _ if why => self.choice(facts, victim),
            _ => String::new(),
        };
        let told = self.telling(facts, victim);
        Some(format!("{asker}: at {} {who} was killed{why}. {told}", time_text(victim.killed)))
    }

    /// When the reaper came, if it did.
    fn telling(&self, facts: &VictimFacts, victim: &Victim) -> String {
        let Some(woken) = facts.woken else {
            return match (victim.done, facts.skip) {
                (Some(done), Some((_, SkipBy::Exit))) => format!(
                    "The reaper was not needed: {} had torn its memory down itself within {}.",
                    self.name(victim.task),
                    span_text(done.saturating_sub(victim.killed))
                ),
                _ => "The reaper was never told.".to_owned(),
            };
        };
        let delay = self.index.time(woken).saturating_sub(victim.killed);
        if delay == Nanos::ZERO {
            "The reaper was told at once.".to_owned()
        } else {
            format!("The reaper was told {} later.", span_text(delay))
        }
    }

    /// What it got of the first victim, who was in its way, and how it ended.
    fn reaping(&self) -> Option<String> {
        let (facts, victim) = self.first()?;
        if victim.backed_off > 0 {
            let why = self.index.backed_off.iter().find(|(_, mm, _)| Some(*mm) == facts.mm);
            let why = why.map_or_else(
                || "a notifier".to_owned(),
                |&(.., notifier)| notifier_name(&self.index.cast, notifier),
            );
            return Some(format!(
                "It took nothing from {}, because {why} might block, and slept a second instead.",
                self.name(victim.task)
            ));
        }
        if victim.attempts == 0 {
            return None;
        }
        let worker = self.worker(facts);
        let of_worker = u64::from(worker.is_some_and(|worker| worker.has_begun));
        let tries = count_text(u64::from(victim.attempts).saturating_sub(of_worker), "attempt");
        let who = self.name(victim.task);
        let (handed, handed_freed) =
            worker.map_or((0, 0), |worker| (worker.unmapped, worker.freed));
        let freed = match victim.freed_by_reaper.saturating_sub(handed_freed) {
            0 => "none".to_owned(),
            pages => size_text(pages),
        };
        let is_all = victim.said == Some(Said::Reaped) && worker.is_none();
        let all = match () {
            () if !is_all => "",
            () if self.is_exit_ahead(facts, victim) => ", all that its own exit had left",
            () => ", all it may take",
        };
        let got = match victim.reaped_pages.saturating_sub(handed) {
            0 => format!("In {tries} the reaper unmapped nothing of {who}'s memory"),
            pages => format!(
                "In {tries} the reaper unmapped {} of {who}'s memory{all}; {freed} of that came free",
                size_text(pages)
            ),
        };
        let obstacle = self.obstacle(victim.task);
        let end = match (victim.said, facts.skip) {
            _ if let Some(worker) = worker => self.worker_text(facts, victim, &worker),
            (Some(Said::UnableToReap), _) => {
                format!("; then it gave up, with {} left", self.kept(facts, victim))
            }
            (Some(Said::Reaped), _) => self.pinned(facts),
            _ if self.is_last_under_way() && victim.attempts == 1 => {
                "; that attempt never ended".to_owned()
            }
            _ if self.is_last_under_way() => "; the last one never ended".to_owned(),
            _ => String::new(),
        };
        let elsewhere = self.refused_elsewhere();
        Some(format!("{got}{obstacle}{elsewhere}{end}."))
    }

    /// The record at which the reaper was done with a victim.
    fn reaped(&self, facts: &VictimFacts) -> Option<usize> {
        let leader = |task| self.index.cast.tasks.get(task).map_or(task, |info| info.leader);
        let mut attempts = self.index.attempts.iter();
        let is_it =
            |it: &&Attempt| it.outcome == Outcome::Reaped && leader(it.victim) == facts.leader;
        attempts.find(is_it)?.to
    }

    /// Whether the victim tore down more than a little of its memory before the reaper came to it.
    fn is_exit_ahead(&self, facts: &VictimFacts, victim: &Victim) -> bool {
        let (Some(mm), Some(to)) = (facts.mm, self.reaped(facts)) else { return false };
        let had = self.index.present(mm, victim.killed);
        let left = self.index.present(mm, self.index.time(to));
        let swapped = self.swapped_of(mm, to).saturating_sub(self.swapped_of(mm, facts.killed));
        had.saturating_sub(victim.reaped_pages + left + swapped) > had / 100
    }

    /// What a victim still had when it was given up.
    fn kept(&self, facts: &VictimFacts, victim: &Victim) -> String {
        let leader = |task| self.index.cast.tasks.get(task).map_or(task, |info| info.leader);
        let mut give_ups = self.index.give_ups.iter();
        let give_up = give_ups.find(|&&(_, task)| leader(task) == victim.task);
        let at = give_up.map_or(victim.killed, |&(record, _)| self.index.time(record));
        size_text(facts.mm.map_or(0, |mm| self.index.present(mm, at)))
    }

    /// That a device kept the rest, if one did when the reaper was done.
    fn pinned(&self, facts: &VictimFacts) -> String {
        let cast = &self.index.cast;
        let of_victim =
            |range| cast.ranges.get(range).is_some_and(|info| Some(info.mm) == facts.mm);
        let until = self.reaped(facts).unwrap_or(usize::MAX);
        let mut pinned: u64 = 0;
        for record in self.run.trace.iter().take(until) {
            match record.event {
                Event::StillPinned { range, pages } if of_victim(range) => {
                    pinned += u64::from(pages);
                }
                Event::Unpinned { range, pages } if of_victim(range) => {
                    pinned = pinned.saturating_sub(u64::from(pages));
                }
                _ => {}
            }
        }
        match pinned {
            0 => String::new(),
            pages => format!(", while a device still held {}", size_text(pages)),
        }
    }

    fn is_last_under_way(&self) -> bool {
        self.index.attempts.last().is_some_and(|last| last.outcome == Outcome::UnderWay)
    }

    /// The kills after the first.
    fn others(&self) -> Option<String> {
        let [_, others @ ..] = self.report.victims.as_slice() else { return None };
        let (second, more) = others.split_first()?;
        let cast = &self.index.cast;
        let facts = self.index.victims.get(1)?;
        let although = match facts.needless {
            Some((earlier, pages)) => {
                format!(", although {} still had {}", process_name(cast, earlier), size_text(pages))
            }
            None => String::new(),
        };
        let more = match more.last() {
            None => String::new(),
            Some(last) if more.len() == 1 => {
                format!("; {} followed at {}", self.name(last.task), time_text(last.killed))
            }
            Some(last) => {
                let count = u64::try_from(more.len()).unwrap_or(u64::MAX);
                format!("; {count} more followed, the last at {}", time_text(last.killed))
            }
        };
        Some(format!(
            "At {} {} was killed too{although}{more}.",
            time_text(second.killed),
            self.name(second.task)
        ))
    }

    /// Who waited longest for a page.
    fn longest_wait(&self) -> Option<String> {
        let wait = self.report.longest_wait.filter(|wait| wait.lasted >= Nanos::from_ms(1))?;
        let never = if wait.is_open { "; it never got it" } else { "" };
        Some(format!(
            "{} waited longest for a page: {}, from {} on{never}.",
            self.name(wait.task),
            span_text(wait.lasted),
            time_text(wait.from)
        ))
    }

    /// What the time from the kill to recovery went to.
    fn path(&self) -> Option<String> {
        let blame = recovery_blame(self.index)?;
        let whole: Nanos = blame.causes.iter().map(|&(_, sum)| sum).sum();
        if whole < Nanos::from_ms(1) {
            return self.served_at_once(whole);
        }
        let until = match self.report.metrics.oom_to_recovery_ns {
            Some(_) => self.until_served(),
            None => "from the kill to the end",
        };
        let part = |&(cause, sum): &(Cause, Nanos)| match cause {
            Cause::Idle => format!("{} while nobody waited", span_text(sum)),
            _ => format!("{} in {}", span_text(sum), cause_text(self.index, cause)),
        };
        // The longest by name, the rest in a sum where that shows in three digits.
        let large = blame.causes.iter().take_while(|(_, sum)| sum.0 >= whole.0 / 100).count();
        let (named, rest) = blame.causes.split_at(large.min(PARTS_MAX));
        let mut parts: Vec<_> = named.iter().map(part).collect();
        let sum: Nanos = rest.iter().map(|&(_, sum)| sum).sum();
        match rest {
            _ if sum.0 < whole.0 / 1000 => {}
            [only] => parts.push(part(only)),
            _ => parts.push(format!("{} in {} other causes", span_text(sum), rest.len())),
        }
        let again = self.served_again();
        Some(format!("{} passed {until}: {}{again}.", span_text(whole), list_text(&parts)))
    }

    /// How long callbacks were held up.
    fn callbacks(&self) -> Option<String> {
        let (longest, task) = self
            .index
            .tasks
            .iter()
            .enumerate()
            .flat_map(|(number, track)| track.calls.items.iter().map(move |call| (call, number)))
            .max_by_key(|(call, number)| (call.what.blocked, std::cmp::Reverse(*number)))?;
        let blocked = longest.what.blocked;
        if blocked < Nanos::from_ms(1) {
            return None;
        }
        let calls = self.report.metrics.callbacks;
        Some(format!(
            "Notifiers were called {}; the longest call was held up {}: {}'s, for {}.",
            times_text(calls),
            span_text(blocked),
            notifier_name(&self.index.cast, longest.what.notifier),
            self.name(TaskId::from_index(task))
        ))
    }

    /// What the oracle found, the worst of it.
    fn danger(&self) -> Option<String> {
        let found = &self.report.wait_for;
        let stuck = found.closed.iter().find(|set| set.until.is_none());
        // What is closed in the end is the evidence of a deadlock.
        let is_told = self.report.verdict == Verdict::Deadlock;
        if let Some(set) = stuck.or(found.closed.first()).filter(|_| !is_told) {
            return Some(format!("{}.", capital(&closed_text(self.index, set))));
        }
        let dependency = found.dependencies.first()?;
        let at = time_text(self.index.time(dependency.record));
        Some(format!("At {at} {}.", dependency_text(self.index, dependency)))
    }

    /// The flags, in words.
    fn oddities(&self) -> Option<String> {
        let metrics = &self.report.metrics;
        let flags = self.report.flags.iter().filter(|&&flag| flag != "lockdep");
        let words = flags.map(|&flag| match flag {
            "stale-access" => {
                format!(
                    "a device used pages after they were freed ({})",
                    times_text(metrics.stale_accesses)
                )
            }
            "slept-nonblocking" => "a callback slept although it must not".to_owned(),
            "lost-end" => match lost_ends(self.index) {
                1 => "an invalidation was begun that nobody ends".to_owned(),
                count => format!("{count} ends of invalidations never came"),
            },
            "hung-task" => {
                format!(
                    "the hung-task detector reported {}",
                    count_text(metrics.hung_tasks, "task")
                )
            }
            "reserve-exhausted" => "the reserves were used up".to_owned(),
            other => format!("{other} was reported"),
        });
        let words: Vec<_> = words.collect();
        (!words.is_empty()).then(|| format!("Besides, {}.", list_text(&words)))
    }
}

/// What a request with these flags is for.
fn wish(gfp: u32) -> String {
    if Gfp(gfp).has(Gfp::USER) {
        "needed a page for memory of its own".to_owned()
    } else {
        format!("needed a page in the kernel ({})", Gfp(gfp).text())
    }
}

/// `once`, `twice`, `10 times`.
fn times_text(count: u64) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        _ => count_text(count, "time"),
    }
}

/// With a capital, where that is a word of ours: a name of the scenario is spelled as it is.
fn capital(text: &str) -> String {
    text.strip_prefix("since ").map_or_else(|| text.to_owned(), |rest| format!("Since {rest}"))
}
