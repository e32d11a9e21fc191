//! What a modelled function is in the stacks that a kernel prints: its name there, the functions between
//! it and what it calls, those through which user space came to it, or nothing where compilers inline it.
//!
//! Those of 6.1 are recorded on 6.1.192. Those of 5.4, 5.12, 6.12 and 7.1 stand in public reports
//! (`zap_page_range()` until 6.2; `madvise_vma_behavior()` since 5.17; `__alloc_pages_nodemask()` until 5.12;
//! names in `_noprof` since 6.10), but which functions are inlined differs from build to build.

use crate::record::DebugLayout::{self, Marked, NoWaitTypes, RawNesting, WaitTypes, WithIds};
use crate::record::Func;

/// The functions of one that the stack has, innermost first; `None`: it has its own name. `is_top`: nothing
/// that it calls is on the stack, so it stands there for itself: where it takes a lock, or waits. `caller`:
/// the modelled function below it.
pub(super) fn spelled(
    func: Func,
    layout: DebugLayout,
    is_top: bool,
    caller: Option<Func>,
) -> Option<&'static [&'static str]> {
    Some(match (func, layout) {
        (
            Func::UserMode
            | Func::MnHlistStart
            | Func::MnItreeInvalidate
            | Func::OomReapTask
            | Func::OomReapTaskMm
            | Func::AllocPagesMayOom
            | Func::Unregister,
            _,
        ) => &[],
        (Func::MadviseDontneed, NoWaitTypes) if is_top => &["__x64_sys_madvise"],
        (Func::MadviseDontneed, _) if is_top => &["do_madvise", "__x64_sys_madvise"],
        (Func::MadviseDontneed, NoWaitTypes) => &["zap_page_range", "__x64_sys_madvise"],
        (Func::MadviseDontneed, WaitTypes) => {
            &["zap_page_range", "do_madvise", "__x64_sys_madvise"]
        }
        (Func::MadviseDontneed, Marked) => {
            &["zap_page_range_single", "do_madvise", "__x64_sys_madvise"]
        }
        (Func::MadviseDontneed, WithIds | RawNesting) => &[
            "zap_page_range_single",
            "madvise_vma_behavior",
            "madvise_walk_vmas",
            "do_madvise",
            "__x64_sys_madvise",
        ],
        (Func::DoMunmap, _) if is_top => &["__vm_munmap", "__x64_sys_munmap"],
        (Func::DoMunmap, NoWaitTypes | WaitTypes) => {
            &["__do_munmap", "__vm_munmap", "__x64_sys_munmap"]
        }
        (Func::DoMunmap, Marked) => {
            &["do_mas_align_munmap", "do_mas_munmap", "__vm_munmap", "__x64_sys_munmap"]
        }
        (Func::DoMunmap, WithIds | RawNesting) => &[
            "vms_complete_munmap_vmas",
            "do_vmi_align_munmap",
            "do_vmi_munmap",
            "__vm_munmap",
            "__x64_sys_munmap",
        ],
        (Func::DoMmap, _) if is_top => &["vm_mmap_pgoff", "ksys_mmap_pgoff"],
        (Func::DoMmap, _) => &["mmap_region", "do_mmap", "vm_mmap_pgoff", "ksys_mmap_pgoff"],
        // mmap() over what is mapped calls for itself what is munmap()'s own otherwise.
        (Func::UnmapRegion, NoWaitTypes | WaitTypes) if caller == Some(Func::DoMmap) => {
            &["unmap_vmas", "unmap_region", "__do_munmap"]
        }
        (Func::UnmapRegion, Marked) if caller == Some(Func::DoMmap) => {
            &["unmap_vmas", "unmap_region", "do_mas_align_munmap", "do_mas_munmap"]
        }
        (Func::UnmapRegion, NoWaitTypes | WaitTypes | Marked) => &["unmap_vmas", "unmap_region"],
        (Func::UnmapRegion, WithIds | RawNesting) => &["unmap_vmas", "vms_clear_ptes"],
        (Func::ExcPageFault, WaitTypes | Marked | WithIds | RawNesting) => {
            &["do_user_addr_fault", "exc_page_fault"]
        }
        (Func::AllocPages, NoWaitTypes | WaitTypes) => &["__alloc_pages_nodemask"],
        (Func::AllocPages, WithIds) => &["__alloc_pages_noprof"],
        (Func::AllocPages, RawNesting) => &["__alloc_frozen_pages_noprof"],
        (Func::Kmalloc, _) => kmalloc(layout, is_top),
        // It got its name when flush_workqueue() became a macro that warns (6.0).
        (Func::FlushWorkqueue, Marked | WithIds | RawNesting) => &["__flush_workqueue"],
        (Func::DmaFenceWait, NoWaitTypes | WaitTypes) => {
            &["dma_fence_wait_timeout", "dma_resv_wait_timeout_rcu"]
        }
        (Func::DmaFenceWait, _) => &["dma_fence_wait_timeout", "dma_resv_wait_timeout"],
        _ => return None,
    })
}

/// `kmalloc()` of a constant size; what stands above it when it needs a page.
fn kmalloc(layout: DebugLayout, is_top: bool) -> &'static [&'static str] {
    match (layout, is_top) {
        (NoWaitTypes | WaitTypes, true) => &["kmem_cache_alloc_trace"],
        (NoWaitTypes | WaitTypes, false) => {
            &["allocate_slab", "___slab_alloc", "kmem_cache_alloc_trace"]
        }
        (Marked, true) => &["__kmem_cache_alloc_node", "kmalloc_trace"],
        (Marked, false) => {
            &["allocate_slab", "___slab_alloc", "__kmem_cache_alloc_node", "kmalloc_trace"]
        }
        (WithIds | RawNesting, true) => &["__kmalloc_cache_noprof"],
        (WithIds | RawNesting, false) => {
            &["allocate_slab", "___slab_alloc", "__kmalloc_cache_noprof"]
        }
    }
}

/// What stands below the outermost modelled function, between it and the entry into the kernel.
pub(super) fn syscall(func: Func) -> &'static [&'static str] {
    match func {
        Func::DeviceIoctl => &["__x64_sys_ioctl"],
        Func::HlistRegister
        | Func::HlistUnregister
        | Func::IntervalInsert
        | Func::IntervalRemove
        | Func::Unregister => &["device_ioctl", "__x64_sys_ioctl"],
        Func::DoFork => &["__do_sys_clone", "__x64_sys_clone"],
        Func::DoMlock => &["__x64_sys_mlock"],
        Func::FutexWait => &["do_futex", "__x64_sys_futex"],
        Func::DoSemtimedop => &["__x64_sys_semtimedop"],
        _ => &[],
    }
}
