//! `mmap`: maps an anonymous private region.

use super::{Flow, Operation};
use crate::base::RangeId;
use crate::engine::Hold;
use crate::kernel::Cx;
use crate::kernel::mm::{Backing, Vma};
use crate::kernel::plugin::Boxed;
use crate::record::Reason;

/// Maps `start..end` under the name `range`; takes no pages and no time.
pub struct Mmap {
    /// Its name in records.
    pub range: RangeId,
    /// First byte.
    pub start: u64,
    /// One past the last byte.
    pub end: u64,
}

impl Operation for Mmap {
    fn run<'a>(&'a self, cx: &'a Cx) -> Boxed<'a, Flow> {
        let vma = Vma::new(self.range, self.start, self.end, Backing::Anonymous);
        Box::pin(async move {
            if let Some(mm) = cx.mm() {
                let mmap_lock = cx.with(|state| state.mms[mm].mmap_lock);
                cx.lock(mmap_lock, Hold::Exclusive, Reason::MmapLock).await;
                cx.with(|state| state.mms[mm].insert(vma));
                cx.unlock(mmap_lock);
            }
            Flow::Next
        })
    }
}
