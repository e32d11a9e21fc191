//! Text of a scenario file to a checked [`Scenario`].
//!
//! Reads the file and its overrides, resolves names between its parts
//! and enforces the limits that keep a run's size in hand. Nothing is
//! simulated, and ids of profiles, policies and drivers are only checked
//! against the list of those there are.

use std::collections::BTreeSet;

use toml::de::DeTable;

use super::checked::{Api, Device, Machine, Refuse, Scenario};
use super::error::{Diagnostic, Report, Source};
use super::names;
use super::program::DELAY_MAX;
use super::spec::{DEVICE, FILE, Fields, TASK};
use super::{machine, set, task};
use crate::base::{Distribution, Nanos, Shape};
use crate::kernel::plugin::ActsOn;

/// Longest text of a file, in bytes.
const TEXT_MAX: usize = 256 << 10;
/// Most overrides, and bytes of one.
const SETS_MAX: usize = 64;
const SET_SIZE_MAX: usize = 4 << 10;
const TASKS_MAX: usize = 500;
const DEVICES_MAX: usize = 64;
/// Characters of `title` and `about`.
const TITLE_MAX: usize = 120;
const ABOUT_MAX: usize = 4_000;
/// Default and longest `horizon`.
const HORIZON: Nanos = Nanos::from_secs(60);
const HORIZON_MAX: Nanos = Nanos::from_secs(3_600);

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
    let source = Source::new(file, if text.len() > TEXT_MAX { "" } else { text }, &short);
    let mut report = Report::new(&source);
    if text.len() > TEXT_MAX {
        report.add(&(0..0), "file too long", format!("expected at most {TEXT_MAX} bytes"));
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
    let fields = Fields::new(report, document, 0..0, FILE);
    let _ = fields.require(report, "schema");
    let title = fields.require(report, "title").and_then(|v| report.line(v, TITLE_MAX));
    let about = fields.get("about").and_then(|v| report.line(v, ABOUT_MAX));
    let kernel = fields.require(report, "kernel");
    let kernel = kernel.and_then(|v| report.choice(v, "kernel profile", &names::profiles()));
    let policy = fields.get("policy").and_then(|v| report.choice(v, "policy", &names::policies()));
    let horizon = fields.get("horizon").and_then(|v| report.time(v, HORIZON_MAX));
    let machine_fields = fields.get("machine").and_then(|v| machine::open(report, v));
    let machine: Machine = machine::machine(report, machine_fields.as_ref());
    let device_items = tables(report, &fields, "device", DEVICE, DEVICES_MAX);
    let device_names = names(report, &device_items);
    let mut devices = Vec::new();
    for (fields, name) in device_items.iter().zip(&device_names) {
        devices.extend(device(report, fields, name));
    }
    let task_items = tables(report, &fields, "task", TASK, TASKS_MAX);
    let task_names = names(report, &task_items);
    if task_items.is_empty() {
        report.add(&(0..0), "no task", "expected at least one [[task]]");
    }
    let mut tasks = Vec::new();
    for (fields, name) in task_items.iter().zip(&task_names) {
        tasks.push(task::task(report, fields, name, &task_names, &device_names));
    }
    task::check_pids(report, &tasks, &task_items);
    task::check_starts(report, &tasks, &task_items);
    Some(Scenario {
        id: id.to_owned(),
        title: title?.to_owned(),
        about: about.unwrap_or_default().trim().to_owned(),
        kernel: kernel?.to_owned(),
        policy: policy.map(str::to_owned),
        horizon: horizon.unwrap_or(HORIZON),
        machine,
        devices,
        tasks,
    })
}

/// The items of a list of tables.
pub(super) fn tables<'t>(
    report: &mut Report<'_>,
    fields: &Fields<'t>,
    key: &str,
    known: &[&str],
    count_max: usize,
) -> Vec<Fields<'t>> {
    let items = fields.get(key).map_or(&[][..], |value| report.array(value, count_max));
    items.iter().filter_map(|item| Fields::from_value(report, item, known)).collect()
}

/// The names of items, which must differ; empty where one has none.
pub(super) fn names(report: &mut Report<'_>, items: &[Fields<'_>]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut names = Vec::new();
    for fields in items {
        let value = fields.require(report, "name");
        let name = value.and_then(|v| report.name(v)).unwrap_or_default();
        if let Some(value) = value
            && !name.is_empty()
            && !seen.insert(name.to_owned())
        {
            report.add(&value.span(), "second", "expected a name that no other has");
        }
        names.push(name.to_owned());
    }
    names
}

fn device(report: &mut Report<'_>, fields: &Fields<'_>, name: &str) -> Option<Device> {
    let driver = fields.require(report, "driver");
    let driver = driver.and_then(|v| report.choice(v, "driver", &names::drivers()))?;
    let api = fields.get("api").and_then(|v| report.choice(v, "api", &["hlist", "interval"]));
    let refuse =
        fields.get("refuse").and_then(|v| report.choice(v, "answer", &["overlap", "when-busy"]));
    let fence = fields.get("fence").and_then(|v| report.distribution(v, DELAY_MAX));
    let sleep = fields.get("sleep").and_then(|v| report.time(v, DELAY_MAX));
    Some(Device {
        name: name.to_owned(),
        driver: driver.to_owned(),
        api: api.map(|api| if api == "hlist" { Api::Hlist } else { Api::Interval }),
        fence: fence.unwrap_or(Distribution::new(Shape::Constant(Nanos::ZERO))),
        sleep: sleep.unwrap_or(Nanos::ZERO),
        refuse: refuse.map(
            |refuse| {
                if refuse == "when-busy" { Refuse::WhenBusy } else { Refuse::Overlap }
            },
        ),
        work: None,
        page_refs: None,
        does_not_block: None,
        vcpus: 1,
        timeout: None,
        gfp: None,
        worker: None,
        acts_on: ActsOn::Any,
    })
}

#[cfg(test)]
mod tests;
