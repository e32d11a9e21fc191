//! Writes to `memory.max`.
//!
//! Mirrors mm/memcontrol.c: `memory_max_write()`, Linux 6.1 (kernel-spec
//! 7.4). Where the kernel spins because a victim is still pending, this
//! burns a tick at a time.

use super::drain_all_stock;
use super::oom::mem_cgroup_out_of_memory;
use crate::base::CgroupId;
use crate::kernel::cx::Cx;
use crate::kernel::vmscan::try_to_free_mem_cgroup_pages;
use crate::record::{Event, Gfp};

/// `memory_max_write()`: the new limit, in pages, holds at once; then
/// pages are reclaimed, and at last processes killed, until it is kept.
pub async fn memory_max_write(cx: &Cx, memcg: CgroupId, max: Option<u64>) {
    cx.with(|state| state.cgroups[memcg].limit = max);
    let pages = max.map_or(u32::MAX, |max| u32::try_from(max).unwrap_or(u32::MAX));
    cx.record(Event::MemcgLimit { cgroup: memcg, pages });
    let Some(max) = max else { return };
    let mut nr_reclaims = cx.kernel().switches.memcg_reclaim_retries;
    let mut drained = false;
    loop {
        let usage = cx.with(|state| state.cgroups[memcg].usage);
        if usage <= max || cx.fatal_signal_pending() {
            return;
        }
        if !drained {
            drain_all_stock(cx, memcg);
            drained = true;
        } else if nr_reclaims > 0 {
            let reclaimed = try_to_free_mem_cgroup_pages(cx, memcg, usage - max, Gfp::KERNEL).await;
            nr_reclaims -= u8::from(reclaimed == 0);
        } else if !mem_cgroup_out_of_memory(cx, memcg, Gfp::KERNEL, 0).await {
            return;
        } else {
            cx.cpu(cx.kernel().clock.tick()).await;
        }
    }
}
