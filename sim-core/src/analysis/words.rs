//! Names, sizes and times in words, for sentences that people read.
//!
//! Not the kernel's own formats: those are the exporters'. Decimal
//! points and units are fixed, since these texts are compared in tests
//! and on several platforms.

mod event;

pub use event::{event_name, event_text};

use std::ops::Range;

use crate::base::{
    CgroupId, DeviceId, LockId, MmId, Nanos, NotifierId, QueueId, RangeId, SimTime, TaskId, ZoneId,
};
use crate::record::{Cast, RangeInfo, Reason};

const US: u64 = 1_000;
const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;

/// `82 ms`, `4.2 ms`, `1.24 s`: two to three digits that count.
pub fn span_text(span: Nanos) -> String {
    let ns = span.0;
    match ns {
        0..US => format!("{ns} ns"),
        US..MS => scaled(ns, US, "µs"),
        MS..SECOND => scaled(ns, MS, "ms"),
        _ => format!("{}.{:02} s", ns / SECOND, ns % SECOND / (SECOND / 100)),
    }
}

fn scaled(ns: u64, unit: u64, name: &str) -> String {
    let (whole, tenth) = (ns / unit, ns % unit / (unit / 10));
    if whole < 10 && tenth > 0 {
        format!("{whole}.{tenth} {name}")
    } else {
        format!("{whole} {name}")
    }
}

/// An instant in milliseconds since the start, to the microsecond: `1132.096 ms`.
pub fn time_text(at: SimTime) -> String {
    format!("{}.{:03} ms", at.0 / MS, at.0 % MS / US)
}

/// Where a sentence tells an instant as [`time_text`] does, and when that is, to the microsecond.
/// No span has three digits behind its point.
pub fn instants(text: &str) -> Vec<(Range<usize>, SimTime)> {
    let unit = " ms";
    let is_part = |letter: char| letter.is_ascii_digit() || letter == '.';
    let read = |end: usize| {
        let start = text[..end]
            .rfind(|letter| !is_part(letter))
            .map_or(0, |before| before + text[before..].chars().next().map_or(1, char::len_utf8));
        let (whole, part) = text[start..end].split_once('.')?;
        let part = part.parse::<u64>().ok().filter(|_| part.len() == 3)?;
        let ns = whole.parse::<u64>().ok()?.checked_mul(MS)?.checked_add(part * US)?;
        Some((start..end + unit.len(), SimTime(ns)))
    };
    text.match_indices(unit).filter_map(|(end, _)| read(end)).collect()
}

/// Pages of 4 KiB as a size: `128 MiB`, `12 KiB`.
pub fn size_text(pages: u64) -> String {
    const PAGES_PER_MIB: u64 = 256;
    const PAGES_PER_GIB: u64 = 256 * 1024;
    match pages {
        0..PAGES_PER_MIB => format!("{} KiB", pages * 4),
        PAGES_PER_MIB..PAGES_PER_GIB => with_tenth(pages, PAGES_PER_MIB, "MiB"),
        _ => with_tenth(pages, PAGES_PER_GIB, "GiB"),
    }
}

fn with_tenth(pages: u64, unit: u64, name: &str) -> String {
    let (whole, tenth) = (pages / unit, pages % unit * 10 / unit);
    if whole < 100 && tenth > 0 {
        format!("{whole}.{tenth} {name}")
    } else {
        format!("{whole} {name}")
    }
}

/// `1 page`, `3 pages`.
pub fn count_text(count: u64, noun: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{ending}")
}

/// `a, b and c`.
pub(super) fn list_text(items: &[String]) -> String {
    match items {
        [] => "nobody".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// As [`list_text`], naming three at most.
pub(super) fn short_list_text(items: &[String]) -> String {
    match items.len().checked_sub(3) {
        None | Some(0) => list_text(items),
        Some(more) => format!("{} and {more} more", items[..3].join(", ")),
    }
}

/// A task's name.
pub fn task_name(cast: &Cast, task: TaskId) -> String {
    match cast.tasks.get(task) {
        Some(info) => info.name.clone(),
        None => format!("task {}", task.0),
    }
}

/// The name of a task that may be unknown.
pub(super) fn maybe_task_name(cast: &Cast, task: Option<TaskId>) -> String {
    task.map_or_else(|| "nobody".to_owned(), |task| task_name(cast, task))
}

/// The name of the process a task belongs to.
pub(super) fn process_name(cast: &Cast, task: TaskId) -> String {
    let leader = cast.tasks.get(task).map_or(task, |info| info.leader);
    task_name(cast, leader)
}

pub(super) fn device_name(cast: &Cast, device: DeviceId) -> String {
    match cast.devices.get(device) {
        Some(info) => info.name.clone(),
        None => format!("device {}", device.0),
    }
}

pub(super) fn notifier_name(cast: &Cast, notifier: NotifierId) -> String {
    match cast.notifiers.get(notifier) {
        Some(info) => device_name(cast, info.device),
        None => format!("notifier {}", notifier.0),
    }
}

pub(super) fn lock_name(cast: &Cast, lock: LockId) -> String {
    match cast.locks.get(lock) {
        Some(info) => info.name.clone(),
        None => format!("lock {}", lock.0),
    }
}

pub(super) fn zone_name(cast: &Cast, zone: ZoneId) -> String {
    match cast.zones.get(zone) {
        Some(info) => info.name.clone(),
        None => format!("zone {}", zone.0),
    }
}

pub(super) fn cgroup_name(cast: &Cast, cgroup: CgroupId) -> String {
    match cast.cgroups.get(cgroup) {
        Some(info) => format!("cgroup {}", info.name),
        None => format!("cgroup {}", cgroup.0),
    }
}

/// `event done`: an event of the scenario, by its wait queue.
pub(super) fn event_title(cast: &Cast, queue: QueueId) -> String {
    match cast.named_events.iter().find(|event| event.queue == queue) {
        Some(event) => format!("event {}", event.name),
        None => Reason::NamedEvent.text().to_owned(),
    }
}

/// The process an address space was made for.
pub(super) fn mm_name(cast: &Cast, mm: MmId) -> String {
    match cast.mms.get(mm) {
        Some(info) => task_name(cast, info.owner),
        None => format!("mm {}", mm.0),
    }
}

/// `hog's buffers`.
pub(super) fn range_name(cast: &Cast, range: RangeId) -> String {
    match cast.ranges.get(range) {
        Some(info) if is_everything(info) => format!("all memory of {}", mm_name(cast, info.mm)),
        Some(info) => format!("{}'s {}", mm_name(cast, info.mm), info.name),
        None => format!("range {}", range.0),
    }
}

/// `hog's buffers [0x7f0000000000–0x7f0002000000)`.
pub(super) fn range_text(cast: &Cast, range: RangeId) -> String {
    match cast.ranges.get(range) {
        Some(info) if !is_everything(info) => {
            format!("{} [{:#x}–{:#x})", range_name(cast, range), info.start, info.end)
        }
        _ => range_name(cast, range),
    }
}

/// The range of an address space's end.
fn is_everything(info: &RangeInfo) -> bool {
    info.start == 0 && info.end == u64::MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_have_the_digits_that_count() {
        let spans = [7, 2_500, 250_000, 4_250_000, 82_999_999, 1_240_000_000, 60_000_000_000];
        assert_eq!(
            spans.map(|ns| span_text(Nanos(ns))),
            ["7 ns", "2.5 µs", "250 µs", "4.2 ms", "82 ms", "1.24 s", "60.00 s"]
        );
        assert_eq!(time_text(SimTime(1_132_096_500)), "1132.096 ms");
        let told = "Ätwas: at 1132.096 ms, 4.2 ms after 0.007 ms; 1.24 s, 82 ms, …3.5.001 ms.";
        let found = instants(told);
        let texts: Vec<_> = found.iter().map(|(range, at)| (&told[range.clone()], at.0)).collect();
        assert_eq!(texts, [("1132.096 ms", 1_132_096_000), ("0.007 ms", 7_000)]);
        let sizes = [0, 3, 256, 32_768, 2_688, 264_192];
        assert_eq!(
            sizes.map(size_text),
            ["0 KiB", "12 KiB", "1 MiB", "128 MiB", "10.5 MiB", "1 GiB"]
        );
        assert_eq!(count_text(1, "page"), "1 page");
        assert_eq!(list_text(&["a".into(), "b".into(), "c".into()]), "a, b and c");
    }
}
