//! Programs: lists of operations, each an inline table such as
//! `{ touch = ["heap"], rate = "60MiB/s" }`.
//!
//! Names of devices, regions and threads become indices here. Whether an
//! operation makes sense where it stands (waiting for a device that
//! never answers, say) is left to the simulation.

use toml::de::{DeTable, DeValue};

use super::checked::Op;
use super::error::Report;
use super::spec::{Fields, OPS, Value};
use super::units::PAGE_SIZE;
use crate::base::Nanos;

/// Most operations of one program.
const OPS_MAX: usize = 200;
/// Most bytes of one region; anything longer only wastes addresses.
pub(super) const REGION_MAX: u64 = 1 << 40;
/// Addresses a process may use: 47 bits, the first 64 KiB left alone
/// (`mmap_min_addr`).
pub(super) const ADDRESS_MIN: u64 = 0x1_0000;
pub(super) const ADDRESS_MAX: u64 = 0x7fff_ffff_f000;
/// Longest single delay in a program.
pub(super) const DELAY_MAX: Nanos = Nanos::from_secs(3_600);
/// Most jobs of one `submit`.
const COUNT_MAX: u64 = 1_000_000_000;
/// Least time between two jobs: below, a run does nothing else.
const EVERY_MIN: Nanos = Nanos::from_us(1);

/// A region as its `mmap` gives it.
pub(super) struct Region {
    pub(super) name: String,
    pub(super) pages: u64,
    /// Where it is, or shall be.
    pub(super) at: Option<u64>,
    pub(super) span: std::ops::Range<usize>,
}

/// The names a program may use.
pub(super) struct Names<'a> {
    pub(super) devices: &'a [String],
    pub(super) regions: &'a [Region],
    pub(super) threads: &'a [String],
}

/// Which program of a task it is.
#[derive(Copy, Clone, Eq, PartialEq)]
pub(super) enum Place {
    /// That of the first thread, which maps regions.
    First,
    /// That of another thread.
    Other,
}

/// Opens the list of operations.
pub(super) fn items<'t>(report: &mut Report<'_>, value: &'t Value<'t>) -> &'t [Value<'t>] {
    report.array(value, OPS_MAX)
}

/// The regions that a program maps, in order.
pub(super) fn regions(report: &mut Report<'_>, items: &[Value<'_>]) -> Vec<Region> {
    let mut regions: Vec<Region> = Vec::new();
    for item in items {
        let DeValue::Table(table) = item.get_ref() else {
            continue;
        };
        let Some(name) = table.get("mmap") else {
            continue;
        };
        let span = name.span();
        // A region that is named badly still counts, so that one mistake
        // doesn't make the others' indices wrong.
        let name = report.name(name).unwrap_or_default().to_owned();
        if !name.is_empty() && regions.iter().any(|region| region.name == name) {
            report.add(&span, "second region", "expected a name that no other region has");
        }
        let size = table.get("size");
        if size.is_none() {
            report.add_missing(&item.span(), "size");
        }
        let size = size.and_then(|size| report.size(size, PAGE_SIZE..=REGION_MAX));
        let pages = size.unwrap_or(PAGE_SIZE) / PAGE_SIZE;
        let at = table.get("at").and_then(|at| address(report, at));
        regions.push(Region { name, pages, at, span });
    }
    regions
}

/// A page-aligned address.
fn address(report: &mut Report<'_>, value: &Value<'_>) -> Option<u64> {
    let at = report.count(value, ADDRESS_MIN..=ADDRESS_MAX)?;
    if !at.is_multiple_of(PAGE_SIZE) {
        report.add(&value.span(), "not page-aligned", "expected a multiple of 0x1000");
        return None;
    }
    Some(at)
}

/// Reads a program. Operations that make no sense are left out, each
/// with a complaint.
pub(super) fn program(
    report: &mut Report<'_>,
    items: &[Value<'_>],
    names: &Names<'_>,
    place: Place,
) -> Vec<Op> {
    let mut mapped = match place {
        Place::First => 0,
        // When another thread gets to run is not known here.
        Place::Other => names.regions.len(),
    };
    let mut ops = Vec::new();
    for item in items {
        let DeValue::Table(table) = item.get_ref() else {
            let example = "expected a table such as { pause = \"60ms\" }";
            report.add(&item.span(), "not an operation", example);
            continue;
        };
        let Some((name, params)) = operation(report, item, table) else {
            continue;
        };
        let known: Vec<&str> = std::iter::once(name).chain(params.iter().copied()).collect();
        let fields = Fields::new(report, table, item.span(), &known);
        let Some(main) = fields.get(name) else {
            continue;
        };
        let started = ops.iter().filter_map(|op| match op {
            Op::Thread { thread } => Some(*thread),
            _ => None,
        });
        let started = started.collect();
        let mut reader = Reader { report: &mut *report, fields: &fields, names, mapped, started };
        let op = match name {
            "thread" if place == Place::Other => {
                let expected = "expected in the task's own program only";
                reader.report.add(&main.span(), "`thread` in a thread", expected);
                None
            }
            "mmap" if place == Place::Other => {
                let expected = "expected in the task's own program only";
                reader.report.add(&main.span(), "`mmap` in a thread", expected);
                None
            }
            "mmap" => {
                let region = names.regions.get(mapped);
                mapped += 1;
                region.map(|r| Op::Mmap { region: r.name.clone(), pages: r.pages, at: r.at })
            }
            _ => reader.operation(name, main),
        };
        ops.extend(op);
    }
    ops
}

/// Which operation a table is: the one whose name is among its keys.
fn operation(
    report: &mut Report<'_>,
    item: &Value<'_>,
    table: &DeTable<'_>,
) -> Option<(&'static str, &'static [&'static str])> {
    let mut found = OPS.iter().filter(|(name, _)| table.contains_key(*name));
    match (found.next(), found.next()) {
        (Some((name, params)), None) => return Some((name, params)),
        (Some(_), Some(_)) => {
            report.add(&item.span(), "two operations in one", "expected a table for each");
        }
        (None, _) => {
            let names = OPS.iter().map(|(name, _)| *name);
            // The first key in the text is the one meant as the name.
            match table.keys().min_by_key(|key| key.span().start) {
                Some(key) => {
                    let name: &str = key.get_ref();
                    report.add_unknown(&key.span(), "unknown operation", name, names);
                }
                None => report.add_unknown(&item.span(), "no operation", "", names),
            }
        }
    }
    None
}

struct Reader<'a, 's, 'r> {
    report: &'r mut Report<'s>,
    fields: &'a Fields<'a>,
    names: &'a Names<'a>,
    /// How many regions are mapped before this operation.
    mapped: usize,
    /// Threads started before this operation.
    started: Vec<usize>,
}

impl Reader<'_, '_, '_> {
    fn operation(&mut self, name: &str, main: &Value<'_>) -> Option<Op> {
        match name {
            "touch" => self.touch(main),
            "register" => self.register(main),
            "submit" => self.submit(main),
            "thread" => {
                let known = self.names.threads.iter().map(String::as_str).collect::<Vec<_>>();
                let thread = self.index(main, "thread", &known)?;
                if self.started.contains(&thread) {
                    self.report.add(&main.span(), "started twice", "expected each thread once");
                    return None;
                }
                Some(Op::Thread { thread })
            }
            "pause" => {
                let time = self.report.distribution(main, DELAY_MAX)?;
                Some(Op::Pause { time })
            }
            "stuck" => Some(Op::Stuck { time: self.report.time(main, DELAY_MAX)? }),
            "ready" => self.report.flag(main).map(|()| Op::Ready),
            "idle" => self.report.flag(main).map(|()| Op::Idle),
            _ => self.report.flag(main).map(|()| Op::Exit),
        }
    }

    fn touch(&mut self, main: &Value<'_>) -> Option<Op> {
        let mut regions = Vec::new();
        if let DeValue::Array(_) = main.get_ref() {
            let items = self.report.array(main, OPS_MAX);
            if items.is_empty() {
                self.report.add(&main.span(), "no region", "expected at least one");
            }
            for item in items {
                regions.push(self.region(item)?);
            }
        } else {
            regions.push(self.region(main)?);
        }
        let rate = match self.fields.get("rate") {
            Some(rate) => Some(self.report.rate(rate)?),
            None => None,
        };
        Some(Op::Touch { regions, rate })
    }

    fn register(&mut self, main: &Value<'_>) -> Option<Op> {
        let device = self.device(main);
        let region = self.fields.require(self.report, "region").and_then(|v| self.region(v));
        let (device, region) = (device?, region?);
        let size = self.names.regions.get(region)?.pages * PAGE_SIZE;
        let mut bytes = |key, range, default| {
            self.fields.get(key).map_or(Some(default), |value| self.report.size(value, range))
        };
        let offset = bytes("offset", 0..=size - PAGE_SIZE, 0)?;
        let length = bytes("length", PAGE_SIZE..=REGION_MAX, size - offset)?;
        let extend = bytes("extend", 0..=REGION_MAX, 0)?;
        Some(Op::Register { device, region, offset, length: length + extend })
    }

    fn submit(&mut self, main: &Value<'_>) -> Option<Op> {
        let device = self.device(main);
        let region = self.fields.require(self.report, "region").and_then(|v| self.region(v));
        let value = self.fields.require(self.report, "every")?;
        let every = self.report.time(value, DELAY_MAX)?;
        if every < EVERY_MIN {
            self.report.add(&value.span(), "too short", "expected at least 1us");
            return None;
        }
        let count = match self.fields.get("count") {
            Some(count) => Some(self.report.count(count, 1..=COUNT_MAX)?),
            None => None,
        };
        Some(Op::Submit { device: device?, region: region?, every, count })
    }

    fn device(&mut self, value: &Value<'_>) -> Option<usize> {
        let known: Vec<&str> = self.names.devices.iter().map(String::as_str).collect();
        self.index(value, "device", &known)
    }

    fn region(&mut self, value: &Value<'_>) -> Option<usize> {
        let known: Vec<&str> = self.names.regions.iter().map(|r| r.name.as_str()).collect();
        let index = self.index(value, "region", &known)?;
        if index >= self.mapped {
            self.report.add(&value.span(), "not mapped yet", "expected its `mmap` before this");
            return None;
        }
        Some(index)
    }

    fn index(&mut self, value: &Value<'_>, what: &str, known: &[&str]) -> Option<usize> {
        let name = self.report.string(value)?.to_owned();
        let found = known.iter().position(|known| *known == name);
        if found.is_none() {
            let problem = format!("unknown {what}");
            self.report.add_unknown(&value.span(), &problem, &name, known.iter().copied());
        }
        found
    }
}
