//! Counters: free memory beside its watermarks, what processes have
//! present, page cache, swap, and memory pressure. Sizes are in KiB.

use super::tracks::{Track, Tracks};
use super::writer::{Order, Writer};
use crate::analysis::{Pressure, memory};
use crate::base::SimTime;
use crate::export::json::string;
use crate::record::Run;

/// Averages of pressure are in units of 1/2048 of a percent.
const PERCENT: u64 = 2048;

/// Writes all of them.
pub(super) fn write(writer: &mut Writer, tracks: &Tracks<'_>, run: &Run) {
    let memory = memory(run);
    let track = Tracks::memory();
    for (name, pages) in [("min", memory.min), ("low", memory.low), ("high", memory.high)] {
        let name = format!("watermark {name}");
        // At both ends, so that it is drawn all the way.
        let points = [(SimTime::ZERO, pages), (run.end, pages)];
        pages_over_time(writer, track, &name, &points);
    }
    for (name, points) in [
        ("free", &memory.free),
        ("file pages", &memory.file),
        ("page cache", &memory.cache),
        ("dirty", &memory.dirty),
        ("kernel", &memory.kernel),
        ("pinned by devices", &memory.pinned),
        ("swap used", &memory.swap),
    ] {
        pages_over_time(writer, track, name, points);
    }
    for (mm, points) in &memory.present {
        if let Some(info) = run.cast.mms.get(*mm) {
            let Track { pid, .. } = tracks.of_task(info.owner);
            pages_over_time(writer, Track { pid, tid: pid }, "present", points);
        }
    }
    for (at, pressure) in &memory.pressure {
        let (some, full) = match pressure {
            Pressure::None => (0, 0),
            Pressure::Some => (1, 0),
            Pressure::Full => (1, 1),
        };
        let rest = format!(",\"name\":\"stalled\",\"args\":{{\"some\":{some},\"full\":{full}}}");
        writer.event(*at, Order::Counter, 'C', track, &rest);
    }
    for point in &memory.averages {
        let percent =
            |share: u64| format!("{}.{:02}", share / PERCENT, share % PERCENT * 100 / PERCENT);
        let rest = format!(
            ",\"name\":\"pressure avg10 (%)\",\"args\":{{\"some\":{},\"full\":{}}}",
            percent(point.some[0]),
            percent(point.full[0])
        );
        writer.event(point.at, Order::Counter, 'C', track, &rest);
    }
}

fn pages_over_time(writer: &mut Writer, track: Track, name: &str, points: &[(SimTime, u64)]) {
    let name = string(name);
    for (at, pages) in points {
        let rest = format!(",\"name\":{name},\"args\":{{\"KiB\":{}}}", pages.saturating_mul(4));
        writer.event(*at, Order::Counter, 'C', track, &rest);
    }
}
