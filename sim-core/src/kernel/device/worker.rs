//! The kernel thread that some drivers need before a fence signals, or that
//! their callbacks wait for: the indirect dependency of a callback
//! (kernel-spec 5.5, D3).
//!
//! Mirrors no one driver; a submit or completion worker that takes a lock
//! of its driver and allocates. A device has one, and each further ring one of its own.

use super::super::cx::{Cx, NewTask};
use super::super::lockdep::{dma_fence_begin_signalling, dma_fence_end_signalling};
use super::{alloc_and_free, signal};
use crate::base::{DeviceId, SimTime};
use crate::engine::{Hold, Signals};
use crate::record::{Func, Reason, TaskKind};

/// Thread id of workers, which log lines hardly ever show.
const WORKER_PID: u32 = 60;

/// What callbacks have given a worker to do, to wait for it.
#[derive(Copy, Clone, Default, Debug)]
pub(super) struct Flushes {
    asked: u64,
    done: u64,
}

/// Gives the worker a piece of work and waits until that is done, until
/// `until` at the latest; whether it is.
pub async fn flush(cx: &Cx, device: DeviceId, until: SimTime) -> bool {
    if until <= cx.now() {
        return false;
    }
    let (mine, wait, done) = cx.with(|state| {
        let device = &mut state.devices[device];
        device.flushes.asked += 1;
        (device.flushes.asked, device.signaled, device.done)
    });
    cx.wake_all(done);
    let _in = cx.enter(Func::FlushWorkqueue);
    while cx.with(|state| state.devices[device].flushes.done) < mine {
        if !cx.wait_until(wait, Reason::FlushWork, until).await {
            return false;
        }
    }
    true
}

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
        let (job, flush) = cx.with(|state| {
            let device = &mut state.devices[device];
            (device.to_signal.take(), device.flushes.done < device.flushes.asked)
        });
        if let Some(job) = job {
            dma_fence_begin_signalling(&cx);
            item(&cx, device).await;
            signal(&cx, device, job);
            dma_fence_end_signalling(&cx);
        } else if flush {
            item(&cx, device).await;
            let wait = cx.with(|state| {
                let device = &mut state.devices[device];
                device.flushes.done += 1;
                device.signaled
            });
            cx.wake_all(wait);
        } else {
            cx.wait(done, Reason::DeviceIdle, Signals::Ignored).await;
        }
    }
}

/// A piece of work: everything that stands between a finished job and its
/// fence, or between a callback and what it waits for.
async fn item(cx: &Cx, device: DeviceId) {
    let (worker, time) = cx.with(|state| {
        let device = &mut state.devices[device];
        let worker = device.setup.worker.clone().expect("invariant: only such devices have one");
        let time = worker.time.draw(&mut device.worker_time);
        (worker, time)
    });
    for &lock in &worker.locks {
        cx.lock(lock, Hold::Exclusive, Reason::NamedLock).await;
    }
    if let Some((gfp, order)) = worker.alloc {
        // Without memory it signals all the same: the error is the job's.
        alloc_and_free(cx, gfp, order, 1).await;
    }
    cx.cpu(time).await;
    for &lock in worker.locks.iter().rev() {
        cx.unlock(lock);
    }
}
