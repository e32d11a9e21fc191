//! Reclaim in one cgroup.
//!
//! Mirrors mm/vmscan.c: `try_to_free_mem_cgroup_pages()`, Linux 6.1. The
//! pages of a cgroup are those that its processes map; a page sent to
//! swap is charged no longer. Left out: page cache, throttling.

use crate::base::CgroupId;
use crate::kernel::cx::Cx;
use crate::kernel::rmap::swap_out;
use crate::kernel::vmscan::{SWAP_CLUSTER_MAX, set_memalloc};
use crate::record::{Func, Gfp};

/// `try_to_free_mem_cgroup_pages()`: the number of pages reclaimed.
pub(super) async fn try_to_free_mem_cgroup_pages(
    cx: &Cx,
    memcg: CgroupId,
    nr_pages: u64,
    gfp: Gfp,
) -> u64 {
    let _in = cx.enter(Func::TryToFreeMemCgroupPages);
    let before = set_memalloc(cx, true);
    let mut reclaimed = 0;
    while gfp.has(Gfp::IO) && reclaimed < nr_pages.max(SWAP_CLUSTER_MAX) {
        let pages = swap_out(cx, SWAP_CLUSTER_MAX, Some(memcg)).await;
        if pages == 0 {
            break;
        }
        cx.cpu(cx.costs().reclaim_dirty_batch).await;
        reclaimed += pages;
    }
    if reclaimed == 0 {
        cx.cpu(cx.costs().reclaim_pass).await;
    }
    set_memalloc(cx, before);
    reclaimed
}
