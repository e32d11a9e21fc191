//! Which page cache is dirty since when, and the thread that writes it.
//!
//! Mirrors fs/fs-writeback.c: `__mark_inode_dirty()`,
//! `wb_wakeup_delayed()`, `wakeup_flusher_threads()`, `wb_workfn()`,
//! `wb_do_writeback()`, `wb_writeback()`, `queue_io()`, Linux 4.6 to 6.1. An
//! inode is as old as its first dirty page and stays on the list until
//! all of them are sent; what was dirty at the start of a run and what
//! core dumps wrote count as one inode of each cgroup. The flusher works when reclaim asks for
//! it, when more is dirty than the background limit allows, and every
//! `dirty_writeback_interval` for what is older than
//! `dirty_expire_interval`. Left out: a `wb` for each cgroup, `sync()`,
//! write protection of what is written (so a mapped page that was dirty
//! once does not become dirty again).

use std::collections::VecDeque;

use super::cx::Cx;
use super::lruvec::Memcg;
use super::page_alloc::transfer_pages;
use super::page_writeback::wb_over_bg_thresh;
use super::writeback::{Owner, To, new_task, record_page_cache, write_pages};
use super::zone::{Pages, Use};
use crate::base::{Nanos, QueueId, SimTime};
use crate::engine::{Signals, Why};
use crate::record::{Func, Reason, TaskKind};

/// Pages of one request of the flusher: 1 MiB.
const FLUSH_CHUNK: u64 = 256;

/// An inode with dirty pages.
struct DirtyInode {
    of: Owner,
    /// `dirtied_when`, of its first page.
    dirtied_when: SimTime,
    pages: Pages,
}

/// `struct bdi_writeback`.
#[derive(Default)]
pub(super) struct Flusher {
    /// `b_dirty`: the oldest first.
    b_dirty: Vec<DirtyInode>,
    /// `WB_start_all`: reclaim wants all that is dirty written.
    start_all: bool,
    /// `work_list`: how many pages of it were so at each call (up to 4.14).
    work_list: VecDeque<u64>,
    /// `WB_writeback_running`.
    running: bool,
    /// `dwork` is queued.
    pending: bool,
    /// When `dwork` will be queued, if its timer is armed.
    timer: Option<SimTime>,
    /// When it last looked for old pages.
    last_old_flush: SimTime,
    /// Wakes the flusher, and arms its timer; none before there was something to do.
    queues: Option<(QueueId, QueueId)>,
}

impl Flusher {
    /// `__mark_inode_dirty()`: pages of a file, or of none, are dirty now.
    pub(super) fn mark_dirty(&mut self, of: Owner, now: SimTime, pages: Pages) {
        if pages.count() == 0 {
            return;
        }
        match self.b_dirty.iter_mut().find(|inode| inode.of == of) {
            Some(inode) => inode.pages.add(pages),
            None => self.b_dirty.push(DirtyInode { of, dirtied_when: now, pages }),
        }
    }

    /// `wb_has_dirty_io()`.
    fn has_dirty_io(&self) -> bool {
        !self.b_dirty.is_empty()
    }

    /// `get_nr_dirty_pages()`: inodes count, too.
    fn nr_dirty_pages(&self) -> u64 {
        self.dirty().count() + self.b_dirty.len() as u64
    }

    /// All dirty pages.
    pub(super) fn dirty(&self) -> Pages {
        let mut all = Pages::default();
        self.b_dirty.iter().for_each(|inode| all.add(inode.pages));
        all
    }

    /// Those of some owners.
    pub(super) fn dirty_in(&self, is: impl Fn(Owner) -> bool) -> Pages {
        let mut all = Pages::default();
        let inodes = self.b_dirty.iter().filter(|inode| is(inode.of));
        inodes.for_each(|inode| all.add(inode.pages));
        all
    }

    /// `writeback_in_progress()`.
    pub(super) fn is_running(&self) -> bool {
        self.running
    }

    /// `queue_io()`: up to `most` pages of the oldest inode, if it is old enough.
    fn queue_io(&mut self, dirtied_before: SimTime, most: u64) -> Option<(Owner, Pages)> {
        let inode =
            self.b_dirty.first_mut().filter(|inode| inode.dirtied_when <= dirtied_before)?;
        let taken = (inode.of, inode.pages.take(most));
        self.b_dirty.retain(|inode| inode.pages.count() > 0);
        Some(taken)
    }

    /// Up to `most` dirty pages of a cgroup's inode in the `zones` lowest
    /// zones, which reclaim writes itself.
    pub(super) fn take_for_pageout(
        &mut self,
        memcg: Memcg,
        zones: usize,
        most: u64,
    ) -> Option<(Owner, Pages)> {
        let is =
            |inode: &&mut DirtyInode| inode.of.memcg == memcg && inode.pages.count_in(zones) > 0;
        let inode = self.b_dirty.iter_mut().find(is)?;
        let taken = (inode.of, inode.pages.take_in(most, zones));
        self.b_dirty.retain(|inode| inode.pages.count() > 0);
        Some(taken)
    }
}

/// `folio_account_dirtied()` and `__mark_inode_dirty()`: pages used for
/// `from` are dirty page cache from now on.
pub(super) fn mark_inode_dirty(cx: &Cx, of: Owner, pages: Pages, from: Use) {
    if pages.count() == 0 {
        return;
    }
    transfer_pages(cx, pages, from, Use::Dirty);
    let now = cx.now();
    cx.with(|state| {
        if let Some(memcg) = of.memcg.filter(|_| from == Use::Clean) {
            state.cgroups[memcg].clean.subtract(pages);
        }
        state.writeback.flusher.mark_dirty(of, now, pages);
    });
    record_page_cache(cx, pages);
    wb_wakeup_delayed(cx);
}

/// `wb_wakeup_delayed()`: the flusher will look after a while, if it isn't about to.
pub fn wb_wakeup_delayed(cx: &Cx) {
    let now = cx.now();
    let arms = cx.with(|state| {
        let interval = state.sysctl.dirty_writeback_interval;
        let flusher = &mut state.writeback.flusher;
        let is_queued = flusher.pending || flusher.timer.is_some();
        let arms = interval > Nanos::ZERO && flusher.has_dirty_io() && !is_queued;
        if arms {
            flusher.timer = Some(now + interval);
        }
        arms
    });
    if arms {
        let (_, timer) = queues(cx);
        cx.wake_all(timer);
    }
}

/// `wakeup_flusher_threads()`, `wb_start_writeback()`: reclaim wants all that is dirty written. How
/// much that is the flusher sees when it comes to it; up to 4.14 its caller did.
pub(super) fn wakeup_flusher_threads(cx: &Cx) {
    let queues_work = cx.kernel().switches.flusher_has_a_list;
    let is_new = cx.with(|state| {
        let flusher = &mut state.writeback.flusher;
        if !flusher.has_dirty_io() {
            return false;
        }
        if queues_work {
            let nr_pages = flusher.nr_dirty_pages();
            flusher.work_list.push_back(nr_pages);
            return true;
        }
        !std::mem::replace(&mut flusher.start_all, true)
    });
    if is_new {
        wb_wakeup(cx);
    }
}

/// `wb_start_background_writeback()`, and `wb_wakeup()`: it works now, or once more after what it does.
pub(super) fn wb_wakeup(cx: &Cx) {
    let (queue, _) = queues(cx);
    cx.with(|state| {
        let flusher = &mut state.writeback.flusher;
        (flusher.pending, flusher.timer) = (true, None);
    });
    cx.wake_all(queue);
}

/// The flusher and its timer, which are made when they are first needed.
fn queues(cx: &Cx) -> (QueueId, QueueId) {
    if let Some(queues) = cx.with(|state| state.writeback.flusher.queues) {
        return queues;
    }
    let kernel = cx.kernel();
    let (queue, timer) = (kernel.engine.new_queue(), kernel.engine.new_queue());
    cx.with(|state| state.writeback.flusher.queues = Some((queue, timer)));
    let new = new_task("flusher", "kworker/u2:flush", TaskKind::Kthread);
    kernel.spawn(new, move |cx| wb_workfn(cx, queue));
    let new = new_task("write-back timer", "<timer>", TaskKind::Timer);
    kernel.spawn(new, move |cx| dwork_timer(cx, queue, timer));
    (queue, timer)
}

/// The timer of `wb->dwork`.
#[expect(clippy::infinite_loop, reason = "a timer is there for ever")]
async fn dwork_timer(cx: Cx, flusher: QueueId, armed: QueueId) {
    loop {
        let now = cx.now();
        let due = cx.with(|state| state.writeback.flusher.timer);
        if due.is_some_and(|due| due <= now) {
            cx.with(|state| {
                let flusher = &mut state.writeback.flusher;
                (flusher.pending, flusher.timer) = (true, None);
            });
            cx.wake_all(flusher);
            continue;
        }
        let why = Why(Reason::DiskIdle as u8);
        let left = due.map(|due| due - now);
        cx.kernel().engine.wait(armed, why, Signals::Ignored, left).await;
    }
}

/// `wb_workfn()`.
#[expect(clippy::infinite_loop, reason = "a kernel thread never ends")]
async fn wb_workfn(cx: Cx, queue: QueueId) {
    loop {
        while !cx.with(|state| std::mem::take(&mut state.writeback.flusher.pending)) {
            cx.wait(queue, Reason::DiskIdle, Signals::Ignored).await;
        }
        loop {
            cx.with(|state| state.writeback.flusher.running = true);
            wb_do_writeback(&cx).await;
            let more = cx.with(|state| {
                let flusher = &mut state.writeback.flusher;
                flusher.running = false;
                !flusher.work_list.is_empty()
            });
            if !more {
                break;
            }
        }
        wb_wakeup_delayed(&cx);
    }
}

/// What the flusher has to do.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
enum Work {
    /// So many pages of what was dirty then (`WB_REASON_VMSCAN`).
    Pages(u64, SimTime),
    /// `for_kupdate`: so many pages of what is old.
    Old(u64),
    /// `for_background`: until less is dirty than the limit.
    Background,
}

/// `wb_do_writeback()`.
async fn wb_do_writeback(cx: &Cx) {
    let _in = cx.enter(Func::WbWorkfn);
    // get_next_work_item()
    while let Some(nr_pages) = cx.with(|state| state.writeback.flusher.work_list.pop_front()) {
        wb_writeback(cx, Work::Pages(nr_pages, cx.now())).await;
    }
    // wb_check_start_all()
    if cx.with(|state| state.writeback.flusher.start_all) {
        let nr_pages = cx.with(|state| state.writeback.flusher.nr_dirty_pages());
        wb_writeback(cx, Work::Pages(nr_pages, cx.now())).await;
        cx.with(|state| state.writeback.flusher.start_all = false);
    }
    // wb_check_old_data_flush()
    let now = cx.now();
    let is_due = cx.with(|state| {
        let interval = state.sysctl.dirty_writeback_interval;
        let flusher = &mut state.writeback.flusher;
        let is_due = interval > Nanos::ZERO && now >= flusher.last_old_flush + interval;
        if is_due {
            flusher.last_old_flush = now;
        }
        is_due
    });
    if is_due {
        let nr_pages = cx.with(|state| state.writeback.flusher.nr_dirty_pages());
        wb_writeback(cx, Work::Old(nr_pages)).await;
    }
    // wb_check_background_flush()
    wb_writeback(cx, Work::Background).await;
}

/// `wb_writeback()`: one request at a time.
async fn wb_writeback(cx: &Cx, work: Work) {
    let mut nr_pages = match work {
        Work::Pages(count, _) | Work::Old(count) => count,
        Work::Background => u64::MAX,
    };
    while nr_pages > 0 {
        let now = cx.now();
        let next = cx.with(|state| {
            // What is on the list comes before pages that are merely old or many.
            let waits = !state.writeback.flusher.work_list.is_empty();
            if waits && !matches!(work, Work::Pages(..)) {
                return None;
            }
            let dirtied_before = match work {
                Work::Background if !wb_over_bg_thresh(state) => return None,
                Work::Pages(_, begun) => begun,
                Work::Background => now,
                Work::Old(_) => {
                    let expired = now.0.checked_sub(state.sysctl.dirty_expire_interval.0)?;
                    SimTime(expired)
                }
            };
            state.writeback.flusher.queue_io(dirtied_before, nr_pages.min(FLUSH_CHUNK))
        });
        let Some((of, pages)) = next else { break };
        nr_pages -= pages.count();
        let done = write_pages(cx, To::Disk, pages, Use::Dirty, of);
        cx.sleep(done - cx.now(), Reason::Writeback, Signals::Ignored).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ZoneId;
    use crate::kernel::testing::Machine;

    /// Reclaim wakes the flusher for 1000 dirty pages; before it runs, another 500 of the same file are. What
    /// of them is still dirty in the end, if nothing else wants them written.
    fn left_dirty(profile: &str) -> u64 {
        let mut machine = Machine::new(profile);
        machine.kthread(|cx| async move {
            cx.with(|state| {
                state.sysctl.dirty_writeback_interval = Nanos::ZERO;
                state.disk.pages_per_second = 1_000_000;
            });
            let dirty = |count| {
                let mut pages = Pages::default();
                pages.0[0] = count;
                transfer_pages(&cx, pages, Use::Free, Use::InFlight);
                mark_inode_dirty(&cx, Owner::default(), pages, Use::InFlight);
            };
            dirty(1000);
            wakeup_flusher_threads(&cx);
            dirty(500);
        });
        machine.run();
        machine.with(|state| state.zones[ZoneId(0)].pages(Use::Dirty))
    }

    #[test]
    fn flusher_counts_what_is_dirty_when_it_comes_to_it_since_4_15() {
        // An inode counts as a page.
        assert_eq!(left_dirty("4.14"), 499);
        assert_eq!(left_dirty("6.1"), 0);
    }
}
