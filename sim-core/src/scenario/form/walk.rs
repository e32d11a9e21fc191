//! The walk over a parsed text that makes the form: a section for each table and item, a field for
//! all that the description has for it, and what its lists can get. Leaves out changes of the text.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::super::fields::{quoted, sample};
use super::super::spec::{
    COST_MAX, FILE, Field as Described, Kind, Needed, OPS, STEPS, Table, Value,
};
use super::super::units::{format_size, format_time};
use super::{Field, Input, List, Section};
use crate::base::Nanos;
use crate::kernel::costs::COSTS;
use crate::record::GFP_NAMES;

const TIMES: &[&str] = &["ns", "us", "ms", "s", "min", "h"];
const SIZES: &[&str] = &["KiB", "MiB", "GiB", "TiB"];
const RATES: &[&str] = &["KiB/s", "MiB/s", "GiB/s"];
const SHARES: &[&str] = &["%", "MiB", "GiB"];
/// Whether a list or a table begins here.
pub(super) fn is_opened(typed: &str) -> bool {
    typed.trim_start().starts_with(['[', '{'])
}

/// Where a section is.
pub(super) struct Spot {
    pub(super) path: String,
    pub(super) depth: usize,
    pub(super) item: bool,
    pub(super) span: Range<usize>,
}

/// Something that has a name.
struct Named {
    /// The list that it is in.
    list: &'static str,
    name: String,
    /// Path of the task or device whose own it is; empty if it is everybody's.
    owner: String,
}

/// The way through a document, and what it has met.
pub(super) struct Walk<'t> {
    text: &'t str,
    /// What fields may refer to.
    names: Vec<Named>,
    pub(super) sections: Vec<Section>,
}

impl<'t> Walk<'t> {
    /// Of a file, whose items' names can be chosen.
    pub(super) fn new(text: &'t str, document: &DeTable<'_>) -> Self {
        Self { names: names(document), ..Self::nameless(text) }
    }

    /// Of a text beside the file.
    pub(super) fn nameless(text: &'t str) -> Self {
        Self { text, names: Vec::new(), sections: Vec::new() }
    }

    /// The section of a table, then those within it.
    pub(super) fn table(
        &mut self,
        table: &DeTable<'_>,
        spec: &'static Table,
        title: String,
        spot: Spot,
    ) {
        let mut section = Section {
            path: spot.path.clone(),
            title,
            doc: spec.doc.trim(),
            depth: spot.depth,
            item: spot.item,
            span: spot.span,
            fields: Vec::new(),
            lists: Vec::new(),
        };
        for field in spec.fields {
            let path = joined(&spot.path, field.name);
            let value = table.get(field.name);
            if let Some(list) = self.list_of(field, &path, value) {
                section.lists.push(list);
            }
            if is_simple(&field.kind, value) {
                section.fields.push(self.field(field, path, value));
            }
        }
        self.sections.push(section);
        for field in spec.fields {
            if let Some(value) = table.get(field.name) {
                self.below(field, value, &joined(&spot.path, field.name), spot.depth + 1);
            }
        }
    }

    /// The sections within a field.
    fn below(&mut self, field: &'static Described, value: &Value<'_>, path: &str, depth: usize) {
        let span = value.span();
        let spot = |path: String, item, span| Spot { path, depth, item, span };
        match (&field.kind, value.get_ref()) {
            (Kind::Costs, DeValue::Table(table)) => self.costs(table, path, depth, span),
            (kind, DeValue::Table(table)) => {
                if let Some(spec) = table_of(kind) {
                    self.table(
                        table,
                        spec,
                        field.name.to_owned(),
                        spot(path.to_owned(), false, span),
                    );
                }
            }
            (Kind::Tables(spec, _), DeValue::Array(items)) => {
                for (index, item) in items.iter().enumerate() {
                    let DeValue::Table(table) = item.get_ref() else { continue };
                    let name = table.get("name").or_else(|| table.get("at"));
                    let name = name.and_then(|name| name.get_ref().as_str()).unwrap_or_default();
                    let title = format!("{} {name}", field.name);
                    let spot = spot(format!("{path}.{index}"), true, item.span());
                    self.table(table, spec, title.trim().to_owned(), spot);
                }
            }
            (kind @ (Kind::Program | Kind::KernelProgram | Kind::Steps), DeValue::Array(items)) => {
                let specs = if matches!(kind, Kind::Steps) { STEPS } else { OPS };
                for (index, item) in items.iter().enumerate() {
                    let DeValue::Table(table) = item.get_ref() else { continue };
                    let is = |spec: &&'static Table| {
                        spec.fields.first().is_some_and(|first| table.contains_key(first.name))
                    };
                    let Some(spec) = specs.iter().find(is) else { continue };
                    let title = format!("{} {}: {}", field.name, index + 1, spec.name);
                    let spot = spot(format!("{path}.{index}"), true, item.span());
                    self.table(table, spec, title, spot);
                }
            }
            _ => {}
        }
    }

    fn costs(&mut self, table: &DeTable<'_>, path: &str, depth: usize, span: Range<usize>) {
        let field = |&(name, default, doc): &(&'static str, u64, &'static str)| {
            let value = table.get(name);
            let most = format!(
                "at most {}; by default {}",
                format_time(COST_MAX),
                format_time(Nanos(default))
            );
            Field {
                path: joined(path, name),
                name,
                doc: doc.trim(),
                needed: false,
                input: Input::Quantity(TIMES, most),
                sample: quoted(&format_time(Nanos(default))),
                value: value.map(|value| shown(self.text, value)),
                span: value.map(toml::Spanned::span),
            }
        };
        let fields = COSTS.iter().map(field).collect();
        self.sections.push(Section {
            path: path.to_owned(),
            title: "cost".to_owned(),
            doc: "Costs that differ from the defaults.",
            depth,
            item: false,
            span,
            fields,
            lists: Vec::new(),
        });
    }

    fn field(&self, field: &'static Described, path: String, value: Option<&Value<'_>>) -> Field {
        // What is written in another way than the field takes is shown as it is.
        let input = match value.map(toml::Spanned::get_ref) {
            Some(DeValue::Array(_) | DeValue::Table(_))
                if !matches!(field.kind, Kind::Distribution(_)) =>
            {
                Input::Toml
            }
            // A list or table whose end is still to be typed.
            Some(DeValue::String(typed)) if is_opened(typed) => match self.input(&field.kind) {
                input @ (Input::Text(_) | Input::Distribution) => input,
                _ => Input::Toml,
            },
            _ => self.input(&field.kind),
        };
        Field {
            path,
            name: field.name,
            doc: field.doc.trim(),
            needed: field.needed == Needed::Must,
            sample: sample(field.name, &field.kind),
            value: value.map(|value| shown(self.text, value)),
            input,
            span: value.map(toml::Spanned::span),
        }
    }

    fn input(&self, kind: &Kind) -> Input {
        match kind {
            Kind::Text(most) => Input::Text(*most),
            Kind::Name => Input::Text(32),
            Kind::Ref | Kind::Refs(_) => {
                Input::Named(self.names.iter().map(|it| it.name.clone()).collect())
            }
            Kind::OneOf(known) => Input::OneOf(known.to_vec()),
            Kind::Registered(known) => Input::OneOf(known()),
            Kind::Integer(least, most) => Input::Integer(*least, *most),
            Kind::IntegerOf(known) => Input::IntegerOf(known),
            Kind::Boolean | Kind::True => Input::Boolean,
            Kind::Time(least, most) => {
                Input::Quantity(TIMES, format!("{} to {}", format_time(*least), format_time(*most)))
            }
            Kind::Size(least, most) => {
                Input::Quantity(SIZES, format!("{} to {}", format_size(*least), format_size(*most)))
            }
            Kind::Share => Input::Quantity(SHARES, "a percentage or a size".to_owned()),
            Kind::Rate => Input::Quantity(RATES, "a size per second".to_owned()),
            Kind::Distribution(_) => Input::Distribution,
            Kind::Gfp => {
                Input::Named(GFP_NAMES.iter().map(|(_, name)| (*name).to_owned()).collect())
            }
            Kind::Either(one, other) => match (self.input(one), self.input(other)) {
                (Input::OneOf(words), Input::Named(names)) => {
                    let words = words.into_iter().map(str::to_owned);
                    Input::Named(words.chain(names).collect())
                }
                (Input::Quantity(units, bounds), Input::OneOf(words)) => {
                    Input::Quantity(units, format!("{bounds}, or {}", words.join(", ")))
                }
                (Input::Toml, other) => other,
                (one, _) => one,
            },
            Kind::Costs
            | Kind::Table(_)
            | Kind::Tables(..)
            | Kind::Program
            | Kind::KernelProgram
            | Kind::Steps => Input::Toml,
        }
    }

    /// What more a field can get.
    fn list_of(
        &self,
        field: &'static Described,
        path: &str,
        value: Option<&Value<'_>>,
    ) -> Option<List> {
        let one = |spec: &'static Table| vec![(spec.name, self.template(spec, path))];
        let each = |specs: &'static [Table]| specs.iter().flat_map(one).collect();
        let choices = match &field.kind {
            Kind::Tables(spec, _) => one(spec),
            Kind::Program | Kind::KernelProgram => each(OPS),
            Kind::Steps => each(STEPS),
            Kind::Table(spec) if value.is_none() => one(spec),
            Kind::Costs if value.is_none() => vec![("cost", "{}".to_owned())],
            _ => return None,
        };
        Some(List { path: path.to_owned(), name: field.name, doc: field.doc.trim(), choices })
    }

    /// An inline table with the fields that must be there, to be filled in; what refers to
    /// something refers to the first that there is at `path`, and a name is one that nothing has.
    fn template(&self, spec: &'static Table, path: &str) -> String {
        let is_step = STEPS.iter().any(|step| std::ptr::eq(step, spec));
        let needed = spec.fields.iter().filter(|field| field.needed == Needed::Must);
        let field = |field: &Described| {
            let known = match (&field.kind, field.name) {
                (Kind::Ref, "lock" | "unlock") if is_step => Some("own"),
                (Kind::Ref | Kind::Refs(_), name) => self.first_of(list_meant(name), path),
                _ => None,
            };
            let value = match (known, &field.kind) {
                (Some(known), _) => quoted(known),
                (None, Kind::Name) => quoted(&self.unused(&format!("new-{}", field.name))),
                (None, kind) => sample(field.name, kind),
            };
            format!("{} = {value}", field.name)
        };
        let fields: Vec<String> = needed.map(field).collect();
        if fields.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", fields.join(", ")) }
    }

    /// The sample of a name, with a number if something has it.
    fn unused(&self, sample: &str) -> String {
        let is_used = |name: &String| self.names.iter().any(|it| it.name == *name);
        let numbered = (2..).map(|number| format!("{sample}-{number}"));
        let mut names = std::iter::once(sample.to_owned()).chain(numbered);
        names.find(|name| !is_used(name)).unwrap_or_default()
    }

    /// The first name in a list of the file that what is at `path` may use.
    fn first_of(&self, list: &str, path: &str) -> Option<&str> {
        let is_its = |it: &&Named| it.list == list && path.starts_with(&it.owner);
        self.names.iter().find(is_its).map(|it| it.name.as_str())
    }
}

/// In which list what a field refers to has its name.
fn list_meant(field: &str) -> &'static str {
    match field {
        "munmap" | "madvise" | "touch" | "read" | "write" | "mlock" | "munlock" | "region" => MMAP,
        "register" | "unregister" | "submit" => "device",
        "lock" | "trylock" | "unlock" => "lock",
        "kill" | "process_mrelease" | "task" => "task",
        "thread" => "thread",
        _ => "",
    }
}

/// The operation that names a region.
const MMAP: &str = "mmap";

fn joined(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// Whether a field is one input, and no section or list of its own.
fn is_simple(kind: &Kind, value: Option<&Value<'_>>) -> bool {
    let is_table = matches!(value.map(toml::Spanned::get_ref), Some(DeValue::Table(_)));
    match kind {
        Kind::Costs
        | Kind::Table(_)
        | Kind::Tables(..)
        | Kind::Program
        | Kind::KernelProgram
        | Kind::Steps => false,
        Kind::Either(..) => !(is_table && table_of(kind).is_some()),
        _ => true,
    }
}

fn table_of(kind: &Kind) -> Option<&'static Table> {
    match kind {
        Kind::Table(table) => Some(*table),
        Kind::Either(one, other) => table_of(one).or_else(|| table_of(other)),
        _ => None,
    }
}

/// A value as a form shows it.
fn shown(text: &str, value: &Value<'_>) -> String {
    match value.get_ref() {
        DeValue::String(text) => text.to_string(),
        _ => text.get(value.span()).unwrap_or_default().to_owned(),
    }
}

/// The names that items of the file have, and what is within them.
fn names(document: &DeTable<'_>) -> Vec<Named> {
    let mut names = Vec::new();
    for field in FILE.fields {
        let items = tables(document, field.name);
        for (index, item) in items {
            let owner = format!("{}.{index}.", field.name);
            let mut take = |list, table: &DeTable<'_>, key: &str, owner: &str| {
                let name = table.get(key).and_then(|name| name.get_ref().as_str());
                let owner = owner.to_owned();
                names.extend(name.map(|name| Named { list, name: name.to_owned(), owner }));
            };
            take(field.name, item, "name", "");
            for (_, op) in tables(item, "program") {
                take(MMAP, op, MMAP, &owner);
            }
            for list in ["thread", "ring"] {
                for (_, within) in tables(item, list) {
                    take(list, within, "name", &owner);
                }
            }
        }
    }
    names
}

/// The tables in a list, with their places.
fn tables<'t>(of: &'t DeTable<'_>, list: &str) -> impl Iterator<Item = (usize, &'t DeTable<'t>)> {
    let items = of.get(list).and_then(|value| value.get_ref().as_array());
    let tables = items.into_iter().flat_map(|items| items.iter().enumerate());
    tables.filter_map(|(index, item)| Some((index, item.get_ref().as_table()?)))
}
