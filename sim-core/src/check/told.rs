//! I8's other half: whoever listens is told before the reaper unmaps (mm/oom_kill.c,
//! `__oom_reap_task_mm()`: `mmu_notifier_invalidate_range_start_nonblock()` before
//! `unmap_page_range()`). Refusals are in [`reaper`](super::reaper).
//!
//! Only in one attempt: what was told in the one before counts no more.

use super::{device_name, mm_of};
use crate::base::{MmId, NotifierId, RangeId, TaskId};
use crate::kernel::plugin::Ops;
use crate::record::{Cast, ItreeOp};

/// Who listens, and who was told.
pub(super) struct Told {
    /// Whether the reaper calls notifiers at all, under every policy of the run.
    calls_them: bool,
    /// Notifiers to be called where it unmaps of their ranges, until their mm goes. Some policies
    /// call nobody else.
    listen: Vec<(NotifierId, RangeId)>,
    /// Who waits in `mmu_notifier_unregister()` for callers inside notifiers (SRCU), and its mm. Up to the
    /// record of its end nothing says which notifier it has taken off the list, and nobody calls that one.
    leaving: Vec<(TaskId, Option<MmId>)>,
    /// Who is in `exit_mmap()`: what it waits for is of an mm that is not listened for any longer.
    exiting: Vec<TaskId>,
    /// Who was told of which VMA in this attempt, and did not refuse.
    heard: Vec<(NotifierId, RangeId)>,
    /// Ranges of interval trees that were begun in this attempt and not ended.
    begun: u32,
}

impl Told {
    pub(super) fn new(calls_them: bool) -> Self {
        let (listen, leaving, exiting, heard) = Default::default();
        Self { calls_them, listen, leaving, exiting, heard, begun: 0 }
    }

    /// A notifier for a range.
    pub(super) fn registered(
        &mut self,
        notifier: NotifierId,
        range: RangeId,
        ops: &[Ops],
        cast: &Cast,
    ) {
        let device = cast.notifiers.get(notifier).map(|info| info.device);
        if device.and_then(|device| ops.get(device.index())).is_some_and(|ops| ops.start) {
            self.listen.push((notifier, range));
        }
    }

    /// `synchronize_srcu()`: of `mmu_notifier_unregister()`, or of `exit_mmap()`.
    pub(super) fn waits_for_callers(&mut self, task: TaskId, cast: &Cast) {
        let is_known = self.leaving.iter().any(|&(other, _)| other == task);
        if !is_known && !self.exiting.contains(&task) {
            self.leaving.push((task, mm_of(cast, task)));
        }
    }

    /// `mmu_notifier_unregister()` or `mmu_interval_notifier_remove()` is over.
    pub(super) fn unregistered(&mut self, by: TaskId, notifier: NotifierId) {
        self.leaving.retain(|&(task, _)| task != by);
        self.listen.retain(|&(other, _)| other != notifier);
    }

    /// `exit_mmap()` begins: with releasing all notifiers.
    pub(super) fn mm_goes(&mut self, by: TaskId, mm: MmId, cast: &Cast) {
        self.exiting.push(by);
        let of = |notifier| cast.notifiers.get(notifier).map(|info| info.mm);
        self.listen.retain(|&(notifier, _)| of(notifier) != Some(mm));
    }

    /// And is over.
    pub(super) fn mm_gone(&mut self, by: TaskId) {
        self.exiting.retain(|&task| task != by);
    }

    /// The reaper begins an attempt.
    pub(super) fn begins(&mut self) {
        self.heard.clear();
        self.begun = 0;
    }

    /// The reaper told one.
    pub(super) fn tells(&mut self, notifier: NotifierId, range: RangeId) {
        self.heard.push((notifier, range));
    }

    /// The reaper begins or ends a range of an interval tree.
    pub(super) fn changes_tree(&mut self, op: ItreeOp) {
        match op {
            ItreeOp::Start => self.begun += 1,
            ItreeOp::End => self.begun = self.begun.saturating_sub(1),
            _ => {}
        }
    }

    /// The device of a notifier that had to be told of a VMA and was not.
    pub(super) fn is_missing<'a>(&self, range: RangeId, cast: &'a Cast) -> Option<&'a str> {
        let vma = cast.ranges.get(range).filter(|_| self.calls_them)?;
        if self.leaving.iter().any(|&(_, mm)| mm.is_none_or(|mm| mm == vma.mm)) {
            return None;
        }
        let missing = self.listen.iter().find(|&&(notifier, covered)| {
            let covered = cast.ranges.get(covered);
            let is_its = covered.is_some_and(|covered| {
                covered.mm == vma.mm && covered.start < vma.end && vma.start < covered.end
            });
            let interval = cast.notifiers.get(notifier).is_some_and(|info| info.interval);
            let told =
                if interval { self.begun > 0 } else { self.heard.contains(&(notifier, range)) };
            is_its && !told
        });
        missing.map(|&(notifier, _)| device_name(cast, notifier))
    }
}
