//! `[machine]`: zones and watermarks from `ram`, or zones as given.
//!
//! Zones are those of x86-64 without NUMA: DMA, DMA32 and Normal.
//! Movable and device zones, NUMA nodes and `watermark_boost` are left out.

use std::collections::BTreeMap;

use super::checked::{COSTS, Machine, Zone};
use super::error::Report;
use super::spec::{Fields, MACHINE, Value, ZONE};
use super::units::PAGE_SIZE;
use crate::base::Nanos;
use toml::de::DeValue;

/// Memory below this is zone DMA: 16 MiB, `MAX_DMA_PFN`.
const DMA_END: u64 = 16 << 20;
/// Memory up to this lies below 4 GiB; the rest of that is PCI's. Where
/// firmware puts the hole varies: 3 GiB is common.
const DMA32_END: u64 = 3 << 30;
/// Managed pages of zone DMA: its first MiB and the memory map are gone.
const DMA_MANAGED: u64 = 3840;
/// A `struct page` is 64 bytes: 1 page in 64 describes the others.
const PAGES_PER_MAP_PAGE: u64 = 64;
/// `sysctl_lowmem_reserve_ratio` of DMA and DMA32, mm/page_alloc.c.
const RESERVE_RATIO: u64 = 256;
/// Bounds of `min_free_kbytes`, mm/page_alloc.c.
const MIN_FREE_KB: (u64, u64) = (128, 262_144);
/// Least and most RAM, in bytes: below, zones and watermarks make no
/// sense; above, runs only get longer.
const RAM: (u64, u64) = (32 << 20, 1 << 40);
/// Most pages of a zone: 16 TiB.
const ZONE_PAGES_MAX: u64 = 1 << 32;
/// Longest `uptime` (a year) and cost.
const UPTIME_MAX: Nanos = Nanos::from_secs(31_536_000);
const COST_MAX: Nanos = Nanos::from_secs(60);

/// Reads `[machine]`; all of it has defaults.
pub(super) fn machine(report: &mut Report<'_>, fields: Option<&Fields<'_>>) -> Machine {
    let get = |key| fields.and_then(|fields| fields.get(key));
    let mut machine = Machine {
        zones: Vec::new(),
        cpus: 4,
        hz: 250,
        timer_wheel: false,
        uptime: Nanos::ZERO,
        costs: BTreeMap::new(),
    };
    if let Some(cpus) = get("cpus").and_then(|v| report.count(v, 1..=64)) {
        machine.cpus = u32::try_from(cpus).unwrap_or(1);
    }
    if let Some(value) = get("hz") {
        let hz = report.count(value, 1..=1000).and_then(|hz| u32::try_from(hz).ok());
        match hz {
            Some(hz @ (100 | 250 | 300 | 1000)) => machine.hz = hz,
            Some(_) => report.add(&value.span(), "unusual HZ", "expected 100, 250, 300 or 1000"),
            None => {}
        }
    }
    if let Some(truth) = get("timer_wheel").and_then(|v| report.boolean(v)) {
        machine.timer_wheel = truth;
    }
    if let Some(time) = get("uptime").and_then(|v| report.time(v, UPTIME_MAX)) {
        machine.uptime = time;
    }
    if let Some(value) = get("cost") {
        costs(report, value, &mut machine.costs);
    }
    machine.zones = match (get("zone"), get("ram")) {
        (Some(zones), None) => given_zones(report, zones),
        (Some(_), Some(ram)) => {
            report.add(&ram.span(), "ram and zones", "expected either `ram` or `zone`, not both");
            Vec::new()
        }
        (None, _) => derived_zones(report, fields),
    };
    if let (Some(_), Some(used)) = (get("zone"), get("used").or_else(|| get("page_cache"))) {
        report.add(&used.span(), "used with zones", "expected `free` in each zone instead");
    }
    machine
}

/// Opens `[machine]`.
pub(super) fn open<'t>(report: &mut Report<'_>, value: &'t Value<'t>) -> Option<Fields<'t>> {
    Fields::from_value(report, value, MACHINE)
}

fn costs(report: &mut Report<'_>, value: &Value<'_>, costs: &mut BTreeMap<String, Nanos>) {
    let DeValue::Table(table) = value.get_ref() else {
        report.add(&value.span(), "wrong type", "expected a table of name = time");
        return;
    };
    for (key, value) in table {
        let name: &str = key.get_ref();
        if COSTS.iter().any(|(known, ..)| *known == name) {
            if let Some(time) = report.time(value, COST_MAX) {
                costs.insert(name.to_owned(), time);
            }
        } else {
            report.add_unknown(&key.span(), "unknown cost", name, COSTS.iter().map(|c| c.0));
        }
    }
}

/// Zones of a machine with so much RAM.
fn derived_zones(report: &mut Report<'_>, fields: Option<&Fields<'_>>) -> Vec<Zone> {
    let get = |key| fields.and_then(|fields| fields.get(key));
    let ram = get("ram").and_then(|v| report.size(v, RAM.0..=RAM.1)).unwrap_or(4 << 30);
    let mut zones = zones_of(ram);
    let used = get("used").and_then(|v| share(report, v, ram));
    let cache = get("page_cache").and_then(|v| report.size(v, 0..=ram)).unwrap_or(0) / PAGE_SIZE;
    for zone in &mut zones {
        let used =
            used.map_or_else(|| zone.managed * 3 / 100, |bytes| mul_div(zone.managed, bytes, ram));
        zone.free = zone.managed.saturating_sub(used);
    }
    // Page cache fills the highest zone first and stops at its high mark.
    let mut left = cache;
    for zone in zones.iter_mut().rev() {
        zone.page_cache = left.min(zone.free.saturating_sub(zone.high));
        zone.free -= zone.page_cache;
        left -= zone.page_cache;
    }
    if let (Some(value), true) = (get("page_cache"), left > 0) {
        report.add(&value.span(), "too much page cache", "expected what fits above the high marks");
    }
    zones
}

/// A part of the RAM, as a percentage or a size, in bytes.
fn share(report: &mut Report<'_>, value: &Value<'_>, ram: u64) -> Option<u64> {
    if let Some(percent) = value.get_ref().as_str().and_then(|text| text.strip_suffix('%')) {
        let percent = percent.trim().parse::<u64>().ok().filter(|percent| *percent <= 100);
        if percent.is_none() {
            report.add(&value.span(), "not a share", "expected 0% to 100%, or a size");
        }
        return percent.map(|percent| mul_div(ram, percent, 100));
    }
    report.size(value, 0..=ram)
}

/// `a * b / c`, rounded down; all below 2^41.
fn mul_div(a: u64, b: u64, c: u64) -> u64 {
    u64::try_from(u128::from(a) * u128::from(b) / u128::from(c.max(1))).unwrap_or(u64::MAX)
}

/// Zones with nothing in them yet, watermarks and reserves set.
fn zones_of(ram: u64) -> Vec<Zone> {
    let normal = ram.saturating_sub(DMA32_END);
    let dma32 = ram.min(DMA32_END) - DMA_END;
    // Zone DMA's share of the map is in its constant already.
    let managed = |bytes: u64| bytes / PAGE_SIZE - bytes / PAGE_SIZE / PAGES_PER_MAP_PAGE;
    let sizes = [("DMA", DMA_MANAGED), ("DMA32", managed(dma32)), ("Normal", managed(normal))];
    let total: u64 = sizes.iter().map(|(_, managed)| managed).sum();
    // calculate_min_free_kbytes(), __setup_per_zone_wmarks().
    let min_free_kb = (16 * total * 4).isqrt().clamp(MIN_FREE_KB.0, MIN_FREE_KB.1);
    let mut above = total;
    let mut zones = Vec::new();
    for (name, managed) in sizes.into_iter().filter(|(_, managed)| *managed > 0) {
        above -= managed;
        let min = mul_div(min_free_kb / 4, managed, total);
        let step = watermark_step(min, managed);
        zones.push(Zone {
            name: name.to_owned(),
            managed,
            free: managed,
            min,
            low: min + step,
            high: min + 2 * step,
            lowmem_reserve: above / RESERVE_RATIO,
            page_cache: 0,
        });
    }
    zones
}

/// Distance between watermarks: a quarter of `min`, at least 0.1 % of
/// the zone (`watermark_scale_factor` 10).
fn watermark_step(min: u64, managed: u64) -> u64 {
    (min / 4).max(managed / 1000)
}

fn given_zones(report: &mut Report<'_>, value: &Value<'_>) -> Vec<Zone> {
    let mut zones: Vec<Zone> = Vec::new();
    for item in report.array(value, 3) {
        let Some(fields) = Fields::from_value(report, item, ZONE) else {
            continue;
        };
        let Some(zone) = given_zone(report, &fields) else {
            continue;
        };
        let order = ["DMA", "DMA32", "Normal"];
        let place = |name: &str| order.iter().position(|known| *known == name);
        if zones.last().is_some_and(|last| place(&last.name) >= place(&zone.name)) {
            report.add(
                &fields.span,
                "zones out of order",
                "expected DMA, DMA32, Normal, each once",
            );
        }
        zones.push(zone);
    }
    if zones.is_empty() && report.is_clean() {
        report.add(&value.span(), "no zone", "expected at least one");
    }
    zones
}

fn given_zone(report: &mut Report<'_>, fields: &Fields<'_>) -> Option<Zone> {
    let name = fields.require(report, "name");
    let name = name.and_then(|v| report.choice(v, "zone", &["DMA", "DMA32", "Normal"]));
    let managed = fields.require(report, "managed");
    let managed = managed.and_then(|v| report.count(v, 1..=ZONE_PAGES_MAX));
    let min = fields.require(report, "min");
    let min = min.and_then(|v| report.count(v, 0..=ZONE_PAGES_MAX));
    let (name, managed, min) = (name?, managed?, min?);
    let mut pages = |key: &str, default: u64, range: std::ops::RangeInclusive<u64>| {
        fields.get(key).map_or(Some(default), |value| report.count(value, range))
    };
    let step = watermark_step(min, managed);
    let page_cache = pages("page_cache", 0, 0..=managed)?;
    let most = managed - page_cache;
    let free = pages("free", (managed - managed * 3 / 100).min(most), 0..=most)?;
    let low = pages("low", min + step, min..=ZONE_PAGES_MAX)?;
    let high = pages("high", low + step, low..=ZONE_PAGES_MAX)?;
    let lowmem_reserve = pages("reserve", 0, 0..=ZONE_PAGES_MAX)?;
    Some(Zone { name: name.to_owned(), managed, free, min, low, high, lowmem_reserve, page_cache })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The recordings' machine, as state.txt has it. Its kernel computes
    /// marks from a slightly smaller total (1,879 kB instead of 1,891).
    #[test]
    fn watermarks_of_a_small_machine_follow_the_kernel() {
        let zones = zones_of(256 << 20);
        let names: Vec<&str> = zones.iter().map(|zone| zone.name.as_str()).collect();
        assert_eq!(names, ["DMA", "DMA32"]);
        assert_eq!(zones[0].managed, 3840);
        assert_eq!((zones[0].min, zones[0].lowmem_reserve), (30, 236));
        assert_eq!(watermark_step(436, 52_062), 109);
        assert_eq!(watermark_step(32, 3_840), 8);
    }

    /// The worked default of 16 GiB: 16,384 kB, 4,096 pages.
    #[test]
    fn watermarks_of_a_large_machine_scale_with_the_zone() {
        let zones = zones_of(16 << 30);
        assert_eq!(zones.len(), 3);
        let min: u64 = zones.iter().map(|zone| zone.min).sum();
        assert!((4_000..=4_096).contains(&min), "{min}");
        let normal = &zones[2];
        assert_eq!(normal.low - normal.min, normal.managed / 1000);
        assert_eq!(normal.high - normal.low, normal.low - normal.min);
        assert_eq!(normal.lowmem_reserve, 0);
        assert_eq!(zones[1].lowmem_reserve, normal.managed / 256);
    }
}
