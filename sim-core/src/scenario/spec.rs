//! The scenario file as a document: which tables and fields there are.
//!
//! The document is the parsed TOML with the byte range of every key and
//! value, so each complaint has a place, and reading goes on after one.
//! How a value of each kind is read is in [`read`](super::read); what
//! fields mean together, in [`check`](super::check) and its helpers.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::Report;

/// A value and its byte range.
pub(super) type Value<'t> = Spanned<DeValue<'t>>;

/// Fields of the whole file.
pub(super) const FILE: &[&str] =
    &["schema", "title", "about", "kernel", "policy", "horizon", "machine", "device", "task"];
/// Fields of `[machine]`.
pub(super) const MACHINE: &[&str] =
    &["ram", "used", "page_cache", "zone", "cpus", "hz", "timer_wheel", "uptime", "cost"];
/// Fields of `[[machine.zone]]`.
pub(super) const ZONE: &[&str] =
    &["name", "managed", "free", "min", "low", "high", "reserve", "page_cache"];
/// Fields of `[[device]]`.
pub(super) const DEVICE: &[&str] = &["name", "driver", "api", "fence", "sleep", "refuse"];
/// Fields of `[[task]]`.
pub(super) const TASK: &[&str] =
    &["name", "comm", "pid", "oom_score_adj", "start", "preset", "program", "thread"];
/// Fields of a task's `start` when it is a table.
pub(super) const START: &[&str] = &["after", "delay"];
/// Fields of `[[task.thread]]`.
pub(super) const THREAD: &[&str] = &["name", "program"];
/// Operations of a program, each with the fields beside its own.
pub(super) const OPS: &[(&str, &[&str])] = &[
    ("mmap", &["size", "at"]),
    ("touch", &["rate"]),
    ("register", &["region", "offset", "length", "extend"]),
    ("submit", &["region", "every", "count"]),
    ("thread", &[]),
    ("pause", &[]),
    ("stuck", &[]),
    ("ready", &[]),
    ("idle", &[]),
    ("exit", &[]),
];

/// A table whose fields are all known.
pub(super) struct Fields<'t> {
    pub(super) table: &'t DeTable<'t>,
    /// Where to point when a field is missing.
    pub(super) span: Range<usize>,
}

impl<'t> Fields<'t> {
    /// Takes a table and complains about each field that isn't `known`.
    pub(super) fn new(
        report: &mut Report<'_>,
        table: &'t DeTable<'t>,
        span: Range<usize>,
        known: &[&str],
    ) -> Self {
        for key in table.keys() {
            let name: &str = key.get_ref();
            if !known.contains(&name) {
                report.add_unknown(&key.span(), "unknown field", name, known.iter().copied());
            }
        }
        Self { table, span }
    }

    /// Takes a value that is a table.
    pub(super) fn from_value(
        report: &mut Report<'_>,
        value: &'t Value<'t>,
        known: &[&str],
    ) -> Option<Self> {
        let DeValue::Table(table) = value.get_ref() else {
            report.add(&value.span(), "wrong type", "expected a table");
            return None;
        };
        Some(Self::new(report, table, value.span(), known))
    }

    /// The value of a field.
    pub(super) fn get(&self, key: &str) -> Option<&'t Value<'t>> {
        self.table.get(key)
    }

    /// The value of a field that must be there.
    pub(super) fn require(&self, report: &mut Report<'_>, key: &str) -> Option<&'t Value<'t>> {
        let value = self.get(key);
        if value.is_none() {
            report.add_missing(&self.span, key);
        }
        value
    }
}
