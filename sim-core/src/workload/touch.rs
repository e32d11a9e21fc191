//! `touch`, `read`, `write`: accesses every page of some regions, in order.

use super::{Flow, Mode, Operation};
use crate::base::{MmId, Nanos, RangeId};
use crate::engine::Signals;
use crate::kernel::mm::Access;
use crate::kernel::plugin::Boxed;
use crate::kernel::{Cx, FaultError, fault_in, freezable_sleep, might_fault, try_to_freeze};
use crate::record::Reason;

/// Pages accessed between two looks at the clock: 256 KiB, as the
/// programs behind the recordings do it.
const CHUNK: u64 = 64;

/// Accesses regions, at a rate or as fast as faults go.
pub struct Touch {
    /// First byte and size in pages of each region.
    pub regions: Vec<(u64, u64)>,
    /// Reading or writing.
    pub access: Access,
    /// Pages per second; a program that fell behind catches up.
    pub rate: Option<u64>,
    /// In user mode, or in the kernel (`copy_from_user()` and the like).
    pub mode: Mode,
}

impl Operation for Touch {
    fn run<'a>(&'a self, cx: &'a Cx) -> Boxed<'a, Flow> {
        Box::pin(self.touch(cx))
    }
}

impl Touch {
    async fn touch(&self, cx: &Cx) -> Flow {
        let begin = cx.now();
        let mut touched = 0;
        for &(start, pages) in &self.regions {
            let mut first = 0;
            while first < pages {
                let chunk = (pages - first).min(CHUNK);
                if let Err(flow) = self.touch_chunk(cx, start + (first << 12), chunk).await {
                    return flow;
                }
                first += chunk;
                touched += chunk;
                if let Some(rate) = self.rate {
                    let due = begin.saturating_add(time_for(touched, rate));
                    if due > cx.now() && self.mode == Mode::User {
                        freezable_sleep(cx, due - cx.now(), Reason::Pace).await;
                    } else if due > cx.now() {
                        cx.sleep(due - cx.now(), Reason::Pace, Signals::Killable).await;
                    }
                }
                if self.mode == Mode::User {
                    try_to_freeze(cx).await;
                }
                if cx.fatal_signal_pending() {
                    return Flow::Next;
                }
            }
        }
        Flow::Next
    }

    async fn touch_chunk(&self, cx: &Cx, address: u64, pages: u64) -> Result<(), Flow> {
        let mut done = 0;
        while done < pages {
            let Some(mm) = cx.mm() else {
                return Err(Flow::Exit);
            };
            if self.mode == Mode::Kernel {
                might_fault(cx, cx.with(|state| state.mms[mm].mmap_lock));
            }
            match self.touch_some(cx, mm, address + (done << 12), pages - done).await {
                Ok(count) => done += count,
                // In the kernel the access just fails with -EFAULT.
                Err(FaultError::Sigbus | FaultError::Segv) if self.mode == Mode::Kernel => {
                    return Err(Flow::Next);
                }
                Err(FaultError::Sigbus | FaultError::Segv) => return Err(Flow::Exit),
                Err(FaultError::Killed) => return Err(Flow::Next),
                // "Huh VM_FAULT_OOM leaked out to the #PF handler. Retrying PF", unless it dies.
                Err(FaultError::Oom) => {}
            }
            if cx.fatal_signal_pending() {
                return Err(Flow::Next);
            }
        }
        Ok(())
    }

    async fn touch_some(
        &self,
        cx: &Cx,
        mm: MmId,
        address: u64,
        pages: u64,
    ) -> Result<u64, FaultError> {
        let (range, first, left) =
            cx.with(|state| vma_page(state, mm, address)).ok_or(FaultError::Segv)?;
        fault_in(cx, mm, range, first, pages.min(left), self.access).await
    }
}

/// The VMA that an address is in, the number of the page in it, and the
/// pages from there to its end.
fn vma_page(state: &crate::kernel::State, mm: MmId, address: u64) -> Option<(RangeId, u64, u64)> {
    let vma = state.mms[mm].vma_at(address)?;
    Some((vma.id, (address - vma.start) >> 12, (vma.end - address) >> 12))
}

/// The time that `pages` take at `rate` pages per second.
fn time_for(pages: u64, rate: u64) -> Nanos {
    let time = u128::from(pages) * 1_000_000_000 / u128::from(rate.max(1));
    Nanos(u64::try_from(time).unwrap_or(u64::MAX))
}
