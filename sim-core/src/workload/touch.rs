//! `touch`: writes to every page of some regions, in order.

use super::{Flow, Operation};
use crate::base::{Nanos, RangeId};
use crate::engine::Signals;
use crate::kernel::plugin::Boxed;
use crate::kernel::{Cx, FaultError, fault_in};
use crate::record::Reason;

/// Pages touched between two looks at the clock: 256 KiB, as the
/// programs behind the recordings do it.
const CHUNK: u64 = 64;

/// Touches regions, at a rate or as fast as faults go.
pub struct Touch {
    /// Regions and their sizes in pages.
    pub regions: Vec<(RangeId, u64)>,
    /// Pages per second; a program that fell behind catches up.
    pub rate: Option<u64>,
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
        for &(range, pages) in &self.regions {
            let mut first = 0;
            while first < pages {
                let chunk = (pages - first).min(CHUNK);
                if let Err(flow) = touch_chunk(cx, range, first, chunk).await {
                    return flow;
                }
                first += chunk;
                touched += chunk;
                if let Some(rate) = self.rate {
                    let due = begin.saturating_add(time_for(touched, rate));
                    if due > cx.now() {
                        cx.sleep(due - cx.now(), Reason::Pace, Signals::Killable).await;
                    }
                }
                if cx.fatal_signal_pending() {
                    return Flow::Next;
                }
            }
        }
        Flow::Next
    }
}

/// The time that `pages` take at `rate` pages per second.
fn time_for(pages: u64, rate: u64) -> Nanos {
    let time = u128::from(pages) * 1_000_000_000 / u128::from(rate.max(1));
    Nanos(u64::try_from(time).unwrap_or(u64::MAX))
}

async fn touch_chunk(cx: &Cx, range: RangeId, first: u64, pages: u64) -> Result<(), Flow> {
    let mut done = 0;
    while done < pages {
        let Some(mm) = cx.mm() else {
            return Err(Flow::Exit);
        };
        match fault_in(cx, mm, range, first + done, pages - done).await {
            Ok(count) => done += count,
            Err(FaultError::Sigbus) => return Err(Flow::Exit),
            // "Huh VM_FAULT_OOM leaked out to the #PF handler. Retrying PF", unless it dies.
            Err(FaultError::Oom) => {}
        }
        if cx.fatal_signal_pending() {
            return Err(Flow::Next);
        }
    }
    Ok(())
}
