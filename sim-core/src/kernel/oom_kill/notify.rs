//! The OOM notifier chain: who may give memory back before anybody is killed.
//!
//! Mirrors mm/oom_kill.c: `register_oom_notifier()` and its callers, and
//! the one member that a machine may have here, drivers/virtio/virtio_balloon.c:
//! `virtio_balloon_oom_notify()`, Linux 4.6 to 7.1 (kernel-spec 2.2 step 2).

use crate::kernel::cx::Cx;
use crate::kernel::page_alloc::free_pages;
use crate::kernel::zone::Use;

/// `VIRTIO_BALLOON_OOM_NR_PAGES`.
const OOM_NR_PAGES: u64 = 256;

/// `blocking_notifier_call_chain(&oom_notify_list, …)`: pages freed.
pub(super) fn oom_notify(cx: &Cx) -> u64 {
    let freed = cx.with(|state| state.balloon.take(OOM_NR_PAGES));
    free_pages(cx, freed, Use::Reserved);
    freed.count()
}
