//! I1, I2, I3, I16 and I17: who may be killed, by whom, and what is set
//! once (mm/oom_kill.c).

use std::collections::{BTreeMap, BTreeSet};

use super::{mm_name, mm_of, name, slot};
use crate::base::{CgroupId, MmId, TaskId};
use crate::kernel::switches::Switches;
use crate::record::{Breach, Cast, Event, Gfp, Invariant, OomScope, Record};

/// `order` of a request by sysrq-f, which stands for -1.
const SYSRQ_ORDER: u8 = 255;

/// A victim whose memory is still waited for.
struct Pending {
    leader: TaskId,
    mm: MmId,
    marked: Record,
}

/// A kill under way.
struct Kill {
    begun: Record,
    signalled: Vec<TaskId>,
}

/// Victims and their mms.
pub(super) struct Victims {
    switches: &'static Switches,
    kills_allocating_task: bool,
    oom_mm: BTreeMap<TaskId, Record>,
    /// By mm: the record that set SKIP.
    skip: Vec<Option<Record>>,
    pending: Vec<Pending>,
    kills: BTreeMap<TaskId, Kill>,
    /// The cgroup whose limit a task last hit.
    memcg: BTreeMap<TaskId, CgroupId>,
    /// Threads that have exited, before their process was marked or since.
    exited: BTreeSet<TaskId>,
}

impl Victims {
    pub(super) fn new(switches: &'static Switches, kills_allocating_task: bool) -> Self {
        Self {
            switches,
            kills_allocating_task,
            oom_mm: BTreeMap::new(),
            skip: Vec::new(),
            pending: Vec::new(),
            kills: BTreeMap::new(),
            memcg: BTreeMap::new(),
            exited: BTreeSet::new(),
        }
    }

    /// Whether SKIP was set.
    pub(super) fn is_skipped(&self, mm: MmId) -> bool {
        self.skip.get(mm.index()).is_some_and(Option::is_some)
    }

    pub(super) fn oom_mm_set(
        &mut self,
        record: &Record,
        leader: TaskId,
        mm: MmId,
        cast: &Cast,
    ) -> Result<(), Breach> {
        match self.oom_mm.insert(leader, *record) {
            None => Ok(()),
            Some(first) => {
                let (who, what) = (name(cast, leader), mm_name(cast, mm));
                let text = format!("signal->oom_mm of {who} is set again, to the mm of {what}");
                Err(Breach::new(Invariant::FlagsAreMonotone, text).after(first))
            }
        }
    }

    pub(super) fn skip_set(
        &mut self,
        record: &Record,
        mm: MmId,
        cast: &Cast,
    ) -> Result<(), Breach> {
        self.pending.retain(|victim| victim.mm != mm);
        match slot(&mut self.skip, mm.index()).replace(*record) {
            None => Ok(()),
            Some(first) => {
                let text = format!("SKIP is set on the mm of {} again", mm_name(cast, mm));
                Err(Breach::new(Invariant::FlagsAreMonotone, text).after(first))
            }
        }
    }

    pub(super) fn memcg_oom(&mut self, task: TaskId, cgroup: CgroupId) {
        self.memcg.insert(task, cgroup);
    }

    pub(super) fn kill_begun(&mut self, record: &Record, cast: &Cast) -> Result<(), Breach> {
        let Event::OomKillProcess { victim, gfp, order, scope, .. } = record.event else {
            return Ok(());
        };
        self.kills.insert(record.task, Kill { begun: *record, signalled: Vec::new() });
        if scope == OomScope::Group {
            // The members of a group die with their victim, whatever state they are in.
            return Ok(());
        }
        let unasked = scope == OomScope::AllocatingTask;
        self.has_no_skip(victim, "is chosen", unasked, cast)?;
        let cgroup = match scope {
            OomScope::Memcg => self.memcg.get(&record.task).copied(),
            _ => None,
        };
        // A cgroup waits for victims in it and below, whoever killed them, as long as they are
        // in it: who has exited has left. Scans by processes do so when the leader is gone and the last
        // thread begins to exit, of which no record tells.
        let here = |pending: &Pending| {
            let is_here = |thread: &TaskId| !self.exited.contains(thread);
            let mut threads = cast.tasks.iter().filter(|(_, info)| info.leader == pending.leader);
            cgroup.is_some_and(|cgroup| cast.is_in_cgroup(pending.leader, cgroup))
                && if self.switches.scans_cgroup_by_threads {
                    threads.any(|(thread, _)| is_here(&thread))
                } else {
                    is_here(&pending.leader)
                }
        };
        let in_scope = |pending: &&Pending| match scope {
            OomScope::Global | OomScope::AllocatingTask => true,
            OomScope::Memcg => here(pending),
            OomScope::Sysrq | OomScope::Group => false,
        };
        if let Some(pending) = self.pending.iter().find(in_scope) {
            let (who, first) = (name(cast, victim), name(cast, pending.leader));
            let text = format!("{who} is chosen while {first} is pending without SKIP");
            return Err(Breach::new(Invariant::OnePendingVictim, text)
                .unless(unasked || self.switches.victim_is_memdie)
                .after(pending.marked));
        }
        let may_kill = Gfp(gfp).has(Gfp::FS)
            || order == SYSRQ_ORDER
            || !matches!(scope, OomScope::Global | OomScope::AllocatingTask)
            || (gfp == 0 && self.switches.page_fault_kills)
            || (Gfp(gfp).has(Gfp::NOFAIL) && self.switches.nofail_always_kills);
        if !may_kill {
            let (who, flags) = (name(cast, record.task), Gfp(gfp).text());
            let text = format!("{who} kills {} for a request with {flags}", name(cast, victim));
            return Err(Breach::new(Invariant::NoKillWithoutFs, text));
        }
        Ok(())
    }

    /// I3: nothing more is done about a task whose mm has SKIP, unless it was `unasked`: step 6 of
    /// `out_of_memory()` chooses without a look at that.
    fn has_no_skip(
        &self,
        victim: TaskId,
        what: &str,
        unasked: bool,
        cast: &Cast,
    ) -> Result<(), Breach> {
        let skip = mm_of(cast, victim).and_then(|mm| *self.skip.get(mm.index())?);
        match skip {
            None => Ok(()),
            Some(skip) => {
                let text = format!("{} {what} although its mm has SKIP", name(cast, victim));
                Err(Breach::new(Invariant::SkipEndsReaping, text).unless(unasked).after(skip))
            }
        }
    }

    /// Nobody is killed because this one is still pending.
    pub(super) fn is_waited_for(&self, victim: TaskId, cast: &Cast) -> Result<(), Breach> {
        self.has_no_skip(victim, "is waited for", false, cast)
    }

    /// The record that set SKIP on an mm.
    pub(super) fn skip_of(&self, mm: MmId) -> Option<Record> {
        *self.skip.get(mm.index())?
    }

    pub(super) fn is_reapable(&self, victim: TaskId, cast: &Cast) -> Result<(), Breach> {
        self.has_no_skip(victim, "is reaped", self.kills_allocating_task, cast)
    }

    pub(super) fn signalled(&mut self, killer: TaskId, target: TaskId) {
        if let Some(kill) = self.kills.get_mut(&killer) {
            kill.signalled.push(target);
        }
    }

    /// A thread is gone, and so out of its cgroup.
    pub(super) fn exited(&mut self, task: TaskId) {
        self.exited.insert(task);
    }

    /// `out_of_memory()` returned, perhaps because the chosen one was gone.
    pub(super) fn kill_over(&mut self, killer: TaskId) {
        self.kills.remove(&killer);
    }

    pub(super) fn marked(
        &mut self,
        record: &Record,
        victim: TaskId,
        cast: &Cast,
    ) -> Result<(), Breach> {
        let leader = cast.tasks.get(victim).map_or(victim, |info| info.leader);
        let kill = self.kills.remove(&record.task);
        if let Some(mm) = mm_of(cast, victim)
            && !self.is_skipped(mm)
            && self.pending.iter().all(|pending| pending.leader != leader)
        {
            self.pending.push(Pending { leader, mm, marked: *record });
        }
        match kill {
            Some(kill) if !kill.signalled.contains(&leader) => {
                let text = format!("{} is marked before it got SIGKILL", name(cast, victim));
                Err(Breach::new(Invariant::SigkillBeforeReserves, text).after(kill.begun))
            }
            Some(_) => Ok(()),
            // Who dies already is marked without being killed, unless its memory was dealt with.
            None => self.has_no_skip(victim, "is marked", self.kills_allocating_task, cast),
        }
    }
}
