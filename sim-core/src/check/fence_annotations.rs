//! `fence-annotations`: has lockdep see waits for fences.
//!
//! Summary: warns when code that a fence needs to signal could wait for that fence.
//! Mechanism: waits for a fence take a map for writing, code on the way to a signal holds it for reading; the order that drivers may rely on is taught at boot.
//! Models: `dma_fence_begin_signalling()` around the worker of every device, `__dma_fence_might_wait()` and `dma_resv_lockdep()` (5.9 and later; offered on every kernel), reported by lockdep, which it turns on.
//! Doesn't model: fences inside a dma_resv; the acquire contexts of its lock, but for their classes.
//! See: drivers/dma-buf/dma-fence.c, drivers/dma-buf/dma-resv.c.

use crate::engine::Hold;
use crate::record::{Annotation, Attempt, By, FakeMap, Tracked};

const MAP: Tracked = Tracked::Map(FakeMap::DmaFence);

fn acquire(hold: Hold, by: By) -> Annotation {
    Annotation::Acquire { what: MAP, hold, attempt: Attempt::Waits, by }
}

/// What lockdep is to be told in place of an annotation of fences, given
/// whether the task is on the way to a signal.
pub(super) fn translate(annotation: Annotation, signalling: bool) -> Vec<Annotation> {
    match annotation {
        // Nesting is allowed and counts for nothing.
        Annotation::BeginSignalling if !signalling => vec![acquire(Hold::Shared, By::Caller)],
        Annotation::EndSignalling if signalling => vec![Annotation::Release(MAP)],
        Annotation::FenceWait => {
            let wait = [acquire(Hold::Exclusive, By::DmaFenceWait), Annotation::Release(MAP)];
            let mut told = Vec::new();
            if signalling {
                told.push(Annotation::Release(MAP));
            }
            told.extend(wait);
            if signalling {
                told.push(acquire(Hold::Shared, By::DmaFenceWait));
            }
            told
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_ends_and_nesting_counts_for_nothing() {
        let begun = translate(Annotation::BeginSignalling, false);
        assert_eq!(begun, [acquire(Hold::Shared, By::Caller)]);
        assert_eq!(translate(Annotation::BeginSignalling, true), []);
        assert_eq!(translate(Annotation::EndSignalling, true), [Annotation::Release(MAP)]);
        assert_eq!(translate(Annotation::EndSignalling, false), []);
    }
}
