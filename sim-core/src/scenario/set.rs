//! Overrides: `path=value` laid over a scenario document before it is
//! checked.
//!
//! A path is dotted; the items of a list are found by their name, or by
//! their position from 0 where they have none. Overrides add nothing to
//! lists. Fields are not checked here: one that doesn't exist is put in
//! place and then refused like any other, at the override's own place.

use std::borrow::Cow;
use std::ops::Range;

use crate::base::sort;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{Report, Source};
use super::spec::FILE;

/// Lays all overrides over the document, in order.
pub(super) fn apply<'s>(report: &mut Report<'_>, source: &'s Source, document: &mut DeTable<'s>) {
    for set in source.sets() {
        let text = source.slice(set.clone());
        // The separator was put there by `Source`; a path holds none, for
        // it was split off at the first.
        let Some((path, value)) = text.split_once('=') else {
            continue;
        };
        let value = parsed(value, set.start + path.len() + 1);
        let mut steps = Vec::new();
        let mut start = set.start;
        for step in path.split('.') {
            let blank = step.len() - step.trim_start().len();
            let from = start + blank;
            steps.push(Spanned::new(from..from + step.trim().len(), step.trim()));
            start += step.len() + 1;
        }
        if steps.iter().any(|step| step.get_ref().is_empty()) {
            report.add(set, "not a path", "expected dotted names, such as task.hog.oom_score_adj");
            continue;
        }
        let mut place = Place::Table(&mut *document);
        put(report, &mut place, &steps, value);
    }
}

/// A value as TOML, or, when it isn't, as the text it is. Its byte
/// ranges count from the start of the whole source.
fn parsed(text: &str, start: usize) -> Spanned<DeValue<'_>> {
    match DeValue::parse(text) {
        Ok(value) => shifted(value, start),
        Err(_) => Spanned::new(start..start + text.len(), DeValue::String(Cow::Borrowed(text))),
    }
}

fn shifted(value: Spanned<DeValue<'_>>, by: usize) -> Spanned<DeValue<'_>> {
    let range = |span: Range<usize>| span.start + by..span.end + by;
    let span = range(value.span());
    let value = match value.into_inner() {
        DeValue::Array(items) => {
            DeValue::Array(items.into_iter().map(|v| shifted(v, by)).collect())
        }
        DeValue::Table(table) => DeValue::Table(
            table
                .into_iter()
                .map(|(key, v)| {
                    let span = range(key.span());
                    (Spanned::new(span, key.into_inner()), shifted(v, by))
                })
                .collect(),
        ),
        other => other,
    };
    Spanned::new(span, value)
}

/// Where a path has led to.
enum Place<'d, 's> {
    Table(&'d mut DeTable<'s>),
    Value(&'d mut Spanned<DeValue<'s>>),
}

/// Follows the path and puts the value at its end.
fn put<'s>(
    report: &mut Report<'_>,
    place: &mut Place<'_, 's>,
    steps: &[Spanned<&'s str>],
    value: Spanned<DeValue<'s>>,
) {
    let table = match place {
        Place::Table(table) => &mut **table,
        Place::Value(found) => {
            let Some((step, rest)) = steps.split_first() else {
                **found = value;
                return;
            };
            match found.get_mut() {
                DeValue::Table(table) => table,
                DeValue::Array(items) => {
                    let Some(index) = item_index(report, items, step) else {
                        return;
                    };
                    if let Some(item) = items.get_mut(index) {
                        put(report, &mut Place::Value(item), rest, value);
                    }
                    return;
                }
                _ => {
                    report.add(&step.span(), "no such path", "what is before it has no parts");
                    return;
                }
            }
        }
    };
    let Some((step, rest)) = steps.split_first() else {
        return;
    };
    let name = *step.get_ref();
    if rest.is_empty() {
        // Removed first, so that the key's range is the override's too.
        table.remove(name);
        table.insert(Spanned::new(step.span(), Cow::Borrowed(name)), value);
        return;
    }
    if !table.contains_key(name) {
        if !TABLES.contains(&name) {
            report.add_unknown(&step.span(), "no such path", name, known(table));
            return;
        }
        let empty = DeValue::Table(DeTable::new());
        let key = Spanned::new(step.span(), Cow::Borrowed(name));
        table.insert(key, Spanned::new(step.span(), empty));
    }
    if let Some(next) = table.get_mut(name) {
        put(report, &mut Place::Value(next), rest, value);
    }
}

/// Tables that an override may bring into being, by their field's name.
const TABLES: [&str; 9] =
    ["machine", "cost", "swap", "disk", "worker", "start", "lognormal", "uniform", "exponential"];

/// What may stand in the place of a step: what is there, and at the top
/// what could be.
fn known<'t>(table: &'t DeTable<'_>) -> Vec<&'t str> {
    let mut names: Vec<&'t str> = table.keys().map(|key| &**key.get_ref()).collect();
    if names.contains(&"schema") {
        for name in FILE.names() {
            names.push(name);
        }
    }
    if names.contains(&"name") {
        names.push("start");
    }
    sort::natural(&mut names);
    names.dedup();
    names
}

/// The item with that name, or at that position.
fn item_index(
    report: &mut Report<'_>,
    items: &[Spanned<DeValue<'_>>],
    step: &Spanned<&str>,
) -> Option<usize> {
    let wanted = *step.get_ref();
    let text_of = |item: &Spanned<DeValue<'_>>, key: &str| match item.get_ref() {
        DeValue::Table(table) => {
            table.get(key).and_then(|v| v.get_ref().as_str().map(str::to_owned))
        }
        _ => None,
    };
    let by_name = items.iter().position(|item| text_of(item, "name").as_deref() == Some(wanted));
    let by_place = wanted.parse::<usize>().ok().filter(|index| *index < items.len());
    let found = by_name.or(by_place);
    if found.is_none() {
        let names: Vec<String> = items.iter().filter_map(|item| text_of(item, "name")).collect();
        if names.is_empty() {
            let expected = format!("expected a position below {}", items.len());
            report.add(&step.span(), "no such item", expected);
        } else {
            let names = names.iter().map(String::as_str);
            report.add_unknown(&step.span(), "no such item", wanted, names);
        }
    }
    found
}
