//! Page faults of a device (on-demand paging): a job that runs and finds no
//! memory mapped has a kernel thread of the driver map it.
//!
//! Mirrors drivers/infiniband/hw/mlx5/odp.c: `mlx5_ib_eqe_pf_action()`,
//! `mlx5_ib_mr_rdma_pfault_handler()` and `pagefault_mr()`;
//! drivers/infiniband/core/umem_odp.c: `ib_umem_odp_map_dma_pages()`, Linux 5.4, and
//! `ib_umem_odp_map_dma_and_lock()` of 5.12 and later. The thread is nobody's, so no
//! SIGKILL reaches it; what it maps is the driver's to map ([`mirror`]): `mmap_lock` for
//! reading, the pages, the driver's lock, the sequence number, the steps of `map`. Left
//! out: several such threads, faults on single pages, prefetching.

use std::collections::VecDeque;

use super::super::cx::{Cx, NewTask};
use super::super::exit::mmput;
use super::super::oom_reaper::mmget_not_zero;
use super::super::plugin::Api;
use super::super::state::State;
use super::Job;
use super::mirror::{MapError, is_mapped, registrations, validate, wait_for_end};
use crate::base::{DeviceId, MmId, QueueId, RangeId, SimTime};
use crate::engine::Signals;
use crate::record::{Func, Reason, TaskKind};

/// Thread id of these threads, which log lines hardly ever show.
const FAULTER_PID: u32 = 50;

/// A fault, by the ring whose job met it.
#[derive(Copy, Clone, Debug)]
struct Fault {
    ring: DeviceId,
    mm: MmId,
    range: RangeId,
}

/// Faults of a device and its rings.
#[derive(Debug)]
pub(super) struct Faults {
    /// Raised, and not taken up yet.
    raised: VecDeque<Fault>,
    /// By ring: what came of its last one.
    served: Vec<(DeviceId, Result<(), MapError>)>,
    /// Woken when one is raised.
    arrived: QueueId,
    /// Woken when one has been served.
    done: QueueId,
}

impl Faults {
    pub(super) fn new(new_queue: &impl Fn() -> QueueId) -> Self {
        let (raised, served) = (VecDeque::new(), Vec::new());
        Self { raised, served, arrived: new_queue(), done: new_queue() }
    }
}

impl State {
    /// The faults of a device that maps memory on them.
    fn faults(&mut self, owner: DeviceId) -> &mut Faults {
        let faults = self.devices[owner].faults.as_mut();
        faults.expect("invariant: only devices that map on faults have some")
    }
}

/// Has the memory of a job mapped before it is used, by `until` at the latest; whether
/// it is. While somebody takes it away again, the device faults again.
pub(super) async fn resolve(
    cx: &Cx,
    (owner, ring): (DeviceId, DeviceId),
    job: Job,
    until: SimTime,
) -> bool {
    while !cx.with(|state| is_mapped(state, owner, job.mm, job.range)) {
        let (arrived, done) = cx.with(|state| {
            let faults = state.faults(owner);
            faults.raised.push_back(Fault { ring, mm: job.mm, range: job.range });
            (faults.arrived, faults.done)
        });
        cx.wake_all(arrived);
        let outcome = loop {
            let served = cx.with(|state| {
                let served = &mut state.faults(owner).served;
                let at = served.iter().position(|(by, _)| *by == ring)?;
                Some(served.remove(at).1)
            });
            if let Some(outcome) = served {
                break outcome;
            }
            if until <= cx.now() {
                return false;
            }
            cx.wait_until(done, Reason::PageRequest, until).await;
        };
        if !matches!(outcome, Ok(()) | Err(MapError::Busy)) {
            return false;
        }
    }
    true
}

/// Starts the thread that serves a device's faults.
pub(super) fn spawn(cx: &Cx, owner: DeviceId) {
    let name = cx.with(|state| format!("{}/fault", state.devices[owner].setup.name));
    let comm = format!("kworker/u:{}f", owner.0);
    let pid = FAULTER_PID + owner.0;
    let new = NewTask { name, comm, pid, leader: None, kind: TaskKind::Kthread, oom_score_adj: 0 };
    let task = cx.kernel().spawn(new, |cx| work(cx, owner));
    cx.with(|state| state.tasks[task].wq_worker = true);
    let rings: Vec<_> = cx.with(|state| state.rings(owner).collect());
    cx.kernel().engine.observe(|_, recorder| {
        for ring in rings {
            recorder.cast.devices[ring].faulter = Some(task);
        }
    });
}

#[expect(clippy::infinite_loop, reason = "a kernel thread never ends")]
async fn work(cx: Cx, owner: DeviceId) {
    let _in = cx.enter(Func::PageFaultWorker);
    loop {
        let (fault, arrived, done) = cx.with(|state| {
            let faults = state.faults(owner);
            (faults.raised.pop_front(), faults.arrived, faults.done)
        });
        let Some(fault) = fault else {
            cx.wait(arrived, Reason::DeviceIdle, Signals::Ignored).await;
            continue;
        };
        let outcome = serve(&cx, owner, fault).await;
        cx.with(|state| {
            let served = &mut state.faults(owner).served;
            served.retain(|(ring, _)| *ring != fault.ring);
            served.push((fault.ring, outcome));
        });
        cx.wake_all(done);
    }
}

/// `pagefault_mr()`.
async fn serve(cx: &Cx, owner: DeviceId, fault: Fault) -> Result<(), MapError> {
    let Fault { mm, range, .. } = fault;
    // Who counts invalidations waits for their end before it holds anything of the mm.
    let counting: Vec<_> = cx.with(|state| {
        let through = registrations(state, owner, mm, range).map(|attached| attached.notifier);
        through.filter(|&notifier| state.notifiers[notifier].api == Api::Hlist).collect()
    });
    for notifier in counting {
        wait_for_end(cx, notifier).await?;
    }
    if !mmget_not_zero(cx, mm) {
        return Err(MapError::Fault);
    }
    let outcome = validate(cx, owner, mm, range).await;
    mmput(cx, mm).await;
    outcome
}
