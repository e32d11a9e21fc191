//! What callbacks do, so that each keeps to the rules of the call it is
//! in: one that must not sleep refuses instead, and one with a deadline
//! refuses when that has passed.

use super::super::cx::Cx;
use super::super::lockdep::might_sleep;
use super::super::mmu_notifier::mmu_interval_set_seq;
use super::super::page_alloc::{alloc_pages, free_pages};
use super::super::plugin::{Api, Blockable, Call, DeviceSetup, Refuse, Refused};
use super::super::timer::msleep;
use super::super::zone::Use;
use super::wait_for_fences;
use crate::base::{DeviceId, LockId, Nanos, RangeId};
use crate::engine::{Hold, Signals};
use crate::record::{Event, Reason, SleepSite};

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
        self.cx.with(|state| state.devices[device].is_busy())
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
        if let Some(gfp) = self.setup(|setup| setup.gfp)
            && let Some(pages) = alloc_pages(self.cx, gfp, 0, 1).await
        {
            free_pages(self.cx, pages, Use::InFlight);
        }
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

    /// The lock that the callback has taken stays taken until the range's end.
    pub fn hold_until_end(&self) {
        let (device, task) = (self.device(), self.cx.task());
        self.cx.with(|state| state.devices[device].held.push(task));
    }

    /// Lets go of a lock at the range's end. Where ends are paired (5.12
    /// and later), the end comes for a start that refused, too: that is why
    /// an operation that may refuse must have none.
    pub fn unlock_at_end(&self, lock: LockId) {
        let (device, task) = (self.device(), self.cx.task());
        let is_held = self.cx.with(|state| {
            let held = &mut state.devices[device].held;
            let index = held.iter().position(|&holder| holder == task);
            index.map(|index| held.remove(index)).is_some()
        });
        if is_held {
            self.cx.unlock(lock);
        } else {
            self.cx.record(Event::BadUnlock { lock });
        }
    }

    /// The VMAs that the range covers.
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
