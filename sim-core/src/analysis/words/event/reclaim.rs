//! The allocator's slow path, reclaim, kswapd and compaction, in words.

use crate::analysis::words::{count_text, span_text, zone_name};
use crate::base::Nanos;
use crate::record::{Cast, CompactResult, Event, Gfp, ThrottleReason};

pub(super) fn text(cast: &Cast, who: &str, event: &Event) -> Option<String> {
    Some(match *event {
        Event::DirectReclaimBegin { gfp, .. } => {
            format!("{who} begins direct reclaim ({})", Gfp(gfp).text())
        }
        Event::DirectReclaimEnd { reclaimed } => {
            let pages = count_text(reclaimed.into(), "page");
            format!("{who} ends direct reclaim with {pages}")
        }
        Event::ReclaimRetryZone { zone, loops, ok, .. } => {
            let name = zone_name(cast, zone);
            let hope = if ok { "would" } else { "would not" };
            format!(
                "{who} asks whether to retry: {name} {hope} do, {loops} rounds without progress"
            )
        }
        Event::MemstallEnter {} => format!("{who} begins to stall on memory"),
        Event::MemstallLeave {} => format!("{who} no longer stalls on memory"),
        Event::AllocFailed { gfp, .. } => {
            format!("{who} gets no page ({})", Gfp(gfp).text())
        }
        Event::AllocBegin { order, gfp, memalloc } => {
            let with = if memalloc { ", with PF_MEMALLOC" } else { "" };
            format!("{who} asks for memory of order {order} ({}{with})", Gfp(gfp).text())
        }
        Event::AllocServed { order, gfp } => {
            format!(
                "{who} asks for memory of order {order} ({}) and has it at once",
                Gfp(gfp).text()
            )
        }
        Event::AllocDone { ok: true } => format!("{who} leaves the slow path with its memory"),
        Event::AllocDone { ok: false } => format!("{who} leaves the slow path with nothing"),
        Event::WakeupKswapd { order, .. } => {
            format!("{who} asks kswapd for memory of order {order}")
        }
        Event::KswapdWake { order } => {
            format!("{who} wakes to free memory of order {order}")
        }
        Event::KswapdSleep {} => format!("{who} goes to sleep: there is enough"),
        Event::KswapdBalanced { reclaimed, failures: 0 } => {
            format!("{who} reclaimed {}", count_text(reclaimed.into(), "page"))
        }
        Event::KswapdBalanced { reclaimed, failures } => format!(
            "{who} reclaimed {}, the {} in a row in vain",
            count_text(reclaimed.into(), "page"),
            ordinal(failures)
        ),
        Event::Throttled { delayed_us, reason, .. } => {
            let why = match reason {
                ThrottleReason::Writeback => "too much is being written",
                ThrottleReason::Isolated => "too much is isolated",
                ThrottleReason::NoProgress => "nothing could be reclaimed",
                ThrottleReason::Congested => "the node is congested",
            };
            let span = match delayed_us {
                0 => "less than a jiffy".to_owned(),
                us => span_text(Nanos::from_us(us.into())),
            };
            format!("{who} has paused its reclaim for {span}: {why}")
        }
        Event::CompactRetry { result, retries, retry, .. } => {
            let what = if retry { "tries compaction again" } else { "gives compaction up" };
            format!("{who} {what} after it {} (retry {retries})", compaction(result))
        }
        Event::CompactionBegin { order, zone } => {
            format!("{who} compacts {} for a block of order {order}", zone_name(cast, zone))
        }
        Event::CompactionEnd { zone, result, .. } => {
            format!("compaction of {} by {who} {}", zone_name(cast, zone), compaction(result))
        }
        Event::PagefaultRetry {} => {
            format!("{who} repeats a page fault that got no page")
        }
        _ => return None,
    })
}

fn compaction(result: CompactResult) -> &'static str {
    match result {
        CompactResult::Skipped => "was not tried: too little is free",
        CompactResult::Deferred => "was put off: it failed lately",
        CompactResult::Complete => "found no block",
        CompactResult::Success => "made a block",
    }
}

/// `1st`, `2nd`, `11th`.
fn ordinal(number: u8) -> String {
    let ending = match (number % 100, number % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}
