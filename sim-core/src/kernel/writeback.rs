//! Pages on their way to disk or swap, and the thread that sends them.
//!
//! Mirrors block/blk-core.c: `submit_bio()`, mm/page_io.c and
//! mm/filemap.c: `end_page_writeback()`, fs/fs-writeback.c:
//! `wakeup_flusher_threads()`, `wb_workfn()`, Linux 6.1. A device does
//! one request after the other, each with its latency and at its
//! bandwidth. A written page is clean page cache (or swap cache), which
//! reclaim takes next. The flusher works only when reclaim asks for it.
//! Left out: periodic write-back (pages are 30 s old by then),
//! `balance_dirty_pages()`, plugs, merges, I/O errors.

use std::collections::VecDeque;

use super::cx::{Cx, NewTask};
use super::page_alloc::transfer_pages;
use super::state::{BlockDevice, State};
use super::zone::{Pages, Use};
use crate::base::{Nanos, QueueId, SimTime, ZoneId};
use crate::engine::{Signals, Why};
use crate::record::{Event, Func, Reason, TaskKind};

/// Pages of one request of the flusher: 1 MiB.
const FLUSH_CHUNK: u64 = 256;

/// What is being written, and who sees to it.
#[derive(Default)]
pub struct Writeback {
    /// Requests by the time they will be done.
    requests: VecDeque<(SimTime, Pages)>,
    /// Woken at a new request; none before the first one.
    submitted: Option<QueueId>,
    /// Wakes the flusher; none before it was first asked for.
    flusher: Option<QueueId>,
}

impl Writeback {
    /// Pages in all requests.
    pub(super) fn pages(&self) -> Pages {
        let mut all = Pages::default();
        for &(_, pages) in &self.requests {
            all.add(pages);
        }
        all
    }
}

impl BlockDevice {
    /// `submit_bio()`: when a request of `pages` pages made now will be done.
    pub(super) fn submit_bio(&mut self, now: SimTime, pages: u64) -> SimTime {
        let start = self.busy_until.max(now);
        let per_second = u128::from(self.pages_per_second.max(1));
        let transfer = u128::from(pages) * 1_000_000_000 / per_second;
        let transfer = Nanos(u64::try_from(transfer).unwrap_or(u64::MAX));
        let latency = self.latency.draw(&mut self.stream);
        self.busy_until = start.saturating_add(latency).saturating_add(transfer);
        self.busy_until
    }
}

/// Which device a page goes to.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub(super) enum To {
    /// The disk that files are on.
    Disk,
    /// Swap.
    Swap,
}

/// `device` of the state, if it is there.
fn device(state: &mut State, to: To) -> Option<&mut BlockDevice> {
    match to {
        To::Disk => Some(&mut state.disk),
        To::Swap => state.swap.as_mut().map(|swap| &mut swap.device),
    }
}

/// Reads `pages` pages and waits for them, as a fault does.
pub(super) async fn read_pages(cx: &Cx, from: To, pages: u64, why: Reason) {
    let _in = cx.enter(Func::BlkIo);
    let now = cx.now();
    let done = cx.with(|state| device(state, from).map(|device| device.submit_bio(now, pages)));
    let span = done.map_or(Nanos::ZERO, |done| done - now);
    cx.sleep(span, why, Signals::Ignored).await;
}

/// `set_page_writeback()` and `submit_bio()`: pages used for `from` are
/// written from now on. When that will be done.
pub(super) fn write_pages(cx: &Cx, to: To, pages: Pages, from: Use) -> SimTime {
    transfer_pages(cx, pages, from, Use::Writeback);
    record_page_cache(cx, pages);
    let now = cx.now();
    let (done, queue) = cx.with(|state| {
        let count = pages.count();
        let done = device(state, to).map_or(now, |device| device.submit_bio(now, count));
        let requests = &mut state.writeback.requests;
        let at = requests.partition_point(|&(other, _)| other <= done);
        requests.insert(at, (done, pages));
        (done, state.writeback.submitted)
    });
    let queue = queue.unwrap_or_else(|| {
        let queue = cx.kernel().engine.new_queue();
        cx.with(|state| state.writeback.submitted = Some(queue));
        let new = new_task("block I/O", "<block>", TaskKind::Timer);
        cx.kernel().spawn(new, move |cx| end_io(cx, queue));
        queue
    });
    cx.wake_all(queue);
    done
}

fn new_task(name: &str, comm: &str, kind: TaskKind) -> NewTask {
    let (name, comm) = (name.to_owned(), comm.to_owned());
    NewTask { name, comm, pid: 0, leader: None, kind, oom_score_adj: 0 }
}

/// The devices' interrupts: `end_page_writeback()` when a request is done.
#[expect(clippy::infinite_loop, reason = "hardware never ends")]
async fn end_io(cx: Cx, submitted: QueueId) {
    loop {
        let now = cx.now();
        let next = cx.with(|state| state.writeback.requests.front().map(|&(done, _)| done));
        if next.is_some_and(|done| done <= now) {
            let done = cx.with(|state| state.writeback.requests.pop_front());
            if let Some((_, pages)) = done {
                transfer_pages(&cx, pages, Use::Writeback, Use::Clean);
                record_page_cache(&cx, pages);
            }
            continue;
        }
        let left = next.map(|done| done - now);
        let why = Why(Reason::DiskIdle as u8);
        cx.kernel().engine.wait(submitted, why, Signals::Ignored, left).await;
    }
}

/// Records the page cache of the zones that `pages` are in.
pub(super) fn record_page_cache(cx: &Cx, pages: Pages) {
    for (index, _) in pages.0.iter().enumerate().filter(|&(_, &count)| count > 0) {
        let zone = ZoneId::from_index(index);
        let (clean, dirty) = cx.with(|state| {
            let zone = &state.zones[zone];
            (zone.pages(Use::Clean), zone.pages(Use::Dirty) + zone.pages(Use::Writeback))
        });
        let [clean, dirty] = [clean, dirty].map(|pages| u32::try_from(pages).unwrap_or(u32::MAX));
        cx.record(Event::PageCache { zone, clean, dirty });
    }
}

/// Up to `most` dirty pages, from the highest zone down.
pub(super) fn dirty_pages(state: &State, most: u64) -> Pages {
    let mut pages = Pages::default();
    for (id, zone) in state.zones.iter() {
        pages.0[id.index()] = zone.pages(Use::Dirty);
    }
    pages.take(most)
}

/// `wakeup_flusher_threads()`.
pub(super) fn wakeup_flusher_threads(cx: &Cx) {
    let queue = cx.with(|state| state.writeback.flusher).unwrap_or_else(|| {
        let queue = cx.kernel().engine.new_queue();
        cx.with(|state| state.writeback.flusher = Some(queue));
        let new = new_task("flusher", "kworker/u2:flush", TaskKind::Kthread);
        cx.kernel().spawn(new, move |cx| wb_workfn(cx, queue));
        queue
    });
    cx.wake_all(queue);
}

/// `wb_workfn()`: writes all dirty pages, one request at a time.
#[expect(clippy::infinite_loop, reason = "a kernel thread never ends")]
async fn wb_workfn(cx: Cx, queue: QueueId) {
    loop {
        let pages = cx.with(|state| dirty_pages(state, FLUSH_CHUNK));
        if pages.count() == 0 {
            cx.wait(queue, Reason::DiskIdle, Signals::Ignored).await;
            continue;
        }
        let done = write_pages(&cx, To::Disk, pages, Use::Dirty);
        cx.sleep(done - cx.now(), Reason::Writeback, Signals::Ignored).await;
    }
}
