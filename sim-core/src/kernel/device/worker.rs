//! The kernel thread that some drivers need before a fence signals: the
//! indirect dependency of a callback that waits for it (kernel-spec 5.5, D3).
//!
//! Mirrors no one driver; a submit or completion worker that takes a lock
//! of its driver and allocates. Left out: several of them per device.

use super::super::cx::{Cx, NewTask};
use super::super::lockdep::{dma_fence_begin_signalling, dma_fence_end_signalling};
use super::super::page_alloc::{alloc_pages, free_pages};
use super::super::zone::Use;
use super::{Job, signal};
use crate::base::DeviceId;
use crate::engine::{Hold, Signals};
use crate::record::{Func, Reason, TaskKind};

/// Thread id of workers, which log lines hardly ever show.
const WORKER_PID: u32 = 60;

/// Starts the device's worker.
pub(super) fn spawn(cx: &Cx, device: DeviceId) {
    let name = cx.with(|state| format!("{}/worker", state.devices[device].setup.name));
    let comm = format!("kworker/u:{}", device.0);
    let pid = WORKER_PID + device.0;
    let new = NewTask { name, comm, pid, leader: None, kind: TaskKind::Kthread, oom_score_adj: 0 };
    let task = cx.kernel().spawn(new, |cx| work(cx, device));
    cx.with(|state| state.tasks[task].wq_worker = true);
    cx.kernel().engine.observe(|_, recorder| recorder.cast.devices[device].worker = Some(task));
}

#[expect(clippy::infinite_loop, reason = "a kernel thread never ends")]
async fn work(cx: Cx, device: DeviceId) {
    let _in = cx.enter(Func::SignalWorker);
    let done = cx.with(|state| state.devices[device].done);
    loop {
        let Some(job) = cx.with(|state| state.devices[device].to_signal.take()) else {
            cx.wait(done, Reason::DeviceIdle, Signals::Ignored).await;
            continue;
        };
        signal_work(&cx, device, job).await;
    }
}

/// Everything that stands between a finished job and its fence.
async fn signal_work(cx: &Cx, device: DeviceId, job: Job) {
    let (worker, time) = cx.with(|state| {
        let device = &mut state.devices[device];
        let worker = device.setup.worker.clone().expect("invariant: only such devices have one");
        let time = worker.time.draw(&mut device.worker_time);
        (worker, time)
    });
    dma_fence_begin_signalling(cx);
    if let Some(lock) = worker.lock {
        cx.lock(lock, Hold::Exclusive, Reason::NamedLock).await;
    }
    if let Some((gfp, order)) = worker.alloc {
        // Without memory it signals all the same: the error is the job's.
        if let Some(pages) = alloc_pages(cx, gfp, order, 1 << order).await {
            free_pages(cx, pages, Use::InFlight);
        }
    }
    cx.cpu(time).await;
    if let Some(lock) = worker.lock {
        cx.unlock(lock);
    }
    signal(cx, device, job);
    dma_fence_end_signalling(cx);
}
