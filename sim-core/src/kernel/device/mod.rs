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
use super::plugin::DeviceSetup;
use crate::base::{DeviceId, FenceId, Nanos, QueueId, RangeId, Seeds, SimTime, Stream, TaskId};
use crate::engine::Signals;
use crate::record::{Event, Func, Reason};

pub(super) use mirror::registered;
pub use pages::pages_held;
pub(super) use pages::{keep_referenced, released, split, unregistered};

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
    /// Draws the worker's times.
    worker_time: Stream,
    /// Who holds the driver's lock from the start of an invalidation to its end.
    held: Vec<TaskId>,
    /// The job that its worker is to signal.
    to_signal: Option<Job>,
    /// Woken when a job arrives.
    arrived: QueueId,
    /// Woken when a fence signals.
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
            worker_time: stream("worker"),
            held: Vec::new(),
            to_signal: None,
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
    let (timeout, has_worker) = cx.with(|state| {
        let setup = &state.devices[device].setup;
        (setup.timeout, setup.worker.is_some())
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
    if !has_worker {
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

/// Waits for the fences of all jobs that use any of these VMAs
/// (`dma_resv_wait_timeout()`, drivers/dma-buf/dma-resv.c), until `until`
/// at the latest. Uninterruptible. Whether they all have signaled.
async fn wait_for_fences(cx: &Cx, device: DeviceId, vmas: &[RangeId], until: SimTime) -> bool {
    let _in = cx.enter(Func::DmaFenceWait);
    if until > cx.now() && cx.with(|state| state.devices[device].has_jobs_in(vmas)) {
        dma_fence_might_wait(cx);
    }
    loop {
        let (pending, signaled) = cx.with(|state| {
            let device = &state.devices[device];
            (device.has_jobs_in(vmas), device.signaled)
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
