//! The kernel thread that some drivers need before a fence signals, that
//! their callbacks wait for (the indirect dependency of a callback, kernel-spec
//! 5.5, D3), or that they leave something to.
//!
//! Mirrors no one driver; a submit or completion worker that takes a lock
//! of its driver and allocates, and the one that unpins what a callback must not
//! (drivers/infiniband/hw/hfi1/mmu_rb.c `handle_remove()`, Linux 5.4). A device has one,
//! and each further ring one of its own. What it is given it does in order.

use std::collections::VecDeque;

use super::super::cx::{Cx, NewTask};
use super::super::lockdep::{
    dma_fence_begin_signalling, dma_fence_end_signalling, flushes_workqueue, might_sleep,
    processes_work,
};
use super::pages::{drop_refs_of, mapping};
use super::{signal, wait_for_fences, wait_for_idle};
use crate::base::{DeviceId, NotifierId, RangeId, SimTime};
use crate::engine::{Hold, Signals};
use crate::kernel::kmem::{Request, alloc_and_free};
use crate::record::{Func, Reason, SleepSite, TaskKind};

/// Thread id of workers, which log lines hardly ever show.
const WORKER_PID: u32 = 60;

/// What callbacks have given a worker to do.
#[derive(Default, Debug)]
pub(super) struct WorkQueue {
    /// In order.
    todo: VecDeque<Work>,
    /// How much was ever queued, and done.
    queued: u64,
    done: u64,
}

/// A piece of it.
#[derive(Default, Debug)]
struct Work {
    /// For which ranges; none: not for any of them more than for others.
    ranges: Option<Vec<RangeId>>,
    /// For which mappings of whose ranges; none if it is there only to be waited for.
    mappings: Option<(NotifierId, Vec<(RangeId, u64)>)>,
}

impl WorkQueue {
    /// Its number.
    fn push(&mut self, work: Work) -> u64 {
        self.todo.push_back(work);
        self.queued += 1;
        self.queued
    }
}

/// Gives the worker a piece of work for ranges that a notifier was called for.
pub(super) fn queue(cx: &Cx, device: DeviceId, notifier: NotifierId, ranges: Vec<RangeId>) {
    let done = cx.with(|state| {
        let mappings =
            ranges.iter().map(|&range| (range, mapping(state, notifier, range))).collect();
        let device = &mut state.devices[device];
        let mappings = Some((notifier, mappings));
        device.work_queue.push(Work { ranges: Some(ranges), mappings });
        device.done
    });
    cx.wake_all(done);
}

/// Gives the worker what is to be done once a process's address space, or its registration, goes: a
/// piece of work for each registration of the device.
pub fn queue_all(cx: &Cx, device: DeviceId) {
    let attached: Vec<_> = cx.with(|state| {
        let attached = state.devices[device].attached.iter();
        attached.map(|it| (it.notifier, it.ranges())).collect()
    });
    for (notifier, ranges) in attached {
        queue(cx, device, notifier, ranges);
    }
}

/// How somebody waits for the worker.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Awaits {
    /// `flush_workqueue()`.
    Workqueue,
    /// `wait_for_completion()`, of which lockdep knows nothing.
    Completion,
}

/// Gives the worker a piece of work, for some ranges or for none in particular, and waits
/// until that is done, until `until` at the latest; whether it is.
pub async fn flush(
    cx: &Cx,
    device: DeviceId,
    ranges: Option<Vec<RangeId>>,
    awaits: Awaits,
    until: SimTime,
) -> bool {
    if until <= cx.now() {
        return false;
    }
    let (mine, wait, done) = cx.with(|state| {
        let device = &mut state.devices[device];
        (device.work_queue.push(Work { ranges, mappings: None }), device.signaled, device.done)
    });
    cx.wake_all(done);
    let _in = cx.enter(match awaits {
        Awaits::Workqueue => Func::FlushWorkqueue,
        Awaits::Completion => Func::WaitForCompletion,
    });
    if awaits == Awaits::Workqueue {
        flushes_workqueue(cx, device);
    }
    might_sleep(cx, SleepSite::Completion);
    while cx.with(|state| state.devices[device].work_queue.done) < mine {
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
        let (job, work) = cx.with(|state| {
            let device = &mut state.devices[device];
            let job = device.to_signal.take();
            let work = if job.is_none() { device.work_queue.todo.pop_front() } else { None };
            (job, work)
        });
        if let Some(job) = job {
            processes_work(&cx, device, true);
            dma_fence_begin_signalling(&cx);
            item(&cx, device, &Work::default()).await;
            signal(&cx, device, job);
            dma_fence_end_signalling(&cx);
            processes_work(&cx, device, false);
        } else if let Some(work) = work {
            processes_work(&cx, device, true);
            item(&cx, device, &work).await;
            processes_work(&cx, device, false);
            let wait = cx.with(|state| {
                let device = &mut state.devices[device];
                device.work_queue.done += 1;
                device.signaled
            });
            cx.wake_all(wait);
        } else {
            cx.wait(done, Reason::DeviceIdle, Signals::Ignored).await;
        }
    }
}

/// A piece of work: everything that stands between a finished job and its
/// fence, or between a callback and what it waits for, or what that left to be done.
async fn item(cx: &Cx, device: DeviceId, work: &Work) {
    let (worker, time) = cx.with(|state| {
        let device = &mut state.devices[device];
        let worker = device.setup.worker.clone().expect("invariant: only such devices have one");
        let time = worker.time.draw(&mut device.worker_time);
        (worker, time)
    });
    for &lock in &worker.locks {
        cx.lock(lock, Hold::Exclusive, Reason::NamedLock).await;
    }
    for &of in &worker.fences {
        match (of, &work.ranges) {
            (None, Some(ranges)) => drop(wait_for_fences(cx, device, ranges, SimTime::MAX).await),
            (of, _) => wait_for_idle(cx, of.unwrap_or(device)).await,
        }
    }
    if let Some((gfp, order)) = worker.alloc {
        // Without memory it signals all the same: the error is the job's.
        alloc_and_free(cx, Request::pages(gfp, order), 1).await;
    }
    cx.cpu(time).await;
    if let Some((notifier, mappings)) = work.mappings.as_ref().filter(|_| worker.unpins) {
        for &mapping in mappings {
            drop_refs_of(cx, *notifier, mapping);
        }
    }
    for &lock in worker.locks.iter().rev() {
        cx.unlock(lock);
    }
}
