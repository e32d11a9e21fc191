//! The bodies of real tracepoints, word for word as Linux 6.1 prints
//! them (kernel-spec 1.8, 2.5, 3.6, and the recordings).
//!
//! `prio` is 120 and `uid` 0 throughout: neither is modeled.

use std::fmt::{self, Write as _};

use super::era::Era;
use super::state::State;
use crate::base::{DeviceId, TaskId};
use crate::record::{Event, Record, VictimReport};

/// Kilobytes of a number of pages.
pub(super) fn kb(pages: u64) -> u64 {
    pages.saturating_mul(4)
}

/// The pid of a task; 0, the idle task's, if there is none.
pub(super) fn pid(state: &State<'_>, task: TaskId) -> u32 {
    state.cast.tasks.get(task).map_or(0, |info| info.pid)
}

/// The comm of a task.
pub(super) fn comm<'a>(state: &State<'a>, task: TaskId) -> &'a str {
    state.cast.tasks.get(task).map_or("<...>", |info| info.comm.as_str())
}

/// Writes `name: args` if the record is a tracepoint of the kernel's,
/// and says whether it is.
pub(super) fn write_tracepoint(
    out: &mut String,
    era: Era,
    state: &State<'_>,
    record: &Record,
) -> Result<bool, fmt::Error> {
    Ok(write_reclaim(out, state, record)?
        || write_victim(out, era, state, record)?
        || write_life(out, state, record)?)
}

/// vmscan and the retry loop of the allocator.
fn write_reclaim(out: &mut String, state: &State<'_>, record: &Record) -> Result<bool, fmt::Error> {
    match record.event {
        Event::DirectReclaimBegin { order, gfp } => {
            let gfp = crate::record::Gfp(gfp).text();
            write!(out, "mm_vmscan_direct_reclaim_begin: order={order} gfp_flags={gfp}")?;
        }
        Event::DirectReclaimEnd { reclaimed } => {
            write!(out, "mm_vmscan_direct_reclaim_end: nr_reclaimed={reclaimed}")?;
        }
        Event::ReclaimRetryZone { zone, reclaimable, loops, ok } => {
            let info = state.cast.zones.get(zone);
            let (name, min) = info.map_or(("", 0), |info| (info.name.as_str(), info.min));
            write!(
                out,
                "reclaim_retry_zone: node=0 zone={name:<8} order={} reclaimable={reclaimable} \
                 available={} min_wmark={min} no_progress_loops={loops} wmark_check={}",
                state.request(record.task).order,
                state.free(zone).saturating_add(u64::from(reclaimable)),
                u8::from(ok),
            )?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// The oom events.
fn write_victim(
    out: &mut String,
    era: Era,
    state: &State<'_>,
    record: &Record,
) -> Result<bool, fmt::Error> {
    let (name, victim) = match record.event {
        Event::MarkVictim { victim, .. } => ("mark_victim", victim),
        Event::WakeReaper { victim } => ("wake_reaper", victim),
        Event::StartTaskReaping { victim } => ("start_task_reaping", victim),
        Event::SkipTaskReaping { victim } => ("skip_task_reaping", victim),
        Event::FinishTaskReaping { victim, .. } => ("finish_task_reaping", victim),
        _ => return Ok(false),
    };
    write!(out, "{name}: pid={}", pid(state, victim))?;
    if let Event::MarkVictim { report, .. } = record.event
        && let Some(report) = state.cast.reports.get(report)
        && era.marks_with_sizes()
    {
        write_sizes(out, comm(state, victim), report)?;
    }
    Ok(true)
}

/// Signals, exits and fences.
fn write_life(out: &mut String, state: &State<'_>, record: &Record) -> Result<bool, fmt::Error> {
    match record.event {
        Event::SignalGenerate { target } => write!(
            out,
            "signal_generate: sig=9 errno=0 code=128 comm={} pid={} grp=1 res=0",
            comm(state, target),
            pid(state, target),
        )?,
        Event::SignalDeliver {} => {
            out.push_str("signal_deliver: sig=9 errno=0 code=0 sa_handler=0 sa_flags=0");
        }
        Event::ProcessExit {} => write!(
            out,
            "sched_process_exit: comm={} pid={} prio=120",
            comm(state, record.task),
            pid(state, record.task),
        )?,
        Event::JobSubmitted { device, fence } => {
            write_fence(out, "dma_fence_emit", state, device, fence.0)?;
        }
        Event::FenceSignaled { fence } => {
            let device = state.cast.devices.iter().find(|(_, info)| info.task == Some(record.task));
            let device = device.map_or(DeviceId(u32::MAX), |(id, _)| id);
            write_fence(out, "dma_fence_signaled", state, device, fence.0)?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// The mixed `=` and `:` are the kernel's.
fn write_sizes(out: &mut String, comm: &str, report: &VictimReport) -> fmt::Result {
    write!(
        out,
        " comm={comm} total-vm={}kB anon-rss={}kB file-rss:{}kB shmem-rss:{}kB uid=0 \
         pgtables={}kB oom_score_adj={}",
        kb(report.total_vm),
        kb(report.anon),
        kb(report.file),
        kb(report.shmem),
        report.pgtables_bytes / 1024,
        report.oom_score_adj,
    )
}

fn write_fence(
    out: &mut String,
    name: &str,
    state: &State<'_>,
    device: DeviceId,
    seqno: u32,
) -> fmt::Result {
    let info = state.cast.devices.get(device);
    let (driver, timeline) = info.map_or(("", ""), |info| (info.driver, info.name.as_str()));
    let context = if info.is_some() { device.0 } else { 0 };
    write!(out, "{name}: driver={driver} timeline={timeline} context={context} seqno={seqno}")
}
