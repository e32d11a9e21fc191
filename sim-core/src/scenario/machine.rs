//! `[machine]`: zones and watermarks from `ram`, or zones as given; swap,
//! disk, and the sysctls that the model knows.
//!
//! Zones are those of x86-64 without NUMA: DMA, DMA32 and Normal.
//! Movable and device zones, NUMA nodes and `watermark_boost` are left out.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::checked::{Disk, Machine, PanicOnOom, Swap, Zone};
use super::error::Report;
use super::fields::Fields;
use super::units::{PAGE_SIZE, mul_div};
use crate::base::{Distribution, Nanos, Shape};
use crate::kernel::state::{ARM_SMMU_POLL_TIMEOUT, Sysctl};
use crate::kernel::switches::Switches;
use crate::kernel::zone::LOWMEM_RESERVE_RATIO;
use crate::kernel::{Costs, OOM_SKIP_SLEEP};
use crate::record::{MAX_OOM_REAP_RETRIES, OOM_REAP_PAUSE};

/// Memory below this is zone DMA: 16 MiB, `MAX_DMA_PFN`.
const DMA_END: u64 = 16 << 20;
/// Memory up to this lies below 4 GiB; the rest of that is PCI's. Where
/// firmware puts the hole varies: 3 GiB is common.
const DMA32_END: u64 = 3 << 30;
/// Managed pages of zone DMA: its first MiB and the memory map are gone.
const DMA_MANAGED: u64 = 3840;
/// A `struct page` is 64 bytes: 1 page in 64 describes the others.
const PAGES_PER_MAP_PAGE: u64 = 64;
/// Least computed `min_free_kbytes`, mm/page_alloc.c; the most is a switch of the kernel.
const MIN_FREE_KB: u64 = 128;
/// `watermark_scale_factor`, mm/page_alloc.c: 10 of 10,000.
const SCALE_FACTOR: u64 = 10;
/// RAM of a machine that doesn't say.
const RAM: u64 = 4 << 30;
/// Time until a disk begins to move data, and pages per second then: an
/// SSD on SATA (kernel-spec 9.1 has 50 to 200 us for I/O to one).
const LATENCY: Distribution =
    Distribution::new(Shape::Uniform { lo: Nanos::from_us(50), hi: Nanos::from_us(200) });
const SWAP_BANDWIDTH: u64 = (200 << 20) / PAGE_SIZE;
const DISK_BANDWIDTH: u64 = (500 << 20) / PAGE_SIZE;

impl Default for Machine {
    fn default() -> Self {
        let sysctl = Sysctl::default();
        Self {
            zones: Vec::new(),
            computed: None,
            swap: None,
            disk: Disk { latency: LATENCY, bandwidth: DISK_BANDWIDTH },
            cpus: 4,
            hz: 250,
            timer_wheel: false,
            uptime: Nanos::ZERO,
            panic_on_oom: sysctl.panic_on_oom,
            oom_kill_allocating_task: sysctl.oom_kill_allocating_task,
            dirty_background_ratio: sysctl.dirty_background_ratio,
            dirty_ratio: sysctl.dirty_ratio,
            dirty_writeback_interval: sysctl.dirty_writeback_interval,
            dirty_expire_interval: sysctl.dirty_expire_interval,
            hung_task_timeout: Nanos::from_secs(120),
            oom_reaper_delay: None,
            oom_reap_pause: OOM_REAP_PAUSE,
            max_oom_reap_retries: MAX_OOM_REAP_RETRIES,
            oom_skip_sleep: OOM_SKIP_SLEEP,
            iotlb_flush_timeout: ARM_SMMU_POLL_TIMEOUT,
            lock_op_cost: Nanos::ZERO,
            costs: BTreeMap::new(),
        }
    }
}

/// What watermarks are made of.
#[derive(Copy, Clone)]
struct Marks {
    min_free_kbytes: Option<u64>,
    scale_factor: u64,
}

/// Reads `[machine]`; all of it has defaults.
pub(super) fn machine(report: &mut Report<'_>, fields: Option<&Fields<'_>>) -> Machine {
    let mut machine = Machine::default();
    let Some(fields) = fields else {
        machine.computed = Some(SCALE_FACTOR);
        machine.zones = zones_of(RAM, &Marks { min_free_kbytes: None, scale_factor: SCALE_FACTOR });
        take_used(&mut machine.zones, RAM, None);
        return machine;
    };
    set(&mut machine.cpus, fields.number(report, "cpus"));
    set(&mut machine.hz, fields.number(report, "hz"));
    set(&mut machine.timer_wheel, fields.boolean(report, "timer_wheel"));
    set(&mut machine.uptime, fields.time(report, "uptime"));
    set(&mut machine.hung_task_timeout, fields.time(report, "hung_task_timeout"));
    machine.oom_reaper_delay = fields.time(report, "oom_reaper_delay");
    set(&mut machine.oom_reap_pause, fields.time(report, "oom_reap_pause"));
    set(&mut machine.max_oom_reap_retries, fields.number(report, "max_oom_reap_retries"));
    set(&mut machine.oom_skip_sleep, fields.time(report, "oom_skip_sleep"));
    set(&mut machine.iotlb_flush_timeout, fields.time(report, "iotlb_flush_timeout"));
    if let Some(value) = fields.get("cost") {
        machine.costs = report.costs(value);
    }
    machine.lock_op_cost = lock_op_cost(report, fields, &machine.costs);
    let panic_on_oom = fields.integer(report, "panic_on_oom").map(|number| match number {
        0 => PanicOnOom::No,
        1 => PanicOnOom::Unconstrained,
        _ => PanicOnOom::Always,
    });
    set(&mut machine.panic_on_oom, panic_on_oom);
    let kill_allocating = fields.boolean(report, "oom_kill_allocating_task");
    set(&mut machine.oom_kill_allocating_task, kill_allocating);
    set(&mut machine.dirty_background_ratio, fields.number(report, "dirty_background_ratio"));
    set(&mut machine.dirty_ratio, fields.number(report, "dirty_ratio"));
    let [interval, expire] =
        ["dirty_writeback_interval", "dirty_expire_interval"].map(|key| fields.time(report, key));
    set(&mut machine.dirty_writeback_interval, interval);
    set(&mut machine.dirty_expire_interval, expire);
    if let Some(disk) = fields.table(report, "disk") {
        set(&mut machine.disk.latency, disk.distribution(report, "latency"));
        set(&mut machine.disk.bandwidth, disk.rate(report, "bandwidth"));
    }
    if let Some(swap) = fields.table(report, "swap") {
        let pages = swap.size(report, "size").unwrap_or_default() / PAGE_SIZE;
        let latency = swap.distribution(report, "latency").unwrap_or(LATENCY);
        let bandwidth = swap.rate(report, "bandwidth").unwrap_or(SWAP_BANDWIDTH);
        machine.swap = Some(Swap { pages, disk: Disk { latency, bandwidth } });
    }
    let marks = Marks {
        min_free_kbytes: fields.number(report, "min_free_kbytes"),
        scale_factor: fields.number(report, "watermark_scale_factor").unwrap_or(SCALE_FACTOR),
    };
    machine.zones = if fields.get("zone").is_some() {
        given_zones(report, fields, &marks)
    } else {
        machine.computed = marks.min_free_kbytes.is_none().then_some(marks.scale_factor);
        derived_zones(report, fields, &marks)
    };
    inflate(report, fields, &mut machine.zones);
    machine
}

/// What a balloon holds comes out of the free pages, from the highest zone down.
fn inflate(report: &mut Report<'_>, fields: &Fields<'_>, zones: &mut [Zone]) {
    let mut left = fields.size(report, "balloon").unwrap_or(0) / PAGE_SIZE;
    for zone in zones.iter_mut().rev() {
        zone.balloon = left.min(zone.free.saturating_sub(zone.high));
        zone.free -= zone.balloon;
        left -= zone.balloon;
    }
    if left > 0 {
        let expected = "expected what fits above the high marks";
        report.add(&fields.span_of("balloon"), "too large a balloon", expected);
    }
}

/// Sets what was given.
fn set<T>(place: &mut T, given: Option<T>) {
    if let Some(given) = given {
        *place = given;
    }
}

/// Zones of a machine with so much RAM.
fn derived_zones(report: &mut Report<'_>, fields: &Fields<'_>, marks: &Marks) -> Vec<Zone> {
    let ram = fields.size(report, "ram").unwrap_or(RAM);
    let mut zones = zones_of(ram, marks);
    take_used(&mut zones, ram, fields.share(report, "used", ram));
    for key in ["page_cache", "dirty"] {
        // Page cache fills the highest zone first and stops at its high mark.
        let mut left = fields.size(report, key).unwrap_or(0) / PAGE_SIZE;
        for zone in zones.iter_mut().rev() {
            let taken = left.min(zone.free.saturating_sub(zone.high));
            let cache = if key == "dirty" { &mut zone.dirty } else { &mut zone.page_cache };
            *cache += taken;
            zone.free -= taken;
            left -= taken;
        }
        if left > 0 {
            let expected = "expected what fits above the high marks";
            report.add(&fields.span_of(key), "too much page cache", expected);
        }
    }
    zones
}

/// Takes what the kernel uses from the start out of the free pages.
fn take_used(zones: &mut [Zone], ram: u64, used: Option<u64>) {
    for zone in zones {
        let used =
            used.map_or_else(|| zone.managed * 3 / 100, |bytes| mul_div(zone.managed, bytes, ram));
        zone.free = zone.managed.saturating_sub(used);
    }
}

/// Zones with nothing in them yet, watermarks and reserves set.
fn zones_of(ram: u64, marks: &Marks) -> Vec<Zone> {
    let normal = ram.saturating_sub(DMA32_END);
    let dma32 = ram.min(DMA32_END) - DMA_END;
    // Zone DMA's share of the map is in its constant already.
    let managed = |bytes: u64| bytes / PAGE_SIZE - bytes / PAGE_SIZE / PAGES_PER_MAP_PAGE;
    let sizes = [("DMA", DMA_MANAGED), ("DMA32", managed(dma32)), ("Normal", managed(normal))];
    let mut above: u64 = sizes.iter().map(|(_, managed)| managed).sum();
    let mut zones = Vec::new();
    for (name, managed) in sizes.into_iter().filter(|(_, managed)| *managed > 0) {
        above -= managed;
        zones.push(Zone {
            name: name.to_owned(),
            managed,
            free: managed,
            min: 0,
            low: 0,
            high: 0,
            lowmem_reserve: above / LOWMEM_RESERVE_RATIO,
            page_cache: 0,
            dirty: 0,
            balloon: 0,
        });
    }
    setup_per_zone_wmarks(&mut zones, marks, u64::MAX);
    zones
}

/// `calculate_min_free_kbytes()`, unless it is given, and `setup_per_zone_wmarks()`.
fn setup_per_zone_wmarks(zones: &mut [Zone], marks: &Marks, min_free_kbytes_max: u64) {
    let total: u64 = zones.iter().map(|zone| zone.managed).sum();
    let computed = (16 * total * 4).isqrt().max(MIN_FREE_KB).min(min_free_kbytes_max);
    let min_free_kb = marks.min_free_kbytes.unwrap_or(computed);
    for zone in zones {
        zone.min = mul_div(min_free_kb / 4, zone.managed, total);
        let step = watermark_step(zone.min, zone.managed, marks.scale_factor);
        (zone.low, zone.high) = (zone.min + step, zone.min + 2 * step);
    }
}

impl Machine {
    /// The zones, with watermarks as this kernel computes them, unless they are given.
    pub(crate) fn zones_on(&self, switches: &Switches) -> Vec<Zone> {
        let mut zones = self.zones.clone();
        if let Some(scale_factor) = self.computed {
            let marks = Marks { min_free_kbytes: None, scale_factor };
            setup_per_zone_wmarks(&mut zones, &marks, switches.min_free_kbytes_max);
        }
        zones
    }
}

/// Distance between watermarks: a quarter of `min`, at least
/// `watermark_scale_factor` of the zone.
fn watermark_step(min: u64, managed: u64, scale_factor: u64) -> u64 {
    (min / 4).max(mul_div(managed, scale_factor, 10_000))
}

fn given_zones(report: &mut Report<'_>, fields: &Fields<'_>, marks: &Marks) -> Vec<Zone> {
    for (key, instead) in [
        ("ram", "expected either `ram` or `zone`, not both"),
        ("used", "expected `free` in each zone instead"),
        ("page_cache", "expected `page_cache` in each zone instead"),
        ("dirty", "expected `dirty` in each zone instead"),
        ("min_free_kbytes", "expected `min` in each zone instead"),
    ] {
        if fields.get(key).is_some() {
            report.add(&fields.span_of(key), format!("`{key}` beside zones"), instead);
        }
    }
    let mut zones: Vec<Zone> = Vec::new();
    let items = fields.tables(report, "zone");
    for fields in &items {
        let Some(zone) = given_zone(report, fields, marks) else {
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
    if items.is_empty() {
        report.add(&fields.span_of("zone"), "no zone", "expected at least one");
    }
    zones
}

fn given_zone(report: &mut Report<'_>, fields: &Fields<'_>, marks: &Marks) -> Option<Zone> {
    let name = fields.choice(report, "name")?.to_owned();
    let managed = fields.number(report, "managed")?;
    let min = fields.number(report, "min")?;
    let mut pages = |key: &str, default: u64, range: RangeInclusive<u64>| {
        let number = match fields.get(key) {
            Some(_) => fields.number(report, key)?,
            None => default,
        };
        if !range.contains(&number) {
            let expected = format!("expected {} to {} pages", range.start(), range.end());
            report.add(&fields.span_of(key), "out of range", expected);
            return None;
        }
        Some(number)
    };
    let step = watermark_step(min, managed, marks.scale_factor);
    let page_cache = pages("page_cache", 0, 0..=managed)?;
    let dirty = pages("dirty", 0, 0..=managed - page_cache)?;
    let most = managed - page_cache - dirty;
    let free = pages("free", (managed - managed * 3 / 100).min(most), 0..=most)?;
    let low = pages("low", min + step, min..=u64::MAX)?;
    let high = pages("high", low + step, low..=u64::MAX)?;
    let lowmem_reserve = pages("reserve", 0, 0..=u64::MAX)?;
    Some(Zone {
        name,
        managed,
        free,
        min,
        low,
        high,
        lowmem_reserve,
        page_cache,
        dirty,
        balloon: 0,
    })
}

/// `lock_op_cost`: a time, or `"recorded"`: what a mutex costs on a kernel
/// with lock debugging, by the instructions counted on 6.1.192 (1148 for
/// locking and unlocking instead of 42).
fn lock_op_cost(
    report: &mut Report<'_>,
    fields: &Fields<'_>,
    costs: &BTreeMap<String, Nanos>,
) -> Nanos {
    if fields.get("lock_op_cost").and_then(|value| value.get_ref().as_str()) == Some("recorded") {
        return Nanos(Costs::with(costs).lock_op.0 * (1148 - 42) / 42);
    }
    fields.time(report, "lock_op_cost").unwrap_or(Nanos::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARKS: Marks = Marks { min_free_kbytes: None, scale_factor: SCALE_FACTOR };

    /// The recordings' machine, as state.txt has it. Its kernel computes
    /// marks from a slightly smaller total (1,879 kB instead of 1,891).
    #[test]
    fn watermarks_of_a_small_machine_follow_the_kernel() {
        let zones = zones_of(256 << 20, &MARKS);
        let names: Vec<&str> = zones.iter().map(|zone| zone.name.as_str()).collect();
        assert_eq!(names, ["DMA", "DMA32"]);
        assert_eq!(zones[0].managed, 3840);
        assert_eq!((zones[0].min, zones[0].lowmem_reserve), (30, 236));
        assert_eq!(watermark_step(436, 52_062, 10), 109);
        assert_eq!(watermark_step(32, 3_840, 10), 8);
    }

    /// The worked default of 16 GiB: 16,384 kB, 4,096 pages.
    #[test]
    fn watermarks_of_a_large_machine_scale_with_the_zone() {
        let zones = zones_of(16 << 30, &MARKS);
        assert_eq!(zones.len(), 3);
        let min: u64 = zones.iter().map(|zone| zone.min).sum();
        assert!((4_000..=4_096).contains(&min), "{min}");
        let normal = &zones[2];
        assert_eq!(normal.low - normal.min, normal.managed / 1000);
        assert_eq!(normal.high - normal.low, normal.low - normal.min);
        assert_eq!(normal.lowmem_reserve, 0);
        assert_eq!(zones[1].lowmem_reserve, normal.managed / 256);
    }

    /// 64 MiB are kept free at most up to 5.4, later 256 MiB (kernel-spec 1.1).
    #[test]
    fn min_free_is_clamped_as_each_kernel_does() {
        let machine = |marks: &Marks| Machine {
            zones: zones_of(8 << 40, marks),
            computed: marks.min_free_kbytes.is_none().then_some(marks.scale_factor),
            ..Machine::default()
        };
        let kbytes = |marks: &Marks, id| {
            let switches = crate::kernel::switches::find(id).expect("it is a profile");
            let zones = machine(marks).zones_on(switches);
            zones.iter().map(|zone| zone.min * 4).sum::<u64>().next_multiple_of(64)
        };
        assert_eq!(kbytes(&MARKS, "5.4"), 65_536);
        assert_eq!(kbytes(&MARKS, "6.1"), 262_144);
        // sysctl_min_free_kbytes is taken as it is.
        let given = Marks { min_free_kbytes: Some(131_072), ..MARKS };
        assert_eq!(kbytes(&given, "5.4"), 131_072);
        assert_eq!(kbytes(&given, "6.1"), 131_072);
    }
}
