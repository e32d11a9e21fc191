//! Leaves parts of a scenario out: items of lists and fields of tables,
//! those that hold more before those inside them.

use std::collections::BTreeMap;

use sim_core::experiment::minimal;
use toml_edit::{DocumentMut, Item, Value};

/// A step into a document.
#[derive(Clone, Eq, PartialEq, Ord, PartialOrd, Debug)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

/// Where something is.
pub(super) type Path = Vec<Step>;

/// Leaves out what can be, level by level.
pub(super) fn parts(document: &mut DocumentMut, holds: &mut dyn FnMut(&DocumentMut) -> bool) {
    let mut depth = 1;
    loop {
        let all = paths(document);
        if all.iter().all(|path| path.len() < depth) {
            return;
        }
        let level: Vec<Path> = all.into_iter().filter(|path| path.len() == depth).collect();
        let kept = minimal(level.clone(), |kept| holds(&without(document, &level, kept)));
        *document = without(document, &level, &kept);
        depth += 1;
    }
}

/// Leaves out all operations of a kind at once: each of them may be
/// needed only because of the others.
pub(super) fn kinds(document: &mut DocumentMut, holds: &mut dyn FnMut(&DocumentMut) -> bool) {
    let mut names: BTreeMap<String, Vec<Path>> = BTreeMap::new();
    for path in paths(document) {
        if let [.., Step::Index(_), Step::Key(name)] = path.as_slice()
            && path.len() > 3
        {
            let operation = path[..path.len() - 1].to_vec();
            names.entry(name.clone()).or_default().push(operation);
        }
    }
    for name in names.into_keys() {
        // Anew each time: what was left out has moved the rest.
        let of_kind: Vec<Path> = paths(document)
            .into_iter()
            .filter(|path| {
                matches!(path.as_slice(), [.., Step::Index(_), Step::Key(key)] if *key == name)
                    && path.len() > 3
            })
            .map(|path| path[..path.len() - 1].to_vec())
            .collect();
        let candidate = without(document, &of_kind, &[]);
        if !of_kind.is_empty() && holds(&candidate) {
            *document = candidate;
        }
    }
}

/// Leaves out what has a name together with whatever speaks of it, one name after the other: each
/// alone would leave the other in the air, a thread that nobody starts, say.
pub(super) fn named(document: &mut DocumentMut, holds: &mut dyn FnMut(&DocumentMut) -> bool) {
    let is_name = |path: &Path| matches!(path.as_slice(), [.., Step::Index(_), Step::Key(key)] if key == "name");
    // From the end: those before stay where they are.
    for path in paths(document).into_iter().filter(is_name).rev() {
        let Some(name) = text_at(document, &path) else { continue };
        let table = &path[..path.len() - 1];
        let speaks_of_it = |of: &Path| text_at(document, of).is_some_and(|text| text == name);
        let spoken: Vec<Path> = paths(document)
            .iter()
            .filter(|of| !is_name(of) && speaks_of_it(of))
            .filter_map(|of| {
                let last = of.iter().rposition(|step| matches!(step, Step::Index(_)))?;
                Some(of[..=last].to_vec())
            })
            .collect();
        let all: Vec<Path> =
            paths(document).into_iter().filter(|of| of == table || spoken.contains(of)).collect();
        let candidate = without(document, &all, &[]);
        if !spoken.is_empty() && holds(&candidate) {
            *document = candidate;
        }
    }
}

/// The text at a place, if one is there.
fn text_at(document: &DocumentMut, path: &[Step]) -> Option<String> {
    let item = path.iter().try_fold(document.as_item(), |item, step| match step {
        Step::Key(key) => item.get(key.as_str()),
        Step::Index(index) => item.get(*index),
    })?;
    Some(item.as_str()?.to_owned())
}

/// The document without those of `all` that are not `kept`.
fn without(document: &DocumentMut, all: &[Path], kept: &[Path]) -> DocumentMut {
    let mut document = document.clone();
    // From the end: places before it stay what they are.
    for path in all.iter().rev().filter(|path| !kept.contains(path)) {
        remove(document.as_item_mut(), path);
    }
    document
}

/// Everything that could be left out, in the order of the document.
pub(super) fn paths(document: &DocumentMut) -> Vec<Path> {
    let mut found = Vec::new();
    visit_item(document.as_item(), &mut Vec::new(), &mut found);
    found
}

fn visit_item(item: &Item, path: &mut Path, found: &mut Vec<Path>) {
    match item {
        Item::None => {}
        Item::Value(value) => visit_value(value, path, found),
        Item::Table(table) => {
            for (key, item) in table {
                step(Step::Key(key.to_owned()), path, found, |path, found| {
                    visit_item(item, path, found);
                });
            }
        }
        Item::ArrayOfTables(tables) => {
            for (index, table) in tables.iter().enumerate() {
                step(Step::Index(index), path, found, |path, found| {
                    for (key, item) in table {
                        step(Step::Key(key.to_owned()), path, found, |path, found| {
                            visit_item(item, path, found);
                        });
                    }
                });
            }
        }
    }
}

fn visit_value(value: &Value, path: &mut Path, found: &mut Vec<Path>) {
    match value {
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                step(Step::Index(index), path, found, |path, found| {
                    visit_value(value, path, found);
                });
            }
        }
        Value::InlineTable(table) => {
            for (key, value) in table {
                step(Step::Key(key.to_owned()), path, found, |path, found| {
                    visit_value(value, path, found);
                });
            }
        }
        _ => {}
    }
}

fn step(
    step: Step,
    path: &mut Path,
    found: &mut Vec<Path>,
    visit: impl FnOnce(&mut Path, &mut Vec<Path>),
) {
    path.push(step);
    found.push(path.clone());
    visit(path, found);
    path.pop();
}

fn remove(item: &mut Item, path: &[Step]) {
    let Some((last, way)) = path.split_last() else { return };
    let Some(parent) = find(item, way) else { return };
    match (parent, last) {
        (item, Step::Key(key)) => {
            if let Some(table) = item.as_table_like_mut() {
                table.remove(key);
            }
        }
        (Item::ArrayOfTables(tables), Step::Index(index)) if *index < tables.len() => {
            tables.remove(*index);
        }
        (Item::Value(Value::Array(items)), Step::Index(index)) if *index < items.len() => {
            items.remove(*index);
        }
        _ => {}
    }
}

/// What is at a place.
pub(super) fn find<'d>(item: &'d mut Item, path: &[Step]) -> Option<&'d mut Item> {
    path.iter().try_fold(item, |item, step| match step {
        Step::Key(key) => item.get_mut(key.as_str()),
        Step::Index(index) => item.get_mut(*index),
    })
}
