//! Makes the numbers of a scenario smaller, and takes chance out of it.

use sim_core::experiment::smallest;
use toml_edit::{DocumentMut, Item, Value};

use super::cut::{Path, Step, find, paths};

/// Puts one of its own times in the place of each distribution: then the
/// seed decides less.
pub(super) fn distributions(
    document: &mut DocumentMut,
    holds: &mut dyn FnMut(&DocumentMut) -> bool,
) {
    for path in paths(document) {
        let shapes = ["uniform", "lognormal", "exponential"];
        let [way @ .., Step::Key(name)] = path.as_slice() else { continue };
        if !shapes.contains(&name.as_str()) {
            continue;
        }
        let Some(item) = find(document.as_item_mut(), &path) else { continue };
        let Some(table) = item.as_table_like() else { continue };
        let times: Vec<String> =
            table.iter().filter_map(|(_, time)| Some(time.as_str()?.to_owned())).collect();
        let with = |time: &String| replaced(document, way, Value::from(time.clone()));
        let found = times.iter().map(with).find(|candidate| holds(candidate));
        if let Some(candidate) = found {
            *document = candidate;
        }
    }
}

/// Makes every number, size and time as small as it may be.
pub(super) fn numbers(document: &mut DocumentMut, holds: &mut dyn FnMut(&DocumentMut) -> bool) {
    for path in paths(document) {
        let Some(item) = find(document.as_item_mut(), &path) else { continue };
        let Some((number, unit)) = number_of(item) else { continue };
        let is_fixed = ["schema", "kernel", "title", "about"];
        if matches!(path.first(), Some(Step::Key(key)) if is_fixed.contains(&key.as_str())) {
            continue;
        }
        let with = |number: u64| replaced(document, &path, value(number, unit.as_deref()));
        let least = smallest(0, number, |number| holds(&with(number)));
        if least < number {
            *document = with(least);
        }
    }
}

/// A number and, if it is text, its unit.
fn number_of(item: &Item) -> Option<(u64, Option<String>)> {
    if let Some(number) = item.as_integer() {
        return Some((u64::try_from(number).ok()?, None));
    }
    let text = item.as_str()?;
    let unit = text.trim_start_matches(|letter: char| letter.is_ascii_digit());
    let number = text.strip_suffix(unit)?.parse().ok()?;
    let is_unit = !unit.is_empty()
        && unit.chars().all(|letter| letter.is_alphabetic() || letter == '/' || letter == '%');
    is_unit.then(|| (number, Some(unit.to_owned())))
}

fn value(number: u64, unit: Option<&str>) -> Value {
    match unit {
        Some(unit) => Value::from(format!("{number}{unit}")),
        None => Value::from(i64::try_from(number).unwrap_or(i64::MAX)),
    }
}

/// The document with another value in one place.
fn replaced(document: &DocumentMut, path: &[Step], value: Value) -> DocumentMut {
    let mut document = document.clone();
    let path: Path = path.to_vec();
    if let Some(item) = find(document.as_item_mut(), &path) {
        let mut value = value;
        if let Some(old) = item.as_value() {
            *value.decor_mut() = old.decor().clone();
        }
        *item = Item::Value(value);
    }
    document
}
