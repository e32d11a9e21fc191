//! Text of a scenario file to a checked [`Scenario`].
//!
//! Reads the file and its overrides, resolves names between its parts
//! and enforces the limits that keep a run's size in hand. Nothing is
//! simulated, and ids of profiles, policies and drivers are only checked
//! against the list of those there are.

use std::collections::BTreeSet;

use toml::de::DeTable;

use super::checked::{Cgroup, Inject, Injection, Lock, LockKind, Machine, Mapped, Scenario};
use super::error::{Diagnostic, Report, Source};
use super::fields::Fields;
use super::program::{self, FileNames};
use super::spec::FILE;
use super::units::PAGE_SIZE;
use super::{device, driver, machine, set, task, unclosed};
use crate::base::{Nanos, sort};

/// Longest text of a scenario file that is read, in bytes.
pub const TEXT_SIZE_MAX: usize = 256 << 10;
/// Most overrides, and bytes of one.
const SETS_MAX: usize = 64;
const SET_SIZE_MAX: usize = 4 << 10;
/// Default `horizon`.
const HORIZON: Nanos = Nanos::from_secs(60);

/// Reads a scenario from the text of a file named `id` and overrides
/// `(path, value)`, such as `("task.hog.oom_score_adj", "0")`.
///
/// # Errors
/// Everything that is wrong with it, by place.
pub fn parse(id: &str, text: &str, sets: &[(String, String)]) -> Result<Scenario, Vec<Diagnostic>> {
    parse_file(&format!("{id}.toml"), id, text, sets)
}

/// As [`parse`], for a file that complaints call `file`.
///
/// # Errors
/// Everything that is wrong with it, by place.
pub fn parse_file(
    file: &str,
    id: &str,
    text: &str,
    sets: &[(String, String)],
) -> Result<Scenario, Vec<Diagnostic>> {
    let short: Vec<(String, String)> = sets
        .iter()
        .take(SETS_MAX)
        .filter(|(path, value)| path.len() + value.len() <= SET_SIZE_MAX)
        .cloned()
        .collect();
    // A text that is too long isn't even copied.
    let source = Source::new(file, if text.len() > TEXT_SIZE_MAX { "" } else { text }, &short);
    let mut report = Report::new(&source);
    if text.len() > TEXT_SIZE_MAX {
        report.add(&(0..0), "file too long", format!("expected at most {TEXT_SIZE_MAX} bytes"));
        return Err(report.finish());
    }
    if short.len() < sets.len() {
        let expected = format!("expected at most {SETS_MAX} of at most {SET_SIZE_MAX} bytes");
        report.add(&(0..0), "too many or too long overrides", expected);
        return Err(report.finish());
    }
    let (mut document, errors) = DeTable::parse_recoverable(source.file_text());
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        if let Some(open) = unclosed::bracket(source.file_text(), span.start) {
            // All that the parser says from here on comes of that.
            report.add(&open, "not TOML", unclosed::EXPECTED);
            break;
        }
        report.add(&span, "not TOML", error.message());
    }
    if report.is_clean() {
        set::apply(&mut report, &source, document.get_mut());
    }
    if !report.is_clean() {
        return Err(report.finish());
    }
    let scenario = scenario(&mut report, id, document.get_ref());
    match scenario {
        Some(scenario) if report.is_clean() => Ok(scenario),
        _ => Err(report.finish()),
    }
}

fn scenario(report: &mut Report<'_>, id: &str, document: &DeTable<'_>) -> Option<Scenario> {
    if let Some(schema) = document.get("schema")
        && schema.get_ref().as_integer().is_none_or(|number| number.as_str() != "1")
    {
        // A newer file may differ anywhere: its other complaints mislead.
        report.add(&schema.span(), "unknown schema", "this program reads schema 1");
        return None;
    }
    let fields = Fields::new(report, document, 0..0, &FILE);
    let title = fields.line(report, "title");
    let about = fields.line(report, "about");
    let kernel = fields.choice(report, "kernel");
    let policy = fields.choice(report, "policy");
    let horizon = fields.time(report, "horizon").unwrap_or(HORIZON);
    let machine_fields = fields.table(report, "machine");
    let machine: Machine = machine::machine(report, machine_fields.as_ref());
    let [driver_items, device_items, task_items, cgroup_items, lock_items] =
        ["driver", "device", "task", "cgroup", "lock"].map(|key| fields.tables(report, key));
    if task_items.is_empty() {
        report.add(&(0..0), "no task", "expected at least one [[task]]");
    }
    let ring_items: Vec<_> =
        device_items.iter().map(|fields| fields.tables(report, "ring")).collect();
    let mut file = FileNames {
        tasks: names(report, &task_items),
        drivers: names(report, &driver_items),
        devices: names(report, &device_items),
        rings: ring_items.iter().map(|items| names(report, items)).collect(),
        cgroups: names(report, &cgroup_items),
        locks: names(report, &lock_items),
        events: declared(&task_items, "signal"),
        futexes: declared(&task_items, "futex_lock"),
        ..FileNames::default()
    };
    let locks = locks(report, &lock_items, &file);
    file.lock_kinds = locks.iter().map(|lock| lock.kind).collect();
    let cgroups = cgroups(report, &cgroup_items, &file);
    file.cgroups = cgroups.iter().map(|group| group.name.clone()).collect();
    let drivers = driver::drivers(report, &driver_items, &file.drivers, &file);
    let mut devices = Vec::new();
    for (fields, name) in device_items.iter().zip(&file.devices) {
        devices.extend(device::device(report, fields, name, &file, &drivers));
    }
    // A device that was refused has left a gap, but then nobody uses them.
    let owners = devices.clone();
    for (owner, (items, names)) in owners.iter().enumerate().zip(ring_items.iter().zip(&file.rings))
    {
        devices.extend(device::rings(report, items, names, &file, owner));
    }
    file.mapped_on_fault = owners.iter().map(|device| device.mapped == Mapped::OnFault).collect();
    // Who ends a run early, by an override, knows that not everything comes to pass.
    if !report.source.is_set(&fields.span_of("horizon")) {
        file.horizon = Some(horizon);
    }
    let tasks = task::tasks(report, &task_items, &mut file);
    let injections = injections(report, &fields, &file);
    Some(Scenario {
        id: id.to_owned(),
        title: title?.to_owned(),
        about: about.unwrap_or_default().trim().to_owned(),
        kernel: kernel?.to_owned(),
        policy: policy.map(str::to_owned),
        horizon,
        machine,
        devices,
        tasks,
        cgroups,
        locks,
        events: file.events,
        futexes: file.futexes,
        injections,
    })
}

/// The names of items, which must differ; empty where one has none. An unfit one is kept: what
/// mentions it means it.
pub(super) fn names(report: &mut Report<'_>, items: &[Fields<'_>]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut names = Vec::new();
    for fields in items {
        let value = fields.get("name");
        let fits = value.is_some_and(|value| report.name(value).is_some());
        let name = value.and_then(|value| value.get_ref().as_str()).unwrap_or_default();
        if let Some(value) = value
            && fits
            && !seen.insert(name.to_owned())
        {
            report.add(&value.span(), "second use of", "expected a name that no other has");
        }
        names.push(name.to_owned());
    }
    names
}

/// What operations of this name mention, by name: the events that programs signal, the futexes they take.
fn declared(tasks: &[Fields<'_>], operation: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for task in tasks {
        let threads = task.get("thread").and_then(|value| value.get_ref().as_array());
        let threads = threads
            .into_iter()
            .flatten()
            .filter_map(|item| item.get_ref().as_table().and_then(|table| table.get("program")));
        for program in task.get("program").into_iter().chain(threads) {
            program::visit(program, 0, &mut |table, _| {
                let name = table.get(operation).and_then(|value| value.get_ref().as_str());
                if let Some(name) = name
                    && !names.iter().any(|known| known == name)
                {
                    names.push(name.to_owned());
                }
            });
        }
    }
    names
}

fn locks(report: &mut Report<'_>, items: &[Fields<'_>], file: &FileNames) -> Vec<Lock> {
    let mut locks = Vec::new();
    for (fields, name) in items.iter().zip(&file.locks) {
        if name == driver::OWN {
            let expected = "expected another: so drivers call their own lock";
            report.add(&fields.span_of("name"), "unfit name", expected);
        }
        let kind = fields.choice(report, "kind").and_then(LockKind::of_word);
        let kind = kind.unwrap_or(LockKind::Mutex);
        let class = fields.line(report, "class").unwrap_or(name).to_owned();
        locks.push(Lock { name: name.clone(), kind, class });
    }
    locks
}

/// Control groups, parents before their children.
fn cgroups(report: &mut Report<'_>, items: &[Fields<'_>], file: &FileNames) -> Vec<Cgroup> {
    let known: Vec<&str> = file.cgroups.iter().map(String::as_str).collect();
    let mut cgroups = Vec::new();
    for (fields, name) in items.iter().zip(&file.cgroups) {
        let parent = fields.get("parent");
        let parent = parent.and_then(|_| fields.index(report, "parent", "control group", &known));
        let pages = |size: Option<u64>| size.map(|bytes| bytes / PAGE_SIZE);
        cgroups.push(Cgroup {
            name: name.clone(),
            parent,
            limit: pages(fields.size(report, "limit")),
            high: pages(fields.size(report, "high")),
            min: pages(fields.size(report, "min")).unwrap_or(0),
            low: pages(fields.size(report, "low")).unwrap_or(0),
            oom_group: fields.boolean(report, "oom_group").unwrap_or(false),
        });
    }
    let parent = |index: &usize| cgroups.get(*index).and_then(|group: &Cgroup| group.parent);
    let above = |index: usize| std::iter::successors(parent(&index), parent).take(items.len());
    for (index, fields) in items.iter().enumerate() {
        if above(index).any(|above| above == index) {
            let expected = "expected a group that is not inside this one";
            report.add(&fields.span_of("parent"), "inside itself", expected);
        }
    }
    let mut order: Vec<usize> = (0..cgroups.len()).collect();
    sort::by_key(&mut order, |&index| above(index).count());
    let place = |index: usize| order.iter().position(|&other| other == index);
    let moved = |&index: &usize| {
        let group: &Cgroup = &cgroups[index];
        Cgroup { parent: group.parent.and_then(place), ..group.clone() }
    };
    order.iter().map(moved).collect()
}

fn injections(
    report: &mut Report<'_>,
    file_fields: &Fields<'_>,
    file: &FileNames,
) -> Vec<Injection> {
    let tasks: Vec<&str> = file.tasks.iter().map(String::as_str).collect();
    let cgroups: Vec<&str> = file.cgroups.iter().map(String::as_str).collect();
    let mut injections = Vec::new();
    for fields in file_fields.tables(report, "inject") {
        let at = fields.time(report, "at");
        file.in_time(report, at, &fields.span_of("at"));
        let kinds =
            ["kill", "sysrq_f", "limit", "policy", "suspend", "freeze", "thaw", "oom_score_adj"];
        let mut given = kinds.iter().filter(|key| fields.get(key).is_some());
        let (Some(&key), None) = (given.next(), given.next()) else {
            let expected = format!("expected exactly one of {} beside `at`", kinds.join(", "));
            report.add(&fields.span, "what to inject", expected);
            continue;
        };
        let what = match key {
            "kill" => fields.index(report, key, "task", &tasks).map(|task| Inject::Kill { task }),
            "sysrq_f" => fields.flag(report, key).map(|()| Inject::SysrqF),
            "limit" => fields.table(report, key).and_then(|inner| {
                let cgroup = inner.index(report, "cgroup", "control group", &cgroups);
                let is_max = inner.get("size").is_some_and(|v| v.get_ref().as_str() == Some("max"));
                let pages =
                    if is_max { None } else { Some(inner.size(report, "size")? / PAGE_SIZE) };
                Some(Inject::Limit { cgroup: cgroup?, pages })
            }),
            "policy" => fields.choice(report, key).map(|id| Inject::Policy { id }),
            "freeze" => {
                fields.index(report, key, "task", &tasks).map(|task| Inject::Freeze { task })
            }
            "thaw" => fields.index(report, key, "task", &tasks).map(|task| Inject::Thaw { task }),
            "suspend" => fields.time(report, key).map(|time| Inject::Suspend { time }),
            _ => fields.table(report, key).and_then(|inner| {
                let task = inner.index(report, "task", "task", &tasks);
                let value = inner.number(report, "value");
                Some(Inject::OomScoreAdj { task: task?, value: value? })
            }),
        };
        if let (Some(at), Some(what)) = (at, what) {
            injections.push(Injection { at, what });
        }
    }
    injections
}

#[cfg(test)]
mod tests;
