//! The events of include/trace/events/vmscan.h and compaction.h, and the
//! retry loops of the allocator (oom.h).

use crate::base::ZoneId;
use crate::export::gfp;
use crate::export::state::State;
use crate::export::tracepoint::{
    Field,
    Show::{Either, Flags, Gfp as GfpFlags, Hidden, Plain, Symbols},
    Traced, Tracepoint, Type, Value, number,
};
use crate::record::{CompactResult, Event, Gfp, Record, ThrottleReason};

static DIRECT_RECLAIM_BEGIN: Tracepoint = Tracepoint {
    system: "vmscan",
    name: "mm_vmscan_direct_reclaim_begin",
    fields: &[Field(Type::Int, "order", Plain), Field(Type::ULong, "gfp_flags", GfpFlags)],
    print: "order=%d gfp_flags=%s",
};

static DIRECT_RECLAIM_END: Tracepoint = Tracepoint {
    system: "vmscan",
    name: "mm_vmscan_direct_reclaim_end",
    fields: &[Field(Type::ULong, "nr_reclaimed", Plain)],
    print: "nr_reclaimed=%lu",
};

static WAKEUP_KSWAPD: Tracepoint = Tracepoint {
    system: "vmscan",
    name: "mm_vmscan_wakeup_kswapd",
    fields: &[
        Field(Type::Int, "nid", Plain),
        Field(Type::Int, "zid", Hidden),
        Field(Type::Int, "order", Plain),
        Field(Type::ULong, "gfp_flags", GfpFlags),
    ],
    print: "nid=%d order=%d gfp_flags=%s",
};

static KSWAPD_WAKE: Tracepoint = Tracepoint {
    system: "vmscan",
    name: "mm_vmscan_kswapd_wake",
    fields: &[
        Field(Type::Int, "nid", Plain),
        Field(Type::Int, "zid", Hidden),
        Field(Type::Int, "order", Plain),
    ],
    print: "nid=%d order=%d",
};

static KSWAPD_SLEEP: Tracepoint = Tracepoint {
    system: "vmscan",
    name: "mm_vmscan_kswapd_sleep",
    fields: &[Field(Type::Int, "nid", Plain)],
    print: "nid=%d",
};

/// "usect" is the kernel's.
static THROTTLED: Tracepoint = Tracepoint {
    system: "vmscan",
    name: "mm_vmscan_throttled",
    fields: &[
        Field(Type::Int, "nid", Plain),
        Field(Type::Int, "usec_timeout", Plain),
        Field(Type::Int, "usec_delayed", Plain),
        Field(
            Type::Int,
            "reason",
            Flags(&[
                (1, "VMSCAN_THROTTLE_WRITEBACK"),
                (2, "VMSCAN_THROTTLE_ISOLATED"),
                (4, "VMSCAN_THROTTLE_NOPROGRESS"),
                (8, "VMSCAN_THROTTLE_CONGESTED"),
            ]),
        ),
    ],
    print: "nid=%d usec_timeout=%d usect_delayed=%d reason=%s",
};

/// `ZONE_TYPE` (include/trace/events/mmflags.h).
const ZONES: [(i64, &str); 4] = [(0, "DMA"), (1, "DMA32"), (2, "Normal"), (3, "Movable")];

static RECLAIM_RETRY_ZONE: Tracepoint = Tracepoint {
    system: "oom",
    name: "reclaim_retry_zone",
    fields: &[
        Field(Type::Int, "node", Plain),
        Field(Type::Int, "zone_idx", Symbols(&ZONES)),
        Field(Type::Int, "order", Plain),
        Field(Type::ULong, "reclaimable", Plain),
        Field(Type::ULong, "available", Plain),
        Field(Type::ULong, "min_wmark", Plain),
        Field(Type::Int, "no_progress_loops", Plain),
        Field(Type::Bool, "wmark_check", Plain),
    ],
    print: "node=%d zone=%-8s order=%d reclaimable=%lu available=%lu min_wmark=%lu \
            no_progress_loops=%d wmark_check=%d",
};

static COMPACT_RETRY: Tracepoint = Tracepoint {
    system: "oom",
    name: "compact_retry",
    fields: &[
        Field(Type::Int, "order", Plain),
        // COMPACTION_PRIORITY (include/trace/events/mmflags.h).
        Field(
            Type::Int,
            "priority",
            Symbols(&[
                (0, "COMPACT_PRIO_SYNC_FULL"),
                (1, "COMPACT_PRIO_SYNC_LIGHT"),
                (2, "COMPACT_PRIO_ASYNC"),
            ]),
        ),
        // COMPACTION_FEEDBACK, there too.
        Field(Type::Int, "result", Symbols(&[(1, "failed"), (2, "withdrawn"), (3, "progress")])),
        Field(Type::Int, "retries", Plain),
        Field(Type::Int, "max_retries", Plain),
        Field(Type::Bool, "ret", Plain),
    ],
    print: "order=%d priority=%s compaction_result=%s retries=%d max_retries=%d should_retry=%d",
};

const SYNC: Field = Field(Type::Bool, "sync", Either("sync", "async"));

static COMPACTION_BEGIN: Tracepoint = Tracepoint {
    system: "compaction",
    name: "mm_compaction_begin",
    fields: &[
        Field(Type::ULong, "zone_start", Plain),
        Field(Type::ULong, "migrate_pfn", Plain),
        Field(Type::ULong, "free_pfn", Plain),
        Field(Type::ULong, "zone_end", Plain),
        SYNC,
    ],
    print: "zone_start=0x%lx migrate_pfn=0x%lx free_pfn=0x%lx zone_end=0x%lx, mode=%s",
};

static COMPACTION_END: Tracepoint = Tracepoint {
    system: "compaction",
    name: "mm_compaction_end",
    fields: &[
        Field(Type::ULong, "zone_start", Plain),
        Field(Type::ULong, "migrate_pfn", Plain),
        Field(Type::ULong, "free_pfn", Plain),
        Field(Type::ULong, "zone_end", Plain),
        SYNC,
        // COMPACTION_STATUS (include/trace/events/mmflags.h).
        Field(
            Type::Int,
            "status",
            Symbols(&[(1, "skipped"), (2, "deferred"), (5, "complete"), (8, "success")]),
        ),
    ],
    print: "zone_start=0x%lx migrate_pfn=0x%lx free_pfn=0x%lx zone_end=0x%lx, mode=%s status=%s",
};

pub(super) fn tracepoint<'a>(state: &State<'a>, record: &Record) -> Option<Traced<'a>> {
    let wording = &state.cast.wording;
    let flags = |flags| number(gfp::bits(Gfp(flags), wording));
    Some(match record.event {
        Event::DirectReclaimBegin { order, gfp } => {
            Traced::new(&DIRECT_RECLAIM_BEGIN, [number(order), flags(gfp)])
        }
        Event::DirectReclaimEnd { reclaimed } => {
            Traced::new(&DIRECT_RECLAIM_END, [number(reclaimed)])
        }
        Event::WakeupKswapd { order, gfp } => {
            let values = [number(0), highest_zone(state), number(order), flags(gfp)];
            Traced::new(&WAKEUP_KSWAPD, values)
        }
        Event::KswapdWake { order } => {
            Traced::new(&KSWAPD_WAKE, [number(0), highest_zone(state), number(order)])
        }
        Event::KswapdSleep {} => Traced::new(&KSWAPD_SLEEP, [number(0)]),
        Event::Throttled { timeout_us, delayed_us, reason } => {
            let reason = match reason {
                ThrottleReason::Writeback => 1,
                ThrottleReason::Isolated => 2,
                ThrottleReason::NoProgress => 4,
                ThrottleReason::Congested => 8,
            };
            let values = [number(0), number(timeout_us), number(delayed_us), number(reason)];
            Traced::since(wording.traces_throttling, &THROTTLED, values)
        }
        Event::ReclaimRetryZone { zone, reclaimable, loops, ok } => {
            let values = [
                number(0),
                zone_number(state, zone),
                number(state.request(record.task).order),
                number(reclaimable),
                number(state.free(zone).saturating_add(u64::from(reclaimable))),
                number(state.cast.zones.get(zone).map_or(0, |info| info.min)),
                number(loops),
                number(ok),
            ];
            Traced::since(wording.traces_reclaim_retry, &RECLAIM_RETRY_ZONE, values)
        }
        _ => return compaction(state, record),
    })
}

/// The number of a zone's name in the kernel.
fn zone_number<'a>(state: &State<'_>, zone: ZoneId) -> Value<'a> {
    let name = state.cast.zones.get(zone).map_or("", |info| info.name.as_str());
    number(ZONES.iter().find(|(_, known)| *known == name).map_or(-1, |(number, _)| *number))
}

/// The zone up to which kswapd balances: the highest there is.
fn highest_zone<'a>(state: &State<'_>) -> Value<'a> {
    let last = state.cast.zones.iter().last();
    last.map_or(number(0), |(zone, _)| zone_number(state, zone))
}

/// Compaction. Its scanners are not modeled: they stand at the ends of
/// the zone, whose pages are numbered from the lowest zone's first on.
fn compaction<'a>(state: &State<'a>, record: &Record) -> Option<Traced<'a>> {
    let wording = &state.cast.wording;
    let (zone, result) = match record.event {
        Event::CompactRetry { order, priority, result, retries, max_retries, retry } => {
            let feedback = match result {
                CompactResult::Complete => 1,
                CompactResult::Skipped if wording.skipped_compaction_is_progress => 3,
                CompactResult::Skipped | CompactResult::Deferred => 2,
                CompactResult::Success => 3,
            };
            let values = [
                number(order),
                number(priority.min(2)),
                number(feedback),
                number(retries),
                number(max_retries),
                number(retry),
            ];
            return Some(Traced::since(wording.traces_reclaim_retry, &COMPACT_RETRY, values));
        }
        Event::CompactionBegin { zone, .. } => (zone, None),
        Event::CompactionEnd { zone, result, .. } => (zone, Some(result)),
        _ => return None,
    };
    let below = state.cast.zones.iter().take(zone.index());
    let start: u64 = below.map(|(_, info)| info.managed).sum();
    let end = start + state.cast.zones.get(zone).map_or(0, |info| info.managed);
    // The first attempt of a request does not wait for anything; those after reclaim do.
    let is_sync = number(state.has_reclaimed(record.task));
    let [start, end] = [start, end].map(number);
    let [migrate, free] = [start.clone(), end.clone()];
    Some(match result {
        None => Traced::new(&COMPACTION_BEGIN, [start, migrate, free, end, is_sync]),
        Some(result) => {
            let status = match result {
                CompactResult::Skipped => 1,
                CompactResult::Deferred => 2,
                CompactResult::Complete => 5,
                CompactResult::Success => 8,
            };
            let values = [start, migrate, free, end, is_sync, number(status)];
            Traced::new(&COMPACTION_END, values)
        }
    })
}
