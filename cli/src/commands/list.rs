//! `list`: what there is to choose from.

use std::collections::BTreeMap;

use serde::Serialize;
use sim_core::check::checkers::{self, Selectable};
use sim_core::kernel::plugin::{Driver, Policy};
use sim_core::kernel::switches;
use sim_core::scenario::gallery::{Entry, gallery};
use sim_core::scenario::{Preset, presets};
use sim_core::{driver, policy};

use crate::args::{ListArgs, ListFormat, Listed};
use crate::doc;
use crate::error::Error;
use crate::output;

/// A thing that can be chosen.
#[derive(Serialize)]
struct Item {
    id: String,
    title: String,
    group: String,
    #[serde(flatten)]
    more: BTreeMap<String, String>,
}

/// Lists.
pub(crate) fn run(args: &ListArgs) -> Result<(), Error> {
    let items = items(args.what);
    let text = match args.format {
        ListFormat::Json => json(&items)?,
        ListFormat::Text if matches!(args.what, Listed::Scenarios) => text_in_groups(&items),
        ListFormat::Text => text(&items),
    };
    output::write(&text, None)
}

fn items(what: Listed) -> Vec<Item> {
    match what {
        Listed::Scenarios => gallery().iter().map(scenario).collect(),
        Listed::Policies => policy::ALL.iter().map(|policy| policy_item(*policy)).collect(),
        Listed::Drivers => drivers(),
        Listed::Profiles => switches::PROFILES.iter().map(profile).collect(),
        Listed::Checkers => {
            let item = |checker: &Selectable| plug_in(checker.id, "checkers", checker.doc);
            checkers::ALL.iter().map(item).collect()
        }
    }
}

/// Archetypes, then real drivers.
fn drivers() -> Vec<Item> {
    let archetypes = driver::ALL.iter().map(|driver| driver_item(*driver));
    archetypes.chain(presets().map(preset)).collect()
}

fn preset(preset: Preset) -> Item {
    let mut more = BTreeMap::from([
        ("summary".to_owned(), preset.about.to_owned()),
        ("see".to_owned(), preset.source.to_owned()),
        ("version".to_owned(), preset.version.to_owned()),
    ]);
    more.extend(preset.archetype.map(|id| ("archetype".to_owned(), id.to_owned())));
    let mut title = preset.title.to_owned();
    if !preset.unverified.is_empty() {
        title.push_str(" [U]");
        more.insert("unverified".to_owned(), preset.unverified.to_owned());
    }
    let id = preset.id.to_owned();
    Item { id, title, group: "real drivers".to_owned(), more }
}

fn scenario(entry: &Entry) -> Item {
    Item {
        id: entry.id.to_owned(),
        title: entry.title.to_owned(),
        group: entry.group.name().to_owned(),
        more: BTreeMap::from([("about".to_owned(), entry.about())]),
    }
}

/// Policies that some kernel has had come apart from those that none has.
fn policy_item(policy: &dyn Policy) -> Item {
    let of_kernel = switches::PROFILES.iter().filter(|profile| profile.policy == policy.id());
    let kernels: Vec<_> = of_kernel.map(|profile| profile.id).collect();
    let group = if kernels.is_empty() { "proposed" } else { "in kernels" };
    let mut item = plug_in(policy.id(), group, policy.doc());
    item.more.insert("kernels".to_owned(), kernels.join(" "));
    item
}

/// Drivers that are asked come apart from those that are not.
fn driver_item(driver: &dyn Driver) -> Item {
    let group = if driver.ops().start { "asked before memory goes" } else { "not asked" };
    plug_in(driver.id(), group, driver.doc())
}

fn plug_in(id: &str, group: &str, source: &str) -> Item {
    let doc = doc::read(source);
    Item { id: id.to_owned(), title: doc.title, group: group.to_owned(), more: doc.parts }
}

fn profile(profile: &switches::Switches) -> Item {
    Item {
        id: profile.id.to_owned(),
        title: format!("Linux {}", profile.tree),
        group: "profiles".to_owned(),
        more: BTreeMap::from([
            ("policy".to_owned(), profile.policy.to_owned()),
            ("tree".to_owned(), profile.tree.to_owned()),
        ]),
    }
}

fn json(items: &[Item]) -> Result<String, Error> {
    let mut text = serde_json::to_string_pretty(items)
        .map_err(|error| Error::Io { doing: "writing JSON".to_owned(), error: error.into() })?;
    text.push('\n');
    Ok(text)
}

/// Ids in one column, titles in another.
fn text(items: &[Item]) -> String {
    lines(items, width(items), "")
}

/// The same, each group under its name.
fn text_in_groups(items: &[Item]) -> String {
    let width = width(items);
    let groups = items.chunk_by(|one, next| one.group == next.group);
    let texts: Vec<String> = groups
        .map(|group| {
            let name = group.first().map_or("", |item| &item.group);
            format!("{name}\n{}", lines(group, width, "  "))
        })
        .collect();
    texts.join("\n")
}

fn width(items: &[Item]) -> usize {
    items.iter().map(|item| item.id.chars().count()).max().unwrap_or(0)
}

fn lines(items: &[Item], width: usize, indent: &str) -> String {
    let line = |item: &Item| format!("{indent}{:<width$}  {}\n", item.id, item.title);
    items.iter().map(line).collect::<Vec<_>>().concat()
}
