//! Signals, forks, exits and fences.

use std::fmt::{self, Write as _};

use super::{comm, pid};
use crate::base::DeviceId;
use crate::export::state::State;
use crate::record::{Event, Record};

/// Codes of signals from the kernel and from `kill(2)` (include/uapi/asm-generic/siginfo.h).
const SI_KERNEL: u32 = 128;
const SI_USER: u32 = 0;

pub(super) fn write(
    out: &mut String,
    state: &State<'_>,
    record: &Record,
) -> Result<bool, fmt::Error> {
    match record.event {
        Event::SignalGenerate { target } => write!(
            out,
            "signal_generate: sig=9 errno=0 code={} comm={} pid={} grp=1 res=0",
            if state.is_oom_kill(record) { SI_KERNEL } else { SI_USER },
            comm(state, target),
            pid(state, target),
        )?,
        Event::SignalDeliver {} => {
            out.push_str("signal_deliver: sig=9 errno=0 code=0 sa_handler=0 sa_flags=0");
        }
        Event::Forked { child, .. } => write!(
            out,
            "sched_process_fork: comm={} pid={} child_comm={} child_pid={}",
            comm(state, record.task),
            pid(state, record.task),
            comm(state, child),
            pid(state, child),
        )?,
        Event::ProcessExit { group_dead } => {
            let (comm, pid) = (comm(state, record.task), pid(state, record.task));
            write!(out, "sched_process_exit: comm={comm} pid={pid} prio=120")?;
            if state.cast.wording.traces_exit_first {
                write!(out, " group_dead={group_dead}")?;
            }
        }
        Event::ExitMmapDone { mm } if state.cast.wording.traces_exit_mmap => {
            // %p prints a hash of the tree's address, 32 bits wide.
            let tree = mm.0.wrapping_add(1).wrapping_mul(0x9e37_79b1);
            write!(out, "exit_mmap: mt_mod {tree:016x}, DESTROY")?;
        }
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

fn write_fence(
    out: &mut String,
    name: &str,
    state: &State<'_>,
    device: DeviceId,
    seqno: u32,
) -> fmt::Result {
    let info = state.cast.devices.get(device);
    let (driver, timeline) =
        info.map_or(("", ""), |info| (info.driver.as_str(), info.name.as_str()));
    let context = if info.is_some() { device.0 } else { 0 };
    write!(out, "{name}: driver={driver} timeline={timeline} context={context} seqno={seqno}")
}
