//! How a device comes to map a process's memory: it faults the pages in,
//! and makes sure that nobody took them away meanwhile.
//!
//! Mirrors what drivers do around `hmm_range_fault()` (mm/hmm.c) and
//! `pin_user_pages()` (mm/gup.c), Linux 6.1; `kvm_faultin_pfn()`
//! (virt/kvm, arch/x86/kvm/mmu/mmu.c) and
//! `ib_umem_odp_map_dma_and_lock()` (drivers/infiniband/core/umem_odp.c)
//! where a count of invalidations in progress takes the place of the
//! interval's sequence number. Left out: faults on single pages.

use super::super::cx::Cx;
use super::super::memory::fault_in;
use super::super::mm::Access;
use super::super::mmu_notifier::{mmu_interval_read_begin, mmu_interval_read_retry};
use super::super::plugin::{Api, FaultWait};
use super::super::state::State;
use super::pages::{Attachment, map};
use crate::base::{DeviceId, MmId, Nanos, NotifierId, RangeId};
use crate::engine::{Hold, Signals, Why};
use crate::record::{Func, Reason};

/// `HMM_RANGE_DEFAULT_TIMEOUT` (include/linux/hmm.h, Linux 6.12): how long
/// drivers try before they give up.
const HMM_RANGE_DEFAULT_TIMEOUT: Nanos = Nanos::from_ms(1000);

/// `MMU_NOTIFIER_TIMEOUT` (drivers/infiniband/hw/mlx5/odp.c, Linux 5.4): how long a
/// fault waits for the end of invalidations before it is left to the device to fault again.
const MMU_NOTIFIER_TIMEOUT: Nanos = Nanos::from_ms(1000);

/// Why a device could not map memory.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub(super) enum MapError {
    /// The memory can't be had: `-EFAULT`, `-ENOMEM`.
    Fault,
    /// The caller is killed: `-EINTR`.
    Killed,
    /// It was taken away again and again: `-EBUSY`.
    Busy,
}

/// A registration came to be. A device that no callback can reach has to
/// pin all of its range at once; others may have it mapped (`hfi1_user_exp_rcv_setup()`,
/// drivers/infiniband/hw/hfi1/user_exp_rcv.c).
pub(in crate::kernel) async fn registered(cx: &Cx, notifier: NotifierId) {
    let (device, mm, pins, maps) = cx.with(|state| {
        let (device, mm) = (state.notifiers[notifier].device, state.notifiers[notifier].mm);
        let device_state = &mut state.devices[device];
        device_state.attached.push(Attachment::new(notifier, mm));
        (device, mm, device_state.setup.page_refs, device_state.setup.maps_at_register)
    });
    let driver = &cx.kernel().drivers[device];
    driver.registered(cx, device).await;
    let pins = pins && !driver.ops().start;
    if !pins && !maps {
        return;
    }
    let ranges: Vec<_> = cx.with(|state| {
        let covered = state.notifiers[notifier].range;
        let vmas = state.mms[mm].vmas.iter();
        let vmas = vmas.filter(|vma| covered.start < vma.end && vma.start < covered.end);
        vmas.map(|vma| vma.id).collect()
    });
    for range in ranges {
        // A registration that fails halfway keeps what it has until it is closed.
        if !pins {
            if validate_through(cx, notifier, range).await.is_err() {
                return;
            }
        } else if let Ok(pages) = fault_range(cx, notifier, range).await {
            map(cx, notifier, range, pages, true);
        }
    }
}

/// The registrations of a device that cover any of a VMA.
pub(super) fn registrations(
    state: &State,
    device: DeviceId,
    mm: MmId,
    range: RangeId,
) -> impl Iterator<Item = &Attachment> {
    let vma = state.mms[mm].vmas.iter().find(|vma| vma.id == range);
    let mine = state.devices[device].attached.iter().filter(move |attached| attached.mm == mm);
    mine.filter(move |attached| {
        let covered = state.notifiers[attached.notifier].range;
        vma.is_some_and(|vma| covered.start < vma.end && vma.start < covered.end)
    })
}

/// Whether a device maps what its registrations cover of a VMA.
pub(super) fn is_mapped(state: &State, device: DeviceId, mm: MmId, range: RangeId) -> bool {
    registrations(state, device, mm, range)
        .all(|attached| attached.mirror(range).is_some_and(|mirror| mirror.mapped > 0))
}

/// Maps the memory of a VMA for a job, unless it is mapped.
pub(super) async fn validate(
    cx: &Cx,
    device: DeviceId,
    mm: MmId,
    range: RangeId,
) -> Result<(), MapError> {
    // Most jobs find it so.
    if cx.with(|state| is_mapped(state, device, mm, range)) {
        return Ok(());
    }
    let through: Vec<_> = cx.with(|state| {
        registrations(state, device, mm, range).map(|attached| attached.notifier).collect()
    });
    for notifier in through {
        validate_through(cx, notifier, range).await?;
    }
    Ok(())
}

/// One registration's part of it: fault, lock, look whether it still
/// holds, program the device.
async fn validate_through(cx: &Cx, notifier: NotifierId, range: RangeId) -> Result<(), MapError> {
    let (device, lock, refs) = cx.with(|state| {
        let device = state.notifiers[notifier].device;
        let setup = &state.devices[device].setup;
        (device, setup.lock, setup.page_refs)
    });
    let deadline = cx.now() + HMM_RANGE_DEFAULT_TIMEOUT;
    loop {
        let mapped = cx.with(|state| {
            let mirror = state.attachment(notifier).and_then(|attached| attached.mirror(range));
            mirror.map_or(0, |mirror| mirror.mapped)
        });
        if mapped > 0 {
            return Ok(());
        }
        let seq = read_begin(cx, notifier).await?;
        let pages = fault_range(cx, notifier, range).await?;
        cx.lock(lock, Hold::Exclusive, Reason::DriverLock).await;
        // A thread of the driver may come too late: the process closes the device, or has closed it.
        if cx.with(|state| !state.notifiers[notifier].registered) {
            cx.unlock(lock);
            return Err(MapError::Fault);
        }
        let retry = read_retry(cx, notifier, seq);
        if !retry {
            cx.kernel().drivers[device].mapping(cx, device).await;
            map(cx, notifier, range, pages, refs);
        }
        cx.unlock(lock);
        if !retry {
            return Ok(());
        }
        if cx.now() > deadline {
            return Err(MapError::Busy);
        }
    }
}

/// What the device compares with once it has its lock.
#[derive(Copy, Clone)]
enum Seq {
    /// Of the interval.
    Interval(u32),
    /// The driver's own.
    Own(u64),
}

/// Waits until no invalidation that the driver knows of runs.
async fn read_begin(cx: &Cx, notifier: NotifierId) -> Result<Seq, MapError> {
    if cx.with(|state| state.notifiers[notifier].api) == Api::Interval {
        return Ok(Seq::Interval(mmu_interval_read_begin(cx, notifier).await));
    }
    wait_for_end(cx, notifier).await?;
    let seq = cx.with(|state| state.attachment(notifier).map(|attached| attached.seq));
    seq.map(Seq::Own).ok_or(MapError::Fault)
}

/// Whether there was an invalidation since.
fn read_retry(cx: &Cx, notifier: NotifierId, seq: Seq) -> bool {
    match seq {
        Seq::Interval(seq) => mmu_interval_read_retry(cx, notifier, seq),
        Seq::Own(seq) => cx.with(|state| {
            state
                .attachment(notifier)
                .is_none_or(|attached| attached.seq != seq || !attached.in_progress.is_empty())
        }),
    }
}

/// Waits until no invalidation is in progress; for ever, if its end was lost.
pub(super) async fn wait_for_end(cx: &Cx, notifier: NotifierId) -> Result<(), MapError> {
    let device = cx.with(|state| state.notifiers[notifier].device);
    let manner = cx.kernel().drivers[device].fault_wait();
    let idle = cx.with(|state| state.devices[device].idle);
    let is_invalidated = || {
        cx.with(|state| {
            let attached = state.attachment(notifier);
            attached.is_some_and(|attached| !attached.in_progress.is_empty())
        })
    };
    let mut retries = cx.costs().page_fault.max(Nanos(1));
    let deadline = cx.now() + MMU_NOTIFIER_TIMEOUT;
    while is_invalidated() {
        let sees_signals = matches!(manner, FaultWait::Killable | FaultWait::Retries);
        if sees_signals && cx.fatal_signal_pending() {
            return Err(MapError::Killed);
        }
        let engine = &cx.kernel().engine;
        match manner {
            FaultWait::Killable => {
                let why = Why(Reason::DeviceFault as u8);
                engine.wait(idle, why, Signals::Killable, None).await;
            }
            FaultWait::Uninterruptible => {
                let why = Why(Reason::RangeActive as u8);
                engine.wait(idle, why, Signals::Ignored, None).await;
            }
            FaultWait::Timed => {
                cx.wait_until(idle, Reason::RangeActive, deadline).await;
                if cx.now() >= deadline && is_invalidated() {
                    return Err(MapError::Busy);
                }
            }
            FaultWait::Retries => {
                let _in = cx.enter(Func::FaultRetry);
                cx.cpu(retries).await;
                // One fault first, then ever more of them at once, up to those of a jiffy.
                retries = (retries * 2).min(cx.kernel().clock.tick());
            }
        }
    }
    Ok(())
}

/// Faults in what a registration covers of a VMA; how many pages that is.
async fn fault_range(cx: &Cx, notifier: NotifierId, range: RangeId) -> Result<u64, MapError> {
    let Some((mm, first, end)) = cx.with(|state| {
        let registration = &state.notifiers[notifier];
        let (mm, covered) = (registration.mm, registration.range);
        let vma = state.mms[mm].vma(range)?;
        let page = |address: u64| (address.clamp(vma.start, vma.end) - vma.start) >> 12;
        Some((mm, page(covered.start), page(covered.end)))
    }) else {
        return Err(MapError::Fault);
    };
    // A VMA's pages are its first ones, so those before the range are needed too.
    let mut done = 0;
    while done < end {
        if cx.fatal_signal_pending() {
            return Err(MapError::Killed);
        }
        done += fault_in(cx, mm, range, done, end - done, Access::Write)
            .await
            .map_err(|_| MapError::Fault)?;
    }
    Ok(end - first)
}
