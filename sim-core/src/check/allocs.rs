//! I14 and I15: who must not sleep does not, reclaim does not recurse,
//! and who loses `oom_lock` sleeps one jiffy (mm/page_alloc.c,
//! `__alloc_pages_slowpath()`, `__alloc_pages_may_oom()`).

use super::{is_named, name, slot};
use crate::base::{LockId, TaskId};
use crate::engine::{WaitOn, Waited};
use crate::kernel::switches::{ExitEra, Switches};
use crate::record::{Breach, Cast, Event, Gfp, Invariant, Reason, Record, TaskKind};

#[derive(Clone, Default)]
struct Task {
    /// Its allocations in their slow path, outermost first: their begin records, and whether each
    /// must not sleep.
    open: Vec<(Record, bool)>,
    /// Its direct reclaim.
    reclaims: Option<Record>,
    /// It lost `oom_lock` and has not slept yet.
    lost: Option<Record>,
    /// The sleep that followed.
    sleeps: Option<Record>,
    /// Its cgroup is out of memory, or its mm goes: both may wait for `oom_lock`.
    may_wait: bool,
}

/// What each task allocates.
pub(super) struct Allocs {
    tasks: Vec<Task>,
    switches: &'static Switches,
    timer_wheel: bool,
    pub(super) oom_lock: Option<LockId>,
}

impl Allocs {
    pub(super) fn new(switches: &'static Switches, timer_wheel: bool) -> Self {
        Self { tasks: Vec::new(), switches, timer_wheel, oom_lock: None }
    }

    pub(super) fn begun(&mut self, record: &Record, cast: &Cast) {
        let Event::AllocBegin { gfp, memalloc, .. } = record.event else { return };
        let task = slot(&mut self.tasks, record.task.index());
        // PF_MEMALLOC goes before the flags, and who reclaims has it.
        let memalloc = memalloc || task.reclaims.is_some() || is_kswapd(cast, record.task);
        task.open.push((*record, memalloc || !Gfp(gfp).has(Gfp::DIRECT_RECLAIM)));
    }

    pub(super) fn done(&mut self, task: TaskId) {
        slot(&mut self.tasks, task.index()).open.pop();
    }

    pub(super) fn reclaim_begun(&mut self, record: &Record, cast: &Cast) -> Result<(), Breach> {
        let task = slot(&mut self.tasks, record.task.index());
        let forbidden = task.open.last().filter(|(_, must_not_sleep)| *must_not_sleep);
        let (why, first) = match (task.reclaims.replace(*record), forbidden) {
            (Some(first), _) => ("while it reclaims", first),
            (None, Some((begun, _))) => ("for a request that must not sleep", *begun),
            (None, None) => return Ok(()),
        };
        let text = format!("{} reclaims {why}", name(cast, record.task));
        Err(Breach::new(Invariant::NoSleepWhereForbidden, text).after(first))
    }

    /// Whether it reclaims: what it unmaps then is no victim's because it is a victim's.
    pub(super) fn reclaims(&self, task: TaskId) -> bool {
        self.tasks.get(task.index()).is_some_and(|task| task.reclaims.is_some())
    }

    pub(super) fn reclaim_ended(&mut self, task: TaskId) {
        slot(&mut self.tasks, task.index()).reclaims = None;
    }

    pub(super) fn lost_oom_lock(&mut self, record: &Record) {
        slot(&mut self.tasks, record.task.index()).lost = Some(*record);
    }

    pub(super) fn may_wait(&mut self, task: TaskId) {
        slot(&mut self.tasks, task.index()).may_wait = true;
    }

    /// `exit_mmap()` begins.
    pub(super) fn exits(&mut self, task: TaskId) {
        if self.switches.exit == ExitEra::SelfReapUnderOomLock {
            self.may_wait(task);
        }
    }

    /// And is over.
    pub(super) fn exited(&mut self, task: TaskId) {
        slot(&mut self.tasks, task.index()).may_wait = false;
    }

    /// It let go of `oom_lock`.
    pub(super) fn released(&mut self, task: TaskId, lock: LockId) {
        if self.oom_lock == Some(lock)
            && let Some(task) = self.tasks.get_mut(task.index())
        {
            task.may_wait = false;
        }
    }

    /// Of processes, who is not in the allocator may wait for `oom_lock` only for its cgroup's sake: the end
    /// of a page fault, too, leaves it to who has the lock. Threads of the kernel are sysrq, suspend, the reaper.
    fn waits_for_lock(&self, record: &Record, cast: &Cast) -> Result<(), Breach> {
        let is_user = cast.tasks.get(record.task).is_some_and(|info| info.kind == TaskKind::User);
        let may = self.tasks.get(record.task.index()).is_some_and(|task| task.may_wait);
        if !is_user || may {
            return Ok(());
        }
        let text = format!("{} blocks on oom_lock", name(cast, record.task));
        Err(Breach::new(Invariant::LoserSleepsOneJiffy, text).unless(false))
    }

    pub(super) fn blocked(&mut self, record: &Record, cast: &Cast) -> Result<(), Breach> {
        let Event::Blocked { on, why, .. } = record.event else {
            return Ok(());
        };
        if self.oom_lock.is_some_and(|lock| on == WaitOn::Lock(lock)) {
            self.waits_for_lock(record, cast)?;
        }
        // Most tasks never come here.
        let Some(task) = self.tasks.get_mut(record.task.index()) else {
            return Ok(());
        };
        let who = name(cast, record.task);
        let waits = || Reason::from_number(why).map_or("something", Reason::text);
        if let Some((begun, must_not_sleep)) = task.open.last() {
            if let Event::AllocBegin { gfp, .. } = begun.event
                && *must_not_sleep
                // cond_resched(), of one that must not fail, is no sleep.
                && why != Reason::Yield as u8
            {
                let text = format!("{who} asks with {} and waits for {}", Gfp(gfp).text(), waits());
                return Err(Breach::new(Invariant::NoSleepWhereForbidden, text).after(*begun));
            }
            if self.oom_lock.is_some_and(|lock| on == WaitOn::Lock(lock)) {
                let text = format!("{who} blocks on oom_lock in the page allocator");
                return Err(Breach::new(Invariant::LoserSleepsOneJiffy, text)
                    .unless(false)
                    .after(*begun));
            }
        }
        if let Some(lost) = task.lost.take() {
            if why != Reason::OomLockJiffy as u8 {
                let text = format!("{who} lost oom_lock and then waits for {}", waits());
                return Err(Breach::new(Invariant::LoserSleepsOneJiffy, text).after(lost));
            }
            task.sleeps = Some(*record);
        }
        Ok(())
    }

    pub(super) fn woken(
        &mut self,
        record: &Record,
        how: Waited,
        cast: &Cast,
    ) -> Result<(), Breach> {
        let Some(task) = self.tasks.get_mut(record.task.index()) else {
            return Ok(());
        };
        let Some(began) = task.sleeps.take() else {
            return Ok(());
        };
        let slept = record.at - began.at;
        // The wheel fires at the end of the tick after.
        let longest = cast.jiffy * if self.timer_wheel { 2 } else { 1 };
        if how == Waited::TimedOut && slept >= cast.jiffy && slept <= longest {
            return Ok(());
        }
        let text = format!(
            "{} lost oom_lock and slept {} ns instead of a jiffy of {} ns",
            name(cast, record.task),
            slept.0,
            cast.jiffy.0
        );
        Err(Breach::new(Invariant::LoserSleepsOneJiffy, text).after(began))
    }
}

fn is_kswapd(cast: &Cast, task: TaskId) -> bool {
    is_named(cast, task, "kswapd0")
}
