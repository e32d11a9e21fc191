//! `non-block`: finds code that sleeps, or could, where it must not.
//!
//! Summary: warns when a notifier's callback that must not sleep calls something that may.
//! Mechanism: a counter per task, raised around each callback of the list whose range is not blockable; `might_sleep()` and the scheduler look at it.
//! Models: `non_block_start/end` (5.4) with `CONFIG_DEBUG_ATOMIC_SLEEP`: at most one might_sleep report a second, every schedule reported; and sleeps under a spinlock.
//! Doesn't model: interrupt contexts. Like the kernel's, it is blind to interval callbacks, which nobody brackets.
//! See: kernel/sched/core.c __might_resched(), schedule_debug(); mm/mmu_notifier.c.

use super::slot;
use crate::base::{LockId, Nanos, SimTime, TaskId};
use crate::record::{Cast, SleepSite, Splat};

/// How deep a task is in what must not sleep.
#[derive(Copy, Clone, Default)]
struct Depth {
    /// `non_block_count`.
    non_block: u32,
    /// `preempt_count()`.
    preempt: u32,
}

/// The state of those who watch for sleepers.
#[derive(Default)]
pub(super) struct NonBlock {
    depths: Vec<Depth>,
    /// `prev_jiffy`: when the last might_sleep report was, in jiffies.
    reported: Option<u64>,
}

impl NonBlock {
    fn depth(&mut self, task: TaskId) -> &mut Depth {
        slot(&mut self.depths, task.index())
    }

    pub(super) fn start(&mut self, task: TaskId) {
        self.depth(task).non_block += 1;
    }

    pub(super) fn end(&mut self, task: TaskId) {
        let depth = self.depth(task);
        depth.non_block = depth.non_block.saturating_sub(1);
    }

    /// A lock is taken or let go; only those that spin count.
    pub(super) fn lock(&mut self, task: TaskId, lock: LockId, taken: bool, cast: &Cast) {
        if cast.locks.get(lock).is_some_and(|info| info.kind.spins()) {
            let depth = self.depth(task);
            depth.preempt = if taken { depth.preempt + 1 } else { depth.preempt.saturating_sub(1) };
        }
    }

    /// `__might_resched()`.
    pub(super) fn might_sleep(
        &mut self,
        (at, task): (SimTime, TaskId),
        site: SleepSite,
        cast: &Cast,
    ) -> Option<Splat> {
        let Depth { non_block, preempt } = *self.depth(task);
        if non_block == 0 && preempt == 0 {
            return None;
        }
        let tick = cast.jiffy.0.max(1);
        let jiffies = (at.0 + cast.uptime.0) / tick;
        let second = Nanos::from_secs(1).0 / tick;
        if self.reported.is_some_and(|before| jiffies < before + second) {
            return None;
        }
        self.reported = Some(jiffies);
        Some(Splat::MightSleep { site, non_block, preempt })
    }

    /// `schedule_debug()`: the task gives up its CPU. Either complaint may come
    /// alone, or one behind the other.
    pub(super) fn schedules(&mut self, task: TaskId) -> [Option<Splat>; 2] {
        let Some(depth) = self.depths.get_mut(task.index()) else { return [None, None] };
        let Depth { non_block, preempt } = *depth;
        // __schedule_bug() is followed by preempt_count_set(): the count starts anew.
        depth.preempt = 0;
        let in_section = (non_block > 0).then_some(Splat::NonBlockSchedule { non_block });
        [in_section, (preempt > 0).then_some(Splat::AtomicSchedule { preempt })]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{LockInfo, LockKind};

    const TASK: TaskId = TaskId(3);

    fn sleeps(debug: &mut NonBlock, ms: u64, cast: &Cast) -> Option<u32> {
        let at = SimTime(ms * 1_000_000);
        match debug.might_sleep((at, TASK), SleepSite::Mutex, cast) {
            Some(Splat::MightSleep { non_block, .. }) => Some(non_block),
            _ => None,
        }
    }

    #[test]
    fn one_report_a_second_whoever_it_is() {
        let (mut debug, cast) = (NonBlock::default(), Cast::default());
        assert_eq!(sleeps(&mut debug, 0, &cast), None);
        debug.start(TASK);
        debug.start(TASK);
        assert_eq!(sleeps(&mut debug, 1, &cast), Some(2));
        assert_eq!(sleeps(&mut debug, 999, &cast), None);
        debug.end(TASK);
        assert_eq!(sleeps(&mut debug, 1_001, &cast), Some(1));
        debug.end(TASK);
        assert_eq!(sleeps(&mut debug, 3_000, &cast), None);
    }

    #[test]
    fn every_schedule_is_reported_while_the_section_lasts() {
        let mut debug = NonBlock::default();
        assert_eq!(debug.schedules(TASK), [None, None]);
        debug.start(TASK);
        for _ in 0..2 {
            let section = Some(Splat::NonBlockSchedule { non_block: 1 });
            assert_eq!(debug.schedules(TASK), [section, None]);
        }
        assert_eq!(debug.schedules(TaskId(1)), [None, None]);
        debug.end(TASK);
        assert_eq!(debug.schedules(TASK), [None, None]);
    }

    #[test]
    fn only_spinlocks_forbid_sleep() {
        let (mut debug, mut cast) = (NonBlock::default(), Cast::default());
        let mutex = cast.locks.push(LockInfo::mutex("m"));
        let spin = cast.locks.push(LockInfo { kind: LockKind::Spinlock, ..LockInfo::mutex("s") });
        debug.lock(TASK, mutex, true, &cast);
        assert_eq!(debug.schedules(TASK), [None, None]);
        debug.lock(TASK, spin, true, &cast);
        let atomic = Some(Splat::AtomicSchedule { preempt: 1 });
        assert_eq!(debug.schedules(TASK), [None, atomic]);
        // It is said once per section.
        assert_eq!(debug.schedules(TASK), [None, None]);
        debug.lock(TASK, spin, false, &cast);
        assert_eq!(debug.schedules(TASK), [None, None]);
        debug.start(TASK);
        debug.lock(TASK, spin, true, &cast);
        let both = debug.schedules(TASK).map(|splat| splat.map(|splat| splat.title()));
        let texts = ["scheduling in a non-blocking section", "scheduling while atomic"];
        assert_eq!(both, texts.map(Some));
    }
}
