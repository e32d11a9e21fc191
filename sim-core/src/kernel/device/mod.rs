//! Devices: what they map, their jobs, their fences, and the process
//! that works them off.
//!
//! A job's time is drawn when it is submitted, not when somebody waits
//! for it, so that two policies under one seed see the same work. Jobs of
//! a device run one after the other. A job's memory is mapped for it
//! before it is queued ([`mirror`]); a fence may need a kernel thread
//! before it signals ([`worker`]). Left out: scheduling between contexts,
//! what becomes of the work of a job that is reset.

mod call;
mod mirror;
mod pages;
mod worker;

use std::collections::VecDeque;

use super::cx::Cx;
use super::lockdep::dma_fence_might_wait;
use super::page_alloc::{alloc_pages, free_pages};
use super::plugin::DeviceSetup;
use super::zone::Use;
use crate::base::{
    DeviceId, Distribution, FenceId, LockId, Nanos, QueueId, RangeId, Seeds, SimTime, Stream,
    TaskId,
};
use crate::engine::Signals;
use crate::record::{Event, Func, Gfp, Reason};

pub(super) use mirror::registered;
pub(super) use pages::{keep_referenced, kept_pages, released, split, unregistered};
pub use pages::{pages_held, unpin_all};
pub use worker::flush;

/// A job that is queued or runs.
#[derive(Copy, Clone, Debug)]
struct Job {
    fence: FenceId,
    /// The VMA whose memory it uses.
    range: RangeId,
    time: Nanos,
}

/// A device's state.
pub struct Device {
    /// What the scenario says of it.
    pub setup: DeviceSetup,
    /// What it maps through each of its registrations.
    attached: Vec<pages::Attachment>,
    /// Jobs in order; the first one runs.
    jobs: VecDeque<Job>,
    next_fence: u32,
    latency: Stream,
    work: Stream,
    /// Draws whether the hardware needs no waiting for.
    luck: Stream,
    /// Draws the worker's times.
    worker_time: Stream,
    /// Who holds which lock from the start of an invalidation to its end.
    held: Vec<(TaskId, LockId)>,
    /// The job that its worker is to signal.
    to_signal: Option<Job>,
    /// What callbacks gave its worker to do so far, and what it has done of it.
    flushes: worker::Flushes,
    /// Woken when a job arrives.
    arrived: QueueId,
    /// Woken when a fence signals, or the worker has done what a callback gave it.
    signaled: QueueId,
    /// Woken when a job's hardware work is done, for the worker.
    done: QueueId,
    /// Woken when no invalidation is in progress any longer.
    idle: QueueId,
    /// Its process.
    pub task: Option<TaskId>,
}

impl Device {
    /// An idle device. Times come from streams of its name.
    pub fn new(seeds: &Seeds, setup: DeviceSetup, new_queue: impl Fn() -> QueueId) -> Self {
        let stream = |purpose| seeds.stream(purpose, &setup.name);
        Self {
            attached: Vec::new(),
            jobs: VecDeque::new(),
            next_fence: 0,
            latency: stream("fence"),
            work: stream("work"),
            luck: stream("luck"),
            worker_time: stream("worker"),
            held: Vec::new(),
            to_signal: None,
            flushes: worker::Flushes::default(),
            arrived: new_queue(),
            signaled: new_queue(),
            done: new_queue(),
            idle: new_queue(),
            task: None,
            setup,
        }
    }

    /// Whether it works on a job.
    pub fn is_busy(&self) -> bool {
        !self.jobs.is_empty()
    }

    /// Where those wait who wait for its fences, or for its worker.
    pub fn signaled(&self) -> QueueId {
        self.signaled
    }

    /// The scenario's lock of this index; `None`: the driver's own.
    pub fn lock_named(&self, index: Option<usize>) -> LockId {
        index.map_or(self.setup.lock, |index| self.setup.declared_locks[index])
    }

    /// A time of the driver's own work.
    pub fn draw_time(&mut self, time: Distribution) -> Nanos {
        time.draw(&mut self.work)
    }

    /// Whether a worker stands between a job's end and its fence.
    fn has_signaler(&self) -> bool {
        self.setup.worker.as_ref().is_some_and(|worker| worker.signals)
    }

    fn has_jobs_in(&self, vmas: &[RangeId]) -> bool {
        self.jobs.iter().any(|job| vmas.contains(&job.range))
    }
}

/// Maps the memory of a VMA for a job and queues it. Nothing is queued if
/// the memory is not to be had: the caller is being killed, or was reaped.
pub async fn submit_job(cx: &Cx, device: DeviceId, range: RangeId) {
    let _in = cx.enter(Func::DeviceIoctl);
    // Drawn first: the sequence of draws must not depend on what the mapping meets.
    let time = cx.with(|state| {
        let device = &mut state.devices[device];
        device.setup.fence.draw(&mut device.latency)
    });
    if mirror::validate(cx, device, range).await.is_err() {
        return;
    }
    let (fence, arrived) = cx.with(|state| {
        let device = &mut state.devices[device];
        let fence = FenceId(device.next_fence);
        device.next_fence += 1;
        device.jobs.push_back(Job { fence, range, time });
        (fence, device.arrived)
    });
    cx.record(Event::JobSubmitted { device, fence });
    cx.wake_all(arrived);
}

/// The device's process: one job after the other.
#[expect(clippy::infinite_loop, reason = "hardware never ends")]
pub async fn run_device(cx: Cx, device: DeviceId) {
    let (arrived, has_worker) = cx.with(|state| {
        let device = &state.devices[device];
        (device.arrived, device.setup.worker.is_some())
    });
    if has_worker {
        worker::spawn(&cx, device);
    }
    loop {
        let Some(job) = cx.with(|state| state.devices[device].jobs.front().copied()) else {
            cx.wait(arrived, Reason::DeviceIdle, Signals::Ignored).await;
            continue;
        };
        run_job(&cx, device, job).await;
    }
}

async fn run_job(cx: &Cx, device: DeviceId, job: Job) {
    let (timeout, has_signaler) = cx.with(|state| {
        let device = &state.devices[device];
        (device.setup.timeout, device.has_signaler())
    });
    let deadline = timeout.map_or(SimTime::MAX, |timeout| cx.now().saturating_add(timeout));
    pages::access(cx, device, job.range);
    let left = timeout.unwrap_or(Nanos(u64::MAX));
    cx.cpu(job.time.min(left)).await;
    if job.time > left {
        // drm_sched_job_timedout(): the reset signals the fence with an error.
        cx.record(Event::JobTimedOut { fence: job.fence });
        signal(cx, device, job);
        return;
    }
    pages::access(cx, device, job.range);
    if !has_signaler {
        signal(cx, device, job);
        return;
    }
    let (done, signaled) = cx.with(|state| {
        let device = &mut state.devices[device];
        device.to_signal = Some(job);
        (device.done, device.signaled)
    });
    cx.wake_all(done);
    while cx.with(|state| state.devices[device].jobs.front().map(|job| job.fence))
        == Some(job.fence)
    {
        if !cx.wait_until(signaled, Reason::FenceWorker, deadline).await {
            cx.record(Event::JobTimedOut { fence: job.fence });
            signal(cx, device, job);
        }
    }
}

/// `dma_fence_signal()`, once.
fn signal(cx: &Cx, device: DeviceId, job: Job) {
    let signaled = cx.with(|state| {
        let device = &mut state.devices[device];
        let is_first = device.jobs.front().is_some_and(|first| first.fence == job.fence);
        if is_first {
            device.jobs.pop_front();
            device.to_signal = None;
        }
        is_first.then_some(device.signaled)
    });
    if let Some(signaled) = signaled {
        cx.record(Event::FenceSignaled { fence: job.fence });
        cx.wake_all(signaled);
    }
}

/// Asks `count` times for a block of an order, and gives each back. Without
/// memory it goes on: what is asked is not what is done with it.
pub async fn alloc_and_free(cx: &Cx, gfp: Gfp, order: u8, count: u32) {
    for _ in 0..count {
        if let Some(pages) = alloc_pages(cx, gfp, order, 1 << order).await {
            free_pages(cx, pages, Use::InFlight);
        }
    }
}

/// Waits for the fences of all jobs that use any of these VMAs
/// (`dma_resv_wait_timeout()`, drivers/dma-buf/dma-resv.c), until `until`
/// at the latest. Uninterruptible. Whether they all have signaled.
async fn wait_for_fences(cx: &Cx, device: DeviceId, vmas: &[RangeId], until: SimTime) -> bool {
    wait_while(cx, device, until, |device| device.has_jobs_in(vmas)).await
}

/// Waits for the fences of all jobs there are now or come meanwhile. Uninterruptible.
pub async fn wait_for_idle(cx: &Cx, device: DeviceId) {
    wait_while(cx, device, SimTime::MAX, Device::is_busy).await;
}

async fn wait_while(
    cx: &Cx,
    device: DeviceId,
    until: SimTime,
    is_pending: impl Fn(&Device) -> bool,
) -> bool {
    let _in = cx.enter(Func::DmaFenceWait);
    if until > cx.now() && cx.with(|state| is_pending(&state.devices[device])) {
        dma_fence_might_wait(cx);
    }
    loop {
        let (pending, signaled) = cx.with(|state| {
            let device = &state.devices[device];
            (is_pending(device), device.signaled)
        });
        if !pending {
            return true;
        }
        if until <= cx.now() {
            return false;
        }
        cx.wait_until(signaled, Reason::Fence, until).await;
    }
}
