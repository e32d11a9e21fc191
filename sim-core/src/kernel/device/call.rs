//! What callbacks do, so that each keeps to the rules of the call it is
//! in: one that must not sleep refuses instead, and one with a deadline
//! refuses when that has passed.

use super::super::cx::Cx;
use super::super::lockdep::might_sleep;
use super::super::mmu_notifier::mmu_interval_set_seq;
use super::super::plugin::{Api, Blockable, Call, DeviceSetup, Refuse, Refused};
use super::super::timer::msleep;
use super::{Awaits, wait_for_fences, worker};
use crate::base::{DeviceId, Distribution, LockId, Nanos, RangeId};
use crate::engine::{Hold, Signals};
use crate::kernel::kmem::{Request, alloc_and_free};
use crate::record::{Event, Gfp, Reason, SleepSite};

/// Ends a scope of `PF_MEMALLOC` when it drops.
#[must_use]
pub struct Memalloc {
    cx: Cx,
    was: bool,
}

impl Drop for Memalloc {
    fn drop(&mut self) {
        let (task, was) = (self.cx.task(), self.was);
        self.cx.with(|state| state.tasks[task].memalloc = was);
    }
}

impl Call<'_> {
    /// The device called.
    pub fn device(&self) -> DeviceId {
        self.cx.with(|state| state.notifiers[self.notifier].device)
    }

    /// What the scenario says of the device.
    pub fn setup<R>(&self, f: impl FnOnce(&DeviceSetup) -> R) -> R {
        let device = self.device();
        self.cx.with(|state| f(&state.devices[device].setup))
    }

    /// Whether the device works on a job.
    pub fn is_busy(&self) -> bool {
        let device = self.device();
        self.cx.with(|state| state.is_busy(device))
    }

    /// Whether a driver that refuses as `refuse` says refuses this call
    /// before it does anything.
    pub fn refuses(&self, refuse: Refuse) -> bool {
        !self.blockable.may_sleep()
            && self.overlaps
            && (refuse == Refuse::Overlap || self.is_busy())
    }

    /// Takes a lock as far as this call may wait for it.
    pub async fn lock(&self, lock: LockId, hold: Hold) -> Result<(), Refused> {
        let until = self.blockable.until();
        let is_taken = self.cx.lock_until(lock, hold, Reason::DriverLock, until).await;
        if is_taken { Ok(()) } else { Err(Refused) }
    }

    /// Flushes a TLB of the device's and polls until that is done, or for as long as anybody
    /// would: `queue_poll()` (drivers/iommu/arm/arm-smmu-v3/arm-smmu-v3.c). Nobody asks whether it
    /// was, and the pages go all the same.
    pub async fn poll_tlb_flush(&self, time: Nanos) {
        let longest = self.cx.with(|state| state.iotlb_flush_timeout);
        self.cx.cpu(time.min(longest)).await;
        if time > longest {
            self.cx.record(Event::TlbSyncTimedOut { notifier: self.notifier });
        }
    }

    /// Whether the device acts on such an event. If not, all that its callback does is to store
    /// the sequence number.
    pub fn acts(&self) -> bool {
        let acts = self.setup(|setup| setup.acts_on.includes(self.event));
        if !acts {
            self.set_seq();
        }
        acts
    }

    /// `mmu_interval_set_seq()`, under the driver's lock.
    pub fn set_seq(&self) {
        mmu_interval_set_seq(self.cx, self.notifier, self.seq);
    }

    /// Waits for the fences of all jobs that use the range; in a call that
    /// must not sleep only if there are none.
    pub async fn wait_for_fences(&self) -> Result<(), Refused> {
        let (device, vmas) = (self.device(), self.vmas());
        let until = self.blockable.until();
        if wait_for_fences(self.cx, device, &vmas, until).await { Ok(()) } else { Err(Refused) }
    }

    /// Sleeps (`msleep()`); a call that must not sleep refuses, if that takes any time.
    pub async fn sleep(&self, span: Nanos, why: Reason) -> Result<(), Refused> {
        if span.0 == 0 {
            return Ok(());
        }
        match self.blockable {
            Blockable::Yes => {
                msleep(self.cx, span, why).await;
                Ok(())
            }
            Blockable::No => Err(Refused),
            Blockable::Until(deadline) => {
                let left = deadline.saturating_sub(self.cx.now());
                self.cx.sleep(span.min(left), why, Signals::Ignored).await;
                if span <= left { Ok(()) } else { Err(Refused) }
            }
        }
    }

    /// Waits for hardware for exactly `span`, by its interrupt.
    pub async fn wait_for_hardware(&self, span: Nanos, why: Reason) -> Result<(), Refused> {
        match self.blockable {
            _ if span.0 == 0 => Ok(()),
            Blockable::No => Err(Refused),
            Blockable::Yes => {
                might_sleep(self.cx, SleepSite::Completion);
                self.cx.sleep(span, why, Signals::Ignored).await;
                Ok(())
            }
            Blockable::Until(_) => self.sleep(span, why).await,
        }
    }

    /// The time that the callback works: the device's `work`, else `default`.
    pub fn draw_work(&self, default: Nanos) -> Nanos {
        let device = self.device();
        self.cx.with(|state| {
            let device = &mut state.devices[device];
            device.setup.work.map_or(default, |work| work.draw(&mut device.work))
        })
    }

    /// Allocates what the device's `gfp` says, and gives it back. Without
    /// memory it goes on: such drivers keep a page for that case.
    pub async fn allocate(&self) {
        let Some(gfp) = self.setup(|setup| setup.gfp) else { return };
        if self.blockable == Blockable::No && gfp.has(Gfp::DIRECT_RECLAIM) {
            // might_alloc() comes before anybody knows whether it will sleep.
            self.slept();
        }
        alloc_and_free(self.cx, Request::pages(gfp, 0), 1).await;
    }

    /// A time of the callback's own.
    pub fn draw(&self, time: Distribution) -> Nanos {
        let device = self.device();
        self.cx.with(|state| state.devices[device].draw_time(time))
    }

    /// Whether the hardware has nothing to be waited for, as it is `percent`
    /// of the time.
    pub fn draw_luck(&self, percent: u32) -> bool {
        let device = self.device();
        percent > 0
            && self.cx.with(|state| state.devices[device].luck.below(100) < u64::from(percent))
    }

    /// The scenario's lock of this index; `None`: the device's own.
    pub fn lock_named(&self, index: Option<usize>) -> LockId {
        let device = self.device();
        self.cx.with(|state| state.devices[device].lock_named(index))
    }

    /// Whether the device maps any page of the range.
    pub fn maps_any(&self) -> bool {
        let vmas = self.vmas();
        self.cx.with(|state| {
            let attached = state.attachment(self.notifier);
            attached.is_some_and(|attached| attached.maps_any(&vmas))
        })
    }

    /// Whether somebody holds a lock.
    pub fn is_held(&self, lock: LockId) -> bool {
        self.cx.kernel().engine.holder(lock).is_some()
    }

    /// Whether jobs use the range.
    pub fn has_jobs(&self) -> bool {
        let (device, vmas) = (self.device(), self.vmas());
        self.cx.with(|state| state.has_jobs_in(device, &vmas))
    }

    /// Whether the caller exits (`PF_EXITING`).
    pub fn is_exiting(&self) -> bool {
        self.cx.with(|state| state.tasks[self.cx.task()].exiting)
    }

    /// Waits until the device's worker has done what this call gives it.
    pub async fn flush_worker(&self, awaits: Awaits) -> Result<(), Refused> {
        let until = self.blockable.until();
        let ranges = Some(self.vmas());
        if worker::flush(self.cx, self.device(), ranges, awaits, until).await {
            Ok(())
        } else {
            Err(Refused)
        }
    }

    /// `queue_work()`: the device's worker has something to do for this range, and nobody
    /// waits for that.
    pub fn queue_work(&self) {
        worker::queue(self.cx, self.device(), self.notifier, self.vmas());
    }

    /// Whether the registration is an interval, which hears of no end.
    pub fn is_interval(&self) -> bool {
        self.cx.with(|state| state.notifiers[self.notifier].api == Api::Interval)
    }

    /// Pages of the range that the registration covers.
    pub fn pages_covered(&self) -> u64 {
        let covered = self.cx.with(|state| state.notifiers[self.notifier].range);
        let (start, end) = (covered.start.max(self.range.start), covered.end.min(self.range.end));
        end.saturating_sub(start) >> 12
    }

    /// Says that the callback sleeps although it was told not to.
    pub fn slept(&self) {
        self.cx.record(Event::SleptNonblocking { notifier: self.notifier });
    }

    /// `memalloc_noreclaim_save()`, until the guard drops.
    pub fn memalloc(&self) -> Memalloc {
        let task = self.cx.task();
        let was = self.cx.with(|state| std::mem::replace(&mut state.tasks[task].memalloc, true));
        Memalloc { cx: self.cx.clone(), was }
    }

    /// A lock that the callback has taken stays taken until the range's end.
    pub fn hold_until_end(&self, lock: LockId) {
        let (device, task) = (self.device(), self.cx.task());
        self.cx.with(|state| state.devices[device].held.push((task, lock)));
    }

    /// Lets go of a lock at the range's end. Where ends are paired (5.12
    /// and later), the end comes for a start that refused, too: that is why
    /// an operation that may refuse must have none.
    pub fn unlock_at_end(&self, lock: LockId) {
        let (device, task) = (self.device(), self.cx.task());
        let is_held = self.cx.with(|state| {
            let held = &mut state.devices[device].held;
            let index = held.iter().position(|&holder| holder == (task, lock));
            index.map(|index| held.remove(index)).is_some()
        });
        if is_held {
            self.cx.unlock(lock);
        } else {
            self.cx.bad_unlock(lock);
        }
    }

    /// The VMAs that the range covers, those of a munmap under way with them.
    pub(super) fn vmas(&self) -> Vec<RangeId> {
        self.cx.with(|state| {
            let mm = state.notifiers[self.notifier].mm;
            let (start, end) = (self.range.start, self.range.end);
            // munmap() takes its VMAs out of the address space before it calls anybody.
            let vmas = state.mms[mm].all();
            vmas.filter(|vma| start < vma.end && vma.start < end).map(|vma| vma.id).collect()
        })
    }
}
