//! Devices: jobs, their fences, and the process that works them off.
//!
//! A job's time is drawn when it is submitted, not when somebody waits
//! for it, so that two policies under one seed see the same work. Jobs of
//! a device run one after the other. Left out: resets, time-outs,
//! scheduling between contexts, signalling workers that need a CPU.

use std::collections::VecDeque;

use super::cx::Cx;
use super::plugin::DeviceSetup;
use crate::base::{DeviceId, FenceId, Nanos, QueueId, RangeId, Stream, TaskId};
use crate::engine::Signals;
use crate::record::{Event, Func, Reason};

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
    /// Jobs in order; the first one runs.
    jobs: VecDeque<Job>,
    next_fence: u32,
    latency: Stream,
    /// Woken when a job arrives.
    work: QueueId,
    /// Woken when a fence signals.
    signaled: QueueId,
    /// Its process.
    pub task: Option<TaskId>,
}

impl Device {
    /// An idle device. Job times come from the stream of its name.
    pub fn new(seed: u64, setup: DeviceSetup, work: QueueId, signaled: QueueId) -> Self {
        let latency = Stream::new(seed, "fence", &setup.name);
        Self { setup, jobs: VecDeque::new(), next_fence: 0, latency, work, signaled, task: None }
    }

    /// Whether it works on a job.
    pub fn is_busy(&self) -> bool {
        !self.jobs.is_empty()
    }
}

/// Queues a job that uses the memory of a VMA.
pub fn submit_job(cx: &Cx, device: DeviceId, range: RangeId) {
    let (fence, work) = cx.with(|state| {
        let device = &mut state.devices[device];
        let fence = FenceId(device.next_fence);
        device.next_fence += 1;
        let time = device.setup.fence.draw(&mut device.latency);
        device.jobs.push_back(Job { fence, range, time });
        (fence, device.work)
    });
    cx.record(Event::JobSubmitted { device, fence });
    cx.wake_all(work);
}

/// The device's process: one job after the other.
#[expect(clippy::infinite_loop, reason = "hardware never ends")]
pub async fn run_device(cx: Cx, device: DeviceId) {
    let (work, signaled) =
        cx.with(|state| (state.devices[device].work, state.devices[device].signaled));
    loop {
        let Some(job) = cx.with(|state| state.devices[device].jobs.front().copied()) else {
            cx.wait(work, Reason::DeviceIdle, Signals::Ignored).await;
            continue;
        };
        cx.cpu(job.time).await;
        cx.with(|state| state.devices[device].jobs.pop_front());
        cx.record(Event::FenceSignaled { fence: job.fence });
        cx.wake_all(signaled);
    }
}

/// Waits for the fences of all jobs that use any of these VMAs
/// (`dma_resv_wait_timeout(..., MAX_SCHEDULE_TIMEOUT)`,
/// drivers/dma-buf/dma-resv.c). Uninterruptible.
pub async fn wait_for_fences(cx: &Cx, device: DeviceId, uses: impl Fn(RangeId) -> bool) {
    let _in = cx.enter(Func::DmaFenceWait);
    loop {
        let (pending, signaled) = cx.with(|state| {
            let device = &state.devices[device];
            (device.jobs.iter().any(|job| uses(job.range)), device.signaled)
        });
        if !pending {
            return;
        }
        cx.wait(signaled, Reason::Fence, Signals::Ignored).await;
    }
}
