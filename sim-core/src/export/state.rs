//! What has to be remembered from one record to the next so that a line
//! can be printed: who runs where, what is free, who holds a lock.
//!
//! A follower of records only; ids that the cast does not know change
//! nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::{CgroupId, LockId, MmId, NotifierId, SimTime, StackId, TaskId, ZoneId};
use crate::engine::WaitOn;
use crate::record::{Cast, Event, Gfp, Reason, Record, Run, TaskInfo, TaskKind};

/// A request for pages.
#[derive(Copy, Clone, Debug)]
pub(super) struct Request {
    /// Order.
    pub(super) order: u8,
    /// Flags.
    pub(super) gfp: Gfp,
    /// It was a cgroup that was asked.
    pub(super) is_charge: bool,
}

/// Index of the record with which each user task begins its program: the
/// first time it runs, or after its start condition came true.
pub(super) fn beginnings(run: &Run) -> BTreeMap<usize, TaskId> {
    let mut first: BTreeMap<TaskId, Option<usize>> = BTreeMap::new();
    for (index, record) in run.trace.iter().enumerate() {
        let user = |info: &TaskInfo| info.kind == TaskKind::User;
        if !run.cast.tasks.get(record.task).is_some_and(user) {
            continue;
        }
        match record.event {
            Event::Ran { .. } => {
                first.entry(record.task).or_default().get_or_insert(index);
            }
            Event::Blocked { why, .. } if Reason::from_number(why) == Some(Reason::Start) => {
                // It ran only to find that it has to wait.
                first.insert(record.task, None);
            }
            _ => {}
        }
    }
    first.into_iter().filter_map(|(task, index)| Some((index?, task))).collect()
}

/// The state after a record.
pub(super) struct State<'a> {
    pub(super) cast: &'a Cast,
    last_cpu: BTreeMap<TaskId, u32>,
    running: BTreeMap<u32, TaskId>,
    free: BTreeMap<ZoneId, u32>,
    anon: BTreeMap<MmId, u64>,
    requests: BTreeMap<TaskId, Request>,
    holders: BTreeMap<LockId, Vec<TaskId>>,
    calls: BTreeMap<(TaskId, NotifierId), bool>,
    /// Callbacks that tasks are in, innermost last.
    inside: BTreeMap<TaskId, Vec<NotifierId>>,
    /// Reclaimed since it last got or was refused what it asked for.
    reclaimed: BTreeSet<TaskId>,
    scores: BTreeMap<TaskId, i16>,
    waits: BTreeMap<TaskId, Wait>,
    gone: BTreeSet<TaskId>,
    /// Threads that have let go of their mm.
    without_mm: BTreeSet<TaskId>,
    /// Threads with TIF_MEMDIE.
    marked: BTreeSet<TaskId>,
    /// Leaders of thread groups that were sent SIGKILL.
    killed: BTreeSet<TaskId>,
    /// The last SIGKILL was sent to one of those.
    killed_again: bool,
    memcg_ooms: BTreeMap<TaskId, CgroupId>,
    /// In `oom_kill_process()`; and since when the kill is told, after which those who share the mm die.
    oom_killers: BTreeMap<TaskId, Option<SimTime>>,
}

/// What a task waits for.
#[derive(Copy, Clone, Debug)]
pub(super) struct Wait {
    /// For what.
    pub(super) on: WaitOn,
    /// Why, if the number has a meaning.
    pub(super) why: Option<Reason>,
    /// In which functions.
    pub(super) stack: StackId,
}

/// A cgroup as the kernel names it: from the root.
pub(super) fn cgroup_path(state: &State<'_>, cgroup: CgroupId) -> String {
    let cgroups = &state.cast.cgroups;
    let above = |id: &CgroupId| cgroups.get(*id).and_then(|info| info.parent);
    let path: Vec<_> = std::iter::successors(Some(cgroup), above)
        .map(|id| cgroups.get(id).map_or("?", |info| info.name.as_str()))
        .collect();
    path.iter().rev().fold(String::new(), |path, name| path + "/" + name)
}

impl State<'_> {
    /// The path of the cgroup that a process is in.
    pub(super) fn cgroup_of(&self, leader: TaskId) -> String {
        let mut cgroups = self.cast.cgroups.iter();
        let own = cgroups.find(|(_, cgroup)| cgroup.members.contains(&leader));
        own.map_or_else(|| "/".to_owned(), |(id, _)| cgroup_path(self, id))
    }
}

impl<'a> State<'a> {
    pub(super) fn new(cast: &'a Cast) -> Self {
        Self {
            cast,
            last_cpu: BTreeMap::new(),
            running: BTreeMap::new(),
            free: BTreeMap::new(),
            anon: BTreeMap::new(),
            requests: BTreeMap::new(),
            holders: BTreeMap::new(),
            calls: BTreeMap::new(),
            inside: BTreeMap::new(),
            reclaimed: BTreeSet::new(),
            scores: BTreeMap::new(),
            waits: BTreeMap::new(),
            gone: BTreeSet::new(),
            without_mm: BTreeSet::new(),
            marked: BTreeSet::new(),
            killed: BTreeSet::new(),
            killed_again: false,
            memcg_ooms: BTreeMap::new(),
            oom_killers: BTreeMap::new(),
        }
    }

    /// Takes a record in.
    pub(super) fn follow(&mut self, record: &Record) {
        let task = record.task;
        self.follow_task(record);
        match record.event {
            Event::Ran { cpu } => {
                self.last_cpu.insert(task, cpu.0);
                self.running.insert(cpu.0, task);
            }
            Event::Blocked { .. } | Event::Exited {} | Event::Preempted {} => self.leave_cpu(task),
            Event::ZoneFree { zone, free } => {
                self.free.insert(zone, free);
            }
            Event::Acquired { lock, .. } => self.holders.entry(lock).or_default().push(task),
            Event::Released { lock } => {
                if let Some(holders) = self.holders.get_mut(&lock)
                    && let Some(at) = holders.iter().position(|holder| *holder == task)
                {
                    holders.remove(at);
                }
            }
            Event::DirectReclaimBegin { order, gfp }
            | Event::AllocBegin { order, gfp, .. }
            | Event::MemcgOom { order, gfp, .. }
            | Event::AllocFailed { order, gfp } => {
                let gfp = Gfp(gfp);
                let is_charge = matches!(record.event, Event::MemcgOom { .. });
                self.requests.insert(task, Request { order, gfp, is_charge });
            }
            Event::MarkVictim { victim, report }
            | Event::KilledProcess { victim, report }
            | Event::Reaped { victim, report } => {
                if let (Some(mm), Some(report)) = (self.mm(victim), self.cast.reports.get(report)) {
                    self.anon.insert(mm, report.anon);
                }
            }
            Event::Fault { range, pages } | Event::SwapIn { range, pages } => {
                if let Some(anon) = self.anon_of(range) {
                    *anon = anon.saturating_add(u64::from(pages));
                }
            }
            Event::Zap { range, pages, .. } | Event::SwapOut { range, pages } => {
                if let Some(anon) = self.anon_of(range) {
                    *anon = anon.saturating_sub(u64::from(pages));
                }
            }
            Event::MnCall { notifier, blockable, limited, .. } => {
                self.calls.insert((task, notifier), blockable && !limited);
                self.inside.entry(task).or_default().push(notifier);
            }
            Event::MnReturn { .. } => {
                if let Some(inside) = self.inside.get_mut(&task) {
                    inside.pop();
                }
            }
            _ => {}
        }
    }

    /// What a record says of its task alone.
    fn follow_task(&mut self, record: &Record) {
        let task = record.task;
        match record.event {
            Event::Blocked { on, why, stack } => {
                let why = Reason::from_number(why);
                self.waits.insert(task, Wait { on, why, stack });
            }
            Event::Woken { .. } => {
                self.waits.remove(&task);
            }
            Event::Exited {} => {
                self.waits.remove(&task);
                self.gone.insert(task);
                self.without_mm.insert(task);
            }
            Event::ProcessExit { .. } if !self.cast.wording.traces_exit_first => {
                self.without_mm.insert(task);
            }
            Event::DirectReclaimBegin { .. } => {
                self.reclaimed.insert(task);
            }
            Event::AllocDone { .. } | Event::AllocFailed { .. } | Event::Fault { .. } => {
                self.reclaimed.remove(&task);
                self.oom_killers.remove(&task);
            }
            Event::OomKillProcess { .. } => {
                self.oom_killers.insert(task, None);
            }
            Event::KilledProcess { .. } => {
                self.oom_killers.insert(task, Some(record.at));
            }
            Event::OutOfMemory { .. } => {
                self.oom_killers.remove(&task);
            }
            Event::MemcgOom { cgroup, .. } => {
                self.memcg_ooms.insert(task, cgroup);
            }
            Event::MarkVictim { victim, .. } => {
                self.marked.insert(victim);
            }
            Event::SignalGenerate { target } => {
                self.killed_again = !self.killed.insert(target);
            }
            Event::OomScoreAdjUpdate { target, adj_plus_1000 } => {
                let adj = i32::from(adj_plus_1000) - 1000;
                self.scores.insert(target, i16::try_from(adj).unwrap_or(i16::MAX));
            }
            _ => {}
        }
    }

    /// Whether a SIGKILL is the OOM killer's, and not some process's `kill(2)`.
    pub(super) fn is_oom_kill(&self, record: &Record) -> bool {
        let killer = self.oom_killers.get(&record.task);
        killer.is_some_and(|told| told.is_none_or(|at| at == record.at))
    }

    fn leave_cpu(&mut self, task: TaskId) {
        self.running.retain(|_, running| *running != task);
    }

    /// The mm of a task's process.
    fn mm(&self, task: TaskId) -> Option<MmId> {
        let info = self.cast.tasks.get(task)?;
        info.mm.or_else(|| self.cast.tasks.get(info.leader)?.mm)
    }

    /// The counter of anonymous pages that a range counts in, if its
    /// mm's is known: from the kill on.
    fn anon_of(&mut self, range: crate::base::RangeId) -> Option<&mut u64> {
        let range = self.cast.ranges.get(range)?;
        if !range.anonymous {
            return None;
        }
        self.anon.get_mut(&range.mm)
    }

    /// Anonymous pages of an mm, known from its owner's kill on.
    pub(super) fn anon(&self, mm: MmId) -> Option<u64> {
        self.anon.get(&mm).copied()
    }

    /// Free pages of a zone.
    pub(super) fn free(&self, zone: ZoneId) -> u64 {
        self.free.get(&zone).copied().map_or(0, u64::from)
    }

    /// What a task asked for when it last entered direct reclaim; a page
    /// for user space if it never did.
    pub(super) fn request(&self, task: TaskId) -> Request {
        self.requests.get(&task).copied().unwrap_or(Request {
            order: 0,
            gfp: Gfp::ZEROED_MOVABLE,
            is_charge: false,
        })
    }

    /// Whether a task has reclaimed for what it asks for now.
    pub(super) fn has_reclaimed(&self, task: TaskId) -> bool {
        self.reclaimed.contains(&task)
    }

    /// The `oom_score_adj` of a task's process.
    pub(super) fn oom_score_adj(&self, task: TaskId) -> i16 {
        let info = self.cast.tasks.get(task);
        let leader = info.map_or(task, |info| info.leader);
        let set = self.scores.get(&task).or_else(|| self.scores.get(&leader)).copied();
        set.or_else(|| Some(info?.oom_score_adj)).unwrap_or(0)
    }

    /// What a task waits for, if it does.
    pub(super) fn wait(&self, task: TaskId) -> Option<Wait> {
        self.waits.get(&task).copied()
    }

    /// The callbacks that a task is in, the innermost last.
    pub(super) fn inside(&self, task: TaskId) -> &[NotifierId] {
        self.inside.get(&task).map_or(&[], Vec::as_slice)
    }

    /// The callback that a task is in, if it is in one.
    pub(super) fn callback(&self, task: TaskId) -> Option<NotifierId> {
        self.inside(task).last().copied()
    }

    /// Whether a task was marked as a victim, and has its memory still.
    pub(super) fn is_memdie(&self, task: TaskId) -> bool {
        self.marked.contains(&task)
    }

    /// Whether a task was sent SIGKILL.
    pub(super) fn is_killed(&self, task: TaskId) -> bool {
        let leader = self.cast.tasks.get(task).map_or(task, |info| info.leader);
        self.killed.contains(&leader)
    }

    /// Whether the last SIGKILL was sent to a process that had been sent one.
    pub(super) fn is_killed_again(&self) -> bool {
        self.killed_again
    }

    /// Whom the task that sends SIGKILL to this process sends it to: the OOM killer to the first of its victim's
    /// threads that has an mm still (`find_lock_task_mm()`), others, and itself to those who share that, to the leader.
    pub(super) fn signalled(&self, sender: TaskId, leader: TaskId) -> TaskId {
        let is_victim = self.oom_killers.get(&sender).is_some_and(Option::is_none);
        if !is_victim || !self.without_mm.contains(&leader) {
            return leader;
        }
        let mut tasks = self.cast.tasks.iter();
        let has_mm = |id, info: &TaskInfo| info.leader == leader && !self.without_mm.contains(&id);
        tasks.find(|&(id, info)| has_mm(id, info)).map_or(leader, |(id, _)| id)
    }

    /// Whether a task is a zombie or less.
    pub(super) fn is_gone(&self, task: TaskId) -> bool {
        self.gone.contains(&task)
    }

    /// The cgroup that a task last found at its limit.
    pub(super) fn memcg_oom(&self, task: TaskId) -> Option<CgroupId> {
        self.memcg_ooms.get(&task).copied()
    }

    /// Who holds a lock: one of them if shared.
    pub(super) fn holder(&self, lock: LockId) -> Option<TaskId> {
        self.holders.get(&lock)?.first().copied()
    }

    /// Whether the call that `task` made last to `notifier` may block, for as long as it likes.
    pub(super) fn blockable(&self, task: TaskId, notifier: NotifierId) -> bool {
        self.calls.get(&(task, notifier)).copied().unwrap_or(true)
    }

    /// Whether a task is a thread, and not a device or a timer.
    pub(super) fn is_thread(&self, task: TaskId) -> bool {
        let kind = self.cast.tasks.get(task).map(|info| info.kind);
        matches!(kind, Some(TaskKind::User | TaskKind::Kthread))
    }

    /// The task a tracer would see as current: for a timer, whomever it
    /// interrupted, if anybody.
    pub(super) fn current(&self, task: TaskId) -> Option<TaskId> {
        match self.cast.tasks.get(task)?.kind {
            TaskKind::Timer => self.running.values().next().copied(),
            TaskKind::Device => None,
            TaskKind::User | TaskKind::Kthread => Some(task),
        }
    }

    /// Who runs on a CPU.
    pub(super) fn running(&self, cpu: u32) -> Option<TaskId> {
        self.running.get(&cpu).copied()
    }

    /// The CPU on which a task last ran.
    pub(super) fn cpu(&self, task: TaskId) -> u32 {
        self.last_cpu.get(&task).copied().unwrap_or(0)
    }
}
