//! `mmap`, `munmap`, `madvise`, `mlock`, `munlock`: system calls on a
//! region of the process.

use super::{Flow, Operation};
use crate::kernel::mm::Vma;
use crate::kernel::plugin::Boxed;
use crate::kernel::{Cx, do_mlock, do_mmap, do_munlock, do_munmap, madvise_dontneed};

/// Maps a VMA. What was mapped at its place goes first (MAP_FIXED).
pub struct Mmap {
    /// The VMA, without pages.
    pub vma: Vma,
}

impl Operation for Mmap {
    fn run<'a>(&'a self, cx: &'a Cx) -> Boxed<'a, Flow> {
        Box::pin(async move {
            if let Some(mm) = cx.mm() {
                do_mmap(cx, mm, self.vma.clone()).await;
            }
            Flow::Next
        })
    }
}

/// What is done to a region.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum MapCall {
    /// `munmap()`.
    Munmap,
    /// `madvise(MADV_DONTNEED)`.
    Dontneed,
    /// `mlock()`.
    Mlock,
    /// `munlock()`.
    Munlock,
}

/// A system call on a range of addresses.
pub struct OnRange {
    /// What is done.
    pub call: MapCall,
    /// First byte.
    pub start: u64,
    /// One past the last byte.
    pub end: u64,
}

impl Operation for OnRange {
    fn run<'a>(&'a self, cx: &'a Cx) -> Boxed<'a, Flow> {
        Box::pin(async move {
            let Some(mm) = cx.mm() else { return Flow::Next };
            match self.call {
                MapCall::Munmap => drop(do_munmap(cx, mm, self.start, self.end).await),
                MapCall::Dontneed => madvise_dontneed(cx, mm, self.start, self.end).await,
                MapCall::Mlock => do_mlock(cx, mm, self.start, self.end).await,
                MapCall::Munlock => do_munlock(cx, mm, self.start, self.end).await,
            }
            Flow::Next
        })
    }
}
