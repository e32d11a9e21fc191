//! Victims: who was marked, when SKIP came, what their memory gave.
//!
//! A process is one victim however many of its threads are marked.

use std::collections::{BTreeMap, BTreeSet};

use super::index::Index;
use super::types::{Said, Victim};
use crate::base::{CgroupId, MmId, TaskId};
use crate::record::{Cast, Event, OomScope, Record, SkipBy, TaskKind};

/// A victim, in terms of records.
#[derive(Clone, Debug)]
pub(super) struct VictimFacts {
    /// Thread-group leader.
    pub(super) leader: TaskId,
    pub(super) mm: Option<MmId>,
    pub(super) killed: usize,
    pub(super) woken: Option<usize>,
    pub(super) skip: Option<(usize, SkipBy)>,
    /// The killer need not wait for it any more: SKIP was set, or, where
    /// there is no SKIP (4.6), its memory was reaped or torn down.
    pub(super) done: Option<usize>,
    pub(super) freed_pages: u64,
    /// Attempts of the reaper, a sleep in place of one among them.
    pub(super) attempts: u32,
    /// Times the reaper slept instead of trying (policies `skip-*`).
    pub(super) skipped: u32,
    /// Pages the reaper unmapped, and those of them that reached the free list.
    pub(super) reaped: (u64, u64),
    /// What the log says of it.
    pub(super) said: Option<Said>,
    /// The cgroup that was out of memory; none: the machine was.
    pub(super) scope: Option<CgroupId>,
    /// An earlier victim that still had pages when this one was marked,
    /// and how many. Of another cgroup's, they would not have helped; which
    /// cgroups are inside which is not on record.
    pub(super) needless: Option<(TaskId, u64)>,
}

/// Collects them.
pub(super) struct VictimsBuilder<'r> {
    cast: &'r Cast,
    victims: Vec<VictimFacts>,
    /// By killer: whom it sent SIGKILL last.
    signaled: BTreeMap<TaskId, TaskId>,
    /// By leader: `signal->oom_mm`.
    oom_mms: BTreeMap<TaskId, MmId>,
    /// Killers at work on a whole cgroup.
    groups: BTreeSet<TaskId>,
    /// By task: the cgroup whose limit it hit last.
    limits: BTreeMap<TaskId, CgroupId>,
    /// By killer: the cgroup on whose behalf it kills.
    scopes: BTreeMap<TaskId, CgroupId>,
}

impl<'r> VictimsBuilder<'r> {
    pub(super) fn new(cast: &'r Cast) -> Self {
        Self {
            cast,
            victims: Vec::new(),
            signaled: BTreeMap::new(),
            oom_mms: BTreeMap::new(),
            groups: BTreeSet::new(),
            limits: BTreeMap::new(),
            scopes: BTreeMap::new(),
        }
    }

    /// `present` has the pages of each address space after the record.
    pub(super) fn feed(&mut self, number: usize, record: &Record, present: &[u64]) {
        match record.event {
            Event::SignalGenerate { target } => {
                self.signaled.insert(record.task, target);
            }
            Event::MemcgOom { cgroup, .. } => {
                self.limits.insert(record.task, cgroup);
            }
            Event::OomKillProcess { scope, .. } => {
                let limit = self.limits.get(&record.task).copied();
                match limit.filter(|_| matches!(scope, OomScope::Memcg | OomScope::Group)) {
                    Some(cgroup) => self.scopes.insert(record.task, cgroup),
                    None => self.scopes.remove(&record.task),
                };
            }
            Event::OomMmSet { leader, mm } => {
                self.oom_mms.insert(leader, mm);
            }
            Event::OomGroupKill { .. } => {
                self.groups.insert(record.task);
            }
            Event::OutOfMemory { .. } => {
                self.groups.remove(&record.task);
                self.signaled.remove(&record.task);
            }
            Event::MarkVictim { victim, .. } => {
                let is_again = self.is_kill(record.task, victim);
                let scope = self.scopes.get(&record.task).copied();
                self.mark(number, victim, scope, if is_again { present } else { &[] });
            }
            Event::Reaped { victim, .. } => {
                if let Some(victim) = self.of_task(victim) {
                    victim.done.get_or_insert(number);
                    victim.said.get_or_insert(Said::Reaped);
                }
            }
            Event::UnableToReap { victim } => {
                if let Some(victim) = self.of_task(victim) {
                    victim.said = Some(Said::UnableToReap);
                }
            }
            Event::BackedOff { mm, .. } if self.is_reaper(record.task) => {
                for victim in self.of_mm(mm) {
                    victim.attempts += 1;
                    victim.skipped += 1;
                }
            }
            Event::ExitMmapDone { mm } => {
                for victim in self.of_mm(mm) {
                    victim.done.get_or_insert(number);
                }
            }
            Event::WakeReaper { victim } => {
                if let Some(victim) = self.of_task(victim) {
                    victim.woken.get_or_insert(number);
                }
            }
            Event::StartTaskReaping { victim } | Event::SkipTaskReaping { victim } => {
                if let Some(victim) = self.of_task(victim) {
                    victim.attempts += 1;
                }
            }
            Event::OomSkipSet { mm, by } => {
                for victim in self.of_mm(mm) {
                    victim.skip.get_or_insert((number, by));
                    victim.done.get_or_insert(number);
                }
            }
            Event::Zap { range, freed, pages } => {
                let by_reaper = self.is_reaper(record.task);
                if let Some(range) = self.cast.ranges.get(range) {
                    for victim in self.of_mm(range.mm) {
                        victim.freed_pages += u64::from(freed);
                        if by_reaper {
                            victim.reaped.0 += u64::from(pages);
                            victim.reaped.1 += u64::from(freed);
                        }
                    }
                }
            }
            Event::Unpinned { range, pages } => {
                if let Some(range) = self.cast.ranges.get(range) {
                    for victim in self.of_mm(range.mm) {
                        victim.freed_pages += u64::from(pages);
                    }
                }
            }
            _ => {}
        }
    }

    /// Whether marking `victim` means that somebody else had to die: it was
    /// sent SIGKILL for it, and not as one more of a cgroup that dies together.
    fn is_kill(&self, killer: TaskId, victim: TaskId) -> bool {
        let leader = self.cast.tasks.get(victim).map_or(victim, |info| info.leader);
        self.signaled.get(&killer) == Some(&leader) && !self.groups.contains(&killer)
    }

    fn mark(&mut self, number: usize, task: TaskId, scope: Option<CgroupId>, present: &[u64]) {
        if self.of_task(task).is_some() {
            return;
        }
        let info = self.cast.tasks.get(task);
        let leader = info.map_or(task, |info| info.leader);
        let mm_of = |task| self.cast.tasks.get(task)?.mm;
        let mm = self.oom_mms.get(&leader).copied().or(mm_of(task)).or(mm_of(leader));
        let needless = self.victims.iter().find_map(|earlier| {
            let pages = *present.get(earlier.mm?.index())?;
            let helps = scope.is_none() || scope == earlier.scope;
            (earlier.mm != mm && helps && pages > 0).then_some((earlier.leader, pages))
        });
        self.victims.push(VictimFacts {
            leader,
            mm,
            killed: number,
            woken: None,
            skip: None,
            done: None,
            freed_pages: 0,
            attempts: 0,
            skipped: 0,
            reaped: (0, 0),
            said: None,
            scope,
            needless,
        });
    }

    /// The reaper, or the worker that it hands ranges to.
    fn is_reaper(&self, task: TaskId) -> bool {
        let info = self.cast.tasks.get(task).filter(|info| info.kind == TaskKind::Kthread);
        info.is_some_and(|info| info.comm == "oom_reaper")
            || self.cast.hand_off_workers.contains(&task)
    }

    fn of_task(&mut self, task: TaskId) -> Option<&mut VictimFacts> {
        let leader = self.cast.tasks.get(task).map_or(task, |info| info.leader);
        self.victims.iter_mut().find(|victim| victim.leader == leader)
    }

    fn of_mm(&mut self, mm: MmId) -> impl Iterator<Item = &mut VictimFacts> {
        self.victims.iter_mut().filter(move |victim| victim.mm == Some(mm))
    }

    pub(super) fn finish(self) -> Vec<VictimFacts> {
        self.victims
    }
}

/// The victims' stories, in order of their kills.
pub fn victims(index: &Index) -> Vec<Victim> {
    let story = |facts: &VictimFacts| Victim {
        task: facts.leader,
        killed: index.time(facts.killed),
        skip: facts.skip.map(|(record, _)| index.time(record)),
        freed_pages: facts.freed_pages,
        attempts: facts.attempts,
        backed_off: facts.skipped,
        reaped_pages: facts.reaped.0,
        freed_by_reaper: facts.reaped.1,
        said: facts.said,
        done: facts.done.map(|record| index.time(record)),
    };
    index.victims.iter().map(story).collect()
}

impl VictimFacts {
    /// Killed, and the killer waits for its memory.
    pub(super) fn is_pending(&self, seen: usize) -> bool {
        self.killed < seen && self.done.is_none_or(|record| record >= seen)
    }

    /// Killed, but the reaper has not been told yet.
    pub(super) fn is_delayed(&self, seen: usize) -> bool {
        self.is_pending(seen) && self.woken.is_none_or(|record| record >= seen)
    }
}
