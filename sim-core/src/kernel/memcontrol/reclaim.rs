//! Reclaim in one cgroup.
//!
//! Mirrors mm/vmscan.c: `try_to_free_mem_cgroup_pages()`, Linux 6.1.

use crate::base::CgroupId;
use crate::kernel::cx::Cx;
use crate::record::{Func, Gfp};

/// `try_to_free_mem_cgroup_pages()`: the number of pages reclaimed.
pub(super) async fn try_to_free_mem_cgroup_pages(
    cx: &Cx,
    _memcg: CgroupId,
    _nr_pages: u64,
    _gfp: Gfp,
) -> u64 {
    let _in = cx.enter(Func::TryToFreeMemCgroupPages);
    cx.cpu(cx.costs().reclaim_pass).await;
    0
}
