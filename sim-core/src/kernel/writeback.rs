//! Pages on their way to disk or swap.
//!
//! Mirrors block/blk-core.c: `submit_bio()`, mm/page_io.c and
//! mm/filemap.c: `end_page_writeback()`, Linux 6.1. A device does one
//! request after the other, each with its latency and at its bandwidth. A
//! written page is clean page cache (or swap cache), which reclaim takes
//! next; it stays charged to its cgroup until then. Who sends page cache
//! is in [`super::fs_writeback`]. Left out: plugs, merges, I/O errors.

use std::collections::VecDeque;

use super::cx::{Cx, NewTask};
use super::fs_writeback::Flusher;
use super::lruvec::Memcg;
use super::page_alloc::transfer_pages;
use super::reclaim_throttle::acct_reclaim_writeback;
use super::state::{BlockDevice, State};
use super::zone::{Pages, Use};
use crate::base::{CgroupId, FileId, Nanos, QueueId, SimTime, ZoneId};
use crate::engine::{Signals, Waited, Why};
use crate::record::{Event, Func, Reason, TaskKind};

/// What is being written, and who sees to it.
#[derive(Default)]
pub struct Writeback {
    /// Requests by the time they will be done.
    requests: VecDeque<Request>,
    /// Woken at a new request; none before the first one.
    submitted: Option<QueueId>,
    /// What is to be written, and who sends it.
    pub(super) flusher: Flusher,
}

/// A request to write.
struct Request {
    done: SimTime,
    pages: Pages,
    of: Owner,
}

/// Whose pages they are.
#[derive(Copy, Clone, Default, Eq, PartialEq, Debug)]
pub(super) struct Owner {
    /// The file that they are of; none: swap, or a file that nobody maps.
    pub(super) file: Option<FileId>,
    /// Who they are charged to.
    pub(super) memcg: Memcg,
}

impl Writeback {
    /// With pages that were dirty before the run began.
    pub fn with_dirty(pages: Pages) -> Self {
        let mut writeback = Self::default();
        writeback.flusher.mark_dirty(Owner::default(), SimTime::ZERO, pages);
        writeback
    }

    /// Pages in all requests.
    pub(super) fn pages(&self) -> Pages {
        let mut all = Pages::default();
        for request in &self.requests {
            all.add(request.pages);
        }
        all
    }

    /// Pages in requests that are charged to a cgroup.
    pub(super) fn pages_of(&self, memcg: CgroupId) -> Pages {
        let mut all = Pages::default();
        for request in self.requests.iter().filter(|request| request.of.memcg == Some(memcg)) {
            all.add(request.pages);
        }
        all
    }

    /// Pages of a file that are dirty or being written.
    pub(super) fn busy_of(&self, file: FileId) -> Pages {
        let mut all = self.flusher.dirty_in(|of| of.file == Some(file));
        for request in self.requests.iter().filter(|request| request.of.file == Some(file)) {
            all.add(request.pages);
        }
        all
    }

    /// Dirty pages that are charged to a cgroup.
    pub(super) fn dirty_of(&self, memcg: CgroupId) -> Pages {
        self.flusher.dirty_in(|of| of.memcg == Some(memcg))
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

/// `submit_bio()` of a read: when it will be done.
fn submit_read(cx: &Cx, from: To, pages: u64) -> SimTime {
    let now = cx.now();
    let done = cx.with(|state| device(state, from).map(|device| device.submit_bio(now, pages)));
    done.unwrap_or(now)
}

/// Reads `pages` pages and waits for them, whatever comes.
pub(super) async fn read_pages(cx: &Cx, from: To, pages: u64, why: Reason) {
    let _in = cx.enter(Func::BlkIo);
    let done = submit_read(cx, from, pages);
    cx.sleep(done - cx.now(), why, Signals::Ignored).await;
}

/// Reads `pages` pages and waits for them, as a fault does: if SIGKILL comes first, the error says when they
/// will be there.
pub(super) async fn read_pages_killable(
    cx: &Cx,
    from: To,
    pages: u64,
    why: Reason,
) -> Result<(), SimTime> {
    let _in = cx.enter(Func::BlkIo);
    let done = submit_read(cx, from, pages);
    match cx.sleep(done - cx.now(), why, Signals::Killable).await {
        Waited::Killed => Err(done),
        Waited::Granted | Waited::TimedOut => Ok(()),
    }
}

/// The interrupt at the end of a read that nobody waits for any longer.
pub(super) fn at_end_of_read(cx: &Cx, done: SimTime, then: impl FnOnce(&Cx) + 'static) {
    let name = format!("read/{}", cx.with(|state| state.tasks.len()));
    let new = new_task(&name, "<block>", TaskKind::Timer);
    cx.kernel().spawn(new, move |cx| async move {
        // Whoever was killed may have got a CPU only after that.
        cx.sleep(done.saturating_sub(cx.now()), Reason::DiskIdle, Signals::Ignored).await;
        then(&cx);
    });
}

/// `set_page_writeback()` and `submit_bio()`: somebody's pages, used for
/// `from`, are written from now on. When that will be done.
pub(super) fn write_pages(cx: &Cx, to: To, pages: Pages, from: Use, of: Owner) -> SimTime {
    transfer_pages(cx, pages, from, Use::Writeback);
    record_page_cache(cx, pages);
    let now = cx.now();
    let (done, queue) = cx.with(|state| {
        let count = pages.count();
        let done = device(state, to).map_or(now, |device| device.submit_bio(now, count));
        let requests = &mut state.writeback.requests;
        let at = requests.partition_point(|other| other.done <= done);
        requests.insert(at, Request { done, pages, of });
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

pub(super) fn new_task(name: &str, comm: &str, kind: TaskKind) -> NewTask {
    let (name, comm) = (name.to_owned(), comm.to_owned());
    NewTask { name, comm, pid: 0, leader: None, kind, oom_score_adj: 0 }
}

/// The devices' interrupts: `end_page_writeback()` when a request is done.
#[expect(clippy::infinite_loop, reason = "hardware never ends")]
async fn end_io(cx: Cx, submitted: QueueId) {
    loop {
        let now = cx.now();
        let next = cx.with(|state| state.writeback.requests.front().map(|request| request.done));
        if next.is_some_and(|done| done <= now) {
            let done = cx.with(|state| state.writeback.requests.pop_front());
            if let Some(Request { pages, of, .. }) = done {
                transfer_pages(&cx, pages, Use::Writeback, Use::Clean);
                if let Some(memcg) = of.memcg {
                    cx.with(|state| state.cgroups[memcg].clean.add(pages));
                }
                record_page_cache(&cx, pages);
                acct_reclaim_writeback(&cx, pages.count());
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
