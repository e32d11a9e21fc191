//! The model of Linux: allocator, OOM killer, OOM reaper, MMU
//! notifiers, exit. A file mirrors a kernel file or one concern of it
//! and opens with the source it mirrors; an `async fn` has the name of
//! the kernel's function and takes the same steps in the same order.
//!
//! What differs between kernel versions is a row of [`switches`]; what
//! differs between drivers and between policies comes in through the
//! traits of [`plugin`].

mod badness;
mod compaction;
pub mod completion;
mod coredump;
pub mod costs;
mod cx;
pub mod device;
mod exit;
pub mod filemap;
pub mod fork;
pub mod freezer;
mod fs_writeback;
mod futex;
mod gfp;
mod kmem;
mod kswapd;
mod lockdep;
pub mod lruvec;
mod madvise;
mod memcontrol;
mod memory;
mod mlock;
pub mod mm;
mod mmap;
mod mmu_gather;
pub mod mmu_notifier;
mod munmap;
mod oom_kill;
mod oom_reaper;
mod page_alloc;
pub mod page_writeback;
pub mod pgtable;
pub mod plugin;
mod power;
mod process_mrelease;
pub mod psi;
pub mod ratelimit;
mod reclaim_retry;
pub mod reclaim_throttle;
mod recount;
pub mod rmap;
pub mod sched;
mod sem;
mod shmem;
mod shrinker;
mod signal;
pub mod state;
mod swap;
pub mod switches;
mod sysrq;
#[cfg(test)]
mod testing;
mod timer;
mod vmscan;
pub mod writeback;
pub mod zone;

pub use badness::{proc_oom_score, set_oom_adj};
pub use coredump::do_coredump;
pub use costs::Costs;
pub use cx::{Clock, Cx, InFunction, Kernel, NewTask, Parts};
pub use exit::{do_exit, do_group_exit};
pub use fork::{CloneMm, kernel_clone};
pub use freezer::{freezable_sleep, freezable_wait, freezer_change_state, try_to_freeze};
pub use fs_writeback::wb_wakeup_delayed;
pub use futex::{futex_lock, futex_unlock};
pub use kmem::{Request, alloc_and_free, alloc_kernel_pages, free_kernel_pages};
pub use kswapd::kswapd;
pub use lockdep::{LockDebug, might_fault, might_sleep};
pub use madvise::madvise_dontneed;
pub use memcontrol::memory_max_write;
pub use memory::{FaultError, fault_in, map_initial};
pub use mlock::{do_mlock, do_munlock};
pub use munmap::{do_mmap, do_munmap};
pub use oom_reaper::{OOM_SKIP_SLEEP, Reaping, oom_reaper};
pub use power::pm_suspend;
pub use process_mrelease::{MreleaseError, process_mrelease};
pub use psi::{psi_trigger_create, psi_trigger_poll};
pub use sem::{semop_down, semop_up};
pub use signal::{get_signal, kill_process};
pub use state::State;
pub use sysrq::sysrq_handle_moom;
pub use timer::{msleep, msleep_killable, schedule_timeout};
