//! Memory that kernel code takes for itself.
//!
//! Mirrors no one file: `alloc_pages()` and `__free_pages()` as a driver
//! calls them, in the context of the task, and `kmalloc()` (mm/slub.c) as one that
//! never has an object left: it says what it might do, and asks for a page. Left out: slab
//! caches, pages that one task takes and another gives back.

use super::cx::Cx;
use super::lockdep::slab_might_alloc;
use super::memcontrol::{current_cgroup, memcg_kmem_charge, memcg_kmem_uncharge};
use super::page_alloc::{alloc_pages, free_pages, transfer_pages};
use super::zone::{Pages, Use};
use crate::record::{Event, Func, Gfp};

/// A request of kernel code.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub struct Request {
    /// With what flags.
    pub gfp: Gfp,
    /// A block of 2^order pages.
    pub order: u8,
    /// Whether it is `kmalloc()` that asks.
    pub slab: bool,
}

impl Request {
    /// A request for pages.
    pub fn pages(gfp: Gfp, order: u8) -> Self {
        Self { gfp, order, slab: false }
    }

    async fn alloc(self, cx: &Cx, want: u64) -> Option<Pages> {
        let Self { gfp, order, slab } = self;
        if !slab {
            return alloc_pages(cx, gfp, order, want).await;
        }
        let _in = cx.enter(Func::Kmalloc);
        slab_might_alloc(cx, gfp);
        alloc_pages(cx, gfp, order, want).await
    }
}

/// Makes so many requests, and gives each back. Without
/// memory it goes on: what is asked is not what is done with it.
pub async fn alloc_and_free(cx: &Cx, request: Request, count: u32) {
    for _ in 0..count {
        if let Some(pages) = request.alloc(cx, 1 << request.order).await {
            free_pages(cx, pages, Use::InFlight);
        }
    }
}

/// Makes `count` requests, until one fails. Either the task
/// keeps all pages, or each is given back before the next request.
/// Requests with `__GFP_ACCOUNT` are charged to the task's cgroup.
pub async fn alloc_kernel_pages(cx: &Cx, request: Request, count: u64, keeps: bool) {
    let Request { gfp, order, .. } = request;
    let charged = gfp.has(Gfp::ACCOUNT);
    let mut left = count;
    while left > 0 {
        let want = if keeps && !charged { left << order } else { 1 << order };
        let Some(pages) = request.alloc(cx, want).await else { break };
        if charged && memcg_kmem_charge(cx, gfp, order).await.is_err() {
            free_pages(cx, pages, Use::InFlight);
            break;
        }
        left -= (pages.count() >> order).clamp(1, left);
        if keeps {
            transfer_pages(cx, pages, Use::InFlight, Use::Kernel);
            cx.with(|state| {
                let task = &mut state.tasks[cx.task()];
                task.kernel_pages.add(pages);
                task.kernel_pages_charged += if charged { pages.count() } else { 0 };
            });
        } else {
            free_pages(cx, pages, Use::InFlight);
            if charged {
                let memcg = cx.with(|state| current_cgroup(state, cx));
                memcg_kmem_uncharge(cx, memcg, pages.count());
            }
        }
    }
    if keeps {
        record_held(cx, order, gfp);
    }
}

/// Gives back what the task keeps.
pub fn free_kernel_pages(cx: &Cx) {
    let (pages, charged, memcg) = cx.with(|state| {
        let task = &mut state.tasks[cx.task()];
        let pages = std::mem::take(&mut task.kernel_pages);
        let charged = std::mem::take(&mut task.kernel_pages_charged);
        (pages, charged, current_cgroup(state, cx))
    });
    if pages != Pages::default() {
        free_pages(cx, pages, Use::Kernel);
        memcg_kmem_uncharge(cx, memcg, charged);
        record_held(cx, 0, Gfp(0));
    }
}

fn record_held(cx: &Cx, order: u8, gfp: Gfp) {
    let held = cx.with(|state| state.tasks[cx.task()].kernel_pages.count());
    let held = u32::try_from(held).unwrap_or(u32::MAX);
    cx.record(Event::KernelPages { held, order, gfp: gfp.0 });
}
