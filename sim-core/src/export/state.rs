//! What has to be remembered from one record to the next so that a line
//! can be printed: who runs where, what is free, who holds a lock.
//!
//! A follower of records only; ids that the cast does not know change
//! nothing.

use std::collections::BTreeMap;

use crate::base::{LockId, MmId, NotifierId, TaskId, ZoneId};
use crate::record::{Cast, Event, Gfp, Reason, Record, Run, TaskInfo, TaskKind};

/// A request for pages.
#[derive(Copy, Clone, Debug)]
pub(super) struct Request {
    /// Order.
    pub(super) order: u8,
    /// Flags.
    pub(super) gfp: Gfp,
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
        }
    }

    /// Takes a record in.
    pub(super) fn follow(&mut self, record: &Record) {
        let task = record.task;
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
            Event::DirectReclaimBegin { order, gfp } | Event::AllocFailed { order, gfp } => {
                let gfp = Gfp(gfp);
                self.requests.insert(task, Request { order, gfp });
            }
            Event::MarkVictim { victim, report }
            | Event::KilledProcess { victim, report }
            | Event::Reaped { victim, report } => {
                if let (Some(mm), Some(report)) = (self.mm(victim), self.cast.reports.get(report)) {
                    self.anon.insert(mm, report.anon);
                }
            }
            Event::Fault { range, pages } => {
                if let Some(anon) = self.anon_of(range) {
                    *anon = anon.saturating_add(u64::from(pages));
                }
            }
            Event::Zap { range, pages, .. } => {
                if let Some(anon) = self.anon_of(range) {
                    *anon = anon.saturating_sub(u64::from(pages));
                }
            }
            Event::MnCall { notifier, blockable, .. } => {
                self.calls.insert((task, notifier), blockable);
            }
            _ => {}
        }
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
        self.requests
            .get(&task)
            .copied()
            .unwrap_or(Request { order: 0, gfp: Gfp::HIGHUSER_MOVABLE })
    }

    /// Who holds a lock: one of them if shared.
    pub(super) fn holder(&self, lock: LockId) -> Option<TaskId> {
        self.holders.get(&lock)?.first().copied()
    }

    /// Whether the call that `task` made last to `notifier` may block.
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

    /// The CPU on which a task last ran.
    pub(super) fn cpu(&self, task: TaskId) -> u32 {
        self.last_cpu.get(&task).copied().unwrap_or(0)
    }
}
