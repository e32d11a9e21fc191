//! Devices: what they map, their jobs, their fences, and the process
//! that works them off.
//!
//! A job's time is drawn when it is submitted, not when somebody waits
//! for it, so that two policies under one seed see the same work. Jobs of
//! a device run one after the other; a further ring is a device in all but
//! its callbacks and what it maps, which are those of the device it
//! belongs to. A job's memory is mapped for it before it is queued
//! ([`mirror`]), or when it runs ([`fault`]); a fence may need a kernel
//! thread before it signals ([`worker`]). Left out: scheduling between
//! contexts, what becomes of the work of a job that is reset.

mod call;
mod fault;
mod mirror;
mod pages;
mod worker;

use std::collections::VecDeque;

use super::cx::Cx;
use super::lockdep::dma_fence_might_wait;
use super::plugin::DeviceSetup;
use super::state::State;
use crate::base::{
    DeviceId, Distribution, FenceId, LockId, MmId, Nanos, QueueId, RangeId, Seeds, SimTime, Stream,
    TaskId,
};
use crate::engine::Signals;
use crate::record::{Event, Func, Reason};

pub(super) use mirror::registered;
pub(super) use pages::{keep_referenced, kept_pages, released, split, unregistered};
pub use pages::{pages_held, unpin_all};
pub use worker::{Awaits, flush, queue_all};

/// A job that is queued or runs.
#[derive(Copy, Clone, Debug)]
struct Job {
    fence: FenceId,
    /// Whose memory it uses, and of which VMA.
    mm: MmId,
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
    work_queue: worker::WorkQueue,
    /// Woken when a job arrives.
    arrived: QueueId,
    /// Woken when a fence signals, or the worker has done what a callback gave it.
    signaled: QueueId,
    /// Woken when a job's hardware work is done, for the worker.
    done: QueueId,
    /// Woken when no invalidation is in progress any longer.
    idle: QueueId,
    /// Page faults of its own, and of its rings, if it maps memory on faults.
    faults: Option<fault::Faults>,
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
            work_queue: worker::WorkQueue::default(),
            arrived: new_queue(),
            signaled: new_queue(),
            done: new_queue(),
            idle: new_queue(),
            faults: setup.maps_on_fault.then(|| fault::Faults::new(&new_queue)),
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

impl State {
    /// The device that hears of invalidations for this one: itself, unless it is a ring.
    fn owner(&self, device: DeviceId) -> DeviceId {
        self.devices[device].setup.ring_of.unwrap_or(device)
    }

    /// A device and its rings.
    fn rings(&self, owner: DeviceId) -> impl Iterator<Item = DeviceId> + '_ {
        let rings = self.devices.iter().filter(move |(_, ring)| ring.setup.ring_of == Some(owner));
        std::iter::once(owner).chain(rings.map(|(id, _)| id))
    }

    /// Whether a device or one of its rings works on a job.
    fn is_busy(&self, owner: DeviceId) -> bool {
        self.rings(owner).any(|ring| self.devices[ring].is_busy())
    }

    /// Whether a job of a device or of one of its rings uses any of these VMAs.
    fn has_jobs_in(&self, owner: DeviceId, vmas: &[RangeId]) -> bool {
        self.rings(owner).any(|ring| self.devices[ring].has_jobs_in(vmas))
    }
}

/// Maps the memory of a VMA for a job and queues it. Nothing is queued if
/// the memory is not to be had: the caller is being killed, or was reaped.
/// With on-demand paging it is queued as it is.
pub async fn submit_job(cx: &Cx, device: DeviceId, range: RangeId) {
    let _in = cx.enter(Func::DeviceIoctl);
    // Drawn first: the sequence of draws must not depend on what the mapping meets.
    let time = cx.with(|state| {
        let device = &mut state.devices[device];
        device.setup.fence.draw(&mut device.latency)
    });
    let Some(mm) = cx.mm() else { return };
    let (owner, on_fault) = cx.with(|state| {
        let owner = state.owner(device);
        (owner, state.devices[owner].setup.maps_on_fault)
    });
    if !on_fault && mirror::validate(cx, owner, mm, range).await.is_err() {
        return;
    }
    let (fence, arrived) = cx.with(|state| {
        let device = &mut state.devices[device];
        let fence = FenceId(device.next_fence);
        device.next_fence += 1;
        device.jobs.push_back(Job { fence, mm, range, time });
        (fence, device.arrived)
    });
    cx.record(Event::JobSubmitted { device, fence });
    cx.wake_all(arrived);
}

/// The device's process: one job after the other.
#[expect(clippy::infinite_loop, reason = "hardware never ends")]
pub async fn run_device(cx: Cx, device: DeviceId) {
    let (arrived, has_worker, has_faulter) = cx.with(|state| {
        let device = &state.devices[device];
        (device.arrived, device.setup.worker.is_some(), device.faults.is_some())
    });
    if has_worker {
        worker::spawn(&cx, device);
    }
    if has_faulter {
        fault::spawn(&cx, device);
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
    let (timeout, has_signaler, owner, on_fault) = cx.with(|state| {
        let (own, owner) = (&state.devices[device], state.owner(device));
        let on_fault = state.devices[owner].setup.maps_on_fault;
        (own.setup.timeout, own.has_signaler(), owner, on_fault)
    });
    let deadline = timeout.map_or(SimTime::MAX, |timeout| cx.now().saturating_add(timeout));
    if on_fault && !fault::resolve(cx, (owner, device), job, deadline).await {
        if cx.now() >= deadline {
            cx.record(Event::JobTimedOut { fence: job.fence });
        }
        // An error completion.
        signal(cx, device, job);
        return;
    }
    pages::access(cx, owner, job.mm, job.range);
    let left = deadline.saturating_sub(cx.now());
    cx.cpu(job.time.min(left)).await;
    if job.time > left {
        // drm_sched_job_timedout(): the reset signals the fence with an error.
        cx.record(Event::JobTimedOut { fence: job.fence });
        signal(cx, device, job);
        return;
    }
    pages::access(cx, owner, job.mm, job.range);
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

/// Waits for the fences of all jobs of all rings that use any of these VMAs
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
    let pending = || {
        cx.with(|state| {
            let ring = state.rings(device).find(|&ring| is_pending(&state.devices[ring]))?;
            Some(state.devices[ring].signaled)
        })
    };
    if until > cx.now() && pending().is_some() {
        dma_fence_might_wait(cx);
    }
    while let Some(signaled) = pending() {
        if until <= cx.now() {
            return false;
        }
        cx.wait_until(signaled, Reason::Fence, until).await;
    }
    true
}
