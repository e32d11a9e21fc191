//! The events of include/trace/events/vmscan.h and compaction.h, and the
//! retry loops of the allocator (oom.h).

use std::fmt::{self, Write as _};

use super::write_name;
use crate::export::gfp;
use crate::export::state::State;
use crate::record::{CompactResult, Event, Gfp, Record, ThrottleReason};

pub(super) fn write(
    out: &mut String,
    state: &State<'_>,
    record: &Record,
) -> Result<bool, fmt::Error> {
    let wording = &state.cast.wording;
    let flags = |flags| gfp::name(Gfp(flags), wording);
    match record.event {
        Event::DirectReclaimBegin { order, gfp } => {
            let gfp = flags(gfp);
            write!(out, "mm_vmscan_direct_reclaim_begin: order={order} gfp_flags={gfp}")?;
        }
        Event::DirectReclaimEnd { reclaimed } => {
            write!(out, "mm_vmscan_direct_reclaim_end: nr_reclaimed={reclaimed}")?;
        }
        Event::WakeupKswapd { order, gfp } => {
            let gfp = flags(gfp);
            write!(out, "mm_vmscan_wakeup_kswapd: nid=0 order={order} gfp_flags={gfp}")?;
        }
        Event::KswapdWake { order } => write!(out, "mm_vmscan_kswapd_wake: nid=0 order={order}")?,
        Event::KswapdSleep {} => out.push_str("mm_vmscan_kswapd_sleep: nid=0"),
        Event::Throttled { timeout_us, delayed_us, reason } => {
            let reason = match reason {
                ThrottleReason::Writeback => "VMSCAN_THROTTLE_WRITEBACK",
                ThrottleReason::Isolated => "VMSCAN_THROTTLE_ISOLATED",
                ThrottleReason::NoProgress => "VMSCAN_THROTTLE_NOPROGRESS",
                ThrottleReason::Congested => "VMSCAN_THROTTLE_CONGESTED",
            };
            write_name(out, wording.traces_throttling, "mm_vmscan_throttled")?;
            // "usect" is the kernel's.
            write!(
                out,
                "nid=0 usec_timeout={timeout_us} usect_delayed={delayed_us} reason={reason}"
            )?;
        }
        Event::ReclaimRetryZone { zone, reclaimable, loops, ok } => {
            let info = state.cast.zones.get(zone);
            let (name, min) = info.map_or(("", 0), |info| (info.name.as_str(), info.min));
            write_name(out, wording.traces_reclaim_retry, "reclaim_retry_zone")?;
            write!(
                out,
                "node=0 zone={name:<8} order={} reclaimable={reclaimable} available={} \
                 min_wmark={min} no_progress_loops={loops} wmark_check={}",
                state.request(record.task).order,
                state.free(zone).saturating_add(u64::from(reclaimable)),
                u8::from(ok),
            )?;
        }
        _ => return write_compaction(out, state, record),
    }
    Ok(true)
}

/// Compaction. Its scanners are not modeled: they stand at the ends of
/// the zone, whose pages are numbered from the lowest zone's first on.
fn write_compaction(
    out: &mut String,
    state: &State<'_>,
    record: &Record,
) -> Result<bool, fmt::Error> {
    let (name, zone) = match record.event {
        Event::CompactRetry { order, priority, result, retries, max_retries, retry } => {
            write_name(out, state.cast.wording.traces_reclaim_retry, "compact_retry")?;
            write!(
                out,
                "order={order} priority={} compaction_result={} retries={retries} \
                 max_retries={max_retries} should_retry={}",
                compact_priority(priority),
                feedback(result),
                u8::from(retry),
            )?;
            return Ok(true);
        }
        Event::CompactionBegin { zone, .. } => ("mm_compaction_begin", zone),
        Event::CompactionEnd { zone, .. } => ("mm_compaction_end", zone),
        _ => return Ok(false),
    };
    let below = state.cast.zones.iter().take(zone.index());
    let start: u64 = below.map(|(_, info)| info.managed).sum();
    let end = start + state.cast.zones.get(zone).map_or(0, |info| info.managed);
    // The first attempt of a request does not wait for anything; those after reclaim do.
    let mode = if state.has_reclaimed(record.task) { "sync" } else { "async" };
    write!(
        out,
        "{name}: zone_start={start:#x} migrate_pfn={start:#x} free_pfn={end:#x} \
         zone_end={end:#x}, mode={mode}"
    )?;
    if let Event::CompactionEnd { result, .. } = record.event {
        write!(out, " status={}", status(result))?;
    }
    Ok(true)
}

/// `COMPACTION_STATUS` (include/trace/events/mmflags.h).
fn status(result: CompactResult) -> &'static str {
    match result {
        CompactResult::Skipped => "skipped",
        CompactResult::Deferred => "deferred",
        CompactResult::Complete => "complete",
        CompactResult::Success => "success",
    }
}

/// `COMPACTION_FEEDBACK` (include/trace/events/mmflags.h).
/// `COMPACTION_PRIORITY` (include/trace/events/mmflags.h).
fn compact_priority(priority: u8) -> &'static str {
    match priority {
        0 => "COMPACT_PRIO_SYNC_FULL",
        1 => "COMPACT_PRIO_SYNC_LIGHT",
        _ => "COMPACT_PRIO_ASYNC",
    }
}

fn feedback(result: CompactResult) -> &'static str {
    match result {
        CompactResult::Skipped | CompactResult::Deferred => "withdrawn",
        CompactResult::Complete => "failed",
        CompactResult::Success => "progress",
    }
}
